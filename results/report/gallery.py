"""A folder of pages and an index of them, each with a thumbnail and a line; opened from disk, with nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from results.report.page import Chart, Link, Page, Section
from results.run.place import write_whole

INDEX = "index.html"

_NAMED = re.compile(r'(\bid="|#|aria-(?:labelledby|describedby)=")([a-z][a-z0-9-]*)(?=[")])')
"""Ids of a picture, and what refers to them."""


def write_gallery(folder: Path, pages: Iterable[tuple[str, Page]], title: str = "Gallery") -> Path:
    """Write every page as NAME.html, and the index; returns the path of the index."""
    folder.mkdir(parents=True, exist_ok=True)
    links = []
    for number, (name, page) in enumerate(pages):
        file = f"{file_name(name)}.html"
        write_whole(folder / file, page.html())
        links.append(Link(file, page.title, page.gist, thumbnail(page, number)))
    lead = f"{len(links)} pages. Each is one file that can be sent on; nothing is fetched."
    index = Page(title, lead, [Section("pages", "Pages", links)], {"pages": [link.target for link in links]})
    write_whole(folder / INDEX, index.html())
    return folder / INDEX


def file_name(name: str) -> str:
    """A name as that of a file, of letters that every system takes; never that of the index.

    >>> file_name("my run/2"), file_name("index")
    ('my-run-2', 'index-page')
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "page"
    return f"{plain}-page" if plain == "index" else plain


def thumbnail(page: Page, number: int) -> str:
    """The first chart of a page, with ids of its own."""
    first = next((b for section in page.sections for b in section.blocks if isinstance(b, Chart)), None)
    if first is None:
        return ""
    return _NAMED.sub(rf"\1t{number}-\2", first.svg)
