"""The oracle of the long run: every strategy a state, all in decimals, by plain elimination."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

DIGITS = 500
"""Elimination loses as many as lie between the largest and the smallest rate."""


def fixation(
    a: Decimal, b: Decimal, c: Decimal, d: Decimal, size: int, beta: Decimal | None, baseline: Decimal
) -> Decimal:
    """The chance of one mutant: a, b it earns against mutants and residents, c, d they. Moran where beta is None."""

    def earned(i: int) -> tuple[Decimal, Decimal]:
        return (a * (i - 1) + b * (size - i)) / (size - 1), (c * i + d * (size - i - 1)) / (size - 1)

    (f, g), (f_next, g_next) = earned(1), earned(2)
    total, product = Decimal(1), Decimal(1)
    if beta is not None:  # payoffs are linear in i, so each ratio is the one before times the same
        ratio, change = (-beta * (f - g)).exp(), (-beta * (f_next - g_next - f + g)).exp()
    for i in range(1, size):
        if beta is None:
            f, g = earned(i)
            product *= (g + baseline) / (f + baseline)
        else:
            product *= ratio
            ratio *= change
        total += product
    return 1 / total


def shares(
    payoffs: Sequence[Sequence[float]],
    size: int,
    beta: float | None,
    law: Sequence[Sequence[float]] | None = None,
    baseline: float = 0.0,
) -> list[Decimal]:
    """Share of the time of each strategy, from `payoffs` of rows against columns."""
    with localcontext() as context:
        context.prec = DIGITS
        v = [[Decimal(x) for x in row] for row in payoffs]
        n = len(v)
        strength = None if beta is None else Decimal(beta)
        rates = [
            [
                fixation(v[m][m], v[m][r], v[r][m], v[r][r], size, strength, Decimal(baseline))
                * Decimal(law[r][m] if law else 1)
                if r != m
                else Decimal(0)
                for m in range(n)
            ]
            for r in range(n)
        ]
        # x = (x_0 .. x_{n-1}), sum_r x_r rates[r][m] = x_m sum_k rates[m][k] for all but the last m, sum x = 1
        rows = [
            [rates[r][m] - (sum(rates[m]) if r == m else 0) for r in range(n)] + [Decimal(0)]
            for m in range(n - 1)
        ]
        rows.append([Decimal(1)] * n + [Decimal(1)])
        for k in range(n):
            pivot = max(range(k, n), key=lambda i: abs(rows[i][k]))
            rows[k], rows[pivot] = rows[pivot], rows[k]
            for i in range(n):
                if i != k and rows[i][k]:
                    factor = rows[i][k] / rows[k][k]
                    rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
        return [rows[k][n] / rows[k][k] for k in range(n)]
