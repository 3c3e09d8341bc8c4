"""What a strategy is to everybody who plays it: the protocols that genomes, named strategies and players meet.

A strategy is given as a genome, a name or a text (`StrategyLike`), and becomes a `Strategy` once, where it comes in,
by `genomes.reading.resolve`.
"""

from __future__ import annotations

from typing import Protocol, TypeGuard, TypeVar

from genomes.automaton import Automaton
from genomes.group import GroupGenome
from genomes.lookup import LookupGenome


class Player(Protocol):
    """A strategy written in plain Python: slow, for teaching and as an opponent.

    `reset` is called before a meeting, then `move` and `observe` in turn; moves are 0 = C and 1 = D. A player that
    draws its moves says so with an attribute ``chance = True``, and is then sampled, never called exact.
    """

    def reset(self) -> None:
        """Forget everything: a new meeting begins."""

    def move(self) -> int:
        """The next move: 0 = C or 1 = D."""

    def observe(self, own: int, opponent: int) -> None:
        """What both have really played in this turn, slips included."""


class Compiled(Protocol):
    """A strategy that is an automaton, at least within a number of turns: every genome is one."""

    def automaton(self, turns: int | None = None) -> Automaton: ...


Strategy = Compiled | Player
"""What plays."""

StrategyLike = Strategy | GroupGenome | str
"""How a strategy may be given: a genome, an automaton, a catalogue name, its text, or a player in plain Python.

A group's genome is refused by what plays in pairs and societies, with the reason.
"""

OneOfStrategies = TypeVar("OneOfStrategies", bound=StrategyLike)
"""The same where strategies are the keys of a mapping."""


def is_compiled(strategy: Strategy) -> TypeGuard[Compiled]:
    """True for what plays as an automaton; False for a Python player and a formula that looks at third parties."""
    if isinstance(strategy, LookupGenome):
        return True
    return hasattr(strategy, "automaton") and getattr(strategy, "pair_only", True)
