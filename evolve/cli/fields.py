"""The commands about fields: what opponents are in one (field list, field show), how a strategy does there (judge)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.screen import (
    Allow,
    Json,
    Noise,
    Payoffs,
    Turns,
    Workers,
    allow_modules,
    announced,
    new_table,
    progress,
    rules_of,
    say,
    show,
    show_json,
    whole_option,
)

if TYPE_CHECKING:
    from engine.fields.declared import Field
    from engine.fields.judging import Judgement
    from engine.game import Rules

Entries = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="ENTRY",
        help="axelrod, axelrod:Class, a name, a set, a genome, module:Class; may be repeated.",
    ),
]

SHOWN = 12
"""Rows of the ranking, and of the best and the worst meetings, that are shown."""

FRESH = "fresh"


def register(app: typer.Typer) -> None:
    """Enter these commands in the command line."""
    fields = typer.Typer(help="Opponents that are not ours: list a field, show one of its opponents.")
    fields.command("list")(list_field)
    fields.command("show")(show_opponent)
    app.add_typer(fields, name="field")
    app.command()(judge)


def list_field(field: Entries = None, allow: Allow = None, as_json: Json = False) -> None:
    """List the opponents of a field (that of the library Axelrod when none is given), and what each of them is."""
    found = _field(field, allow)
    rows = [_row(found, k) for k in range(len(found.opponents))]
    if as_json:
        show_json({"entries": list(found.entries), "digests": found.digests, "opponents": rows})
        return
    table = new_table("opponent", "what it is", "uses", "from")
    for row in rows:
        table.add_row(row["name"], _kind(row), " ".join(row["uses"]), row["entry"])
    show(table)
    counts = {
        kind: sum(row["kind"] == kind for row in rows)
        for kind in ("automaton", "deterministic", "stochastic")
    }
    unusable = len(rows) - sum(counts.values())
    say(
        f"{len(rows)} opponents: {counts['automaton']} automata of ours, {counts['deterministic']} deterministic, "
        f"{counts['stochastic']} stochastic, {unusable} not usable"
    )
    for entry, digest in found.digests.items():
        say(f"{entry}  {digest}")


def show_opponent(
    name: Annotated[str, typer.Argument(help="An opponent of the field.")],
    field: Entries = None,
    allow: Allow = None,
    as_json: Json = False,
) -> None:
    """Show what one opponent of a field is."""
    found = _field(field, allow)
    row = _row(found, found.place(name))
    if as_json:
        show_json(row)
        return
    say(row["name"], f"  {_kind(row)}", f"  from {row['entry']}, digest {row['digest']}")
    if row["uses"]:
        say(f"  uses beside moves: {', '.join(row['uses'])}")


def judge(
    strategy: Annotated[
        str, typer.Argument(help="A name, a genome's text, or the folder of a run (its best).")
    ],
    field: Entries = None,
    turns: Turns = None,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    repetitions: Annotated[int, whole_option("How often everybody meets everybody.")] = 50,
    pool: Annotated[
        int | None,
        whole_option("Repetitions of the field among itself (default: as many; 0: no ranking).", "--pool"),
    ] = None,
    seeds: Annotated[
        str,
        typer.Option(metavar="fresh|N", help="Seeds of all that is drawn: fresh ones, or those of a number."),
    ] = FRESH,
    native: Annotated[
        bool, typer.Option("--native", help="Let the library play the strategy's matches.")
    ] = False,
    allow: Allow = None,
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Let a strategy join a field: mean, standard error, rank, wins, whom it beats and loses to.

    Ranked as the library Axelrod ranks its tournaments. Of a run: its best, also with the seeds it was bred with, and
    against the opponents that were held out.
    """
    from engine.fields.declared import cache_folder
    from engine.fields.judging import judge as judged

    allow_modules(allow)
    number = _seeds(seeds)
    place = Path(strategy)
    bred: dict[str, Any] = {}
    if (place / "run.sqlite").is_file():
        text, entries, rules, bred = _of_run(place, field, number, repetitions)
    else:
        text, entries, rules = strategy, field or ["axelrod"], rules_of(turns, None, False, noise, payoffs)
    with announced("looking the field up"):
        found = _loaded(entries)
    asked = repetitions if pool is None else min(pool, repetitions)
    if asked:
        _rank(found, rules, asked, workers)
    if native:
        from engine.fields.native import judge_natively

        result = judge_natively(
            text,
            found,
            rules,
            repetitions=repetitions,
            seed=number,
            pool_repetitions=asked,
            folder=cache_folder(),
        )
    else:
        result = judged(
            text, found, rules, repetitions=repetitions, seed=number, pool_repetitions=asked, folder=cache_folder(),
            play=_play(found, rules, workers),
        )  # fmt: skip
    if as_json:
        show_json(_summary(result, number, native) | bred)
    else:
        _tell(result, number, native, bred)


def _field(entries: Sequence[str] | None, allow: Sequence[str] | None) -> Field:
    allow_modules(allow)
    with announced("looking the field up"):
        return _loaded(entries or ["axelrod"])


def _loaded(entries: Sequence[str]) -> Field:
    from engine.fields.declared import Field

    return Field.load(entries)


def _row(field: Field, place: int) -> dict[str, Any]:
    opponent = field.opponents[place]
    return {
        "name": opponent.name,
        "kind": opponent.kind,
        "slow": opponent.slow,
        "uses": list(opponent.reads),
        "reason": opponent.reason,
        "entry": opponent.entry,
        "digest": opponent.digest,
    }


def _kind(row: dict[str, Any]) -> str:
    if row["reason"]:
        return f"not usable: {row['reason']}"
    slow = (
        ", slow: fewer seeds"
        if row["slow"] and row["kind"] == "stochastic"
        else ", slow"
        if row["slow"]
        else ""
    )
    kind = str(row["kind"])
    return ("automaton, exact" if kind == "automaton" else kind) + slow


