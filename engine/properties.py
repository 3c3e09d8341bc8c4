"""What a strategy is like, in the words of Axelrod: nice, retaliating, forgiving, exploiting, and his five patterns.

Everything is read off the automaton, exactly, as the strategy plays when nothing slips.

- nice, retaliating, forgiving: Axelrod, "The evolution of cooperation" (1984), chapter 2: never the first to defect;
  defects at once on an uncalled-for defection; cooperates after the other has defected
- the patterns: Axelrod, "The evolution of strategies in the iterated prisoner's dilemma" (1987): what most of his
  evolved memory-3 strategies had in common
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from engine.game import Rules
from engine.pairs.meetings import expected
from engine.tables import Table
from genomes import catalogue
from genomes.automaton import Automaton
from genomes.reading import label, resolve
from genomes.strategy import StrategyLike, is_compiled

HISTORY_TURNS = 60
"""How far strategies that count are unrolled."""

PATTERNS = {
    "does not rock the boat": ("CC CC CC", "C"),
    "is provocable": ("CC CC CD", "D"),
    "accepts an apology": ("DC CD CC", "C"),
    "forgets": ("CD CC CC", "C"),
    "accepts a rut": ("DD DD DD", "D"),
}
"""Axelrod's patterns: three turns, own move first, and what follows. He writes them as payoffs: TSR is DC CD CC."""


@dataclass(frozen=True)
class Traits(Table):
    """How a strategy treats others; shares and chances between 0 and 1, without slips.

    `nice`: never the first to defect, whatever its chances. `retaliating`: its chance to defect at once on a
    defection that comes out of mutual cooperation (after CC, CC, CD). `forgiving`: the share of cooperation in the long
    run towards one who did so once and cooperates ever after. `exploiting`: the share of defection in the long run
    towards all_c. `patterns`: the chance to follow each of Axelrod's `PATTERNS`, where a match begins with its three
    turns (realised, whatever it would have done itself).
    """

    nice: bool
    retaliating: float
    forgiving: float
    exploiting: float
    patterns: dict[str, float]

    @property
    def words(self) -> str:
        """The traits in a few words.

        >>> [traits(name).words for name in ("tit_for_tat", "grim", "all_c", "all_d", "mistrust")]
        ['nice, forgiving', 'nice, unforgiving', 'nice, not retaliating', 'exploiting', 'not nice, forgiving']
        """
        if not self.nice and self.exploiting >= 0.5:
            return "exploiting"
        first = "nice" if self.nice else "not nice"
        if self.retaliating < 0.5:
            return f"{first}, not retaliating"
        return f"{first}, {'forgiving' if self.forgiving >= 0.5 else 'unforgiving'}"

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a trait or pattern."""
        own = {
            "nice": float(self.nice),
            "retaliating": self.retaliating,
            "forgiving": self.forgiving,
            "exploiting": self.exploiting,
        }
        measured = own | self.patterns
        return {"trait": list(measured), "share": list(measured.values())}

    def __str__(self) -> str:
        columns = self.columns()
        rows = zip(*columns.values(), strict=True)
        return "\n".join([self.words, *(f"{trait:22}  {share:6.4f}" for trait, share in rows)])


def traits(strategy: StrategyLike) -> Traits:
    """The traits of a strategy about the pair alone; ValueError for any other.

    >>> traits("pavlov").nice, traits("pavlov").retaliating, traits("gtft").forgiving, traits("bully").exploiting
    (True, 1.0, 1.0, 1.0)
    """
    found = resolve(strategy)
    if not is_compiled(found):
        raise ValueError(f"strategy: expected one about the pair alone, got {label(strategy)}")
    return _traits(found.automaton(HISTORY_TURNS).canonical(noisy=True))


@lru_cache(maxsize=4096)
def _traits(own: Automaton) -> Traits:
    provoked = state_after(own, "CC CC CD")
    return Traits(
        nice=is_nice(own),
        retaliating=float(own.defect[provoked]),
        forgiving=_long_run(_from(own, provoked)),
        exploiting=1.0 - _long_run(own),
        patterns={
            name: float((own.defect if then == "D" else own.cooperate)[state_after(own, turns)])
            for name, (turns, then) in PATTERNS.items()
        },
    )


def is_nice(own: Automaton) -> bool:
    """Whether it is never the first to defect: it cooperates for certain as long as both have."""
    state, seen = 0, set[int]()
    while state not in seen:
        if own.defect[state] > 0:
            return False
        seen.add(state)
        state = int(own.successors[state, 0])
    return True


def state_after(own: Automaton, turns: str) -> int:
    """The state after a match that began with these joint moves, such as ``"CC CD"``: own move first."""
    state = 0
    for joint in turns.split():
        state = int(own.successors[state, 2 * "CD".index(joint[0]) + "CD".index(joint[1])])
    return state


def _from(own: Automaton, state: int) -> Automaton:
    """The same automaton that starts in another state."""
    order = np.concatenate([[state], np.delete(np.arange(len(own)), state)])
    place = np.empty(len(own), np.int32)
    place[order] = np.arange(len(own), dtype=np.int32)
    return Automaton(own.defect[order], place[own.successors[order]], own.cooperate[order])


def _long_run(own: Automaton) -> float:
    """The share of its cooperation in the long run towards all_c."""
    if not own.deterministic:
        return float(
            expected(own, catalogue.get("all_c").strategy, Rules(limit_of_means=True)).cooperation[0]
        )
    turn: dict[int, int] = {}
    moves: list[float] = []
    state = 0
    while state not in turn:
        turn[state] = len(moves)
        moves.append(float(own.cooperate[state]))
        state = int(own.successors[state, 2 * int(own.defect[state])])
    return float(np.mean(moves[turn[state] :]))
