"""The figures of heredity: the champion's line of descent and the family tree of the living.

They read births; the figures of numbers over time are in `results.plots.run`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from genomes.wording import rewriting
from results.errors import RunError
from results.lineage import FamilyTree, family_tree, line_of_descent
from results.palette import MAIN, ink
from results.plots.genome_maps import entries, lookup_columns
from results.plots.style import (
    MAX_BINS,
    Looks,
    as_label,
    figure,
    generation_axis,
    run_name,
    styled,
    text_size,
)
from results.records import Birth, BirthId
from results.run.store import Run

UPWARD = "#c98a00"
"""The colour of what became more cooperative; less is `MAIN`."""

MAX_CHANGES_LISTED = 26
"""Changes of a genome without a table that are written out."""


def descent(run: Run, id: BirthId | None = None) -> Figure:
    """The line of descent of an individual (the champion): every change of its genome, and what it then did.

    Lookup genomes: a mark in the row of each entry that changed, full where the behaviour changed with it.
    Other genomes: the last changes, written out.
    """
    with run.snapshot():
        _refuse_empty(run)
        line = line_of_descent(run, id)
        looks, last, name = Looks(run), run.generation, run_name(run)
    columns = lookup_columns([birth.genome for birth in line])
    title = f"Line of descent of {line[-1].id}: {name}"
    with styled():
        made = _marked(line, columns, last) if columns is not None else _listed(line)
        strip, axes = made.axes
        _behaviour_strip(strip, line, looks, last)
        strip.set_title(title)
        if columns is not None:
            strip.sharex(axes)
            strip.tick_params(labelbottom=False)
        else:
            generation_axis(strip, last, first=line[0].id.generation)
            strip.set_xlabel("")
    return made


def _marked(line: Sequence[Birth], columns: list[str], last: int) -> Figure:
    """Rows are the genome's entries, marks its changes."""
    at, where, up, full = changes(line)
    # Where there are many entries, only those that ever changed.
    rows = np.unique(where) if len(columns) > 40 else np.arange(len(columns))
    rows = rows if len(rows) else np.arange(min(len(columns), 4))
    place = np.full(len(columns), -1)
    place[rows] = np.arange(len(rows))
    made = figure(1.5 + max(1.6, min(0.135 * len(rows), 8.5)))
    _, axes = made.subplots(2, 1, height_ratios=(0.3, max(1.6, min(0.135 * len(rows), 8.5))))
    for birth in line[1:]:
        if birth.origin == "crossover" and len(line) <= MAX_BINS:
            axes.axvline(birth.id.generation, color="#d0d0d0", lw=0.5, zorder=0)
    size = float(np.clip(26 - len(at) / 40, 5, 26))
    for upward, marker, colour in ((True, "^", UPWARD), (False, "v", MAIN)):
        for changed in (False, True):
            chosen = (up == upward) & (full == changed)
            axes.scatter(
                at[chosen],
                place[where[chosen]] + (-0.14 if upward else 0.14),  # side by side where they meet
                s=size,
                marker=marker,
                facecolors=colour if changed else "white",
                edgecolors=colour,
                linewidths=0.6,
                zorder=2 + changed,
                clip_on=False,
                rasterized=len(at) > 3000,
            )
    axes.set_ylim(len(rows) - 0.4, -0.6)
    font = float(np.clip(72 * 8.5 / max(len(rows), 1) * 0.62, 3.5, 7))
    every = max(1, int(np.ceil(len(rows) / 110)))
    axes.set_yticks(
        range(0, len(rows), every), [columns[row] for row in rows[::every]], size=font, family="monospace"
    )
    axes.grid(axis="y", color="#ececec", lw=0.5)
    axes.set_axisbelow(True)
    axes.set_ylabel("entry (own moves | opponent's)")
    generation_axis(axes, last, first=line[0].id.generation)
    handles = [
        Line2D([], [], ls="", marker="^", mfc=UPWARD, mec=UPWARD, ms=4.5, label="more cooperative"),
        Line2D([], [], ls="", marker="v", mfc=MAIN, mec=MAIN, ms=4.5, label="less cooperative"),
        Line2D([], [], ls="", marker="v", mfc="white", mec=MAIN, ms=4.5, label="hollow: behaviour unchanged"),
    ]
    if len(line) <= MAX_BINS and any(birth.origin == "crossover" for birth in line):
        handles.append(Line2D([], [], color="#c0c0c0", lw=1, label="crossover"))
    made.legend(handles=handles, loc="outside lower center", ncols=4)
    return made


