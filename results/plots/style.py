"""How figures look, how a long run fits one, and how they are saved: fonts, colours that survive grey, labels.

Nothing here knows pyplot: figures are objects, so that they can be made in any thread and leave no state.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from engine.names import behaviour_label
from results.palette import COLOURS, OTHERS, edge
from results.run.place import write_whole
from results.run.store import Leaders, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 7.2
"""Inches: the width of a printed page between its margins."""

MAX_BINS = 1000
"""No figure draws more points along time than this: a screen has no more."""

LETTER_WIDTH = 0.66
"""About how wide a letter is, as a share of the size of the font."""

SAMPLES = 3000
"""Of so many generations at most the leading behaviours are read."""

NAMED = 10
"""Behaviours that get a colour of their own; with more, neighbours look alike."""

RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "hatch.linewidth": 0.4,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "run",
    "text.parse_math": False,  # a name is a name, with or without dollars
    "figure.dpi": 100,
    "savefig.dpi": 200,
}

HATCHES = ("", "", "////", "....", "\\\\\\\\", "----", "....", "////", "xxxx", "\\\\\\\\", "----")

KINDS: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
"""What a figure can be saved as, without the metadata that would differ between two times."""


@contextmanager
def styled() -> Iterator[None]:
    """Our settings, for as long as a figure is being made or saved."""
    settings: Any = {**matplotlib.rcParamsDefault, **RC, "backend": "agg"}
    with matplotlib.rc_context(settings):
        yield


def figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure with a canvas of its own."""
    made = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


def save(made: Figure, path: str | os.PathLike[str], dpi: int | None = None) -> Path:
    """Write a figure as what the ending of `path` says (.png, .svg or .pdf); the same figure gives the same bytes.

    The file is complete or not there at all, and a link in its place is replaced, not followed.
    """
    place = Path(path)
    kind = place.suffix.lower().lstrip(".")
    if kind not in KINDS:
        raise ValueError(f"plot: expected a file that ends in .png, .svg or .pdf, got {str(path)!r}")
    content = BytesIO()
    with styled():
        made.savefig(content, format=kind, dpi=dpi or RC["savefig.dpi"], metadata=KINDS[kind])
    write_whole(place, content.getvalue())
    return place


def as_label(text: str, most: int) -> str:
    """A text from outside as a label in one line, of at most so many letters and as wide as that many at most.

    What cannot be seen is written as an escape, a letter that the font lacks as a box; a space comes before a
    leading underscore, because a legend leaves such labels out (and those without a letter).

    >>> as_label("tit\\nfor\\x1b[1m tat", 40), as_label("a long name", 7)
    ('tit\\\\nfor\\\\x1b[1m tat', 'a long…')
    """
    if not text.strip():
        return "(no name)"
    letters = " " * text.startswith("_") + "".join(_letter(letter) for letter in text[: most + 1])
    if len(letters) <= most and sum(map(_width, letters)) <= LETTER_WIDTH * most:
        return letters
    widths = np.cumsum([_width(letter) for letter in letters[: most - 1]])
    return letters[: int(np.searchsorted(widths, LETTER_WIDTH * (most - 1), side="right"))] + "…"


@cache
def _letter(letter: str) -> str:
    if not letter.isprintable():
        return letter.encode("unicode_escape").decode()
    return letter if get_font(findfont(RC["font.family"])).get_char_index(ord(letter)) else "□"


@cache
def _width(letter: str) -> float:
    """Of one letter, as a share of the size of the font."""
    font = get_font(findfont(RC["font.family"]))
    font.set_size(100, 72)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / 100


def bins(length: int, columns: int = MAX_BINS) -> tuple[NDArray[np.int64], int]:
    """Where bins of equal width begin that cover `length` generations, at most `columns`; and their width."""
    width = max(1, math.ceil(length / columns))
    return np.arange(0, length, width), width


