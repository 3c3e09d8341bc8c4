"""Threads over kernels that let go of the interpreter: blocks of one round robin on all cores of a machine.

Results come back in order and are computed alike, so nothing depends on the number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
    task: Callable[[int, int], Result], ranges: list[tuple[int, int]], *, workers: int, seconds: float
) -> Iterator[Result]:
    """``task(first, end)`` for every range, in order, by `workers` threads if `seconds` of work are worth it.

    At most three results for each worker are held at a time, however slowly they are taken.
    """
    if workers == 1 or seconds < WORTH_SHARING or len(ranges) < 2:
        for first, end in ranges:
            yield task(first, end)
        return
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for first, end in ranges:
            waiting.append(pool.submit(task, first, end))
            if len(waiting) == 3 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
