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
def visited(following, chance, policy):
    # (s,j), (s,2,j), (s,) -> the state where play spends most time, or -1 where not every state leads there
    """A state to measure the others from. Play is followed from state 0; periods do not matter."""
    states, moves = following.shape
    mass = np.zeros(states)
    after = np.zeros(states)
    total = np.zeros(states)
    mass[0] = 1.0
    for step in range(64):
        after[:] = 0.0
        for s in range(states):
            if mass[s] > 0.0:
                for j in range(moves):
                    after[following[s, j]] += mass[s] * chance[s, policy[s], j]
        mass, after = after, mass
        if step >= 32:
            total += mass
    centre = int(np.argmax(total))
    leads = np.zeros(states, np.bool_)
    leads[centre] = True
    found = True
    while found:
        found = False
        for s in range(states):
            if not leads[s]:
                for j in range(moves):
                    if chance[s, policy[s], j] > 0.0 and leads[following[s, j]]:
                        leads[s] = True
                        found = True
                        break
    return centre if leads.all() else -1


@jit
def relative(following, chance, gains, policy, centre):
    # (s,j), (s,2,j), (s,2), (s,) -> the long-run mean, (s,): bias, (s,): turns until `centre`
    """Value of a policy under which every state leads to `centre`: what it earns until there, above the mean.

    The mean is what is earned between two visits over the time between them: sums of what is positive.
    """
    states, moves = following.shape
    matrix = np.zeros((states - 1, states - 1))
    out = np.zeros(states - 1)
    values = np.ones((states - 1, 2))
    for s in range(states):
        if s == centre:
            continue
        i = s - 1 if s > centre else s
        values[i, 0] = gains[s, policy[s]]
        for j in range(moves):
            t = following[s, j]
            if t == centre:
                out[i] += chance[s, policy[s], j]
            else:
                matrix[i, t - 1 if t > centre else t] += chance[s, policy[s], j]
    absorbed(matrix, out, values)
    earned = gains[centre, policy[centre]]
    time = 1.0
    for j in range(moves):
        t = following[centre, j]
        if t != centre:
            i = t - 1 if t > centre else t
            earned += chance[centre, policy[centre], j] * values[i, 0]
            time += chance[centre, policy[centre], j] * values[i, 1]
    mean = earned / time
    bias = np.zeros(states)
    turns = np.zeros(states)
    for s in range(states):
        if s != centre:
            i = s - 1 if s > centre else s
            bias[s] = values[i, 0] - mean * values[i, 1]
            turns[s] = values[i, 1]
    return mean, bias, turns


@jit
def kin(following, chance, successors, intended, limit):
    # (s,j), (s,2,j), (own,4), (own,2) -> pairs (n,2), next (n,j), chance (n,j); n = limit + 1 rows: there are more
    """The resident against its kind, as a mutant that plays like it: states of both (opponent, itself)."""
    states, moves = following.shape
    number = np.full((states, len(intended)), -1, np.int32)
    capacity = min(limit + 1, states * len(intended))
    pairs = np.zeros((capacity, 2), np.int64)
    after = np.zeros((capacity, moves), np.int32)
    share = np.zeros((capacity, moves))
    number[0, 0] = 0
    n = 1
    k = 0
    while k < n:
        s = pairs[k, 0]
        own = pairs[k, 1]
        for j in range(moves):
            q = intended[own, 0] * chance[s, 0, j] + intended[own, 1] * chance[s, 1, j]
            if q == 0.0:
                continue
            share[k, j] = q
            t = following[s, j]
            then = successors[own, j] if j < 4 else 0
            if number[t, then] < 0:
                if n > limit:
                    return pairs, after, share
                number[t, then] = n
                pairs[n, 0] = t
                pairs[n, 1] = then
                n += 1
            after[k, j] = number[t, then]
        k += 1
    return pairs[:n].copy(), after[:n].copy(), share[:n].copy()


