"""What a sweep left: one small index beside its run files, and means with intervals over the seeds.

The index is rewritten as a whole, so it is there entirely or as it was before; the run files are the truth,
and an index that is lost or damaged costs only the time to read them again.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.intervals import CONFIDENCE, student
from results.indexes import INDEX, read_rows, row_digest, write_rows
from results.run.place import refuse_link
from results.run.rows import HASH, LARGEST_PAYOFF, MOST_GENERATIONS, whole
from results.run.store import Run

MEASURES = {
    "best": "best payoff per turn",
    "mean": "mean payoff per turn",
    "cooperation": "cooperation rate",
    "behaviours": "number of behaviours",
}
"""What is measured of every run: statistics of a generation, with what they mean."""

RANGES = {"cooperation": (0.0, 1.0), "behaviours": (1.0, math.inf)}
"""Where a measure lies in any game, and so its interval; the payoffs depend on the game."""

FORMAT = 1


@dataclass(frozen=True)
class RunMeasures:
    """What one run came to: the means of the `MEASURES` over its last generations, and its hash."""

    generation: int
    hash: str
    best: float
    mean: float
    cooperation: float
    behaviours: float


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep: its folder, where it stands in the sweep, and what it came to (None: not done).

    `key` stands for everything that the outcome depends on.
    """

    folder: str
    point: dict[str, Any]
    seed: int
    key: str
    outcome: RunMeasures | None = None


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval by Student's t; no interval of fewer than two.

    What is known of the measure bounds the interval: the part of it that cannot be is cut off, and it still holds
    the expectation as often.
    """

    mean: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Sequence[float], lowest: float = -math.inf, highest: float = math.inf) -> Interval:
        """The mean of independent values and where the expectation lies, given that it is in [lowest, highest].

        >>> found = Interval.of([1.0, 2.0, 3.0])
        >>> print(f"{found.mean:g} ({found.low:.4f} to {found.high:.4f})")
        2 (-0.4841 to 4.4841)
        >>> Interval.of([1.0, 2.0, 3.0], lowest=0.0).low
        0.0
        """
        mean = math.fsum(values) / len(values)
        if len(values) < 2:
            return cls(mean, None, None)
        low, high = student(values, CONFIDENCE)
        return cls(mean, max(low, lowest), min(high, highest))


@dataclass(frozen=True)
class Summary:
    """One point of a sweep: its settings, how many of its runs are done, and what they came to.

    `measures`: for each of `MEASURES` the mean over those runs with its 95 % interval; empty when none is done.
    """

    point: dict[str, Any]
    runs: int
    measures: dict[str, Interval]


def measured(run: Run, generation: int, last: float) -> RunMeasures:
    """What a run had come to at a generation: means over the `last` share of those up to it, at least one."""
    table = run.statistics()
    count = max(1, round(last * (generation + 1)))
    window = slice(generation + 1 - count, generation + 1)
    means = {name: math.fsum(table[name][window].tolist()) / count for name in MEASURES}
    return RunMeasures(generation, run.hash_of(generation), **means)


def summarise(entries: Sequence[SweepRun]) -> list[Summary]:
    """The points of a sweep in its order, each over its seeds."""
    points: dict[str, list[SweepRun]] = {}
    for entry in entries:
        points.setdefault(json.dumps(entry.point), []).append(entry)
    found = []
    for members in points.values():
        done = [e.outcome for e in members if e.outcome is not None]
        measures = {
            name: Interval.of([getattr(o, name) for o in done], *RANGES.get(name, ()))
            for name in MEASURES
            if done
        }
        found.append(Summary(members[0].point, len(done), measures))
    return found


def summary_csv(keys: Sequence[str], summaries: Sequence[Summary]) -> str:
    """One row a point: its values, how many runs, and of each measure mean, low, high."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*keys, "runs", *(f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high"))])
    for summary in summaries:
        row: list[Any] = [_cell(summary.point.get(key)) for key in keys]
        row.append(summary.runs)
        for name in MEASURES:
            found = summary.measures.get(name, Interval(math.nan, None, None))
            row += [
                "" if x is None or math.isnan(x) else repr(x) for x in (found.mean, found.low, found.high)
            ]
        writer.writerow(row)
    return out.getvalue()


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def write_index(folder: Path, name: str, last: float, entries: Sequence[SweepRun]) -> None:
    """Write the index of a sweep; it is the same text whoever computed the runs, and in whatever order."""
    head = {"format": FORMAT, "name": name, "last": last}
    write_rows(folder, head, "runs", [asdict(entry) for entry in entries])


def read_index(folder: Path) -> tuple[str | None, dict[tuple[str, str], RunMeasures]]:
    """Whose index it is, and what it knows to be done, by folder and key: as far as it is there and intact."""
    return read_rows(
        folder, FORMAT, "runs", lambda row: ((str(row["folder"]), str(row["key"])), _outcome(row["outcome"]))
    )


def read_sweep(folder: Path) -> tuple[str, float, list[SweepRun]]:
    """A sweep from its index: its name, over which last share its means are, and its runs; ValueError for damage."""
    path = folder / INDEX
    refuse_link(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        name, last, rows = content["name"], content["last"], list(content["runs"])
        if content["format"] != FORMAT or not isinstance(name, str) or not 0 < float(last) <= 1:
            raise ValueError("another format")
        return name, float(last), [_run(row) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{path}: expected the index of a sweep, got another or a damaged one") from None


def _run(row: dict[str, Any]) -> SweepRun:
    if row.pop("digest") != row_digest(row) or not isinstance(row["point"], dict):
        raise ValueError("a damaged row")
    outcome = None if row["outcome"] is None else _outcome(row["outcome"])
    return SweepRun(str(row["folder"]), row["point"], int(row["seed"]), str(row["key"]), outcome)


def _outcome(row: Mapping[str, Any]) -> RunMeasures:
    """An outcome that can be one of a run; raises ValueError."""
    generation, hash = row["generation"], row["hash"]
    measures = {name: row[name] for name in MEASURES}
    numbers = all(type(value) in (int, float) and abs(value) <= LARGEST_PAYOFF for value in measures.values())
    if (
        set(row) != {"generation", "hash", *MEASURES}
        or not whole(generation, 0, MOST_GENERATIONS)
        or not isinstance(hash, str)
        or re.fullmatch(f"[0-9a-f]{{{2 * HASH}}}", hash) is None
        or not numbers
        or not all(low <= measures[name] <= high for name, (low, high) in RANGES.items())
    ):
        raise ValueError("outcome: expected one of a run")
    return RunMeasures(generation, hash, **{name: float(value) for name, value in measures.items()})
