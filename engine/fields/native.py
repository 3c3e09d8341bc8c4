"""The library Axelrod plays itself: its `Tournament`, with one of our strategies among its players."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.fields.axelrod_players import class_name, library
from engine.fields.declared import Field, automaton_of
from engine.fields.judging import Judgement
from engine.fields.opponents import FieldError
from engine.fields.standings import pool
from engine.game import Rules, conditions
from genomes.automaton import Automaton
from genomes.reading import label
from genomes.strategy import StrategyLike


def player_class(automaton: Automaton, name: str) -> Callable[[], Any]:
    """A class of players for the library that plays an automaton of pure moves."""
    if not automaton.deterministic:
        raise FieldError(
            f"strategy: expected pure moves to be played by the library, got {name!r}, which has chance"
        )
    axl = library()
    cooperate, defect = axl.Action.C, axl.Action.D
    plays = [defect if p else cooperate for p in automaton.defect.tolist()]
    leads = automaton.successors.tolist()

    class Automatic(axl.Player):  # type: ignore[misc, name-defined]  # the library has no types
        """A player that follows a table of states."""

        classifier = {  # noqa: RUF012
            "memory_depth": float("inf"),
            "stochastic": False,
            "long_run_time": False,
            "inspects_source": False,
            "manipulates_source": False,
            "manipulates_state": False,
        }

        def __init__(self) -> None:
            super().__init__()
            self.state = 0

        def strategy(self, opponent: Any) -> Any:
            if self.history:
                own, other = self.history[-1] is defect, opponent.history[-1] is defect
                self.state = leads[self.state][2 * own + other]
            return plays[self.state]

    Automatic.name = name
    return Automatic


def judge_natively(
    strategy: StrategyLike,
    field: Field,
    rules: Rules | None = None,
    *,
    repetitions: int = 50,
    seed: int = 0,
    pool_repetitions: int | None = None,
    folder: Path | None = None,
) -> Judgement:
    """As `engine.fields.judging.judge`, the strategy's own matches played by the library's `Tournament`.

    The field among itself is the same as there: it does not depend on the newcomer.
    """
    rules = conditions(rules)
    axl = library()
    places = field.usable
    foreign = [field.opponents[k] for k in places]
    if not all(opponent.entry.split(":")[0] == "axelrod" for opponent in foreign):
        raise FieldError(
            "field: expected the library's strategies alone for the library to play, got others too"
        )
    game = rules.game
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = player_class(automaton_of(strategy, rules), "ours")()
        others = [getattr(axl, class_name(opponent.digest))() for opponent in foreign]
        played = axl.Tournament(
            [ours, *others],
            game=axl.Game(r=game.R, s=game.S, t=game.T, p=game.P),
            turns=rules.turns,
            repetitions=repetitions,
            noise=rules.noise,
            edges=[(0, k + 1) for k in range(len(others))],
            seed=seed,
        ).play(progress_bar=False)
    n = len(others)
    payoffs = np.array([played.payoffs[0][k + 1] for k in range(n)]).T
    conceded = np.array([played.payoffs[k + 1][0] for k in range(n)]).T
    wanted = repetitions if pool_repetitions is None else min(repetitions, pool_repetitions)
    scores = None
    if wanted:
        sums = pool(field, rules, wanted, folder=folder).sum(axis=2)[np.arange(repetitions) % wanted]
        scores = np.concatenate([payoffs.mean(axis=1, keepdims=True), (sums + conceded) / n], axis=1)
    return Judgement(label(strategy), rules, seed, tuple(o.name for o in foreign), payoffs, conceded, scores)
