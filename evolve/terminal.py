"""What the commands share: tables, JSON, and the options that mean the same everywhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from engine.game import Rules

NUMERIC = {"rank", "payoff", "cooperation", "std. error", "count", "generation", "fitness"}
"""Columns that are set to the right."""

PLAIN_WIDTH = 240
"""Columns of a table that goes into a file or a pipe."""


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"expected a whole number, got {text!r}") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"expected a number, got {text!r}") from None


def whole_option(help: str, *names: str) -> Any:
    """An option that is a whole number; `names` where it is not called as its parameter."""
    return typer.Option(*names, help=help, parser=_whole, metavar="N")


def number_option(help: str) -> Any:
    """An option that is a number."""
    return typer.Option(help=help, parser=_number, metavar="X")


Turns = Annotated[int | None, whole_option("Turns of a meeting (200 when no horizon is given).")]
Continuation = Annotated[float | None, number_option("Probability that another turn follows.")]
Limit = Annotated[bool, typer.Option("--limit-of-means", help="The long-run average.")]
Noise = Annotated[float, number_option("Probability that an executed move is flipped, 0 to 0.5.")]
Payoffs = Annotated[str, typer.Option(help="The payoffs R,S,T,P.", metavar="R,S,T,P")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Seed = Annotated[int, whole_option("Seed of everything that is drawn.")]
Sampled = Annotated[int | None, whole_option("Sample so many meetings a pair instead of exact payoffs.")]


def rules_of(
    turns: int | None, continuation: float | None, limit_of_means: bool, noise: float, payoffs: str
) -> Rules:
    """The rules that the options describe; ValueError where they describe none."""
    from engine.game import Game, Rules

    words = payoffs.split(",")
    if len(words) != 4:
        raise ValueError(f"payoffs: expected four numbers R,S,T,P such as 3,0,5,1, got {payoffs!r}")
    values = []
    for name, word in zip("RSTP", words, strict=True):
        try:
            values.append(float(word))
        except ValueError:
            raise ValueError(f"payoffs.{name}: expected a finite number, got {word.strip()!r}") from None
    return Rules(
        Game(*values), turns=turns, continuation=continuation, limit_of_means=limit_of_means, noise=noise
    )


def new_table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the style of all tables."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in NUMERIC or column.isdigit() else "left")
    return table


def show(what: Any) -> None:
    """Print a table or marked-up text, as wide as the terminal, or unwrapped where there is none."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    if isinstance(what, Table) and what.title:  # a table would wrap it to its own width
        console.print(what.title, style="italic", markup=False)
        what.title = None
    console.print(what)


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2))


def write_text(field: str, path: Path, text: str) -> None:
    """Write a file, or say in one line why it cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"{field}: expected a file that can be written, got '{path}' ({error.strerror})"
        ) from None
