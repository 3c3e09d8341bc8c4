"""Pages that are followed as a reader would: pasted into one shell from top to bottom, in one folder, and compared.

What an earlier step leaves behind is there for the later ones. `python -m tests.pages PAGE...` writes what is printed
now into the pages; look at the difference before it is committed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ENVIRONMENT = Path(sys.executable).parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)

NOT_FOLLOWED = ("make test", "make docs", "make lab")
"""Commands that are what follows the pages, or do not end."""


class Step(NamedTuple):
    """What a reader enters, and what is then printed (None: not said)."""

    command: str
    output: str | None


def blocks(page: str) -> list[tuple[str, str]]:
    """Kind and text of every fenced block."""
    return BLOCK.findall(page)


def steps(page: str) -> list[Step]:
    """What is entered on a page, in order: lines of `sh`, the `$` of `console`, `python` with the `text` that follows.

    A `toml` block whose first line is a comment with a file's name is written there; `py` is only shown.
    """
    found: list[Step] = []
    parts = blocks(page)
    for place, (kind, text) in enumerate(parts):
        if kind == "sh":
            commands = [line.partition("#")[0].strip() for line in text.splitlines()]
            found += [Step(command, None) for command in commands if command and command not in NOT_FOLLOWED]
        elif kind == "python":
            after, output = parts[place + 1] if place + 1 < len(parts) else ("", "")
            assert after == "text", f"no output follows {text}"
            found.append(Step(f"python - <<'END'\n{text}END", output))
        elif kind == "toml" and (name := re.match(r"# (\S+\.toml)\n", text)):
            found.append(Step(f"cat > {name[1]} <<'END'\n{text}END", None))
        elif kind == "console":
            found += [
                Step(part.partition("\n")[0], part.partition("\n")[2])
                for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
            ]
    return found


def follow(entered: Sequence[Step], folder: Path) -> Iterator[tuple[Step, str, str, int]]:
    """Enter all steps in a copy of what a reader has; each with stdout, stderr and exit code."""
    for name in ("Makefile", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(ENVIRONMENT / "bin")
    (folder / ".venv" / ".ready").touch()
    outputs = folder / ".steps"
    outputs.mkdir()
    script = "".join(
        f"{{ {step.command}\n}} > {outputs}/{n}.out 2> {outputs}/{n}.err\necho $? > {outputs}/{n}.code\n"
        for n, step in enumerate(entered)
    )
    (outputs / "steps.sh").write_text(script, "utf-8")
    beside = {
        name: value
        for name, value in os.environ.items()
        if name not in ("LOCKED", "PYTHONPATH", "VIRTUAL_ENV")
        and not name.startswith(("MAKE", "MFLAGS", "EVOLVE_"))
    }
    path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if Path(p) != ENVIRONMENT / "bin")
    subprocess.run(
        ["bash", str(outputs / "steps.sh")], cwd=folder, env={**beside, "PATH": path}, check=True, timeout=900
    )
    for n, step in enumerate(entered):
        printed, said, code = ((outputs / f"{n}.{end}").read_text("utf-8") for end in ("out", "err", "code"))
        yield step, printed, said, int(code)


def check(page: str, folder: Path, before: Sequence[Step] = ()) -> None:
    """Every step of a page prints what the page says, and fails exactly where the page shows a mistake."""
    for step, printed, said, code in follow([*before, *steps(page)], folder):
        assert code == ("evolve: " in (step.output or "")), f"{step.command}\n{printed}{said}"
        if step.output is not None:  # progress goes to stderr
            assert (printed or said).split() == step.output.split(), f"{step.command}\n{printed}{said}"


def written(page: str, folder: Path, before: Sequence[Step] = ()) -> str:
    """The page with what its steps print now."""
    entered = [*before, *steps(page)]
    new = page
    position = 0
    for step, printed, said, _ in list(follow(entered, folder))[len(before) :]:
        if step.output is None:
            continue
        shown = "\n".join(line.rstrip() for line in (printed or said).rstrip("\n").splitlines()) + "\n"
        head = step.command.removeprefix("python - <<'END'\n").removesuffix("END")
        start = new.index(head, position) + len(head)
        if step.command.startswith("python - "):
            start = new.index("```text\n", start) + len("```text\n")
            end = new.index("```\n", start)
        else:
            start = new.index("\n", start) + 1
            ends = [
                new.index("```\n", start),
                *([new.index("\n$ ", start) + 1] if "\n$ " in new[start:] else []),
            ]
            end = min(ends)
            shown += "\n" if new[end : end + 2] == "$ " else ""
        new = new[:start] + shown + new[end:]
        position = start + len(shown)
    return new


ACTIVATE = Step(". .venv/bin/activate", None)
"""What a reader has done who comes from the README."""


def main() -> None:
    """Write what is printed now into the pages that are named."""
    for name in sys.argv[1:]:
        page = Path(name)
        with tempfile.TemporaryDirectory() as folder:
            text = page.read_text("utf-8")
            before = () if page.name == "README.md" else (ACTIVATE,)
            page.write_text(written(text, Path(folder), before), "utf-8")


if __name__ == "__main__":
    main()
