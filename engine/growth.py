"""How populations of an ecology grow: payoffs between those who are present, and the two published rules.

`Reals` are shares of a fixed total, `Integers` the rule of LIFL, whose floors make small populations die (Beaufils,
Delahaye & Mathieu, "Complete classes of strategies for the classical iterated prisoner's dilemma", 1998).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.ledger import Ledger, booked
from engine.pairs.tournament import PayoffTable, round_robin
from engine.societies.sipd import play_table
from engine.societies.twins import most_played, players
from genomes.strategy import is_compiled

FIXED_POINT_SHARE = 1e-12
"""Real populations that change by less than this share of the total are at a fixed point."""

NOTHING_EARNED = (
    "baseline: nobody earns anything, so nobody can grow in proportion; expected a baseline > 0, got 0"
)
"""What is wrong where everybody earns 0."""


class PresentPayoffs:
    """Payoffs between those who are present: played once in pairs, or anew in a society of other players."""

    def __init__(self, strategies: list[Any], rules: Rules, society: bool, baseline: float) -> None:
        self.strategies, self.rules, self.society, self.baseline = strategies, rules, society, baseline
        automata = [s.automaton(rules.turns) if is_compiled(s) else None for s in strategies]
        # a society in which nobody looks at third parties is a round robin
        self.constant = not society or all(a is not None for a in automata)
        self.chance = rules.noisy or any(a is not None and not a.deterministic for a in automata)

    @cached_property
    def _robin(self) -> PayoffTable:
        return round_robin(self.strategies, self.rules, self_play=len(self.strategies) == 1)

    @property
    def _pairs(self) -> NDArray[np.float64]:
        return self._robin.payoffs

    @cached_property
    def _whole_pairs(self) -> NDArray[Any]:
        return self._whole(self._pairs)

    def played(self, present: NDArray[np.int64], w: NDArray[Any]) -> NDArray[np.int64]:
        """How many of each that is present are played when they are so many: what payoffs depend on."""
        if self.constant or self.rules.quantifiers == "all":
            return np.ones(len(present), np.int64)
        members = [getattr(self.strategies[k], "strategy", self.strategies[k]) for k in present.tolist()]
        return players(most_played(members, self.rules.quantifiers), w)

    def payoffs(self, present: NDArray[np.int64], w: NDArray[Any]) -> NDArray[np.float64]:
        """Mean payoff per round of the present, so many of each, against each other, ``(p, p)``."""
        if self.constant:
            return self._pairs[np.ix_(present, present)]
        return play_table([self.strategies[k] for k in present.tolist()], self.rules, w).payoffs

    def ledger(self, names: tuple[str, ...], w: NDArray[Any]) -> Ledger | None:
        """What mechanisms took and gave when there are so many of each ``(k,)``; None where there is none."""
        if not self.rules.mechanisms:
            return None
        here = np.flatnonzero(w)
        if self.constant:
            books = self._robin.books[np.ix_(here, here)]
        else:
            table = play_table([self.strategies[k] for k in here.tolist()], self.rules, w[here])
            books = booked(self.rules, table.joint_counts / float(self.rules.turns or 1))
        n = w[here].astype(np.float64)
        own = books[np.arange(len(here)), np.arange(len(here))] * np.minimum(n, 1.0)[:, None]
        amounts = ((books * n[None, :, None]).sum(axis=1) - own) / (n.sum() - 1)
        return Ledger(tuple(names[k] for k in here.tolist()), self.rules, amounts)

    def whole(self, present: NDArray[np.int64], w: NDArray[Any]) -> NDArray[Any]:
        """The same with the baseline, exactly, as whole numbers of one unit (int64, or Python integers)."""
        if self.constant:
            return self._whole_pairs[np.ix_(present, present)]
        return self._whole(self.payoffs(present, w))

    def _whole(self, payoffs: NDArray[np.float64]) -> NDArray[Any]:
        scaled, scale = self.rules.stage.scaled
        more = Fraction(repr(float(self.baseline)))
        unit = (self.rules.turns or 1) * int(scale)
        counted = self.rules.turns is not None and not self.chance and all(p.is_integer() for p in scaled)
        # means of whole totals are rounded, the totals can be had back
        if counted and (more * unit).denominator == 1 and unit * float(payoffs.max() + abs(more)) < 2**50:
            return np.rint(payoffs * float(unit)).astype(np.int64) + int(more * unit)
        exact = [[Fraction(p) for p in row] for row in payoffs.tolist()]
        if counted:
            exact = [[Fraction(round(p * unit), unit) for p in row] for row in exact]
        unit = math.lcm(more.denominator, *{p.denominator for row in exact for p in row})
        return np.array([[int((p + more) * unit) for p in row] for row in exact], dtype=object)


class Reals:
    """Populations as shares of a fixed total."""

    def __init__(self, first: list[Any], field: PresentPayoffs, extinction: float) -> None:
        self.start = np.array(first, dtype=np.float64)
        self.total, self.field, self.extinction = float(self.start.sum()), field, extinction

    def meet(self, present: NDArray[np.int64], w: NDArray[Any]) -> None:
        """Take up the payoffs of those who are present, so many of each."""
        self.table = self.field.payoffs(present, w)
        self.own = self.table.diagonal().copy()

    def earned(self, w: NDArray[Any]) -> NDArray[np.float64]:
        """Mean payoff per interaction per round; equal rows give equal sums to the last bit."""
        sums = (self.table * w).sum(axis=1) - self.own * np.minimum(w, 1.0)  # nobody meets itself
        mean: NDArray[np.float64] = sums / (self.total - 1)
        return mean

    def next(self, w: NDArray[Any]) -> NDArray[Any] | None:
        """The next numbers of the present; None at a fixed point."""
        weights = w * (self.earned(w) + self.field.baseline)
        everything = weights.sum()
        if not everything > 0:
            raise ValueError(NOTHING_EARNED)
        following = weights * (self.total / everything)
        dies = following < self.extinction
        if dies.any():
            following[dies] = 0.0
            following *= self.total / following.sum()
        still: bool = np.abs(following - w).max() <= FIXED_POINT_SHARE * self.total
        return None if still else following


class Integers:
    """LIFL's rule, exact: floats only where they hold every sum."""

    def __init__(self, first: list[Any], field: PresentPayoffs) -> None:
        self.start = np.array(first, dtype=object)
        self.total, self.field = sum(first), field

    def meet(self, present: NDArray[np.int64], w: NDArray[Any]) -> None:
        """Take up the payoffs of those who are present, so many of each."""
        self.mean = self.field.payoffs(present, w)
        table = self.field.whole(present, w)
        self.small = self.total * int(table.max()) < 2**53
        self.table: NDArray[Any] = table.astype(np.float64 if self.small else object)
        self.own = self.table.diagonal().copy()

    def earned(self, w: NDArray[Any]) -> NDArray[np.float64]:
        """Mean payoff per interaction per round."""
        n = w.astype(np.float64)
        others = float(n.sum()) - 1
        if others <= 0:
            return np.full(len(n), np.nan)
        mean: NDArray[np.float64] = ((self.mean * n).sum(axis=1) - self.mean.diagonal()) / others
        return mean

    def next(self, w: NDArray[Any]) -> NDArray[Any] | None:
        """The next numbers of the present; None at a fixed point."""
        if self.small:
            gain = (self.table @ w.astype(np.float64) - self.own).astype(np.int64).astype(object)
        else:
            gain = self.table.dot(w) - self.own
        weights = w * gain
        everything = sum(weights.tolist())
        if everything == 0:
            if len(w) == 1:  # a last player alone earns nothing, and keeps what there is
                return None
            raise ValueError(NOTHING_EARNED)
        following: NDArray[Any] = self.total * weights // everything
        return None if (following == w).all() else following
