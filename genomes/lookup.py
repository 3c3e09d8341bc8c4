"""Lookup genomes: memory(x,y) tables of replies, the classical genotype of evolved strategies.

A `LookupGenome` says what to play for every remembered history. It is a value: immutable, hashable,
and its text reads back exactly. What it *does* is its `Automaton` (see `genomes.automaton`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from genomes.automaton import Automaton

MAX_MEMORY = 12
"""Largest x + y: a table of 4096 replies."""

_TEXT = re.compile(r"memory\s*\(\s*(\d{1,9})\s*,\s*(\d{1,9})\s*\)(.*)", re.DOTALL)

PROBABILITY = {"c": 1.0, "C": 1.0, "d": 0.0, "D": 0.0}
"""Of cooperation, for each letter of a pure genome."""

LONGEST_QUOTE = 80
"""Characters of a text that an error repeats."""


@dataclass(frozen=True, eq=False, init=False, repr=False)
class LookupGenome:
    """A memory(x,y) strategy: it reads its own last `x` and its opponent's last `y` moves.

    `opening` holds ``max(x, y)`` and `replies` ``2**(x + y)`` probabilities of **cooperation** (1 and 0 for
    pure moves). The reply index reads the own moves oldest first, then the opponent's oldest first, the
    first is the most significant bit, C = 0 and D = 1; histories hold realised moves. This is the order of
    the LIFL genotype (Beaufils, Delahaye & Mathieu, "Complete classes of strategies", 1998).

    >>> tit_for_tat = LookupGenome.parse("memory(1,1) cCDCD")
    >>> tit_for_tat.replies
    (1.0, 0.0, 1.0, 0.0)
    >>> print(LookupGenome(1, 1, (1,), (1, 1/3, 1, 1/3)))
    memory(1,1) 1 | 1 0.3333333333333333 1 0.3333333333333333

    Raises ValueError for a memory out of range, a wrong number of replies or an impossible probability.
    """

    x: int
    y: int
    moves: str | tuple[float, ...]
    """All entries, openings first: letters where every move is pure, "cCDCD", else probabilities of cooperation."""

    def __init__(self, x: int, y: int, opening: Sequence[float], replies: Sequence[float]) -> None:
        check_memory(x, y)
        x, y = int(x), int(y)
        for field, values, expected in (("opening", opening, max(x, y)), ("replies", replies, 2 ** (x + y))):
            if not isinstance(values, (tuple, list, np.ndarray)):
                raise ValueError(f"{field}: expected a tuple of probabilities, got {values!r}")
            if len(values) != expected:
                raise ValueError(
                    f"{field}: expected {expected} values for memory({x},{y}), got {len(values)}"
                )
            for value in values:
                if not isinstance(value, (int, float, np.number, np.bool_)) or not 0 <= value <= 1:  # nan too
                    raise ValueError(
                        f"{field}: expected probabilities of cooperation in [0, 1], got {value!r}"
                    )
        self.__dict__.update(
            x=x, y=y, moves=spelled(x, y, tuple(float(p) + 0.0 for p in (*opening, *replies)))
        )

    @classmethod
    def trusted(cls, x: int, y: int, moves: str | tuple[float, ...]) -> LookupGenome:
        """A genome without validation, from `moves` that are known to be right: for variation, which makes many."""
        genome = object.__new__(cls)
        genome.__dict__.update(x=x, y=y, moves=moves)
        return genome

    @cached_property
    def entries(self) -> tuple[float, ...]:
        """Probabilities of cooperation, openings first."""
        return (
            tuple([PROBABILITY[move] for move in self.moves]) if isinstance(self.moves, str) else self.moves
        )

    @property
    def opening(self) -> tuple[float, ...]:
        """Probabilities of cooperation in the first ``max(x, y)`` turns."""
        return self.entries[: max(self.x, self.y)]

    @property
    def replies(self) -> tuple[float, ...]:
        """Probabilities of cooperation after every history of full length."""
        return self.entries[max(self.x, self.y) :]

    @property
    def deterministic(self) -> bool:
        """True when every entry is a pure move."""
        return isinstance(self.moves, str)

    # the text reads back exactly, so it stands for the value

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, LookupGenome) and self._text == other._text)

    def __hash__(self) -> int:
        return hash(self._text)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"LookupGenome.parse({self._text!r})"

    @cached_property
    def _text(self) -> str:
        if isinstance(self.moves, str):
            return f"memory({self.x},{self.y}) {self.moves}"
        words = [repr(p).removesuffix(".0") for p in self.moves]
        words.insert(max(self.x, self.y), "|")
        return f"memory({self.x},{self.y}) " + " ".join(words)

    @classmethod
    def parse(cls, text: str) -> LookupGenome:
        """Read ``memory(1,2) ccCDCDDCDD`` or ``memory(1,1) 1 | 1 0.333 1 0.333``.

        Raises ValueError naming what was expected and what came.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"genome: expected text like 'memory(1,1) cCDCD', got {quoted(text)}")
        x, y, body = int(match[1]), int(match[2]), match[3]
        check_memory(x, y)
        if "|" in body:
            opening, _, replies = body.partition("|")
            return cls(x, y, _probabilities("opening", opening), _probabilities("replies", replies))
        moves = "".join(body.split()).upper()
        strange = sorted(set(moves) - {"C", "D"})
        if strange:
            raise ValueError(
                f"genome: expected moves C and D (or 'openings | replies' as probabilities), got {strange[0]!r}"
            )
        expected = max(x, y) + 2 ** (x + y)
        if len(moves) != expected:
            raise ValueError(
                f"genome: expected {max(x, y)} opening moves and {2 ** (x + y)} replies for memory({x},{y}), "
                f"{expected} in all, got {len(moves)}"
            )
        return cls.trusted(x, y, moves[: max(x, y)].lower() + moves[max(x, y) :])

    def automaton(self, turns: int | None = None) -> Automaton:
        """The strategy as an automaton whose states are the histories remembered so far.

        `turns` is ignored: it is there for strategies that count (see `genomes.catalogue`).
        """
        cooperate = cooperation(self.x, self.y, [self])[0]
        return Automaton(1.0 - cooperate, history_structure(self.x, self.y), cooperate)


