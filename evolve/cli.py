"""The command `evolve`: every table and every file of the project, from a terminal.

Each command imports what it needs when it runs, so that `evolve --help` answers at once. A mistake of the
user's ends in one line that names the field, what was expected and what came.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve import cli_invasion, cli_runs
from evolve.terminal import Continuation, Limit, Noise, Payoffs, Turns, conditions, rules_of

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Evolve strategies for the iterated prisoner's dilemma, exactly and fast.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
Sampled = Annotated[int | None, typer.Option(help="Sample so many meetings a pair instead of exact payoffs.")]


def main() -> None:
    """Run the command line; mistakes of the user end in one line and exit code 1."""
    try:
        app()
    except (ValueError, FileNotFoundError, PermissionError) as mistake:
        print(f"evolve: {mistake}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


@app.command()
def strategies(
    name: Annotated[str | None, typer.Argument(help="A strategy, or a set; all when left out.")] = None,
    as_json: Json = False,
) -> None:
    """List the named strategies, a set of them, or one with its rule and its source."""
    from genomes import LookupGenome, catalogue

    if name is None or name in catalogue.sets():
        chosen = [catalogue.get(n) for n in catalogue.names(name)]
    else:
        chosen = [catalogue.get(name)]
    if as_json:
        _print_json(
            [
                {
                    "name": e.name,
                    "text": str(e.table) if isinstance(e.table, LookupGenome) else None,
                    "formula": e.formula_text,
                    "rule": e.rule,
                    "source": e.source,
                    "sets": list(e.sets),
                    "aliases": list(e.aliases),
                }
                for e in chosen
            ]
        )
        return
    if len(chosen) == 1:
        entry = chosen[0]
        _print(f"[bold]{entry.name}[/]  {', '.join(entry.aliases)}\n  {entry.rule}\n  source: {entry.source}")
        if isinstance(entry.table, LookupGenome):
            print(f"  {entry.table}")
        if entry.formula_text is not None:
            print(f"  {entry.formula_text}")
        return
    table = _table("strategy", "sets", "rule")
    for entry in chosen:
        table.add_row(entry.name, " ".join(entry.sets), entry.rule)
    _print(table)
    if name is None:
        _print(f"sets: {', '.join(catalogue.sets())}")


@app.command()
def match(
    first: Annotated[str, typer.Argument(help="A name or a genome's text.")],
    second: Annotated[str, typer.Argument(help="A name or a genome's text.")],
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    seed: Seed = 0,
    show: Annotated[int, typer.Option(help="Turns to show of one meeting as it was played.")] = 60,
    as_json: Json = False,
) -> None:
    """One meeting: what both may expect, exactly, and how a meeting goes move by move."""
    from engine import expected, play

    rules = rules_of(turns, continuation, limit_of_means, noise, payoffs)
    meeting = expected(first, second, rules)
    moves = None if rules.limit_of_means else play(first, second, rules, seed=seed)
    if as_json:
        _print_json(
            {
                "names": list(meeting.names),
                "payoffs": meeting.payoffs.tolist(),
                "cooperation": meeting.cooperation.tolist(),
                "frequencies": dict(zip(("CC", "CD", "DC", "DD"), meeting.frequencies.tolist(), strict=True)),
                "moves": None
                if moves is None
                else ["".join("CD"[m] for m in row) for row in moves.moves.T.tolist()],
            }
        )
        return
    table = _table("strategy", "payoff", "cooperation", title=conditions(rules))
    for name, payoff, rate in zip(meeting.names, meeting.payoffs, meeting.cooperation, strict=True):
        table.add_row(name, f"{payoff:.6g}", f"{rate:.4f}")
    _print(table)
    named = zip(("CC", "CD", "DC", "DD"), meeting.frequencies, strict=True)
    print("joint moves  " + "  ".join(f"{move} {share:.4f}" for move, share in named))
    if moves is not None and show > 0:
        left = len(moves.moves) - show
        print(f"one meeting{f' (seed {seed})' if rules.noisy or not _repeatable(first, second) else ''}:")
        for line in str(moves).splitlines():
            width = max(len(name) for name in moves.names) + 2
            print(f"  {line[: width + show]}{f' ... {left} more' if left > 0 else ''}")


@app.command()
def tournament(
    players: Annotated[list[str], typer.Argument(help="Names, sets (lifl, agents, ...) and genome texts.")],
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    self_play: Annotated[bool, typer.Option("--self-play", help="Everybody also meets itself.")] = False,
    sampled: Sampled = None,
    seed: Seed = 0,
    matrix: Annotated[bool, typer.Option("--matrix", help="Show every pair.")] = False,
    as_json: Json = False,
    csv: Annotated[Path | None, typer.Option(help="Also write a CSV file.")] = None,
) -> None:
    """A round robin: everybody meets everybody, exactly."""
    from engine import round_robin
    from genomes import catalogue

    field: list[str] = []
    for player in players:
        field.extend(catalogue.names(player) if player in catalogue.sets() else [player])
    rules = rules_of(turns, continuation, limit_of_means, noise, payoffs)
    result = round_robin(field, rules, self_play=self_play, sampled=sampled, seed=seed)
    if csv is not None:
        csv.write_text(result.to_csv(), encoding="utf-8")
    if as_json:
        print(result.to_json())
        return
    columns = ["rank", "strategy", "payoff", "cooperation"] + (["std. error"] if sampled else [])
    table = _table(*columns, title=f"{len(field)} strategies, {conditions(rules)}")
    for rank, k in enumerate(result.order, 1):
        row = [str(rank), result.names[k], f"{result.scores[k]:.4f}", f"{result.cooperation_rates[k]:.4f}"]
        table.add_row(*row, *([f"{result.errors[k]:.4f}"] if result.errors is not None else []))
    _print(table)
    if matrix:
        order = result.order
        pairs = _table("row v column", *(str(rank) for rank in range(1, len(order) + 1)))
        for rank, k in enumerate(order, 1):
            pairs.add_row(f"{rank:2d} {result.names[k]}", *(f"{result.payoffs[k, j]:.2f}" for j in order))
        _print(pairs)
    if csv is not None:
        print(f"wrote {csv}", file=sys.stderr)


@app.command()
def game(payoffs: Payoffs = "3,0,5,1", as_json: Json = False) -> None:
    """What kind of one-shot game some payoffs make."""
    import dataclasses

    rules = rules_of(None, None, False, 0.0, payoffs)
    report = rules.game.report()
    if as_json:
        _print_json(dataclasses.asdict(rules.game) | dataclasses.asdict(report))
        return
    g = rules.game
    table = _table("", "C", "D", title="row's payoff, column's payoff")
    table.add_row("C", f"{g.R:g}, {g.R:g}", f"{g.S:g}, {g.T:g}")
    table.add_row("D", f"{g.T:g}, {g.S:g}", f"{g.P:g}, {g.P:g}")
    _print(table)
    strictly = "strictly" if report.strictly_dominant else "weakly"
    print(f"dilemma (T > R > P > S)        {'yes' if report.dilemma else 'no'}")
    print(f"2R > T + S                     {'yes' if report.reward_beats_alternation else 'no'}")
    print(
        f"dominant move                  {f'{report.dominant} ({strictly})' if report.dominant else 'none'}"
    )
    print(f"equilibria in pure moves       {', '.join(report.pure_equilibria)}")
    mixed = (
        "none" if report.mixed_equilibrium is None else f"C with probability {report.mixed_equilibrium:.6g}"
    )
    print(f"symmetric mixed equilibrium    {mixed}")


# --- shared by the commands ----------------------------------------------------------------------------------


def _repeatable(*specs: str) -> bool:
    from genomes.catalogue import is_compiled, resolve

    return all(is_compiled(s) and s.automaton(1).deterministic for s in map(resolve, specs))


def _table(*columns: str, title: str | None = None) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD, title=title, title_style="italic", title_justify="left", pad_edge=False
    )
    numeric = {"rank", "payoff", "cooperation", "std. error"}
    for column in columns:
        table.add_column(column, justify="right" if column in numeric or column.isdigit() else "left")
    return table


def _print(what: Any) -> None:
    from rich.console import Console

    terminal = sys.stdout.isatty()
    Console(soft_wrap=False, width=None if terminal else 160, highlight=False).print(what)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


cli_runs.register(app)
cli_invasion.register(app)

if __name__ == "__main__":
    main()
