"""The sections of an experiment's file, each with its keys, their defaults and their bounds.

`[genome]` has a section for each kind of genome: see `evolve.kinds`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    InstanceOf,
    PlainSerializer,
    field_validator,
    model_validator,
)

from engine.fields.declared import Field as OpponentField
from engine.fields.opponents import FieldError
from engine.game import Rules
from engine.mechanism import Mechanism
from engine.mechanisms import built, described, parse
from evolve.experiment.section import Probability, Section, one_of
from evolve.mutation import LAWS
from evolve.selection import METHODS
from evolve.updates import UPDATES
from genomes import catalogue
from genomes.formula.syntax import Quantifiers
from genomes.reading import resolve

MOST_PANEL = 2**16
"""Strategies in a panel."""

MOST_MATCHES = 10**6
"""Sampled matches of a pair."""

MOST_ENTRIES = 4096
"""Entries of a field."""

MOST_FIELD_SEEDS = 4096
"""Seeds with which an opponent that draws moves is met."""

MOST_MECHANISMS = 16
"""Mechanisms of a game."""


class GameSection(Section):
    """`[game]`: the payoffs."""

    R: float = 3.0
    S: float = 0.0
    T: float = 5.0
    P: float = 1.0


class RulesSection(Section):
    """`[rules]`: who sees what, how long a meeting lasts (one of the three), how often a move slips."""

    play: Literal["ipd", "sipd", "groups"] = "ipd"
    society: Annotated[int, Field(ge=2)] | None = None
    replicates: Annotated[int, Field(ge=1)] = 8
    turns: int | None = None
    continuation: float | None = None
    limit_of_means: bool = False
    noise: float = 0.0
    quantifiers: Quantifiers = "all"

    @model_validator(mode="after")
    def _one_horizon(self) -> Self:
        try:
            rules = Rules(
                turns=self.turns,
                continuation=self.continuation,
                limit_of_means=self.limit_of_means,
                noise=self.noise,
            )
        except ValueError as error:
            raise ValueError(f"rules.{error}") from None
        if self.play == "sipd" and rules.turns is None:
            raise ValueError(
                f"play: a society plays a fixed number of rounds; expected turns, got {rules.horizon}"
            )
        if self.play != "sipd" and self.society is not None:
            raise ValueError(f"society: expected it only with play = 'sipd', got {self.society}")
        if self.play != "sipd" and self.quantifiers != "all":
            raise ValueError(
                f"quantifiers: expected 'all' with play = {self.play!r}, got {self.quantifiers!r}"
            )
        return self


def _mechanism(value: object) -> object:
    """A mechanism from a table with its kind and its parameters, or from its text."""
    if isinstance(value, str):
        return parse(value)
    if isinstance(value, dict):
        return built(value.get("kind"), {key: one for key, one in value.items() if key != "kind"})
    return value


MechanismTables = Annotated[
    tuple[
        Annotated[InstanceOf[Mechanism], BeforeValidator(_mechanism), PlainSerializer(described)],
        ...,
    ],
    Field(max_length=MOST_MECHANISMS),
]
"""`[[mechanism]]`: what changes the game, the first first; the keys of each are fields of its class."""


class GroupSection(Section):
    """`[group]`: the game of the groups of `genome.players`, and how many of them each is in a generation."""

    kind: Literal["exhaust", "share", "thrash", "goods", "threshold"] = "share"
    quota: float | None = None
    factor: float | None = None
    needed: int | None = None
    benefit: float | None = None
    cost: float = 1.0
    fine: Annotated[float, Field(ge=0)] = 0.0
    plays: Annotated[int, Field(ge=2, le=1000)] = 10


class Seeds(Section):
    """One of `population.seeds`: a share of the first population that plays one strategy."""

    strategy: str
    share: Annotated[float, Field(gt=0, le=1)]


class PopulationSection(Section):
    """`[population]`: how many, and who is there at the start (the rest is random)."""

    size: Annotated[int, Field(ge=2, le=10**6)] = 200
    seeds: tuple[Seeds, ...] = ()

    @field_validator("seeds")
    @classmethod
    def _shares(cls, seeds: tuple[Seeds, ...]) -> tuple[Seeds, ...]:
        total = sum(seed.share for seed in seeds)
        if total > 1 + 1e-9:
            raise ValueError(f"expected shares that add up to at most 1, got {total:g}")
        return seeds


class SelectionSection(Section):
    """`[selection]`: who goes forward, and whose variants do."""

    update: Annotated[str, AfterValidator(one_of(UPDATES))] = "generational"
    survivors: Annotated[int, Field(ge=0)] | None = None
    method: Annotated[str, AfterValidator(one_of(METHODS))] = "tournament"
    tournament_size: Annotated[int, Field(ge=1)] = 3
    truncation: Annotated[float, Field(gt=0, le=1)] = 0.5
    baseline: float = 0.0
    beta: Annotated[float, Field(ge=0)] | None = None
    mutants: Annotated[int, Field(ge=1, le=10**6)] | None = None


class VariationSection(Section):
    """`[variation]`: how children differ, and how many strangers come in."""

    crossover: Probability = 0.5
    mutation: Probability = 0.02
    law: Annotated[str, AfterValidator(one_of(LAWS))] = "entries"
    strategies: Annotated[tuple[str, ...], Field(max_length=MOST_PANEL)] = ()
    sigma: Annotated[float, Field(gt=0)] = 0.1
    immigrants: Annotated[int, Field(ge=0)] = 2


class FitnessSection(Section):
    """`[fitness]`: against whom payoffs are earned, and what complexity costs."""

    opponents: Literal["population", "panel", "both", "field"] = "population"
    panel: tuple[str, ...] = ()
    panel_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    weights: tuple[Annotated[float, Field(ge=0)], ...] = ()
    sample: Annotated[int, Field(ge=2)] | None = None
    sampled: Annotated[int, Field(ge=2, le=MOST_MATCHES)] | None = None
    parsimony: Annotated[float, Field(ge=0)] = 0.0
    field: Annotated[tuple[str, ...], Field(max_length=MOST_ENTRIES)] = ()
    field_seeds: Annotated[int, Field(ge=1, le=MOST_FIELD_SEEDS)] = 5
    field_renewed: Annotated[int, Field(ge=0)] = 0
    field_weights: dict[str, Annotated[float, Field(ge=0, le=1e6)]] = Field(default_factory=dict)
    held_out: Annotated[tuple[str, ...], Field(max_length=MOST_PANEL)] = ()
    racing: bool = False
    field_digests: dict[str, str] = Field(default_factory=dict)

    OF_FIELDS: ClassVar[tuple[str, ...]] = (
        "field", "field_seeds", "field_renewed", "field_weights", "held_out", "racing", "field_digests"
    )  # fmt: skip
    """Keys that say nothing where nobody meets a field: they are no part of such a run's identity."""

    def __hash__(self) -> int:
        return hash(tuple(tuple(v.items()) if isinstance(v, dict) else v for v in self.__dict__.values()))

    @model_validator(mode="before")
    @classmethod
    def _as_it_is_here(cls, given: Any) -> Any:
        """Note what stands behind the entries of a field, where it is not noted and can be seen here.

        Where it cannot (a library that is not installed, a module that is not allowed) evaluating says so.
        """
        if not isinstance(given, dict) or not given.get("field"):
            return given
        entries = [given["field"]] if isinstance(given["field"], str) else given["field"]
        given = given | {"field": entries}
        if (
            not given.get("field_digests")
            and isinstance(entries, list | tuple)
            and len(entries) <= MOST_ENTRIES
        ):
            with suppress(FieldError):
                if all(isinstance(entry, str) for entry in entries):
                    given["field_digests"] = OpponentField.load(entries).digests
        return given

    @field_validator("panel")
    @classmethod
    def _names(cls, panel: tuple[str, ...]) -> tuple[str, ...]:
        members: list[str] = []
        for name in panel:
            members.extend(catalogue.names(name) if name in catalogue.sets() else [name])
            if len(members) > MOST_PANEL:
                raise ValueError(f"expected at most {MOST_PANEL} strategies, got {len(members)} or more")
        for name in dict.fromkeys(members):
            resolve(name)
        return tuple(members)

    @model_validator(mode="after")
    def _panel_there(self) -> Self:
        if (self.opponents == "field") != bool(self.field):
            raise ValueError(
                f"expected a field exactly when opponents is 'field', got opponents = {self.opponents!r} with "
                f"{len(self.field)} entries in the field"
            )
        if (self.opponents in ("panel", "both")) != bool(self.panel):
            raise ValueError(
                f"expected a panel exactly when opponents is 'panel' or 'both', got opponents = "
                f"{self.opponents!r} with {len(self.panel)} strategies in the panel"
            )
        if self.weights and (len(self.weights) != len(self.panel) or not sum(self.weights) > 0):
            raise ValueError(
                f"fitness.weights: expected one for each of the {len(self.panel)} strategies of the panel, not all 0, "
                f"got {len(self.weights)} with the sum {sum(self.weights):g}"
            )
        return self


class IslandsSection(Section):
    """`[islands]`: populations of `population.size` each that exchange migrants along a ring."""

    number: Annotated[int, Field(ge=1, le=4096)] = 1
    interval: Annotated[int, Field(ge=1)] = 10
    migrants: Annotated[int, Field(ge=0)] = 2
    selection: Literal["best", "random"] = "best"


class RunSection(Section):
    """`[run]`: how a run is kept; nothing here can change results.

    Where a run is computed is not said here, since files travel: an address in a colleague's file would be obeyed.
    """

    commit_every: Annotated[int, Field(ge=1)] | None = None
    checkpoint_every: Annotated[int, Field(ge=1)] = 100
    lineage: Literal["pruned", "full"] = "pruned"