def entry_labels(x: int, y: int) -> list[str]:
    """What each entry of a memory(x,y) genome answers: openings, then histories "own|opponent's".

    >>> entry_labels(1, 1)
    ['opening 1', 'C|C', 'C|D', 'D|C', 'D|D']
    """
    labels = [f"opening {k + 1}" for k in range(max(x, y))]
    for index in range(2 ** (x + y)):
        moves = "".join("CD"[index >> k & 1] for k in range(x + y - 1, -1, -1))
        labels.append(f"{moves[:x]}|{moves[x:]}")
    return labels


def difference(before: LookupGenome, after: LookupGenome) -> list[str]:
    """What changed from one genome to another of the same memory, entry by entry.

    >>> difference(LookupGenome.parse("memory(1,1) cCDCD"), LookupGenome.parse("memory(1,1) cCDDD"))
    ['D|C: C to D']
    """
    changed = []
    pure = before.deterministic and after.deterministic
    labels = entry_labels(before.x, before.y)
    for label, p, q in zip(labels, before.entries, after.entries, strict=True):
        if p != q:
            changed.append(
                f"{label}: {'DC'[int(p)]} to {'DC'[int(q)]}" if pure else f"{label}: {p:.3g} to {q:.3g}"
            )
    return changed


def check_memory(x: int, y: int) -> None:
    """Raise ValueError unless memory(x,y) is one we can hold."""
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in (x, y))
    if not whole or x < 0 or y < 0 or x + y > MAX_MEMORY:
        raise ValueError(f"memory: expected x, y >= 0 with x + y <= {MAX_MEMORY}, got memory({x},{y})")


def _levels(x: int, y: int) -> tuple[list[int], list[int], list[int]]:
    """Own bits, opponent bits and first state of each history length 0 .. max(x, y)."""
    own = [min(length, x) for length in range(max(x, y) + 1)]
    opponent = [min(length, y) for length in range(max(x, y) + 1)]
    first = [0]
    for a, b in zip(own, opponent, strict=True):
        first.append(first[-1] + 2 ** (a + b))
    return own, opponent, first


@lru_cache(maxsize=128)
def history_structure(x: int, y: int) -> NDArray[np.int32]:
    """Next state by joint move for every history of length 0 .. max(x, y): ``(states, 4)``.

    The states of one length stand together, the full-length histories last and in reply order.
    """
    own, opponent, first = _levels(x, y)
    successors = np.empty((first[-1], 4), np.int32)
    for length in range(len(own)):
        after = min(length + 1, len(own) - 1)
        for state in range(2 ** (own[length] + opponent[length])):
            mine, theirs = state >> opponent[length], state & (2 ** opponent[length] - 1)
            for joint in range(4):
                new_mine = (mine << 1 | joint >> 1) & (2 ** own[after] - 1)
                new_theirs = (theirs << 1 | joint & 1) & (2 ** opponent[after] - 1)
                successors[first[length] + state, joint] = (
                    first[after] + (new_mine << opponent[after]) + new_theirs
                )
    successors.setflags(write=False)
    return successors


def spelled(x: int, y: int, entries: tuple[float, ...]) -> str | tuple[float, ...]:
    """Entries of a memory(x,y) genome as its `moves`: letters where every one is pure."""
    if not {*entries} <= {0.0, 1.0}:
        return entries
    letters = "".join(["C" if p else "D" for p in entries])
    return letters[: max(x, y)].lower() + letters[max(x, y) :]


def move_letters(genomes: Sequence[LookupGenome]) -> NDArray[np.uint8]:
    """Letters of pure genomes of one memory, ``(genomes, entries)``: c and C are odd, d and D even."""
    text = "".join([str(genome.moves) for genome in genomes])
    return np.frombuffer(text.encode(), np.uint8).reshape(len(genomes), -1)


def entries(genomes: Sequence[LookupGenome]) -> NDArray[np.float64]:
    """Probabilities of cooperation of genomes of one memory, openings first: ``(genomes, entries)``."""
    if all([genome.deterministic for genome in genomes]):
        return (move_letters(genomes) & 1).astype(np.float64)
    return np.array([genome.entries for genome in genomes])


def cooperation(x: int, y: int, genomes: Sequence[LookupGenome]) -> NDArray[np.float64]:
    """Probability of C in each state of `history_structure(x, y)`, one row per genome."""
    first = _levels(x, y)[2]
    rows = np.empty((len(genomes), first[-1]))
    columns = entries(genomes)
    for length in range(max(x, y)):
        rows[:, first[length] : first[length + 1]] = columns[:, length, None]
    rows[:, first[-2] :] = columns[:, max(x, y) :]
    return rows


def quoted(text: str) -> str:
    """A text as an error repeats it: in quotes, and not all of a long one."""
    return (
        repr(text) if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]!r}... ({len(text)} characters)"
    )


def _probabilities(field: str, text: str) -> tuple[float, ...]:
    values = []
    for word in text.split():
        try:
            values.append(float(word))
        except ValueError:
            raise ValueError(f"{field}: expected probabilities of cooperation, got {word!r}") from None
    return tuple(values)
