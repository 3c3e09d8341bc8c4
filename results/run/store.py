"""`Run`: one crash-safe SQLite file per evolution, `runs/NAME/run.sqlite`.

A run can be killed at any instant and continued to the last bit, read while it is written, and handed to a
stranger: it is never executed, and damage is named when it is met. How rows look is in `results.run.rows`, what
appending does in `results.run.writer`.
"""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from results.errors import DamageError, RunError
from results.records import Birth, BirthId, Generation
from results.run.births import BirthRow
from results.run.censuses import everybody
from results.run.database import (
    ExperimentText,
    connect_reading,
    naming,
    opened_meta,
    read_head,
    run_without_log,
)
from results.run.held import Held, Synchronous
from results.run.meta import Lineage, Meta, read_meta
from results.run.place import NEXT, refuse_links
from results.run.populations import Population
from results.run.rows import (
    FORMAT,
    LEADERS_TYPE,
    LOST,
    SINCE,
    Digests,
    GenerationRow,
    Head,
    Leaders,
    LeadingBehaviour,
    Limits,
    books_table,
    pack,
    packable,
    statistics_columns,
    statistics_table,
    unpack,
)
from results.run.writer import Writer


class Run:
    """A run on disk. Use `Run.open` to write one, `Run.read` to look at one; both are context managers.

    >>> with Run.open("runs/memory3", experiment) as run:          # doctest: +SKIP
    ...     for generation in generations(experiment, start=run.latest()):
    ...         run.append(generation)
    """

    def __init__(
        self, file: Path, connection: sqlite3.Connection, format: int, meta: Meta, limits: Limits
    ) -> None:
        """Not to be called: see `Run.open` and `Run.read`."""
        self._file = file
        self._connection = connection
        self._format = format
        self._digests = Digests(meta.run)
        self._start = meta.start
        self._limits = limits
        self._held: Held | None = None
        self._writer: Writer | None = None
        self._closing: list[Callable[[], object]] = []
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
        synchronous: Synchronous = "normal",
        notice: Callable[[str], None] = warnings.warn,
    ) -> Run:
        """Create the run in the folder `path`, or take it up where it stopped.

        Commits every `commit_every` generations, or a few times a second when that is not given; a killed
        process loses what was appended since, a power cut a little more unless `synchronous` is "full".
        Complete populations stay every `checkpoint_every` generations, and those of 0 to 9, 10, 20 ... 90,
        100, 200 ... always. `lineage` "pruned" keeps the ancestors of the living, "full" everyone. `notice` is
        told in one line when the file was deleted or moved meanwhile (the run goes on in a new one, see `path`),
        or its log grows.

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
        with naming(file):
            held = Held(file, experiment, synchronous, notice)
            try:
                run = cls(file, held.connection, FORMAT, held.meta, experiment.limits)
                run._resume(held, experiment, commit_every, checkpoint_every, lineage)
            except BaseException:
                held.release()
                raise
        return run

    def _resume(
        self,
        held: Held,
        experiment: ExperimentText,
        commit_every: int | None,
        checkpoint_every: int,
        lineage: Lineage,
    ) -> None:
        """Become the writer of the file that is held."""
        before = held.note(experiment, lineage, self._head().number)
        writer = Writer(
            self._connection,
            self._digests.run,
            self._limits,
            commit_every=commit_every,
            checkpoint_every=checkpoint_every,
            lineage=lineage,
        )
        self._last = self.latest()
        if self._last is not None:
            if before == "full" and lineage == "pruned":
                writer.prune_all(self._last)
            writer.resume(self._last)
        self._writer, self._held, self._closing = writer, held, [held.release]

    @classmethod
    def read(cls, path: str | os.PathLike[str], parse: Callable[[str], ExperimentText] | None = None) -> Run:
        """Look at a run (its folder or its file), also while it is written, also on read-only media.

        `parse` reads its experiment: then no text in it may be longer than the experiment says, whatever a
        stranger's file asks for; without it the bounds are those of `Limits`.

        Raises RunError when there is none or it is of a later version, DamageError when it is damaged.
        """
        file = run_file(path)
        with naming(file):
            refuse_links(file)
            waiting = file.with_name(file.name + NEXT)
            there = waiting if waiting.is_file() else file
            if not there.is_file():
                raise RunError(f"{file}: there is no run here")
            alone = run_without_log(there)
            connection, closing = connect_reading(there)
            try:
                format, meta = opened_meta(there, connection, alone)
                limits = Limits() if parse is None else parse(meta.experiment).limits
                run = cls(file, connection, format, meta, limits)
                run._closing = closing
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
                if self._held is not None:
                    self._held.close()
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
        if self._writer.due:
            self.commit()

    def commit(self) -> None:
        """Write everything appended so far."""
        if self._writer is None or self._held is None:
            return
        with naming(self._file):
            if self._held.check():
                self._file, self._connection = self._held.file, self._held.connection
                self._writer.move(self._connection)
            self._writer.commit()

    # Reading. Arrays where it is long; every row checked against its digest.

    @property
    def path(self) -> Path:
        """The run's file."""
        return self._file

    @property
    def generation(self) -> int:
        """The number of the last generation, -1 before the first."""
        return self._writer.number if self._writer is not None else self._head().number

    def __len__(self) -> int:
        """How many generations there are."""
        return self.generation + 1

    @property
    def hash(self) -> str:
        """SHA-256 chained over all generations: two runs are equal exactly when their hashes are."""
        return (self._writer.hash if self._writer is not None else self._head().hash).hex()

    @property
    def experiment_text(self) -> str:
        """The experiment file, as last run."""
        return self._meta().experiment

    @property
    def provenance(self) -> dict[str, Any]:
        """Name, seed, when it was created, and the sessions that wrote it: versions and platform."""
        return self._meta().provenance

    def latest(self) -> Generation | None:
        """The last generation, whole: what an evolution goes on from; None before the first."""
        if self._writer is not None and self._last is not None:
            return self._last
        with self.snapshot():
            number = self._head().number
            return self.population(number) if number >= 0 else None

    def population(self, generation: int | None = None) -> Generation:
        """A whole generation: the last, or any that is kept (see `kept_populations`)."""
        with self.snapshot() as connection:
            head = self._head()
            number = head.number if generation is None else generation
            if not -1 <= number <= head.number:
                raise RunError(f"{self._file}: expected a generation up to {head.number}, got {number}")
            row = connection.execute("SELECT * FROM populations WHERE id = ?", (number,)).fetchone()
            if row is None and 0 <= number < head.number:
                raise RunError(f"{self._file}: the population of generation {number} is not kept whole")
            if row is None:
                missing = DamageError if number == head.number >= 0 else RunError
                raise missing(f"{self._file}: the population of generation {number} is missing")
            population = Population.of_row(row, self._digests, self._limits)
            before = self._start if number == 0 else self._generation_row(number - 1).hash
            here = self._generation_row(number)
            chained = before in (population.previous, LOST) and here.hash == population.hash
            if not chained or (number == head.number and here.hash != head.hash):
                raise DamageError(f"the population of generation {number} is not the one that was hashed")
            births, fitness = population.births()
            values = statistics_table([here.statistics])[0]
            books = books_table([here.statistics])
            return Generation(
                number,
                births,
                fitness,
                float(values["cooperation"]),
                tuple(
                    self._leading(int(one["behaviour"])).leader(int(one["count"]))
                    for one in here.leading(head.behaviours)
                ),
                int(values["behaviours"]),
                () if books is None else tuple(books[0].tolist()),
            )

    def hash_of(self, generation: int) -> str:
        """The hash as it was at a generation."""
        with self.snapshot():
            return self._generation_row(generation).hash.hex()

    def kept_populations(self) -> list[int]:
        """The generations whose populations are kept whole."""
        with self.snapshot() as connection:
            return [number for (number,) in connection.execute("SELECT id FROM populations ORDER BY id")]

    def statistics(self, since: int = 0) -> dict[str, NDArray[Any]]:
        """By generation: generation, best, mean, q5 ... q95, cooperation, behaviours, size, born.

        Under mechanisms also what they book for a mean individual per turn (`engine.stage.ITEMS`), and `operator`: what
        is left of it to whoever runs them. From the generation `since` on: who watches a long run reads what is new.
        """
        since = _since(since)
        with self.snapshot() as connection:
            length = self._head().number + 1
            fields: list[bytes] = []
            for row in connection.execute("SELECT * FROM generations WHERE id >= ? ORDER BY id", (since,)):
                here = GenerationRow.of_row(row, self._digests)
                if here.number != since + len(fields):
                    raise DamageError(f"generation {since + len(fields)} is missing")
                fields.append(here.statistics)
            if len(fields) != max(length - since, 0):
                raise DamageError(f"of {length - since} generations, {len(fields)} are left")
        return statistics_columns(fields, since)

    def leaders(self, every: int = 1, since: int = 0) -> Leaders:
        """The leading behaviours of every `every`-th generation.

        From the generation `since` on, with only the behaviours that have led there: of these, one that descends from
        others has no ancestor.
        """
        since = _since(since)
        with self.snapshot() as connection:
            head = self._head()
            numbers = range(-(-since // every) * every, head.number + 1, every)
            led = [self._generation_row(number).leading(head.behaviours) for number in numbers]
            table = np.concatenate([np.empty(0, LEADERS_TYPE), *led])
            if since:
                ids = np.unique(table["behaviour"]).tolist()
                known = [(id, self._leading(id)) for id in ids]
            else:
                known = [
                    LeadingBehaviour.of_row(row, self._digests, self._limits)
                    for row in connection.execute("SELECT * FROM behaviours ORDER BY id")
                ]
                if len(known) != head.behaviours:
                    raise DamageError(
                        f"{self._file}: of {head.behaviours} leading behaviours, {len(known)} are left"
                    )
        lengths = [len(leaders) for leaders in led]
        first: dict[str, int] = {}
        place = {id: first.setdefault(leading.behaviour, len(first)) for id, leading in known}
        behaviours: list[LeadingBehaviour] = []
        for id, leading in known:
            if place[id] == len(behaviours):
                ancestor = None if leading.ancestor is None else place.get(leading.ancestor)
                behaviours.append(leading._replace(ancestor=ancestor))
        return Leaders(
            np.repeat(np.array(numbers, np.int64), lengths),
            np.array([place[id] for id in table["behaviour"].tolist()], np.int64),
            table["count"].astype(np.int64),
            tuple(behaviours),
        )

    def censuses(self) -> list[tuple[int, list[tuple[LeadingBehaviour, int]]]]:
        """Everybody of evenly spaced generations, at most 100: the generation, and how many show each behaviour.

        A behaviour that has never led has its genome in place of its key. Empty for a run that was begun in an earlier
        format, which kept none.
        """
        with self.snapshot() as connection:
            if self._format < SINCE["censuses"] or self._meta().counted:
                return []
            return everybody(connection, self._digests, self._limits, self._head().behaviours)

    def birth(self, id: BirthId) -> Birth:
        """One individual, alive or kept; raises RunError for anyone else."""
        return self.births([id])[0]

    def births(self, ids: Iterable[BirthId]) -> list[Birth]:
        """Individuals, alive or kept, in the order asked for."""
        ids = list(ids)
        found = self._collect(ids, ancestors=False)
        return [found[id] for id in ids]

    def kept_births(self) -> list[Birth]:
        """Everybody who is kept, in id order: the living and their ancestors, or all where the lineage is full."""
        with self.snapshot() as connection:
            dead = [unpack(packed) for (packed,) in connection.execute("SELECT id FROM births")]
            latest = self.latest()
            living = [] if latest is None else [birth.id for birth in latest.population]
            return list(self.ancestry({*dead, *living}).values())

    def frame(self, what: str = "statistics") -> Any:
        """A table of the run, "statistics", "leaders" or "births", as a `pandas.DataFrame` (extra ``frames``)."""
        from results.tables import frame_of, table_of

        return frame_of(table_of(self, what))

    def ancestry(self, ids: Iterable[BirthId]) -> dict[BirthId, Birth]:
        """Those individuals and all their ancestors along the primary parents, in id order."""
        return self._collect(list(ids), ancestors=True)

    def _collect(self, ids: list[BirthId], ancestors: bool) -> dict[BirthId, Birth]:
        with self.snapshot() as connection:
            last = self.latest()
            found = {birth.id: birth for birth in last.population} if last is not None else {}
            repaired = self._head().repaired
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
                    packed = pack(here) if packable(here) else -1
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
                    rows[packed] = kept = BirthRow.of_row(row, self._digests, self._limits)
                    up = kept.ancestor if ancestors or not kept.whole else None
                    here = None if up is None else unpack(up)
        for packed in sorted(rows):
            up = rows[packed].ancestor
            found[unpack(packed)] = rows[packed].birth(
                None if up is None else found.get(unpack(up)), self._limits
            )
        return {id: found[id] for id in sorted(wanted)}

    def check(self) -> list[str]:
        """Read everything and name what is damaged; an empty list for an intact run."""
        from results.run.check import damages

        with self.snapshot() as connection:
            return damages(connection, self._format, self._digests, self._limits)

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

    def _head(self) -> Head:
        with naming(self._file):
            return read_head(self._connection, self._digests)

    def _meta(self) -> Meta:
        with naming(self._file):
            return read_meta(self._connection, self._format)

    def _generation_row(self, number: int) -> GenerationRow:
        row = self._connection.execute("SELECT * FROM generations WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise DamageError(f"generation {number} is missing")
        return GenerationRow.of_row(row, self._digests)

    def _leading(self, number: int) -> LeadingBehaviour:
        row = self._connection.execute("SELECT * FROM behaviours WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise DamageError(f"behaviour {number} is missing")
        return LeadingBehaviour.of_row(row, self._digests, self._limits)[1]


def _since(generation: int) -> int:
    if isinstance(generation, bool) or not isinstance(generation, (int, np.integer)) or generation < 0:
        raise ValueError(f"since: expected a generation, got {generation!r}")
    return int(generation)


def run_file(path: str | os.PathLike[str]) -> Path:
    place = Path(path).absolute()
    return place if place.suffix == ".sqlite" else place / "run.sqlite"
