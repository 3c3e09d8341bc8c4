"""One meeting of two strategies: move by move, and its exact expected payoffs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules, conditions, refuse_states
from engine.ledger import Ledger, ledger_of
from engine.pairs.behaviours import compile_behaviours
from engine.pairs.exact_play import ExpectedPlay
from engine.tables import Table
from genomes.automaton import Automaton
from genomes.reading import label, resolve
from genomes.strategy import Player, Strategy, StrategyLike, is_compiled

MAX_SAMPLED_TURNS = 10**7
"""Longest meeting that is played move by move."""


@dataclass(frozen=True)
class Meeting(Table):
    """What two strategies may expect of each other.

    `frequencies`: ``(4,)`` share of turns with each joint move CC, CD, DC, DD, the first player's move first.
    `payoffs`: ``(2,)`` mean payoff per turn of each. `cooperation`: ``(2,)`` their cooperation rates.
    """

    names: tuple[str, str]
    rules: Rules
    frequencies: NDArray[np.float64]
    payoffs: NDArray[np.float64]
    cooperation: NDArray[np.float64]
    ledger: Ledger | None = None
    """What mechanisms took and gave; None where there is none."""

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a player."""
        return {
            "strategy": self.names,
            "payoff": self.payoffs.tolist(),
            "cooperation": self.cooperation.tolist(),
            **_items(self.ledger),
        }

    def __str__(self) -> str:
        width = max(len("strategy"), *(len(name) for name in self.names))
        rows = zip(self.names, self.payoffs.tolist(), self.cooperation.tolist(), strict=True)
        return "\n".join(
            [f"{'strategy':{width}}  payoff  cooperation"]
            + [f"{name:{width}}  {payoff:6.4f}  {rate:11.4f}" for name, payoff, rate in rows]
        )


@dataclass(frozen=True)
class Play(Table):
    """A meeting as it was played: `moves` ``(turns, 2)``, 0 = C and 1 = D, as realised.

    `chance`: whether another seed could give other moves.
    """

    names: tuple[str, str]
    rules: Rules
    moves: NDArray[np.int8]
    chance: bool

    @property
    def turns(self) -> NDArray[np.int8]:
        """The moves that count, ``(turns, 2)``: all but those of an offer before the first turn."""
        return self.moves[self.rules.stage.offers :]

    @property
    def counts(self) -> NDArray[np.float64]:
        """Number of turns with each joint move, ``(4,)``."""
        return np.bincount(2 * self.turns[:, 0] + self.turns[:, 1], minlength=4).astype(np.float64)

    @property
    def payoffs(self) -> NDArray[np.float64]:
        """Mean payoff per turn of each player, ``(2,)``."""
        stage = self.rules.stage
        counts = stage.counted(self.moves)
        return stage.mean_payoff(np.stack([counts, counts[stage.swap]]), counts.sum())

    @property
    def cooperation(self) -> NDArray[np.float64]:
        """Share of turns in which each player cooperated, ``(2,)``."""
        return np.asarray(1.0 - self.turns.mean(axis=0))

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a move of both, in the order of play; a player who meets itself is numbered."""
        first, second = self.names
        heads = self.names if first != second else (f"{first} 1", f"{second} 2")
        moves = np.array(["C", "D"])[self.moves]
        numbers = range(1 - self.rules.stage.offers, len(self.turns) + 1)
        return {"turn": numbers} | {head: moves[:, k].tolist() for k, head in enumerate(heads)}

    def __str__(self) -> str:
        width = max(len(name) for name in self.names)
        return "\n".join(
            f"{name:{width}}  {''.join('CD'[move] for move in self.moves[:, k])}"
            for k, name in enumerate(self.names)
        )


def expected(a: StrategyLike, b: StrategyLike, rules: Rules | None = None) -> Meeting:
    """The exact expected outcome of one meeting; strategies as genomes, catalogue names or texts.

    Raises ValueError where the outcome cannot be computed exactly, naming the way out.

    >>> expected("tit_for_tat", "all_d", Rules(turns=10)).payoffs.tolist()
    [0.9, 1.4]
    """
    rules = conditions(rules)
    players = resolve(a), resolve(b)
    counts, total = _expected_counts(*players, rules, (label(a), label(b)))
    stage, names = rules.stage, (label(a), label(b))
    both = np.stack([counts, counts[stage.swap]])
    return Meeting(
        names=names,
        rules=rules,
        frequencies=stage.frequencies(counts) / total,
        payoffs=stage.mean_payoff(both, total),
        cooperation=stage.cooperation(both, total),
        ledger=ledger_of(names, rules, both / total),
    )


def _items(found: Ledger | None) -> dict[str, Sequence[Any]]:
    """The columns of a ledger, behind those of a result."""
    if found is None:
        return {}
    return {name: values for name, values in found.columns().items() if name != "strategy"}


def play(a: StrategyLike, b: StrategyLike, rules: Rules | None = None, *, seed: int = 0) -> Play:
    """Play one meeting move by move; with a continuation probability its length is drawn too.

    >>> print(play("tit_for_tat", "all_d", Rules(turns=5)))
    tit_for_tat  CDDDD
    all_d        DDDDD
    """
    rules = conditions(rules)
    check_seed(seed)
    players = resolve(a), resolve(b)
    moves = play_once(*players, rules, np.random.default_rng(seed))
    chance = rules.noisy or rules.turns is None or any(by_chance(player, rules) for player in players)
    return Play((label(a), label(b)), rules, moves, chance)


def check_seed(seed: int) -> None:
    """Raise ValueError unless generators can be made from `seed`."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed: expected a whole number >= 0, got {seed!r}")


