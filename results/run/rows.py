"""The rows of a run file: their schema, their digests, and what is checked of each when it is read.

Every row carries a digest over its own fields, its table, its place and the run's id, compared when it is
read: a row that changed, or that belongs to another place or another run, is damage. A digest needs no secret,
so it says nothing about who wrote a row: types, lengths and ranges are checked as well, and nothing here is ever
executed. Populations are in `results.run.populations`, births in `results.run.births`, what is known of a run as a
whole in `results.run.meta`.

    head         one row: the last generation, its hash, and how many rows the other tables must hold
    meta         the run's id, experiment, provenance; once more in meta_copy, on pages of its own
    generations  statistics and leaders of every generation, and the chained hash; never pruned
    populations  complete populations: the last two commits and every checkpoint
    births       the dead of whom something lives (or, with lineage "full", all the dead)
    behaviours   those that have led, and the behaviour each descends from
    censuses     everybody of evenly spaced generations by behaviour (`results.run.censuses`)
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.ledger import KEPT
from engine.stage import ITEMS
from results.errors import DamageError
from results.records import QUANTILES, BirthId, Generation, Leader, quantiles

FORMAT = 3
"""The version of this layout; a file of a later one is refused, one of an earlier is changed when it is written to."""

RESULTS = 2
"""Raised whenever some experiment gives other results than before; which ones, `Experiment.results_version` knows."""

APPLICATION = 0x69706431
"""SQLite's application id, "ipd1": what makes a database one of our runs."""

PAGE = 4096
"""Bytes of a page. Tables are made in one order, so the first page of every run says the same of where they begin."""

SCHEMA = {
    "head": "CREATE TABLE head (id INTEGER PRIMARY KEY, number, hash, births, behaviours, repaired, digest)",
    "meta": "CREATE TABLE meta (id INTEGER PRIMARY KEY, name, value, digest)",
    "generations": "CREATE TABLE generations (id INTEGER PRIMARY KEY, hash, statistics, leaders, digest)",
    "populations": (
        "CREATE TABLE populations (id INTEGER PRIMARY KEY, checkpoint, previous, content, behaviours, digest)"
    ),
    "births": "CREATE TABLE births (id INTEGER PRIMARY KEY, parent, mate, origin, genome, behaviour, digest)",
    "behaviours": "CREATE TABLE behaviours (id INTEGER PRIMARY KEY, key, name, genome, ancestor, digest)",
    "meta_copy": "CREATE TABLE meta_copy (id INTEGER PRIMARY KEY, name, value, digest)",
    "censuses": "CREATE TABLE censuses (id INTEGER PRIMARY KEY, content, digest)",
}
"""Tables by name, in the order in which they are made."""

SINCE = {"meta_copy": 2, "censuses": 3}
"""The format in which a table came; the others are of the first."""

STATISTICS = struct.Struct("<8d3I")
"""best, mean, five quantiles, cooperation; behaviours, size, born."""

STATISTICS_TYPE = np.dtype(
    [
        ("best", "<f8"),
        ("mean", "<f8"),
        ("quantiles", "<f8", len(QUANTILES)),
        ("cooperation", "<f8"),
        ("behaviours", "<u4"),
        ("size", "<u4"),
        ("born", "<u4"),
    ]
)

BOOKS = struct.Struct(f"<{len(ITEMS)}d")
"""Behind the statistics of a generation under mechanisms: what they book, in the order of `engine.stage.ITEMS`."""

LEADERS_TYPE = np.dtype([("behaviour", "<u4"), ("count", "<u4")])

HASH = 32
"""Bytes of a hash."""

LOST = b"\xff" * HASH
"""Stands for the hash of a generation whose row a repair could not save."""

MOST_GENERATIONS = 2**31
"""A generation's number is below this."""

LARGEST_PAYOFF = 1e200
"""Statistics beyond it are not those of a game."""

LONGEST_KEY = 200
"""Characters of a behaviour's key or name."""

Row = tuple[Any, ...]


class Limits(NamedTuple):
    """How long texts can be in an intact run: what its experiment says, or more than any that fits into memory."""

    population: int = 2**30
    """Bytes of a whole population as text."""
    genome: int = 2**20
    """Bytes of a genome as text."""


class Digests:
    """The digests of one run: 8 bytes of BLAKE2b over a row's table and fields, salted with the run's id (16 bytes)."""

    def __init__(self, run: bytes) -> None:
        self.run = run

    def of(self, table: str, *fields: object) -> bytes:
        """The digest of a row: of its fields (the first is its place) and their types."""
        return hashlib.blake2b(repr((table, fields)).encode(), digest_size=8, salt=self.run).digest()

    def row(self, table: str, *fields: object) -> Row:
        """A row ready to be written: its fields and their digest."""
        return (*fields, self.of(table, *fields))

    def fields(self, table: str, what: str, row: Sequence[Any]) -> Row:
        """The fields of a row that was read; raises DamageError when they are not those that were written."""
        fields = tuple(row[:-1])
        if self.of(table, *fields) != row[-1]:
            raise DamageError(f"{what} is damaged")
        return fields


