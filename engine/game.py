"""The game that is repeated (`Game`) and the conditions it is repeated under (`Rules`).

Both are values that validate themselves. Payoffs stand in the order (R, S, T, P), the joint moves
CC, CD, DC, DD seen from the row player: joint move = 2 * own + opponent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from engine.mechanism import Mechanism
from engine.mechanisms import composed, parse
from engine.stage import SWAP as SWAP
from engine.stage import Stage, scaled
from genomes.formula.syntax import Quantifiers

MAX_PAYOFF = 1e100
"""Larger payoffs could overflow when they are summed over turns and players."""

MAX_TURNS = 2**40
"""Longest fixed horizon: counts of turns are whole numbers in a float, with room for many players."""


@dataclass(frozen=True)
class GameReport:
    """What kind of one-shot game this is."""

    dilemma: bool
    """T > R > P > S."""
    reward_beats_alternation: bool
    """2R > T + S: taking turns at exploiting pays less than mutual cooperation."""
    dominant: str | None
    """The move that is never worse and somewhere better, "C" or "D", if there is one."""
    strictly_dominant: bool
    pure_equilibria: tuple[str, ...]
    """Nash equilibria in pure moves, row's move first: "CC", "CD", "DC", "DD"."""
    mixed_equilibrium: float | None
    """Probability of C in the symmetric equilibrium in properly mixed moves, if there is exactly one."""


@dataclass(frozen=True)
class Game:
    """A symmetric 2x2 game; by default the prisoner's dilemma with Axelrod's payoffs.

    R: both cooperate, S: I cooperate alone, T: I defect alone, P: both defect. Any finite numbers,
    negative ones too. Raises ValueError for anything else.
    """

    R: float = 3.0
    S: float = 0.0
    T: float = 5.0
    P: float = 1.0

    def __post_init__(self) -> None:
        for name in "RSTP":
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float, np.integer, np.floating))
                or value != value
                or abs(value) == math.inf
            ):
                raise ValueError(f"payoffs.{name}: expected a finite number, got {value!r}")
            size: Any = abs(value)
            if size > MAX_PAYOFF:
                raise ValueError(f"payoffs.{name}: expected a number within {MAX_PAYOFF:g}, got {value!r}")
            object.__setattr__(self, name, float(value))

    @property
    def payoffs(self) -> NDArray[np.float64]:
        """(R, S, T, P): payoff by joint move."""
        return np.array([self.R, self.S, self.T, self.P])

    @cached_property
    def scaled(self) -> tuple[tuple[float, ...], float]:
        """(R, S, T, P) as integers (held in floats) and their common denominator, so that sums are exact.

        Payoffs that are no short decimals stand as they are, with denominator 1.
        """
        return scaled([Fraction(repr(float(p))) for p in self.payoffs])

    def report(self) -> GameReport:
        """Classify the one-shot game.

        >>> Game().report().pure_equilibria
        ('DD',)
        """
        to_c, to_d = self.R - self.T, self.S - self.P  # gain of C over D against a C, against a D
        dominant = None
        if to_c >= 0 and to_d >= 0 and to_c + to_d > 0:
            dominant = "C"
        elif to_c <= 0 and to_d <= 0 and to_c + to_d < 0:
            dominant = "D"
        pure = tuple(
            name
            for name, stable in (
                ("CC", to_c >= 0),
                ("CD", to_d >= 0 and to_c <= 0),
                ("DC", to_d >= 0 and to_c <= 0),
                ("DD", to_d <= 0),
            )
            if stable
        )
        mixed = -to_d / (to_c - to_d) if to_c * to_d < 0 else None
        return GameReport(
            dilemma=self.T > self.R > self.P > self.S,
            reward_beats_alternation=2 * self.R > self.T + self.S,
            dominant=dominant,
            strictly_dominant=to_c * to_d > 0,
            pure_equilibria=pure,
            mixed_equilibrium=mixed,
        )


