"""The exact methods: one small class each, and the one place where they are chosen.

A `Method` plays rows of a round robin. `exact_methods` lists those that some behaviours and rules need, and a pair is
played by the first that plays both:

- `WordPlay`: nothing is left to chance and both remember at most three turns, so 32 turns are one machine word;
- `CyclicPlay`: nothing is left to chance, so the joint state is followed until it repeats;
- `HistoryPlay`: both depend on at most three joint moves, so the distribution over those is propagated;
- `ChainPlay`: everything else, over the chain of joint states that the pair reaches.

Where mechanisms keep a state of the pair, `engine.pairs.staged` has the two that are needed instead. A chain is summed
up by what `engine.pairs.chains` chooses.

To add a method: a class with what `Method` asks, and its line in `exact_methods`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.pairs import cyclic_kernels, history_kernels, kernels, word_kernels
from engine.pairs.behaviours import Behaviours
from engine.pairs.chains import joint_states, limit_of, solutions, summed, turns_that_count
from engine.pairs.staged import StagedChainPlay, StagedCyclicPlay

# --- rows of a round robin -------------------------------------------------------------------------------


class Method(Protocol):
    """One way to the expected joint moves of many pairs."""

    seconds: ClassVar[float]
    """Rough cost of a meeting of memory-3 genomes: only decides whether to use threads."""
    chance: ClassVar[bool]
    """Whether chance has a part in the meetings that it plays."""
    plays: NDArray[np.bool_]
    """``(d,)``: it plays any two of these behaviours that no method before it plays."""

    def play(self, rows: NDArray[np.int64], to_play: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
        """Enter its meetings of `rows` ``(r,)`` with those at or after them into `block` ``(r, d, 4)``.

        Only those in which one of the two is `to_play` ``(d,)``.
        """


def exact_methods(behaviours: Behaviours, rules: Rules) -> tuple[Method, ...]:
    """The methods that `behaviours` need under `rules`, the quickest first; together they play every pair."""
    methods: list[Method] = []
    pure = behaviours.pure & (not rules.noisy)
    if not rules.stage.plain:
        if pure.any():
            methods.append(StagedCyclicPlay(behaviours, rules, pure))
        return (*methods, *([] if pure.all() else [StagedChainPlay(behaviours, rules, pure)]))
    short = np.zeros(len(behaviours), np.bool_)
    if pure.any() and rules.turns is not None:
        words = WordPlay(behaviours, rules.turns, pure)
        short = words.plays
        methods.append(words)
    if (pure & ~short).any():
        methods.append(CyclicPlay(behaviours, rules, pure, short))
    turns = turns_that_count(rules)
    followed = rules.turns is not None or 0 < turns <= kernels.FOLLOWED
    if followed and not pure.all():
        methods.append(HistoryPlay(behaviours, rules, pure, turns))
    if not any(method.plays.all() for method in methods):
        methods.append(ChainPlay(behaviours, rules, [method.plays for method in methods]))
    return tuple(methods)


def own_kind(behaviours: Behaviours, rules: Rules) -> NDArray[np.float64]:
    """Counts ``(d, o)`` of every behaviour with itself, those of both sides alike to the last bit."""
    if rules.stage.plain:
        chain = ChainPlay(behaviours, rules)
        counts = np.array([chain.counts(k, k) for k in range(len(behaviours))])
        counts[:, 1:3] = counts[:, 1:3].mean(axis=1, keepdims=True)
        return counts
    pure = behaviours.pure & (not rules.noisy)
    cyclic = StagedCyclicPlay(behaviours, rules, pure)
    staged = StagedChainPlay(behaviours, rules, pure)
    counts = np.array([cyclic.kin(k) if pure[k] else staged.counts(k, k) for k in range(len(behaviours))])
    return np.asarray((counts + counts[:, rules.stage.swap]) / 2.0)


class WordPlay:
    """Players of at most three turns' memory that leave nothing to chance: 32 turns of a meeting are a machine word.

    Counts are whole numbers, and their cost does not depend on the number of turns.
    """

    seconds: ClassVar[float] = 1e-8
    chance: ClassVar[bool] = False

    def __init__(self, behaviours: Behaviours, turns: int, pure: NDArray[np.bool_]) -> None:
        self._turns = turns
        self._words = np.zeros((4, len(behaviours)), np.uint64)
        self.plays = pure & word_kernels.remember_short(
            behaviours.offset, behaviours.offset, behaviours.defect, behaviours.successors, self._words
        )

    def play(self, rows: NDArray[np.int64], to_play: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
        """Enter the meetings of short memories in which nothing is left to chance."""
        if self.plays[rows].any():
            word_kernels.short_rows(self._words, self.plays, rows, to_play, self._turns, block)


class CyclicPlay:
    """Players that leave nothing to chance: the joint state is followed until it repeats.

    The sum closes by arithmetic, so the cost does not depend on the number of turns, and counts are whole numbers.
    """

    seconds: ClassVar[float] = 1e-7
    chance: ClassVar[bool] = False

    def __init__(
        self, behaviours: Behaviours, rules: Rules, pure: NDArray[np.bool_], short: NDArray[np.bool_]
    ) -> None:
        self.plays, self._short = pure, short
        self._turns = rules.turns or 0
        self._continuation = 1.0 if rules.continuation is None else rules.continuation
        self._table = np.empty(2 * len(behaviours.defect), np.uint32)
        self._start = np.empty(len(behaviours), np.uint32)
        cyclic_kernels.pack_pure(
            behaviours.sizes, behaviours.defect, behaviours.successors, self._table, self._start
        )

    def play(self, rows: NDArray[np.int64], to_play: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
        """Enter the meetings in which nothing is left to chance."""
        if self.plays[rows].any():
            cyclic_kernels.pure_rows(
                self._table,
                self._start,
                self.plays,
                self._short,
                rows,
                to_play,
                self._turns,
                self._continuation,
                block,
            )


class HistoryPlay:
    """Players that depend on at most three joint moves: the distribution over those is propagated turn by turn.

    Over more than `kernels.FOLLOWED` turns only those that depend on one joint move, by doubling.
    """

    seconds: ClassVar[float] = 4e-6
    chance: ClassVar[bool] = True

    def __init__(self, behaviours: Behaviours, rules: Rules, pure: NDArray[np.bool_], turns: int) -> None:
        d = len(behaviours)
        self._pure, self._turns, self._noise = pure, turns, rules.noise
        self._continuation = 1.0 if rules.continuation is None else rules.continuation
        self._order, self._rare = np.full(d, -1, np.int64), np.zeros(d, np.bool_)
        self._tables = np.empty((d, 2, 85))
        history_kernels.history_tables(
            behaviours.sizes,
            behaviours.defect,
            behaviours.successors,
            behaviours.cooperate,
            rules.noise,
            self._order,
            self._rare,
            self._tables,
        )
        if turns > kernels.FOLLOWED:
            self._order[self._order > 1] = -1
        self.plays = self._order >= 0

    def play(self, rows: NDArray[np.int64], to_play: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
        """Enter the meetings of short memories in which chance has a part."""
        if not self.plays.any():
            return
        players = self._order, self._rare, self._tables, self._pure, rows, to_play, self._noise, self._turns
        long = self._turns > kernels.FOLLOWED and self._continuation == 1.0
        if ((self._order == 0) | (self._order == 1)).any():
            history_kernels.doubling_rows(*players, long, self._continuation, block)
        if (self._order > 1).any():
            if not self._rare.all():
                history_kernels.history_rows(*players, self._continuation, block)
            if self._rare.any():
                history_kernels.apart_rows(*players, self._continuation, block)
        if self._continuation < 1.0:
            for r, i in enumerate(rows.tolist()):
                met = self.plays[i] & self.plays & ~(self._pure[i] & self._pure)
                block[r, i:][met[i:]] *= 1.0 - self._continuation
        _own_kind_alike(rows, self.plays & ~self._pure, block)


class ChainPlay:
    """Any two players: the chain of joint states that they reach is built, and a `Solution` sums it up.

    `others`: whom the methods before this one play, ``(d,)`` each.
    """

    seconds: ClassVar[float] = 4e-6
    chance: ClassVar[bool] = True

    def __init__(
        self, behaviours: Behaviours, rules: Rules, others: Sequence[NDArray[np.bool_]] = ()
    ) -> None:
        self.plays = np.ones(len(behaviours), np.bool_)
        self._behaviours, self._rules, self._others = behaviours, rules, others
        self._own_kind = np.ones(len(behaviours), np.bool_)
        for other in others:
            self._own_kind &= ~other
        self._solutions = solutions(rules)

    def play(self, rows: NDArray[np.int64], to_play: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
        """Enter the meetings that no other method plays, one by one."""
        for r, i in enumerate(rows.tolist()):
            left = to_play[i] | to_play[i:]
            for other in self._others:
                left &= ~(other[i] & other[i:])
            for j in (i + np.flatnonzero(left)).tolist():
                block[r, j] = self.counts(i, j)
        _own_kind_alike(rows, self._own_kind, block)

    def counts(self, i: int, j: int) -> NDArray[np.float64]:
        """Expected joint moves ``(4,)`` of behaviour `i` with `j`; ValueError where they cannot be known exactly."""
        rules = self._rules
        a, b = self._behaviours.automaton(i), self._behaviours.automaton(j)
        chain = kernels.joint_chain(
            a.defect,
            a.successors,
            a.cooperate,
            b.defect,
            b.successors,
            b.cooperate,
            rules.noise,
            limit_of(rules),
        )
        joint_states(len(chain[0]), rules, f"{len(a)} x {len(b)} states")
        return summed(self._solutions, chain, rules)


def _own_kind_alike(rows: NDArray[np.int64], played: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
    """Make CD and DC of a `played` behaviour with itself alike to the last bit."""
    for r, i in enumerate(rows.tolist()):
        if played[i]:
            block[r, i, 1:3] = block[r, i, 1:3].mean()
