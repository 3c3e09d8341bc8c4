"""The README is true: read from top to bottom in one folder after `make demo`, everything in it prints what it says.

It is pasted into one shell, as a reader would: what an earlier step leaves behind is there for the later ones.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```\n", README, re.MULTILINE | re.DOTALL)
ENVIRONMENT = Path(sys.executable).parent.parent


def steps() -> list[tuple[str, str | None]]:
    """What a reader enters, in order, and what is then printed (None: not said)."""
    found: list[tuple[str, str | None]] = []
    for place, (kind, text) in enumerate(BLOCKS):
        if kind == "sh":
            commands = [line.partition("#")[0].strip() for line in text.splitlines()]
            found += [
                (command, None) for command in commands if command and command != "make test"
            ]  # we are in it
        elif kind == "python":
            after, output = BLOCKS[place + 1]
            assert after == "text", f"no output follows {text}"
            found.append((f"python - <<'END'\n{text}END", output))
        elif kind == "console":
            found += [
                (part.partition("\n")[0], part.partition("\n")[2])
                for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
            ]
    return found


STEPS = steps()


@pytest.mark.skipif(
    not (ENVIRONMENT / "bin" / "activate").exists(), reason="needs a virtual environment and a shell"
)
def test_the_readme_works_from_top_to_bottom(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(ENVIRONMENT / "bin")
    (tmp_path / ".venv" / ".ready").touch()
    script = "".join(
        f"{{ {command}\n}} > {number}.out 2> {number}.err\necho $? > {number}.code\n"
        for number, (command, _) in enumerate(STEPS)
    )
    (tmp_path / "steps.sh").write_text(script, "utf-8")
    beside = {
        name: value
        for name, value in os.environ.items()
        if name not in ("LOCKED", "PYTHONPATH", "VIRTUAL_ENV")
        and not name.startswith(("MAKE", "MFLAGS", "EVOLVE_"))
    }
    path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if Path(p) != ENVIRONMENT / "bin")
    subprocess.run(["bash", "steps.sh"], cwd=tmp_path, env={**beside, "PATH": path}, check=True, timeout=900)
    for number, (command, output) in enumerate(STEPS):
        printed, said, code = (
            (tmp_path / f"{number}.{end}").read_text("utf-8") for end in ("out", "err", "code")
        )
        assert int(code) == ("evolve: " in (output or "")), f"{command}\n{printed}{said}"
        if output is not None:  # progress goes to stderr
            assert (printed or said).split() == output.split(), f"{command}\n{printed}{said}"


def test_every_step_of_the_readme_is_found() -> None:
    entered = [command for command, _ in STEPS]
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
