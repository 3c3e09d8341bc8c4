"""Tables for groups of n players as a kind of genomes that evolves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from evolve.kinds.kind import Kind
from genomes.group import NAMED, GroupGenome, group_strategy

if TYPE_CHECKING:
    from engine.stability.certificates import BestResponse
    from evolve.experiment.sections import VariationSection


class Groups(Kind):
    """Kind "group": tables for groups of n players."""

    kind: Literal["group"] = "group"
    players: Annotated[int, Field(ge=2, le=64)] = 5

    adversaries = tuple(NAMED)

    @property
    def longest(self) -> int:
        return 20 + 2 * self.players

    def mistakes(self, pair_only: bool) -> list[str]:
        return []

    def unsaid(self, pair_only: bool) -> set[str]:
        return set()

    def seed(self, spec: str, pair_only: bool, slips: bool) -> GroupGenome:
        return group_strategy(spec, self.players)

    def filled(self, genome: GroupGenome) -> GroupGenome:
        return genome

    def random(self, n: int, rng: np.random.Generator, *, pair_only: bool) -> list[GroupGenome]:
        return [self._of(row) for row in rng.integers(0, 2, (n, 2 * self.players + 1))]

    def mutate(
        self,
        genomes: Sequence[GroupGenome],
        rng: np.random.Generator,
        *,
        variation: VariationSection,
        pair_only: bool,
    ) -> list[GroupGenome]:
        hit = rng.random((len(genomes), 2 * self.players + 1)) < variation.mutation
        return [
            self._of(row ^ _defects(genome)) if row.any() else genome
            for genome, row in zip(genomes, hit, strict=True)
        ]

    def mate(
        self,
        first: Sequence[GroupGenome],
        second: Sequence[GroupGenome],
        rng: np.random.Generator,
        *,
        pair_only: bool,
    ) -> list[GroupGenome]:
        other = rng.random((len(first), 2 * self.players + 1)) < 0.5
        return [
            self._of(np.where(row, _defects(b), _defects(a)))
            for a, b, row in zip(first, second, other, strict=True)
        ]

    def single_step(self, genome: GroupGenome) -> float:
        return 1.0 / len(genome.moves)

    def complexity(self, genome: GroupGenome, states: int) -> int:
        return 1 if len(set(genome.moves)) == 1 else 2

    def response(self, best: BestResponse) -> None:
        return None

    def _of(self, defects: NDArray[Any]) -> GroupGenome:
        return GroupGenome(self.players, "".join("CD"[int(move)] for move in defects))


def _defects(genome: GroupGenome) -> NDArray[np.bool_]:
    return np.array([move == "D" for move in genome.moves])
