"""Certificates: the most that *any* mutant can earn against a resident, whatever it remembers.

Against a resident with finitely many states a mutant faces a decision problem: the resident's state is public
(it follows from the realised moves), the mutant chooses a move, and the resident moves on. Policy iteration
(Howard, "Dynamic Programming and Markov Processes", 1960) solves it for an open horizon, backward induction
for a fixed number of turns. A Nash gap of 0 says that no rare mutant does *better*; it says nothing about
neutral mutants, small populations or societies: see `scans`, `indirect` and `fixation` beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.game import SWAP, Rules
from engine.pairs.behaviours import MAX_SOLVED_STATES, compile_behaviours
from engine.pairs.meetings import expected
from genomes import catalogue
from genomes.automaton import Automaton
from genomes.catalogue import Compiled, Entry, is_compiled, label
from genomes.formula.syntax import FormulaGenome
from genomes.lookup import LookupGenome, history_structure

NEGLIGIBLE = 1e-12
"""Differences up to this share of the largest |payoff| are rounding, and count as none."""

MAX_BACKWARD_CELLS = 2**26
"""Backward induction covers up to so many turns x states of the resident."""

MAX_COUNTED_TURNS = 10_000
MAX_COUNTED_CELLS = 2**18
"""A best response that counts turns is written out as an automaton up to so many turns and turns x states."""

_SHOWN = 30  # moves shown at either end of a best response's play
_NAMED_TURNS = 1000  # strategies that count are unrolled to compare names up to here


def strategy_of(spec: Any) -> Compiled | FormulaGenome:
    """The genome or automaton that a name, a text or a genome stands for.

    Raises ValueError for what is no strategy, and for players in plain Python: their states cannot be known.
    """
    found = catalogue.resolve(spec)
    strategy = found.strategy if isinstance(found, Entry) else found
    if isinstance(strategy, FormulaGenome) or is_compiled(strategy):
        return strategy
    raise ValueError(
        f"strategy: expected a genome or an automaton, got {label(strategy)}, a player in plain Python "
        "whose states cannot be known"
    )


def resident_automaton(spec: Any, rules: Rules) -> Automaton:
    """The canonical automaton of a resident; ValueError with the reason where it is none."""
    strategy = strategy_of(spec)
    if isinstance(strategy, FormulaGenome) and not strategy.pair_only:
        raise ValueError(
            f"resident: expected a strategy about the pair alone, got {label(catalogue.resolve(spec))}, which "
            "also reads play outside the pair: it is no automaton and has no Nash gap; its fixation "
            "probability in a society is exact (evolve fixation --rules sipd)"
        )
    return compile_behaviours([strategy], rules).automaton(0)


@dataclass(frozen=True, eq=False)
class BestResponse:
    """The best any mutant can do against a resident. Payoffs are means per turn.

    `value`: what the best response earns against the resident. `self_payoff`: what the resident earns against
    itself. `nash_gap`: value - self_payoff, never negative; exactly 0 where the resident is a best response
    to itself (differences within `NEGLIGIBLE` are rounding), and then `strategy` is the resident itself.
    `moves`: what the best response plays when nothing slips and the resident does what it does most often,
    with "..." between the first and the last turns of a fixed number.
    """

    resident: str
    rules: Rules
    value: float
    self_payoff: float
    nash_gap: float
    moves: str
    _automaton: Automaton | None = field(repr=False)
    _policy: NDArray[np.uint8] | None = field(repr=False)
    _following: NDArray[np.int32] = field(repr=False)

    @cached_property
    def strategy(self) -> Automaton | None:
        """The best response; None where it counts more turns than can be written out (`MAX_COUNTED_TURNS`)."""
        if self._automaton is not None:
            return self._automaton
        assert self._policy is not None
        turns, states = self._policy.shape
        if turns > MAX_COUNTED_TURNS or turns * states > MAX_COUNTED_CELLS:
            return None
        turn = np.arange(turns)[:, None, None]
        after = (turn + 1) * states + self._following[None, :, :]
        here = (turn * states + np.arange(states)[None, :, None]) * np.ones(4, np.int64)
        successors = np.where(turn < turns - 1, after, here)  # the last turn has no sequel
        whole = Automaton(self._policy.ravel(), successors.reshape(-1, 4))
        return whole.canonical(noisy=self.rules.noisy)

    @cached_property
    def name(self) -> str | None:
        """Its name in the catalogue, if it has one."""
        if self.strategy is None:
            return None
        if self.nash_gap == 0 and self.resident in catalogue.names():
            return self.resident  # of several names that play alike without noise, the one asked about
        turns = self.rules.turns
        if turns is not None and turns > _NAMED_TURNS:
            turns = None
        return catalogue.name_of(self.strategy, noisy=self.rules.noisy, turns=turns)

    @cached_property
    def genome(self) -> LookupGenome | None:
        """It as a memory(x,y) genome, the shortest up to memory(3,3) that does alike, if there is one."""
        return None if self.strategy is None else as_lookup(self.strategy, noisy=self.rules.noisy)

    def __str__(self) -> str:
        """Its name, else its genome's text, else what kind of strategy it is."""
        if self.name or self.genome:
            return self.name or str(self.genome)
        if self.rules.turns is not None and self.nash_gap > 0:
            return "a strategy that counts the turns"
        assert self.strategy is not None
        return f"an automaton with {len(self.strategy)} states"


