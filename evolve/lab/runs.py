"""The runs below the lab's folder: found by looking there, never by a path that an address says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evolve.experiment.experiment import Experiment
from results.errors import RunError
from results.run.store import Run

MOST_RUNS = 200
"""Runs that are listed, the latest written first."""


@dataclass(frozen=True)
class Known:
    """A run that is there: `generation` and `leader` as of now; `error` where it cannot be read."""

    name: str
    generation: int = -1
    planned: int = 0
    cooperation: float | None = None
    leader: str = ""
    error: str = ""

    @property
    def line(self) -> str:
        """It in a line."""
        if self.error or self.cooperation is None:
            return self.error or "no generation yet"
        return (
            f"generation {self.generation:,} of {self.planned:,}; cooperation {self.cooperation:.2f}; "
            f"{self.leader} leads"
        )


def run_folders(root: Path) -> dict[str, Path]:
    """Folders with a run, by name; links are not followed."""
    found: list[tuple[float, str, Path]] = []
    if root.is_dir():
        for place in root.iterdir():
            file = place / "run.sqlite"
            if not place.is_symlink() and not file.is_symlink() and file.is_file():
                found.append((-file.stat().st_mtime, place.name, place))
    return {name: place for _, name, place in sorted(found)[:MOST_RUNS]}


def folder_of(root: Path, name: str) -> Path:
    """The folder of a run by its name; ValueError for any other word."""
    found = run_folders(root).get(name)
    if found is None:
        raise ValueError(f"run: expected one of the runs in {root}, got {name!r}")
    return found


def opened(place: Path) -> Run:
    """A run to look at, also while it is written."""
    return Run.read(place, Experiment.recorded)


def known(place: Path) -> Known:
    """How a run stands."""
    from engine.likeness import called
    from engine.names import name_of

    try:
        with opened(place) as run, run.snapshot():
            experiment = Experiment.recorded(run.experiment_text)
            latest = run.latest()
            if latest is None:
                return Known(place.name, planned=experiment.generations)
            leader = latest.leaders[0]
            name = name_of(leader.behaviour, noisy=experiment.rules_value.noisy)
            shown = f"{called(name, leader.behaviour, leader.genome)} with {leader.count} of {len(latest.population)}"
            return Known(place.name, latest.number, experiment.generations, latest.cooperation, shown)
    except (RunError, ValueError, OSError) as error:
        return Known(place.name, error=str(error))
