"""`make bench`: every promise about speed and memory, measured in one run on one core (and what a second adds).

A topic is a module with ``rows(smoke)`` that yields a `Row` for each promise; to add one, list it in `TOPICS`.
``--smoke`` runs everything tiny, to see that it runs: its figures mean nothing.
"""

from __future__ import annotations

import os
import platform
import sys
import time

from benchmarks import command, ecology, evolution, invasion, scale, society, stability, tournament

TOPICS = (tournament, society, ecology, stability, invasion, evolution, scale, command)


def main() -> None:
    """Print the report; exit code 1 when a goal was missed."""
    smoke = "--smoke" in sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):  # child processes inherit it
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"one core of {platform.machine()}, Python {platform.python_version()}; medians, interleaved")
    if smoke:
        print("smoke run: everything tiny, no figure means anything")
    start = time.perf_counter()
    missed = 0
    for topic in TOPICS:
        print(f"\n{topic.__doc__.splitlines()[0]}" if topic.__doc__ else "")
        for row in topic.rows(smoke):
            print(f"  {row}", flush=True)
            missed += not row.met
    print(f"\n{missed or 'no'} goal{'' if missed == 1 else 's'} missed, {time.perf_counter() - start:.0f} s")
    sys.exit(1 if missed and not smoke else 0)


if __name__ == "__main__":
    main()
