"""The commands about resistance: certify (any mutant whatever) and fixation (the chance of one)."""

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
    Quantifiers,
    Turns,
    new_table,
    rules_of,
    say,
    show,
    show_json,
    show_ledger,
    styled,
)

if TYPE_CHECKING:
    from engine.stability.certificates import BestResponse
    from engine.stability.indirect import IndirectInvasions
    from engine.stability.scans import Scan, StrongestMutant

ROUNDED = 2.0**-52
"""A gap below this share of the largest |payoff| may come from how its input was rounded."""
LEADERS = 5
"""Mutants named in a scan."""
MAX_BEHAVIOURS_EXAMINED = 64
"""Neutral behaviours looked indirect for indirect invasions."""
DEEP = 1024
"""Chains of two neutral steps are followed in classes of up to so many genomes, of one step in larger ones."""


def certify(
    strategy: Annotated[str, typer.Argument(help="The resident: a name or a genome's text.")],
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    mechanism: Mechanisms = None,
    scan: Annotated[
        str | None,
        typer.Option(metavar="X,Y", help="Also try all pure memory(X,Y) mutants: 1,1 | 1,2 | 2,1 | 2,2."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Can any mutant, of any memory, do better against a resident than the resident itself?"""
    from engine.stability.certificates import best_response
    from engine.stability.indirect import indirect_invasions
    from engine.stability.scans import scan as scan_class

    rules = rules_of(turns, continuation, limit_of_means, noise, payoffs, mechanisms=mechanism)
    best = best_response(strategy, rules)
    scanned = None if scan is None else scan_class(strategy, _memory(scan), rules)
    indirect = None
    if scanned is not None and best.nash_gap == 0:
        indirect = indirect_invasions(scanned, depth=_depth(scanned), limit=MAX_BEHAVIOURS_EXAMINED)
    if as_json:
        show_json(_certificate(best, scanned, indirect))
        return
    show(styled(best.resident, "bold").append(f", {rules}", "not bold"))
    for line in str(best).splitlines()[1:]:
        say(line)
    for line in _meaning(best):
        say(line)
    show_ledger(best.ledger)
    if scanned is not None:
        _show_scan(scanned)
        if indirect is not None:
            for line in _indirect(indirect, _depth(scanned)):
                say(line)


def fixation(
    mutant: Annotated[str, typer.Argument(help="A name or a genome's text.")],
    resident: Annotated[str, typer.Argument(help="A name or a genome's text.")],
    size: Annotated[int, typer.Option(help="Individuals in the population, the mutants included.")],
    mutants: Annotated[int, typer.Option(help="Mutants at the start.")] = 1,
    play: Annotated[
        str, typer.Option(help="ipd: in pairs; sipd: one society that sees all play (without noise).")
    ] = "ipd",
    process: Annotated[
        str, typer.Option(help="moran: births by payoff; fermi: imitation by payoff difference.")
    ] = "moran",
    intensity: Annotated[
        float | None,
        typer.Option(help="Selection: w of moran (1: all of fitness is payoff), beta of fermi (1)."),
    ] = None,
    baseline: Annotated[
        float, typer.Option(help="Added to every payoff, where moran needs it positive.")
    ] = 0.0,
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    quantifiers: Quantifiers = "all",
    mechanism: Mechanisms = None,
    as_json: Json = False,
) -> None:
    """The exact chance that mutants take over a finite population of residents."""
    import math

    from engine.stability.fixation import kin_ledger, log_fixation, pair_table

    for field, value, known in (("play", play, ("ipd", "sipd")), ("process", process, ("moran", "fermi"))):
        if value not in known:
            raise ValueError(f"{field}: expected {' or '.join(known)}, got {value!r}")
    rules = rules_of(turns, continuation, limit_of_means, noise, payoffs, quantifiers, mechanism)
    if play == "ipd" and quantifiers != "all":
        raise ValueError(f"quantifiers: expected all with --play ipd, got {quantifiers!r}")
    table = pair_table(mutant, resident, rules, society=play == "sipd", size=size)
    log = log_fixation(
        table,
        size,
        mutants=mutants,
        process="fermi" if process == "fermi" else "moran",
        intensity=1.0 if intensity is None else intensity,
        baseline=baseline,
    )
    rho = math.exp(log)
    paid = kin_ledger([mutant, resident], rules, society=play == "sipd", size=size)
    neutral = mutants / size
    if as_json:
        show_json(
            {
                "mutant": mutant,
                "resident": resident,
                "play": play,
                "process": process,
                "size": size,
                "mutants": mutants,
                "payoffs": table.tolist(),
                "rho": rho,
                "log_rho": None if math.isinf(log) else log,
                "neutral": neutral,
                "relative_to_neutral": rho / neutral if neutral else None,
                **({} if paid is None else {"ledger": paid.to_dict()}),
            }
        )
        return
    title = f"{play}, {rules}; mean payoffs per turn"
    pairs = new_table("", f"v {mutant}", f"v {resident}", title=title)
    first = min(max(mutants, 1), size - 1)
    here = table if table.ndim == 2 else table[first - 1]
    for name, row in zip((mutant, resident), here.tolist(), strict=True):
        pairs.add_row(name, *(f"{value:.6g}" for value in row))
    show(pairs)
    if table.ndim == 3:
        say(f"payoffs depend on how many mutants there are; these are with {first} of {size}")
    say(f"{mutants} of {size} take over with probability {rho:.6g}  (natural logarithm {log:.6g})")
    if neutral:
        say(f"neutral mutants: {neutral:.6g}; relative to that {rho / neutral:.6g}")
    show_ledger(paid, title="ledger of each among its own kind, a turn")


def _memory(text: str) -> tuple[int, int]:
    from engine.stability.scans import MEMORIES

    known = {f"{x},{y}": (x, y) for x, y in MEMORIES}
    if text.replace(" ", "") not in known:
        raise ValueError(f"scan: expected one of {', '.join(known)}, got {text!r}")
    return known[text.replace(" ", "")]


def _meaning(best: BestResponse) -> list[str]:
    """What a certificate shows, and what it does not."""
    if best.nash_gap > 0:
        shows = [
            f"A rare mutant does better than {best.resident}: in a large population of pairs it invades."
        ]
        if best.nash_gap < ROUNDED * max(map(abs, best.rules.stage.payoffs)):
            shows.append(
                "(By less than the last digit of a payoff: numbers such as 2/3 are taken as the floats they are.)"
            )
        if best.rules.turns is not None:
            shows.append(
                "(It may count the turns and use the last ones; see the limit of means for the rest.)"
            )
    else:
        shows = ["No mutant whatever does better than the resident against it: it is a Nash equilibrium."]
        shows.append(
            "Mutants that do as well are not excluded: they drift, and may let others in (see --scan)."
        )
    return [
        *shows,
        "This is about rare mutants in large populations that meet in pairs: see `evolve fixation` for chance.",
    ]


def _show_scan(scanned: Scan) -> None:
    x, y = scanned.memory
    all_of, distinct = scanned.counts(), scanned.counts(distinct=True)
    table = new_table(
        "mutants", "count", "behaviours", title=f"all {len(scanned)} pure memory({x},{y}) mutants"
    )
    for fate, count in all_of.items():
        table.add_row(fate, str(count), str(distinct[fate]))
    show(table)
    for fate, heading in (
        ("invades", "leading invaders"),
        ("neutral, then advantaged", "neutral at first, then ahead"),
        ("repelled", "repelled, but nearest to invading: share of mutants needed"),
    ):
        leaders = [m for m in scanned.leading(fate, LEADERS) if m.barrier < 1]
        if not leaders:
            continue
        rows = new_table(
            "genome",
            "name",
            "count",
            "v resident",
            "v its kind",
            "barrier" if fate == "repelled" else "ahead by",
            title=f"{heading} (payoffs per turn)",
        )
        for leader in leaders:
            rows.add_row(
                str(leader.genome),
                leader.name or "",
                str(leader.genomes),
                f"{leader.against:.6g}",
                f"{leader.among:.6g}",
                f"{leader.barrier if fate == 'repelled' else leader.advantage or leader.gain:.4g}",
            )
        show(rows)


def _depth(scanned: Scan) -> int:
    return 2 if len(scanned) <= DEEP else 1


def _indirect(indirect: IndirectInvasions, depth: int) -> list[str]:
    """What neutral mutants let in, in words."""
    more = "" if indirect.complete else f" (only the first {MAX_BEHAVIOURS_EXAMINED} of them)"
    looked = (
        f"{indirect.examined} neutral behaviours within {depth} neutral step{'s' if depth > 1 else ''}{more}"
    )
    if not indirect.found:
        return [f"indirect invasion: none indirect {looked}"]
    lines = [f"indirect invasion: {len(indirect.found)} of {looked} let in somebody who does better:"]
    return lines + [
        f"  {invasion}  (gap {invasion.response.nash_gap:.6g})" for invasion in indirect.found[:LEADERS]
    ]


def _certificate(
    best: BestResponse, scanned: Scan | None, indirect: IndirectInvasions | None
) -> dict[str, Any]:
    """A certificate for JSON."""
    certificate: dict[str, Any] = {
        "resident": best.resident,
        "conditions": str(best.rules),
        "self_payoff": best.self_payoff,
        "best_payoff": best.value,
        "nash_gap": best.nash_gap,
        "best_response": best.words,
        "best_response_genome": None if best.genome is None else str(best.genome),
        "best_response_moves": best.moves,
    }
    if best.ledger is not None:
        certificate["ledger"] = best.ledger.to_dict()
    if scanned is not None:
        certificate["scan"] = {
            "memory": list(scanned.memory),
            "genomes": scanned.counts(),
            "behaviours": scanned.counts(distinct=True),
            "invaders": [_leader(m) for m in scanned.leading("invades", LEADERS)],
            "nearest": [_leader(m) for m in scanned.leading("repelled", LEADERS) if m.barrier < 1],
        }
    if indirect is not None:
        certificate["indirect"] = {
            "examined": indirect.examined,
            "complete": indirect.complete,
            "found": len(indirect.found),
            "chains": [
                {
                    "steps": [str(step) for step in invasion.steps],
                    "invader": str(invasion.response),
                    "nash_gap": invasion.response.nash_gap,
                }
                for invasion in indirect.found[:LEADERS]
            ],
        }
    return certificate


def _leader(leader: StrongestMutant) -> dict[str, Any]:
    return {
        "genome": str(leader.genome),
        "name": leader.name,
        "genomes": leader.genomes,
        "payoff": leader.against,
        "advantage": leader.advantage,
        "payoff_among_its_kind": leader.among,
        "barrier": leader.barrier,
    }


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (certify, fixation):
        app.command()(command)
