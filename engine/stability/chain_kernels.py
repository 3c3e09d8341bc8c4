"""The compiled loops behind the long run of rare mutations: fixation of all pairs, and stationary distributions.

Everything is a natural logarithm; -inf is a probability of 0.

Legend of index letters: r = residents, m = mutants, i = number of mutants in a population, k, l, j = states of a chain.
"""
# mypy: disallow-untyped-decorators=False, disallow-untyped-defs=False, disallow-untyped-calls=False

from __future__ import annotations

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True)

NEGLIGIBLE = -40.0
"""A logarithm so far below another adds less than half of its last digit."""


@jit
def added(x, y):
    # (), () -> log(exp(x) + exp(y))
    if x < y:
        x, y = y, x
    if y - x > NEGLIGIBLE:  # false where both are -inf
        return x + np.log1p(np.exp(y - x))
    return x


@jit
def log_fixations(payoffs, size, moran, intensity, baseline):
    # (r,m), (), (), (), () -> (r,m)
    """The logarithm of the chance that one mutant m takes over `size` - 1 residents r, for all pairs.

    `payoffs[r, m]`: what r earns against m. The sum in `engine.stability.fixation.log_fixation` for one mutant.
    Fitness is known to be nowhere negative, and 0 for one side alone. It is linear in i, so where a mutant's is 0 none
    is ever born, and where a resident's is 0 none is again.
    """
    n = len(payoffs)
    found = np.empty((n, n))
    for r in range(n):
        for m in range(n):
            a, b, c, d = payoffs[m, m], payoffs[m, r], payoffs[r, m], payoffs[r, r]
            total, largest, term = 1.0, 0.0, 0.0  # the sum of exponentials is total * exp(largest)
            for i in range(1, size):
                f = (a * (i - 1) + b * (size - i)) / (size - 1)
                g = (c * i + d * (size - i - 1)) / (size - 1)
                if moran:
                    f = 1.0 - intensity + intensity * (f + baseline)
                    g = 1.0 - intensity + intensity * (g + baseline)
                    if f <= 0.0:  # less by a rounding
                        largest = np.inf
                        break
                    if g <= 0.0:
                        break
                    term += np.log(g) - np.log(f)
                else:
                    term -= intensity * (f - g)
                if term > largest:
                    total = total * np.exp(largest - term) + 1.0
                    largest = term
                else:
                    total += np.exp(term - largest)
            found[r, m] = -largest - np.log(total)
    return found


@jit
def log_stationary(rates):
    # (k,l) -> (k,)
    """The logarithm of the stationary distribution of a chain from the logarithms of its rates.

    Elimination after Grassmann, Taksar & Heyman (1985): no subtraction, so nothing is lost however unequal the rates.
    State 0 is known to be reached from everywhere. The diagonal is not read. Destroys its argument.
    """
    n = len(rates)
    leaving = np.empty(n)
    for k in range(n - 1, 0, -1):
        out = -np.inf
        for l in range(k):
            out = added(out, rates[k, l])
        leaving[k] = out
        for j in range(k):
            share = rates[j, k] - out
            if share == -np.inf:
                continue
            for l in range(k):
                rates[j, l] = added(rates[j, l], share + rates[k, l])
    found = np.empty(n)
    found[0] = 0.0
    for k in range(1, n):
        into = -np.inf
        for l in range(k):
            into = added(into, found[l] + rates[l, k])
        found[k] = into - leaving[k]
    total = -np.inf
    for k in range(n):
        total = added(total, found[k])
    return found - total
