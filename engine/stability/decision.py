"""A mutant's decision problem against one resident, and what each of its moves costs.

The resident's state is public, the mutant chooses a move, and the resident moves on. A continuation probability d
is a chance 1 - d to begin anew, so that every open horizon is a limit of means. Policy iteration (Howard, "Dynamic
Programming and Markov Processes", 1960) runs in floats as far as their error bound decides, and where it does not
in whole numbers, for every float is a fraction: there is no threshold below which a difference counts as none.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from operator import mul

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.stability.exact import defection, long_run
from engine.stability.positions import Positions
from genomes.automaton import Automaton

MAX_EXACT_STATES = 512
"""Policies are compared in whole numbers for up to so many states of the resident."""

MAX_EXACT_WORK = 2**36
"""Backward induction runs in whole numbers up to so many multiplications times bits."""

MAX_BACKWARD_CELLS = 2**26
"""Backward induction covers up to so many turns x states of the resident."""

ACCURACY = 1e-12
"""Gaps whose proven relative error is larger are computed in whole numbers."""

MAX_ERROR = 1e-6
"""Where that would take too long, gaps are returned up to this proven error, and refused beyond. The bound lets all
rounding go in one direction: over 1000 turns it says 1e-10 where 1e-13 is measured."""

ROUNDING = 16 * float(np.finfo(float).eps)
"""Bound on the error of one expected value of at most five terms, relative to the largest."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The best response to a resident.

    `policy` ``(s,)`` or, by turn, ``(t, s)``: its move. `gap`: what the resident earns less against itself than the
    best response does, per turn.
    """

    policy: NDArray[np.uint8]
    gap: float


@dataclass(frozen=True, eq=False)
class Costs:
    """What a policy that is a best response gains over each move, by the resident's state.

    `later` ``(s, 2)``: how much lower the long-run mean is after a move; `now` ``(s, 2)``: how much less a move earns,
    what follows included, where the mean stays the same. `error` bounds that of their mean over self-play.
    """

    policy: NDArray[np.int64]
    later: NDArray[np.float64]
    now: NDArray[np.float64]
    error: float


@dataclass(frozen=True, eq=False)
class Decision:
    """The problem, by the resident's state s and the mutant's joint move j; a fifth "move" begins anew.

    Where mechanisms keep a state of the pair, s is a position: both (`positions`). `following` ``(s, j)``: the next
    s. `chance` ``(s, 2, j)``: of each when the mutant intends C or D. `gains` ``(s, 2)``: what the mutant then earns
    in this turn above the lowest payoff.
    """

    resident: Automaton
    rules: Rules
    positions: Positions
    following: NDArray[np.int32]
    chance: NDArray[np.float64]
    gains: NDArray[np.float64]

    @classmethod
    def of(cls, resident: Automaton, rules: Rules) -> Decision:
        """The problem that a resident sets under `rules`."""
        positions = Positions.of(resident, rules)
        e, c, d = rules.noise, resident.cooperate[positions.own], resident.defect[positions.own]
        theirs = np.stack([c * (1 - e) + d * e, d * (1 - e) + c * e], axis=1)
        theirs[~positions.may[:, 1]] = 1.0, 0.0
        own = np.tile([[1 - e, e], [e, 1 - e]], (len(d), 1, 1))
        own[~positions.may[:, 0]] = 1.0, 0.0
        chance = np.einsum("sax,sy->saxy", own, theirs).reshape(len(d), 2, 4)
        lowest = min(rules.stage.scaled[0])
        if rules.stage.plain:
            gains = chance @ (positions.payoffs[0] - lowest)
        else:
            above = np.where(positions.counted[:, None], positions.payoffs - lowest, 0.0)
            gains = (chance * above[:, None, :]).sum(axis=2)
        following = positions.following
        if rules.continuation is not None:
            # an offer takes no time
            stay = np.where(positions.counted, rules.continuation, 1.0)[:, None, None]
            again = np.repeat(1.0 - stay, 2, axis=1)
            chance = np.concatenate([stay * chance, again], axis=2)
            following = np.concatenate([following, np.zeros((len(d), 1), np.int32)], axis=1)
        return cls(
            resident, rules, positions, np.ascontiguousarray(following), np.ascontiguousarray(chance), gains
        )

    @property
    def likely(self) -> NDArray[np.int64]:
        """The resident's likelier move in each s."""
        defects = self.resident.defect[self.positions.own] > 0.5
        return (defects & self.positions.may[:, 1]).astype(np.int64)

    @cached_property
    def _no_choice(self) -> NDArray[np.bool_]:
        """``(s,)`` where both moves come to the same, as where a D is blocked."""
        chances = (self.chance[:, 0] == self.chance[:, 1]).all(axis=1)
        return np.asarray(chances & (self.gains[:, 0] == self.gains[:, 1]))

    @property
    def _turns_counted(self) -> float:
        """How many times the mean of a turn that counts is the mean over all, offers included (see `answer`)."""
        return 1.0 + self.rules.stage.offers * (1.0 - (self.rules.continuation or 0.0))

    def answer(self) -> Answer:
        """The best response to an open horizon; ValueError where it cannot be known."""
        from engine.pairs.chains import MAX_SOLVED_STATES

        states = len(self.following)
        if states > MAX_SOLVED_STATES:
            raise ValueError(
                f"resident: expected at most {MAX_SOLVED_STATES} states for a Nash gap with "
                f"{self.rules.horizon}, got {states}"
            )
        try:
            with np.errstate(invalid="raise", divide="raise", over="raise"):
                costs, gap = self._best()
        except (FloatingPointError, ZeroDivisionError, OverflowError):
            raise ValueError(
                f"resident: expected joint moves that happen more often than 1e-300 of the time for a Nash gap with "
                f"{self.rules.horizon}, got rarer ones; use a continuation probability"
            ) from None
        # a deal is 1 / (1 - d) turns on average, whatever is played, and with an offer as many moves and one
        return Answer(costs.policy.astype(np.uint8), gap * self._turns_counted / self.rules.stage.scaled[1])

    def _best(self) -> tuple[Costs, float]:
        """The costs of a best response and what self-play loses by it, in floats where these decide."""
        states = len(self.following)
        policy, costs = self.in_floats()
        gap = None if costs is None else self.lost(costs)
        if costs is None or gap is None or costs.error > ACCURACY * gap > 0:
            if states <= MAX_EXACT_STATES:
                costs = self.in_whole_numbers(policy)
                gap = self.lost(costs)
            elif gap is None or costs is None or costs.error > MAX_ERROR * gap:
                raise ValueError(
                    "resident: the gain of its best response is below what floats can tell, and exact comparison "
                    f"covers at most {MAX_EXACT_STATES} states, got {states}"
                )
        return costs, gap

    def by_turns(self) -> Answer:
        """The best response to a fixed number of turns; ValueError where it cannot be known."""
        from engine.stability import kernels

        turns, states = self.rules.turns or 0, len(self.following)
        if turns * states > MAX_BACKWARD_CELLS:
            raise ValueError(
                f"turns: expected at most {MAX_BACKWARD_CELLS // states} for backward induction against "
                f"{states} states, got {turns}; use a continuation probability or the limit of means"
            )
        exact = all(float(p).is_integer() for p in self.rules.stage.scaled[0])
        pure = bool(np.isin(self.chance, (0.0, 1.0)).all())
        pairs, after, share, intended = self._kin()
        policy = np.empty((turns + self.rules.stage.offers, states), np.uint8)
        rounding = 0.0 if exact and pure else ROUNDING
        _, lost, error, certain = kernels.backward(
            self.following, self.chance, self.gains, rounding, pairs, after, share, intended, policy
        )
        if error > ACCURACY * lost and not (certain and lost == 0):
            whole, *_, units = self._whole
            work = turns**2 * (8 * states + 4 * len(pairs)) * (2 * whole.bit_length() + units.bit_length())
            if work <= MAX_EXACT_WORK:
                lost = self._by_turns_in_whole_numbers(policy, pairs.tolist(), after.tolist())
            elif error > MAX_ERROR * lost:
                raise ValueError(
                    f"turns: over {turns} turns the gain of the best response is below what floats can tell; "
                    "use fewer, a continuation probability or the limit of means"
                )
        return Answer(policy, lost / turns / self.rules.stage.scaled[1])

    # --- in floats ---

    def in_floats(self) -> tuple[NDArray[np.int64], Costs | None]:
        """Policy iteration as far as the error bound decides, and the costs if it decides everything."""
        from engine.stability import kernels

        states = np.arange(len(self.following))
        policy = self.likely
        for _ in range(100 + len(states)):
            centre = kernels.visited(self.following, self.chance, policy)
            if centre < 0:  # play can end in several places
                return policy, None
            mean, bias, turns = kernels.relative(self.following, self.chance, self.gains, policy, centre)
            actions = self.gains + np.einsum("saj,sj->sa", self.chance, bias[self.following])
            chosen = actions[states, policy]
            size = float(np.abs(bias).max() + self.gains.max())
            residual = float(np.abs(chosen - bias - mean).max()) + ROUNDING * size
            # the error of the bias is what the residual adds up to until play is at the centre
            bound = residual * (4.0 * float(turns.max()) + 2.0)
            advantage = actions[states, 1 - policy] - chosen
            better = advantage > bound
            if better.any():
                policy = np.where(better, 1 - policy, policy)
                continue
            if not (advantage < -bound)[~self._no_choice].all():
                return policy, None
            now = np.zeros((len(states), 2))
            now[states, 1 - policy] = np.where(self._no_choice, 0.0, -advantage)
            return policy, Costs(policy, np.zeros_like(now), now, 3.0 * residual)
        return policy, None  # pragma: no cover

    # --- in whole numbers ---

    @cached_property
    def _whole(self) -> tuple[int, list[list[list[int]]], list[list[int]], int]:
        """What the chances are multiples of (one over it), the chances ``(s, 2, j)``, the gains, and theirs."""
        rules = self.rules
        e = Fraction(rules.noise)
        again = Fraction(1 if rules.continuation is None else rules.continuation)
        lowest = Fraction(min(rules.stage.scaled[0]))
        exact, here = defection(self.resident), self.positions
        one, none = Fraction(1), Fraction(0)
        chances, gains = [], []
        for s, (may, their) in enumerate(here.may.tolist()):
            p = exact[int(here.own[s])]
            counts = bool(here.counted[s])
            stay = again if counts else one
            above = [Fraction(pay) - lowest if counts else none for pay in here.payoffs[s].tolist()]
            theirs = ((1 - p) * (1 - e) + p * e, p * (1 - e) + (1 - p) * e) if their else (one, none)
            rows = ((1 - e, e), (e, 1 - e)) if may else ((one, none), (one, none))
            both = [[own * other for own in row for other in theirs] for row in rows]
            gains.append([sum(map(mul, row, above), none) for row in both])
            chances.append([[stay * q for q in row] + ([1 - stay] if again != 1 else []) for row in both])
        whole = lcm(*(q.denominator for state in chances for row in state for q in row))
        units = lcm(*(gain.denominator for state in gains for gain in state))
        return (
            whole,
            [[[int(q * whole) for q in row] for row in state] for state in chances],
            [[int(gain * units) for gain in state] for state in gains],
            units,
        )

    def in_whole_numbers(self, policy: NDArray[np.int64]) -> Costs:
        """Multichain policy iteration (Puterman, "Markov Decision Processes", 1994, section 9.2), exactly."""
        whole, chances, gains, units = self._whole
        following = self.following.tolist()
        moves = policy.tolist()
        for _ in range(1000 + 10 * len(moves)):
            steps = [
                [(t, q) for t, q in zip(to, state[a], strict=True) if q]
                for to, state, a in zip(following, chances, moves, strict=True)
            ]
            mean, bias, common = long_run(
                steps, whole, [gain[a] for gain, a in zip(gains, moves, strict=True)]
            )
            # expected mean and value after each move, in units of 1 / (whole * common * units)
            later = [
                [_dot(row, mean, to) for row in state] for state, to in zip(chances, following, strict=True)
            ]
            value = [
                [
                    gain * whole * common + _dot(row, bias, to)
                    for gain, row in zip(gain_of, state, strict=True)
                ]
                for gain_of, state, to in zip(gains, chances, following, strict=True)
            ]
            better = [s for s, a in enumerate(moves) if later[s][1 - a] > later[s][a]] or [
                s
                for s, a in enumerate(moves)
                if later[s][1 - a] == later[s][a] and value[s][1 - a] > value[s][a]
            ]
            if not better:
                break
            for s in better:
                moves[s] = 1 - moves[s]
        else:  # pragma: no cover
            raise ArithmeticError("policy iteration did not settle")
        scale = whole * common * units
        return Costs(
            np.array(moves, np.int64),
            np.array([[(max(row) - q) / scale for q in row] for row in later]),
            np.array([[(value[s][a] - q) / scale for q in value[s]] for s, a in enumerate(moves)]),
            0.0,
        )

    def _by_turns_in_whole_numbers(
        self, policy: NDArray[np.uint8], pairs: list[list[int]], after: list[list[int]]
    ) -> float:
        """Backward induction without rounding: corrects the policy, and says what self-play loses in all."""
        whole, chances, gains, units = self._whole
        following = self.following.tolist()
        part, intended = _intentions(self.resident)
        kin = [
            [sum(q * row[j] for q, row in zip(intended[own], chances[s], strict=True)) for j in range(4)]
            for s, own in pairs
        ]
        later, lost = [0] * len(gains), [0] * len(pairs)
        earned, parts = (
            1,
            1,
        )  # later is in units of 1 / (earned * units), lost in those of 1 / (earned * parts * units)
        for turn in range(len(policy) - 1, -1, -1):
            value = [
                [
                    gain * whole * earned + _dot(row, later, to)
                    for gain, row in zip(gain_of, state, strict=True)
                ]
                for gain_of, state, to in zip(gains, chances, following, strict=True)
            ]
            earned *= whole
            policy[turn] = [d > c for c, d in value]
            later = [max(both) for both in value]
            here = [
                sum(q * (later[s] - earning) for q, earning in zip(intended[own], value[s], strict=True))
                * parts
                for s, own in pairs
            ]
            lost = [cost + _dot(row, lost, to) for cost, row, to in zip(here, kin, after, strict=True)]
            parts *= part
        return lost[0] / (earned * parts * units)

    # --- against its kind ---

    def lost(self, costs: Costs) -> float:
        """What the resident earns less against its kind, per turn and in units of the gains, by moves that cost.

        A sum over where self-play spends its time of what is never negative: nothing cancels, however small.
        """
        from engine.pairs.kernels import closed_classes
        from engine.stability.kernels import absorbed

        pairs, after, share, intended = self._kin()
        own = intended[pairs[:, 1]]
        later, now = ((own * cost[pairs[:, 0]]).sum(axis=1) for cost in (costs.later, costs.now))
        if not later.any() and not now.any():
            return 0.0
        n = len(pairs)
        matrix = np.zeros((n, n))
        for j in range(after.shape[1]):
            np.add.at(matrix, (np.arange(n), after[:, j]), share[:, j])
        classes = np.zeros(n, np.int64)
        if self.rules.continuation is None:
            classes = closed_classes(after, share)
        mean = np.zeros(n)
        for number in range(int(classes.max()) + 1):
            members = np.flatnonzero(classes == number)
            start, rest = members[0], members[1:]
            values = np.stack([now[rest], np.ones(len(rest))], axis=1)
            absorbed(matrix[np.ix_(rest, rest)], matrix[rest, start].copy(), values)
            lost, turns = np.array([now[start], 1.0]) + matrix[start, rest] @ values
            mean[members] = lost / turns
        passing = np.flatnonzero(classes < 0)
        if len(passing):
            closed = np.flatnonzero(classes >= 0)
            away = matrix[np.ix_(passing, closed)]
            values = (later[passing] + away @ mean[closed])[:, None]
            absorbed(matrix[np.ix_(passing, passing)], away.sum(axis=1), values)
            mean[passing] = values[:, 0]
        if not np.isfinite(mean[0]):
            raise FloatingPointError
        return float(mean[0])

    def _kin(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
        """States of both in self-play, the next ones and their chances, and what the resident intends."""
        from engine.pairs.chains import MAX_SOLVED_STATES
        from engine.stability import kernels

        intended = np.stack([self.resident.cooperate, self.resident.defect], axis=1)
        found = kernels.kin(
            self.following, self.chance, self.resident.successors, intended, MAX_SOLVED_STATES
        )
        if len(found[0]) > MAX_SOLVED_STATES:
            raise ValueError(
                f"resident: expected at most {MAX_SOLVED_STATES} joint states of the resident with its kind for a "
                f"Nash gap, got more ({len(self.resident)} states)"
            )
        return (*found, intended)


def _intentions(resident: Automaton) -> tuple[int, list[tuple[int, int]]]:
    """What the probabilities of C and D are multiples of (one over it), and both in each state."""
    exact = defection(resident)
    part = lcm(*(p.denominator for p in exact))
    return part, [(part - int(p * part), int(p * part)) for p in exact]


def _dot(chances: list[int], values: list[int], states: list[int]) -> int:
    return sum(q * values[t] for q, t in zip(chances, states, strict=True) if q)
