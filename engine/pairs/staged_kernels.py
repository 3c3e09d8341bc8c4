"""Compiled loops for games with a state of the pair (`engine.stage`): arrays in, arrays out.

They are to `kernels` what a game with states is to a plain one: the joint state of two automata has the state e of
the pair beside it, a D may be blocked, and what is counted are outcomes, not joint moves.

Legend of index letters: d = behaviours, s = states of an automaton, e = states of the pair, j = joint move (CC, CD,
DC, DD of the row player), o = outcomes, n = joint states, r = rows.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True)

SMALLEST = 5e-324
"""The smallest float."""


# --- pure play without noise -----------------------------------------------------------------------------


@jit
def pack(sizes, defect, successors, table, start):
    # (d,), (sum s,), (sum s,4) -> table (4 sum s,), start (d,), both uint32
    """Entry ``4 * state + joint move`` holds ``2 * next state + its move``; states are numbered through."""
    base = 0
    for d in range(len(sizes)):
        start[d] = 2 * base + (1 if defect[base] == 1.0 else 0)
        for s in range(base, base + sizes[d]):
            for j in range(4):
                following = base + successors[s, j]
                table[4 * s + j] = 2 * following + (1 if defect[following] == 1.0 else 0)
        base += sizes[d]


@jit
def _words(may, their, step, words):
    # may, their (e,), step (4 e,) -> words (4 e,)
    """The next state e as ``4 e``, and in its low bits who may defect in it: what a turn needs is in one number."""
    for at in range(len(step)):
        e = step[at]
        words[at] = np.uint32(4) * np.uint32(e) + np.uint32(2) * may[e] + their[e]


@jit
def _meet_turns(table, ea, eb, word, words, outcome, turns, counts, met, mark):
    # table (4 sum s,), words, outcome (4 e,), met, mark (o,): scratch -> counts (o,)
    """The meeting of two pure players over so many turns: Brent's cycle search, then arithmetic."""
    one, four, low = np.uint32(1), np.uint32(4), np.uint32(3)
    met[:] = 0
    mark[:] = 0
    mark_a, mark_b, mark_word = ea, eb, word
    power = 8  # marks cost more than turns
    since = 0
    turn = 0
    cycling = False
    while turn < turns:
        x = ea & (word >> one) & one
        y = eb & word & one
        j = x + x + y
        at = (word & ~low) + j
        met[outcome[at]] += 1
        ea = table[four * (ea >> one) + j]
        eb = table[four * (eb >> one) + y + y + x]
        word = words[at]
        turn += 1
        since += 1
        if cycling:
            continue  # the rest of the last cycle is walked
        if ea == mark_a and eb == mark_b and word == mark_word:
            cycles = (turns - turn) // since
            for o in range(len(met)):
                met[o] += cycles * (met[o] - mark[o])
            turn += cycles * since
            cycling = True
        elif since == power:
            mark_a, mark_b, mark_word = ea, eb, word
            for o in range(len(met)):
                mark[o] = met[o]
            power *= 2
            since = 0
    for o in range(len(met)):
        counts[o] = met[o]


@jit
def _added(counts, lost, o, x):
    """Add a number >= 0 to a sum and keep what rounding takes (Neumaier, 1974)."""
    total = counts[o] + x
    lost[o] += (counts[o] - total) + x if counts[o] >= x else (x - total) + counts[o]
    counts[o] = total


