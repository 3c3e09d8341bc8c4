"""The figure of a sweep: lines with intervals where one key varies, heat maps where two do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from results.palette import MAIN, OTHERS, SECOND, ink
from results.plots.style import as_label, figure, styled
from results.sweeps import MEASURES, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


WRITTEN = 8
"""With more columns than this the cells of a heat map are too narrow for numbers."""


def varying(summaries: Sequence[Summary]) -> list[str]:
    """The keys that differ between the points of a sweep, in its order."""
    keys = dict.fromkeys(key for summary in summaries for key in summary.point)
    return [key for key in keys if len({_label(s.point.get(key)) for s in summaries}) > 1]


def sweep_figure(name: str, summaries: Sequence[Summary]) -> Figure | None:
    """The measures of a sweep over what varies in it, or None where that is not one key or two.

    Points of which no run is done are left out.
    """
    keys = varying(summaries)
    done = [summary for summary in summaries if summary.runs]
    if not done or len(keys) not in (1, 2):
        return None
    runs = sorted({summary.runs for summary in done})
    number = f"{runs[0]} run{'s' * (runs[0] > 1)}" if len(runs) == 1 else f"{runs[0]} to {runs[-1]} runs"
    title = f"{as_label(name, 40)}: {number} a point"
    several = runs[-1] > 1
    with styled():
        return _lines(title, keys[0], done, several) if len(keys) == 1 else _maps(title, keys, done, several)


def _lines(title: str, key: str, summaries: Sequence[Summary], several: bool) -> Figure:
    """Means over the values of one key, with their 95 % intervals."""
    values = _axis(key, summaries)
    ordered = sorted(summaries, key=lambda s: values.index(s.point.get(key)))
    there = [s.point.get(key) for s in ordered]
    numbers = all(_number(value) for value in there)
    to_scale = numbers and _even([float(value) for value in there if value is not None])
    x = np.array(there if to_scale else range(len(there)), float)
    made = figure(5.0)
    panels = made.subplots(3, 1, sharex=True, height_ratios=(1.3, 1.3, 1))
    for axes, measures, label in (
        (panels[0], ("best", "mean"), "payoff per turn"),
        (panels[1], ("cooperation",), MEASURES["cooperation"]),
        (panels[2], ("behaviours",), "behaviours"),
    ):
        for measure, colour, marker in zip(measures[::-1], (MAIN, SECOND), "o^", strict=False):
            mean, low, high = _columns(ordered, measure)
            style = "-" if numbers else ""
            if numbers:
                axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
            axes.errorbar(
                x, mean, [mean - low, high - mean], color=colour, ls=style, marker=marker, ms=3.5,
                elinewidth=0.8, capsize=2.5, label=measure,
            )  # fmt: skip
        axes.set_ylabel(label)
    panels[0].legend(loc="lower right", bbox_to_anchor=(1.01, 1), ncols=2)
    panels[0].set_title(title + ", bars: 95 % intervals over seeds" * several)
    panels[1].set_ylim(-0.02, 1.02)
    panels[2].set_ylim(bottom=0)
    panels[2].yaxis.set_major_locator(MaxNLocator(4, integer=True))
    panels[2].set_xlabel(as_label(key, 40) + " (values, not to scale)" * (numbers and not to_scale))
    if not to_scale:
        places, labels = _ticks(there, 24, 24)
        panels[2].set_xticks(places, labels, **_slant(labels, 60))
        panels[2].set_xlim(-0.5, len(x) - 0.5)
    return made


def _maps(title: str, keys: Sequence[str], summaries: Sequence[Summary], several: bool) -> Figure:
    """Means over the values of two keys, a map for each measure."""
    columns, rows = (_axis(key, summaries) for key in keys)
    made = figure(min(9.0, 2.2 + 2 * 0.42 * max(3, len(rows))))
    panels = made.subplots(2, 2, sharex=True, sharey=True)
    wide = several and len(columns) <= 5 and len(rows) <= 8
    for k, (axes, measure) in enumerate(
        zip(panels.flat, ("cooperation", "mean", "best", "behaviours"), strict=True)
    ):
        mean, low, high = np.full((3, len(rows), len(columns)), np.nan)
        for summary in summaries:
            place = rows.index(summary.point.get(keys[1])), columns.index(summary.point.get(keys[0]))
            found = summary.measures[measure]
            mean[place] = found.mean
            low[place] = np.nan if found.low is None else found.low
            high[place] = np.nan if found.high is None else found.high
        limits = (0.0, 1.0) if measure == "cooperation" else (np.nanmin(mean), np.nanmax(mean))
        axes.set_facecolor(OTHERS)
        image = axes.imshow(
            mean, cmap="cividis", vmin=limits[0], vmax=limits[1], aspect="auto", origin="lower"
        )
        made.colorbar(image, ax=axes, fraction=0.05, pad=0.02).outline.set_visible(False)
        if len(columns) <= WRITTEN and len(rows) <= 2 * WRITTEN:
            _write(axes, image, mean, *((low, high) if wide else ()))
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_title(MEASURES[measure], fontweight="normal")
        places, labels = _ticks(columns, 12, 16)
        axes.set_xticks(places, labels, **_slant(labels, 36))
        axes.set_yticks(*_ticks(rows, 16, 16))
        if k >= 2:
            axes.set_xlabel(as_label(keys[0], 40))
        if k % 2 == 0:
            axes.set_ylabel(as_label(keys[1], 26))
    made.suptitle(title + ", with 95 % intervals over seeds" * wide, x=0.01, ha="left", size=9, weight="bold")
    return made


def _write(axes: Axes, image: Any, mean: NDArray[np.float64], *ends: NDArray[np.float64]) -> None:
    """The numbers into the cells: the mean, and below it the `ends` of its interval where they are given."""
    rows, columns = mean.shape
    for row in range(rows):
        for column in range(columns):
            if np.isnan(mean[row, column]):
                continue
            red, green, blue, _ = image.cmap(image.norm(mean[row, column]))
            colour = ink(f"#{int(255 * red):02x}{int(255 * green):02x}{int(255 * blue):02x}")
            text = _three(mean[row, column])
            if ends and not np.isnan(ends[0][row, column]):
                text += "\n" + (" to " if columns <= 3 else "\nto ").join(
                    _three(end[row, column]) for end in ends
                )
            axes.text(column, row, text, ha="center", va="center", size=6.5, color=colour)


def _three(value: float) -> str:
    """Three digits, so that the ends of a narrow interval differ."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def _columns(
    summaries: Sequence[Summary], measure: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, low and high by point; a point without interval has none of width zero."""
    found = [summary.measures[measure] for summary in summaries]
    mean = np.array([f.mean for f in found])
    low = np.array([f.mean if f.low is None else f.low for f in found])
    high = np.array([f.mean if f.high is None else f.high for f in found])
    return mean, low, high


def _axis(key: str, summaries: Sequence[Summary]) -> list[Any]:
    """The values of a key: numbers by size, anything else in the order of the sweep."""
    values: list[Any] = []
    for summary in summaries:
        if summary.point.get(key) not in values:
            values.append(summary.point.get(key))
    return sorted(values) if all(_number(value) for value in values) else values


def _ticks(values: Sequence[Any], most: int, longest: int) -> tuple[list[int], list[str]]:
    """Where ticks stand and what they say: every value, or every so many of a long axis.

    Long texts are cut; where that makes them alike they are numbered.
    """
    step = -(-len(values) // most)
    places = list(range(0, len(values), step))
    labels = [as_label(_label(values[k]), longest) for k in places]
    if len(set(labels)) < len(labels):
        labels = [as_label(f"{k + 1}: {_label(values[k])}", longest) for k in places]
    return places, labels


def _slant(labels: Sequence[str], room: int) -> dict[str, Any]:
    """How labels below an axis stand that has room for so many letters."""
    slanted = sum(len(label) + 1 for label in labels) > room
    return {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if slanted else {}


def _even(values: Sequence[float]) -> bool:
    """Whether sorted numbers can be told apart on an axis that is to scale."""
    gaps = np.diff(np.array(values, float))
    return len(gaps) == 0 or bool(gaps.min() > 0.02 * gaps.sum())


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _label(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, float):
        return f"{value:.10g}"
    return value if isinstance(value, str) else json.dumps(value)
