"""A sweep: one experiment at every point of a grid or a list of settings, times several seeds.

A sweep file is an experiment file with a section `[sweep]`. Every point and seed is an ordinary run in a folder
of its own; an index beside them says what is done. A sweep that was stopped or killed goes on from there, and
what comes out is the same to the bit.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from evolve.experiment.experiment import Experiment
from evolve.experiment.files import ExperimentError, parse_toml, read_text
from evolve.folders import occupied, refuse_owner
from evolve.runner import Stop, drive
from evolve.workers import AbandonedError, abandoned, as_finished
from genomes.texts import printable, shown
from results.errors import DamageError, RunError
from results.indexes import INDEX
from results.records import Generation
from results.run.place import WriterLock
from results.run.rows import RESULTS
from results.run.store import Run
from results.sweeps import RunMeasures, SweepRun, measured, read_index, write_index

NEUTRAL = ("generations", "run.")
"""Keys that are no part of a run's identity: points that differ only in them need folders of their own."""

MAX_RUNS = 100_000
"""Runs of a sweep: each is a folder."""

INDEX_EVERY = 1.0
"""Seconds between two versions of the index: what it lacks after a kill is read from the runs again."""

MISTAKES = 10
"""So many mistakes of a sweep file are shown."""

WRITER_WAIT_SECONDS = 60.0
"""Seconds to wait for a run that is still being written, by a worker that is only believed dead."""


@dataclass(frozen=True)
class SweepTask:
    """One run of a sweep: the point it stands at, and the whole experiment, seed included.

    `toml` is the experiment under the name and seed of its point, `results_key` that of the experiment: what takes
    long to write is written once a point.
    """

    point: dict[str, Any]
    experiment: Experiment
    toml: str
    results_key: str

    @property
    def folder(self) -> str:
        """Its folder among the sweep's `runs`: readable, and its own for every experiment (by a hash at its end)."""
        return self.experiment.name


@dataclass(frozen=True)
class Sweep:
    """A sweep: one experiment over many settings and seeds.

    `name`, `keys` that vary, `tasks`: its runs in order; results are means over the `last` share of the generations.
    """

    name: str
    keys: tuple[str, ...]
    tasks: tuple[SweepTask, ...]
    last: float

    @classmethod
    def load(cls, path: str | Path) -> Sweep:
        """Read a sweep file; every run of it is a valid experiment.

        Raises ExperimentError naming the mistakes of all points at once.
        """
        path = Path(path)
        data = parse_toml(read_text(path, "sweep"), "sweep")
        base = data.pop("base", None)
        settings = data.pop("sweep", None)
        name = data.pop("name", path.stem)
        if not isinstance(name, str):
            raise ExperimentError(f"name: expected text, got {name!r}")
        if not isinstance(settings, dict):
            raise ExperimentError("sweep: expected a section [sweep] with grid, list or seeds, got none")
        if base is not None:
            if not isinstance(base, str):
                raise ExperimentError(f"base: expected the name of an experiment file, got {base!r}")
            below = parse_toml(read_text(path.parent / base, "base"), "base")
            if "sweep" in below:
                raise ExperimentError(f"base: expected an experiment, got the sweep {base!r}")
            data = _merged(below, data)
            data.pop("name", None)
        keys, points = _points(settings)
        seeds = _seeds(settings.pop("seeds", 1), data.get("seed", 1))
        last = settings.pop("last", 0.25)
        if not isinstance(last, int | float) or isinstance(last, bool) or not 0 < last <= 1:
            raise ExperimentError(f"sweep.last: expected a share, 0 < last <= 1, got {last!r}")
        for key in settings:
            raise ExperimentError(f"sweep.{key}: expected grid, list, seeds or last, got {key!r}")
        if len(points) * len(seeds) > MAX_RUNS:
            raise ExperimentError(
                f"sweep.seeds: expected at most {MAX_RUNS} runs, got {len(points)} points times {len(seeds)} seeds"
            )
        text = tomli_w.dumps(data)
        return cls(name, keys, tuple(_tasks(name, text, points, seeds, keys)), float(last))


def run_sweep(
    sweep: Sweep,
    folder: str | Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    watch: Callable[[Sequence[SweepRun], SweepRun | None], None] = lambda entries, entry: None,
) -> list[SweepRun]:
    """Run everything that is not done yet, and return all runs with what they came to.

    `workers` and `cluster` as in `spread`; they change no result. `watch` sees all runs at the beginning and
    after each that finishes. Whatever stops this (an error, Ctrl-C, a kill) loses nothing that was committed:
    call it again.

    Raises RunError when another process is at the same sweep, when the folder is another sweep's, and in the end
    when runs are damaged.
    """
    folder = Path(folder).absolute()
    with occupied(folder, "sweep", workers, cluster) as client:
        return _run_rest(sweep, folder, workers, client, watch)


