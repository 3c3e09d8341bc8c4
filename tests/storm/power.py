"""Power cuts: files as they may be after one, rebuilt from a record of every change and every sync.

What a disk may hold after a power cut: of every file what was synced, and of the writes since then any, whole or
torn between sectors; of a folder's names those of its last sync, and of the changes since then the first few (a
journal keeps their order). The index in shared memory (``-shm``) holds nothing that lasts.

A run must open and be intact. One that syncs every commit has all commits; one that does not has all that were in
the write-ahead log when that was last synced, and everything once it was closed. Taken up, it ends as if nothing
had happened.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from results.run import held
from tests.storm import Tally
from tests.storm.child import Tell, child
from tests.storm.kills import emptied, finished
from tests.storm.shim import Shim
from tests.storm.tasks import (
    Task,
    experiment,
    generation,
    invasion,
    migrated,
    repaired,
    results,
    sweep,
    write,
)

CUTS = 1000
"""Over all tasks."""

SECTOR = 512
CLOSED = 1 << 40
"""Added to a mark: everything so far is closed."""


class Change(NamedTuple):
    """One change of a file, as shim.c records it: c(reated), w(ritten), t(runcated), s(ynced), r(enamed),
    u(nlinked), m(arked)."""

    kind: str
    path: str
    place: int
    data: bytes


def recorded(log: bytes) -> list[Change]:
    """All changes in a record."""
    head = struct.Struct("<cHqq")
    found, here = [], 0
    while here < len(log):
        kind, name, place, length = head.unpack_from(log, here)
        here += head.size
        path = os.fsdecode(log[here : here + name])
        here += name
        found.append(Change(kind.decode(), path, place, log[here : here + length]))
        here += length
    return found


@dataclass
class File:
    """What is on the disk for certain, and what has been asked for since: (place, bytes), or (length, None)."""

    synced: bytearray = field(default_factory=bytearray)
    waiting: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        """All that was asked for is done."""
        for place, data in self.waiting:
            apply(self.synced, place, data)
        self.waiting.clear()

    def torn(self, rng: random.Random) -> bytes:
        """What may be found after a cut."""
        content = bytearray(self.synced)
        last = rng.randint(0, len(self.waiting))
        law = rng.choice(["in order", "any", "any"])
        for number, (place, data) in enumerate(self.waiting):
            done = number < last if law == "in order" else rng.random() < 0.5
            tears = number == last if law == "in order" else rng.random() < 0.2
            if done:
                apply(content, place, data)
            elif tears and data:
                for start in range(0, len(data), SECTOR):
                    if rng.random() < 0.5:
                        apply(content, place + start, data[start : start + SECTOR])
        return bytes(content)


def apply(content: bytearray, place: int, data: bytes | None) -> None:
    """Write, or set the length where `data` is None; what nobody wrote is zero."""
    if data is None:
        del content[place:]
    content.extend(bytes(max(0, place - len(content))))
    if data is not None:
        content[place : place + len(data)] = data


class Disk:
    """Files and names, on the disk and on their way to it."""

    def __init__(self, folder: Path) -> None:
        """As `folder` is now: all of it synced."""
        self.now: dict[str, File] = {
            str(path): File(bytearray(path.read_bytes())) for path in folder.rglob("*") if path.is_file()
        }
        self.synced = dict(self.now)
        self.waiting: list[tuple[str, str, File | None]] = []
        """Changes of names since the last sync of their folder: the name, the one it had, and its file."""

    def take(self, change: Change) -> None:
        """One change more."""
        kind, path, place, data = change
        if kind == "c":
            self._name(path, "", File())
        elif kind == "u":
            self._name("", path, None)
        elif kind == "r":
            self._name(os.fsdecode(data), path, self.now[path])
        elif kind == "w":
            self.now[path].waiting.append((place, data))
        elif kind == "t":
            self.now[path].waiting.append((place, None))
        elif kind == "s" and path in self.now:
            self.now[path].sync()
        elif kind == "s":  # a folder
            for step in self.waiting:
                rename(self.synced, *step)
            self.waiting.clear()

    def _name(self, to: str, old: str, file: File | None) -> None:
        self.waiting.append((to, old, file))
        rename(self.now, to, old, file)

    def cut(self, rng: random.Random) -> dict[str, bytes]:
        """Files as they may be after a power cut now."""
        names = dict(self.synced)
        for step in self.waiting[: rng.randint(0, len(self.waiting))]:
            rename(names, *step)
        return {path: file.torn(rng) for path, file in names.items() if not path.endswith("-shm")}


def rename(names: dict[str, File], to: str, old: str, file: File | None) -> None:
    """`file` is called `to` and no longer `old`; either may be empty."""
    names.pop(old, None)
    if to and file is not None:
        names[to] = file


class Session(NamedTuple):
    """A task and what of it must be there after a cut: the changes so far -> the least that must be reached."""

    task: Task
    least: Callable[[list[Change]], int]


def tallies(place: Path, seed: int, share: float) -> Iterator[Tally]:
    """All power cuts."""
    shim = Shim()
    shim.watch(place)
    sessions = [
        Session(_run(shim, "full", "WAL"), _every_commit),
        Session(_run(shim, "normal", "WAL"), _every_synced_log),
        Session(_run(shim, "full", "TRUNCATE"), _every_commit),
        Session(_run(shim, "normal", "TRUNCATE"), _closed),
        Session(sweep(place), _nothing),
        Session(invasion(place), _nothing),
        Session(repaired(place), _nothing),
        Session(migrated(), _nothing),
    ]
    for session in sessions:
        rng = random.Random(f"{seed} {session.task.name}")
        yield cuts(shim, session, place, rng, max(1, round(CUTS * share / len(sessions))))


def _run(shim: Shim, synchronous: str, journal: str) -> Task:
    """A run in two sittings, which marks in the record what is committed."""
    declared = experiment("lookups")

    def live(folder: Path, tell: Tell) -> None:
        setattr(held, "journal", lambda file: journal)  # noqa: B010

        def mark(number: int) -> None:
            shim.mark(number)
            tell(number)

        for sitting in (declared.changed(generations=declared.generations // 2), declared):
            write(folder, sitting, 1, mark, synchronous=synchronous)
            shim.mark(CLOSED + sitting.generations)

    words = (
        f"a run, synchronous = {synchronous}, {'write-ahead log' if journal == 'WAL' else 'rollback journal'}"
    )
    return Task(words, live, generation, results)


def _nothing(changes: list[Change]) -> int:
    return -1


def _every_commit(changes: list[Change]) -> int:
    return max((change.place % CLOSED for change in changes if change.kind == "m"), default=-1)


def _closed(changes: list[Change]) -> int:
    return max((c.place - CLOSED for c in changes if c.kind == "m" and c.place >= CLOSED), default=-1)


def _every_synced_log(changes: list[Change]) -> int:
    """What was committed when the write-ahead log was last synced."""
    synced = max((k for k, c in enumerate(changes) if c.kind == "s" and c.path.endswith("-wal")), default=0)
    return max(_every_commit(changes[:synced]), _closed(changes))


def cuts(shim: Shim, session: Session, place: Path, rng: random.Random, tries: int) -> Tally:
    """Power cuts at random changes of what the task does."""
    task = session.task
    tally = Tally(f"power cut: {task.name}")
    folder = place / "cut"
    disk = Disk(emptied(folder, task))
    record = place / "record"
    with record.open("wb") as file:

        def live(tell: Tell) -> None:
            shim.record(file.fileno())
            task.live(folder, tell)
            shim.record(-1)
            print(task.ended(folder), flush=True)

        ending = child(live)
    assert ending.code == 0, ending.explanation
    expected = ending.output.splitlines()[-1]
    changes = recorded(record.read_bytes())
    whens = sorted(rng.randint(1, len(changes)) for _ in range(tries))
    taken = 0
    for when in whens:
        for change in changes[taken:when]:
            disk.take(change)
        taken = when
        state = rng.getrandbits(32)
        shutil.rmtree(folder)
        folder.mkdir()
        for path, content in disk.cut(random.Random(state)).items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(content)
        failure = _found(task, folder, session.least(changes[:when]), expected)
        tally.tried(f"after change {when} (state {state})", failure)
    return tally


def _found(task: Task, folder: Path, least: int, expected: str) -> str | None:
    """What is wrong with what a power cut left."""
    try:
        reached = task.reached(folder)
    except Exception as error:
        return f"what was left cannot be read: {error!r}"
    if reached < least:
        return f"{least} was safe, {reached} was found"
    try:
        ended = finished(task, folder)
    except AssertionError as error:
        return f"cannot be taken up: {error}"
    return None if ended == expected else f"ended as {ended}, not as {expected}"
