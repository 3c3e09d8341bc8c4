"""An experiment: everything that decides what a run does, as a TOML file and as a value.

To add a key: a field in one of the sections below; the commented file that `evolve new` writes
(`evolve/experiment/template.toml`) explains it to the user. Whatever is not under `[run]`
(and is not the name or the number of generations) can change results, and so is part of a run's identity.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from engine.game import Game, Rules
from evolve.printable import printable, shown
from genomes import catalogue
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Quantifiers
from genomes.lookup import MAX_MEMORY, LookupGenome
from genomes.reading import resolve
from genomes.strategy import Compiled, is_compiled
from results.run.rows import Limits

LONGEST_PROBABILITY = 64
"""Characters of a probability in a genome's text, with room to spare: a float has 24."""

LONGEST_NODE = 32
"""Characters of a formula's node as text, its parentheses and spaces included; the longest is a quantifier's."""

LONGEST_BIRTH = 400
"""Bytes that a birth needs in a population besides its genome: ids, origin, fitness, behaviour."""

Probability = Annotated[float, Field(ge=0, le=1)]


class ExperimentError(ValueError):
    """A mistaken experiment: one line a mistake, each with its path, what was expected and what came."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number goes: Python takes them for 1 and 0."""
        if isinstance(value, bool) and info.field_name is not None:
            default = cls.model_fields[info.field_name].default
            if default is None or type(default) in (int, float):
                raise ValueError(f"expected a number, got {str(value).lower()}")
        return value


class GameSection(_Section):
    """`[game]`: the payoffs."""

    R: float = 3.0
    S: float = 0.0
    T: float = 5.0
    P: float = 1.0


class RulesSection(_Section):
    """`[rules]`: who sees what, how long a meeting lasts (one of the three), how often a move slips."""

    play: Literal["ipd", "sipd"] = "ipd"
    society: Annotated[int, Field(ge=2)] | None = None
    replicates: Annotated[int, Field(ge=1)] = 8
    turns: Annotated[int, Field(gt=0, lt=2**40)] | None = None
    continuation: Annotated[float, Field(ge=0, lt=1)] | None = None
    limit_of_means: bool = False
    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    quantifiers: Quantifiers = "all"

    @model_validator(mode="after")
    def _one_horizon(self) -> Self:
        rules = Rules(turns=self.turns, continuation=self.continuation, limit_of_means=self.limit_of_means)
        if self.play == "sipd" and rules.turns is None:
            raise ValueError(
                f"play: a society plays a fixed number of rounds; expected turns, got {rules.horizon}"
            )
        if self.play == "ipd" and self.society is not None:
            raise ValueError(f"society: expected it only with play = 'sipd', got {self.society}")
        if self.play == "ipd" and self.quantifiers != "all":
            raise ValueError(f"quantifiers: expected 'all' with play = 'ipd', got {self.quantifiers!r}")
        return self


class LookupSection(_Section):
    """`[genome]` of kind "lookup": memory(x,y) tables."""

    kind: Literal["lookup"] = "lookup"
    x: Annotated[int, Field(ge=0, le=MAX_MEMORY)] = 3
    y: Annotated[int, Field(ge=0, le=MAX_MEMORY)] = 3
    stochastic: bool = False

    @model_validator(mode="after")
    def _memory(self) -> Self:
        if self.x + self.y > MAX_MEMORY:
            raise ValueError(f"expected x + y <= {MAX_MEMORY}, got {self.x} + {self.y}")
        return self

    @property
    def longest(self) -> int:
        """Characters of a genome as text, at most."""
        entries = max(self.x, self.y) + (1 << self.x + self.y)
        return 20 + entries * (LONGEST_PROBABILITY if self.stochastic else 1)


class FormulaSection(_Section):
    """`[genome]` of kind "formula": Ord's language; pair-only formulas where the rules are the IPD's."""

    kind: Literal["formula"] = "formula"
    max_complexity: Annotated[int, Field(ge=1, le=100)] = 15
    diagonal: bool = False

    @property
    def longest(self) -> int:
        """Characters of a genome as text, at most."""
        return 20 + self.max_complexity * LONGEST_NODE


