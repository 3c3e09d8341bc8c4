"""What the commands share: tables, JSON, and the options that mean the same everywhere."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from engine.game import Rules

Turns = Annotated[int | None, typer.Option(help="Turns of a meeting (200 when no horizon is given).")]
Continuation = Annotated[float | None, typer.Option(help="Probability that another turn follows.")]
Limit = Annotated[bool, typer.Option("--limit-of-means", help="The long-run average.")]
Noise = Annotated[float, typer.Option(help="Probability that an executed move is flipped, 0 to 0.5.")]
Payoffs = Annotated[str, typer.Option(help="The payoffs R,S,T,P.")]
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


def rules_of(
    turns: int | None, continuation: float | None, limit_of_means: bool, noise: float, payoffs: str
) -> Rules:
    """The rules that the options of a command stand for."""
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


def conditions(rules: Rules) -> str:
    """Horizon, noise and payoffs in words."""
    g = rules.game
    noise = f", noise {rules.noise:g}" if rules.noisy else ""
    standard = (g.R, g.S, g.T, g.P) == (3, 0, 5, 1)
    return f"{rules.horizon}{noise}" + ("" if standard else f", R,S,T,P = {g.R:g},{g.S:g},{g.T:g},{g.P:g}")
