"""The documentation is true: what its pages enter prints what they say, and its reference is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.make_reference import command_line_page, keys_page, sections, tables_page
from tests.pages import ACTIVATE, ENVIRONMENT, ROOT, check, steps

DOCS = ROOT / "docs"
FOLLOWED = [
    page.relative_to(ROOT).as_posix()
    for page in sorted(DOCS.rglob("*.md"))
    if not {"_build", "made"} & set(page.parts)
    and page.name != "tour.md"
    and any(step.output is not None for step in steps(page.read_text("utf-8")))
]
"""Pages that show what a command prints, each as if it were the only one. The tour follows the README in its test."""


@pytest.mark.docs
@pytest.mark.skipif(
    not (ENVIRONMENT / "bin" / "activate").exists(), reason="needs a virtual environment and a shell"
)
@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_works_from_top_to_bottom(page: str, tmp_path: Path) -> None:
    check((ROOT / page).read_text("utf-8"), tmp_path, before=[ACTIVATE])


def test_the_tutorials_are_among_the_pages_that_are_followed() -> None:
    tutorials = {f"docs/tutorials/{page.name}" for page in (DOCS / "tutorials").glob("*.md")} - {
        "docs/tutorials/index.md"
    }
    assert tutorials <= set(FOLLOWED)


def test_every_key_of_every_section_is_in_the_reference() -> None:
    page = keys_page()
    for title, section, said in sections():
        part = page[page.index(f"## {title}\n") :].partition("\n## ")[0]
        for key in said:
            if key in section.model_fields:
                assert re.search(rf"^\| `{key}` \| \S.* \| \S.* \| \S.* \|$", part, re.MULTILINE), (
                    title,
                    key,
                )


def test_every_command_and_table_is_in_the_reference() -> None:
    from evolve.cli import app
    from results.run.rows import SCHEMA

    commands = command_line_page()
    for command in app.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        assert f"`evolve {name}`" in commands
    assert all(f"\n## {table}\n" in tables_page() for table in SCHEMA)
