"""The colours of every figure, in print as on a page: dark and light in turn, so that they survive grey.

Nothing here knows how a figure is made.
"""

from __future__ import annotations

MAIN, SECOND = "#1b3a6b", "#b5541c"
"""The line that a figure is about, and what it is compared with."""

BAND, WIDE_BAND = "#a9bcd8", "#dbe4f0"
"""What most values lie in, and nearly all."""

NEUTRAL, CONTROL, FAINT = "#5a5a5a", "#7d7d7d", "#b8b8b8"
"""What is neither better nor worse, what a line is held against, and lines without a name."""

OTHERS = "#e4e4e4"
"""All that have no colour of their own, and what is missing."""

LINES = (MAIN, SECOND, "#1f6f5c", "#8c2d3f", "#7a4f1d", "#4b4b8f", "#3f7cac", "#444444")
"""Lines side by side, all dark enough for white paper."""

COLOURS = (
    MAIN,
    "#f2c14e",
    "#8c2d3f",
    "#9fd0cb",
    "#4b4b8f",
    "#f0a58f",
    "#1f6f5c",
    "#d9c2e9",
    "#7a4f1d",
    "#b7cf6a",
    "#3f7cac",
)
"""Areas side by side: light and dark in turn, so that neighbours differ without colour; hues tell the rest apart."""

SHADES = ("#f4f6fa", "#7f9cc4", "#12294d")
"""From nothing to the most."""


def ink(colour: str) -> str:
    """Black or white, whichever is read better on a colour.

    >>> ink(MAIN), ink(OTHERS)
    ('white', 'black')
    """
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def edge(colour: str) -> str:
    """The colour of a hatch on a colour: white on the dark, grey on the light."""
    return "white" if ink(colour) == "white" else "#8a8a8a"
