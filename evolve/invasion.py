"""Does a seeded population resist? Residents under continued mutation and injection, until they are lost.

Two protocols, chosen by `selection.update`:

- generational: a population of residents evolves while mutants of a declared law come in. It is *lost* at the
  first of `WINDOW` generations in a row in which fewer than half of the *survivors* play like the resident
  (newcomers of a generation are not counted: variants and strangers alone could exceed half). The horizon is
  `generations`; the populations run `WINDOW` - 1 further, so that censoring at the horizon says nothing about
  what was about to happen.
- moran: one mutant at a time, drawn independently and introduced after absorption; lost when another behaviour
  has taken over everyone. Time counts mutants, and theory knows the answer: (1 - E rho)**k.

Replicate k of every resident has the same seed, so residents are compared in pairs (common random numbers).
Controls: `all_c`, `all_d`, `random` (a random genome in each replicate) and `clone`: residents marked by a tag
and followed by it, while every mutant and every stranger is an unmarked copy. A child has the tag of its
primary parent unless it counts as a mutation; nobody else has it. Whatever outlasts the clone is not drift.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from evolve.evaluation import evaluation
from evolve.experiment import Experiment, ExperimentError
from evolve.invaders import Cause, cause_of
from evolve.mutant_laws import VERSION, Law, operators, resident_genome
from evolve.population import Genome
from evolve.streams import stream
from genomes import catalogue
from results.records import Birth, BirthId, Generation

Control = Literal["all_c", "all_d", "random", "clone"]

WINDOW = 10
"""So many generations in a row below half make a loss."""

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
    """One population to follow: a strategy or a control, and the replicate."""

    resident: str
    control: bool
    replicate: int

    @property
    def label(self) -> str:
        """How it is called in tables and in the results."""
        return f"control: {self.resident}" if self.control else self.resident


@dataclass(frozen=True)
class Outcome:
    """What became of one population.

    `time`: the generation of the loss (for moran: the number of the mutant), the horizon where there was none
    (censored). `mutants`: how many had come in by then. `invader`: a genome of the behaviour that was most
    frequent among the survivors other than residents at the loss, `share` how frequent, `cause` what exact
    payoffs say of it.
    """

    label: str
    replicate: int
    lost: bool
    time: int
    mutants: int
    invader: str | None = None
    name: str | None = None
    share: float | None = None
    cause: Cause | None = None


@dataclass(frozen=True)
class Study:
    """Residents, a mutant law, and the experiment that they live in.

    >>> study = Study.of(["tit_for_tat", "all_c"], replicates=10)
    >>> study.experiment.population.size, len(study.tasks())
    (40, 60)
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
        if not path.is_file():
            raise FileNotFoundError(f"study: expected a TOML file, got {str(path)!r}, which is not there")
        return cls.parse(path.read_text(encoding="utf-8"), changes, name=path.stem)

    @classmethod
    def parse(cls, text: str, changes: Mapping[str, Any] | None = None, *, name: str = "invasion") -> Study:
        """Read TOML text: the sections of an experiment and `[invasion]`."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ExperimentError(f"study: expected TOML, got a mistake: {error}") from None
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
                f"invasion.{'.'.join(map(str, d['loc']))}: "
                f"{d['msg'].replace('Input should be', 'expected', 1)}, got {d['input']!r}"
                for d in error.errors()
            ]
            raise ExperimentError("\n".join(lines)) from None
        for section, values in STANDARD.items():
            given = data.get(section, {})
            if isinstance(given, dict) and not (section == "genome" and given.get("kind") == "formula"):
                data[section] = values | given
        rules = data.setdefault("rules", {})
        if isinstance(rules, dict) and not {"turns", "continuation", "limit_of_means"} & rules.keys():
            data["rules"] = {"turns": 50, **rules}
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
        if experiment.selection.update == "generational":
            if experiment.survivors < 1:
                mistakes.append("selection.survivors: expected at least 1, whom the event is about, got 0")
            if "clone" in self.invasion.controls and experiment.variation.crossover > 0:
                mistakes.append(
                    f"variation.crossover: expected 0 with the control 'clone', whose tag follows one parent, "
                    f"got {experiment.variation.crossover:g}"
                )
        elif experiment.rules.play == "sipd" and experiment.rules.society is not None:
            mistakes.append("rules.society: expected one society of all with update = 'moran'")
        if mistakes:
            raise ExperimentError("\n".join(mistakes))

    @property
    def sequential(self) -> bool:
        """One mutant at a time (moran)."""
        return self.experiment.selection.update == "moran"

    def to_toml(self) -> str:
        """The study as text that `parse` reads back to an equal one."""
        data = self.experiment.model_dump(exclude_none=True)
        del data["generations"], data["population"]["seeds"]
        return tomli_w.dumps(data | {"invasion": self.invasion.model_dump()})

    def results_key(self) -> str:
        """The text of everything that can change an outcome; more residents or replicates do not."""
        kept = {"law": self.invasion.law, "version": VERSION, "window": WINDOW}
        kept["generations"] = self.invasion.generations
        return self.experiment.results_key() + tomli_w.dumps({"invasion": kept})

    def tasks(self) -> list[Task]:
        """Everything to follow, resident by resident."""
        who = [(name, False) for name in self.invasion.residents]
        who += [(name, True) for name in self.invasion.controls]
        return [Task(name, control, k) for name, control in who for k in range(self.invasion.replicates)]

    @property
    def labels(self) -> list[str]:
        """Residents, then controls, as they are called in the results."""
        return list(dict.fromkeys(task.label for task in self.tasks()))


def follow(study: Study, task: Task) -> Outcome:
    """Follow one population to its loss or to the horizon; the same arguments give the same outcome."""
    return _sequential(study, task) if study.sequential else _continued(study, task)


def history(study: Study, task: Task) -> Iterator[Generation]:
    """The generations of one population, from the seeded one to the last that the event may need."""
    experiment, resident, law = _prepared(study, task)
    box = operators(experiment, law, resident)
    return generations_of(experiment, box)


def generations_of(experiment: Experiment, box: Any, start: Generation | None = None) -> Iterator[Generation]:
    """The loop, with other operators, on one thread."""
    from evolve.loop import generations

    return generations(experiment, start, workers=1, operators=box)


def _prepared(study: Study, task: Task) -> tuple[Experiment, Genome, Law]:
    """The experiment of one replicate, its resident, and who comes in."""
    law: Law = study.invasion.law
    seed = int(stream(study.experiment.seed, task.replicate, "mutants").integers(2**63))
    base = study.experiment
    if not task.control or task.resident in ("all_c", "all_d"):
        resident = resident_genome(base, task.resident)
    elif task.resident == "random":
        resident = operators(base, "global", None).random(1, rng=stream(seed, 0, "seeding"))[0]
    else:
        law = "clone"
        resident = resident_genome(base, study.invasion.residents[0])
    experiment = base.changed(
        seed=seed,
        generations=study.invasion.generations + WINDOW - 1,
        population={"seeds": [{"strategy": str(resident), "share": 1.0}]},
    )
    return experiment, resident, law


def _continued(study: Study, task: Task) -> Outcome:
    """Continued mutation and injection."""
    _, resident, law = _prepared(study, task)
    marked = Marked(law == "clone")
    mutants = below = by_horizon = 0
    first: Outcome | None = None
    for generation in history(study, task):
        mutants += marked.see(generation)
        if generation.number <= study.invasion.generations:
            by_horizon = mutants
        if generation.number == 0:
            continue
        survivors = [b for b in generation.population if b.id.generation < generation.number]
        strangers = [b for b in survivors if not marked.has(b)]
        if 2 * len(strangers) <= len(survivors):
            if generation.number >= study.invasion.generations:
                break
            below, first = 0, None
            continue
        below += 1
        if first is None:
            if generation.number > study.invasion.generations:
                break
            invader, share = _leading(strangers, len(survivors))
            first = Outcome(
                task.label, task.replicate, True, generation.number, mutants, invader.genome,
                class_name(study.experiment.results_key(), invader.genome), share,
            )  # fmt: skip
        if below == WINDOW:
            return _explained(study, first, resident, law)
    return Outcome(task.label, task.replicate, False, study.invasion.generations, by_horizon)


class Marked:
    """Who belongs to the residents: by behaviour, or for clones by the tag of the first generation.

    A child has its primary parent's tag, unless it is a mutation; strangers have none.
    """

    def __init__(self, by_tag: bool) -> None:
        self.by_tag = by_tag
        self._home = ""
        self._tagged: dict[BirthId, bool] = {}
        self._behaviour: dict[BirthId, str] = {}

    def see(self, generation: Generation) -> int:
        """Take in a generation; how many of its newcomers are mutants: strangers, and children unlike their parent."""
        if generation.number == 0:
            self._home = generation.population[0].behaviour
        tagged, mutants = {}, 0
        for birth in generation.population:
            if birth.id.generation < generation.number:
                tagged[birth.id] = self._tagged[birth.id]
                continue
            parent = birth.parents[0] if birth.parents else None
            tagged[birth.id] = birth.origin == "seed" or (
                parent is not None and birth.origin != "mutation" and self._tagged[parent]
            )
            if birth.origin == "immigrant":
                mutants += 1
            elif parent is not None:
                unlike = birth.behaviour != self._behaviour[parent]
                mutants += unlike or (self.by_tag and birth.origin == "mutation")
        self._tagged = tagged
        self._behaviour = {b.id: b.behaviour for b in generation.population}
        return mutants

    def has(self, birth: Birth) -> bool:
        """Whether someone in the latest generation belongs to the residents."""
        return self._tagged[birth.id] if self.by_tag else birth.behaviour == self._home


def _leading(strangers: list[Birth], among: int) -> tuple[Birth, float]:
    """One of the most frequent behaviour, and its share."""
    counts = Counter(b.behaviour for b in strangers)
    most = min(counts, key=lambda key: (-counts[key], key))
    return next(b for b in strangers if b.behaviour == most), counts[most] / among


def _sequential(study: Study, task: Task) -> Outcome:
    """One mutant after another, each until nobody differs."""
    from evolve.evaluation import record
    from evolve.population import newborns

    prepared, resident, law = _prepared(study, task)
    size = prepared.population.size
    experiment = prepared.changed(
        generations=10**9,
        population={"seeds": []},
        selection={"method": "roulette"},
        variation={"mutation": 0.0, "crossover": 0.0, "immigrants": 0},
    )
    evaluate = evaluation(experiment)
    noisy = experiment.rules_value.noisy
    draw = operators(prepared, law, resident).random
    for k in range(1, study.invasion.generations + 1):
        mutant = draw(1, rng=stream(prepared.seed, k, "immigrants"))[0]
        members = newborns(0, 0, [("seed", (), resident)] * (size - 1) + [("immigrant", (), mutant)])
        start = record(0, members, evaluate([m.genome for m in members], 0), noisy)
        home, other = start.population[0].behaviour, start.population[-1].behaviour
        if law == "clone":
            # nobody earns more than anybody: the tag is lost when the last individual's line takes over
            alone = experiment.changed(seed=int(stream(prepared.seed, k, "death").integers(2**63)))
            if _line_takes_over(alone, start):
                return Outcome(task.label, task.replicate, True, k, k, str(mutant), None, 1.0, "drift")
            continue
        if home == other:
            continue
        alone = experiment.changed(seed=int(stream(prepared.seed, k, "death").integers(2**63)))
        end = next(g for g in _loop(alone, start) if g.behaviours == 1)
        if end.population[0].behaviour == other:
            name = class_name(study.experiment.results_key(), str(mutant))
            lost = Outcome(task.label, task.replicate, True, k, k, str(mutant), name, 1.0)
            return _explained(study, lost, resident, law)
    horizon = study.invasion.generations
    return Outcome(task.label, task.replicate, False, horizon, horizon)


def _loop(experiment: Experiment, start: Generation) -> Iterator[Generation]:
    from evolve.operators import toolbox

    return generations_of(experiment, toolbox(experiment), start)


def _line_takes_over(experiment: Experiment, start: Generation) -> bool:
    """Whether, when nobody differs, everyone descends from the last individual in the end."""
    marked = {b.id: b is start.population[-1] for b in start.population}
    for generation in _loop(experiment, start):
        marked = {b.id: marked[b.id if b.id in marked else b.parents[0]] for b in generation.population}
        if len(set(marked.values())) == 1:
            return next(iter(marked.values()))
    raise AssertionError("neutral drift ends")  # pragma: no cover


def _explained(study: Study, outcome: Outcome, resident: Genome, law: Law) -> Outcome:
    """The outcome with its cause."""
    assert outcome.invader is not None
    if law == "clone":
        return replace(outcome, cause="drift", name="unmarked clone")
    cause = cause_of(study.experiment, catalogue.parse(outcome.invader), resident)
    return replace(outcome, cause=cause)


@lru_cache(maxsize=8)
def _class_names(key: str) -> tuple[Any, dict[bytes, str]]:
    """What evaluates genomes of an experiment, and the names of the behaviours in the catalogue."""
    experiment = Experiment.parse(key.split("[invasion]")[0])
    evaluate = evaluation(experiment.changed(rules={"replicates": 1}))
    named: dict[bytes, str] = {}
    for name in catalogue.names():
        try:
            genome = experiment.changed(genome=_wide(experiment)).seed_genome(name)
            named.setdefault(evaluate([genome, genome], 0).keys[0], name)
        except ValueError:
            continue
    return evaluate, named


def _wide(experiment: Experiment) -> dict[str, Any]:
    """The experiment's genomes, as complex as any."""
    return {"max_complexity": 100} if experiment.genome.kind == "formula" else {}


def class_name(results_key: str, genome: str) -> str | None:
    """The catalogue name of a genome's behaviour class in an experiment, if it has one."""
    evaluate, named = _class_names(results_key)
    parsed = catalogue.parse(genome)
    return named.get(evaluate([parsed, parsed], 0).keys[0])
