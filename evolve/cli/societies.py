"""The commands about societies: society, ecology, formula, reproduce."""

from __future__ import annotations

from pathlib import Path
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
    Seed,
    new_table,
    number_option,
    rules_of,
    say,
    show,
    show_json,
    styled,
    whole_option,
)

if TYPE_CHECKING:
    from evolve.claims.claim import Verdict

Rounds = Annotated[int, whole_option("Rounds of a society, turns of a meeting.")]
Members = Annotated[
    list[str],
    typer.Argument(metavar="NAME=COUNT...", help="Names, genome or formula texts, each with its number."),
]


def register(app: typer.Typer) -> None:
    """Enter these commands in the command line."""
    for command in (society, ecology, formula, reproduce):
        app.command()(command)


def society(
    members: Members,
    turns: Rounds = 50,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    quantifiers: Quantifiers = "all",
    mechanism: Mechanisms = None,
    replicates: Annotated[
        int | None, whole_option("Replicates where noise or chance has a part (default 32).")
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """One society: everybody meets everybody, and all see everything."""
    from engine.societies.sipd import society as play

    rules = rules_of(turns, None, False, noise, payoffs, quantifiers, mechanism)
    counts = {name: whole_number(name, count) for name, count in members_of(members)}
    result = play(counts, rules, replicates=replicates, seed=seed)
    if as_json:
        show_json(result.to_dict())
    else:
        say(*str(result).split("\n"))


def ecology(
    members: Members,
    play: Annotated[
        str, typer.Option(metavar="sipd|ipd", help="One society of all (sipd) or a round robin (ipd).")
    ] = "sipd",
    arithmetic: Annotated[
        str, typer.Option(metavar="real|integer", help="Real numbers, or LIFL's integer rule.")
    ] = "real",
    turns: Annotated[int | None, whole_option("Rounds of a society, turns of a meeting (50).")] = None,
    continuation: Continuation = None,
    limit_of_means: Limit = False,
    noise: Noise = 0.0,
    payoffs: Payoffs = "3,0,5,1",
    quantifiers: Quantifiers = "all",
    mechanism: Mechanisms = None,
    baseline: Annotated[float, number_option("Added to every payoff; for payoffs below 0.")] = 0.0,
    extinction: Annotated[float, number_option("A real population below this dies.")] = 1.0,
    generations: Annotated[int, whole_option("Most generations.")] = 1000,
    compare: Annotated[bool, typer.Option("--compare", help="Integers and reals side by side.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the populations (.png, .svg, .pdf); of three also FILE-simplex.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let populations of strategies grow and shrink in proportion to what they earn."""
    from engine import ecology as engine_ecology

    if play not in ("sipd", "ipd"):
        raise ValueError(f"play: expected sipd or ipd, got {play!r}")
    if arithmetic not in ("real", "integer"):
        raise ValueError(f"arithmetic: expected real or integer, got {arithmetic!r}")
    fixed = 50 if turns is None and continuation is None and not limit_of_means else turns
    if play == "ipd" and quantifiers != "all":
        raise ValueError(f"quantifiers: expected all with --play ipd, got {quantifiers!r}")
    conditions = rules_of(fixed, continuation, limit_of_means, noise, payoffs, quantifiers, mechanism)
    start = dict(members_of(members))
    options: dict[str, Any] = {
        "society": play == "sipd",
        "generations": generations,
        "extinction": extinction,
        "baseline": baseline,
    }
    if compare:
        from engine import compare as side_by_side

        both = side_by_side(start, conditions, **options)
        result = both.integer if arithmetic == "integer" else both.real
        if as_json:
            show_json(both.to_dict())
        else:
            say(*str(both).split("\n"))
    else:
        result = engine_ecology(start, conditions, arithmetic=arithmetic, **options)  # type: ignore[arg-type]
        if as_json:
            show_json(result.to_dict())
        else:
            say(*str(result).split("\n"))
    if plot is not None:
        from results.plots.ecology import abundance, simplex
        from results.plots.style import save

        _saved(save, abundance(result), plot)
        if len(result.names) == 3:
            _saved(save, simplex(result), plot.with_name(f"{plot.stem}-simplex{plot.suffix}"))


def formula(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A formula, in either spelling, or a name.")],
    quantifiers: Quantifiers = "all",
    as_json: Json = False,
) -> None:
    """Read a formula: both spellings, simplified, its complexity, and what it plays like."""
    from engine.names import name_as_tested, names_of
    from engine.societies.battery import behaviour
    from genomes import catalogue
    from genomes.formula.genome import FormulaGenome

    try:
        entry = catalogue.get(text)
    except ValueError:
        entry = None
    genome = FormulaGenome.parse(text) if entry is None else entry.formula
    if genome is None:
        raise ValueError(f"formula: expected a formula or the name of one, got {text!r}, which has none")
    over = rules_of(None, None, False, 0.0, "3,0,5,1", quantifiers).quantifiers
    simple = genome.simplify(over)
    if simple.pair_only:
        names = names_of(simple)
        key, how = simple.automaton().behaviour(noisy=False), "without noise; the same automaton"
    else:
        nearest = name_as_tested(simple, over)
        names = [] if nearest is None else [f"~{nearest}"]
        key, how = behaviour(simple, over), "as far as tested: the same play in a battery of societies"
        how += "" if over == "all" else ", quantifiers over others"
    if as_json:
        show_json(
            {
                "text": str(genome),
                "unicode": genome.unicode(),
                "complexity": genome.complexity,
                "simplified": str(simple),
                "simplified_complexity": simple.complexity,
                "pair_only": genome.pair_only,
                "quantifiers": over,
                "plays_like": names[0] if names else None,
                "names": names,
                "behaviour": key,
            }
        )
        return
    say(f"ASCII       {genome}")
    say(f"Unicode     {genome.unicode()}")
    say(f"complexity  {genome.complexity}")
    say(f"simplified  {simple if simple != genome else 'is as simple as we can make it'}"
          + (f"  (complexity {simple.complexity})" if simple != genome else ""))  # fmt: skip
    say(
        f"pair-only   {'yes: plays as an automaton' if simple.pair_only else 'no: looks at third parties or at itself'}"
    )
    say(f"plays like  {', '.join(names) or 'nothing in the catalogue'}  ({how if names else key})")


def reproduce(
    claims: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CLAIM]...", help="ord, lifl, agents, or claims such as O3; all when left out."
        ),
    ] = None,
    replicates: Annotated[int, whole_option("Replicates of the claims about evolution, O9 and O10.")] = 20,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Also draw the ecologies here.")] = None,
    as_json: Json = False,
) -> None:
    """The published claims, each an experiment with a verdict; a few minutes for all."""
    from evolve.claims.ecologies import ALL_C, HORIZON
    from evolve.claims.published import chosen

    if replicates < 1:
        raise ValueError(f"replicates: expected at least 1, got {replicates}")
    verdicts = [verdict for claim in chosen(claims or []) for verdict in claim.verdicts(replicates)]
    if out is not None:
        _draw(out, verdicts)
    if as_json:
        show_json([verdict.to_dict() for verdict in verdicts])
        return
    table = new_table("claim", "statement", "our reading", "what happened", "verdict")
    before = ""
    notes: dict[str, int] = {}
    for verdict in verdicts:
        again = verdict.claim == before
        if before and not again:
            table.add_section()
        before = verdict.claim
        horizon = "" if verdict.horizon == HORIZON else f"({verdict.horizon})"
        over = f"quantifiers over {verdict.quantifiers}" if verdict.quantifiers in ("all", "others") else ""
        note = f"note {notes.setdefault(verdict.rests_on, len(notes) + 1)}" if verdict.rests_on else ""
        table.add_row(
            "" if again else verdict.claim,
            "" if again else verdict.statement,
            "; ".join(filter(None, (verdict.reading, over, note, horizon))),
            verdict.happened,
            styled(verdict.outcome, _COLOURS[verdict.outcome]),
        )
    show(table)
    for note, number in notes.items():
        say(f"Note {number}, what a verdict rests on: {note}.")
    say(f"Where nothing else is said: {HORIZON}, {ALL_C} All-C. Whatever exploits All-C dies out in the end.")
    say("Spiteful-Bully and Police are known by words only; the formulas are our reconstructions.")
    say("Where no quantifiers are named, a verdict is the same with them over all players and over others.")


_COLOURS = {"holds": "green", "fails": "red", "undecided": "yellow", "not testable": "yellow"}


# --- shared --------------------------------------------------------------------------------------------------


def members_of(texts: list[str]) -> list[tuple[str, int | float]]:
    """Names and numbers; a formula may contain '=' or spaces, so the last '=' divides."""
    found: dict[str, int | float] = {}
    for text in texts:
        name, sign, number = (part.strip() for part in text.rpartition("="))
        if not sign or not name or not number:
            raise ValueError(f"members: expected NAME=COUNT such as tit_for_tat=100, got {text!r}")
        try:
            count: int | float = int(number)
        except ValueError:
            try:
                count = float(number)
            except ValueError:
                raise ValueError(f"members: expected a number of players of {name}, got {number!r}") from None
        if name in found:
            raise ValueError(f"members: expected every strategy once, got {name} twice")
        found[name] = count
    return list(found.items())


def whole_number(name: str, count: int | float) -> int:
    if not float(count).is_integer():
        raise ValueError(f"members: expected a whole number of players of {name}, got {count:g}")
    return int(count)


def _saved(save: Any, made: Any, path: Path) -> None:
    try:
        save(made, path)
    except OSError as error:
        raise ValueError(
            f"plot: expected a file that can be written, got '{path}' ({error.strerror})"
        ) from None
    say(f"wrote {path}", aside=True)


def _draw(folder: Path, verdicts: list[Verdict]) -> None:
    """The populations behind every verdict."""
    from evolve.claims.ecologies import GENERATIONS
    from results.plots.ecology import abundance
    from results.plots.style import save

    folder.mkdir(parents=True, exist_ok=True)
    for verdict in verdicts:
        reading = verdict.reading.partition("= ")[2].partition(";")[0]
        reading += " over others" if verdict.quantifiers == "others" else ""
        for name, result in verdict.ecologies.items():
            until = GENERATIONS if verdict.claim.startswith("O") else None
            words = [name, *([reading] if reading else [])]
            file = folder / ("-".join(words).replace(" ", "-") + ".png")
            _saved(save, abundance(result, title=", ".join(words), until=until), file)
