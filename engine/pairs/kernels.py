"""Compiled loops of the two-player game: arrays in, arrays out, no validation, no objects.

Five ways to an exact result, a file each, from the quickest to the most general:

- `word_kernels`: pure play without noise between short memories, 32 turns a machine word;
- `cyclic_kernels`: other pure play without noise follows the joint state to its round and closes the sum by arithmetic;
- `history_kernels`: where both players depend on at most three past joint moves, the distribution over joint
  histories is propagated for many pairs at once;
- here: otherwise the chain of reachable joint states is built, and propagated or solved (GTH);
- `long_kernels`: chains over so many turns that roundings would add up.

Here too is what all share: one meeting move by move, and from meetings to scores. Kernels that call each other live in
one file, because the compiled cache does not notice a change in another one. Legend of index letters: d = behaviours,
s = states of an automaton, j = joint move (CC, CD, DC, DD of the row player), n = joint states.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True)

FOLLOWED = 4096
"""Over more turns than this the roundings of play that is followed turn by turn could reach 1e-12."""

SMALLEST, ROUNDED = 5e-324, 1e-300
"""The smallest float, and below which floats have fewer digits."""

FADED_NATS = 60 * math.log(2)
"""A discounted tail of weight 2**-60 is below one rounding of the sum."""


# --- chance: the chain of reachable joint states -----------------------------------------------------------


@jit
def _realised(p, other, noise):
    """Probability that a move is played where those of intending it and the other one are known: 1 minus nothing."""
    return p * (1.0 - noise) + other * noise


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
