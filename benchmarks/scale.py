"""Scale: how time and memory grow with population, memory depth and islands, and what a second core gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.measure import Row, seconds
from benchmarks.tournament import peak_kibibytes
from engine import Rules, round_robin
from evolve import Experiment, generations
from genomes.variation import random_lookups

SAMPLE = 200


def rows(smoke: bool) -> Iterator[Row]:
    """Everything about size."""
    yield from _population(smoke)
    yield from _depth(smoke)
    yield from _islands(smoke)
    yield from _cores(smoke)


def _population(smoke: bool) -> Iterator[Row]:
    """Memory-3, everybody against a sample: in processes of their own, for their memory."""
    sizes = (300, 600, 1200) if smoke else (1_000, 10_000, 100_000)
    found = [_child("population", size) for size in sizes]
    for size, one in zip(sizes, found, strict=True):
        yield Row(f"population {size}, sample of {SAMPLE}: a generation", one["seconds"], None, unit=" s")
        yield Row(f"population {size}: peak memory", one["mebibytes"], None, unit=" MiB")
    if not smoke:  # 10 by the law
        small, middle, large = found
        yield Row("10 times the population: time", large["seconds"] / middle["seconds"], 15)
        more, less = (
            large["mebibytes"] - middle["mebibytes"],
            middle["mebibytes"] - small["mebibytes"],
        )
        yield Row("10 times the population: added memory", more / less, 15)


def _depth(smoke: bool) -> Iterator[Row]:
    """A generation of 200, everybody against everybody."""
    for n in (1, 2) if smoke else (1, 2, 3, 4, 5):
        taken = _generation(Experiment(genome={"x": n, "y": n}, generations=3 if smoke else 60))
        yield Row(f"memory-{n}, population 200: a generation", 1e3 * taken, None, unit=" ms")


def _islands(smoke: bool) -> Iterator[Row]:
    """Islands of 100 in one process: as many times the work."""
    experiment = Experiment(population={"size": 100}, generations=5 if smoke else 60)
    list(generations(experiment.changed(generations=5)))  # compiles
    alone = _generation(experiment)
    for number in (2,) if smoke else (2, 4, 8, 16):
        taken = _generation(experiment.changed(islands={"number": number}))
        yield Row(f"{number} islands v one, for each", taken / alone / number, 1.3)


def _cores(smoke: bool) -> Iterator[Row]:
    """Two cores against one, where the machine has them."""
    if (os.cpu_count() or 1) < 2:
        return
    found = _child("cores", 60 if smoke else 0)
    goal = None if smoke else 1.7
    yield Row("1000 memory-3 genomes: two threads v one", found["pure"], goal, at_least=True)
    yield Row(
        "100 stochastic memory-3 genomes, noise: two threads v one", found["noisy"], goal, at_least=True
    )
    yield Row("4 islands, noise: two processes v one", found["islands"], None)


def _generation(experiment: Experiment, **options: Any) -> float:
    """Seconds a generation."""
    start = time.perf_counter()
    for _ in generations(experiment, **options):
        pass
    return (time.perf_counter() - start) / (experiment.generations + 1)


def _child(what: str, size: int) -> dict[str, float]:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", what, str(size)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def _measure_population(size: int) -> dict[str, float]:
    experiment = Experiment(population={"size": size}, fitness={"sample": SAMPLE}, generations=2)
    list(generations(experiment.changed(population={"size": SAMPLE})))  # compiles
    return {"seconds": _generation(experiment), "mebibytes": peak_kibibytes() / 1024}


def _measure_cores(tiny: int) -> dict[str, float]:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))  # the parent keeps to one core
    rng = np.random.default_rng(0)
    pure = random_lookups(tiny or 1000, 3, 3, False, rng)
    mixed = random_lookups(tiny or 100, 3, 3, True, rng)
    noisy = Rules(turns=200, noise=0.01)
    one, two, slow_one, slow_two = seconds(
        lambda: round_robin(pure, matrix=False),
        lambda: round_robin(pure, matrix=False, workers=2),
        lambda: round_robin(mixed, noisy, matrix=False),
        lambda: round_robin(mixed, noisy, matrix=False, workers=2),
        repetitions=1 if tiny else 9,
    )
    apart = Experiment(
        rules={"noise": 0.01}, genome={"stochastic": True}, population={"size": tiny or 100},
        islands={"number": 4}, generations=1 if tiny else 19,
    )  # fmt: skip
    list(generations(apart.changed(generations=1), workers=2))  # starts the processes
    return {
        "pure": one / two,
        "noisy": slow_one / slow_two,
        "islands": _generation(apart.changed()) / _generation(apart.changed(), workers=2),
    }


if __name__ == "__main__":
    measure = {"population": _measure_population, "cores": _measure_cores}[sys.argv[1]]
    print(json.dumps(measure(int(sys.argv[2]))))
