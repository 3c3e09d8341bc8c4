"""The first population: the declared seeds, then random genomes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from evolve.experiment.experiment import Experiment
from evolve.individuals import Individual, newborns
from evolve.kinds import Genome
from evolve.streams import stream


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
