"""What all tests share: one hypothesis profile (the same cases on every run, no deadline while kernels compile),
the command line run in this process, and a small cluster."""

import sys
from collections.abc import Callable, Iterator

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
        try:
            cli.main()
            code = 0
        except SystemExit as exit:
            code = int(exit.code or 0)
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address
