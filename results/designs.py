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
    """Between two neighbouring rules of a line of the grid cooperation comes to the target, or falls below it."""

    key: str
    below: float
    above: float
    rises: bool
    beside: dict[str, float]
    """The values of the other key."""

    def __str__(self) -> str:
        also = "".join(f", {key} {value:g}" for key, value in self.beside.items())
        return f"{'rises to' if self.rises else 'falls below'} it between {self.below:g} and {self.above:g}{also}"


def crossings(rules: Sequence[DesignRule], target: float) -> list[Crossing]:
    """Every crossing of the target along the first key, in order; cooperation need not be monotone."""
    found = []
    keys = list(rules[0].point) if rules else []
    lines: dict[tuple[float, ...], list[DesignRule]] = {}
    for rule in rules:
        if rule.outcome is not None:
            lines.setdefault(tuple(rule.point[key] for key in keys[1:]), []).append(rule)
    for beside, line in lines.items():
        line.sort(key=lambda rule: rule.point[keys[0]])
        for one, other in itertools.pairwise(line):
            assert one.outcome is not None and other.outcome is not None
            before, after = one.outcome.reached >= target, other.outcome.reached >= target
            if before != after:
                low, high = one.point[keys[0]], other.point[keys[0]]
                found.append(Crossing(keys[0], low, high, after, dict(zip(keys[1:], beside, strict=True))))
    return found


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
