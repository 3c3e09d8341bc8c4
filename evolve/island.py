"""One population: evaluate, let the best go forward, vary the selected, let strangers in.

It is all there is without islands, and one island where there are several.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from evolve.experiment.experiment import Experiment
from evolve.fitness import evaluation
from evolve.fitness.round_robin import record
from evolve.operators import Candidate, candidates, select, toolbox
from evolve.population import Genome, Individual, first_population, newborns
from evolve.streams import stream
from genomes import parse
from results.records import Birth, BirthId, Generation, Origin

Born = tuple[Origin, tuple[BirthId, ...], Genome]
"""Someone about to be born: origin, parents (primary first), genome."""


class Island:
    """One population and what evaluates it: all there is without islands."""

    def __init__(
        self, experiment: Experiment, number: int = 0, workers: int = 1, operators: Any | None = None
    ) -> None:
        self.experiment, self.number = experiment, number
        self._box = toolbox(experiment) if operators is None else operators
        self._evaluate = evaluation(experiment, workers)
        self._population: list[Individual] = []
        self._current: Generation | None = None

    def live(
        self, start: Generation | None, last: int, arrivals: Sequence[Birth] = ()
    ) -> Generator[Generation]:
        """Its generations after `start` up to `last`; `arrivals` come to stay in the first of them."""
        experiment, box = self.experiment, self._box
        if start is None:
            self._population = first_population(experiment, box, self.number)
            start = self._record(0)
            yield start
        elif start is not self._current:
            self._population, self._current = revive(start), start
        step = _moran if experiment.selection.update == "moran" else _generational
        current = start
        for number in range(start.number + 1, last + 1):
            self._population = step(
                experiment, box, number, self._population, current.fitness, self.number, arrivals
            )
            arrivals = ()
            current = self._record(number)
            yield current

    def _record(self, number: int) -> Generation:
        """Evaluate the population."""
        population = self._population
        result = self._evaluate([i.genome for i in population], number, self.number)
        births = [i.birth(does) for i, does in zip(population, result.behaviours, strict=True)]
        noisy = self.experiment.rules_value.noisy
        self._current = record(number, births, result.fitness, result.cooperation, noisy)
        return self._current


def revive(generation: Generation) -> list[Individual]:
    """The individuals of a recorded generation."""
    genomes = {text: parse(text) for text in dict.fromkeys(birth.genome for birth in generation.population)}
    return [Individual(b.id, b.parents, b.origin, genomes[b.genome], b) for b in generation.population]


def _generational(
    experiment: Experiment,
    box: Any,
    number: int,
    population: Sequence[Individual],
    fitness: Sequence[float],
    island: int = 0,
    arrivals: Sequence[Birth] = (),
) -> list[Individual]:
    """The next population: survivors in id order, then variants, immigrants and arrivals."""
    seed = experiment.seed
    field = candidates(fitness, experiment.selection.baseline, stream(seed, number, "ties", island))
    best: list[Candidate] = box.best(field, experiment.survivors)
    survivors = [population[k] for k in sorted(c.position for c in best)]
    strangers = experiment.variation.immigrants
    room = len(population) - len(survivors) - strangers - len(arrivals)
    variants = _variants(experiment, box, number, population, field, room, island)
    immigrants = box.random(strangers, rng=stream(seed, number, "immigrants", island))
    born = variants + [("immigrant", (), genome) for genome in immigrants] + _arrived(arrivals)
    return survivors + newborns(number, island, born)


def _moran(
    experiment: Experiment,
    box: Any,
    number: int,
    population: Sequence[Individual],
    fitness: Sequence[float],
    island: int = 0,
    arrivals: Sequence[Birth] = (),
) -> list[Individual]:
    """One birth, one death: a child of a selected parent takes the place of a uniformly drawn individual.

    With the probability ``immigrants / size`` the newcomer is a stranger, so that as many come in during
    `size` births as in one generation of the generational update. Arrivals take the places of as many others,
    drawn uniformly.
    """
    seed, n = experiment.seed, len(population)
    field = candidates(fitness, experiment.selection.baseline, stream(seed, number, "ties", island))
    death = stream(seed, number, "death", island)
    victim = int(death.integers(n))
    if death.random() < experiment.variation.immigrants / n:
        stranger = box.random(1, rng=stream(seed, number, "immigrants", island))[0]
        born: list[Born] = [("immigrant", (), stranger)]
    else:
        born = _variants(experiment, box, number, population, field, 1, island)
    remaining = [*population[:victim], *population[victim + 1 :]]
    if arrivals:
        displaced = set(death.choice(n - 1, len(arrivals), replace=False).tolist())
        remaining = [one for k, one in enumerate(remaining) if k not in displaced]
        born += _arrived(arrivals)
    return remaining + newborns(number, island, born)


def _arrived(arrivals: Sequence[Birth]) -> list[Born]:
    """Migrants are born again where they arrive, as clones of those who stayed."""
    return [("clone", (birth.id,), parse(birth.genome)) for birth in arrivals]


def _variants(
    experiment: Experiment,
    box: Any,
    number: int,
    population: Sequence[Individual],
    field: list[Candidate],
    n: int,
    island: int,
) -> list[Born]:
    """`n` children of selected parents: some of two parents, all exposed to mutation."""
    if n == 0:
        return []
    chance = stream(experiment.seed, number, "variation", island)
    crossed = np.flatnonzero(chance.random(n) < experiment.variation.crossover).tolist()
    chosen = select(box, field, n + len(crossed), stream(experiment.seed, number, "selection", island))
    # some operators return the fittest first: who is a mate, and whose, is drawn anew
    parents = [population[chosen[k].position] for k in chance.permutation(len(chosen)).tolist()]
    first, mates = parents[:n], parents[n:]
    children: list[Genome] = [parent.genome for parent in first]
    mated = box.mate([children[k] for k in crossed], [mate.genome for mate in mates], rng=chance)
    for k, child in zip(crossed, mated, strict=True):
        children[k] = child
    mate_of = dict(zip(crossed, mates, strict=True))
    born: list[Born] = []
    for k, (child, mutant) in enumerate(zip(children, box.mutate(children, rng=chance), strict=True)):
        if k in mate_of:
            born.append(("crossover", (first[k].id, mate_of[k].id), mutant))
        else:
            born.append(("clone" if mutant is child else "mutation", (first[k].id,), mutant))
    return born
