"""How `make bench` measures: medians of interleaved repetitions, reported as ratios against a goal.

Ratios within one run mean the same on a laptop and on a server; seconds do not. Repetitions take turns, so
that a machine that slows down for a moment slows down both sides.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the report: what was measured, the number, and the goal it is held to (None: no goal)."""

    what: str
    measured: float
    goal: float | None
    at_least: bool = False
    """The goal is a lower bound; otherwise an upper one."""
    unit: str = "x"

    @property
    def met(self) -> bool:
        """Whether the goal was reached."""
        if self.goal is None:
            return True
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def __str__(self) -> str:
        goal = "" if self.goal is None else f"{'>=' if self.at_least else '<='} {self.goal:g}{self.unit}"
        verdict = "" if self.goal is None else ("ok" if self.met else "MISSED")
        return f"{self.what:76s} {_short(self.measured) + self.unit:>10s}   {goal:>10s}   {verdict}".rstrip()


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def seconds(*tasks: Callable[[], object], repetitions: int = 7) -> list[float]:
    """Median seconds of each task over interleaved repetitions, after one unmeasured call of each."""
    for task in tasks:
        task()
    taken: list[list[float]] = [[] for _ in tasks]
    for _ in range(repetitions):
        for task, times in zip(tasks, taken, strict=True):
            start = time.perf_counter()
            task()
            times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in taken]
