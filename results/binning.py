"""How a long run fits a picture: means, least and most of bins of equal width."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_BINS = 1000
"""No figure draws more points along time than this: a screen has no more."""


def bins(length: int, columns: int = MAX_BINS) -> tuple[NDArray[np.int64], int]:
    """Where bins of equal width begin that cover `length` generations, at most `columns`; and their width."""
    width = max(1, math.ceil(length / columns))
    return np.arange(0, length, width), width


def thinned(values: NDArray[Any], starts: NDArray[np.int64], of: str = "mean") -> NDArray[np.float64]:
    """Mean, min or max of each bin; what is lost (nan) does not count."""
    real = np.asarray(values, np.float64)
    lost = np.isnan(real)
    if of != "mean":
        reduce = np.fmin if of == "min" else np.fmax
        return np.asarray(reduce.reduceat(real, starts))
    total = np.add.reduceat(np.where(lost, 0.0, real), starts)
    count = np.add.reduceat((~lost).astype(np.float64), starts)
    return np.asarray(np.divide(total, count, out=np.full(len(starts), np.nan), where=count > 0))
