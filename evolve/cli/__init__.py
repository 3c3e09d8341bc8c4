"""The command `evolve`: every table and every file of the project, from a terminal.

The commands are in `play`, `societies`, `runs`, `sweep`, `stability` and `invade`, what they share in `screen`.
Each imports what it needs when it runs, so that `evolve --help` answers at once. A mistake of the user's ends
in one line that names the field, what was expected and what came.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import typer

from evolve.cli import invade, play, runs, societies, stability, sweep
from evolve.cli.screen import announce_compiling

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Evolve strategies for the iterated prisoner's dilemma, exactly and fast.",
)
for commands in (play, societies, runs, sweep, stability, invade):
    commands.register(app)

USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""What typer raises for a wrong command line; newer versions do not export the class itself."""


NUMBA_SETTINGS = Path(".numba_config.yaml")
"""What numba obeys in whatever folder it is started from, such as a cache of kernels to load and run."""


def main() -> None:
    """Run the command line; mistakes of the user end in one line and exit code 1."""
    os.environ["PYTHONSAFEPATH"] = "1"  # else worker processes import what lies in the folder they start in
    announce_compiling()
    try:
        if NUMBA_SETTINGS.exists():
            raise ValueError(
                f"{NUMBA_SETTINGS}: expected none where evolve is started, since numba would obey it, got one; "
                "start elsewhere, or set NUMBA_... variables instead"
            )
        status = app(sys.argv[1:] or ["--help"], prog_name="evolve", standalone_mode=False)
    except ValueError as mistake:
        message = str(mistake) + ("" if "--repair" in sys.argv else getattr(mistake, "way_out", ""))
    except OSError as mistake:
        message = _file_message(mistake)
    except MemoryError as mistake:
        message = f"memory: expected a task that fits into it, got one that does not ({mistake})"
    except USAGE_ERROR as mistake:
        message = _usage_message(mistake)
    else:
        if status:
            sys.exit(status)
        return
    print(f"evolve: {message}", file=sys.stderr)
    sys.exit(1)


def _file_message(mistake: OSError) -> str:
    """One line: which file or folder, and what the system says about it."""
    if mistake.filename is None or mistake.strerror is None:
        return str(mistake)
    return (
        f"file: expected one that can be read or written, got {str(mistake.filename)!r} ({mistake.strerror})"
    )


def _usage_message(mistake: Any) -> str:
    """One line: the field by its name where typer says which one."""
    field = getattr(getattr(mistake, "param", None), "name", None)
    if field and mistake.message:
        return f"{field}: {mistake.message}"
    return " ".join(mistake.format_message().split())
