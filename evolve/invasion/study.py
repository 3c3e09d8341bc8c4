"""A study of invasion: residents, a mutant law, and the experiment that they live in; as TOML and as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from evolve.experiment.experiment import Experiment, formulas_in_societies
from evolve.experiment.files import ExperimentError, parse_toml, read_text
from evolve.invasion.laws import NEWEST, Version, resident_genome
from evolve.invasion.loss import WINDOW
from evolve.kinds import Formulas, Lookups, kind_of
from genomes.texts import printable, shown

Control = Literal["all_c", "all_d", "random", "clone"]

STANDARD: dict[str, dict[str, Any]] = {
    "genome": {"x": 1, "y": 1},
    "population": {"size": 40},
    "variation": {"crossover": 0.0, "mutation": 0.02, "immigrants": 1},
}
"""Where a study's defaults are not those of an experiment (and 50 turns when no horizon is given)."""


class InvasionSection(BaseModel):
    """`[invasion]`: who has to resist whom, how often and how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    residents: Annotated[tuple[str, ...], Field(min_length=1)]
    law: Literal["global", "local", "adversarial"] = "global"
    version: Version = NEWEST
    replicates: Annotated[int, Field(ge=2, le=100_000)] = 100
    generations: Annotated[int, Field(ge=1, le=10**6)] = 100
    controls: tuple[Control, ...] = get_args(Control)

    @field_validator("residents", "controls")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("expected every name once")
        return names


class Task(NamedTuple):
    """One population to follow: a strategy or a control, the replicate, and whether it is the one of clones."""

    resident: str
    control: bool
    replicate: int
    clone: bool = False

    @property
    def label(self) -> str:
        """How it is called in tables and in the results."""
        name = f"control: {self.resident}" if self.control else self.resident
        return clones_of(name) if self.clone else name


def clones_of(label: str) -> str:
    """What the clones of a resident or a control are called."""
    return f"clones of {label}"


@dataclass(frozen=True)
class Study:
    """Residents, a mutant law, and the experiment that they live in.

    >>> study = Study.of(["tit_for_tat", "all_c"], replicates=10)
    >>> study.experiment.population.size, len(study.tasks())
    (40, 100)
    """

    invasion: InvasionSection
    experiment: Experiment

    @classmethod
    def of(cls, residents: list[str], sections: Mapping[str, Any] | None = None, **invasion: Any) -> Study:
        """A study from its parts; raises ExperimentError, one line a mistake."""
        return cls._read({"invasion": {"residents": residents, **invasion}, **(sections or {})})

    @classmethod
    def load(cls, path: str | Path, changes: Mapping[str, Any] | None = None) -> Study:
        """Read a TOML file; `changes` replaces values of `[invasion]`."""
        path = Path(path)
        return cls.parse(read_text(path, "study"), changes, name=path.stem)

    @classmethod
    def parse(cls, text: str, changes: Mapping[str, Any] | None = None, *, name: str = "invasion") -> Study:
        """Read TOML text: the sections of an experiment and `[invasion]`."""
        data = parse_toml(text, "study")
        if not isinstance(data.get("invasion"), dict):
            raise ExperimentError("invasion: expected a section [invasion] that names residents, got none")
        data["invasion"] |= changes or {}
        return cls._read({"name": name, **data})

    @classmethod
    def _read(cls, data: dict[str, Any]) -> Study:
        try:
            invasion = InvasionSection(**data.pop("invasion"))
        except ValidationError as error:
            lines = [
                f"invasion.{printable('.'.join(map(str, d['loc'])))}: "
                f"{d['msg'].replace('Input should be', 'expected', 1)}, got {shown(d['input'])}"
                for d in error.errors()
            ]
            raise ExperimentError("\n".join(lines)) from None
        for section, values in STANDARD.items():
            given = data.get(section, {})
            other = section == "genome" and kind_of(given) != Lookups.model_fields["kind"].default
            if isinstance(given, dict) and not other:
                data[section] = values | given
        rules = data.setdefault("rules", {})
        if isinstance(rules, dict) and not {"turns", "continuation", "limit_of_means"} & rules.keys():
            data["rules"] = {"turns": 50, **rules}
        if invasion.version == 1 and formulas_in_societies(data):
            data["genome"] = {"diagonal": True} | data["genome"]
        if isinstance(data.get("population"), dict) and data["population"].get("seeds"):
            raise ExperimentError(
                "population.seeds: expected none in a study, whose residents fill the population"
            )
        if "generations" in data:
            raise ExperimentError("generations: expected it under [invasion] in a study, got it at the top")
        study = cls(invasion, Experiment(**data))
        study._check()
        return study

    def _check(self) -> None:
        experiment = self.experiment
        mistakes = []
        for k, name in enumerate(self.invasion.residents):
            try:
                resident_genome(experiment, name)
            except ValueError as error:
                mistakes.append(f"invasion.residents.{k}: {error}")
        if self.societal and self.invasion.version == 1 and not getattr(experiment.genome, "diagonal", True):
            mistakes.append("genome.diagonal: expected true with invasion.version = 1, got false")
        if experiment.rules.play == "groups":
            mistakes.append("rules.play: expected 'ipd' or 'sipd' for a study of invasion, got 'groups'")
        if experiment.selection.update == "generational":
            if experiment.survivors < 1:
                mistakes.append("selection.survivors: expected at least 1, whom the event is about, got 0")
        elif experiment.selection.update != "moran":
            mistakes.append(
                f"selection.update: expected 'generational' or 'moran' for a study of invasion, got "
                f"{experiment.selection.update!r}"
            )
        elif experiment.rules.play == "sipd" and experiment.rules.society is not None:
            mistakes.append("rules.society: expected one society of all with update = 'moran'")
        if mistakes:
            raise ExperimentError("\n".join(mistakes))

    @property
    def societal(self) -> bool:
        """Formulas in a society: what the versions of the law differ in."""
        return isinstance(self.experiment.genome, Formulas) and not self.experiment.pair_only

    @property
    def sequential(self) -> bool:
        """One mutant at a time (moran)."""
        return self.experiment.selection.update == "moran"

    def to_toml(self) -> str:
        """The study as text that `parse` reads back to an equal one."""
        data = self.experiment.model_dump(exclude_none=True)
        del data["generations"], data["population"]["seeds"]
        return tomli_w.dumps(data | {"invasion": self.invasion.model_dump()})

    def first_version(self) -> Study:
        """The same study under version 1 of the law."""
        if not self.societal:
            return self
        invasion = self.invasion.model_copy(update={"version": 1})
        return Study(invasion, self.experiment.changed(genome={"diagonal": True}))

    def results_key(self) -> str:
        """The text of everything that can change an outcome; more residents or replicates do not."""
        version = self.invasion.version if self.societal else 1
        kept = {"law": self.invasion.law, "version": version, "window": WINDOW}
        kept["generations"] = self.invasion.generations
        return self.experiment.results_key() + tomli_w.dumps({"invasion": kept})

    def tasks(self) -> list[Task]:
        """Everything to follow: residents, then controls; with the control `clone` then the clones of each."""
        controls = self.invasion.controls
        who = [(name, False) for name in self.invasion.residents]
        who += [(name, True) for name in controls if name != "clone"]
        return [
            Task(name, control, k, clone)
            for clone in ((False, True) if "clone" in controls else (False,))
            for name, control in who
            for k in range(self.invasion.replicates)
        ]

    @property
    def populations(self) -> list[str]:
        """Residents, then controls, without their clones."""
        return list(dict.fromkeys(task.label for task in self.tasks() if not task.clone))

    @property
    def labels(self) -> list[str]:
        """Residents, controls, and their clones, as they are called in the results."""
        return list(dict.fromkeys(task.label for task in self.tasks()))
