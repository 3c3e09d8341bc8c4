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

    `keep` runs in order and never twice at once, in the thread that played, while the block is in its core's
    cache; no thread holds more than one block. An error in either stops all, and is raised.
    """
    if workers == 1 or seconds < WORTH_SHARING or len(ranges) < 2:
        for first, end in ranges:
            keep(first, end, play(first, end))
        return
    coming = iter(enumerate(ranges))
    turn = Condition()
    now, stopped = 0, False

    def stop() -> None:
        nonlocal stopped
        with turn:
            stopped = True
            turn.notify_all()

    def work() -> None:
        nonlocal now
        try:
            while True:
                with turn:
                    number, (first, end) = next(coming, (-1, (0, 0)))
                if number < 0 or stopped:
                    return
                played = play(first, end)
                with turn:
                    while now != number and not stopped:
                        turn.wait()
                if stopped:
                    return
                keep(first, end, played)
                with turn:
                    now += 1
                    turn.notify_all()
        except BaseException:
            stop()  # nobody waits for a turn that never comes
            raise

    with ThreadPoolExecutor(workers) as pool:
        try:
            for thread in [pool.submit(work) for _ in range(workers)]:
                thread.result()
        finally:
            stop()