def _kind(genome: Any) -> Any:
    return genome.get("kind", "lookup") if isinstance(genome, dict) else getattr(genome, "kind", "lookup")


GenomeSection = Annotated[
    Annotated[LookupSection, Tag("lookup")] | Annotated[FormulaSection, Tag("formula")], Discriminator(_kind)
]
"""`[genome]`: what evolves."""


class Seeds(_Section):
    """One of `population.seeds`: a share of the first population that plays one strategy."""

    strategy: str
    share: Annotated[float, Field(gt=0, le=1)]


class PopulationSection(_Section):
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


class SelectionSection(_Section):
    """`[selection]`: who goes forward, and whose variants do."""

    update: Literal["generational", "moran"] = "generational"
    survivors: Annotated[int, Field(ge=0)] | None = None
    method: Literal["tournament", "truncation", "roulette", "stochastic_universal"] = "tournament"
    tournament_size: Annotated[int, Field(ge=1)] = 3
    truncation: Annotated[float, Field(gt=0, le=1)] = 0.5
    baseline: float = 0.0


class VariationSection(_Section):
    """`[variation]`: how children differ, and how many strangers come in."""

    crossover: Probability = 0.5
    mutation: Probability = 0.02
    sigma: Annotated[float, Field(gt=0)] = 0.1
    immigrants: Annotated[int, Field(ge=0)] = 2


class FitnessSection(_Section):
    """`[fitness]`: against whom payoffs are earned, and what complexity costs."""

    opponents: Literal["population", "panel", "both"] = "population"
    panel: tuple[str, ...] = ()
    panel_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    sample: Annotated[int, Field(ge=2)] | None = None
    parsimony: Annotated[float, Field(ge=0)] = 0.0

    @field_validator("panel")
    @classmethod
    def _names(cls, panel: tuple[str, ...]) -> tuple[str, ...]:
        members: list[str] = []
        for name in panel:
            members.extend(catalogue.names(name) if name in catalogue.sets() else [name])
        for name in members:
            resolve(name)
        return tuple(members)

    @model_validator(mode="after")
    def _panel_there(self) -> Self:
        if (self.opponents != "population") != bool(self.panel):
            raise ValueError(
                f"expected a panel exactly when opponents is 'panel' or 'both', got opponents = "
                f"{self.opponents!r} with {len(self.panel)} strategies in the panel"
            )
        return self


class IslandsSection(_Section):
    """`[islands]`: populations of `population.size` each that exchange migrants along a ring."""

    number: Annotated[int, Field(ge=1, le=4096)] = 1
    interval: Annotated[int, Field(ge=1)] = 10
    migrants: Annotated[int, Field(ge=0)] = 2
    selection: Literal["best", "random"] = "best"


class RunSection(_Section):
    """`[run]`: how a run is kept; nothing here can change results.

    Where a run is computed is not said here, since files travel: an address in a colleague's file would be obeyed.
    """

    commit_every: Annotated[int, Field(ge=1)] | None = None
    checkpoint_every: Annotated[int, Field(ge=1)] = 100
    lineage: Literal["pruned", "full"] = "pruned"


