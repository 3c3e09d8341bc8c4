"""What any mutant can earn, in fractions: every choice of a move for every state of the resident is tried.

Every float is a fraction, so nothing here is rounded. Long and obvious, for residents of a few states.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

Matrix = list[list[Fraction]]
Strategy = tuple[list[Fraction], list[list[int]]]


def gap(
    cooperate: list[Fraction],
    successors: list[list[int]],
    payoffs: list[Fraction],
    noise: float,
    continuation: float | None,
) -> Fraction:
    """Best any mutant can earn, less what the resident earns against itself; no continuation: limit of means."""
    n, e = len(cooperate), Fraction(noise)
    theirs = [(c * (1 - e) + (1 - c) * e, (1 - c) * (1 - e) + c * e) for c in cooperate]

    def mutant(policy: tuple[int, ...]) -> Fraction:
        matrix, gains = _empty(n), [Fraction(0)] * n
        for s, intended in enumerate(policy):
            own = (1 - e, e) if intended == 0 else (e, 1 - e)
            for x, y in product((0, 1), repeat=2):
                gains[s] += own[x] * theirs[s][y] * payoffs[2 * x + y]
                matrix[s][successors[s][2 * y + x]] += own[x] * theirs[s][y]
        return _mean(matrix, gains, continuation)

    best = max(mutant(policy) for policy in product((0, 1), repeat=n))
    resident = cooperate, successors
    return best - payoff(resident, resident, payoffs, noise, continuation)


def payoff(
    a: Strategy, b: Strategy, payoffs: list[Fraction], noise: float, continuation: float | None
) -> Fraction:
    """What `a` earns from `b` per turn; both are probabilities of C and successors by state."""
    (cooperate_a, next_a), (cooperate_b, next_b) = a, b
    e = Fraction(noise)
    pairs = [(s, t) for s in range(len(cooperate_a)) for t in range(len(cooperate_b))]
    matrix, gains = _empty(len(pairs)), [Fraction(0)] * len(pairs)
    for k, (s, t) in enumerate(pairs):
        p, q = (c * (1 - e) + (1 - c) * e for c in (cooperate_a[s], cooperate_b[t]))
        for x, y in product((0, 1), repeat=2):
            chance = (p, 1 - p)[x] * (q, 1 - q)[y]
            gains[k] += chance * payoffs[2 * x + y]
            matrix[k][pairs.index((next_a[s][2 * x + y], next_b[t][2 * y + x]))] += chance
    return _mean(matrix, gains, continuation)


def gap_by_turns(
    cooperate: list[Fraction], successors: list[list[int]], payoffs: list[Fraction], noise: float, turns: int
) -> Fraction:
    """The same for a fixed number of turns, by following all that can happen backwards from the last."""
    n, e = len(cooperate), Fraction(noise)
    theirs = [(c * (1 - e) + (1 - c) * e, (1 - c) * (1 - e) + c * e) for c in cooperate]
    best = [Fraction(0)] * n
    own = {(s, t): Fraction(0) for s in range(n) for t in range(n)}
    for _ in range(turns):
        best = [
            max(
                sum(
                    ((1 - e, e)[x ^ a] * theirs[s][y] * (payoffs[2 * x + y] + best[successors[s][2 * y + x]])
                     for x, y in product((0, 1), repeat=2)),
                    Fraction(0),
                )
                for a in (0, 1)
            )
            for s in range(n)
        ]  # fmt: skip
        own = {
            (s, t): sum(
                (theirs[s][x] * theirs[t][y]
                 * (payoffs[2 * x + y] + own[successors[s][2 * x + y], successors[t][2 * y + x]])
                 for x, y in product((0, 1), repeat=2)),
                Fraction(0),
            )
            for s, t in own
        }  # fmt: skip
    return (best[0] - own[0, 0]) / turns


def _empty(n: int) -> Matrix:
    return [[Fraction(0)] * n for _ in range(n)]


def _mean(matrix: Matrix, gains: list[Fraction], continuation: float | None) -> Fraction:
    """What a chain gains per turn from state 0."""
    reached = _reached(matrix, 0)
    if continuation is not None:
        d = Fraction(continuation)
        system = [[Fraction(i == j) - d * matrix[i][j] for j in reached] for i in reached]
        return (1 - d) * solved(system, [gains[i] for i in reached])[0]
    # each closed class has its mean; before that, the chance to end in each
    means: dict[int, Fraction] = {}
    for s in reached:
        members = _reached(matrix, s)
        if all(s in _reached(matrix, t) for t in members):
            # weights: stationary, and they sum to 1
            system = [[matrix[j][i] - (i == j) for j in members] for i in members]
            system[0] = [Fraction(1)] * len(members)
            weights = solved(system, [Fraction(1)] + [Fraction(0)] * (len(members) - 1))
            means[s] = sum((w * gains[t] for w, t in zip(weights, members, strict=True)), Fraction(0))
    passing = [s for s in reached if s not in means]
    if 0 in means:
        return means[0]
    system = [[Fraction(i == j) - matrix[i][j] for j in passing] for i in passing]
    return solved(system, [sum((matrix[i][t] * m for t, m in means.items()), Fraction(0)) for i in passing])[
        0
    ]


def _reached(matrix: Matrix, start: int) -> list[int]:
    found = [start]
    for s in found:  # grows while it is read
        found += [t for t, p in enumerate(matrix[s]) if p and t not in found]
    return found


def solved(system: Matrix, right: list[Fraction]) -> list[Fraction]:
    """Gauss elimination."""
    n = len(right)
    rows = [[*row, b] for row, b in zip(system, right, strict=True)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]