@jit
def _meet_open(table, ea, eb, e, may, their, step, outcome, continuation, counts, scratch):
    # scratch (3,o) -> counts (o,), which sum to 1
    """Frequencies of outcomes, turn t weighing ``(1 - d) d**t``; d = 1: limit of means.

    ``d**t`` and ``1 - d**t`` come from the logarithm of d, and sums keep what rounding takes, however far the end is.
    """
    one = np.uint32(1)
    counts[:] = 0.0
    scratch[:] = 0.0
    lost, cycle, cycle_lost = scratch[0], scratch[1], scratch[2]
    mark_a, mark_b, mark_e = ea, eb, e
    logarithm = math.log1p(continuation - 1.0) if continuation > 0.0 else 0.0
    turn = 0
    power = 1
    since = 0
    weight = 1.0
    while True:
        x = ea & may[e]
        y = eb & their[e]
        j = 2 * x + y
        at = 4 * e + j
        _added(counts, lost, outcome[at], weight)
        _added(cycle, cycle_lost, outcome[at], weight)
        ea = table[4 * (ea >> one) + j]
        eb = table[4 * (eb >> one) + 2 * y + x]
        e = step[at]
        turn += 1
        since += 1
        weight = weight * continuation if turn & 63 else math.exp(turn * logarithm)
        if weight == 0.0 or continuation == 0.0:  # nothing that follows counts
            break
        if ea == mark_a and eb == mark_b and e == mark_e:
            if continuation == 1.0:
                for o in range(len(counts)):
                    counts[o] = cycle[o]
            else:
                rounds = math.exp(since * logarithm) / -math.expm1(since * logarithm)
                for o in range(len(counts)):
                    counts[o] += lost[o] + (cycle[o] + cycle_lost[o]) * rounds
            break
        if since == power:
            mark_a, mark_b, mark_e = ea, eb, e
            cycle[:] = 0.0
            cycle_lost[:] = 0.0
            power *= 2
            since = 0
    total = 0.0
    for o in range(len(counts)):
        total += counts[o]
    for o in range(len(counts)):
        counts[o] /= total


@jit
def pure_rows(
    table, start, pure, rows, to_play, may, their, step, outcome, offers, turns, continuation, block
):
    # pure (d,), rows (r,), to_play (d,) -> block (r,d,o), columns from the row on
    """Meetings of the pure players in `rows` with those at or after them, where one of the two is `to_play`."""
    one = np.uint32(1)
    scratch = np.empty((3, block.shape[2]))
    whole = np.empty((2, block.shape[2]), np.int64)
    words = np.empty(len(step), np.uint32)
    _words(may, their, step, words)
    numbers = np.maximum(outcome, 0).astype(np.uint32)
    for r in range(len(rows)):
        i = rows[r]
        if not pure[i]:
            continue
        for k in range(i, len(start)):
            if not pure[k] or not (to_play[i] or to_play[k]):
                continue
            ea, eb, e = start[i], start[k], np.int64(0)
            for _ in range(offers):
                x = ea & may[e]
                y = eb & their[e]
                ea = table[4 * (ea >> one) + 2 * x + y]
                eb = table[4 * (eb >> one) + 2 * y + x]
                e = step[4 * e + 2 * x + y]
            if turns > 0:
                word = np.uint32(4 * e + 2 * may[e] + their[e])
                _meet_turns(table, ea, eb, word, words, numbers, turns, block[r, k], whole[0], whole[1])
            else:
                _meet_open(table, ea, eb, e, may, their, step, outcome, continuation, block[r, k], scratch)


# --- chance: the chain of reachable joint states -----------------------------------------------------------


@jit
def _realised(p, other, noise, may):
    """Probability of D, then of C, of a player who intends them with these; 0 and 1 where its D is blocked."""
    if may == 0:
        return 0.0, 1.0
    return p * (1.0 - noise) + other * noise, other * (1.0 - noise) + p * noise


