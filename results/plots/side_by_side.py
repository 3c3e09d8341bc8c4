"""The figure of runs side by side: a curve for each run or, with an interval, for each group of several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from engine.intervals import student
from results.binning import bins, thinned
from results.comparison import RunComparison
from results.palette import LINES
from results.plots.style import DASHES, Size, as_label, canvas, chosen, generation_axis, styled
from results.sweeps import MEASURES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 250
"""Along time: more would hide one curve behind another."""

SHOWN = ("cooperation", "mean")
"""The measures that are drawn where nothing is asked for."""


def comparison(
    compared: RunComparison,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """Cooperation and mean payoff over the generations, one curve a group, with its 95 % interval over the seeds.

    `only`: some of best, mean, cooperation, behaviours. Groups differ in dashes as well as in colour.
    """
    measures = chosen(SHOWN if only is None else only, tuple(MEASURES))
    starts, width = bins(compared.generation + 1, POINTS)
    x = starts + (width - 1) / 2
    with styled():
        grid = (len(measures), 1) if len(measures) > 1 else ()
        made = canvas(
            0.9 + 1.6 * len(measures), *grid, ax=ax, size=size, **({"sharex": True} if grid else {})
        )
        places = list(np.ravel(made.axes))
        for axes, measure in zip(places, measures, strict=True):
            for n, group in enumerate(compared.groups):
                curves = np.array([thinned(run.curves[measure], starts) for run in group.runs])
                colour, dashes = LINES[n % len(LINES)], DASHES[n % len(DASHES)]
                if len(curves) > 1:
                    edges = np.array([student(column.tolist()) for column in curves.T]).T
                    low, high = np.clip(edges, 0, 1) if measure == "cooperation" else edges
                    axes.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)
                several = f" ({len(curves)} seeds)" if len(curves) > 1 else ""
                label = as_label(group.label, 40) + several
                axes.plot(x, curves.mean(axis=0), color=colour, ls=dashes, label=label)
            axes.set_ylabel(
                MEASURES[measure].replace("number of ", "").replace("mean payoff per turn", "mean payoff")
            )
            drawn = np.concatenate(
                [thinned(r.curves[measure], starts) for g in compared.groups for r in g.runs]
            )
            room = 0.06 * float(np.nanmax(drawn) - np.nanmin(drawn)) or 0.5
            axes.set_ylim(
                float(np.nanmin(drawn)) - room, float(np.nanmax(drawn)) + room
            )  # bands may be far wider
            if measure == "cooperation":
                axes.set_ylim(-0.02, 1.02)
            if measure == "behaviours":
                axes.set_ylim(bottom=0)
                axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.tick_params(labelbottom=axes is places[-1])
        banded = any(len(group.runs) > 1 for group in compared.groups)
        made.title(places[0], title, "Runs compared" + (", bands: 95 % intervals" if banded else ""))
        generation_axis(places[-1], compared.generation, width)
        handles, labels = places[0].get_legend_handles_labels()
        where = made.part if ax is None else places[0]
        place = {"loc": "outside lower center"} if ax is None else {"loc": "best"}
        where.legend(handles, labels, ncols=1 if made.narrow else 2, handlelength=3, **place)
    return made.figure
