"""The README is true: read from top to bottom in one folder after `make demo`, everything in it prints what it says."""

import re
from pathlib import Path

import pytest

from tests.pages import ENVIRONMENT, ROOT, check, steps

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.skipif(
    not (ENVIRONMENT / "bin" / "activate").exists(), reason="needs a virtual environment and a shell"
)
def test_the_readme_works_from_top_to_bottom(tmp_path: Path) -> None:
    check(README, tmp_path)


def test_every_step_of_the_readme_is_found() -> None:
    entered = [step.command for step in steps(README)]
    assert entered[:2] == ["make demo", ". .venv/bin/activate"]
    assert sum(command.startswith("python - ") for command in entered) >= 4
    assert sum(command.startswith("evolve ") for command in entered) >= 15
    assert all(command.startswith(("evolve ", "python - ", "make ", ". ")) for command in entered)


def test_targets_and_links_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)\b", README, re.MULTILINE))
    assert len(named) > 2 and named <= targets
    assert all((ROOT / link).exists() for link in re.findall(r"\]\((?!http)([^)#]+)\)", README))


def test_what_make_says_about_the_demo_is_what_it_runs() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    demo = re.search(r"^demo:.*## (.*)\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert demo is not None
    (file,) = re.findall(r"evolve run (\S+)", demo[2])
    assert "remembers one turn" in demo[1] and "all that remembers one turn" in (ROOT / file).read_text(
        "utf-8"
    )
