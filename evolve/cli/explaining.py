"""The command `explain`: who is it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.runs import reading
from evolve.cli.screen import (
    Continuation,
    Json,
    Limit,
    Noise,
    Payoffs,
    Turns,
    new_table,
    rules_of,
    say,
    say_wrapped,
    show,
    show_json,
    styled,
    write_text,
)

if TYPE_CHECKING:
    from engine.game import Rules
    from results.explanation import Explanation

CLEAR_STATES = 4
"""Up to so many states the arrows of own slips are drawn as well."""


def register(app: typer.Typer) -> None:
    """Enter the command in the command line."""
    app.command()(explain)


def explain(
    who: Annotated[
        str,
        typer.Argument(
            metavar="STRATEGY | RUN", help="A name, a genome's text, or a run, whose winner it is."
        ),
    ],
    of: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="A run: then STRATEGY may be a label of its tables, such as #82c4b1."
        ),
    ] = None,
    turns: Turns = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw its states: .svg, .png or .pdf, where there are few."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Who is it: its table in words, its states, how it meets others, how safe it is, where it stands."""
    from results.explanation import explanation_of

    rules = rules_of(turns, continuation, limit_of_means, noise, payoffs)
    said = rules_of(None, None, False, 0.0, "3,0,5,1") != rules
    run = of or (Path(who) if Path(who).is_dir() or who.endswith(".sqlite") else None)
    if run is not None:
        genome, of_run = _from_run(run, None if of is None else who)
        found = explanation_of(genome, rules if said else of_run)
    else:
        found = explanation_of(who, rules)
    if out is not None:
        _draw(found, out)
    if as_json:
        show_json(found.to_json())
        return
    _show(found)
    if out is not None:
        say(f"wrote {out}")


def _from_run(folder: Path, which: str | None) -> tuple[str, Rules]:
    """The genome of a run's winner, or of a behaviour that has led, and the rules of the run."""
    from engine.names import name_of
    from evolve.experiment.experiment import Experiment
    from results.winner import winner_of

    with reading(folder) as there, there.snapshot():
        rules = Experiment.recorded(there.experiment_text).rules_value
        latest = there.latest()
        if latest is None:
            raise ValueError(f"{folder}: expected a run with a generation, got one without")
        if which is None:
            return winner_of(latest).genome, rules
        wanted = which.lstrip("#~")
        for known in there.leaders().behaviours:
            key = known.behaviour.rpartition(":")[2]
            if len(wanted) >= 4 and key.startswith(wanted):
                return known.genome, rules
            if which in (name_of(known.behaviour, noisy=rules.slips), known.genome.rpartition(" ")[2]):
                return known.genome, rules
        raise ValueError(f"strategy: expected a behaviour that has led in {folder}, got {which!r}")


def _draw(found: Explanation, out: Path) -> None:
    """The state diagram as a file; without own slips where they would be too many arrows."""
    from results.drawing.automata import diagram
    from results.drawing.style import CSS

    if found.automaton is None:
        raise ValueError(
            f"out: expected an automaton to draw, got {found.label}, which looks at third parties"
        )
    noisy = found.rules.noisy and len(found.automaton) <= CLEAR_STATES
    automaton = found.automaton if noisy else found.automaton.canonical(noisy=False)
    if out.suffix == ".svg":
        write_text("out", out, diagram(automaton, noisy=noisy, id="states", title=found.label, style=CSS))
        return
    from results.plots.automata import state_diagram
    from results.plots.style import save

    save(state_diagram(automaton, found.label, noisy=noisy), out)


def _show(found: Explanation) -> None:
    show(styled(found.label, "bold"))
    if found.rule:
        say_wrapped(found.rule)
    if found.text != found.label:
        say(f"  {found.text}")
    said = [found.complexity]
    others = [name for name in found.names if name != found.label]
    if others:
        said.append(f"plays as {', '.join(others)}")
    elif found.nearest is not None and not found.names:
        said.append(f"plays most like {found.nearest[0]} ({found.nearest[1]:.0%} of moves)")
    say("  " + "; ".join(said))
    if found.traits is not None:
        say(f"  {found.traits.words}" + (f"; {found.rivalry.words}" if found.rivalry is not None else ""))
    if found.rivalry is not None:
        kinds = ("efficient", "defensible", "distinguishable")
        held = [word if getattr(found.rivalry, word) else f"not {word}" for word in kinds]
        say(f"  with rare mistakes {', '.join(held)}")
    if found.source:
        say(f"  source: {found.source}")
    if found.table:
        words = new_table("when", "plays")
        for when, move in found.table:
            words.add_row(when, move)
        show(words)
    elif found.grid:
        say("", "  what it plays after its own last moves (rows) and the opponent's (columns)")
        say(*(f"  {line}" for line in found.grid), "")
    if found.automaton is not None:
        _show_states(found)
    if found.encounters:
        _show_encounters(found)
    _show_safety(found)


def _show_states(found: Explanation) -> None:
    from results.drawing.layout import MOST_STATES
    from results.explanation import states

    assert found.automaton is not None
    if not 1 < len(found.automaton) <= MOST_STATES:
        return
    table = new_table(
        "state", "plays", "CC", "CD", "DC", "DD", title="next state after own and opponent's move"
    )
    for number, state in enumerate(states(found.automaton), 1):
        table.add_row(str(number), state["plays"], *(str(1 + after) for after in state["after"].values()))
    show(table)


def _show_encounters(found: Explanation) -> None:
    table = new_table(
        "against", "earns", "gives", "cooperates", "begins (without slips)", title=str(found.rules)
    )
    for one in found.encounters:
        table.add_row(
            one.other, f"{one.payoff:.4f}", f"{one.theirs:.4f}", f"{one.cooperation:.2f}", one.moves
        )
    show(table)


def _show_safety(found: Explanation) -> None:
    best: Any = found.certificate
    if best is not None and best.nash_gap == 0:
        say_wrapped(
            f"No rare mutant of any memory does better against it than the {best.self_payoff:.6g} a turn that it earns "
            "from itself: Nash gap 0."
        )
    elif best is not None:
        say_wrapped(
            f"{best.best_response} earns {best.value:.6g} a turn against it, where it earns "
            f"{best.self_payoff:.6g} from itself: Nash gap {best.nash_gap:.3g}."
        )
    place = found.standing
    if place is not None:
        first = "" if place.rank == 1 else f"; first is {place.first} with {place.first_payoff:.4f}"
        say_wrapped(
            f"Among {place.of} strategies (the set lifl) it takes rank {place.rank} with "
            f"{place.payoff:.4f} a turn{first}."
        )
    for note in found.notes:
        say_wrapped(note)
