"""Every compiled function of societies: arrays in, arrays out, no validation, no objects.

A relation (who defects on whom in one round) is held as bit rows: bit y of row x is D(x,y). Word i of row x
stands at i*k + x, so that loops over players run through neighbouring words. A history is the sequence of
numbers of its *distinct* relations. Integers that meet shifts are uint64 throughout: numba turns a mixture
with int64 into floats.
"""
# mypy: disallow-untyped-decorators=False, disallow-untyped-defs=False, disallow-untyped-calls=False

from __future__ import annotations

import numpy as np
from numba import njit

# Operations. Columns of the code: operation, destination, a, b, wide, x, y, t.
(
    CONST,  # destination := bit a
    ATOM,  # destination := D(x, y, t)
    NOT,
    AND,  # destination := destination op register a
    XOR,
    OR,
    IMPLIES,
    IFF,
    SPREAD,  # one bit row becomes a wide register of equal rows
    REDUCE,  # wide becomes one row: some row (b = 0) or every row (b = 1)
    PLAYERS,  # loop variable a := 0
    NEXT_PLAYER,  # fold register x into the destination; next player in variable a, jump by t
    ROUNDS,  # loop variable a := 0; no rounds: jump by t
    NEXT_ROUND,  # fold register x into the destination; next distinct relation in variable a, jump by t
    LOAD,  # destination := table a
    STORE,  # fold register b into table a
    SKIP,  # table a can change no more: jump by t
    REPEAT,  # next player in variable a, jump by t
    LEAVE_OUT,  # what is said of r and c := bit b; of every row (wide), or of the player in variable a
) = range(19)

# Players and rounds that an atom can name, beside loop variables 0, 1, ...
SELF, OTHER, WIDE = -1, -2, -3
LAST, NEWEST = -1, -2

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)
_LOW = np.uint64(0xFFFFFFFF)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_63 = np.uint64(63)
_29 = np.uint64(29)

# Where `play` keeps its place between calls.
TURN, DISTINCT, LAST_RELATION, MARK_TURN, MARK_DISTINCT, MARK_LAST, MARK_REACH, PERIOD = range(8)

# Index letters: k players (rows of a relation), w words a bit row, m distinct relations, t turns,
# g groups, i instructions, f programs, q automata rows, s automata states.


@njit(cache=True, nogil=True)
def _bit(relations, seen, k, x, y):
    return (relations[seen, (y >> 6) * k + x] >> (np.uint64(y) & _63)) & _ONE


@njit(cache=True, nogil=True)
def _transpose(rows, columns, k, w):
    """(w*k), (w*k) -> None: columns' row y, bit x := rows' row x, bit y, in blocks of 64 x 64 bits."""
    block = np.empty(64, np.uint64)
    for i in range(w):
        for j in range(w):
            for n in range(64):
                x = i * 64 + n
                block[n] = rows[j * k + x] if x < k else _ZERO
            step, mask = 32, _LOW
            while step:
                shift = np.uint64(step)
                n = 0
                while n < 64:
                    swap = ((block[n] >> shift) ^ block[n + step]) & mask
                    block[n] ^= swap << shift
                    block[n + step] ^= swap
                    n = (n + step + 1) & ~step
                step >>= 1
                mask ^= mask << np.uint64(step)
            for n in range(64):
                y = j * 64 + n
                if y < k:
                    columns[i * k + y] = block[n]


