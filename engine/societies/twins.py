"""How many players of each strategy have to be played, so that the play of all is known exactly.

Without noise and chance the players of one strategy are twins: exchanging two of them changes nothing. So
D(x,y,t) is a function of the strategies of x and y and of whether x is y; the question is how many twins it
takes to find it.

Quantifiers over *all* players: one of each strategy. The language has no equality and the diagonal D(x,x,t) is
computed by the same rule, so that D(x,y,t) = D(x',y',t) whenever x, x' and y, y' have the same strategies, x = y
included (induction over rounds and over the formula: whatever a variable may be is matched by its twin).

Quantifiers over *others*, all but r and c: now it matters whether r and c have twins, as a twin of c is a third
party. Let q be the most player variables bound inside each other in the formula of r's strategy a. Then
min(n_b, q + 1) players of every other strategy b, and min(n_a, q + 2) of its own, decide as n_b and n_a do. By
induction over rounds, relations of the large society L and the small one S agree as functions of strategies and
identity. In a round, match r and c of L with players of S of the same strategies, equal where r = c. Whenever a
quantifier of the formula names a player z of L who is none of r and c, S has an answer: the match of z when z is
named already, else a player of z's strategy who is not named. There is one: of a strategy b other than a at most
c and q - 1 variables are named, q in all, and of a itself r too. If S has all n_b players it has as many unnamed
ones as L; otherwise it has one more than can be named. The same holds from S to L, and for rounds, which are the
same in both. So atoms, and with them phi(r,c), agree (an Ehrenfeucht-Fraisse game of q moves on players). QED.
A formula without player quantifiers decides alike about a twin and about itself, so there one is enough.

The bounds are tight: with q = 1, ``exists j. D(c,j,p)`` tells one player of another strategy from two, and two
of its own kind from three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Quantifiers


def most_played(strategies: Sequence[Any], quantifiers: Quantifiers) -> NDArray[np.int64]:
    """Of each strategy in a society of these, the number of players beyond which more change nothing, ``(k,)``."""
    depth = [s.player_variables if isinstance(s, FormulaGenome) else 0 for s in strategies]
    if quantifiers == "all" or not any(depth):
        return np.ones(len(depth), np.int64)
    looking = [(a, q) for a, q in enumerate(depth) if q]
    return np.array([max(q + 1 + (a == b) for a, q in looking) for b in range(len(depth))])


def players(most: NDArray[np.int64], counts: Sequence[Any] | NDArray[Any]) -> NDArray[np.int64]:
    """How many of each strategy are played, ``(k,)``, for these numbers of players and `most_played`.

    Real numbers count as the next whole one: where 1.5 players meet each other there are two.
    """
    return np.array([min(math.ceil(n), m) for n, m in zip(counts, most.tolist(), strict=True)], np.int64)
