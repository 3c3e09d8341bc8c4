"""Fitness against a sample: where a population is too large for everybody to meet everybody.

An experiment declares it (`fitness.sample = k`). In each generation k individuals are drawn without
replacement, and everyone meets these same k, itself left out: luck in the draw then touches all alike, and
what selection sees, the *differences* in fitness, is disturbed little. How little, `difference_error` says.
Time and memory grow with the population, not with its square.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.ledger import booked
from engine.pairs.behaviours import Behaviours, gather
from engine.pairs.exact_play import ExpectedPlay
from engine.pairs.tallies import tally
from engine.stage import ITEMS
from evolve.fitness.round_robin import Evaluated, Evaluation, Keep
from evolve.kinds import Genome
from evolve.streams import stream


class SampledEvaluation(Evaluation):
    """Evaluates one population after another, each against a sample of itself.

    Sums run over the sampled behaviours in key order: neither blocks nor workers change a bit. With a sample of
    everybody fitness is to the bit what it is without sampling.
    """

    def __call__(self, genomes: Sequence[Genome], number: int = 0, island: int = 0) -> Evaluated:
        """Fitness of everyone in a population."""
        n, stage = len(genomes), self.rules.stage
        chosen, behaviours, drawn, m = self._draw(genomes, number, island)
        here, d = behaviours.index[:n], len(behaviours)
        panel = np.bincount(behaviours.index[n:], self._weights, minlength=d).astype(np.float64)
        size = d, stage.outcomes
        among, against, own = np.zeros(size), np.zeros(size), np.zeros(size)
        faced = bool(panel.any())

        def keep(rows: NDArray[np.int64], block: NDArray[np.float64]) -> None:
            tally(stage, block, rows, drawn, drawn, among)
            if faced:
                tally(stage, block, rows, panel, panel, against)
            own[rows] = block[np.arange(len(rows)), rows]

        self._meet(behaviours, m, keep)
        myself = np.zeros(n)
        myself[chosen] = 1.0
        total = float(self.rules.turns) if self.rules.turns is not None else 1.0
        fitness, cooperation, books = np.zeros(n), 0.0, np.zeros(len(ITEMS))
        for totals, met, share in (
            (among[here] - myself[:, None] * own[here], len(chosen) - myself, self._population_share),
            (against[here], np.full(n, self._weights.sum()), 1 - self._population_share),
        ):
            if share:
                fitness += share * stage.mean_payoff(totals, total * met)
                cooperation += share * float(stage.cooperation(totals, total * met).sum()) / n
                if self.rules.mechanisms:
                    books += share * booked(self.rules, totals / (total * met)[:, None]).mean(axis=0)
        earned = self._charged(fitness, genomes, behaviours.sizes[here])
        keys = [key.hex() for key in behaviours.keys]
        ledger = tuple(books.tolist()) if self.rules.mechanisms else ()
        return Evaluated(earned.tolist(), [keys[k] for k in here.tolist()], cooperation, ledger)

    def difference_error(self, genomes: Sequence[Genome], number: int = 0, island: int = 0) -> float:
        """Standard error, through sampling, of the difference in fitness of two individuals of a population.

        The root mean square over all pairs. Everyone meets the same sample, so for a pair it is the standard error of
        a mean of paired differences, ``sd / sqrt(k) * sqrt(1 - k / n)`` with k of n drawn without replacement (Cochran,
        "Sampling techniques", 1977, ch. 2). That an individual of the sample does not meet itself is left out of
        account.
        """
        n = len(genomes)
        chosen, behaviours, drawn, m = self._draw(genomes, number, island)
        living = np.bincount(behaviours.index[:n], minlength=len(behaviours)).astype(np.float64)
        k = len(chosen)
        total = float(self.rules.turns) if self.rules.turns is not None else 1.0
        # of every behaviour the sum and the sum of squares over the sample; of every one sampled what all earn
        sums, squares, common = np.zeros(len(living)), np.zeros(len(living)), np.zeros(m)

        def keep(rows: NDArray[np.int64], block: NDArray[np.float64]) -> None:
            for r, i in enumerate(rows.tolist()):
                theirs = self.rules.stage.mean_payoff(block[r, i:][:, self.rules.stage.swap], total)
                sums[i:] += drawn[i] * theirs
                squares[i:] += drawn[i] * theirs**2
                common[i] += (living[i:] * theirs).sum()
                mine = self.rules.stage.mean_payoff(block[r, i + 1 : m], total)
                sums[i] += (drawn[i + 1 : m] * mine).sum()
                squares[i] += (drawn[i + 1 : m] * mine**2).sum()
                common[i + 1 :] += living[i] * mine

        self._meet(behaviours, m, keep)
        common /= n
        variance = (squares - sums**2 / k) / (k - 1)
        weight = drawn[:m]
        of_common = ((common**2 * weight).sum() - (common * weight).sum() ** 2 / k) / (k - 1)
        # the mean over all pairs of the variance of their difference, as var(a) + var(b) - 2 cov(a, b)
        spread = 2 * n / (n - 1) * ((living * variance).sum() / n - of_common)
        return self._population_share * math.sqrt(max(spread, 0.0) / k * (1 - k / n))

    def _draw(
        self, genomes: Sequence[Genome], number: int, island: int
    ) -> tuple[NDArray[np.int64], Behaviours, NDArray[np.float64], int]:
        """Positions of the sampled; all behaviours, how often each was drawn; the first so many are met by all."""
        k = self.experiment.fitness.sample
        assert k is not None
        chosen = stream(self.experiment.seed, number, "panel", island).choice(len(genomes), k, replace=False)
        forms = [*self._forms(genomes), *self._panel]
        leading = {forms[c][0] for c in chosen.tolist()} | {key for key, _ in self._panel}
        behaviours = gather(forms, leading)
        drawn = np.bincount(behaviours.index[chosen], minlength=len(behaviours)).astype(np.float64)
        return chosen, behaviours, drawn, len(leading)

    def _meet(self, behaviours: Behaviours, m: int, keep: Keep) -> None:
        """Meetings of the first `m` behaviours with everybody, in blocks of rows."""
        d = len(behaviours)
        everyone = np.ones(d, np.bool_)
        self._play(ExpectedPlay(behaviours, self.rules), m, everyone, m * d - m * (m - 1) // 2, keep)
