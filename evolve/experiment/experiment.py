"""An experiment: everything that decides what a run does, as a TOML file and as a value.

To add a key: a field in one of the sections (`evolve.experiment.sections`, or `evolve.kinds`); the commented file
that `evolve new` writes (`template.toml`) explains it to the user. Whatever is not under `[run]` (and is not the
name or the number of generations) can change results, and so is part of a run's identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from engine.game import Game, Rules
from engine.group_games import GroupGame, group_game
from evolve.experiment.consistency import mistakes
from evolve.experiment.explanation import PLACES, explain
from evolve.experiment.files import ExperimentError, parse_toml, read_text, refuse_depth
from evolve.experiment.section import Section
from evolve.experiment.sections import (
    FitnessSection,
    GameSection,
    GroupSection,
    IslandsSection,
    MechanismTables,
    PopulationSection,
    RulesSection,
    RunSection,
    SelectionSection,
    VariationSection,
)
from evolve.kinds import Genome, GenomeSection, Lookups
from genomes.reading import resolve
from genomes.strategy import Compiled, is_compiled
from results.run.rows import Limits

LATER = {"rules": ("quantifiers",), "variation": ("law", "strategies"), "fitness": ("weights", "sampled")}
"""Keys that came later: their defaults say no more than was true before. They can never be others."""

LONGEST_BIRTH = 400
"""Bytes that a birth needs in a population besides its genome: ids, origin, fitness, behaviour."""


class Experiment(Section):
    """A whole experiment, as a file says it: every section and every key has a default.

    Raises ExperimentError, one line a mistake, for keys that do not exist, values out of range and contradictions.

    >>> Experiment(seed=4, population={"size": 50}).population.size
    50
    """

    name: str = "experiment"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    generations: Annotated[int, Field(ge=0, le=10**9)] = 200
    game: GameSection = GameSection()
    rules: RulesSection = RulesSection()
    mechanism: MechanismTables = ()
    group: GroupSection = GroupSection()
    genome: GenomeSection = Lookups()
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
            raise ExperimentError(
                "\n".join(explain(detail, Experiment) for detail in error.errors())
            ) from None

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
            _ = self.rules_value
        except ValueError as error:  # a payoff that is finite and still too large
            raise ExperimentError(str(error).replace("payoffs.", "game.", 1)) from None
        wrong = mistakes(self)
        if wrong:
            raise ExperimentError("\n".join(wrong))
        return self

    @property
    def survivors(self) -> int:
        """How many of the best go forward unchanged (half of the population when not said)."""
        return self.population.size // 2 if self.selection.survivors is None else self.selection.survivors

    @property
    def beta(self) -> float:
        """Intensity of selection under pairwise comparison (1 when not said)."""
        return 1.0 if self.selection.beta is None else self.selection.beta

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
            mechanisms=self.mechanism,
        )

    @property
    def group_game(self) -> GroupGame:
        """The game of groups, where these play."""
        g = self.group
        return group_game(
            getattr(self.genome, "players", 2), g.kind, quota=g.quota, factor=g.factor, needed=g.needed,
            benefit=g.benefit, cost=g.cost, fine=g.fine,
        )  # fmt: skip

    @property
    def _no_groups(self) -> set[str]:
        """The section that says nothing where no groups play."""
        return set() if self.rules.play == "groups" else {"group"}

    @property
    def pair_only(self) -> bool:
        """True when formulas may not look at third parties: where the rules are the IPD's."""
        return self.rules.play == "ipd"

    @property
    def limits(self) -> Limits:
        """How long its genomes, and its whole population, can be as text: what a run file of it may hold."""
        named = [*(seed.strategy for seed in self.population.seeds), *self.variation.strategies]
        seeds = [len(str(self.seed_genome(strategy))) for strategy in named]
        genome = max([self.genome.longest, *seeds])
        return Limits(self.population.size * self.islands.number * (genome + LONGEST_BIRTH), genome)

    def seed_genome(self, spec: str) -> Genome:
        """The genome that a name or text in `population.seeds` stands for, of the experiment's kind."""
        return self.genome.seed(spec, self.pair_only, self.rules_value.slips)

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
            _put(data, key, value)
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
        unsaid = (set() if self.mechanism else {"mechanism"}) | self._no_groups
        return tomli_w.dumps(self.model_dump(exclude_none=True, exclude=unsaid))

    def results_key(self) -> str:
        """The text of everything that can change results.

        What says no more than was true before a key existed is left out, so that older runs keep their text.
        """
        unimportant = {"name", "generations", "run"} | ({"islands"} if self.islands.number == 1 else set())
        unimportant |= (set() if self.mechanism else {"mechanism"}) | self._no_groups
        data = self.model_dump(exclude_none=True, exclude=unimportant)
        for section, keys in LATER.items():
            held = getattr(self, section)
            for key in keys:
                if getattr(held, key) == type(held).model_fields[key].default:
                    data[section].pop(key, None)
        if self.fitness.opponents != "field":
            for key in type(self.fitness).OF_FIELDS:
                data["fitness"].pop(key, None)
        for key in self.genome.unsaid(self.pair_only):
            del data["genome"][key]
        return tomli_w.dumps(data)

    def results_version(self) -> int:
        """The last results version at which runs of this experiment came out differently: earlier ones go on.

        Version 2 holds P(C) beside P(D), and follows play longer than 4096 turns on average, or with noise below
        1/1024, in other sums: what no chance enters, and what is neither rare nor long, kept every bit.
        """
        rules = self.rules
        lasting = (rules.continuation or 0.0) > 1023 / 1024
        rare = 0.0 < rules.noise < 1 / 1024
        long = rules.noise > 0.0 and (rules.turns or 0) > 4096
        return 2 if self._chance or lasting or rare or long else 1

    @property
    def _chance(self) -> bool:
        """Whether a strategy of it draws its moves."""
        if isinstance(self.genome, Lookups) and self.genome.stochastic:
            return True
        return any(not self.panel_strategy(spec).automaton(1).deterministic for spec in self.fitness.panel)


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    """Enter a value at a dotted key, as ``population.size``, or ``mechanism.0.fine`` of a list of tables."""
    *path, last = key.split(".")
    section: Any = data
    for word in path:
        section = (
            section[_place(key, word, section)] if isinstance(section, list) else section.setdefault(word, {})
        )
        if not isinstance(section, dict | list):
            raise ExperimentError(f"{key}: expected a key of a section, got {word!r}, which is a value")
    if isinstance(section, list):
        section[_place(key, last, section)] = value
    else:
        section[last] = value


def _place(key: str, word: str, tables: list[Any]) -> int:
    """The place in a list that a word of a key names."""
    if not (word.isdecimal() and word.isascii() and int(word) < len(tables)):
        raise ExperimentError(
            f"{key}: expected a number below {len(tables)}, which so many tables have, got {word!r}"
        )
    return int(word)


def formulas_in_societies(data: Mapping[str, Any]) -> bool:
    """Whether the values of an experiment, as read, are those of formulas in societies."""
    genome, rules = data.get("genome"), data.get("rules")
    return (
        isinstance(genome, dict)
        and isinstance(rules, dict)
        and (genome.get("kind"), rules.get("play")) == ("formula", "sipd")
    )
