"""Work in a process of its own: it may be killed, hang or fail, and this one goes on.

A child is a fork, so that nothing is imported or compiled again: thousands take minutes.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HANGS = 60
"""Seconds after which a child counts as hanging; a run of the storm takes a tenth of one."""

HUNG = -signal.SIGALRM
"""In place of an exit code."""

BROKEN = 70
"""Exit code of a child whose work raised an exception."""

WITH_PARENT = 1
"""Linux's PR_SET_PDEATHSIG: a child ends with the storm."""

Tell = Callable[[int], object]
"""How a child says how far it has come: numbers that grow."""


@dataclass(frozen=True)
class Ending:
    """How a child ended: its exit code (of a kill, minus the signal), what it told last and printed, its memory."""

    code: int
    told: int
    output: str
    mebibytes: float
    """Memory that it took at most, beyond what it had of its parent."""

    @property
    def killed(self) -> bool:
        """Killed, as intended."""
        return self.code == -signal.SIGKILL

    @property
    def explanation(self) -> str:
        """One line about an unexpected end."""
        if self.code == HUNG:
            places = [line.strip() for line in self.output.splitlines() if line.startswith("  File")]
            return f"did not end by itself; it was at {'; '.join(places[:4])}"
        last = self.output.strip().splitlines()[-1:] or ["no output"]
        return f"ended with {self.code}: {last[0][:200]}"


class Child:
    """A process that does `work`."""

    def __init__(self, work: Callable[[Tell], object]) -> None:
        self._told, self._printed = os.memfd_create("told"), os.memfd_create("printed")
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()  # else the child's first collection copies all memory
        self._inherited = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self._pid = os.fork()
        if self._pid == 0:
            self._work(work)
        gc.unfreeze()

    def _work(self, work: Callable[[Tell], object]) -> None:
        code = BROKEN
        try:
            for stream in (1, 2):
                os.dup2(self._printed, stream)
            faulthandler.register(signal.SIGUSR1, file=2)
            ctypes.CDLL(None).prctl(WITH_PARENT, signal.SIGKILL)
            work(lambda number: os.pwrite(self._told, number.to_bytes(8, "little", signed=True), 0))
            code = 0
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    @property
    def told(self) -> int:
        """What it told last, -1 before."""
        far = os.pread(self._told, 8, 0)
        return int.from_bytes(far, "little", signed=True) if far else -1

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def _ended_within(self, seconds: int) -> bool:
        """Whether it ends; a second in which the whole machine stands still counts as one."""
        watched = os.pidfd_open(self._pid)
        try:
            poll = select.poll()
            poll.register(watched, select.POLLIN)
            return any(poll.poll(1000) for _ in range(seconds))
        finally:
            os.close(watched)

    def kill(self) -> None:
        """End it now; no harm where it has ended."""
        os.kill(self._pid, signal.SIGKILL)

    def wait(self, seconds: int = HANGS) -> Ending:
        """How it ended; after `seconds` it is asked where it is, and killed."""
        hung = not self._ended_within(seconds)
        if hung:
            os.kill(self._pid, signal.SIGUSR1)
            time.sleep(1)
            self.kill()
        _, status, used = os.wait4(self._pid, 0)
        try:
            text = os.pread(self._printed, 1 << 20, 0).decode(errors="replace")
            code = HUNG if hung else os.waitstatus_to_exitcode(status)
            return Ending(code, self.told, text, used.ru_maxrss / 1024 - self._inherited / 2**20)
        finally:
            os.close(self._told)
            os.close(self._printed)


def child(work: Callable[[Tell], object], *, kill_after: float | None = None, seconds: int = HANGS) -> Ending:
    """Do `work` in a child, wait for its end; it is killed after `kill_after` seconds where that is given."""
    started = Child(work)
    if kill_after is not None:
        time.sleep(kill_after)
        started.kill()
    return started.wait(seconds)
