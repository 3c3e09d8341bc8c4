"""Compiled loops for pure play without noise between players that remember at most three turns.

`TURNS` turns of a meeting are one machine word, two bits a turn, and `LANES` meetings are played side by side. Where
the last three joint moves of a word occurred before, play goes round from there: the population counts of the word
and of two parts of it are the sum over any number of turns. The few meetings whose round is longer are followed
turn by turn until their joint memory repeats, at most 67 turns.

A player is four words: its reply to each of the 64 last three joint moves and to each of the 21 shorter beginnings,
then both as its opponent sees the moves. A joint move is ``2 * own + opponent``, the oldest is the most significant.
All counts are whole numbers below 2**53, so no order of adding them up changes a bit.

Legend of index letters: d = players, r = rows, s = states of an automaton, l = lanes.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

jit = njit(cache=True, nogil=True, error_model="numpy")

TURNS = 32
"""Turns in a word."""

LANES = 64
"""Meetings played side by side: the next turn of one does not wait for the last of another."""

MEMORY = 3
"""Longest memory, in turns."""

ZERO, ONE, TWO, FOUR, FIVE, SIX = (np.uint64(k) for k in (0, 1, 2, 4, 5, 6))
JOINT, MEMORIES = np.uint64(3), np.uint64(63)
"""The last joint move of a word, and the last three."""

THEIRS = np.uint64(0x5555555555555555)
"""Of every joint move the opponent's half."""

EARLIER = THEIRS & np.uint64((1 << 2 * (TURNS - MEMORY + 1)) - 1) & ~ONE
"""Where in a word the last three joint moves can have occurred before: 1 to 29 turns ago."""


