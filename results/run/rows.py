"""The rows of a run file: their schema, and how records become rows and come back, checked.

Every row carries a digest over its own fields, compared when it is read. A population is written as the very
text that is hashed, so what is resumed from is what the hash speaks of. Nothing here is ever executed: rows
hold numbers, text and bytes.

    head         one row: the last generation, its hash, and how many rows the other tables must hold
    meta         experiment, provenance
    generations  statistics and leaders of every generation, and the chained hash; never pruned
    populations  complete populations: the last two commits and every checkpoint
    births       the dead of whom something lives (or, with lineage "full", all the dead)
    behaviours   those that have led, and the behaviour each descends from
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from results.errors import DamageError
from results.records import ORIGINS, QUANTILES, Birth, BirthId, Generation, Leader, Origin, quantiles

FORMAT = 1
"""The version of this layout; a file of a later one is refused."""

RESULTS = 2
"""Raised whenever the same experiment gives other results than before: runs are continued only within one."""

APPLICATION = 0x69706431
"""SQLite's application id, "ipd1": what makes a database one of our runs."""

SCHEMA = {
    "head": "CREATE TABLE head (id INTEGER PRIMARY KEY, number, hash, births, behaviours, repaired, digest)",
    "meta": "CREATE TABLE meta (id INTEGER PRIMARY KEY, name, value, digest)",
    "generations": "CREATE TABLE generations (id INTEGER PRIMARY KEY, hash, statistics, leaders, digest)",
    "populations": (
        "CREATE TABLE populations (id INTEGER PRIMARY KEY, checkpoint, previous, content, behaviours, digest)"
    ),
    "births": "CREATE TABLE births (id INTEGER PRIMARY KEY, parent, mate, origin, genome, behaviour, digest)",
    "behaviours": "CREATE TABLE behaviours (id INTEGER PRIMARY KEY, key, name, genome, ancestor, digest)",
}

META = ("experiment", "results_key", "results_version", "lineage", "provenance")

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

LEADERS_TYPE = np.dtype([("behaviour", "<u4"), ("count", "<u4")])

Row = tuple[Any, ...]

START = bytes(32)
"""What the hash of the first generation is chained to."""


def digest(table: str, *fields: object) -> bytes:
    """8 bytes of BLAKE2b over a row's fields and their types."""
    return hashlib.blake2b(repr((table, fields)).encode(), digest_size=8).digest()


def sealed(table: str, *fields: object) -> Row:
    """A row ready to be written: its fields and their digest."""
    return (*fields, digest(table, *fields))


def opened(table: str, what: str, row: Sequence[Any]) -> Row:
    """The fields of a row that was read; raises DamageError when they are not those that were written."""
    fields = tuple(row[:-1])
    if digest(table, *fields) != row[-1]:
        raise DamageError(f"{what} is damaged")
    return fields


def pack(id: BirthId) -> int:
    """A birth's id as one integer that sorts alike."""
    return id.generation << 32 | id.island << 20 | id.slot


def unpack(packed: int) -> BirthId:
    """The id that was packed."""
    return BirthId(packed >> 32, packed >> 20 & 0xFFF, packed & 0xFFFFF)


def packable(id: BirthId) -> bool:
    """True for ids within the limits: 2**31 generations, 4096 islands, a million slots."""
    generation, island, slot = id
    return 0 <= generation < 2**31 and 0 <= island < 2**12 and 0 <= slot < 2**20


# A population.


