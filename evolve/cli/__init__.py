"""The command `evolve`: every table and every file of the project, from a terminal.

The commands are in `play`, `explaining`, `societies`, `runs`, `comparing`, `exporting`, `stories`, `sweeps`,
`stability`, `populations`, `invasions`, `fields` and `labs`, what they share in `screen`.
Each imports what it needs when it runs, so that `evolve --help` answers at once. A mistake of the user's ends
in one line that names the field, what was expected and what came.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from evolve.cli import (
    comparing,
    designs,
    explaining,
    exporting,
    fields,
    invasions,
    labs,
    play,
    populations,
    runs,
    societies,
    stability,
    stories,
    sweeps,
)
from evolve.cli.screen import announce_compiling, say
from genomes.texts import printable, shown

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Evolve strategies for the iterated prisoner's dilemma, exactly and fast.",
    epilog="EVOLVE_WORKERS and EVOLVE_CLUSTER are what --workers and --cluster are when they are left out; "
    "EVOLVE_TRACEBACK=1 shows where in the program a mistake was found.",
)
for commands in (
    play,
    explaining,
    societies,
    runs,
    comparing,
    exporting,
    stories,
    sweeps,
    stability,
    populations,
    designs,
    invasions,
    fields,
    labs,
):
    commands.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"evolve {version('evolve-ipd')}")
        raise typer.Exit


@app.callback()
def whole(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Evolve strategies for the iterated prisoner's dilemma, exactly and fast."""


@app.command("help")
def show_help(
    command: Annotated[str | None, typer.Argument(help="A command; all when left out.")] = None,
) -> None:
    """Say what a command does, as `evolve COMMAND --help` does."""
    app([command, "--help"] if command else ["--help"], prog_name="evolve", standalone_mode=False)


USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""What typer raises for a wrong command line; newer versions do not export the class itself."""

NUMBA_SETTINGS = Path(".numba_config.yaml")
"""What numba obeys in whatever folder it is started from, such as a cache of kernels to load and run."""


UNTIDY = "ignore:resource_tracker:UserWarning"
"""What cleans up after an interrupted process does so without a word."""


def main() -> None:
    """Run the command line; whatever goes wrong ends in one line and exit code 1, whatever is interrupted in 130."""
    os.environ["PYTHONSAFEPATH"] = "1"  # else worker processes import what lies in the folder they start in
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), UNTIDY]))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a terminal that has no letter for it gets its number
    announce_compiling()
    try:
        if NUMBA_SETTINGS.exists():
            raise ValueError(
                f"{NUMBA_SETTINGS}: expected none where evolve is started, since numba would obey it, got one; "
                "start elsewhere, or set NUMBA_... variables instead"
            )
        status = app(sys.argv[1:] or ["--help"], prog_name="evolve", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        _stop_at_once()
    except SystemExit as leaving:
        if isinstance(leaving.code, int) and leaving.code > 128:  # interrupted, and has said so
            _leave(leaving.code)
        raise
    except Exception as mistake:
        if isinstance(mistake, SystemError) and isinstance(mistake.__cause__, KeyboardInterrupt):
            _stop_at_once()  # compiled code was interrupted while it was called
        if os.environ.get("EVOLVE_TRACEBACK"):
            say(*traceback.format_exc().splitlines(), aside=True)
        with suppress(OSError):
            say(*f"evolve: {_message(mistake)}".split("\n"), aside=True)
        status = 1
        _let_go_of_stdout()
    if status:
        sys.exit(status)


def _message(mistake: Exception) -> str:
    """What went wrong: a line, or one a mistake of an experiment."""
    if isinstance(mistake, UnicodeError):
        return f"text: expected Unicode characters, got {shown(mistake.object)}"  # type: ignore[attr-defined]
    if isinstance(mistake, ValueError):
        return str(mistake)
    if isinstance(mistake, OSError):
        return _file_message(mistake)
    if isinstance(mistake, MemoryError):
        return f"memory: expected a task that fits into it, got one that does not ({mistake})"
    if isinstance(mistake, USAGE_ERROR):
        return _usage_message(mistake)
    told = printable(f"{type(mistake).__name__}: {mistake}")[:300]
    return (
        f"a mistake in the program itself, not in what you asked for: {told} (EVOLVE_TRACEBACK=1 shows where)"
    )


def _stop_at_once() -> NoReturn:
    """End what was interrupted wherever it was."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        say("evolve: stopped at once; what was committed is kept", aside=True)
    _leave(128 + signal.SIGINT)


def _leave(status: int) -> NoReturn:
    """End an interrupted process, and with it its workers, without the cleaning up at the end of Python: a further
    Ctrl-C would interrupt that with tracebacks of its own."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _let_go_of_stdout() -> None:
    """Where stdout cannot be written (a full disk, a closed pipe): so that Python's end does not try again."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _file_message(mistake: OSError) -> str:
    """One line: which file or folder, and what the system says about it."""
    if mistake.strerror is None:
        return str(mistake)
    if mistake.filename is None:
        return f"output: expected a place that can be written, got none ({mistake.strerror})"
    return (
        f"file: expected one that can be read or written, got {str(mistake.filename)!r} ({mistake.strerror})"
    )


def _usage_message(mistake: Any) -> str:
    """One line: the field by its name where typer says which one."""
    field = getattr(getattr(mistake, "param", None), "name", None)
    if field and mistake.message:
        return f"{field}: {mistake.message}"
    return " ".join(mistake.format_message().split())
