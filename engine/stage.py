"""What one turn is worth: the game after all its mechanisms, with the state that they keep of a pair.

A plain game has one state and four outcomes, the joint moves. A mechanism changes what joint moves pay, and may
keep a state: whose stake is gone, how many defections are left. `Stage` holds both for all of them at once, so
that whatever plays needs to know one thing only. Amounts are fractions, so that what is equal stays equal.

Joint move = 2 * own + opponent, C = 0, D = 1: CC, CD, DC, DD.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

SWAP = np.array([0, 2, 1, 3])
"""The same joint move seen by the other player."""

MAX_SCALED_PAYOFF = 2**20
"""Payoffs that become integers up to this size when multiplied out are summed exactly."""

MAX_STATES = 256
"""States of a pair that mechanisms may keep together."""

MOVES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""(own, opponent's) of the joint moves in order."""


@dataclass(frozen=True)
class Entry:
    """What mechanisms book for one player in one turn; all in units of payoff.

    `fines`, `fees`, `monitoring`: paid. `bonds`: locked; `returned`: of them given back (below 0: lost after all).
    `received`: from the fines and bonds of others.
    """

    fines: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    monitoring: Fraction = Fraction(0)
    bonds: Fraction = Fraction(0)
    returned: Fraction = Fraction(0)
    received: Fraction = Fraction(0)

    def __add__(self, other: Entry) -> Entry:
        return Entry(*(a + b for a, b in zip(self.amounts, other.amounts, strict=True)))

    @property
    def amounts(self) -> tuple[Fraction, ...]:
        """The amounts in the order of `ITEMS`."""
        return self.fines, self.fees, self.monitoring, self.bonds, self.returned, self.received

    @property
    def net(self) -> Fraction:
        """What it adds to a payoff."""
        return self.received + self.returned - self.bonds - self.fines - self.fees - self.monitoring


ITEMS = ("fines", "fees", "monitoring", "bonds", "returned", "received")
"""What a ledger lists, in order."""

NOTHING = (Entry(),) * 4


@dataclass(frozen=True)
class State:
    """One state of a pair, seen by the row player.

    `payoffs`: by joint move, net of the `entries`. `blocked`: its D is executed as C. `acts`: moves are moves of the
    game, which mechanisms look at; else there is no deal in this turn. `counted`: the turn passes time and has
    weight; else it is an offer before the first turn.
    """

    payoffs: tuple[Fraction, ...]
    entries: tuple[Entry, ...] = NOTHING
    blocked: bool = False
    acts: bool = True
    counted: bool = True

    def booked(self, entry: Callable[[int, int], Entry]) -> State:
        """The same state where every act books an entry, a function of the own and the other's realised move."""
        if not self.acts:
            return self
        more = [entry(own, other) for own, other in MOVES]
        return replace(
            self,
            payoffs=tuple(pay + new.net for pay, new in zip(self.payoffs, more, strict=True)),
            entries=tuple(old + new for old, new in zip(self.entries, more, strict=True)),
        )


