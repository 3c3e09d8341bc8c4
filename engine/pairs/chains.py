"""A chain of joint states, summed up: how often each joint move, or outcome, is to be expected.

`solutions` lists the ways for some rules, and the first that can cope with the number of joint states does it.

To add one: a class with what `Solution` asks, and its line in `solutions`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.pairs import kernels, long_kernels

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


Outcome = NDArray[np.int64] | None
"""Which outcome each joint move in each joint state is, ``(n, 4)``; None: joint moves are what is counted."""


def turns_that_count(rules: Rules) -> int:
    """How many turns make up the sum of a meeting to the last digit of a float; 0: no number does."""
    if rules.continuation is None:
        return rules.turns or 0
    return math.ceil(kernels.FADED_NATS / -math.log(rules.continuation)) if rules.continuation > 0 else 1


def limit_of(rules: Rules) -> int:
    """The largest chain of joint states that is built."""
    return MAX_SOLVED_STATES if rules.limit_of_means else MAX_JOINT_STATES


def joint_states(states: int, rules: Rules, what: str) -> None:
    """Refuse a chain that is too large; `what` it is made of."""
    if states > limit_of(rules):
        raise ValueError(
            f"rules: expected at most {limit_of(rules)} joint states for exact payoffs with {rules.horizon}, "
            f"got more ({what}); use sampled play (sampled=N meetings a pair)"
        )


def summed(
    ways: Sequence[Solution], chain: Chain, rules: Rules, outcome: Outcome = None, size: int = 4
) -> NDArray[np.float64]:
    """What a chain comes to by the first way that copes with it; ValueError where it cannot be known exactly."""
    states = len(chain[0])
    solution = next((solution for solution in ways if solution.copes(states)), None)
    if solution is None:
        raise ValueError(
            f"rules: expected at most {MAX_CARRIED} joint states x turns for exact payoffs with "
            f"{rules.horizon}, got {states} x {turns_that_count(rules)}; "
            "use sampled play (sampled=N meetings a pair)"
        )
    counts = solution.counts(chain, outcome, size)
    if not abs(counts.sum() / (rules.turns or 1) - 1.0) < 1e-9:
        raise ValueError(
            f"rules: expected joint moves that happen more often than 1e-300 of the time for exact payoffs with "
            f"{rules.horizon}, got rarer ones; use sampled play (sampled=N meetings a pair)"
        )
    return counts


class Solution(Protocol):
    """One way to sum up a chain of joint states."""

    def copes(self, states: int) -> bool:
        """Whether this is the way for so many joint states, if none before it is."""

    def seconds(self, states: int) -> float:
        """Rough time that so many joint states take: only decides whether somebody is warned."""

    def counts(self, chain: Chain, outcome: Outcome = None, size: int = 4) -> NDArray[np.float64]:
        """Expected joint moves ``(4,)``, or outcomes ``(size,)``, which add up to the turns or to 1."""


def seconds_by_chain(rules: Rules, states: int) -> float:
    """Rough time of one meeting with chance of so many joint states, infinite where none of the ways copes.

    >>> seconds_by_chain(Rules(turns=200, noise=0.01), 16) < seconds_by_chain(Rules(turns=200, noise=0.01), 4096)
    True
    """
    return next((way.seconds(states) for way in solutions(rules) if way.copes(states)), math.inf)


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

    def seconds(self, states: int) -> float:
        """Measured on chains of 256 and 1024 states."""
        return 3e-10 * states**3

    def counts(self, chain: Chain, outcome: Outcome = None, size: int = 4) -> NDArray[np.float64]:
        """Frequencies, which add up to 1."""
        counts = np.zeros(size)
        kernels.limit_of_means(*chain, counts, outcome)
        return counts


class Propagated:
    """Few turns, fixed or until a continuation probability has faded: the distribution is followed turn by turn."""

    def __init__(self, turns: int, continuation: float | None) -> None:
        self._turns, self._continuation = turns, continuation

    def copes(self, states: int) -> bool:
        """Every chain that is built."""
        return True

    def seconds(self, states: int) -> float:
        """Measured on chains of 256 and 1024 states."""
        return 8e-8 * self._turns * states

    def counts(self, chain: Chain, outcome: Outcome = None, size: int = 4) -> NDArray[np.float64]:
        """Counts, or frequencies with a continuation probability."""
        counts = np.zeros(size)
        if self._continuation is None:
            kernels.propagate(*chain, self._turns, 1.0, counts, outcome)
        else:
            kernels.propagate(*chain, self._turns, self._continuation, counts, outcome)
            counts *= 1.0 - self._continuation
        return counts


class Restarted:
    """A continuation probability near 1: the stationary state of the chain that begins anew with the rest."""

    def __init__(self, continuation: float) -> None:
        self._continuation = continuation

    def copes(self, states: int) -> bool:
        """What can be eliminated."""
        return states <= MAX_SOLVED_STATES

    def seconds(self, states: int) -> float:
        """Measured on chains of 256 and 1024 states."""
        return 3e-10 * states**3

    def counts(self, chain: Chain, outcome: Outcome = None, size: int = 4) -> NDArray[np.float64]:
        """Frequencies, which add up to 1."""
        counts = np.zeros(size)
        kernels.discounted(*chain, self._continuation, counts, outcome)
        return counts


class Doubled:
    """Many turns, few joint states: powers of the chain by squaring."""

    def __init__(self, turns: int) -> None:
        self._turns = turns

    def copes(self, states: int) -> bool:
        """Where it is feasible, and quicker than to carry the chain through the turns."""
        products = states**3 * self._turns.bit_length()
        return products <= min(MAX_DOUBLED, PRODUCTS * self._turns * states)

    def seconds(self, states: int) -> float:
        """Measured on chains of 256 and 1024 states."""
        return 1e-10 * states**3 * self._turns.bit_length()

    def counts(self, chain: Chain, outcome: Outcome = None, size: int = 4) -> NDArray[np.float64]:
        """Counts, which add up to the turns."""
        counts = np.zeros(size)
        long_kernels.doubled(*chain, self._turns, counts, outcome)
        return counts


class Carried:
    """Many turns, many joint states: followed turn by turn in pairs of floats."""

    def __init__(self, turns: int, continuation: float | None) -> None:
        self._turns = turns
        self._leave = 0.0 if continuation is None else 1.0 - continuation

    def copes(self, states: int) -> bool:
        """What takes no more than a minute."""
        return self._turns * states <= MAX_CARRIED

    def seconds(self, states: int) -> float:
        """Measured on chains of 256 and 1024 states."""
        return 5e-8 * self._turns * states

    def counts(self, chain: Chain, outcome: Outcome = None, size: int = 4) -> NDArray[np.float64]:
        """Counts, or frequencies with a continuation probability."""
        counts = np.zeros(size)
        long_kernels.carried(*chain, self._turns, self._leave, counts, outcome)
        return counts * self._leave if self._leave else counts