def _listed(line: Sequence[Birth]) -> Figure:
    """The last changes of a genome that is no table, as text."""
    changed = [(birth, before) for before, birth in pairwise(line) if birth.genome != before.genome]
    written = changed[-MAX_CHANGES_LISTED:]
    made = figure(1.3 + 0.19 * (len(written) + 3))
    _, axes = made.subplots(2, 1, height_ratios=(0.3, 0.19 * (len(written) + 3)))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(written) + 2.5, -0.5)
    rows: list[tuple[str, str, str, str]] = [
        (f"{line[0].id.generation:,}", line[0].origin, "", line[0].genome)
    ]
    rows += [
        (
            f"{b.id.generation:,}",
            b.origin,
            "" if b.behaviour == a.behaviour else "●",
            rewriting(a.genome, b.genome),
        )
        for b, a in written
    ]
    rows.append(("", "is now", "", line[-1].genome))
    for n, (generation, origin, mark, text) in enumerate(rows):
        axes.text(0.07, n, generation, ha="right", va="center", size=7)
        axes.text(0.09, n, mark, va="center", size=7)
        axes.text(0.115, n, origin, va="center", size=7, color="#555555")
        axes.text(0.21, n, as_label(text, 92), va="center", size=6.5, family="monospace")
    if len(changed) > len(written):
        note = f"{len(changed) - len(written):,} earlier changes are not written out"
        axes.text(0.21, 0.5, note, va="center", size=6, color="#555555", style="italic")
    axes.text(0.09, len(rows), "● behaviour changed", va="center", size=7, color="#555555")
    return made


def _behaviour_strip(axes: Axes, line: Sequence[Birth], looks: Looks, last: int) -> None:
    """What the line did, as a coloured ribbon with names where they fit."""
    begins = [n for n, birth in enumerate(line) if n == 0 or birth.behaviour != line[n - 1].behaviour]
    first = line[0].id.generation
    starts = [float(line[n].id.generation) for n in begins] if last > first else [first - 0.5]
    ends = [*starts[1:], float(last) if last > first else last + 0.5]
    span = ends[-1] - starts[0]
    for n, start, end in zip(begins, starts, ends, strict=True):
        look = looks[line[n].behaviour]
        edge = 0.3 if len(begins) < 100 else 0.0  # of many narrow pieces, edges would be all that is seen
        axes.axvspan(start, end, lw=edge, **look.patch)
        width, _ = text_size(axes, look.label, 7)
        if (end - start) / span > width:
            axes.text(
                (start + end) / 2,
                0.5,
                look.label,
                ha="center",
                va="center",
                size=7,
                color=ink(look.colour),
                bbox={"facecolor": look.colour, "edgecolor": "none", "pad": 0.8} if look.hatch else None,
            )
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_ylabel("does", rotation=0, ha="right", va="center")
    axes.spines[["left", "bottom"]].set_visible(False)


def family(run: Run) -> Figure:
    """The family tree of the last population, back to its most recent common ancestor or its founders."""
    with run.snapshot():
        _refuse_empty(run)
        tree = family_tree(run)
        looks, last, name = Looks(run), run.generation, run_name(run)
    height, lines = layout(tree, last)
    leaves = tree.leaves[np.argsort(height[tree.leaves])]
    ago = last - min(birth.id.generation for birth in tree.births)
    logarithmic = ago > 40

    def place(generation: NDArray[np.float64]) -> NDArray[np.float64]:
        return -np.log10(1 + last - generation) if logarithmic else generation - last

    with styled():
        made = figure(float(np.clip(0.045 * len(leaves) + 1.6, 2.6, 8.5)))
        axes = made.subplots()
        drawn = lines.copy()
        drawn[:, :, 0] = place(lines[:, :, 0])
        axes.add_collection(LineCollection(list(drawn), colors="#333333", lw=0.7, capstyle="projecting"))
        left = float(place(np.array([float(last - ago)]))[0])
        reach = max(-left, 1e-9)
        axes.set_xlim(left - 0.03 * reach if ago else -1, 0.16 * reach if ago else 0.2)
        axes.set_ylim(len(leaves) - 0.3, -0.7)
        _clade_strip(axes, [tree.births[leaf] for leaf in leaves], looks, 0.012 * reach, 0.035 * reach)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        if logarithmic:
            ticks = [0.0, 1.0] + [10.0**n for n in range(1, 8) if 10**n <= ago]
            axes.set_xticks(
                [float(place(np.array([last - t]))[0]) for t in ticks], [f"{t:,.0f}" for t in ticks]
            )
        else:
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{abs(x):,.0f}" if x <= 0 else ""))
        axes.spines["bottom"].set_bounds(left, 0)
        axes.set_xlabel("generations before the last")
        roots = len(tree.roots)
        first = tree.births[int(tree.roots[0])].id
        origin = f"common ancestor {first}" if roots == 1 else f"{roots} founders"
        axes.set_title(f"Family tree of {len(leaves)} living, {origin}: {name}")
    return made