def _run_rest(
    sweep: Sweep,
    folder: Path,
    workers: int,
    client: Any | None,
    watch: Callable[[Sequence[SweepRun], SweepRun | None], None],
) -> list[SweepRun]:
    """What `run_sweep` does once the folder is ours."""
    owner, known = read_index(folder)
    refuse_owner(folder, "sweep", sweep.name, owner)
    entries = []
    for task in sweep.tasks:
        key = _key(task, sweep.last)
        outcome = known.get((task.folder, key))
        entries.append(SweepRun(task.folder, task.point, task.experiment.seed, key, outcome))
    write_index(folder, sweep.name, sweep.last, entries)
    watch(entries, None)
    left = [k for k, entry in enumerate(entries) if entry.outcome is None]
    work = [(str(folder), sweep.tasks[k].toml, entries[k].folder, entries[k].seed, sweep.last) for k in left]
    damaged = []
    written = time.monotonic()
    try:
        with closing(as_finished(run_one, work, workers=workers, cluster=client)) as finished:
            for position, outcome in finished:
                k = left[position]
                if outcome is None:
                    damaged.append(entries[k].folder)
                    continue
                entries[k] = replace(entries[k], outcome=outcome)
                if time.monotonic() - written > INDEX_EVERY:
                    write_index(folder, sweep.name, sweep.last, entries)
                    written = time.monotonic()
                watch(entries, entries[k])
    finally:
        write_index(folder, sweep.name, sweep.last, entries)
    if damaged:
        raise RunError(
            f"{folder / 'runs'}: {len(damaged)} damaged of {len(entries)}, the others are done; what is deleted is "
            f"computed again: {', '.join(damaged[:MISTAKES])}{' ...' * (len(damaged) > MISTAKES)}"
        )
    return entries


def run_one(folder: str, text: str, name: str, seed: int, last: float) -> RunMeasures | None:
    """One run of a sweep, where a worker does it: begun, or taken up where it stopped; None where it is damaged."""
    if not (Path(folder) / INDEX).is_file():
        raise RunError(
            f"{folder}: expected a folder that all workers share, got a worker that does not see it"
        )
    experiment = Experiment.parse(text, {"name": name, "seed": seed})
    stop = Stop()
    asked = time.monotonic()

    def watch(generation: Generation) -> None:
        nonlocal asked
        if (now := time.monotonic()) - asked > 1:
            asked = now
            stop.signal = int(abandoned())

    try:
        with _opened(Path(folder) / "runs" / experiment.name, experiment) as run:
            if not drive(run, experiment, watch, stop):
                raise AbandonedError(f"{run.path}: nobody waits for this run any more")
            return measured(run, experiment.generations, last)
    except DamageError:
        return None


def _opened(folder: Path, experiment: Experiment) -> Run:
    """The run to write, once whoever still writes it has noticed that it shall not."""
    for place in (folder.parent, folder):
        if place.is_symlink():
            raise RunError(f"{place}: expected a folder of this sweep, got a link")
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + WRITER_WAIT_SECONDS
    while True:
        try:
            WriterLock(folder / "run.lock").release()
            break
        except RunError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    kept = experiment.run
    return Run.open(
        folder, experiment, commit_every=kept.commit_every, checkpoint_every=kept.checkpoint_every,
        lineage=kept.lineage,
    )  # fmt: skip


