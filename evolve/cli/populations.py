"""The commands about populations: longrun, commons where groups of n play, record where partners change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.screen import (
    Continuation,
    Json,
    Limit,
    Mechanisms,
    Noise,
    Payoffs,
    Seed,
    Turns,
    announced,
    new_table,
    number_option,
    rules_of,
    say,
    show,
    show_json,
    show_ledger,
    styled,
    whole_option,
)
from evolve.cli.societies import Members, members_of, whole_number

if TYPE_CHECKING:
    from engine.group_games import GroupGame
    from engine.groups import GroupCertificate
    from engine.record import PublicRecord, RecordCertificate, SimulatedRecord
    from engine.stability.rare_mutations import LongRun
    from genomes.strategy import StrategyLike

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
    say(
        f"mutants                    {found.law},",
        "                           so rare that each fixes or dies before the next",
    )


def _amounts(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {amount:.6g}" for name, amount in found.items() if amount) or "nothing"


def commons(
    players: Annotated[int, whole_option("Players of a group.")] = 5,
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND", help="exhaust | share | thrash: a commons; goods: public goods; threshold."
        ),
    ] = "share",
    quota: Annotated[float | None, number_option("Units of a commons (as many as players).")] = None,
    factor: Annotated[float | None, number_option("What multiplies the pot of public goods.")] = None,
    needed: Annotated[int | None, whole_option("Cooperators that a threshold needs.")] = None,
    benefit: Annotated[float | None, number_option("What everybody has above the threshold.")] = None,
    cost: Annotated[float, number_option("What C costs (goods and threshold).")] = 1.0,
    fine: Annotated[float, number_option("Expected fine on D.")] = 0.0,
    strategies: Annotated[
        list[str] | None, typer.Option("--strategy", help="A name or a text; all names when left out.")
    ] = None,
    size: Annotated[int, whole_option("Individuals in the population.")] = 50,
    beta: Beta = 1.0,
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    as_json: Json = False,
) -> None:
    """A game of n players: what each move pays, which strategies hold, and what is played in the long run."""
    from engine.group_games import group_game
    from engine.groups import group_certificate, group_long_run
    from genomes.group import MAX_CLASS, NAMED

    game = group_game(
        players, kind, quota=quota, factor=factor, needed=needed, benefit=benefit, cost=cost, fine=fine
    )
    rules = rules_of(turns, continuation, limit_of_means, noise, "3,0,5,1")
    chosen = list(NAMED) if strategies is None else strategies
    whole = 2 ** (2 * players + 1) <= MAX_CLASS
    with announced("trying every strategy against every resident"):
        certificates = [group_certificate(name, game, rules, None if whole else chosen) for name in chosen]
        different = _different(chosen, players)
        found = group_long_run(different, game, rules, size, beta) if len(different) > 1 else None
    if as_json:
        show_json(_commons_content(game, certificates, found))
        return
    show(styled(game.name, "bold").append(f", {rules}", "not bold"))
    table = new_table("cooperators among the others", "C earns", "D earns", "all together")
    for j in range(players - 1, -1, -1):
        table.add_row(str(j), f"{game.a[j]:.6g}", f"{game.b[j]:.6g}", f"{game.total(j + 1):.6g}")
    show(table)
    holding = [_so_many(k, players) for k in game.equilibria]
    say(
        f"dominant move              {game.dominant or 'none'}",
        f"one-shot equilibria        {', '.join(holding) or 'none in pure moves'}",
        f"further fine that makes C nowhere worse  {game.restoring_fine:.6g}",
    )
    tried = f"all {certificates[0].tried} genomes" if whole else f"the {len(chosen)} named"
    rows = new_table(
        "resident",
        "among itself",
        "best mutant",
        "earns",
        "gap",
        title=f"one mutant among residents: {tried} tried",
    )
    for one in certificates:
        held = "holds" if one.gap == 0 else f"{one.gap:.6g}"
        rows.add_row(
            one.resident,
            f"{one.self_payoff:.6g}",
            one.best if one.gap else "",
            f"{one.best_payoff:.6g}",
            held,
        )
    show(rows)
    if found is not None:
        _show(found)


def _different(specs: list[str], players: int) -> list[str]:
    """Strategies that are not the same table under another name: in small groups some names coincide."""
    from genomes.group import group_strategy

    return list({group_strategy(spec, players): spec for spec in reversed(specs)}.values())[::-1]


def _so_many(cooperators: int, players: int) -> str:
    return {0: "all defect", players: "all cooperate"}.get(cooperators, f"{cooperators} cooperate")


def _commons_content(
    game: GroupGame, certificates: list[GroupCertificate], found: LongRun | None
) -> dict[str, Any]:
    return {
        "game": game.name,
        "a": list(game.a),
        "b": list(game.b),
        "dominant": game.dominant,
        "equilibria": list(game.equilibria),
        "restoring_fine": game.restoring_fine,
        "certificates": [
            {
                key: getattr(one, key)
                for key in ("resident", "self_payoff", "best", "best_payoff", "gap", "neutral", "tried")
            }
            for one in certificates
        ],
        "long_run": None if found is None else found.to_dict(),
    }


def record(
    members: Members,
    visibility: Annotated[float, number_option("Probability that a partner's last move is seen.")],
    plays: Annotated[int, whole_option("Plays of the simulation; 0: the mean field alone.")] = 100,
    seed: Seed = 0,
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    mechanism: Mechanisms = None,
    as_json: Json = False,
) -> None:
    """Partners change every round, and show their last move with some probability: what holds then?

    A partner whose last move is not seen counts as good. What is expected is the limit of infinitely many
    players; a simulation of as many as are given shows how far from it they are.
    """
    from engine.record import holding_visibilities, public_record, record_certificate, simulated_record

    rules = rules_of(turns, continuation, limit_of_means, noise, payoffs, mechanisms=mechanism)
    counts: dict[StrategyLike, int] = {name: whole_number(name, n) for name, n in members_of(members)}
    found = public_record(counts, visibility, rules)
    simulated = None
    with announced("simulating players, and looking for the visibilities at which strategies hold"):
        if plays and not limit_of_means:
            simulated = simulated_record(counts, visibility, rules, plays=plays, seed=seed)
        certificates = [record_certificate(name, visibility, rules) for name in found.names]
        pairs = [(name, mutant) for name in found.names for mutant in (None, *found.names) if mutant != name]
        thresholds = [(*pair, holding_visibilities(pair[0], rules, pair[1])) for pair in pairs]
    if as_json:
        show_json(_record_content(found, simulated, certificates, thresholds))
        return
    table = new_table(
        "strategy", "share", "payoff", "cooperation",
        title=f"infinitely many players (mean field), visibility {visibility:g}, {rules}",
    )  # fmt: skip
    for name, *numbers in zip(*found.columns().values(), strict=True):
        table.add_row(name, *(f"{x:.4f}" for x in numbers))
    show(table)
    show_ledger(found.ledger, title="ledger, a turn")
    if simulated is not None:
        _show_simulation(simulated)
    else:
        say("no simulation: it needs plays, and turns or a continuation probability", "")
    _show_thresholds(certificates, thresholds, visibility)


Thresholds = list[tuple[str, str | None, list[tuple[float, float]]]]
"""Resident, mutant (None: any whatever), and the intervals of visibility in which it does no better."""


def _show_simulation(found: SimulatedRecord) -> None:
    table = new_table(
        "strategy", "payoff", "from the limit", "cooperation", "from the limit",
        title=f"{found.players} players, {found.plays} plays, seed {found.seed}; ± standard error",
    )  # fmt: skip
    rates = found.cooperation - found.limit.cooperation
    for k, name in enumerate(found.limit.names):
        table.add_row(
            name,
            f"{found.payoffs[k]:.4f}", f"{found.distance[k]:+.4f} ± {found.payoff_errors[k]:.4f}",
            f"{found.cooperation[k]:.4f}", f"{rates[k]:+.4f} ± {found.cooperation_errors[k]:.4f}",
        )  # fmt: skip
    show(table)


def _show_thresholds(
    certificates: list[RecordCertificate], thresholds: Thresholds, visibility: float
) -> None:
    table = new_table(
        "resident", "among itself", "gap", "mutant", "no better with visibility",
        title=f"rare mutants among infinitely many residents; gap: of the best of all, at {visibility:g}",
    )  # fmt: skip
    own = {one.resident: one for one in certificates}
    for resident, mutant, held in thresholds:
        first = mutant is None
        table.add_row(
            resident if first else "",
            f"{own[resident].self_payoff:.4f}" if first else "",
            f"{own[resident].gap:.4f}" if first else "",
            "any" if mutant is None else mutant,
            ", ".join(f"{low:.6g} to {high:.6g}" for low, high in held) or "none",
        )
    show(table)


def _record_content(
    found: PublicRecord,
    simulated: SimulatedRecord | None,
    certificates: list[RecordCertificate],
    thresholds: Thresholds,
) -> dict[str, Any]:
    rows = zip(*found.columns().values(), strict=True)
    content: dict[str, Any] = {
        "conditions": str(found.rules),
        "visibility": found.visibility,
        "mean_field": [dict(zip(found.columns(), row, strict=True)) for row in rows],
        "ledger": None if found.ledger is None else found.ledger.to_dict(found.shares),
        "simulation": None,
        "certificates": [
            {
                key: getattr(one, key)
                for key in ("resident", "self_payoff", "cooperation", "best_payoff", "gap")
            }
            for one in certificates
        ],
        "thresholds": [
            {"resident": resident, "mutant": mutant, "visibility": held}
            for resident, mutant, held in thresholds
        ],
    }
    if simulated is not None:
        columns = {
            "strategy": found.names,
            "payoff": simulated.payoffs.tolist(),
            "payoff_error": simulated.payoff_errors.tolist(),
            "distance": simulated.distance.tolist(),
            "cooperation": simulated.cooperation.tolist(),
            "cooperation_error": simulated.cooperation_errors.tolist(),
        }
        content["simulation"] = {
            "players": simulated.players,
            "plays": simulated.plays,
            "seed": simulated.seed,
            "strategies": [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ],
        }
    return content


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (longrun, commons, record):
        app.command()(command)
