"""Commands in processes of their own: to be watched, stopped and killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.runs import ROOT


def evolve_command(*words: str, cwd: Path) -> subprocess.Popen[str]:
    """`evolve` with these arguments, in a process group of its own: Ctrl-C reaches its workers too."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "evolve.cli", *words], cwd=cwd, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def wait(until: Callable[[], bool], seconds: float = 120) -> None:
    """Until something is so, however busy the machine is."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def watch(child: subprocess.Popen[str], until: Callable[[], bool]) -> None:
    """Until something is so, or the process has ended."""
    wait(lambda: child.poll() is not None or until())


def alive(pid: int) -> bool:
    """Whether a process still runs; one that has ended and is not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    try:
        return not Path("/proc/self").exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
