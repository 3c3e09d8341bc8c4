"""The exact methods: one small class each, and the one place where they are chosen.

A `Method` plays rows of a round robin. `exact_methods` lists those that some behaviours and rules need, and a pair is
played by the first that plays both:

- `WordPlay`: nothing is left to chance and both remember at most three turns, so 32 turns are one machine word;
- `CyclicPlay`: nothing is left to chance, so the joint state is followed until it repeats;
- `HistoryPlay`: both depend on at most three joint moves, so the distribution over those is propagated;
- `ChainPlay`: everything else, over the chain of joint states that the pair reaches.

A chain is summed up by a `Solution`; `solutions` lists those for some rules, and the first that can cope with the
number of joint states does it.

To add a method: a class with what `Method` (or `Solution`) asks, and its line in `exact_methods` (or `solutions`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.pairs import kernels, long_kernels, word_kernels
from engine.pairs.behaviours import Behaviours

MAX_JOINT_STATES = 2**18
"""Largest chain of joint states for which expected payoffs are computed."""

MAX_SOLVED_STATES = 2**12
"""Largest chain for which a stationary distribution is computed (a dense elimination)."""

MAX_CARRIED = 2**30
"""Largest product of turns and joint states that is followed in pairs of floats: a minute for one pair."""

MAX_DOUBLED = 2**36
"""Largest number of products of numbers for which the turns are doubled: a minute for one pair."""

PRODUCTS = 64
"""So many products of numbers take as long as a turn of one joint state in pairs of floats."""

Chain = tuple[NDArray[np.int32], NDArray[np.float64]]
"""Joint states that a pair reaches: the next one and its probability by joint move, ``(n, 4)`` both; 0 begins."""


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


def turns_that_count(rules: Rules) -> int:
    """How many turns make up the sum of a meeting to the last digit of a float; 0: no number does."""
    if rules.continuation is None:
        return rules.turns or 0
    return math.ceil(kernels.FADED_NATS / -math.log(rules.continuation)) if rules.continuation > 0 else 1


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
        kernels.pack_pure(
            behaviours.sizes, behaviours.defect, behaviours.successors, self._table, self._start
        )

    def play(self, rows: NDArray[np.int64], to_play: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
        """Enter the meetings in which nothing is left to chance."""
        if self.plays[rows].any():
            kernels.pure_rows(
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
        kernels.history_tables(
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
        kernels.history_rows(
            self._order,
            self._rare,
            self._tables,
            self._pure,
            rows,
            to_play,
            self._noise,
            self._turns,
            self._continuation,
            block,
        )
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
        limit = MAX_SOLVED_STATES if rules.limit_of_means else MAX_JOINT_STATES
        chain = kernels.joint_chain(
            a.defect, a.successors, a.cooperate, b.defect, b.successors, b.cooperate, rules.noise, limit
        )
        states = len(chain[0])
        if states > limit:
            raise ValueError(
                f"rules: expected at most {limit} joint states for exact payoffs with {rules.horizon}, "
                f"got more ({len(a)} x {len(b)} states); use sampled play (sampled=N meetings a pair)"
            )
        solution = next((solution for solution in self._solutions if solution.copes(states)), None)
        if solution is None:
            raise ValueError(
                f"rules: expected at most {MAX_CARRIED} joint states x turns for exact payoffs with "
                f"{rules.horizon}, got {states} x {turns_that_count(rules)}; "
                "use sampled play (sampled=N meetings a pair)"
            )
        counts = solution.counts(chain)
        if not abs(counts.sum() / (rules.turns or 1) - 1.0) < 1e-9:
            raise ValueError(
                f"rules: expected joint moves that happen more often than 1e-300 of the time for exact payoffs with "
                f"{rules.horizon}, got rarer ones; use sampled play (sampled=N meetings a pair)"
            )
        return counts


def _own_kind_alike(rows: NDArray[np.int64], played: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
    """Make CD and DC of a `played` behaviour with itself alike to the last bit."""
    for r, i in enumerate(rows.tolist()):
        if played[i]:
            block[r, i, 1:3] = block[r, i, 1:3].mean()


# --- one chain of joint states ---------------------------------------------------------------------------


class Solution(Protocol):
    """One way to sum up a chain of joint states."""

    def copes(self, states: int) -> bool:
        """Whether this is the way for so many joint states, if none before it is."""

    def counts(self, chain: Chain) -> NDArray[np.float64]:
        """Expected joint moves ``(4,)``, which add up to the turns or to 1."""


def solutions(rules: Rules) -> tuple[Solution, ...]:
    """The ways to sum up a chain under `rules`, the preferred first."""
    turns = turns_that_count(rules)
    if rules.limit_of_means:
        return (LongRun(),)
    if turns <= kernels.FOLLOWED:
        return (Propagated(turns, rules.continuation),)
    if rules.continuation is not None:
        return Restarted(rules.continuation), Carried(turns, rules.continuation)
    return Doubled(turns), Carried(turns, None)


class LongRun:
    """The limit of means: where play ends up, times the stationary state there."""

    def copes(self, states: int) -> bool:
        """Every chain that is built for it."""
        return True

    def counts(self, chain: Chain) -> NDArray[np.float64]:
        """Frequencies, which add up to 1."""
        counts = np.zeros(4)
        kernels.limit_of_means(*chain, counts)
        return counts


class Propagated:
    """Few turns, fixed or until a continuation probability has faded: the distribution is followed turn by turn."""

    def __init__(self, turns: int, continuation: float | None) -> None:
        self._turns, self._continuation = turns, continuation

    def copes(self, states: int) -> bool:
        """Every chain that is built."""
        return True

    def counts(self, chain: Chain) -> NDArray[np.float64]:
        """Counts, or frequencies with a continuation probability."""
        counts = np.zeros(4)
        if self._continuation is None:
            kernels.propagate(*chain, self._turns, 1.0, counts)
        else:
            kernels.propagate(*chain, self._turns, self._continuation, counts)
            counts *= 1.0 - self._continuation
        return counts


class Restarted:
    """A continuation probability near 1: the stationary state of the chain that begins anew with the rest."""

    def __init__(self, continuation: float) -> None:
        self._continuation = continuation

    def copes(self, states: int) -> bool:
        """What can be eliminated."""
        return states <= MAX_SOLVED_STATES

    def counts(self, chain: Chain) -> NDArray[np.float64]:
        """Frequencies, which add up to 1."""
        counts = np.zeros(4)
        kernels.discounted(*chain, self._continuation, counts)
        return counts


class Doubled:
    """Many turns, few joint states: powers of the chain by squaring."""

    def __init__(self, turns: int) -> None:
        self._turns = turns

    def copes(self, states: int) -> bool:
        """Where it is feasible, and quicker than to carry the chain through the turns."""
        products = states**3 * self._turns.bit_length()
        return products <= min(MAX_DOUBLED, PRODUCTS * self._turns * states)

    def counts(self, chain: Chain) -> NDArray[np.float64]:
        """Counts, which add up to the turns."""
        counts = np.zeros(4)
        long_kernels.doubled(*chain, self._turns, counts)
        return counts


class Carried:
    """Many turns, many joint states: followed turn by turn in pairs of floats."""

    def __init__(self, turns: int, continuation: float | None) -> None:
        self._turns = turns
        self._leave = 0.0 if continuation is None else 1.0 - continuation

    def copes(self, states: int) -> bool:
        """What takes no more than a minute."""
        return self._turns * states <= MAX_CARRIED

    def counts(self, chain: Chain) -> NDArray[np.float64]:
        """Counts, or frequencies with a continuation probability."""
        counts = np.zeros(4)
        long_kernels.carried(*chain, self._turns, self._leave, counts)
        return counts * self._leave if self._leave else counts
