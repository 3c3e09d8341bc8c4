"""The command export: what a run holds, in formats that other programs read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.runs import reading
from evolve.cli.screen import say, write_text

if TYPE_CHECKING:
    from results import Run


def register(app: typer.Typer) -> None:
    """Enter this command in the command line."""
    app.command()(export)


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run's folder, or its file; for axelrod also a strategy.")
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="csv, parquet, alife (phylogeny as CSV), newick, or axelrod (the best as that library's player).",
        ),
    ] = "csv",
    table: Annotated[
        str, typer.Option(help="Of csv and parquet: statistics, leaders or births.")
    ] = "statistics",
    out: Annotated[Path | None, typer.Option(help="The file (default: beside the run, by its kind).")] = None,
) -> None:
    """Hand a run on: its tables as CSV or Parquet, its phylogeny (ALife standard, Newick), its best as a player."""
    from results.run.place import naming_path, write_whole

    if to not in FORMATS:
        raise ValueError(f"to: expected one of {', '.join(FORMATS)}, got {to!r}")
    ending, content = FORMATS[to]
    if to == "axelrod" and not folder.exists():
        _strategy(str(folder), out)
        return
    with reading(folder) as there:
        written = content(there, table)
    place = folder.parent if folder.suffix == ".sqlite" else folder
    name = f"{table if to in ('csv', 'parquet') else to}{ending}"
    target = out or place / name
    with naming_path(target):
        write_whole(target, written)
    say(f"wrote {target}")


def _strategy(text: str, out: Path | None) -> None:
    """A strategy's player for the library Axelrod, into a file, or shown."""
    from engine.fields.exported import library_source

    source = library_source(text)
    if out is None:
        say(*source.splitlines())
        return
    write_text("out", out, source)
    say(f"wrote {out}")


def _csv(run: Run, table: str) -> bytes:
    from results.tables import csv_text, table_of

    return csv_text(table_of(run, table)).encode()


def _parquet(run: Run, table: str) -> bytes:
    from results.tables import parquet, table_of

    return parquet(table_of(run, table))


def _alife(run: Run, table: str) -> bytes:
    from results.tables import alife, csv_text

    return csv_text(alife(run)).encode()


def _newick(run: Run, table: str) -> bytes:
    from results.tables import newick

    return newick(run).encode()


def _axelrod(run: Run, table: str) -> bytes:
    from engine.fields.exported import library_source

    latest = run.latest()
    if latest is None:
        raise ValueError("run: expected one that has begun, got no generation yet")
    return library_source(latest.population[latest.best].genome).encode()


FORMATS: dict[str, tuple[str, Callable[[Run, str], bytes]]] = {
    "csv": (".csv", _csv),
    "parquet": (".parquet", _parquet),
    "alife": (".csv", _alife),
    "newick": (".nwk", _newick),
    "axelrod": (".py", _axelrod),
}
"""Every format: how its files end, and what makes one of a run and the name of a table."""
