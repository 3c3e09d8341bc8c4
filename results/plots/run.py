"""Every figure of a run: what happened to fitness, cooperation and behaviours, and who descends from whom.

Each is a function ``Run -> Figure``, readable in print and in grey, at ten generations and at a hundred
thousand: long runs are thinned before they are drawn. Each draws one instant of a run, also while that is
written, and nothing that depends on when it was committed. `save_all` writes all of them into a folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from engine.stage import ITEMS
from results.errors import RunError
from results.palette import BAND, LINES, MAIN, OTHERS, SECOND, WIDE_BAND, ink
from results.plots.genome_maps import genomes
from results.plots.heredity import descent, family
from results.plots.style import (
    Look,
    Looks,
    bins,
    figure,
    generation_axis,
    run_name,
    save,
    styled,
    text_size,
    thinned,
)
from results.run.store import Run

DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 3)), (0, (3, 1, 1, 1)), (0, (1, 3)))
"""Of the lines of a ledger, so that lines upon each other are seen."""

SMOOTH = 300
"""Points along time of the abundances: more would be spikes."""


def fitness(run: Run) -> Figure:
    """Payoff per turn over the generations: best, mean, and where half and nine tenths of everyone stand."""
    with run.snapshot():
        table, name = _statistics(run), run_name(run)
    length = len(table["generation"])
    starts, width = bins(length)
    x = starts + (width - 1) / 2
    column = {key: thinned(table[key], starts) for key in table if key != "generation"}
    few = len(x) <= 30
    with styled():
        made = figure(3.4)
        axes = made.subplots()
        at, wide = _widened(x)
        for low, high, colour, label in (
            ("q5", "q95", WIDE_BAND, "5 to 95 %"),
            ("q25", "q75", BAND, "25 to 75 %"),
        ):
            axes.fill_between(at, column[low][wide], column[high][wide], color=colour, lw=0, label=label)
        axes.plot(x, column["best"], color=SECOND, ls="-", marker="^" if few else None, ms=3.5, label="best")
        axes.plot(x, column["mean"], color=MAIN, ls="--", marker="o" if few else None, ms=3, label="mean")
        axes.set_ylabel("payoff per turn")
        axes.set_title(f"Fitness: {name}", pad=20)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=4)
        axes.margins(y=0.06)
        generation_axis(axes, length - 1, width)
    return made


def cooperation(run: Run) -> Figure:
    """The share of moves that cooperate, and below it how many different behaviours there are."""
    with run.snapshot():
        table, title = _statistics(run), f"Cooperation: {run_name(run)}"
    length = len(table["generation"])
    starts, width = bins(length)
    x = starts + (width - 1) / 2
    few = len(x) <= 30
    with styled():
        made = figure(3.8)
        above, below = made.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        at, wide = _widened(x)
        for axes, name in ((above, "cooperation"), (below, "behaviours")):
            if width > 1:
                low, high = (thinned(table[name], starts, of) for of in ("min", "max"))
                axes.fill_between(at, low[wide], high[wide], color=BAND, lw=0)
            axes.plot(x, thinned(table[name], starts), color=MAIN, marker="o" if few else None, ms=3)
        above.set_ylim(-0.02, 1.02)
        above.set_ylabel("cooperation rate")
        above.set_title(title)
        below.set_ylabel("behaviours")
        below.set_ylim(bottom=0)
        below.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        generation_axis(below, length - 1, width)
        if width > 1:
            below.set_xlabel(f"generation (means of {width}, shaded from least to most)")
        above.tick_params(labelbottom=False)
    return made


def ledger(run: Run) -> Figure:
    """What mechanisms took from a mean player and gave it, per turn, and what was left to whoever runs them.

    Raises RunError for a run without mechanisms.
    """
    with run.snapshot():
        table, title = _statistics(run), f"Ledger: {run_name(run)}"
    if "operator" not in table:
        raise RunError(f"{run.path}: no mechanisms, nothing to draw of a ledger")
    length = len(table["generation"])
    starts, width = bins(length)
    x = starts + (width - 1) / 2
    few = len(x) <= 30
    with styled():
        made = figure(3.4)
        axes = made.subplots()
        axes.axhline(0, color=OTHERS, lw=1)
        booked = [item for item in ITEMS if np.nanmax(np.abs(table[item])) > 0]
        styles = zip([*booked, "operator"], LINES, DASHES, strict=False)
        for item, colour, dashes in styles:
            axes.plot(
                x,
                thinned(table[item], starts),
                color=colour,
                ls=dashes,
                label=item,
                marker="o" if few else None,
                ms=3,
            )
        axes.set_ylabel("a player, per turn")
        axes.set_title(title, pad=20)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=7)
        axes.margins(y=0.06)
        generation_axis(axes, length - 1, width)
    return made


def abundance(run: Run) -> Figure:
    """Shares of the population over time by what they do, each behaviour next to the one it descends from."""
    with run.snapshot():
        size, name = _statistics(run)["size"], run_name(run)
        looks = Looks(run)
    leaders, order = looks.leaders, looks.order
    starts, width = bins(len(size), SMOOTH)
    x = starts + (width - 1) / 2
    sampled = np.bincount(np.arange(0, len(size), looks.every) // width, minlength=len(x))
    shares = np.zeros((len(order) + 1, len(x)))
    row = np.full(len(leaders.behaviours), len(order))
    row[order] = np.arange(len(order))
    share = leaders.count / np.maximum(size[leaders.generation], 1)
    np.add.at(shares, (row[leaders.behaviour], leaders.generation // width), share)
    shares /= np.maximum(sampled, 1)
    shares[-1] = np.maximum(1 - shares[:-1].sum(axis=0), 0)
    at, wide = _widened(x)
    edges = np.vstack([np.zeros(len(at)), np.cumsum(shares[:, wide], axis=0)])
    with styled():
        made = figure(4.2)
        axes = made.subplots()
        generation_axis(axes, len(size) - 1, width, every=looks.every)
        axes.set_ylim(0, 1)
        axes.set_ylabel("share of the population")
        axes.set_title(f"Behaviours: {name}")
        aside, stepped = [], len(x) <= 40
        for band, behaviour in enumerate([*order, None]):
            look = Look("others", OTHERS, "")
            if behaviour is not None:
                look = looks[leaders.behaviours[behaviour].behaviour]
            colour, label = look.colour, look.label
            axes.fill_between(
                at,
                edges[band],
                edges[band + 1],
                lw=0.15,
                step="mid" if stepped else None,
                **look.patch,
            )
            place = _roomiest(at, edges[band], edges[band + 1], text_size(axes, label, 7.5), stepped)
            if place is None:
                if behaviour is not None or shares[-1].max() > 0.01:
                    aside.append(Patch(lw=0.3, label=label, **look.patch))
            else:
                axes.text(
                    *place,
                    label,
                    ha="center",
                    va="center",
                    size=7.5,
                    color=ink(colour),
                    path_effects=[withStroke(linewidth=2.5, foreground=colour)],
                )
        if aside:
            axes.legend(handles=aside[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.4)
    return made


FIGURES: dict[str, Callable[[Run], Figure]] = {
    "fitness": fitness,
    "cooperation": cooperation,
    "abundance": abundance,
    "descent": descent,
    "family": family,
    "genomes": genomes,
}
"""The figures of every run, by the name of their file; one of mechanisms has `ledger` too."""


def save_all(run: Run, folder: str | os.PathLike[str], formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write every figure into a folder, all of one instant; the same run gives the same files. Returns their paths.

    Raises RunError for a run without generations.
    """
    with run.snapshot():
        figures = {name: draw(run) for name, draw in FIGURES.items()}
        if "operator" in run.statistics():
            figures["ledger"] = ledger(run)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    return [save(made, place / f"{name}.{kind}") for name, made in figures.items() for kind in formats]


