"""The command about many runs: sweep."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.screen import (
    Cluster,
    Json,
    Workers,
    announced,
    command,
    interruptible,
    new_table,
    progress,
    say,
    show,
    show_json,
    stacked,
)

if TYPE_CHECKING:
    from rich.text import Text

    from evolve.sweep import Sweep
    from results.sweeps import Interval, Summary, SweepRun


def sweep(
    file: Annotated[Path, typer.Argument(help="An experiment (TOML) with a section \\[sweep].")],
    workers: Workers = 1,
    cluster: Cluster = None,
    out: Annotated[Path | None, typer.Option(help="The sweep's folder (default: sweeps/NAME).")] = None,
    as_json: Json = False,
) -> None:
    """Run an experiment over settings times seeds; what is there of the same sweep is continued."""
    from evolve.sweep import Sweep, run_sweep
    from results.sweeps import summarise

    with announced(f"reading {file} and every run of it"):
        planned = Sweep.load(file)
    folder = out or Path("sweeps") / planned.name
    entries: list[SweepRun] = []
    total = len(planned.tasks)

    def done() -> int:
        return sum(entry.outcome is not None for entry in entries)

    def stopped() -> str:
        again = command("sweep", str(file), workers=workers, cluster=cluster, out=out)
        return f"stopped with {done()} of {total} runs done; the others go on where they are with: {again}"

    with interruptible(stopped), progress("run", total) as shown:

        def note(runs: Sequence[SweepRun], latest: SweepRun | None) -> None:
            entries[:] = runs
            if latest is None and done():
                say(f"{folder}: {done()} of {total} runs are done", aside=True)
            shown.tell(done(), lambda: "" if latest is None else _which(latest))

        run_sweep(planned, folder, workers=workers, cluster=cluster, watch=note)
    summaries = summarise(entries)
    written = _save(planned, folder, summaries)
    if as_json:
        show_json(_content(planned, summaries))
        return
    _show(planned, summaries)
    say("wrote " + "  ".join(str(path) for path in written))


def register(app: typer.Typer) -> None:
    """Enter these commands in the command line."""
    app.command()(sweep)


def _which(entry: SweepRun) -> str:
    return ", ".join([*(f"{key} = {value}" for key, value in entry.point.items()), f"seed {entry.seed}"])


def _save(planned: Sweep, folder: Path, summaries: Sequence[Summary]) -> list[Path]:
    """Table and figure into the sweep's folder."""
    import json

    from results.plots.style import save
    from results.plots.sweep import sweep_figure
    from results.run.place import write_whole
    from results.sweeps import summary_csv

    table, numbers = folder / "summary.csv", folder / "summary.json"
    write_whole(table, summary_csv(planned.keys, summaries))
    write_whole(numbers, json.dumps(_content(planned, summaries), indent=2) + "\n")
    made = sweep_figure(planned.name, summaries)
    if made is None:
        for stale in (folder / "sweep.png", folder / "sweep.svg"):
            stale.unlink(missing_ok=True)
        say("no figure: it takes one key that varies, or two", aside=True)
        return [table, numbers]
    return [table, numbers, *(save(made, folder / f"sweep.{kind}") for kind in ("png", "svg"))]


def _content(planned: Sweep, summaries: Sequence[Summary]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "name": planned.name,
        "keys": list(planned.keys),
        "last": planned.last,
        "points": [asdict(summary) for summary in summaries],
    }


def _show(planned: Sweep, summaries: Sequence[Summary]) -> None:
    from results.sweeps import MEASURES

    narrow = sys.stdout.isatty()  # names and intervals in two lines, so that 80 columns are enough
    counts = {summary.runs for summary in summaries}
    runs = f"{min(counts)} runs" if len(counts) == 1 else f"{min(counts)} to {max(counts)} runs"
    table = new_table(
        *(stacked(*re.split(r"(?<=\.)", key)) if narrow else key for key in planned.keys), *MEASURES,
        title=f"{planned.name}: {runs} a point, means over the last {planned.last:.0%} of the generations "
        "and 95 % intervals over seeds",
    )  # fmt: skip
    for summary in summaries:
        values = [str(summary.point.get(key, "")) for key in planned.keys]
        table.add_row(*values, *(_interval(summary.measures[name], narrow) for name in MEASURES))
    show(table)


def _interval(found: Interval, narrow: bool) -> str | Text:
    if found.low is None or found.high is None:
        return f"{found.mean:.3f}"
    ends = f"{found.low:.3f}-{found.high:.3f}"
    return stacked(f"{found.mean:.3f}", ends) if narrow else f"{found.mean:.3f} ({ends})"
