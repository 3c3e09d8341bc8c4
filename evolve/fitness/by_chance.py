"""Fitness from matches played by chance, for strategies whose meetings have too many states to be computed exactly.

An experiment declares it (`fitness.sampled = n`): in each generation every two behaviours play n matches, drawn anew.
Their stream belongs to the generation and the pair, so neither workers nor a resume change a bit. How far luck
disturbs the differences in fitness that selection sees, `difference_error` says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.pairs.behaviours import Behaviours, gather
from engine.pairs.sampled_play import SampledPlay
from evolve.experiment.experiment import Experiment
from evolve.fitness.round_robin import Evaluated, Evaluation
from evolve.kinds import Genome
from evolve.streams import stream


class MatchesByChance(Evaluation):
    """Round robins of sampled matches; nothing is remembered from one generation to the next."""

    def __init__(self, experiment: Experiment, workers: int = 1) -> None:
        super().__init__(experiment, workers)
        self._remembered = -1
        self._when = (0, 0)

    def __call__(self, genomes: Sequence[Genome], number: int = 0, island: int = 0) -> Evaluated:
        """Fitness of everyone in a population, by the matches of this generation and island."""
        self._when = (number, island)
        return super().__call__(genomes, number, island)

    def _meetings(self, behaviours: Behaviours) -> SampledPlay:
        number, island = self._when
        seed = int(stream(self.experiment.seed, number, "matches", island).integers(2**63))
        repeats = self.experiment.fitness.sampled
        assert repeats is not None
        return SampledPlay(behaviours, self.rules, repeats, seed)

    def difference_error(self, genomes: Sequence[Genome], number: int, island: int) -> float:
        """Standard error, through sampling, of the difference in fitness of two individuals of a population.

        The root mean square over all pairs, 0 for two of one behaviour. The variance of a fitness is the sum over the
        matches of their squared standard errors, weighted as in fitness; that two who meet share a match is left out of
        account.
        """
        n = len(genomes)
        self._when = (number, island)
        behaviours = gather([*self._forms(genomes), *self._panel])
        d = len(behaviours)
        living = np.bincount(behaviours.index[:n], minlength=d).astype(np.float64)
        panel = np.bincount(behaviours.index[n:], self._weights, minlength=d)
        play = self._meetings(behaviours)
        play.rows(0, d, np.ones(d, np.bool_) if self._population_share else panel > 0)
        own = np.diag(play.squares)
        # all of one behaviour share its sampled meetings, and nobody meets itself
        among = play.squares @ living**2 + own * ((living - 1) ** 2 - living**2)
        against = play.squares @ panel**2
        share = self._population_share
        variance = share**2 * among / (n - 1) ** 2
        if share < 1:
            variance = variance + (1 - share) ** 2 * against / self._weights.sum() ** 2
        return math.sqrt(2 * float((variance * living * (n - living)).sum()) / (n * (n - 1)))
