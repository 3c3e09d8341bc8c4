"""Readers while a run is written: every look is at one instant, whatever it reads and however long that takes.

A writer commits every generation; meanwhile everything that can be read is read, by readers that come and go, that
stay, and that hold on to one instant. A second writer is refused. The writer is killed in the end, and what it had
shown is what is there.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from results.errors import RunError
from results.lineage import line_of_descent
from results.plots.run import save_all
from results.run import held
from results.run.store import Run
from tests.storm import Tally
from tests.storm.child import Child, Tell
from tests.synthetic import Synthetic, evolve

READS = 4000
"""Over both journals."""
OF_ONE_RUN = 80
"""Looks at one run: it grows, and looking takes ever longer."""

PAUSE = 0.002
"""Seconds between commits, so that runs do not grow faster than they are read."""

FIGURES = 0.01
"""The share of looks that draw all figures."""

EXPERIMENT = Synthetic()

Seen = dict[int, str]
"""The hash that was seen at a generation."""

Look = Callable[[Run, Path, Seen], None]


def tallies(place: Path, seed: int, share: float) -> Iterator[Tally]:
    """All looks."""
    for journal, words in (("WAL", "write-ahead log"), ("TRUNCATE", "rollback journal")):
        tally = Tally(f"a reader sees one instant while a run is written: {words}")
        looks = max(1, round(READS * share / 2))
        for part in range(0, looks, OF_ONE_RUN):
            rng = random.Random(f"{seed} {journal} {part}")
            _looks(place, rng, journal, min(OF_ONE_RUN, looks - part), f"run {part // OF_ONE_RUN}", tally)
        yield tally


def _looks(place: Path, rng: random.Random, journal: str, number: int, where: str, tally: Tally) -> None:
    folder = place / "read"
    shutil.rmtree(folder, ignore_errors=True)
    with Run.open(folder, EXPERIMENT):
        pass  # there is a run before anybody looks

    def write(tell: Tell) -> None:
        setattr(held, "journal", lambda file: journal)  # noqa: B010
        with Run.open(folder, EXPERIMENT, commit_every=1) as run:
            for generation in evolve(EXPERIMENT):
                run.append(generation)
                tell(generation.number)
                time.sleep(PAUSE)

    writer = Child(write)
    while writer.told < 1 and writer.alive:
        time.sleep(0.001)
    seen: Seen = {}
    with ExitStack() as opened:
        stays = opened.enter_context(Run.read(folder))
        for k in range(number):
            look = save_figures if rng.random() < FIGURES else rng.choice(LOOKS)
            try:
                if rng.random() < 0.5:
                    _look(stays, look, writer, place, seen)
                else:
                    with Run.read(folder) as run:
                        _look(run, look, writer, place, seen)
                failure = None
            except Exception as error:
                failure = repr(error)
            tally.tried(f"{where}, look {k} ({look.__name__})", failure)
    writer.kill()
    ending = writer.wait()
    tally.tried(f"{where}, the writer", None if ending.killed else ending.explanation)
    with Run.read(folder) as run:
        wrong = [number for number, hash in seen.items() if run.hash_of(number) != hash]
        tally.tried(f"{where}, the end", f"other hashes than were seen: {wrong[:9]}" if wrong else None)
        tally.tried(f"{where}, the end", f"check() finds {run.check()[:3]}" if run.check() else None)


def _look(run: Run, look: Look, writer: Child, place: Path, seen: Seen) -> None:
    before = writer.told
    assert run.generation >= before, f"{before} was committed, {run.generation} is seen"
    look(run, place, seen)


# --- looks ---------------------------------------------------------------------------------------------------


def one_instant(run: Run, place: Path, seen: Seen) -> None:
    """Everything within a snapshot is of one generation."""
    with run.snapshot():
        last = run.generation
        seen[last] = run.hash
        latest = run.latest()
        assert latest is not None and latest.number == last, f"latest() is not of generation {last}"
        assert len(run.statistics()["best"]) == last + 1, "statistics() are of another instant"
        assert run.statistics()["best"][-1] == max(latest.fitness), "statistics() are not those of latest()"
        assert run.leaders().generation.max() <= last, "leaders() are of another instant"
        assert run.hash_of(last) == run.hash and run.generation == last, "the snapshot has moved on"


def statistics(run: Run, place: Path, seen: Seen) -> None:
    """Columns of one length, no shorter than what was there before."""
    before = run.generation
    lengths = {len(column) for column in run.statistics().values()}
    assert len(lengths) == 1 and before < min(lengths) <= run.generation + 1, f"lengths {lengths}"


def populations(run: Run, place: Path, seen: Seen) -> None:
    """Every population that is said to be kept can be read."""
    with run.snapshot():
        for number in run.kept_populations():
            assert run.population(number).number == number


def descent(run: Run, place: Path, seen: Seen) -> None:
    """A line of descent leads from a founder to someone alive."""
    line = line_of_descent(run, None)
    assert not line[0].parents and all(b.parents[0] == a.id for a, b in pairwise(line))


def checked(run: Run, place: Path, seen: Seen) -> None:
    """A run that is being written is intact."""
    found = run.check()
    assert found == [], f"check() finds {found[:3]}"


def second_writer(run: Run, place: Path, seen: Seen) -> None:
    """Whoever wants to write as well is told who writes."""
    try:
        Run.open(run.path, EXPERIMENT).close()
    except RunError as error:
        assert "another process is writing" in str(error), str(error)
    else:
        raise AssertionError("two writers at once")


def save_figures(run: Run, place: Path, seen: Seen) -> None:
    """All figures can be drawn meanwhile."""
    assert save_all(run, place / "figures", formats=("png",))


LOOKS: tuple[Look, ...] = (
    one_instant,
    statistics,
    populations,
    descent,
    checked,
    second_writer,
)
