"""One writes a run, others read it: killed, interrupted, locked, deleted or moved meanwhile, on any disk."""

from __future__ import annotations

import errno
import gc
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from results.errors import DamageError, RunError
from results.run.database import connect
from results.run.place import journal, write_whole
from results.run.store import Run
from tests.processes import watch
from tests.runs import EXPERIMENT, ROOT, history, progress, same, write
from tests.synthetic import Synthetic, evolve


def test_a_run_killed_at_random_instants_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    experiment, until = Synthetic(size=30, survivors=15), 1500
    whole = write(tmp_path / "whole", until, experiment)
    script = (
        "import sys; from pathlib import Path; from tests.runs import Synthetic, write\n"
        "print('ready', flush=True)\n"
        f"write(Path(sys.argv[1]), {until}, Synthetic(size=30, survivors=15), commit_every=int(sys.argv[2]))"
    )
    rng, kills, reached = random.Random(5), 0, set()
    while True:
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "killed"), str(rng.choice([1, 1, 3]))],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        with child.stdout:
            child.stdout.readline()
        # wait for progress, however busy the machine is, then strike at a random instant
        before = max(reached, default=-1)
        watch(child, lambda: progress(tmp_path / "killed") > before)  # noqa: B023
        time.sleep(rng.expovariate(1 / 0.02))
        child.send_signal(signal.SIGKILL)
        if child.wait() == 0:
            break
        kills += 1
        if (tmp_path / "killed" / "run.sqlite").exists():
            with Run.read(tmp_path / "killed") as run:
                reached.add(run.generation)
        if kills > 12:
            write(tmp_path / "killed", until, experiment)
            break
    assert kills >= 5 and len(reached) >= 4
    with Run.read(tmp_path / "killed") as run:
        assert run.check() == []
        assert run.hash == whole


class Interrupted:
    """A connection in which Ctrl-C arrives right after a statement, the third time it is executed once `armed`."""

    def __init__(self, connection: sqlite3.Connection, statement: str) -> None:
        self._connection, self._statement, self._left, self.armed = connection, statement, 3, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        cursor = self._connection.execute(sql, *arguments)
        self._left -= self.armed and sql.startswith(self._statement)
        if self._left == 0 and sql.startswith(self._statement):
            raise KeyboardInterrupt
        return cursor