def nash_gap(resident: Any, rules: Rules | None = None) -> float:
    """How much the best mutant of any memory earns above the resident, per turn (0: Nash).

    >>> round(nash_gap("tit_for_tat", Rules(continuation=0.66)), 6)
    0.012048
    >>> nash_gap("tit_for_tat", Rules(continuation=0.67))
    0.0
    """
    return best_response(resident, rules).nash_gap


def best_response(resident: Any, rules: Rules | None = None) -> BestResponse:
    """The best response to a resident (a genome, a name or its text) among all strategies whatsoever.

    Exact to rounding: policy iteration with a continuation probability and for the limit of means (several
    closed classes included), backward induction for fixed turns. Raises ValueError for residents that are no
    automaton, and where the problem is larger than `MAX_SOLVED_STATES` or `MAX_BACKWARD_CELLS`.

    >>> print(best_response("grim", Rules(continuation=0.45)))
    all_d
    """
    rules = rules or Rules()
    automaton = resident_automaton(resident, rules)
    problem = _Problem.of(automaton, rules)
    self_payoff = float(expected(automaton, automaton, rules).payoffs[0])
    policy: NDArray[np.uint8]
    response: Automaton | None = None
    if rules.turns is not None:
        value, policy = problem.backward(rules)
    else:
        move = problem.iterate(rules)
        response = Automaton(move, problem.following).canonical(noisy=rules.noisy)
        # valued by the engine, free of cancellation, and so comparable with the resident's own payoff
        value = float(expected(response, automaton, rules).payoffs[0])
        policy = move[None, :]
    # no rounding can make the resident worse than a mutant that plays like it
    if value - self_payoff <= NEGLIGIBLE * float(np.abs(rules.game.payoffs).max()):
        moves = _moves_of(automaton, automaton, rules)
        return BestResponse(
            label(catalogue.resolve(resident)),
            rules,
            self_payoff,
            self_payoff,
            0.0,
            moves,
            automaton,
            None,
            problem.following,
        )
    return BestResponse(
        resident=label(catalogue.resolve(resident)),
        rules=rules,
        value=value,
        self_payoff=self_payoff,
        nash_gap=value - self_payoff,
        moves=problem.moves(policy, rules),
        _automaton=response,
        _policy=policy if response is None else None,
        _following=problem.following,
    )


