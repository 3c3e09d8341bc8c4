"""What all tests share: one hypothesis profile (the same cases on every run, no deadline while kernels compile),
and the command line run in this process."""

import sys
from collections.abc import Callable

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
