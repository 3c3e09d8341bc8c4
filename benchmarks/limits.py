"""The yardstick: a kernel written only for noise-free round robins of memory-n lookup genomes, n up to 3.

Each reply table is one machine word, and so are 32 turns of a match, two bits a turn: where its last n joint moves
occurred before, play goes round from there, and population counts of three parts of the word are the sum. It knows
nothing of other strategies, mixed memories, multiplicities, behaviours or games, and the engine does not use it: it
says how fast this one case can go, and `make bench` prints how far the general engine is from it.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

TURNS, LANES = 32, 64
"""Turns in a word; matches that are played side by side."""

jit = njit(cache=True, nogil=True, error_model="numpy")
ZERO, ONE, TWO, FOUR, THREE, PLACES = (np.uint64(k) for k in (0, 1, 2, 4, 3, 63))
THEIRS = np.uint64(0x5555555555555555)


@intrinsic
def _ones(typing_context, word):
    """The number of ones in a word."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@jit
def _before(word, second_counts, third_counts, earlier):
    """Where the last joint moves of a word occurred before; of the last three those that count."""
    second, third = word >> TWO, word >> FOUR
    differs = word ^ (word & THREE) * THEIRS
    differs |= (second ^ (second & THREE) * THEIRS) & second_counts
    differs |= (third ^ (third & THREE) * THEIRS) & third_counts
    return ~(differs | differs >> ONE) & earlier


@jit
def _play(row, opening, columns, openings, n, words):
    # columns, openings (l,) -> words (l,)
    memory = np.uint64(4**n - 1)
    for l in range(LANES):
        words[l] = opening << ONE | openings[l]
    for _ in range(n, TURNS):
        for l in range(LANES):
            word = words[l]
            at = word & memory
            words[l] = word << TWO | ((row >> at) & ONE) << ONE | (columns[l] >> at) & ONE


@jit
def _sum(words, n, beyond, own, theirs, both):
    # words (l,) -> own, theirs, both (l,)
    second_counts, third_counts = ~ZERO * np.uint64(n > 1), ~ZERO * np.uint64(n > 2)
    earlier = THEIRS & ((ONE << np.uint64(2 * (TURNS - n + 1))) - ONE) & ~ONE
    longer = ZERO
    for l in range(LANES):
        word = words[l]
        before = _before(word, second_counts, third_counts, earlier)
        longer |= np.uint64(before == ZERO)
        since = (before & (ZERO - before)) - ONE
        length = _ones(since) >> ONE
        rounds = np.uint64(beyond / np.float64(length))
        left = TWO * (np.uint64(beyond) - rounds * length)
        rest = ((ONE << left) - ONE) << ((TWO * length - left) & PLACES)
        y = word & THEIRS
        x = word >> ONE & THEIRS
        xy = x & y
        own[l] = _ones(x) + rounds * _ones(x & since) + _ones(x & rest)
        theirs[l] = _ones(y) + rounds * _ones(y & since) + _ones(y & rest)
        both[l] = _ones(xy) + rounds * _ones(xy & since) + _ones(xy & rest)
    return longer != ZERO


@jit
def _follow(row, column, n, word, turns, stamps, seen):
    # stamps (64,), seen (3,100) scratch -> own, theirs, both of a match whose round is longer than its word
    memory = np.uint64(4**n - 1)
    stamps[:] = 0
    turn = n
    own, theirs, both = _ones(word >> ONE & THEIRS), _ones(word & THEIRS), _ones(word & word >> ONE & THEIRS)
    while turn < turns:
        at = word & memory
        if stamps[at] > 0:
            since = stamps[at]
            rounds, rest = divmod(turns - turn, turn - since)
            own += np.uint64(rounds) * (own - seen[0, since]) + seen[0, since + rest] - seen[0, since]
            theirs += np.uint64(rounds) * (theirs - seen[1, since]) + seen[1, since + rest] - seen[1, since]
            both += np.uint64(rounds) * (both - seen[2, since]) + seen[2, since + rest] - seen[2, since]
            break
        stamps[at] = turn
        seen[0, turn], seen[1, turn], seen[2, turn] = own, theirs, both
        x, y = (row >> at) & ONE, (column >> at) & ONE
        own += x
        theirs += y
        both += x & y
        word = word << TWO | x << ONE | y
        turn += 1
    return own, theirs, both