@jit
def joint_chain(
    defect_a, successors_a, cooperate_a, defect_b, successors_b, cooperate_b, noise, may, their, step, outcome,
    first, limit,
):  # fmt: skip
    # (s,), (s,4), (s,), twice; may, their (e,), step, outcome (4 e,), first (3,)
    # -> following, chance, outcomes (n,4); n = limit + 1 rows: there are more
    """Joint states reachable from `first` (states of both and of the pair), the next one, its chance and outcome."""
    pairs = len(may)
    width = len(defect_b)
    capacity = min(limit + 1, len(defect_a) * width * pairs)
    room = 64
    while room < 2 * capacity:
        room *= 2
    slots = np.full(room, -1, np.int64)  # open addressing: joint state -> its number
    numbers = np.empty(room, np.int32)
    states = np.empty(capacity, np.int64)
    following = np.zeros((capacity, 4), np.int32)
    chance = np.zeros((capacity, 4))
    outcomes = np.zeros((capacity, 4), np.int64)
    states[0] = (first[0] * width + first[1]) * pairs + first[2]
    at = (states[0] * 0x9E3779B1) & (room - 1)
    slots[at] = states[0]
    numbers[at] = 0
    n = 1
    k = 0
    while k < n:
        e = states[k] % pairs
        sb = states[k] // pairs % width
        sa = states[k] // pairs // width
        d_a, c_a = _realised(defect_a[sa], cooperate_a[sa], noise, may[e])
        d_b, c_b = _realised(defect_b[sb], cooperate_b[sb], noise, their[e])
        for j in range(4):
            x = d_a if j >= 2 else c_a
            y = d_b if j & 1 else c_b
            outcomes[k, j] = max(outcome[4 * e + j], 0)
            # what can happen never becomes what cannot
            q = max(x * y, SMALLEST) if x > 0.0 and y > 0.0 else 0.0
            chance[k, j] = q
            if q == 0.0:
                continue
            swapped = (j >> 1) | ((j & 1) << 1)
            target = (np.int64(successors_a[sa, j]) * width + successors_b[sb, swapped]) * pairs + step[
                4 * e + j
            ]
            slot = (target * 0x9E3779B1) & (room - 1)
            while slots[slot] >= 0 and slots[slot] != target:
                slot = (slot + 1) & (room - 1)
            if slots[slot] < 0:
                slots[slot] = target
                numbers[slot] = n
                states[n] = target
                n += 1
                if n > limit:
                    return following, chance, outcomes
            following[k, j] = numbers[slot]
        k += 1
    return following[:n].copy(), chance[:n].copy(), outcomes[:n].copy()


@jit
def play_moves(defect_a, successors_a, defect_b, successors_b, noise, may, their, step, draws, moves):
    # draws (t,4) uniform in [0, 1): intentions and slips of both -> moves (t,2) realised
    """One meeting, move by move."""
    sa = 0
    sb = 0
    e = 0
    for t in range(len(draws)):
        x = 1 if draws[t, 0] < defect_a[sa] else 0
        y = 1 if draws[t, 1] < defect_b[sb] else 0
        if draws[t, 2] < noise:
            x = 1 - x
        if draws[t, 3] < noise:
            y = 1 - y
        if may[e] == 0:
            x = 0
        if their[e] == 0:
            y = 0
        moves[t, 0] = x
        moves[t, 1] = y
        sa = successors_a[sa, 2 * x + y]
        sb = successors_b[sb, 2 * y + x]
        e = step[4 * e + 2 * x + y]


# --- from meetings to scores ---------------------------------------------------------------------------------


@jit
def tally(block, rows, weights, kin, swap, totals):
    # block (r,d,o), rows (r,), weights (d,), kin (d,), swap (o,) -> totals (d,o)
    """Add the meetings in `block` (columns from the row on) to both players' weighted totals, in order.

    `kin`: the weight of each behaviour's meeting with itself.
    """
    for r in range(len(rows)):
        i = rows[r]
        for k in range(i, len(weights)):
            w = weights[k] if k > i else kin[i]
            for o in range(len(swap)):
                totals[i, o] += w * block[r, k, o]
            if k > i:
                for o in range(len(swap)):
                    totals[k, swap[o]] += weights[i] * block[r, k, o]


@jit
def spread(block, rows, values, swap, scale, matrix):
    # block (r,d,o), rows (r,), values, swap (o,) -> matrix (d,d)
    """Enter what both players of each meeting get into a matrix of row against column."""
    for r in range(len(rows)):
        i = rows[r]
        for k in range(i, matrix.shape[1]):
            own = 0.0
            other = 0.0
            for o in range(len(swap)):
                own += block[r, k, o] * values[o]
                other += block[r, k, swap[o]] * values[o]
            matrix[i, k] = own / scale
            matrix[k, i] = other / scale


@jit
def carry(before, was, rows, block):
    # before (b,b,o), was (d,) place in `before` or -1, rows (r,) -> block (r,d,o)
    """Copy the meetings of behaviours that met before; both tables stand in key order."""
    for r in range(len(rows)):
        i = was[rows[r]]
        if i < 0:
            continue
        for k in range(rows[r], len(was)):
            if was[k] >= 0:
                for o in range(block.shape[2]):
                    block[r, k, o] = before[i, was[k], o]
