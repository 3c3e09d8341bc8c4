"""Certificates: the most that *any* mutant can earn against a resident, whatever it remembers.

Against a resident with finitely many states a mutant faces a decision problem: the resident's state is public
(it follows from the realised moves), the mutant chooses a move, and the resident moves on: `decision` solves that.
A Nash gap of 0 says that no rare mutant does *better*; it says nothing about neutral mutants, small populations
or societies: see `scans`, `indirect` and `fixation` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules, conditions
from engine.ledger import Ledger
from engine.names import name_of
from engine.pairs.behaviours import compile_behaviours
from engine.pairs.meetings import expected
from engine.stability.decision import Decision
from engine.tables import Table
from genomes import catalogue
from genomes.automaton import Automaton
from genomes.formula.genome import FormulaGenome
from genomes.lookup import LookupGenome, history_structure
from genomes.reading import label, resolve
from genomes.strategy import Compiled, StrategyLike, is_compiled

UNCONFIRMED = 1e-9
"""A gap is refused where play contradicts it by more than this share of the largest |payoff|."""

MAX_RESPONSE_TURNS = 10_000
MAX_RESPONSE_CELLS = 2**18
"""A best response that counts turns is written out as an automaton up to so many turns and turns x states."""

_SHOWN = 30  # moves shown at either end of a best response's play
_NAMED_TURNS = 1000  # strategies that count are unrolled to compare names up to here


def strategy_of(spec: StrategyLike) -> Compiled | FormulaGenome:
    """The genome or automaton that a name, a text or a genome stands for.

    Raises ValueError for what is no strategy, and for players in plain Python: their states cannot be known.
    """
    strategy = resolve(spec)
    if isinstance(strategy, FormulaGenome) or is_compiled(strategy):
        return strategy
    raise ValueError(
        f"strategy: expected a genome or an automaton, got {label(spec)}, a player in plain Python "
        "whose states cannot be known"
    )


def resident_automaton(spec: StrategyLike, rules: Rules) -> Automaton:
    """The canonical automaton of a resident; ValueError with the reason where it is none."""
    strategy = strategy_of(spec)
    if isinstance(strategy, FormulaGenome) and not strategy.pair_only:
        raise ValueError(
            f"resident: expected a strategy about the pair alone, got {label(spec)}, which "
            "also reads play outside the pair: it is no automaton and has no Nash gap; its fixation "
            "probability in a society is exact (evolve fixation --play sipd)"
        )
    return compile_behaviours([strategy], rules).automaton(0)


@dataclass(frozen=True, eq=False)
class BestResponse(Table):
    """The best any mutant can do against a resident. Payoffs are means per turn.

    `value`: what the best response earns against the resident. `self_payoff`: what the resident earns against
    itself. `nash_gap`: value - self_payoff, but not computed as a difference, so that it has 12 digits however
    small it is; exactly 0 where the resident is a best response to itself, and then `strategy` is the resident
    itself. Noise, continuation and probabilities are the floats that are given: 2/3 is not one of them, so an equality
    that holds at exactly 2/3 is missed by about 1e-17.
    `moves`: what the best response plays when nothing slips and the resident does what it does most often,
    with "..." between the first and the last turns of a fixed number.
    """

    resident: str
    rules: Rules
    value: float
    self_payoff: float
    nash_gap: float
    moves: str
    ledger: Ledger | None
    """What mechanisms take from the resident and give it among its kind; None where there is none."""
    _automaton: Automaton | None = field(repr=False)
    _policy: NDArray[np.uint8] | None = field(repr=False)
    _following: NDArray[np.int32] = field(repr=False)

    @cached_property
    def strategy(self) -> Automaton | None:
        """The best response; None where it counts more turns than can be written out (`MAX_RESPONSE_TURNS`)."""
        if self._automaton is not None:
            return self._automaton
        assert self._policy is not None
        turns, states = self._policy.shape  # an offer is the first of them
        if turns > MAX_RESPONSE_TURNS or turns * states > MAX_RESPONSE_CELLS:
            return None
        turn = np.arange(turns)[:, None, None]
        after = (turn + 1) * states + self._following[None, :, :]
        here = (turn * states + np.arange(states)[None, :, None]) * np.ones(4, np.int64)
        successors = np.where(turn < turns - 1, after, here)  # the last turn has no sequel
        whole = Automaton(self._policy.ravel(), successors.reshape(-1, 4))
        return whole.canonical(noisy=self.rules.slips)

    @cached_property
    def name(self) -> str | None:
        """The catalogue name of the best response; None without one."""
        if self.strategy is None:
            return None
        if self.nash_gap == 0 and self.resident in catalogue.names():
            return self.resident  # of several names that play alike without noise, the one asked about
        turns = self.rules.turns
        if turns is not None and turns > _NAMED_TURNS:
            turns = None
        return name_of(self.strategy, noisy=self.rules.slips, turns=turns)

    @cached_property
    def genome(self) -> LookupGenome | None:
        """The shortest memory(x,y) genome, up to memory(3,3), that plays like the best response; None without one."""
        return None if self.strategy is None else as_lookup(self.strategy, noisy=self.rules.slips)

    @property
    def words(self) -> str:
        """What the best response is: its name, else its genome's text, else what kind of strategy it is."""
        if self.name or self.genome:
            return self.name or str(self.genome)
        if self.rules.turns is not None and self.nash_gap > 0:
            return "a strategy that counts the turns"
        assert self.strategy is not None
        return f"an automaton with {len(self.strategy)} states"

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row: what the resident earns against itself and the best response against it, per turn."""
        return {
            "resident": [self.resident],
            "payoff": [self.self_payoff],
            "best response": [self.words],
            "its payoff": [self.value],
            "Nash gap": [self.nash_gap],
        }

    def __str__(self) -> str:
        lines = [
            f"{self.resident}, {self.rules}",
            f"earns against itself       {self.self_payoff:.6g} a turn",
            f"the best any mutant earns  {self.value:.6g}, by {self.words}",
        ]
        if self.name is None and self.genome is None:
            lines.append(f"  which plays              {self.moves}")
        return "\n".join([*lines, f"Nash gap                   {self.nash_gap:.6g}"])


def nash_gap(resident: StrategyLike, rules: Rules | None = None) -> float:
    """How much the best mutant of any memory earns above the resident, per turn (0: Nash).

    >>> round(nash_gap("tit_for_tat", Rules(continuation=0.66)), 6)
    0.012048
    >>> nash_gap("tit_for_tat", Rules(continuation=0.67))
    0.0
    """
    return best_response(resident, rules).nash_gap


def best_response(resident: StrategyLike, rules: Rules | None = None) -> BestResponse:
    """The best response to a resident (a genome, a name or its text) among all strategies whatsoever.

    Exact, whatever the noise and the continuation probability (see `engine.stability.decision`); the best response is
    played as a check before its gap is returned. Raises ValueError for residents that are no automaton, for problems
    that are too large, and for moves that are too rare for floats.

    >>> print(best_response("grim", Rules(continuation=0.45)).words)
    all_d
    """
    rules = conditions(rules)
    automaton = resident_automaton(resident, rules)
    name = label(resident)
    problem = Decision.of(automaton, rules)
    answer = problem.answer() if rules.turns is None else problem.by_turns()
    among = expected(resident, resident, rules)
    own = float(among.payoffs[0])
    kin = None if among.ledger is None else Ledger((name,), rules, among.ledger.amounts[:1])
    if answer.gap == 0:
        moves = _moves_of_kin(problem)
        return BestResponse(name, rules, own, own, 0.0, moves, kin, automaton, None, problem.following)
    response: Automaton | None = None
    if rules.turns is None:
        response = Automaton(answer.policy, problem.following[:, :4]).canonical(noisy=rules.slips)
        played = float(expected(response, automaton, rules).payoffs[0])
        if abs(played - own - answer.gap) > UNCONFIRMED * float(np.abs(rules.stage.payoffs).max()):
            raise ValueError(
                f"resident: no certificate, because its best response is computed to earn {answer.gap:g} above "
                f"{own:g} a turn, and earns {played:g} when it is played"
            )
    policy = answer.policy.reshape(-1, len(problem.following))
    return BestResponse(
        resident=name,
        rules=rules,
        value=own + answer.gap,
        self_payoff=own,
        nash_gap=answer.gap,
        moves=_moves_by(problem, policy),
        ledger=kin,
        _automaton=response,
        _policy=policy if response is None else None,
        _following=problem.following,
    )


def _moves_by(problem: Decision, policy: NDArray[np.uint8]) -> str:
    """What the policy ``(t, s)`` or ``(1, s)`` plays when nothing slips."""
    return _moves(problem, lambda t, s, own: int(policy[min(t, len(policy) - 1), s]))


def _moves_of_kin(problem: Decision) -> str:
    """What the resident plays against its kind when nothing slips and both do what they do most often."""
    return _moves(problem, lambda t, s, own: int(problem.resident.defect[own] > 0.5))


def _moves(problem: Decision, intends: Callable[[int, int, int], int]) -> str:
    """What is realised of intentions, by the turn, the position and what the resident would remember here."""
    turns = problem.rules.turns or _SHOWN

    def walk() -> Iterator[int]:
        s = own = 0
        for t in range(turns + problem.rules.stage.offers):
            move = int(intends(t, s, own) and problem.positions.may[s, 0])
            yield move
            joint = 2 * move + int(problem.likely[s])
            s, own = int(problem.following[s, joint]), int(problem.resident.successors[own, joint])

    return _shown(walk(), turns, ends=problem.rules.turns is not None)


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

    >>> print(as_lookup(LookupGenome.parse("memory(1,1) cCDCD").automaton(), noisy=False))
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