def play_once(a: Strategy, b: Strategy, rules: Rules, rng: np.random.Generator) -> NDArray[np.int8]:
    """Realised moves ``(turns, 2)`` of one meeting; chance comes from `rng` alone."""
    stage = rules.stage
    turns = meeting_length(rules, rng) + stage.offers
    draws = rng.random((turns, 4))
    moves = np.empty((turns, 2), np.int8)
    if is_compiled(a) and is_compiled(b):
        from engine.pairs import kernels

        x, y = a.automaton(turns), b.automaton(turns)
        if not stage.plain:
            from engine.pairs import staged_kernels

            staged_kernels.play_moves(
                x.defect, x.successors, y.defect, y.successors, rules.noise, *stage.machine[:3], draws, moves
            )
            return moves
        kernels.play_moves(x.defect, x.successors, y.defect, y.successors, rules.noise, draws, moves)
        return moves
    if _in_society(a, b, (label(a), label(b)), rules):
        from engine.societies.sipd import play_individuals

        slips, chances = np.zeros((turns, 2, 2), bool), np.zeros((turns, 2, 2))
        slips[:, 0, 1], slips[:, 1, 0] = draws[:, 2] < rules.noise, draws[:, 3] < rules.noise
        chances[:, 0, 1], chances[:, 1, 0] = draws[:, 0], draws[:, 1]
        chances[:, [0, 1], [0, 1]] = rng.random((turns, 2))
        relations = play_individuals([a, b], turns, flips=slips, draws=chances, quantifiers=rules.quantifiers)
        moves[:, 0], moves[:, 1] = relations[:, 0, 1], relations[:, 1, 0]
        return moves
    first, second = _player(a, turns, draws[:, 0]), _player(b, turns, draws[:, 1])
    if first is second:
        second = copy.deepcopy(first)  # a player does not share its memory with its opponent
    first.reset()
    second.reset()
    may, their, step, _ = stage.machine
    e = 0
    for t in range(turns):
        own, other = _move(first), _move(second)
        own = (own ^ int(draws[t, 2] < rules.noise)) * int(may[e])
        other = (other ^ int(draws[t, 3] < rules.noise)) * int(their[e])
        e = int(step[4 * e + 2 * own + other])
        moves[t] = own, other
        first.observe(own, other)
        second.observe(other, own)
    return moves


def meeting_length(rules: Rules, rng: np.random.Generator) -> int:
    """The number of turns of one meeting; ValueError where there is no last turn."""
    if rules.limit_of_means:
        raise ValueError(
            "rules: expected turns or a continuation probability to play, got the limit of means"
        )
    turns = rules.turns if rules.turns is not None else int(rng.geometric(1.0 - (rules.continuation or 0.0)))
    if turns > MAX_SAMPLED_TURNS:
        raise ValueError(f"turns: expected at most {MAX_SAMPLED_TURNS} to play move by move, got {turns}")
    return turns


