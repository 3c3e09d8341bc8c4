"""`make bench`: every promise about speed and memory, measured in one run on one core (and what a second adds).

A topic is a module with ``rows(smoke)`` that yields a `Row` for each promise; to add one, list it in `TOPICS`.
The report is saved in ``benchmarks/results`` under the day's date, with machine and versions, as it was printed
and as JSON, with the growth curves drawn. ``--smoke`` runs everything tiny, to see that it runs: its figures mean
nothing, and nothing is saved.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import (
    command,
    cores,
    curves,
    ecology,
    evolution,
    fields,
    growth,
    invasion,
    peers,
    society,
    stability,
    tournament,
)
from benchmarks.measure import Row
from results.run.database import session

TOPICS = (tournament, society, ecology, stability, invasion, evolution, fields, growth, cores, command, peers)

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Print the report; exit code 1 when a goal was missed."""
    smoke = "--smoke" in sys.argv[1:]
    unpinned = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    if hasattr(os, "sched_setaffinity"):  # child processes inherit it
        os.sched_setaffinity(0, {min(unpinned)})
    machine = described_machine(len(unpinned))
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    say(f"{machine['processor']}, one of {machine['cores']} cores; {machine['system']}")
    say(", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    say(
        "medians of repetitions that take turns"
        if not smoke
        else "smoke run: everything tiny, no figure means anything"
    )
    start = time.perf_counter()
    rows: list[tuple[str, Row]] = []
    for topic in TOPICS:
        title = (topic.__doc__ or topic.__name__).splitlines()[0]
        say(f"\n{title}")
        for row in topic.rows(smoke):
            say(f"  {row}")
            rows.append((title, row))
    missed = sum(not row.met for _, row in rows)
    say(f"\n{missed or 'no'} goal{'' if missed == 1 else 's'} missed, {time.perf_counter() - start:.0f} s")
    if not smoke:
        save_report(machine, lines, rows)
    sys.exit(1 if missed and not smoke else 0)


def described_machine(cores: int) -> dict[str, Any]:
    """What the figures depend on."""
    told = session()
    processor = "unknown processor"
    described = Path("/proc/cpuinfo")
    if described.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in described.read_text().splitlines()
            if "model name" in line
        ]
        processor = names[0] if names else processor
    return {"processor": processor, "cores": cores, "system": told["platform"], "versions": told["versions"]}


def save_report(machine: dict[str, Any], lines: list[str], rows: list[tuple[str, Row]]) -> None:
    """The report, as printed and as JSON, and its curves."""
    RESULTS.mkdir(exist_ok=True)
    day = datetime.date.today().isoformat()
    text, numbers = RESULTS / f"{day}.txt", RESULTS / f"{day}.json"
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    content = {"day": day, **machine, "rows": [{"topic": title, **asdict(row)} for title, row in rows]}
    numbers.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    figure = RESULTS / f"{day}.png"
    curves.draw([row for _, row in rows], figure)
    for path in (text, numbers, figure):
        print(path)


if __name__ == "__main__":
    main()
