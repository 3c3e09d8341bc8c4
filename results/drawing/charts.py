"""Charts: what happened over time, how long things lasted, how big they are, and tables of numbers as tiles.

Each takes plain numbers and returns the text of a picture. `id` tells a picture from others of its page, `title` and
`desc` say in words what it shows; `style` is CSS for one that stands in a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypedDict, Unpack

import numpy as np

from genomes.texts import shortened
from results.drawing.axes import LETTER, Plot
from results.drawing.style import KINDS, Look, fill
from results.drawing.svg import picture, printed, tag
from results.palette import ink

KEY_WIDTH = 216
"""Pixels of a name in a legend."""

MOST_KEYS = 12
"""Names in the legend of a strip."""

TRIED = 80
"""Places that are tried for a name inside a band."""

MOST_TILES = 40
"""Rows or columns of a heat matrix with names of their own."""


class Words(TypedDict, total=False):
    """What every picture says of itself, and how large it is."""

    id: str
    title: str
    desc: str
    style: str
    width: float
    height: float


@dataclass(frozen=True)
class Series:
    """A line: `values` along x, and from `low` to `high` what it stands for (all as long as x)."""

    label: str
    values: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


@dataclass(frozen=True)
class Band:
    """One of the shares that make 1: `shares` along x."""

    look: Look
    shares: Sequence[float]


@dataclass(frozen=True)
class Steps:
    """A curve that steps down at `times` to `values`, from 1 at 0, with its interval."""

    label: str
    times: Sequence[float]
    values: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def lines(
    x: Sequence[float],
    series: Sequence[Series],
    *,
    xlabel: str,
    ylabel: str,
    limits: tuple[float, float] | None = None,
    whole: bool = True,
    **words: Unpack[Words],
) -> str:
    """Lines over x, each with its own colour and dashes, and a legend where there are several.

    `limits`: the range of y, by default that of the values. `whole`: x counts something.
    """
    low, high = _range(
        [v for s in series for part in (s.values, s.low, s.high) if part is not None for v in part]
    )
    legend = len(series) > 1
    plot = Plot((min(x), max(x)), limits or (low, high), *_size(words), above=30 if legend else 12)
    for k, one in enumerate(series):
        if one.low is not None and one.high is not None:
            xs, lows, highs = _widened(x, one.low, one.high)
            plot.area(xs, lows, highs, class_="wide" if k == 0 else f"f{k % KINDS} see-through")
    for k, one in enumerate(series):
        xs, ys = _widened(x, one.values)
        plot.line(xs, ys, class_=f"line l{k % KINDS}", data_series=one.label)
        if len(x) <= 12:
            plot.marks += [
                tag("circle", cx=a, cy=b, r=2.4, class_=f"f{k % KINDS}")
                for a, b in plot.points(x, one.values)
            ]
    after = plot.axes(xlabel, ylabel, whole=whole)
    after += _line_legend([s.label for s in series], plot.left) if legend else []
    return plot.picture([plot.grid()], after, **_said(words))


def stack(
    x: Sequence[float], bands: Sequence[Band], *, xlabel: str, ylabel: str, **words: Unpack[Words]
) -> str:
    """Shares of a whole over x, one upon the other, each band named where it has room and in the legend."""
    named = [n for n, band in enumerate(bands) if max(band.shares, default=0) > 0]
    columns = max(1, int((words.get("width", 720) - 72) // KEY_WIDTH))
    foot = 18.0 * math.ceil(len(named) / columns)
    size: Words = {**words, "height": words.get("height", 260) + foot}
    plot = Plot((min(x), max(x)), (0, 1), *_size(size), foot=foot)
    bottom = [0.0] * len(x)
    for n, band in enumerate(bands):
        top = [a + b for a, b in zip(bottom, band.shares, strict=True)]
        if n in named:
            filled, pattern = fill(band.look, f"{words['id']}-p{n}")
            plot.defs += [pattern] if pattern else []
            name = tag("title", printed(band.look.label))
            xs, lows, highs = _stepped(x, bottom, top)
            plot.area(xs, lows, highs, name, fill=filled, class_="band", data_series=band.look.label)
        bottom = top
    after = plot.axes(xlabel, ylabel)
    after += _names_inside(plot, x, bands)
    for place, n in enumerate(named):
        at = plot.left + KEY_WIDTH * (place % columns), plot.height - foot + 10 + 18 * (place // columns)
        after += _key(bands[n].look, f"{words['id']}-p{n}", *at)
    return plot.picture([], after, **_said(words))


def strip(
    spans: Sequence[tuple[float, float, Look]], marks: Sequence[float], *, xlabel: str, **words: Unpack[Words]
) -> str:
    """What was the case from when to when, as pieces of a bar, with a mark below for each event."""
    looks = list({look.label: look for _, _, look in spans}.values())
    columns = max(1, int((words.get("width", 720) - 72) // KEY_WIDTH))
    foot = 18.0 * math.ceil(min(len(looks), MOST_KEYS) / columns)
    size: Words = {**words, "height": 110 + foot}
    plot = Plot((spans[0][0], spans[-1][1]), (0, 1), *_size(size), left=14, foot=foot)
    number = {look.label: n for n, look in enumerate(looks)}
    plot.defs += [
        pattern
        for look, n in zip(looks, number.values(), strict=True)
        if (pattern := fill(look, f"{words['id']}-p{n}")[1])
    ]
    for first, last, look in spans:
        filled, _ = fill(look, f"{words['id']}-p{number[look.label]}")
        left, right = plot.to_x(first), plot.to_x(last)
        tip = tag("title", printed(f"{look.label} from {first:,.0f} to {last:,.0f}"))
        plot.marks.append(
            tag(
                "rect",
                tip,
                x=left,
                y=plot.above,
                width=max(0.4, right - left),
                height=36,
                fill=filled,
                data_series=look.label,
            )
        )
    ticks = sorted({round(plot.to_x(mark), 1) for mark in marks})
    if ticks:
        plot.marks.append(
            tag("path", d="".join(f"M{at:g} {plot.above + 38:g}v8" for at in ticks), class_="axis")
        )
    after = [part for part in plot.axes(xlabel, "") if "tick-y" not in part]
    for place, look in enumerate(looks[:MOST_KEYS]):
        at = plot.left + KEY_WIDTH * (place % columns), plot.height - foot + 10 + 18 * (place // columns)
        after += _key(look, f"{words['id']}-p{number[look.label]}", *at)
    return plot.picture([], after, **_said(words))


def steps(
    curves: Sequence[Steps], *, horizon: float, xlabel: str, ylabel: str, **words: Unpack[Words]
) -> str:
    """Survival: right-continuous steps from 1, each with its interval, and a legend."""
    plot = Plot((0, horizon), (0, 1), *_size(words), above=12 + 18 * math.ceil(len(curves) / 2))
    for k, one in enumerate(curves):
        xs, lows, highs = _staircase(one.times, one.low, one.high, horizon)
        if len(curves) <= 2:
            plot.area(xs, lows, highs, class_=f"f{k % KINDS} see-through")
        plot.line(
            *_staircase(one.times, one.values, one.values, horizon)[:2],
            class_=f"line l{k % KINDS}",
            data_series=one.label,
        )
    after = plot.axes(xlabel, ylabel) + _line_legend([c.label for c in curves], plot.left, columns=2)
    return plot.picture([plot.grid()], after, **_said(words))


def bars(
    labels: Sequence[str],
    values: Sequence[float],
    *,
    xlabel: str,
    marks: Sequence[str] = (),
    **words: Unpack[Words],
) -> str:
    """A bar for each value, from 0, with its name and (`marks`, or the number) what it says."""
    room = 12 + 8 * min(28, max(map(len, labels), default=1))
    size: Words = {**words, "height": 22.0 * len(labels) + 56}
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    plot = Plot(
        (low, high if high > low else 1.0), (0, len(labels)), *_size(size), left=room, aside=70, above=6
    )
    zero = plot.to_x(0)
    for n, (label, value) in enumerate(zip(labels, values, strict=True)):
        y, end = plot.above + 22 * n, plot.to_x(value)
        plot.marks.append(
            tag(
                "rect",
                x=min(zero, end),
                y=y + 3,
                width=abs(end - zero),
                height=15,
                class_="f0",
                data_value=repr(value),
            )
        )
        plot.marks.append(tag("text", printed(shortened(label, 28)), x=room - 8, y=y + 15, text_anchor="end"))
        said = marks[n] if marks else f"{value:.4g}".replace("-", "−")
        plot.marks.append(tag("text", printed(said), x=max(zero, end) + 6, y=y + 15, class_="aside"))
    axis = [part for part in plot.axes(xlabel, "", whole=False) if "tick-y" not in part]
    return plot.picture([], axis, **_said(words))


def heat(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    *,
    unit: str,
    links: Sequence[Sequence[str]] | None = None,
    **words: Unpack[Words],
) -> str:
    """A matrix as tiles, dark for much; columns have the numbers of the rows where both are the same names.

    `links`: where each tile leads.
    """
    flat = [v for row in values for v in row if math.isfinite(v)]
    low, high = min(flat, default=0.0), max(flat, default=0.0)
    numbered = list(rows) == list(columns)
    left = 30 + 8 * min(24, max(map(len, rows), default=1))
    side = max(9.0, min(34.0, (words.get("width", 720) - left - 14) / max(1, len(columns))))
    head = 24 if numbered else 8 + 6.2 * min(24, max(map(len, columns), default=1))
    marks, few = [], len(rows) <= MOST_TILES
    for i, (name, row) in enumerate(zip(rows, values, strict=True)):
        if few:
            label = printed(shortened(f"{i + 1} {name}" if numbered else name, 27))
            marks.append(tag("text", label, x=left - 6, y=head + side * (i + 0.5) + 4, text_anchor="end"))
        for j, value in enumerate(row):
            share = 0.5 if high == low else (value - low) / (high - low)
            tile = _tile(left + side * j, head + side * i, side, value, share, f"{name} v {columns[j]}", unit)
            marks.append(tag("a", tile, href=links[i][j], tabindex="-1") if links else tile)
    for j, name in enumerate(columns if len(columns) <= MOST_TILES else ()):
        at = left + side * (j + 0.5)
        if numbered:
            marks.append(tag("text", str(j + 1), x=at, y=head - 7, text_anchor="middle", font_size="10"))
        else:
            marks.append(
                tag(
                    "text",
                    printed(shortened(name, 24)),
                    transform=f"translate({at + 4:.1f} {head - 6:.1f}) rotate(-90)",
                )
            )
    height = head + side * len(rows) + 34
    marks += _scale(left, height - 24, low, high, unit)
    width = max(left + side * len(columns) + 14, left + 128 + LETTER * (len(unit) + 16))
    return picture(width, height, marks, role="group" if links else "img", **_said(words))


def tape(names: Sequence[str], moves: Sequence[str], *, columns: int = 50, **words: Unpack[Words]) -> str:
    """Moves of two players as marks, `columns` turns a row: a light circle cooperates, a dark square defects."""
    side = 13.0
    left = 16 + 8 * min(24, max(map(len, names), default=1))
    turns = min(map(len, moves))
    bands = max(1, math.ceil(turns / columns))
    marks = []
    for band in range(bands):
        top = 8 + band * (2 * side + 18)
        marks.append(tag("text", str(band * columns + 1), x=left, y=top + 2, font_size="9", class_="aside"))
        for k, (name, played) in enumerate(zip(names, moves, strict=True)):
            y = top + 6 + k * (side + 2)
            marks.append(tag("text", printed(shortened(name, 24)), x=left - 6, y=y + 10, text_anchor="end"))
            for n, move in enumerate(played[band * columns : (band + 1) * columns]):
                marks.append(_move(move, left + side * n, y, side - 2))
    return picture(left + side * columns + 10, 14 + bands * (2 * side + 18), marks, **_said(words))


def _move(move: str, x: float, y: float, size: float) -> str:
    if move == "C":
        return tag("circle", cx=x + size / 2, cy=y + size / 2, r=size / 2, class_="node", data_move="C")
    return tag("rect", x=x, y=y, width=size, height=size, class_="node dark", data_move="D")


def _tile(x: float, y: float, side: float, value: float, share: float, what: str, unit: str) -> str:
    """One number of a matrix; `share` is where it stands between the least and the most."""
    known = math.isfinite(value)
    colour, text = (_shade(share), f"{value:.2f}".replace("-", "−")) if known else ("none", "")
    tip = tag("title", printed(f"{what}: {text or 'not known'} {unit}"))
    drawn = tag("rect", tip, x=x, y=y, width=side, height=side, fill=colour, data_value=text)
    if side < 30 or not text:
        return drawn
    at = {"x": x + side / 2, "y": y + side / 2 + 4}
    return drawn + tag("text", text, **at, text_anchor="middle", font_size="10", class_=_ink(colour))


# --- what the charts share -----------------------------------------------------------------------------------


def _size(words: Words) -> tuple[float, float]:
    return words.get("width", 720.0), words.get("height", 260.0)


def _said(words: Words) -> dict[str, str]:
    return {key: str(words.get(key, "")) for key in ("id", "title", "desc", "style")}


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From the least to the most with a little room; one value alone gets room as well."""
    real = [float(v) for v in values if math.isfinite(v)]
    if not real:
        return 0.0, 1.0
    low, high = min(real), max(real)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return low - room, high + room


