"""Canonical automata in bulk: reachable states only, minimal, renumbered in order of first reach.

The kernels behind `Automaton.canonical`, for one automaton or for a thousand genomes that share one state
structure. Minimisation is Hopcroft's n log n partition refinement ("An n log n algorithm for minimizing
states in a finite automaton", 1971), so that a strategy that counts to ten thousand is no special case. What a pure
player with a short memory does next tells its states apart, which takes a fifth of the time.
This module imports numba: import it where it is used, not at the top of a file.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)

NONE, TWO, THREE = np.uint32(2**32 - 1), np.uint32(2), np.uint32(3)

SHORT = 3
"""Memory in turns up to which what a state does next is looked up: 2**3 - 1 moves, a table of 128."""

# Legend: s = states of the template, m = reachable states, l = letters (the four joint moves), g = genomes


def canonical_batch(
    successors: NDArray[np.int32],
    defect: NDArray[np.float64],
    cooperate: NDArray[np.float64],
    noisy: bool,
    memory: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]:
    """Canonical forms of the automata that share `successors` ``(s, 4)``, one row of the others ``(g, s)`` each.

    Returns their sizes ``(g,)`` and, end to end, their probabilities of D, their successors and their
    probabilities of C: what `Automaton` is made of. `memory`: after so many turns the state is a function of their
    moves, wherever it was before; None where that is not known.
    """
    arrays = _read_only(successors), _read_only(defect), _read_only(cooperate)
    sizes, p, following, c = _canonical_batch(*arrays, noisy, SHORT + 1 if memory is None else memory)
    total = int(sizes.sum())
    return sizes, p[:total], following[:total], c[:total]


def _read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """The same values, contiguous and for reading only: a kernel is compiled once for each type that it is given."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


@njit(cache=True, nogil=True)
def _canonical_batch(successors, defect, cooperate, noisy, memory):
    # (s,4), (g,s), (g,s) -> (g,), (sum m,), (sum m,4), (sum m,)
    genomes, states = defect.shape
    sizes = np.empty(genomes, np.int64)
    p_out = np.empty(genomes * states, np.float64)
    c_out = np.empty(genomes * states, np.float64)
    next_out = np.empty((genomes * states, 4), np.int32)
    # scratch, reused for every genome; unsigned, so that no index needs a check for being negative
    number = np.empty(states, np.uint32)
    order = np.empty(states, np.uint32)
    step = np.empty((states, 4), np.uint32)
    p = np.empty(states, np.float64)
    c = np.empty(states, np.float64)
    elements = np.empty(states, np.uint32)
    place = np.empty(states, np.uint32)
    block = np.empty(states, np.uint32)
    first = np.empty(states, np.uint32)
    end = np.empty(states, np.uint32)
    marked = np.empty(states, np.uint32)
    partition = (elements, place, block, first, end, marked)
    touched = np.empty(states, np.uint32)
    sources = np.empty(states, np.uint32)
    head = np.empty((4, states + 1), np.uint32)
    inverse = np.empty((4, states), np.uint32)
    waiting = np.empty(4 * states, np.uint32)
    done = 0
    for g in range(genomes):
        m, mixed = _reach(successors, defect[g], cooperate[g], noisy, number, order, step, p, c)
        letters = 4 if noisy or mixed else 2  # a pure state without noise: both own moves lead alike
        if memory <= SHORT and letters == 2:
            blocks = _foretell(m, memory, step, p, partition)
        else:
            blocks = _divide(m, mixed, p, c, partition)
            _invert(m, letters, step, head, inverse)
            blocks = _refine(letters, blocks, partition, head, inverse, touched, sources, waiting)
        reached = _number(letters, blocks, step, elements, block, first, number, order, next_out[done:])
        for i in range(reached):
            s = elements[first[order[i]]]
            p_out[done + i] = p[s]
            c_out[done + i] = c[s]
        sizes[g] = reached
        done += reached
    return sizes, p_out, next_out, c_out


@njit(cache=True, nogil=True)
def _reach(successors, defect, cooperate, noisy, number, order, step, p, c):
    # (s,4), (s,), (s,) -> m, mixed; step (m,4), p (m,), c (m,)
    """Renumber what can happen, breadth first; a move that cannot happen leads where the intended one does.

    `mixed`: some move is left to chance.
    """
    number[:] = NONE
    number[0] = 0
    order[0] = 0
    m = 1
    i = 0
    mixed = False
    while i < m:
        s = order[i]
        pure = defect[s] == 0.0 or cooperate[s] == 0.0
        if not pure:
            mixed = True
        bound = not noisy and pure
        own = np.uint32(2) if cooperate[s] == 0.0 else np.uint32(0)
        for l in range(2 if bound else 4):
            target = np.uint32(successors[s, own + l if bound else l])
            if number[target] == NONE:
                number[target] = m
                order[m] = target
                m += 1
            step[i, l] = number[target]
        if bound:
            step[i, 2] = step[i, 0]
            step[i, 3] = step[i, 1]
        p[i] = defect[s]
        c[i] = cooperate[s]
        i += 1
    return m, mixed


