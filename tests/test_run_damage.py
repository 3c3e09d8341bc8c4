"""Damage to a run is noticed when it is read, named, and what can be saved is saved."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from results.errors import DamageError, RunError
from results.run.populations import Population
from results.run.repairs import repair
from results.run.rows import FORMAT, LOST, NO_STATISTICS, PAGE, Digests, GenerationRow
from results.run.store import Run
from tests.runs import EXPERIMENT, ROOT, everything, write


def test_a_flipped_byte_is_named_or_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path / "run", 60, checkpoint_every=20)
    whole = (tmp_path / "run" / "run.sqlite").read_bytes()
    expected = everything(tmp_path / "run")
    rng = random.Random(1)
    places = [*range(0, 100, 3), *rng.sample(range(100, len(whole)), 250)]
    for page in range(4096, len(whole), 4096):  # the headers of pages, where a tree is held together
        places += rng.sample(range(page, page + 12), 4)
    named = 0
    file = tmp_path / "flipped.sqlite"
    for place in places:
        broken = bytearray(whole)
        broken[place] ^= rng.randrange(1, 256)
        file.write_bytes(broken)
        try:
            told = everything(file)
        except RunError as error:
            named += 1
            assert "\n" not in str(error) and str(file) in str(error)
        else:
            assert told == expected, place
    assert named > 80  # the rest of so small a file is empty space


def test_check_names_damage_wherever_it_is(tmp_path: Path) -> None:
    write(tmp_path, 60, checkpoint_every=20)
    file = tmp_path / "run.sqlite"
    whole = file.read_bytes()
    for statement, message in (
        (
            "UPDATE births SET genome = 'memory(1,1) cCCCC' WHERE id = (SELECT min(id) FROM births)",
            "birth 0.0",
        ),
        ("DELETE FROM births WHERE id = (SELECT max(id) FROM births)", "births: "),
        ("UPDATE generations SET statistics = zeroblob(76) WHERE id = 17", "generation 17 is damaged"),
        ("DELETE FROM generations WHERE id = 17", "generations missing: 17"),
        (
            "UPDATE populations SET content = zeroblob(9) WHERE id = 20",
            "population of generation 20 is damaged",
        ),
        ("DELETE FROM populations WHERE id = 20", "population of generation 20 is missing"),
        ("UPDATE behaviours SET name = 'nobody' WHERE id = 2", "behaviour 2 is damaged"),
        ("UPDATE meta SET value = 'size = 3' WHERE name = 'results_key'", "meta"),
    ):
        file.write_bytes(whole)
        connection = sqlite3.connect(file)
        connection.execute(statement)
        connection.commit()
        connection.close()
        try:
            with Run.read(tmp_path) as run:
                found = run.check()
        except DamageError as error:
            found = [str(error)]
        assert any(message in line for line in found), (statement, found)


def test_files_that_are_no_run_or_of_a_later_version_are_refused_in_one_line(tmp_path: Path) -> None:
    write(tmp_path / "run", 30)
    file = tmp_path / "run" / "run.sqlite"
    whole = file.read_bytes()

    def refused(message: str) -> None:
        for attempt in (lambda: everything(file), lambda: write(file.parent, 31)):
            with pytest.raises(RunError, match=message) as error:
                attempt()
            assert "\n" not in str(error.value)
        with pytest.raises(RunError, match="there is no run here"):
            Run.read(tmp_path / "nowhere")

    file.write_bytes(b"")
    refused("not a run")
    file.write_bytes(b"a text of some length, and not a database at all\n" * 100)
    refused("not a database")
    file.write_bytes(whole[: len(whole) // 3])
    refused("run.sqlite: ")
    file.unlink()
    sqlite3.connect(file).execute("CREATE TABLE recipes (id)").connection.close()
    refused("not a run")
    for harm, message in (
        (f"PRAGMA user_version = {FORMAT + 1}", f"format {FORMAT + 1}.*upgrade"),
        ("DROP TABLE births", "table births is missing"),
        ("CREATE TRIGGER t AFTER INSERT ON births BEGIN DELETE FROM head; END", "t is not ours"),
    ):
        file.write_bytes(whole)
        connection = sqlite3.connect(file)
        connection.execute(harm)
        connection.close()
        refused(message)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE populations SET content = zeroblob(99) WHERE id = 60",
        "DELETE FROM populations WHERE id = 60",
        "UPDATE generations SET hash = zeroblob(32) WHERE id > 50",
        "UPDATE births SET digest = NULL WHERE id = (SELECT max(id) FROM births)",
        "UPDATE populations SET content = zeroblob(99) WHERE id >= 20",
        "truncated",
    ],
)
def test_a_damaged_run_goes_on_from_its_newest_intact_population(tmp_path: Path, harm: str) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path, 60, checkpoint_every=20, commit_every=1)
    file = tmp_path / "run.sqlite"
    if harm == "truncated":
        with file.open("r+b") as opened:
            opened.truncate(file.stat().st_size * 3 // 4 // 4096 * 4096)
    else:
        connection = sqlite3.connect(file)
        connection.execute(harm)
        connection.commit()
        connection.close()
    with pytest.raises(DamageError):
        everything(tmp_path)
    report = repair(tmp_path)
    assert report[0].startswith("goes on from generation")
    with Run.read(tmp_path) as run:
        assert run.check() == []
        assert run.generation in (10, 20, 40, 59, 60)
    assert write(tmp_path, 80) == expected
    everything(tmp_path)


def test_a_damaged_statistic_is_lost_and_the_run_goes_on(tmp_path: Path) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path, 60)
    connection = sqlite3.connect(tmp_path / "run.sqlite")
    connection.execute("UPDATE generations SET leaders = NULL WHERE id = 17")
    connection.commit()
    connection.close()
    assert "statistics lost: generations 17" in repair(tmp_path)
    with Run.read(tmp_path) as run:
        assert run.generation == 60 and run.check() == []
        assert np.flatnonzero(np.isnan(run.statistics()["mean"])).tolist() == [17]
    assert write(tmp_path, 80) == expected


# Rows of another run, of another place, of an earlier time.


def pages(file: Path) -> list[bytes]:
    whole = file.read_bytes()
    return [whole[k : k + PAGE] for k in range(0, len(whole), PAGE)]


@pytest.mark.parametrize("other", ["a sister", "another experiment's", "the same run earlier"])
def test_a_page_of_another_run_or_of_an_earlier_time_is_damage(tmp_path: Path, other: str) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path / "run", 40, checkpoint_every=20)
    early = (tmp_path / "run" / "run.sqlite").read_bytes()
    write(tmp_path / "run", 60, replace(EXPERIMENT, generations=60), checkpoint_every=20)
    strange_experiment = replace(EXPERIMENT, seed=2 if other == "another experiment's" else 1)
    for until in (40, 60):
        write(tmp_path / "sister", until, replace(strange_experiment, generations=until), checkpoint_every=20)
    (tmp_path / "early.sqlite").write_bytes(early)
    file = tmp_path / "run" / "run.sqlite"
    whole, told = pages(file), everything(file)
    strange = pages(tmp_path / ("early.sqlite" if other == "the same run earlier" else "sister/run.sqlite"))
    named = 0
    for number in range(min(len(whole), len(strange))):
        place = tmp_path / f"page{number}"
        place.mkdir()
        (place / "run.sqlite").write_bytes(b"".join([*whole[:number], strange[number], *whole[number + 1 :]]))
        with suppress(DamageError), Run.read(place) as run:
            if not run.check():
                assert everything(place) == told, number
                assert write(place, 80) == expected, number
                continue
        named += 1
        repair(place)
        assert write(place, 80) == expected, number
    assert named > 5


@pytest.mark.parametrize(
    "table", ["meta", "head", "generations", "populations", "births", "behaviours", "censuses"]
)
def test_a_row_of_another_run_is_damage(tmp_path: Path, table: str) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path / "run", 60)
    write(tmp_path / "sister", 60, lineage="full")
    connection = sqlite3.connect(tmp_path / "run" / "run.sqlite")
    connection.execute("ATTACH ? AS sister", (str(tmp_path / "sister" / "run.sqlite"),))
    connection.execute(
        f"REPLACE INTO main.{table} SELECT * FROM sister.{table} WHERE id IN (SELECT max(id) FROM main.{table})"
    )
    connection.commit()
    connection.close()
    with pytest.raises(DamageError):
        everything(tmp_path / "run")
    repair(tmp_path / "run")
    assert write(tmp_path / "run", 80) == expected


def killed(folder: Path, until: int) -> None:
    """A run that was killed: its last commits are in the write-ahead log."""
    script = (
        "import os; from tests.runs import *\n"
        f"run = Run.open(Path({str(folder)!r}), EXPERIMENT, commit_every=1)\n"
        f"for generation in history({until}): run.append(generation)\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)


def test_the_log_of_another_run_is_damage_and_left_out_by_a_repair(tmp_path: Path) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path / "run", 60)
    killed(tmp_path / "sister", 5)
    log = tmp_path / "sister" / "run.sqlite-wal"
    for name in ("read", "resumed"):
        shutil.copytree(tmp_path / "run", tmp_path / name)
        shutil.copy(log, tmp_path / name)
        with pytest.raises(DamageError):
            if name == "read":
                everything(tmp_path / name)
            else:
                write(tmp_path / name, 61)
        assert repair(tmp_path / name) == [
            "goes on from generation 60, the newest whose population is intact"
        ]
        assert write(tmp_path / name, 80) == expected


@pytest.mark.parametrize("page", [0, 2, 7])
@pytest.mark.parametrize("harm", ["zeros", "noise"])
def test_the_first_page_and_either_copy_of_meta_can_be_repaired(tmp_path: Path, page: int, harm: str) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path / "run", 60)
    file = tmp_path / "run" / "run.sqlite"
    with file.open("r+b") as opened:
        opened.seek(page * PAGE)
        opened.write(bytes(PAGE) if harm == "zeros" else random.Random(1).randbytes(PAGE))
    with pytest.raises(RunError):
        everything(tmp_path / "run")
    repair(tmp_path / "run")
    with Run.read(tmp_path / "run") as run:
        assert run.check() == [] and run.generation == 60
    assert write(tmp_path / "run", 80) == expected


def test_neighbouring_populations_follow_from_each_other_also_where_their_generations_are_lost(
    tmp_path: Path,
) -> None:
    write(tmp_path, 9)
    connection = sqlite3.connect(tmp_path / "run.sqlite")
    (run,) = connection.execute("SELECT value FROM meta WHERE name = 'run'").fetchone()
    digests = Digests(bytes.fromhex(run))
    row = connection.execute("SELECT * FROM populations WHERE id = 5").fetchone()
    population = Population.of_row(row, digests, EXPERIMENT.limits)._replace(previous=bytes(32))
    connection.execute("REPLACE INTO populations VALUES (?, ?, ?, ?, ?, ?)", population.row(True, digests))
    for number in (4, 5):
        lost = GenerationRow(number, LOST, NO_STATISTICS, b"")
        connection.execute(
            "REPLACE INTO generations VALUES (?, ?, ?, ?, ?)", digests.row("generations", *lost)
        )
    connection.commit()
    connection.close()
    with Run.read(tmp_path) as reader:
        assert "the population of generation 5 is not the one that was hashed" in reader.check()


def test_an_interrupted_repair_is_finished_by_whoever_comes_next(tmp_path: Path) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path / "run", 60)
    with (tmp_path / "run" / "run.sqlite").open("r+b") as opened:
        opened.write(bytes(PAGE))
    steps = 0
    for name in ("repair", "read", "resume"):
        step = 0
        while True:
            step += 1
            place = tmp_path / f"{name}{step}"
            shutil.copytree(tmp_path / "run", place)
            script = (
                "import os, sys; from pathlib import Path; from results.run.repairs import repair\n"
                "left = int(sys.argv[2])\n"
                "def killing(move):\n"
                "    def moved(*arguments, **named):\n"
                "        global left\n"
                "        left -= 1\n"
                "        if left < 0: os.kill(os.getpid(), 9)\n"
                "        return move(*arguments, **named)\n"
                "    return moved\n"
                "Path.replace, Path.unlink = killing(Path.replace), killing(Path.unlink)\n"
                "repair(sys.argv[1])"
            )
            child = subprocess.run(
                [sys.executable, "-c", script, str(place), str(step)], cwd=ROOT, check=False
            )
            if name == "read" and (place / "run.sqlite.next").exists():
                everything(place)
            if name == "repair" or not (place / "run.sqlite.next").exists():
                with suppress(RunError):
                    repair(place)
            assert write(place, 80) == expected, (name, step)
            if child.returncode == 0:
                break
        steps += step
    assert steps > 9


def test_a_run_without_an_intact_population_begins_again(tmp_path: Path) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path / "run", 60)
    connection = sqlite3.connect(tmp_path / "run" / "run.sqlite")
    connection.execute("UPDATE populations SET content = zeroblob(9)")
    connection.commit()
    connection.close()
    assert repair(tmp_path / "run") == [
        "begins again: no population is intact",
        "generations 0 to 60 were removed, and will come again",
    ]
    with Run.read(tmp_path / "run") as run:
        assert run.check() == [] and run.latest() is None
    assert write(tmp_path / "run", 80) == expected