class Population(NamedTuple):
    """A whole population as it is hashed and written."""

    number: int
    previous: bytes
    """The hash of the generation before."""
    content: bytes
    """One line per individual (id, parents, origin, genome), an empty line, the fitness as float64."""
    behaviours: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 chained over the generation before."""
        return hashlib.sha256(self.previous + hashlib.sha256(self.content).digest()).digest()

    def row(self, checkpoint: bool) -> Row:
        """Checkpoints stay, so they are compressed; the others soon go, so they are not."""
        level = 6 if checkpoint else 0
        fields = (
            self.number,
            int(checkpoint),
            self.previous,
            zlib.compress(self.content, level),
            zlib.compress(self.behaviours, level),
        )
        return (*fields, self._digest(int(checkpoint)))

    def _digest(self, checkpoint: int) -> bytes:
        return digest(
            "populations", self.number, checkpoint, self.hash, hashlib.sha256(self.behaviours).digest()
        )

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Population:
        """Read a row; raises DamageError."""
        number, checkpoint, previous, content, behaviours, seal = row
        try:
            population = cls(number, previous, zlib.decompress(content), zlib.decompress(behaviours))
            if population._digest(checkpoint) == seal:
                return population
        except (TypeError, zlib.error):
            pass
        raise DamageError(f"the population of generation {number} is damaged")

    def births(self) -> tuple[tuple[Birth, ...], tuple[float, ...]]:
        """Everyone, and their fitness."""
        lines, fitness = split_content(self.content)
        births = []
        for line, behaviour in zip(lines, self.behaviours.decode().split("\n"), strict=True):
            id, parents, origin, genome = line.split(" ", 3)
            births.append(
                Birth(
                    BirthId.parse(id),
                    tuple(BirthId.parse(parent) for parent in parents.split(",") if parent != "-"),
                    cast(Origin, origin),
                    genome,
                    behaviour,
                )
            )
        return tuple(births), fitness


def birth_line(birth: Birth) -> bytes:
    """What is hashed of an individual besides its fitness; raises ValueError for what cannot be written."""
    number, island, slot = birth.id
    if not packable(birth.id):
        raise ValueError(f"id: expected at most 2**31 generations, 4096 islands, 2**20 slots, got {birth.id}")
    if birth.origin not in ORIGINS:
        raise ValueError(f"origin: expected one of {', '.join(ORIGINS)}, got {birth.origin!r}")
    named = []
    for parent in birth.parents:
        generation, there, place = parent
        if generation >= number or not packable(parent):
            raise ValueError(f"parents: expected at most two, born before {birth.id}, got {birth.parents}")
        named.append(f"{generation}.{there}.{place}")
    if len(named) > 2:
        raise ValueError(f"parents: expected at most two, born before {birth.id}, got {birth.parents}")
    if not birth.genome or "\n" in birth.genome or not birth.behaviour or "\n" in birth.behaviour:
        raise ValueError(f"genome: expected one line of text, and one of behaviour, got {birth}")
    parents = ",".join(named) or "-"
    return f"{number}.{island}.{slot} {parents} {birth.origin} {birth.genome}".encode()


def join_content(lines: Iterable[bytes], fitness: Sequence[float]) -> bytes:
    """The text that is hashed: `Population.content`."""
    return b"\n".join(lines) + b"\n\n" + np.asarray(fitness, "<f8").tobytes()


def split_content(content: bytes) -> tuple[list[str], tuple[float, ...]]:
    """Lines and fitness of a `Population.content`."""
    end = content.index(b"\n\n")
    return content[:end].decode().split("\n"), tuple(np.frombuffer(content[end + 2 :], "<f8").tolist())


# A generation.


def statistics_field(generation: Generation) -> bytes:
    """The statistics of a generation."""
    return STATISTICS.pack(
        max(generation.fitness),
        generation.mean,
        *quantiles(generation.fitness).tolist(),
        generation.cooperation,
        generation.behaviours,
        len(generation.population),
        sum(birth.id.generation == generation.number for birth in generation.population),
    )


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


class LeadingBehaviour(NamedTuple):
    """A behaviour that has led: an example of its genome (the first seen) and where it comes from."""

    behaviour: str
    name: str | None
    genome: str
    ancestor: int | None
    """Which leading behaviour it descends from, along the primary parents; None when that is not known."""

    def row(self, id: int) -> Row:
        """This behaviour as a row."""
        return sealed("behaviours", id, key_field(self.behaviour), self.name, self.genome, self.ancestor)

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> tuple[int, LeadingBehaviour]:
        """Its number and itself; raises DamageError."""
        id, key, name, genome, ancestor = opened("behaviours", f"behaviour {row[0]}", row)
        return id, cls(key_text(key), name, genome, ancestor)

    def leader(self, count: int) -> Leader:
        """As one of a generation's leaders."""
        return Leader(self.behaviour, count, self.name, self.genome)


