"""Runs of an earlier format stay readable, become ours when they are written, and keep their hashes."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from results.errors import DamageError, RunError
from results.run.meta import ZERO_START, chain_start, read_meta
from results.run.repairs import repair
from results.run.rows import FORMAT
from results.run.store import Run
from tests.runs import ROOT, everything, write
from tests.synthetic import Synthetic

OLD = Synthetic(size=8, survivors=4)
"""The experiment of tests/data/format1.sqlite: 31 generations, written by the version that had format 1."""

AT_30 = "b8ec61777275c38e5b8d4b0517ea809a3ddf1cdf8d18b563df4cd05f8842797b"
AT_60 = "9d1990b608dc5973949b01f92044eb1fbae272cb47d68b6a8cbc7ef1cdeeed00"
"""Its hashes, as that version printed them."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "tests" / "data" / "format1.sqlite", tmp_path / "run.sqlite")
    return tmp_path


def format_of(folder: Path) -> int:
    connection = sqlite3.connect(folder / "run.sqlite")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(version)


def test_a_run_of_format_1_is_read_as_it_is(old: Path) -> None:
    before = (old / "run.sqlite").read_bytes()
    with Run.read(old) as run:
        assert run.check() == [] and run.hash == AT_30 and run.generation == 30
        assert run.kept_populations() == [*range(11), 20, 29, 30]
    everything(old)
    assert (old / "run.sqlite").read_bytes() == before


def test_a_run_of_format_1_becomes_ours_and_goes_on_with_its_own_hashes(old: Path) -> None:
    told = everything(old)
    with Run.open(old, OLD) as run:
        assert run.hash == AT_30
    assert format_of(old) == FORMAT and everything(old)[:-1] == told[:-1]  # type: ignore[index]
    assert [path.name for path in old.iterdir() if path.name != "run.lock"] == ["run.sqlite"]
    assert write(old, 60, OLD) == AT_60
    with Run.read(old) as run:
        assert run.check() == []
        with run.snapshot() as connection:
            assert read_meta(connection, FORMAT).start == ZERO_START
        assert run.censuses() == []  # nobody counted them when it began
    assert write(old.with_name("new"), 60, OLD) != AT_60


def test_a_run_of_format_1_that_is_damaged_or_anothers_is_left_as_it_is(old: Path) -> None:
    with pytest.raises(RunError, match="another experiment"):
        Run.open(old, Synthetic())
    assert format_of(old) == 1
    connection = sqlite3.connect(old / "run.sqlite")
    connection.execute("UPDATE generations SET leaders = NULL WHERE id = 7")
    connection.commit()
    connection.close()
    with pytest.raises(DamageError, match="generation 7 is damaged"):
        Run.open(old, OLD)
    assert format_of(old) == 1
    assert "statistics lost: generations 7" in repair(old)
    assert format_of(old) == FORMAT and write(old, 60, OLD) == AT_60
    with Run.read(old) as run:
        assert run.check() == [] and run.censuses() == []


def test_hashes_begin_with_the_experiment(tmp_path: Path) -> None:
    write(tmp_path, 0, OLD)
    with Run.read(tmp_path) as run, run.snapshot() as connection:
        assert read_meta(connection, FORMAT).start == chain_start(OLD.results_key())
    assert chain_start(OLD.results_key()) != chain_start(Synthetic().results_key())


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A run of format 2: what a run of ours is without its censuses and what is said of them."""
    write(tmp_path, 30, OLD)
    connection = sqlite3.connect(tmp_path / "run.sqlite")
    connection.execute("DROP TABLE censuses")
    for table in ("meta", "meta_copy"):
        connection.execute(f"DELETE FROM {table} WHERE name = 'counted'")
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()
    return tmp_path


def test_a_run_of_format_2_is_read_repaired_and_gone_on_with(second: Path, tmp_path: Path) -> None:
    expected = write(tmp_path / "whole", 60, OLD)
    before = (second / "run.sqlite").read_bytes()
    with Run.read(second) as run:
        assert run.check() == [] and run.censuses() == [] and run.generation == 30
    assert (second / "run.sqlite").read_bytes() == before
    shutil.copytree(second, tmp_path / "damaged", ignore=shutil.ignore_patterns("whole"))
    connection = sqlite3.connect(tmp_path / "damaged" / "run.sqlite")
    connection.execute("UPDATE generations SET leaders = NULL WHERE id = 7")
    connection.commit()
    connection.close()
    assert "statistics lost: generations 7" in repair(tmp_path / "damaged")
    for folder in (second, tmp_path / "damaged"):
        assert write(folder, 60, OLD) == expected and format_of(folder) == FORMAT
        with Run.read(folder) as run, run.snapshot() as connection:
            counted = [n for (n,) in connection.execute("SELECT id FROM censuses ORDER BY id")]
            assert counted == list(range(31, 61)) and run.check() == [] and run.censuses() == []
