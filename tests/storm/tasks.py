"""What is harmed: runs of every kind, a sweep, a study of invasion, a repair. All small: tens of milliseconds.

A task lives in a folder: `live` begins it or takes it up and brings it to its end, telling how far it is safe;
`reached` reads what is there and says how far it is; `ended` is everything that must not depend on what happened.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve import sweep as sweeping
from evolve.experiment.experiment import Experiment
from evolve.invasion.run import FILE, run_study
from evolve.invasion.study import Study
from evolve.runner import drive
from evolve.sweep import Sweep, run_sweep
from results import Generation
from results.errors import RunError
from results.run.repairs import repair
from results.run.store import Run
from results.sweeps import SweepRun, read_index
from tests.storm.child import Tell
from tests.synthetic import Synthetic, evolve

FORMAT_1 = Path(__file__).parents[1] / "data" / "format1.sqlite"
"""A run of generations 0 to 30, written by the version that had this format."""

END = 12
"""Generations of a run."""

SMALL: dict[str, Any] = {
    "generations": END,
    "population": {"size": 12},
    "genome": {"x": 1, "y": 1},
    "rules": {"turns": 20, "noise": 0.01},
    "variation": {"immigrants": 1},
}
FORMULAS: dict[str, Any] = {"genome": {"kind": "formula", "max_complexity": 8}}

EXPERIMENTS: dict[str, dict[str, Any]] = {
    "lookups": {},
    "formulas": {**FORMULAS, "rules": {"turns": 10}},
    "a society": {**FORMULAS, "rules": {"turns": 10, "play": "sipd"}},
    "one birth at a time": {"selection": {"update": "moran", "method": "roulette", "baseline": 0.0}},
    "islands": {"population": {"size": 8}, "islands": {"number": 3, "interval": 3, "migrants": 1}},
}


@dataclass(frozen=True)
class Task:
    """Something that can be interrupted and taken up."""

    name: str
    live: Callable[[Path, Tell], None]
    reached: Callable[[Path], int]
    """-1 where nothing is there yet; raises RunError, or AssertionError that says what is wrong."""
    ended: Callable[[Path], str]
    prepare: Callable[[Path], None] = lambda folder: None


def experiment(name: str, **changes: Any) -> Experiment:
    """One of `EXPERIMENTS`."""
    return Experiment(**{**SMALL, "name": "storm", **EXPERIMENTS[name], **changes})


def run_of(name: str, *, commit_every: int = 1, workers: int = 1, **changes: Any) -> Task:
    """A run of one of `EXPERIMENTS`."""
    declared = experiment(name, **changes)
    words = name + (f" in {workers} processes" if workers > 1 else "")
    words += f", {commit_every} generations a commit" if commit_every > 1 else ""

    def live(folder: Path, tell: Tell) -> None:
        write(folder, declared, commit_every, tell, workers)

    return Task(words, live, generation, results)


def write(
    folder: Path, declared: Experiment, commit_every: int, tell: Tell, workers: int = 1, **options: Any
) -> None:
    """A run, begun or taken up, to its end."""
    with Run.open(folder, declared, commit_every=commit_every, checkpoint_every=5, **options) as run:
        before = run.generation

        def watch(generation: Generation) -> None:
            if (generation.number - before) % commit_every == 0:
                tell(generation.number)

        drive(run, declared, watch, workers=workers)
        tell(run.generation)


def generation(folder: Path) -> int:
    """The last generation of an intact run."""
    if not (folder / "run.sqlite").exists():
        return -1
    with Run.read(folder) as run:
        found = run.check()
        assert found == [], f"check() finds {found[:3]}"
        return run.generation


def results(path: Path) -> str:
    """Everything that an intact run tells; raises RunError, or AssertionError that says what is damaged."""
    with Run.read(path) as run, run.snapshot():
        found = run.check()
        assert found == [], f"check() finds {found[:3]}"
        return told(run)


def told(run: Run) -> str:
    """A digest of all that a run tells, but for when it was written; raises RunError."""
    latest = run.latest()
    if latest is None:
        return "nothing"
    leaders = run.leaders()
    everything = (
        latest.number,
        run.hash,
        latest.population,
        latest.fitness,
        sorted((name, column.tolist()) for name, column in run.statistics().items()),
        leaders.generation.tolist(),
        [leaders.behaviours[k].behaviour for k in leaders.behaviour],
        leaders.count.tolist(),
        list(run.ancestry(birth.id for birth in latest.population).values()),
    )
    return f"{run.hash[:16]} {hashlib.sha256(repr(everything).encode()).hexdigest()[:16]}"


def sweep(place: Path, workers: int = 1) -> Task:
    """A sweep of four runs; its file is written into `place`."""
    sweeping.INDEX_EVERY = 0.0  # no clock decides how often the index is written
    file = place / "noise.toml"
    file.write_text(
        f"{experiment('lookups', generations=6, run={'commit_every': 1}).to_toml()}\n"
        '[sweep]\nseeds = 2\ngrid = { "rules.noise" = [0.0, 0.02] }\n',
        encoding="utf-8",
    )
    planned = Sweep.load(file)

    def live(folder: Path, tell: Tell) -> None:
        def watch(entries: Sequence[SweepRun], latest: SweepRun | None) -> None:
            tell(sum(entry.outcome is not None for entry in entries))

        run_sweep(planned, folder, workers=workers, watch=watch)

    def reached(folder: Path) -> int:
        return sum(generation(folder / "runs" / task.folder) == 6 for task in planned.tasks)

    def ended(folder: Path) -> str:
        _, known = read_index(folder)
        hashes = [results(folder / "runs" / task.folder) for task in planned.tasks]
        return hashlib.sha256(repr((sorted(known.items()), hashes)).encode()).hexdigest()

    return Task(f"a sweep{f' in {workers} processes' if workers > 1 else ''}", live, reached, ended)


def invasion(place: Path, workers: int = 1) -> Task:
    """A study of invasion: six populations; its file is written into `place`."""
    sections = {
        "population": {"size": 8},
        "rules": {"turns": 10, "noise": 0.01},
        "variation": {"mutation": 0.05},
    }
    study = Study.of(["tit_for_tat", "all_c"], sections, replicates=2, generations=8, controls=["all_d"])
    (place / "study.toml").write_text(study.to_toml(), encoding="utf-8")

    def live(folder: Path, tell: Tell) -> None:
        followed = 0

        def watch(latest: Any) -> None:
            nonlocal followed
            followed += len(latest)
            tell(followed)

        run_study(study, folder, workers=workers, watch=watch)

    def reached(folder: Path) -> int:
        with suppress(FileNotFoundError):
            return (folder / FILE).read_bytes().count(
                b"\n"
            ) - 1  # a torn line has no end, the first is a heading
        return -1

    def ended(folder: Path) -> str:
        return hashlib.sha256((folder / FILE).read_bytes()).hexdigest()

    return Task(
        f"a study of invasion{f' in {workers} processes' if workers > 1 else ''}", live, reached, ended
    )


def repaired(place: Path) -> Task:
    """A damaged run that is repaired and goes on to its end."""
    declared = experiment("lookups")
    damaged = place / "damaged"
    write(damaged, declared, 1, lambda number: None)
    file = damaged / "run.sqlite"
    whole = bytearray(file.read_bytes())
    for page in range(len(whole) // 4096 - 1, 0, -1):  # the last page whose loss is noticed and can be mended
        file.write_bytes(whole[: page * 4096] + bytes(4096) + whole[(page + 1) * 4096 :])
        copy = place / "tried"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(damaged, copy)
        try:
            generation(copy)
        except (RunError, AssertionError):
            with suppress(RunError):
                repair(copy)
                break
    else:
        raise AssertionError("no page whose loss can be mended")

    def live(folder: Path, tell: Tell) -> None:
        repair(folder)
        write(folder, declared, 1, lambda number: None)

    def reached(folder: Path) -> int:
        return -1  # nothing is safe before the repair is done; then everything comes again

    def ended(folder: Path) -> str:
        with Run.read(folder) as run:
            assert run.check() == [], f"check() finds {run.check()[:3]}"
            return run.hash

    def prepare(folder: Path) -> None:
        shutil.copytree(damaged, folder, dirs_exist_ok=True)

    return Task("a repair", live, reached, ended, prepare)


def migrated() -> Task:
    """A run of the first format that becomes one of ours and goes on."""
    declared = Synthetic(size=8, survivors=4)

    def live(folder: Path, tell: Tell) -> None:
        with Run.open(folder, declared, commit_every=1) as run:
            for following in evolve(declared, run.latest()):
                if following.number > 35:
                    break
                run.append(following)
                tell(following.number)

    def prepare(folder: Path) -> None:
        shutil.copy(FORMAT_1, folder / "run.sqlite")

    return Task("a run of format 1", live, generation, results, prepare)


def alone(place: Path) -> list[Task]:
    """Every task that one process does."""
    runs = [run_of(name) for name in EXPERIMENTS]
    return [
        *runs,
        run_of("lookups", commit_every=3),
        sweep(place),
        invasion(place),
        repaired(place),
        migrated(),
    ]


def together(place: Path) -> list[Task]:
    """Tasks that several processes do."""
    return [run_of("islands", workers=2), sweep(place, workers=2), invasion(place, workers=2)]
