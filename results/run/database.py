"""The run file as a database: made whole or not at all, opened to write or only to read, and recognised.

Errors of SQLite become ours here: one line that names the file and what is wrong with it.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from results.errors import DamageError, RunError
from results.run.meta import Meta, chain_start, intact_meta, read_meta, write_meta
from results.run.place import BESIDE, naming_path, refuse_links, sync_folder
from results.run.rows import (
    APPLICATION,
    FORMAT,
    PAGE,
    RESULTS,
    SCHEMA,
    SINCE,
    Digests,
    Head,
    Limits,
    Row,
)

BUSY_SECONDS = 60.0
"""Seconds that a writer waits for readers on a filesystem without write-ahead log, and they for it."""

LOG_SIZE = 16 * 2**20
"""Bytes to which the write-ahead log goes back when no reader needs more of it."""


class ExperimentText(Protocol):
    """What a run needs to know of an experiment."""

    @property
    def name(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def limits(self) -> Limits:
        """How long a population and a genome can be as text."""
        ...

    def to_toml(self) -> str: ...
    def results_key(self) -> str:
        """The text of everything that can change results, and of nothing else."""
        ...

    def results_version(self) -> int:
        """The last version of `rows.RESULTS` at which what it does came out differently."""
        ...


# Making.


def new_meta(experiment: ExperimentText) -> Meta:
    """What is known of a run that begins."""
    key = experiment.results_key()
    provenance = {"name": experiment.name, "seed": experiment.seed, "sessions": [began(0)]}
    return Meta(os.urandom(16), 0, experiment.to_toml(), key, RESULTS, chain_start(key), "pruned", provenance)


def new_file(file: Path, meta: Meta) -> sqlite3.Connection:
    """An empty run at `file`, its tables and `meta` written."""
    for suffix in ("", *BESIDE):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    connection = connect(file.as_uri() + "?mode=rwc")
    connection.execute(f"PRAGMA page_size = {PAGE}")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA.values():
        connection.execute(statement)
    write_meta(connection, meta)
    write_head(connection, Head(-1, meta.start, 0, 0, -1), Digests(meta.run))
    connection.execute("COMMIT")
    return connection


def create(file: Path, experiment: ExperimentText) -> None:
    """Make the run beside its place and move it there: it exists whole, or not at all."""
    fresh = file.with_name(file.name + ".new")
    new_file(fresh, new_meta(experiment)).close()
    move_in(fresh, file)


def move_in(fresh: Path, file: Path) -> None:
    """Move a whole file to where no run is."""
    for suffix in BESIDE:  # of a run that was deleted: they must not meet this one
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    fresh.replace(file)
    sync_folder(file.parent)


def insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    """Add rows to a table."""
    columns = SCHEMA[table].count(",") + 1
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})", rows)


def write_head(connection: sqlite3.Connection, head: Head, digests: Digests) -> None:
    """Say what the file now holds."""
    connection.execute("INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?, ?, ?, ?)", head.row(digests))


def read_head(connection: sqlite3.Connection, digests: Digests) -> Head:
    """What the file holds; raises DamageError where it is not what its tables hold."""
    found = connection.execute(
        "SELECT head.*, (SELECT max(id) FROM generations), (SELECT max(id) FROM populations), "
        "(SELECT max(id) FROM behaviours) FROM head LIMIT 2"
    ).fetchall()
    if len(found) != 1:
        raise DamageError("table head is damaged")
    *row, generations, populations, behaviours = found[0]
    head = Head.of_row(row, digests)
    last = None if head.number < 0 else head.number
    for table, expected, there in (
        ("generations", last, generations),
        ("populations", last, populations),
        ("behaviours", head.behaviours or None, behaviours),
    ):
        if there != expected:
            raise DamageError(f"table {table} ends with row {there}, and table head says {expected}")
    return head


def session() -> dict[str, Any]:
    packages = ("evolve-ipd", "numpy", "numba", "scipy", "deap", "joblib")
    versions = {"python": platform.python_version()}
    for package in packages:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {"versions": versions, "platform": platform.platform()}


def began(generation: int) -> dict[str, Any]:
    return {"began": datetime.now(UTC).isoformat(timespec="seconds"), "generation": generation, **session()}


# Opening.


def connect(uri: str) -> sqlite3.Connection:
    """A connection through which a stranger's file can do nothing but hold rows."""
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    if hasattr(connection, "setconfig"):  # Python 3.12
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)  # type: ignore[attr-defined, unused-ignore]
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_SIZE}")
    return connection


def connect_reading(file: Path) -> tuple[sqlite3.Connection, list[Any]]:
    """A connection that cannot write, and what to call when it is no longer needed."""
    refuse_links(file)
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


def check_format(file: Path, connection: sqlite3.Connection) -> int:
    """The file's format; raises RunError for one that is later than ours, DamageError for what is no run."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise DamageError("this is not a run (another database, or its first bytes are damaged)")
    if version > FORMAT:
        raise RunError(
            f"{file}: written in format {version}; this version reads up to {FORMAT}: upgrade to open it"
        )
    if version < 1:
        raise DamageError(f"format {version} is unknown")
    if faults := schema_faults(connection, version):
        raise DamageError("; ".join(faults))
    return int(version)


def schema_faults(connection: sqlite3.Connection, format: int) -> list[str]:
    """What is missing from a run's tables, or should not be there: nothing but them, by type, name and text.

    A trigger could run a stranger's SQL, also one that is named as a table is.
    """
    expected = {("table", name, name, sql) for name, sql in SCHEMA.items() if format >= SINCE.get(name, 1)}
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema LIMIT 100").fetchall()
    strange = [row for row in found if row not in expected]
    changed = {row[1] for row in strange if row[:1] == ("table",) and row[1] in SCHEMA}
    faults = [f"table {name} is damaged" for name in SCHEMA if name in changed]
    faults += [f"{kind} {name} is not ours" for kind, name, *_ in strange if name not in changed]
    missing = {name for _, name, *_ in expected} - {name for kind, name, *_ in found if kind == "table"}
    faults += [f"table {name} is missing" for name in SCHEMA if name in missing]
    return faults or ([] if len(found) == len(expected) else ["the list of tables is damaged"])


def run_without_log(file: Path) -> bytes | None:
    """Which run the file alone says it is, where a write-ahead log lies beside it; None where it cannot be told.

    SQLite replays any log that is whole in itself, also another run's: who opens a run compares the two. To be
    called before a connection is open, because closing a file gives up the locks that this process has on it.
    """
    log = file.with_name(file.name + "-wal")
    if not log.exists() or not log.stat().st_size:
        return None
    with suppress(RunError, sqlite3.Error), closing(connect(file.as_uri() + "?immutable=1")) as connection:
        return intact_meta(connection, check_format(file, connection)).run
    return None


def opened_meta(file: Path, connection: sqlite3.Connection, alone: bytes | None) -> tuple[int, Meta]:
    """Format and meta of an open run, which `alone` was without its log; raises DamageError, RunError."""
    format = check_format(file, connection)
    meta = read_meta(connection, format)
    if alone not in (None, meta.run):
        raise DamageError("the write-ahead log beside it is another run's")
    return format, meta


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Say which file it was, in our words."""
    try:
        with naming_path(file):
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
