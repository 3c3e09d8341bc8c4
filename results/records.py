"""What a generation leaves: plain values that the loop makes, the run file keeps and the plots read.

A `Generation` holds everyone alive and what they earned. It is all that is needed to go on, because the
loop's random state is its generation number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Origin = Literal["seed", "immigrant", "mutation", "crossover", "clone"]
"""How an individual came to be: in the first population, at random later on, or from its parents."""

ORIGINS: tuple[Origin, ...] = ("seed", "immigrant", "mutation", "crossover", "clone")

QUANTILES = (5, 25, 50, 75, 95)
"""The percentages of the population whose fitness is kept for every generation."""


class BirthId(NamedTuple):
    """Who: the generation, the island and the slot someone was born in. Written ``12.0.5``."""

    generation: int
    island: int
    slot: int

    def __str__(self) -> str:
        return f"{self.generation}.{self.island}.{self.slot}"

    @classmethod
    def parse(cls, text: str) -> BirthId:
        """Read ``12.0.5``.

        >>> BirthId.parse("12.0.5")
        BirthId(generation=12, island=0, slot=5)
        """
        words = text.strip().split(".")
        if len(words) != 3 or not all(w.isdecimal() and w.isascii() and len(w) <= 10 for w in words):
            raise ValueError(f"id: expected generation.island.slot like '12.0.5', got {text!r}")
        return cls(*(int(word) for word in words))


@dataclass(frozen=True, slots=True)
class Birth:
    """One individual, as it was born; survivors keep their `Birth` unchanged.

    `parents` has the primary parent first (the one lineages follow), then its mate if there was one.
    `behaviour` is the key of what the genome does (`Automaton.behaviour`).
    """

    id: BirthId
    parents: tuple[BirthId, ...]
    origin: Origin
    genome: str
    behaviour: str


@dataclass(frozen=True, slots=True)
class Leader:
    """A leading behaviour of one generation: how many show it, and one of the genomes that do."""

    behaviour: str
    count: int
    name: str | None
    genome: str


@dataclass(frozen=True, slots=True)
class Generation:
    """Everyone alive in one generation, evaluated.

    `population` stands in id order and `fitness` (payoff per turn) in the same order. `leaders` are the
    leading behaviours, the most frequent first, about a dozen at most; leave out those of one individual
    unless nothing else is there, since they change at every generation and tell nothing. `ledger`: what mechanisms
    book for a mean individual per turn, in the order of `engine.stage.ITEMS`; empty where there are none.
    """

    number: int
    population: tuple[Birth, ...]
    fitness: tuple[float, ...]
    cooperation: float
    leaders: tuple[Leader, ...]
    behaviours: int
    ledger: tuple[float, ...] = ()

    @property
    def births(self) -> tuple[Birth, ...]:
        """Those born in this very generation."""
        return tuple(birth for birth in self.population if birth.id.generation == self.number)

    @property
    def best(self) -> int:
        """Position in the population of the fittest (of those, the oldest)."""
        return self.fitness.index(max(self.fitness))

    @property
    def mean(self) -> float:
        """Mean fitness."""
        return float(np.mean(self.fitness))

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Fitness at the `QUANTILES` of the population."""
        return tuple(quantiles(self.fitness).tolist())


def quantiles(values: ArrayLike, percent: Sequence[float] = QUANTILES) -> NDArray[np.float64]:
    """Percentiles by linear interpolation (as `numpy.percentile`, many times faster on short arrays)."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    place = np.asarray(percent) / 100 * (len(ordered) - 1)
    below = place.astype(np.intp)
    above = np.minimum(below + 1, len(ordered) - 1)
    low = ordered[below]
    return np.asarray(low + (ordered[above] - low) * (place - below))
