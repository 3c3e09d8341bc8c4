"""The DEAP toolbox of an experiment: selection, random genomes, crossover, mutation.

The only room that knows DEAP. Its operators draw from Python's global `random`; `deap_random` seeds that
from a stream and puts it back, one thread at a time, so a run neither disturbs nor is disturbed by others.
Selection sees `Candidate`s: a payoff and a position, nothing that has to be copied.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from deap import base, tools

from evolve.experiment import Experiment
from genomes.variation import cross_lookups, mutate_lookups, random_lookups

_LOCK = threading.Lock()


@contextmanager
def deap_random(rng: np.random.Generator) -> Iterator[None]:
    """Let DEAP draw from `rng`: Python's global generator is seeded from it and restored afterwards."""
    with _LOCK:
        before = random.getstate()
        random.seed(int(rng.integers(0, 2**63)))
        try:
            yield
        finally:
            random.setstate(before)


class _Fitness:
    """Fitness as DEAP's proportional operators read it."""

    __slots__ = ("values",)

    def __init__(self, value: float) -> None:
        self.values = (value,)

    def __lt__(self, other: _Fitness) -> bool:
        return self.values < other.values


class Candidate:
    """An individual as selection sees it: its position in the population and its fitness."""

    __slots__ = ("fitness", "payoff", "position")

    def __init__(self, position: int, payoff: float, baseline: float) -> None:
        self.position = position
        self.payoff = payoff
        self.fitness = _Fitness(payoff + baseline)


def candidates(fitness: Sequence[float], baseline: float, ties: np.random.Generator) -> list[Candidate]:
    """The population in random order, so that no operator can favour a position among equals."""
    return [Candidate(k, fitness[k], baseline) for k in ties.permutation(len(fitness)).tolist()]


def _truncation(population: list[Candidate], k: int, share: float) -> list[Candidate]:
    """`k` candidates drawn uniformly from the best `share` of the population."""
    best = tools.selBest(population, max(1, round(share * len(population))), fit_attr="payoff")
    drawn: list[Candidate] = tools.selRandom(best, k)
    return drawn


def _universal(population: list[Candidate], k: int) -> list[Candidate]:
    """Stochastic universal sampling; uniform when nobody earns anything (DEAP then takes the first)."""
    if k == 0:
        return []
    if all(candidate.fitness.values[0] == 0 for candidate in population):
        drawn: list[Candidate] = tools.selRandom(population, k)
    else:
        drawn = tools.selStochasticUniversalSampling(population, k)
    return drawn


def _roulette(population: list[Candidate], k: int) -> list[Candidate]:
    """Fitness-proportional selection; uniform when nobody earns anything (DEAP then takes nobody)."""
    drawn: list[Candidate] = tools.selRoulette(population, k)
    while len(drawn) < k:  # a rounding error of the sum, or nothing to be proportional to
        drawn += tools.selRandom(population, 1)
    return drawn


def toolbox(experiment: Experiment) -> Any:
    """The experiment's operators.

    `select(candidates, k)` and `best(candidates, k)` are DEAP's; `random(n, rng=)`, `mutate(genomes, rng=)`
    and `mate(firsts, seconds, rng=)` make genomes of the experiment's kind, many at once.
    """
    box = base.Toolbox()
    chosen = experiment.selection
    box.register("best", tools.selBest, fit_attr="payoff")
    if chosen.method == "tournament":
        box.register("select", tools.selTournament, tournsize=chosen.tournament_size, fit_attr="payoff")
    elif chosen.method == "truncation":
        box.register("select", _truncation, share=chosen.truncation)
    elif chosen.method == "roulette":
        box.register("select", _roulette)
    else:
        box.register("select", _universal)
    kind, vary = experiment.genome, experiment.variation
    box.register("random", random_lookups, x=kind.x, y=kind.y, stochastic=kind.stochastic)
    box.register("mutate", mutate_lookups, rate=vary.mutation, sigma=vary.sigma, stochastic=kind.stochastic)
    box.register("mate", cross_lookups)
    return box