class Experiment(_Section):
    """A whole experiment; every section has defaults.

    >>> Experiment(seed=4, population={"size": 50}).population.size
    50
    """

    name: str = "experiment"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    generations: Annotated[int, Field(ge=0, le=10**9)] = 200
    game: GameSection = GameSection()
    rules: RulesSection = RulesSection()
    genome: GenomeSection = LookupSection()
    population: PopulationSection = PopulationSection()
    selection: SelectionSection = SelectionSection()
    variation: VariationSection = VariationSection()
    fitness: FitnessSection = FitnessSection()
    islands: IslandsSection = IslandsSection()
    run: RunSection = RunSection()

    def __init__(self, **sections: Any) -> None:
        try:
            super().__init__(**sections)
        except ValidationError as error:
            raise ExperimentError("\n".join(_explain(detail) for detail in error.errors())) from None

    @field_validator("name")
    @classmethod
    def _file_name(cls, name: str) -> str:
        if (
            any(c in '/\\:*?"<>|' or not c.isprintable() for c in name)
            or name in {"", ".", ".."}
            or name != name.strip()
            or len(name.encode()) > 200
        ):
            raise ValueError(f"expected a name that can be a folder's name, got {name!r}")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            rules = self.rules_value
        except ValueError as error:  # a payoff that is finite and still too large
            raise ExperimentError(str(error).replace("payoffs.", "game.", 1)) from None
        mistakes = []
        if (
            self.selection.update == "generational"
            and self.survivors + self.variation.immigrants > self.population.size
        ):
            mistakes.append(
                f"selection.survivors: expected survivors + immigrants <= population.size = {self.population.size}, "
                f"got {self.survivors} + {self.variation.immigrants}"
            )
        if self.islands.number > 1:
            room = self.population.size - 1
            if self.selection.update == "generational":
                room = self.population.size - self.survivors - self.variation.immigrants
            if self.islands.migrants > room:
                mistakes.append(
                    f"islands.migrants: expected at most {room}, what survivors and immigrants leave of "
                    f"population.size = {self.population.size}, got {self.islands.migrants}"
                )
        if self.selection.method in ("roulette", "stochastic_universal"):
            if self.fitness.parsimony > 0:
                mistakes.append(
                    f"selection.method: expected tournament or truncation with parsimony, which can make fitness "
                    f"negative, got {self.selection.method!r}"
                )
            try:
                rules.game.require_positive(self.selection.method, self.selection.baseline)
            except ValueError as error:
                mistakes.append(f"selection.{error}")
        if self.rules.play == "ipd" and isinstance(self.genome, FormulaSection) and self.genome.diagonal:
            mistakes.append("genome.diagonal: expected false with rules.play = 'ipd', got true")
        if self.rules.play == "sipd" and self.fitness.opponents != "population":
            mistakes.append(
                f"fitness.opponents: expected 'population' with rules.play = 'sipd', got {self.fitness.opponents!r}"
            )
        if self.fitness.sample is not None:
            if self.rules.play == "sipd":
                mistakes.append(
                    f"fitness.sample: expected none with rules.play = 'sipd', where everybody sees everybody (see "
                    f"rules.society for smaller societies), got {self.fitness.sample}"
                )
            if self.fitness.opponents == "panel":
                mistakes.append(
                    f"fitness.sample: expected opponents = 'population' or 'both' to sample from, got "
                    f"{self.fitness.sample} with opponents = 'panel'"
                )
            if self.fitness.sample > self.population.size:
                mistakes.append(
                    f"fitness.sample: expected at most population.size = {self.population.size}, "
                    f"got {self.fitness.sample}"
                )
        if self.rules.society is not None and self.rules.society > self.population.size:
            mistakes.append(
                f"rules.society: expected at most population.size = {self.population.size}, got {self.rules.society}"
            )
        for k, seed in enumerate(self.population.seeds):
            try:
                self.seed_genome(seed.strategy)
            except ValueError as error:
                mistakes.append(f"population.seeds.{k}.strategy: {error}")
        for name in self.fitness.panel:
            try:
                self.panel_strategy(name).automaton(rules.turns)
            except ValueError as error:
                mistakes.append(f"fitness.panel: {error}")
        if mistakes:
            raise ExperimentError("\n".join(mistakes))
        return self

    @property
    def survivors(self) -> int:
        """How many of the best go forward unchanged (half of the population when not said)."""
        return self.population.size // 2 if self.selection.survivors is None else self.selection.survivors

    @property
    def rules_value(self) -> Rules:
        """Game and rules as the engine takes them."""
        r = self.rules
        return Rules(
            Game(self.game.R, self.game.S, self.game.T, self.game.P),
            turns=r.turns,
            continuation=r.continuation,
            limit_of_means=r.limit_of_means,
            noise=r.noise,
            quantifiers=r.quantifiers,
        )

    @property
    def pair_only(self) -> bool:
        """True when formulas may not look at third parties: where the rules are the IPD's."""
        return self.rules.play == "ipd"

    @property
    def limits(self) -> Limits:
        """How long its genomes, and its whole population, can be as text: what a run file of it may hold."""
        seeds = [len(str(self.seed_genome(seed.strategy))) for seed in self.population.seeds]
        genome = max([self.genome.longest, *seeds])
        return Limits(self.population.size * self.islands.number * (genome + LONGEST_BIRTH), genome)

    def seed_genome(self, spec: str) -> LookupGenome | FormulaGenome:
        """The genome that a name or text in `population.seeds` stands for, of the experiment's kind."""
        entry = catalogue.find(spec)
        if isinstance(self.genome, FormulaSection):
            formula = resolve(spec) if entry is None else entry.formula
            if not isinstance(formula, FormulaGenome):
                raise ValueError(f"expected a formula or the name of one, got {spec!r}, which has none")
            if formula.complexity > self.genome.max_complexity:
                raise ValueError(
                    f"expected at most genome.max_complexity = {self.genome.max_complexity} nodes, "
                    f"got {spec!r} with {formula.complexity}"
                )
            if self.pair_only and not formula.pair_only:
                raise ValueError(
                    f"expected a formula about r and c alone (or rules.play = 'sipd'), got {spec!r}"
                )
            return formula
        genome = resolve(spec) if entry is None else entry.table
        if not isinstance(genome, LookupGenome):
            raise ValueError(
                f"expected a lookup genome or the name of one, got {spec!r}, which has no reply table"
            )
        if not genome.deterministic and not self.genome.stochastic:
            raise ValueError(
                f"expected pure moves (or genome.stochastic = true), got {spec!r}, which has probabilities"
            )
        return genome

    def panel_strategy(self, spec: str) -> Compiled:
        """The strategy that a name or text in `fitness.panel` stands for."""
        found = resolve(spec)
        if not is_compiled(found):
            raise ValueError(
                f"expected a strategy for two players, got {spec!r}, which looks at third parties"
            )
        return found

    @classmethod
    def load(cls, path: str | Path, changes: Mapping[str, Any] | None = None) -> Experiment:
        """Read a TOML file; `changes` replaces values by dotted key, as ``{"population.size": 50}``.

        Raises ExperimentError naming every mistake at once.
        """
        path = Path(path)
        return cls.parse(read_text(path, "experiment"), changes, name=path.stem)

    @classmethod
    def parse(
        cls, text: str, changes: Mapping[str, Any] | None = None, *, name: str | None = None
    ) -> Experiment:
        """Read TOML text (see `load`)."""
        data = parse_toml(text, "experiment")
        if name is not None:
            data.setdefault("name", name)
        for key, value in (changes or {}).items():
            *path, last = key.split(".")
            section = data
            for word in path:
                section = section.setdefault(word, {})
                if not isinstance(section, dict):
                    raise ExperimentError(
                        f"{key}: expected a key of a section, got {word!r}, which is a value"
                    )
            section[last] = value
        refuse_depth(data, "experiment")
        return cls(**data)

    @classmethod
    def recorded(cls, text: str) -> Experiment:
        """The experiment of a run file, as earlier versions meant it.

        Where they noted how it was computed is left out. Those from before `genome.diagonal` do not say it: their
        random formulas speak of D(x,x) in societies.
        """
        data = parse_toml(text, "experiment")
        if isinstance(data.get("run"), dict):
            data["run"] = {key: value for key, value in data["run"].items() if key not in PLACES}
        if formulas_in_societies(data):
            data["genome"].setdefault("diagonal", True)
        return cls(**data)

    def changed(self, **sections: Any) -> Experiment:
        """The same experiment with other values: ``experiment.changed(seed=2, rules={"noise": 0.01})``."""
        data = self.model_dump()
        for key, value in sections.items():
            data[key] = data[key] | value if isinstance(value, dict) else value
        return Experiment(**data)

    def to_toml(self) -> str:
        """The whole experiment as TOML that `parse` reads back to an equal one."""
        return tomli_w.dumps(self.model_dump(exclude_none=True))

    def results_key(self) -> str:
        """The text of everything that can change results.

        What says no more than was true before a key existed is left out, so that older runs keep their text.
        """
        unimportant = {"name", "generations", "run"} | ({"islands"} if self.islands.number == 1 else set())
        data = self.model_dump(exclude_none=True, exclude=unimportant)
        if self.rules.quantifiers == "all":
            del data["rules"]["quantifiers"]
        if isinstance(self.genome, FormulaSection) and (self.genome.diagonal or self.pair_only):
            del data["genome"]["diagonal"]
        return tomli_w.dumps(data)