def _statistics(run: Run) -> dict[str, NDArray[Any]]:
    table = run.statistics()
    if not len(table["generation"]):
        raise RunError(f"{run.path}: no generation yet, nothing to draw")
    return table


def _widened(x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """An area needs two points: a single generation becomes as wide as itself."""
    if len(x) == 1:
        return x[0] + np.array([-0.5, 0.5]), np.array([0, 0])
    return x, np.arange(len(x))


def _roomiest(
    x: NDArray[Any], low: NDArray[Any], high: NDArray[Any], size: tuple[float, float], steps: bool
) -> tuple[float, float] | None:
    """Where a text of that size (as a share of the axes) fits best into a band; None where it does not."""
    fine = np.linspace(x[0], x[-1], 400)
    if steps:
        nearest = np.abs(fine[:, None] - x).argmin(axis=1)
        bottom, top = low[nearest], high[nearest]
    else:
        bottom, top = np.interp(fine, x, low), np.interp(fine, x, high)
    width, height = size
    window = max(2, int(np.ceil(width * len(fine))))
    if window >= len(fine):
        return None
    floor = sliding_window_view(bottom, window).max(axis=1)
    ceiling = sliding_window_view(top, window).min(axis=1)
    best = int(np.argmax(ceiling - floor))
    if ceiling[best] - floor[best] < height:
        return None
    return float(fine[best + window // 2]), float(floor[best] + ceiling[best]) / 2
