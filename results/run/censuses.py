"""Censuses: everybody of some generations, counted by behaviour, so that shares can be shown where few behaviours lead.

At most `MOST_CENSUSES` generations of a run have one, evenly spaced over all of it: the multiples of a power of two
that doubles as the run grows. It lists whoever is not among the leaders, which stand in the row of the generation.
"""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from results.errors import DamageError
from results.records import Generation
from results.run.populations import inflated
from results.run.rows import (
    MOST_GENERATIONS,
    Digests,
    GenerationRow,
    LeadingBehaviour,
    Limits,
    Row,
    intact,
    line,
    whole,
)

MOST_CENSUSES = 100
"""Censuses of a run at most; at least half as many, where there are so many generations."""

_LINE = re.compile(r"([1-9][0-9]{0,6}) (?:#([1-9][0-9]{0,9})|([^#].*))", re.ASCII)


def spacing(last: int) -> int:
    """From one census to the next, in generations, where generation `last` is the last.

    >>> [spacing(last) for last in (0, 99, 100, 199, 200, 100_000)]
    [1, 1, 2, 2, 4, 1024]
    """
    step = 1
    while last // step >= MOST_CENSUSES:
        step *= 2
    return step


class Census(NamedTuple):
    """Whoever is not among the leaders of a generation, by behaviour, each with how many there are."""

    number: int
    led: tuple[tuple[int, int], ...]
    """Behaviours that have led at another time, by their numbers."""
    others: tuple[tuple[str, int], ...]
    """The other behaviours, each by one of its genomes."""

    @classmethod
    def of(cls, generation: Generation, number_of: Callable[[str], int | None]) -> Census:
        """Of a generation; `number_of` gives the number of a behaviour that has led."""
        leading = {leader.behaviour for leader in generation.leaders}
        genome: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for birth in generation.population:
            if birth.behaviour not in leading:
                genome.setdefault(birth.behaviour, birth.genome)
                counts[birth.behaviour] += 1
        numbers = {behaviour: number_of(behaviour) for behaviour in counts}
        return cls(
            generation.number,
            tuple([(number, counts[b]) for b, number in numbers.items() if number is not None]),
            tuple([(genome[b], counts[b]) for b, number in numbers.items() if number is None]),
        )

    @property
    def counted(self) -> int:
        """How many individuals."""
        return sum(count for _, count in (*self.led, *self.others))

    def row(self, digests: Digests) -> Row:
        """As a row of table censuses."""
        lines = [f"{count} #{number}" for number, count in self.led]
        lines += [f"{count} {genome}" for genome, count in self.others]
        return digests.row("censuses", self.number, zlib.compress("\n".join(lines).encode(), 6))

    @classmethod
    def of_row(cls, row: Sequence[Any], digests: Digests, limits: Limits) -> Census:
        """Read a row; raises DamageError."""
        what = f"the census of generation {row[0]}"
        number, content = digests.fields("censuses", what, row)
        intact(what, whole(number, 0, MOST_GENERATIONS), isinstance(content, bytes))
        try:
            text = inflated(what, content, limits.population).decode()
        except UnicodeDecodeError:
            raise DamageError(f"{what} is damaged") from None
        found = [_LINE.fullmatch(one) for one in text.split("\n")] if text else []
        led: list[tuple[int, int]] = []
        others: list[tuple[str, int]] = []
        for one in found:
            if one is None:
                raise DamageError(f"{what} is damaged")
            if one[2] is not None:
                led.append((int(one[2]), int(one[1])))
            else:
                intact(what, line(one[3], limits.genome))
                others.append((one[3], int(one[1])))
        return cls(number, tuple(led), tuple(others))

    def check(self, leading: int, size: int, behaviours: int) -> None:
        """Raise DamageError unless it and `leading` individuals are `size`, of behaviours that are there."""
        if self.counted + leading != size or any(number > behaviours for number, _ in self.led):
            raise DamageError(f"the census of generation {self.number} is not of its population")


def everybody(
    connection: sqlite3.Connection, digests: Digests, limits: Limits, behaviours: int
) -> list[tuple[int, list[tuple[LeadingBehaviour, int]]]]:
    """The censuses of a run of which so many behaviours have led, see `Run.censuses`; raises DamageError."""
    known = dict(
        LeadingBehaviour.of_row(row, digests, limits)
        for row in connection.execute("SELECT * FROM behaviours ORDER BY id")
    )
    found = []
    for row in connection.execute("SELECT * FROM censuses ORDER BY id").fetchall():
        census = Census.of_row(row, digests, limits)
        of = connection.execute("SELECT * FROM generations WHERE id = ?", (census.number,)).fetchone()
        if of is None:
            raise DamageError(f"generation {census.number} is missing")
        here = GenerationRow.of_row(of, digests)
        leading = here.leading(behaviours).tolist()
        census.check(sum(count for _, count in leading), here.size, behaviours)
        numbers = [*leading, *census.led]
        if missing := [number for number, _ in numbers if number not in known]:
            raise DamageError(f"behaviour {missing[0]} is missing")
        members = [(known[number], count) for number, count in numbers]
        members += [(LeadingBehaviour(text, None, text, None), count) for text, count in census.others]
        found.append((census.number, members))
    return found
