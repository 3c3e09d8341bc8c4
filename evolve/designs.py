"""A design: under which rules of a grid does cooperation evolve, and what does each cost?

A design file is an experiment file with a section `[design]`. Every point of the grid is judged by a ladder: is C
dominant in the stage game, which residents are certified against every mutant, which are favoured in a finite
population, and does cooperation evolve, in the long run of rare mutations over a declared set of strategies (or in runs
with seeds). A design that was stopped goes on from there.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import Field, ValidationError

from engine.game import Rules
from engine.stability.certificates import nash_gap
from engine.stability.fixation import fixation_probability, pair_table
from engine.stability.rare_mutations import LongRun, long_run
from evolve.experiment.experiment import Experiment
from evolve.experiment.explanation import explain
from evolve.experiment.files import ExperimentError, parse_toml, read_text
from evolve.experiment.section import Section
from evolve.folders import occupied, refuse_owner
from evolve.loop import generations
from evolve.workers import as_finished
from genomes.classes import with_classes
from results.designs import Crossing, DesignPoint, DesignRule, cheapest, crossings, read_design, write_design
from results.run.rows import RESULTS

MAX_RULES = 10_000
"""Points of a grid."""

INDEX_EVERY = 1.0
"""Seconds between two versions of the index."""

LAST = 0.25
"""Share of the last generations of a run that its cooperation is the mean of."""

ROUNDED = 1e-12
"""A gain of D below this share of the largest payoff is none."""


BORDER, CROSSING = 1e-8, 1e-3
"""Shares of a step of the grid to which borders of the ladder and crossings of cooperation are bisected."""


class DesignSection(Section):
    """`[design]`: what varies, who plays, and what is wanted."""

    grid: dict[str, tuple[float, ...] | dict[str, float]]
    strategies: tuple[str, ...] = ("memory(1,1)",)
    size: Annotated[int, Field(ge=2)] = 50
    beta: Annotated[float, Field(ge=0)] = 1.0
    mutants: Literal["uniform", "neighbours"] = "uniform"
    residents: tuple[str, ...] = ("grim", "tit_for_tat", "pavlov")
    target: Annotated[float, Field(gt=0, le=1)] = 0.9
    seeds: Annotated[int, Field(ge=0, le=1000)] = 0


@dataclass(frozen=True)
class Design:
    """A design: its name, its settings, the text of its experiment, and every point of its grid."""

    name: str
    settings: DesignSection
    text: str
    points: tuple[dict[str, float], ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """What varies: one key or two."""
        return tuple(self.points[0])

    @property
    def rests_on(self) -> str:
        """What its answers hold for, in words."""
        s = self.settings
        law = "any other strategy alike" if s.mutants == "uniform" else "genomes with one entry changed"
        if s.seeds:
            experiment = Experiment.parse(self.text, dict(self.points[0]), name=self.name)
            return (
                f"{s.seeds} runs of {experiment.generations} generations of {experiment.population.size} "
                f"({experiment.selection.update}), certificates and the long run apart"
            )
        return f"the class {', '.join(s.strategies)}, N {s.size}, Fermi beta {s.beta:g}, rare mutants: {law}"

    @classmethod
    def load(cls, path: str | Path) -> Design:
        """Read a design file; ExperimentError names what is wrong at any point of the grid."""
        path = Path(path)
        data = parse_toml(read_text(path, "design"), "design")
        given = data.pop("design", None)
        name = data.pop("name", path.stem)
        if not isinstance(name, str):
            raise ExperimentError(f"name: expected text, got {name!r}")
        if not isinstance(given, dict):
            raise ExperimentError("design: expected a section [design] with a grid, got none")
        try:
            settings = DesignSection(**given)
        except ValidationError as error:
            lines = (explain(detail, DesignSection) for detail in error.errors())
            raise ExperimentError("\n".join(f"design.{line}" for line in dict.fromkeys(lines))) from None
        text = tomli_w.dumps(data)
        points = _points(settings.grid)
        for point in points:
            try:
                Experiment.parse(text, dict(point), name=name)
            except ExperimentError as error:
                where = ", ".join(f"{key} = {value:g}" for key, value in point.items())
                raise ExperimentError(f"{error}  (at {where})") from None
        design = cls(name, settings, text, points)
        _check_strategies(design)
        return design

    def crossings(
        self, rules: Sequence[DesignRule], *, workers: int = 1, cluster: str | None = None
    ) -> list[Crossing]:
        """Where cooperation crosses the target, and every other step of the ladder begins or ends to hold.

        Each is refined by bisection between two rules of the grid, to `BORDER` of what is between them; cooperation to
        `CROSSING` of it, and in runs with seeds not at all, since these differ by chance too.
        """
        found = crossings(rules, self.settings.target)
        settings = self.settings.model_dump()
        work = [(self.text, self.name, settings, asdict(one)) for one in found]
        refined_ones = dict(as_finished(refined, work, workers=workers, cluster=cluster))
        return [refined_ones[k] for k in range(len(found))]

    def cheapest(self, rules: Sequence[DesignRule]) -> DesignRule | None:
        """The cheapest rule of the grid that meets the target."""
        return cheapest(rules, self.settings.target)

    def key(self, point: dict[str, float]) -> str:
        """A digest of everything that the outcome of a point depends on."""
        experiment = Experiment.parse(self.text, dict(point), name=self.name)
        settings = self.settings.model_dump(exclude={"grid", "target"})
        text = f"{experiment.results_key()}\n{experiment.generations}\n{settings!r}\n{RESULTS}"
        return hashlib.sha256(text.encode()).hexdigest()


def _points(grid: dict[str, tuple[float, ...] | dict[str, float]]) -> tuple[dict[str, float], ...]:
    if not 1 <= len(grid) <= 2:
        raise ExperimentError(f"design.grid: expected one key or two, got {len(grid)}")
    axes = {key: _axis(key, values) for key, values in grid.items()}
    number = math.prod(len(values) for values in axes.values())
    if number > MAX_RULES:
        raise ExperimentError(f"design.grid: expected at most {MAX_RULES} points, got {number}")
    return tuple(dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))


def _axis(key: str, given: tuple[float, ...] | dict[str, float]) -> list[float]:
    """The values of a key: listed, or from .. to in steps."""
    if isinstance(given, dict):
        if set(given) != {"from", "to", "step"} or not given["step"] > 0 or given["to"] < given["from"]:
            raise ExperimentError(
                f"design.grid.{key}: expected values, or {{ from = A, to = B, step = S }} with A <= B and S > 0, got "
                f"{given}"
            )
        steps = (given["to"] - given["from"]) / given["step"]
        if steps > MAX_RULES:
            raise ExperimentError(f"design.grid.{key}: expected at most {MAX_RULES} values, got more")
        return [float(f"{given['from'] + k * given['step']:.12g}") for k in range(int(steps + 1e-9) + 1)]
    if not given or list(given) != sorted(set(given)):
        raise ExperimentError(f"design.grid.{key}: expected values that rise, got {list(given)}")
    return [float(value) for value in given]


def _check_strategies(design: Design) -> None:
    """Every part of the ladder is tried at the first point, so that a mistake is not found at the last."""
    settings = design.settings
    try:
        if len(with_classes(settings.strategies)) < 2:
            raise ValueError(f"expected at least two, got {', '.join(settings.strategies)}")
    except ValueError as error:
        raise ExperimentError(f"design.strategies: {str(error).removeprefix('strategies: ')}") from None
    rules = Experiment.parse(design.text, dict(design.points[0]), name=design.name).rules_value
    for k, name in enumerate(settings.residents):
        try:
            nash_gap(name, rules)
        except ValueError as error:
            raise ExperimentError(f"design.residents.{k}: {error}") from None


def judge(text: str, name: str, settings: dict[str, Any], point: dict[str, float]) -> DesignPoint:
    """What one rule does, where a worker finds out."""
    s = DesignSection(**settings)
    experiment = Experiment.parse(text, dict(point), name=name)
    rules = experiment.rules_value
    found = _long_run(rules, s)
    cost, deal = _cost(found)
    return DesignPoint(
        stage_gain=_stage_gain(rules),
        finite_gain=_finite_gain(rules, s.size),
        gaps={resident: nash_gap(resident, rules) for resident in s.residents},
        favoured={resident: _favoured(resident, rules, s.size, s.beta) for resident in s.residents},
        cooperation=found.cooperation,
        payoff=found.payoff,
        leading=found.played[0].name,
        cost=cost,
        cost_deal=deal,
        runs=tuple(_evolved(experiment.changed(seed=experiment.seed + k)) for k in range(s.seeds)),
    )


def refined(text: str, name: str, settings: dict[str, Any], crossing: dict[str, Any]) -> Crossing:
    """A crossing with the rules on either side brought close together, where a worker finds out."""
    s, found = DesignSection(**settings), Crossing(**crossing)
    if found.what == "cooperation" and s.seeds:
        return found
    width = (found.above - found.below) * (CROSSING if found.what == "cooperation" else BORDER)
    while found.above - found.below > width and found.below < found.middle < found.above:
        try:
            experiment = Experiment.parse(text, {found.key: found.middle, **found.beside}, name=name)
        except ExperimentError:  # a whole number is asked for
            return found
        below = _holds(found.what, experiment.rules_value, s) != found.rises
        found = replace(found, below=found.middle) if below else replace(found, above=found.middle)
    return found


def _holds(what: str, rules: Rules, s: DesignSection) -> bool:
    """One step of the ladder alone, named as in `Crossing.what`."""
    if what == "cooperation":
        return _long_run(rules, s).cooperation >= s.target
    if what == "C dominant":
        return _stage_gain(rules) <= 0
    resident, _, step = what.rpartition(" ")
    return (
        nash_gap(resident, rules) == 0 if step == "certified" else _favoured(resident, rules, s.size, s.beta)
    )


def _long_run(rules: Rules, s: DesignSection) -> LongRun:
    chosen = s.strategies[0] if len(s.strategies) == 1 else s.strategies
    return long_run(chosen, rules, s.size, s.beta, mutants=s.mutants)


def _stage_gain(rules: Rules) -> float:
    """What D gains over C at most, over both moves of the other and all states of the pair: max(T - R, P - S)."""
    gain = max(max(game.T - game.R, game.P - game.S) for game in rules.games)
    return _clean(gain, rules)


def _finite_gain(rules: Rules, size: int) -> float:
    """What a defector earns above a cooperator of one population at most, over all numbers of cooperators, one-shot."""
    gains = []
    for g in rules.games:
        for i in (1, size - 1):  # linear in between
            c = (g.R * (i - 1) + g.S * (size - i)) / (size - 1)
            d = (g.T * i + g.P * (size - i - 1)) / (size - 1)
            gains.append(d - c)
    return _clean(max(gains), rules)


def _clean(gain: float, rules: Rules) -> float:
    return 0.0 if abs(gain) <= ROUNDED * float(abs(rules.stage.payoffs).max()) else gain


def _favoured(resident: str, rules: Rules, size: int, beta: float) -> bool:
    """Both directions against All-D: it takes over more often than a neutral mutant, and is taken over less often."""
    (a, b), (c, d) = table = pair_table(resident, "all_d", rules)
    into = fixation_probability(table, size, process="fermi", intensity=beta)
    out = fixation_probability([[d, c], [b, a]], size, process="fermi", intensity=beta)
    return into * size > 1 + ROUNDED and out * size < 1 - ROUNDED


def _cost(found: LongRun) -> tuple[float, float | None]:
    """What both of a pair pay in a turn and do not get back, and in a whole deal."""
    if found.ledger is None:
        return 0.0, 0.0

    def net(paid: dict[str, float]) -> float:
        given = paid["fines"] + paid["fees"] + paid["monitoring"] + paid["bonds"]
        return given - paid["returned"] - paid["received"]

    deal = found.ledger.deal(found.shares)
    return 2 * net(found.ledger.turn(found.shares)), None if deal is None else net(deal)


def _evolved(experiment: Experiment) -> float:
    """Mean cooperation over the last generations of a run."""
    rates = [generation.cooperation for generation in generations(experiment)]
    last = rates[-max(1, round(LAST * len(rates))) :]
    return math.fsum(last) / len(last)


def run_design(
    design: Design,
    folder: str | Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    watch: Callable[[Sequence[DesignRule]], None] = lambda rules: None,
) -> list[DesignRule]:
    """Judge every point that is not judged yet, and return all.

    `workers` and `cluster` as in `evolve.workers.spread`; they change no result. `watch` sees all rules at the
    beginning and after each that is judged. Raises RunError when another process is at it, or the folder is that of
    another design.
    """
    folder = Path(folder).absolute()
    with occupied(folder, "design", workers, cluster) as client:
        return _judge_rest(design, folder, workers, client, watch)


def _judge_rest(
    design: Design,
    folder: Path,
    workers: int,
    client: Any | None,
    watch: Callable[[Sequence[DesignRule]], None],
) -> list[DesignRule]:
    owner, known = read_design(folder)
    refuse_owner(folder, "design", design.name, owner)
    keys = [design.key(point) for point in design.points]
    rules = [DesignRule(p, key, known.get(key)) for p, key in zip(design.points, keys, strict=True)]
    watch(rules)
    left = [k for k, rule in enumerate(rules) if rule.outcome is None]
    settings = design.settings.model_dump()
    work = [(design.text, design.name, settings, rules[k].point) for k in left]
    written = time.monotonic()
    try:
        with closing(as_finished(judge, work, workers=workers, cluster=client)) as finished:
            for position, outcome in finished:
                rules[left[position]] = replace(rules[left[position]], outcome=outcome)
                if time.monotonic() - written > INDEX_EVERY:
                    write_design(folder, design.name, rules)
                    written = time.monotonic()
                watch(rules)
    finally:
        write_design(folder, design.name, rules)
    return rules
