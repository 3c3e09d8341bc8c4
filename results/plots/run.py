"""Every figure of a run: what happened to fitness, cooperation and behaviours, and who descends from whom.

Each is a function ``Run -> Figure`` (in a `size`, with a `title`, or into axes `ax` of another figure), readable in
print and in grey, at ten generations and at a hundred thousand: long runs are thinned before they are drawn. Each draws
one instant of a run, also while that is written, and nothing that depends on when it was committed. `save_all` writes
all of them into a folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from engine.stage import ITEMS
from results.binning import MAX_BINS, bins, thinned
from results.errors import RunError
from results.faces import faces_of
from results.palette import BAND, LINES, MAIN, OTHERS, SECOND, WIDE_BAND, ink
from results.plots.genome_maps import genomes
from results.plots.heredity import descent, family
from results.plots.style import (
    DASHES,
    LONGEST_LABEL,
    Size,
    as_label,
    canvas,
    chosen,
    generation_axis,
    patch,
    run_name,
    save,
    styled,
    text_size,
)
from results.run.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY_STEPS = 20
"""Where a population takes at least so many steps to be replaced, steps are counted as births."""

SMOOTH = 300
"""Points along time of the abundances: more would be spikes."""


def fitness(
    run: Run,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """Payoff per turn over the generations: best, mean, and where half and nine tenths of everyone stand.

    `only`: some of "best", "mean", "25 to 75 %", "5 to 95 %".
    """
    with run.snapshot():
        table, name = _statistics(run), run_name(run)
    shown = chosen(only, ("5 to 95 %", "25 to 75 %", "mean", "best"))
    time = Time.of(table)
    x = time.middle
    column = {key: thinned(table[key], time.starts) for key in table if key != "generation"}
    few = len(x) <= 30
    with styled():
        made = canvas(3.4, ax=ax, size=size)
        axes = made.axes
        at, wide = _widened(x)
        for low, high, colour, label in (
            ("q5", "q95", WIDE_BAND, "5 to 95 %"),
            ("q25", "q75", BAND, "25 to 75 %"),
        ):
            if label in shown:
                axes.fill_between(at, column[low][wide], column[high][wide], color=colour, lw=0, label=label)
        for label, colour, dashes, marker in (("best", SECOND, "-", "^"), ("mean", MAIN, "--", "o")):
            if label in shown:
                axes.plot(
                    x,
                    column[label],
                    color=colour,
                    ls=dashes,
                    marker=marker if few else None,
                    ms=3.2,
                    label=label,
                )
        axes.set_ylabel("payoff per turn")
        lines = -(-len(shown) // 2) if made.narrow else 1
        made.title(axes, title, f"Fitness: {name}", pad=8 + 12 * lines + 24 * time.counted_twice)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(
            handles[::-1], labels[::-1], loc="lower left", bbox_to_anchor=(-0.01, time.top),
            ncols=-(-len(shown) // lines), borderpad=0.2,
        )  # fmt: skip
        axes.margins(y=0.06)
        time.axis(axes)
    return made.figure


def cooperation(
    run: Run,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """The share of moves that cooperate, and below it how many different behaviours there are.

    `only`: one of the two, "cooperation" or "behaviours".
    """
    with run.snapshot():
        table, name = _statistics(run), run_name(run)
    panels = {"cooperation": "cooperation rate", "behaviours": "behaviours"}
    shown = chosen(only, tuple(panels))
    time = Time.of(table)
    few = len(time.middle) <= 30
    with styled():
        both = {"height_ratios": (2.2, 1)} if len(shown) == 2 else {}
        grid = (len(shown), 1) if len(shown) == 2 else ()
        made = canvas(
            3.8 if both else 3.0, *grid, ax=ax, size=size, **({"sharex": True} | both if both else {})
        )
        places = list(np.ravel(made.axes))
        at, wide = _widened(time.middle)
        for axes, measure in zip(places, shown, strict=True):
            if time.width > 1:
                low, high = (thinned(table[measure], time.starts, of) for of in ("min", "max"))
                axes.fill_between(at, low[wide], high[wide], color=BAND, lw=0)
            axes.plot(
                time.middle,
                thinned(table[measure], time.starts),
                color=MAIN,
                marker="o" if few else None,
                ms=3,
            )
            axes.set_ylabel(panels[measure])
            if measure == "cooperation":
                axes.set_ylim(-0.02, 1.02)
            else:
                axes.set_ylim(bottom=0)
                axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.tick_params(labelbottom=axes is places[-1])
        made.title(places[0], title, f"Cooperation: {name}")
        time.axis(places[-1], ", shaded from least to most" if not made.narrow else "")
        if len(places) > 1:
            time.axis(places[0], labelled=False)
    return made.figure


def ledger(
    run: Run,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """What mechanisms took from a mean player and gave it, per turn, and what was left to whoever runs them.

    `only`: some of what is booked, and "operator". Raises RunError for a run without mechanisms.
    """
    with run.snapshot():
        table, name = _statistics(run), run_name(run)
    if "operator" not in table:
        raise RunError(f"{run.path}: no mechanisms, nothing to draw of a ledger")
    booked = [item for item in ITEMS if np.nanmax(np.abs(table[item])) > 0]
    shown = chosen(only, (*booked, "operator"))
    time = Time.of(table)
    few = len(time.middle) <= 30
    with styled():
        made = canvas(3.4, ax=ax, size=size)
        axes = made.axes
        axes.axhline(0, color=OTHERS, lw=1)
        for item, colour, dashes in zip((*booked, "operator"), LINES, DASHES, strict=False):
            if item in shown:
                axes.plot(
                    time.middle, thinned(table[item], time.starts), color=colour, ls=dashes, label=item,
                    marker="o" if few else None, ms=3,
                )  # fmt: skip
        axes.set_ylabel("a player, per turn")
        lines = -(-len(shown) // 3) if made.narrow else 1
        made.title(axes, title, f"Ledger: {name}", pad=8 + 12 * lines + 24 * time.counted_twice)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, time.top), ncols=-(-len(shown) // lines))
        axes.margins(y=0.06)
        time.axis(axes)
    return made.figure


def abundance(
    run: Run,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """Shares of the population over time by what they do, each behaviour next to the one it descends from.

    `only`: the labels of those that have a band; all others share one.
    """
    with run.snapshot():
        table, name = _statistics(run), run_name(run)
        faces = faces_of(run)
    shares = faces.shares(SMOOTH)
    if only is not None:
        shares = shares.only(chosen(only, [look.label for look in shares.looks[:-1]]))
    x = shares.generation
    time = Time.of(table, SMOOTH, faces.every)
    at, wide = _widened(x)
    edges = np.vstack([np.zeros(len(at)), np.cumsum(shares.share[:, wide], axis=0)])
    with styled():
        made = canvas(4.2, ax=ax, size=size)
        axes = made.axes
        time.axis(axes, counted=shares.counted)
        axes.set_ylim(0, 1)
        axes.set_ylabel("share of the population")
        made.title(axes, title, f"Behaviours: {name}")
        aside, stepped = [], len(x) <= 40
        for band, look in enumerate(shares.looks):
            label = as_label(look.label, LONGEST_LABEL)
            axes.fill_between(
                at, edges[band], edges[band + 1], lw=0.15, step="mid" if stepped else None, **patch(look)
            )
            place = _roomiest(at, edges[band], edges[band + 1], text_size(axes, label, 7.5), stepped)
            if place is None:
                if band < len(shares.looks) - 1 or shares.share[-1].max() > 0.01:
                    aside.append(Patch(lw=0.3, label=label, **patch(look)))
            else:
                axes.text(
                    *place, label, ha="center", va="center", size=7.5, color=ink(look.colour),
                    path_effects=[withStroke(linewidth=2.5, foreground=look.colour)],
                )  # fmt: skip
        if aside and made.narrow and ax is None:
            made.part.legend(
                handles=aside[::-1], loc="outside lower center", handlelength=1.4, fontsize=6,
                ncols=max(1, int(made.width / 1.6)),
            )  # fmt: skip
        elif aside:
            axes.legend(handles=aside[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.4)
    return made.figure


FIGURES: dict[str, Callable[..., Figure]] = {
    "fitness": fitness,
    "cooperation": cooperation,
    "abundance": abundance,
    "descent": descent,
    "family": family,
    "genomes": genomes,
}
"""The figures of every run, by the name of their file; one of mechanisms has `ledger` too."""


def save_all(
    run: Run,
    folder: str | os.PathLike[str],
    formats: Sequence[str] = ("png", "svg"),
    *,
    only: Sequence[str] | None = None,
    title: str | None = None,
    size: Size | None = None,
) -> list[Path]:
    """Write every figure into a folder, or `only` some of `FIGURES`, all of one instant.

    The same run gives the same files. `title` and `size` (width and height in inches) stand in place of their own.
    Returns the paths. Raises RunError for a run without generations.
    """
    with run.snapshot():
        draws = FIGURES | ({"ledger": ledger} if "operator" in run.statistics(max(run.generation, 0)) else {})
        names = chosen(only, tuple(draws))
        options = {key: value for key, value in (("title", title), ("size", size)) if value is not None}
        figures = {name: draws[name](run, **options) for name in names}
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    return [save(made, place / f"{name}.{kind}") for name, made in figures.items() for kind in formats]


@dataclass(frozen=True)
class Time:
    """How the time of a run is laid out: in generations, or in births where they come one at a time.

    `starts`: ``(bins,)`` where bins of `width` generations begin, `middle` their middles. `births`: of the whole
    population, in as many births as it has members, each step is so small a part that births are counted beside; 0
    where a generation is many births.
    """

    last: int
    starts: NDArray[np.int64]
    width: int
    every: int
    births: int

    @classmethod
    def of(cls, table: dict[str, NDArray[Any]], columns: int = MAX_BINS, every: int = 1) -> Time:
        """Of a run's statistics."""
        length, born = len(table["generation"]), table["born"][1:]
        starts, width = bins(length, columns)
        one_by_one = len(born) > 0 and float(np.median(born)) * MANY_STEPS <= float(table["size"][-1])
        return cls(length - 1, starts, width, every, int(table["size"][-1]) if one_by_one else 0)

    @property
    def middle(self) -> NDArray[np.float64]:
        """``(bins,)`` in generations."""
        return np.asarray(self.starts + (self.width - 1) / 2, np.float64)

    @property
    def counted_twice(self) -> bool:
        """Whether there is a second axis of time, above."""
        return 0 < self.births <= self.last

    @property
    def top(self) -> float:
        """Where a legend above the axes begins, as a share of their height."""
        return 1.12 if self.counted_twice else 1.0

    def _turnovers(self, x: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(x, np.float64) / self.births

    def _births(self, x: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(x, np.float64) * self.births

    def axis(self, axes: Axes, said: str = "", *, counted: str = "", labelled: bool = True) -> None:
        """The axis of time; where births come one at a time also, above, in generations of the whole population."""
        unit = "births" if self.births else "generation"
        generation_axis(axes, self.last, unit=unit)
        notes = [
            f"means of {self.width}" + (f", of which 1 in {self.every} is read" if self.every > 1 else "")
        ]
        note = counted or (notes[0] + said if self.width > 1 else "")
        axes.set_xlabel((unit + (f" ({note})" if note else "")) if labelled else "")
        if self.counted_twice:
            above = axes.secondary_xaxis("top", functions=(self._turnovers, self._births))
            above.tick_params(labelsize=6.5, length=2, pad=1, direction="in")
            above.set_xlabel(f"generations of {self.births} births" if labelled else "", size=6.5)


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
