"""The figures of a tournament: who earns what from whom, who ranks where, and both along a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from engine.pairs.tournament import PayoffTable
from engine.pairs.varied import Variation
from results.looks import line_of, look_of
from results.palette import FAINT, ink
from results.plots.style import DASHES, Canvas, Size, apart, as_label, canvas, chosen, patch, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WRITTEN = 14
"""With more strategies the cells of a heat map are too small for numbers."""

NAMED = 12
"""Strategies that have a line of their own; the others share a thin grey one each."""

MEASURES = {"score": "payoff per turn", "cooperation": "cooperation rate", "rank": "rank"}
"""What is drawn along a parameter."""


def tournament(
    table: PayoffTable,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """A heat map of the payoffs of every pair, best strategies first, and the ranking as bars.

    `only`: "payoffs" or "ranking". The map needs the table's matrix.
    """
    parts = chosen(only, ("payoffs", "ranking") if table.has_matrix else ("ranking",))
    order = table.order
    names = [as_label(table.names[k], 24) for k in order]
    inches = float(np.clip(0.17 * len(order), 1.4, 12))
    with styled():
        grid: tuple[int, ...] = (1, 2) if len(parts) == 2 else ()
        options: dict[str, Any] = {"width_ratios": (1.5, 1)} if grid else {}
        made = canvas(inches + 1.2, *grid, ax=ax, size=size, **options)
        places = dict(zip(parts, np.ravel(made.axes), strict=True))
        letters = float(np.clip(72 * inches / len(order) * 0.75, 3.5, 7))
        if "payoffs" in places:
            _payoffs(made, places["payoffs"], table, order, names, letters)
        if "ranking" in places:
            axes = places["ranking"]
            for rank, k in enumerate(order):
                error = None if table.errors is None else 1.96 * table.errors[k]
                axes.barh(
                    rank, table.scores[k], xerr=error, height=0.8, lw=0.3, **patch(look_of(table.names[k]))
                )
            axes.set_ylim(len(order) - 0.4, -0.6)
            axes.set_yticks(range(len(order)), [] if len(parts) == 2 else names, size=letters)
            axes.set_xlabel("payoff per turn" + ("" if table.errors is None else ", 95 % intervals"))
            axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10]))
        made.title(places[parts[0]], title, f"{len(order)} strategies, {table.rules}")
    return made.figure


def _payoffs(
    made: Canvas, axes: Axes, table: PayoffTable, order: Sequence[int], names: Sequence[str], letters: float
) -> None:
    payoffs = table.payoffs[np.ix_(order, order)]
    image = axes.imshow(payoffs, cmap="cividis", aspect="auto")
    axes.set_yticks(range(len(order)), names, size=letters)
    axes.set_xticks(range(len(order)), [f"{rank}" for rank in range(1, len(order) + 1)], size=letters)
    axes.set_xlabel("the row's payoff from the strategy of that rank")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(order) <= WRITTEN:
        for i, row in enumerate(payoffs.tolist()):
            for j, value in enumerate(row):
                red, green, blue, _ = image.cmap(image.norm(value))
                colour = ink(f"#{int(255 * red):02x}{int(255 * green):02x}{int(255 * blue):02x}")
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", size=letters * 0.85, color=colour)
    bar = made.part.colorbar(image, ax=axes, fraction=0.04, pad=0.02)
    bar.outline.set_visible(False)


def varied(
    found: Variation,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """Scores, cooperation and ranks along a parameter, a line each for the strategies that earn most.

    `only`: some of "score", "cooperation", "rank". Lines carry their names at their ends.
    """
    measures = chosen(only, tuple(MEASURES))
    tables = {"score": found.scores, "cooperation": found.cooperation, "rank": found.ranks}
    best = np.argsort(-found.scores.mean(axis=0), kind="stable").tolist()
    with styled():
        grid = (len(measures), 1) if len(measures) > 1 else ()
        options: dict[str, Any] = {"sharex": True} if grid else {}
        made = canvas(0.7 + 1.9 * len(measures), *grid, ax=ax, size=size, **options)
        places = list(np.ravel(made.axes))
        for axes, measure in zip(places, measures, strict=True):
            table = tables[measure].astype(np.float64)
            _lines(made, axes, found, table, best, measure)
            axes.set_ylabel(MEASURES[measure])
            axes.tick_params(labelbottom=axes is places[-1])
        places[-1].set_xlabel(as_label(found.parameter, 40))
        made.title(places[0], title, f"{len(found.names)} strategies along {found.parameter}")
    return made.figure


def _lines(
    made: Canvas, axes: Axes, found: Variation, table: NDArray[np.float64], best: Sequence[int], measure: str
) -> None:
    x = found.values
    axes.set_xlim(float(x.min()), float(x.max()) if x.max() > x.min() else float(x.min()) + 1)
    for k in best[NAMED:]:
        axes.plot(x, table[:, k], color=FAINT, lw=0.5)
    marker = "o" if len(x) <= 12 else None
    for n, k in enumerate(best[:NAMED]):
        axes.plot(
            x, table[:, k], color=line_of(found.names[k]), ls=DASHES[n % len(DASHES)], lw=1.3, marker=marker, ms=3,
            zorder=3,
        )  # fmt: skip
    if measure == "cooperation":
        axes.set_ylim(-0.02, 1.02)
    elif measure == "rank":
        axes.set_ylim(len(found.names) + 0.5, 0.5)
        axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    low, high = sorted(axes.get_ylim())
    ends = table[-1, list(best[:NAMED])]
    gap = 0.105 * (high - low) * 1.6 / max(axes.bbox.height / made.figure.dpi, 0.5)
    for n, (k, place) in enumerate(zip(best[:NAMED], apart(ends, gap, high, low), strict=True)):
        note = axes.annotate(
            as_label(found.names[k], 20), (1.0, float(ends[n])), (1.05, place),
            xycoords=("axes fraction", "data"), textcoords=("axes fraction", "data"), va="center", fontsize=6.5,
            color=line_of(found.names[k]), annotation_clip=False,
            arrowprops={
                "arrowstyle": "-", "color": line_of(found.names[k]), "lw": 0.9, "ls": DASHES[n % len(DASHES)],
                "shrinkA": 1, "shrinkB": 1, "relpos": (0, 0.5),
            },
        )  # fmt: skip
        note.set_in_layout(True)
