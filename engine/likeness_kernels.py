"""The compiled loop behind `engine.likeness`: named strategies look on while others meet.

This module imports numba: import it where it is used, not at the top of a file.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Legend: g = strategies, o = opponents, n = named strategies that look on, r = repetitions, t = turns, s = states


@njit(cache=True, nogil=True)
def look_on(sizes, defect, successors, n_defect, n_successors, o_defect, o_successors, draws, alike):
    # (g,), (sum s,), (sum s,4), (n,s), (n,s,4), (o,s), (o,s,4), (r,o,t) -> (g,n)
    repetitions, opponents, turns = draws.shape
    watchers = n_defect.shape[0]
    watching = np.zeros(watchers, np.int64)
    start = 0
    for g in range(len(sizes)):
        alike[g, :] = 0.0
        for r in range(repetitions):
            for o in range(opponents):
                state, other = 0, 0
                watching[:] = 0
                for t in range(turns):
                    p = defect[start + state]
                    move = 1 if draws[r, o, t] < p else 0
                    theirs = 1 if o_defect[o, other] > 0.5 else 0
                    joint = 2 * move + theirs
                    for n in range(watchers):
                        alike[g, n] += abs(n_defect[n, watching[n]] - p)
                        watching[n] = n_successors[n, watching[n], joint]
                    state = successors[start + state, joint]
                    other = o_successors[o, other, 2 * theirs + move]
        for n in range(watchers):
            alike[g, n] = 1.0 - alike[g, n] / (repetitions * opponents * turns)
        start += sizes[g]
