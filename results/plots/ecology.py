"""Figures of ecologies: abundance over the generations, and the simplex of three strategies.

Lines carry their names at their ends and differ in dashes as well as in colour, so that they are told apart
in grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from engine.ecologies import EcologyResult
from engine.replicator import payoffs_among, rest_points, resting_edges, velocity
from genomes.reading import resolve
from genomes.strategy import is_compiled
from results.binning import MAX_BINS
from results.looks import line_of
from results.palette import FAINT, MAIN, SECOND
from results.plots.style import (
    DASHES,
    Size,
    apart,
    as_label,
    canvas,
    chosen,
    generation_axis,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = 8
"""Strategies that get a line of their own with a name; the others share one thin grey line each."""

GRID = 16
"""Arrows of the field along an edge of the simplex."""

SIGNIFICANT = 0.02
"""A simplex marks the start and the end; paths shorter than this have no arrow."""


def abundance(
    result: EcologyResult,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
    until: int | None = None,
) -> Figure:
    """How many players of each strategy in every generation; `only` some of them.

    Ends at the generation `until` where given; an ecology that came to rest before stays as it was.
    """
    last = result.generations if until is None else until
    shown = min(last, result.generations)
    counts = np.asarray(result.counts[: shown + 1], np.float64)
    every = max(1, -(-len(counts) // MAX_BINS))
    x = np.unique(np.append(np.arange(0, len(counts), every), len(counts) - 1))
    wanted = {result.names.index(name) for name in chosen(only, result.names)}
    ranked = np.argsort(-counts.max(axis=0) - counts[-1], kind="stable").tolist()
    order = np.array([k for k in ranked if k in wanted])
    with styled():
        made = canvas(3.4, ax=ax, size=size)
        axes = made.axes
        for k in order[NAMED:].tolist():
            axes.plot(x, counts[x, k], color=FAINT, lw=0.5)
        ends, looks = [], []
        for n, k in enumerate(order[:NAMED].tolist()):
            y = counts[x, k]
            colour = line_of(result.names[k])
            axes.plot(x, y, color=colour, ls=DASHES[n], lw=1.5, clip_on=False, zorder=3)
            if last > shown and result.ending != "cycle":
                axes.plot([shown, last], [y[-1], y[-1]], color=colour, ls=DASHES[n], lw=1.5, zorder=3)
            ends.append(float(y[-1]))
            looks.append((result.names[k], colour, DASHES[n]))
        top = float(counts.max()) * 1.04
        axes.set_ylim(0, top)
        generation_axis(axes, max(last, 1))
        gap = 0.062 * top
        for place, end, (name, colour, dash) in zip(
            apart(np.array(ends), gap, top), ends, looks, strict=True
        ):
            note = axes.annotate(
                f"{as_label(name, 24)}  {end:,.0f}",
                (1.0, end),
                (1.07, place),
                xycoords=("axes fraction", "data"),
                textcoords=("axes fraction", "data"),
                color=colour,
                va="center",
                fontsize=8,
                annotation_clip=False,
                arrowprops={
                    "arrowstyle": "-", "color": colour, "lw": 1.1, "ls": dash, "shrinkA": 1, "shrinkB": 1,
                    "relpos": (0, 0.5),
                },
            )  # fmt: skip
            note.set_in_layout(True)
        axes.set_ylabel("players")
        made.title(axes, title, _title(result, shown))
        if len(order) > NAMED:
            axes.text(
                0.01,
                0.97,
                f"grey: {len(order) - NAMED} others",
                transform=axes.transAxes,
                va="top",
                color="#777777",
            )
    return made.figure


def simplex(
    result: EcologyResult,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
) -> Figure:
    """The path of an ecology of three strategies through their shares, over the field of large populations.

    Each corner is a population of one strategy. Arrows: which way shares move, by the replicator equation, where all
    three are present; dots: rest points, full where stable, grey where a saddle, hollow where unstable, and an edge at
    rest as a line. Raises ValueError for any other number of strategies.
    """
    if len(result.names) != 3:
        raise ValueError(f"simplex: expected exactly three strategies, got {len(result.names)}")
    counts = np.asarray(result.counts, np.float64)
    shares = counts / counts.sum(axis=1, keepdims=True)
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    path = shares @ corners
    with styled():
        made = canvas(4.4, ax=ax, size=size or (None if ax is not None else (5.0, 4.4)))
        axes = made.axes
        axes.set_aspect("equal")
        axes.axis("off")
        for share in (0.25, 0.5, 0.75):
            for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
                ends = np.array([share * corners[a] + (1 - share) * corners[x] for x in (b, c)])
                axes.plot(*ends.T, color="#d8d8d8", lw=0.6, zorder=1)
        axes.plot(*np.vstack([corners, corners[:1]]).T, color="#444444", lw=0.9, zorder=2)
        _field(axes, result, corners)
        axes.plot(*path.T, color=MAIN, lw=1.1, zorder=3)
        if len(path) <= 60:
            axes.plot(*path.T, ls="", marker=".", ms=3, color=MAIN, zorder=3)
        _arrow(axes, path)
        axes.plot(
            *path[0],
            marker="o",
            ms=6,
            mfc="white",
            mec=MAIN,
            ls="",
            zorder=5,
            label="start",
            clip_on=False,
        )
        axes.plot(
            *path[-1], marker="o", ms=6, color=MAIN, ls="", zorder=5, label=_ending(result), clip_on=False
        )
        if result.ending == "cycle":
            assert result.period is not None
            cycle = np.vstack([path[-result.period :], path[-result.period]])
            axes.plot(*cycle.T, color=SECOND, lw=1.6, zorder=4, label="the cycle")
        for k, (where, va) in enumerate((((0, -0.03), "top"), ((1, -0.03), "top"), ((0.5, 0.9), "bottom"))):
            text = f"{as_label(result.names[k], 24)}\n{counts[0, k]:,.0f} to {counts[-1, k]:,.0f}"
            axes.text(*where, text, ha="center", va=va, fontsize=8)
        axes.set_xlim(-0.14, 1.14)
        axes.set_ylim(-0.14, 1.0)
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, 0.99))
        made.title(axes, title, _title(result, result.generations))
    return made.figure


def _field(axes: Axes, result: EcologyResult, corners: NDArray[np.float64]) -> None:
    """Which way shares move, and where they rest; nothing where the payoffs of all three are not known."""
    try:
        payoffs = payoffs_among(result.names, result.rules, society=result.society)
    except ValueError:  # a player in plain Python, or a society of chance
        return
    n = GRID
    grid = np.array([(i, j, n - i - j) for i in range(1, n) for j in range(1, n - i)], np.float64) / n
    moves = velocity(payoffs, grid) @ corners
    longest = float(np.linalg.norm(moves, axis=1).max())
    if longest > 0:
        speed = np.linalg.norm(moves, axis=1)
        arrows = (
            moves / np.maximum(speed, 1e-12)[:, None] * (0.35 + 0.65 * (speed / longest)[:, None]) * 0.75 / n
        )
        arrows[speed < 1e-9 * longest] = 0.0
        axes.quiver(
            *(grid @ corners - arrows / 2).T, *arrows.T, color=FAINT, angles="xy", scale_units="xy", scale=1,
            width=0.0035, headwidth=4, headlength=4.5, headaxislength=4, zorder=2,
        )  # fmt: skip
    for i, j in resting_edges(payoffs):
        axes.plot(*corners[[i, j]].T, color="#444444", lw=3.2, zorder=2.5, solid_capstyle="round")
    faces = {"stable": "black", "unstable": "white", "saddle": "#9a9a9a", "neutral": "#9a9a9a"}
    in_pairs = not result.society or all(is_compiled(resolve(name)) for name in result.names)
    for point in rest_points(payoffs):
        if in_pairs or min(point.shares) > 0:  # in a society payoffs differ where somebody is absent
            x, y = np.array(point.shares) @ corners
            axes.plot(
                x,
                y,
                marker="s",
                ms=5,
                mfc=faces[point.kind],
                mec="black",
                mew=0.8,
                ls="",
                zorder=4,
                clip_on=False,
            )


def _arrow(axes: Any, path: NDArray[np.float64]) -> None:
    """Which way time goes, halfway along the path."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    if steps.sum() < SIGNIFICANT:
        return
    k = int(np.searchsorted(np.cumsum(steps), steps.sum() / 2))
    direction = (path[k + 1] - path[k]) / max(steps[k], 1e-12)
    middle = (path[k] + path[k + 1]) / 2
    axes.annotate(
        "",
        middle + 0.012 * direction,
        middle - 0.012 * direction,
        arrowprops={"arrowstyle": "-|>", "color": MAIN, "mutation_scale": 13, "lw": 0},
        zorder=4,
    )


def _ending(result: EcologyResult) -> str:
    return f"generation {result.generations:,}"


def _title(result: EcologyResult, shown: int) -> str:
    game = "society" if result.society else "round robin"
    outcome = _outcome(result) if shown == result.generations and result.ending != "limit" else ""
    numbers = "integers" if result.arithmetic == "integer" else "real numbers"
    return f"Ecology of a {game}, {result.rules.horizon}, {numbers}" + (f": {outcome}" if outcome else "")


def _outcome(result: EcologyResult) -> str:
    if result.ending == "fixation":
        return f"{as_label(next(iter(result.final)), 24)} alone"
    return f"cycle of {result.period} generations" if result.ending == "cycle" else result.ending
