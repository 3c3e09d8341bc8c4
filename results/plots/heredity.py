"""The figures of heredity: the champion's line of descent and the family tree of the living.

They read births; the figures of numbers over time are in `results.plots.run`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from genomes.wording import change, rewriting
from results.binning import MAX_BINS
from results.errors import RunError
from results.faces import faces_of
from results.lineage import FamilyTree, family_tree, line_of_descent
from results.looks import Look, mixed
from results.palette import FAINT, MAIN, ink
from results.plots.genome_maps import entries, lookup_columns
from results.plots.style import (
    LONGEST_LABEL,
    NARROW,
    Canvas,
    Size,
    as_label,
    canvas,
    chosen,
    generation_axis,
    patch,
    run_name,
    styled,
    text_size,
)
from results.records import Birth, BirthId
from results.run.store import Run

UPWARD = "#c98a00"
"""The colour of what became more cooperative; less is `MAIN`."""

LINE_INCHES = 0.19
"""The height of a line of text."""

MARKED = 40
"""A table with at most so many entries has a row for each."""

MAX_CHANGES_LISTED = 26
"""Changes that are written out."""

LARGE, BRIEF, MOST_TAKEOVERS = 10, 50, 30
"""A takeover leaves one in `LARGE` of the living and lasts one in `BRIEF` of the generations; so many are marked."""


def descent(
    run: Run,
    id: BirthId | None = None,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """The line of descent of an individual (the champion): what it did, and the changes of its genome behind that.

    Small tables: a mark in the row of each entry that changed, full where the behaviour changed with it. Other
    genomes: every change as a tick, and in words those after which the line was called something else, or led for the
    first time. `only`: one of the two parts, "behaviour" or "changes".
    """
    with run.snapshot():
        _refuse_empty(run)
        line = line_of_descent(run, id)
        faces = faces_of(run)
        looks, last, name = _looks(run, line), run.generation, run_name(run)
    columns = lookup_columns([birth.genome for birth in line])
    parts = chosen(only, ("behaviour", "changes"))
    marked = columns is not None and len(columns) <= MARKED
    written = [] if marked else _decisive(line, looks, {b.behaviour for b in faces.leaders.behaviours})
    if marked:
        assert columns is not None
        lower = max(1.6, 0.135 * len(columns))
    else:
        lower = LINE_INCHES * (min(len(written), MAX_CHANGES_LISTED) + 4.5)
    heights = {"behaviour": 0.3, "changes": lower}
    with styled():
        grid = (2, 1) if len(parts) == 2 else ()
        ratios = {"height_ratios": [heights[part] for part in parts]} if grid else {}
        made = canvas(1.3 + sum(heights[part] for part in parts), *grid, ax=ax, size=size, **ratios)
        places = dict(zip(parts, np.ravel(made.axes), strict=True))
        made.title(places[parts[0]], title, f"Line of descent of {line[-1].id}: {name}")
        strip = places.get("behaviour")
        if strip is not None:
            _behaviour_strip(strip, line, looks, last)
            generation_axis(strip, last, first=line[0].id.generation)
            if not marked:
                _rug(strip, line)
        below = places.get("changes")
        if below is not None and marked and columns is not None:
            _marked(made, below, line, columns, last)
            if strip is not None:
                strip.sharex(below)
                strip.tick_params(labelbottom=False)
                strip.set_xlabel("")
        elif below is not None:
            _listed(below, line, written, looks)
    return made.figure


def _marked(made: Canvas, axes: Axes, line: Sequence[Birth], columns: list[str], last: int) -> None:
    """Rows are the genome's entries, marks its changes."""
    at, where, up, full = changes(line)
    for birth in line[1:]:
        if birth.origin == "crossover" and len(line) <= MAX_BINS:
            axes.axvline(birth.id.generation, color="#d0d0d0", lw=0.5, zorder=0)
    size = float(np.clip(26 - len(at) / 40, 5, 26))
    for upward, marker, colour in ((True, "^", UPWARD), (False, "v", MAIN)):
        for changed in (False, True):
            picked = (up == upward) & (full == changed)
            axes.scatter(
                at[picked],
                where[picked] + (-0.14 if upward else 0.14),  # side by side where they meet
                s=size,
                marker=marker,
                facecolors=colour if changed else "white",
                edgecolors=colour,
                linewidths=0.6,
                zorder=2 + changed,
                clip_on=False,
                rasterized=len(at) > 3000,
            )
    axes.set_ylim(len(columns) - 0.4, -0.6)
    axes.set_yticks(range(len(columns)), columns, size=7, family="monospace")
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
    made.part.legend(handles=handles, loc="outside lower center", ncols=2 if made.narrow else 4)


