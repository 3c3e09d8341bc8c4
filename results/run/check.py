"""Reading everything of a run, and naming all that is not as it was written.

Besides the digest of every row this looks at what rows say of each other: numbers that are missing, hashes that do
not follow from what they are chained to, births whose parents are gone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from results.errors import DamageError
from results.run.births import BirthRow
from results.run.censuses import Census, spacing
from results.run.meta import Meta, read_meta
from results.run.populations import Population, milestones
from results.run.rows import (
    LOST,
    SINCE,
    Digests,
    GenerationRow,
    Head,
    LeadingBehaviour,
    Limits,
    Row,
    pack,
    statistics_table,
    unpack,
)

MAX_DAMAGES_LISTED = 20
"""Damaged rows of a table that are named one by one."""


def spans(numbers: Sequence[int]) -> list[str]:
    """Sorted numbers, consecutive ones as "first to last".

    >>> spans([1, 2, 3, 7])
    ['1 to 3', '7']
    """
    starts = [n for k, n in enumerate(numbers) if k == 0 or n != numbers[k - 1] + 1]
    ends = [n for k, n in enumerate(numbers) if k + 1 == len(numbers) or numbers[k + 1] != n + 1]
    return [f"{a} to {b}" if a < b else str(a) for a, b in zip(starts, ends, strict=True)]


def damages(connection: sqlite3.Connection, format: int, digests: Digests, limits: Limits) -> list[str]:
    """Everything that is not as it was written."""
    return _Reader(connection, format, digests, limits).damages()


class _Reader:
    """One reading of everything: what was found so far, in `found`."""

    def __init__(self, connection: sqlite3.Connection, format: int, digests: Digests, limits: Limits) -> None:
        self._connection = connection
        self._format = format
        self._digests = digests
        self._limits = limits
        self.found: list[str] = []

    def damages(self) -> list[str]:
        """All of it, table by table."""
        meta = self._meta()
        start = None if meta is None else meta.start
        heads = list(self._each("head", lambda row: Head.of_row(row, self._digests)))
        if len(heads) != 1:
            return [*self.found, "table head is damaged"]
        head = heads[0]
        rows_of = self._generations(head)
        hashes = {number: here.hash for number, here in rows_of.items()}
        newest = self._populations(head, {-1: start, **hashes})
        leading = [
            number
            for number, _ in self._each(
                "behaviours", lambda row: LeadingBehaviour.of_row(row, self._digests, self._limits)
            )
        ]
        self._missing("behaviours", leading, range(1, head.behaviours + 1))
        if meta is not None and self._format >= SINCE["censuses"]:
            self._censuses(head, rows_of, meta.counted)
        rows = sum(1 for _ in self._each("births", self._birth))
        if rows != head.births:
            self.found.append(f"births: {rows} of {head.births} can be read")
        if newest is not None:
            self._orphans(newest, head.repaired)
        return self.found

    def _each(self, table: str, read: Callable[[Row], Any]) -> Iterator[Any]:
        """All rows of a table that can be read; notes the others."""
        count = 0
        try:
            for row in self._connection.execute(f"SELECT * FROM {table} ORDER BY id"):
                try:
                    yield read(row)
                except DamageError as error:
                    count += 1
                    if count <= MAX_DAMAGES_LISTED:
                        self.found.append(str(error))
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self.found.append(f"table {table} cannot be read to its end ({str(error).splitlines()[0]})")
        if count > MAX_DAMAGES_LISTED:
            self.found.append(f"table {table}: {count - MAX_DAMAGES_LISTED} more rows are damaged")

    def _missing(self, what: str, there: Sequence[int], expected: range) -> None:
        """Note what is not there of the numbers that should be; a row too many is noted too.

        The work depends on the rows that are there, not on the numbers, which may be anything.
        """
        outside = [number for number in there if number not in expected]
        inside = [expected.start - 1, *(n for n in there if n in expected), expected.stop]
        gaps = [(a + 1, b - 1) for a, b in pairwise(inside) if b - a > 1]
        if gaps:
            listed = [f"{a} to {b}" if a < b else str(a) for a, b in gaps]
            self.found.append(
                f"{what} missing: {', '.join(listed[:MAX_DAMAGES_LISTED])}{' ...' * (len(listed) > MAX_DAMAGES_LISTED)}"
            )
        if outside:
            self.found.append(f"{what} beyond the last: {', '.join(spans(outside)[:MAX_DAMAGES_LISTED])}")

    def _meta(self) -> Meta | None:
        """Table meta and the pages of the file."""
        meta = None
        try:
            meta = read_meta(self._connection, self._format)
            pages = self._connection.execute(f"PRAGMA integrity_check({MAX_DAMAGES_LISTED})")
            faults = [str(text) for (text,) in pages if text != "ok"]
            self.found += [f"database: {' '.join(text.split())}" for text in faults]
        except DamageError as error:
            self.found.append(str(error))
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self.found.append(f"database: {str(error).splitlines()[0]}")
        return meta

    def _generations(self, head: Head) -> dict[int, GenerationRow]:
        """Statistics and leaders; returns the rows by generation."""

        def read(row: Row) -> GenerationRow:
            here = GenerationRow.of_row(row, self._digests)
            try:
                statistics_table([here.statistics])
                here.leading(head.behaviours)
            except DamageError as error:
                raise DamageError(f"generation {row[0]}: {error}") from None
            return here

        rows = {here.number: here for here in self._each("generations", read)}
        self._missing("generations", list(rows), range(head.number + 1))
        if head.number in rows and rows[head.number].hash != head.hash:
            self.found.append(f"generation {head.number} is not the one the run ended with")
        return rows

    def _censuses(self, head: Head, generations: dict[int, GenerationRow], counted: int) -> None:
        """A census of every generation that should have one, and of no other."""

        def read(row: Row) -> int:
            census = Census.of_row(row, self._digests, self._limits)
            here = generations.get(census.number)
            if here is not None:
                leading = int(here.leading(head.behaviours)["count"].sum())
                census.check(leading, here.size, head.behaviours)
            return census.number

        kept = list(self._each("censuses", read))
        step = spacing(head.number)
        begin = max(counted, head.repaired + 1)
        expected = range(-(-begin // step) * step, head.number + 1, step)
        absent = sorted(set(expected) - set(kept))
        if absent:
            listed = ", ".join(map(str, absent[:MAX_DAMAGES_LISTED]))
            self.found.append(f"censuses missing: generations {listed}")
        if strange := [n for n in kept if n % step or not counted <= n <= head.number]:
            listed = ", ".join(map(str, strange[:MAX_DAMAGES_LISTED]))
            self.found.append(f"censuses that should not be there: generations {listed}")

    def _populations(self, head: Head, hashes: dict[int, bytes | None]) -> Population | None:
        """The chain of hashes through every population that is kept; returns the newest that can be read.

        Where the row of a generation cannot be read or was lost, neighbours that are both kept still have to follow
        from each other.
        """
        newest: Population | None = None
        kept = set()

        def read(row: Row) -> Population:
            kept.add(row[0])
            population = Population.of_row(row, self._digests, self._limits)
            population.births()
            return population

        for population in self._each("populations", read):
            number = population.number
            before, here = hashes.get(number - 1), hashes.get(number)
            follows = before in (population.previous, LOST, None) and here in (population.hash, LOST, None)
            if newest is not None and newest.number == number - 1:
                follows &= population.previous == newest.hash
            if not follows:
                self.found.append(f"the population of generation {number} is not the one that was hashed")
            newest = population
        if (-1 if newest is None else newest.number) != head.number:
            self.found.append(f"the population of generation {head.number} is missing")
        absent = [n for n in milestones(head.number) if n > head.repaired and n not in kept]
        self.found += [f"the population of generation {n} is missing" for n in absent[:MAX_DAMAGES_LISTED]]
        return newest

    def _birth(self, row: Row) -> BirthRow:
        return BirthRow.of_row(row, self._digests, self._limits)

    def _orphans(self, newest: Population, repaired: int) -> None:
        """Births that the living, or those that are kept, descend from and that are not there."""
        living = {pack(birth.id): birth for birth in newest.births()[0]}
        try:
            orphans = self._connection.execute(
                "SELECT births.id - births.parent FROM births WHERE births.parent NOTNULL "
                "AND NOT EXISTS (SELECT 1 FROM births AS kept WHERE kept.id = births.id - births.parent)"
            ).fetchall()
            for birth in living.values():
                for parent in birth.parents[:1]:
                    if not self._connection.execute(
                        "SELECT 1 FROM births WHERE id = ?", (pack(parent),)
                    ).fetchall():
                        orphans.append((pack(parent),))
        except sqlite3.DatabaseError:
            return  # the table cannot be read, which has been said
        lost = {id for (id,) in orphans if type(id) is int and id not in living and id >> 32 > repaired}
        self.found += [f"birth {unpack(id)} is missing" for id in sorted(lost)[:MAX_DAMAGES_LISTED]]
