"""The generational loop: evaluate, let the best go forward, vary the selected, let strangers in.

`generations` is an iterator that the caller drives; it does no I/O and keeps nothing that a `Generation` does
not hold, so any generation is a place to go on from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from evolve.evaluation import evaluation, record
from evolve.experiment import Experiment
from evolve.operators import Candidate, candidates, select, toolbox
from evolve.population import Genome, Individual, first_population, newborns
from evolve.streams import stream
from genomes import parse
from results.records import BirthId, Generation, Origin

Born = tuple[Origin, tuple[BirthId, ...], Genome]
"""Someone about to be born: origin, parents (primary first), genome."""


def generations(
    experiment: Experiment,
    start: Generation | None = None,
    *,
    workers: int | None = None,
    operators: Any | None = None,
) -> Iterator[Generation]:
    """Evolve: yield one evaluated generation after another, up to `experiment.generations`.

    From the beginning, or after `start` (which is not repeated). The same experiment gives the same bits
    wherever it is taken up, and with any number of `workers` (threads; the experiment's own when None).
    `operators` takes the place of the experiment's toolbox: who else comes in (`evolve.mutant_laws`).

    Ord's three sources make each generation: survivors unchanged, variants of selected parents, and random
    immigrants (Ord, "Further results on the societal iterated prisoner's dilemma", appendix II).
    """
    box = toolbox(experiment) if operators is None else operators
    evaluate = evaluation(experiment, experiment.run.workers if workers is None else workers)
    noisy = experiment.rules_value.noisy
    if start is None:
        population = first_population(experiment, box)
        current = record(0, population, evaluate([i.genome for i in population], 0), noisy)
        yield current
    else:
        current = start
        population = revive(start)
    step = _moran if experiment.selection.update == "moran" else _generational
    for number in range(current.number + 1, experiment.generations + 1):
        population = step(experiment, box, number, population, current.fitness)
        current = record(number, population, evaluate([i.genome for i in population], number), noisy)
        yield current


def revive(generation: Generation) -> list[Individual]:
    """The individuals of a recorded generation."""
    genomes = {birth.genome: parse(birth.genome) for birth in generation.population}
    return [Individual(b.id, b.parents, b.origin, genomes[b.genome]) for b in generation.population]


def _generational(
    experiment: Experiment,
    box: Any,
    number: int,
    population: Sequence[Individual],
    fitness: Sequence[float],
    island: int = 0,
) -> list[Individual]:
    """The next population: survivors in id order, then variants, then immigrants."""
    seed = experiment.seed
    field = candidates(fitness, experiment.selection.baseline, stream(seed, number, "ties", island))
    best: list[Candidate] = box.best(field, experiment.survivors)
    survivors = [population[k] for k in sorted(c.position for c in best)]
    strangers = experiment.variation.immigrants
    variants = _variants(
        experiment, box, number, population, field, len(population) - len(survivors) - strangers, island
    )
    immigrants = box.random(strangers, rng=stream(seed, number, "immigrants", island))
    born = variants + [("immigrant", (), genome) for genome in immigrants]
    return survivors + newborns(number, island, born)


def _moran(
    experiment: Experiment,
    box: Any,
    number: int,
    population: Sequence[Individual],
    fitness: Sequence[float],
    island: int = 0,
) -> list[Individual]:
    """One birth, one death: a child of a selected parent takes the place of a uniformly drawn individual.

    With the probability ``immigrants / size`` the newcomer is a stranger, so that as many come in during
    `size` births as in one generation of the generational update.
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
    return [*population[:victim], *population[victim + 1 :], *newborns(number, island, born)]


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
