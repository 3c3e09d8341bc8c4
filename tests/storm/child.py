"""Work in a process of its own: it may be killed, hang or fail, and this one goes on.

A child is a fork, so that nothing is imported or compiled again: thousands take minutes.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

HANGS = 60
"""Seconds after which a child counts as hanging; a run of the storm takes a tenth of one."""

BROKEN = 70
"""Exit code of a child whose work raised an exception."""

Tell = Callable[[int], object]
"""How a child says how far it has come: numbers that grow."""


@dataclass(frozen=True)
class Ending:
    """How a child ended: its exit code (of a kill, minus the signal), what it told last, what it printed, and the
    most memory it held."""

    code: int
    told: int
    output: str
    mebibytes: float

    @property
    def killed(self) -> bool:
        """Killed, as intended."""
        return self.code == -signal.SIGKILL

    @property
    def explanation(self) -> str:
        """One line about an unexpected end."""
        if self.code == -signal.SIGALRM:
            return "did not end by itself"
        last = self.output.strip().splitlines()[-1:] or ["no output"]
        return f"ended with {self.code}: {last[0][:200]}"


class Child:
    """A process that does `work`; it ends by itself after `seconds`, at the latest."""

    def __init__(self, work: Callable[[Tell], object], seconds: int = HANGS) -> None:
        self._told, self._printed = os.memfd_create("told"), os.memfd_create("printed")
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()  # else the child's first collection copies all memory
        self._pid = os.fork()
        if self._pid == 0:
            self._work(work, seconds)
        gc.unfreeze()

    def _work(self, work: Callable[[Tell], object], seconds: int) -> None:
        code = BROKEN
        try:
            for stream in (1, 2):
                os.dup2(self._printed, stream)
            signal.alarm(seconds)
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

    def kill(self) -> None:
        """End it now; no harm where it has ended."""
        os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> Ending:
        """How it ended."""
        _, status, used = os.wait4(self._pid, 0)
        try:
            text = os.pread(self._printed, 1 << 20, 0).decode(errors="replace")
            return Ending(os.waitstatus_to_exitcode(status), self.told, text, used.ru_maxrss / 1024)
        finally:
            os.close(self._told)
            os.close(self._printed)


def child(work: Callable[[Tell], object], *, kill_after: float | None = None, seconds: int = HANGS) -> Ending:
    """Do `work` in a child, wait for its end; it is killed after `kill_after` seconds where that is given."""
    started = Child(work, seconds)
    if kill_after is not None:
        time.sleep(kill_after)
        started.kill()
    return started.wait()