@jit
def backward(following, chance, gains, rounding, pairs, after, share, intended, policy):
    # (s,4), (s,2,4), (s,2), (n,2), (n,4), (n,4), (s,2) -> policy (t,s): the intended move
    """Backward induction: what the best response to so many turns earns, and what the resident loses against it.

    Returns the most that can be earned, what the resident earns less in self-play (`kin`: pairs, after, share), a
    bound on the error of the latter, and whether every choice was certain. Values are kept relative to the lowest
    one; what is taken off is summed apart. `rounding`: error of one step per unit of value, 0 where all is whole
    numbers; differences within the error prefer C.
    """
    turns, states = policy.shape
    later = np.zeros(states)
    now = np.zeros(states)
    worse = np.zeros((states, 2))
    lost = np.zeros(len(pairs))
    losing = np.zeros(len(pairs))
    total = 0.0
    total_rest = 0.0
    loss = 0.0
    loss_rest = 0.0
    highest = gains.max()
    doubt = 0.0
    certain = True
    for left in range(1, turns + 1):
        tie = 2.0 * doubt + rounding * (highest + later.max())
        doubt += rounding * (highest + later.max())
        for s in range(states):
            cooperate = gains[s, 0]
            defect = gains[s, 1]
            for j in range(4):
                cooperate += chance[s, 0, j] * later[following[s, j]]
                defect += chance[s, 1, j] * later[following[s, j]]
            policy[turns - left, s] = 1 if defect > cooperate + tie else 0
            best = max(cooperate, defect)
            worse[s, 0] = best - cooperate
            worse[s, 1] = best - defect
            if rounding > 0.0 and abs(cooperate - defect) <= tie:
                certain = False
            now[s] = best
        lowest = now.min()
        for s in range(states):
            now[s] -= lowest
        summed = total + lowest  # compensated: nothing is lost over many turns
        total_rest += lowest - (summed - total) if abs(total) >= abs(lowest) else total - (summed - lowest)
        total = summed
        later, now = now, later
        for k in range(len(pairs)):
            s = pairs[k, 0]
            own = pairs[k, 1]
            here = intended[own, 0] * worse[s, 0] + intended[own, 1] * worse[s, 1]
            for j in range(4):
                here += share[k, j] * lost[after[k, j]]
            losing[k] = here
        lowest = losing.min()
        for k in range(len(pairs)):
            losing[k] -= lowest
        summed = loss + lowest
        loss_rest += lowest - (summed - loss) if abs(loss) >= abs(lowest) else loss - (summed - lowest)
        loss = summed
        lost, losing = losing, lost
    return total + total_rest + later[0], loss + loss_rest + lost[0], 3.0 * doubt, certain


@jit
def inverse_modulo(matrix, prime, inverse):
    # (n,n) -> inverse (n,n), both of residues; destroys `matrix`
    """Invert modulo a prime below 2**31 (Gauss and Jordan); False where there is no inverse."""
    n = len(matrix)
    for i in range(n):
        inverse[i, i] = 1
    for k in range(n):
        pivot = k
        while pivot < n and matrix[pivot, k] == 0:
            pivot += 1
        if pivot == n:
            return False
        if pivot != k:
            for l in range(n):
                matrix[k, l], matrix[pivot, l] = matrix[pivot, l], matrix[k, l]
                inverse[k, l], inverse[pivot, l] = inverse[pivot, l], inverse[k, l]
        # the pivot to the power of prime - 2 is 1 over it (Fermat)
        reciprocal = 1
        base = matrix[k, k]
        exponent = prime - 2
        while exponent > 0:
            if exponent & 1:
                reciprocal = reciprocal * base % prime
            base = base * base % prime
            exponent >>= 1
        for l in range(n):
            matrix[k, l] = matrix[k, l] * reciprocal % prime
            inverse[k, l] = inverse[k, l] * reciprocal % prime
        for i in range(n):
            factor = matrix[i, k]
            if i != k and factor != 0:
                for l in range(n):
                    matrix[i, l] = (matrix[i, l] + (prime - factor) * matrix[k, l]) % prime
                    inverse[i, l] = (inverse[i, l] + (prime - factor) * inverse[k, l]) % prime
    return True


