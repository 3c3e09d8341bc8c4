"""The commands that tell: story and report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.runs import RunFolder, reading
from evolve.cli.screen import Json, say, say_wrapped, show_json

if TYPE_CHECKING:
    from results.report.page import Page


def register(app: typer.Typer) -> None:
    """Enter these commands in the command line."""
    app.command()(story)
    app.command()(report)
    app.command()(gallery)


def story(folder: RunFolder, as_json: Json = False) -> None:
    """What happened in a run, in words: every number comes from its record."""
    from evolve.telling import tell

    with reading(folder) as there:
        told = tell(there)
    if as_json:
        show_json(told.to_json())
        return
    for paragraph in told.paragraphs:
        say_wrapped(paragraph)


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="RUN | STUDY | SWEEP", help="The folder of a run, of `invade` or of a sweep."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.html", help="The page to write.")] = Path(
        "report.html"
    ),
) -> None:
    """One page of all that is known: story, charts, tables and data, in one file that needs nothing else."""
    from results.run.place import write_whole

    if out.suffix not in (".html", ".htm"):
        raise ValueError(f"out: expected a file that ends in .html, got {str(out)!r}")
    page = page_of(folder)
    write_whole(out, page.html())
    say(f"wrote {out}, {out.stat().st_size // 1000:,} kB: {page.title}")


def gallery(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of the pages, and of their index.")
    ],
    sources: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN...", help="Folders to report on (default: all runs below ./runs)."),
    ] = None,
) -> None:
    """Pages of many runs, and an index of them with thumbnails."""
    from results.report.gallery import write_gallery

    found = sources or sorted(path.parent for path in Path("runs").glob("*/run.sqlite"))
    if not found:
        raise ValueError("sources: expected folders of runs, or runs below ./runs, got none")
    say(f"wrote {write_gallery(folder, ((path.name, page_of(path)) for path in found))}")


def page_of(folder: Path) -> Page:
    """The page of a run, a study or a sweep, by what is in its folder."""
    from evolve.telling import page_of_run, page_of_study, page_of_sweep

    if (folder / "outcomes.jsonl").is_file():
        return page_of_study(folder)
    if (folder / "index.json").is_file():
        return page_of_sweep(folder)
    with reading(folder) as there:
        return page_of_run(there)