# A birth.


class BirthRow(NamedTuple):
    """A birth as it is written: genome and behaviour as the difference from the primary parent's.

    `genome`: text stands for itself, bytes for a change of the parent's text, None for the same text;
    `behaviour` likewise, None for the same as the parent's.
    """

    id: int
    parent: int | None
    mate: int | None
    origin: int
    genome: str | bytes | None
    behaviour: str | bytes | None

    @classmethod
    def of_birth(cls, birth: Birth, parent: tuple[str, str] | None) -> BirthRow:
        """`parent`: genome and behaviour of the primary parent, None to write this birth in full."""
        packed = pack(birth.id)
        parents = [packed - pack(p) for p in birth.parents]  # differences: small numbers take fewer bytes
        genome: str | bytes | None = birth.genome
        behaviour: str | bytes | None = key_field(birth.behaviour)
        if parent is not None and not isinstance(step := change(parent[0], birth.genome), str):
            genome = step
            if parent[1] == birth.behaviour:
                behaviour = None
        return cls(
            packed,
            parents[0] if parents else None,
            parents[1] if len(parents) > 1 else None,
            ORIGINS.index(birth.origin),
            genome,
            behaviour,
        )

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> BirthRow:
        """Read a row; raises DamageError."""
        return cls(*opened("births", f"birth {unpack(row[0])}", row))

    @property
    def ancestor(self) -> int | None:
        """The primary parent."""
        return None if self.parent is None else self.id - self.parent

    @property
    def whole(self) -> bool:
        """True when it can be read without its parent."""
        return isinstance(self.genome, str)

    def birth(self, parent: Birth | None) -> Birth:
        """The birth; `parent` is needed unless it is `whole`."""
        if isinstance(self.genome, str):
            genome = self.genome
        elif parent is None:
            raise DamageError(f"birth {unpack(self.id)} cannot be read: its parent is missing")
        else:
            genome = parent.genome if self.genome is None else changed(parent.genome, self.genome)
        behaviour = (
            key_text(self.behaviour) if self.behaviour is not None or parent is None else parent.behaviour
        )
        back = (self.parent, self.mate)
        return Birth(
            unpack(self.id),
            tuple(unpack(self.id - step) for step in back if step is not None),
            ORIGINS[self.origin],
            genome,
            behaviour,
        )


_CHANGE = struct.Struct("<HH")


def change(old: str, new: str) -> str | bytes | None:
    """`new` as a change of `old`: where, how many bytes go, what comes; or whole where that is no longer."""
    if old == new:
        return None
    a, b = old.encode(), new.encode()
    if len(a) == len(b):
        differing = int.from_bytes(a, "big") ^ int.from_bytes(b, "big")
        head = len(a) - (differing.bit_length() + 7) // 8
        tail = ((differing & -differing).bit_length() - 1) // 8
    else:
        head = _alike(a, b)
        tail = _alike(a[head:][::-1], b[head:][::-1])
    come = b[head : len(b) - tail]
    if len(come) + _CHANGE.size >= len(b) or len(a) >= 2**16:
        return new
    return _CHANGE.pack(head, len(a) - tail - head) + come


def _alike(a: bytes, b: bytes) -> int:
    """Length of the common beginning."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def changed(old: str, step: bytes) -> str:
    """Apply a `change`."""
    head, gone = _CHANGE.unpack_from(step)
    a = old.encode()
    return (a[:head] + step[_CHANGE.size :] + a[head + gone :]).decode()


def schema_faults(connection: sqlite3.Connection) -> list[str]:
    """What is missing from a run's tables, or should not be there (a trigger could run a stranger's SQL)."""
    found = {name: sql for name, sql in connection.execute("SELECT name, sql FROM sqlite_schema")}
    faults = [f"table {name} is missing" for name in SCHEMA if name not in found]
    faults += [f"table {name} is not ours" for name in found if name not in SCHEMA]
    return faults + [
        f"table {name} is damaged" for name in SCHEMA if found.get(name, SCHEMA[name]) != SCHEMA[name]
    ]