@dataclass(frozen=True)
class Rules:
    """How a meeting is played: the game, how long, and how often a move slips.

    One of `turns` (a fixed number), `continuation` (the probability that another turn follows) or
    `limit_of_means` (the long-run average) is the horizon; 200 turns when none is given. `noise` is the
    probability that an executed move is flipped, independently for every move. Payoffs are means per turn;
    with a continuation probability d, turn t (from 0) weighs ``(1 - d) * d**t``. `quantifiers`, which matters
    in societies alone: whom the player variables of a formula phi(r,c) range over, "all" players or the "others",
    all but r and c. `mechanisms` (`engine.mechanisms`, as values or text) change the game, the first applied first;
    a hazard is taken up in the continuation probability, and so is not among them afterwards.

    >>> Rules(Game(), continuation=0.5, mechanisms=("fine:2,detection=0.8", "hazard:0.1,mortal=1")).continuation
    0.45

    Raises ValueError for more than one horizon, an impossible value, or mechanisms that have no meaning together.
    """

    game: Game = Game()
    turns: int | None = None
    continuation: float | None = None
    limit_of_means: bool = False
    noise: float = 0.0
    quantifiers: Quantifiers = "all"
    mechanisms: tuple[Mechanism, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.game, Game):
            raise ValueError(f"game: expected a Game, got {self.game!r}")
        given = [
            name
            for name, there in (
                ("turns", self.turns is not None),
                ("continuation", self.continuation is not None),
                ("limit_of_means", self.limit_of_means),
            )
            if there
        ]
        if len(given) > 1:
            raise ValueError(
                f"{given[0]}: expected only one of turns, continuation, limit_of_means, got {given}"
            )
        if not given:
            object.__setattr__(self, "turns", 200)
        if self.turns is not None and (
            isinstance(self.turns, bool) or not isinstance(self.turns, (int, np.integer)) or self.turns <= 0
        ):
            raise ValueError(f"turns: expected a whole number > 0, got {self.turns!r}")
        if self.turns is not None and self.turns > MAX_TURNS:
            raise ValueError(f"turns: expected a whole number from 1 to {MAX_TURNS}, got {self.turns!r}")
        if self.continuation is not None and not 0 <= _number("continuation", self.continuation) < 1:
            raise ValueError(f"continuation: expected 0 <= continuation < 1, got {self.continuation!r}")
        if not 0 <= _number("noise", self.noise) <= 0.5:
            raise ValueError(f"noise: expected 0 <= noise <= 0.5, got {self.noise!r}")
        if self.quantifiers not in get_args(Quantifiers):
            raise ValueError(f"quantifiers: expected 'all' or 'others', got {self.quantifiers!r}")
        if not isinstance(self.limit_of_means, bool):
            raise ValueError(f"limit_of_means: expected True or False, got {self.limit_of_means!r}")
        # one type each: a kernel is compiled anew for every type it meets
        object.__setattr__(self, "noise", float(self.noise))
        if self.turns is not None:
            object.__setattr__(self, "turns", int(self.turns))
        if self.continuation is not None:
            object.__setattr__(self, "continuation", float(self.continuation))
        self._take_up_mechanisms()

    def _take_up_mechanisms(self) -> None:
        if isinstance(self.mechanisms, (str, Mechanism)) or not all(
            isinstance(one, (str, Mechanism)) for one in self.mechanisms
        ):
            raise ValueError(f"mechanisms: expected a list of mechanisms, got {self.mechanisms!r}")
        given = [parse(one) if isinstance(one, str) else one for one in self.mechanisms]
        survival = Fraction(1)
        for one in given:
            reason = one.refused(turns=self.turns, limit_of_means=self.limit_of_means)
            if reason is not None:
                raise ValueError(f"{one.name}: {reason}")
            survival *= one.survival()
        if survival != 1:
            object.__setattr__(self, "continuation", float(Fraction(repr(self.continuation)) * survival))
        object.__setattr__(self, "mechanisms", tuple(one for one in given if one.survival() == 1))
        if self.mechanisms and not float(np.abs(self.stage.payoffs).max()) <= MAX_PAYOFF:
            raise ValueError(f"mechanisms: expected payoffs within {MAX_PAYOFF:g} with them, got larger ones")

    def __str__(self) -> str:
        g = self.game
        noise = f", noise {self.noise:g}" if self.noisy else ""
        noise += "" if self.quantifiers == "all" else f", quantifiers over {self.quantifiers}"
        noise += "" if g == Game() else f", R,S,T,P = {g.R:g},{g.S:g},{g.T:g},{g.P:g}"
        return self.horizon + noise + "".join(f", {one}" for one in self.mechanisms)

    @cached_property
    def stage(self) -> Stage:
        """What one turn is worth: the game with its mechanisms. Whatever earns payoffs, earns these."""
        return composed(self.mechanisms, self.game.payoffs.tolist())

    @property
    def games(self) -> tuple[Game, ...]:
        """The one-shot games of the states of a pair, the first turn's first; those without a deal left out."""
        found = dict.fromkeys(
            Game(*(float(pay) for pay in state.payoffs)) for state in self.stage.states if state.acts
        )
        return tuple(found)

    @property
    def most_moves(self) -> int | None:
        """Moves of each in a meeting of fixed turns, an offer before them included; None: there is no most."""
        return None if self.turns is None else self.turns + self.stage.offers

    @property
    def noisy(self) -> bool:
        """True when moves can slip."""
        return self.noise > 0

    @property
    def slips(self) -> bool:
        """True when a realised move can be another than was intended: slips, or moves that a mechanism blocks."""
        return self.noisy or any(state.blocked for state in self.stage.states)

    @property
    def horizon(self) -> str:
        """The horizon in words."""
        if self.turns is not None:
            return f"{self.turns} turn{'s' if self.turns != 1 else ''}"
        if self.continuation is not None:
            return f"continuation {self.continuation}"  # every digit: 0.9999999 is not 1
        return "limit of means"


def conditions(rules: Rules | None) -> Rules:
    """`rules`, or the standard ones for None; ValueError for anything else."""
    if rules is None:
        return Rules()
    if not isinstance(rules, Rules):
        raise ValueError(f"rules: expected Rules, got {rules!r}")
    return rules


def refuse_states(rules: Rules) -> None:
    """Raise ValueError for mechanisms that keep a state of a pair: a society is not played pair by pair."""
    if not rules.stage.plain:
        raise ValueError(
            "mechanisms: expected those that keep no state of a pair, such as fine or escrow, in a society, which is "
            f"not played pair by pair, got {', '.join(map(str, rules.mechanisms))}"
        )


def _number(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ValueError(f"{field}: expected a number, got {value!r}")
    return float(value)
