"""The page of a sweep: every measure over its grid, with intervals over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from results.drawing import charts
from results.report.page import Block, Chart, Page, Section, Table, Text
from results.sweeps import MEASURES, Interval, Summary


def sweep_page(name: str, keys: Sequence[str], last: float, summaries: Sequence[Summary], data: Any) -> Page:
    """Charts along the key that varies (or tiles over two), and a table of all points."""
    runs = sum(summary.runs for summary in summaries)
    lead = f"{runs} runs at {len(summaries)} points of {', '.join(keys)}; means over the last {last:.0%}."
    done = [summary for summary in summaries if summary.measures]
    varying = [key for key in keys if len({repr(s.point.get(key)) for s in done}) > 1]
    sections = [
        Section("charts", "Along the grid", _charts(varying, done)),
        Section("numbers", "All points", [_table(keys, summaries)]),
    ]
    return Page(name, lead, sections, data)


def _charts(varying: Sequence[str], done: Sequence[Summary]) -> list[Block]:
    if len(varying) == 2:
        return [_tiles(varying[0], varying[1], done, name) for name in MEASURES]
    if len(varying) == 1 and all(type(s.point.get(varying[0])) in (int, float) for s in done):
        return [_line(varying[0], done, name) for name in MEASURES]
    return [
        Text(["Charts take one key of numbers that varies, or two keys; the table below has everything."])
    ]


def _line(key: str, done: Sequence[Summary], name: str) -> Chart:
    points = sorted(done, key=lambda s: float(s.point[key]))
    x = [float(s.point[key]) for s in points]
    found = [s.measures[name] for s in points]
    low, high = ([_end(f, end) for f in found] for end in ("low", "high"))
    said = f"{MEASURES[name]}: " + ", ".join(
        f"{f.mean:.3g} at {key} = {at:g}" for at, f in zip(x, found, strict=True)
    )
    svg = charts.lines(
        x, [charts.Series(name, [f.mean for f in found], low, high)], xlabel=key, ylabel=MEASURES[name],
        id=f"measure-{name}", title=f"{MEASURES[name]} along {key}", desc=said, whole=False, height=230,
    )  # fmt: skip
    return Chart(svg, f"{MEASURES[name]} along {key}; shaded: 95 % intervals over seeds.")


def _end(found: Interval, end: str) -> float:
    value = getattr(found, end)
    return found.mean if value is None else float(value)


def _tiles(first: str, second: str, done: Sequence[Summary], name: str) -> Chart:
    rows = list(dict.fromkeys(repr(s.point.get(first)) for s in done))
    columns = list(dict.fromkeys(repr(s.point.get(second)) for s in done))
    means = {(repr(s.point.get(first)), repr(s.point.get(second))): s.measures[name].mean for s in done}
    values = [[means.get((row, column), float("nan")) for column in columns] for row in rows]
    svg = charts.heat(
        [f"{first} {row}" for row in rows], [f"{second} {column}" for column in columns], values, unit=MEASURES[name],
        id=f"measure-{name}", title=f"{MEASURES[name]} over {first} and {second}",
        desc="The table below has the numbers.",
    )  # fmt: skip
    return Chart(svg, f"{MEASURES[name]}, by {first} (rows) and {second} (columns).", small=True)


def _table(keys: Sequence[str], summaries: Sequence[Summary]) -> Table:
    rows = [
        [
            *(str(s.point.get(key, "")) for key in keys),
            str(s.runs),
            *(_cell(s.measures.get(name)) for name in MEASURES),
        ]
        for s in summaries
    ]
    caption = "Means and 95 % intervals over seeds (Student)."
    return Table(caption, [*keys, "runs", *MEASURES], rows, frozenset({"runs", *MEASURES}))


def _cell(found: Interval | None) -> str:
    if found is None:
        return ""
    return (
        f"{found.mean:.4f}"
        if found.low is None
        else f"{found.mean:.4f} ({found.low:.4f} to {found.high:.4f})"
    )
