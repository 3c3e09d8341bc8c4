"""A disk that is full, fails, or writes less than it was asked to: at every change and at reads, once and for good.

The commands say in one line what is wrong and name the file, or get over it; what was committed is there, and when
the disk works again the same command ends as if nothing had happened. A write that is cut short is no failure at all.
"""

from __future__ import annotations

import errno
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path

from evolve import cli
from tests.storm import Tally
from tests.storm.child import Ending, Tell, child
from tests.storm.kills import emptied
from tests.storm.shim import Harm, Shim
from tests.storm.tasks import Task, experiment, invasion, repaired, run_of, sweep

TRIES = 1500
"""Over all commands and harms."""

HARMS = (
    (Harm.FAIL, errno.EIO, "one input/output error"),
    (Harm.FAIL_ON, errno.EIO, "input/output errors from there on"),
    (Harm.FAIL, errno.ENOSPC, "the disk full once"),
    (Harm.FAIL_ON, errno.ENOSPC, "the disk full from there on"),
    (Harm.SHORT, 0, "a write cut short"),
    (Harm.FAIL_READ, errno.EIO, "a read that fails"),
)


@dataclass(frozen=True)
class Command:
    """What a user types, for a task that lives in a folder."""

    task: Task
    words: Callable[[Path], list[str]]


def tallies(place: Path, seed: int, share: float) -> Iterator[Tally]:
    """All failures of the disk."""
    shim = Shim()
    shim.watch(place / "disk")
    commands = _commands(place)
    for command in commands:
        _warm(command, place / "disk")
    for harm, error, words in HARMS:
        for command in commands:
            rng = random.Random(f"{seed} {harm} {error} {command.task.name}")
            tally = Tally(f"{words}: {command.task.name}")
            _faults(
                shim,
                command,
                place / "disk",
                rng,
                harm,
                error,
                TRIES * share / len(commands) / len(HARMS),
                tally,
            )
            yield tally


def _commands(place: Path) -> list[Command]:
    run, swept, study, mended = run_of("lookups"), sweep(place), invasion(place), repaired(place)
    file = place / "run.toml"
    kept = {"commit_every": 1, "checkpoint_every": 5}
    file.write_text(experiment("lookups", run=kept).to_toml(), encoding="utf-8")
    return [
        Command(run, lambda folder: ["run", str(file), "--out", str(folder)]),
        Command(swept, lambda folder: ["sweep", str(place / "noise.toml"), "--out", str(folder)]),
        Command(study, lambda folder: ["invade", str(place / "study.toml"), "--json", "--out", str(folder)]),
        Command(mended, lambda folder: ["resume", str(folder), "--repair"]),
    ]


def _warm(command: Command, folder: Path) -> None:
    """Load everything that a command needs before children fork."""
    emptied(folder, command.task)
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        _type(command.words(folder))


def _faults(
    shim: Shim,
    command: Command,
    folder: Path,
    rng: random.Random,
    harm: Harm,
    error: int,
    tries: float,
    tally: Tally,
) -> None:
    emptied(folder, command.task)
    total, expected = _calm(shim, command, folder, harm)
    number = min(max(1, round(tries)), total)
    for at in sorted(rng.sample(range(1, total + 1), number)):
        emptied(folder, command.task)
        ending = _run(command, folder, partial(shim.arm, harm, at, error))
        tally.tried(f"at {at} of {total}", _wrong(command, folder, harm, ending, expected))


def _calm(shim: Shim, command: Command, folder: Path, harm: Harm) -> tuple[int, str]:
    """How many changes (or reads) the command makes when nothing happens, and how it ends."""

    def work(tell: Tell) -> None:
        shim.arm(Harm.NOTHING)
        _type(command.words(folder))
        tell(shim.reads() if harm is Harm.FAIL_READ else shim.count())

    ending = child(work)
    assert ending.code == 0, ending.explanation
    return ending.told, command.task.ended(folder)


def _run(command: Command, folder: Path, arm: Callable[[], None] = lambda: None) -> Ending:
    def work(tell: Tell) -> None:
        arm()
        _type(command.words(folder))

    return child(work)


def _type(words: list[str]) -> None:
    """The command line, in this process."""
    sys.argv = ["evolve", *words]
    cli.main()


def _wrong(command: Command, folder: Path, harm: Harm, ending: Ending, expected: str) -> str | None:
    """What is wrong with how a command took a failure, and with what it left."""
    if ending.code == 1 and "Traceback" not in ending.output:
        said = [line for line in ending.output.splitlines() if line.startswith("evolve: ")]
        if harm is Harm.SHORT:
            return f"a write cut short is no failure: {ending.explanation}"
        if len(said) != 1 or ending.output.splitlines()[-1] != said[0]:
            return f"expected one line at the end: {ending.output[-300:]!r}"
        if folder.name not in said[0]:
            return f"the line does not name the file: {said[0]!r}"
        again = _run(command, folder)
        if again.code != 0:
            return f"({said[0]!r}) cannot be taken up: {again.explanation}"
    elif ending.code != 0:
        return ending.explanation
    try:
        ended = command.task.ended(folder)
    except Exception as error:
        return f"({ending.explanation}) what is there cannot be read: {error!r}"
    return None if ended == expected else f"({ending.explanation}) ended as {ended}, not as {expected}"
