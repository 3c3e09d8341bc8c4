"""One opponent of a field, and one real match against it.

An opponent that is not ours is asked turn by turn, slowly. What it answers depends on the realised moves alone, and on
a seed where it draws moves: that is all that the memo (`engine.fields.memo`) rests on, and what it checks.
"""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from genomes.strategy import Compiled, Player

Kind = Literal["automaton", "deterministic", "stochastic", "unusable"]
"""What an opponent is: a deterministic automaton of ours, a function of the moves it sees, such a function once its
seed is fixed, or nothing that can be met."""


class FieldError(ValueError):
    """A field that cannot be met as it was declared: it names the opponent."""


class Seeded(Player, Protocol):
    """A `Player` that is told its seed and the rules before every match; it need not use them."""

    def begin(self, seed: int | None, rules: Rules) -> None: ...


@dataclass(frozen=True)
class Opponent:
    """One member of a field.

    `entry`: what in the declaration brought it. `digest`: 16 hexadecimal digits over what it does or is made of, equal
    only for the same opponent. `slow`: it is known, or says, to take long (20 ms for 200 turns or more).
    `reads`: what it uses beside moves ("length",
    "payoffs"). `reason`: why it is unusable. `make` gives a player of it.
    """

    name: str
    entry: str
    kind: Kind
    digest: str
    slow: bool = False
    reads: tuple[str, ...] = ()
    reason: str = ""
    make: Callable[[], Player] | None = field(default=None, compare=False, repr=False)

    @property
    def chance(self) -> bool:
        """True when its moves are drawn."""
        return self.kind == "stochastic"


class AutomatonPlayer:
    """A strategy that is an automaton, asked turn by turn; `draws` are compared with its probabilities, one a turn."""

    def __init__(self, strategy: Compiled, draws: NDArray[np.float64] | None = None) -> None:
        self._strategy, self._given = strategy, draws
        self._turns = 0
        self._draws: list[float] = []

    def begin(self, seed: int | None, rules: Rules) -> None:
        """Ready for a match; draws that were not given follow from the seed."""
        if rules.turns != self._turns:
            automaton = self._strategy.automaton(rules.turns)
            self._defect: list[float] = automaton.defect.tolist()
            self._successors: list[list[int]] = automaton.successors.tolist()
            self._turns = rules.turns or 0
        if self._given is not None:
            self._draws = self._given.tolist()
        elif seed is not None:
            self._draws = np.random.RandomState(seed).rand(self._turns).tolist()
        self._state, self._turn = 0, 0

    def reset(self) -> None:
        self.begin(0, Rules())

    def move(self) -> int:
        p = self._defect[self._state]
        draw = self._draws[self._turn] if 0.0 < p < 1.0 else 0.5
        self._turn += 1
        return int(draw < p)

    def observe(self, own: int, opponent: int) -> None:
        self._state = self._successors[self._state][2 * own + opponent]


@lru_cache(maxsize=4096)
def chance_of(
    seed: int, first: bool, second: bool, rules: Rules
) -> tuple[int | None, int | None, NDArray[np.bool_]]:
    """All chance in a match with a seed: a seed for either player that draws, and ``(turns, 2)`` slips.

    Drawn as `Match` of the library Axelrod draws it, so that a match with a seed is the library's match with that seed.
    """
    drawn = np.random.RandomState(seed)
    seeds = [
        int(drawn.randint(low=0, high=2**32 - 1, dtype="uint64")) if wanted else None
        for wanted in (first, second)
    ]
    turns = rules.turns or 0
    slips = drawn.rand(turns, 2) < rules.noise if rules.noisy else np.zeros((turns, 2), np.bool_)
    slips.setflags(write=False)
    return seeds[0], seeds[1], slips


def real_match(
    first: Player, second: Player, seed: int, rules: Rules, *, chance: tuple[bool, bool] = (False, False)
) -> NDArray[np.int8]:
    """Realised moves ``(turns, 2)`` of one match; `chance` says who draws moves.

    Python's and NumPy's own random numbers are seeded from the match for those who use them, and put back; what is
    printed meanwhile is dropped.
    """
    first_seed, second_seed, slips = chance_of(seed, *chance, rules)
    flips = slips.tolist()
    moves: list[tuple[int, int]] = []
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            _begin(first, first_seed, rules)
            _begin(second, second_seed, rules)
            for slip, other_slip in flips:
                own, other = first.move(), second.move()
                if own not in (0, 1) or other not in (0, 1):
                    wrong = own if own not in (0, 1) else other
                    raise FieldError(f"expected moves 0 (C) or 1 (D), got {wrong!r}")
                a, b = int(own) ^ slip, int(other) ^ other_slip
                first.observe(a, b)
                second.observe(b, a)
                moves.append((a, b))
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002
    return np.array(moves, np.int8).reshape(-1, 2)


def _begin(player: Player, seed: int | None, rules: Rules) -> None:
    if hasattr(player, "begin"):
        cast(Seeded, player).begin(seed, rules)
    else:
        player.reset()
