"""Meetings played by chance, a number of times: where the exact expectation has too many states, or as an oracle.

The stream of a meeting belongs to the pair of behaviours and a seed, so it does not depend on who else takes part, on
the order, or on the worker.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.pairs.behaviours import Behaviours
from engine.pairs.exact_play import ExpectedPlay
from engine.pairs.meetings import play_once
from genomes.strategy import Strategy

TURNS_PER_SECOND = 2e7
"""Rough speed of a sampled meeting between automata."""


def sample(
    pair: tuple[Strategy, Strategy], identity: bytes, rules: Rules, repeats: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean counts ``(o,)`` of so many meetings and the squared standard errors of both payoffs ``(2,)``.

    `identity` names the pair: the first 64 bytes choose its stream.
    """
    words = np.frombuffer(identity.ljust(64, b"\0")[:64], np.uint32)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(words.tolist())))
    stage = rules.stage
    counts = np.zeros((repeats, stage.outcomes))
    for n in range(repeats):
        counts[n] = stage.counted(play_once(*pair, rules, rng))
    if rules.continuation is not None:  # sums of meetings of random length: expectation 1 / (1 - d)
        counts *= 1.0 - rules.continuation
    total = float(rules.turns) if rules.turns is not None else 1.0
    earned = np.stack(
        [stage.mean_payoff(counts, total), stage.mean_payoff(counts[:, stage.swap], total)], axis=1
    )
    return counts.mean(axis=0), earned.var(axis=0, ddof=1) / repeats


class SampledPlay:
    """Means of `repeats` meetings between behaviours, from a seed; meetings without chance are exact.

    It stands in for `ExpectedPlay`: the same counts, with an error. `squares` ``(d, d)`` is filled while it plays: the
    squared standard error of the row's mean payoff per turn with the column.
    """

    def __init__(self, behaviours: Behaviours, rules: Rules, repeats: int, seed: int) -> None:
        self.behaviours, self.rules, self.repeats, self.seed = behaviours, rules, repeats, seed
        d = len(behaviours)
        self.squares = np.zeros((d, d))
        self._chance = np.ones(d, np.bool_) if rules.noisy else ~behaviours.pure
        self._exact = ExpectedPlay(behaviours, rules)
        self._players = [behaviours.automaton(k) for k in range(d)]

    def seconds(self, meetings: int) -> float:
        """Rough time that so many meetings take."""
        return meetings * self.repeats * float(self.rules.turns or 200) / TURNS_PER_SECOND

    def rows(self, first: int, last: int, to_play: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Counts ``(last - first, d, o)`` of behaviours `first` .. `last` - 1 with those at or after them.

        Only pairs in which one is `to_play` ``(d,)`` are played, the others stay 0.
        """
        block = self._exact.rows(first, last, to_play, chance=False)
        for r, i in enumerate(range(first, last)):
            for k in range(i, len(self.behaviours)):
                if (to_play[i] or to_play[k]) and (self._chance[i] or self._chance[k]):
                    identity = self.behaviours.keys[i] + self.behaviours.keys[k]
                    pair = self._players[i], self._players[k]
                    block[r, k], squares = sample(pair, identity, self.rules, self.repeats, self.seed)
                    self.squares[i, k], self.squares[k, i] = squares
        return block
