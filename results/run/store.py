"""`Run`: one crash-safe SQLite file per evolution, `runs/NAME/run.sqlite`.

A run can be killed at any instant and continued to the last bit, read while it is written, and handed to a
stranger: it is never executed, and damage is named when it is met. How rows look is in `results.run.rows`, what
appending does in `results.run.writer`.
"""

from __future__ import annotations

import difflib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from results.errors import DamageError, RunError
from results.records import QUANTILES, Birth, BirthId, Generation
from results.run.database import (
    ExperimentText,
    began,
    check_format,
    connect,
    connect_reading,
    create,
    naming,
    read_meta,
    session,
    write_meta,
)
from results.run.place import WriterLock, journal
from results.run.rows import (
    LEADERS_TYPE,
    RESULTS,
    STATISTICS_TYPE,
    BirthRow,
    LeadingBehaviour,
    Population,
    opened,
    pack,
    unpack,
)
from results.run.writer import Lineage, Writer


@dataclass(frozen=True, eq=False)
class Leaders:
    """The leading behaviours over time, as a table: `count[i]` individuals did `behaviours[behaviour[i]]` in
    `generation[i]`; all three are ``(rows,)``.
    """

    generation: NDArray[np.int64]
    behaviour: NDArray[np.int64]
    count: NDArray[np.int64]
    behaviours: tuple[LeadingBehaviour, ...]