def thinned(values: NDArray[Any], starts: NDArray[np.int64], of: str = "mean") -> NDArray[np.float64]:
    """Mean, min or max of each bin; what is lost (nan) does not count."""
    real = np.asarray(values, np.float64)
    lost = np.isnan(real)
    if of != "mean":
        reduce = np.fmin if of == "min" else np.fmax
        return np.asarray(reduce.reduceat(real, starts))
    total = np.add.reduceat(np.where(lost, 0.0, real), starts)
    count = np.add.reduceat((~lost).astype(np.float64), starts)
    return np.asarray(np.divide(total, count, out=np.full(len(starts), np.nan), where=count > 0))


def generation_axis(axes: Axes, last: int, width: int = 1, first: int = 0, every: int = 1) -> None:
    """The time axis: whole generations, with thousands set apart; points are means of `width` of them, of which
    each `every`-th is read.
    """
    axes.set_xlim((first, last) if last > first else (first - 0.5, last + 0.5))
    if last > first:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    else:
        axes.set_xticks([last])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    read = f", of which 1 in {every} is read" if every > 1 else ""
    axes.set_xlabel("generation" if width == 1 else f"generation (means of {width}{read})")


@dataclass(frozen=True)
class Look:
    """How one behaviour is drawn, everywhere."""

    label: str
    colour: str
    hatch: str

    @property
    def patch(self) -> dict[str, Any]:
        """Colours of a patch: the hatch in white on the dark, in grey on the light."""
        return {
            "facecolor": self.colour,
            "hatch": self.hatch,
            "edgecolor": edge(self.colour) if self.hatch else "white",
        }


class Looks:
    """The most abundant behaviours of a run in lineage order, each with its look; the rest share one."""

    def __init__(self, run: Run) -> None:
        self.every = bins(max(len(run), 1), SAMPLES)[1]
        self.leaders: Leaders = run.leaders(self.every)
        table = self.leaders
        total = np.bincount(table.behaviour, table.count, minlength=len(table.behaviours))
        if len(table.generation):
            latest = table.generation == table.generation[-1]
            total[table.behaviour[latest][:1]] = np.inf  # whoever leads in the end is shown
        chosen = [int(b) for b in np.argsort(-total, kind="stable")[:NAMED] if total[b] > 0]
        self.order = lineage_order(table, chosen)
        self._looks = {
            table.behaviours[b].behaviour: Look(
                short_name(table.behaviours[b].name, table.behaviours[b].behaviour),
                COLOURS[n % len(COLOURS)],
                HATCHES[n % len(HATCHES)],
            )
            for n, b in enumerate(self.order)
        }
        self._names = {b.behaviour: b.name for b in table.behaviours}

    def __getitem__(self, behaviour: str) -> Look:
        look = self._looks.get(behaviour)
        return look or Look(short_name(self._names.get(behaviour), behaviour), OTHERS, "")


def short_name(name: str | None, behaviour: str) -> str:
    """The name, or the first digits of the key."""
    return as_label(behaviour_label(name, behaviour), 26)


def lineage_order(leaders: Leaders, chosen: Sequence[int]) -> list[int]:
    """The chosen behaviours with each next to the one it descends from (depth first, oldest first)."""
    wanted = set(chosen)
    children: dict[int | None, list[int]] = {}
    for behaviour in sorted(wanted):  # numbered in order of first leading
        above, seen = leaders.behaviours[behaviour].ancestor, {behaviour}
        while above is not None and above not in wanted and above not in seen:
            seen.add(above)
            above = leaders.behaviours[above].ancestor
        children.setdefault(above if above in wanted and above not in seen else None, []).append(behaviour)
    order: list[int] = []
    stack = children.get(None, [])[::-1]
    while stack:
        here = stack.pop()
        order.append(here)
        stack += children.get(here, [])[::-1]
    return order + [behaviour for behaviour in sorted(wanted) if behaviour not in set(order)]


def run_name(run: Run) -> str:
    """The run's name, short enough for a title."""
    return as_label(str(run.provenance["name"]), 32)


def text_size(axes: Axes, text: str, points: float) -> tuple[float, float]:
    """About how wide and high a text will be, as shares of its axes."""
    inches = float(RC["figure.dpi"])
    width, height = axes.bbox.width / inches, axes.bbox.height / inches
    return LETTER_WIDTH * points / 72 * len(text) / width, 1.3 * points / 72 / height