def _decisive(
    line: Sequence[Birth], looks: Mapping[str, Look], leaders: set[str]
) -> list[tuple[Birth, Birth]]:
    """Births (with their parents) after which the line was called something else, or led for the first time."""
    led = {line[0].behaviour} & leaders
    found = []
    for before, birth in pairwise(line):
        first = birth.behaviour in leaders and birth.behaviour not in led and not led
        led |= {birth.behaviour} & leaders
        if looks[birth.behaviour].label != looks[before.behaviour].label or first:
            found.append((before, birth))
    return found


def _rug(axes: Axes, line: Sequence[Birth]) -> None:
    """A tick below the axis for every change of the genome, longer where the behaviour changed with it."""
    for changed, length in ((False, 0.10), (True, 0.22)):
        at = [
            birth.id.generation
            for before, birth in pairwise(line)
            if birth.genome != before.genome and (birth.behaviour != before.behaviour) == changed
        ]
        axes.vlines(
            at, 1.0, 1.0 + length, transform=axes.get_xaxis_transform(), color=MAIN if changed else FAINT, lw=0.5,
            clip_on=False, rasterized=len(at) > 3000,
        )  # fmt: skip


def _listed(
    axes: Axes, line: Sequence[Birth], decisive: Sequence[tuple[Birth, Birth]], looks: Mapping[str, Look]
) -> None:
    """The last decisive changes, in words."""
    lines = max(1, int(axes.bbox.height / axes.figure.dpi / LINE_INCHES) - 4)
    written = decisive[-min(MAX_CHANGES_LISTED, lines) :]
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(written) + 3.5, -0.9)
    names = {behaviour: as_label(look.label, 26) for behaviour, look in looks.items()}
    first = line[0]
    rows: list[tuple[str, str, str, str]] = [
        (f"{first.id.generation:,}", first.origin, names[first.behaviour], first.genome)
    ]
    rows += [
        (f"{b.id.generation:,}", b.origin, names[b.behaviour], _worded(a.genome, b.genome))
        for a, b in written
    ]
    rows.append(("", "is now", names[line[-1].behaviour], line[-1].genome))
    room = max(10, int(0.57 * axes.bbox.width / axes.figure.dpi * 72 / (6.5 * 0.61)))
    narrow = axes.bbox.width / axes.figure.dpi < NARROW
    at = (0.1, None, 0.13, 0.5) if narrow else (0.055, 0.07, 0.17, 0.43)
    for n, (generation, origin, does, text) in enumerate(rows):
        axes.text(at[0], n, generation, ha="right", va="center", size=7)
        if at[1] is not None:
            axes.text(at[1], n, origin, va="center", size=7, color="#555555")
        axes.text(at[2], n, does, va="center", size=7)
        axes.text(at[3], n, as_label(text, room), va="center", size=6.5, family="monospace")
    every = sum(birth.genome != before.genome for before, birth in pairwise(line))
    note = (
        f"{every:,} changes of the genome in all (ticks; long: of what it does); written out: those that changed what "
        "it is called"
        + (f", the last {len(written)} of {len(decisive):,}" if len(written) < len(decisive) else "")
    )
    axes.text(0.0, len(rows) + 0.4, note, va="center", size=6, color="#555555", style="italic", wrap=True)


def _worded(before: str, after: str) -> str:
    """What changed between two genomes, in words; also of texts that a file calls genomes."""
    try:
        return change(before, after)
    except ValueError:
        return rewriting(before, after)