def _clade_strip(axes: Axes, births: Sequence[Birth], looks: Looks, left: float, right: float) -> None:
    """What each of the living does, beside the tree; each behaviour named once, where it has most room."""
    begins = [n for n, b in enumerate(births) if n == 0 or b.behaviour != births[n - 1].behaviour]
    widest: dict[str, tuple[int, int]] = {}
    for begin, end in zip(begins, [*begins[1:], len(births)], strict=True):
        behaviour = births[begin].behaviour
        look = looks[behaviour]
        axes.fill_between(
            [left, right],
            begin - 0.5,
            end - 0.5,
            lw=0.3,
            **look.patch,
        )
        before, until = widest.get(behaviour, (0, 0))
        if end - begin > until - before:
            widest[behaviour] = (begin, end)
    for behaviour, (begin, end) in widest.items():
        label = looks[behaviour].label
        if (end - begin) / len(births) >= text_size(axes, label, 6.5)[1]:
            axes.text(right * 1.35, (begin + end - 1) / 2, label, va="center", size=6.5, clip_on=False)


def layout(tree: FamilyTree, last: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heights of all births, and the segments that join them, ``(segments, 2, 2)`` of (generation, height).

    Leaves stand on whole numbers, every clade together; the dead in the middle of their children.
    """
    count = len(tree.births)
    born = np.array([birth.id.generation for birth in tree.births], np.float64)
    leaf = np.zeros(count, bool)
    leaf[tree.leaves] = True
    children: list[list[int]] = [[] for _ in range(count)]
    for n in range(count):
        if tree.parent[n] >= 0:
            children[tree.parent[n]].append(n)
    size = tree.descendants
    first = np.zeros(count, np.int64)
    top = 0
    for n in range(count):  # parents stand before their children
        if tree.parent[n] < 0:
            first[n] = top
            top += int(size[n])
        below = int(first[n]) + int(leaf[n])
        for child in sorted(children[n], key=lambda c: (size[c], c)):
            first[child] = below
            below += int(size[child])
    height = np.zeros(count)
    for n in range(count - 1, -1, -1):
        height[n] = first[n] if leaf[n] else (height[children[n][0]] + height[children[n][-1]]) / 2
        if not leaf[n] and len(children[n]) > 1:
            ends = [height[c] for c in children[n]]
            height[n] = (min(ends) + max(ends)) / 2
    segments = []
    since = born.copy()
    for n in range(count):
        parent = int(tree.parent[n])
        alone = parent >= 0 and len(children[parent]) == 1 and not leaf[parent]
        if alone:
            since[n] = since[parent]  # one line for a whole chain: long stems are cheap to draw
        elif parent >= 0:
            segments.append(((born[n], height[parent]), (born[n], height[n])))
        if leaf[n] or len(children[n]) > 1:
            until = float(last) if leaf[n] else max(born[c] for c in children[n])
            segments.append(((since[n], height[n]), (until, height[n])))
    return height, np.array(segments, np.float64).reshape(-1, 2, 2)


def changes(
    line: Sequence[Birth],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Every change along a line of lookup genomes, as columns: generation, entry, more cooperative,
    behaviour changed with it.
    """
    at, where, up, full = [], [], [], []
    for before, birth in pairwise(line):
        if before.genome != birth.genome:
            step = entries(birth.genome) - entries(before.genome)
            places = np.flatnonzero(step)
            at.append(np.full(len(places), birth.id.generation))
            where.append(places)
            up.append(step[places] > 0)
            full.append(np.full(len(places), birth.behaviour != before.behaviour))
    if not at:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing.astype(bool), nothing.astype(bool)
    return np.concatenate(at), np.concatenate(where), np.concatenate(up), np.concatenate(full)


def _refuse_empty(run: Run) -> None:
    if not len(run):
        raise RunError(f"{run.path}: no generation yet, nothing to draw")
