"""The commands about several runs: compare them, list them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.runs import reading
from evolve.cli.screen import Json, inches, new_table, number_option, say, show, show_json, stacked

if TYPE_CHECKING:
    from results.comparison import Difference, RunComparison
    from results.sweeps import Interval


def register(app: typer.Typer) -> None:
    """Enter these commands in the command line."""
    app.command()(compare)
    app.command()(runs)


def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="Runs: folders or files.")],
    last: Annotated[
        float, number_option("The share of the generations, the last ones, that results are means of.")
    ] = 0.5,
    out: Annotated[
        Path | None, typer.Option(help="Also draw them: a file that ends in .png, .svg or .pdf.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Draw only these: best, mean, cooperation, behaviours.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The figure's title.")] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Its width and height in inches.")] = None,
    as_json: Json = False,
) -> None:
    """Lay runs side by side: the same experiment with other seeds makes a group, and groups are compared.

    Where two groups have seeds in common, their runs are compared in pairs (paired t-test, p adjusted by Holm).
    """
    from evolve.experiment.experiment import Experiment
    from results.comparison import compare_runs

    with ExitStack() as stack:
        opened = [stack.enter_context(reading(folder)) for folder in folders]
        compared = compare_runs(opened, last=last, settled=lambda text: Experiment.recorded(text).to_toml())
    if out is not None:
        from results.plots.side_by_side import comparison
        from results.plots.style import save

        wanted = None if only is None else [word.strip() for word in only.split(",")]
        save(comparison(compared, size=inches(size), title=title, only=wanted), out)
    if as_json:
        show_json(_plain(compared))
        return
    _print(compared)
    if out is not None:
        say(f"wrote {out}", aside=True)


def _print(compared: RunComparison) -> None:
    from results.sweeps import MEASURES

    said = f"up to generation {compared.generation}, means of the last {compared.last:.0%} of the generations"
    table = new_table("group", "runs", *MEASURES, title=said)
    for group in compared.groups:
        cells = [_cell(group.interval(measure), measure) for measure in MEASURES]
        table.add_row(group.label, str(len(group.runs)), *cells)
    show(table)
    if any(len(group.runs) > 1 for group in compared.groups):
        say("in brackets 95 % intervals over the seeds")
    if not compared.differences:
        if len(compared.groups) > 1:
            say("no test: it takes groups with two or more seeds in common")
        return
    tests = new_table("against the first", "measure", "seeds", "difference", "p", "adjusted")
    for found in compared.differences:
        tests.add_row(
            found.group, found.measure, str(found.pairs),
            f"{found.mean:+.4g} ({found.low:.3g} to {found.high:.3g})", _p(found.p), _p(found.adjusted),
        )  # fmt: skip
    show(tests)


def _cell(interval: Interval, measure: str) -> Any:
    digits = 1 if measure == "behaviours" else 3
    mean = f"{interval.mean:.{digits}f}"
    if interval.low is None or interval.high is None:
        return mean
    return stacked(mean, f"({interval.low:.{digits}f} to {interval.high:.{digits}f})")


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def _plain(compared: RunComparison) -> dict[str, Any]:
    from results.sweeps import MEASURES

    differences: list[Difference] = list(compared.differences)
    return {
        "generation": compared.generation,
        "last": compared.last,
        "keys": list(compared.keys),
        "groups": [
            {
                "label": group.label,
                "measures": {measure: asdict(group.interval(measure)) for measure in MEASURES},
                "runs": [
                    {"path": str(run.path), "name": run.name, "seed": run.seed, **asdict(run.outcome)}
                    for run in group.runs
                ],
            }
            for group in compared.groups
        ],
        "differences": [asdict(found) for found in differences],
    }


def runs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to look.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the runs in a folder and in its folders: how far they are, who leads, and their hashes."""
    if not folder.is_dir():
        raise ValueError(f"dir: expected a folder with runs, got {str(folder)!r}")
    files = {
        file for where in ("", "*/", "runs/*/", "*/runs/*/") for file in folder.glob(f"{where}run.sqlite")
    }
    found = [_listed(file) for file in sorted(files)]
    if as_json:
        show_json(found)
        return
    if not found:
        say(f"{folder}: no runs here")
        return
    table = new_table("run", "generation", "state", "cooperation", "leader", "hash")
    for one in found:
        reached = "" if one["generation"] is None else f"{one['generation']}"
        rate = "" if one["cooperation"] is None else f"{one['cooperation']:.3f}"
        table.add_row(one["path"], reached, one["state"], rate, one["leader"] or "", (one["hash"] or "")[:8])
    show(table)


def _listed(file: Path) -> dict[str, Any]:
    """One run as a row: what is damaged or not ours is said, and hinders none of the others."""
    from engine.likeness import called
    from evolve.experiment.experiment import Experiment
    from results import Run, RunError
    from results.run.place import writer_of

    row: dict[str, Any] = dict.fromkeys(
        ("path", "name", "generation", "generations", "state", "cooperation", "leader", "hash")
    )
    row["path"] = str(file.parent)
    try:
        with Run.read(file, Experiment.recorded) as there, there.snapshot():
            experiment = Experiment.recorded(there.experiment_text)
            row |= {
                "name": experiment.name,
                "generation": there.generation,
                "generations": experiment.generations,
            }
            row["hash"] = there.hash
            row["state"] = (
                "running"
                if writer_of(file)
                else ("done" if there.generation >= experiment.generations else "stopped")
            )
            if there.generation >= 0:
                row["cooperation"] = float(there.statistics(there.generation)["cooperation"][-1])
                led = there.leaders(since=there.generation)
                leader = led.behaviours[int(led.behaviour[0])]
                row["leader"] = called(leader.name, leader.behaviour, leader.genome)
    except (RunError, ValueError) as error:
        row["state"] = "cannot be read: " + str(error).split("\n")[0].removeprefix(f"{file}: ")[:100]
    return row
