"""The commands that tell: story."""

from __future__ import annotations

import typer

from evolve.cli.runs import RunFolder, reading
from evolve.cli.screen import Json, say_wrapped, show_json


def register(app: typer.Typer) -> None:
    """Enter these commands in the command line."""
    app.command()(story)


def story(folder: RunFolder, as_json: Json = False) -> None:
    """What happened in a run, in words: every number comes from its record."""
    from evolve.telling import tell

    with reading(folder) as there:
        told = tell(there)
    if as_json:
        show_json(told.to_json())
        return
    for paragraph in told.paragraphs:
        say_wrapped(paragraph)
