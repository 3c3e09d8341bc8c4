"""Certificates: exhaustive scans against single pairs, the Nash gap under noise, and memory; long runs and groups."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import Row, seconds
from engine import Rules, long_run
from engine.group_games import public_goods
from engine.groups import group_play
from engine.pairs.behaviours import compile_behaviours
from engine.pairs.exact_play import ExpectedPlay
from engine.stability.certificates import best_response
from engine.stability.fixation import kappa
from engine.stability.scans import scan
from genomes import LookupGenome

RULES = Rules(turns=200)
NOISY = (
    ("limit of means", Rules(limit_of_means=True, noise=0.01)),
    ("continuation 0.99", Rules(continuation=0.99, noise=0.01)),
    ("200 turns", Rules(turns=200, noise=0.01)),
)


def rows(smoke: bool) -> Iterator[Row]:
    """Everything about resisting any mutant."""
    yield from _scans(smoke)
    yield from _gaps(smoke)
    yield from _long_runs(smoke)
    yield from _groups(smoke)


def _scans(smoke: bool) -> Iterator[Row]:
    memory = (1, 2) if smoke else (2, 2)
    found = scan("tit_for_tat", memory, RULES)
    rng = np.random.default_rng(0)
    few = [found.genome(k) for k in rng.integers(0, len(found), 40 if smoke else 724).tolist()]
    play = ExpectedPlay(compile_behaviours(few, RULES), RULES)
    d = len(play.behaviours)
    bare, whole, random, chance = seconds(
        lambda: play.rows(0, d),
        lambda: scan("tit_for_tat", memory, RULES).counts(distinct=True),
        lambda: scan(_random(3), memory, RULES).counts(distinct=True),
        lambda: kappa("tit_for_tat", found, size=100),
        repetitions=1 if smoke else 5,
    )
    same_number = bare / (d * (d + 1) / 2) * len(found)
    what = f"all {len(found)} memory({memory[0]},{memory[1]}) mutants"
    yield Row(f"{what} v tit_for_tat: as many bare pairs", whole / same_number, 30)
    yield Row(f"{what} v a random memory-3 resident: as many bare pairs", random / same_number, 30)
    yield Row("the same scan in seconds", whole, 5, unit=" s")
    yield Row("kappa over the scan, N = 100", chance, None, unit=" s")
    if not smoke:
        yield Row("memory the scan asks for, per mutant", _peak() / 2**18, 256, unit=" B")


def _gaps(smoke: bool) -> Iterator[Row]:
    residents = [_random(seed) for seed in range(2 if smoke else 10)]
    for name, rules in NOISY:

        def gaps(rules: Rules = rules) -> None:
            for resident in residents:
                best_response(resident, rules)

        (taken,) = seconds(gaps, repetitions=1 if smoke else 5)
        row = f"Nash gap of a random memory-3 resident, noise 0.01, {name}"
        yield Row(row, 1000 * taken / len(residents), 20, unit=" ms")


def _long_runs(smoke: bool) -> Iterator[Row]:
    rules = Rules(continuation=0.9, noise=0.01)
    (one,) = seconds(lambda: long_run("memory(1,1)", rules), repetitions=1 if smoke else 5)
    yield Row("long run of all 32 memory(1,1), N = 50", one, 0.3, unit=" s")
    if not smoke:
        (all_of,) = seconds(lambda: long_run("memory(1,2)", rules), repetitions=1)
        yield Row("long run of all 1024 memory(1,2), N = 50", all_of, 20, unit=" s")


def _groups(smoke: bool) -> Iterator[Row]:
    five = {"grim": 40, "all_d": 10, "tft_half": 20, "all_or_none": 20, "all_c": 10}
    large, small = public_goods(100, factor=30), public_goods(20, factor=5)
    noisy = Rules(limit_of_means=True, noise=0.01)
    plain, chance = seconds(
        lambda: group_play(five, large),
        lambda: group_play({"grim": 10, "tft_half": 10}, small, noisy),
        repetitions=1 if smoke else 7,
    )
    yield Row("a group of 100 in five strategies, noise-free", 1000 * plain, 1, unit=" ms")
    yield Row("a group of 20 in two strategies, noise 0.01", chance, 0.1, unit=" s")


def _random(seed: int) -> LookupGenome:
    """A random pure memory-3 genome."""
    rng = np.random.default_rng(seed)
    replies = tuple(rng.integers(0, 2, 64).astype(float).tolist())
    return LookupGenome(3, 3, tuple(rng.integers(0, 2, 3).astype(float).tolist()), replies)


def _peak() -> float:
    """Bytes that NumPy and Python hold at most during a scan, in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.stability"], capture_output=True, text=True, check=True
    )
    return float(answer.stdout)


if __name__ == "__main__":  # the child of `_peak`
    scan("tit_for_tat", (1, 1), RULES)
    tracemalloc.start()
    scan("tit_for_tat", (2, 2), RULES)
    print(tracemalloc.get_traced_memory()[1])
