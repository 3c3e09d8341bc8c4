"""Lookup tables as a kind of genomes that evolves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from evolve.kinds.kind import Kind
from genomes import catalogue
from genomes.lookup import MAX_MEMORY, LookupGenome
from genomes.reading import resolve
from genomes.variation.lookups import cross_lookups, mutate_lookups, random_lookups

if TYPE_CHECKING:
    from engine.stability.certificates import BestResponse
    from evolve.experiment.sections import VariationSection

LONGEST_PROBABILITY = 64
"""Characters of a probability in a genome's text, with room to spare: a float has 24."""


class Lookups(Kind):
    """Kind "lookup": memory(x,y) tables, or memory(x,y,z) with the opponent's first z moves."""

    kind: Literal["lookup"] = "lookup"
    x: Annotated[int, Field(ge=0, le=MAX_MEMORY)] = 3
    y: Annotated[int, Field(ge=0, le=MAX_MEMORY)] = 3
    z: Annotated[int, Field(ge=0, le=MAX_MEMORY)] = 0
    stochastic: bool = False

    adversaries = ("all_c", "all_d", "tit_for_tat", "mistrust", "spiteful", "pavlov")

    @model_validator(mode="after")
    def _memory(self) -> Self:
        if self.x + self.y + self.z > MAX_MEMORY:
            names, got = ("x + y + z", f" + {self.z}") if self.z else ("x + y", "")
            raise ValueError(f"expected {names} <= {MAX_MEMORY}, got {self.x} + {self.y}{got}")
        return self

    @property
    def longest(self) -> int:
        entries = max(self.x, self.y, self.z) + (1 << self.x + self.y + self.z)
        return 20 + entries * (LONGEST_PROBABILITY if self.stochastic else 1)

    def joint_states(self) -> int:
        """What both remember of both."""
        return int(4 ** max(self.x, self.y))

    def mistakes(self, pair_only: bool) -> list[str]:
        return []

    def unsaid(self, pair_only: bool) -> set[str]:
        return set() if self.z else {"z"}

    def seed(self, spec: str, pair_only: bool, slips: bool) -> LookupGenome:
        entry = catalogue.find(spec)
        genome = resolve(spec) if entry is None else entry.table
        if not isinstance(genome, LookupGenome):
            raise ValueError(
                f"expected a lookup genome or the name of one, got {spec!r}, which has no reply table"
            )
        if not genome.deterministic and not self.stochastic:
            raise ValueError(
                f"expected pure moves (or genome.stochastic = true), got {spec!r}, which has probabilities"
            )
        return genome

    def filled(self, genome: LookupGenome) -> LookupGenome:
        if any(genome.memory):
            return genome
        x, y, z = self.x, self.y, self.z
        move = genome.replies[0]
        return LookupGenome(x, y, (move,) * max(x, y, z), (move,) * 2 ** (x + y + z), z)

    def random(self, n: int, rng: np.random.Generator, *, pair_only: bool) -> list[LookupGenome]:
        return random_lookups(n, self.x, self.y, self.stochastic, rng, self.z)

    def mutate(
        self,
        genomes: Sequence[LookupGenome],
        rng: np.random.Generator,
        *,
        variation: VariationSection,
        pair_only: bool,
    ) -> list[LookupGenome]:
        return mutate_lookups(genomes, variation.mutation, variation.sigma, self.stochastic, rng)

    def mate(
        self,
        first: Sequence[LookupGenome],
        second: Sequence[LookupGenome],
        rng: np.random.Generator,
        *,
        pair_only: bool,
    ) -> list[LookupGenome]:
        return cross_lookups(first, second, rng)

    def single_step(self, genome: LookupGenome) -> float:
        return 1.0 / (len(genome.opening) + len(genome.replies))

    def complexity(self, genome: LookupGenome, states: int) -> int:
        return states

    def response(self, best: BestResponse) -> LookupGenome | None:
        return best.genome