def _widened(x: Sequence[float], *columns: Sequence[float]) -> tuple[Sequence[float], ...]:
    """A line needs two points: a single one becomes one unit wide."""
    if len(x) > 1:
        return (x, *columns)
    return ([x[0] - 0.5, x[0] + 0.5], *([c[0], c[0]] for c in columns))


def _stepped(x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> tuple[Sequence[float], ...]:
    """Few points are columns, each half way to its neighbours; many are joined by lines."""
    if len(x) > 60:
        return x, low, high
    edges = [x[0], *((a + b) / 2 for a, b in pairwise(x)), x[-1]]
    if len(x) == 1:
        edges = [x[0] - 0.5, x[0] + 0.5]
    twice = [edge for pair in pairwise(edges) for edge in pair]
    return twice, [v for v in low for _ in (0, 1)], [v for v in high for _ in (0, 1)]


def _staircase(
    times: Sequence[float], low: Sequence[float], high: Sequence[float], end: float
) -> tuple[list[float], list[float], list[float]]:
    xs, lows, highs = [0.0], [1.0], [1.0]
    for time, a, b in zip(times, low, high, strict=True):
        if time > end:
            break
        xs += [time, time]
        lows += [lows[-1], a]
        highs += [highs[-1], b]
    return [*xs, end], [*lows, lows[-1]], [*highs, highs[-1]]


def _line_legend(labels: Sequence[str], left: float, columns: int = 3) -> list[str]:
    drawn, wide = [], 640 / columns
    for k, label in enumerate(labels):
        x, y = left + wide * (k % columns), 14 + 18 * (k // columns)
        drawn.append(tag("path", d=f"M{x:.0f} {y - 4}h26", class_=f"line l{k % KINDS}"))
        drawn.append(tag("text", printed(shortened(label, int(wide / LETTER) - 5)), x=x + 32, y=y))
    return drawn


def _key(look: Look, pattern: str, x: float, y: float) -> list[str]:
    filled, _ = fill(look, pattern)
    name = printed(shortened(look.label, int((KEY_WIDTH - 30) / LETTER)))
    tile = tag("rect", x=x, y=y - 10, width=16, height=12, fill=filled, class_="frame")
    return [tile, tag("text", name, x=x + 21, y=y)]


def _names_inside(plot: Plot, x: Sequence[float], bands: Sequence[Band]) -> list[str]:
    """Each band's name where the band is thickest, if there is room for it all along its letters."""
    drawn = []
    at = np.asarray(x, np.float64)
    edges = np.cumsum([np.zeros(len(at)), *(band.shares for band in bands)], axis=0)
    per_pixel = (plot.x[1] - plot.x[0]) / max(1.0, plot.width - plot.left - plot.aside)
    for n, band in enumerate(bands):
        half = (len(band.look.label) + 2) * LETTER * per_pixel / 2
        best, where = 0.0, None
        for centre in np.linspace(plot.x[0] + half, plot.x[1] - half, TRIED).tolist():
            inside = np.abs(at - centre) <= half
            if plot.x[1] - plot.x[0] <= 2 * half or not inside.any():
                continue
            floor, ceiling = float(edges[n][inside].max()), float(edges[n + 1][inside].min())
            if ceiling - floor > best + 1e-9:
                best, where = ceiling - floor, (centre, (floor + ceiling) / 2)
        if where is not None and plot.to_y(0) - plot.to_y(best) > 17:
            place = {"x": plot.to_x(where[0]), "y": plot.to_y(where[1]) + 4, "stroke_width": 4}
            look = {"stroke": band.look.colour, "paint_order": "stroke", "class_": _ink(band.look.colour)}
            name = printed(band.look.label)
            drawn.append(tag("text", name, **place, **look, text_anchor="middle", aria_hidden="true"))
    return drawn


def _ink(colour: str) -> str:
    return "on-dark" if ink(colour) == "white" else "on-light"


def _shade(share: float) -> str:
    """From light to dark, in grey as well."""
    ends = (0xF4, 0xEF, 0xDC), (0x1B, 0x3A, 0x6B)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))


def _scale(left: float, y: float, low: float, high: float, unit: str) -> list[str]:
    tiles = [tag("rect", x=left + 12 * k, y=y, width=12, height=10, fill=_shade(k / 9)) for k in range(10)]
    said = f"{low:.3g} to {high:.3g} {unit}".replace("-", "−")
    return [*tiles, tag("text", printed(said), x=left + 128, y=y + 9)]
