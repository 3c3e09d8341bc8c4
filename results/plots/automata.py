"""The state diagram of a small automaton as a figure, laid out as on pages."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from genomes.automaton import Automaton
from results.drawing.layout import RADIUS, Arrow, Point, lay_out, letter
from results.plots.style import as_label, figure, styled

PIXELS = 96.0
"""Of a page to the inch."""

HEAD = 26.0
"""Pixels for the title."""


def state_diagram(automaton: Automaton, title: str, *, noisy: bool = False) -> Figure:
    """What it plays in each state, and where moves lead; ValueError for more than 8 states."""
    layout = lay_out(automaton, noisy=noisy)
    with styled():
        made = figure((layout.height + HEAD) / PIXELS, layout.width / PIXELS)
        made.set_layout_engine("none")
        axes = made.add_axes((0, 0, 1, layout.height / (layout.height + HEAD)))
        axes.set_xlim(0, layout.width)
        axes.set_ylim(layout.height, 0)
        axes.set_axis_off()
        x, y = layout.places[0]
        start = ((x - RADIUS - 34, y), (x - RADIUS - 18, y), (x - RADIUS - 2, y))
        for arrow in (*layout.arrows, Arrow(0, 0, start, (0, 0), "", False)):
            _arrow(axes, arrow)
        axes.text(x - RADIUS - 38, y, "start", ha="right", va="center", size=8, color="#595959")
        for s, place in enumerate(layout.places):
            _state(axes, place, letter(automaton, s), s + 1, dark=automaton.defect[s] > 0.5)
        made.suptitle(as_label(title, 40), size=9, x=0.02, ha="left")
    return made


def _arrow(axes: Axes, arrow: Arrow) -> None:
    kind = Path.CURVE3 if len(arrow.points) == 3 else Path.CURVE4
    path = Path(list(arrow.points), [Path.MOVETO, *[kind] * (len(arrow.points) - 1)])
    axes.add_patch(PathPatch(path, fill=False, lw=0.9, ls=(0, (4, 3)) if arrow.slip else "-"))
    tip = FancyArrowPatch(
        arrow.points[-2], arrow.points[-1], arrowstyle="-|>", mutation_scale=8, shrinkA=0, shrinkB=0
    )
    tip.set(linewidth=0, color="black")
    axes.add_patch(tip)
    halo = [withStroke(linewidth=3, foreground="white")]
    axes.text(*arrow.label, arrow.text, ha="center", va="center", size=8, path_effects=halo)


def _state(axes: Axes, place: Point, text: str, number: int, *, dark: bool) -> None:
    x, y = place
    fill, ink = ("#1c1c1c", "white") if dark else ("white", "black")
    axes.add_patch(Circle(place, RADIUS, facecolor=fill, edgecolor="black", lw=1, zorder=3))
    size = 12 if len(text) == 1 else 8
    axes.text(x, y, text, ha="center", va="center", size=size, weight="bold", color=ink, zorder=4)
    axes.text(x, y + 15, str(number), ha="center", va="center", size=6, color=ink, zorder=4)