def intact(what: str, *conditions: bool) -> None:
    """Raise DamageError unless all conditions hold."""
    if not all(conditions):
        raise DamageError(f"{what} is damaged")


def whole(value: object, low: int, high: int) -> bool:
    """True for a whole number in [low, high)."""
    return type(value) is int and low <= value < high


def line(value: object, longest: int) -> bool:
    """True for a text of one line, not empty, of at most so many characters."""
    return isinstance(value, str) and 0 < len(value) <= longest and "\n" not in value


# Ids.


def pack(id: BirthId) -> int:
    """A birth's id as one integer that sorts alike."""
    return id.generation << 32 | id.island << 20 | id.slot


def unpack(packed: int) -> BirthId:
    """The id that was packed."""
    return BirthId(packed >> 32, packed >> 20 & 0xFFF, packed & 0xFFFFF)


def packable(id: BirthId) -> bool:
    """True for ids within the limits: 2**31 generations, 4096 islands, a million slots."""
    generation, island, slot = id
    return 0 <= generation < MOST_GENERATIONS and 0 <= island < 2**12 and 0 <= slot < 2**20


# The head.


class Head(NamedTuple):
    """What the file holds: no row can vanish without being missed."""

    number: int
    """The last generation, -1 before the first."""
    hash: bytes
    births: int
    behaviours: int
    """How many rows these tables have."""
    repaired: int
    """The last generation of which a repair may have lost something, -1 for none."""

    def row(self, digests: Digests) -> Row:
        """As the row of table head."""
        return digests.row("head", 0, *self)

    @classmethod
    def of_row(cls, row: Sequence[Any], digests: Digests) -> Head:
        """Read the row; raises DamageError."""
        _, *fields = digests.fields("head", "table head", row)
        head = cls(*fields)
        intact(
            "table head",
            whole(head.number, -1, MOST_GENERATIONS),
            _hash(head.hash),
            whole(head.births, 0, 2**63),
            whole(head.behaviours, 0, 2**32),
        )
        intact("table head", whole(head.repaired, -1, head.number + 1))
        return head


