"""Individuals: a genome with its birth certificate, and the first population of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evolve.experiment.experiment import Experiment
from evolve.streams import stream
from results.records import Birth, BirthId, Origin

Genome = Any
"""A genome of the experiment's kind: immutable, hashable, with text that reads back exactly."""


@dataclass(slots=True, eq=False)
class Individual:
    """Someone who lives: who it is, where it comes from, and its genome."""

    id: BirthId
    parents: tuple[BirthId, ...]
    origin: Origin
    genome: Genome
    recorded: Birth | None = None
    """Its birth as recorded: a survivor keeps it, since what it plays does not change."""

    def birth(self, behaviour: str) -> Birth:
        """What the run file keeps of it."""
        if self.recorded is None:
            self.recorded = Birth(self.id, self.parents, self.origin, str(self.genome), behaviour)
        return self.recorded


def newborns(
    generation: int, island: int, born: Iterable[tuple[Origin, tuple[BirthId, ...], Genome]]
) -> list[Individual]:
    """Number the individuals born in one generation on one island, in the order given."""
    return [
        Individual(BirthId(generation, island, slot), parents, origin, genome)
        for slot, (origin, parents, genome) in enumerate(born)
    ]


def first_population(experiment: Experiment, toolbox: Any, island: int = 0) -> list[Individual]:
    """Generation 0: the declared shares of seeds, in the order of the file, then random genomes."""
    size = experiment.population.size
    genomes: list[Genome] = []
    for seed, count in zip(experiment.population.seeds, seed_counts(experiment), strict=True):
        genomes += [experiment.seed_genome(seed.strategy)] * count
    rng = stream(experiment.seed, 0, "seeding", island)
    genomes += toolbox.random(size - len(genomes), rng=rng)
    return newborns(0, island, (("seed", (), genome) for genome in genomes))


def seed_counts(experiment: Experiment) -> list[int]:
    """How many individuals each seed gets: shares of the size, rounded so that shares of 1 fill it exactly."""
    size = experiment.population.size
    edges = [0.0]
    for seed in experiment.population.seeds:
        edges.append(edges[-1] + seed.share * size)
    ends: Sequence[int] = [min(size, int(edge + 0.5 + 1e-9)) for edge in edges]
    return [after - before for before, after in itertools.pairwise(ends)]
