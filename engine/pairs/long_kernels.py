"""Compiled loops for play with chance over so many turns that roundings would add up: arrays in, arrays out.

Followed turn by turn, a probability loses or gains 1e-16 of itself a turn, and 10^9 turns leave nothing of it.
Two ways keep every digit, however long play is and however rarely it moves on. Both hold on to what rounding
takes: that what leaves a joint state and what stays are one whole.

- *doubled*: powers of the chain by squaring. In every row the largest entry is 1 minus the others, which are
  sums of products and so accurate to rounding, however small; an error then grows with the number of squarings,
  not of turns.
- *carried*: turn by turn in pairs of floats (Dekker, "A floating-point technique for extending the available
  precision", 1971); what takes the likeliest way is what the others leave over.

Legend of index letters: n = joint states, j = joint move (CC, CD, DC, DD of the row player).
"""

from __future__ import annotations

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True)


@jit
def _complete(matrix):
    # (n,n)
    """Make every row sum to 1 by its largest entry."""
    n = len(matrix)
    for i in range(n):
        largest = 0
        for k in range(1, n):
            if matrix[i, k] > matrix[i, largest]:
                largest = k
        others = 0.0
        for k in range(n):
            if k != largest:
                others += matrix[i, k]
        matrix[i, largest] = 1.0 - others


@jit
def doubled(following, chance, turns, counts, outcome=None):
    # (n,4), (n,4) -> counts (4,), or (o,) by outcome (n,4), which sum to `turns`
    """Expected joint moves over `turns` turns, by doubling.

    With v the start and A the step, ``s_k = sum_{t<k} v A**t`` grows by ``s_2k = s_k + s_k A**k`` and
    ``s_k+1 = v + s_k A``.
    """
    n = len(following)
    power = np.zeros((n, n))
    for k in range(n):
        for j in range(4):
            power[k, following[k, j]] += chance[k, j]
    _complete(power)
    step = power.copy()
    product = np.empty((n, n))
    total = np.zeros(n)
    more = np.empty(n)
    total[0] = 1.0
    bit = 1
    while 2 * bit <= turns:
        bit *= 2
    while bit > 1:
        bit //= 2
        more[:] = 0.0
        for k in range(n):
            if total[k] != 0.0:
                for i in range(n):
                    more[i] += total[k] * power[k, i]
        for k in range(n):
            total[k] += more[k]
        if bit > 1:
            _multiply(power, power, product)
            power, product = product, power
        if turns & bit:
            more[:] = 0.0
            for k in range(n):
                for i in range(n):
                    more[i] += total[k] * step[k, i]
            total[:] = more
            total[0] += 1.0
            if bit > 1:
                _multiply(power, step, product)
                power, product = product, power
    counts[:] = 0.0
    for k in range(n):
        for j in range(4):
            if outcome is None:
                counts[j] += total[k] * chance[k, j]
            else:
                counts[outcome[k, j]] += total[k] * chance[k, j]


@jit
def _multiply(a, b, product):
    # (n,n), (n,n) -> product (n,n), of rows that sum to 1
    n = len(a)
    product[:] = 0.0
    for i in range(n):
        for k in range(n):
            w = a[i, k]
            if w != 0.0:
                for j in range(n):
                    product[i, j] += w * b[k, j]
    _complete(product)


@jit
def _plus(high, low, x):
    """The pair ``high + low`` and a float: their sum as a pair."""
    total = high + x
    back = total - high
    low += (high - (total - back)) + (x - back)
    return total, low


@jit
def carried(following, chance, turns, leave, counts, outcome=None):
    # (n,4), (n,4) -> counts (4,), or (o,) by outcome (n,4)
    """Expected joint moves over `turns` turns, turn t weighing ``(1 - leave)**t``, in pairs of floats."""
    n = len(following)
    likeliest = np.zeros(n, np.int64)
    for k in range(n):
        for j in range(1, 4):
            if chance[k, j] > chance[k, likeliest[k]]:
                likeliest[k] = j
    mass = np.zeros((n, 2))
    after = np.zeros((n, 2))
    seen = np.zeros((len(counts), 2))
    mass[0, 0] = 1.0
    for _ in range(turns):
        after[:] = 0.0
        for k in range(n):
            high, low = mass[k, 0], mass[k, 1]
            if high == 0.0:
                continue
            rest_high, rest_low = high, low
            for j in range(4):
                if j != likeliest[k] and chance[k, j] != 0.0:
                    moved = (high + low) * chance[k, j]
                    t = following[k, j]
                    rest_high, rest_low = _plus(rest_high, rest_low, -moved)
                    after[t, 0], after[t, 1] = _plus(after[t, 0], after[t, 1], moved)
                    o = j
                    if outcome is not None:
                        o = outcome[k, j]
                    seen[o, 0], seen[o, 1] = _plus(seen[o, 0], seen[o, 1], moved)
            j = likeliest[k]
            t = following[k, j]
            after[t, 0], after[t, 1] = _plus(after[t, 0], after[t, 1] + rest_low, rest_high)
            o = j
            if outcome is not None:
                o = outcome[k, j]
            seen[o, 0], seen[o, 1] = _plus(seen[o, 0], seen[o, 1] + rest_low, rest_high)
        for k in range(n):
            high, low = after[k, 0], after[k, 1]
            if leave > 0.0:
                high, low = _plus(high, low, -(high + low) * leave)
            after[k, 0], after[k, 1] = _plus(high, 0.0, low)
        for o in range(len(counts)):
            seen[o, 0], seen[o, 1] = _plus(seen[o, 0], 0.0, seen[o, 1])
        mass, after = after, mass
    for o in range(len(counts)):
        counts[o] = seen[o, 0] + seen[o, 1]
