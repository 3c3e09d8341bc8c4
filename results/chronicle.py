"""What happened in a run, as numbers: who led, who took over from whom, when it cooperated. Words are in `story`.

A behaviour *leads* a generation when it is the most frequent, and *holds* the population from the generation in which
more than half play it until more than half play another: so leads that flicker between two do not count as
takeovers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from results.errors import RunError
from results.run.rows import LeadingBehaviour
from results.run.store import Run

COOPERATIVE, DEFECTING = 0.6, 0.4
"""Shares of cooperating moves from which, and down to which, a phase begins; it lasts until the other is reached."""

MOST_READ = 200_000
"""Generations whose leaders are read; of a longer run every second, third, ... one is."""


@dataclass(frozen=True)
class Takeover:
    """A behaviour came to be held: first in `generation`, from `before` (None: the first), until `last` inclusive."""

    generation: int
    behaviour: int
    before: int | None
    last: int


@dataclass(frozen=True)
class Phase:
    """Generations `first` to `last` in which cooperation stayed on one side, `mean` of it, and who led most."""

    kind: Literal["cooperative", "defecting"]
    first: int
    last: int
    mean: float
    at_start: int
    """Who led in its first generation."""
    leader: int
    """Who led most often in it."""


@dataclass(frozen=True, eq=False)
class Chronicle:
    """A run over time. Behaviours are places in `behaviours`.

    `read`: ``(r,)`` the generations whose leaders were read, `leader`, `count`: who led there, with how many.
    `size`, `cooperation`: ``(generations,)``.
    """

    behaviours: tuple[LeadingBehaviour, ...]
    read: NDArray[np.int64]
    leader: NDArray[np.int64]
    count: NDArray[np.int64]
    size: NDArray[np.int64]
    cooperation: NDArray[np.float64]

    @classmethod
    def of(cls, run: Run) -> Chronicle:
        """Read it; raises RunError for a run without generations."""
        with run.snapshot():
            if not len(run):
                raise RunError(f"{run.path}: no generation yet, nothing to tell")
            table = run.statistics()
            leaders = run.leaders(-(-len(run) // MOST_READ))
        first = np.flatnonzero(np.diff(leaders.generation, prepend=-1))
        return cls(
            leaders.behaviours,
            leaders.generation[first],
            leaders.behaviour[first],
            leaders.count[first],
            table["size"].astype(np.int64),
            table["cooperation"],
        )

    @property
    def last(self) -> int:
        """The last generation."""
        return len(self.size) - 1

    def led(self) -> list[tuple[int, int]]:
        """Who led in how many of the generations that were read, the most first."""
        return sorted(Counter(self.leader.tolist()).items(), key=lambda item: (-item[1], item[0]))

    def longest_lead(self) -> tuple[int, int, int]:
        """The longest time that one led without a break: who, from, to."""
        starts = [0, *(np.flatnonzero(np.diff(self.leader)) + 1).tolist(), len(self.leader)]
        spans = [(self.read[b - 1] - self.read[a], -a, b) for a, b in pairwise(starts)]
        _, start, end = max(spans)
        return int(self.leader[-start]), int(self.read[-start]), int(self.read[end - 1])

    def takeovers(self) -> list[Takeover]:
        """Everybody who came to hold the population, in order."""
        held = np.flatnonzero(2 * self.count > self.size[self.read])
        found: list[tuple[int, int]] = []
        for place in held.tolist():
            who = int(self.leader[place])
            if not found or found[-1][1] != who:
                found.append((int(self.read[place]), who))
        ends = [generation - 1 for generation, _ in found[1:]] + [self.last]
        return [
            Takeover(generation, who, found[n - 1][1] if n else None, ends[n])
            for n, (generation, who) in enumerate(found)
        ]

    def changes(self) -> list[tuple[tuple[int, int], int]]:
        """From whom to whom the population passed how often, the most frequent first."""
        pairs = Counter((t.before, t.behaviour) for t in self.takeovers() if t.before is not None)
        return sorted(pairs.items(), key=lambda item: (-item[1], item[0]))

    def circle(self) -> list[int]:
        """Who follows whom most often, as far as that leads back to where it began; empty where it does not.

        It begins with who held the population longest; every step happened at least twice.
        """
        held: Counter[int] = Counter()
        for t in self.takeovers():
            held[t.behaviour] += t.last - t.generation + 1
        follower: dict[int, int] = {}
        for (before, after), n in self.changes():
            if n > 1:
                follower.setdefault(before, after)
        for start, _ in sorted(held.items(), key=lambda item: (-item[1], item[0])):
            line = [start]
            while follower.get(line[-1]) not in (None, *line):
                line.append(follower[line[-1]])
            if follower.get(line[-1]) == start and len(line) > 1:
                return line
        return []

    def phases(self) -> list[Phase]:
        """The cooperative and the defecting times, in order."""
        kinds = np.where(self.cooperation >= COOPERATIVE, 1, np.where(self.cooperation <= DEFECTING, -1, 0))
        marked = np.flatnonzero(kinds)
        begins = [int(g) for n, g in enumerate(marked) if n == 0 or kinds[marked[n - 1]] != kinds[g]]
        found = []
        for first, end in pairwise([*begins, self.last + 1]):
            inside = (self.read >= first) & (self.read < end)
            led = Counter(self.leader[inside].tolist() or [self._leader_at(first)])
            most = min(led, key=lambda who: (-led[who], who))
            found.append(
                Phase(
                    "cooperative" if kinds[first] > 0 else "defecting",
                    first,
                    end - 1,
                    float(self.cooperation[first:end].mean()),
                    self._leader_at(first),
                    most,
                )
            )
        return found

    def _leader_at(self, generation: int) -> int:
        return int(self.leader[max(0, int(np.searchsorted(self.read, generation, side="right")) - 1)])


def longest(phases: Sequence[Phase], kind: str) -> Phase | None:
    """The longest phase of a kind, the first of equals."""
    return max(
        (phase for phase in phases if phase.kind == kind),
        key=lambda phase: (phase.last - phase.first, -phase.first),
        default=None,
    )
