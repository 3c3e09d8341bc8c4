"""The DEAP toolbox of an experiment: selection, random genomes, crossover, mutation.

With `formula_variation` the only room that knows DEAP. DEAP draws from Python's global `random`; `deap_random`
lends it a generator of its own, seeded from a stream, one thread at a time, so a run neither disturbs others nor is
disturbed by them. Selection sees `Candidate`s: a payoff and a position, nothing that has to be copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from deap import base, tools

from evolve.experiment.experiment import Experiment, FormulaSection
from genomes.formula.genome import FormulaGenome
from genomes.variation.formulas import FormulaVariation, deap_random
from genomes.variation.lookups import cross_lookups, mutate_lookups, random_lookups


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


def select(box: Any, population: list[Candidate], k: int, rng: np.random.Generator) -> list[Candidate]:
    """`k` parents by the toolbox's operator, drawn from `rng`."""
    with deap_random(_seed(rng)):
        chosen: list[Candidate] = box.select(population, k)
    return chosen


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(0, 2**63))


def _random_formulas(n: int, rng: np.random.Generator, grammar: FormulaVariation) -> list[FormulaGenome]:
    """`n` formulas by the law of `genomes.formula.generator`."""
    with deap_random(_seed(rng)):
        return [grammar.random() for _ in range(n)]


def _mutate_formulas(
    genomes: Sequence[FormulaGenome], rng: np.random.Generator, grammar: FormulaVariation, rate: float
) -> list[FormulaGenome]:
    """Each formula mutates with probability `rate`; one that does not is returned itself."""
    hit = (rng.random(len(genomes)) < rate).tolist()
    with deap_random(_seed(rng)):
        return [grammar.mutate(genome) if h else genome for genome, h in zip(genomes, hit, strict=True)]


def _cross_formulas(
    firsts: Sequence[FormulaGenome],
    seconds: Sequence[FormulaGenome],
    rng: np.random.Generator,
    grammar: FormulaVariation,
) -> list[FormulaGenome]:
    """One child of every pair: the first parent with a part of the second."""
    with deap_random(_seed(rng)):
        return [grammar.crossover(a, b)[0] for a, b in zip(firsts, seconds, strict=True)]


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
    if isinstance(kind, FormulaSection):
        grammar = FormulaVariation(kind.max_complexity, experiment.pair_only, kind.diagonal)
        box.register("random", _random_formulas, grammar=grammar)
        box.register("mutate", _mutate_formulas, grammar=grammar, rate=vary.mutation)
        box.register("mate", _cross_formulas, grammar=grammar)
        return box
    box.register("random", random_lookups, x=kind.x, y=kind.y, stochastic=kind.stochastic)
    box.register("mutate", mutate_lookups, rate=vary.mutation, sigma=vary.sigma, stochastic=kind.stochastic)
    box.register("mate", cross_lookups)
    return box
