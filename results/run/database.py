"""The run file as a database: made whole or not at all, opened to write or only to read, and recognised.

Errors of SQLite become ours here: one line that names the file and what is wrong with it.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from results.errors import DamageError, RunError
from results.run.rows import APPLICATION, FORMAT, META, RESULTS, SCHEMA, START, opened, schema_faults, sealed
from results.run.writer import write_head

PATIENCE = 60.0
"""Seconds that a writer waits for readers on a filesystem without write-ahead log, and they for it."""


class ExperimentText(Protocol):
    """What a run needs to know of an experiment."""

    @property
    def name(self) -> str: ...
    @property
    def seed(self) -> int: ...
    def to_toml(self) -> str: ...
    def results_key(self) -> str:
        """The text of everything that can change results, and of nothing else."""
        ...


def read_meta(connection: sqlite3.Connection) -> dict[str, str]:
    """What is known of a run as a whole; raises DamageError."""
    rows = [
        opened("meta", f"table meta, row {row[0]},", row)
        for row in connection.execute("SELECT * FROM meta ORDER BY id")
    ]
    found = {name: value for _, name, value in rows}
    if tuple(found) != META:
        raise DamageError("table meta is incomplete")
    return found


def write_meta(connection: sqlite3.Connection, meta: dict[str, str]) -> None:
    """Write what is known of a run as a whole."""
    rows = [sealed("meta", id, name, meta[name]) for id, name in enumerate(META)]
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?, ?, ?)", rows)


def new_file(file: Path, meta: dict[str, str]) -> sqlite3.Connection:
    """An empty run at `file`, its tables and `meta` written."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    connection = connect(file.as_uri() + "?mode=rwc")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA.values():
        connection.execute(statement)
    write_meta(connection, meta)
    write_head(connection, -1, START, 0, 0, -1)
    connection.execute("COMMIT")
    return connection


def create(file: Path, experiment: ExperimentText) -> None:
    """Make the run beside its place and move it there: it exists whole, or not at all."""
    provenance = {"name": experiment.name, "seed": experiment.seed, "sessions": [began(0)]}
    meta = {
        "experiment": experiment.to_toml(),
        "results_key": experiment.results_key(),
        "results_version": str(RESULTS),
        "lineage": "pruned",
        "provenance": json.dumps(provenance),
    }
    fresh = file.with_name(file.name + ".new")
    new_file(fresh, meta).close()
    for suffix in ("-wal", "-shm", "-journal"):  # of a run that was deleted: they must not meet this one
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    fresh.replace(file)


def session() -> dict[str, Any]:
    packages = ("evolve-ipd", "numpy", "numba", "scipy", "deap", "joblib")
    versions = {"python": platform.python_version()}
    for package in packages:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {"versions": versions, "platform": platform.platform()}


def began(generation: int) -> dict[str, Any]:
    return {"began": datetime.now(UTC).isoformat(timespec="seconds"), "generation": generation, **session()}


def connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=PATIENCE)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def connect_reading(file: Path) -> tuple[sqlite3.Connection, list[Any]]:
    """A connection that cannot write, and what to call when it is no longer needed."""
    connection = connect(file.as_uri() + "?mode=ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return connection, [connection.close]
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
    # A place where SQLite cannot put its shared memory: read-only media, or not ours.
    beside = [file.with_name(file.name + suffix) for suffix in ("-wal", "-journal")]
    beside = [journal for journal in beside if journal.exists() and journal.stat().st_size]
    if not beside:
        connection = connect(file.as_uri() + "?immutable=1")
        return connection, [connection.close]
    # The writer was killed, and its last commits are in the journal: put them together elsewhere.
    place = tempfile.TemporaryDirectory(prefix="run-")
    for part in (file, *beside):
        shutil.copyfile(part, Path(place.name) / part.name)
    connection = connect((Path(place.name) / file.name).as_uri() + "?mode=rw")
    return connection, [connection.close, place.cleanup]


def check_format(file: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise DamageError("this is not a run (another database, or its first bytes are damaged)")
    if version > FORMAT:
        raise RunError(
            f"{file}: written in format {version}; this version reads up to {FORMAT}: upgrade to open it"
        )
    faults = schema_faults(connection)
    if version != FORMAT or faults:
        raise DamageError("; ".join(faults) or f"format {version} is unknown")


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Say which file it was, in our words."""
    try:
        yield
    except DamageError as error:
        text = str(error)
        raise (error if text.startswith(str(file)) else DamageError(f"{file}: {text}")) from None
    except UnicodeDecodeError:  # SQLite quotes in its message what it could not read
        raise DamageError(f"{file}: damaged (text is not UTF-8)") from None
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise RunError(f"{file}: the disk is full; nothing of this commit was written") from None
        if code in (
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_IOERR,
        ):
            raise RunError(f"{file}: {error}") from None
        raise DamageError(f"{file}: damaged ({str(error).splitlines()[0]})") from None
