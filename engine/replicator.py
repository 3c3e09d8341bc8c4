"""Where an ecology of large populations is at rest, and which way it moves: the replicator equation.

With x_i the share of a strategy, V_ij what it earns from another per turn, and f = V x, shares move as
``dx_i/dt = x_i (f_i - x.f)`` (Taylor & Jonker, "Evolutionary stable strategies and game dynamics", 1978); an ecology in
real numbers moves the same way in steps. A baseline added to all payoffs changes the speed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.game import Rules
from engine.pairs.tournament import round_robin
from engine.societies.sipd import play_table
from genomes.strategy import StrategyLike

Kind = Literal["stable", "unstable", "saddle", "neutral"]

ROUNDING = 1e-9
"""Smaller rates and shares count as 0, relative to the largest payoff difference."""


@dataclass(frozen=True)
class RestPoint:
    """Shares that do not change, and what happens near them.

    "stable": all that is near comes back; "unstable": nothing does; "saddle": some does; "neutral": in some direction
    nothing moves at all, to first order.
    """

    shares: tuple[float, ...]
    kind: Kind


def payoffs_among(strategies: Sequence[StrategyLike], rules: Rules, *, society: bool) -> NDArray[np.float64]:
    """``(k, k)`` what each earns from each per turn where all are present, in one society or in pairs."""
    if society:
        return play_table(list(strategies), rules, [2] * len(strategies)).payoffs
    return round_robin(list(strategies), rules, self_play=True).payoffs


def velocity(payoffs: ArrayLike, shares: ArrayLike) -> NDArray[np.float64]:
    """``(..., k)`` how fast shares ``(..., k)`` change.

    >>> velocity([[3, 0], [5, 1]], [0.5, 0.5]).tolist()
    [-0.375, 0.375]
    """
    table, x = np.asarray(payoffs, np.float64), np.asarray(shares, np.float64)
    fitness = x @ table.T
    return np.asarray(x * (fitness - (x * fitness).sum(axis=-1, keepdims=True)))


def rest_points(payoffs: ArrayLike) -> list[RestPoint]:
    """All isolated rest points of a few strategies: of each set of them at most one where all of these are present.

    Where a whole edge is at rest, only its ends are listed (see `resting_edges`).

    >>> [(point.shares, point.kind) for point in rest_points([[3, 0], [5, 1]])]
    [((1.0, 0.0), 'unstable'), ((0.0, 1.0), 'stable')]
    """
    table = np.asarray(payoffs, np.float64)
    k = len(table)
    found = []
    for size in range(1, k + 1):
        for members in combinations(range(k), size):
            shares = _balanced(table, members)
            if shares is not None:
                found.append(RestPoint(tuple(shares.tolist()), _kind(table, shares)))
    return found


def resting_edges(payoffs: ArrayLike) -> list[tuple[int, int]]:
    """Pairs of strategies that earn the same whatever their shares: everything between them is at rest."""
    table = np.asarray(payoffs, np.float64)
    scale = _scale(table)
    return [
        (i, j)
        for i, j in combinations(range(len(table)), 2)
        if abs(table[i, i] - table[j, i]) < ROUNDING * scale
        and abs(table[i, j] - table[j, j]) < ROUNDING * scale
    ]


def _balanced(table: NDArray[np.float64], members: Sequence[int]) -> NDArray[np.float64] | None:
    """The shares at which all the members are present and earn the same, where there is exactly one such point."""
    n = len(members)
    inside = table[np.ix_(members, members)]
    system = np.ones((n, n))
    system[:-1] = inside[:-1] - inside[1:]
    size = _scale(table)
    system[:-1] /= size
    if abs(np.linalg.det(system)) < ROUNDING:
        return None
    solved = np.linalg.solve(system, np.append(np.zeros(n - 1), 1.0))
    if (solved < ROUNDING).any():
        return None
    shares = np.zeros(len(table))
    shares[list(members)] = solved
    return shares


def _kind(table: NDArray[np.float64], shares: NDArray[np.float64]) -> Kind:
    """By the eigenvalues of the linearised equation along the simplex."""
    fitness = table @ shares
    mean = float(shares @ fitness)
    gradient = fitness + table.T @ shares  # of the mean
    jacobian = np.diag(fitness - mean) + shares[:, None] * (table - gradient[None, :])
    k = len(shares)
    along = np.vstack([np.eye(k - 1), -np.ones(k - 1)])  # directions that keep the sum
    rates = np.linalg.eigvals(np.linalg.pinv(along) @ jacobian @ along).real / _scale(table)
    if (np.abs(rates) < ROUNDING).any():
        return "neutral"
    return "stable" if (rates < 0).all() else "unstable" if (rates > 0).all() else "saddle"


def _scale(table: NDArray[np.float64]) -> float:
    return float(np.ptp(table)) or 1.0
