"""The compiled loops behind certificates: arrays in, arrays out, no validation, no objects.

Legend of index letters: s = states of the resident, q = states of the mutants' template, a = the mutant's
intended move (C, D), j = joint move (CC, CD, DC, DD of the mutant), t = turns, c = mutants of a chunk,
v = right-hand sides, g = genomes, m = states of a canonical automaton.
"""
# mypy: disallow-untyped-decorators=False, disallow-untyped-defs=False, disallow-untyped-calls=False

from __future__ import annotations

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True)


@jit
def absorbed(matrix, out, values):
    # (s,s), (s,), (s,v) -> (s,v)
    """Solve ``(I - matrix) x = values`` where ``matrix.sum(1) + out = 1``: what is collected until play leaves.

    Elimination after Grassmann, Taksar & Heyman (1985): pivots are sums of ways out, never 1 - p, so nothing
    is lost however rarely play leaves. Destroys its arguments.
    """
    n, rights = values.shape
    pivot = np.empty(n)
    for k in range(n - 1, -1, -1):
        leaving = out[k]
        for i in range(k):
            leaving += matrix[k, i]
        pivot[k] = leaving
        for i in range(k):
            if matrix[i, k] != 0.0:
                share = matrix[i, k] / leaving
                out[i] += share * out[k]
                for l in range(k):
                    matrix[i, l] += share * matrix[k, l]
                for v in range(rights):
                    values[i, v] += share * values[k, v]
    for k in range(n):
        for v in range(rights):
            collected = values[k, v]
            for i in range(k):
                collected += matrix[k, i] * values[i, v]
            values[k, v] = collected / pivot[k]
    return values


@jit
def backward(following, chance, payoffs, tie, policy):
    # (s,4), (s,2,4), (4,) -> policy (t,s): the intended move; returns (s,): the most that T turns can earn
    """Backward induction: the best move with so many turns left. Differences up to `tie` a turn prefer C."""
    turns, states = policy.shape
    later = np.zeros(states)
    now = np.zeros(states)
    for left in range(1, turns + 1):
        for s in range(states):
            cooperate = 0.0
            defect = 0.0
            for j in range(4):
                earned = payoffs[j] + later[following[s, j]]
                cooperate += chance[s, 0, j] * earned
                defect += chance[s, 1, j] * earned
            policy[turns - left, s] = 1 if defect > cooperate + tie * left else 0
            now[s] = max(cooperate, defect)
        later, now = now, later
    return later


@jit
def _close(moves, turn, entry, turns, continuation, counts):
    """Joint moves of a walk that came back to its turn `entry` at `turn` (-1: it ended); returns their total.

    With `turns` 0 the horizon is open: ``continuation`` 1 counts one cycle, below 1 gives frequencies.
    """
    counts[:] = 0.0
    if turns > 0:
        if entry < 0:
            for k in range(turn):
                counts[moves[k]] += 1.0
            return float(turns)
        length = turn - entry
        whole = (turns - entry) // length
        rest = (turns - entry) - whole * length
        for k in range(entry):
            counts[moves[k]] += 1.0
        for k in range(length):
            counts[moves[entry + k]] += float(whole + (1 if k < rest else 0))
        return float(turns)
    if continuation == 1.0:
        for k in range(entry, turn):
            counts[moves[k]] += 1.0
        return float(turn - entry)
    weight = 1.0 - continuation
    cycle = 1.0 / (1.0 - continuation ** (turn - entry))
    for k in range(turn):
        counts[moves[k]] += weight * cycle if k >= entry else weight
        weight *= continuation
    return 1.0


@jit
def scan_pure(first, shifts, template, defect, successors, turns, continuation, against, totals):
    # shifts (q,), template (q,4), defect (s,), successors (s,4) -> against (c,4), totals (c,)
    """Mutants `first`, `first` + 1, ... against a pure resident: joint moves (mutant's first) and their total.

    Mutant m plays bit ``shifts[q]`` of m in state q. Whole numbers, except with a continuation probability.
    """
    size = len(defect)
    room = len(shifts) * size
    seen = np.full(room, -1, np.int64)
    moves = np.empty(room + 1, np.int64)
    limit = turns if turns > 0 else np.int64(2) ** 62
    stamp = 0
    for c in range(len(against)):
        mutant = first + c
        q = 0
        s = 0
        turn = 0
        entry = -1
        while turn < limit:
            joint = q * size + s
            if seen[joint] >= stamp:
                entry = seen[joint] - stamp
                break
            seen[joint] = stamp + turn
            x = (mutant >> shifts[q]) & 1
            y = 1 if defect[s] == 1.0 else 0
            moves[turn] = 2 * x + y
            q = template[q, 2 * x + y]
            s = successors[s, 2 * y + x]
            turn += 1
        totals[c] = _close(moves, turn, entry, turns, continuation, against[c])
        stamp += turn


