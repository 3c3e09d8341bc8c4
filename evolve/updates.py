"""How one population becomes the next: ONE row an update rule.

To add one: a function like those below and its row in `UPDATES`; experiments, islands and the statistical tests take it
up by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evolve.individuals import Born, Individual, newborns
from evolve.selection import Candidate, best, candidates, select
from evolve.streams import stream
from genomes.reading import parse
from results.records import Birth

if TYPE_CHECKING:
    from evolve.experiment.experiment import Experiment
    from evolve.kinds import Genome


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
    this one. `room(experiment)`: how many places in it are neither kept nor promised to immigrants.
    """

    step: Callable[..., list[Individual]]
    room: Callable[[Experiment], int]


UPDATES = {
    "generational": Update(
        generational, room=lambda e: e.population.size - e.survivors - e.variation.immigrants
    ),
    "moran": Update(moran, room=lambda e: e.population.size - 1),
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