class Run:
    """A run on disk. Use `Run.open` to write one, `Run.read` to look at one; both are context managers.

    >>> with Run.open("runs/memory3", experiment) as run:          # doctest: +SKIP
    ...     for generation in generations(experiment, start=run.latest()):
    ...         run.append(generation)
    """

    def __init__(
        self, file: Path, connection: sqlite3.Connection, writer: Writer | None, closing: list[Any]
    ) -> None:
        """Not to be called: see `Run.open` and `Run.read`."""
        self._file = file
        self._connection = connection
        self._writer = writer
        self._closing = closing
        self._depth = 0
        self._last: Generation | None = None

    # Opening and closing.

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        experiment: ExperimentText,
        *,
        commit_every: int | None = None,
        checkpoint_every: int = 100,
        lineage: Lineage = "pruned",
        synchronous: Literal["normal", "full"] = "normal",
    ) -> Run:
        """Create the run in the folder `path`, or take it up where it stopped.

        Commits every `commit_every` generations, or a few times a second when that is not given; a killed
        process loses what was appended since, a power cut a little more unless `synchronous` is "full".
        Complete populations stay every `checkpoint_every` generations, and some early ones. `lineage`
        "pruned" keeps the ancestors of the living, "full" everyone.

        Raises RunError when someone else is writing, when the run is of another experiment (the difference is
        shown) or of another version, and DamageError when it is damaged (see `results.run.repairs`).
        """
        for field, value in (("commit_every", commit_every), ("checkpoint_every", checkpoint_every)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{field}: expected a whole number > 0, got {value!r}")
        if lineage not in ("pruned", "full"):
            raise ValueError(f"lineage: expected pruned or full, got {lineage!r}")
        if synchronous not in ("normal", "full"):
            raise ValueError(f"synchronous: expected normal or full, got {synchronous!r}")
        file = run_file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(file.with_name("run.lock"))
        closing: list[Any] = [lock.release]
        try:
            with naming(file):
                if not file.exists():
                    create(file, experiment)
                connection = connect(file.as_uri() + "?mode=rw")
                closing.insert(0, connection.close)
                check_format(file, connection)
                connection.execute(f"PRAGMA journal_mode = {journal(file)}")
                connection.execute(f"PRAGMA synchronous = {synchronous}")
                run = cls(file, connection, None, closing)
                before = run._resume_as(experiment, lineage)
                writer = Writer(
                    connection,
                    commit_every=commit_every,
                    checkpoint_every=checkpoint_every,
                    lineage=lineage,
                )
                run._last = run.latest()
                if run._last is not None:
                    if before == "full" and lineage == "pruned":
                        writer.prune_all(run._last)
                    writer.resume(run._last)
                run._writer = writer
                return run
        except BaseException:
            for close in closing:
                close()
            raise

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Run:
        """Look at a run (its folder or its file), also while it is written, also on read-only media.

        Raises RunError when there is none or it is of a later version, DamageError when it is damaged.
        """
        file = run_file(path)
        if not file.is_file():
            raise RunError(f"{file}: there is no run here")
        with naming(file):
            connection, closing = connect_reading(file)
            try:
                check_format(file, connection)
                run = cls(file, connection, None, closing)
                run._meta()
            except BaseException:
                for close in closing:
                    close()
                raise
        return run

    def close(self) -> None:
        """Commit, and leave one plain file that can be read from anywhere."""
        if not self._closing:
            return
        try:
            if self._writer is not None and self._writer.whole:
                self.commit()
                # Readers keep the write-ahead log in use; then it stays, and all is still well.
                with suppress(sqlite3.OperationalError):
                    self._connection.execute("PRAGMA busy_timeout = 0")
                    self._connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            closing, self._closing = self._closing, []
            for close in closing:
                close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Writing.

    def append(self, generation: Generation) -> None:
        """Add the next generation.

        Raises RunError for one that is not the next, or whose population cannot have come from the last.
        """
        if self._writer is None:
            raise RunError(f"{self._file}: opened for reading, cannot append")
        with naming(self._file):
            self._writer.append(generation)
        self._last = generation

    def commit(self) -> None:
        """Write everything appended so far."""
        if self._writer is not None:
            with naming(self._file):
                self._writer.commit()

    # Reading. Arrays where it is long; every row checked against its digest.

    @property
    def path(self) -> Path:
        """The run's file."""
        return self._file

    @property
    def generation(self) -> int:
        """The number of the last generation, -1 before the first."""
        return self._writer.number if self._writer is not None else int(self._head()[0])

    def __len__(self) -> int:
        """How many generations there are."""
        return self.generation + 1

    @property
    def hash(self) -> str:
        """SHA-256 chained over all generations: two runs are equal exactly when their hashes are."""
        return (self._writer.hash if self._writer is not None else self._head()[1]).hex()

    @property
    def experiment_text(self) -> str:
        """The experiment file, as last run."""
        return self._meta()["experiment"]

    @property
    def provenance(self) -> dict[str, Any]:
        """Name, seed, when it was created, and the sessions that wrote it: versions and platform."""
        return dict(json.loads(self._meta()["provenance"]))

    def latest(self) -> Generation | None:
        """The last generation, whole: what an evolution goes on from; None before the first."""
        if self._writer is not None and self._last is not None:
            return self._last
        with self.snapshot():
            number = self._head()[0]
            return self.population(number) if number >= 0 else None

    def population(self, generation: int | None = None) -> Generation:
        """A whole generation: the last, or any that is kept (see `kept_populations`)."""
        with self.snapshot() as connection:
            head, head_hash = self._head()[:2]
            number = head if generation is None else generation
            row = connection.execute("SELECT * FROM populations WHERE id = ?", (number,)).fetchone()
            if row is None and 0 <= number < head:
                raise RunError(f"{self._file}: the population of generation {number} is not kept whole")
            if row is None:
                missing = DamageError if number == head >= 0 else RunError
                raise missing(f"{self._file}: the population of generation {number} is missing")
            population = Population.of_row(row)
            hash, statistics, leaders = self._generation_row(number)
            if population.hash != hash or (number == head and hash != head_hash):
                raise DamageError(f"the population of generation {number} is not the one that was hashed")
            births, fitness = population.births()
            values = np.frombuffer(statistics, STATISTICS_TYPE)[0]
            return Generation(
                number,
                births,
                fitness,
                float(values["cooperation"]),
                tuple(
                    self._leading(int(one["behaviour"])).leader(int(one["count"]))
                    for one in np.frombuffer(leaders, LEADERS_TYPE)
                ),
                int(values["behaviours"]),
            )

    def hash_of(self, generation: int) -> str:
        """The hash as it was at a generation."""
        with self.snapshot():
            return self._generation_row(generation)[0].hex()

    def kept_populations(self) -> list[int]:
        """The generations whose populations are kept whole."""
        with self.snapshot() as connection:
            return [number for (number,) in connection.execute("SELECT id FROM populations ORDER BY id")]

    def statistics(self) -> dict[str, NDArray[Any]]:
        """By generation: generation, best, mean, q5 ... q95, cooperation, behaviours, size, born."""
        with self.snapshot() as connection:
            rows = connection.execute("SELECT * FROM generations ORDER BY id")
            packed = b"".join([opened("generations", f"generation {row[0]}", row)[2] for row in rows])
            values = np.frombuffer(packed, STATISTICS_TYPE)
            if len(values) != self._head()[0] + 1:
                raise DamageError(f"of {self._head()[0] + 1} generations, {len(values)} are left")
        table: dict[str, NDArray[Any]] = {"generation": np.arange(len(values))}
        for name in ("best", "mean"):
            table[name] = values[name].copy()
        for column, percent in enumerate(QUANTILES):
            table[f"q{percent}"] = values["quantiles"][:, column].copy()
        for name in ("cooperation", "behaviours", "size", "born"):
            table[name] = values[name].copy()
        return table

    def leaders(self, every: int = 1) -> Leaders:
        """The leading behaviours of every `every`-th generation."""
        with self.snapshot() as connection:
            last = self._head()[0]
            fields = []
            numbers = range(0, last + 1, every)
            for number in numbers:
                fields.append(self._generation_row(number)[2])
            known = [
                LeadingBehaviour.of_row(row)
                for row in connection.execute("SELECT * FROM behaviours ORDER BY id")
            ]
            if [id for id, _ in known] != list(range(1, self._head()[3] + 1)):
                raise DamageError(f"of {self._head()[3]} leading behaviours, {len(known)} are left")
        table = np.frombuffer(b"".join(fields), LEADERS_TYPE)
        lengths = [len(field) // LEADERS_TYPE.itemsize for field in fields]
        first: dict[str, int] = {}
        place = [first.setdefault(leading.behaviour, len(first)) for _, leading in known]
        behaviours: list[LeadingBehaviour] = []
        for (_, leading), here in zip(known, place, strict=True):
            if here == len(behaviours):
                ancestor = None if leading.ancestor is None else place[leading.ancestor - 1]
                behaviours.append(leading._replace(ancestor=ancestor))
        return Leaders(
            np.repeat(np.array(numbers, np.int64), lengths),
            np.array(place, np.int64)[table["behaviour"].astype(np.int64) - 1],
            table["count"].astype(np.int64),
            tuple(behaviours),
        )

    def birth(self, id: BirthId) -> Birth:
        """One individual, alive or kept; raises RunError for anyone else."""
        return self.births([id])[0]

    def births(self, ids: Iterable[BirthId]) -> list[Birth]:
        """Individuals, alive or kept, in the order asked for."""
        ids = list(ids)
        found = self._collect(ids, ancestors=False)
        return [found[id] for id in ids]

    def ancestry(self, ids: Iterable[BirthId]) -> dict[BirthId, Birth]:
        """Those individuals and all their ancestors along the primary parents, in id order."""
        return self._collect(list(ids), ancestors=True)

    def _collect(self, ids: list[BirthId], ancestors: bool) -> dict[BirthId, Birth]:
        with self.snapshot() as connection:
            last = self.latest()
            found = {birth.id: birth for birth in last.population} if last is not None else {}
            repaired = self._head()[4]
            rows: dict[int, BirthRow] = {}
            wanted: set[BirthId] = set()
            for id in ids:
                here: BirthId | None = id
                while here is not None and here not in wanted:
                    if here in found:
                        wanted.add(here)
                        parents = found[here].parents
                        here = parents[0] if parents and ancestors else None
                        continue
                    packed = pack(here)
                    row = connection.execute("SELECT * FROM births WHERE id = ?", (packed,)).fetchone()
                    if row is None:
                        if here == id:
                            raise RunError(
                                f"{self._file}: {id} is not kept: unknown, or without living descendants"
                            )
                        if here.generation > repaired:
                            raise DamageError(f"birth {here} is missing")
                        break
                    wanted.add(here)
                    rows[packed] = kept = BirthRow.of_row(row)
                    up = kept.ancestor if ancestors or not kept.whole else None
                    here = None if up is None else unpack(up)
        for packed in sorted(rows):
            up = rows[packed].ancestor
            found[unpack(packed)] = rows[packed].birth(None if up is None else found.get(unpack(up)))
        return {id: found[id] for id in sorted(wanted)}

    def check(self) -> list[str]:
        """Read everything and name what is damaged; an empty list for an intact run."""
        from results.run.repairs import damages

        with self.snapshot() as connection:
            return damages(connection)

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """While it lasts, everything read is of one instant, whatever a writer does meanwhile."""
        if self._writer is not None and self._writer.pending:
            self.commit()
        with naming(self._file):
            if self._depth == 0:
                self._connection.execute("BEGIN")
            self._depth += 1
            try:
                yield self._connection
            finally:
                self._depth -= 1
                if self._depth == 0 and self._connection.in_transaction:
                    self._connection.execute("COMMIT")

    def _head(self) -> tuple[int, bytes, int, int, int]:
        """Last generation, its hash, number of births and of behaviours, last generation lost to a repair."""
        with naming(self._file):
            rows = self._connection.execute("SELECT * FROM head").fetchall()
            if len(rows) != 1:
                raise DamageError("table head is damaged")
            _, number, hash, births, behaviours, repaired = opened("head", "table head", rows[0])
            return number, hash, births, behaviours, repaired

    def _meta(self) -> dict[str, str]:
        with naming(self._file):
            return read_meta(self._connection)

    def _generation_row(self, number: int) -> tuple[bytes, bytes, bytes]:
        row = self._connection.execute("SELECT * FROM generations WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise DamageError(f"generation {number} is missing")
        _, hash, statistics, leaders = opened("generations", f"generation {number}", row)
        return hash, statistics, leaders

    def _leading(self, number: int) -> LeadingBehaviour:
        row = self._connection.execute("SELECT * FROM behaviours WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise DamageError(f"behaviour {number} is missing")
        return LeadingBehaviour.of_row(row)[1]

    def _resume_as(self, experiment: ExperimentText, lineage: Lineage) -> str:
        """Refuse another experiment or version; note what has changed. Returns the lineage mode so far."""
        meta = self._meta()
        if int(meta["results_version"]) != RESULTS:
            raise RunError(
                f"{self._file}: made with results version {meta['results_version']}, this is "
                f"{RESULTS}: the same experiment now gives other results, so it can be read but not continued"
            )
        ours = experiment.results_key()
        if ours != meta["results_key"]:
            lines = difflib.unified_diff(
                meta["results_key"].splitlines(),
                ours.splitlines(),
                "the run",
                "this experiment",
                n=0,
                lineterm="",
            )
            raise RunError(
                f"{self._file}: this is another experiment's run; choose another name, or its own file:\n"
                + "\n".join(line for line in lines if not line.startswith("@@"))
            )
        provenance = json.loads(meta["provenance"])
        if {
            k: v for k, v in provenance["sessions"][-1].items() if k not in ("began", "generation")
        } != session():
            provenance["sessions"].append(began(self._head()[0] + 1))
        now = meta | {
            "experiment": experiment.to_toml(),
            "lineage": lineage,
            "provenance": json.dumps(provenance | {"name": experiment.name}),
        }
        if now != meta:
            self._connection.execute("BEGIN IMMEDIATE")
            write_meta(self._connection, now)
            self._connection.execute("COMMIT")
        return meta["lineage"]


def run_file(path: str | os.PathLike[str]) -> Path:
    place = Path(path).absolute()
    return place if place.suffix == ".sqlite" else place / "run.sqlite"