@jit
def times_modulo(matrix, vector, prime):
    # (n,n), (n,) -> (n,), all residues
    """A matrix times a vector, modulo a prime below 2**31."""
    product = np.zeros(len(vector), np.int64)
    for i in range(len(vector)):
        total = 0
        for k in range(len(vector)):
            total = (total + matrix[i, k] * vector[k]) % prime
        product[i] = total
    return product


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
    weight = 1.0
    for k in range(entry):
        counts[moves[k]] += weight * (1.0 - continuation)
        weight *= continuation
    # (1 - d) / (1 - d**length) is one over this sum, in which nothing cancels
    length = 0.0
    power = 1.0
    for _ in range(entry, turn):
        length += power
        power *= continuation
    for k in range(entry, turn):
        counts[moves[k]] += weight / length
        weight *= continuation
    return 1.0


@jit
def _beyond(moves, turn, entry, values, continuation):
    # values (4,) by joint move -> the cycle's sum and length, and what discounting adds over (1 - d)
    """Payoff of a walk with turn t weighing (1 - d) d**t, as the mean over its cycle plus (1 - d) times a rest.

    Where two means are equal the rests decide, and 1 - d is never a difference of payoffs.
    """
    summed = 0.0
    for k in range(entry, turn):
        summed += values[moves[k]]
    mean = summed / (turn - entry)
    rest = 0.0
    weight = 1.0
    for k in range(entry):
        rest += weight * (values[moves[k]] - mean)
        weight *= continuation
    passed = 0.0  # (1 - d**k) / (1 - d)
    power = 1.0
    above = 0.0
    for k in range(entry, turn):
        above += passed * (values[moves[k]] - mean)
        passed += power
        power *= continuation
    return summed, turn - entry, rest - weight * above / passed


@jit
def _advantage(a, turn_a, entry_a, values_a, b, turn_b, entry_b, values_b, continuation, least):
    """Discounted payoff of one walk above another's, and whether it is certain: 0 where both earn alike.

    Certain: the sign is right whatever the rounding, and it is `least` times larger than the rounding of one term.
    """
    # sequences that repeat agree for ever when they agree for so long (Fine & Wilf, 1965)
    longest = max(entry_a, entry_b) + (turn_a - entry_a) + (turn_b - entry_b)
    i = 0
    j = 0
    alike = True
    for _ in range(longest):
        if values_a[a[i]] != values_b[b[j]]:
            alike = False
            break
        i = i + 1 if i + 1 < turn_a else entry_a
        j = j + 1 if j + 1 < turn_b else entry_b
    if alike:
        return 0.0, True
    sum_a, length_a, rest_a = _beyond(a, turn_a, entry_a, values_a, continuation)
    sum_b, length_b, rest_b = _beyond(b, turn_b, entry_b, values_b, continuation)
    mean = (sum_a * length_b - sum_b * length_a) / (length_a * length_b)
    rest = (1.0 - continuation) * (rest_a - rest_b)
    size = max(np.abs(values_a).max(), np.abs(values_b).max())
    terms = turn_a + turn_b
    doubt = 1e-15 * (abs(mean) + (1.0 - continuation) * terms * size)
    return mean + rest, abs(mean + rest) > max(least, float(terms)) * doubt


@jit
def _walk(mutant, shifts, template, defect, successors, limit, seen, stamp, moves):
    # seen (q * s,) -> moves; returns how many turns were followed, and where the last leads back to (-1: the end)
    """The play of a pure mutant with a pure resident. Mutant m plays bit ``shifts[q]`` of m in state q."""
    size = len(defect)
    q = 0
    s = 0
    turn = 0
    while turn < limit:
        joint = q * size + s
        if seen[joint] >= stamp:
            return turn, seen[joint] - stamp
        seen[joint] = stamp + turn
        x = (mutant >> shifts[q]) & 1
        y = 1 if defect[s] == 1.0 else 0
        moves[turn] = 2 * x + y
        q = template[q, 2 * x + y]
        s = successors[s, 2 * y + x]
        turn += 1
    return turn, np.int64(-1)


