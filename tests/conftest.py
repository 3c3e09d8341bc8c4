"""What all tests share: one hypothesis profile (the same cases on every run, no deadline while kernels compile),
the command line run in this process, and small clusters."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from typing import Any

import pytest
from hypothesis import settings

from evolve import cli

settings.register_profile("evolve", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("evolve")

Command = Callable[..., tuple[int, str, str]]
"""Arguments of `evolve` -> exit code, stdout, stderr."""


@pytest.fixture
def evolve(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `evolve` with these arguments; gives exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["evolve", *arguments])
        for name in ("PYTHONSAFEPATH", "PYTHONWARNINGS"):  # put back after what `main` sets
            monkeypatch.setenv(name, "")
        try:
            cli.main()
            code = 0
        except SystemExit as exit:
            code = int(exit.code or 0)
        return code, *capsys.readouterr()

    return run


@contextmanager
def cluster_of_two() -> Iterator[Any]:
    """Two processes under a scheduler, on this machine."""
    distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def scheduler() -> Iterator[str]:
    """The address of a cluster that all tests share."""
    with cluster_of_two() as cluster:
        yield cluster.scheduler_address


Mortal = tuple[dict[str, Any], Callable[[], None]]
"""Where to compute, and what kills one of the two workers there while they compute."""


@pytest.fixture(params=["processes", "cluster"])
def mortal(request: pytest.FixtureRequest) -> Iterator[Mortal]:
    """Workers of one's own, to kill."""
    if request.param == "cluster":
        with cluster_of_two() as cluster:
            yield (
                {"cluster": cluster.scheduler_address},
                lambda: os.kill(cluster.workers[0].pid, signal.SIGKILL),
            )
        return

    def kill() -> None:
        ours = [child for child in active_children() if "loky" in type(child).__module__]
        os.kill(ours[0].pid or 0, signal.SIGKILL)

    yield {"workers": 2}, kill
