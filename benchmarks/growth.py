"""Growth: time and memory against population, memory depth, turns, players in a society, islands, generations.

Every point is measured in a process of its own, for its memory.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.measure import Row, peak_mebibytes
from benchmarks.society import formulas
from engine import Rules, society
from evolve import Experiment, generations
from evolve.workers import rarely_collecting

SAMPLE = 200

FIVE = ("absolutist", "tit_for_tat", "all_c", "forgiving_bully", "police")

LENGTH = 20
"""Generations over which one is timed."""

CURVES: dict[str, tuple[tuple[int, ...], str]] = {
    "population": (
        (1_000, 10_000, 100_000),
        f"memory-3, everybody against a sample of {SAMPLE}: a generation",
    ),
    "memory depth": ((1, 2, 3, 4, 5), "population 200: a generation"),
    "turns": ((200, 2_000, 20_000), "memory-3, population 200: a generation"),
    "turns with noise": ((50, 200, 800), "memory-2, population 40: a generation"),
    "strategies in a society": ((16, 64, 256), "formulas with a round and a player quantifier, 50 rounds"),
    "players in a society": ((10, 1_000, 1_000_000), "five strategies, 50 rounds"),
    "islands": ((1, 2, 4, 8, 16), "memory-3, 100 individuals on each, in one process: a generation"),
    "generations": ((1_000, 4_000, 16_000), "memory-1, population 20: a generation"),
}
"""What grows, to which sizes, and what is timed."""

LAWS: dict[str, tuple[float, float]] = {
    "population": (10.0, 15.0),
    "turns": (1.0, 1.2),
    "strategies in a society": (64.0, 80.0),
    "players in a society": (1.0, 1.2),
    "islands": (2.0, 2.6),
    "generations": (1.0, 1.2),
}
"""Of some: how much more the last point may take than the one before by the law, and the goal."""


def rows(smoke: bool) -> Iterator[Row]:
    """All curves."""
    for curve, (sizes, what) in CURVES.items():
        taken = []
        for size in sizes[:2] if smoke else sizes:
            found = _child(curve, size, smoke)
            taken.append(found["seconds"])
            yield Row(
                f"{curve} {size}: {what}", 1e3 * found["seconds"], None, unit=" ms",
                curve=(curve, size), mebibytes=found["mebibytes"],
            )  # fmt: skip
        if curve in LAWS and not smoke:
            law, goal = LAWS[curve]
            yield Row(
                f"{curve} {sizes[-1]} v {sizes[-2]}: time ({law:g} by the law)", taken[-1] / taken[-2], goal
            )


def _child(curve: str, size: int, smoke: bool) -> dict[str, float]:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", curve, str(size), str(int(smoke))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(answer.stdout)
    return found


# --- in the child -----------------------------------------------------------------------------------------------


def _evolving(length: int = LENGTH, **settings: Any) -> Callable[[], float]:
    """Seconds a generation takes."""
    experiment = Experiment(generations=length, **settings)

    def measure() -> float:
        small = experiment.changed(generations=2)
        if experiment.fitness.sample:
            small = small.changed(population={"size": SAMPLE})
        list(generations(small))  # compiles
        gc.collect()
        start = time.perf_counter()
        with rarely_collecting():  # as a run does
            for _ in generations(experiment):
                pass
        return (time.perf_counter() - start) / (experiment.generations + 1)

    return measure


def _society(members: dict[Any, int], repetitions: int) -> Callable[[], float]:
    """Seconds a society takes."""

    def measure() -> float:
        society(members, Rules(turns=50))  # compiles
        start = time.perf_counter()
        for _ in range(repetitions):
            society(members, Rules(turns=50))
        return (time.perf_counter() - start) / repetitions

    return measure


def _task(curve: str, size: int, smoke: bool) -> Callable[[], float]:
    """What is timed at one point of a curve."""
    length = 2 if smoke else LENGTH
    if curve == "population":
        return _evolving(
            2,
            population={"size": size // 10 if smoke else size},
            fitness={"sample": SAMPLE // 4 if smoke else SAMPLE},
        )
    if curve == "memory depth":
        return _evolving(length, genome={"x": size, "y": size})
    if curve == "turns":
        return _evolving(length, rules={"turns": size})
    if curve == "turns with noise":
        return _evolving(
            length, rules={"turns": size, "noise": 0.01}, genome={"x": 2, "y": 2}, population={"size": 40}
        )
    if curve == "strategies in a society":
        return _society(dict.fromkeys(formulas(size // 4 if smoke else size, "tj"), 1), 1 if smoke else 5)
    if curve == "players in a society":
        return _society(dict.fromkeys(FIVE, size // len(FIVE)), 200)
    if curve == "islands":
        return _evolving(length, population={"size": 100}, islands={"number": size})
    return _evolving(
        size // 100 if smoke else size, genome={"x": 1, "y": 1}, rules={"turns": 50}, population={"size": 20},
        selection={"survivors": 10}, variation={"immigrants": 1},
    )  # fmt: skip


if __name__ == "__main__":
    timed = _task(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1")()
    print(json.dumps({"seconds": timed, "mebibytes": peak_mebibytes()}))
