"""The README is true, and so is the tour: read one after the other in one folder, all in them prints what they say."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from tests.pages import ENVIRONMENT, ROOT, check, steps

README = (ROOT / "README.md").read_text("utf-8")
TOUR = (ROOT / "docs" / "how-to" / "tour.md").read_text("utf-8")


@pytest.mark.skipif(
    not (ENVIRONMENT / "bin" / "activate").exists(), reason="needs a virtual environment and a shell"
)
def test_the_readme_and_then_the_tour_work_from_top_to_bottom(tmp_path: Path) -> None:
    check(README + TOUR, tmp_path)
    drawn, shown = (
        imread(picture)
        for picture in (
            tmp_path / "runs" / "memory1" / "plots" / "abundance.png",
            ROOT / "docs" / "figures" / "demo.png",
        )
    )
    assert drawn.shape == shown.shape and np.abs(drawn - shown).mean() < 0.01  # other fonts, not other runs


def test_every_step_of_the_readme_and_the_tour_is_found() -> None:
    assert [step.command.partition("\n")[0] for step in steps(README)] == [
        "make demo",
        ". .venv/bin/activate",
        "python - <<'END'",
    ]
    entered = [step.command for step in steps(TOUR)]
    assert sum(command.startswith("python - ") for command in entered) >= 4
    assert sum(command.startswith("evolve ") for command in entered) >= 15
    assert all(command.startswith(("evolve ", "python - ")) for command in entered)


def test_the_readme_is_short() -> None:
    assert len(re.findall(r"\w+", README)) < 900


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
