"""When a disk has damaged a run: naming all of it, and saving what can be gone on from.

Evolution is deterministic, so a run that goes back to its newest intact population comes again through the
very generations that were lost. What lies before and is damaged cannot come again: it is left out, and said.
"""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from results.errors import DamageError
from results.records import QUANTILES, BirthId
from results.run.database import check_format, connect, naming, new_file, read_meta
from results.run.place import WriterLock
from results.run.rows import (
    LEADERS_TYPE,
    START,
    STATISTICS,
    BirthRow,
    LeadingBehaviour,
    Population,
    Row,
    opened,
    pack,
    sealed,
    unpack,
)
from results.run.store import run_file
from results.run.writer import write_head

LOST = b"\xff" * 32
"""Stands for the hash of a generation whose row a repair could not save."""

GAP = 10_000
"""Where even the table's head is damaged, so many absent generations in a row mean there are no more."""

MOST_FILLED = 1000
"""A header that claims more than so many times the file is itself damaged."""

LISTED = 20
"""Damaged rows of a table that are named one by one."""


def _spans(numbers: list[int]) -> list[str]:
    """Sorted numbers, consecutive ones as "first to last".

    >>> _spans([1, 2, 3, 7])
    ['1 to 3', '7']
    """
    starts = [n for k, n in enumerate(numbers) if k == 0 or n != numbers[k - 1] + 1]
    ends = [n for k, n in enumerate(numbers) if k + 1 == len(numbers) or numbers[k + 1] != n + 1]
    return [f"{a} to {b}" if a < b else str(a) for a, b in zip(starts, ends, strict=True)]


def damages(connection: sqlite3.Connection) -> list[str]:
    """Everything that is not as it was written."""
    found: list[str] = []

    def each(table: str, read: Callable[[Row], Any]) -> Iterator[Any]:
        """All rows of a table that can be read; notes the others."""
        count = 0
        try:
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY id"):
                try:
                    yield read(row)
                except DamageError as error:
                    count += 1
                    if count <= LISTED:
                        found.append(str(error))
        except sqlite3.DatabaseError as error:
            found.append(f"table {table} cannot be read to its end ({error})")
        if count > LISTED:
            found.append(f"table {table}: {count - LISTED} more rows are damaged")

    def missing(what: str, numbers: Iterable[int], there: Iterable[int]) -> None:
        lost = sorted(set(numbers) - set(there))
        if lost:
            spans = _spans(lost)
            found.append(f"{what} missing: {', '.join(spans[:LISTED])}{' ...' * (len(spans) > LISTED)}")

    try:
        read_meta(connection)
        faults = [text for (text,) in connection.execute(f"PRAGMA integrity_check({LISTED})") if text != "ok"]
        found += [f"database: {' '.join(text.split())}" for text in faults]
    except DamageError as error:
        found.append(str(error))
    except sqlite3.DatabaseError as error:
        found.append(f"database: {error}")
    heads = list(each("head", lambda row: opened("head", "table head", row)))
    if len(heads) != 1:
        return [*found, "table head is damaged"]
    _, last, last_hash, births, behaviours, repaired = heads[0]

    hashes = {-1: START}
    for number, hash, *_ in each(
        "generations", lambda row: opened("generations", f"generation {row[0]}", row)
    ):
        hashes[number] = hash
    missing("generations", range(last + 1), hashes)
    if hashes.get(last, last_hash) != last_hash:
        found.append(f"generation {last} is not the one the run ended with")

    newest: Population | None = None
    for population in each("populations", Population.of_row):
        number = population.number
        before, here = hashes.get(number - 1), hashes.get(number)
        if before not in (population.previous, LOST, None) or here not in (population.hash, LOST, None):
            found.append(f"the population of generation {number} is not the one that was hashed")
        newest = population
    if last >= 0 and (newest is None or newest.number != last):
        found.append(f"the population of generation {last} is missing")

    leading = [number for number, _ in each("behaviours", LeadingBehaviour.of_row)]
    missing("behaviours", range(1, behaviours + 1), leading)

    rows = sum(1 for _ in each("births", BirthRow.of_row))
    if rows != births:
        found.append(f"births: {rows} of {births} can be read")
    if newest is not None:
        living = {pack(birth.id): birth for birth in newest.births()[0]}
        try:
            orphans = connection.execute(
                "SELECT births.id - births.parent FROM births WHERE births.parent NOTNULL "
                "AND NOT EXISTS (SELECT 1 FROM births AS kept WHERE kept.id = births.id - births.parent)"
            ).fetchall()
            for birth in living.values():
                for parent in birth.parents[:1]:
                    if not connection.execute(
                        "SELECT 1 FROM births WHERE id = ?", (pack(parent),)
                    ).fetchall():
                        orphans.append((pack(parent),))
        except sqlite3.DatabaseError:
            return found  # the table cannot be read, which has been said
        lost = {unpack(id) for (id,) in orphans if id not in living and id >> 32 > repaired}
        found += [f"birth {id} is missing" for id in sorted(lost)[:LISTED]]
    return found


