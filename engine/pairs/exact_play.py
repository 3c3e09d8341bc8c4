"""Exact meetings of many behaviours, whatever is left to chance: each pair is played by the method made for it.

`engine.pairs.methods` holds the methods and chooses them once for a set of behaviours and rules.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.pairs.behaviours import Behaviours


class ExpectedPlay:
    """Expected joint moves between behaviours, or outcomes where mechanisms keep a state (`engine.stage`).

    A count is the expected number of turns with each of them (fixed turns; whole numbers where nothing is
    left to chance), or its frequency (continuation probability, limit of means).
    """

    def __init__(self, behaviours: Behaviours, rules: Rules) -> None:
        from engine.pairs.methods import exact_methods

        self.behaviours, self.rules = behaviours, rules
        self.total = float(rules.turns) if rules.turns is not None else 1.0
        """What the counts of one meeting add up to."""
        self._methods = exact_methods(behaviours, rules)

    def seconds(self, meetings: int) -> float:
        """Rough time that so many meetings take."""
        return meetings * max((method.seconds for method in self._methods), default=0.0)

    def pair(self, i: int, j: int) -> NDArray[np.float64]:
        """Counts ``(o,)`` of behaviour `i` with `j`, seen by `i`."""
        low, high = min(i, j), max(i, j)
        to_play = np.arange(len(self.behaviours)) == high  # nobody else, and not `low` with itself
        counts: NDArray[np.float64] = self.rows(low, low + 1, to_play)[0, high]
        return counts if i == low else counts[self.rules.stage.swap]

    def rows(
        self, first: int, last: int, to_play: NDArray[np.bool_] | None = None, *, chance: bool = True
    ) -> NDArray[np.float64]:
        """Counts ``(last - first, d, o)`` of behaviours `first` .. `last` - 1 with those at or after them.

        Only pairs in which one is `to_play` ``(d,)`` are played (all when left out), the others stay 0;
        ``chance=False`` leaves out the meetings in which chance has a part.
        """
        d = len(self.behaviours)
        block = np.zeros((last - first, d, self.rules.stage.outcomes))
        rows = np.arange(first, last)
        if to_play is None:
            to_play = np.ones(d, np.bool_)
        for method in self._methods:
            if chance or not method.chance:
                method.play(rows, to_play, block)
        return block

    def own_kind(self) -> NDArray[np.float64]:
        """Counts ``(d, o)`` of every behaviour with itself, those of both sides alike to the last bit."""
        from engine.pairs.methods import own_kind

        return own_kind(self.behaviours, self.rules)
