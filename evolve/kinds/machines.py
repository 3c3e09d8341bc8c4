"""Finite state machines as a kind of genomes that evolves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from evolve.kinds.kind import Kind
from genomes import catalogue
from genomes.counting import CountingStrategy
from genomes.machine import MAX_STATES, MachineGenome, plays_alike
from genomes.reading import resolve
from genomes.strategy import is_compiled
from genomes.variation.machines import cross_machines, mutate_machines, random_machines

if TYPE_CHECKING:
    from engine.stability.certificates import BestResponse
    from evolve.experiment.sections import VariationSection


class Machines(Kind):
    """Kind "machine": finite state machines that see the opponent's moves."""

    kind: Literal["machine"] = "machine"
    states: Annotated[int, Field(ge=1, le=MAX_STATES)] = 8
    max_states: Annotated[int, Field(ge=1, le=MAX_STATES)] = 16

    adversaries = ("all_c", "all_d", "tit_for_tat", "mistrust", "grim", "tf2t")

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.states > self.max_states:
            raise ValueError(
                f"genome.states: expected at most genome.max_states = {self.max_states}, got {self.states}"
            )
        return self

    @property
    def longest(self) -> int:
        return 40 + self.max_states * (3 + 2 * len(str(self.max_states)))

    def joint_states(self) -> int:
        """The product of both."""
        return self.states**2

    def mistakes(self, pair_only: bool) -> list[str]:
        return []

    def unsaid(self, pair_only: bool) -> set[str]:
        return set()

    def seed(self, spec: str, pair_only: bool, slips: bool) -> MachineGenome:
        entry = catalogue.find(spec)
        found = resolve(spec) if entry is None else entry.strategy
        if not is_compiled(found) or isinstance(found, CountingStrategy):
            raise ValueError(f"expected a strategy of finitely many states, got {spec!r}")
        automaton = found.automaton()
        if not automaton.deterministic:
            raise ValueError(f"expected pure moves, got {spec!r}, which has probabilities")
        genome = found if isinstance(found, MachineGenome) else MachineGenome.of(automaton)
        if len(genome) > self.max_states:
            raise ValueError(
                f"expected at most genome.max_states = {self.max_states} states, got {spec!r} with {len(genome)}"
            )
        if slips and not plays_alike(genome, automaton, noisy=True):
            raise ValueError(
                f"expected a strategy that sees the opponent's moves alone, since moves slip, got {spec!r}, which "
                f"reads its own"
            )
        return genome

    def filled(self, genome: MachineGenome) -> MachineGenome:
        return genome.grown(self.states)

    def random(self, n: int, rng: np.random.Generator, *, pair_only: bool) -> list[MachineGenome]:
        return random_machines(n, self.states, rng)

    def mutate(
        self,
        genomes: Sequence[MachineGenome],
        rng: np.random.Generator,
        *,
        variation: VariationSection,
        pair_only: bool,
    ) -> list[MachineGenome]:
        return mutate_machines(genomes, variation.mutation, self.max_states, rng)

    def mate(
        self,
        first: Sequence[MachineGenome],
        second: Sequence[MachineGenome],
        rng: np.random.Generator,
        *,
        pair_only: bool,
    ) -> list[MachineGenome]:
        return cross_machines(first, second, rng)

    def single_step(self, genome: MachineGenome) -> float:
        return 1.0 / (4 * len(genome) + 3)

    def complexity(self, genome: MachineGenome, states: int) -> int:
        return states

    def response(self, best: BestResponse) -> MachineGenome | None:
        if best.strategy is None:
            return None
        try:
            genome = MachineGenome.of(best.strategy)
        except ValueError:  # too many states
            return None
        alike = plays_alike(genome, best.strategy, noisy=best.rules.slips)
        return genome if alike and len(genome) <= self.max_states else None