@jit
def _walk_among(mutant, shifts, template, limit, seen, stamp, moves):
    # seen (q,) -> moves; as `_walk`
    """The play of a pure mutant with its kind: both do the same in every turn, so one state is followed."""
    q = 0
    turn = 0
    while turn < limit:
        if seen[q] >= stamp:
            return turn, seen[q] - stamp
        seen[q] = stamp + turn
        moves[turn] = 3 * ((mutant >> shifts[q]) & 1)
        q = template[q, moves[turn]]
        turn += 1
    return turn, np.int64(-1)


@jit
def scan_pure(first, shifts, template, defect, successors, turns, continuation, against, totals):
    # shifts (q,), template (q,4), defect (s,), successors (s,4) -> against (c,4), totals (c,)
    """Mutants `first`, `first` + 1, ... against a pure resident: joint moves (mutant's first) and their total.

    Whole numbers, except with a continuation probability.
    """
    room = len(shifts) * len(defect)
    seen = np.full(room, -1, np.int64)
    moves = np.empty(room + 1, np.int64)
    limit = turns if turns > 0 else np.int64(2) ** 62
    stamp = 0
    for c in range(len(against)):
        turn, entry = _walk(first + c, shifts, template, defect, successors, limit, seen, stamp, moves)
        totals[c] = _close(moves, turn, entry, turns, continuation, against[c])
        stamp += turn


@jit
def scan_among(first, shifts, template, turns, continuation, among, totals):
    # shifts (q,), template (q,4) -> among (c,4), totals (c,)
    """Each pure mutant against its own kind."""
    seen = np.full(len(shifts), -1, np.int64)
    moves = np.empty(len(shifts) + 1, np.int64)
    limit = turns if turns > 0 else np.int64(2) ** 62
    stamp = 0
    for c in range(len(among)):
        turn, entry = _walk_among(first + c, shifts, template, limit, seen, stamp, moves)
        totals[c] = _close(moves, turn, entry, turns, continuation, among[c])
        stamp += turn


@jit
def scan_advantages(
    first, shifts, template, own, defect, successors, continuation, values, swapped, least, leads, certain
):
    # shifts (q,), template (q,4), own (s,): bits, successors (s,4), values (4,) -> leads (c,2), certain (c,2)
    """With a continuation probability: what each mutant earns above the resident against it, and its kind above
    the resident against the mutant, and whether these are certain."""
    room = len(shifts) * len(defect)
    endless = np.int64(2) ** 62
    seen = np.full(room, -1, np.int64)
    kin_seen = np.full(len(shifts), -1, np.int64)
    moves = np.empty(room + 1, np.int64)
    kin_moves = np.empty(len(shifts) + 1, np.int64)
    resident = np.empty(len(defect) + 1, np.int64)
    own_seen = np.full(len(defect), -1, np.int64)
    # a pure strategy among its kind is a template that plays its own bits: here one bit a state
    own_turn, own_entry = _walk_among(2, own, successors, endless, own_seen, 0, resident)
    stamp = 0
    kin_stamp = 0
    for c in range(len(leads)):
        turn, entry = _walk(first + c, shifts, template, defect, successors, endless, seen, stamp, moves)
        kin_turn, kin_entry = _walk_among(
            first + c, shifts, template, endless, kin_seen, kin_stamp, kin_moves
        )
        leads[c, 0], certain[c, 0] = _advantage(
            moves, turn, entry, values, resident, own_turn, own_entry, values, continuation, least
        )
        leads[c, 1], certain[c, 1] = _advantage(
            kin_moves, kin_turn, kin_entry, values, moves, turn, entry, swapped, continuation, least
        )
        stamp += turn
        kin_stamp += kin_turn


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