@dataclass(frozen=True, eq=False)
class Stage:
    """The states of a pair; play begins in state 0.

    `following` ``[e][j]``: the next state. `idle` ``[e]``: the next one when nothing is done in this turn. `mirror`
    ``[e]``: the same state seen by the other player. `deposit`: bonds that each player locks at the start of a deal
    and has back at its end, but for what is booked as lost.
    """

    states: tuple[State, ...]
    following: tuple[tuple[int, ...], ...] = ((0, 0, 0, 0),)
    idle: tuple[int, ...] = (0,)
    mirror: tuple[int, ...] = (0,)
    deposit: Fraction = Fraction(0)

    @classmethod
    def of(cls, payoffs: Sequence[float]) -> Stage:
        """The stage of a plain game, of its payoffs R, S, T, P."""
        return cls((State(tuple(Fraction(repr(float(p))) for p in payoffs)),))

    def __len__(self) -> int:
        return len(self.states)

    @property
    def plain(self) -> bool:
        """True where nothing is remembered of a pair and no move is blocked: the outcomes are the joint moves."""
        return len(self.states) == 1 and not self.states[0].blocked

    @property
    def offers(self) -> int:
        """Moves that are made before the first turn."""
        return int(not self.states[0].counted)

    def changed(self, change: Callable[[State], State]) -> Stage:
        """The same stage with every state changed."""
        return replace(self, states=tuple(change(state) for state in self.states))

    def with_memory(
        self,
        start: Hashable,
        step: Callable[[Any, int, int], Hashable],
        seen: Callable[[Any], Hashable],
        change: Callable[[State, Any], State],
        idle: Callable[[Any], Hashable] = lambda memory: memory,
    ) -> Stage:
        """The stage in which a mechanism remembers something of its own beside the states there are.

        `step`: its memory after an act of both; `idle`: after a turn without one; `seen`: the memory seen by the
        other player; `change`: what a state becomes with it. Raises ValueError for more than `MAX_STATES` states.
        """
        number: dict[tuple[int, Hashable], int] = {(0, start): 0}
        reached = [(0, start)]
        states, following, idles = [], [], []

        def numbered(pair: tuple[int, Hashable]) -> int:
            if pair not in number:
                if len(number) == MAX_STATES:
                    raise ValueError(
                        f"mechanisms: expected at most {MAX_STATES} states of a pair for all of them together, "
                        "got more"
                    )
                number[pair] = len(reached)
                reached.append(pair)
            return number[pair]

        for e, memory in reached:  # grows while it is read
            before = self.states[e]
            state = change(before, memory)
            there = change(self.states[self.mirror[e]], seen(memory))
            rested = idle(memory) if before.counted else memory
            idles.append(numbered((self.idle[e], rested)))
            row = []
            for j, (own, other) in enumerate(MOVES):
                if (own and state.blocked) or (other and there.blocked):
                    row.append(0)  # cannot happen
                    continue
                deal = self.following[e][j] if state.acts or not before.acts else self.idle[e]
                row.append(numbered((deal, step(memory, own, other) if before.acts else rested)))
            states.append(state)
            following.append(tuple(row))
        mirror = tuple(numbered((self.mirror[e], seen(memory))) for e, memory in reached)
        return Stage(tuple(states), tuple(following), tuple(idles), mirror, self.deposit)

    # --- outcomes: what a meeting is counted by ---

    @cached_property
    def _outcomes(self) -> tuple[list[tuple[int, Fraction, Fraction, Entry, Entry]], list[list[int]]]:
        """The distinct outcomes, each seen by the row player, and which one a joint move in a state is (-1: none)."""
        found: dict[tuple[int, Fraction, Fraction, Entry, Entry], int] = {}
        table = []
        for e, state in enumerate(self.states):
            there = self.states[self.mirror[e]]
            row = []
            for j in range(4):
                k = int(SWAP[j])
                possible = not ((j >= 2 and state.blocked) or (j & 1 and there.blocked))
                if not state.counted or not possible:
                    row.append(-1)
                    continue
                outcome = (j, state.payoffs[j], there.payoffs[k], state.entries[j], there.entries[k])
                row.append(found.setdefault(outcome, len(found)))
            table.append(row)
        return list(found), table

    @property
    def outcomes(self) -> int:
        """How many outcomes a turn can have: what pays and books alike by the same joint move is one of them.

        The four joint moves of a plain game, in order.
        """
        return len(self._outcomes[0])

    @cached_property
    def outcome(self) -> NDArray[np.int64]:
        """``(e, j)``: the number of the outcome, -1 where a turn is not counted."""
        return np.array(self._outcomes[1], np.int64)

    @cached_property
    def machine(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
        """The states for kernels: may each player defect, ``(e,)`` twice; next state and outcome, ``(4 e,)`` twice."""
        may = np.array([not state.blocked for state in self.states], np.uint32)
        return may, may[list(self.mirror)], np.array(self.following, np.int64).ravel(), self.outcome.ravel()

    @cached_property
    def joint(self) -> NDArray[np.int64]:
        """``(o,)``: the joint move of each outcome."""
        return np.array([outcome[0] for outcome in self._outcomes[0]], np.int64)

    @cached_property
    def swap(self) -> NDArray[np.int64]:
        """``(o,)``: the number of each outcome seen by the other player."""
        number = {outcome: o for o, outcome in enumerate(self._outcomes[0])}
        return np.array(
            [number[int(SWAP[j]), b, a, theirs, own] for j, a, b, own, theirs in self._outcomes[0]], np.int64
        )

    @cached_property
    def payoffs(self) -> NDArray[np.float64]:
        """``(o,)``: what each outcome pays."""
        return np.array([float(outcome[1]) for outcome in self._outcomes[0]])

    @cached_property
    def scaled(self) -> tuple[tuple[float, ...], float]:
        """Payoffs of the outcomes as integers (held in floats) and their common denominator: see `scaled`."""
        return scaled([outcome[1] for outcome in self._outcomes[0]])

    @cached_property
    def entries(self) -> NDArray[np.float64]:
        """``(o, items)``: what each outcome books for the row player, in the order of `ITEMS`."""
        rows = [[float(x) for x in outcome[3].amounts] for outcome in self._outcomes[0]]
        return np.array(rows).reshape(-1, len(ITEMS))

    def counted(self, moves: NDArray[np.int8]) -> NDArray[np.float64]:
        """Number of turns with each outcome, ``(o,)``, in play of these realised moves ``(turns, 2)``."""
        joint = 2 * moves[:, 0].astype(np.int64) + moves[:, 1]
        if self.plain:
            return np.bincount(joint, minlength=4).astype(np.float64)
        counts = np.zeros(self.outcomes)
        e = 0
        for j in joint.tolist():
            o = self._outcomes[1][e][j]
            if o >= 0:
                counts[o] += 1.0
            e = self.following[e][j]
        return counts

    def frequencies(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Counts of the joint moves, ``[..., 4]``, from those of the outcomes ``[..., o]``."""
        if self.plain:
            return counts
        summed = np.zeros((*counts.shape[:-1], 4))
        for o, j in enumerate(self.joint.tolist()):
            summed[..., j] += counts[..., o]
        return summed

    def mean_payoff(
        self, counts: NDArray[np.float64], total: NDArray[np.float64] | float
    ) -> NDArray[np.float64]:
        """Payoff per turn from ``counts[..., o]`` of outcomes and the number of turns they make.

        Counts that are whole numbers give a correctly rounded result, so that equal payoffs compare equal.
        """
        values, scale = self.scaled
        earned = counts[..., 0] * values[0]
        for o in range(1, len(values)):
            earned = earned + counts[..., o] * values[o]
        return np.asarray(earned / (np.asarray(total, dtype=np.float64) * scale))

    def cooperation(
        self, counts: NDArray[np.float64], total: NDArray[np.float64] | float
    ) -> NDArray[np.float64]:
        """Share of turns in which the row player cooperates."""
        joint = self.frequencies(counts)
        return np.asarray((joint[..., 0] + joint[..., 1]) / total)

    def require_positive(self, rule: str, baseline: float = 0.0) -> None:
        """Refuse payoffs that a rule needing positive fitness cannot use, naming the baseline to set."""
        least = float(self.payoffs.min())
        if least + baseline < 0:
            raise ValueError(
                f"baseline: {rule} needs fitness that is never negative; expected baseline >= {-least:g} for these "
                f"payoffs, got {baseline:g}"
            )


def scaled(payoffs: Sequence[Fraction]) -> tuple[tuple[float, ...], float]:
    """Payoffs as integers (held in floats) and their common denominator, so that sums are exact.

    Payoffs that are no short decimals stand as they are, with denominator 1.
    """
    scale = math.lcm(*(p.denominator for p in payoffs))
    if scale > MAX_SCALED_PAYOFF or max(abs(p * scale) for p in payoffs) > MAX_SCALED_PAYOFF:
        return tuple(float(p) for p in payoffs), 1.0
    return tuple(float(p * scale) for p in payoffs), float(scale)
