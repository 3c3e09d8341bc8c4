"""The oracle of digits: expected joint moves of two automata in fractions, without a single rounding.

Long play is followed by doubling in whole numbers of `BITS` bits, whose roundings stay far below those of floats.
"""

from __future__ import annotations

from fractions import Fraction

from genomes import Automaton

BITS = 700
"""Size of the numbers of long play: probabilities like 1e-17 to the sixth keep 300 bits."""

Chain = list[list[tuple[int, Fraction]]]
"""For every joint state and joint move CC, CD, DC, DD: the next joint state, and the probability."""


def sides(automaton: Automaton) -> list[tuple[Fraction, Fraction]]:
    """P(C) and P(D) in each state: the smaller is as given, the other is 1 minus it."""
    both = []
    for c, d in zip(automaton.cooperate.tolist(), automaton.defect.tolist(), strict=True):
        c = Fraction(c) if c <= d else 1 - Fraction(d)
        both.append((c, 1 - c))
    return both


def joint_chain(a: Automaton, b: Automaton, noise: float) -> Chain:
    """The joint states that play can reach, the start first."""
    e = Fraction(noise)
    realised = [
        [(c * (1 - e) + d * e, d * (1 - e) + c * e) for c, d in sides(automaton)] for automaton in (a, b)
    ]
    numbers, chain = {(0, 0): 0}, []
    waiting = [(0, 0)]
    for s, t in waiting:  # grows while it is read
        row = []
        for joint in range(4):
            x, y = joint >> 1, joint & 1
            chance = realised[0][s][x] * realised[1][t][y]
            target = (int(a.successors[s, joint]), int(b.successors[t, 2 * y + x]))
            if chance and target not in numbers:
                numbers[target] = len(numbers)
                waiting.append(target)
            row.append((numbers[target] if chance else 0, chance))
        chain.append(row)
    return chain


def frequencies(
    a: Automaton, b: Automaton, noise: float, *, turns: int = 0, leave: Fraction | None = None
) -> list[Fraction]:
    """Share of each joint move in `turns` turns, or where play ends with probability `leave` after each turn."""
    chain = joint_chain(a, b, noise)
    visits = _visits(chain, turns) if leave is None else _discounted_visits(chain, leave)
    return [
        sum((v * row[joint][1] for v, row in zip(visits, chain, strict=True)), Fraction(0))
        for joint in range(4)
    ]


def power(x: Fraction, exponent: int, scale: int) -> Fraction:
    """``x**exponent``, rounded to ``1 / scale``: exact powers have too many digits."""
    if exponent == 0:
        return Fraction(1)
    half = power(x, exponent // 2, scale)
    whole = half * half * (x if exponent % 2 else 1)
    return Fraction(whole * scale // 1, scale)


def _discounted_visits(chain: Chain, leave: Fraction) -> list[Fraction]:
    """``x (1 - (1 - leave) P) = leave`` times the start, by elimination."""
    n = len(chain)
    rows = [[Fraction(int(i == k)) for i in range(n)] + [leave * (k == 0)] for k in range(n)]
    for k, moves in enumerate(chain):
        for target, chance in moves:
            rows[target][k] -= (1 - leave) * chance
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(n):
            if i != k and rows[i][k]:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [x - factor * y if y else x for x, y in zip(rows[i], rows[k], strict=True)]
    return [rows[k][n] / rows[k][k] for k in range(n)]


def _visits(chain: Chain, turns: int) -> list[Fraction]:
    """``(1 + P + ... + P**(turns - 1)) / turns`` from the start, doubled in numbers of `BITS` bits."""
    n, one = len(chain), 1 << BITS
    step = [[0] * n for _ in range(n)]
    for k, moves in enumerate(chain):
        for target, chance in moves:
            step[k][target] += (chance.numerator << BITS) // chance.denominator

    def times(x: list[list[int]], y: list[list[int]]) -> list[list[int]]:
        columns = list(zip(*y, strict=True))
        return [
            [sum(p * q for p, q in zip(row, column, strict=True) if p and q) >> BITS for column in columns]
            for row in x
        ]

    start = [[one if i == 0 else 0 for i in range(n)]]
    total, power = start, step
    for bit in bin(turns)[3:]:
        total = [[x + y for x, y in zip(total[0], times(total, power)[0], strict=True)]]
        power = times(power, power)
        if bit == "1":
            total = [[x + y for x, y in zip(start[0], times(total, step)[0], strict=True)]]
            power = times(power, step)
    return [Fraction(x, one * turns) for x in total[0]]