@pytest.mark.parametrize("statement", ["BEGIN", "DELETE FROM populations", "INSERT OR REPLACE", "COMMIT"])
def test_ctrl_c_in_the_middle_of_a_commit_is_no_damage(
    statement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write(tmp_path / "whole", 40)
    opened: list[Interrupted] = []

    def interrupted(uri: str) -> Any:
        opened.append(Interrupted(connect(uri), statement))
        return opened[-1]

    monkeypatch.setattr("results.run.held.connect", interrupted)
    with pytest.raises(KeyboardInterrupt), Run.open(tmp_path / "run", EXPERIMENT, commit_every=5) as run:
        opened[-1].armed = True
        for generation in history(40):
            run.append(generation)
    monkeypatch.undo()
    with Run.read(tmp_path / "run") as run:
        assert run.check() == [] and run.generation == (14 if statement == "COMMIT" else 9)
    assert write(tmp_path / "run", 40) == whole


def test_a_second_writer_is_refused_by_the_pid_of_the_first(tmp_path: Path) -> None:
    with Run.open(tmp_path, EXPERIMENT), pytest.raises(RunError, match=f"pid {os.getpid()}"):
        Run.open(tmp_path, EXPERIMENT)
    write(tmp_path, 3)


def test_readers_see_whole_generations_while_the_run_is_written(tmp_path: Path) -> None:
    seen = []
    generations = history(50)
    with Run.open(tmp_path, EXPERIMENT, commit_every=5) as run, Run.read(tmp_path) as reader:
        assert reader.latest() is None
        for generation in generations:
            run.append(generation)
            latest = reader.latest()
            if latest is not None:
                assert same(latest, generations[latest.number])
                seen.append(latest.number)
            assert len(reader.statistics()["best"]) == len(reader)
        with reader.snapshot():
            before = len(reader)
            run.append(next(evolve(EXPERIMENT, generations[-1])))
            run.commit()
            assert len(reader) == before
        assert len(reader) == before + 2
    assert set(seen) == set(range(4, 51, 5))


def test_a_run_is_read_from_read_only_media_also_when_its_writer_was_killed(tmp_path: Path) -> None:
    write(tmp_path / "rest", 20)
    script = (
        "import os; from pathlib import Path; from tests.runs import *\n"
        f"run = Run.open(Path({str(tmp_path / 'killed')!r}), EXPERIMENT, commit_every=1)\n"
        "for generation in history(20): run.append(generation)\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert (tmp_path / "killed" / "run.sqlite-wal").stat().st_size
    (tmp_path / "killed" / "run.sqlite-shm").unlink()
    if os.geteuid() == 0:  # permissions do not bind root
        for path in (tmp_path, *tmp_path.parents[:3]):
            path.chmod(0o755)
        become = "os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    else:
        become = ""
    for name in ("rest", "killed"):
        for file in (tmp_path / name).iterdir():
            file.chmod(0o444)
        (tmp_path / name).chmod(0o555)
    script = (
        "import os, sys; from results.run.store import Run\n"
        f"{become}\n"
        f"for name in ('rest', 'killed'):\n"
        f"    place = {str(tmp_path)!r} + '/' + name\n"
        "    assert not os.access(place, os.W_OK)\n"
        "    with Run.read(place) as run: print(run.generation, run.check(), run.hash)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    for name in ("rest", "killed"):
        (tmp_path / name).chmod(0o755)
    assert not done.stderr
    rest, killed = done.stdout.splitlines()
    assert rest == killed and rest.startswith("20 [] ")


def test_leftovers_of_a_deleted_run_do_not_enter_the_next(tmp_path: Path) -> None:
    with Run.open(tmp_path, EXPERIMENT, commit_every=1) as run:
        for generation in history(5):
            run.append(generation)
        shutil.copy(tmp_path / "run.sqlite-wal", tmp_path / "kept")
    (tmp_path / "run.sqlite").unlink()
    (tmp_path / "kept").rename(tmp_path / "run.sqlite-wal")
    with Run.open(tmp_path, EXPERIMENT) as run:
        assert run.latest() is None


def test_the_write_ahead_log_is_used_on_local_disks_alone(tmp_path: Path) -> None:
    mounts = (
        "/dev/vda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\nx /home/me/my\\040disk fuse.strange rw 0 0\n"
    )
    assert journal(Path("/data/run.sqlite"), mounts) == "WAL"
    assert journal(Path("/home/me/run.sqlite"), mounts) == "TRUNCATE"
    assert journal(Path("/home/me/my disk/run.sqlite"), mounts) == "TRUNCATE"


def test_a_run_without_write_ahead_log_keeps_its_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write(tmp_path / "wal", 20)
    monkeypatch.setattr("results.run.held.journal", lambda file: "TRUNCATE")
    with (
        Run.open(tmp_path / "roll", EXPERIMENT, commit_every=1) as run,
        Run.read(tmp_path / "roll") as reader,
    ):
        for generation in history(20):
            run.append(generation)
            assert reader.hash == run.hash
        assert run.hash == expected
        assert not (tmp_path / "roll" / "run.sqlite-wal").exists()


def test_a_rollback_journal_syncs_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    normal, full = 1, 2  # with "normal" a power cut can leave a journal that takes back half a commit
    for kept, level in (("WAL", normal), ("TRUNCATE", full)):
        monkeypatch.setattr("results.run.held.journal", lambda file, kept=kept: kept)
        with Run.open(tmp_path / kept, EXPERIMENT) as run, run.snapshot() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (level,)


@pytest.mark.parametrize("left", ["p", "pid ", "pid 12", "pid 123 on ho", "pid 123 on host\n", "pid 1\0\0"])
def test_a_writer_killed_while_it_said_who_it_is_bars_nobody(tmp_path: Path, left: str) -> None:
    write(tmp_path, 3)
    (tmp_path / "run.lock").write_text(left)
    write(tmp_path, 5)


def test_what_the_disk_refuses_is_said_with_the_name_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")  # of an open file the system says no name

    for name in ("write", "pread"):
        with monkeypatch.context() as harm, pytest.raises(OSError, match=r"run\.lock"):
            harm.setattr(f"os.{name}", refuse)
            Run.open(tmp_path, EXPERIMENT)
    with monkeypatch.context() as harm, pytest.raises(OSError, match="table"):
        harm.setattr("os.fsync", refuse)
        write_whole(tmp_path / "table.csv", "1,2")
    with monkeypatch.context() as harm:
        run = Run.open(tmp_path, EXPERIMENT)
        harm.setattr("os.ftruncate", refuse)
        run.close()
    write(tmp_path, 5)


def test_memory_does_not_grow_with_the_age_of_a_run(tmp_path: Path) -> None:
    """By less than half an object a generation, whatever else the process does meanwhile."""
    young, old = range(400, 501, 20), range(1900, 2001, 20)
    sizes = {}
    with Run.open(tmp_path, EXPERIMENT) as run:
        for generation in islice(evolve(EXPERIMENT), old.stop):
            run.append(generation)
            if generation.number in young or generation.number in old:
                run.commit()
                gc.collect()
                sizes[generation.number] = len(gc.get_objects())
    growth = min(sizes[number] for number in old) - min(sizes[number] for number in young)
    assert growth < (old.start - young.start) // 2


# The file that is written, and what becomes of it meanwhile.


@pytest.mark.parametrize("journal", ["WAL", "TRUNCATE"])
@pytest.mark.parametrize("what", ["file", "folder", "moved", "replaced"])
def test_a_run_deleted_or_moved_under_its_writer_goes_on_in_a_new_file(
    tmp_path: Path, what: str, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write(tmp_path / "whole", 60)
    monkeypatch.setattr("results.run.held.journal", lambda file: journal)
    folder, said = tmp_path / "run", list[str]()
    with Run.open(folder, EXPERIMENT, commit_every=4, notice=said.append) as run:
        for generation in history(60):
            if generation.number == 25:
                if what == "file":
                    (folder / "run.sqlite").unlink()
                elif what == "folder":
                    shutil.rmtree(folder)
                elif what == "moved":
                    folder.rename(tmp_path / "elsewhere")
                else:
                    (folder / "run.sqlite").rename(folder / "mine.sqlite")
                    with Run.open(tmp_path / "another", replace(EXPERIMENT, seed=7)):
                        pass
                    shutil.copy(tmp_path / "another" / "run.sqlite", folder)
            run.append(generation)
        place = run.path
    assert place.name == ("run.2.sqlite" if what == "replaced" else "run.sqlite") and place.parent == folder
    assert said == [
        f"{folder / 'run.sqlite'}: this run was deleted or moved while it was written; it goes on in {place}"
    ]
    with Run.read(place) as run:
        assert run.check() == [] and run.hash == expected
    assert write(place, 70) == write(tmp_path / "whole", 70)
    if what == "moved":
        with Run.read(tmp_path / "elsewhere") as run:
            assert run.check() == [] and run.generation == 23


def test_a_run_is_still_the_same_where_its_last_commit_was_before_it_was_deleted(tmp_path: Path) -> None:
    with Run.open(tmp_path / "run", EXPERIMENT, notice=lambda text: None) as run:
        for generation in history(9):
            run.append(generation)
        run.commit()
        shutil.rmtree(tmp_path / "run")
    with Run.read(tmp_path / "run") as run:
        assert run.check() == [] and run.generation == 9


def test_a_lock_that_was_removed_is_taken_again(tmp_path: Path) -> None:
    with Run.open(tmp_path, EXPERIMENT, commit_every=1) as run:
        for generation in history(5):
            (tmp_path / "run.lock").unlink()
            run.append(generation)
            with pytest.raises(RunError, match=f"pid {os.getpid()}"):
                Run.open(tmp_path, EXPERIMENT)


def test_a_second_writer_stops_and_nothing_of_the_first_is_taken_for_damage(tmp_path: Path) -> None:
    expected = write(tmp_path / "whole", 40)
    generations = history(40)
    first = Run.open(tmp_path / "run", EXPERIMENT, commit_every=100)
    for generation in generations[:10]:
        first.append(generation)
    first.commit()
    (tmp_path / "run" / "run.lock").unlink()
    with Run.open(tmp_path / "run", EXPERIMENT, commit_every=100) as second:
        for generation in generations[10:20]:
            second.append(generation)
        first.append(generations[10])
        with pytest.raises(RunError, match="another process is writing this run") as error:
            first.commit()
        assert not isinstance(error.value, DamageError)
    with pytest.raises(RunError, match="another process has written this run meanwhile") as error:
        first.close()
    assert not isinstance(error.value, DamageError)
    with Run.read(tmp_path / "run") as run:
        assert run.check() == [] and run.generation == 19
    assert write(tmp_path / "run", 40) == expected


def test_a_log_that_a_reader_makes_grow_is_mentioned_once_and_shrinks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("results.run.held.LARGE_LOG", 2**18)
    monkeypatch.setattr("results.run.database.LOG_SIZE", 2**17)
    said: list[str] = []
    log = tmp_path / "run.sqlite-wal"
    with Run.open(tmp_path, EXPERIMENT, commit_every=1, notice=said.append) as run:
        with run.snapshot() as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 20")  # pages
        generations = evolve(EXPERIMENT)
        run.append(next(generations))
        with Run.read(tmp_path) as reader, reader.snapshot():
            assert len(reader) == 1
            for _ in range(200):
                run.append(next(generations))
            assert len(reader) == 1 and log.stat().st_size > 2**18
        for _ in range(200):
            run.append(next(generations))
        assert log.stat().st_size <= 2**18
    assert len(said) == 1 and "somebody has been reading one instant of this run" in said[0]