def _behaviour_strip(axes: Axes, line: Sequence[Birth], looks: Mapping[str, Look], last: int) -> None:
    """What the line did, as a coloured ribbon with names where they fit."""
    begins = [n for n, birth in enumerate(line) if n == 0 or birth.behaviour != line[n - 1].behaviour]
    first = line[0].id.generation
    starts = [float(line[n].id.generation) for n in begins] if last > first else [first - 0.5]
    ends = [*starts[1:], float(last) if last > first else last + 0.5]
    span = ends[-1] - starts[0]
    for n, start, end in zip(begins, starts, ends, strict=True):
        look = looks[line[n].behaviour]
        label = as_label(look.label, LONGEST_LABEL)
        edge = 0.3 if len(begins) < 100 else 0.0  # of many narrow pieces, edges would be all that is seen
        axes.axvspan(start, end, lw=edge, **patch(look))
        width, _ = text_size(axes, label, 7)
        if (end - start) / span > width:
            axes.text(
                (start + end) / 2,
                0.5,
                label,
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


def family(
    run: Run,
    *,
    ax: Axes | None = None,
    size: Size | None = None,
    title: str | None = None,
    only: Sequence[str] | None = None,
) -> Figure:
    """The family tree of the last population, back to its most recent common ancestor or its founders.

    Branches have the colour of what they did; a dot marks where a branch from which at least a tenth of the living
    descend began to be called something else. `only`: the labels of those whose branches are coloured.
    """
    with run.snapshot():
        _refuse_empty(run)
        tree = family_tree(run)
        looks, last, name = _looks(run, tree.births), run.generation, run_name(run)
    labels = [looks[birth.behaviour].label for birth in tree.births]
    coloured = set(chosen(only, sorted(set(labels))))
    height, lines, owner = layout(tree, last, labels)
    leaves = tree.leaves[np.argsort(height[tree.leaves])]
    ago = last - min(birth.id.generation for birth in tree.births)
    logarithmic = ago > 40

    def place(generation: NDArray[np.float64]) -> NDArray[np.float64]:
        return -np.log10(1 + last - generation) if logarithmic else generation - last

    with styled():
        made = canvas(float(np.clip(0.045 * len(leaves) + 1.6, 2.6, 8.5)), ax=ax, size=size)
        axes = made.axes
        drawn = lines.copy()
        drawn[:, :, 0] = place(lines[:, :, 0])
        colours = [
            mixed(looks[birth.behaviour].colour, "#000000", 0.2) if label in coloured else FAINT
            for birth, label in zip(tree.births, labels, strict=True)
        ]
        axes.add_collection(
            LineCollection(list(drawn), colors=[colours[n] for n in owner], lw=1.0, capstyle="projecting")
        )
        left = float(place(np.array([float(last - ago)]))[0])
        reach = max(-left, 1e-9)
        axes.set_xlim(left - 0.03 * reach if ago else -1, 0.16 * reach if ago else 0.2)
        axes.set_ylim(len(leaves) - 0.3, -0.7)
        _takeovers(axes, tree, labels, height, place, colours)
        _clade_strip(axes, [tree.births[leaf] for leaf in leaves], looks, 0.012 * reach, 0.035 * reach)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        if logarithmic:
            ticks = [0.0, 1.0] + [10.0**n for n in range(1, 8) if 10**n <= ago]
            axes.set_xticks(
                [float(place(np.array([last - t]))[0]) for t in ticks], [f"{t:,.0f}" for t in ticks]
            )
        else:
            axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{abs(x):,.0f}" if x <= 0 else ""))
        axes.spines["bottom"].set_bounds(left, 0)
        axes.set_xlabel("generations before the last")
        roots = len(tree.roots)
        first = tree.births[int(tree.roots[0])].id
        origin = f"common ancestor {first}" if roots == 1 else f"{roots} founders"
        made.title(axes, title, f"Family tree of {len(leaves)} living, {origin}: {name}")
    return made.figure


def _takeovers(
    axes: Axes,
    tree: FamilyTree,
    labels: Sequence[str],
    height: NDArray[np.float64],
    place: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    colours: Sequence[str],
) -> None:
    """Where a large branch began to do something else and kept to it: a dot, and in words where there is room."""
    parents, born = tree.parent.tolist(), [birth.id.generation for birth in tree.births]
    first, last = min(born), max(born)
    lasting = list(born)  # until when the branch, or some of it, is called the same
    for n in range(len(parents) - 1, 0, -1):
        if parents[n] >= 0 and labels[n] == labels[parents[n]]:
            lasting[parents[n]] = max(lasting[parents[n]], lasting[n])
    found = [
        n
        for n, parent in enumerate(parents)
        if parent >= 0
        and labels[n] != labels[parent]
        and tree.descendants[n] * LARGE >= len(tree.leaves)
        and (lasting[n] - born[n]) * BRIEF >= last - first
    ]
    found.sort(key=lambda n: (-(lasting[n] - born[n]), n))
    named: list[tuple[float, float]] = []
    for n in found[:MOST_TAKEOVERS]:
        x, y = float(place(np.array([float(born[n])]))[0]), float(height[n])
        axes.plot(x, y, marker="o", ms=4.5, mfc=colours[n], mec="black", mew=0.6, ls="", zorder=4)
        across, down = axes.get_xlim()[1] - axes.get_xlim()[0], len(tree.leaves)
        text = f"{as_label(labels[n], 24)} ({born[n]:,})"
        wide, high = text_size(axes, text, 6)
        if all(abs(x - a) > wide * across or abs(y - b) > 1.2 * high * down for a, b in named):
            named.append((x, y))
            axes.annotate(
                text, (x, y), (2, 4), textcoords="offset points", size=6, zorder=5, annotation_clip=True,
                path_effects=[withStroke(linewidth=2, foreground="white")],
            )  # fmt: skip


def _clade_strip(
    axes: Axes, births: Sequence[Birth], looks: Mapping[str, Look], left: float, right: float
) -> None:
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
            **patch(look),
        )
        before, until = widest.get(behaviour, (0, 0))
        if end - begin > until - before:
            widest[behaviour] = (begin, end)
    for behaviour, (begin, end) in widest.items():
        label = as_label(looks[behaviour].label, LONGEST_LABEL)
        if (end - begin) / len(births) >= text_size(axes, label, 6.5)[1]:
            axes.text(right * 1.35, (begin + end - 1) / 2, label, va="center", size=6.5, clip_on=False)