def repair(path: str | os.PathLike[str]) -> list[str]:
    """Rebuild a damaged run up to its newest intact population, and say what was lost.

    The damaged file stays beside it as ``run.sqlite.damaged``. Statistics that cannot be read become nan;
    lines of descent end at a birth that cannot be read. Raises DamageError when no population is intact.
    """
    file = run_file(path)
    lock = WriterLock(file.with_name("run.lock"))
    try:
        _fill(file)
        with naming(file), closing(connect(file.as_uri() + "?mode=rw")) as damaged:
            check_format(file, damaged)
            meta = read_meta(damaged)
            fresh = file.with_name(file.name + ".repaired")
            with closing(new_file(fresh, meta)) as repaired:
                report = _save(damaged, repaired, full=meta["lineage"] == "full")
        file.replace(file.with_name(file.name + ".damaged"))
        for suffix in ("-wal", "-shm", "-journal"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        fresh.replace(file)
        return report
    finally:
        lock.release()


def _fill(file: Path) -> None:
    """Give a truncated file its length back, in zeros: else SQLite refuses its intact pages too."""
    with file.open("rb") as opened_file:
        header = opened_file.read(100)
    page = int.from_bytes(header[16:18], "big")
    length = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
    if file.stat().st_size < length <= MOST_FILLED * file.stat().st_size:
        os.truncate(file, length)


def _save(damaged: sqlite3.Connection, repaired: sqlite3.Connection, *, full: bool) -> list[str]:
    """Copy what is intact; returns what is not."""

    def one(table: str, id: int) -> Row | None:
        try:
            row: Row | None = damaged.execute(f"SELECT * FROM {table} WHERE id = ?", (id,)).fetchone()
        except sqlite3.DatabaseError:
            return None
        return row

    def intact(table: str, id: int) -> Row | None:
        row = one(table, id)
        if row is None:
            return None
        try:
            if table == "populations":
                Population.of_row(row)
            else:
                opened(table, "", row)
        except DamageError:
            return None
        return row

    head = intact("head", 0)
    generations: list[Row | None] = []
    populations: dict[int, Row] = {}
    number, misses = 0, 0
    while number <= head[1] if head is not None else misses < GAP:
        generation, row = intact("generations", number), intact("populations", number)
        generations.append(generation)
        if row is not None and generation is not None and Population.of_row(row).hash != generation[1]:
            row = None
        if row is not None:
            populations[number] = row
        misses = misses + 1 if generation is None and row is None else 0
        number += 1
    last = number - 1 - misses if head is None else int(head[1])
    newest = Population.of_row(populations[max(populations)]) if populations else None
    if newest is None:
        raise DamageError("no population is intact: nothing is left to go on from")
    report = [f"goes on from generation {newest.number}, the newest whose population is intact"]
    if last > newest.number:
        report.append(f"generations {newest.number + 1} to {last} were removed, and will come again")

    del generations[newest.number + 1 :]
    lost = [number for number, row in enumerate(generations) if row is None]
    if lost:
        report.append(f"statistics lost: generations {', '.join(_spans(lost))}")
    nothing = STATISTICS.pack(*[math.nan] * (len(QUANTILES) + 3), 0, 0, 0)
    most = max((int(n) for row in generations if row is not None for n in _leading(row)), default=0)
    behaviours = [intact("behaviours", number) for number in range(1, most + 1)]
    if lost_behaviours := [number for number, row in enumerate(behaviours, 1) if row is None]:
        report.append(f"leading behaviours lost: {len(lost_behaviours)}")
    births = list(_births(damaged, newest, intact, full))

    repaired.execute("BEGIN IMMEDIATE")
    _insert(
        repaired,
        "generations",
        [
            row or sealed("generations", n, _hash(populations.get(n)), nothing, b"")
            for n, row in enumerate(generations)
        ],
    )
    _insert(
        repaired,
        "behaviours",
        [row or LeadingBehaviour(f"lost {n}", None, "?", None).row(n) for n, row in enumerate(behaviours, 1)],
    )
    _insert(repaired, "populations", list(populations.values()))
    _insert(repaired, "births", [sealed("births", *birth) for birth in births])
    write_head(repaired, newest.number, newest.hash, len(births), most, newest.number)
    repaired.execute("COMMIT")
    return report


def _hash(population: Row | None) -> bytes:
    return LOST if population is None else Population.of_row(population).hash


def _births(
    damaged: sqlite3.Connection, newest: Population, intact: Callable[[str, int], Row | None], full: bool
) -> Iterator[BirthRow]:
    """Ancestors of a population (or everyone born by then) in id order, as far as they can be read."""
    living = {pack(birth.id) for birth in newest.births()[0]}
    wanted: set[int] = set()
    if full:
        for number in range(newest.number + 1):
            with suppress(sqlite3.DatabaseError):
                first, after = pack(BirthId(number, 0, 0)), pack(BirthId(number + 1, 0, 0))
                ids = damaged.execute("SELECT id FROM births WHERE id >= ? AND id < ?", (first, after))
                wanted.update(id for (id,) in ids)
    for birth in newest.births()[0]:
        here = pack(birth.parents[0]) if birth.parents else None
        while here is not None and here not in wanted:
            row = None if here in living else intact("births", here)
            if row is not None:
                wanted.add(here)
            here = None if row is None else BirthRow.of_row(row).ancestor
    readable: set[int] = set(living)
    for id in sorted(wanted - living):
        row = intact("births", id)
        if row is not None and (BirthRow.of_row(row).whole or BirthRow.of_row(row).ancestor in readable):
            readable.add(id)
            yield BirthRow.of_row(row)


def _leading(row: Row) -> list[int]:
    return [int(number) for number in np.frombuffer(row[3], LEADERS_TYPE)["behaviour"]]


def _insert(connection: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    if rows:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
