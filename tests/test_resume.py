"""A run taken up again, after an end, a kill, a signal or damage, is the uninterrupted one."""

from __future__ import annotations

import random
import re
import shlex
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from evolve import Experiment
from results import Run
from results.errors import RunError
from tests.conftest import Command
from tests.evolutions import FORMULAS, MACHINES, NOISY, SMALL, SOCIETY, run_hash
from tests.processes import evolve_command, watch
from tests.runs import progress


@pytest.mark.parametrize(
    "experiment",
    [
        SMALL,
        NOISY,
        SMALL.changed(selection={"update": "moran"}),
        FORMULAS,
        MACHINES,
        SOCIETY,
        SOCIETY.changed(rules={"noise": 0.05, "society": 5, "replicates": 2}, generations=4),
    ],
    ids=["pure", "noisy", "moran", "formula", "machine", "society", "noisy societies"],
)
def test_a_run_taken_up_anywhere_is_the_uninterrupted_one(tmp_path: Path, experiment: Experiment) -> None:
    whole = run_hash(tmp_path / "whole", experiment)
    for stop in (0, experiment.generations // 2):
        run_hash(tmp_path / f"part{stop}", experiment.changed(generations=stop))
        assert run_hash(tmp_path / f"part{stop}", experiment) == whole


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({}, 1),
        ({"rules": {"noise": 0.01}}, 1),
        ({"rules": {"turns": None, "continuation": 0.99, "noise": 0.01}}, 1),
        ({"rules": {"turns": 5000}}, 1),
        ({"fitness": {"opponents": "panel", "panel": ["tit_for_tat", "gradual"]}}, 1),
        ({"rules": {"noise": 1e-4}}, 2),
        ({"rules": {"turns": 5000, "noise": 0.01}}, 2),
        ({"rules": {"turns": None, "continuation": 0.9995}}, 2),
        ({"genome": {"stochastic": True}}, 2),
        ({"fitness": {"opponents": "panel", "panel": ["tit_for_tat", "random"]}}, 2),
    ],
)
def test_an_earlier_run_goes_on_where_its_experiment_gives_what_it_gave(
    changes: dict[str, dict[str, object]], since: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which experiments changed was seen by running the version that had results version 1 beside this one."""
    experiment = SMALL.changed(generations=3, **changes)
    whole = run_hash(tmp_path / "whole", experiment)
    with monkeypatch.context() as earlier:
        earlier.setattr("results.run.database.RESULTS", 1)
        earlier.setattr(Experiment, "results_version", lambda _: 1)
        run_hash(tmp_path / "part", experiment.changed(generations=1))
    if since == 1:
        assert run_hash(tmp_path / "part", experiment) == whole
    else:
        with pytest.raises(RunError, match="results version 1"):
            run_hash(tmp_path / "part", experiment)
        with Run.read(tmp_path / "part") as run:
            assert run.check() == []
    monkeypatch.setattr("results.run.held.RESULTS", 1)
    with pytest.raises(RunError, match="results version 2"):
        run_hash(tmp_path / "whole", experiment.changed(generations=4))


@pytest.fixture
def longer(tmp_path: Path) -> tuple[Path, str]:
    """An experiment file long enough to be killed in, and the hash of its uninterrupted run."""
    experiment = SMALL.changed(generations=1200, name="longer")
    file = tmp_path / "longer.toml"
    file.write_text(experiment.to_toml())
    return file, run_hash(tmp_path / "uninterrupted", experiment)


def test_a_storm_of_kills_loses_nothing(tmp_path: Path, longer: tuple[Path, str]) -> None:
    file, whole = longer
    folder = tmp_path / "runs" / "longer"
    rng = random.Random(3)
    reached = [-1]
    while len(reached) < 7 and reached[-1] < 1200:
        child = evolve_command("run", str(file), cwd=tmp_path)
        watch(child, lambda: progress(folder) > reached[-1])
        time.sleep(rng.uniform(0, 0.1))
        child.kill()
        child.communicate()
        reached.append(progress(folder))
    assert reached == sorted(reached) and len(set(reached)) >= 4 and max(reached[:-1]) < 1200
    child = evolve_command("run", str(file), cwd=tmp_path)
    child.communicate(timeout=120)
    assert child.returncode == 0
    with Run.read(folder) as run:
        assert run.hash == whole and run.check() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_generation_and_says_how_to_resume(
    tmp_path: Path, longer: tuple[Path, str], number: signal.Signals
) -> None:
    file, whole = longer
    child = evolve_command("run", str(file), cwd=tmp_path)
    folder = tmp_path / "runs" / "longer"
    watch(child, lambda: progress(folder) > 5)
    child.send_signal(number)
    out, _ = child.communicate(timeout=30)
    assert child.returncode == 128 + number
    found = re.search(r"stopped after generation (\d+); go on with: evolve resume (\S+)", out)
    assert found and 5 < int(found[1]) < 1200
    child = evolve_command("resume", found[2], cwd=tmp_path)
    child.communicate(timeout=60)
    assert child.returncode == 0
    with Run.read(folder) as run:
        assert run.hash == whole


def test_damage_is_told_in_one_line_with_the_way_out_by_every_command(
    tmp_path: Path, evolve: Command
) -> None:
    folder = tmp_path / "a run; rm"
    run_hash(folder, SMALL)
    longer = run_hash(tmp_path / "longer", SMALL.changed(generations=31))
    file = folder / "run.sqlite"
    connection = sqlite3.connect(file)
    connection.execute("UPDATE populations SET content = x'00' WHERE id = (SELECT max(id) FROM populations)")
    connection.commit()
    connection.close()
    for command in ("show", "lineage", "resume"):
        extend = ("--generations", "31") if command == "resume" else ()
        code, _, err = evolve(command, str(folder), *extend)
        assert code == 1 and len(err.strip().splitlines()) == 1
        assert "generation 30" in err and err.strip().endswith(f"evolve resume '{folder}' --repair")
    pasted = shlex.split(err.strip().rpartition(": ")[2])
    assert evolve(*pasted[1:], "--generations", "31")[0] == 0
    with Run.read(folder) as run:
        assert run.hash == longer
