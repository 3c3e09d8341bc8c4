"""The shim from Python: built by the system's compiler, loaded into this process, armed in its children."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")


class Harm(IntEnum):
    """What happens at the chosen change (the numbers are those of shim.c)."""

    NOTHING = 0
    KILL = 1
    KILL_HALF = 2
    """Of a write the first half is done."""
    FAIL = 3
    FAIL_ON = 4
    """This change fails and all that follow."""
    SHORT = 5
    FAIL_READ = 6


def missing() -> str | None:
    """Why there can be no shim here; None where there can."""
    if sys.platform != "linux":
        return f"the storm needs Linux, this is {sys.platform}"
    if compiler() is None:
        return "the storm needs a C compiler (cc, gcc or clang), there is none"
    return None


def compiler() -> str | None:
    """The system's C compiler."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def build(folder: Path) -> Path:
    """Compile the shim into `folder`."""
    library = folder / "shim.so"
    command = [
        str(compiler()),
        "-shared",
        "-fPIC",
        "-O1",
        "-Wall",
        "-Werror",
        "-o",
        str(library),
        str(SOURCE),
    ]
    subprocess.run([*command, "-ldl"], check=True)
    return library


class Shim:
    """The loaded shim; raises OSError in a process that was started without it."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        if not hasattr(self._library, "storm_watch"):
            raise OSError("the shim is not loaded: start with python -m tests.storm")
        self._library.storm_count.restype = ctypes.c_long

    def watch(self, folder: Path) -> None:
        """Changes of files below `folder` are counted from here on."""
        self._library.storm_watch(os.fsencode(folder))

    def arm(self, harm: Harm, at: int = 0, error: int = 0) -> None:
        """Let `harm` happen at change (or read) number `at`, counted from 1 from here on."""
        self._library.storm_arm(int(harm), ctypes.c_long(at), error)

    def count(self) -> int:
        """Changes since `arm`."""
        return int(self._library.storm_count(0))

    def reads(self) -> int:
        """Reads since `arm`."""
        return int(self._library.storm_count(1))

    def record(self, fd: int) -> None:
        """Write every change to `fd` from here on; -1 ends that."""
        self._library.storm_log(fd)

    def mark(self, number: int) -> None:
        """A note in the record."""
        self._library.storm_mark(ctypes.c_long(number))
