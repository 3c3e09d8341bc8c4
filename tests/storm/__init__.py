"""The storm: everything that can happen to a run, done to it thousands of times, with what is promised as the judge.

    shim.c, shim.py  a library loaded before the C library: counts, kills, fails and records changes of files
    child.py         work in a process of its own, that may be killed, hang or fail
    tasks.py         what is harmed: runs of every kind, a sweep, a study of invasion, a repair
    controls.py      careless writers, whom the storm must catch
    kills.py         kills at every change of a file and at random instants
    power.py         power cuts, rebuilt from a record of changes and syncs
    faults.py        a disk that is full, fails, or writes half of what it was asked to
    damage.py        bits flipped, pages zeroed, swapped, stale and foreign, files cut short
    hostile.py       files that somebody has forged
    readers.py       readers while a run is written
    hostile.py       files that somebody has forged
    fuzz.py          texts that nobody meant

`python -m tests.storm` (or `make storm`) prints one table: promise, tries, failures. Everything is drawn from
``--seed``; ``--share`` says how much of the whole to do, ``--only`` which harms.

To add a harm: a module with ``tallies(place, seed, share)``, its name in `HARMS` of `__main__`, a sentence in
docs/reliability.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Tally:
    """A promise, how often it was tried, and where it did not hold, each with what is needed to see it again."""

    promise: str
    tries: int = 0
    failures: list[str] = field(default_factory=list)

    def tried(self, where: str, failure: str | None) -> None:
        """Count one try; `failure` says what went wrong, None that nothing did."""
        self.tries += 1
        if failure is not None:
            self.failures.append(f"{where}: {failure}")
