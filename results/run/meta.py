"""What is known of a run as a whole: its id, its experiment, where its hash begins, and who wrote it with what.

It is written twice, in tables on pages of their own, so that one damaged page of it can be repaired. The id is
random and ties the rows to their file (see `results.run.rows.Digests`); the hash knows nothing of it, so equal
runs have equal hashes.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple, cast

from results.errors import DamageError
from results.run.rows import HASH, Digests, Row, intact

COPIES = ("meta", "meta_copy")

ZERO_START = bytes(HASH)
"""Where hashes began in format 1: a run of that time keeps it."""

NO_RUN = bytes(16)
"""In place of the id in format 1, whose digests were of their rows alone."""

Lineage = Literal["pruned", "full"]


def chain_start(results_key: str) -> bytes:
    """What the hash of the first generation is chained to: the experiment, as far as it can change results."""
    return hashlib.sha256(results_key.encode()).digest()


class Meta(NamedTuple):
    """What is known of a run as a whole."""

    run: bytes
    """16 random bytes: which run this file is, wherever it lies."""
    edition: int
    """How often this was written: of two copies the later one counts."""
    experiment: str
    """The experiment file, as last run."""
    results_key: str
    results_version: int
    start: bytes
    """What the hash of the first generation is chained to."""
    lineage: Lineage
    provenance: dict[str, Any]
    """Name, seed, and the sessions that wrote the run."""
    counted: int = 0
    """The first generation that can have a census: 0, or where a run of an earlier format became ours."""

    def rows(self) -> list[Row]:
        """As the rows of a table."""
        texts = {
            "run": self.run.hex(),
            "edition": str(self.edition),
            "experiment": self.experiment,
            "results_key": self.results_key,
            "results_version": str(self.results_version),
            "start": self.start.hex(),
            "lineage": self.lineage,
            "provenance": json.dumps(self.provenance),
            "counted": str(self.counted),
        }
        digests = Digests(self.run)
        return [digests.row("meta", id, name, text) for id, (name, text) in enumerate(texts.items())]

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[Any]], format: int) -> Meta:
        """Read the rows of a table; raises DamageError."""
        texts = {name: value for _, name, value, _ in rows}
        run = _bytes(texts.get("run"), len(NO_RUN)) if format > 1 else NO_RUN
        digests = Digests(run)
        for row in rows:
            digests.fields("meta", f"table meta, row {row[0]},", row)
        if format == 1:
            texts = {"run": NO_RUN.hex(), "edition": "0", "start": ZERO_START.hex(), **texts}
        texts = {"counted": "0", **texts}  # the first two formats had none
        intact("table meta", set(texts) == set(cls._fields), all(isinstance(t, str) for t in texts.values()))
        for name in ("edition", "results_version", "counted"):
            intact("table meta", re.fullmatch("[0-9]{1,10}", texts[name]) is not None)
        start = _bytes(texts["start"], HASH)
        intact(
            "table meta",
            start in (ZERO_START, chain_start(texts["results_key"])),
            texts["lineage"] in ("pruned", "full"),
        )
        return cls(
            run,
            int(texts["edition"]),
            texts["experiment"],
            texts["results_key"],
            int(texts["results_version"]),
            start,
            cast(Lineage, texts["lineage"]),
            _provenance(texts["provenance"]),
            int(texts["counted"]),
        )


def read_meta(connection: sqlite3.Connection, format: int) -> Meta:
    """What is known of a run; raises DamageError where either copy is damaged."""
    copies = [read_copy(connection, table, format) for table in _tables(format)]
    if any(copy != copies[0] for copy in copies):
        raise DamageError("table meta is damaged: its two copies differ")
    return copies[0]


def intact_meta(connection: sqlite3.Connection, format: int) -> Meta:
    """The later of the intact copies, or where they speak of two runs that of the run whose rows these are.

    Raises DamageError where there is none.
    """
    copies = []
    for table in _tables(format):
        try:
            copies.append(read_copy(connection, table, format))
        except (DamageError, sqlite3.DatabaseError, UnicodeDecodeError):
            continue
    if not copies:
        raise DamageError("table meta is damaged, and so is its copy")
    if any(copy.run != copies[0].run for copy in copies):
        return max(copies, key=lambda copy: _rows_of(connection, copy.run))
    return max(copies, key=lambda copy: copy.edition)


def _rows_of(connection: sqlite3.Connection, run: bytes) -> int:
    """How many of the head and the last generations are a run's."""
    digests = Digests(run)
    found = 0
    for table in ("head", "generations"):
        with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 100"):
                found += digests.of(table, *row[:-1]) == row[-1]
    return found


def read_copy(connection: sqlite3.Connection, table: str, format: int) -> Meta:
    """What one of the two tables says; raises DamageError."""
    rows = connection.execute(f"SELECT * FROM {table} ORDER BY id LIMIT ?", (len(Meta._fields) + 1,))
    return Meta.of_rows(rows.fetchall(), format)


def write_meta(connection: sqlite3.Connection, meta: Meta) -> None:
    """Write both copies."""
    for table in COPIES:
        connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)", meta.rows())


def _tables(format: int) -> tuple[str, ...]:
    return COPIES if format > 1 else COPIES[:1]


def _bytes(text: object, length: int) -> bytes:
    intact(
        "table meta", isinstance(text, str) and re.fullmatch(f"[0-9a-f]{{{2 * length}}}", text) is not None
    )
    return bytes.fromhex(str(text))


def _provenance(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise DamageError("table meta is damaged: provenance is no JSON") from None
    intact(
        "table meta",
        isinstance(found, dict) and isinstance(found.get("name"), str) and type(found.get("seed")) is int,
    )
    sessions = found.get("sessions")
    intact("table meta", isinstance(sessions, list) and len(sessions) > 0)
    intact("table meta", all(isinstance(session, dict) for session in sessions))
    return cast(dict[str, Any], found)
