"""Runs, studies and sweeps in words and as pages: what `results` needs to know of an experiment is read here."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.game import Rules
from evolve.experiment.experiment import Experiment
from evolve.kinds import Genome
from evolve.updates import UPDATES
from genomes.reading import parse
from results.run.store import Run
from results.sentences import Setting, Story
from results.story import story_of

if TYPE_CHECKING:
    from evolve.invasion.report import Finding
    from results.drawing.charts import Steps
    from results.report.page import Page

FARES = {
    (1, 1): "advantaged",
    (1, 0): "advantaged while rare",
    (1, -1): "advantaged while rare",
    (0, 1): "neutral while rare, then advantaged",
    (0, 0): "neutral",
    (0, -1): "neutral while rare, then disadvantaged",
    (-1, 1): "disadvantaged while rare, then advantaged",
    (-1, 0): "disadvantaged",
    (-1, -1): "disadvantaged",
}
"""In words: the sign of what a newcomer earns above the others while it is rare, and while they are."""


def tell(run: Run) -> Story:
    """The story of a run (opened with `Experiment.recorded`); raises RunError for one without generations."""
    return story_of(run, setting(Experiment.recorded(run.experiment_text)))


def page_of_run(run: Run) -> Page:
    """The page of a run."""
    from results.report.runs import run_page

    with run.snapshot():
        known = setting(Experiment.recorded(run.experiment_text))
        return run_page(run, known, story_of(run, known))


def page_of_sweep(folder: Path) -> Page:
    """The page of a sweep's folder; ValueError where its index is damaged."""
    from results.report.sweeps import sweep_page
    from results.sweeps import read_sweep, summarise

    name, last, entries = read_sweep(folder)
    keys = list(dict.fromkeys(key for entry in entries for key in entry.point))
    summaries = summarise(entries)
    data = {"name": name, "keys": keys, "points": [asdict(summary) for summary in summaries]}
    return sweep_page(name, keys, last, summaries, data)


def page_of_study(folder: Path) -> Page:
    """The page of a study's folder, as far as its populations have been followed."""
    from evolve.invasion.report import findings
    from evolve.invasion.run import digest, read_study
    from evolve.invasion.study import clones_of
    from results.report.studies import Resident, study_page

    study, outcomes = read_study(folder)
    if not outcomes:
        raise ValueError(f"{folder}: expected a study with outcomes, got one without")
    found = {finding.label: finding for finding in findings(study, outcomes)}
    rules = study.experiment.rules_value
    residents = [
        Resident(
            one.label, one.verdict, one.lost, one.replicates, _steps(one),
            _steps(found[clones_of(one.label)]) if clones_of(one.label) in found else None,
            _gap(one.label, rules) if study.experiment.pair_only else None, one.causes, one.invaders,
        )
        for label in study.populations
        if (one := found.get(label)) is not None
    ]  # fmt: skip
    size = study.experiment.population.size
    conditions = (
        f"{study.experiment.rules.play}, {rules}; {size} individuals; {study.invasion.law} mutants; "
        f"{study.invasion.replicates} replicates of {study.invasion.generations:,} {next(iter(found.values())).unit}"
    )
    unit = "mutants that came in" if study.sequential else "generation"
    data = {"digest": digest(outcomes), "residents": [finding.to_json() for finding in found.values()]}
    return study_page(
        folder.name, conditions, residents, horizon=study.invasion.generations, unit=unit, text=study.to_toml(),
        data=data,
    )  # fmt: skip


def _steps(found: Finding) -> Steps:
    from results.drawing.charts import Steps

    curve = found.curve
    columns = (curve.times, curve.survival, curve.low, curve.high)
    return Steps(found.label, *(column.tolist() for column in columns))


def _gap(resident: str, rules: Rules) -> float | None:
    from engine.stability.certificates import nash_gap

    try:
        return nash_gap(resident.removeprefix("control: "), rules)
    except ValueError:
        return None


def setting(experiment: Experiment) -> Setting:
    """What a story needs of an experiment."""

    @lru_cache(maxsize=256)
    def cause(newcomer: str, there: str) -> str | None:
        try:
            return _fares(experiment, parse(newcomer), parse(there))
        except ValueError:
            return None  # beyond what can be had exactly, or a stranger's file

    return Setting(
        rules=experiment.rules_value,
        births=experiment.population.size if UPDATES[experiment.selection.update].single else None,
        planned=experiment.generations,
        seed=experiment.seed,
        cause=cause,
    )


def _fares(experiment: Experiment, newcomer: Genome, there: Genome) -> str:
    """How a newcomer fares among those who were there, by exact payoffs in pairs, or in a society of the two."""
    from engine.stability.fixation import pair_table  # numba: only when needed

    society = experiment.rules.play == "sipd"
    size = experiment.population.size if society else None
    tables = pair_table(newcomer, there, experiment.rules_value, society=society, size=size).reshape(-1, 2, 2)
    (_, b), (_, d) = tables[0].tolist()  # few of the newcomers
    (a, _), (c, _) = tables[-1].tolist()  # few of the others
    slack = 1e-9 * max(1.0, abs(a), abs(b), abs(c), abs(d))
    rare, common = (0 if abs(gain) <= slack else 1 if gain > 0 else -1 for gain in (b - d, a - c))
    if rare < 0 < common and len(tables) == 1:
        return f"advantaged from a share of {(d - b) / (d - b + a - c):.2g} on"
    return FARES[rare, common]
