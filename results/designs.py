"""What a design left: what each rule of a grid does, in one index, and what follows from all of them together.

The index is rewritten as a whole, so it is there entirely or as it was before; a point that is lost or damaged is
computed again.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from results.indexes import read_rows, write_rows

FORMAT = 1


@dataclass(frozen=True)
class DesignPoint:
    """What one rule does. Payoffs and costs are per turn.

    `stage_gain`: what D gains over C at most in the stage game; below 0, or 0: C is dominant. `finite_gain`: the same
    in a population of the declared size, over all numbers of cooperators. `gaps`: the Nash gap of each resident.
    `favoured`: of each, whether one of it takes over All-D more often than a neutral mutant, and one All-D takes over
    it less often. `cooperation`, `payoff`, `leading`: in the long run. `runs`: cooperation at the end of a run with
    each seed. `cost`: what the mechanisms take from both of a pair in a turn and do not give back; `cost_deal`: in a
    whole deal, None where it never ends.
    """

    stage_gain: float
    finite_gain: float
    gaps: dict[str, float]
    favoured: dict[str, bool]
    cooperation: float
    payoff: float
    leading: str
    cost: float
    cost_deal: float | None
    runs: tuple[float, ...] = ()

    @property
    def dominant(self) -> bool:
        """Whether C is dominant in the stage game."""
        return self.stage_gain <= 0

    @property
    def certified(self) -> list[str]:
        """The residents against whom no mutant whatever does better."""
        return [name for name, gap in self.gaps.items() if gap == 0]

    @property
    def reached(self) -> float:
        """The cooperation that a target is held against: of runs where there are any, else in the long run."""
        return math.fsum(self.runs) / len(self.runs) if self.runs else self.cooperation


@dataclass(frozen=True)
class DesignRule:
    """One point of the grid: the values of the keys, a digest of all that its outcome depends on, and the outcome."""

    point: dict[str, float]
    key: str
    outcome: DesignPoint | None = None


@dataclass(frozen=True)
class Crossing:
    """Between two rules of a line of the grid something begins to hold (`rises`), or ends.

    `what`: "cooperation" (it comes to the target, or falls below it), "C dominant", "RESIDENT certified" or "RESIDENT
    favoured". `below`, `above`: values of the key between which it is, neighbours of the grid until it is refined.
    """

    what: str
    key: str
    below: float
    above: float
    rises: bool
    beside: dict[str, float]
    """The values of the other key."""

    @property
    def middle(self) -> float:
        """Where it is, to half of what is between `below` and `above`."""
        return (self.below + self.above) / 2

    def __str__(self) -> str:
        also = "".join(f", {key} {value:g}" for key, value in self.beside.items())
        return f"{'from' if self.rises else 'up to'} {_as_far_as_known(self.below, self.above)}{also}"


def _as_far_as_known(below: float, above: float) -> str:
    """A number between two with the digits that are known, or both where there are none."""
    for digits in range(6, 1, -1):
        text = f"{(below + above) / 2:.{digits}g}"
        if f"{below:.{digits}g}" == text == f"{above:.{digits}g}":
            return text
    wide = above - below
    for digits in range(2, 7):
        text = f"{(below + above) / 2:.{digits}g}"
        if wide < 1e-3 * abs(above) and abs(float(text) - (below + above) / 2) <= wide:
            return text
    return f"between {below:g} and {above:g}"


def holding(outcome: DesignPoint, target: float) -> dict[str, bool]:
    """What holds under a rule, by its name as in `Crossing.what`."""
    return {
        "cooperation": outcome.reached >= target,
        "C dominant": outcome.dominant,
        **{f"{name} certified": gap == 0 for name, gap in outcome.gaps.items()},
        **{f"{name} favoured": is_so for name, is_so in outcome.favoured.items()},
    }


def crossings(rules: Sequence[DesignRule], target: float) -> list[Crossing]:
    """Every crossing along the first key, in order, those of cooperation first; nothing of it need be monotone."""
    found: dict[str, list[Crossing]] = {}
    keys = list(rules[0].point) if rules else []
    lines: dict[tuple[float, ...], list[DesignRule]] = {}
    for rule in rules:
        if rule.outcome is not None:
            lines.setdefault(tuple(rule.point[key] for key in keys[1:]), []).append(rule)
    for values, line in lines.items():
        line.sort(key=lambda rule: rule.point[keys[0]])
        beside = dict(zip(keys[1:], values, strict=True))
        for one, other in itertools.pairwise(line):
            assert one.outcome is not None and other.outcome is not None
            before, after = holding(one.outcome, target), holding(other.outcome, target)
            for what, held in before.items():
                if held != after[what]:
                    low, high = one.point[keys[0]], other.point[keys[0]]
                    found.setdefault(what, []).append(Crossing(what, keys[0], low, high, after[what], beside))
    order = ["cooperation", *sorted(set(found) - {"cooperation"})]
    return [crossing for what in order for crossing in found.get(what, ())]


def cheapest(rules: Sequence[DesignRule], target: float) -> DesignRule | None:
    """The rule that meets the target at the least cost a turn; of equals the first."""
    meeting = [rule for rule in rules if rule.outcome is not None and rule.outcome.reached >= target]
    return min(meeting, key=lambda rule: rule.outcome.cost if rule.outcome else math.inf, default=None)


def design_csv(rules: Sequence[DesignRule]) -> str:
    """One row a rule."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = list(rules[0].point)
    writer.writerow(
        [
            *keys,
            "c_dominant",
            "certified",
            "favoured",
            "cooperation",
            "payoff",
            "leading",
            "runs",
            "cost",
            "cost_deal",
        ]
    )
    for rule in rules:
        o = rule.outcome
        if o is not None:
            favoured = " ".join(name for name, is_so in o.favoured.items() if is_so)
            runs = " ".join(map(repr, o.runs))
            deal = "" if o.cost_deal is None else repr(o.cost_deal)
            writer.writerow(
                [
                    *(repr(rule.point[key]) for key in keys), o.dominant, " ".join(o.certified), favoured,
                    repr(o.cooperation), repr(o.payoff), o.leading, runs, repr(o.cost), deal,
                ]
            )  # fmt: skip
    return out.getvalue()


def write_design(folder: Path, name: str, rules: Sequence[DesignRule]) -> None:
    """Write the index of a design: the same text whoever computed it, in whatever order."""
    rows = json.loads(json.dumps([asdict(rule) for rule in rules]))  # as they are read: lists for tuples
    write_rows(folder, {"format": FORMAT, "name": name}, "rules", rows)


def read_design(folder: Path) -> tuple[str | None, dict[str, DesignPoint]]:
    """Whose index it is, and what it knows by key: as far as it is there and intact."""
    return read_rows(folder, FORMAT, "rules", lambda row: (str(row["key"]), _outcome(row["outcome"])))


def _outcome(row: Mapping[str, Any]) -> DesignPoint:
    """An outcome as it was written; raises ValueError."""
    numbers = [row[name] for name in ("stage_gain", "finite_gain", "cooperation", "payoff", "cost")]
    numbers += [*row["gaps"].values(), *row["runs"]] + (
        [] if row["cost_deal"] is None else [row["cost_deal"]]
    )
    if (
        set(row) != set(DesignPoint.__dataclass_fields__)
        or not all(type(x) in (int, float) and math.isfinite(x) for x in numbers)
        or not all(isinstance(x, bool) for x in row["favoured"].values())
        or not isinstance(row["leading"], str)
    ):
        raise ValueError("outcome: expected one of a design")
    return DesignPoint(**{**row, "runs": tuple(row["runs"])})
