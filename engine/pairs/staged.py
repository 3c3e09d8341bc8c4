"""Exact play where mechanisms keep a state of the pair: the methods of `engine.pairs.methods`, with it in between.

- `StagedCyclicPlay`: nothing is left to chance, so both automata and the state are followed until they repeat;
- `StagedChainPlay`: the chain of what a pair reaches of the three is built, and a `Solution` sums it up.

An offer, which is a move before the first turn, is made first; what follows is weighed by its chance.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.game import SWAP, Rules
from engine.pairs import staged_kernels
from engine.pairs.behaviours import Behaviours
from engine.pairs.chains import joint_states, limit_of, solutions, summed
from engine.stage import MOVES


class StagedCyclicPlay:
    """Players that leave nothing to chance: whole counts of outcomes at a cost that does not depend on the turns."""

    seconds: ClassVar[float] = 2e-7
    chance: ClassVar[bool] = False

    def __init__(self, behaviours: Behaviours, rules: Rules, pure: NDArray[np.bool_]) -> None:
        self.plays, self._stage = pure, rules.stage
        self._turns = rules.turns or 0
        self._continuation = 1.0 if rules.continuation is None else rules.continuation
        self._table = np.empty(4 * len(behaviours.defect), np.uint32)
        self._start = np.empty(len(behaviours), np.uint32)
        staged_kernels.pack(
            behaviours.sizes, behaviours.defect, behaviours.successors, self._table, self._start
        )

    def play(self, rows: NDArray[np.int64], to_play: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
        """Enter the meetings in which nothing is left to chance."""
        if self.plays[rows].any():
            self._play(self._start, self.plays, rows, to_play, block)

    def kin(self, k: int) -> NDArray[np.float64]:
        """Counts ``(o,)`` of a pure behaviour with itself."""
        block, alone = np.zeros((1, 1, self._stage.outcomes)), np.ones(1, np.bool_)
        self._play(self._start[k : k + 1], alone, np.zeros(1, np.int64), alone, block)
        counts: NDArray[np.float64] = block[0, 0]
        return counts

    def _play(
        self,
        start: NDArray[np.uint32],
        plays: NDArray[np.bool_],
        rows: NDArray[np.int64],
        to_play: NDArray[np.bool_],
        block: NDArray[np.float64],
    ) -> None:
        staged_kernels.pure_rows(
            self._table,
            start,
            plays,
            rows,
            to_play,
            *self._stage.machine,
            self._stage.offers,
            self._turns,
            self._continuation,
            block,
        )


class StagedChainPlay:
    """Any two players, one pair at a time; `other`: whom the method before this one plays, ``(d,)``."""

    seconds: ClassVar[float] = 2e-5
    chance: ClassVar[bool] = True

    def __init__(self, behaviours: Behaviours, rules: Rules, other: NDArray[np.bool_]) -> None:
        self.plays = np.ones(len(behaviours), np.bool_)
        self._behaviours, self._rules, self._other = behaviours, rules, other
        self._solutions = solutions(rules)

    def play(self, rows: NDArray[np.int64], to_play: NDArray[np.bool_], block: NDArray[np.float64]) -> None:
        """Enter the meetings in which chance has a part, one by one."""
        swap = self._rules.stage.swap
        for r, i in enumerate(rows.tolist()):
            left = (to_play[i] | to_play[i:]) & ~(self._other[i] & self._other[i:])
            for k in (i + np.flatnonzero(left)).tolist():
                block[r, k] = self.counts(i, k)
            if left[0]:  # with its own kind it is alike on both sides, to the last bit
                block[r, i] = (block[r, i] + block[r, i][swap]) / 2.0

    def counts(self, i: int, k: int) -> NDArray[np.float64]:
        """Expected outcomes ``(o,)`` of behaviour `i` with `k`; ValueError where they cannot be known exactly."""
        stage = self._rules.stage
        if not stage.offers:
            return self._from(i, k, (0, 0, 0))
        a, b = self._behaviours.automaton(i), self._behaviours.automaton(k)
        e = self._rules.noise
        own, other = (
            (c * (1 - e) + d * e, d * (1 - e) + c * e)
            for c, d in ((a.cooperate[0], a.defect[0]), (b.cooperate[0], b.defect[0]))
        )
        counts = np.zeros(stage.outcomes)
        for j, (x, y) in enumerate(MOVES):
            if own[x] * other[y] > 0:
                first = int(a.successors[0, j]), int(b.successors[0, SWAP[j]]), stage.following[0][j]
                counts += own[x] * other[y] * self._from(i, k, first)
        return counts

    def _from(self, i: int, k: int, first: tuple[int, int, int]) -> NDArray[np.float64]:
        """The same from a state of both automata and of the pair on."""
        rules = self._rules
        a, b = self._behaviours.automaton(i), self._behaviours.automaton(k)
        following, chance, outcome = staged_kernels.joint_chain(
            a.defect,
            a.successors,
            a.cooperate,
            b.defect,
            b.successors,
            b.cooperate,
            rules.noise,
            *rules.stage.machine,
            np.array(first),
            limit_of(rules),
        )
        joint_states(len(following), rules, f"{len(a)} x {len(b)} x {len(rules.stage)} states")
        return summed(self._solutions, (following, chance), rules, outcome, rules.stage.outcomes)
