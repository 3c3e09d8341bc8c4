"""How long populations lasted: Kaplan-Meier curves, restricted means, and what a count can say.

Times are whole numbers (generations, or mutants that came in). A population that was not lost is censored: it
lasted at least so long. scipy.stats does the statistics.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.intervals import CONFIDENCE, bootstrap_mean, none_seen

EXACT_CELLS = 10**7
"""Up to so many steps the distribution of a sign-flip test is summed exactly (0.1 s); beyond it is taken as normal."""


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """Kaplan-Meier estimate: right-continuous steps, 1 before the first of `times`.

    `survival`, `low`, `high`, `at_risk`, each as long as `times` (the distinct times of loss and censoring):
    the interval is the exponential Greenwood ("log-log") one. Where that does not exist, while nothing is lost
    and when nothing is left, it is the exact one-sided binomial bound for as many as were at risk.
    """

    times: NDArray[np.float64]
    survival: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    at_risk: NDArray[np.int64]

    @property
    def median(self) -> float | None:
        """The first time at which no more than half survive; None when more than half did."""
        reached = np.flatnonzero(self.survival <= 0.5)
        return float(self.times[reached[0]]) if len(reached) else None

    def at(self, time: float) -> tuple[float, float, float]:
        """Survival at a time, and its interval."""
        k = int(np.searchsorted(self.times, time, side="right")) - 1
        if k < 0:
            return 1.0, 1.0, 1.0
        return float(self.survival[k]), float(self.low[k]), float(self.high[k])


def kaplan_meier(times: ArrayLike, lost: ArrayLike, confidence: float = CONFIDENCE) -> SurvivalCurve:
    """The survival curve of populations that were lost or censored at `times`.

    >>> curve = kaplan_meier([1, 2, 3, 4], [True, False, True, True])
    >>> curve.survival.tolist(), curve.at_risk.tolist()
    ([0.75, 0.75, 0.375, 0.0], [4, 3, 2, 1])
    """
    from scipy.stats import CensoredData, ecdf

    at, gone = np.asarray(times, np.float64), np.asarray(lost, np.bool_)
    if at.ndim != 1 or at.shape != gone.shape or not len(at):
        raise ValueError(f"times: expected as many as there are losses, got {at.shape} and {gone.shape}")
    estimate = ecdf(CensoredData(uncensored=at[gone], right=at[~gone])).sf
    where = np.asarray(estimate.quantiles, np.float64)
    survival = np.asarray(estimate.probabilities, np.float64)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # it is undefined at 1 and 0: see below
        interval: Any = estimate.confidence_interval(confidence_level=confidence, method="log-log")
    low = np.array(interval.low.probabilities, np.float64)
    high = np.array(interval.high.probabilities, np.float64)
    at_risk = np.array([(at >= t).sum() for t in where], np.int64)
    for k in range(len(where)):
        if survival[k] >= 1.0:
            low[k], high[k] = 1.0 - none_seen(int(at_risk[k]), confidence), 1.0
        elif survival[k] <= 0.0:
            low[k], high[k] = 0.0, none_seen(int(at_risk.max()), confidence)
    return SurvivalCurve(where, survival, low, high, at_risk)


def restricted_mean(times: ArrayLike, horizon: float) -> float:
    """Mean time survived up to the horizon, when nothing is censored before it."""
    return float(np.minimum(np.asarray(times, np.float64), horizon).mean())


def paired_difference(
    times: Sequence[int], control: Sequence[int], horizon: float, *, seed: int = 0
) -> tuple[float, float, float]:
    """How much longer, on average up to the horizon, a resident lasted than a control in the same replicates.

    The difference and its percentile bootstrap interval (95 %), resampled in pairs.
    """
    gain = np.minimum(np.asarray(times, np.float64), horizon) - np.minimum(
        np.asarray(control, np.float64), horizon
    )
    mean = float(gain.mean())
    if len(gain) < 2:
        return mean, mean, mean
    low, high = bootstrap_mean(gain, seed=seed)
    return mean, low, high


def sign_flip(differences: ArrayLike) -> float:
    """The two-sided p of paired whole-number differences: how often random signs sum as far from 0.

    Where nothing tells the two of a pair apart, either sign of their difference is equally likely, whatever it is
    (Fisher, The Design of Experiments, 1935, section 21). Exact, by adding up one difference after another; with
    losses (0 or 1) it is McNemar's exact test.

    >>> sign_flip([1, 1, 1])
    0.25
    """
    given = np.asarray(differences)
    sizes = np.abs(given.astype(np.int64))
    if given.ndim != 1 or (given != given.astype(np.int64)).any():
        raise ValueError(f"differences: expected whole numbers in one row, got {given!r}")
    total, observed = int(sizes.sum()), abs(int(given.astype(np.int64).sum()))
    if observed == 0:
        return 1.0
    if len(sizes) * (2 * total + 1) > EXACT_CELLS:
        from scipy.stats import norm

        return float(2 * norm.sf(observed / math.sqrt(float((sizes.astype(np.float64) ** 2).sum()))))
    chance = np.zeros(2 * total + 1)  # of every sum from -total to total
    chance[total] = 1.0
    for size in sizes[sizes > 0].tolist():
        chance = (np.roll(chance, size) + np.roll(chance, -size)) / 2
    return float(min(1.0, chance[: total - observed + 1].sum() + chance[total + observed :].sum()))


def holm(chances: Sequence[float]) -> list[float]:
    """p values adjusted for their number, so that the chance of any false claim among them keeps its level.

    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(chances)
    highest = 0.0
    for rank, k in enumerate(sorted(range(len(chances)), key=lambda k: chances[k])):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[k]))
        adjusted[k] = highest
    return adjusted
