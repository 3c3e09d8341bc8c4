"""Where a run lives on disk: its writer's lock, the journal that its filesystem can be trusted with, whole files.

SQLite's write-ahead log needs shared memory, which network filesystems do not give; "one writer" must end with
the writer, however it ends; and nothing outside a stranger's folder may be written. These are questions to the
operating system, answered here.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite puts beside a run file, by the end of its name."""

NEXT, BEFORE = ".next", ".before"
"""Ends of names: a whole file that is to take a run's place, and what was there before a repair."""

NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A stranger's folder may hold links out of it, and pipes that would be waited for."""

HOLDER = re.compile(r"pid \d{1,20} on [\w.-]{0,100}\n?")
"""What a lock file says, and nothing else is repeated from it."""

BEGUN = re.compile(r"p?|pi|pid|pid [\w. -]{0,130}\n?")
"""What a writer leaves who was killed while saying so: perhaps the first half."""


@contextmanager
def naming_path(path: Path) -> Iterator[None]:
    """Failures of the disk within name the file: the system does not, once it is open."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.strerror is not None:  # else it is a message of ours
            error.filename = str(path)
        raise


class WriterLock:
    """The right to write one run: an operating-system lock, so it dies with its process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = _locked(path)

    def renew(self) -> None:
        """Take the right again where the lock file was removed; raises RunError when somebody else has it now."""
        if not _same(self._fd, self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            gone, self._fd = self._fd, _locked(self._path)
            os.close(gone)

    def release(self) -> None:
        """Give the right back."""
        if self._fd >= 0:
            with suppress(OSError):  # what was done with the right may have failed: that is what to say
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


def _locked(path: Path) -> int:
    """The lock file, opened and locked; raises RunError when somebody else has locked it."""
    with naming_path(path):
        return _opened_and_locked(path)


def _opened_and_locked(path: Path) -> int:
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o644)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise RunError(f"{path}: expected a plain file, got a link or a pipe") from None
            raise
        try:
            plain = stat.S_ISREG(os.fstat(fd).st_mode)
            text = os.pread(fd, 200, 0).decode(errors="replace") if plain and os.name != "nt" else ""
            text = text.strip("\0")  # what a power cut may leave
            holder = HOLDER.fullmatch(text)
            if not plain or not BEGUN.fullmatch(text):
                raise RunError(f"{path}: expected the lock of a writer, got another file")
            try:
                _lock(fd)
            except OSError:
                raise RunError(
                    f"{path.parent}: another process is writing this run "
                    f"({holder[0].strip() if holder else 'unknown process'}); wait for it, or stop it first"
                ) from None
            if _same(fd, path):
                os.ftruncate(fd, 0)
                host = re.sub(r"[^\w.-]", "-", socket.gethostname())[:100]
                os.write(fd, f"pid {os.getpid()} on {host}\n".encode())
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # it was removed or replaced meanwhile, and so locks nothing


def writer_of(file: Path) -> str | None:
    """Who writes a run now, as ``pid 12 on host``, as far as its lock file says so; it is not locked for that."""
    try:
        fd = os.open(file.with_suffix(".lock"), os.O_RDONLY | NO_LINK)
    except OSError:
        return None
    try:
        text = os.read(fd, 200).decode(errors="replace") if stat.S_ISREG(os.fstat(fd).st_mode) else ""
    finally:
        os.close(fd)
    holder = HOLDER.fullmatch(text.strip("\0"))
    if holder is None:
        return None
    _, number, _, host = holder[0].split()
    here = host == re.sub(r"[^\w.-]", "-", socket.gethostname())[:100]
    if here and sys.platform != "win32":
        try:
            os.kill(int(number), 0)  # asks whether there is such a process
        except (ProcessLookupError, OverflowError):
            return None
        except PermissionError:
            pass
    return holder[0].strip()


def _same(fd: int, path: Path) -> bool:
    """True when the open file is the one at the path."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False


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


def refuse_links(file: Path) -> None:
    """Raise RunError unless a run file, and what is beside it, are plain files: links could lead anywhere."""
    for suffix in ("", NEXT, *BESIDE):
        refuse_link(file.with_name(file.name + suffix), only_name=suffix in BESIDE)


def refuse_link(path: Path, only_name: bool = False) -> None:
    """Raise RunError unless this is a plain file (that has no other name either), or nothing."""
    with suppress(FileNotFoundError, NotADirectoryError):
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise RunError(f"{path}: expected a plain file, got a {_kind(found.st_mode)}")
        if only_name and found.st_nlink > 1:
            raise RunError(
                f"{path}: expected a file of its own, got one that has other names too (hard links)"
            )


def _kind(mode: int) -> str:
    return "link" if stat.S_ISLNK(mode) else "folder" if stat.S_ISDIR(mode) else "pipe or device"


def put_in_place(file: Path) -> bool:
    """Let a whole file that waits as ``run.sqlite.next`` take the run's place; False where none waits.

    The old one stays as ``run.sqlite.before``. Killed anywhere in here, it is finished by whoever comes next.
    """
    waiting = file.with_name(file.name + NEXT)
    if not waiting.exists():
        return False
    before = file.with_name(file.name + BEFORE)
    if file.exists():
        for suffix in BESIDE:  # of an earlier repair: they must not meet this file
            before.with_name(before.name + suffix).unlink(missing_ok=True)
    for suffix in ("", "-wal", "-journal"):  # with its log: all that a damaged run holds
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.replace(before.with_name(before.name + suffix))
    file.with_name(file.name + "-shm").unlink(missing_ok=True)
    waiting.replace(file)
    sync_folder(file.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Make names in a folder last through a power cut, where the system can."""
    if os.name != "nt":
        fd = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # some filesystems cannot
                os.fsync(fd)
        finally:
            os.close(fd)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that whoever reads it finds the old content or the new one, also after a crash.

    A link at `path` is replaced, and never followed.
    """
    fresh = path.with_name(path.name + ".tmp")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, 0o666)
    try:
        with naming_path(path), os.fdopen(fd, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise
    sync_folder(path.parent)
