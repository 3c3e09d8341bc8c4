"""Confidence intervals: of a mean, of a probability, and of what was never seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Of every interval for which nothing else is said."""

RESAMPLES = 9999
"""Of a bootstrap."""

BATCH_CELLS = 2**20
"""Resampled values held at a time."""


def bootstrap_mean(
    values: NDArray[np.float64], confidence: float = CONFIDENCE, *, seed: int
) -> tuple[float, float]:
    """Percentile bootstrap of the mean of at least two values; equal ones leave nothing to resample.

    >>> bootstrap_mean(np.array([2.0, 2.0, 2.0]), seed=0)
    (2.0, 2.0)
    """
    from scipy.stats import bootstrap  # heavy: only when needed

    if (values == values[0]).all():
        return float(values[0]), float(values[0])
    found = bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=RESAMPLES,
        batch=max(1, BATCH_CELLS // len(values)),
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def student(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student's t interval of the expectation of at least two independent values.

    >>> [round(edge, 4) for edge in student([1.0, 2.0, 3.0])]
    [-0.4841, 4.4841]
    """
    from scipy.stats import t

    mean = math.fsum(values) / len(values)
    half = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * float(
        np.std(values, ddof=1) / math.sqrt(len(values))
    )
    return mean - half, mean + half


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a probability, 95 % with z = 1.96 (Wilson, JASA 22, 1927).

    >>> [round(edge, 3) for edge in wilson(0, 10)]
    [0.0, 0.278]
    """
    p = successes / trials
    middle = p + z * z / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def none_seen(trials: int, confidence: float = CONFIDENCE) -> float:
    """The largest probability that trials without a single event leave credible (about 3 / trials at 95 %).

    >>> round(none_seen(100), 4)
    0.0295
    """
    return float(1.0 - (1.0 - confidence) ** (1.0 / trials))
