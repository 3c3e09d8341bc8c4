"""Files travel: a stranger's run, experiment or folder does not say where it is computed, and runs no code."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evolve import Experiment, generations
from results import Run
from tests.conftest import Command

ISLANDS = Experiment(
    generations=4,
    rules={"turns": 10},
    genome={"x": 1, "y": 1},
    population={"size": 8},
    islands={"number": 2, "interval": 2, "migrants": 1},
)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[object]]]:
    """An address, and who has connected to it."""
    callers: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    callers.append(server.accept())
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}", callers


@dataclass(frozen=True)
class Earlier:
    """An experiment as earlier versions kept it in a run file, with the place where it was computed."""

    experiment: Experiment
    cluster: str
    name = "earlier"
    seed = 1

    def to_toml(self) -> str:
        return self.experiment.to_toml().replace("[run]", f'[run]\nworkers = 2\ncluster = "{self.cluster}"')

    def results_key(self) -> str:
        return self.experiment.results_key()

    def results_version(self) -> int:
        return self.experiment.results_version()

    @property
    def limits(self) -> Any:
        return self.experiment.limits


def test_an_address_in_a_run_file_is_not_obeyed_and_the_run_goes_on(
    listener: tuple[str, list[object]], tmp_path: Path, evolve: Command
) -> None:
    address, callers = listener
    folder = tmp_path / "run"
    with Run.open(folder, Earlier(ISLANDS, address)) as run:
        assert address in run.experiment_text
        for generation in generations(ISLANDS.changed(generations=1)):
            run.append(generation)
    assert evolve("show", str(folder))[0] == 0
    assert evolve("resume", str(folder))[0] == 0 and callers == []
    with Run.open(tmp_path / "whole", ISLANDS) as whole:
        for generation in generations(ISLANDS):
            whole.append(generation)
    with Run.read(folder) as run:
        assert run.hash == whole.hash and address not in run.experiment_text


@pytest.mark.parametrize("key", ['cluster = "{}"', "workers = 2"])
@pytest.mark.parametrize(
    ("command", "section"),
    [("run", ""), ("sweep", "[sweep]\nseeds = 2\n"), ("invade", '[invasion]\nresidents = ["tft"]\n')],
)
def test_a_file_that_says_where_to_compute_is_refused_with_the_option(
    command: str, section: str, key: str, listener: tuple[str, list[object]], tmp_path: Path, evolve: Command
) -> None:
    address, callers = listener
    file = tmp_path / "colleague.toml"
    file.write_text(f"{section}[islands]\nnumber = 2\n[run]\n{key.format(address)}\n")
    code, out, err = evolve(command, str(file), "--out", str(tmp_path / "out"))
    word = key.partition(" ")[0]
    assert code == 1 and out == "" and err.count("\n") == 1 and callers == []
    assert f"run.{word}: expected --{word} " in err and f"EVOLVE_{word.upper()}" in err
    assert not (tmp_path / "out").exists()


def test_the_environment_is_the_users_own_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evolve: Command
) -> None:
    file = tmp_path / "islands.toml"
    file.write_text(ISLANDS.to_toml())
    monkeypatch.setenv("EVOLVE_WORKERS", "none")
    code, _, err = evolve("run", str(file), "--out", str(tmp_path / "out"))
    assert code == 1 and "workers: expected a whole number, got 'none'" in err
    monkeypatch.setenv("EVOLVE_WORKERS", "1025")
    assert "expected a whole number from 1 to 1024" in evolve("run", str(file))[2]
    monkeypatch.delenv("EVOLVE_WORKERS")
    monkeypatch.setenv("EVOLVE_CLUSTER", "nowhere")
    code, _, err = evolve("run", str(file), "--out", str(tmp_path / "out"))
    assert code == 1 and "got 'nowhere'" in err


def test_workers_import_nothing_from_the_folder_they_are_started_in(tmp_path: Path) -> None:
    file, trace = tmp_path / "islands.toml", tmp_path / "trace"
    file.write_text(ISLANDS.to_toml())
    for name in ("random", "logging", "joblib", "numpy", "threading"):
        (tmp_path / f"{name}.py").write_text(f"open({str(trace)!r}, 'a').write({name!r})\n")
    code = "import sys; sys.path.pop(0); from evolve.cli import main; main()"  # as the script `evolve` does
    answer = subprocess.run(
        [sys.executable, "-c", code, "run", file.name, "--workers", "2", "--out", "out"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert not trace.exists(), trace.read_text()


def test_settings_of_numba_in_a_strangers_folder_are_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evolve: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".numba_config.yaml").write_text(json.dumps({"cache_dir": "evil"}))
    code, out, err = evolve("match", "tft", "all_d")
    assert code == 1 and out == "" and err.startswith("evolve: .numba_config.yaml: expected none")


def test_a_scheduler_that_is_lost_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
         "--no-dashboard"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with scheduler:
        assert scheduler.stderr is not None
        address = next(
            found[0] for line in scheduler.stderr if (found := re.search(r"tcp://127.0.0.1:\d+", line))
        )
        child = subprocess.Popen(
            [sys.executable, "-m", "evolve.cli", "invade", "tft", "--cluster", address, "--out", str(tmp_path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        for line in scheduler.stderr:
            if "Receive client connection" in line:
                break
        time.sleep(1)  # its tasks wait for workers that never come
        scheduler.kill()
        _, err = child.communicate(timeout=120)
    assert child.returncode == 1
    assert err == f"evolve: cluster: lost the scheduler {address}\n"
