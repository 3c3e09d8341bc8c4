"""Appending to a run: what each generation adds to the file, and which of the dead it lets go.

The living stand in the population rows. Whoever dies is written to `births` if something that lives
descends from it along the primary parents (or always, with lineage "full"), and goes when its last
descendant has gone. What has to be remembered for that is the living and the forks of their tree, so neither
memory nor the cost of a generation grows with the age of the run.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from operator import lt

import numpy as np

from results.errors import DamageError, RunError
from results.records import Birth, BirthId, Generation, Leader
from results.run.births import BirthRow
from results.run.censuses import Census, spacing
from results.run.database import insert, read_head, write_head
from results.run.meta import Lineage
from results.run.populations import Population, birth_line, join_content, milestone
from results.run.rows import (
    LEADERS_TYPE,
    Digests,
    Head,
    LeadingBehaviour,
    Limits,
    Row,
    key_text,
    pack,
    statistics_field,
    unpack,
)

COMMIT_SECONDS = 0.25
"""How much work a kill may cost when `commit_every` is not given."""

WHOLE_EVERY = 32
"""A birth is written in full at least this often along a line, so that one can be read without the others."""

PAST = 16
"""How many behaviours back a line is followed to find the one that had led."""

REACH = 256
"""And how many births back."""

LEADERS_REMEMBERED = 4096
"""Leading behaviours known without looking, the newest; one that returns after so many others is written again."""


class Living:
    """What the writer remembers of someone alive."""

    __slots__ = ("age", "birth", "children", "depth", "line", "parent", "past")
    age: int
    depth: int
    parent: tuple[str, str] | None
    past: tuple[tuple[str, int], ...]

    def __init__(self, birth: Birth, parent: Living | None) -> None:
        self.birth = birth
        self.line = birth_line(birth)
        self.children = 0  # those kept
        # Differences chain up to WHOLE_EVERY births; parents are kept as long as their children.
        chained = parent is not None and parent.depth + 1 < WHOLE_EVERY
        self.depth = parent.depth + 1 if parent is not None and chained else 0
        self.parent = (
            (parent.birth.genome, parent.birth.behaviour) if parent is not None and chained else None
        )
        # What the line has done, newest first, and at which age of the line (in births) each came up.
        self.age = parent.age + 1 if parent is not None else 0
        if parent is None:
            self.past = ((birth.behaviour, 0),)
        elif parent.birth.behaviour == birth.behaviour:
            self.past = parent.past
        else:
            self.past = ((birth.behaviour, self.age), *parent.past[: PAST - 1])

    def earlier(self) -> Iterator[str]:
        """What its last `REACH` ancestors did before, newest first."""
        for (_, began), (behaviour, _) in pairwise(self.past):
            if began <= self.age - REACH:
                return
            yield behaviour


class Writer:
    """The open end of a run file."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        run: bytes,
        limits: Limits,
        *,
        commit_every: int | None,
        checkpoint_every: int,
        lineage: Lineage,
    ) -> None:
        self._connection = connection
        self._digests = Digests(run)
        self._limits = limits
        self._commit_every = commit_every
        self._committed_at = time.monotonic()
        self._checkpoint_every = checkpoint_every
        self._lineage = lineage
        self._living: dict[BirthId, Living] = {}
        self._forks: dict[int, int] = {}  # dead with two kept children or more; other dead have one
        self._known: dict[str, int] = {}
        self._new_generations: list[Row] = []
        self._new_populations: list[Row] = []
        self._new_censuses: list[Row] = []
        self._new_behaviours: list[Row] = []
        self._new_births: dict[int, BirthRow] = {}
        self._gone: list[tuple[int]] = []
        self._written: dict[int, int | None] = {}  # primary parents of those written last: most go soon
        self._newest: Population | None = None
        self.whole = True
        self._head = read_head(connection, self._digests)
        self.number, self.hash, _, self._behaviours, _ = self._head

    # Going on where the file stops.

    def resume(self, newest: Generation) -> None:
        """Take up the living of the last generation, and the tree of their ancestors."""
        for birth in newest.population:
            self._living[birth.id] = Living(birth, None)
        rows: dict[int, BirthRow | None] = {}

        def ancestor(id: int) -> tuple[int | None, str | None]:
            """Primary parent of someone, and their behaviour where it differs from that parent's."""
            living = names.get(id)
            if living is not None:
                parents = living.birth.parents
                return (pack(parents[0]) if parents else None), living.birth.behaviour
            if id not in rows:
                rows[id] = self._row(id)
            row = rows[id]
            if row is None:
                return None, None
            return row.ancestor, None if row.behaviour is None else key_text(row.behaviour)

        names = {pack(id): living for id, living in self._living.items()}
        if self._lineage == "pruned":
            self._count_children(names, lambda id: ancestor(id)[0])
        for id, living in names.items():
            past = [(living.birth.behaviour, 0)]
            here, _ = ancestor(id)
            back, known_back = 0, 0
            while here is not None and known_back < REACH and len(past) < PAST:
                here, behaviour = ancestor(here)
                back += 1
                if behaviour is None:
                    continue  # the same as the next one's
                if behaviour != past[-1][0]:
                    past[-1] = past[-1][0], -known_back
                    past.append((behaviour, -back))
                known_back = back
            living.past = tuple(past)
        known = self._connection.execute(
            "SELECT * FROM behaviours ORDER BY id DESC LIMIT ?", (LEADERS_REMEMBERED,)
        )
        for row in reversed(known.fetchall()):
            number, leading = LeadingBehaviour.of_row(row, self._digests, self._limits)
            self._known[leading.behaviour] = number

    def _count_children(self, names: dict[int, Living], parent_of: Callable[[int], int | None]) -> None:
        """Count kept children down to where all lines have met: beyond, everyone has one."""
        children = dict.fromkeys(names, 0)
        heap = [-id for id in names]
        heapq.heapify(heap)
        while len(heap) > 1:
            parent = parent_of(-heapq.heappop(heap))
            if parent is None:
                continue
            if parent not in children:
                children[parent] = 0
                heapq.heappush(heap, -parent)
            children[parent] += 1
        for id, count in children.items():
            if id in names:
                names[id].children = count
            elif count > 1:
                self._forks[id] = count

    def prune_all(self, newest: Generation) -> None:
        """Remove every birth that is no ancestor of the living: a full lineage becomes a pruned one."""
        starts = [(pack(birth.parents[0]),) for birth in newest.population if birth.parents]
        with self._transaction() as connection:
            connection.execute("CREATE TEMP TABLE start (id INTEGER PRIMARY KEY)")
            connection.executemany("INSERT OR IGNORE INTO start VALUES (?)", starts)
            connection.execute(
                "WITH RECURSIVE line(id) AS (SELECT id FROM start UNION SELECT births.id - births.parent "
                "FROM births JOIN line ON births.id = line.id WHERE births.parent NOTNULL) "
                "DELETE FROM births WHERE id NOT IN (SELECT id FROM line)"
            )
            (gone,) = connection.execute("SELECT changes()").fetchone()
            connection.execute("DROP TABLE start")
            head = self._head._replace(births=self._head.births - gone)
            write_head(connection, head, self._digests)
        self._head = head

    # One generation.

    def append(self, generation: Generation) -> None:
        """Add a generation; it is in the file when `commit` has run (see `due`)."""
        number = generation.number
        self._check_whole()
        if number != self.number + 1:
            raise RunError(f"generation: expected number {self.number + 1}, got {number}")
        living, content = self._gather(generation)
        if len(content) > self._limits.population:
            raise RunError(
                f"generation {number}: expected a population of at most {self._limits.population} bytes of text, as "
                f"the experiment says, got {len(content)}"
            )
        population = Population(
            number, self.hash, content, "\n".join([b.behaviour for b in generation.population]).encode()
        )
        self.whole = False  # an exception from here on, Ctrl-C included, leaves what is remembered half done
        leaders = np.array([(self._lead(x, living), x.count) for x in generation.leaders], LEADERS_TYPE)
        self.hash = population.hash
        self.number = number
        self._new_generations.append(
            self._digests.row(
                "generations", number, self.hash, statistics_field(generation), leaders.tobytes()
            )
        )
        if self._stays(number):
            self._new_populations.append(population.row(True, self._digests))
        if number % spacing(number) == 0:
            self._new_censuses.append(Census.of(generation, self._known.get).row(self._digests))
        self._newest = population
        self._close(living)
        self.whole = True

    @property
    def due(self) -> bool:
        """True when it is time to commit."""
        if self._commit_every is not None:
            return len(self._new_generations) >= self._commit_every
        return time.monotonic() - self._committed_at >= COMMIT_SECONDS

    def _stays(self, number: int) -> bool:
        """True for the checkpoints and the milestones: much happens early."""
        return milestone(number) or number % self._checkpoint_every == 0

    def _gather(self, generation: Generation) -> tuple[dict[BirthId, Living], bytes]:
        """The living of this generation, and what is hashed of them; raises RunError for a broken record."""
        before, number = self._living, generation.number
        living: dict[BirthId, Living] = {}
        lines = []
        ids = [birth.id for birth in generation.population]
        if not ids or not all(map(lt, ids, ids[1:])):
            raise RunError(f"generation {number}: expected a population in id order, everyone once")
        if len(generation.fitness) != len(ids) or not all(map(math.isfinite, generation.fitness)):
            raise RunError(f"generation {number}: expected one finite fitness for each of {len(ids)}")
        for id, birth in zip(ids, generation.population, strict=True):
            one = before.get(id)
            if one is None:
                if id.generation != number:
                    raise RunError(f"generation {number}: {id} was not alive in the generation before")
                parent = None
                if birth.parents and (parent := before.get(birth.parents[0])) is None:
                    raise RunError(
                        f"generation {number}: the parent {birth.parents[0]} of {id} was not alive before"
                    )
                if len(birth.genome) > self._limits.genome:
                    raise RunError(
                        f"generation {number}: expected genomes of at most {self._limits.genome} characters, as the "
                        f"experiment says, got {len(birth.genome)}"
                    )
                one = Living(birth, parent)
            elif one.birth is not birth and one.birth != birth:
                raise RunError(f"generation {number}: {id} is not the one that was born under this id")
            living[id] = one
            lines.append(one.line)
        return living, join_content(lines, generation.fitness)

    def _close(self, living: dict[BirthId, Living]) -> None:
        """Replace the living, write the dead that have descendants, let the extinct go."""
        before, self._living = self._living, living
        for id, one in living.items():
            if id not in before and one.birth.parents:
                before[one.birth.parents[0]].children += 1
        extinct = []
        for id, one in before.items():
            if id in living:
                continue
            if one.children or self._lineage == "full":
                packed = pack(id)
                self._new_births[packed] = BirthRow.of_birth(one.birth, one.parent)
                if one.children > 1 and self._lineage == "pruned":
                    self._forks[packed] = one.children
            elif one.birth.parents:
                extinct.append(one.birth.parents[0])
        if self._lineage == "pruned":
            for parent in extinct:
                self._release(pack(parent))

    def _release(self, parent: int) -> None:
        """A child of `parent` has gone with all its descendants; so do the dead who had no other."""
        here: int | None = parent
        while here is not None:
            living = self._living.get(unpack(here))
            if living is not None:
                living.children -= 1
                return
            children = self._forks.pop(here, 1) - 1
            if children:
                if children > 1:
                    self._forks[here] = children
                return
            row = self._new_births.pop(here, None)
            if row is not None:
                here = row.ancestor
                continue
            if here in self._written:
                ancestor = self._written.pop(here)
            else:
                row = self._row(here)
                if row is None:
                    return
                ancestor = row.ancestor
            self._gone.append((here,))
            here = ancestor

    def _row(self, id: int) -> BirthRow | None:
        """One of the dead, from the file; None where a repair has lost it."""
        row = self._connection.execute("SELECT * FROM births WHERE id = ?", (id,)).fetchone()
        if row is not None:
            return BirthRow.of_row(row, self._digests, self._limits)
        if id >> 32 <= self._head.repaired:
            return None
        raise DamageError(f"birth {unpack(id)} is missing")

    def _lead(self, leader: Leader, living: dict[BirthId, Living]) -> int:
        """The number of a leading behaviour; one that had not led becomes a row."""
        number = self._known.get(leader.behaviour)
        if number is None:
            carrier = next((one for one in living.values() if one.birth.behaviour == leader.behaviour), None)
            earlier = carrier.earlier() if carrier is not None else ()
            ancestor = next((self._known[key] for key in earlier if key in self._known), None)
            self._behaviours = number = self._behaviours + 1
            leading = LeadingBehaviour(leader.behaviour, leader.name, leader.genome, ancestor)
            self._new_behaviours.append(leading.row(number, self._digests))
            if len(self._known) >= LEADERS_REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[leader.behaviour] = number
        return number

    # Writing.

    def move(self, connection: sqlite3.Connection) -> None:
        """Go on in another file that holds the same."""
        self._connection = connection

    @property
    def pending(self) -> bool:
        """True when there is something to commit."""
        return bool(self._new_generations)

    def commit(self) -> None:
        """Write what was appended, in one transaction: all of it, or on any failure nothing."""
        self._check_whole()
        if not self._new_generations or self._newest is None:
            return
        populations = list(self._new_populations)
        if not self._stays(self._newest.number):
            populations.append(self._newest.row(False, self._digests))
        births = self._head.births + len(self._new_births) - len(self._gone)
        head = Head(self.number, self.hash, births, self._behaviours, self._head.repaired)
        self.whole = False  # an exception from here on, Ctrl-C included, leaves open what is in the file
        try:
            with self._transaction() as connection:
                if connection.execute("SELECT number, hash FROM head").fetchall() != [self._head[:2]]:
                    raise RunError(
                        "another process has written this run meanwhile (was run.lock removed?); what it "
                        "wrote is whole, and nothing was added to it"
                    )
                for table, rows in (
                    ("behaviours", self._new_behaviours),
                    ("births", [self._digests.row("births", *row) for row in self._new_births.values()]),
                    ("populations", populations),
                    ("censuses", self._new_censuses),
                    ("generations", self._new_generations),
                ):
                    insert(connection, table, rows)
                connection.executemany("DELETE FROM births WHERE id = ?", self._gone)
                connection.execute(
                    "DELETE FROM populations WHERE NOT checkpoint AND id < ?", (self._head.number,)
                )
                step = spacing(self.number)
                if self._new_censuses and step > 1:
                    connection.execute("DELETE FROM censuses WHERE id % ?", (step,))
                write_head(connection, head, self._digests)
        except sqlite3.Error:
            self.whole = True  # SQLite refused, and nothing was written: it may be tried again
            raise
        self._head = head
        self._newest = None
        self._committed_at = time.monotonic()
        self._written.update({id: row.ancestor for id, row in self._new_births.items()})
        for old in list(self._written)[: max(0, len(self._written) - LEADERS_REMEMBERED)]:
            del self._written[old]
        for written in (
            self._new_behaviours,
            self._new_populations,
            self._new_censuses,
            self._new_generations,
            self._new_births,
            self._gone,
        ):
            written.clear()
        self.whole = True

    def _check_whole(self) -> None:
        if not self.whole:
            raise RunError("an append or a commit was interrupted: open the run again to go on")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
