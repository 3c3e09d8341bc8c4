"""Two groups of populations compared replicate by replicate, and what may be said of their difference.

A statement that two groups differ rests on a `Contrast` whose p value, adjusted for the number of contrasts made
together, is below `LEVEL`; everything else is "not told apart". `relation` gives the words, so that no sentence can
say more than its contrast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from evolve.invasion.replicates import Outcome
from results.survival import holm, paired_difference, sign_flip

LEVEL = 0.05
"""The chance of one false difference or more among contrasts that are made together."""

Measure = Literal["time", "losses"]
"""time: generations survived, up to the horizon. losses: how many populations were lost."""


@dataclass(frozen=True)
class Contrast:
    """The populations of `first` against those of `second`, in pairs of replicates with the same seed.

    `difference`: first minus second, of the mean time survived or of the share lost; `low` to `high` is its 95 %
    bootstrap interval, not adjusted. `lost`: how many each lost of `pairs`; `alone`: pairs in which only the one was
    lost. `p`: of the exact sign-flip test (McNemar's for losses); `adjusted`: after Holm, among the contrasts that
    were made together.
    """

    first: str
    second: str
    where: str
    measure: Measure
    pairs: int
    lost: tuple[int, int]
    alone: tuple[int, int]
    difference: float
    low: float
    high: float
    p: float
    adjusted: float = 1.0

    @property
    def sign(self) -> int:
        """1 or -1 where the two are told apart (more or less of the measure in `first`), else 0."""
        if self.adjusted >= LEVEL:
            return 0
        return 1 if self.difference > 0 else -1

    def relation(self, more: str, less: str, same: str = "not told apart from") -> str:
        """The words for it, whichever the contrast allows."""
        return {1: more, -1: less, 0: same}[self.sign]

    @property
    def surely(self) -> str:
        """Its adjusted p, for a sentence."""
        return "adjusted p < 0.001" if self.adjusted < 0.001 else f"adjusted p = {self.adjusted:.2g}"

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "difference": self.difference,
            "interval": [self.low, self.high],
            "p": self.p,
            "adjusted_p": self.adjusted,
        }


def contrast(
    first: Sequence[Outcome], second: Sequence[Outcome], measure: Measure, horizon: int, where: str = ""
) -> Contrast:
    """Compare two groups in the replicates that both have; ValueError where there is none."""
    theirs = {o.replicate: o for o in second}
    pairs = [(o, theirs[o.replicate]) for o in first if o.replicate in theirs]
    if not pairs:
        raise ValueError("contrast: expected replicates that both groups have, got none")
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    values = [[_value(o, measure, horizon) for o in group] for group in (a, b)]
    difference, low, high = paired_difference(values[0], values[1], max(horizon, 1))
    return Contrast(
        first=a[0].label,
        second=b[0].label,
        where=where,
        measure=measure,
        pairs=len(pairs),
        lost=(sum(o.lost for o in a), sum(o.lost for o in b)),
        alone=(sum(x.lost > y.lost for x, y in pairs), sum(y.lost > x.lost for x, y in pairs)),
        difference=difference,
        low=low,
        high=high,
        p=sign_flip([x - y for x, y in zip(*values, strict=True)]),
    )


def adjusted(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """The same contrasts, their p values adjusted for how many they are."""
    return [replace(c, adjusted=p) for c, p in zip(contrasts, holm([c.p for c in contrasts]), strict=True)]


def _value(outcome: Outcome, measure: Measure, horizon: int) -> int:
    return int(outcome.lost) if measure == "losses" else min(outcome.time, horizon)
