"""Scales and axes: where a value stands, which values are marked, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from results.drawing.svg import number, path, picture, printed, tag

LETTER = 7.3
"""About how wide a letter of 12 pixels is."""


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` on pixels from `start` to `end`; a range of no width stands in the middle."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, most: int = 6, whole: bool = False) -> list[float]:
    """Round values from `low` to `high`, at most `most`, in steps of 1, 2 or 5 times a power of ten.

    >>> ticks(0, 1), ticks(-5, 0), ticks(0, 100_000, 4)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [-5.0, -4.0, -3.0, -2.0, -1.0, 0.0], [0.0, 50000.0, 100000.0])
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20, 50):
        step = factor * power
        if whole and step < 1:
            continue
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [round(k * step, 12) for k in range(first, last + 1)]
    return [low, high]


def tick_labels(values: Sequence[float]) -> list[str]:
    """Ticks as text: as many decimals as tell them apart, thousands set apart, a real minus sign.

    >>> tick_labels([0, 0.5, 1]), tick_labels([-10000, 0])
    (['0', '0.5', '1'], ['−10,000', '0'])
    """
    largest = max((abs(v) for v in values), default=0.0)
    if largest >= 1e7 or 0 < largest < 1e-4:
        return [f"{v:.3g}".replace("-", "−") for v in values]
    apart = min((abs(b - a) for a, b in pairwise(values)), default=largest or 1.0)
    for decimals in range(13):
        if all(abs(v - round(v, decimals)) < 1e-3 * apart for v in values):
            break
    return [
        (f"{v:,.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{v:,.0f}").replace("-", "−")
        for v in values
    ]


@dataclass
class Plot:
    """A picture with axes: marks are added to `marks`, and `picture` puts all together.

    `x`, `y`: the ranges of values. `width`, `height`: of the whole picture in pixels. `left`, `aside` (at the right),
    `above` and `below` are kept free around the marks, `foot` below all that for a legend.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = 720
    height: float = 260
    left: float = 58
    aside: float = 14
    above: float = 12
    below: float = 44
    foot: float = 0
    marks: list[str] = field(default_factory=list)
    defs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.to_x = Scale(*self.x, self.left, self.width - self.aside)
        self.to_y = Scale(*self.y, self.bottom, self.above)

    @property
    def bottom(self) -> float:
        """The pixel where the axis of x stands."""
        return self.height - self.below - self.foot

    def points(self, xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
        """Pixels of values, those that are not there (nan) left out."""
        return [(self.to_x(x), self.to_y(y)) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)]

    def line(self, xs: Sequence[float], ys: Sequence[float], **attributes: str) -> None:
        """A line through values."""
        points = self.points(xs, ys)
        if points:
            self.marks.append(tag("path", d=path(points), **attributes))

    def area(
        self,
        xs: Sequence[float],
        low: Sequence[float],
        high: Sequence[float],
        *inside: str,
        **attributes: str,
    ) -> None:
        """What lies between two lines."""
        upper, lower = self.points(xs, high), self.points(xs, low)
        if upper:
            self.marks.append(tag("path", *inside, d=path(upper + lower[::-1], closed=True), **attributes))

    def grid(self) -> str:
        """Lines at the ticks of y, to be drawn first."""
        lines = "".join(
            f"M{number(self.left)} {number(self.to_y(v))}H{number(self.width - self.aside)}"
            for v in self._y_ticks()
        )
        return tag("path", d=lines, class_="grid")

    def _y_ticks(self) -> list[float]:
        return ticks(*self.y, most=max(3, int((self.bottom - self.above) / 34)))

    def axes(self, xlabel: str, ylabel: str, *, whole: bool = True) -> list[str]:
        """Both axes with their ticks (`whole`: those of x are whole numbers) and what they are."""
        bottom, right = self.bottom, self.width - self.aside
        drawn = [
            tag(
                "path",
                d=f"M{number(self.left)} {number(self.above)}V{number(bottom)}H{number(right)}",
                class_="axis",
            )
        ]
        values = ticks(*self.x, most=8, whole=whole)
        for value, text in zip(values, tick_labels(values), strict=True):
            at = self.to_x(value)
            drawn.append(tag("path", d=f"M{number(at)} {number(bottom)}v4", class_="axis"))
            end = "end" if at > right - 20 and len(text) > 3 else "middle"
            drawn.append(tag("text", text, x=min(at, right), y=bottom + 17, text_anchor=end, class_="tick-x"))
        heights = self._y_ticks()
        for value, text in zip(heights, tick_labels(heights), strict=True):
            drawn.append(
                tag("text", text, x=self.left - 7, y=self.to_y(value) + 4, text_anchor="end", class_="tick-y")
            )
        drawn.append(
            tag("text", printed(xlabel), x=(self.left + right) / 2, y=bottom + 36, text_anchor="middle")
        )
        middle = (self.above + bottom) / 2
        turned = f"translate(13 {number(middle)}) rotate(-90)"
        drawn.append(tag("text", printed(ylabel), transform=turned, text_anchor="middle"))
        return drawn

    def picture(
        self, before: Sequence[str], after: Sequence[str], *, id: str, title: str, desc: str, style: str = ""
    ) -> str:
        """Everything: what lies below the marks, the marks, and what lies above."""
        defs = [tag("defs", *self.defs)] if self.defs else []
        children = [*defs, *before, *self.marks, *after]
        return picture(self.width, self.height, children, id=id, title=title, desc=desc, style=style)
