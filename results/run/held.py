"""The file that a writer holds, and whether it is still the one at its path.

A run can be deleted, moved or replaced while it is written; the system lets the writer go on in a file without a
name, and all of it would be lost at the end. So at every commit the path is compared, and where it leads
elsewhere, all that is committed goes into a new file beside it, and the run goes on there.
"""

from __future__ import annotations

import difflib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

from results.errors import DamageError, RunError
from results.run.database import (
    ExperimentText,
    began,
    connect,
    connect_reading,
    create,
    move_in,
    opened_meta,
    run_without_log,
    session,
)
from results.run.meta import Lineage, Meta, write_meta
from results.run.migration import migrate
from results.run.place import WriterLock, journal, put_in_place, refuse_links
from results.run.rows import FORMAT, RESULTS

Synchronous = Literal["normal", "full"]

LARGE_LOG = 64 * 2**20
"""Bytes of a write-ahead log that are worth a word, where they are more than the run itself."""


class Held:
    """A run file, locked and open to be written; `file` and `connection` may change with `check`."""

    def __init__(
        self, file: Path, experiment: ExperimentText, synchronous: Synchronous, notice: Callable[[str], None]
    ) -> None:
        self.file = file
        self._synchronous = synchronous
        self._notice = notice
        self._large = False
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = WriterLock(_lock_file(file))
        try:
            refuse_links(file)
            put_in_place(file)
            if not file.exists():
                create(file, experiment)
            self._check_before(experiment)
            self._connect()
            try:
                _, self.meta = opened_meta(file, self.connection, None)
                self._prepare()
            except BaseException:
                self.connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def _check_before(self, experiment: ExperimentText) -> None:
        """Look before anything is written: what is refused stays as it is, not mixed with a log of another run."""
        alone = run_without_log(self.file)
        connection, closing = connect_reading(self.file)
        try:
            format, meta = opened_meta(self.file, connection, alone)
            _refuse_another(self.file, meta, experiment)
            _refuse_damage(connection)
        finally:
            for close in closing:
                close()
        if format != FORMAT:
            migrate(self.file, meta, format, experiment.limits)

    def _connect(self) -> None:
        self.connection = connect(self.file.as_uri() + "?mode=rw")
        self._identity = _identity(self.file)

    def _prepare(self) -> None:
        kept = journal(self.file)
        self.connection.execute(f"PRAGMA journal_mode = {kept}")
        # after a power cut a rollback journal can be relied on only where every step of a commit was synced
        self.connection.execute(f"PRAGMA synchronous = {self._synchronous if kept == 'WAL' else 'full'}")

    def note(self, experiment: ExperimentText, lineage: Lineage, last: int) -> Lineage:
        """Write down who goes on after generation `last`, and how; returns the lineage mode so far."""
        meta = self.meta
        sessions = meta.provenance["sessions"]
        before = {k: v for k, v in sessions[-1].items() if k not in ("began", "generation")}
        if before != session():
            sessions = [*sessions, began(last + 1)]
        now = meta._replace(
            experiment=experiment.to_toml(),
            lineage=lineage,
            provenance=meta.provenance | {"name": experiment.name, "sessions": sessions},
        )
        if now != meta:
            self.meta = now._replace(edition=meta.edition + 1)
            self.connection.execute("BEGIN IMMEDIATE")
            write_meta(self.connection, self.meta)
            self.connection.execute("COMMIT")
        return meta.lineage

    def check(self) -> bool:
        """Before a commit: True when the run has to go on in another file; raises RunError for another writer."""
        if _identity(self.file) != self._identity:
            self._save()
            return True
        self._lock.renew()
        self._watch_log()
        return False

    def _save(self) -> None:
        """Put all that is committed into a new file, and go on there."""
        gone, place = self.file, _free(self.file)
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(_lock_file(place)) if _lock_file(place) != _lock_file(gone) else self._lock
        lock.renew()
        fresh = place.with_name(place.name + ".new")
        fresh.unlink(missing_ok=True)
        with closing(connect(fresh.as_uri() + "?mode=rwc")) as copy:
            self.connection.backup(copy)
        with suppress(sqlite3.Error):  # what was moved should be whole by itself
            self.connection.execute("PRAGMA busy_timeout = 0")
            self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self.connection.close()
        move_in(fresh, place)
        if lock is not self._lock:
            self._lock.release()
            self._lock = lock
        self.file = place
        self._connect()
        self._prepare()
        self._notice(f"{gone}: this run was deleted or moved while it was written; it goes on in {place}")

    def _watch_log(self) -> None:
        """Say once that a reader makes the write-ahead log grow."""
        with suppress(OSError):
            size = self.file.with_name(self.file.name + "-wal").stat().st_size
            if not self._large and size > LARGE_LOG and size > self.file.stat().st_size:
                self._large = True
                self._notice(
                    f"{self.file}-wal: {size >> 20} MiB, because somebody has been reading one instant of this run for "
                    "long; it shrinks when they have read it"
                )

    def close(self) -> None:
        """Leave one plain file that can be read from anywhere, where nobody reads it now."""
        with suppress(sqlite3.Error):
            self.connection.execute("PRAGMA busy_timeout = 0")
            self.connection.execute("PRAGMA journal_mode = DELETE")

    def release(self) -> None:
        """Give the file back as it is."""
        try:
            self.connection.close()
        finally:
            self._lock.release()


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file it is, None when there is none."""
    try:
        found = file.stat(follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _free(file: Path) -> Path:
    """The path itself, or the first of run.2.sqlite, run.3.sqlite ... where nothing is."""
    place, number = file, 2
    while os.path.lexists(place):
        place, number = file.with_suffix(f".{number}.sqlite"), number + 1
    return place


def _lock_file(file: Path) -> Path:
    return file.with_suffix(".lock")


def _refuse_another(file: Path, meta: Meta, experiment: ExperimentText) -> None:
    """Raise RunError unless the experiment is the run's, as far as it can change results, and gives what it gave."""
    if not experiment.results_version() <= meta.results_version <= RESULTS:
        raise RunError(
            f"{file}: made with results version {meta.results_version}, this is "
            f"{RESULTS}: the same experiment now gives other results, so it can be read but not continued"
        )
    ours = experiment.results_key()
    if ours != meta.results_key:
        lines = difflib.unified_diff(
            meta.results_key.splitlines(),
            ours.splitlines(),
            "the run",
            "this experiment",
            n=0,
            lineterm="",
        )
        raise RunError(
            f"{file}: this is another experiment's run; choose another folder with --out, or its own file:\n"
            + "\n".join(line for line in lines if not line.startswith("@@"))
        )


def _refuse_damage(connection: sqlite3.Connection) -> None:
    """Raise DamageError where pages do not hang together: to write into them would damage more."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise DamageError(f"damaged ({' '.join(str(found).split())})")