def _hash(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == HASH


# A generation.


class GenerationRow(NamedTuple):
    """A generation's hash, and its statistics and leaders as bytes."""

    number: int
    hash: bytes
    statistics: bytes
    leaders: bytes

    @classmethod
    def of_row(cls, row: Sequence[Any], digests: Digests) -> GenerationRow:
        """Read a row; raises DamageError."""
        what = f"generation {row[0]}"
        found = cls(*digests.fields("generations", what, row))
        intact(
            what,
            whole(found.number, 0, MOST_GENERATIONS),
            _hash(found.hash),
            isinstance(found.statistics, bytes)
            and len(found.statistics) in (STATISTICS.size, STATISTICS.size + BOOKS.size),
            isinstance(found.leaders, bytes) and len(found.leaders) % LEADERS_TYPE.itemsize == 0,
        )
        return found

    @property
    def size(self) -> int:
        """How many were alive."""
        return int(STATISTICS.unpack_from(self.statistics)[-2])

    def leading(self, behaviours: int) -> NDArray[Any]:
        """The leaders as `LEADERS_TYPE`; raises DamageError for others than those that have led, or too many."""
        table = np.frombuffer(self.leaders, LEADERS_TYPE)
        if len(table) and not 1 <= table["behaviour"].min() <= table["behaviour"].max() <= behaviours:
            raise DamageError(f"the leaders of generation {self.number} are not among those that have led")
        if table["count"].sum(dtype=np.uint64) > self.size:
            raise DamageError(f"the leaders of generation {self.number} are more than were alive")
        return table


NO_STATISTICS = STATISTICS.pack(*[float("nan")] * (len(QUANTILES) + 3), 0, 0, 0)
"""Stands for statistics that a repair could not save."""


def statistics_field(generation: Generation) -> bytes:
    """The statistics of a generation."""
    return _statistics(generation) + (BOOKS.pack(*generation.ledger) if generation.ledger else b"")


def _statistics(generation: Generation) -> bytes:
    return STATISTICS.pack(
        max(generation.fitness),
        generation.mean,
        *quantiles(generation.fitness).tolist(),
        generation.cooperation,
        generation.behaviours,
        len(generation.population),
        sum(birth.id.generation == generation.number for birth in generation.population),
    )


def statistics_table(fields: Sequence[bytes]) -> NDArray[Any]:
    """The statistics of consecutive generations, as `STATISTICS_TYPE`; raises DamageError for what cannot be."""
    values = np.frombuffer(b"".join(field[: STATISTICS.size] for field in fields), STATISTICS_TYPE)
    payoffs = np.column_stack([values["best"], values["mean"], values["quantiles"]])
    possible = (np.abs(payoffs) <= LARGEST_PAYOFF).all(axis=1)
    possible &= (values["cooperation"] >= 0) & (values["cooperation"] <= 1)
    possible &= (values["born"] <= values["size"]) & (values["behaviours"] <= values["size"])
    for place in np.flatnonzero(~possible).tolist():
        if fields[place] != NO_STATISTICS:
            raise DamageError("the statistics of a generation are impossible")
    return values


def books_table(fields: Sequence[bytes]) -> NDArray[np.float64] | None:
    """What mechanisms book in consecutive generations, ``(n, items)``, nan where it is lost; None where there are none.

    Raises DamageError for what cannot be.
    """
    behind = [field[STATISTICS.size :] for field in fields]
    if not any(behind):
        return None
    books = np.array([BOOKS.unpack(field) if field else [np.nan] * len(ITEMS) for field in behind])
    for amounts, field in zip(books, behind, strict=True):
        if field and not (np.abs(amounts) <= LARGEST_PAYOFF).all():
            raise DamageError("what mechanisms book in a generation is impossible")
    return books


def statistics_columns(fields: Sequence[bytes], since: int) -> dict[str, NDArray[Any]]:
    """The statistics of consecutive generations from `since` on as columns, see `Run.statistics`."""
    values = statistics_table(fields)
    table: dict[str, NDArray[Any]] = {"generation": np.arange(since, since + len(values))}
    for name in ("best", "mean"):
        table[name] = values[name].copy()
    for column, percent in enumerate(QUANTILES):
        table[f"q{percent}"] = values["quantiles"][:, column].copy()
    for name in ("cooperation", "behaviours", "size", "born"):
        table[name] = values[name].copy()
    books = books_table(fields)
    if books is not None:
        table |= {item: books[:, k].copy() for k, item in enumerate(ITEMS)}
        table["operator"] = books @ KEPT
    return table


# A behaviour.


def key_field(behaviour: str) -> str | bytes:
    """A behaviour's key, half as long when it is hexadecimal."""
    try:
        packed = bytes.fromhex(behaviour)
    except ValueError:
        return behaviour
    return packed if packed.hex() == behaviour else behaviour


def key_text(field: str | bytes | None) -> str:
    """The key again."""
    return field.hex() if isinstance(field, bytes) else str(field)


def key_like(value: object) -> bool:
    """True for what can be a behaviour's key as a field."""
    return line(value, LONGEST_KEY) or (isinstance(value, bytes) and 0 < len(value) <= LONGEST_KEY // 2)


class LeadingBehaviour(NamedTuple):
    """A behaviour that has led: an example of its genome (the first seen) and where it comes from."""

    behaviour: str
    name: str | None
    genome: str
    ancestor: int | None
    """Which leading behaviour it descends from, along the primary parents; None when that is not known."""

    def row(self, id: int, digests: Digests) -> Row:
        """This behaviour as a row."""
        return digests.row("behaviours", id, key_field(self.behaviour), self.name, self.genome, self.ancestor)

    @classmethod
    def of_row(cls, row: Sequence[Any], digests: Digests, limits: Limits) -> tuple[int, LeadingBehaviour]:
        """Its number and itself; raises DamageError."""
        what = f"behaviour {row[0]}"
        id, key, name, genome, ancestor = digests.fields("behaviours", what, row)
        intact(
            what,
            whole(id, 1, 2**32),
            key_like(key),
            name is None or line(name, LONGEST_KEY),
            line(genome, limits.genome),
            ancestor is None or whole(ancestor, 1, id),
        )
        return id, cls(key_text(key), name, genome, ancestor)

    def leader(self, count: int) -> Leader:
        """As one of a generation's leaders."""
        return Leader(self.behaviour, count, self.name, self.genome)


@dataclass(frozen=True, eq=False)
class Leaders:
    """The leading behaviours over time, as a table: `count[i]` individuals did `behaviours[behaviour[i]]` in
    `generation[i]`; all three are ``(rows,)``.
    """

    generation: NDArray[np.int64]
    behaviour: NDArray[np.int64]
    count: NDArray[np.int64]
    behaviours: tuple[LeadingBehaviour, ...]
