"""The oracle of groups: every player for itself, every history for itself, in plain Python."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence


def move(table: str, n: int, own: str, others: Sequence[str]) -> str:
    """The reply of a table: opening, after own C by n - 1 .. 0 cooperators among the others, after own D alike."""
    j = list(others).count("C")
    after_c, after_d = table[1 : n + 1], table[n + 1 :]
    return (after_c if own == "C" else after_d)[n - 1 - j]


def pay(a: Sequence[float], b: Sequence[float], moves: Sequence[str]) -> list[float]:
    """What each player earns in one turn."""
    return [
        (a if m == "C" else b)[sum(o == "C" for k, o in enumerate(moves) if k != i)]
        for i, m in enumerate(moves)
    ]


def mean_payoffs(
    tables: Sequence[str],
    a: Sequence[float],
    b: Sequence[float],
    weights: Sequence[float],
    noise: float = 0.0,
) -> tuple[list[float], list[float]]:
    """Payoff and cooperation of each player, turn t weighing ``weights[t]``, by following every profile of moves."""
    n = len(tables)
    chances = {tuple(t[0] for t in tables): 1.0}  # of what is intended
    earned, rates = [0.0] * n, [0.0] * n
    for weight in weights:
        following: dict[tuple[str, ...], float] = {}
        for intended, chance in chances.items():
            for flips in itertools.product((False, True), repeat=n) if noise else [(False,) * n]:
                share = chance * math.prod(noise if f else 1 - noise for f in flips)
                moves = ["CD"["DC".index(m)] if f else m for m, f in zip(intended, flips, strict=True)]
                for i, p in enumerate(pay(a, b, moves)):
                    earned[i] += weight * share * p
                    rates[i] += weight * share * (moves[i] == "C")
                then = tuple(move(tables[i], n, moves[i], moves[:i] + moves[i + 1 :]) for i in range(n))
                following[then] = following.get(then, 0.0) + share
        chances = following
    return earned, rates


def population_payoffs(
    tables: Sequence[str], a: Sequence[float], b: Sequence[float], weights: Sequence[float], n: int
) -> list[float]:
    """What each of a population earns on average over all groups of n that it can be in."""
    earned, met = [0.0] * len(tables), [0] * len(tables)
    for group in itertools.combinations(range(len(tables)), n):
        found, _ = mean_payoffs([tables[k] for k in group], a, b, weights)
        for k, p in zip(group, found, strict=True):
            earned[k] += p
            met[k] += 1
    return [e / m for e, m in zip(earned, met, strict=True)]
