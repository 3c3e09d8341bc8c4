"""The commands about play: strategies, match, tournament, game, mechanisms."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.screen import (
    PARAGRAPH_WIDTH,
    Continuation,
    Json,
    Limit,
    Mechanisms,
    Noise,
    Payoffs,
    Sampled,
    Seed,
    Turns,
    Workers,
    new_table,
    rules_of,
    say,
    show,
    show_json,
    show_ledger,
    styled,
    whole_option,
    write_text,
)
from evolve.cli.varying import (
    Figure,
    Only,
    Plot,
    PlotSize,
    Title,
    Vary,
    points_of,
    rules_along,
    show_variation,
)

if TYPE_CHECKING:
    from rich.table import Table

    from engine import PayoffTable
    from engine.game import Game, Rules


def register(app: typer.Typer) -> None:
    """Enter these commands in the command line."""
    for command in (strategies, match, tournament, game, mechanisms):
        app.command()(command)


def strategies(
    name: Annotated[str | None, typer.Argument(help="A strategy, or a set; all when left out.")] = None,
    as_json: Json = False,
) -> None:
    """List the named strategies, a set of them, or one with its rule and its source."""
    from genomes import LookupGenome, MachineGenome, catalogue

    if name is None or name in catalogue.sets():
        chosen = [catalogue.get(n) for n in catalogue.names(name)]
    else:
        chosen = [catalogue.get(name)]
    if as_json:
        show_json(
            [
                {
                    "name": e.name,
                    "text": str(e.table) if isinstance(e.table, LookupGenome | MachineGenome) else None,
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
        show(styled(entry.name, "bold").append(f"  {', '.join(entry.aliases)}", "not bold"))
        say(f"  {entry.rule}", f"  source: {entry.source}")
        if isinstance(entry.table, LookupGenome | MachineGenome):
            say(f"  {entry.table}")
        if entry.formula_text is not None:
            say(f"  {entry.formula_text}")
        return
    table = new_table("strategy", "sets", "rule")
    for entry in chosen:
        table.add_row(entry.name, " ".join(entry.sets), entry.rule)
    show(table)
    if name is None:
        say(f"sets: {', '.join(catalogue.sets())}")


def match(
    first: Annotated[str, typer.Argument(help="A name or a genome's text.")],
    second: Annotated[str, typer.Argument(help="A name or a genome's text.")],
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    mechanism: Mechanisms = None,
    seed: Seed = 0,
    shown: Annotated[int, whole_option("Turns to show of one meeting as it was played.", "--show")] = 60,
    vary: Vary = None,
    plot: Plot = None,
    only: Only = None,
    title: Title = None,
    size: PlotSize = None,
    as_json: Json = False,
) -> None:
    """One meeting: what both may expect, exactly, and how a meeting goes move by move."""
    from engine import expected, play
    from engine.pairs.meetings import MAX_SAMPLED_TURNS

    if vary is not None:
        from engine import vary as along

        key, points = points_of(vary)
        at = rules_along(
            key, turns=turns, continuation=continuation, limit_of_means=limit_of_means, noise=noise, payoffs=payoffs,
            mechanisms=mechanism,
        )  # fmt: skip
        found = along([first, second], at, points, parameter=key)
        show_variation(found, Figure(plot, only, title, size), None, as_json=as_json)
        return
    if plot is not None:
        raise ValueError("plot: expected --vary with it, along which a match is drawn, got none")
    rules = rules_of(turns, continuation, limit_of_means, noise, payoffs, mechanisms=mechanism)
    meeting = expected(first, second, rules)
    playable = not rules.limit_of_means and (rules.turns or 0) <= MAX_SAMPLED_TURNS
    moves = play(first, second, rules, seed=seed) if playable else None
    if as_json:
        show_json(
            {
                "names": list(meeting.names),
                "payoffs": meeting.payoffs.tolist(),
                "cooperation": meeting.cooperation.tolist(),
                "frequencies": dict(zip(("CC", "CD", "DC", "DD"), meeting.frequencies.tolist(), strict=True)),
                "moves": None
                if moves is None
                else ["".join("CD"[m] for m in row) for row in moves.moves.T.tolist()],
                **({} if meeting.ledger is None else {"ledger": meeting.ledger.to_dict()}),
            }
        )
        return
    table = new_table("strategy", "payoff", "cooperation", title=str(rules))
    for name, payoff, rate in zip(meeting.names, meeting.payoffs, meeting.cooperation, strict=True):
        table.add_row(name, f"{payoff:.6g}", f"{rate:.4f}")
    show(table)
    named = zip(("CC", "CD", "DC", "DD"), meeting.frequencies, strict=True)
    say("joint moves  " + "  ".join(f"{move} {share:.4f}" for move, share in named))
    show_ledger(meeting.ledger)
    if moves is not None and shown > 0:
        left = len(moves.moves) - shown
        say(f"one meeting{f' (seed {seed})' if moves.chance else ''}:")
        for line in str(moves).splitlines():
            width = max(len(name) for name in moves.names) + 2
            say(f"  {line[: width + shown]}{f' ... {left} more' if left > 0 else ''}")


def tournament(
    players: Annotated[list[str], typer.Argument(help="Names, sets (lifl, agents, ...) and genome texts.")],
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    mechanism: Mechanisms = None,
    self_play: Annotated[bool, typer.Option("--self-play", help="Everybody also meets itself.")] = False,
    sampled: Sampled = None,
    seed: Seed = 0,
    workers: Workers = 1,
    matrix: Annotated[bool, typer.Option("--matrix", help="Show every pair.")] = False,
    as_json: Json = False,
    csv: Annotated[Path | None, typer.Option(help="Also write a CSV file.")] = None,
    vary: Vary = None,
    plot: Plot = None,
    only: Only = None,
    title: Title = None,
    size: PlotSize = None,
) -> None:
    """A round robin: everybody meets everybody, exactly."""
    from engine import round_robin
    from genomes import catalogue

    field: list[str] = []
    for player in players:
        field.extend(catalogue.names(player) if player in catalogue.sets() else [player])
    figure = Figure(plot, only, title, size)
    if vary is not None:
        from engine import vary as along

        if sampled is not None or matrix:
            raise ValueError(
                "vary: expected neither --sampled nor --matrix with it, since it is exact and of scores"
            )
        key, points = points_of(vary)
        at = rules_along(
            key, turns=turns, continuation=continuation, limit_of_means=limit_of_means, noise=noise, payoffs=payoffs,
            mechanisms=mechanism,
        )  # fmt: skip
        found = along(field, at, points, parameter=key, self_play=self_play, workers=workers)
        show_variation(found, figure, csv, as_json=as_json)
        return
    rules = rules_of(turns, continuation, limit_of_means, noise, payoffs, mechanisms=mechanism)
    result = round_robin(field, rules, self_play=self_play, sampled=sampled, seed=seed, workers=workers)
    if csv is not None:
        write_text("csv", csv, result.to_csv())
    if plot is not None:
        from results.plots.round_robins import tournament as drawn
        from results.plots.style import save

        save(drawn(result, **figure.options()), plot)
    if as_json:
        say(result.to_json())
        return
    columns = ["rank", "strategy", "payoff", "cooperation"] + (["std. error"] if sampled else [])
    table = new_table(*columns, title=f"{len(field)} strategies, {rules}")
    for rank, k in enumerate(result.order, 1):
        row = [str(rank), result.names[k], f"{result.scores[k]:.4f}", f"{result.cooperation_rates[k]:.4f}"]
        table.add_row(*row, *([f"{result.errors[k]:.4f}"] if result.errors is not None else []))
    show(table)
    if matrix:
        show(*_matrix(result))
    show_ledger(result.ledger, result.counts)
    for path in (csv, plot):
        if path is not None:
            say(f"wrote {path}", aside=True)


def _matrix(result: PayoffTable) -> list[Table]:
    """Every pair, columns by rank; as many tables as it takes to stay within a page's width."""
    order, names = result.order, [result.names[k] for k in result.order]
    at_once = max(1, (PARAGRAPH_WIDTH - max(map(len, names)) - 4) // 7)
    tables = []
    for start in range(0, len(order), at_once):
        columns = order[start : start + at_once]
        table = new_table("row v column", *(str(start + n) for n in range(1, len(columns) + 1)))
        for rank, k in enumerate(order, 1):
            table.add_row(f"{rank:2d} {result.names[k]}", *(f"{result.payoffs[k, j]:.2f}" for j in columns))
        tables.append(table)
    return tables


def game(payoffs: Payoffs = "3,0,5,1", mechanism: Mechanisms = None, as_json: Json = False) -> None:
    """What kind of one-shot game some payoffs make, and what mechanisms make of it."""
    before = rules_of(None, None, False, 0.0, payoffs).game
    if not mechanism:
        if as_json:
            show_json(_game(before))
        else:
            _show_game(before)
        return
    rules = _with_mechanisms(payoffs, mechanism)
    after = rules.games
    if as_json:
        made = [str(one) for one in mechanism]
        states = len(rules.stage)
        show_json(
            _game(before) | {"mechanisms": made, "states": states, "after": [_game(one) for one in after]}
        )
        return
    say("without mechanisms")
    _show_game(before)
    for number, one in enumerate(after, 1):
        where = f", game {number} of {len(after)} that the states of a pair make" if len(after) > 1 else ""
        say("", f"with {', '.join(mechanism)}{where}")
        _show_game(one)
    for line in _changes(rules):
        say(line)


def mechanisms(as_json: Json = False) -> None:
    """List the mechanisms that can be added to a game: what each does, and what is to be expected of it."""
    import dataclasses

    from engine.mechanisms import MECHANISMS

    if as_json:
        show_json(
            [
                {
                    "name": kind.name,
                    "parameters": {
                        field.name: None if field.default is dataclasses.MISSING else field.default
                        for field in dataclasses.fields(kind)
                    },
                    "required": [
                        field.name
                        for field in dataclasses.fields(kind)
                        if field.default is dataclasses.MISSING
                    ],
                    "semantics": kind.semantics,
                    "prediction": kind.prediction,
                    "source": kind.source,
                }
                for kind in MECHANISMS.values()
            ]
        )
        return
    for kind in MECHANISMS.values():
        show(styled(kind.name, "bold").append(f"  {kind.usage()}", "not bold"))
        for text in (kind.semantics, f"Prediction: {kind.prediction}", f"Source: {kind.source}."):
            say(*textwrap.wrap(text, 78, initial_indent="  ", subsequent_indent="  "))
        say("")
    say('--mechanism NAME:X,KEY=Y adds one; in an experiment [[mechanism]] with kind = "NAME" and its keys.')


# --- shared --------------------------------------------------------------------------------------------------


def _with_mechanisms(payoffs: str, mechanism: list[str]) -> Rules:
    """The rules of one game with mechanisms; of the horizon that all of them have a meaning under."""
    return rules_of(None, 0.5, False, 0.0, payoffs, mechanisms=mechanism)


def _changes(rules: Rules) -> list[str]:
    """What mechanisms change besides the payoffs of a turn."""
    found = []
    if rules.continuation != 0.5:
        found.append(f"a deal goes on {2 * (rules.continuation or 0):.6g} times as likely after each turn")
    if not rules.stage.plain:
        found.append(f"{len(rules.stage)} states of a pair")
    if rules.stage.deposit:
        found.append(f"{float(rules.stage.deposit):g} locked by each before the first turn")
    return found


def _game(game: Game) -> dict[str, Any]:
    """A game and its report, for JSON."""
    import dataclasses

    return dataclasses.asdict(game) | dataclasses.asdict(game.report())


def _show_game(g: Game) -> None:
    """The payoffs of a game, and what kind of game it is."""
    report = g.report()
    table = new_table("", "C", "D", title="row's payoff, column's payoff")
    table.add_row("C", f"{g.R:g}, {g.R:g}", f"{g.S:g}, {g.T:g}")
    table.add_row("D", f"{g.T:g}, {g.S:g}", f"{g.P:g}, {g.P:g}")
    show(table)
    strictly = "strictly" if report.strictly_dominant else "weakly"
    say(f"dilemma (T > R > P > S)        {'yes' if report.dilemma else 'no'}")
    say(f"2R > T + S                     {'yes' if report.reward_beats_alternation else 'no'}")
    say(f"dominant move                  {f'{report.dominant} ({strictly})' if report.dominant else 'none'}")
    say(f"equilibria in pure moves       {', '.join(report.pure_equilibria)}")
    mixed = (
        "none" if report.mixed_equilibrium is None else f"C with probability {report.mixed_equilibrium:.6g}"
    )
    say(f"symmetric mixed equilibrium    {mixed}")
