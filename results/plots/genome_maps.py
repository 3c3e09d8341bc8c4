"""The figure of genomes: what the population is made of, in generations that every run keeps whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from genomes.lookup import LookupGenome, entry_labels, memory_text
from results.errors import RunError
from results.palette import BAND, MAIN, OTHERS
from results.plots.style import Canvas, Size, canvas, chosen, run_name, styled
from results.records import quantiles
from results.run.populations import milestones
from results.run.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SYMBOL = re.compile(r"D\(|\b(?:true|false|not|and|or|xor|implies|iff|exists|forall)\b|[∃∀¬∧∨⊕→↔⊤⊥]")


def genomes(
    run: Run,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """The mean genome of the population in generations 0 to 9, 10, 20 ... 90, 100, 200 ... and the last.

    Lookup genomes: the probability of cooperation after each history (`only`: some of them, such as "C|D"). Other
    genomes: their size. These populations are kept whole in every run, however it was committed; where one is
    missing, a gap is left.
    """
    with run.snapshot():
        if not len(run):
            raise RunError(f"{run.path}: no generation yet, nothing to draw")
        last, name = run.generation, run_name(run)
        times = sorted({*milestones(last), last})
        kept = set(run.kept_populations())
        populations = [
            [birth.genome for birth in run.population(time).population] if time in kept else []
            for time in times
        ]
    entry = lookup_columns([genome for population in populations for genome in population])
    with styled():
        if entry is None:
            sizes = [[complexity(g) for g in genomes] for genomes in populations]
            machines = all(g.startswith("machine(") for genomes in populations for g in genomes)
            measure = "states" if machines else "complexity"
            chosen(only, (measure,))
            made = canvas(3.2, ax=ax, size=size)
            made.title(made.axes, title, f"{measure.capitalize()} of genomes: {name}", pad=20)
            _sizes(made.axes, times, sizes, measure)
            return made.figure
        table = np.full((len(entry), len(times)), np.nan)
        for column, genomes in enumerate(populations):
            if genomes:
                table[:, column] = np.mean([entries(g) for g in genomes], axis=0)
        rows = [entry.index(one) for one in chosen(only, entry)]
        made = canvas(1.6 + float(np.clip(0.11 * len(rows), 1.4, 8)), ax=ax, size=size)
        made.title(made.axes, title, f"Mean genome of the population: {name}")
        _heat_map(made, times, table[rows], [entry[row] for row in rows])
        return made.figure


def _sizes(axes: Axes, times: Sequence[int], sizes: Sequence[Sequence[int]], measure: str) -> None:
    """The sizes of genomes, their mean and the middle half of the population."""
    there = [place for place, values in enumerate(sizes) if values]
    spread = np.array([quantiles(sizes[place], (25, 75)) for place in there])
    mean = [np.mean(sizes[place]) for place in there]
    axes.vlines(there, spread[:, 0], spread[:, 1], color=BAND, lw=4, label="25 to 75 %")
    axes.plot(there, mean, color=MAIN, ls="", marker="o", ms=3, label="mean")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=2)
    axes.set_ylabel(measure)
    axes.set_ylim(bottom=0)
    axes.set_xlim(-0.7, len(times) - 0.3)
    _times(axes, times)


def _times(axes: Axes, times: Sequence[int]) -> None:
    """Ticks at the generations shown; of many on narrow axes every so many."""
    room = max(4, int(axes.bbox.width / axes.figure.dpi * 8))
    every = -(-len(times) // room)
    axes.set_xticks(
        range(0, len(times), every), [f"{time:,}" for time in times[::every]], rotation=90, size=6
    )
    axes.set_xlabel("generation" + _steps(times))


def _heat_map(made: Canvas, times: Sequence[int], table: NDArray[np.float64], rows: list[str]) -> None:
    """A column for each generation of which there is a population; their distance is not to scale."""
    axes = made.axes
    axes.set_facecolor(OTHERS)
    image = axes.pcolormesh(
        np.arange(len(times) + 1) - 0.5, np.arange(len(rows) + 1) - 0.5, table,
        cmap="cividis", vmin=0, vmax=1, rasterized=True,
    )  # fmt: skip
    axes.set_ylim(len(rows) - 0.5, -0.5)
    steps = np.diff(times, prepend=times[0])
    for place in range(1, len(times)):
        wider = place > 1 and steps[place] != steps[place - 1]
        axes.axvline(place - 0.5, color="white", lw=2 if wider else 0.4)
    _times(axes, times)
    inches = axes.bbox.height / axes.figure.dpi
    size = float(np.clip(72 * inches / len(rows) * 0.8, 4, 7))
    every = max(1, int(np.ceil(len(rows) * size * 1.05 / 72 / inches)))
    axes.set_yticks(range(0, len(rows), every), rows[::every], size=size, family="monospace")
    opening = sum("|" not in row for row in rows)
    if 0 < opening < len(rows):
        axes.axhline(opening - 0.5, color="white", lw=1.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=2)
    axes.set_ylabel(
        "after own | other's moves" if made.narrow else "openings, then replies by own | other's moves"
    )
    bar = made.part.colorbar(image, ax=axes, fraction=0.03, pad=0.01, aspect=30)
    bar.set_label("chance to cooperate" + ("; grey: not kept" if np.isnan(table).any() else ""))
    bar.outline.set_visible(False)


def _steps(times: Sequence[int]) -> str:
    return " (not to scale)" if times[-1] > 10 else ""


def lookup_columns(texts: Sequence[str]) -> list[str] | None:
    """A name for each entry of lookup genomes of one size (``CC|DC``: own, opponent's); None for others."""
    if not texts or not texts[-1].startswith("memory("):
        return None
    genome = LookupGenome.parse(texts[-1])
    if not all(text.startswith(f"{memory_text(*genome.memory)} ") for text in texts):
        return None
    return entry_labels(*genome.memory)


@lru_cache(maxsize=4096)
def entries(genome: str) -> NDArray[np.float64]:
    """Opening and replies of a lookup genome as probabilities of cooperation."""
    _, _, table = genome.partition(") ")
    if "|" in table or " " in table:
        parsed = LookupGenome.parse(genome)
        return np.array([*parsed.opening, *parsed.replies])
    letters = np.frombuffer(table.encode(), np.uint8)
    return np.asarray((letters | 32) == ord("c"), np.float64)


def complexity(genome: str) -> int:
    """The states of a machine, or the atoms, constants, connectives and quantifiers of a formula (Ord's measure).

    Read from its text. A run file's text may be neither: a figure of it is drawn all the same.
    """
    return len(genome.split()) - 2 if genome.startswith("machine(") else len(_SYMBOL.findall(genome))
