"""Where a run lives on disk: its writer's lock, the journal that its filesystem can be trusted with, whole files.

SQLite's write-ahead log needs shared memory, which network filesystems do not give; and "one writer" must
end with the writer, however it ends. Both are questions to the operating system, answered here.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Literal

from results.errors import RunError

LOCAL = {
    "apfs",
    "bcachefs",
    "btrfs",
    "ext2",
    "ext3",
    "ext4",
    "f2fs",
    "hfs",
    "jfs",
    "ntfs",
    "ntfs3",
    "overlay",
}
LOCAL |= {"ramfs", "reiserfs", "rootfs", "tmpfs", "vfat", "xfs", "zfs"}
"""Filesystems where processes share memory and locks: every other one may be a network filesystem."""


class WriterLock:
    """The right to write one run: an operating-system lock, so it dies with its process."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._fd)
        except OSError:
            holder = os.pread(self._fd, 200, 0).decode(errors="replace").strip() if os.name != "nt" else ""
            os.close(self._fd)
            raise RunError(
                f"{path.parent}: another process is writing this run ({holder or 'unknown process'}); "
                "wait for it, or stop it first"
            ) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"pid {os.getpid()} on {socket.gethostname()}\n".encode())

    def release(self) -> None:
        """Give the right back."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        os.lseek(fd, 1 << 20, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def journal(path: Path, mounts: str | None = None) -> Literal["WAL", "TRUNCATE"]:
    """The SQLite journal for a file at `path`: the write-ahead log only where it is known to be safe.

    `mounts` is the text of the system's mount table (``/proc/mounts`` when not given).
    """
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text()
        except OSError:
            return "TRUNCATE"
    place = path.resolve()
    nearest, kind = -1, ""
    for line in mounts.splitlines():
        _, mounted, filesystem, *_ = line.split(" ")
        point = Path(mounted.replace("\\040", " "))
        if place.is_relative_to(point) and len(point.parts) >= nearest:  # a later mount hides an earlier one
            nearest, kind = len(point.parts), filesystem
    return "WAL" if kind in LOCAL else "TRUNCATE"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it finds the old text or the new one, also after a crash."""
    fresh = path.with_name(path.name + ".tmp")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
