"""The growth curves of a report: time against size, both axes logarithmic, with the memory of each point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Row
from results.palette import COLOURS
from results.plots.style import figure, save, styled

COLUMNS = 2


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw every curve among the rows of a report."""
    points: dict[str, list[Row]] = {}
    for row in rows:
        if row.curve is not None:
            points.setdefault(row.curve[0], []).append(row)
    if not points:
        return
    lines = -(-len(points) // COLUMNS)
    with styled():
        page = figure(1.7 * lines)
        axes = page.subplots(lines, COLUMNS, squeeze=False).flat
        for ax, (curve, members) in zip(axes, points.items(), strict=False):
            sizes = [row.curve[1] for row in members if row.curve is not None]
            times = [row.measured or 0.0 for row in members]
            ax.loglog(sizes, times, marker="o", markersize=3.5, color=COLOURS[0])
            what = members[0].what.split(": ", 1)[1]
            ax.set_title(f"{curve}\n", pad=2)
            ax.text(0, 1.03, what, transform=ax.transAxes, fontsize=6.5)
            ax.set_xticks(sizes, [f"{size:,}".replace(",", " ") for size in sizes])
            ax.set_xticks([], minor=True)
            decades = range(math.floor(math.log10(min(times))), math.ceil(math.log10(max(times))) + 1)
            ax.set_ylim(10 ** (decades[0] - 0.1), 10 ** (decades[-1] + 0.25))
            ax.set_yticks([10.0**d for d in decades], [f"{10.0**d:g}" for d in decades])
            ax.set_yticks([], minor=True)
            room = (sizes[-1] / sizes[0]) ** 0.12
            ax.set_xlim(sizes[0] / room, sizes[-1] * room)
            ax.set_ylabel("ms")
            for size, taken, row in zip(sizes, times, members, strict=True):
                if row.mebibytes is not None:
                    ax.annotate(
                        f"{row.mebibytes:.0f} MiB", (size, taken), (-2, 5), textcoords="offset points",
                        ha="center", fontsize=6, color="0.35",
                    )  # fmt: skip
        for ax in list(axes)[len(points) :]:
            ax.set_visible(False)
    save(page, path)
