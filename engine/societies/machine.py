"""A society at play: its members' programs and automata joined into arrays, and the rounds played so far.

The one place that knows the layout which `engine.societies.kernels` works on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.societies import kernels as kernels
from engine.societies.program import TABLE_COLUMNS, Program, compile_formula
from genomes.automaton import Automaton
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Quantifiers

MAX_TABLE_WORDS = 2**25
"""Running tables take at most this many machine words; beyond it, past rounds are looked through again."""
MAX_HISTORY_WORDS = 2**28
"""Distinct relations take at most this many machine words."""

_T = TypeVar("_T", bound=np.generic)
_NO_FLIPS = np.zeros((0, 0), np.uint64)
_NO_DRAWS = np.zeros((0, 0, 0))


class SocietyMachine:
    """k players, each a formula or an automaton, and the rounds they have played.

    `rows` and `columns` ``(distinct relations, words * k)`` are bit rows of who defected on whom;
    `sequence` is the number of the relation of each turn played one by one. When the whole state has
    repeated, turns go on from `cycle_start` with `period` (0 while it has not).
    """

    def __init__(
        self, members: Sequence[FormulaGenome | Automaton], quantifiers: Quantifiers = "all"
    ) -> None:
        self.k = len(members)
        self.words = (self.k + 63) // 64
        if 16 * self.k * self.words > MAX_HISTORY_WORDS:
            raise ValueError(
                f"members: expected a society that fits into memory, got {self.k} different players"
            )
        formulas = list(dict.fromkeys(member for member in members if isinstance(member, FormulaGenome)))
        number = {genome: f for f, genome in enumerate(formulas)}
        programs = [number[member] if isinstance(member, FormulaGenome) else -1 for member in members]
        for table_variables in (2, 1, 0):
            sizes = self._join([compile_formula(genome, table_variables, quantifiers) for genome in formulas])
            if sum(sizes[f] for f in programs if f >= 0) <= MAX_TABLE_WORDS:
                break
        self._program = np.array(programs)
        self._clear_tables(sizes)
        self._seat_automata(
            [(x, member) for x, member in enumerate(members) if isinstance(member, Automaton)]
        )
        self._place = np.array([0, 0, -1, 0, -1, -1, 1, 0])
        self._rows = np.empty((8, self.words * self.k), np.uint64)
        self._columns = np.empty_like(self._rows)
        self._diagonal = np.empty((8, self.words), np.uint64)
        self._hashes = np.empty(8, np.uint64)
        self._sequence = np.empty(64, np.int64)

    def _join(self, programs: list[Program]) -> list[int]:
        """Put the programs one behind the other; the words of tables that each needs for one player."""
        spans, start, first = [], 0, 0
        for program in programs:
            end = start + len(program.code)
            spans.append((start, start + program.decide, end, first))
            start, first = end, first + len(program.tables)
        self._spans = np.array(spans, dtype=np.int64).reshape(-1, 4)
        self._code = np.concatenate([np.zeros((0, 8), np.int32), *(program.code for program in programs)])
        none = np.zeros((0, TABLE_COLUMNS), np.int64)
        self._tables = np.concatenate([none, *(program.tables for program in programs)])
        lengths = self.words * self.k ** (self._tables[:, 1] + self._tables[:, 2])
        ends = np.concatenate([[0], np.cumsum(lengths)])
        firsts = np.append(self._spans[:, 3], first)
        self._tables[:, 3] = ends[:-1] - np.repeat(ends[firsts[:-1]], np.diff(firsts))
        depth = max((program.registers for program in programs), default=1)
        self._registers = np.empty((depth, self.words * self.k), np.uint64)
        sizes: list[int] = np.diff(ends[firsts]).tolist()
        return sizes

    def _clear_tables(self, sizes: list[int]) -> None:
        """Before the first round every exists is false and every forall true."""
        playing = self._program[self._program >= 0]
        mine = np.array([sizes[f] if f >= 0 else 0 for f in self._program], dtype=np.int64)
        self._base = np.concatenate([[0], np.cumsum(mine)[:-1]])
        lengths = self.words * self.k ** (self._tables[:, 1] + self._tables[:, 2])
        fresh = np.repeat(np.where(self._tables[:, 0] == 1, kernels.ALL_BITS, np.uint64(0)), lengths)
        ends = np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))])
        empty = np.zeros(0, np.uint64)
        self._memory = np.concatenate([empty, *(fresh[ends[f] : ends[f + 1]] for f in playing)])
        self._full = np.zeros((self.k, max(len(self._tables), 1)), np.bool_)

    def _seat_automata(self, automata: list[tuple[int, Automaton]]) -> None:
        self._automaton = np.array([x for x, _ in automata], dtype=np.int64)
        self._defect = np.concatenate([np.zeros(0), *(automaton.defect for _, automaton in automata)])
        starts = (
            np.cumsum([0, *(len(automaton) for _, automaton in automata)])[:-1]
            if automata
            else np.zeros(0, int)
        )
        tables = [
            automaton.successors.astype(np.int64) + start
            for (_, automaton), start in zip(automata, starts, strict=True)
        ]
        self._successors = np.concatenate([np.zeros((0, 4), np.int64), *tables])
        self._states = np.repeat(starts[:, None], self.k, axis=1).astype(np.int64)
        self._mark = self._states.copy()
        chance = np.array([not automaton.deterministic for _, automaton in automata], dtype=bool)
        self._draw_row = np.where(chance, np.cumsum(chance) - 1, -1)
        self.chance = self._automaton[chance]
        """Players that leave something to chance, in order."""

    def play(
        self,
        turns: int,
        *,
        close: bool = True,
        flips: NDArray[np.uint64] = _NO_FLIPS,
        draws: NDArray[np.float64] = _NO_DRAWS,
    ) -> None:
        """Play on to turn `turns`, or (`close`) until the whole state repeats.

        `flips` (new turns, words * k): bits of the moves that slip, the diagonal's are never set.
        `draws` (new turns, len(chance), k): uniform numbers in [0, 1) for the players that use chance.
        """
        first = int(self._place[kernels.TURN])
        while True:
            kernels.play(
                turns, close, self.k, self._place,
                self._rows, self._columns, self._diagonal, self._hashes, self._sequence,
                self._code, self._spans, self._tables, self._program,
                self._memory, self._base, self._full, self._registers,
                self._automaton, self._defect, self._successors, self._states, self._mark,
                self._draw_row, draws, flips, first,
            )  # fmt: skip
            if self._place[kernels.TURN] == turns or self.period:
                return
            self._grow(turns)

    def _grow(self, turns: int) -> None:
        def doubled(array: NDArray[_T]) -> NDArray[_T]:
            return np.concatenate([array, np.empty_like(array)])

        if self._place[kernels.TURN] == len(self._sequence):
            self._sequence = doubled(self._sequence)
        if self._place[kernels.DISTINCT] == len(self._rows):
            if 4 * self._rows.size > MAX_HISTORY_WORDS:
                raise ValueError(
                    f"turns: expected a history that fits into memory, got {turns} turns of {self.k} players "
                    f"with more than {len(self._rows)} different rounds"
                )
            self._rows, self._columns = doubled(self._rows), doubled(self._columns)
            self._diagonal, self._hashes = doubled(self._diagonal), doubled(self._hashes)

    @property
    def period(self) -> int:
        """Length of the cycle that play has run into, 0 while it has not."""
        return int(self._place[kernels.PERIOD])

    @property
    def cycle_start(self) -> int:
        """The turn (from 0) at which the cycle begins."""
        return int(self._place[kernels.MARK_TURN])

    @property
    def sequence(self) -> NDArray[np.int64]:
        """The relation of each turn played one by one."""
        return self._sequence[: self._place[kernels.TURN]]

    @property
    def rows(self) -> NDArray[np.uint64]:
        """Bit rows of the distinct relations."""
        return self._rows[: self._place[kernels.DISTINCT]]

    def relation_of(self, turns: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the relation of each of these turns (from 0), beyond those played one by one too."""
        if self.period:
            cycling = self.cycle_start + (turns - self.cycle_start) % self.period
            turns = np.where(turns < len(self.sequence), turns, cycling)
        return self.sequence[turns]

    def joint_counts(
        self, turns: int, group: NDArray[np.int64] | None = None, *, diagonal: bool = True
    ) -> NDArray[np.int64]:
        """How often each joint move was played in that many turns, ``(groups, groups, 4)``.

        `group`: the group of each player, by default each its own; without `diagonal` nobody meets itself.
        """
        group = np.arange(self.k) if group is None else group
        distinct = int(self._place[kernels.DISTINCT])
        played = self.sequence[:turns]
        weights = np.bincount(played, minlength=distinct)
        if turns > len(played):
            rounds, rest = divmod(turns - len(played), self.period)
            cycle = played[self.cycle_start : self.cycle_start + self.period]
            weights += rounds * np.bincount(cycle, minlength=distinct)
            further = np.arange(len(played), len(played) + rest)
            weights += np.bincount(self.relation_of(further), minlength=distinct)
        counts: NDArray[np.int64] = kernels.joint_counts(
            self.rows,
            self._columns[:distinct],
            weights,
            group,
            int(group.max()) + 1,
            not diagonal,
            self.k,
        )
        return counts

    @cached_property
    def relations(self) -> NDArray[np.bool_]:
        """The distinct relations, ``(distinct, k, k)``: row player defected on column player."""
        return unpack_rows(self.rows, self.k)


def pack_rows(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """``(turns, k, k)`` truth values as bit rows ``(turns, words * k)``."""
    turns, k, _ = bits.shape
    words = (k + 63) // 64
    octets = np.zeros((turns, k, 8 * words), np.uint8)
    octets[:, :, : (k + 7) // 8] = np.packbits(bits, axis=2, bitorder="little")
    rows = octets.view("<u8").astype(np.uint64)
    return np.ascontiguousarray(rows.transpose(0, 2, 1)).reshape(turns, words * k)


def unpack_rows(rows: NDArray[np.uint64], k: int) -> NDArray[np.bool_]:
    """The reverse of `pack_rows`."""
    words = rows.reshape(len(rows), -1, k).transpose(0, 2, 1)
    octets = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    return np.unpackbits(octets, axis=2, bitorder="little", count=k).astype(np.bool_)
