"""From meetings to scores: what blocks of a round robin add up to, for plain games and for games with a state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.stage import Stage


def tally(
    stage: Stage,
    block: NDArray[np.float64],
    rows: NDArray[np.int64],
    weights: NDArray[np.float64],
    kin: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Add the meetings ``(r, d, o)`` of `rows` (columns from the row on) to the `totals` ``(d, o)`` of both players.

    `weights` ``(d,)``: how many there are of each; `kin`: how many of its own kind each meets.
    """
    from engine.pairs import kernels, staged_kernels  # numba: only when needed

    if stage.plain:
        kernels.tally(block, rows, weights, kin, totals)
    else:
        staged_kernels.tally(block, rows, weights, kin, stage.swap, totals)


def spread(
    stage: Stage,
    block: NDArray[np.float64],
    rows: NDArray[np.int64],
    values: NDArray[np.float64],
    scale: float,
    matrix: NDArray[np.float64],
) -> None:
    """Enter what both get from each meeting, by the `values` ``(o,)`` of outcomes over `scale`, into ``(d, d)``."""
    from engine.pairs import kernels, staged_kernels

    if stage.plain:
        kernels.spread(block, rows, values, scale, matrix)
    else:
        staged_kernels.spread(block, rows, values, stage.swap, scale, matrix)


def carry(
    before: NDArray[np.float64], was: NDArray[np.int64], rows: NDArray[np.int64], block: NDArray[np.float64]
) -> None:
    """Copy the meetings of behaviours that met `before` ``(b, b, o)``, in the place that each `was` in, or -1."""
    from engine.pairs import kernels, staged_kernels

    (kernels if block.shape[2] == 4 else staged_kernels).carry(before, was, rows, block)
