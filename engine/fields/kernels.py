"""Compiled loops over the memo of answers: automata walk through matches that were played before.

Index letters: i automata, s states, m matches kept, w words of 64 turns, l lanes, q queries (a pair i, l), h slots of
the table of branches. Moves are bits, 0 = C and 1 = D; bit t of a row of words is turn t.

A lane is one opponent with one seed. Its matches share beginnings: the first one is its root, and every other one
leaves an earlier match m at the turn t at which the own moves first differ; the table of branches says where to.
Realised moves alone are kept, so slips of both hands are part of a lane.
"""

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True)

EMPTY = -1


@jit
def _slot(key, size):
    """Where the search for a key begins in a table of `size` = 2^n slots."""
    mixed = (key * 7046029254386353131) & 0x7FFFFFFFFFFFFFFF
    return (mixed >> 17) & (size - 1)


@jit
def branch(keys, targets, key):
    """The match that a key (match * turns + turn) leads to, or EMPTY. (h), (h) ->"""
    size = len(keys)
    h = _slot(key, size)
    while keys[h] != EMPTY:
        if keys[h] == key:
            return targets[h]
        h = (h + 1) & (size - 1)
    return EMPTY


@jit
def enter(keys, targets, key, target):
    """Put a branch into the table, which has room. (h), (h)"""
    size = len(keys)
    h = _slot(key, size)
    while keys[h] != EMPTY:
        h = (h + 1) & (size - 1)
    keys[h] = key
    targets[h] = target


@jit
def walks(
    first, steps, defect, automata, lanes, draws, slips, roots, turns, own, answers, keys, targets,
    match, known, counts,
):  # fmt: skip
    """Play automata through lanes, as far as the turns are known: one query automata (q), lanes (q) after another.

    first (i): an automaton's first entry. An entry is 16 s + its move: 0, 1, or 2 where defect (s), the probability of
    D, is compared with draws (l,t); steps (4 s + joint move) is the entry that follows. slips (l,w): turns in which the
    own move slips; roots (l), own, answers (m,w). Fills match (q): the known match that is followed longest, EMPTY for
    none; known (q): turns of it that hold; counts (q,3): own D, other D and both in them.

    Entries are unsigned, so that no index has to be tried for being negative: a turn is one load.
    """
    one = np.uint64(1)
    for q in range(len(automata)):
        l = lanes[q]
        m = roots[l]
        entry = first[automata[q]]
        t = 0
        ours = theirs = both = np.uint64(0)
        while m != EMPTY and t < turns:
            w = t >> 6
            slip = slips[l, w]
            mine = own[m, w]
            replies = answers[m, w]
            end = min(turns, (w + 1) << 6)
            while t < end:
                bit = np.uint64(t & 63)
                move = entry & np.uint64(3)
                if move == np.uint64(2):
                    move = one if draws[l, t] < defect[entry >> np.uint64(4)] else np.uint64(0)
                a = move ^ ((slip >> bit) & one)
                if a != (mine >> bit) & one:
                    other = branch(keys, targets, m * turns + t)
                    if other == EMPTY:
                        break
                    m = other
                    mine = own[m, w]
                    replies = answers[m, w]
                b = (replies >> bit) & one
                ours += a
                theirs += b
                both += a & b
                entry = steps[((entry >> np.uint64(2)) & ~np.uint64(3)) + (a << one) + b]
                t += 1
            if t < end:
                break
        match[q] = m
        known[q] = t
        counts[q, 0] = ours
        counts[q, 1] = theirs
        counts[q, 2] = both


@jit
def keep(lanes, n, moves, replies, turns, roots, own, answers, counts, keys, targets, fresh, contradiction):
    """Enter played matches behind the first n kept ones; returns how many are kept then. Those known are passed over.

    lanes (q): of each match, moves, replies (q,w): its realised moves; counts (m,3); fresh (q): those
    kept. Where the answers contradict those kept for the same own moves, `contradiction` becomes (lane, turn) and the
    rest is left out.
    """
    one = np.uint64(1)
    for q in range(len(lanes)):
        l = lanes[q]
        m = roots[l]
        where = 0
        if m != EMPTY:
            where = turns
            for t in range(turns):
                w = t >> 6
                bit = np.uint64(t & 63)
                alike = (replies[q, w] >> bit) & one == (answers[m, w] >> bit) & one
                if not alike:
                    contradiction[0] = l
                    contradiction[1] = t
                    return n
                if (moves[q, w] >> bit) & one != (own[m, w] >> bit) & one:
                    other = branch(keys, targets, m * turns + t)
                    if other == EMPTY:
                        where = t
                        break
                    m = other
            if where == turns:
                continue
        ours = theirs = both = np.uint64(0)
        for t in range(turns):
            bit = np.uint64(t & 63)
            a = (moves[q, t >> 6] >> bit) & one
            b = (replies[q, t >> 6] >> bit) & one
            ours += a
            theirs += b
            both += a & b
        own[n] = moves[q]
        answers[n] = replies[q]
        counts[n, 0] = ours
        counts[n, 1] = theirs
        counts[n, 2] = both
        if m == EMPTY:
            roots[l] = n
        else:
            enter(keys, targets, m * turns + where, n)
        fresh[q] = True
        n += 1
    return n


@jit
def again(keys, targets, more_keys, more_targets):
    """Enter all branches of a table into a larger one. (h), (h), (h'), (h')"""
    for h in range(len(keys)):
        if keys[h] != EMPTY:
            enter(more_keys, more_targets, keys[h], targets[h])
