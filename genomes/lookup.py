"""Lookup genomes: memory(x,y) tables of replies, the classical genotype of evolved strategies.

A `LookupGenome` says what to play for every remembered history. It is a value: immutable, hashable,
and its text reads back exactly. What it *does* is its `Automaton` (see `genomes.automaton`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from genomes.automaton import Automaton
from genomes.texts import quoted

MAX_MEMORY = 12
"""Largest x + y + z: a table of 4096 replies."""

_TEXT = re.compile(r"memory\s*\(\s*(\d{1,9})\s*,\s*(\d{1,9})\s*(?:,\s*(\d{1,9})\s*)?\)(.*)", re.DOTALL)

PROBABILITY = {"c": 1.0, "C": 1.0, "d": 0.0, "D": 0.0}
"""Of cooperation, for each letter of a pure genome."""


@dataclass(frozen=True, eq=False, init=False, repr=False)
class LookupGenome:
    """A memory(x,y) strategy: it reads its own last `x` and its opponent's last `y` moves.

    `opening` holds ``max(x, y)`` and `replies` ``2**(x + y)`` probabilities of **cooperation** (1 and 0 for
    pure moves). The reply index reads the own moves oldest first, then the opponent's oldest first, the
    first is the most significant bit, C = 0 and D = 1; histories hold realised moves. This is the order of
    the LIFL genotype (Beaufils, Delahaye & Mathieu, "Complete classes of strategies", 1998).

    A memory(x,y,z) strategy never forgets the opponent's first `z` moves either: they are the last bits of the index,
    oldest first, and there are ``max(x, y, z)`` opening moves, as in `LookerUp` of the library Axelrod.

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
    z: int = 0

    def __init__(
        self, x: int, y: int, opening: Sequence[float], replies: Sequence[float], z: int = 0
    ) -> None:
        check_memory(x, y, z)
        x, y, z = int(x), int(y), int(z)
        head, table = memory_text(x, y, z), 2 ** (x + y + z)
        for field, values, expected in (("opening", opening, max(x, y, z)), ("replies", replies, table)):
            if not isinstance(values, (tuple, list, np.ndarray)):
                raise ValueError(f"{field}: expected a tuple of probabilities, got {values!r}")
            if len(values) != expected:
                raise ValueError(f"{field}: expected {expected} values for {head}, got {len(values)}")
            for value in values:
                if not isinstance(value, (int, float, np.number, np.bool_)) or not 0 <= value <= 1:  # nan too
                    raise ValueError(
                        f"{field}: expected probabilities of cooperation in [0, 1], got {value!r}"
                    )
        entries = tuple(float(p) + 0.0 for p in (*opening, *replies))
        self.__dict__.update(x=x, y=y, z=z, moves=spelled(len(opening), entries))

    @classmethod
    def trusted(cls, x: int, y: int, moves: str | tuple[float, ...], z: int = 0) -> LookupGenome:
        """A genome without validation, from `moves` that are known to be right: for variation, which makes many."""
        genome = object.__new__(cls)
        genome.__dict__.update(x=x, y=y, z=z, moves=moves)
        return genome

    @property
    def memory(self) -> tuple[int, int, int]:
        """x, y and z: genomes of one memory have the same entries."""
        return self.x, self.y, self.z

    @cached_property
    def entries(self) -> tuple[float, ...]:
        """Probabilities of cooperation, openings first."""
        return (
            tuple([PROBABILITY[move] for move in self.moves]) if isinstance(self.moves, str) else self.moves
        )

    @property
    def opening(self) -> tuple[float, ...]:
        """Probabilities of cooperation in the first ``max(x, y, z)`` turns."""
        return self.entries[: max(self.memory)]

    @property
    def replies(self) -> tuple[float, ...]:
        """Probabilities of cooperation after every history of full length."""
        return self.entries[max(self.memory) :]

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
        head = memory_text(*self.memory)
        if isinstance(self.moves, str):
            return f"{head} {self.moves}"
        words = [repr(p).removesuffix(".0") for p in self.moves]
        words.insert(max(self.memory), "|")
        return f"{head} " + " ".join(words)

    @classmethod
    def parse(cls, text: str) -> LookupGenome:
        """Read ``memory(1,2) ccCDCDDCDD`` or ``memory(1,1) 1 | 1 0.333 1 0.333``.

        Raises ValueError naming what was expected and what came.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"genome: expected text like 'memory(1,1) cCDCD', got {quoted(text)}")
        x, y, z, body = int(match[1]), int(match[2]), int(match[3] or 0), match[4]
        check_memory(x, y, z)
        if "|" in body:
            opening, _, replies = body.partition("|")
            return cls(x, y, _probabilities("opening", opening), _probabilities("replies", replies), z)
        moves = "".join(body.split()).upper()
        strange = sorted(set(moves) - {"C", "D"})
        if strange:
            raise ValueError(
                f"genome: expected moves C and D (or 'openings | replies' as probabilities), got {strange[0]!r}"
            )
        first, table = max(x, y, z), 2 ** (x + y + z)
        if len(moves) != first + table:
            raise ValueError(
                f"genome: expected {first} opening moves and {table} replies for {memory_text(x, y, z)}, "
                f"{first + table} in all, got {len(moves)}"
            )
        return cls.trusted(x, y, moves[:first].lower() + moves[first:], z)

    def automaton(self, turns: int | None = None) -> Automaton:
        """The strategy as an automaton whose states are the histories remembered so far.

        `turns` is ignored: it is there for strategies that count (see `genomes.catalogue`).
        """
        cooperate = cooperation([self])[0]
        return Automaton(1.0 - cooperate, history_structure(*self.memory), cooperate)


def entry_labels(x: int, y: int, z: int = 0) -> list[str]:
    """What each entry of a genome answers: openings, then histories "own|opponent's", and "|opponent's first" moves.

    >>> entry_labels(1, 1)
    ['opening 1', 'C|C', 'C|D', 'D|C', 'D|D']
    >>> entry_labels(0, 1, 1)[1:]
    ['|C|C', '|C|D', '|D|C', '|D|D']
    """
    labels = [f"opening {k + 1}" for k in range(max(x, y, z))]
    for moves in map("".join, product("CD", repeat=x + y + z)):
        labels.append(f"{moves[:x]}|{moves[x : x + y]}" + (f"|{moves[x + y :]}" if z else ""))
    return labels


def memory_text(x: int, y: int, z: int = 0) -> str:
    """How a memory is written: the opponent's opening moves only where they are remembered.

    >>> memory_text(1, 2), memory_text(2, 2, 2)
    ('memory(1,2)', 'memory(2,2,2)')
    """
    return f"memory({x},{y},{z})" if z else f"memory({x},{y})"


def difference(before: LookupGenome, after: LookupGenome) -> list[str]:
    """What changed from one genome to another of the same memory, entry by entry.

    >>> difference(LookupGenome.parse("memory(1,1) cCDCD"), LookupGenome.parse("memory(1,1) cCDDD"))
    ['D|C: C to D']
    """
    changed = []
    pure = before.deterministic and after.deterministic
    labels = entry_labels(*before.memory)
    for label, p, q in zip(labels, before.entries, after.entries, strict=True):
        if p != q:
            changed.append(
                f"{label}: {'DC'[int(p)]} to {'DC'[int(q)]}" if pure else f"{label}: {p:.3g} to {q:.3g}"
            )
    return changed


def check_memory(x: int, y: int, z: int = 0) -> None:
    """Raise ValueError unless memory(x,y,z) is one we can hold."""
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in (x, y, z))
    if not whole or min(x, y, z) < 0 or x + y + z > MAX_MEMORY:
        names = ("x, y, z", "x + y + z") if z else ("x, y", "x + y")
        raise ValueError(
            f"memory: expected {names[0]} >= 0 with {names[1]} <= {MAX_MEMORY}, got {memory_text(x, y, z)}"
        )


def _levels(x: int, y: int, z: int) -> tuple[list[tuple[int, int, int]], list[int]]:
    """Bits of own, opponent's and opponent's first moves, and first state, of each history length 0 .. max(x, y, z)."""
    bits = [(min(length, x), min(length, y), min(length, z)) for length in range(max(x, y, z) + 1)]
    first = [0]
    for level in bits:
        first.append(first[-1] + 2 ** sum(level))
    return bits, first


@lru_cache(maxsize=128)
def history_structure(x: int, y: int, z: int = 0) -> NDArray[np.int32]:
    """Next state by joint move for every history of length 0 .. max(x, y, z): ``(states, 4)``.

    The states of one length stand together, the full-length histories last and in reply order.
    """
    bits, first = _levels(x, y, z)
    successors = np.empty((first[-1], 4), np.int32)
    for length, (a, b, c) in enumerate(bits):
        after = min(length + 1, len(bits) - 1)
        own, opponent, opened = bits[after]
        state = np.arange(2 ** (a + b + c))[:, None]
        mine, theirs, begun = state >> b + c, state >> c & 2**b - 1, state & 2**c - 1
        joint = np.arange(4)
        mine = (mine << 1 | joint >> 1) & 2**own - 1
        theirs = (theirs << 1 | joint & 1) & 2**opponent - 1
        begun = begun << 1 | joint & 1 if opened > c else begun
        successors[first[length] : first[length + 1]] = (
            first[after] + (mine << opponent + opened) + (theirs << opened) + begun
        )
    successors.setflags(write=False)
    return successors


def spelled(opening: int, entries: tuple[float, ...]) -> str | tuple[float, ...]:
    """Entries of a genome, so many of them opening moves, as its `moves`: letters where every one is pure."""
    if not {*entries} <= {0.0, 1.0}:
        return entries
    letters = "".join(["C" if p else "D" for p in entries])
    return letters[:opening].lower() + letters[opening:]


def move_letters(genomes: Sequence[LookupGenome]) -> NDArray[np.uint8]:
    """Letters of pure genomes of one memory, ``(genomes, entries)``: c and C are odd, d and D even."""
    text = "".join([str(genome.moves) for genome in genomes])
    return np.frombuffer(text.encode(), np.uint8).reshape(len(genomes), -1)


def entries(genomes: Sequence[LookupGenome]) -> NDArray[np.float64]:
    """Probabilities of cooperation of genomes of one memory, openings first: ``(genomes, entries)``."""
    if all([genome.deterministic for genome in genomes]):
        return (move_letters(genomes) & 1).astype(np.float64)
    return np.array([genome.entries for genome in genomes])


def cooperation(genomes: Sequence[LookupGenome]) -> NDArray[np.float64]:
    """Probability of C in each state of the `history_structure` of genomes of one memory, one row per genome."""
    _, first = _levels(*genomes[0].memory)
    opening = max(genomes[0].memory)
    rows = np.empty((len(genomes), first[-1]))
    columns = entries(genomes)
    for length in range(opening):
        rows[:, first[length] : first[length + 1]] = columns[:, length, None]
    rows[:, first[-2] :] = columns[:, opening:]
    return rows


def _probabilities(field: str, text: str) -> tuple[float, ...]:
    values = []
    for word in text.split():
        try:
            values.append(float(word))
        except ValueError:
            raise ValueError(f"{field}: expected probabilities of cooperation, got {word!r}") from None
    return tuple(values)
