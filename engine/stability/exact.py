"""Linear equations in whole numbers, solved without any rounding.

The solution modulo a prime is lifted to ever higher powers of it until it is known as fractions (Dixon, "Exact
solution of linear equations using p-adic expansions", Numerische Mathematik 40, 1982). What is returned has been
put back into the equations, so it is right whatever happened on the way. Unlike elimination in fractions it
takes a fraction of a second for a hundred unknowns, and how ill-conditioned they are does not matter.
"""

from __future__ import annotations

from math import isqrt

import numpy as np

PRIMES = (2**31 - 1, 2**31 - 19, 2**31 - 61)
"""Products of two residues fit into 64 bits. One that divides the determinant is passed over."""


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
