"""Figures of ecologies: abundance over the generations, and the simplex of three strategies.

Lines carry their names at their ends and differ in dashes as well as in colour, so that they are told apart
in grey.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from engine.ecologies import EcologyResult
from results.palette import FAINT, LINES, MAIN, SECOND
from results.plots.style import MAX_BINS, as_label, figure, generation_axis, styled

NAMED = 8
"""Strategies that get a line of their own with a name; the others share one thin grey line each."""
DASHES: tuple[Any, ...] = (
    "-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (8, 2)),
    (0, (3, 1.5, 1, 1.5, 1, 1.5)), (0, (2.5, 1)), (0, (1, 2.2)),
)  # fmt: skip
SIGNIFICANT = 0.02
"""A simplex marks the start and the end; paths shorter than this have no arrow."""


def abundance(result: EcologyResult, *, title: str | None = None, until: int | None = None) -> Figure:
    """How many players of each strategy in every generation.

    Ends at the generation `until` where given; an ecology that came to rest before stays as it was.
    """
    last = result.generations if until is None else until
    shown = min(last, result.generations)
    counts = np.asarray(result.counts[: shown + 1], np.float64)
    every = max(1, -(-len(counts) // MAX_BINS))
    x = np.unique(np.append(np.arange(0, len(counts), every), len(counts) - 1))
    order = np.argsort(-counts.max(axis=0) - counts[-1], kind="stable")
    with styled():
        made = figure(3.4)
        axes = made.subplots()
        for k in order[NAMED:].tolist():
            axes.plot(x, counts[x, k], color=FAINT, lw=0.5)
        ends, looks = [], []
        for n, k in enumerate(order[:NAMED].tolist()):
            y = counts[x, k]
            axes.plot(x, y, color=LINES[n], ls=DASHES[n], lw=1.5, clip_on=False, zorder=3)
            if last > shown and result.ending != "cycle":
                axes.plot([shown, last], [y[-1], y[-1]], color=LINES[n], ls=DASHES[n], lw=1.5, zorder=3)
            ends.append(float(y[-1]))
            looks.append((result.names[k], LINES[n], DASHES[n]))
        top = float(counts.max()) * 1.04
        axes.set_ylim(0, top)
        generation_axis(axes, max(last, 1))
        gap = 0.062 * top
        for place, end, (name, colour, dash) in zip(
            _apart(np.array(ends), gap, top), ends, looks, strict=True
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
        axes.set_title(title or _title(result, shown))
        if len(order) > NAMED:
            axes.text(
                0.01,
                0.97,
                f"grey: {len(order) - NAMED} others",
                transform=axes.transAxes,
                va="top",
                color="#777777",
            )
    return made


def simplex(result: EcologyResult, *, title: str | None = None) -> Figure:
    """The path of an ecology of three strategies through their shares.

    Each corner is a population of one strategy. Raises ValueError for any other number of strategies.
    """
    if len(result.names) != 3:
        raise ValueError(f"simplex: expected exactly three strategies, got {len(result.names)}")
    counts = np.asarray(result.counts, np.float64)
    shares = counts / counts.sum(axis=1, keepdims=True)
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    path = shares @ corners
    with styled():
        made = figure(4.4, 5.0)
        axes = made.subplots()
        axes.set_aspect("equal")
        axes.axis("off")
        for share in (0.25, 0.5, 0.75):
            for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
                ends = np.array([share * corners[a] + (1 - share) * corners[x] for x in (b, c)])
                axes.plot(*ends.T, color="#d8d8d8", lw=0.6, zorder=1)
        axes.plot(*np.vstack([corners, corners[:1]]).T, color="#444444", lw=0.9, zorder=2)
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
        axes.set_title(title or _title(result, result.generations))
    return made


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


def _apart(values: NDArray[np.float64], gap: float, top: float) -> list[float]:
    """Heights near `values` that are at least `gap` from each other, all between 0 and `top`."""
    order = np.argsort(values, kind="stable")
    places = values[order].astype(np.float64)
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + gap)
    if len(places) and places[-1] > top:
        places[-1] = top
        for k in range(len(places) - 2, -1, -1):
            places[k] = min(places[k], places[k + 1] - gap)
    back = np.empty(len(places))
    back[order] = places
    heights: list[float] = back.tolist()
    return heights


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
