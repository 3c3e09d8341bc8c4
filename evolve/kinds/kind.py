"""What evolution asks of a kind of genomes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from evolve.experiment.section import Section
from genomes import catalogue

if TYPE_CHECKING:
    from engine.stability.certificates import BestResponse
    from evolve.experiment.sections import VariationSection

Genome = Any
"""A genome of an experiment's kind: immutable, hashable, with text that reads back exactly."""


class Kind(Section):
    """`[genome]`: what evolves.

    `pair_only` says everywhere that the rules are those of the IPD, where nobody sees third parties.
    """

    kind: str

    adversaries: ClassVar[tuple[str, ...]]
    """Named strategies in an adversarial panel of mutants. Part of a law with a version (`evolve.invasion.laws`): a
    new name in the catalogue does not join them."""

    @property
    @abstractmethod
    def longest(self) -> int:
        """Characters of a genome as text, at most."""

    @abstractmethod
    def mistakes(self, pair_only: bool) -> list[str]:
        """What contradicts the rules, as ``key: expected ..., got ...``."""

    @abstractmethod
    def unsaid(self, pair_only: bool) -> set[str]:
        """Keys that say no more than was true before they existed: they are no part of a run's identity."""

    @abstractmethod
    def seed(self, spec: str, pair_only: bool, slips: bool) -> Genome:
        """The genome that a name or a text stands for; ValueError where it has none of this kind.

        It plays alike, where realised moves can be others than intended (`slips`) after those too.
        """

    def joint_states(self) -> int | None:
        """How many joint states a meeting of two such genomes can have; None where they are few or not known."""
        return None

    def named(self, pair_only: bool, slips: bool) -> dict[str, Genome]:
        """Every named strategy that has a genome of this kind, however large, in the order of the catalogue."""
        found: dict[str, Genome] = {}
        for name in catalogue.names():
            try:
                found[name] = self.seed(name, pair_only, slips)
            except ValueError:  # not of this kind
                continue
        return found

    @abstractmethod
    def filled(self, genome: Genome) -> Genome:
        """A genome that plays alike and has all the entries of this kind, so that all of it can mutate."""

    @abstractmethod
    def random(self, n: int, rng: np.random.Generator, *, pair_only: bool) -> list[Genome]:
        """`n` random genomes."""

    @abstractmethod
    def mutate(
        self,
        genomes: Sequence[Genome],
        rng: np.random.Generator,
        *,
        variation: VariationSection,
        pair_only: bool,
    ) -> list[Genome]:
        """A mutant of every genome; a genome that no change hit is returned itself."""

    @abstractmethod
    def mate(
        self, first: Sequence[Genome], second: Sequence[Genome], rng: np.random.Generator, *, pair_only: bool
    ) -> list[Genome]:
        """One child of every pair of parents."""

    @abstractmethod
    def single_step(self, genome: Genome) -> float:
        """The mutation probability at which a genome changes in one place on average."""

    @abstractmethod
    def complexity(self, genome: Genome, states: int) -> int:
        """What parsimony charges for: `states` is the size of the genome's canonical automaton."""

    @abstractmethod
    def response(self, best: BestResponse) -> Genome | None:
        """A best response as a genome of this kind, where it can be written as one."""
