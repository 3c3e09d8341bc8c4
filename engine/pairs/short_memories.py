"""Round robins of lookup genomes that remember at most three turns, without noise: the case that evolution is full of.

A genome becomes four words (`engine.pairs.word_kernels`), and genomes that play alike the same ones, so nothing is
minimised and no automaton made. Sums are whole numbers: they are the bits that every other way gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.pairs.threads import block_ranges, in_order
from genomes.lookup import LookupGenome, cooperation, history_structure
from genomes.strategy import Strategy

MEMORY = 3
"""Longest memory in turns."""

EXACT = 2**53
"""Floats below are whole numbers, all of them: so many turns of all that one individual meets are added exactly."""

BLOCK_MEETINGS = 2**20
"""Meetings in one block of rows, the unit of work of a thread."""

SECONDS = 1e-8
"""Rough cost of a meeting: only decides whether to use threads."""


_NO_MATRIX = np.empty((0, 0))


@dataclass(frozen=True)
class ShortMemories:
    """The distinct behaviours of some genomes, in the order in which they are met.

    `index`: ``(genomes,)`` the behaviour of each. `words`: ``(4, d)``.
    """

    index: NDArray[np.int64]
    words: NDArray[np.uint64]

    def __len__(self) -> int:
        return int(self.words.shape[1])

    def meet(
        self,
        weights: NDArray[np.float64],
        kin: NDArray[np.float64],
        rules: Rules,
        *,
        matrix: bool,
        workers: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Joint moves ``(d, 4)`` of an individual of each behaviour in its meetings with everybody, and payoffs.

        `weights`: ``(d,)`` individuals of each behaviour. `kin`: how many of its kind an individual meets. Payoffs
        ``(d, d)`` of row against column a turn, where the `matrix` is asked for.
        """
        assert rules.turns is not None
        payoffs = np.empty((len(self), len(self))) if matrix else _NO_MATRIX
        values, scale = rules.stage.scaled
        sums = self._played(weights, kin, rules.turns, values, scale * rules.turns, payoffs, workers)
        own, theirs, both = sums.astype(np.float64)
        met = (weights.sum() - weights + kin) * rules.turns
        totals = np.stack([met - own - theirs + both, theirs - both, own - both, both], axis=1)
        return totals, payoffs if matrix else None

    def cooperation(self, turns: int) -> NDArray[np.float64]:
        """Share of turns in which the row cooperates with the column, ``(d, d)``."""
        shares, nobody = np.empty((len(self), len(self))), np.zeros(len(self))
        self._played(nobody, nobody, turns, (1.0, 1.0, 0.0, 0.0), float(turns), shares, 1)
        return shares

    def _played(
        self,
        weights: NDArray[np.float64],
        kin: NDArray[np.float64],
        turns: int,
        values: tuple[float, ...],
        scale: float,
        matrix: NDArray[np.float64],
        workers: int,
    ) -> NDArray[np.uint64]:
        """Weighted D by each, by those it meets, and by both, ``(3, d)``; `values` over `scale` in the `matrix`."""
        from engine.pairs.word_kernels import LANES, short_sums

        d = len(self)
        words, many, of_kind = np.zeros((4, d + LANES), np.uint64), *np.zeros((2, d + LANES), np.uint64)
        words[:, :d], many[:d], of_kind[:d] = self.words, weights, kin
        sums = np.zeros((3, d), np.uint64)

        def play(first: int, end: int) -> NDArray[np.uint64]:
            found = np.zeros((3, d + LANES), np.uint64)
            short_sums(words, many, of_kind, first, end, turns, np.array(values), scale, found, matrix)
            return found[:, :d]

        def keep(first: int, end: int, found: NDArray[np.uint64]) -> None:
            np.add(sums, found, out=sums)

        ranges = block_ranges(d, max(LANES, BLOCK_MEETINGS // d), workers)
        in_order(play, keep, ranges, workers=workers, seconds=SECONDS * d * d / 2)
        return sums


def as_words(players: Sequence[Strategy], individuals: int, rules: Rules) -> ShortMemories | None:
    """The behaviours of `players`, where all are pure genomes of short memory and the game is played as it is made for.

    None where it is not: with noise, without a fixed number of turns, where mechanisms keep a state of the pair, or
    where the turns of all `individuals` are too many for a float.
    """
    if rules.turns is None or rules.noisy or not rules.stage.plain or rules.turns * individuals >= EXACT:
        return None
    memories: dict[tuple[int, int], list[int]] = {}
    genomes: list[LookupGenome] = []
    for k, player in enumerate(players):
        if not isinstance(player, LookupGenome) or not player.deterministic or player.z:
            return None  # z: the opponent's opening moves are never forgotten
        if max(player.x, player.y) > MEMORY:
            return None
        genomes.append(player)
        memories.setdefault((player.x, player.y), []).append(k)
    from engine.pairs.word_kernels import remember_short

    words = np.empty((4, len(genomes)), np.uint64)
    for (x, y), here in memories.items():
        structure = history_structure(x, y)
        defect = 1.0 - cooperation([genomes[k] for k in here])
        first = np.arange(len(here)) * len(structure)
        of_these = np.empty((4, len(here)), np.uint64)
        remember_short(np.zeros_like(first), first, defect.ravel(), structure, of_these)
        words[:, here] = of_these
    number: dict[tuple[int, int], int] = {}
    played = zip(words[0].tolist(), words[1].tolist(), strict=True)
    index = np.array([number.setdefault(pair, len(number)) for pair in played])
    once = np.empty(len(number), np.int64)
    once[index[::-1]] = np.arange(len(index) - 1, -1, -1)
    return ShortMemories(index, words[:, once])
