"""The command `invade`: populations of residents under continued mutation and injection."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.screen import (
    Cluster,
    Json,
    Mechanisms,
    Workers,
    formats_of,
    interruptible,
    new_table,
    number_option,
    progress,
    say,
    show,
    show_json,
    whole_option,
)

if TYPE_CHECKING:
    from evolve.invasion.replicates import Outcome
    from evolve.invasion.report import Finding
    from evolve.invasion.study import Study


def invade(
    who: Annotated[
        list[str],
        typer.Argument(metavar="FILE | RESIDENT...", help="A study (TOML), or names and texts of residents."),
    ],
    play: Annotated[str | None, typer.Option(help="ipd, or sipd: societies that see all play.")] = None,
    noise: Annotated[float | None, number_option("Probability that an executed move is flipped.")] = None,
    turns: Annotated[int | None, whole_option("Turns of a meeting (50).")] = None,
    replicates: Annotated[int | None, whole_option("Populations of each resident (100).")] = None,
    generations: Annotated[int | None, whole_option("The horizon (100).")] = None,
    size: Annotated[int | None, whole_option("Individuals in a population (40).")] = None,
    mechanism: Mechanisms = None,
    law: Annotated[str | None, typer.Option(help="Who comes in: global | local | adversarial.")] = None,
    seed: Annotated[int | None, whole_option("Seed of everything that is drawn (1).")] = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    out: Annotated[Path | None, typer.Option(help="The study's folder (default: runs/NAME).")] = None,
    formats: Annotated[
        str, typer.Option("--format", help="How the curves are drawn: png, svg, pdf, or several.")
    ] = "png",
    as_json: Json = False,
) -> None:
    """How long do populations of residents hold out against continued mutation and injection?"""
    from evolve.invasion.report import findings, survival_figure
    from evolve.invasion.run import digest, run_study
    from results.plots.invasion import save

    endings = formats_of(formats)
    chosen = {
        k: v
        for k, v in (("replicates", replicates), ("generations", generations), ("law", law))
        if v is not None
    }
    if len(who) == 1 and (who[0].endswith(".toml") or Path(who[0]).is_file()):
        for field, value in (
            ("play", play), ("noise", noise), ("turns", turns), ("size", size), ("seed", seed),
            ("mechanism", mechanism),
        ):  # fmt: skip
            if value is not None:
                raise ValueError(f"{field}: expected it in the study's file, got it beside {who[0]!r}")
        study = _loaded(Path(who[0]), chosen)
    else:
        study = _composed(who, play or "ipd", noise, turns, size, seed, mechanism, chosen)
    folder = out or Path("runs") / study.experiment.name
    followed: list[Outcome] = []
    total = len(study.tasks())

    def stopped() -> str:
        return f"stopped after {len(followed)} of {total} populations; the same command goes on"

    with interruptible(stopped), progress("population", total) as shown:

        def note(latest: Sequence[Outcome]) -> None:
            followed.extend(latest)
            shown.tell(len(followed), lambda: _state(followed))

        outcomes = run_study(study, folder, workers=workers, cluster=cluster, watch=note)
    found = findings(study, outcomes)
    if as_json:
        show_json(
            {
                "name": study.experiment.name,
                "play": study.experiment.rules.play,
                "conditions": str(study.experiment.rules_value),
                "law": study.invasion.law,
                "version": study.invasion.version,
                "size": study.experiment.population.size,
                "digest": digest(outcomes),
                "residents": [finding.to_json() for finding in found],
            }
        )
        return
    _show(study, found)
    figure = survival_figure(study, outcomes, found)
    drawn = [str(save(figure, folder / f"survival.{ending}")) for ending in endings]
    say(f"outcomes: {folder}    curves: {', '.join(drawn)}")


def _loaded(path: Path, chosen: dict[str, Any]) -> Study:
    from evolve.invasion.study import Study

    return Study.load(path, chosen)


def _composed(
    residents: list[str], play: str, noise: float | None, turns: int | None, size: int | None,
    seed: int | None, mechanism: list[str] | None, chosen: dict[str, Any],
) -> Study:  # fmt: skip
    """A study from the command line; its folder's name tells what could change its results."""
    from evolve.invasion.study import Study

    if play not in ("ipd", "sipd"):
        raise ValueError(f"play: expected ipd or sipd, got {play!r}")
    sections: dict[str, Any] = {"rules": {"play": play, "turns": turns or 50, "noise": noise or 0.0}}
    if play == "sipd":
        sections["genome"] = {"kind": "formula", "max_complexity": 20}
        sections["variation"] = {"mutation": 0.1}
        sections["rules"]["replicates"] = 1
    if size is not None:
        sections["population"] = {"size": size}
        if size < 4:
            raise ValueError(f"size: expected at least 4 individuals, got {size}")
    if seed is not None:
        sections["seed"] = seed
    if mechanism:
        sections["mechanism"] = mechanism
    study = Study.of(residents, sections, **chosen)
    mark = hashlib.sha256(study.results_key().encode()).hexdigest()[:8]
    return Study(study.invasion, study.experiment.changed(name=f"invasion-{mark}"))


def _state(followed: Sequence[Outcome]) -> str:
    """How the resident fares who was followed last."""
    if not followed:
        return ""
    latest = followed[-1].label
    lost = [outcome.lost for outcome in followed if outcome.label == latest]
    return f"{latest}: {sum(lost)} of {len(lost)} lost"


def _show(study: Study, found: list[Finding]) -> None:
    from evolve.invasion.study import clones_of

    unit = found[0].unit
    title = (
        f"{study.experiment.rules.play}, {study.experiment.rules_value}; {study.experiment.population.size} "
        f"individuals; {study.invasion.law} mutants; {study.invasion.replicates} replicates, "
        f"{study.invasion.generations} {unit}"
    )
    table = new_table(
        "resident", "lost", "survival", "95 %", "median", "mean", "clones", "causes", "invaders", title=title
    )
    by_label = {x.label: x for x in found}
    shown = [by_label[label] for label in study.populations if label in by_label]
    for x in shown:
        clones = by_label.get(clones_of(x.label))
        survival, low, high = x.survival
        table.add_row(
            x.label,
            f"{x.lost}/{x.replicates}",
            f"{survival:.2f}",
            f"{low:.2f} to {high:.2f}",
            "-" if x.median is None else f"{x.median:g}",
            f"{x.restricted_mean:.1f}",
            "" if clones is None else f"{clones.restricted_mean:.1f}",
            ", ".join(f"{cause} {count}" for cause, count in x.causes.items()),
            ", ".join(f"{name} {count}" for name, count in x.invaders.items()),
        )
    show(table)
    if any(x.differences for x in shown):
        say("mean: survived up to the horizon; clones: the same where all play as the resident (drift)")
    for x in shown:
        say(f"{x.label}: {x.verdict}")


def register(app: typer.Typer) -> None:
    """Enter the command in the command line."""
    app.command()(invade)