@njit(cache=True, nogil=True)
def _run(
    code, pc, end, me, last, m, k, w, full_word, rows, columns, diagonal, registers, player, turn,
    memory, base, tables, full,
):  # fmt: skip
    """Run instructions pc..end for player `me`; the result stands in register 0 (see society_program)."""
    kw = k * w
    while pc < end:
        op, to, a, b = code[pc, 0], code[pc, 1], code[pc, 2], code[pc, 3]
        n = kw if code[pc, 4] else w
        if op == ATOM:
            x, y, t = code[pc, 5], code[pc, 6], code[pc, 7]
            if t == LAST:
                seen = last
            elif t == NEWEST:
                seen = m - 1
            else:
                seen = turn[t]
            if m == 0:
                for i in range(n):
                    registers[to, i] = _ZERO
            elif x == OTHER and y == OTHER:
                for i in range(w):
                    registers[to, i] = diagonal[seen, i]
            elif x == OTHER or y == OTHER:
                relations, z = (columns, y) if x == OTHER else (rows, x)
                if z == WIDE:
                    for i in range(kw):
                        registers[to, i] = relations[seen, i]
                else:
                    row = player[z] if z >= 0 else me
                    for i in range(w):
                        registers[to, i] = relations[seen, i * k + row]
            elif x == WIDE or y == WIDE:
                relations, z = (columns, y) if x == WIDE else (rows, x)
                row = player[z] if z >= 0 else me
                for i in range(w):
                    word = diagonal[seen, i] if x == y else relations[seen, i * k + row]
                    for j in range(min(64, k - 64 * i)):
                        registers[to, 64 * i + j] = _ZERO - ((word >> np.uint64(j)) & _ONE)
                for i in range(k, kw):
                    registers[to, i] = registers[to, i - k]
            else:
                word = _ZERO - _bit(rows, seen, k, player[x] if x >= 0 else me, player[y] if y >= 0 else me)
                for i in range(w):
                    registers[to, i] = word
        elif op == XOR:
            for i in range(n):
                registers[to, i] ^= registers[a, i]
        elif op == AND:
            for i in range(n):
                registers[to, i] &= registers[a, i]
        elif op == OR:
            for i in range(n):
                registers[to, i] |= registers[a, i]
        elif op == IMPLIES:
            for i in range(n):
                registers[to, i] = ~registers[to, i] | registers[a, i]
        elif op == IFF:
            for i in range(n):
                registers[to, i] = ~(registers[to, i] ^ registers[a, i])
        elif op == NOT:
            for i in range(n):
                registers[to, i] = ~registers[to, i]
        elif op == CONST:
            word = ALL_BITS if a else _ZERO
            for i in range(n):
                registers[to, i] = word
        elif op == SPREAD:
            for i in range(w - 1, -1, -1):
                word = registers[to, i]
                for j in range(k):
                    registers[to, i * k + j] = word
        elif op == REDUCE:
            for i in range(w):
                word = registers[to, i * k]
                if b:
                    for j in range(k):
                        word &= registers[to, i * k + j]
                else:
                    for j in range(k):
                        word |= registers[to, i * k + j]
                registers[to, i] = word
        elif op == PLAYERS:
            player[a] = 0
        elif op == REPEAT:
            player[a] += 1
            if player[a] < k:
                pc += code[pc, 7]
                continue
        elif op == ROUNDS:
            turn[a] = 0
            if m == 0:
                pc += code[pc, 7]
                continue
        elif op in (NEXT_PLAYER, NEXT_ROUND):
            open_ = _fold(registers[to], 0, registers[code[pc, 5]], n, w, b, full_word)
            if op == NEXT_PLAYER:
                player[a] += 1
                again = player[a] < k
            else:
                turn[a] += 1
                again = turn[a] < m
            if again and open_:
                pc += code[pc, 7]
                continue
        elif op in (LOAD, STORE):
            at = base + tables[a, 3]
            place = 0
            for i in range(tables[a, 2]):
                place = place * k + player[tables[a, 4 + i]]
            at += place * n
            if op == LOAD:
                for i in range(n):
                    registers[to, i] = memory[at + i]
            else:
                open_ = _fold(memory, at, registers[b], n, w, tables[a, 0], full_word)
                full[me, a] = not open_
        elif op == SKIP and full[me, a]:
            pc += code[pc, 7]
            continue
        elif op == LEAVE_OUT:
            if code[pc, 4]:
                for j in range(k):
                    _leave_out(registers[to], j, j, me, w, k, b)
            else:
                _leave_out(registers[to], 0, player[a], me, w, 1, b)
        pc += 1


@njit(cache=True, nogil=True)
def _leave_out(values, at, j, me, w, step, every):
    """Make what is said of player j neutral where j is the deciding player or the one decided about.

    values: word i of the bit row of j stands at at + i * step.
    """
    if j == me:
        for i in range(w):
            values[at + i * step] = ALL_BITS if every else _ZERO
    bit = _ONE << (np.uint64(j) & _63)
    if every:
        values[at + (j >> 6) * step] |= bit
    else:
        values[at + (j >> 6) * step] &= ~bit


@njit(cache=True, nogil=True)
def _fold(into, at, values, n, w, every, full_word):
    """Or (and, with `every`) values into n words; True while a further value could still change something."""
    if every:
        for i in range(n):
            into[at + i] &= values[i]
    else:
        for i in range(n):
            into[at + i] |= values[i]
    whole = n - n // w
    for i in range(n):
        mask = full_word if i >= whole else ALL_BITS
        if into[at + i] & mask != (_ZERO if every else mask):
            return True
    return False


