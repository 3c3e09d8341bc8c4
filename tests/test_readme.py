"""The README is true: its scripts run and print what it says, its commands too, its files and targets exist."""

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from evolve import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
BLOCKS = [(kind, text) for kind, text in BLOCK.findall(README)]
SCRIPTS = [
    (text, BLOCKS[k + 1][1]) for k, (kind, text) in enumerate(BLOCKS) if kind == "python"
]  # each is followed by what it prints
CONSOLES = [
    [
        (part.partition("\n")[0], part.partition("\n")[2])
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    ]
    for kind, text in BLOCKS
    if kind == "console"
]  # the commands of one block follow each other in one folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the examples in it, as after a fresh clone."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("script", "output"), SCRIPTS)
def test_scripts_print_what_is_said(script: str, output: str, folder: Path) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(script, "README.md", "exec"), {"__name__": "readme"})
    assert printed.getvalue().split() == output.split()


@pytest.mark.parametrize("commands", CONSOLES, ids=lambda commands: commands[0][0])
def test_commands_print_what_is_said(
    commands: list[tuple[str, str]],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command, output in commands:
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with contextlib.suppress(SystemExit):
            cli.main()
        printed = capsys.readouterr()
        assert (printed.out or printed.err).split() == output.split()  # progress goes to stderr


def test_every_command_of_the_readme_is_found() -> None:
    commands = [command for block in CONSOLES for command, _ in block]
    assert len(SCRIPTS) >= 2 and len(commands) >= 8
    assert all(command.startswith("evolve ") for command in commands)


def test_targets_and_links_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)\b", README, re.MULTILINE))
    assert len(named) > 2 and named <= targets
    assert all((ROOT / link).exists() for link in re.findall(r"\]\((?!http)([^)#]+)\)", README))