@jit
def scan_among(first, shifts, template, turns, continuation, among, totals):
    # shifts (q,), template (q,4) -> among (c,4), totals (c,)
    """Each pure mutant against its own kind: both do the same in every turn, so one state is followed."""
    seen = np.full(len(shifts), -1, np.int64)
    moves = np.empty(len(shifts) + 1, np.int64)
    limit = turns if turns > 0 else np.int64(2) ** 62
    stamp = 0
    for c in range(len(among)):
        mutant = first + c
        q = 0
        turn = 0
        entry = -1
        while turn < limit:
            if seen[q] >= stamp:
                entry = seen[q] - stamp
                break
            seen[q] = stamp + turn
            moves[turn] = 3 * ((mutant >> shifts[q]) & 1)
            q = template[q, moves[turn]]
            turn += 1
        totals[c] = _close(moves, turn, entry, turns, continuation, among[c])
        stamp += turn


@jit
def _mixed(word):
    word ^= word >> np.uint64(30)
    word *= np.uint64(0xBF58476D1CE4E5B9)
    word ^= word >> np.uint64(27)
    word *= np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@jit
def digests(sizes, moves, successors):
    # (g,), (sum m,) uint64, (sum m,4) -> (g,2) uint64
    """128 bits of every canonical automaton: equal for equal ones, else different but for one in 2**128."""
    found = np.empty((len(sizes), 2), np.uint64)
    start = 0
    for g in range(len(sizes)):
        one = np.uint64(0x9E3779B97F4A7C15)
        two = np.uint64(0xC2B2AE3D27D4EB4F)
        for k in range(start, start + sizes[g]):
            one = _mixed(one ^ moves[k])
            two = _mixed(two + moves[k])
            for j in range(4):
                word = np.uint64(successors[k, j])
                one = _mixed(one ^ word)
                two = _mixed(two + word)
        found[g, 0] = one
        found[g, 1] = two
        start += sizes[g]
    return found


@jit
def pure_marks(first, shifts, template, marks):
    # shifts (q,), template (q,4), q <= 64 -> marks (c,2) uint64
    """`digests` of the canonical automata of mutants `first`, `first` + 1, ... in a world without noise.

    Nothing but their own moves and both answers can happen, and they have few states: refining by signatures
    (Moore, "Gedanken-experiments on sequential machines", 1956) is then the quickest.
    """
    states = len(shifts)
    number = np.empty(states, np.int64)
    order = np.empty(states, np.int64)
    move = np.empty(states, np.int64)
    step = np.empty((2, states), np.int64)
    block = np.empty(states, np.int64)
    finer = np.empty(states, np.int64)
    signatures = np.empty(states, np.int64)
    leader = np.empty(states, np.int64)
    for c in range(len(marks)):
        mutant = first + c
        for q in range(states):
            number[q] = -1
        number[0] = 0
        order[0] = 0
        reached = 1
        i = 0
        while i < reached:
            q = order[i]
            x = (mutant >> shifts[q]) & 1
            move[i] = x
            block[i] = x ^ (mutant >> shifts[0] & 1)  # the first state is in block 0
            for y in range(2):
                target = template[q, 2 * x + y]
                if number[target] < 0:
                    number[target] = reached
                    order[reached] = target
                    reached += 1
                step[y, i] = number[target]
            i += 1
        blocks = 0
        while True:
            found = 0
            for i in range(reached):
                signature = (block[i] * 64 + block[step[0, i]]) * 64 + block[step[1, i]]
                k = 0
                while k < found and signatures[k] != signature:
                    k += 1
                if k == found:
                    signatures[k] = signature
                    leader[k] = i
                    found += 1
                finer[i] = k
            block, finer = finer, block
            if found == blocks:
                break
            blocks = found
        # blocks stand in order of first reach already: states do, and a block's first state is its leader
        one = np.uint64(0x9E3779B97F4A7C15)
        two = np.uint64(0xC2B2AE3D27D4EB4F)
        for k in range(blocks):
            i = leader[k]
            word = np.uint64(0x3FF0000000000000) if move[i] == 1 else np.uint64(0)  # 1.0 and 0.0
            one = _mixed(one ^ word)
            two = _mixed(two + word)
            for j in range(4):
                word = np.uint64(block[step[j & 1, i]])
                one = _mixed(one ^ word)
                two = _mixed(two + word)
        marks[c, 0] = one
        marks[c, 1] = two
