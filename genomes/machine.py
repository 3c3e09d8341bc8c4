"""Machine genomes: finite state machines of n states, the genotype of the strongest strategies that were evolved.

A `MachineGenome` says for every state and every move of the opponent what to play next and in which state to go on
(Mealy 1955, as the players of Harper et al. 2017 and `FSMPlayer` of the library Axelrod). It is a value: immutable,
hashable, and its text reads back exactly. It sees the opponent's realised moves and never its own: a slip of its own
hand goes unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genomes.automaton import Automaton, Move
from genomes.texts import quoted

MAX_STATES = 4096
"""Most states of a machine: as many as a table has replies at most."""

_TEXT = re.compile(r"machine\s*\(\s*(\d{1,9})\s*\)\s*([cdCD])\s*(\d{1,9})\b(.*)", re.DOTALL)
_ROW = re.compile(r"([CD])(\d{1,9})([CD])(\d{1,9})")

Pair = tuple[int, int]
"""A value after the opponent's C and one after its D."""


@dataclass(frozen=True, eq=False)
class MachineGenome:
    """A strategy machine(n) of n states.

    `first` is the first move and `start` the state it leaves the machine in. In state s, after the opponent's move
    o (0 = C, 1 = D), it plays ``replies[s][o]`` and goes on in state ``successors[s][o]``.

    In the text the first move and the state at the start come first, then for each state the reply and the next state
    after C, and those after D:

    >>> grim = MachineGenome.parse("machine(2) c0 C0D1 D1D1")
    >>> grim.first, grim.start, grim.replies, grim.successors
    (0, 0, ((0, 1), (1, 1)), ((0, 1), (1, 1)))
    >>> print(MachineGenome(0, 0, ((0, 1),), ((0, 0),)))  # tit for tat
    machine(1) c0 C0D0

    Raises ValueError for tables of different lengths, moves that are neither 0 nor 1, and states out of range.
    """

    first: Move
    start: int
    replies: tuple[Pair, ...]
    successors: tuple[Pair, ...]

    deterministic = True

    def __post_init__(self) -> None:
        states = len(_table("replies", self.replies))
        if not 1 <= states <= MAX_STATES:
            raise ValueError(f"machine: expected 1 to {MAX_STATES} states, got {states}")
        if len(_table("successors", self.successors)) != states:
            raise ValueError(
                f"successors: expected {states} states as in replies, got {len(self.successors)}"
            )
        object.__setattr__(self, "first", _whole("first", self.first, 2))
        object.__setattr__(self, "start", _whole("start", self.start, states))
        object.__setattr__(self, "replies", _rows("replies", self.replies, 2))
        object.__setattr__(self, "successors", _rows("successors", self.successors, states))

    @classmethod
    def trusted(
        cls, first: int, start: int, replies: Sequence[Pair], successors: Sequence[Pair]
    ) -> MachineGenome:
        """A genome without validation, from whole numbers that are known to be right: for variation."""
        genome = object.__new__(cls)
        genome.__dict__.update(first=first, start=start, replies=tuple(replies), successors=tuple(successors))
        return genome

    def __len__(self) -> int:
        """Number of states."""
        return len(self.replies)

    # the text reads back exactly, so it stands for the value

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, MachineGenome) and self._text == other._text)

    def __hash__(self) -> int:
        return hash(self._text)

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        rows = [
            f"{'CD'[a]}{s}{'CD'[b]}{t}" for (a, b), (s, t) in zip(self.replies, self.successors, strict=True)
        ]
        return f"machine({len(rows)}) {'cd'[self.first]}{self.start} {' '.join(rows)}"

    @classmethod
    def parse(cls, text: str) -> MachineGenome:
        """Read ``machine(2) c0 C0D1 D1D1``. Raises ValueError naming what was expected and what came."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"genome: expected text like 'machine(2) c0 C0D1 D1D1', got {quoted(text)}")
        states, words = int(match[1]), match[4].split()
        if not 1 <= states <= MAX_STATES:
            raise ValueError(f"machine: expected 1 to {MAX_STATES} states, got machine({states})")
        if len(words) != states:
            raise ValueError(f"genome: expected {states} states for machine({states}), got {len(words)}")
        rows = []
        for word in words:
            row = _ROW.fullmatch(word)
            if row is None:
                raise ValueError(
                    f"genome: expected for each state reply and next state after C and after D, as in 'C0D1', got "
                    f"{quoted(word)}"
                )
            rows.append(row.groups())
        return cls(
            0 if match[2] in "cC" else 1,
            int(match[3]),
            tuple(("CD".index(a), "CD".index(b)) for a, _, b, _ in rows),
            tuple((int(s), int(t)) for _, s, _, t in rows),
        )

    def automaton(self, turns: int | None = None) -> Automaton:
        """The strategy as an automaton: its states are (state, move to play), as many as can be reached.

        `turns` is ignored: it is there for strategies that count (see `genomes.catalogue`).
        """
        successors, replies = self.successors, self.replies
        reached = [2 * self.start + self.first]  # a state and the move to play in it, as one number
        number = [-1] * (2 * len(self))
        number[reached[0]] = 0
        following = []
        for here in reached:  # grows while it is read
            (s, t), (a, b) = successors[here >> 1], replies[here >> 1]
            after_c, after_d = 2 * s + a, 2 * t + b
            for target in (after_c, after_d):
                if number[target] < 0:
                    number[target] = len(reached)
                    reached.append(target)
            following.append((number[after_c], number[after_d]))
        table = np.array(following, np.int32)[:, [0, 1, 0, 1]]
        return Automaton(np.array(reached, np.float64) % 2, table)

    @classmethod
    def of(cls, automaton: Automaton) -> MachineGenome:
        """The smallest machine that plays like an automaton of pure moves.

        It plays alike as long as its own moves do not slip. Where the automaton reads its own slips, which a machine
        cannot, it is the automaton to which they do not happen (`plays_alike` tells).

        >>> from genomes.lookup import LookupGenome
        >>> print(MachineGenome.of(LookupGenome.parse("memory(1,1) cCDDC").automaton()))  # pavlov
        machine(2) c0 C0D1 D1C0

        Raises ValueError where moves are left to chance, and for too many states.
        """
        if not automaton.deterministic:
            raise ValueError("automaton: expected pure moves, got probabilities")
        move = automaton.defect.astype(np.int64)
        following = automaton.successors[np.arange(len(move))[:, None], 2 * move[:, None] + np.arange(2)]
        return _smallest(int(move[0]), 0, move[following].tolist(), following.tolist())

    def smallest(self) -> MachineGenome:
        """The machine with the fewest states that plays alike, numbered in order of first reach.

        >>> print(MachineGenome.parse("machine(3) c2 D0D0 C2D1 C1D2").smallest())
        machine(1) c0 C0D0
        """
        return _smallest(self.first, self.start, self.replies, self.successors)

    def grown(self, states: int) -> MachineGenome:
        """A machine of at least so many states that plays alike, each state there about equally often.

        >>> print(MachineGenome.parse("machine(1) c0 C0D0").grown(3))
        machine(3) c0 C1D2 C2D0 C0D1
        """
        n = len(self)
        if n >= states:
            return self

        def copy_of(target: int, state: int, move: int) -> int:
            copies = range(target, states, n)
            return copies[(state // n + move + 1) % len(copies)]

        return MachineGenome(
            self.first,
            self.start,
            tuple(self.replies[k % n] for k in range(states)),
            tuple(
                (copy_of(self.successors[k % n][0], k, 0), copy_of(self.successors[k % n][1], k, 1))
                for k in range(states)
            ),
        )


def plays_alike(machine: MachineGenome, automaton: Automaton, *, noisy: bool) -> bool:
    """Whether a machine does what an automaton does, with `noisy=True` after slips of their own too."""
    return machine.automaton().behaviour(noisy=noisy) == automaton.behaviour(noisy=noisy)


def difference(before: MachineGenome, after: MachineGenome) -> list[str]:
    """What changed from one machine to another, entry by entry as far as both have the state.

    >>> tit_for_tat, grim = MachineGenome.parse("machine(1) c0 C0D0"), MachineGenome.parse("machine(2) c0 C0D1 D1D1")
    >>> difference(tit_for_tat, grim)
    ['0 after D: to 1, not 0', 'state 1 is new']
    """
    changed = []
    if before.first != after.first:
        changed.append(f"first move: {'CD'[before.first]} to {'CD'[after.first]}")
    if before.start != after.start:
        changed.append(f"start: {after.start}, not {before.start}")
    for state in range(min(len(before), len(after))):
        for move in (0, 1):
            here = f"{state} after {'CD'[move]}"
            a, b = before.replies[state][move], after.replies[state][move]
            if a != b:
                changed.append(f"{here}: {'CD'[a]} to {'CD'[b]}")
            s, t = before.successors[state][move], after.successors[state][move]
            if s != t:
                changed.append(f"{here}: to {t}, not {s}")
    changed += [f"state {state} is new" for state in range(len(before), len(after))]
    return changed + [f"state {state} is gone" for state in range(len(after), len(before))]


def _smallest(
    first: int, start: int, replies: Sequence[Sequence[int]], successors: Sequence[Sequence[int]]
) -> MachineGenome:
    """The smallest machine of a table: states that are reached, merged where no history tells them apart (Moore)."""
    reached, order = {start}, [start]
    for state in order:  # grows while it is read
        for target in successors[state]:
            if target not in reached:
                reached.add(target)
                order.append(target)
    merged = _numbered([tuple(replies[state]) for state in order])
    classes = dict(zip(order, merged, strict=True))
    while True:
        merged = _numbered([(classes[s], *(classes[t] for t in successors[s])) for s in order])
        finer = dict(zip(order, merged, strict=True))
        if max(merged) == max(classes.values()):
            break
        classes = finer
    one_of = {number: state for state, number in reversed(list(finer.items()))}
    rows = range(len(one_of))  # numbered in order of first reach, since `order` is
    return MachineGenome(
        first,  # type: ignore[arg-type]
        0,
        tuple((replies[one_of[k]][0], replies[one_of[k]][1]) for k in rows),
        tuple((finer[successors[one_of[k]][0]], finer[successors[one_of[k]][1]]) for k in rows),
    )


def _numbered(signatures: Sequence[tuple[int, ...]]) -> list[int]:
    """A number for each distinct signature, in order of first appearance."""
    numbers: dict[tuple[int, ...], int] = {}
    return [numbers.setdefault(signature, len(numbers)) for signature in signatures]


def _table(field: str, values: object) -> Sequence[object]:
    if isinstance(values, np.ndarray):
        return values.tolist()  # type: ignore[no-any-return]
    if not isinstance(values, (tuple, list)):
        raise ValueError(f"{field}: expected a tuple with a pair for each state, got {values!r}")
    return values


def _rows(field: str, rows: object, end: int) -> tuple[Pair, ...]:
    pairs = []
    for row in _table(field, rows):
        pair = _table(field, row)
        if len(pair) != 2:
            raise ValueError(f"{field}: expected a pair for each state, after C and after D, got {row!r}")
        pairs.append((_whole(field, pair[0], end), _whole(field, pair[1], end)))
    return tuple(pairs)


def _whole(field: str, value: object, end: int) -> int:
    """A move or a state: a whole number below `end`."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not 0 <= value < end:  # type: ignore[operator]
        expected = "0 (C) or 1 (D)" if field in ("first", "replies") else f"states 0..{end - 1}"
        raise ValueError(f"{field}: expected {expected}, got {value!r}")
    return int(value)  # type: ignore[call-overload, no-any-return]
