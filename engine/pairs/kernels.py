"""Every compiled loop of the two-player game: arrays in, arrays out, no validation, no objects.

Three ways to an exact result, from the quickest to the most general:

- pure play without noise follows the joint state to its cycle and closes the sum by arithmetic;
- where both players depend on at most three past joint moves, the distribution over joint histories is
  propagated for `LANES` pairs at once;
- otherwise the chain of reachable joint states is built, and propagated or solved (GTH).

All kernels that call each other live in this file, because the compiled cache does not notice a change in
another one. Legend of index letters: d = behaviours, s = states of an automaton, j = joint move (CC, CD, DC,
DD of the row player), n = joint states, h = joint histories, l = lanes, m = history length.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True)

LANES = 16
"""Pairs propagated side by side: enough to fill vector registers, few enough to stay in the L1 cache."""

MAX_ORDER = 3
"""Longest joint history with a table of its own: 1 + 4 + 16 + 64 = 85 entries."""

RARE = 2.0**-10
"""Of a move that is realised less often, 1 minus the chance of the other has lost more than three digits."""

FOLLOWED = 4096
"""Over more turns than this the roundings of play that is followed turn by turn could reach 1e-12."""

SMALLEST, ROUNDED = 5e-324, 1e-300
"""The smallest float, and below which floats have fewer digits."""

FADED_NATS = 60 * math.log(2)
"""A discounted tail of weight 2**-60 is below one rounding of the sum."""


# --- pure play without noise -----------------------------------------------------------------------------


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
            if turns == 0 and 0.0 < 1.0 - continuation < RARE:
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


# --- chance: distributions over short joint histories ------------------------------------------------------


@jit
def _executed(p, noise):
    """Probability that a move is played where it is intended with probability p."""
    return p * (1.0 - noise) + (1.0 - p) * noise


@jit
def _realised(p, other, noise):
    """The same where the probability of the other move is known too: nothing is subtracted from 1."""
    return p * (1.0 - noise) + other * noise


@jit
def history_tables(sizes, defect, successors, cooperate, noise, order, rare, tables):
    # (d,), (sum s,), (sum s,4), (sum s,) -> order (d,), rare (d,), tables (d,2,85)
    """How many past joint moves each behaviour depends on (-1: more than MAX_ORDER), and what it then plays.

    ``tables[d]`` lists P(D), then P(C), after every joint history of length 0, 1, 2, 3, oldest move most
    significant. `rare`: some realised move is `RARE`.
    """
    noisy = noise > 0.0
    reached = np.empty(64, np.int64)
    now = np.empty(64, np.int64)
    then = np.empty(64, np.int64)
    base = 0
    for d in range(len(sizes)):
        p = defect[base : base + sizes[d]]
        c = cooperate[base : base + sizes[d]]
        following = successors[base : base + sizes[d]]
        order[d] = -1
        rare[d] = False
        for s in range(sizes[d]):
            if 0.0 < min(_realised(p[s], c[s], noise), _realised(c[s], p[s], noise)) < RARE:
                rare[d] = True
        for m in range(MAX_ORDER + 1):
            # the state after m joint moves must not depend on where they began
            reached[: 4**m] = -1
            definite = True
            for s in range(sizes[d]):
                for h in range(4**m):
                    at = s
                    for k in range(m - 1, -1, -1):
                        j = (h >> (2 * k)) & 3
                        if not noisy and ((p[at] == 0.0 and j >= 2) or (c[at] == 0.0 and j < 2)):
                            at = -1
                            break
                        at = following[at, j]
                    if at >= 0:
                        if reached[h] >= 0 and reached[h] != at:
                            definite = False
                            break
                        reached[h] = at
                if not definite:
                    break
            if definite:
                order[d] = m
                break
        if order[d] >= 0:
            # a history shorter than the order is followed from the start; of a longer one the end decides
            now[0] = 0
            at = 0
            for m in range(MAX_ORDER + 1):
                if m >= order[d]:
                    for h in range(4**m):
                        state = reached[h & (4 ** order[d] - 1)]
                        tables[d, 0, at + h] = p[state] if state >= 0 else 0.0  # -1: cannot happen
                        tables[d, 1, at + h] = c[state] if state >= 0 else 1.0
                else:
                    for h in range(4**m):
                        tables[d, 0, at + h] = p[now[h]]
                        tables[d, 1, at + h] = c[now[h]]
                        for j in range(4):
                            then[4 * h + j] = following[now[h], j]
                    now[: 4 ** (m + 1)] = then[: 4 ** (m + 1)]
                at += 4**m
        base += sizes[d]


def _slot_step(width):
    """One turn for every joint history and lane, the oldest move standing `width` numbers apart.

    The history is a ring of moves: the new joint move takes the place of the oldest, so nothing is shifted
    and all accesses are contiguous. `width` is a compile-time constant: only then are the loops vectorised.
    """
    second, third, span = 2 * width, 3 * width, 4 * width

    @jit
    def step(mass, a, b, seen, continuation):  # all (h * l,)
        for outer in range(len(mass) // span):  # counted, so that indices are seen to be positive
            base = outer * span
            for k in range(base, base + width):
                w = mass[k]
                d = w * a[k]
                c = w - d
                u = c * b[k]
                v = d * b[k]
                cc = c - u
                cd = u
                dc = d - v
                dd = v
                w = mass[k + width]
                d = w * a[k + width]
                c = w - d
                u = c * b[k + width]
                v = d * b[k + width]
                cc += c - u
                cd += u
                dc += d - v
                dd += v
                w = mass[k + second]
                d = w * a[k + second]
                c = w - d
                u = c * b[k + second]
                v = d * b[k + second]
                cc += c - u
                cd += u
                dc += d - v
                dd += v
                w = mass[k + third]
                d = w * a[k + third]
                c = w - d
                u = c * b[k + third]
                v = d * b[k + third]
                cc += c - u
                cd += u
                dc += d - v
                dd += v
                seen[k] += cc
                seen[k + width] += cd
                seen[k + second] += dc
                seen[k + third] += dd
                mass[k] = continuation * cc
                mass[k + width] = continuation * cd
                mass[k + second] = continuation * dc
                mass[k + third] = continuation * dd

    return step


def _slot_step_apart(width):
    """The same where both moves have a probability of their own, so that nothing is subtracted."""

    second, third, span = 2 * width, 3 * width, 4 * width

    @jit
    def step(mass, a, b, not_a, not_b, seen, continuation):  # all (h * l,)
        for outer in range(len(mass) // span):
            base = outer * span
            for k in range(base, base + width):
                w = mass[k]
                c = w * not_a[k]
                d = w * a[k]
                cc = c * not_b[k]
                cd = c * b[k]
                dc = d * not_b[k]
                dd = d * b[k]
                w = mass[k + width]
                c = w * not_a[k + width]
                d = w * a[k + width]
                cc += c * not_b[k + width]
                cd += c * b[k + width]
                dc += d * not_b[k + width]
                dd += d * b[k + width]
                w = mass[k + second]
                c = w * not_a[k + second]
                d = w * a[k + second]
                cc += c * not_b[k + second]
                cd += c * b[k + second]
                dc += d * not_b[k + second]
                dd += d * b[k + second]
                w = mass[k + third]
                c = w * not_a[k + third]
                d = w * a[k + third]
                cc += c * not_b[k + third]
                cd += c * b[k + third]
                dc += d * not_b[k + third]
                dd += d * b[k + third]
                seen[k] += cc
                seen[k + width] += cd
                seen[k + second] += dc
                seen[k + third] += dd
                mass[k] = continuation * cc
                mass[k + width] = continuation * cd
                mass[k + second] = continuation * dc
                mass[k + third] = continuation * dd

    return step


_step_1 = _slot_step(LANES)
_step_4 = _slot_step(4 * LANES)
_step_16 = _slot_step(16 * LANES)
_apart_1 = _slot_step_apart(LANES)
_apart_4 = _slot_step_apart(4 * LANES)
_apart_16 = _slot_step_apart(16 * LANES)


@jit
def _mirror(history):
    """The joint history as the other player sees it: every CD becomes DC and back."""
    low = history & 0x5555
    high = (history >> 1) & 0x5555
    return (low << 1) | high


@jit
def _times(a, b, product, rows):
    # a (rows * 4 * l,), b (16 * l,) -> product (rows * 4 * l,)
    """Products of 4 x 4 matrices (or rows of them), one per lane."""
    for i in range(rows):
        for j in range(4):
            for k in range(LANES):
                product[(4 * i + j) * LANES + k] = (
                    a[4 * i * LANES + k] * b[j * LANES + k]
                    + a[(4 * i + 1) * LANES + k] * b[(4 + j) * LANES + k]
                    + a[(4 * i + 2) * LANES + k] * b[(8 + j) * LANES + k]
                    + a[(4 * i + 3) * LANES + k] * b[(12 + j) * LANES + k]
                )


@jit
def _complete(power):
    # power (16 * l,)
    """Make every row sum to 1 by its largest entry: else squaring doubles the error of the sum."""
    for i in range(4):
        for k in range(4 * i * LANES, (4 * i + 1) * LANES):
            largest = k
            for j in range(k + LANES, k + 4 * LANES, LANES):
                if power[j] > power[largest]:
                    largest = j
            others = 0.0
            for j in range(k, k + 4 * LANES, LANES):
                if j != largest:
                    others += power[j]
            power[largest] = 1.0 - others


@jit
def _doubling_batch(apart, table_a, tables, others, noise, turns, continuation, scratch, block_row):
    # table_a (2,85), tables (d,2,85), others (up to l,) -> block_row (d,4)
    """Expected joint moves of one behaviour with up to LANES others, all depending on the last joint move only.

    With v the opening and A the step, ``s_k = sum_{t<k} v A**t`` is doubled: ``s_2k = s_k + s_k A**k`` and
    ``s_k+1 = v + s_k A``. `apart`: some move is rare, P(C) is not 1 - P(D).
    """
    long = turns > FOLLOWED and continuation == 1.0
    step, power, product = scratch[0, 0], scratch[0, 1], scratch[0, 2]
    opening, total, more = scratch[1, 0], scratch[1, 1], scratch[1, 2]
    for lane in range(len(others)):
        p_b = tables[others[lane]]
        for h in range(5):
            seen_by_b = 1 + _mirror(h - 1) if h > 0 else 0
            x = _executed(table_a[0, h], noise)
            y = _executed(p_b[0, seen_by_b], noise)
            not_x = _realised(table_a[1, h], table_a[0, h], noise) if apart else 1.0 - x
            not_y = _realised(p_b[1, seen_by_b], p_b[0, seen_by_b], noise) if apart else 1.0 - y
            if apart:
                x = _realised(table_a[0, h], table_a[1, h], noise)
                y = _realised(p_b[0, seen_by_b], p_b[1, seen_by_b], noise)
            for j in range(4):
                share = (x if j >= 2 else not_x) * (y if j & 1 else not_y)
                if h == 0:
                    opening[j * LANES + lane] = share
                    total[j * LANES + lane] = share
                else:
                    step[(4 * (h - 1) + j) * LANES + lane] = continuation * share
                    power[(4 * (h - 1) + j) * LANES + lane] = continuation * share
    if long:
        _complete(step)
        _complete(power)
    bit = 1
    while 2 * bit <= turns:
        bit *= 2
    while bit > 1:
        bit //= 2
        _times(total, power, more, 1)
        for k in range(4 * LANES):
            total[k] += more[k]
        if bit > 1:
            _times(power, power, product, 4)
            power, product = product, power
            if long:
                _complete(power)
        if turns & bit:
            _times(total, step, more, 1)
            for k in range(4 * LANES):
                total[k] = opening[k] + more[k]
            if bit > 1:
                _times(power, step, product, 4)
                power, product = product, power
                if long:
                    _complete(power)
    for lane in range(len(others)):
        for j in range(4):
            block_row[others[lane], j] = total[j * LANES + lane]


@jit
def _history_batch(m, apart, table_a, tables, others, noise, turns, continuation, scratch, block_row):
    # table_a (2,85), tables (d,2,85), others (up to l,) -> block_row (d,4)
    """Expected joint moves of one behaviour with up to LANES others, all depending on at most m joint moves.

    `apart`: some move is rare, P(C) is not 1 - P(D).
    """
    full = 4**m
    size = full * LANES
    mass, a, b, seen = scratch[0, 0], scratch[1], scratch[2], scratch[3]
    not_a, not_b = scratch[4], scratch[5]
    top = (full - 1) // 3  # where the tables list histories of length m
    mass[:size] = 0.0
    seen[:m, :size] = 0.0
    now = np.empty(64)
    then = np.empty(64)
    for lane in range(len(others)):
        p_b = tables[others[lane]]
        out = block_row[others[lane]]
        out[:] = 0.0
        # the opening: histories shorter than m, turn by turn
        now[0] = 1.0
        base = 0
        for turn in range(min(m, turns)):
            for h in range(4**turn):
                w = now[h]
                g = base + _mirror(h)
                if apart:
                    d = w * _realised(table_a[0, base + h], table_a[1, base + h], noise)
                    c = w * _realised(table_a[1, base + h], table_a[0, base + h], noise)
                    y = _realised(p_b[0, g], p_b[1, g], noise)
                    not_y = _realised(p_b[1, g], p_b[0, g], noise)
                    then[4 * h] = c * not_y
                    then[4 * h + 2] = d * not_y
                else:
                    d = w * _executed(table_a[0, base + h], noise)
                    c = w - d
                    y = _executed(p_b[0, g], noise)
                    then[4 * h] = c - c * y
                    then[4 * h + 2] = d - d * y
                then[4 * h + 1] = c * y
                then[4 * h + 3] = d * y
                for j in range(4):
                    out[j] += then[4 * h + j]
            base += 4**turn
            for h in range(4 ** (turn + 1)):
                now[h] = continuation * then[h]
        for h in range(full):
            mass[h * LANES + lane] = now[h]
        # what is played after each history, in the layout of each slot of the ring
        for slot in range(m):
            for place in range(full):
                low = 2 * (m - slot)  # the slots before this one hold the newest moves
                h = ((place << (2 * slot)) | (place >> low)) & (full - 1)
                g = top + _mirror(h)
                k = place * LANES + lane
                if apart:
                    a[slot, k] = _realised(table_a[0, top + h], table_a[1, top + h], noise)
                    b[slot, k] = _realised(p_b[0, g], p_b[1, g], noise)
                    not_a[slot, k] = _realised(table_a[1, top + h], table_a[0, top + h], noise)
                    not_b[slot, k] = _realised(p_b[1, g], p_b[0, g], noise)
                else:
                    a[slot, k] = _executed(table_a[0, top + h], noise)
                    b[slot, k] = _executed(p_b[0, g], noise)
    slot = 0
    for _ in range(m, turns):
        if apart:
            here = (mass[:size], a[slot], b[slot], not_a[slot], not_b[slot], seen[slot])
            if m - slot == 1:
                _apart_1(*here, continuation)
            elif m - slot == 2:
                _apart_4(*here, continuation)
            else:
                _apart_16(*here, continuation)
        elif m - slot == 1:
            _step_1(mass[:size], a[slot], b[slot], seen[slot], continuation)
        elif m - slot == 2:
            _step_4(mass[:size], a[slot], b[slot], seen[slot], continuation)
        else:
            _step_16(mass[:size], a[slot], b[slot], seen[slot], continuation)
        slot = slot + 1 if slot + 1 < m else 0
    for lane in range(len(others)):
        out = block_row[others[lane]]
        for slot in range(m):
            for place in range(full):
                out[(place >> (2 * (m - 1 - slot))) & 3] += seen[slot, place * LANES + lane]


@jit
def history_rows(order, rare, tables, pure, rows, to_play, noise, turns, continuation, block):
    # order, rare (d,), tables (d,2,85), pure (d,), rows (r,), to_play (d,) -> block (r,d,4), columns from the row on
    """Expected joint moves of `rows` with those at or after them, where one of the two is `to_play`.

    Only for players with an order >= 0; two that are both `pure` are left to `pure_rows`.
    """
    # at the start of a cache line: a fifth quicker than where no vector lies within one
    length = 6 * MAX_ORDER * 4**MAX_ORDER * LANES
    room = np.zeros(length + 8)
    start = (64 - np.int64(room.ctypes.data % 64)) % 64 // 8
    scratch = room[start : start + length].reshape((6, MAX_ORDER, 4**MAX_ORDER * LANES))
    others = np.empty(LANES, np.int64)
    some_rare = rare.any()
    for r in range(len(rows)):
        i = rows[r]
        if order[i] < 0:
            continue
        for way in range(2 * MAX_ORDER if some_rare else MAX_ORDER):
            m, apart = way % MAX_ORDER + 1, way >= MAX_ORDER
            waiting = 0
            for j in range(i, len(order) + 1):
                if j < len(order):
                    if order[j] < 0 or max(order[i], order[j], 1) != m or (pure[i] and pure[j]):
                        continue
                    if not (to_play[i] or to_play[j]) or (rare[i] or rare[j]) != apart:
                        continue
                    others[waiting] = j
                    waiting += 1
                if waiting == LANES or (waiting and j == len(order)):
                    batch = others[:waiting]
                    if m == 1:
                        _doubling_batch(
                            apart, tables[i], tables, batch, noise, turns, continuation, scratch, block[r]
                        )
                    else:
                        _history_batch(
                            m, apart, tables[i], tables, batch, noise, turns, continuation, scratch, block[r]
                        )
                    waiting = 0


# --- chance: the chain of reachable joint states -----------------------------------------------------------


@jit
def joint_chain(defect_a, successors_a, cooperate_a, defect_b, successors_b, cooperate_b, noise, limit):
    # (s,), (s,4), (s,), twice -> following (n,4), chance (n,4); n = limit + 1 rows: there are more
    """Joint states reachable from the start, with the next one and its probability for every joint move."""
    capacity = min(limit + 1, len(defect_a) * len(defect_b))
    room = 64
    while room < 2 * capacity:
        room *= 2
    slots = np.full(room, -1, np.int64)  # open addressing: joint state -> its number
    numbers = np.empty(room, np.int32)
    states = np.empty(capacity, np.int64)
    following = np.zeros((capacity, 4), np.int32)
    chance = np.zeros((capacity, 4))
    width = len(defect_b)
    states[0] = 0
    slots[0] = 0
    numbers[0] = 0
    n = 1
    k = 0
    while k < n:
        sa = states[k] // width
        sb = states[k] % width
        for j in range(4):
            # P(C) by itself: 1 - P(D) would lose the digits of what is rare
            if j >= 2:
                x = _realised(defect_a[sa], cooperate_a[sa], noise)
            else:
                x = _realised(cooperate_a[sa], defect_a[sa], noise)
            if j & 1:
                y = _realised(defect_b[sb], cooperate_b[sb], noise)
            else:
                y = _realised(cooperate_b[sb], defect_b[sb], noise)
            q = (
                max(x * y, SMALLEST) if x > 0.0 and y > 0.0 else 0.0
            )  # what can happen never becomes what cannot
            chance[k, j] = q
            if q == 0.0:
                continue
            swapped = (j >> 1) | ((j & 1) << 1)
            target = np.int64(successors_a[sa, j]) * width + successors_b[sb, swapped]
            slot = (target * 0x9E3779B1) & (room - 1)
            while slots[slot] >= 0 and slots[slot] != target:
                slot = (slot + 1) & (room - 1)
            if slots[slot] < 0:
                slots[slot] = target
                numbers[slot] = n
                states[n] = target
                n += 1
                if n > limit:
                    return following, chance
            following[k, j] = numbers[slot]
        k += 1
    return following[:n].copy(), chance[:n].copy()


@jit
def propagate(following, chance, turns, continuation, counts, outcome=None):
    # (n,4), (n,4) -> counts (4,), or (o,) by outcome (n,4)
    """Expected joint moves over `turns` turns, turn t weighing ``continuation**t``."""
    n = len(following)
    mass = np.zeros(n)
    after = np.zeros(n)
    mass[0] = 1.0
    counts[:] = 0.0
    for _ in range(turns):
        after[:] = 0.0
        for k in range(n):
            w = mass[k]
            if w != 0.0:
                for j in range(4):
                    moved = w * chance[k, j]
                    if outcome is None:
                        counts[j] += moved
                    else:
                        counts[outcome[k, j]] += moved
                    after[following[k, j]] += continuation * moved
        mass, after = after, mass


@jit
def _eliminate(matrix, first, last):
    """Censor the states first <= k < last, the last first: GTH elimination, free of subtractions.

    Not a number where a state is left so rarely that floats have no digits for it.
    """
    n = len(matrix)
    for k in range(last - 1, first - 1, -1):
        out = 0.0
        for j in range(n):
            if j < k or j >= last:
                out += matrix[k, j]
        if out < ROUNDED:
            out = np.nan
        for i in range(n):
            if (i < k or i >= last) and matrix[i, k] != 0.0:
                share = matrix[i, k] / out
                matrix[i, k] = share
                for j in range(k):
                    matrix[i, j] += share * matrix[k, j]
                for j in range(last, n):
                    matrix[i, j] += share * matrix[k, j]


@jit
def stationary(matrix):
    # (n,n) -> (n,)
    """Stationary distribution of an irreducible chain (or of state 0's class): Grassmann, Taksar & Heyman 1985.

    Destroys `matrix`. Accurate to rounding in every entry, however small.
    """
    n = len(matrix)
    _eliminate(matrix, 1, n)
    weights = np.zeros(n)
    weights[0] = 1.0
    total = 1.0
    for k in range(1, n):
        w = 0.0
        for i in range(k):
            w += weights[i] * matrix[i, k]
        weights[k] = w
        total += w
    return weights / total


@jit
def discounted(following, chance, continuation, counts, outcome=None):
    # (n,4), (n,4) -> counts (4,), or (o,) by outcome (n,4), which sum to 1
    """Frequencies with turn t weighing ``(1 - d) d**t``: the stationary state of the chain that restarts."""
    n = len(following)
    matrix = np.zeros((n, n))
    for k in range(n):
        for j in range(4):
            if chance[k, j] > 0.0:
                matrix[k, following[k, j]] += continuation * chance[k, j]
        matrix[k, 0] += 1.0 - continuation
    weights = stationary(matrix)
    counts[:] = 0.0
    for k in range(n):
        for j in range(4):
            if outcome is None:
                counts[j] += weights[k] * chance[k, j]
            else:
                counts[outcome[k, j]] += weights[k] * chance[k, j]


@jit
def closed_classes(following, chance):
    # (n,4), (n,4) -> (n,): number of the closed class from 0 on, -1 for transient states
    """Classes of joint states that play cannot leave: strongly connected components without a way out."""
    n = len(following)
    index = np.full(n, -1, np.int64)
    low = np.zeros(n, np.int64)
    component = np.full(n, -1, np.int64)
    stack = np.empty(n, np.int64)
    calls = np.empty(n, np.int64)
    edge = np.zeros(n, np.int64)
    height = 0
    found = 0
    depth = 1
    counter = 1
    calls[0] = 0
    index[0] = 0
    stack[0] = 0
    height = 1
    while depth > 0:  # Tarjan, with its own call stack
        k = calls[depth - 1]
        if edge[k] < 4:
            j = edge[k]
            edge[k] += 1
            if chance[k, j] > 0.0:
                t = following[k, j]
                if index[t] < 0:
                    index[t] = counter
                    low[t] = counter
                    counter += 1
                    stack[height] = t
                    height += 1
                    calls[depth] = t
                    depth += 1
                elif component[t] < 0:
                    low[k] = min(low[k], index[t])
        else:
            if low[k] == index[k]:
                while True:
                    height -= 1
                    component[stack[height]] = found
                    if stack[height] == k:
                        break
                found += 1
            depth -= 1
            if depth > 0:
                parent = calls[depth - 1]
                low[parent] = min(low[parent], low[k])
    leaves = np.zeros(found, np.bool_)
    for k in range(n):
        for j in range(4):
            if chance[k, j] > 0.0 and component[following[k, j]] != component[k]:
                leaves[component[k]] = True
    number = np.full(found, -1, np.int64)
    closed = 0
    for k in range(n):
        if not leaves[component[k]] and number[component[k]] < 0:
            number[component[k]] = closed
            closed += 1
    for k in range(n):
        component[k] = number[component[k]]
    return component


@jit
def limit_of_means(following, chance, counts, outcome=None):
    # (n,4), (n,4) -> counts (4,), or (o,) by outcome (n,4), which sum to 1
    """Long-run joint-move frequencies: where play ends up, times the stationary state there."""
    n = len(following)
    label = closed_classes(following, chance)
    classes = label.max() + 1
    # chance of each closed class: censor the transient states, the start last
    arrival = np.zeros(classes)
    if label[0] >= 0:
        arrival[label[0]] = 1.0
    else:
        position = np.empty(n, np.int64)
        transient = 0
        for k in range(n):
            if label[k] < 0:
                position[k] = transient
                transient += 1
        matrix = np.zeros((transient + classes, transient + classes))
        for k in range(n):
            if label[k] < 0:
                for j in range(4):
                    if chance[k, j] > 0.0:
                        t = following[k, j]
                        column = position[t] if label[t] < 0 else transient + label[t]
                        matrix[position[k], column] += chance[k, j]
        _eliminate(matrix, 1, transient)
        total = 0.0
        for c in range(classes):
            total += matrix[0, transient + c]
        for c in range(classes):
            arrival[c] = matrix[0, transient + c] / total if total >= ROUNDED else np.nan
    counts[:] = 0.0
    position = np.empty(n, np.int64)
    for c in range(classes):
        size = 0
        for k in range(n):
            if label[k] == c:
                position[k] = size
                size += 1
        matrix = np.zeros((size, size))
        for k in range(n):
            if label[k] == c:
                for j in range(4):
                    if chance[k, j] > 0.0:
                        matrix[position[k], position[following[k, j]]] += chance[k, j]
        weights = stationary(matrix)
        for k in range(n):
            if label[k] == c:
                for j in range(4):
                    if outcome is None:
                        counts[j] += arrival[c] * weights[position[k]] * chance[k, j]
                    else:
                        counts[outcome[k, j]] += arrival[c] * weights[position[k]] * chance[k, j]


# --- chance: sampling ----------------------------------------------------------------------------------------


@jit
def play_moves(defect_a, successors_a, defect_b, successors_b, noise, draws, moves):
    # draws (t,4) uniform in [0, 1): intentions and slips of both -> moves (t,2) realised
    """One meeting, move by move. Numbers drawn have steps of 2**-53: a rarer move is none, or comes once in 2**53."""
    sa = 0
    sb = 0
    for t in range(len(draws)):
        x = 1 if draws[t, 0] < defect_a[sa] else 0
        y = 1 if draws[t, 1] < defect_b[sb] else 0
        if draws[t, 2] < noise:
            x = 1 - x
        if draws[t, 3] < noise:
            y = 1 - y
        moves[t, 0] = x
        moves[t, 1] = y
        sa = successors_a[sa, 2 * x + y]
        sb = successors_b[sb, 2 * y + x]


# --- from meetings to scores ---------------------------------------------------------------------------------


@jit
def tally(block, rows, weights, kin, totals):
    # block (r,d,4), rows (r,), weights (d,), kin (d,) -> totals (d,4)
    """Add the meetings in `block` (columns from the row on) to both players' weighted totals, in order.

    `kin`: the weight of each behaviour's meeting with itself.
    """
    n = np.uint64(len(weights))
    for r in range(len(rows)):
        i = np.uint64(rows[r])
        own = weights[i]
        cc, cd, dc, dd = totals[i, 0], totals[i, 1], totals[i, 2], totals[i, 3]
        for k in range(i, n):
            w = weights[k] if k > i else kin[i]
            m_cc, m_cd, m_dc, m_dd = block[r, k, 0], block[r, k, 1], block[r, k, 2], block[r, k, 3]
            cc += w * m_cc
            cd += w * m_cd
            dc += w * m_dc
            dd += w * m_dd
            if k > i:
                totals[k, 0] += own * m_cc
                totals[k, 1] += own * m_dc
                totals[k, 2] += own * m_cd
                totals[k, 3] += own * m_dd
        totals[i, 0], totals[i, 1], totals[i, 2], totals[i, 3] = cc, cd, dc, dd


@jit
def spread(block, rows, values, scale, matrix):
    # block (r,d,4), rows (r,), values (4,) by joint move -> matrix (d,d)
    """Enter what both players of each meeting get into a matrix of row against column."""
    for k in range(rows[0], matrix.shape[1]):
        for r in range(len(rows)):
            i = rows[r]
            if k >= i:
                m = block[r, k]
                common = m[0] * values[0]
                matrix[i, k] = (common + m[1] * values[1] + m[2] * values[2] + m[3] * values[3]) / scale
                matrix[k, i] = (common + m[2] * values[1] + m[1] * values[2] + m[3] * values[3]) / scale


@jit
def carry(before, was, rows, block):
    # before (b,b,4), was (d,) place in `before` or -1, rows (r,) -> block (r,d,4)
    """Copy the meetings of behaviours that met before; both tables stand in key order."""
    for r in range(len(rows)):
        i = was[rows[r]]
        if i < 0:
            continue
        for k in range(rows[r], len(was)):
            if was[k] >= 0:
                for j in range(4):
                    block[r, k, j] = before[i, was[k], j]