@dataclass(frozen=True, eq=False)
class _Problem:
    """The mutant's decision problem, by the resident's state, in the mutant's joint moves.

    `following` ``(s, 4)``: the resident's next state. `chance` ``(s, 2, 4)``: of each realised joint move
    when the mutant intends C or D. `likely` ``(s,)``: the resident's likelier move.
    """

    following: NDArray[np.int32]
    chance: NDArray[np.float64]
    likely: NDArray[np.int64]

    @classmethod
    def of(cls, resident: Automaton, rules: Rules) -> _Problem:
        e, d, c = rules.noise, resident.defect, resident.cooperate
        theirs = np.stack([c * (1 - e) + d * e, d * (1 - e) + c * e], axis=1)
        own = np.array([[1 - e, e], [e, 1 - e]])
        chance = np.einsum("ax,sy->saxy", own, theirs).reshape(len(d), 2, 4)
        return cls(resident.successors[:, SWAP], chance, (d > 0.5).astype(np.int64))

    def backward(self, rules: Rules) -> tuple[float, NDArray[np.uint8]]:
        """The most a mutant can earn per turn, and its move by turn and state."""
        from engine.stability import kernels as kernels

        turns, states = rules.turns or 0, len(self.following)
        if turns * states > MAX_BACKWARD_CELLS:
            raise ValueError(
                f"turns: expected at most {MAX_BACKWARD_CELLS // states} for backward induction against "
                f"{states} states, got {turns}; use a continuation probability or the limit of means"
            )
        scaled, scale = rules.game.scaled
        policy = np.empty((turns, states), np.uint8)
        payoffs = np.array(scaled)
        exact = bool((payoffs == np.round(payoffs)).all())
        certain = bool(np.isin(self.chance, (0.0, 1.0)).all())
        tie = 0.0 if exact and certain else NEGLIGIBLE * float(np.abs(payoffs).max())
        earned = kernels.backward(self.following, self.chance, payoffs, tie, policy)
        return float(earned[0] / (turns * scale)), policy

    def iterate(self, rules: Rules) -> NDArray[np.uint8]:
        """Policy iteration: the mutant's move by state, for an open horizon."""
        states = len(self.following)
        if states > MAX_SOLVED_STATES:
            raise ValueError(
                f"resident: expected at most {MAX_SOLVED_STATES} states for a Nash gap with {rules.horizon}, "
                f"got {states}"
            )
        pay = rules.game.payoffs
        gains = self.chance @ (pay - pay.min())  # nothing below 0: sums without cancellation
        improved = self._discounted if rules.continuation is not None else self._undiscounted
        policy = self.likely.copy()
        for _ in range(1000 + 10 * states):
            better = improved(policy, gains, rules)
            if not better.any():
                return policy.astype(np.uint8)
            policy = np.where(better, 1 - policy, policy)
        raise ArithmeticError("policy iteration did not settle")  # pragma: no cover

    def _chain(self, policy: NDArray[np.int64]) -> NDArray[np.float64]:
        states = np.arange(len(policy))
        matrix = np.zeros((len(policy), len(policy)))
        for j in range(4):
            np.add.at(matrix, (states, self.following[:, j]), self.chance[states, policy, j])
        return matrix

    def _ahead(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected value of the next state when the mutant intends C or D, ``(s, 2)``."""
        return np.asarray(np.einsum("saj,sj->sa", self.chance, values[self.following]))

    def _discounted(
        self, policy: NDArray[np.int64], gains: NDArray[np.float64], rules: Rules
    ) -> NDArray[np.bool_]:
        """Where the other move is better."""
        from engine.stability.kernels import absorbed

        d, states = float(rules.continuation or 0.0), np.arange(len(policy))
        out = np.full(len(policy), 1.0 - d)
        values = absorbed(d * self._chain(policy), out, gains[states, policy][:, None])[:, 0]
        actions = gains + d * self._ahead(values)
        noise = 64 * np.finfo(float).eps * float(values.max(initial=0.0))
        return np.asarray(actions[states, 1 - policy] > actions[states, policy] + noise)

    def _undiscounted(
        self, policy: NDArray[np.int64], gains: NDArray[np.float64], rules: Rules
    ) -> NDArray[np.bool_]:
        """Where the other move leads to a better average, or else to a better head start at the same one.

        Multichain policy iteration (Puterman, "Markov Decision Processes", 1994, section 9.2).
        """
        states = np.arange(len(policy))
        mean, bias, noise = _evaluate(self._chain(policy), gains[states, policy])
        scale = float(gains.max(initial=0.0))
        later = self._ahead(mean)
        better = later[states, 1 - policy] > later[states, policy] + NEGLIGIBLE * scale
        if better.any():
            return np.asarray(better)
        level = np.abs(later[:, 0] - later[:, 1]) <= NEGLIGIBLE * scale
        actions = gains + self._ahead(bias)
        return np.asarray(level & (actions[states, 1 - policy] > actions[states, policy] + noise))

    def moves(self, policy: NDArray[np.uint8], rules: Rules) -> str:
        """What the policy ``(t, s)`` or ``(1, s)`` plays when nothing slips."""
        turns = rules.turns or _SHOWN

        def walk() -> Iterator[int]:
            s = 0
            for t in range(turns):
                move = int(policy[min(t, len(policy) - 1), s])
                yield move
                s = int(self.following[s, 2 * move + self.likely[s]])

        return _shown(walk(), turns, ends=rules.turns is not None)


def _evaluate(
    matrix: NDArray[np.float64], gains: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Long-run mean and bias of a chain from each state, and how much of the bias is rounding.

    In every closed class the most visited state has bias 0; that keeps the others small.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    from engine.pairs.kernels import stationary
    from engine.stability.kernels import absorbed

    number, component = connected_components(csr_array(matrix), directed=True, connection="strong")
    rows, columns = np.nonzero(matrix)
    leaves = np.zeros(number, np.bool_)
    leaves[component[rows[component[rows] != component[columns]]]] = True
    mean, bias = np.zeros(len(matrix)), np.zeros(len(matrix))
    largest = float(gains.max(initial=0.0))
    for c in np.flatnonzero(~leaves):
        members = np.flatnonzero(component == c)
        inside = matrix[np.ix_(members, members)]
        weights = stationary(inside.copy())
        mean[members] = weights @ gains[members]
        centre = int(np.argmax(weights))
        others = np.delete(np.arange(len(members)), centre)
        if len(others):
            values = np.stack([gains[members[others]], np.ones(len(others))], axis=1)
            earned, time = absorbed(
                inside[np.ix_(others, others)].copy(), inside[others, centre].copy(), values
            ).T
            bias[members[others]] = earned - mean[members[0]] * time
            largest = max(largest, float(earned.max()), float(mean[members[0]] * time.max()))
    passing = np.flatnonzero(leaves[component])
    if len(passing):
        closed = np.flatnonzero(~leaves[component])
        inside, away = matrix[np.ix_(passing, passing)], matrix[np.ix_(passing, closed)]
        mean[passing] = absorbed(inside.copy(), away.sum(axis=1), (away @ mean[closed])[:, None])[:, 0]
        first = gains[passing] + away @ bias[closed]
        both = absorbed(inside.copy(), away.sum(axis=1), np.stack([first, mean[passing]], axis=1))
        bias[passing] = both[:, 0] - both[:, 1]
        largest = max(largest, float(np.abs(both).max()))
    return mean, bias, 64 * float(np.finfo(float).eps) * largest


def _moves_of(a: Automaton, b: Automaton, rules: Rules) -> str:
    """What `a` plays against `b` when nothing slips and both do what they do most often."""
    turns = rules.turns or _SHOWN

    def walk() -> Iterator[int]:
        s = t = 0
        for _ in range(turns):
            x, y = int(a.defect[s] > 0.5), int(b.defect[t] > 0.5)
            yield x
            s, t = int(a.successors[s, 2 * x + y]), int(b.successors[t, 2 * y + x])

    return _shown(walk(), turns, ends=rules.turns is not None)


def _shown(moves: Iterator[int], turns: int, *, ends: bool) -> str:
    """The first and, where there is an end, the last of so many moves."""
    text: list[str] = []
    last: list[str] = []
    for turn, move in enumerate(moves):
        if turn < _SHOWN:
            text.append("CD"[move])
        elif turn >= turns - _SHOWN:
            last.append("CD"[move])
    whole = "".join(text)
    if not ends:
        return whole + "..."
    return whole + ("..." if turns > 2 * _SHOWN else "") + "".join(last)


def as_lookup(strategy: Automaton, *, noisy: bool) -> LookupGenome | None:
    """The shortest memory(x,y) genome, up to memory(3,3), that plays like a pure automaton, if there is one.

    >>> print(as_lookup(catalogue.parse("memory(1,1) cCDCD").automaton(), noisy=False))
    memory(0,1) cCD
    """
    if not strategy.deterministic:
        return None
    memories = sorted(((x, y) for x in range(4) for y in range(4)), key=lambda m: (m[0] + m[1], m[0]))
    for x, y in memories:
        structure, entries = history_structure(x, y).tolist(), state_entries(x, y).tolist()
        played: dict[int, int] = {}  # what each entry of the genome has to play; the others are never asked
        waiting, met = [(0, 0)], {(0, 0)}
        for s, history in waiting:  # grows while it is read
            move = int(strategy.defect[s])
            if played.setdefault(entries[history], move) != move:
                break
            for joint in range(4) if noisy else (2 * move, 2 * move + 1):
                pair = int(strategy.successors[s, joint]), structure[history][joint]
                if pair not in met:
                    met.add(pair)
                    waiting.append(pair)
        else:
            opening = max(x, y)
            cooperates = [1.0 - played.get(entry, 0) for entry in range(opening + 2 ** (x + y))]
            return LookupGenome(x, y, tuple(cooperates[:opening]), tuple(cooperates[opening:]))
    return None


def state_entries(x: int, y: int) -> NDArray[np.int64]:
    """Which entry of a memory(x,y) genome each state of `history_structure(x, y)` plays.

    >>> state_entries(1, 1).tolist()
    [0, 1, 2, 3, 4]
    >>> state_entries(0, 2).tolist()
    [0, 1, 1, 2, 3, 4, 5]
    """
    opening = max(x, y)
    shared = [2 ** (min(turn, x) + min(turn, y)) for turn in range(opening)]
    replies = opening + np.arange(2 ** (x + y))
    return np.concatenate([np.repeat(np.arange(opening), shared), replies]).astype(np.int64)
