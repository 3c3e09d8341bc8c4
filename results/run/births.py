"""The dead as rows: genome and behaviour as the difference from the primary parent's.

A birth is written in full now and then along a line (see `results.run.writer`), and as a change of its parent's
text in between.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from results.errors import DamageError
from results.records import ORIGINS, Birth
from results.run.rows import Digests, Limits, intact, key_field, key_like, key_text, line, pack, unpack, whole


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
    def of_row(cls, row: Sequence[Any], digests: Digests, limits: Limits) -> BirthRow:
        """Read a row; raises DamageError."""
        what = f"birth {unpack(row[0])}"
        found = cls(*digests.fields("births", what, row))
        id, parent, mate, origin, genome, behaviour = found
        intact(
            what,
            whole(id, 0, 2**63),
            parent is None or (whole(parent, 1, id + 1) and id - parent >> 32 < id >> 32),
            mate is None or (parent is not None and whole(mate, 1, id + 1) and id - mate >> 32 < id >> 32),
            whole(origin, 0, len(ORIGINS)),
            line(genome, limits.genome)
            or (parent is not None and (genome is None or isinstance(genome, bytes))),
            key_like(behaviour) or (parent is not None and behaviour is None),
        )
        return found

    @property
    def ancestor(self) -> int | None:
        """The primary parent."""
        return None if self.parent is None else self.id - self.parent

    @property
    def whole(self) -> bool:
        """True when it can be read without its parent."""
        return isinstance(self.genome, str)

    def birth(self, parent: Birth | None, limits: Limits) -> Birth:
        """The birth; `parent` is needed unless it is `whole`. Raises DamageError."""
        if isinstance(self.genome, str):
            genome = self.genome
        elif parent is None:
            raise DamageError(f"birth {unpack(self.id)} cannot be read: its parent is missing")
        else:
            genome = parent.genome if self.genome is None else self._changed(parent.genome, limits)
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

    def _changed(self, genome: str, limits: Limits) -> str:
        try:
            text = changed(genome, self.genome if isinstance(self.genome, bytes) else b"")
        except (struct.error, UnicodeDecodeError):
            text = ""
        intact(f"birth {unpack(self.id)}", line(text, limits.genome))
        return text


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
