"""A self-contained page: blocks of text, charts and tables, styles inside, no script, nothing fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from genomes.texts import printable, shortened
from results.drawing.style import CSS

if TYPE_CHECKING:
    from jinja2 import Template

LONGEST_CELL = 400
"""Characters of a cell of a table or of a line of text; a genome of thousands of entries is cut."""


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    paragraphs: Sequence[str]
    kind: str = "text"


@dataclass(frozen=True)
class Chart:
    """A picture from `results.drawing` (markup, already escaped) with a caption; `small` ones stand side by side."""

    svg: str
    caption: str
    small: bool = False
    kind: str = "chart"


@dataclass(frozen=True)
class Table:
    """A table with a caption; columns named in `right` hold numbers."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[str] = frozenset()
    kind: str = "table"


@dataclass(frozen=True)
class Code:
    """Text as it stands, such as an experiment."""

    text: str
    kind: str = "code"


@dataclass(frozen=True)
class Details:
    """Blocks that are opened by a click, and printed when they are open."""

    summary: str
    blocks: Sequence[Block]
    kind: str = "details"


@dataclass(frozen=True)
class Link:
    """A link to another page beside this one, with a picture (markup from `results.drawing`) and a line."""

    target: str
    title: str
    line: str
    svg: str
    kind: str = "link"


Block = Text | Chart | Table | Code | Details | Link


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; `id` is a word of ours."""

    id: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A page: `lead` says in a line what it is about, `data` is what a program may read in it, `gist` what it says."""

    title: str
    lead: str
    sections: Sequence[Section]
    data: Any = None
    gist: str = ""

    def html(self) -> str:
        """The whole page as text."""
        return _template().render(page=self, css=CSS + _styles(), data=_inside_script(self.data))


def cut(text: str) -> str:
    """A text with an end, and what cannot be seen in it as escapes."""
    return shortened(printable(text), LONGEST_CELL, counted=True)


def _inside_script(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    room = PackageLoader("results.report", ".")
    made = Environment(
        loader=room, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals["cut"] = cut
    return made.get_template("page.html")


@lru_cache(maxsize=1)
def _styles() -> str:
    from importlib.resources import files

    return files("results.report").joinpath("page.css").read_text(encoding="utf-8")
