"""`make storm`: every harm, one table, and a report in ``benchmarks/results`` under the day's date.

Exit code 1 when a promise did not hold. A part (``--share`` below 1, or ``--only``) saves nothing.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from tests.storm import Tally
from tests.storm.shim import Shim, build, missing

HARMS = ("controls", "kills", "power", "faults", "damage", "readers", "hostile", "fuzz")

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"

SHOWN = 5
"""Failures of one promise that are printed."""


def main() -> None:
    """Print the table; exit code 1 for a broken promise, 2 where there can be no storm."""
    options = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    options.add_argument("--seed", type=int, default=1, help="of everything that is drawn (1)")
    options.add_argument("--share", type=float, default=1.0, help="how much of the whole to do (1)")
    options.add_argument("--only", action="append", choices=HARMS, help="one harm; may be repeated")
    chosen = options.parse_args()
    if (reason := missing()) is not None:
        print(f"storm: {reason}", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory(prefix="storm-") as temporary:
        place = Path(temporary).resolve()
        if "STORM" not in os.environ:
            loaded = {"LD_PRELOAD": str(build(place)), "STORM": "1"}
            command = [sys.executable, "-m", "tests.storm", *sys.argv[1:]]
            sys.exit(os.spawnve(os.P_WAIT, sys.executable, command, os.environ | loaded))
        Shim()
        _run(place, chosen.seed, chosen.share, chosen.only)


def _run(place: Path, seed: int, share: float, only: list[str] | None) -> None:
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    say(f"seed {seed}, share {share:g} of the whole")
    start = time.monotonic()
    report: dict[str, list[Tally]] = {}
    for name in only or HARMS:
        harm = import_module(f"tests.storm.{name}")
        say(f"\n{(harm.__doc__ or name).splitlines()[0]}")
        say(f"  {'promise':90s} {'tries':>9s} {'failures':>9s}")
        began = time.monotonic()
        report[name] = []
        here = place / name
        here.mkdir()
        for tally in harm.tallies(here, seed, share):
            report[name].append(tally)
            say(f"  {tally.promise:90s} {tally.tries:9d} {len(tally.failures):9d}")
            for failure in tally.failures[:SHOWN]:
                say(f"    {failure}")
        tries, failures = _sums(report[name])
        say(f"  {f'{name}: {time.monotonic() - began:.0f} s':90s} {tries:9d} {failures:9d}")
    tries, failures = _sums([tally for tallies in report.values() for tally in tallies])
    say(
        f"\n{tries} tries, {failures or 'no'} failure{'' if failures == 1 else 's'}, {time.monotonic() - start:.0f} s"
    )
    if share >= 1 and only is None:
        _save(lines, seed, report)
    sys.exit(1 if failures else 0)


def _sums(tallies: list[Tally]) -> tuple[int, int]:
    return sum(tally.tries for tally in tallies), sum(len(tally.failures) for tally in tallies)


def _save(lines: list[str], seed: int, report: dict[str, list[Tally]]) -> None:
    """The report, as printed and as JSON."""
    from results.run.database import session

    RESULTS.mkdir(exist_ok=True)
    day = datetime.date.today().isoformat()
    text, numbers = RESULTS / f"{day}-storm.txt", RESULTS / f"{day}-storm.json"
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = {name: [asdict(tally) for tally in tallies] for name, tallies in report.items()}
    content = {"day": day, "seed": seed, **session(), "harms": rows}
    numbers.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for path in (text, numbers):
        print(path)


if __name__ == "__main__":
    main()
