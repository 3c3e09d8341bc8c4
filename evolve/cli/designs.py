"""The command about rules that make cooperation evolve: design."""

from __future__ import annotations

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
    say_wrapped,
    show,
    show_json,
)

if TYPE_CHECKING:
    from evolve.designs import Design
    from results.designs import Crossing, DesignPoint, DesignRule

SHOWN = 40
"""Rules in a printed table at most; the files have all."""


def design(
    file: Annotated[Path, typer.Argument(help="An experiment (TOML) with a section \\[design].")],
    workers: Workers = 1,
    cluster: Cluster = None,
    out: Annotated[Path | None, typer.Option(help="The design's folder (default: designs/NAME).")] = None,
    as_json: Json = False,
) -> None:
    """Under which rules of a grid does cooperation evolve, and what does the cheapest of them cost?"""
    from evolve.designs import Design, run_design

    with announced(f"reading {file} and every rule of it"):
        planned = Design.load(file)
    folder = out or Path("designs") / planned.name
    rules: list[DesignRule] = []

    def done() -> int:
        return sum(rule.outcome is not None for rule in rules)

    def stopped() -> str:
        again = command("design", str(file), workers=workers, cluster=cluster, out=out)
        return f"stopped with {done()} of {len(planned.points)} rules judged; the others go on with: {again}"

    with interruptible(stopped), progress("rule", len(planned.points)) as shown:

        def note(seen: Sequence[DesignRule]) -> None:
            rules[:] = seen
            shown.tell(done())

        run_design(planned, folder, workers=workers, cluster=cluster, watch=note)
    with announced("bisecting every border between two rules of the grid"):
        borders = planned.crossings(rules, workers=workers, cluster=cluster)
    written = _save(planned, folder, rules, borders)
    if as_json:
        show_json(_content(planned, rules, borders))
        return
    _show(planned, rules, borders)
    say("wrote " + "  ".join(str(path) for path in written))


def _save(
    planned: Design, folder: Path, rules: Sequence[DesignRule], borders: Sequence[Crossing]
) -> list[Path]:
    import json

    from results.designs import design_csv
    from results.plots.design import design_figure
    from results.plots.style import save
    from results.run.place import write_whole

    table, numbers = folder / "design.csv", folder / "design.json"
    write_whole(table, design_csv(rules))
    write_whole(numbers, json.dumps(_content(planned, rules, borders), indent=2) + "\n")
    settings = planned.settings
    made = design_figure(planned.name, rules, settings.target, planned.rests_on, settings.size, borders)
    if made is None:
        return [table, numbers]
    return [table, numbers, *(save(made, folder / f"design.{kind}") for kind in ("png", "svg"))]


def _content(planned: Design, rules: Sequence[DesignRule], borders: Sequence[Crossing]) -> dict[str, Any]:
    from dataclasses import asdict

    best = planned.cheapest(rules)
    return {
        "name": planned.name,
        "keys": list(planned.keys),
        "target": planned.settings.target,
        "rests_on": planned.rests_on,
        "crossings": [asdict(one) for one in borders if one.what == "cooperation"],
        "borders": [asdict(one) for one in borders if one.what != "cooperation"],
        "cheapest": None if best is None or best.outcome is None else _row(best, best.outcome),
        "rules": [_row(rule, rule.outcome) for rule in rules if rule.outcome is not None],
    }


def _row(rule: DesignRule, outcome: DesignPoint) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "point": rule.point,
        "c_dominant": outcome.dominant,
        "certified": outcome.certified,
        **asdict(outcome),
        "runs": list(outcome.runs),
    }


def _show(planned: Design, rules: Sequence[DesignRule], borders: Sequence[Crossing]) -> None:
    table = new_table(
        *(key.rpartition(".")[2] for key in planned.keys), "C dominant", "certified", "favoured", "cooperation",
        "cost", title=f"{planned.name}: the ladder; cost of a pair, a turn",
    )  # fmt: skip
    step = -(-len(rules) // SHOWN)
    for rule in rules[::step]:
        o = rule.outcome
        if o is not None:
            favoured = [_short(name) for name, is_so in o.favoured.items() if is_so]
            table.add_row(
                *(f"{value:g}" for value in rule.point.values()), "yes" if o.dominant else "",
                " ".join(map(_short, o.certified)), " ".join(favoured),
                f"{o.reached:.4f}{' *' if o.reached >= planned.settings.target else ''}", f"{o.cost:.4g}",
            )  # fmt: skip
    show(table)
    if step > 1:
        say(f"every {step}. rule of {len(rules)} is shown")
    target = planned.settings.target
    by_name: dict[str, list[Crossing]] = {"cooperation": []}
    for one in borders:
        by_name.setdefault(one.what, []).append(one)
    for what, found in by_name.items():
        name = f"cooperation of {target:g} (*)" if what == "cooperation" else what
        say(name + ("" if found else " is never crossed on this grid"))
        for one in found[:SHOWN]:
            say(f"  {one.key} {one}")
    best = planned.cheapest(rules)
    if best is None or best.outcome is None:
        say(f"no rule of this grid reaches {target:g}")
    else:
        values = ", ".join(f"{key} = {value:g}" for key, value in best.point.items())
        deal = best.outcome.cost_deal
        say(f"the cheapest rule that does: {values}")
        say(f"  cooperation {best.outcome.reached:.4f}, led by {best.outcome.leading} in the long run")
        say(
            f"  cost of a pair: {best.outcome.cost:.4g} a turn"
            + ("" if deal is None else f", {deal:.4g} a deal")
        )
    say_wrapped(f"this rests on {planned.rests_on}")


def _short(name: str) -> str:
    return {"tit_for_tat": "tft"}.get(name, name)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(design)
