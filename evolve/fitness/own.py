"""A fitness function of one's own: it sees the genomes and what they earned, and says what they are worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from evolve.experiment.experiment import Experiment
from evolve.fitness import evaluation
from evolve.fitness.round_robin import Evaluated
from evolve.kinds import Genome

OwnFunction = Callable[[Sequence[Genome], Sequence[float]], Sequence[float]]
"""Genomes of a population and their payoffs per turn -> the fitness of each."""


class OwnFitness:
    """Evaluates a population by a function; behaviours and cooperation are those of the experiment's own meetings.

    Raises ValueError for a function that does not give one finite number an individual.
    """

    def __init__(self, experiment: Experiment, function: OwnFunction, workers: int = 1) -> None:
        self._evaluate, self._function = evaluation(experiment, workers), function

    def __call__(self, genomes: Sequence[Genome], number: int, island: int = 0) -> Evaluated:
        """What the function says of a population."""
        met = self._evaluate(genomes, number, island)
        worth = [float(value) for value in self._function(list(genomes), list(met.fitness))]
        if len(worth) != len(genomes) or not all(map(math.isfinite, worth)):
            raise ValueError(
                f"fitness: expected {len(genomes)} finite numbers, one a genome, got {worth[:3]!r} ..."
            )
        return replace(met, fitness=worth)

    def behaviour(self, genome: Genome) -> str:
        """The key of what a genome does."""
        return self._evaluate.behaviour(genome)
