"""Compiled loops for pure play without noise, by players of any memory: the joint state is followed to its round.

Arrays in, arrays out, no validation, no objects. Legend of index letters: d = behaviours, s = states of an automaton,
j = joint move (CC, CD, DC, DD of the row player), r = rows.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True)

FAR = 2.0**-10
"""Where the end of play is less likely than this in a turn, products of d have lost more than three digits."""


@jit
def pack_pure(sizes, defect, successors, table, start):
    # (d,), (sum s,), (sum s,4) -> table (2 sum s,), start (d,), both uint32
    """Tables for the pure meetings: entry ``2 * state + opponent's move`` holds ``2 * next state + its move``.

    States are numbered through all automata. Unsigned, so that no index needs a check for being negative.
    """
    base = 0
    for d in range(len(sizes)):
        start[d] = 2 * base + (1 if defect[base] == 1.0 else 0)
        for s in range(base, base + sizes[d]):
            own = 2 if defect[s] == 1.0 else 0
            for theirs in range(2):
                following = base + successors[s, own + theirs]
                table[2 * s + theirs] = 2 * following + (1 if defect[following] == 1.0 else 0)
        base += sizes[d]


@jit
def meet_turns(table, ea, eb, turns):
    # table (2 sum s,) -> number of D by the row, by the column, by both at once
    """The meeting of two pure players: Brent's cycle search, in registers and for any number of joint states."""
    one = np.uint32(1)
    mark_a, mark_b = ea, eb
    own = theirs = both = np.uint64(0)
    mark_own = mark_theirs = mark_both = np.uint64(0)
    power = 1
    since = 0
    turn = 0
    cycling = False
    while turn < turns:
        x = ea & one
        y = eb & one
        own += x
        theirs += y
        both += x & y
        ea, eb = table[(ea ^ x) + y], table[(eb ^ y) + x]
        turn += 1
        since += 1
        if cycling:
            continue  # the rest of the last cycle is walked
        if ea == mark_a and eb == mark_b:
            cycles = (turns - turn) // since
            own += np.uint64(cycles) * (own - mark_own)
            theirs += np.uint64(cycles) * (theirs - mark_theirs)
            both += np.uint64(cycles) * (both - mark_both)
            turn += cycles * since
            cycling = True
        elif since == power:
            mark_a, mark_b = ea, eb
            mark_own, mark_theirs, mark_both = own, theirs, both
            power *= 2
            since = 0
    return own, theirs, both


@jit
def meet_discounted(table, ea, eb, continuation, counts):
    # table (2 sum s,) -> counts (4,), which sum to 1
    """Joint-move frequencies of two pure players, turn t weighing ``(1 - d) d**t``; d = 1: limit of means."""
    one = np.uint32(1)
    mark_a, mark_b = ea, eb
    counts[:] = 0.0
    cycle = np.zeros(4)
    power = 1
    since = 0
    weight = 1.0
    mark_weight = 1.0
    while True:
        x = ea & one
        y = eb & one
        counts[2 * x + y] += weight
        cycle[2 * x + y] += weight
        ea, eb = table[(ea ^ x) + y], table[(eb ^ y) + x]
        weight *= continuation
        since += 1
        if ea == mark_a and eb == mark_b:
            if continuation == 1.0:
                counts[:] = cycle
            else:
                ratio = weight / mark_weight
                for j in range(4):
                    counts[j] += cycle[j] * ratio / (1.0 - ratio)
            break
        if weight == 0.0:  # nothing that follows counts
            break
        if since == power:
            mark_a, mark_b = ea, eb
            mark_weight = weight
            cycle[:] = 0.0
            power *= 2
            since = 0
    total = counts[0] + counts[1] + counts[2] + counts[3]
    for j in range(4):
        counts[j] /= total


@jit
def _added(counts, lost, j, x):
    """Add a number >= 0 to a sum and keep what rounding takes (Neumaier, 1974)."""
    total = counts[j] + x
    lost[j] += (counts[j] - total) + x if counts[j] >= x else (x - total) + counts[j]
    counts[j] = total


@jit
def meet_far(table, ea, eb, continuation, counts):
    # table (2 sum s,) -> counts (4,), which sum to 1
    """`meet_discounted` where the end is far: products of d lose a digit for every digit of the turns that count.

    So ``d**t`` and ``1 - d**t`` come from the logarithm of d, and sums keep what rounding takes.
    """
    one = np.uint32(1)
    mark_a, mark_b = ea, eb
    counts[:] = 0.0
    cycle, lost, cycle_lost = np.zeros(4), np.zeros(4), np.zeros(4)
    logarithm = math.log1p(continuation - 1.0)
    turn = 0
    power = 1
    since = 0
    weight = 1.0
    while True:
        x = ea & one
        y = eb & one
        _added(counts, lost, 2 * x + y, weight)
        _added(cycle, cycle_lost, 2 * x + y, weight)
        ea, eb = table[(ea ^ x) + y], table[(eb ^ y) + x]
        turn += 1
        since += 1
        weight = weight * continuation if turn & 63 else math.exp(turn * logarithm)
        if ea == mark_a and eb == mark_b:
            rounds = math.exp(since * logarithm) / -math.expm1(since * logarithm)
            for j in range(4):
                counts[j] += lost[j] + (cycle[j] + cycle_lost[j]) * rounds
            break
        if weight == 0.0:  # nothing that follows counts
            break
        if since == power:
            mark_a, mark_b = ea, eb
            cycle[:] = 0.0
            cycle_lost[:] = 0.0
            power *= 2
            since = 0
    total = counts[0] + counts[1] + counts[2] + counts[3]
    for j in range(4):
        counts[j] /= total


@jit
def pure_rows(table, start, pure, short, rows, to_play, turns, continuation, block):
    # pure, short (d,), rows (r,), to_play (d,) -> block (r,d,4), columns from the row on
    """Meetings of the pure players in `rows` with those at or after them, where one of the two is `to_play`.

    Two `short` ones are left to `short_rows` of the words.
    """
    for r in range(len(rows)):
        i = rows[r]
        if not pure[i]:
            continue
        for j in range(i, len(start)):
            if not pure[j] or not (to_play[i] or to_play[j]) or (short[i] and short[j]):
                continue
            if turns == 0 and 0.0 < 1.0 - continuation < FAR:
                meet_far(table, start[i], start[j], continuation, block[r, j])
                continue
            if turns == 0:
                meet_discounted(table, start[i], start[j], continuation, block[r, j])
                continue
            own, theirs, both = meet_turns(table, start[i], start[j], turns)
            block[r, j, 0] = np.float64(turns) - np.float64(own) - np.float64(theirs) + np.float64(both)
            block[r, j, 1] = np.float64(theirs - both)
            block[r, j, 2] = np.float64(own - both)
            block[r, j, 3] = np.float64(both)
