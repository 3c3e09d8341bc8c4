"""How figures look, how a long run fits one, and how they are saved: fonts, colours that survive grey, labels.

Nothing here knows pyplot: figures are objects, so that they can be made in any thread and leave no state.
"""

from __future__ import annotations

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

from results.looks import Look
from results.run.place import write_whole
from results.run.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 7.2
"""Inches: the width of a printed page between its margins."""

NARROW = 5.0
"""Inches: narrower figures have their legends below."""

MAX_INCHES = 100
"""Of a figure's width and height."""

TITLE_LETTER = 0.6
"""About how wide a letter of a bold title is, as a share of its size."""

LETTER_WIDTH = 0.66
"""About how wide a letter is, as a share of the size of the font."""

LONGEST_LABEL = 30
"""Letters of a behaviour's label in a figure."""

DASHES: tuple[Any, ...] = (
    "-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (8, 2)),
    (0, (3, 1.5, 1, 1.5, 1, 1.5)), (0, (2.5, 1)), (0, (1, 2.2)),
)  # fmt: skip
"""How lines side by side differ in grey."""

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


Size = tuple[float, float]
"""Width and height of a figure in inches."""


def figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure with a canvas of its own."""
    made = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


@dataclass(frozen=True)
class Canvas:
    """Where a figure is drawn: `figure` the whole, `part` what is ours of it, `axes` ours, one or an array of them."""

    figure: Figure
    part: Any
    axes: Any

    @property
    def width(self) -> float:
        """Inches."""
        return float(self.part.bbox.width / self.figure.dpi)

    @property
    def narrow(self) -> bool:
        """Too narrow for a legend beside the axes, or with all its entries in one line."""
        return self.width < NARROW

    def title(self, axes: Axes, given: str | None, ours: str, pad: float | None = None) -> None:
        """The title that was asked for, else ours, as long as there is room for it."""
        text = ours if given is None else given
        room = int(self.width * 72 / (RC["axes.titlesize"] * TITLE_LETTER))
        axes.set_title(as_label(text, max(room, 8)) if text else "", pad=pad)


def canvas(
    height: float, *grid: int, ax: Axes | None = None, size: Size | None = None, **options: Any
) -> Canvas:
    """A new figure of that height, or of the `size` asked for, with a `grid` of axes (rows, columns); or, instead, axes
    of another figure, in whose place the grid stands.

    Raises ValueError for an impossible size, for both, and for axes outside a grid where several are needed.
    """
    if ax is None:
        if size is not None and not (len(size) == 2 and all(0.5 <= s <= MAX_INCHES for s in size)):
            raise ValueError(f"size: expected width and height from 0.5 to {MAX_INCHES} inches, got {size!r}")
        made = figure(height) if size is None else figure(size[1], size[0])
        return Canvas(made, made, made.subplots(*grid, **options))
    if size is not None:
        raise ValueError("size: expected none beside ax, whose figure has one")
    whole = ax.get_figure(root=True)
    assert whole is not None
    if grid in ((), (1, 1)):
        return Canvas(whole, ax.figure, ax)
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError("ax: expected axes made by subplots, whose place several can take, got others")
    part = ax.figure.add_subfigure(place)
    ax.remove()
    return Canvas(whole, part, part.subplots(*grid, **options))


def chosen(only: Sequence[str] | None, there: Sequence[str]) -> list[str]:
    """What is drawn of what there is; ValueError for what there is not."""
    if only is None:
        return list(there)
    strange = [name for name in only if name not in there]
    if strange or not only:
        raise ValueError(f"only: expected some of {', '.join(there)}, got {', '.join(strange) or 'none'}")
    return [name for name in there if name in only]


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


def generation_axis(axes: Axes, last: int, width: int = 1, first: int = 0, unit: str = "generation") -> None:
    """The time axis: whole generations, with thousands set apart; points are means of `width` of them."""
    axes.set_xlim((first, last) if last > first else (first - 0.5, last + 0.5))
    if last > first:
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))  # as many as fit
    else:
        axes.set_xticks([last])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.set_xlabel(unit if width == 1 else f"{unit} (means of {width})")


def patch(look: Look) -> dict[str, Any]:
    """How matplotlib fills an area with a look."""
    return {"facecolor": look.colour, "hatch": look.hatch, "edgecolor": look.edge}


def run_name(run: Run) -> str:
    """The run's name, short enough for a title."""
    return as_label(str(run.provenance["name"]), 32)


def apart(values: NDArray[np.float64], gap: float, top: float, bottom: float = 0.0) -> list[float]:
    """Heights near `values` that are at least `gap` from each other, between `bottom` and `top` as far as they fit."""
    order = np.argsort(values, kind="stable")
    places = np.maximum(values[order].astype(np.float64), bottom)
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


def text_size(axes: Axes, text: str, points: float) -> tuple[float, float]:
    """About how wide and high a text will be, as shares of its axes."""
    inches = float(RC["figure.dpi"])
    width, height = axes.bbox.width / inches, axes.bbox.height / inches
    return LETTER_WIDTH * points / 72 * len(text) / width, 1.3 * points / 72 / height
