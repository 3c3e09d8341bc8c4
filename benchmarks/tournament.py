"""Round robins: the engine against the plain-Python oracle, against its yardstick, and its memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.limits import lookup_round_robin
from benchmarks.measure import Row, peak_mebibytes, seconds
from engine import Game, Rules, round_robin
from engine.mechanisms import parse
from engine.pairs.behaviours import Behaviours, compile_behaviours
from engine.pairs.exact_play import ExpectedPlay
from genomes import LookupGenome
from tests import reference

RULES = Rules(turns=200)


def rows(smoke: bool) -> Iterator[Row]:
    """Everything about playing pairs of strategies."""
    for n in (3, 2, 1):
        yield from _pure(n, smoke)
    yield from _long_rounds(smoke)
    yield from _states(smoke)
    yield from _noisy(smoke)
    yield from _memory(smoke)


def random_tables(count: int, n: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Replies ``(count, 4**n)`` and openings ``(count, n)`` of random memory-n genomes, D = 1."""
    rng = np.random.default_rng(n)
    return rng.integers(0, 2, (count, 4**n), np.uint8), rng.integers(0, 2, (count, n), np.uint8)


def random_genomes(count: int, n: int) -> list[LookupGenome]:
    """The same genomes as values of the engine."""
    return genomes_of(*random_tables(count, n), n)


def genomes_of(replies: NDArray[np.uint8], openings: NDArray[np.uint8], n: int) -> list[LookupGenome]:
    """Tables as values of the engine."""
    return [
        LookupGenome(n, n, tuple(1 - o), tuple(1 - r))
        for o, r in zip(openings.astype(float), replies.astype(float), strict=True)
    ]