@jit
def _all_pairs(rows, columns, openings, n, turns, sums):
    # rows, columns, openings (g+l,) -> sums (3,g+l): D by each, by those it meets, by both
    genomes = len(rows) - LANES
    words = np.empty(LANES, np.uint64)
    own, theirs, both = np.empty(LANES, np.uint64), np.empty(LANES, np.uint64), np.empty(LANES, np.uint64)
    stamps, seen = np.empty(64, np.int64), np.empty((3, 100), np.uint64)
    long_rounds = 0
    for i in range(genomes):
        of_own = of_theirs = of_both = ZERO
        for j in range(i + 1, genomes, LANES):
            _play(rows[i], openings[i], columns[j : j + LANES], openings[j : j + LANES], n, words)
            if _sum(words, n, np.float64(turns - TURNS), own, theirs, both):
                first = openings[j : j + LANES]
                for l in range(min(LANES, genomes - j)):
                    earlier = THEIRS & ((ONE << np.uint64(2 * (TURNS - n + 1))) - ONE) & ~ONE
                    if _before(words[l], ~ZERO * np.uint64(n > 1), ~ZERO * np.uint64(n > 2), earlier) == ZERO:
                        own[l], theirs[l], both[l] = _follow(
                            rows[i], columns[j + l], n, openings[i] << ONE | first[l], turns, stamps, seen
                        )
                        long_rounds += 1
            if genomes - j < LANES:
                own[genomes - j :], theirs[genomes - j :], both[genomes - j :] = ZERO, ZERO, ZERO
            mine, their_own, of_two = sums[0, j : j + LANES], sums[1, j : j + LANES], sums[2, j : j + LANES]
            for l in range(LANES):
                of_own += own[l]
                of_theirs += theirs[l]
                of_both += both[l]
                mine[l] += theirs[l]
                their_own[l] += own[l]
                of_two[l] += both[l]
        sums[0, i] += of_own
        sums[1, i] += of_theirs
        sums[2, i] += of_both
    return long_rounds


def lookup_round_robin(
    replies: NDArray[np.uint8], openings: NDArray[np.uint8], n: int, turns: int, payoffs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Total payoffs of memory-n genomes, and how many matches have no round within 32 turns.

    `replies`: ``(genomes, 4**n)``, `openings`: ``(genomes, n)``, D = 1. More than 32 turns.
    """
    genomes = len(replies)
    # the place of each reply in the words of a row and of a column: own and other moves stand in turns there
    number = np.arange(4**n)
    bits = [number >> k & 1 for k in range(2 * n)]  # the opponent's moves, the last one first, then the own
    as_row = sum(bits[n + k] << 2 * k + 1 | bits[k] << 2 * k for k in range(n))
    as_column = sum(bits[k] << 2 * k + 1 | bits[n + k] << 2 * k for k in range(n))
    words = np.zeros((3, genomes + LANES), np.uint64)
    for word, place in ((words[0], as_row), (words[1], as_column)):
        word[:genomes] = (replies.astype(np.uint64) << np.asarray(place, np.uint64)).sum(axis=1)
    first = np.arange(2 * n - 2, -2, -2, dtype=np.uint64)
    words[2, :genomes] = (openings.astype(np.uint64) << first).sum(axis=1)
    sums = np.zeros((3, genomes + LANES), np.uint64)
    long_rounds = _all_pairs(*words, n, turns, sums)
    own, theirs, both = sums[:, :genomes].astype(np.float64)
    alike = float(turns) * (genomes - 1) - own - theirs + both
    scores = alike * payoffs[0] + (theirs - both) * payoffs[1] + (own - both) * payoffs[2] + both * payoffs[3]
    return scores, long_rounds
