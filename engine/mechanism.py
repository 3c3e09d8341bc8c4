"""What a mechanism is: a value that changes a game, says what it does, and reads back from its text.

The mechanisms themselves are in `engine.mechanisms`.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from engine.stage import Stage

MAX_AMOUNT = 1e100
"""Larger amounts could overflow when they are summed over turns and players."""


@dataclass(frozen=True)
class Mechanism:
    """A rule added to a game. Its fields are its parameters; in text the first stands behind the colon.

    Each class says its `semantics` (what happens, in words), its `prediction` (what is to be expected of it: tests hold
    it to that) and its `source`.
    """

    name: ClassVar[str]
    semantics: ClassVar[str]
    prediction: ClassVar[str]
    source: ClassVar[str]

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type == "str":
                continue
            whole = field.type == "int"
            number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            if not number or not abs(value) <= MAX_AMOUNT or (whole and value != int(value)):
                raise ValueError(
                    f"{self.name}.{field.name}: expected a {'whole' if whole else 'finite'} number, got {value!r}"
                )
            object.__setattr__(self, field.name, int(value) if whole else float(value))
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Raise ValueError for parameters that make no sense."""

    @abstractmethod
    def applied(self, stage: Stage) -> Stage:
        """The game with this mechanism in it."""

    def survival(self) -> Fraction:
        """What it multiplies the continuation probability by."""
        return Fraction(1)

    def refused(self, *, turns: int | None, limit_of_means: bool) -> str | None:
        """Why it has no meaning under this horizon, if it has none: ``expected ..., got ...``."""
        return None

    def __str__(self) -> str:
        first, *others = dataclasses.fields(self)
        words = [f"{self.name}:{shown(getattr(self, first.name))}"]
        for field in others:
            value = getattr(self, field.name)
            if value != field.default:
                words.append(f"{field.name}={shown(value)}")
        return ",".join(words)

    @classmethod
    def usage(cls) -> str:
        """How its text is written."""
        first, *others = dataclasses.fields(cls)
        words = [f"{cls.name}:{first.name.upper()}"]
        for field in others:
            needed = field.default is dataclasses.MISSING
            words.append(f"{field.name}=X" if needed else f"[{field.name}={shown(field.default)}]")
        return ",".join(words)

    def within(self, field: str, low: float, high: float | None = None) -> None:
        value = getattr(self, field)
        if not (low <= value and (high is None or value <= high)):
            bounds = f"{field} >= {low:g}" if high is None else f"{low:g} <= {field} <= {high:g}"
            raise ValueError(f"{self.name}.{field}: expected {bounds}, got {value:g}")

    def one_of(self, field: str, known: Sequence[str]) -> None:
        value = getattr(self, field)
        if value not in known:
            raise ValueError(f"{self.name}.{field}: expected {listed(known)}, got {value!r}")


def exact(number: float) -> Fraction:
    """A decimal as it is written: 0.1 is a tenth."""
    return Fraction(repr(float(number)))


def shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
