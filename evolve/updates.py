"""How one population becomes the next: ONE row an update rule.

To add one: a function like those below and its row in `UPDATES`; experiments, islands and the statistical tests take it
up by its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evolve.individuals import Born, Individual, newborns
from evolve.selection import Candidate, best, candidates, select
from evolve.streams import stream
from evolve.takeovers import remembered
from genomes.reading import parse
from results.records import Birth, BirthId, Origin

if TYPE_CHECKING:
    from evolve.experiment.experiment import Experiment
    from evolve.kinds import Genome

FIRST_BATCH, LAST_BATCH = 8, 512
"""Newcomers that the rule `rare` draws at once, the first time and at most: twice as many each time that all die."""


def generational(
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
    fittest = best(field, experiment.survivors)
    survivors = [population[k] for k in sorted(candidate.position for candidate in fittest)]
    strangers = experiment.variation.immigrants
    room = len(population) - len(survivors) - strangers - len(arrivals)
    variants = _variants(experiment, box, number, population, field, room, island)
    immigrants = box.random(strangers, rng=stream(seed, number, "immigrants", island))
    born = variants + [("immigrant", (), genome) for genome in immigrants] + _arrived(arrivals)
    return survivors + newborns(number, island, born)


def moran(
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


def imitation(
    experiment: Experiment,
    box: Any,
    number: int,
    population: Sequence[Individual],
    fitness: Sequence[float],
    island: int = 0,
    arrivals: Sequence[Birth] = (),
) -> list[Individual]:
    """Pairwise comparison: a learner and a teacher are drawn, and the learner may become as the teacher is.

    It does with probability 1 / (1 + exp(-beta (teacher's fitness - learner's))), and what it has learned is exposed to
    mutation (Traulsen, Nowak & Pacheco, 2006). With the probability ``immigrants / size`` it becomes a stranger
    instead. Arrivals take the places of as many others, drawn uniformly. Selection operators have no part in it.
    """
    n = len(population)
    chance = stream(experiment.seed, number, "selection", island)
    learner, teacher = chance.choice(n, 2, replace=False).tolist()
    learns = chance.random() < _fermi(fitness[teacher] - fitness[learner], experiment.beta)
    born: list[Born] = []
    if chance.random() < experiment.variation.immigrants / n:
        stranger = box.random(1, rng=stream(experiment.seed, number, "immigrants", island))[0]
        born.append(("immigrant", (), stranger))
    elif learns:
        taught = population[teacher]
        (learned,) = box.mutate([taught.genome], rng=stream(experiment.seed, number, "variation", island))
        born.append(("clone" if learned is taught.genome else "mutation", (taught.id,), learned))
    remaining = [one for k, one in enumerate(population) if not born or k != learner]
    if arrivals:
        displaced = set(chance.choice(len(remaining), len(arrivals), replace=False).tolist())
        remaining = [one for k, one in enumerate(remaining) if k not in displaced]
        born += _arrived(arrivals)
    return remaining + newborns(number, island, born)


def _fermi(ahead: float, beta: float) -> float:
    """The chance that who is so far ahead is imitated."""
    return 1.0 / (1.0 + math.exp(min(-beta * ahead, 700.0)))


def rare(
    experiment: Experiment,
    box: Any,
    number: int,
    population: Sequence[Individual],
    fitness: Sequence[float],
    island: int = 0,
    arrivals: Sequence[Birth] = (),
) -> list[Individual]:
    """The limit of rare mutations under pairwise comparison: each newcomer takes over or dies before the next.

    It takes over with its exact fixation probability, so a population is of one kind; which of the first population
    it begins with is drawn. `selection.mutants` newcomers a generation: with the probability ``immigrants / size`` a
    stranger, else a child of the resident, which mutation may leave as it is. Arrivals come before them.
    """
    settings, size = experiment.selection, len(population)
    chance = stream(experiment.seed, number, "selection", island)
    resident = population[int(chance.integers(size)) if number == 1 else 0]
    genome = resident.genome
    born: tuple[Origin, tuple[BirthId, ...]] | None = None
    known = remembered(experiment.rules_value, size, experiment.beta, not experiment.pair_only)
    for arrival, (_, parents, stranger) in zip(arrivals, _arrived(arrivals), strict=True):
        if chance.random() < known.chances(genome, [stranger], experiment)[0]:
            genome, born = parse(arrival.genome), ("clone", parents)
    variation = stream(experiment.seed, number, "variation", island)
    strangers = stream(experiment.seed, number, "immigrants", island)
    left, batch = settings.mutants or 1, FIRST_BATCH
    while left:
        n = min(left, batch)
        strange = np.flatnonzero(chance.random(n) < experiment.variation.immigrants / size).tolist()
        newcomers = box.mutate([genome] * n, rng=variation)
        for k, stranger in zip(strange, box.random(len(strange), rng=strangers), strict=True):
            newcomers[k] = stranger
        winners = np.flatnonzero(chance.random(n) < known.chances(genome, newcomers, experiment)).tolist()
        if not winners:
            left, batch = left - n, min(2 * batch, LAST_BATCH)
            continue
        first = winners[0]  # those after it were to face somebody else: they are drawn anew
        left, batch, genome = left - first - 1, FIRST_BATCH, newcomers[first]
        if first in strange:
            born = ("immigrant", ())
        elif born is None or born[0] != "immigrant":
            born = ("mutation", (resident.id,) if born is None else born[1])
    if born is not None:
        origin, parents = born
        return newborns(number, island, [(origin, parents, genome)] * size)
    if number > 1:
        return list(population)
    return [resident, *newborns(number, island, [("clone", (resident.id,), genome)] * (size - 1))]


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
    chosen = select(
        field, n + len(crossed), experiment.selection, stream(experiment.seed, number, "selection", island)
    )
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


@dataclass(frozen=True)
class Update:
    """An update rule.

    `step(experiment, operators, number, population, fitness, island, arrivals)`: the next population, as long as
    this one. `room(experiment)`: how many places in it are neither kept nor promised to immigrants. `single`: a
    generation is one birth. `mistakes(experiment)`: what the rule cannot do, as ``path: expected ..., got ...``.
    """

    step: Callable[..., list[Individual]]
    room: Callable[[Experiment], int]
    single: bool = False
    mistakes: Callable[[Experiment], Iterator[str]] = lambda experiment: iter(())


def _no_exact_chance(e: Experiment) -> Iterator[str]:
    """Where the chance to take over is not to be had from pairs that meet each other alone."""
    if e.rules.play == "groups":
        yield "rules.play: expected 'ipd' or 'sipd' with selection.update = 'rare', got 'groups'"
    if e.fitness.opponents != "population":
        yield f"fitness.opponents: expected 'population' with selection.update = 'rare', got {e.fitness.opponents!r}"
    if e.fitness.sample is not None:
        yield f"fitness.sample: expected none with selection.update = 'rare', got {e.fitness.sample}"
    if e.fitness.sampled is not None:
        yield f"fitness.sampled: expected none with selection.update = 'rare', got {e.fitness.sampled}"
    if e.rules.play == "sipd" and e.rules.society is not None:
        yield f"rules.society: expected one society of all with selection.update = 'rare', got {e.rules.society}"
    if e.rules.play == "sipd" and (e.rules_value.noisy or getattr(e.genome, "stochastic", False)):
        yield (
            "rules.play: expected 'ipd' with selection.update = 'rare' where there is noise or chance, since play in a "
            "society is then sampled, got 'sipd'"
        )


UPDATES = {
    "generational": Update(
        generational, room=lambda e: e.population.size - e.survivors - e.variation.immigrants
    ),
    "moran": Update(moran, room=lambda e: e.population.size - 1, single=True),
    "imitation": Update(imitation, room=lambda e: e.population.size - 1, single=True),
    "rare": Update(rare, room=lambda e: e.population.size - 1, mistakes=_no_exact_chance),
}
"""Every update rule by its name in the file."""


def next_population(
    experiment: Experiment,
    box: Any,
    number: int,
    population: Sequence[Individual],
    fitness: Sequence[float],
    island: int = 0,
    arrivals: Sequence[Birth] = (),
) -> list[Individual]:
    """The population of generation `number` by the experiment's update rule, as long as the one before."""
    step = UPDATES[experiment.selection.update].step
    return step(experiment, box, number, population, fitness, island, arrivals)