# --- reading a sweep file ------------------------------------------------------------------------------------


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values of `above` where both have them, section by section."""
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        below[key] = _merged(below[key], value) if both else value
    return below


def _points(settings: dict[str, Any]) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """All keys, those of the list first, and every point: each of the list times each of the grid."""
    grid, listed = settings.pop("grid", {}), settings.pop("list", [{}])
    if not isinstance(grid, dict):
        raise ExperimentError(f'sweep.grid: expected {{ "KEY" = [values], ... }}, got {grid!r}')
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise ExperimentError(f'sweep.list: expected [{{ "KEY" = value, ... }}, ...], got {listed!r}')
    axes = dict(_flat(grid))
    for key, values in axes.items():
        if not isinstance(values, list) or not values:
            raise ExperimentError(f"sweep.grid.{key}: expected a list of values, got {values!r}")
    chosen = [dict(_flat(one)) for one in listed]
    keys = tuple(dict.fromkeys([*(key for one in chosen for key in one), *axes]))
    for key in keys:
        if key in ("seed", "name"):
            raise ExperimentError(
                f"sweep: expected sweep.seeds and no key {key!r}, which every run has of its own"
            )
        if key in axes and any(key in one for one in chosen):
            raise ExperimentError(f"sweep: expected every key in grid or in list, got {key!r} in both")
    number = len(chosen) * math.prod(len(values) for values in axes.values())
    if number > MAX_RUNS:
        raise ExperimentError(f"sweep.grid: expected at most {MAX_RUNS} points, got {number}")
    combinations = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return keys, [one | other for one in chosen for other in combinations]


def _flat(section: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys, whether they were written in quotes or not."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def _seeds(given: Any, first: Any) -> list[int]:
    """So many seeds from the experiment's own, or those listed."""
    if not isinstance(first, int):
        raise ExperimentError(f"seed: expected a whole number, got {first!r}")
    if isinstance(given, list):
        seeds = given
    elif isinstance(given, int) and not isinstance(given, bool) and 0 < given <= MAX_RUNS:
        seeds = list(range(first, first + given))
    else:
        seeds = []
    whole = all(isinstance(seed, int) and not isinstance(seed, bool) for seed in seeds)
    if not seeds or not whole or len(set(seeds)) < len(seeds):
        raise ExperimentError(
            f"sweep.seeds: expected a number from 1 to {MAX_RUNS}, or a list of different seeds, got {given!r}"
        )
    return seeds


def _tasks(
    name: str, text: str, points: list[dict[str, Any]], seeds: list[int], keys: tuple[str, ...]
) -> list[SweepTask]:
    """All runs of all points, or all mistakes of all points."""
    tasks: dict[str, SweepTask] = {}
    mistakes: dict[str, list[str]] = {}
    for point in points:
        try:
            experiment = Experiment.parse(text, point, name=name)
            for seed in (min(seeds), max(seeds)):
                experiment.changed(seed=seed)  # raises ExperimentError for a seed out of bounds
            key, folder = _of_seeds(experiment, point, keys)
            toml = experiment.to_toml()
            for seed in seeds:
                own = experiment.model_copy(update={"seed": seed, "name": folder(seed)})
                task = SweepTask(point, own, toml, key(seed))
                if task.folder in tasks:
                    other = tasks[task.folder].point
                    raise ExperimentError(f"sweep: expected points that differ, got {_shown(other)} again")
                tasks[task.folder] = task
        except ExperimentError as error:
            for line in str(error).splitlines():
                mistakes.setdefault(line, []).append(_shown(point))
    if mistakes:
        lines = [
            f"{line}  (at {at[0]}{f', and at {len(at) - 1} more' if len(at) > 1 else ''})"
            for line, at in mistakes.items()
        ]
        more = [f"and {len(lines) - MISTAKES} more mistakes"] if len(lines) > MISTAKES else []
        raise ExperimentError("\n".join(lines[:MISTAKES] + more))
    return list(tasks.values())


def _shown(point: Mapping[str, Any]) -> str:
    return ", ".join(f"{printable(key)} = {shown(value)}" for key, value in point.items()) or "the only point"


def _of_seeds(
    experiment: Experiment, point: Mapping[str, Any], keys: tuple[str, ...]
) -> tuple[Callable[[int], str], Callable[[int], str]]:
    """For any seed: the text of everything that can change results, and the folder's name."""
    rest = experiment.results_key().removeprefix(f"seed = {experiment.seed}\n")

    def key(seed: int) -> str:
        return f"seed = {seed}\n{rest}"

    words = [key.rpartition(".")[2] for key in keys]
    values = dict(_flat(tomllib.loads(experiment.to_toml())))  # as read: 200.0 turns are 200
    chosen = [
        f"{word if words.count(word) == 1 else key}={_plain(values.get(key, point[key]))}"
        for key, word in zip(keys, words, strict=True)
        if key in point
    ]
    neutral = {key: values.get(key, value) for key, value in point.items() if key.startswith(NEUTRAL)}
    end = json.dumps(neutral, default=str, sort_keys=True)

    def folder(seed: int) -> str:
        digest = hashlib.sha256((key(seed) + end).encode()).hexdigest()[:10]
        return "_".join([",".join(chosen)[:60], f"seed={seed}", digest]).lstrip("_")

    return key, folder


def _plain(value: Any) -> str:
    return re.sub(
        r"[^A-Za-z0-9.+-]+", "-", value if isinstance(value, str) else json.dumps(value, default=str)
    )


def _key(task: SweepTask, last: float) -> str:
    """A digest of everything that the outcome of a run depends on."""
    text = f"{task.results_key}\n{task.experiment.generations}\n{last!r}\n{RESULTS}"
    return hashlib.sha256(text.encode()).hexdigest()
