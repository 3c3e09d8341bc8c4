"""Kills: at every change of a file, before it and in the middle of a write, and at random instants.

Whoever is killed has said how far it was safe. What is found must be intact and no less far; taken up, perhaps killed
again, it must end as if nothing had happened.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.storm import Tally
from tests.storm.child import Ending, Tell, child
from tests.storm.shim import Harm, Shim
from tests.storm.tasks import Task, alone, together

AT_CHANGES = 1700
"""Kills at chosen changes, over all tasks."""
AT_INSTANTS = 340
"""Kills at random instants in tasks of one process, over all tasks."""
OF_MANY = 12
"""Kills at random instants of every task in several processes, which take seconds to start."""

WITH_PROCESSES = 0.05
"""Below this share there are none: the tests of islands, sweeps and studies kill workers as well."""

AGAIN = 0.2
"""How often what is taken up is killed again."""


def tallies(place: Path, seed: int, share: float) -> Iterator[Tally]:
    """All kills."""
    shim = Shim()
    shim.watch(place)
    tasks = alone(place)
    for task in tasks:
        yield at_changes(
            shim, task, place, random.Random(f"{seed} {task.name}"), AT_CHANGES * share / len(tasks)
        )
    for task in tasks:
        yield _at_instants(
            task, place, random.Random(f"{seed} {task.name}"), AT_INSTANTS * share / len(tasks)
        )
    for task in together(place) if share >= WITH_PROCESSES else ():
        yield _at_instants(task, place, random.Random(f"{seed} {task.name}"), OF_MANY * share)


def finished(task: Task, folder: Path) -> str:
    """How the task ends when nothing more happens to it; raises AssertionError that says why it does not."""

    def work(tell: Tell) -> None:
        task.live(folder, tell)
        print(task.ended(folder), flush=True)

    ending = child(work)
    assert ending.code == 0, ending.explanation
    return ending.output.splitlines()[-1]


def emptied(folder: Path, task: Task) -> Path:
    """The folder as the task begins in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    task.prepare(folder)
    return folder


def at_changes(shim: Shim, task: Task, place: Path, rng: random.Random, tries: float) -> Tally:
    """Kills spread evenly over all changes that the task makes."""
    tally = Tally(f"killed at a change of a file: {task.name}")
    folder = emptied(place / "whole", task)
    shim.arm(Harm.NOTHING)
    task.live(folder, lambda number: None)  # in this process: its children find all kernels loaded
    total, expected = shim.count(), task.ended(folder)
    places = [(at, harm) for at in range(1, total + 1) for harm in (Harm.KILL, Harm.KILL_HALF)]
    number = max(1, round(tries))
    for at, harm in [places[k * len(places) // number % len(places)] for k in range(number)]:
        folder = emptied(place / "killed", task)
        kills = [at]
        while rng.random() < AGAIN:
            kills.append(rng.randrange(1, total))
        told = -1
        for count, at in enumerate(kills, 1):
            ending = child(partial(_killed_at, shim, harm, at, task, folder))
            failure = _found(task, folder, ending, told)
            told = max(told, ending.told)
            if count == len(kills) or failure is not None or not ending.killed:
                failure = failure or _end(task, folder, expected)
                break
            tally.tried("", None)
        tally.tried(f"{harm.name} at {', then '.join(map(str, kills[:count]))} of {total}", failure)
    return tally


def _killed_at(shim: Shim, harm: Harm, at: int, task: Task, folder: Path, tell: Tell) -> None:
    shim.arm(harm, at)
    task.live(folder, tell)


def _at_instants(task: Task, place: Path, rng: random.Random, tries: float) -> Tally:
    tally = Tally(f"killed at a random instant: {task.name}")
    start = time.monotonic()
    expected = finished(task, emptied(place / "whole", task))
    taken = time.monotonic() - start
    for _ in range(max(1, round(tries))):
        folder = emptied(place / "killed", task)
        instant = rng.uniform(0, taken)
        ending = child(partial(task.live, folder), kill_after=instant)
        failure = _found(task, folder, ending, -1)
        tally.tried(f"after {instant:.4f} s of {taken:.4f}", failure or _end(task, folder, expected))
    return tally


def _found(task: Task, folder: Path, ending: Ending, told: int) -> str | None:
    """What is wrong with what a killed process left."""
    if not ending.killed and ending.code != 0:
        return ending.explanation
    try:
        reached = task.reached(folder)
    except Exception as error:
        return f"what was left cannot be read: {error!r}"
    if reached < max(ending.told, told):
        return f"{max(ending.told, told)} was safe, {reached} was found"
    return None


def _end(task: Task, folder: Path, expected: str) -> str | None:
    """What is wrong with how the task ends when it is taken up."""
    try:
        ended = finished(task, folder)
    except AssertionError as error:
        return f"cannot be taken up: {error}"
    return None if ended == expected else f"ended as {ended}, not as {expected}"
