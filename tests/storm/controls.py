"""Controls: careless writers, whom the storm must catch. One that finds nothing here would find nothing anywhere."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.storm import Tally
from tests.storm.child import Tell
from tests.storm.kills import at_changes
from tests.storm.power import Session, cuts
from tests.storm.shim import Shim
from tests.storm.tasks import Task

TRIES = 60
"""Of every control, whatever the share: one failure is enough."""

LAST = 9
"""The number that a writer counts to."""


def tallies(place: Path, seed: int, share: float) -> Iterator[Tally]:
    """All controls."""
    shim = Shim()
    shim.watch(place)
    rng = random.Random(f"{seed} controls")
    in_place = _task("a file rewritten in place", _rewritten)
    yield _caught(at_changes(shim, in_place, place, rng, TRIES))
    hasty = _task("a file renamed before it was synced", _renamed)
    yield _caught(cuts(shim, Session(hasty, lambda changes: -1), place, rng, TRIES))
    forgetful = _task("a commit that is told before it was synced", partial(_renamed, mark=shim.mark))
    least = Session(forgetful, lambda changes: max((c.place for c in changes if c.kind == "m"), default=-1))
    yield _caught(cuts(shim, least, place, rng, TRIES))


def _caught(found: Tally) -> Tally:
    tally = Tally(f"caught: {found.promise}")
    tally.tried(found.promise, None if found.failures else f"no failure in {found.tries} tries")
    return tally


def _task(name: str, put: Callable[[Path, str, int], None]) -> Task:
    """Counting to `LAST` in a file that `put` writes."""

    def live(folder: Path, tell: Tell) -> None:
        for number in range(reached(folder) + 1, LAST + 1):
            put(folder / "count.json", json.dumps([number] * 500), number)
            tell(number)

    def reached(folder: Path) -> int:
        file = folder / "count.json"
        return int(json.loads(file.read_text())[-1]) if file.exists() else -1

    return Task(name, live, reached, lambda folder: str(reached(folder)))


def _rewritten(file: Path, text: str, number: int) -> None:
    file.write_text(text)


def _renamed(file: Path, text: str, number: int, mark: Callable[[int], None] = lambda number: None) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)
    mark(number)