def _expected_counts(
    a: Strategy, b: Strategy, rules: Rules, names: tuple[str, str]
) -> tuple[NDArray[np.float64], float]:
    """Expected counts of the outcomes of one meeting, and what they add up to."""
    if is_compiled(a) and is_compiled(b):
        behaviours = compile_behaviours([a, b], rules)
        exact = ExpectedPlay(behaviours, rules)
        return exact.pair(*behaviours.index.tolist()), exact.total
    return played_counts(a, b, rules, names), float(rules.turns or 1)


def played_counts(a: Strategy, b: Strategy, rules: Rules, names: tuple[str, str]) -> NDArray[np.float64]:
    """Counts of outcomes where one is no automaton: exact because nothing is left to chance.

    A formula that looks at third parties meets the other in a society of two. `names` are for error messages.
    A Python player says with an attribute `chance = True` that it draws its moves; whoever does not say so plays
    twice, and is refused where that differs.
    """
    both = list(zip(names, (a, b), strict=True))
    chance = [name for name, s in both if by_chance(s, rules)]
    if rules.noisy or rules.turns is None or chance:
        got = rules.horizon
        if rules.noisy:
            got = f"noise {rules.noise:g}"
        elif chance:
            got = f"{chance[0]}, which plays by chance"
        slow = next(name for name, s in both if not is_compiled(s))
        raise ValueError(
            f"{slow}: is no automaton; expected a fixed number of turns and no chance for its exact payoffs, "
            f"got {got}; use sampled play (sampled=N meetings a pair)"
        )
    if _in_society(a, b, names, rules):
        from engine.societies.sipd import play_table

        return np.asarray(play_table([a, b], rules, [1, 1]).joint_counts[0, 1], np.float64)
    moves = play_once(a, b, rules, np.random.default_rng(0))
    if (moves != play_once(a, b, rules, np.random.default_rng(0))).any():
        slow = " or ".join(name for name, s in both if not is_compiled(s))
        raise ValueError(
            f"{slow}: expected the same moves whenever the same meeting is played, got others the second time; a "
            "player that draws its moves says so with chance = True, and is sampled (sampled=N meetings a pair)"
        )
    return rules.stage.counted(moves)


def by_chance(strategy: Strategy, rules: Rules) -> bool:
    """True for a strategy that leaves moves to chance, and says so."""
    if is_compiled(strategy):
        return not strategy.automaton(rules.turns).deterministic
    return bool(getattr(strategy, "chance", False))


def _in_society(a: Strategy, b: Strategy, names: tuple[str, str], rules: Rules) -> bool:
    """True when one of the two is a formula that looks at third parties."""
    both = list(zip(names, (a, b), strict=True))
    formulas = [name for name, s in both if hasattr(s, "automaton") and not is_compiled(s)]
    if formulas:
        refuse_states(rules)
    players = [name for name, s in both if not hasattr(s, "automaton")]
    if formulas and players:
        raise ValueError(
            f"{players[0]}: a Python player sees only its opponent; expected a genome to meet "
            f"{formulas[0]}, which looks at third parties"
        )
    return bool(formulas)


class _AutomatonPlayer:
    """An automaton behind the interface of a Python player; `draws` decide its stochastic moves."""

    def __init__(self, automaton: Automaton, draws: NDArray[np.float64]) -> None:
        self.automaton, self.draws = automaton, draws
        self.reset()

    def reset(self) -> None:
        self.state = self.turn = 0

    def move(self) -> int:
        return int(self.draws[self.turn] < self.automaton.defect[self.state])

    def observe(self, own: int, opponent: int) -> None:
        self.state = int(self.automaton.successors[self.state, 2 * own + opponent])
        self.turn += 1


def _player(strategy: Strategy, turns: int, draws: NDArray[np.float64]) -> Player:
    if is_compiled(strategy):
        return _AutomatonPlayer(strategy.automaton(turns), draws)
    return cast(Player, strategy)


def _move(player: Player) -> int:
    move = player.move()
    if move not in (0, 1):
        raise ValueError(f"{label(player)}.move: expected 0 (C) or 1 (D), got {move!r}")
    return int(move)
