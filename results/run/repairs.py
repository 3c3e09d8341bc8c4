"""When a disk has damaged a run: saving what can be gone on from.

Evolution is deterministic, so a run that goes back to its newest intact population comes again through the
very generations that were lost. What lies before and is damaged cannot come again: it is left out, and said.
The damaged file is only read, from a copy; what is intact goes into a new run, with an id of its own.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from results.errors import DamageError, RunError
from results.records import BirthId
from results.run.births import BirthRow
from results.run.censuses import Census, spacing
from results.run.check import spans
from results.run.database import check_format, connect, insert, naming, new_file, write_head
from results.run.meta import Meta, chain_start, intact_meta
from results.run.place import NEXT, WriterLock, put_in_place, refuse_links, sync_folder
from results.run.populations import Population
from results.run.rows import (
    LEADERS_TYPE,
    LOST,
    NO_STATISTICS,
    PAGE,
    SINCE,
    Digests,
    GenerationRow,
    Head,
    LeadingBehaviour,
    Limits,
    Row,
    pack,
    statistics_table,
)
from results.run.store import run_file

MAX_ABSENT_GENERATIONS = 10_000
"""Where even the table's head is damaged, so many absent generations in a row mean there are no more."""

LEAST_GENERATION, LEAST_BEHAVIOUR = 100, 16
"""Bytes that a row takes at least: numbers that the file has no room for are no numbers of its rows."""

LOGS = ("-wal", "-journal")
"""What SQLite has yet to bring into a file, by the end of its name."""

MOST_FILLED = 1000
"""A header that claims more than so many times the file is itself damaged."""


def repair(path: str | os.PathLike[str], limits: Limits | None = None) -> list[str]:
    """Rebuild a damaged run up to its newest intact population, and say what was lost.

    The damaged file stays beside it as ``run.sqlite.before``. Statistics that cannot be read become nan;
    lines of descent end at a birth that cannot be read. Killed anywhere, it leaves the damaged run or the rebuilt one.
    Where no population is intact it begins again. Raises DamageError when it cannot be told which run it was.
    """
    file = run_file(path)
    if not file.parent.is_dir():
        raise RunError(f"{file}: there is no run here")
    lock = WriterLock(file.with_suffix(".lock"))
    try:
        refuse_links(file)
        if put_in_place(file):
            return ["the repair that was interrupted is finished"]
        if not file.is_file():
            raise RunError(f"{file}: there is no run here")
        fresh = file.with_name(file.name + ".new")
        with naming(file), _folder(file) as place, ExitStack() as stack:
            damaged = _readable(file, place, stack)
            saved = _Saved(damaged, limits or Limits())
            meta = damaged.meta._replace(run=os.urandom(16))
            if damaged.format < SINCE["censuses"]:
                meta = meta._replace(counted=saved.last + 1)
            with closing(new_file(fresh, meta)) as repaired:
                saved.write(repaired, Digests(meta.run))
        fresh.replace(file.with_name(file.name + NEXT))
        sync_folder(file.parent)
        put_in_place(file)
        return saved.report
    finally:
        lock.release()


@contextmanager
def _folder(file: Path) -> Iterator[Path]:
    """An empty folder beside a file, for copies of it."""
    place = file.with_name(file.name + ".copies")
    if place.is_symlink():
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


class _Damaged(NamedTuple):
    """A damaged run that can be opened."""

    connection: sqlite3.Connection
    format: int
    meta: Meta
    size: int
    """Bytes of the file."""


def _readable(file: Path, place: Path, stack: ExitStack) -> _Damaged:
    """The file as it can be opened: with its log or without, with its first page or with that of any run.

    A log that makes another run of the file than it is alone is not its own. Raises DamageError.
    """
    logs = [file.with_name(file.name + suffix) for suffix in LOGS]
    logged = any(log.exists() and log.stat().st_size for log in logs)
    for page_of_any in (False, True):
        alone = _opened(file, place, stack, with_log=False, page_of_any=page_of_any)
        both = _opened(file, place, stack, with_log=True, page_of_any=page_of_any) if logged else None
        if both is not None and (alone is None or alone.meta.run == both.meta.run):
            return both
        if alone is not None:
            return alone
    raise DamageError("its first page or table meta is damaged beyond what is known of every run")