@njit(cache=True, nogil=True)
def play(
    until, close, k, place, rows, columns, diagonal, hashes, sequence,
    code, spans, tables, program, memory, base, full, registers,
    automaton, defect, successors, states, mark, draw_row, draws, flips, draw_from,
):  # fmt: skip
    """Play on to turn `until`, or until the state repeats (`close`) or the arrays are full.

    place (8): where play stands. rows, columns (m, w*k), diagonal (m, w), hashes (m): distinct relations.
    sequence (t): the relation of each turn. code (i, 8), spans (f, 4): beginning, decide part, end and first
    table of each program; tables; program (k): of each player, or -1 for an automaton; memory, base (k),
    full (k, tables): running tables. automaton (q): player of each automaton row; defect (s), successors
    (s, 4); states, mark (q, k); draw_row (q): row of draws, or -1 where the automaton leaves nothing to
    chance; draws (t, q', k) uniform in [0, 1); flips (t, w*k) bits of moves that slip, or (0, 0);
    draw_from: the turn their first entries belong to.
    """
    w = diagonal.shape[1]
    kw = k * w
    capacity = rows.shape[0]
    full_word = ALL_BITS >> np.uint64(64 * w - k)
    player, turn = np.zeros(8, np.int64), np.zeros(8, np.int64)
    slots = 16
    while slots < 2 * capacity:
        slots *= 2
    index = np.full(slots, -1, np.int64)
    m, last = place[DISTINCT], place[LAST_RELATION]
    for seen in range(m):
        slot = np.int64(hashes[seen] & np.uint64(slots - 1))
        while index[slot] >= 0:
            slot = (slot + 1) & (slots - 1)
        index[slot] = seen
    while place[TURN] < until and m < capacity and place[TURN] < sequence.shape[0] and place[PERIOD] == 0:
        now = place[TURN]
        for me in range(k):
            f = program[me]
            if f >= 0:
                _run(
                    code, spans[f, 1], spans[f, 2], me, last, m, k, w, full_word, rows, columns, diagonal,
                    registers, player, turn, memory, base[me], tables[spans[f, 3]:], full,
                )  # fmt: skip
                registers[0, w - 1] &= full_word
                for i in range(w):
                    rows[m, i * k + me] = registers[0, i]
        for q in range(automaton.shape[0]):
            me = automaton[q]
            for i in range(w):
                rows[m, i * k + me] = _ZERO
            for y in range(k):
                p = defect[states[q, y]]
                draw = draws[now - draw_from, draw_row[q], y] if draw_row[q] >= 0 else 0.5
                if draw < p:
                    rows[m, (y >> 6) * k + me] |= _ONE << (np.uint64(y) & _63)
        if flips.shape[0]:
            for i in range(kw):
                rows[m, i] ^= flips[now - draw_from, i]
        # Is the relation new?
        key = _ZERO
        for i in range(kw):
            key = (key ^ rows[m, i]) * _MIX
            key ^= key >> _29
        slot = np.int64(key & np.uint64(slots - 1))
        last = m
        while index[slot] >= 0:
            seen = index[slot]
            if hashes[seen] == key and np.array_equal(rows[seen], rows[m]):
                last = seen
                break
            slot = (slot + 1) & (slots - 1)
        if last == m:
            index[slot] = m
            hashes[m] = key
            _transpose(rows[m], columns[m], k, w)
            for i in range(w):
                diagonal[m, i] = _ZERO
            for x in range(k):
                diagonal[m, x >> 6] |= _bit(rows, m, k, x, x) << (np.uint64(x) & _63)
            m += 1
            for me in range(k):
                f = program[me]
                if f >= 0:
                    _run(
                        code, spans[f, 0], spans[f, 1], me, last, m, k, w, full_word, rows, columns, diagonal,
                        registers, player, turn, memory, base[me], tables[spans[f, 3]:], full,
                    )  # fmt: skip
        for q in range(automaton.shape[0]):
            me = automaton[q]
            for y in range(k):
                joint = 2 * np.int64(_bit(rows, last, k, me, y)) + np.int64(_bit(columns, last, k, me, y))
                states[q, y] = successors[states[q, y], joint]
        sequence[now] = last
        place[TURN], place[DISTINCT], place[LAST_RELATION] = now + 1, m, last
        # Brent's method: compare with a marked state, and move the mark ever more rarely.
        if close:
            if place[MARK_DISTINCT] == m and place[MARK_LAST] == last and np.array_equal(states, mark):
                place[PERIOD] = now + 1 - place[MARK_TURN]
            elif place[MARK_DISTINCT] != m or now + 1 - place[MARK_TURN] == place[MARK_REACH]:
                place[MARK_REACH] = 1 if place[MARK_DISTINCT] != m else 2 * place[MARK_REACH]
                place[MARK_TURN], place[MARK_DISTINCT], place[MARK_LAST] = now + 1, m, last
                mark[:] = states


@njit(cache=True, nogil=True)
def joint_counts(rows, columns, weights, group, groups, skip_diagonal, k):
    """(m, w*k), (m, w*k), (m), (k) -> (g, g, 4): how often each joint move was played between groups.

    `weights`: rounds in which each relation held. The row's move comes first: 2 * own + opponent.
    """
    counts = np.zeros((groups, groups, 4), np.int64)
    for seen in range(rows.shape[0]):
        weight = weights[seen]
        for x in range(k):
            for y in range(k):
                if not (skip_diagonal and x == y):
                    own, other = np.int64(_bit(rows, seen, k, x, y)), np.int64(_bit(columns, seen, k, x, y))
                    counts[group[x], group[y], 2 * own + other] += weight
    return counts
