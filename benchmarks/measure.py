"""How `make bench` measures: medians of interleaved repetitions, reported as ratios against a goal.

Ratios within one run mean the same on a laptop and on a server; seconds do not. Repetitions take turns, so
that a machine that slows down for a moment slows down both sides.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line of the report: what was measured, the number (None: it was not), and the goal (None: no goal)."""

    what: str
    measured: float | None
    goal: float | None
    at_least: bool = False
    """The goal is a lower bound; otherwise an upper one."""
    unit: str = "x"
    curve: tuple[str, int] | None = None
    """A point of a growth curve: which, and at what size."""
    mebibytes: float | None = None
    """The most memory held meanwhile, where that was measured."""

    @property
    def met(self) -> bool:
        """Whether the goal was reached."""
        if self.goal is None or self.measured is None:
            return True
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def __str__(self) -> str:
        goal = "" if self.goal is None else f"{'>=' if self.at_least else '<='} {self.goal:g}{self.unit}"
        verdict = "" if self.goal is None else ("ok" if self.met else "MISSED")
        number = "-" if self.measured is None else _short(self.measured) + self.unit
        memory = "" if self.mebibytes is None else f"{self.mebibytes:.0f} MiB"
        return f"{self.what:86s} {number:>10s} {memory:>10s}   {goal:>10s}   {verdict}".rstrip()


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def seconds(
    *tasks: Callable[[], object], repetitions: int = 7, of: Callable[[list[float]], float] = statistics.median
) -> list[float]:
    """Seconds of each task over interleaved repetitions, after one unmeasured call of each: their median, or with
    ``of=min`` the fastest, for what others who use the machine would disturb at all times."""
    for task in tasks:
        task()
    taken: list[list[float]] = [[] for _ in tasks]
    for _ in range(repetitions):
        for task, times in zip(tasks, taken, strict=True):
            start = time.perf_counter()
            task()
            times.append(time.perf_counter() - start)
    return [of(times) for times in taken]


def peak_mebibytes() -> float:
    """The most memory this process ever held; Linux keeps `ru_maxrss` of the parent, so it comes second."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 1024**2 if sys.platform == "darwin" else used / 1024
