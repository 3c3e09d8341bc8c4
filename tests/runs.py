"""What the tests of run files share: runs of the tiny evolution, and all that a run tells."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from results.errors import RunError
from results.records import Generation
from results.run.store import Run
from tests.synthetic import Synthetic, evolve

EXPERIMENT = Synthetic()
ROOT = Path(__file__).resolve().parents[1]


def write(path: Path, until: int, experiment: Synthetic = EXPERIMENT, **options: object) -> str:
    """Run, or go on, up to a generation; returns the hash."""
    with Run.open(path, experiment, **options) as run:  # type: ignore[arg-type]
        for generation in evolve(experiment, run.latest()):
            if generation.number > until:
                break
            run.append(generation)
        return run.hash


def same(one: Generation, other: Generation) -> bool:
    """Equal, but for which genome stands as the example of a leader: the file keeps the first seen."""
    plain = [
        replace(generation, leaders=tuple(replace(leader, genome="") for leader in generation.leaders))
        for generation in (one, other)
    ]
    return plain[0] == plain[1]


def history(until: int, experiment: Synthetic = EXPERIMENT) -> list[Generation]:
    return list(islice(evolve(experiment), until + 1))


def progress(folder: Path) -> int:
    """The last generation in a run that may not be there yet."""
    try:
        with Run.read(folder) as run:
            return run.generation
    except RunError:
        return -1


def everything(path: Path) -> object:
    """All that a run tells."""
    with Run.read(path) as run:
        latest = run.latest()
        assert latest is not None
        leaders = run.leaders()
        return (
            run.hash,
            latest,
            {name: column.tolist() for name, column in run.statistics().items()},
            (
                leaders.generation.tolist(),
                leaders.behaviour.tolist(),
                leaders.count.tolist(),
                leaders.behaviours,
            ),
            run.ancestry(birth.id for birth in latest.population),
            [run.population(number) for number in run.kept_populations()],
            run.censuses(),
            run.experiment_text,
            run.provenance,
        )
