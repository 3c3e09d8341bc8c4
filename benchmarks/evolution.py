"""Evolution: generations a second with everything on, where the time goes, and very long runs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.measure import Row, seconds
from evolve import Experiment, generations, island
from evolve.fitness import round_robin as evaluation
from evolve.fitness import society as societies
from evolve.fitness.round_robin import Evaluation
from evolve.island import Island
from evolve.runner import drive
from results import Generation, Run

LONG = """
import sys
from benchmarks.measure import peak_mebibytes
from evolve import Experiment, generations
from results import Run
folder, number = sys.argv[1], int(sys.argv[2])
experiment = Experiment(
    generations=number, genome={"x": 1, "y": 1}, rules={"turns": 50}, population={"size": 20},
    selection={"survivors": 10}, variation={"immigrants": 1},
)
with Run.open(folder, experiment) as run:
    for generation in generations(experiment, start=run.latest()):
        run.append(generation)
print(peak_mebibytes())
"""


PARTS: tuple[tuple[Any, str, str], ...] = (
    (Evaluation, "__call__", "payoffs: behaviours, meetings, adding up"),
    (island, "next_population", "selection and variation"),
    (island, "record", "statistics, leaders and their names"),
    (Run, "append", "the run file"),
)
"""What a generation consists of: functions that are timed."""


def rows(smoke: bool) -> Iterator[Row]:
    """Everything about runs."""
    number = 10 if smoke else 300
    experiment = Experiment(generations=number)  # memory-3, population 200, 200 turns: the defaults
    list(generations(experiment.changed(generations=3)))  # compiles
    taken, shares = min(_whole(experiment) for _ in range(1 if smoke else 3))
    yield Row(
        "memory-3, population 200, lineage and run file, fastest of three",
        number / taken,
        300,
        at_least=True,
        unit="/s",
    )
    for (_, name, what), share in zip(PARTS, shares, strict=True):
        goal = 0.5 if name == "__call__" else None
        yield Row(f"share of that which is {what}", share / taken, goal, unit="")
    society = Experiment(
        generations=number // 3, genome={"kind": "formula"}, rules={"play": "sipd", "turns": 50},
        population={"size": 100}, variation={"mutation": 0.5, "immigrants": 5},
    )  # fmt: skip
    list(generations(society.changed(generations=2)))
    start = time.perf_counter()
    list(generations(society))
    taken = time.perf_counter() - start
    yield Row(
        "formulas in a society, population 100, 50 rounds",
        society.generations / taken,
        20,
        at_least=True,
        unit="/s",
    )
    yield from _saved(experiment.changed(generations=number // 3), evaluation, "pairs of behaviours")
    noisy = experiment.changed(generations=number // 10, rules={"noise": 0.01})
    yield from _saved(noisy, evaluation, "pairs of behaviours")
    slow = society.changed(
        generations=10 * number, selection={"update": "moran", "baseline": 0.0},
        variation={"mutation": 0.1, "immigrants": 1},
    )  # fmt: skip
    yield from _saved(slow, societies, "societies")
    yield _newcomers(smoke)
    yield from _long(smoke)


def _newcomers(smoke: bool) -> Row:
    """The rule `rare`, where every newcomer is a genome that was not there before."""
    experiment = Experiment(
        generations=1, genome={"x": 2, "y": 2}, population={"size": 50}, variation={"immigrants": 50},
        selection={"update": "rare", "mutants": 100 if smoke else 4000},
    )  # fmt: skip
    (taken,) = seconds(lambda: list(generations(experiment)), repetitions=1)
    tried = experiment.selection.mutants or 1
    return Row("rare: random memory(2,2) newcomers tried", tried / taken, 1000, at_least=True, unit="/s")


def _whole(experiment: Experiment) -> tuple[float, list[float]]:
    """Seconds of a whole run, and of its `PARTS`."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as patches:
        spent = [patches.enter_context(_timed(owner, name)) for owner, name, _ in PARTS]
        start = time.perf_counter()
        with Run.open(folder, experiment) as run:
            drive(run, experiment, lambda generation: None)
        return time.perf_counter() - start, [seconds for (seconds,) in spent]


@contextmanager
def _timed(owner: Any, name: str) -> Iterator[list[float]]:
    """The seconds spent in a function, in a list of one."""
    function, spent = getattr(owner, name), [0.0]

    def timed(*arguments: object, **named: object) -> object:
        start = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[0] += time.perf_counter() - start

    setattr(owner, name, timed)
    try:
        yield spent
    finally:
        setattr(owner, name, function)


def _saved(experiment: Experiment, remembering: ModuleType, what: str) -> Iterator[Row]:
    """Work that need not be done: the same run with what was played before remembered, and with nothing."""
    limit, played = remembering.MAX_REMEMBERED, []

    def run() -> list[Generation]:
        living = Island(experiment)
        found = list(living.live(None, experiment.generations))
        played.append(living._evaluate.played)  # type: ignore[attr-defined]
        return found

    def remembering_up_to(most: int) -> None:
        remembering.MAX_REMEMBERED = most  # type: ignore[attr-defined]
        try:
            answers[most] = run()
        finally:
            remembering.MAX_REMEMBERED = limit  # type: ignore[attr-defined]

    answers: dict[int, list[Generation]] = {}
    with_it, without = seconds(
        lambda: remembering_up_to(limit), lambda: remembering_up_to(0), repetitions=3, of=min
    )
    if answers[limit] != answers[0]:
        raise RuntimeError("what is remembered changed a result")
    law = ", one birth at a time" if experiment.selection.update == "moran" else ""
    noise = ", noise" if experiment.rules.noise else ""
    which = f"{experiment.generations} generations of {experiment.genome.kind}s{noise}{law}"
    yield Row(
        f"{which}: {what} played, of those without memory",
        played[-2] / played[-1],
        None,
        unit="",
    )
    yield Row(f"{which}: time without memory, the same result", without / with_it, None)


def _long(smoke: bool) -> Iterator[Row]:
    """Runs of very many small generations: memory, file, and how long it takes to look at them."""
    sizes, memory = [], []
    lengths = (50, 100) if smoke else (10_000, 20_000)
    with tempfile.TemporaryDirectory() as folder:
        for length in lengths:
            place = Path(folder) / str(length)
            child = subprocess.run(
                [sys.executable, "-c", LONG, str(place), str(length)],
                capture_output=True,
                text=True,
                check=True,
            )
            memory.append(float(child.stdout))
            sizes.append((place / "run.sqlite").stat().st_size)
        yield Row(f"memory of {lengths[1]} generations v {lengths[0]}", memory[1] / memory[0], 1.1)
        yield Row(f"memory of {lengths[1]} generations", memory[1], 400, unit=" MiB")
        yield Row(f"file of {lengths[1]} generations v {lengths[0]}", sizes[1] / sizes[0], 2.2)
        start = time.perf_counter()
        shown = subprocess.run(
            [sys.executable, "-m", "evolve.cli", "show", str(place), "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(shown.stdout)["generation"] == lengths[1]
        yield Row(f"evolve show after {lengths[1]} generations", time.perf_counter() - start, 5, unit=" s")
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "evolve.cli", "plot", str(place)], capture_output=True, check=True
        )
        yield Row(f"evolve plot after {lengths[1]} generations", time.perf_counter() - start, 30, unit=" s")
