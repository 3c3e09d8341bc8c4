"""Judging a strategy: it joins a field, everybody meets everybody, and it is ranked as the library Axelrod ranks.

A score is the mean payoff per turn over all other players in one repetition; players are ranked by the median of their
scores over repetitions (`ResultSet` of the library). Self-play does not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.fields.declared import Field, Lanes, automaton_of
from engine.fields.memo import Memo, Play
from engine.fields.scoring import Scores, score
from engine.fields.standings import Spread, pool
from engine.game import Rules, conditions
from engine.tables import Table
from genomes.reading import label
from genomes.strategy import StrategyLike


@dataclass(frozen=True)
class Judgement(Table):
    """A strategy in a field of n opponents.

    `payoffs`, `conceded`: ``(repetitions, n)`` its payoff per turn against each, and theirs against it. `scores`:
    ``(repetitions, n + 1)`` everybody's score, its own first; None where only its own matches were asked for.
    """

    name: str
    rules: Rules
    seed: int
    opponents: tuple[str, ...]
    payoffs: NDArray[np.float64]
    conceded: NDArray[np.float64]
    scores: NDArray[np.float64] | None

    @property
    def repetitions(self) -> int:
        """How often everybody was met."""
        return len(self.payoffs)

    @property
    def mean(self) -> float:
        """Mean payoff per turn over opponents and repetitions."""
        return float(self.payoffs.mean())

    @property
    def error(self) -> float:
        """Its standard error over repetitions; 0 for one repetition."""
        own = self.payoffs.mean(axis=1)
        return float(own.std(ddof=1) / np.sqrt(len(own))) if len(own) > 1 else 0.0

    @property
    def rank(self) -> int | None:
        """Its rank by the median score, 1 the best."""
        if self.scores is None:
            return None
        medians = np.median(self.scores, axis=0)
        return int((medians[1:] > medians[0]).sum()) + 1

    @property
    def median_rank(self) -> float | None:
        """The median over repetitions of its rank in each."""
        if self.scores is None:
            return None
        return float(np.median((self.scores[:, 1:] > self.scores[:, :1]).sum(axis=1) + 1))

    @property
    def wins(self) -> float:
        """Opponents that earned less than it did in their match: the mean over repetitions."""
        return float((self.payoffs > self.conceded).sum(axis=1).mean())

    def best(self, number: int = 10) -> list[tuple[str, float, float]]:
        """The first of the ranking: name, mean and standard error of the score; empty without scores."""
        if self.scores is None:
            return []
        names = (self.name, *self.opponents)
        order = np.argsort(-np.median(self.scores, axis=0), kind="stable")[:number]
        spread = self.scores.std(axis=0, ddof=1 if self.repetitions > 1 else 0) / np.sqrt(self.repetitions)
        means = self.scores.mean(axis=0)
        return [(names[k], float(means[k]), float(spread[k])) for k in order.tolist()]

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row an opponent, those that it earns most against first."""
        order = np.argsort(-self.payoffs.mean(axis=0), kind="stable").tolist()
        ours, theirs = self.payoffs.mean(axis=0), self.conceded.mean(axis=0)
        return {
            "opponent": [self.opponents[k] for k in order],
            "payoff": [float(ours[k]) for k in order],
            "opponent's": [float(theirs[k]) for k in order],
            "won": [float((self.payoffs[:, k] > self.conceded[:, k]).mean()) for k in order],
            "lost": [float((self.payoffs[:, k] < self.conceded[:, k]).mean()) for k in order],
        }


def judge(
    strategy: StrategyLike,
    field: Field,
    rules: Rules | None = None,
    *,
    repetitions: int = 50,
    seed: int = 0,
    among: Sequence[int] | None = None,
    pool_repetitions: int | None = None,
    folder: Path | None = None,
    play: Play | None = None,
    spread: Spread | None = None,
) -> Judgement:
    """Let a strategy join a field; `repetitions` matches with everybody, all with seeds of their own.

    `among`: only against these places of the field, without a ranking. `pool_repetitions`: how often the field is
    played among itself (as often as the newcomer when left out, 0 for no ranking); fewer are used again in turn.

    >>> judge("tit_for_tat", Field.load(["all_d", "all_c"]), repetitions=1).rank
    2
    """
    rules = conditions(rules)
    if repetitions < 1:
        raise ValueError(f"repetitions: expected a whole number > 0, got {repetitions}")
    places = list(field.usable if among is None else among)
    lanes, column = _lanes(field, places, rules, repetitions, seed)
    found = score(Memo(field, rules, play=play), [automaton_of(strategy, rules)], lanes)
    ours, theirs = _both(found)
    payoffs, conceded = ours[column], theirs[column]
    wanted = repetitions if pool_repetitions is None else min(repetitions, pool_repetitions)
    scores = None
    if among is None and wanted:
        table = pool(field, rules, wanted, folder=folder, spread=spread)
        sums = table.sum(axis=2)[np.arange(repetitions) % wanted]
        own = payoffs.mean(axis=1, keepdims=True)
        scores = np.concatenate([own, (sums + conceded) / len(places)], axis=1)
    names = tuple(field.opponents[k].name for k in places)
    return Judgement(label(strategy), rules, seed, names, payoffs, conceded, scores)


def _lanes(
    field: Field, places: Sequence[int], rules: Rules, repetitions: int, seed: int
) -> tuple[Lanes, NDArray[np.int64]]:
    """The lanes of a judge, and for every repetition and opponent ``(repetitions, n)`` which of them it is."""
    opponents: list[int] = []
    seeds: list[int] = []
    column = np.empty((repetitions, len(places)), np.int64)
    for k, place in enumerate(places):
        drawn = field.opponents[place].chance or rules.noisy
        for r in range(repetitions):
            if drawn or r == 0:
                opponents.append(place)
                seeds.append(_seed(seed, r, field.opponents[place].name))
            column[r, k] = len(opponents) - 1
    weights = np.ones(len(opponents))
    return Lanes(np.array(opponents, np.int64), np.array(seeds, np.int64), weights), column


def _seed(seed: int, repetition: int, name: str) -> int:
    text = f"judge {seed} {repetition} {name}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def _both(found: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Payoffs per turn ``(l,)`` of the one strategy that was scored, and of its opponents."""
    unit = (found.rules.turns or 1) * found.rules.game.scaled[1]
    return found.payoffs[0] / unit, found.conceded[0] / unit
