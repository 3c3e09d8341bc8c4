"""Where a mutant can stand against a resident: the resident's state, and the state of the pair beside it.

Both follow from the realised moves, so both are public, and a mutant of any memory knows them. In a plain game a
position is a state of the resident; where mechanisms keep a state of the pair (`engine.stage`) it is one of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.game import SWAP, Rules
from engine.stage import MOVES
from genomes.automaton import Automaton

MAX_POSITIONS = 2**18
"""Positions that are looked at."""


@dataclass(frozen=True, eq=False)
class Positions:
    """The positions p that play can reach, the first turn's first.

    `own` ``(p,)``: the resident's state. `pair` ``(p,)``: the state of the pair, seen by the mutant. `following`
    ``(p, 4)``: the next position by the mutant's joint move. `may` ``(p, 2)``: whether a D of the mutant, of the
    resident, is executed. `counted` ``(p,)``: False where an offer is made before the first turn. `payoffs`
    ``(p, 4)``: of the mutant, as integers where they can be (`Stage.scaled`), 0 in a turn that does not count.
    """

    own: NDArray[np.int64]
    pair: NDArray[np.int64]
    following: NDArray[np.int32]
    may: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    payoffs: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.own)

    @classmethod
    def of(cls, resident: Automaton, rules: Rules) -> Positions:
        """The positions against a resident; ValueError for too many."""
        stage, n = rules.stage, len(resident)
        if stage.plain:
            own, pair = np.arange(n), np.zeros(n, np.int64)
            following = resident.successors[:, SWAP]
        else:
            reached, table = _reached(resident, rules)
            own, pair = np.array(reached, np.int64).T
            following = np.array(table, np.int32)
        may, their = (one.astype(np.bool_) for one in stage.machine[:2])
        outcome = stage.outcome[pair]
        values = np.array(stage.scaled[0])
        return cls(
            own=own,
            pair=pair,
            following=following,
            may=np.stack([may[pair], their[pair]], axis=1),
            counted=np.array([state.counted for state in stage.states])[pair],
            payoffs=np.where(outcome >= 0, values[outcome], 0.0),
        )


def _reached(resident: Automaton, rules: Rules) -> tuple[list[tuple[int, int]], list[list[int]]]:
    """Resident's and pair's states that can be met, and the next ones by joint move (0 where it cannot happen)."""
    stage = rules.stage
    may, their, step, _ = (one.tolist() for one in stage.machine)
    successors = resident.successors.tolist()
    plays = [
        ((rules.noisy or c > 0), (rules.noisy or d > 0))
        for c, d in zip(resident.cooperate.tolist(), resident.defect.tolist(), strict=True)
    ]
    number = {(0, 0): 0}
    reached, table = [(0, 0)], []
    for s, e in reached:  # grows while it is read
        row = []
        for j, (x, y) in enumerate(MOVES):
            allowed = may[e] or not x
            happens = (plays[s][y] if their[e] else not y) and allowed
            if not happens:
                row.append(0)
                continue
            after = successors[s][SWAP[j]], step[4 * e + j]
            if after not in number:
                if len(reached) == MAX_POSITIONS:
                    raise ValueError(
                        f"resident: expected at most {MAX_POSITIONS} states of it and of the pair together, got more"
                    )
                number[after] = len(reached)
                reached.append(after)
            row.append(number[after])
        table.append(row)
    return reached, table
