"""Work in a process of its own: it may be killed, hang or fail, and this one goes on.

A child is a fork, so that nothing is imported or compiled again: thousands take minutes.
"""

from __future__ import annotations

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

Tell = Callable[[int], None]
"""How a child says how far it has come: numbers that grow."""


@dataclass(frozen=True)
class Ending:
    """How a child ended: its exit code (of a kill, minus the signal), what it told last, what it printed."""

    code: int
    told: int
    output: str

    @property
    def killed(self) -> bool:
        """Killed, as intended."""
        return self.code == -signal.SIGKILL

    @property
    def explanation(self) -> str:
        """One line about an unexpected end."""
        if self.code == -signal.SIGALRM:
            return f"hung for {HANGS} s"
        last = self.output.strip().splitlines()[-1:] or ["no output"]
        return f"ended with {self.code}: {last[0][:200]}"


def child(work: Callable[[Tell], object], *, kill_after: float | None = None, seconds: int = HANGS) -> Ending:
    """Do `work` in a child, wait for its end; it is killed after `kill_after` seconds where that is given."""
    told, printed = os.memfd_create("told"), os.memfd_create("printed")
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = BROKEN
        try:
            for stream in (1, 2):
                os.dup2(printed, stream)
            os.setpgid(0, 0)
            signal.alarm(seconds)
            work(lambda number: os.pwrite(told, number.to_bytes(8, "little", signed=True), 0))
            code = 0
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    try:
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)  # a child that has ended is there until it is waited for
        _, status = os.waitpid(pid, 0)
        far, text = os.pread(told, 8, 0), os.pread(printed, 1 << 20, 0)
    finally:
        os.close(told)
        os.close(printed)
    reached = int.from_bytes(far, "little", signed=True) if far else -1
    return Ending(os.waitstatus_to_exitcode(status), reached, text.decode(errors="replace"))
