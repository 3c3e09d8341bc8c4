"""The figures about resistance: survival, chances to take over, Nash gaps, and who came in.

Each takes plain arrays and names and gives a Figure, so that this room need not know how they were made.
What is compared differs in dash, marker or hatch, not in colour alone: everything can be read in grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from results.looks import Look, look_of
from results.palette import BAND, CONTROL, MAIN, NEUTRAL, OTHERS, SECOND, SHADES
from results.plots import style
from results.plots.style import Size, as_label, canvas, chosen, patch, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = 4
"""Panels side by side."""

BINS = 24

NAME, TITLE = 44, 24
"""Letters of a name that are shown in a legend, and above a small panel."""

save = partial(style.save, dpi=110)
"""Write a figure of this file, see `results.plots.style.save`."""


@dataclass(frozen=True, eq=False)
class Survival:
    """A curve to draw: steps ``(times, survival, low, high)`` from time 0, and when each population left."""

    label: str
    times: NDArray[np.float64]
    survival: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    left: NDArray[np.float64]


def survival(
    panels: Sequence[tuple[Survival, Survival | None]],
    title: str,
    *,
    horizon: float,
    xlabel: str = "generation",
    ax: Axes | None = None,
    size: Size | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """Kaplan-Meier curves with their 95 % intervals, one panel a resident with its clones (dashed, grey).

    Below each panel the numbers still at risk at the start, halfway and at the end: the resident's, then its clones'.
    `only`: the labels of some residents.
    """
    wanted = chosen(only, [real.label for real, _ in panels])
    panels = [panel for panel in panels if panel[0].label in wanted]
    with styled():
        columns = min(PANELS, len(panels))
        lines = -(-len(panels) // columns)
        made = canvas(
            0.75 + 1.5 * lines, lines, columns, ax=ax, size=size, squeeze=False, sharex=True, sharey=True
        )
        grid = np.atleast_2d(made.axes)
        for place, axes in enumerate(grid.ravel()):
            if place >= len(panels):
                axes.axis("off")
                continue
            real, clones = panels[place]
            if clones is not None:
                _curve(axes, clones, horizon, CONTROL, "--", 1)
            _curve(axes, real, horizon, MAIN, "-", 0)
            axes.set_title(as_label(real.label, TITLE), size=8)
            lowest = place + columns >= len(panels)
            axes.tick_params(labelbottom=lowest, pad=2 + 8 * (1 if clones is None else 2) if lowest else 2)
            if lowest:
                axes.set_xlabel(xlabel)
            if place % columns == 0:
                axes.set_ylabel("share not lost")
        grid[0, 0].set(xlim=(0, horizon), ylim=(-0.03, 1.05), xticks=_marks(horizon), yticks=(0, 0.5, 1))
        shown = [
            Line2D(
                [],
                [],
                color=MAIN,
                lw=1.5,
                label="resident or control: 95 % interval, below its numbers at risk",
            ),
            Line2D([], [], color=CONTROL, lw=1.2, ls="--", label="its clones (drift), likewise"),
        ]
        if all(clones is None for _, clones in panels):
            del shown[1]
        made.part.legend(handles=shown, loc="outside lower center", ncols=1 if made.narrow else 2)
        made.part.suptitle(title, x=0.01, ha="left", weight="bold", size=9)
    return made.figure


def _curve(axes: Axes, curve: Survival, horizon: float, colour: str, dashes: str, row: int) -> None:
    """One curve with its interval, and its numbers at risk in a row below the panel."""
    x = np.append(curve.times, max(horizon, curve.times[-1]))
    y, low, high = (np.append(v, v[-1]) for v in (curve.survival, curve.low, curve.high))
    axes.fill_between(x, low, high, step="post", color=colour, alpha=0.18, lw=0)
    axes.step(x, y, where="post", color=colour, ls=dashes, lw=1.5 if dashes == "-" else 1.2)
    for t in _marks(horizon):
        align = "left" if t == 0 else "right" if t == horizon else "center"
        axes.annotate(
            f"{int((curve.left >= t).sum())}", (t, 0), xycoords=("data", "axes fraction"),
            xytext=(0, -5 - 8 * row), textcoords="offset points", size=6.5, color=colour, ha=align, va="top",
        )  # fmt: skip


def _marks(horizon: float) -> list[float]:
    """Where the numbers at risk stand."""
    return [0.0, float(horizon // 2), float(horizon)]


def n_rho(
    values: Mapping[str, ArrayLike],
    title: str,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """How N rho is distributed over the mutants of a law, one row a resident; the line at 1 is a neutral mutant.

    Logarithmic; everything below 1/1000 stands in the leftmost bin. Above 1 is what exceeds it by more than 1e-9.
    """
    with styled():
        values = {name: values[name] for name in chosen(only, list(values))}
        made = canvas(0.8 + 0.46 * len(values), len(values), 1, ax=ax, size=size, sharex=True, squeeze=False)
        rows = np.atleast_2d(made.axes)[:, 0]
        tops = [float(np.max(np.asarray(v))) for v in values.values()]
        edges = np.geomspace(1e-3, max(10.0, *(1.05 * top for top in tops)), BINS + 1)
        edges = np.sort(np.append(edges[np.abs(np.log(edges)) > 0.12], [0.9, 1.1]))
        for axes, (name, value) in zip(rows, values.items(), strict=True):
            chances = np.asarray(value, np.float64)
            count, _ = np.histogram(np.clip(chances, edges[0], edges[-1]), edges)
            middle = np.sqrt(edges[1:] * edges[:-1])
            colours = np.where(middle > 1.1, SECOND, np.where(middle < 0.9, BAND, NEUTRAL))
            axes.bar(
                edges[:-1],
                count / len(chances),
                np.diff(edges),
                align="edge",
                color=colours,
                ec="white",
                lw=0.4,
            )
            axes.axvline(1, color="black", lw=0.8, ls="--")
            axes.set_xscale("log")
            axes.set_ylim(0, 1)
            axes.set_yticks([0, 1])
            axes.set_ylabel(as_label(name, NAME), rotation=0, ha="right", va="center")
            above = float((chances > 1 + 1e-9).mean())
            axes.text(
                1.005, 0.5, f"mean {chances.mean():.2f}\n{above:.0%} above 1", transform=axes.transAxes,
                va="center", size=7,
            )  # fmt: skip
        rows[0].set_title(title)
        rows[-1].xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        rows[-1].set_xlabel("N × probability to take over (1: neutral; dark grey: as a neutral mutant)")
    return made.figure


def kappa_forest(
    rows: Sequence[tuple[str, float, float, float]],
    title: str,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """kappa = N E[rho] with its interval, one row ``(name, kappa, low, high)`` a resident; a line at 1."""
    with styled():
        wanted = chosen(only, [name for name, *_ in rows])
        rows = [row for row in rows if row[0] in wanted]
        made = canvas(0.9 + 0.2 * len(rows), ax=ax, size=size)
        axes = made.axes
        for k, (_, value, low, high) in enumerate(rows):
            below, above = max(low, 1e-3), max(high, 1e-3)
            colour = SECOND if low > 1 else MAIN if high < 1 else NEUTRAL
            marker = "s" if low > 1 else "o" if high < 1 else "D"
            axes.plot([below, above], [k, k], color=colour, lw=1.6)
            axes.plot([max(value, 1e-3)], [k], marker=marker, color=colour, ms=5)
            label = f"{value:.2f} ({low:.2f} to {high:.2f})" if high > low else f"{value:.2f} (exact)"
            axes.text(1.01, k, label, transform=axes.get_yaxis_transform(), va="center", size=7)
        axes.axvline(1, color="black", lw=0.8, ls="--")
        axes.set_xscale("log")
        axes.set_yticks(range(len(rows)), [as_label(name, NAME) for name, *_ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("kappa: N × mean probability to take over (1: neutral)")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_title(title)
    return made.figure


def nash_gaps(
    gaps: Mapping[str, ArrayLike],
    noise: Sequence[float],
    continuation: Sequence[float],
    title: str,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """Heat maps of the Nash gap, ``(noise, continuation)`` each; cells where no mutant does better are ringed."""
    shade = LinearSegmentedColormap.from_list("gap", SHADES)
    tables = {name: np.asarray(gaps[name], np.float64) for name in chosen(only, list(gaps))}
    top = max(float(table.max()) for table in tables.values()) or 1.0
    norm = PowerNorm(0.5, 0, top)
    with styled():
        columns = min(3, len(tables))
        lines = -(-len(tables) // columns)
        made = canvas(
            0.5 + 1.95 * lines, lines, columns, ax=ax, size=size, squeeze=False, sharex=True, sharey=True
        )
        panels = np.atleast_2d(made.axes)
        image = None
        for place, axes in enumerate(panels.ravel()):
            if place >= len(tables):
                axes.axis("off")
                continue
            name = list(tables)[place]
            table = tables[name]
            image = axes.imshow(table, origin="lower", aspect="auto", cmap=shade, norm=norm)
            for row, column in np.argwhere(table == 0):
                axes.plot(column, row, marker="o", ms=4, mfc="none", mec=SECOND, mew=1.1)
            axes.set_title(as_label(name, 30), size=8)
            axes.set_xticks(range(len(continuation)), [f"{d:g}" for d in continuation], rotation=60)
            axes.set_yticks(range(len(noise)), [f"{e:g}" for e in noise])
            if place % columns == 0:
                axes.set_ylabel("noise")
            if place + columns >= len(tables):
                axes.set_xlabel("continuation")
                axes.tick_params(labelbottom=True)
        assert image is not None
        made.part.colorbar(image, ax=panels, label="Nash gap (payoff per turn)", shrink=0.8)
        made.part.suptitle(f"{title}; rings: 0", x=0.01, ha="left", weight="bold", size=9)
    return made.figure


def who_invaded(
    names: Sequence[str],
    shares: ArrayLike,
    title: str,
    *,
    lost_at: int | None = None,
    ax: Axes | None = None,
    size: Size | None = None,
) -> Figure:
    """Shares of the population ``(behaviours, generations)`` in the run in which a resident fell."""
    table = np.asarray(shares, np.float64)
    edges = np.vstack([np.zeros(table.shape[1]), np.cumsum(table, axis=0)])
    x = np.arange(table.shape[1])
    with styled():
        made = canvas(2.6, ax=ax, size=size)
        axes = made.axes
        for k, name in enumerate(names):
            look = Look(name, OTHERS, "") if name == "others" else look_of(name)
            axes.fill_between(
                x, edges[k], edges[k + 1], **patch(look), lw=0.2,
                step="post", label=as_label(name, NAME),
            )  # fmt: skip
        if lost_at is not None:
            axes.axvline(lost_at, color="black", lw=1, ls="--")
            axes.text(lost_at, 1.01, "lost", ha="center", va="bottom", size=7)
        axes.set_xlim(0, x[-1])
        axes.set_ylim(0, 1)
        axes.set_xlabel("generation")
        axes.set_ylabel("share of the population")
        axes.set_title(title, pad=14)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(
            handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.4
        )
    return made.figure