def _seeds(text: str) -> int:
    if text == FRESH:
        return secrets.randbits(32)
    if not (text.isdecimal() and text.isascii() and len(text) < 20):
        raise ValueError(f"seeds: expected 'fresh' or a whole number, got {text!r}")
    return int(text)


def _spread(workers: int) -> Any:
    from evolve.workers import spread

    def run(function: Any, tasks: Sequence[tuple[Any, ...]]) -> Iterable[Any]:
        return spread(function, tasks, workers=workers)

    return run


def _play(field: Field, rules: Rules, workers: int) -> Any:
    from evolve.fitness.field import play_on

    return lambda automata, jobs: play_on(field, rules, automata, jobs, workers)


def _rank(field: Field, rules: Rules, repetitions: int, workers: int) -> None:
    """Play the field among itself, with progress; what was played before is read from the cache."""
    from engine.fields.declared import cache_folder
    from engine.fields.standings import pool

    with progress("repetition", repetitions) as shown:
        pool(
            field, rules, repetitions, folder=cache_folder(), spread=_spread(workers),
            watch=lambda done: shown.tell(done, lambda: "of the field among itself"),
        )  # fmt: skip


def _of_run(
    place: Path, field: Sequence[str] | None, number: int, repetitions: int
) -> tuple[str, Sequence[str], Rules, dict[str, Any]]:
    """The best of a run, its field and rules, and how it does with the seeds it was bred with and against strangers."""
    from engine.fields.declared import automaton_of
    from engine.fields.judging import judge as judged
    from engine.fields.scoring import score
    from evolve.cli.runs import reading
    from evolve.experiment.experiment import Experiment
    from evolve.fitness.field import FieldEvaluation
    from genomes import parse

    with reading(place) as there:
        experiment, latest = Experiment.recorded(there.experiment_text), there.latest()
    if latest is None:
        raise ValueError(f"strategy: expected a run that has begun, got {str(place)!r}")
    if experiment.fitness.opponents != "field" and not field:
        raise ValueError(f"field: expected one, since {place} was evolved against none")
    text = str(latest.population[latest.best].genome)
    rules = experiment.rules_value
    entries = list(field or experiment.fitness.field)
    if experiment.fitness.opponents != "field" or entries != list(experiment.fitness.field):
        return text, entries, rules, {}
    evaluation = FieldEvaluation(experiment)
    bred = score(evaluation.memo, [automaton_of(parse(text), rules)], evaluation.lanes(latest.number))
    known: dict[str, Any] = {"training_seeds": float(bred.fitness[0]), "generation": latest.number}
    among = evaluation.trained
    known["training_opponents"] = judged(
        text, evaluation.field, rules, repetitions=repetitions, seed=number, among=among
    ).mean
    held = [k for k in evaluation.field.usable if k not in among]
    if held:
        known["held_out_opponents"] = judged(
            text, evaluation.field, rules, repetitions=repetitions, seed=number, among=held
        ).mean
    return text, entries, rules, known


def _summary(result: Judgement, number: int, native: bool) -> dict[str, Any]:
    rows = result.columns()
    return {
        "strategy": result.name,
        "native": native,
        "seeds": number,
        "repetitions": result.repetitions,
        "mean": result.mean,
        "error": result.error,
        "rank": result.rank,
        "of": len(result.opponents) + 1,
        "median_rank": result.median_rank,
        "wins": result.wins,
        "ranking": [
            {"name": name, "mean": mean, "error": error}
            for name, mean, error in result.best(len(rows) + 1000)
        ],
        "meetings": [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)],
    }


def _tell(result: Judgement, number: int, native: bool, bred: dict[str, Any]) -> None:
    by = "played by the library" if native else "played from its answers"
    say(
        f"{result.name}",
        f"  {len(result.opponents)} opponents, {result.rules}, {result.repetitions} repetitions, seeds {number}, {by}",
        f"  mean payoff    {result.mean:.4f}  standard error {result.error:.4f}",
    )
    if result.rank is not None:
        say(
            f"  rank           {result.rank} of {len(result.opponents) + 1}, median rank {result.median_rank:g}"
        )
    say(f"  wins           {result.wins:.1f} of {len(result.opponents)} matches")
    if bred:
        say(
            f"  bred with      {bred['training_seeds']:.4f} with the seeds of generation {bred['generation']}"
        )
        say(f"                 {bred['training_opponents']:.4f} with fresh ones, the same opponents")
        if "held_out_opponents" in bred:
            say(f"  held out       {bred['held_out_opponents']:.4f} against opponents that it has never met")
    if result.rank is not None:
        ranking = new_table("rank", "strategy", "payoff", "std. error")
        for rank, (name, mean, error) in enumerate(result.best(SHOWN), 1):
            ranking.add_row(str(rank), name, f"{mean:.4f}", f"{error:.4f}")
        show(ranking)
    rows = list(zip(*result.columns().values(), strict=True))
    gained = sorted(rows, key=lambda row: row[2] - row[1])
    beaten, lost = (
        [r for r in gained if r[3] > r[4]][:SHOWN],
        [r for r in gained[::-1] if r[4] > r[3]][:SHOWN],
    )
    for title, chosen in (("beats", beaten), ("loses to", lost)):
        if chosen:
            table = new_table(title, "payoff", "opponent's", "won", "lost")
            for name, ours, theirs, won, behind in chosen:
                table.add_row(str(name), f"{ours:.3f}", f"{theirs:.3f}", f"{won:.0%}", f"{behind:.0%}")
            show(table)
