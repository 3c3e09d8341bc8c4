"""Threads over kernels that let go of the interpreter: blocks of one round robin on all cores of a machine.

Blocks are played alike and kept in order, so nothing depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import TypeVar

Result = TypeVar("Result")

WORTH_SHARING = 0.005
"""Seconds of work from which threads pay: starting and joining a few takes about 0.0005 s."""

PARTS = 8
"""Blocks for each thread: early rows meet more than late ones, so equal blocks are unequal work."""

AHEAD = 2
"""Blocks for each thread that may be held until those before them are kept."""

LEAST = 4
"""Rows in a block at least: each block costs about 0.0001 s by itself."""


def block_ranges(last: int, most: int, workers: int) -> list[tuple[int, int]]:
    """Rows 0 .. `last` - 1 in blocks of at most `most`, and enough blocks to keep all `workers` busy."""
    step = most if workers == 1 else min(most, last // (PARTS * workers))
    step = max(1, min(most, LEAST), step)
    return [(first, min(last, first + step)) for first in range(0, last, step)]


def in_order(
    play: Callable[[int, int], Result],
    keep: Callable[[int, int, Result], None],
    ranges: list[tuple[int, int]],
    *,
    workers: int,
    seconds: float,
) -> None:
    """``keep(first, end, play(first, end))`` for every range, by `workers` threads if `seconds` of work pay.

    `keep` runs in order and never twice at once, mostly in the thread that played, while the block is in its core's
    cache. At most `AHEAD` blocks for each thread are held. An error in either stops all, and is raised.
    """
    if workers == 1 or seconds < WORTH_SHARING or len(ranges) < 2:
        for first, end in ranges:
            keep(first, end, play(first, end))
        return
    coming = iter(enumerate(ranges))
    changed = Condition()
    played: dict[int, Result] = {}
    now, keeping, stopped = 0, False, False

    def work() -> None:
        nonlocal keeping
        try:
            while True:
                with changed:
                    number, (first, end) = next(coming, (-1, (0, 0)))
                    while number - now >= AHEAD * workers and not stopped:
                        changed.wait()
                    if number < 0 or stopped:
                        return
                block = play(first, end)
                with changed:
                    played[number] = block
                    if keeping:
                        continue  # whoever is at it finds this one too
                    keeping = True
                keep_what_is_ready()
        except BaseException:
            stop()  # nobody waits for what never comes
            raise

    def keep_what_is_ready() -> None:
        nonlocal now, keeping
        while True:
            with changed:
                if now not in played or stopped:
                    keeping = False
                    return
                block = played.pop(now)
            keep(*ranges[now], block)
            with changed:
                now += 1
                changed.notify_all()

    def stop() -> None:
        nonlocal stopped
        with changed:
            stopped = True
            changed.notify_all()

    with ThreadPoolExecutor(workers) as pool:
        try:
            for thread in [pool.submit(work) for _ in range(workers)]:
                thread.result()
        finally:
            stop()
