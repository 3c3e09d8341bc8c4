"""The command `lab`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from evolve.cli.screen import say, whole_option

PORT = 8437


def register(app: typer.Typer) -> None:
    """Enter the command in the command line."""
    app.command()(lab)


def lab(
    folder: Annotated[Path, typer.Argument(help="The folder of runs to watch.")] = Path("runs"),
    port: Annotated[int, whole_option("Where to listen on this machine (0: any that is free).")] = PORT,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Pages for people who do not program: meetings, tournaments, runs; on this machine only."""
    for name in ("starlette", "uvicorn"):
        if find_spec(name) is None:
            raise ValueError(f"lab: expected {name}, got none: pip install 'evolve-ipd[lab]', or make lab")
    if not 0 <= port < 2**16:
        raise ValueError(f"port: expected 0 to {2**16 - 1}, got {port}")
    from evolve.lab.launch import serve

    serve(folder, port, say, open_browser=not no_open)
