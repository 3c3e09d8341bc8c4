"""Games of a group: what a cooperator and a defector earn beside so many cooperators.

Public goods, thresholds and the commons in one form: two tables, `a[j]` of C and `b[j]` of D with j cooperators among
the n - 1 others. Each maker takes an expected `fine` on D, which is burnt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from genomes.group import check_players

Commons = Literal["exhaust", "share", "thrash"]
"""What becomes of requests beyond the quota."""

COMMONS: dict[str, str] = {
    "exhaust": "beyond the quota nobody is served",
    "share": "beyond the quota each unit is served with the chance quota / requests",
    "thrash": "each request beyond the quota costs a unit of it, and what is left is shared",
}
"""The kinds of commons in words."""


@dataclass(frozen=True)
class GroupGame:
    """A symmetric game of n players with two moves. `a`, `b`: ``(n,)`` payoffs of C and of D, by j.

    >>> game = commons(5, quota=5, kind="share", fine=2 / 3)
    >>> game.players, game.dominant
    (5, 'C')

    Raises ValueError for tables of unequal length, or numbers that are not finite.
    """

    name: str
    a: tuple[float, ...]
    b: tuple[float, ...]

    def __post_init__(self) -> None:
        check_players(len(self.a))
        if len(self.b) != len(self.a):
            raise ValueError(f"b: expected {len(self.a)} payoffs, as many as a, got {len(self.b)}")
        for field in ("a", "b"):
            values = tuple(float(x) for x in getattr(self, field))
            if not all(math.isfinite(x) and abs(x) <= 1e100 for x in values):
                raise ValueError(f"{field}: expected finite payoffs, got {values}")
            object.__setattr__(self, field, values)

    @property
    def players(self) -> int:
        """Players of a group."""
        return len(self.a)

    @property
    def dominant(self) -> str | None:
        """The move that never pays less than the other, and somewhere more; None where there is none."""
        gains = [c - d for c, d in zip(self.a, self.b, strict=True)]
        slack = 1e-12 * max(map(abs, (*self.a, *self.b)))
        if max(gains) > slack and min(gains) >= -slack:
            return "C"
        return "D" if min(gains) < -slack and max(gains) <= slack else None

    @property
    def equilibria(self) -> tuple[int, ...]:
        """Numbers of cooperators at which nobody gains by another move."""
        n, found = self.players, []
        slack = 1e-12 * max(map(abs, (*self.a, *self.b)))
        for k in range(n + 1):
            stays = k == 0 or self.a[k - 1] >= self.b[k - 1] - slack
            keeps_away = k == n or self.b[k] >= self.a[k] - slack
            if stays and keeps_away:
                found.append(k)
        return tuple(found)

    @property
    def restoring_fine(self) -> float:
        """The least further fine on D with which C is nowhere worse than D; 0 where it is not."""
        return max(0.0, *(d - c for c, d in zip(self.a, self.b, strict=True)))

    def total(self, cooperators: int) -> float:
        """What a group of so many cooperators earns together."""
        k, n = cooperators, self.players
        of_c = k * self.a[k - 1] if k else 0.0
        return of_c + ((n - k) * self.b[k] if k < n else 0.0)


def public_goods(players: int, *, factor: float, cost: float = 1.0, fine: float = 0.0) -> GroupGame:
    """C pays `cost` into a pot, which is multiplied by `factor` and split among all.

    A dilemma while 1 < factor < players. Grim and tft_all are equilibria of the repeated game from a continuation
    probability of (n - r) / (r (n - 1)) on, all_or_none from (1 - r/n) / (r - 1).
    """
    check_players(players)
    share = factor * cost / players
    return GroupGame(
        f"public goods of {players}, factor {factor:g}, cost {cost:g}{_fined(fine)}",
        tuple(share * (j + 1) - cost for j in range(players)),
        tuple(share * j - fine for j in range(players)),
    )


def threshold(
    players: int, *, needed: int, benefit: float, cost: float = 1.0, fine: float = 0.0
) -> GroupGame:
    """Everybody has a `benefit` where at least `needed` cooperate, at a `cost` each."""
    check_players(players)
    if isinstance(needed, bool) or not isinstance(needed, int) or not 1 <= needed <= players:
        raise ValueError(f"needed: expected a whole number from 1 to {players}, got {needed!r}")
    return GroupGame(
        f"threshold of {needed} in {players}, benefit {benefit:g}, cost {cost:g}{_fined(fine)}",
        tuple(benefit * (j + 1 >= needed) - cost for j in range(players)),
        tuple(benefit * (j >= needed) - fine for j in range(players)),
    )


def commons(players: int, *, quota: float, kind: Commons, fine: float = 0.0) -> GroupGame:
    """C asks one unit of a common resource, D two, and `quota` units are there (see `COMMONS` for the kinds).

    At quota = n: exhaust makes all-C a strict equilibrium by itself; share makes D dominant, until the fine is
    (n - 1)/(n + 1); thrash is a snowdrift, in which a few defectors live among cooperators.
    """
    check_players(players)
    if kind not in get_args(Commons):
        raise ValueError(f"kind: expected {', '.join(get_args(Commons))}, got {kind!r}")
    if isinstance(quota, bool) or not isinstance(quota, (int, float)) or not 0 <= quota <= 1e9:
        raise ValueError(f"quota: expected a number from 0 to 10^9, got {quota!r}")
    there = Fraction(repr(float(quota)))

    def served(defectors: int) -> Fraction:
        """Of each unit that is asked for, the share that is served."""
        asked = Fraction(players + defectors)
        if asked <= there:
            return Fraction(1)
        if kind == "exhaust":
            return Fraction(0)
        left = there if kind == "share" else max(Fraction(0), there - (asked - there))
        return left / asked

    return GroupGame(
        f"commons of {players}, quota {quota:g}, {kind}{_fined(fine)}",
        tuple(float(served(players - 1 - j)) for j in range(players)),
        tuple(float(2 * served(players - j)) - fine for j in range(players)),
    )


def group_game(
    players: int,
    kind: str,
    *,
    quota: float | None = None,
    factor: float | None = None,
    needed: int | None = None,
    benefit: float | None = None,
    cost: float = 1.0,
    fine: float = 0.0,
) -> GroupGame:
    """The game of a kind: one of `COMMONS` (the quota is one unit a player when not said), "goods" or "threshold".

    Raises ValueError for another kind, and for parameters that are missing.
    """
    if kind == "goods":
        if factor is None:
            raise ValueError("factor: expected a number with kind goods, got none")
        return public_goods(players, factor=factor, cost=cost, fine=fine)
    if kind == "threshold":
        if needed is None or benefit is None:
            raise ValueError("needed: expected numbers needed and benefit with kind threshold, got none")
        return threshold(players, needed=needed, benefit=benefit, cost=cost, fine=fine)
    if kind not in COMMONS:
        raise ValueError(f"kind: expected {', '.join(COMMONS)}, goods or threshold, got {kind!r}")
    units = float(players) if quota is None else quota
    return commons(players, quota=units, kind=kind, fine=fine)  # type: ignore[arg-type]  # one of them


def from_tables(a: Sequence[float], b: Sequence[float]) -> GroupGame:
    """A game of one's own."""
    return GroupGame("tables", tuple(a), tuple(b))


def _fined(fine: float) -> str:
    if not (math.isfinite(fine) and fine >= 0):
        raise ValueError(f"fine: expected a number >= 0, got {fine!r}")
    return f", fine {fine:g}" if fine else ""
