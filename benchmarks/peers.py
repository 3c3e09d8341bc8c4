"""Peers: the library Axelrod on the same work, where the extra [peers] is installed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.measure import Row, seconds
from benchmarks.tournament import random_genomes
from engine import Rules, round_robin
from engine.pairs.meetings import expected
from evolve import Experiment
from evolve.fitness.round_robin import Evaluation
from genomes import LookupGenome

RULES = Rules(turns=200)

OPPONENTS = {
    "all_c": "Cooperator",
    "all_d": "Defector",
    "tit_for_tat": "TitForTat",
    "spiteful": "Grudger",
    "soft_majo": "GoByMajority",
    "hard_majo": "HardGoByMajority",
    "per_ddc": "CyclerDDC",
    "per_ccd": "CyclerCCD",
    "per_cd": "Alternator",
    "mistrust": "SuspiciousTitForTat",
    "pavlov": "WinStayLoseShift",
    "tf2t": "TitFor2Tats",
    "slow_tft": "SlowTitForTwoTats2",
    "gradual": "OriginalGradual",
    "prober": "Prober",
    "two_tits_for_tat": "TwoTitsForTat",
    "winner12": "Winner12",
}
"""Seventeen strategies that both know: our name and theirs."""


def rows(smoke: bool) -> Iterator[Row]:
    """Matches, and a generation of an evolutionary algorithm; both sides are held to one result first."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import axelrod
    except ImportError:
        yield Row("not measured: pip install -e '.[peers]' (6 GB)", None, None)
        return
    library = f"Axelrod {axelrod.__version__}"
    yield _matches(axelrod, library, smoke)
    yield _generation(axelrod, library, smoke)


def _matches(axelrod: Any, library: str, smoke: bool) -> Row:
    """Memory-3 lookup players, 200 turns, no noise: a match of theirs against one of a round robin of ours."""
    genomes = random_genomes(60 if smoke else 1000, 3)
    pairs = [(genomes[k], genomes[-1 - k]) for k in range(3 if smoke else 30)]

    def theirs() -> None:
        for a, b in pairs:
            axelrod.Match((_player(axelrod, a), _player(axelrod, b)), turns=200).play()

    for a, b in pairs:
        match = axelrod.Match((_player(axelrod, a), _player(axelrod, b)), turns=200)
        match.play()
        _agree(match, expected(a, b, RULES).payoffs)
    slow, quick = seconds(
        theirs, lambda: round_robin(genomes, RULES, matrix=False), repetitions=1 if smoke else 7
    )
    ratio = (slow / len(pairs)) / (quick / (len(genomes) * (len(genomes) - 1) / 2))
    what = f"{library}: a 200-turn match of memory-3 lookup players takes longer"
    return Row(what, ratio, None if smoke else 10_000, at_least=True)


def _generation(axelrod: Any, library: str, smoke: bool) -> Row:
    """The fitness of twenty memory-3 genomes against seventeen opponents."""
    genomes = random_genomes(20, 3)[: 2 if smoke else 20]
    experiment = Experiment(
        population={"size": 20}, selection={"survivors": 10},
        fitness={"opponents": "panel", "panel": list(OPPONENTS)},
    )  # fmt: skip

    def matches(genome: LookupGenome) -> list[Any]:
        played = []
        for name in OPPONENTS.values():
            match = axelrod.Match((_player(axelrod, genome), getattr(axelrod, name)()), turns=200)
            match.play()
            played.append(match)
        return played

    for genome, fitness in zip(genomes, Evaluation(experiment)(genomes).fitness, strict=True):
        played = matches(genome)
        for name, match in zip(OPPONENTS, played, strict=True):
            _agree(match, expected(genome, name, RULES).payoffs)
        if not np.isclose(np.mean([match.final_score_per_turn()[0] for match in played]), fitness):
            raise RuntimeError("the library Axelrod and the engine disagree about a fitness")
    evaluate = Evaluation(experiment)
    fresh = iter(random_genomes(2000, 3))  # nobody is met twice

    def ours() -> None:
        evaluate([next(fresh) for _ in genomes])

    slow, quick = seconds(
        lambda: [matches(genome) for genome in genomes], ours, repetitions=1 if smoke else 7
    )
    return Row(f"{library}: a generation of 20 against 17 opponents takes longer", slow / quick, None)


def _player(axelrod: Any, genome: LookupGenome) -> Any:
    def moves(cooperate: tuple[float, ...]) -> tuple[Any, ...]:
        return tuple(axelrod.Action.C if p == 1 else axelrod.Action.D for p in cooperate)

    plays = import_module("axelrod.strategies.lookerup").Plays(genome.x, genome.y, 0)
    return axelrod.LookerUp(
        pattern=moves(genome.replies), parameters=plays, initial_actions=moves(genome.opening)
    )


def _agree(match: Any, ours: tuple[float, float]) -> None:
    if not np.allclose(match.final_score_per_turn(), ours, rtol=1e-12):
        raise RuntimeError(f"the library Axelrod and the engine disagree: {match.players}, {ours}")
