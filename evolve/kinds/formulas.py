"""Formulas of Ord's language as a kind of genomes that evolves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from evolve.kinds.kind import Kind
from genomes import catalogue
from genomes.formula.genome import FormulaGenome
from genomes.reading import resolve

if TYPE_CHECKING:
    from engine.stability.certificates import BestResponse
    from evolve.experiment.sections import VariationSection

LONGEST_NODE = 32
"""Characters of a formula's node as text, its parentheses and spaces included; the longest is a quantifier's."""


class Formulas(Kind):
    """Kind "formula": Ord's language; formulas about two players alone where the rules are the IPD's."""

    kind: Literal["formula"] = "formula"
    max_complexity: Annotated[int, Field(ge=1, le=100)] = 15
    diagonal: bool = False

    adversaries = (
        "all_c",
        "all_d",
        "tit_for_tat",
        "mistrust",
        "pavlov",
        "grim",
        "absolutist",
        "suspicious_absolutist",
        "bully",
        "spiteful_bully",
        "forgiving_bully",
        "police",
        "vulture",
    )

    @property
    def longest(self) -> int:
        return 20 + self.max_complexity * LONGEST_NODE

    def mistakes(self, pair_only: bool) -> list[str]:
        wrong = self.diagonal and pair_only
        return ["diagonal: expected false with rules.play = 'ipd', got true"] if wrong else []

    def unsaid(self, pair_only: bool) -> set[str]:
        return {"diagonal"} if self.diagonal or pair_only else set()

    def seed(self, spec: str, pair_only: bool, slips: bool) -> FormulaGenome:
        entry = catalogue.find(spec)
        formula = resolve(spec) if entry is None else entry.formula
        if not isinstance(formula, FormulaGenome):
            raise ValueError(f"expected a formula or the name of one, got {spec!r}, which has none")
        if formula.complexity > self.max_complexity:
            raise ValueError(
                f"expected at most genome.max_complexity = {self.max_complexity} nodes, "
                f"got {spec!r} with {formula.complexity}"
            )
        if pair_only and not formula.pair_only:
            raise ValueError(f"expected a formula about r and c alone (or rules.play = 'sipd'), got {spec!r}")
        return formula

    def named(self, pair_only: bool, slips: bool) -> dict[str, FormulaGenome]:
        return super(Formulas, self.model_copy(update={"max_complexity": 100})).named(pair_only, slips)

    def filled(self, genome: FormulaGenome) -> FormulaGenome:
        return genome

    def random(self, n: int, rng: np.random.Generator, *, pair_only: bool) -> list[FormulaGenome]:
        from genomes.variation import formulas  # DEAP's genetic programming: only when needed

        return formulas.random_formulas(n, rng, self._law(pair_only))

    def mutate(
        self,
        genomes: Sequence[FormulaGenome],
        rng: np.random.Generator,
        *,
        variation: VariationSection,
        pair_only: bool,
    ) -> list[FormulaGenome]:
        from genomes.variation import formulas

        return formulas.mutate_formulas(genomes, variation.mutation, rng, self._law(pair_only))

    def mate(
        self,
        first: Sequence[FormulaGenome],
        second: Sequence[FormulaGenome],
        rng: np.random.Generator,
        *,
        pair_only: bool,
    ) -> list[FormulaGenome]:
        from genomes.variation import formulas

        return formulas.cross_formulas(first, second, rng, self._law(pair_only))

    def _law(self, pair_only: bool) -> Any:
        from genomes.variation.formulas import FormulaVariation

        return FormulaVariation(self.max_complexity, pair_only, self.diagonal)

    def single_step(self, genome: FormulaGenome) -> float:
        return 1.0

    def complexity(self, genome: FormulaGenome, states: int) -> int:
        return genome.complexity

    def response(self, best: BestResponse) -> FormulaGenome | None:
        try:
            return None if best.name is None else self.seed(best.name, True, best.rules.slips)
        except ValueError:
            return None
