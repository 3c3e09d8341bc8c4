"""What the commands share: tables, JSON, and the options that mean the same everywhere."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]

NUMERIC = {"rank", "payoff", "cooperation", "std. error", "count", "generation", "fitness"}
"""Columns that are set to the right."""


def new_table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the style of all tables."""
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD, title=title, title_style="italic", title_justify="left", pad_edge=False
    )
    for column in columns:
        table.add_column(column, justify="right" if column in NUMERIC or column.isdigit() else "left")
    return table


def show(what: Any) -> None:
    """Print a table or marked-up text, as wide as the terminal, or as it is where there is none."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(what)


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2))