def _opened(
    file: Path, place: Path, stack: ExitStack, *, with_log: bool, page_of_any: bool
) -> _Damaged | None:
    """A copy of the file, opened; None where it is no run that way."""
    copy = place / f"{with_log:d}{page_of_any:d}.sqlite"
    shutil.copyfile(file, copy)
    for suffix in LOGS if with_log else ():
        beside = file.with_name(file.name + suffix)
        if beside.exists():
            shutil.copyfile(beside, copy.with_name(copy.name + suffix))
    if page_of_any:
        _put_first_page(copy, 2 if with_log else 1)
    _fill(copy)
    connection = stack.enter_context(closing(connect(copy.as_uri() + "?mode=rw")))
    with suppress(RunError, sqlite3.DatabaseError, UnicodeDecodeError):
        format = check_format(file, connection)
        return _Damaged(connection, format, intact_meta(connection, format), file.stat().st_size)
    return None


def _put_first_page(file: Path, journal: int) -> None:
    """Write the first page that every run has: format, tables, and how many pages there are."""
    any_run = file.with_suffix(".any")
    new_file(any_run, Meta(bytes(16), 0, "", "", 0, chain_start(""), "pruned", {})).close()
    page = bytearray(any_run.read_bytes()[:PAGE])
    pages = -(-file.stat().st_size // PAGE)
    page[18:20] = bytes([journal, journal])  # a rollback journal (1) or a write-ahead log (2)
    page[28:32] = pages.to_bytes(4, "big")
    with file.open("r+b") as opened:
        opened.write(page)
        opened.truncate(pages * PAGE)


def _fill(file: Path) -> None:
    """Give a truncated file its length back, in zeros: else SQLite refuses its intact pages too."""
    with file.open("rb") as opened_file:
        header = opened_file.read(100)
    page = int.from_bytes(header[16:18], "big")
    length = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
    if file.stat().st_size < length <= MOST_FILLED * file.stat().st_size:
        os.truncate(file, length)


class _Saved:
    """What is intact of a damaged run, and a `report` of what is not."""

    def __init__(self, damaged: _Damaged, limits: Limits) -> None:
        self._connection = damaged.connection
        self._digests = Digests(damaged.meta.run)
        self._limits = limits
        self._start = damaged.meta.start
        self._full = damaged.meta.lineage == "full"
        self._most_behaviours = damaged.size // LEAST_BEHAVIOUR
        self._generations: dict[int, GenerationRow] = {}
        self._kept: list[int] = []
        last = self._read(damaged.size // LEAST_GENERATION)
        self._newest = self._population(self._kept[-1]) if self._kept else None
        self.last = -1 if self._newest is None else self._newest.number
        self.report = ["begins again: no population is intact"]
        if self._newest is not None:
            self.report = [f"goes on from generation {self.last}, the newest whose population is intact"]
        if last > self.last:
            self.report.append(f"generations {self.last + 1} to {last} were removed, and will come again")

    def _read(self, most: int) -> int:
        """Take up generations and populations by number; returns that of the last generation there was.

        The file has room for `most` of them, so a head that says more is damaged.
        """
        head = self._head()
        known = head is not None and head.number < most
        last = head.number if head is not None and known else most + MAX_ABSENT_GENERATIONS
        misses = 0
        for number in range(last + 1):
            generation = self._generation(number)
            if generation is not None:
                self._generations[number] = generation
            population = self._is_kept(number)
            if population:
                self._kept.append(number)
            misses = 0 if population or generation is not None else misses + 1
            if misses > MAX_ABSENT_GENERATIONS and not known:
                break
        if known:
            return last
        return max([*self._generations, *self._kept], default=-1)

    # Rows by their number, as far as they are intact.

    def _row(self, table: str, id: int) -> Row | None:
        try:
            row: Row | None = self._connection.execute(
                f"SELECT * FROM {table} WHERE id = ?", (id,)
            ).fetchone()
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            return None
        return row

    def _head(self) -> Head | None:
        row = self._row("head", 0)
        with suppress(DamageError):
            return None if row is None else Head.of_row(row, self._digests)
        return None

    def _generation(self, number: int) -> GenerationRow | None:
        row = self._row("generations", number)
        with suppress(DamageError):
            if row is not None:
                found = GenerationRow.of_row(row, self._digests)
                statistics_table([found.statistics])
                found.leading(self._most_behaviours)
                return found
        return None

    def _population(self, number: int) -> Population:
        return Population.of_row(
            self._row("populations", number) or (number, *[None] * 5), self._digests, self._limits
        )

    def _is_kept(self, number: int) -> bool:
        """True where the population is intact and is the one that was hashed, as far as its neighbours can tell."""
        if self._row("populations", number) is None:
            return False
        try:
            population = self._population(number)
            population.births()
        except DamageError:
            return False
        here, above = self._generations.get(number), self._generations.get(number - 1)
        before = self._start if number == 0 else None if above is None else above.hash
        itself = here is None or here.hash in (LOST, population.hash)
        return itself and before in (None, LOST, population.previous)

    def _leading(self, number: int) -> LeadingBehaviour | None:
        row = self._row("behaviours", number)
        with suppress(DamageError):
            if row is not None:
                return LeadingBehaviour.of_row(row, self._digests, self._limits)[1]
        return None

    def _birth(self, id: int) -> BirthRow | None:
        row = self._row("births", id)
        with suppress(DamageError):
            return None if row is None else BirthRow.of_row(row, self._digests, self._limits)
        return None

    # Writing.

    def write(self, target: sqlite3.Connection, digests: Digests) -> None:
        """Write what is intact into a new run, and complete the report."""
        numbers = range(self.last + 1)
        target.execute("BEGIN IMMEDIATE")
        lost = [number for number in numbers if number not in self._generations]
        if lost:
            self.report.append(f"statistics lost: generations {', '.join(spans(lost))}")
        insert(
            target,
            "generations",
            (digests.row("generations", *self._generation_or_nothing(n)) for n in numbers),
        )
        checkpoints = {n: bool((self._row("populations", n) or (0, 0))[1]) for n in self._kept}
        insert(target, "populations", (self._population(n).row(checkpoints[n], digests) for n in self._kept))
        behaviours = self._write_behaviours(target, digests)
        insert(target, "censuses", (census.row(digests) for census in self._censuses(behaviours)))
        births = [digests.row("births", *birth) for birth in self._births()]
        insert(target, "births", births)
        hash = self._start if self._newest is None else self._newest.hash
        write_head(target, Head(self.last, hash, len(births), behaviours, self.last), digests)
        target.execute("COMMIT")

    def _generation_or_nothing(self, number: int) -> GenerationRow:
        found = self._generations.get(number)
        if found is not None:
            return found
        hash = self._population(number).hash if number in self._kept else LOST
        return GenerationRow(number, hash, NO_STATISTICS, b"")

    def _write_behaviours(self, target: sqlite3.Connection, digests: Digests) -> int:
        """Those that lead in what is left; returns how many."""
        leading = [
            np.frombuffer(row.leaders, LEADERS_TYPE)["behaviour"].max(initial=0)
            for number, row in self._generations.items()
            if number <= self.last
        ]
        most = int(max(leading, default=0))
        found = [self._leading(number) for number in range(1, most + 1)]
        if lost := found.count(None):
            self.report.append(f"leading behaviours lost: {lost}")
        nothing = [LeadingBehaviour(f"lost {n}", None, "?", None) for n in range(1, most + 1)]
        rows = [
            (one or none).row(n, digests) for n, (one, none) in enumerate(zip(found, nothing, strict=True), 1)
        ]
        insert(target, "behaviours", rows)
        return most

    def _censuses(self, behaviours: int) -> Iterator[Census]:
        """Those of which the leaders are there too, and that can be read; says how many are lost."""
        lost = 0
        for number in range(0, self.last + 1, spacing(self.last)):
            here, row = self._generations.get(number), self._row("censuses", number)
            if row is None:
                continue  # there was none, or who looks for it finds it missing
            try:
                census = Census.of_row(row, self._digests, self._limits)
                if here is None:
                    raise DamageError(f"generation {number} is damaged")
                census.check(int(here.leading(behaviours)["count"].sum()), here.size, behaviours)
            except DamageError:
                lost += 1
                continue
            yield census
        if lost:
            self.report.append(f"censuses lost: {lost}")

    def _births(self) -> Iterator[BirthRow]:
        """Ancestors of the newest population (or everyone born by then) in id order, as far as they can be read."""
        newest = () if self._newest is None else self._newest.births()[0]
        living = {pack(birth.id) for birth in newest}
        wanted: set[int] = set()
        if self._full:
            for number in range(self.last + 1):
                with suppress(sqlite3.DatabaseError):
                    first, after = pack(BirthId(number, 0, 0)), pack(BirthId(number + 1, 0, 0))
                    ids = self._connection.execute(
                        "SELECT id FROM births WHERE id >= ? AND id < ?", (first, after)
                    )
                    wanted.update(id for (id,) in ids)
        for birth in newest:
            here = pack(birth.parents[0]) if birth.parents else None
            while here is not None and here not in wanted:
                row = None if here in living else self._birth(here)
                if row is not None:
                    wanted.add(here)
                here = None if row is None else row.ancestor
        readable: set[int] = set(living)
        for id in sorted(wanted - living):
            row = self._birth(id)
            if row is not None and (row.whole or row.ancestor in readable):
                readable.add(id)
                yield row
