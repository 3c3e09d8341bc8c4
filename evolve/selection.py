"""Selection operators, DEAP's where it has them: ONE row a method.

DEAP draws from Python's global `random`; `deap_random` lends it a generator of its own, seeded from a stream. Selection
sees `Candidate`s: a payoff and a position, nothing that has to be copied. To add an operator: a function and its row
in `METHODS`; the statistical tests take it up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from deap import tools

from genomes.variation.formulas import deap_random, seed_from

if TYPE_CHECKING:
    from evolve.experiment.sections import SelectionSection


class _Fitness:
    """Fitness as DEAP's proportional operators read it."""

    __slots__ = ("values",)

    def __init__(self, value: float) -> None:
        self.values = (value,)

    def __lt__(self, other: _Fitness) -> bool:
        return self.values < other.values


class Candidate:
    """An individual as selection sees it: its position in the population and its fitness."""

    __slots__ = ("baseline", "payoff", "position")

    def __init__(self, position: int, payoff: float, baseline: float) -> None:
        self.position = position
        self.payoff = payoff
        self.baseline = baseline

    @property
    def fitness(self) -> _Fitness:
        """For the proportional operators; the others read the payoff."""
        return _Fitness(self.payoff + self.baseline)


def candidates(fitness: Sequence[float], baseline: float, ties: np.random.Generator) -> list[Candidate]:
    """The population in random order, so that no operator can favour a position among equals."""
    return [Candidate(k, fitness[k], baseline) for k in ties.permutation(len(fitness)).tolist()]


def best(population: list[Candidate], k: int) -> list[Candidate]:
    """The `k` fittest candidates; among equals the first, so their order is drawn before."""
    chosen: list[Candidate] = tools.selBest(population, k, fit_attr="payoff")
    return chosen


def select(
    population: list[Candidate], k: int, settings: SelectionSection, rng: np.random.Generator
) -> list[Candidate]:
    """`k` parents by the declared method, drawn from `rng`."""
    with deap_random(seed_from(rng)):
        return METHODS[settings.method].draw(population, k, settings)


def _tournament(population: list[Candidate], k: int, settings: SelectionSection) -> list[Candidate]:
    """The fittest of `tournament_size` candidates drawn at random, `k` times."""
    drawn: list[Candidate] = tools.selTournament(
        population, k, tournsize=settings.tournament_size, fit_attr="payoff"
    )
    return drawn


def _truncation(population: list[Candidate], k: int, settings: SelectionSection) -> list[Candidate]:
    """`k` candidates drawn uniformly from the best `truncation` of the population."""
    number = max(1, round(settings.truncation * len(population)))
    drawn: list[Candidate] = tools.selRandom(best(population, number), k)
    return drawn


def _roulette(population: list[Candidate], k: int, settings: SelectionSection) -> list[Candidate]:
    """Fitness-proportional selection; uniform when nobody earns anything (DEAP then takes nobody)."""
    drawn: list[Candidate] = tools.selRoulette(population, k)
    while len(drawn) < k:  # a rounding error of the sum, or nothing to be proportional to
        drawn += tools.selRandom(population, 1)
    return drawn


def _universal(population: list[Candidate], k: int, settings: SelectionSection) -> list[Candidate]:
    """Stochastic universal sampling; uniform when nobody earns anything (DEAP then takes the first)."""
    if k == 0:
        return []
    if all(candidate.fitness.values[0] == 0 for candidate in population):
        drawn: list[Candidate] = tools.selRandom(population, k)
    else:
        drawn = tools.selStochasticUniversalSampling(population, k)
    return drawn


def _sigma_scaled(population: list[Candidate], k: int, settings: SelectionSection) -> list[Candidate]:
    """Stochastic universal sampling by ``max(0, 1 + (payoff - mean) / sd)``, 1 for everybody where all earn the same.

    One standard deviation above the mean gives twice as many children as the mean, one below gives none (Axelrod,
    The evolution of strategies in the iterated prisoner's dilemma, 1987).
    """
    if k == 0:
        return []
    mean = math.fsum(c.payoff for c in population) / len(population)
    spread = math.sqrt(math.fsum((c.payoff - mean) ** 2 for c in population) / len(population))
    scaled = [
        Candidate(place, 1.0 if spread == 0 else max(0.0, 1.0 + (c.payoff - mean) / spread), 0.0)
        for place, c in enumerate(population)
    ]
    drawn: list[Candidate] = tools.selStochasticUniversalSampling(scaled, k)
    return [population[one.position] for one in drawn]


@dataclass(frozen=True)
class Method:
    """A way to choose parents. A proportional one needs fitness above 0."""

    draw: Callable[[list[Candidate], int, SelectionSection], list[Candidate]]
    proportional: bool = False


METHODS = {
    "tournament": Method(_tournament),
    "truncation": Method(_truncation),
    "roulette": Method(_roulette, proportional=True),
    "stochastic_universal": Method(_universal, proportional=True),
    "sigma_scaled": Method(_sigma_scaled),
}
"""Every method by its name in the file."""
