"""Runs side by side: which belong together, what they came to, and whether groups differ.

Runs of one experiment with other seeds are a group; groups differ in some keys of the experiment and are called by
their values. What a run came to is a mean over its last generations, as in a sweep; where two groups have seeds in
common, their runs are compared in pairs.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.tables import Table
from results.errors import RunError
from results.run.store import Run
from results.sweeps import MEASURES, RANGES, Interval, RunMeasures, measured

UNCOUNTED = ("name", "seed", "generations", "run")
"""Keys and sections of an experiment in which the runs of one group may differ."""

FEWEST_PAIRS = 2
"""Seeds that two groups must have in common to be compared in pairs."""


@dataclass(frozen=True)
class ComparedRun:
    """One run: where it is, its seed, what it came to, and its `MEASURES` over the generations compared."""

    path: Path
    name: str
    seed: int
    outcome: RunMeasures
    curves: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Group:
    """Runs of one experiment with other seeds; `label` says in what it differs from the other groups."""

    label: str
    runs: tuple[ComparedRun, ...]

    def interval(self, measure: str) -> Interval:
        """The mean of what its runs came to, with its interval over the seeds."""
        return Interval.of([getattr(run.outcome, measure) for run in self.runs], *RANGES.get(measure, ()))


@dataclass(frozen=True)
class Difference:
    """How much a group lies above the first one in a measure, over the seeds that both have, in pairs.

    `low`, `high`: the 95 % interval of the mean difference (Student's t). `p`: of no difference, by the paired t-test;
    `adjusted`: the same for all the differences of one measure together (Holm, "A simple sequentially rejective
    multiple test procedure", 1979).
    """

    group: str
    measure: str
    pairs: int
    mean: float
    low: float
    high: float
    p: float
    adjusted: float


@dataclass(frozen=True)
class RunComparison(Table):
    """Groups of runs side by side, up to the same generation; `last`: the share of generations averaged at its end."""

    groups: tuple[Group, ...]
    generation: int
    last: float
    keys: tuple[str, ...]
    differences: tuple[Difference, ...]

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a group: its runs, and mean, low and high of every measure."""
        found: dict[str, Sequence[Any]] = {
            "group": [group.label for group in self.groups],
            "runs": [len(group.runs) for group in self.groups],
        }
        for measure in MEASURES:
            intervals = [group.interval(measure) for group in self.groups]
            found[measure] = [interval.mean for interval in intervals]
            found[f"{measure} low"] = [interval.low for interval in intervals]
            found[f"{measure} high"] = [interval.high for interval in intervals]
        return found


def compare_runs(
    runs: Sequence[Run], *, last: float = 0.5, settled: Callable[[str], str] = str
) -> RunComparison:
    """Lay runs side by side, up to the last generation that all have.

    `last`: what a run came to is the mean over this share of its generations, the last ones. `settled` gives an
    experiment's text with all its keys. Raises RunError for a run without generations, ValueError for fewer than two
    runs, one run twice, or a share outside 0 to 1.
    """
    if len(runs) < 2:
        raise ValueError(f"runs: expected at least two to compare, got {len(runs)}")
    if not 0 < last <= 1:
        raise ValueError(f"last: expected a share of the generations above 0 and up to 1, got {last!r}")
    paths = [run.path for run in runs]
    for place, path in enumerate(paths):
        if path in paths[:place]:
            raise ValueError(f"runs: expected each run once, got {str(path)!r} twice")
        if not len(runs[place]):
            raise RunError(f"{path}: no generation yet, nothing to compare")
    experiments = [_flat(tomllib.loads(settled(run.experiment_text))) for run in runs]
    generation = min(run.generation for run in runs)
    members: dict[str, list[int]] = {}
    for place, experiment in enumerate(experiments):
        members.setdefault(json.dumps(_identity(experiment), sort_keys=True, default=str), []).append(place)
    keys = _differing([experiments[places[0]] for places in members.values()])
    taken = [
        _compared(run, generation, last, int(e.get("seed", 0)))
        for run, e in zip(runs, experiments, strict=True)
    ]
    groups = tuple(
        Group(
            _label(experiments[places[0]], keys) or taken[places[0]].name,
            tuple(sorted((taken[place] for place in places), key=lambda run: run.seed)),
        )
        for places in members.values()
    )
    return RunComparison(groups, generation, last, keys, _differences(groups))


def _compared(run: Run, generation: int, last: float, seed: int) -> ComparedRun:
    table = run.statistics()
    curves = {name: np.asarray(table[name][: generation + 1], np.float64) for name in MEASURES}
    return ComparedRun(run.path, str(run.provenance["name"]), seed, measured(run, generation, last), curves)


def _flat(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
    return found


def _identity(experiment: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in experiment.items() if key.split(".")[0] not in UNCOUNTED}


def _differing(experiments: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The keys in which some groups differ."""
    every = dict.fromkeys(key for experiment in experiments for key in _identity(experiment))
    return tuple(key for key in every if any(e.get(key) != experiments[0].get(key) for e in experiments))


def _label(experiment: dict[str, Any], keys: Sequence[str]) -> str:
    """The values of the keys that differ, by the last words of their names where these are enough."""
    short = [key.rpartition(".")[2] for key in keys]
    names = short if len(set(short)) == len(short) else list(keys)
    return ", ".join(f"{name} {_said(experiment.get(key))}" for name, key in zip(names, keys, strict=True))


def _said(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "on", False: "off", None: "not set"}[value]
    return (
        f"{value:.6g}"
        if isinstance(value, float)
        else value
        if isinstance(value, str)
        else json.dumps(value, default=str)
    )


def _differences(groups: Sequence[Group]) -> tuple[Difference, ...]:
    found: list[Difference] = []
    for measure in MEASURES:
        tested = [_paired(groups[0], group, measure) for group in groups[1:]]
        known = [difference for difference in tested if difference is not None]
        found += _adjusted(known)
    return tuple(found)


def _paired(first: Group, other: Group, measure: str) -> Difference | None:
    """The difference of two groups over the seeds that both have; None where they are too few."""
    from scipy.stats import ttest_rel  # heavy: only when needed

    ours = {run.seed: getattr(run.outcome, measure) for run in first.runs}
    theirs = {run.seed: getattr(run.outcome, measure) for run in other.runs}
    seeds = sorted(set(ours) & set(theirs))
    if len(seeds) < FEWEST_PAIRS:
        return None
    gaps = [theirs[seed] - ours[seed] for seed in seeds]
    mean = math.fsum(gaps) / len(gaps)
    if max(gaps) == min(gaps):  # nothing varies: no test has a meaning, and none is needed
        p = 1.0 if mean == 0 else 0.0
        return Difference(other.label, measure, len(seeds), mean, mean, mean, p, p)
    tested = ttest_rel([theirs[seed] for seed in seeds], [ours[seed] for seed in seeds])
    interval = tested.confidence_interval()
    p = float(tested.pvalue)
    return Difference(other.label, measure, len(seeds), mean, float(interval.low), float(interval.high), p, p)


def _adjusted(tested: Sequence[Difference]) -> list[Difference]:
    """The same with p values adjusted for their number."""
    order = sorted(range(len(tested)), key=lambda k: tested[k].p)
    adjusted = [0.0] * len(tested)
    highest = 0.0
    for rank, k in enumerate(order):
        highest = max(highest, min(1.0, (len(tested) - rank) * tested[k].p))
        adjusted[k] = highest
    return [
        Difference(d.group, d.measure, d.pairs, d.mean, d.low, d.high, d.p, p)
        for d, p in zip(tested, adjusted, strict=True)
    ]