def shift_registers(count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Replies and openings of memory-3 genomes that play their own move of three turns ago, or the other one, by what
    came since: every joint memory then has one before it, rounds are long, and nothing leads into them."""
    rng = np.random.default_rng(5)
    history = np.arange(64)  # three own moves, then three of the opponent, the oldest first
    since = (history >> 3 & 3) | (history & 3) << 2
    turned = rng.integers(0, 2, (count, 16), np.uint8)[:, since]
    return (history >> 5).astype(np.uint8) ^ turned, rng.integers(0, 2, (count, 3), np.uint8)


def _pure(n: int, smoke: bool) -> Iterator[Row]:
    count = 60 if smoke else 1000
    genomes = random_genomes(count, n)
    replies, openings = random_tables(count, n)
    payoffs = Game().payoffs
    distinct = len(compile_behaviours(genomes, RULES))
    field = f"{count} random memory-{n} genomes ({distinct} behaviours)"  # short memories share behaviours

    # both sides are held to one result before they are timed
    totals, _ = lookup_round_robin(replies, openings, n, 200, payoffs)
    scores = round_robin(genomes, RULES, matrix=False).scores
    if not np.allclose(totals / (200 * (count - 1)), scores, rtol=1e-12):
        raise RuntimeError("the yardstick and the engine disagree")

    pairs = [(genomes[k], genomes[-1 - k]) for k in range(5 if smoke else 40)]

    def oracle() -> None:
        for a, b in pairs:
            reference.counts(
                reference.lookup_rule(n, n, a.opening, a.replies),
                reference.lookup_rule(n, n, b.opening, b.replies),
                200,
            )

    whole, scores_only, limit, long, plain = seconds(
        lambda: round_robin(genomes, RULES),
        lambda: round_robin(genomes, RULES, matrix=False),
        lambda: lookup_round_robin(replies, openings, n, 200, payoffs),
        lambda: round_robin(genomes, Rules(turns=20_000)),
        oracle,
        repetitions=1 if smoke else 25,
        of=min,  # calls of a few milliseconds, which whoever shares the machine disturbs
    )
    matches = count * (count - 1) / 2
    yield Row(
        f"{field}: v plain Python, speed",
        (plain / len(pairs)) / (whole / matches),
        1000 if n == 3 else None,
        at_least=True,
    )
    yield Row(f"{field}: v yardstick, matrix kept", whole / limit, 2 if n == 3 else None)
    yield Row(f"{field}: v yardstick, scores only", scores_only / limit, 1.5 if n == 3 else 2)
    yield Row(f"{field}: 20 000 turns v 200", long / whole, 1.2 if n == 3 else None)


def _long_rounds(smoke: bool) -> Iterator[Row]:
    """Memory-3 genomes whose matches repeat late, against random ones: what does not repeat in 32 turns is followed."""
    count = 60 if smoke else 1000
    replies, openings = shift_registers(count)
    genomes = genomes_of(replies, openings, 3)
    totals, followed = lookup_round_robin(replies, openings, 3, 200, Game().payoffs)
    scores = round_robin(genomes, RULES, matrix=False).scores
    if not np.allclose(totals / (200 * (count - 1)), scores, rtol=1e-12):
        raise RuntimeError("the yardstick and the engine disagree")
    random = random_genomes(count, 3)
    late, quick, limit = seconds(
        lambda: round_robin(genomes, RULES, matrix=False),
        lambda: round_robin(random, RULES, matrix=False),
        lambda: lookup_round_robin(replies, openings, 3, 200, Game().payoffs),
        repetitions=1 if smoke else 25,
        of=min,  # calls of a few milliseconds, which whoever shares the machine disturbs
    )
    share = followed / (count * (count - 1) / 2)
    field = f"{count} memory-3 genomes with long rounds"
    yield Row(f"{field}: share of matches without one in 32 turns", share, None, unit="")
    yield Row(f"{field}: scores, v those of random genomes", late / quick, None)
    yield Row(f"{field}: v yardstick, scores only", late / limit, 1.5)


def _states(smoke: bool) -> Iterator[Row]:
    """Meetings where a mechanism keeps one of four states of a pair, against the same ones without: followed both."""
    genomes = random_genomes(20 if smoke else 200, 4)
    plays = []
    for rules in (RULES, Rules(turns=200, mechanisms=(parse("stake:1"),))):
        behaviours = compile_behaviours(genomes, rules)
        plays.append(ExpectedPlay(behaviours, rules))
    plain, staged = seconds(
        *(lambda play=play: play.rows(0, len(play.behaviours)) for play in plays),  # type: ignore[misc]
        repetitions=1 if smoke else 15,
        of=min,
    )
    yield Row(
        "memory-4 pairs without noise in a game with 4 states: v the plain one, both followed",
        staged / plain,
        3,
    )


def _noisy(smoke: bool) -> Iterator[Row]:
    """One pair under noise against one pair without, many pairs a call: what the kernels take."""
    count = 20 if smoke else 300
    for n, goal in ((1, 100), (3, 1000)):
        rng = np.random.default_rng(n)
        chancy = [
            LookupGenome(n, n, tuple(rng.random(n).tolist()), tuple(rng.random(4**n).tolist()))
            for _ in range(count if n == 1 else max(count // 2, 20))
        ]
        noise_free = _tiled(compile_behaviours(random_genomes(count, n), RULES), count)
        noisy = compile_behaviours(chancy, Rules(turns=200, noise=0.01))
        pure, chance = ExpectedPlay(noise_free, RULES), ExpectedPlay(noisy, Rules(turns=200, noise=0.01))
        quick, slow = seconds(
            lambda pure=pure: pure.rows(0, len(pure.behaviours)),
            lambda chance=chance: chance.rows(0, len(chance.behaviours)),
            repetitions=1 if smoke else 7,
        )
        ratio = (slow / _pairs(len(noisy))) / (quick / _pairs(len(noise_free)))
        yield Row(f"memory-{n} pair, 200 turns: noise v none, both exact", ratio, goal)


def _pairs(d: int) -> float:
    return d * (d + 1) / 2


def _tiled(behaviours: Behaviours, count: int) -> Behaviours:
    """At least `count` behaviours by repetition: memory-1 has only 26, too few to time a pair."""
    times = -(-count // len(behaviours))
    return Behaviours(
        keys=behaviours.keys * times,
        index=np.arange(len(behaviours) * times),
        sizes=np.tile(behaviours.sizes, times),
        defect=np.tile(behaviours.defect, times),
        successors=np.tile(behaviours.successors, (times, 1)),
        cooperate=np.tile(behaviours.cooperate, times),
    )


def _memory(smoke: bool) -> Iterator[Row]:
    sizes = (20, 40, 80) if smoke else (5_000, 10_000, 20_000)
    small, middle, large = (_peak_in_child(count) for count in sizes)
    yield Row(f"scores of {sizes[2]} memory-3 genomes: peak memory", large, 1024, unit=" MiB")
    if not smoke:  # 2 when memory grows linearly, 4 when it grows with the square
        yield Row(
            f"memory added by {sizes[2] - sizes[1]} genomes v by {sizes[1] - sizes[0]} (linear: 2, square: 4)",
            (large - middle) / max(middle - small, 1.0),
            2.5,
        )


def _peak_in_child(count: int) -> float:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.tournament", str(count)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(answer.stdout)


if __name__ == "__main__":  # the child of `_peak_in_child`
    round_robin(random_genomes(int(sys.argv[1]), 3), RULES, matrix=False)
    print(peak_mebibytes())
