"""The commands about populations that change by imitation: longrun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.screen import (
    Continuation,
    Json,
    Limit,
    Mechanisms,
    Noise,
    Payoffs,
    Turns,
    announced,
    new_table,
    number_option,
    rules_of,
    say,
    show,
    show_json,
    whole_option,
)

if TYPE_CHECKING:
    from engine.stability.rare_mutations import LongRun

LEADERS = 12
"""Behaviours in a table; JSON has all."""

Process = Annotated[str, typer.Option(help="fermi: imitation by payoff difference; moran: births by payoff.")]
Beta = Annotated[float, number_option("Intensity of selection: beta of fermi, w (0 to 1) of moran.")]


def longrun(
    strategies: Annotated[
        list[str], typer.Argument(help="Names, genomes' texts, or a class such as memory(1,1).")
    ],
    size: Annotated[int, whole_option("Individuals in the population.")] = 50,
    beta: Beta = 1.0,
    process: Process = "fermi",
    mutants: Annotated[
        str,
        typer.Option(metavar="uniform|neighbours", help="Any other strategy, or one with one entry changed."),
    ] = "uniform",
    baseline: Annotated[float, number_option("Added to payoffs, where moran needs them positive.")] = 0.0,
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    mechanism: Mechanisms = None,
    as_json: Json = False,
) -> None:
    """How much of the time each strategy is what a population plays, when mutants are rare: exactly."""
    from engine.stability.rare_mutations import long_run

    rules = rules_of(turns, continuation, limit_of_means, noise, payoffs, mechanisms=mechanism)
    with announced("computing all fixation probabilities and the long run"):
        found = long_run(
            strategies,
            rules,
            size,
            beta,
            process=process,  # type: ignore[arg-type]  # refused there unless it is one of the two
            baseline=baseline,
            mutants=mutants,
        )
    if as_json:
        show_json(found.to_dict())
        return
    _show(found)


def _show(found: LongRun) -> None:
    strength = f"{'beta' if found.process == 'fermi' else 'w'} {found.beta:g}"
    rows = found.played
    table = new_table(
        "rank", "behaviour", "genome", "count", "share", "cooperation", "payoff",
        title=f"{len(found.names)} strategies, {found.rules}, N {found.size}, {found.process} {strength}",
    )  # fmt: skip
    for rank, row in enumerate(rows[:LEADERS], 1):
        table.add_row(
            str(rank), row.name, row.strategy, str(row.strategies),
            f"{row.share:.4f}", f"{row.cooperation:.4f}", f"{row.payoff:.4f}",
        )  # fmt: skip
    show(table)
    if len(rows) > LEADERS:
        rest = 1 - sum(row.share for row in rows[:LEADERS])
        say(f"and {len(rows) - LEADERS} more, {rest:.4f} of the time")
    say(f"in the long run            cooperation {found.cooperation:.4f}, payoff {found.payoff:.4f} a turn")
    if found.ledger is not None:
        say(f"a player pays and gets     {_amounts(found.ledger.turn(found.shares))} a turn")
        deal = found.ledger.deal(found.shares)
        if deal is not None:
            say(f"both of a pair in a deal   {_amounts(deal)}")
    say(f"mutants                    {found.law}, so rare that each fixes or dies before the next")


def _amounts(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {amount:.6g}" for name, amount in found.items() if amount) or "nothing"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(longrun)
