"""Fitness in groups of n that are drawn at random: each generation every player is in a declared number of them.

One group is played exactly (`engine.groups`), which groups there are is sampled: the population is shuffled and cut
into groups, `group.plays` times a generation; who is left over forms a group with some who are in one already. How far
luck in the draw disturbs the differences in fitness that selection sees, `difference_error` says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.groups import played
from evolve.experiment.experiment import Experiment
from evolve.fitness.round_robin import Evaluated
from evolve.kinds import Genome
from evolve.streams import stream

MAX_REMEMBERED = 2**16
"""Groups whose play is remembered; then all are forgotten at once."""

Composition = tuple[tuple[str, int], ...]
"""How many players of a group have each table of moves, in the order of the tables."""


class GroupsAtRandom:
    """Evaluates one population after another; a genome's text is the key of what it does."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.rules = experiment, experiment.rules_value
        self.game = experiment.group_game
        self._played: dict[Composition, dict[str, tuple[float, float]]] = {}

    def __call__(self, genomes: Sequence[Genome], number: int = 0, island: int = 0) -> Evaluated:
        """Fitness of everyone in a population: the mean over the groups it was in."""
        sums, _, rates, times = self._earned(genomes, number, island)
        fitness = sums / times
        parsimony = self.experiment.fitness.parsimony
        if parsimony:
            fitness -= parsimony * np.array([self.behaviour_size(genome) for genome in genomes])
        return Evaluated(fitness.tolist(), [str(genome) for genome in genomes], float((rates / times).mean()))

    def behaviour(self, genome: Genome) -> str:
        """The key of what a genome does: its text."""
        return str(genome)

    def behaviour_size(self, genome: Genome) -> int:
        """What parsimony charges for."""
        return self.experiment.genome.complexity(genome, 0)

    def difference_error(self, genomes: Sequence[Genome], number: int, island: int) -> float:
        """Standard error, through the draw of groups, of the difference in fitness of two individuals.

        From the variance of an individual over its groups; that two may share a group is left out of account.
        """
        sums, squares, _, times = self._earned(genomes, number, island)
        variance = np.maximum(squares - sums**2 / times, 0.0) / (times - 1)
        return math.sqrt(2 * float((variance / times).mean()))

    def _earned(
        self, genomes: Sequence[Genome], number: int, island: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """By individual: payoffs, their squares and cooperation over its groups, and how many these are."""
        n, size = len(genomes), self.game.players
        tables = [genome.moves for genome in genomes]
        chance = stream(self.experiment.seed, number, "society", island)
        found = np.zeros((4, n))
        for _ in range(self.experiment.group.plays):
            order = chance.permutation(n).tolist()
            order += order[: -n % size]
            for first in range(0, len(order), size):
                members = order[first : first + size]
                group = self._group(Counter(tables[k] for k in members))
                for k in members:
                    payoff, rate = group[tables[k]]
                    found[:, k] += payoff, payoff**2, rate, 1.0
        return found[0], found[1], found[2], found[3]

    def _group(self, counts: Counter[str]) -> dict[str, tuple[float, float]]:
        """Payoff and cooperation of each table in one group."""
        composition = tuple(sorted(counts.items()))
        known = self._played.get(composition)
        if known is None:
            if len(self._played) > MAX_REMEMBERED:
                self._played.clear()
            moves = [table for table, _ in composition]
            payoffs, rates = played(moves, [n for _, n in composition], self.game, self.rules)
            known = dict(zip(moves, zip(payoffs.tolist(), rates.tolist(), strict=True), strict=True))
            self._played[composition] = known
        return known
