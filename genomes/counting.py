"""Strategies that count without bound, and so are no finite automaton except within a given horizon.

`CountingStrategy.automaton(turns)` unrolls the counter as far as `turns` turns can reach: exact there, and
refused where the horizon is open. The rules themselves are a few lines of plain Python each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from genomes.automaton import Automaton, Move

State = tuple[int, ...]

MAX_COUNTED_TURNS = 100_000
"""Longest horizon a counter is unrolled to: every turn adds states, a second of work in all."""


@dataclass(frozen=True)
class CountingStrategy:
    """A strategy with an unbounded memory: where it starts, what it plays, and how a joint move changes it.

    >>> len(SOFT_MAJO.automaton(turns=3))
    5
    """

    name: str
    start: State
    move: Callable[[State], Move]
    """What it plays in a state."""
    after: Callable[[State, Move, Move], State]
    """The state after (own move, opponent's move), both as realised."""

    def __str__(self) -> str:
        return self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CountingStrategy) and other.name == self.name

    def automaton(self, turns: int | None = None) -> Automaton:
        """Everything the counter can do in `turns` turns; ValueError when the horizon is open or too far."""
        if turns is None:
            raise ValueError(
                f"{self.name}: counts without bound; expected a fixed number of turns, "
                "got a continuation probability or the limit of means"
            )
        if turns > MAX_COUNTED_TURNS:
            raise ValueError(
                f"{self.name}: counts without bound; expected at most {MAX_COUNTED_TURNS} turns, got {turns}"
            )
        return _unroll(self, turns)


@lru_cache(maxsize=32)
def _unroll(strategy: CountingStrategy, turns: int) -> Automaton:
    numbers = {strategy.start: 0}
    defect: list[Move] = []
    successors: list[list[int]] = []
    level = [strategy.start]
    for turn in range(turns):
        following: list[State] = []
        for state in level:
            number = numbers[state]
            defect.append(strategy.move(state))
            row = [number] * 4  # the last turn has no sequel: any state will do
            if turn < turns - 1:
                for joint in range(4):
                    target = strategy.after(state, joint >> 1, joint & 1)  # type: ignore[arg-type]
                    if target not in numbers:
                        numbers[target] = len(numbers)
                        following.append(target)
                    row[joint] = numbers[target]
            successors.append(row)
        level = following
        if not level:
            break
    return Automaton(defect, successors)


def _majority(state: State, _own: Move, opponent: Move) -> State:
    return (state[0] + (1 if opponent == 0 else -1),)


SOFT_MAJO = CountingStrategy("soft_majo", (0,), lambda s: 1 if s[0] < 0 else 0, _majority)
"""State: how many more C than D the opponent has played; a tie cooperates."""

HARD_MAJO = CountingStrategy("hard_majo", (0,), lambda s: 1 if s[0] <= 0 else 0, _majority)
"""State: how many more C than D the opponent has played; a tie defects."""


def _gradual_after(state: State, _own: Move, opponent: Move) -> State:
    punished, defections, calm = state
    if defections:
        return (punished, defections - 1, calm)
    if calm:
        return (punished, 0, calm - 1)
    if opponent == 1:
        return (punished + 1, punished + 1, 1)
    return state


GRADUAL = CountingStrategy("gradual", (0, 0, 0), lambda s: 1 if s[1] else 0, _gradual_after)
"""State: (punishments so far, defections left of this one, turns left before it looks again).

The n-th defection it heeds is answered by n x D, then C, C. What the opponent does meanwhile is not held
against it, except on the last C: there it looks again. This reproduces the published 915 against all_d.
"""