def formulas_in_societies(data: Mapping[str, Any]) -> bool:
    """Whether the values of an experiment, as read, are those of formulas in societies."""
    genome, rules = data.get("genome"), data.get("rules")
    return (
        isinstance(genome, dict)
        and isinstance(rules, dict)
        and (genome.get("kind"), rules.get("play")) == ("formula", "sipd")
    )


DEEPEST = 16
"""Sections and lists within each other: an experiment has four, a sweep of it six."""

PLACES = {"workers": "--workers N or EVOLVE_WORKERS", "cluster": "--cluster ADDRESS or EVOLVE_CLUSTER"}
"""What says where a run is computed, and is no part of `[run]`: the option and the environment variable."""

WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a section",
    "dict_type": "a section",
}
"""What validation expected, by the type of its complaint, in the words of the file."""

BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
"""The same of a number out of its bounds: which bound it is, and the words before it."""


def read_text(path: Path, field: str) -> str:
    """The text of a file that a user names; `field` says as what."""
    if not path.is_file():
        state = "a folder" if path.is_dir() else "which is not there"
        raise FileNotFoundError(f"{field}: expected a TOML file, got {str(path)!r}, {state}")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ExperimentError(
            f"{field}: expected a TOML file in UTF-8, got {str(path)!r} with byte "
            f"{error.object[error.start]:#04x} at {error.start}"
        ) from None


