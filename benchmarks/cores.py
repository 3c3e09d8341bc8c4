"""Cores: what a second one gives, where the machine has it, and what it could give at most.

The fastest of many repetitions: on a shared machine the second core is somebody else's now and then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.measure import Row, seconds
from engine import Rules, round_robin
from evolve import Experiment, generations
from genomes.variation.lookups import random_lookups

REPETITIONS = 9


def rows(smoke: bool) -> Iterator[Row]:
    """Two cores against one."""
    if (os.cpu_count() or 1) < 2:
        return
    tiny = str(int(smoke))
    goal = None if smoke else 1.7
    for work, what in (
        ("pure", "5000 memory-3 genomes"),
        ("noisy", "300 stochastic memory-3 genomes, noise"),
    ):
        (found,) = _children(1, "threads", work, tiny)
        yield Row(f"{what}: two threads v one", found["ratio"], goal, at_least=True)
        (alone,) = _children(1, "alone", work, tiny)
        apart = max(one["seconds"] for one in _children(2, "alone", work, tiny))
        yield Row(
            "the same twice, in two processes that share nothing, v once", 2 * alone["seconds"] / apart, None
        )
    (found,) = _children(1, "islands", "noisy", tiny)
    yield Row("4 islands, noise: two processes v one", found["ratio"], None)


def _children(count: int, *words: str) -> list[dict[str, float]]:
    """What so many processes at once, free to use all cores, find."""
    command = [sys.executable, "-m", "benchmarks.cores", *words]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    found = []
    for child in started:
        answer, _ = child.communicate()
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, command)
        found.append(json.loads(answer))
    return found


# --- in the child -----------------------------------------------------------------------------------------------


def _round_robin(work: str, tiny: bool) -> Callable[[int], object]:
    """A round robin by so many threads."""
    rng = np.random.default_rng(0)
    if work == "pure":
        genomes, rules = random_lookups(60 if tiny else 5000, 3, 3, False, rng), Rules(turns=200)
    else:
        genomes, rules = random_lookups(40 if tiny else 300, 3, 3, True, rng), Rules(turns=200, noise=0.01)
    return lambda workers: round_robin(genomes, rules, matrix=False, workers=workers)


def _threads(work: str, tiny: bool) -> dict[str, float]:
    play = _round_robin(work, tiny)
    one, two = seconds(lambda: play(1), lambda: play(2), repetitions=1 if tiny else REPETITIONS, of=min)
    return {"ratio": one / two}


def _alone(work: str, tiny: bool) -> dict[str, float]:
    play = _round_robin(work, tiny)
    (taken,) = seconds(lambda: play(1), repetitions=1 if tiny else 2 * REPETITIONS, of=min)
    return {"seconds": taken}


def _islands(_work: str, tiny: bool) -> dict[str, float]:
    apart = Experiment(
        rules={"noise": 0.01}, genome={"stochastic": True}, population={"size": 20 if tiny else 100},
        selection={"survivors": 10}, islands={"number": 4}, generations=1 if tiny else 19,
    )  # fmt: skip
    one, two = seconds(
        lambda: list(generations(apart, workers=1)), lambda: list(generations(apart, workers=2)),
        repetitions=1 if tiny else 3, of=min,
    )  # fmt: skip
    return {"ratio": one / two}


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))  # the parent keeps to one core
    measure = {"threads": _threads, "alone": _alone, "islands": _islands}[sys.argv[1]]
    print(json.dumps(measure(sys.argv[2], sys.argv[3] == "1")))
