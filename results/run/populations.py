"""A whole population as it is hashed and written: what a run is resumed from is what its hash speaks of.

    hash(n) = SHA-256(hash(n - 1) + SHA-256(content(n)))

chained from the experiment (`results.run.meta`). Content is one line for each individual (id, parents, origin, genome),
an empty line, and the fitness as float64.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from results.errors import DamageError
from results.records import ORIGINS, Birth, BirthId, Origin
from results.run.rows import (
    HASH,
    LONGEST_KEY,
    MOST_GENERATIONS,
    Digests,
    Limits,
    Row,
    intact,
    line,
    packable,
    whole,
)


def milestone(number: int) -> bool:
    """True for generations whose populations are kept whole in every run: 0 to 9, 10, 20 ... 90, 100, 200 ..."""
    return number % int(10 ** max(len(str(number)) - 1, 0)) == 0


def milestones(last: int) -> list[int]:
    """The milestones up to `last`, in order.

    >>> milestones(31)
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30]
    """
    steps = [10**power for power in range(len(str(last)))]
    return [0] * (last >= 0) + [n for step in steps for n in range(step, min(10 * step, last + 1), step)]


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

    def row(self, checkpoint: bool, digests: Digests) -> Row:
        """Checkpoints stay, so they are compressed; the others soon go, so they are not."""
        level = 6 if checkpoint else 0
        fields = (
            self.number,
            int(checkpoint),
            self.previous,
            zlib.compress(self.content, level),
            zlib.compress(self.behaviours, level),
        )
        return (*fields, self._digest(int(checkpoint), digests))

    def _digest(self, checkpoint: int, digests: Digests) -> bytes:
        return digests.of(
            "populations", self.number, checkpoint, self.hash, hashlib.sha256(self.behaviours).digest()
        )

    @classmethod
    def of_row(cls, row: Sequence[Any], digests: Digests, limits: Limits) -> Population:
        """Read a row; raises DamageError."""
        number, checkpoint, previous, content, behaviours, digest = row
        what = f"the population of generation {number}"
        intact(
            what,
            whole(number, 0, MOST_GENERATIONS),
            whole(checkpoint, 0, 2),
            isinstance(previous, bytes) and len(previous) == HASH,
            isinstance(content, bytes) and isinstance(behaviours, bytes),
        )
        texts = [inflated(what, field, limits.population) for field in (content, behaviours)]
        population = cls(number, previous, *texts)
        intact(what, population._digest(checkpoint, digests) == digest)
        return population

    def births(self) -> tuple[tuple[Birth, ...], tuple[float, ...]]:
        """Everyone, and their fitness; raises DamageError for what cannot be a population."""
        what = f"the population of generation {self.number}"
        try:
            lines, fitness = split_content(self.content)
            keys = self.behaviours.decode().split("\n")
            births = tuple([_birth(text, key) for text, key in zip(lines, keys, strict=True)])
        except ValueError:
            raise DamageError(f"{what} is damaged") from None
        before = BirthId(-1, 0, 0)
        for birth in births:
            intact(what, before < birth.id, birth.id.generation <= self.number)
            before = birth.id
        intact(what, len(fitness) == len(births), bool(np.isfinite(fitness).all()))
        return births, fitness


def inflated(what: str, field: bytes, longest: int) -> bytes:
    """What was compressed; raises DamageError where it is damaged or would be longer than `longest` bytes."""
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(field, longest + 1)
    except zlib.error:
        raise DamageError(f"{what} is damaged") from None
    if len(text) > longest or (not stream.eof and stream.unconsumed_tail):
        raise DamageError(f"{what} is longer than its experiment allows ({longest} bytes)")
    intact(what, stream.eof, not stream.unused_data)
    return text


def _birth(text: str, behaviour: str) -> Birth:
    """One individual from its line; raises ValueError."""
    name, above, origin, genome = text.split(" ", 3)
    id = BirthId.parse(name)
    parents = () if above == "-" else tuple([BirthId.parse(parent) for parent in above.split(",")])
    possible = packable(id) and len(parents) <= 2 and origin in ORIGINS
    possible &= all([packable(parent) and parent.generation < id.generation for parent in parents])
    if not possible or not genome or not line(behaviour, LONGEST_KEY):
        raise ValueError(f"birth: expected one that can be, got {text[:80]!r}")
    return Birth(id, parents, cast(Origin, origin), genome, behaviour)


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
