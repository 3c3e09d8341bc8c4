"""Invasion: a hundred populations under continued mutation and injection."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.measure import Row
from evolve.invasion.replicates import history
from evolve.invasion.study import Study, Task

REPLICATES, GENERATIONS, SIZE = 100, 1000, 100


def rows(smoke: bool) -> Iterator[Row]:
    """100 replicates of 1000 generations, population 100, memory one: extrapolated from a few of them."""
    followed, length = (1, 5) if smoke else (3, 200)
    for noise, goal in ((0.0, 5.0), (0.01, 5.0)):
        study = Study.of(
            ["tit_for_tat"],
            {"population": {"size": SIZE}, "rules": {"turns": 200, "noise": noise}},
            generations=length,
        )
        for _ in zip(range(2), history(study, Task("tit_for_tat", False, followed)), strict=False):
            pass  # compiled
        start = time.perf_counter()
        generations = 0
        for k in range(followed):
            generations += sum(1 for _ in history(study, Task("tit_for_tat", False, k)))
        each = (time.perf_counter() - start) / generations
        yield Row(
            f"{REPLICATES} x {GENERATIONS} generations of {SIZE} memory-1, noise {noise:g}, from {generations}",
            each * REPLICATES * GENERATIONS / 60, goal, unit=" min",
        )  # fmt: skip
