"""The command line: how soon it answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.measure import Row, seconds


def rows(smoke: bool) -> Iterator[Row]:
    """`evolve --help`, from the start of the process to its end."""
    command = [sys.executable, "-m", "evolve.cli", "--help"]
    (taken,) = seconds(
        lambda: subprocess.run(command, check=True, capture_output=True), repetitions=1 if smoke else 7
    )
    yield Row("evolve --help", taken, 0.5, unit=" s")
