"""Compiled loops for play with chance between players that depend on at most three joint moves.

The distribution over joint histories is propagated for `LANES` pairs at once, turn by turn; at one joint move the
turns are doubled. What a set of behaviours does not need is not compiled: each of the three ways is a kernel.

Arrays in, arrays out, no validation, no objects. Legend of index letters: d = behaviours, s = states of an automaton,
j = joint move (CC, CD, DC, DD of the row player), h = joint histories, l = lanes, m = history length, r = rows.
"""

from __future__ import annotations

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True)

LANES = 16
"""Pairs propagated side by side: enough to fill vector registers, few enough to stay in the L1 cache."""

MAX_ORDER = 3
"""Longest joint history with a table of its own: 1 + 4 + 16 + 64 = 85 entries."""

RARE = 2.0**-10
"""Of a move that is realised less often, 1 minus the chance of the other has lost more than three digits."""


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
            if _definite(m, noisy, p, c, following, reached):
                order[d] = m
                break
        if order[d] >= 0:
            # a history shorter than the order is followed from the start; of a longer one the end decides
            now[0] = 0
            at = 0
            for m in range(MAX_ORDER + 1):
                histories = 1 << 2 * m
                for h in range(histories):
                    if m < order[d]:
                        state = now[h]
                        for j in range(4):
                            then[4 * h + j] = following[state, j]
                    else:
                        state = reached[h & ((1 << 2 * order[d]) - 1)]
                    tables[d, 0, at + h] = p[state] if state >= 0 else 0.0  # -1: cannot happen
                    tables[d, 1, at + h] = c[state] if state >= 0 else 1.0
                if m < order[d]:
                    for h in range(4 * histories):
                        now[h] = then[h]
                at += histories
        base += sizes[d]


@jit
def _definite(m, noisy, p, c, following, reached):
    # p, c (s,), following (s,4) -> reached (4**m,)
    """Whether the state after `m` joint moves does not depend on where they began, and which it is."""
    histories = 1 << 2 * m
    for h in range(histories):
        reached[h] = -1
    for s in range(len(p)):
        for h in range(histories):
            at = s
            for k in range(m - 1, -1, -1):
                j = (h >> (2 * k)) & 3
                if not noisy and ((p[at] == 0.0 and j >= 2) or (c[at] == 0.0 and j < 2)):
                    at = -1
                    break
                at = following[at, j]
            if at >= 0:
                if reached[h] >= 0 and reached[h] != at:
                    return False
                reached[h] = at
    return True


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
                cc, cd, dc, dd = c - u, u, d - v, v
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
                cc, cd, dc, dd = c * not_b[k], c * b[k], d * not_b[k], d * b[k]
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
def _doubling_batch(apart, long, table_a, tables, others, noise, turns, continuation, scratch, block_row):
    # table_a (2,85), tables (d,2,85), others (up to l,) -> block_row (d,4)
    """Expected joint moves of one behaviour with up to LANES others, all depending on the last joint move only.

    With v the opening and A the step, ``s_k = sum_{t<k} v A**t`` is doubled: ``s_2k = s_k + s_k A**k`` and
    ``s_k+1 = v + s_k A``. `apart`: some move is rare, P(C) is not 1 - P(D). `long`: over so many turns that rows of
    powers have to be made whole.
    """
    step, power, product, opening, total, more = scratch
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
def _begin(m, apart, table_a, tables, others, noise, turns, continuation, scratch, block_row):
    # table_a (2,85), tables (d,2,85), others (up to l,) -> block_row (d,4); scratch as its callers share it out
    """The first m turns, and what is played after each history, of one behaviour with up to LANES others."""
    full = 1 << 2 * m
    mass, a, b, seen = scratch[0, 0], scratch[1], scratch[2], scratch[3]
    top = (full - 1) // 3  # where the tables list histories of length m
    for k in range(full * LANES):
        mass[k] = 0.0
        for slot in range(m):
            seen[slot, k] = 0.0
    now = np.empty(64)
    then = np.empty(64)
    for lane in range(len(others)):
        p_b = tables[others[lane]]
        out = block_row[others[lane]]
        for j in range(4):
            out[j] = 0.0
        # the opening: histories shorter than m, turn by turn
        now[0] = 1.0
        base = 0
        for turn in range(min(m, turns)):
            histories = 1 << 2 * turn
            for h in range(histories):
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
            base += histories
            for h in range(4 * histories):
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
                    not_a, not_b = scratch[4], scratch[5]
                    a[slot, k] = _realised(table_a[0, top + h], table_a[1, top + h], noise)
                    b[slot, k] = _realised(p_b[0, g], p_b[1, g], noise)
                    not_a[slot, k] = _realised(table_a[1, top + h], table_a[0, top + h], noise)
                    not_b[slot, k] = _realised(p_b[1, g], p_b[0, g], noise)
                else:
                    a[slot, k] = _executed(table_a[0, top + h], noise)
                    b[slot, k] = _executed(p_b[0, g], noise)


