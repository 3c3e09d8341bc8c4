"""How pictures look: colours are CSS variables, for light and for dark; behaviours differ by pattern as well.

No element has a style of its own, so that a page may forbid those.
"""

from __future__ import annotations

from typing import Protocol

from results.drawing.svg import tag
from results.palette import BAND, LINES, MAIN, SECOND, WIDE_BAND, edge

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1c1c1c",
    "muted": "#595959",
    "grid": "#e2e2e2",
    "first": MAIN,
    "second": SECOND,
    "third": LINES[2],
    "fourth": LINES[3],
    "wide": WIDE_BAND,
    "narrow": BAND,
    "link": "#0b57a4",
}
DARK = LIGHT | {
    "paper": "#16181c",
    "ink": "#ececec",
    "muted": "#b0b0b0",
    "grid": "#3a3d42",
    "first": "#8fb7ee",
    "second": "#f0a070",
    "third": "#7fd0b8",
    "fourth": "#e8a0b0",
    "wide": "#273347",
    "narrow": "#3d5170",
    "link": "#8ec2f5",
}

KINDS = 4
"""Kinds of lines: each has a colour and dashes of its own."""


def _variables(colours: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{colour};" for name, colour in colours.items()) + "}"


CSS = (
    _variables(LIGHT)
    + "@media screen and (prefers-color-scheme:dark){"
    + _variables(DARK)
    + "}"
    + """
.picture{display:block;max-width:100%;height:auto;font:12px "DejaVu Sans",Verdana,sans-serif;color:var(--ink)}
.picture text{fill:var(--ink)}
.picture .aside{fill:var(--muted)}
.picture .axis{stroke:var(--ink);fill:none;stroke-width:.8}
.picture .grid{stroke:var(--grid);fill:none;stroke-width:.8}
.picture .line{fill:none;stroke-width:1.7;stroke-linejoin:round}
.picture .l0{stroke:var(--first)}.picture .l1{stroke:var(--second);stroke-dasharray:6 3}
.picture .l2{stroke:var(--third);stroke-dasharray:2 2.5}.picture .l3{stroke:var(--fourth);stroke-dasharray:9 3 2 3}
.picture .f0{fill:var(--first)}.picture .f1{fill:var(--second)}.picture .f2{fill:var(--third)}
.picture .f3{fill:var(--fourth)}
.picture .wide{fill:var(--wide)}.picture .narrow{fill:var(--narrow)}
.picture .see-through{opacity:.25}
.picture .halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.picture .edge{stroke:var(--ink);fill:none;stroke-width:1.3}.picture .slip{stroke-dasharray:4 3}
.picture .head{fill:var(--ink)}
.picture .node{stroke:var(--ink);stroke-width:1.5;fill:#fff}.picture .node.dark{fill:#1c1c1c}
.picture text.on-dark{fill:#fff}.picture text.on-light{fill:#000}
.picture .frame{stroke:var(--ink);stroke-width:.8}
"""
)

PATTERNS = {
    "////": '<path d="M-1 1l2-2M0 6l6-6M5 7l2-2"/>',
    "\\\\\\\\": '<path d="M-1 5l2 2M0 0l6 6M5-1l2 2"/>',
    "....": '<circle cx="1.5" cy="1.5" r=".8"/><circle cx="4.5" cy="4.5" r=".8"/>',
    "----": '<path d="M0 1.5h6M0 4.5h6"/>',
    "||||": '<path d="M1.5 0v6M4.5 0v6"/>',
    "xxxx": '<path d="M0 6l6-6M0 0l6 6"/>',
    "++++": '<path d="M0 3h6M3 0v6"/>',
    "oooo": '<circle cx="3" cy="3" r="1.7"/>',
}
"""Marks of a tile of 6 x 6, by the hatch that figures have."""


class Look(Protocol):
    """How a behaviour is drawn everywhere: `hatch` as in `PATTERNS`, with other letters in another pattern."""

    @property
    def label(self) -> str: ...
    @property
    def colour(self) -> str: ...
    @property
    def hatch(self) -> str: ...


def fill(look: Look, id: str) -> tuple[str, str]:
    """What fills a shape that looks like this, and the definition that it needs; `id` is new in the page."""
    marks = PATTERNS.get(look.hatch)
    if marks is None:
        return look.colour, ""
    mark = edge(look.colour)
    inside = tag("rect", width=6, height=6, fill=look.colour)
    drawn = tag("g", marks, stroke=mark, stroke_width=".7", fill="none" if look.hatch == "oooo" else mark)
    pattern = tag("pattern", inside, drawn, id=id, width=6, height=6, patternUnits="userSpaceOnUse")
    return f"url(#{id})", pattern