@njit(cache=True, nogil=True)
def _foretell(m, memory, step, p, partition):
    # step (m,4), p (m,) -> number of blocks; partition as `_divide` leaves it, with one element of each block
    """Blocks of states that play alike for `memory` turns, whatever the opponent does: they then read the same.

    The moves that a state can make in those turns are the bits of a number: its own, then those after a C and a D.
    """
    elements, _, block, first, moves, after = partition
    for i in range(m):
        moves[i] = p[i] == 1.0
    width = 1
    for _ in range(memory - 1):
        for i in range(m):
            after[i] = (p[i] == 1.0) | moves[step[i, 0]] << 1 | moves[step[i, 1]] << (1 + width)
        for i in range(m):
            moves[i] = after[i]
        width = 2 * width + 1
    number = np.full(2 ** (2**SHORT - 1), -1, np.int64)
    blocks = 0
    for i in range(m):
        if number[moves[i]] < 0:
            number[moves[i]] = blocks
            elements[blocks], first[blocks] = i, blocks
            blocks += 1
        block[i] = number[moves[i]]
    return blocks


@njit(cache=True, nogil=True)
def _divide(m, mixed, p, c, partition):
    # p (m,), c (m,) -> number of blocks; partition: elements, place, block (m,), first, end, marked (blocks,)
    """Blocks of equal probabilities.

    A block holds ``elements[first:end]``; `place` and `block` say where a state stands.
    """
    elements, place, block, first, end, marked = partition
    if not mixed:
        low = 0
        high = m
        for i in range(m):
            if p[i] == 0.0:
                elements[low] = i
                low += 1
            else:
                high -= 1
                elements[high] = i
    else:
        # by insertion over shrinking gaps (Shell, 1959): numpy's sorting takes a second to compile
        for i in range(m):
            elements[i] = i
        gap = m // 2
        while gap > 0:
            for i in range(gap, m):
                e = elements[i]
                k = i
                while k >= gap:
                    before = elements[k - gap]
                    if p[before] < p[e] or (p[before] == p[e] and c[before] <= c[e]):
                        break
                    elements[k] = before
                    k -= gap
                elements[k] = e
            gap //= 2
    blocks = 0
    for i in range(m):
        e = elements[i]
        place[e] = i
        if i == 0 or p[e] != p[elements[i - 1]] or c[e] != c[elements[i - 1]]:
            first[blocks] = i
            blocks += 1
        block[e] = blocks - 1
        end[blocks - 1] = i + 1
        marked[blocks - 1] = 0
    return blocks


@njit(cache=True, nogil=True)
def _invert(m, letters, step, head, inverse):
    # step (m,l) -> head (l,m+1), inverse (l,m)
    """The states that letter l leads to t from: ``inverse[l, head[l, t] : head[l, t + 1]]``."""
    for l in range(letters):
        head[l, : m + 1] = 0
        for i in range(m):
            head[l, step[i, l] + 1] += 1
        for i in range(m):
            head[l, i + 1] += head[l, i]
        for i in range(m - 1, -1, -1):  # fill backwards, restoring the heads
            t = step[i, l]
            head[l, t + 1] -= 1
            inverse[l, head[l, t + 1]] = i
        for i in range(m):
            head[l, i] = head[l, i + 1]
        head[l, m] = m


@njit(cache=True, nogil=True)
def _refine(letters, blocks, partition, head, inverse, touched, sources, waiting):
    # as `_divide` and `_invert` leave them -> number of blocks
    """Split blocks until no two states of one can be told apart (Hopcroft)."""
    elements, place, block, first, end, marked = partition
    pending = 0
    largest = 0
    for b in range(blocks):
        if end[b] - first[b] > end[largest] - first[largest]:
            largest = b
    for b in range(blocks):
        if b != largest:  # what the others do not tell apart, it does not either
            for l in range(letters):
                waiting[pending] = 4 * b + l
                pending += 1
    while pending > 0:
        pending -= 1
        b = waiting[pending] >> TWO
        l = waiting[pending] & THREE
        found = 0
        for i in range(first[b], end[b]):
            e = elements[i]
            for k in range(head[l, e], head[l, e + 1]):
                sources[found] = inverse[l, k]
                found += 1
        hit = 0
        for i in range(found):
            e = sources[i]
            t = block[e]
            if marked[t] == 0:
                touched[hit] = t
                hit += 1
            a = first[t] + marked[t]
            other = elements[a]
            elements[place[e]] = other
            place[other] = place[e]
            elements[a] = e
            place[e] = a
            marked[t] += 1
        for i in range(hit):
            t = touched[i]
            k = marked[t]
            marked[t] = 0
            size = end[t] - first[t]
            if k == size:
                continue
            # the smaller part becomes the new block: it alone has to be looked at again
            if 2 * k <= size:
                first[blocks] = first[t]
                end[blocks] = first[t] + k
                first[t] += k
            else:
                first[blocks] = first[t] + k
                end[blocks] = end[t]
                end[t] = first[t] + k
            marked[blocks] = 0
            for k in range(first[blocks], end[blocks]):
                block[elements[k]] = blocks
            for k in range(letters):
                waiting[pending] = 4 * blocks + k
                pending += 1
            blocks += 1
    return blocks


@njit(cache=True, nogil=True)
def _number(letters, blocks, step, elements, block, first, number, order, following):
    # -> number of blocks reached; order (blocks,), following (blocks,4)
    """Number the blocks in order of first reach, and say where each leads."""
    number[:blocks] = NONE
    number[block[0]] = 0
    order[0] = block[0]
    reached = 1
    i = 0
    while i < reached:
        s = elements[first[order[i]]]
        for l in range(letters):
            t = block[step[s, l]]
            if number[t] == NONE:
                number[t] = reached
                order[reached] = t
                reached += 1
            following[i, l] = number[t]
        if letters == 2:
            following[i, 2] = following[i, 0]
            following[i, 3] = following[i, 1]
        i += 1
    return reached
