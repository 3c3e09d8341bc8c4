"""The kinds of genomes that evolve: ONE class a kind, with all that evolution asks of it.

A kind is the section `[genome]` of an experiment's file, so its keys are fields. To add one: its class below (what
it leaves out is an error when it is used), and its place in `KINDS`. The genome itself is a file in `genomes`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Field, Tag, model_validator

from evolve.experiment.section import Section
from genomes import catalogue
from genomes.counting import CountingStrategy
from genomes.formula.genome import FormulaGenome
from genomes.group import NAMED, GroupGenome, group_strategy
from genomes.lookup import MAX_MEMORY, LookupGenome
from genomes.machine import MAX_STATES, MachineGenome, plays_alike
from genomes.reading import resolve
from genomes.strategy import is_compiled
from genomes.variation.lookups import cross_lookups, mutate_lookups, random_lookups
from genomes.variation.machines import cross_machines, mutate_machines, random_machines

if TYPE_CHECKING:
    from engine.stability.certificates import BestResponse
    from evolve.experiment.sections import VariationSection

Genome = Any
"""A genome of an experiment's kind: immutable, hashable, with text that reads back exactly."""

LONGEST_PROBABILITY = 64
"""Characters of a probability in a genome's text, with room to spare: a float has 24."""

LONGEST_NODE = 32
"""Characters of a formula's node as text, its parentheses and spaces included; the longest is a quantifier's."""


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


KINDS: dict[str, type[Kind]] = {
    kind.model_fields["kind"].default: kind for kind in (Lookups, Formulas, Machines, Groups)
}
"""Every kind by its name in the file; the first is the default."""


def kind_of(genome: Any) -> str:
    """The name of the kind that a section, as read or as checked, says it is of."""
    default = next(iter(KINDS))
    found = genome.get("kind", default) if isinstance(genome, dict) else getattr(genome, "kind", default)
    return found if isinstance(found, str) else repr(found)


if TYPE_CHECKING:
    GenomeSection = Kind
else:
    _tagged = [Annotated[kind, Tag(name)] for name, kind in KINDS.items()]
    GenomeSection = Annotated[reduce(or_, _tagged), Discriminator(kind_of)]
"""The type of the section `[genome]`."""
