"""Long-run play without any rounding: every float is a fraction, and linear equations are solved in whole numbers.

The solution modulo a prime is lifted to ever higher powers of it until it is known as fractions (Dixon, "Exact
solution of linear equations using p-adic expansions", Numerische Mathematik 40, 1982). What is returned has been
put back into the equations, so it is right whatever happened on the way. Unlike elimination in fractions it
takes a fraction of a second for a hundred unknowns, and how ill-conditioned they are does not matter.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt, lcm

import numpy as np

from engine.game import Rules
from genomes.automaton import Automaton

PRIMES = (2**31 - 1, 2**31 - 19, 2**31 - 61)
"""Products of two residues fit into 64 bits. One that divides the determinant is passed over."""


def payoff(a: Automaton, b: Automaton, rules: Rules) -> Fraction:
    """What `a` earns from `b` per turn with an open horizon, as a fraction.

    A continuation probability d is a chance 1 - d to begin anew. Payoffs that are short decimals count as such.
    """
    stage = rules.stage
    values, scale = [Fraction(p) for p in stage.scaled[0]], Fraction(stage.scaled[1])
    may, their, step, outcome = (one.tolist() for one in stage.machine)
    d = Fraction(1 if rules.continuation is None else rules.continuation)
    noise = Fraction(rules.noise)
    executed = [[(1 - p) * noise + p * (1 - noise) for p in defection(strategy)] for strategy in (a, b)]
    numbers, reached = {(0, 0, 0): 0}, [(0, 0, 0)]
    gains: list[Fraction] = []
    chains: list[list[tuple[int, Fraction]]] = []
    for s, t, e in reached:  # grows while it is read
        x, y = executed[0][s] * may[e], executed[1][t] * their[e]
        chances = ((1 - x) * (1 - y), (1 - x) * y, x * (1 - y), x * y)
        counts = stage.states[e].counted
        stay = d if counts else Fraction(1)  # an offer takes no time
        earned = [q * values[outcome[4 * e + j]] for j, q in enumerate(chances) if q and counts]
        gains.append(sum(earned, Fraction(0)))
        chains.append([(0, 1 - stay)] if stay < 1 else [])
        for joint, q in enumerate(chances):
            if q and stay:
                to = (
                    int(a.successors[s, joint]),
                    int(b.successors[t, (0, 2, 1, 3)[joint]]),
                    step[4 * e + joint],
                )
                if to not in numbers:
                    numbers[to] = len(reached)
                    reached.append(to)
                chains[-1].append((numbers[to], stay * q))
    whole = lcm(*(q.denominator for chain in chains for _, q in chain))
    units = lcm(*(gain.denominator for gain in gains))
    steps = [[(t, int(q * whole)) for t, q in chain] for chain in chains]
    mean, _, common = long_run(steps, whole, [int(gain * units) for gain in gains])
    return Fraction(mean[0], common * units) / scale * (1 + stage.offers * (1 - d))


def defection(strategy: Automaton) -> list[Fraction]:
    """The exact probability of D in each state: of C and D the rarer one has all digits."""
    both = zip(strategy.cooperate.tolist(), strategy.defect.tolist(), strict=True)
    return [Fraction(d) if d <= c else 1 - Fraction(c) for c, d in both]


def long_run(
    steps: list[list[tuple[int, int]]], whole: int, gains: list[int]
) -> tuple[list[int], list[int], int]:
    """Long-run mean and bias from each state of a chain, both times a common number, which comes last.

    `steps`: the next states and their chances, in multiples of 1 / `whole`. One linear system: bias + mean = gain +
    expected bias, with bias 0 in one state of every closed class, and, where there are several of these,
    mean = expected mean for the states outside them.
    """
    n = len(gains)
    classes = _closed([[t for t, _ in step] for step in steps])
    # in the column of a class's first state stands its mean, in the others the bias
    first = {members[0] for members in classes}
    column = {s: members[0] for members in classes for s in members}
    passing = [s for s in range(n) if s not in column]
    if len(classes) == 1:
        column.update((s, classes[0][0]) for s in passing)
        passing = []
    column.update((s, n + k) for k, s in enumerate(passing))
    rows: list[dict[int, int]] = []
    for s, step in enumerate(steps):
        row = {column[s]: whole}
        for t, q in [(s, -whole), *step]:
            if t not in first:
                row[t] = row.get(t, 0) - q
        rows.append(row)
    for s in passing:
        row = {column[s]: whole}
        for t, q in steps[s]:
            row[column[t]] = row.get(column[t], 0) - q
        rows.append(row)
    found, common = solve(rows, [whole * gain for gain in gains] + [0] * len(passing))
    return [found[column[s]] for s in range(n)], [0 if s in first else found[s] for s in range(n)], common


def _closed(steps: list[list[int]]) -> list[list[int]]:
    """The classes of states that play cannot leave."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows = [s for s, to in enumerate(steps) for _ in to]
    columns = [t for to in steps for t in to]
    graph = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(steps), len(steps)))
    number, component = connected_components(graph, directed=True, connection="strong")
    left = {int(component[s]) for s, t in zip(rows, columns, strict=True) if component[s] != component[t]}
    return [np.flatnonzero(component == k).tolist() for k in range(number) if k not in left]