def parse_toml(text: str, field: str) -> dict[str, Any]:
    """The values of TOML text."""
    try:
        data = tomllib.loads(text)
    except ValueError as error:
        raise ExperimentError(f"{field}: expected TOML, got a mistake: {error}") from None
    except RecursionError:
        raise ExperimentError(f"{field}: expected TOML, got brackets nested too deeply") from None
    refuse_depth(data, field)
    return data


def refuse_depth(data: dict[str, Any], field: str) -> None:
    """Raise ExperimentError for sections within sections that no experiment has: recursion meets its limit in them."""
    layer: list[Any] = [data]
    for _ in range(DEEPEST):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    if layer:
        raise ExperimentError(f"{field}: expected sections and lists at most {DEEPEST} deep, got deeper ones")


def _explain(detail: Any) -> str:
    """One line for one mistake that validation found."""
    where = list(detail["loc"])
    if where[:1] == ["genome"] and where[1:2] in (["lookup"], ["formula"]):
        del where[1]  # which kind it was read as is no part of the path
    path = printable(".".join(str(part) for part in where))
    kind, message, value = detail["type"], detail["msg"], detail["input"]
    if kind == "extra_forbidden" and where[:1] == ["run"] and where[1] in PLACES:
        return (
            f"{path}: expected {PLACES[where[1]]}, got it in an experiment, which says what a run is and not "
            "where it is computed"
        )
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(detail["loc"][-1]), _keys(detail["loc"][:-1]), n=3, cutoff=0.4)
        hint = f" (nearest: {', '.join(near)})" if near else ""
        return f"{path}: expected a known key, got {detail['loc'][-1]!r}{hint}"
    if kind == "union_tag_invalid":
        return f"{path}.kind: expected 'lookup' or 'formula', got {shown(_kind(value))}"
    if kind == "value_error":
        text = message.removeprefix("Value error, ")
        return text if not path or text.startswith(path) else f"{path}: {text}"
    if kind == "missing":
        return f"{path}: expected a value, got none"
    wanted = WANTED.get(kind) or message.removeprefix("Input should be ")
    limit = BOUNDS.get(kind)
    if limit is not None:
        name, words = limit
        bound = detail["ctx"][name]
        wanted = f"{words} {int(bound) if bound == int(bound) else bound}"
    return f"{path}: expected {wanted}, got {shown(value)}"


def _keys(path: tuple[Any, ...]) -> list[str]:
    """The keys that are known at a place of the file."""
    model: Any = Experiment
    for word in path:
        if isinstance(word, int):
            model = Seeds
        elif word in ("lookup", "formula"):
            model = LookupSection if word == "lookup" else FormulaSection
        elif isinstance(model, type) and issubclass(model, BaseModel) and word in model.model_fields:
            model = model.model_fields[word].annotation
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
