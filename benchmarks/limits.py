"""The yardstick: a kernel written only for noise-free round robins of memory-n lookup genomes.

Each reply table is packed into one machine word and the joint history is followed to its cycle. It knows
nothing of other strategies, noise or behaviours, and the engine does not use it: it says how fast this one
case can go, and `make bench` prints how far the general engine is from it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def _follow(table_a, table_b, n, own, theirs, turns, counts):
    # own, theirs: the opening moves as n bits, oldest first
    mask = (1 << n) - 1
    history_a = own
    history_b = theirs
    defections = turned = both = 0
    for k in range(n - 1, -1, -1):
        x = (own >> k) & 1
        y = (theirs >> k) & 1
        defections += x
        turned += y
        both += x & y
    mark_a, mark_b = history_a, history_b
    mark_d = defections
    mark_t = turned
    mark_both = both
    power = 1
    since = 0
    turn = n
    while turn < turns:
        x = (table_a >> np.uint64((history_a << n) | history_b)) & 1
        y = (table_b >> np.uint64((history_b << n) | history_a)) & 1
        history_a = ((history_a << 1) | np.int64(x)) & mask
        history_b = ((history_b << 1) | np.int64(y)) & mask
        defections += np.int64(x)
        turned += np.int64(y)
        both += np.int64(x & y)
        turn += 1
        since += 1
        if history_a == mark_a and history_b == mark_b:
            cycles = (turns - turn) // since
            defections += cycles * (defections - mark_d)
            turned += cycles * (turned - mark_t)
            both += cycles * (both - mark_both)
            turn += cycles * since
            mark_a = -1  # the rest of the last cycle is walked
        elif since == power:
            mark_a, mark_b = history_a, history_b
            mark_d, mark_t, mark_both = defections, turned, both
            power *= 2
            since = 0
    counts[0] = turns - defections - turned + both
    counts[1] = turned - both
    counts[2] = defections - both
    counts[3] = both


@njit(cache=True, nogil=True)
def _all_pairs(tables, openings, n, turns, payoffs, scores):
    counts = np.empty(4)
    for i in range(len(tables)):
        for j in range(i, len(tables)):
            _follow(tables[i], tables[j], n, openings[i], openings[j], turns, counts)
            a = (
                counts[0] * payoffs[0]
                + counts[1] * payoffs[1]
                + counts[2] * payoffs[2]
                + counts[3] * payoffs[3]
            )
            b = (
                counts[0] * payoffs[0]
                + counts[2] * payoffs[1]
                + counts[1] * payoffs[2]
                + counts[3] * payoffs[3]
            )
            if i != j:
                scores[i] += a
                scores[j] += b


def lookup_round_robin(
    replies: NDArray[np.uint8], openings: NDArray[np.uint8], n: int, turns: int, payoffs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Total payoffs of memory-n genomes: `replies` ``(genomes, 4**n)`` and `openings` ``(genomes, n)``, D = 1."""
    weights = np.uint64(1) << np.arange(4**n, dtype=np.uint64)
    tables = (replies.astype(np.uint64) * weights).sum(axis=1, dtype=np.uint64)
    first = (openings.astype(np.int64) << np.arange(n - 1, -1, -1)).sum(axis=1)
    scores = np.zeros(len(tables))
    _all_pairs(tables, first, n, turns, payoffs, scores)
    return scores