def solve(rows: list[dict[int, int]], right: list[int]) -> tuple[list[int], int]:
    """Numerators ``(n,)`` and the common denominator > 0 of x where ``sum_j rows[i][j] x_j = right[i]``.

    `rows` holds each row's entries by column. Raises ArithmeticError where there is no single solution.

    >>> solve([{0: 2, 1: 1}, {1: 3}], [1, 1])
    ([1, 1], 3)
    """
    from engine.stability.kernels import inverse_modulo, times_modulo

    n = len(rows)
    for prime in PRIMES:
        matrix = np.zeros((n, n), np.int64)
        for i, row in enumerate(rows):
            for j, entry in row.items():
                matrix[i, j] = entry % prime
        inverse = np.zeros((n, n), np.int64)
        if inverse_modulo(matrix, prime, inverse):
            break
    else:
        raise ArithmeticError("the equations have no single solution")
    entries = [list(row.items()) for row in rows]
    residual, solution = list(right), [0] * n
    power, digits, checked = 1, 0, 4
    while True:
        residues = np.array([r % prime for r in residual], np.int64)
        lifted = times_modulo(inverse, residues, prime).tolist()
        solution = [x + power * digit for x, digit in zip(solution, lifted, strict=True)]
        residual = [
            (r - sum(entry * lifted[j] for j, entry in row)) // prime
            for r, row in zip(residual, entries, strict=True)
        ]
        power *= prime
        digits += 1
        if digits < checked:
            continue
        checked = digits + digits // 2
        found = _fractions(solution, power)
        if found and all(
            sum(entry * found[0][j] for j, entry in row) == r * found[1]
            for r, row in zip(right, entries, strict=True)
        ):
            return found


def _fractions(solution: list[int], modulus: int) -> tuple[list[int], int] | None:
    """Numerators and common denominator with these residues, none above the root of the modulus; None: no."""
    largest = isqrt(modulus // 2)
    numerators: list[int] = []
    common = 1
    for x in solution:
        scaled = x * common % modulus
        if scaled > modulus // 2:
            scaled -= modulus
        if abs(scaled) > largest // common:
            numerator, denominator = _fraction(scaled % modulus, modulus, largest)
            common *= denominator
            if common > largest:
                return None
            numerators = [k * denominator for k in numerators]
            scaled = numerator
        numerators.append(scaled)
    return numerators, common


def _fraction(x: int, modulus: int, largest: int) -> tuple[int, int]:
    """The fraction with residue `x` whose numerator is not above `largest`: Euclid's algorithm, half way."""
    before, now = (modulus, 0), (x, 1)
    while now[0] > largest:
        quotient = before[0] // now[0]
        before, now = now, (before[0] - quotient * now[0], before[1] - quotient * now[1])
    return now if now[1] > 0 else (-now[0], -now[1])