@jit
def _end(m, others, scratch, block_row):
    """Add up what was seen in the slots of the ring."""
    full = 1 << 2 * m
    seen = scratch[3]
    for lane in range(len(others)):
        out = block_row[others[lane]]
        for slot in range(m):
            for place in range(full):
                out[(place >> (2 * (m - 1 - slot))) & 3] += seen[slot, place * LANES + lane]


@jit
def _scratch(kinds, slots, entries):
    """Room at the start of a cache line: a fifth quicker than where no vector lies within one."""
    length = kinds * slots * entries
    room = np.zeros(length + 8)
    start = (64 - np.int64(room.ctypes.data % 64)) % 64 // 8
    return room[start : start + length].reshape((kinds, slots, entries))


@jit
def _opponents(i, m, apart, order, rare, pure, to_play, others):
    # order, rare, pure, to_play (d,) -> their number; others (d,)
    """Whom behaviour `i` meets at or after it, where the longer order is m and the rarest move `apart` or not."""
    found = 0
    for j in range(i, len(order)):
        if order[j] < 0 or max(order[i], order[j], 1) != m or (pure[i] and pure[j]):
            continue
        if (to_play[i] or to_play[j]) and (rare[i] or rare[j]) == apart:
            others[found] = j
            found += 1
    return found


@jit
def doubling_rows(order, rare, tables, pure, rows, to_play, noise, turns, long, continuation, block):
    # order, rare (d,), tables (d,2,85), pure (d,), rows (r,), to_play (d,) -> block (r,d,4), columns from the row on
    """Expected joint moves of `rows` with those at or after them, where one of the two is `to_play`.

    Only where both depend on at most the last joint move, and not both are `pure`. `long`: see `_doubling_batch`.
    """
    scratch = _scratch(1, 6, 16 * LANES)[0]
    others = np.empty(len(order), np.int64)
    for r in range(len(rows)):
        i = rows[r]
        for apart in (False, True):
            met = _opponents(i, 1, apart, order, rare, pure, to_play, others) if order[i] >= 0 else 0
            for k in range(0, met, LANES):
                batch = others[k : min(k + LANES, met)]
                _doubling_batch(
                    apart, long, tables[i], tables, batch, noise, turns, continuation, scratch, block[r]
                )


@jit
def history_rows(order, rare, tables, pure, rows, to_play, noise, turns, continuation, block):
    # order, rare (d,), tables (d,2,85), pure (d,), rows (r,), to_play (d,) -> block (r,d,4), columns from the row on
    """Expected joint moves of `rows` with those at or after them, where one of the two is `to_play`.

    Only where one depends on two or three joint moves, and not both are `pure`; rare moves are left to `apart_rows`.
    """
    scratch = _scratch(4, MAX_ORDER, 4**MAX_ORDER * LANES)
    others = np.empty(len(order), np.int64)
    for r in range(len(rows)):
        i = rows[r]
        for m in range(2, MAX_ORDER + 1):
            size = LANES << 2 * m
            mass, a, b, seen = scratch[0, 0, :size], scratch[1], scratch[2], scratch[3]
            met = _opponents(i, m, False, order, rare, pure, to_play, others) if order[i] >= 0 else 0
            for k in range(0, met, LANES):
                batch = others[k : min(k + LANES, met)]
                _begin(m, False, tables[i], tables, batch, noise, turns, continuation, scratch, block[r])
                slot = 0
                for _ in range(m, turns):
                    if m - slot == 1:
                        _step_1(mass, a[slot], b[slot], seen[slot], continuation)
                    elif m - slot == 2:
                        _step_4(mass, a[slot], b[slot], seen[slot], continuation)
                    else:
                        _step_16(mass, a[slot], b[slot], seen[slot], continuation)
                    slot = slot + 1 if slot + 1 < m else 0
                _end(m, batch, scratch, block[r])


@jit
def apart_rows(order, rare, tables, pure, rows, to_play, noise, turns, continuation, block):
    # as `history_rows`
    """`history_rows` where some move is so rare that P(C) is not 1 - P(D)."""
    scratch = _scratch(6, MAX_ORDER, 4**MAX_ORDER * LANES)
    others = np.empty(len(order), np.int64)
    for r in range(len(rows)):
        i = rows[r]
        for m in range(2, MAX_ORDER + 1):
            size = LANES << 2 * m
            mass, a, b, seen = scratch[0, 0, :size], scratch[1], scratch[2], scratch[3]
            not_a, not_b = scratch[4], scratch[5]
            met = _opponents(i, m, True, order, rare, pure, to_play, others) if order[i] >= 0 else 0
            for k in range(0, met, LANES):
                batch = others[k : min(k + LANES, met)]
                _begin(m, True, tables[i], tables, batch, noise, turns, continuation, scratch, block[r])
                slot = 0
                for _ in range(m, turns):
                    here = (mass, a[slot], b[slot], not_a[slot], not_b[slot], seen[slot], continuation)
                    if m - slot == 1:
                        _apart_1(*here)
                    elif m - slot == 2:
                        _apart_4(*here)
                    else:
                        _apart_16(*here)
                    slot = slot + 1 if slot + 1 < m else 0
                _end(m, batch, scratch, block[r])