@intrinsic
def _ones(typing_context, word):
    """The number of ones in a word: one instruction of the machine, which numba has no name for."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@jit
def _mirrored(replies):
    """Replies to the 4**m joint memories of m <= 3 turns, in the order in which the opponent sees them.

    The two bits of every joint move trade places: numbers 1 and 2 of each four, of each sixteen, and of the 64.
    """
    moved = ((replies >> ONE) ^ replies) & np.uint64(0x2222222222222222)
    replies ^= moved ^ (moved << ONE)
    moved = ((replies >> FOUR) ^ replies) & np.uint64(0x00F000F000F000F0)
    replies ^= moved ^ (moved << FOUR)
    moved = ((replies >> np.uint64(16)) ^ replies) & np.uint64(0x00000000FFFF0000)
    return replies ^ moved ^ (moved << np.uint64(16))


@jit
def remember_short(structure, first, defect, successors, words):
    # structure, first (d,): where the rows of d begin in successors (., 4) and in defect (.) -> words (4,d)
    """What players remember, as `words`; True for each that never looks back more than three turns, ``(d,)``.

    Only what can happen is looked at: a pure player never sees itself play what it did not intend. The rest of its
    words is zero, so that two short players that play alike have the same words.
    """
    short = np.ones(len(first), np.bool_)
    state = np.empty(64, np.int64)
    memories = np.empty(64, np.int64)
    reached = np.empty(64, np.int64)
    for d in range(len(first)):
        s, p = structure[d], first[d]
        # the beginning: histories of 0, 1, 2 turns, each with its own state
        opening = np.uint64(0)
        memories[0] = 0
        state[0] = 0
        known = 1
        base = 0
        for turn in range(MEMORY):
            for k in range(known - 1, -1, -1):  # backwards, since each becomes two
                own = np.int64(defect[p + state[k]] == 1.0)
                opening |= np.uint64(own) << np.uint64(base + memories[k])
                history, at = 4 * memories[k] + 2 * own, state[k]
                for theirs in range(2):
                    memories[2 * k + theirs] = history + theirs
                    state[2 * k + theirs] = successors[s + at, 2 * own + theirs]
            known *= 2
            base += 4**turn
        # then every memory that can follow: it must not matter how it came about
        reached[:] = -1
        for k in range(known):
            reached[memories[k]] = state[k]
        replies = np.uint64(0)
        k = 0
        while k < known and short[d]:
            memory = memories[k]
            own = np.int64(defect[p + reached[memory]] == 1.0)
            replies |= np.uint64(own) << np.uint64(memory)
            for theirs in range(2):
                after = (4 * memory + 2 * own + theirs) & 63
                at = successors[s + reached[memory], 2 * own + theirs]
                if reached[after] < 0:
                    reached[after] = at
                    memories[known] = after
                    known += 1
                elif reached[after] != at:
                    short[d] = False
            k += 1
        words[0, d] = replies
        words[1, d] = opening
        words[2, d] = _mirrored(replies)
        one_turn, two_turns = opening >> ONE & np.uint64(15), opening >> FIVE
        words[3, d] = opening & ONE | _mirrored(one_turn) << ONE | _mirrored(two_turns) << FIVE
    return short


@jit
def _play(replies, opening, their_replies, their_openings, turns, played):
    # their_replies, their_openings (l,) -> played (l,)
    """The first `turns` <= `TURNS` joint moves of one player with those in the lanes, the last one lowest."""
    played[:] = ZERO
    base = ZERO
    for _ in range(min(turns, MEMORY)):
        for l in range(LANES):
            word = played[l]
            at = word + base
            own, theirs = (opening >> at) & ONE, (their_openings[l] >> at) & ONE
            played[l] = word << TWO | own << ONE | theirs
        base = FOUR * base + ONE
    for _ in range(MEMORY, turns):
        for l in range(LANES):
            word = played[l]
            at = word & MEMORIES
            own, theirs = (replies >> at) & ONE, (their_replies[l] >> at) & ONE
            played[l] = word << TWO | own << ONE | theirs


@jit
def _before(word):
    """Where in a word its last three joint moves occurred before: the low bit of each last one."""
    last = word ^ (word & JOINT) * THEIRS
    second, third = word >> TWO, word >> FOUR
    second ^= (second & JOINT) * THEIRS
    third ^= (third & JOINT) * THEIRS
    differs = last | second | third
    return ~(differs | differs >> ONE) & EARLIER


@jit
def _sum(played, beyond, counts):
    # played (l,) -> counts (3,l): D by the row, by the column, by both at once
    """Moves of the words and of the `beyond` turns after them. True where some round is longer than its word."""
    longer = ZERO
    by_row, by_column, by_both = counts[0], counts[1], counts[2]
    for l in range(LANES):
        word = played[l]
        before = _before(word)
        longer |= np.uint64(before == ZERO)
        # the turns since then are the round; its rest is what the last round has of it
        turns_since = (before & (ZERO - before)) - ONE
        length = _ones(turns_since) >> ONE
        rounds = np.uint64(beyond / np.float64(length))
        left = TWO * (np.uint64(beyond) - rounds * length)
        rest = ((ONE << left) - ONE) << ((TWO * length - left) & MEMORIES)
        theirs = word & THEIRS
        own = word >> ONE & THEIRS
        both = own & theirs
        since = turns_since & THEIRS
        by_row[l] = _ones(own) + rounds * _ones(own & since) + _ones(own & rest)
        by_column[l] = _ones(theirs) + rounds * _ones(theirs & since) + _ones(theirs & rest)
        by_both[l] = _ones(both) + rounds * _ones(both & since) + _ones(both & rest)
    return longer != ZERO and beyond > 0.0


@jit
def _follow(replies, opening, their_replies, their_opening, turns, seen):
    # seen (3,68) scratch -> D by the row, by the column, by both at once
    """One meeting of more than `TURNS` turns, turn by turn until the joint memory repeats."""
    stamp = np.zeros(64, np.int64)
    word = base = ZERO
    own = theirs = both = ZERO
    for turn in range(turns):
        if turn < MEMORY:
            at = word + base
            x, y = (opening >> at) & ONE, (their_opening >> at) & ONE
            base = FOUR * base + ONE
        else:
            at = word & MEMORIES
            since = stamp[at]
            if since > 0:
                rounds, rest = divmod(turns - turn, turn - since)
                n, end = np.uint64(rounds), since + rest
                own += n * (own - seen[0, since]) + seen[0, end] - seen[0, since]
                theirs += n * (theirs - seen[1, since]) + seen[1, end] - seen[1, since]
                both += n * (both - seen[2, since]) + seen[2, end] - seen[2, since]
                break
            stamp[at] = turn
            x, y = (replies >> at) & ONE, (their_replies >> at) & ONE
        seen[0, turn], seen[1, turn], seen[2, turn] = own, theirs, both
        own += x
        theirs += y
        both += x & y
        word = word << TWO | x << ONE | y
    return own, theirs, both


@jit
def _meet(replies, opening, their_replies, their_openings, lanes, turns, played, seen, counts):
    # their_replies, their_openings (l,), scratch played (l,), seen (3,68) -> counts (3,l)
    """Numbers of D by the row, by the column and by both in the meetings of one player with `lanes` others."""
    _play(replies, opening, their_replies, their_openings, min(turns, TURNS), played)
    if _sum(played, np.float64(max(turns - TURNS, 0)), counts):
        for l in range(lanes):
            if _before(played[l]) == ZERO:
                counts[0, l], counts[1, l], counts[2, l] = _follow(
                    replies, opening, their_replies[l], their_openings[l], turns, seen
                )


@jit
def short_rows(words, short, rows, to_play, turns, block):
    # words (4,d), short (d,), rows (r,), to_play (d,) -> block (r,d,4), columns from the row on
    """Joint moves of the short players in `rows` with those at or after them, where one of the two is `to_play`."""
    replies, openings = np.zeros(LANES, np.uint64), np.zeros(LANES, np.uint64)
    others = np.empty(LANES, np.int64)
    played, seen = np.empty(LANES, np.uint64), np.empty((3, 68), np.uint64)
    counts = np.empty((3, LANES), np.uint64)
    for r in range(len(rows)):
        i = rows[r]
        if not short[i]:
            continue
        waiting = 0
        for j in range(i, len(short) + 1):
            if j < len(short):
                if not short[j] or not (to_play[i] or to_play[j]):
                    continue
                others[waiting] = j
                replies[waiting], openings[waiting] = words[2, j], words[3, j]
                waiting += 1
            if waiting == LANES or (waiting and j == len(short)):
                _meet(words[0, i], words[1, i], replies, openings, waiting, turns, played, seen, counts)
                for l in range(waiting):
                    own, theirs, both = (
                        np.float64(counts[0, l]), np.float64(counts[1, l]), np.float64(counts[2, l])
                    )  # fmt: skip
                    met = block[r, others[l]]
                    met[0] = np.float64(turns) - own - theirs + both
                    met[1] = theirs - both
                    met[2] = own - both
                    met[3] = both
                waiting = 0


@jit
def short_sums(words, weights, kin, first, last, turns, values, scale, sums, matrix):
    # words (4,d+l), weights, kin (d+l,), values (4,) by joint move -> sums (3,d+l), matrix (d,d) or (0,0)
    """Add the meetings of players `first` .. `last` - 1 with those at or after them to `sums` of both, weighted.

    Sums are numbers of D by the player itself, by those it meets, and by both at once. `kin`: the weight of each
    player's meeting with itself. The matrix of row against column, where it is asked for, holds what a meeting is
    worth: `values` of its joint moves over `scale`.
    """
    d = len(weights) - LANES
    played, seen = np.empty(LANES, np.uint64), np.empty((3, 68), np.uint64)
    counts = np.empty((3, LANES), np.uint64)
    by_row, by_column, by_both = counts[0], counts[1], counts[2]
    of_rows, of_columns = np.empty(LANES), np.empty(LANES)
    for begin in range(first // LANES * LANES, d, LANES):  # by columns first: what is written then lies near
        here = slice(begin, begin + LANES)
        lanes = min(LANES, d - begin)
        of_players, of_others, of_both, weights_here = (
            sums[0, here],
            sums[1, here],
            sums[2, here],
            weights[here],
        )
        for i in range(first, min(last, begin + lanes)):
            _meet(
                words[0, i], words[1, i], words[2, here], words[3, here], lanes, turns, played, seen, counts
            )
            after = max(0, i + 1 - begin)
            if len(matrix) > 0:
                _worth(counts, turns, values, scale, of_rows, of_columns)
                for l in range(max(0, after - 1), lanes):
                    matrix[i, begin + l] = of_rows[l]
                    matrix[begin + l, i] = of_columns[l]
            own = theirs = both = ZERO
            if after > 0:  # its own kind; those before it have met it
                own, theirs, both = by_row[after - 1], by_column[after - 1], by_both[after - 1]
                own, theirs, both = kin[i] * own, kin[i] * theirs, kin[i] * both
                by_row[:after], by_column[:after], by_both[:after] = ZERO, ZERO, ZERO
            weight = weights[i]
            for l in range(LANES):
                own += weights_here[l] * by_row[l]
                theirs += weights_here[l] * by_column[l]
                both += weights_here[l] * by_both[l]
                of_players[l] += weight * by_column[l]
                of_others[l] += weight * by_row[l]
                of_both[l] += weight * by_both[l]
            sums[0, i] += own
            sums[1, i] += theirs
            sums[2, i] += both


@jit
def _worth(counts, turns, values, scale, of_rows, of_columns):
    # counts (3,l), values (4,) -> of_rows, of_columns (l,)
    """What meetings are worth to the player of the row and to those of the columns."""
    by_row, by_column, by_both = counts[0], counts[1], counts[2]
    r, s, t, p = values[0], values[1], values[2], values[3]
    for l in range(LANES):
        own, theirs, both = np.float64(by_row[l]), np.float64(by_column[l]), np.float64(by_both[l])
        alike = (np.float64(turns) - own - theirs + both) * r
        of_rows[l] = (alike + (theirs - both) * s + (own - both) * t + both * p) / scale
        of_columns[l] = (alike + (own - both) * s + (theirs - both) * t + both * p) / scale