def layout(
    tree: FamilyTree, last: int, kinds: Sequence[str] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
    """Heights of all births; the segments that join them, ``(segments, 2, 2)`` of (generation, height); whose each is.

    Leaves stand on whole numbers, every clade together; the dead in the middle of their children. A chain of only
    children of one of the `kinds` is one segment.
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
    segments: list[tuple[tuple[float, float], tuple[float, float]]] = []
    owner: list[int] = []
    since = born.copy()
    for n in range(count):
        parent = int(tree.parent[n])
        alone = parent >= 0 and len(children[parent]) == 1 and not leaf[parent]
        if alone and (kinds is None or kinds[n] == kinds[parent]):
            since[n] = since[parent]  # one line for a whole chain: long stems are cheap to draw
        elif alone:
            segments.append(((since[parent], height[parent]), (born[n], height[n])))
            owner.append(parent)
        elif parent >= 0:
            segments.append(((born[n], height[parent]), (born[n], height[n])))
            owner.append(n)
        if leaf[n] or len(children[n]) > 1:
            until = float(last) if leaf[n] else max(born[c] for c in children[n])
            segments.append(((since[n], height[n]), (until, height[n])))
            owner.append(n)
    return height, np.array(segments, np.float64).reshape(-1, 2, 2), owner


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


def _looks(run: Run, births: Sequence[Birth]) -> dict[str, Look]:
    """The look of each of their behaviours."""
    genomes = {birth.behaviour: birth.genome for birth in births}
    return dict(zip(genomes, faces_of(run).many(genomes.items()), strict=True))


def _refuse_empty(run: Run) -> None:
    if not len(run):
        raise RunError(f"{run.path}: no generation yet, nothing to draw")
