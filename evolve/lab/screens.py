"""The screens: each is a function from a scene to what is shown, and a row in `SCREENS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.game import Rules
from evolve.experiment.experiment import Experiment
from evolve.lab.processes import MOST_MEMORY, MOST_SIZE, experiment_of
from evolve.lab.runs import folder_of, known, opened, run_folders
from evolve.lab.settings import MOST_STRATEGIES, Scene, strategies, strategy
from genomes import catalogue
from results.drawing import charts
from results.explanation import explanation_of
from results.report.page import Block, Chart, Link, Section, Table, Text
from results.report.runs import drawn, gist

FIELD = "lifl"
MOST_SHOWN_TURNS = 200
LATEST_RUNS = 12

TAPE = "Light circles cooperate, dark squares defect; the first turn is at the left."
EXPECTED = ["strategy", "payoff a turn", "cooperates", "what it does"]
NUMBERS = frozenset({"rank", "payoff a turn", "cooperates"})

QUESTIONS = (
    ("Does Tit for Tat beat a bully?", "Two strategies meet: watch every move.",
     "/meeting", "first=tit_for_tat", "second=all_d"),
    ("What do mistakes do?", "Tit for Tat meets itself, and one move in twenty slips.",
     "/meeting", "first=tit_for_tat", "second=tit_for_tat", "noise=0.05"),
    ("Can you do better?", "Play against Pavlov yourself.", "/meeting", "first=pavlov", "you="),
    ("Does nice win?", "All named strategies meet each other.", "/tournament", "strategies=lifl"),
    ("Does it pay to look far ahead?", "The same when most meetings are short.",
     "/tournament", "strategies=lifl", "horizon=continuation", "continuation=0.5"),
    ("Watch evolution", "Random tables of moves: which come up, and do they last?", "/evolution", "noise=0.01"),
    ("Who is Pavlov?", "Its table, its states, how safe it is.", "/strategy", "who=pavlov"),
    ("What about hawks and doves?", "Another game: who gives way?",
     "/tournament", "strategies=all_c; all_d; tit_for_tat; pavlov", "R=3", "S=1", "T=5", "P=0"),
)  # fmt: skip
"""A question, what is then shown, and the scene that shows it."""


@dataclass(frozen=True)
class Control:
    """A part of a screen's form: a text with suggestions ("strategy"), several ("lines"), a "number", or a "range"."""

    name: str
    label: str
    kind: str
    value: str
    low: int = 0
    high: int = 1


@dataclass(frozen=True)
class Screen:
    """What is shown: a heading, a question, the form's own parts, and below it what follows from them.

    `actions`: links that continue the scene, such as the next move. `version` changes when what is shown does; `live`:
    milliseconds after which to ask again, 0 for never. `kept`: parameters that the form carries on. `submit`: the word
    and address of a button that sends the form to change something; `posts`: buttons with fields of their own.
    """

    title: str
    question: str
    sections: Sequence[Section]
    controls: Sequence[Control] = ()
    actions: Sequence[tuple[str, str]] = ()
    version: str = ""
    live: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    submit: tuple[str, str] | None = None
    posts: Sequence[tuple[str, str, dict[str, str]]] = ()


def start(scene: Scene, root: Path) -> Screen:
    """Where to begin: a question each, and the runs that are there."""
    plain = Scene({})
    cards = [
        Link(plain.address(path, **dict(value.split("=", 1) for value in values)), question, line, "")
        for question, line, path, *values in QUESTIONS
    ]
    runs = [known(place) for place in list(run_folders(root).values())[:LATEST_RUNS]]
    there: list[Block] = [Link(plain.address("/run", name=run.name), run.name, run.line, "") for run in runs]
    if not there:
        there = [
            Text(
                [f"None in {root} yet: evolve run examples/memory1.toml makes one that can be watched here."]
            )
        ]
    sections = [Section("questions", "Begin with a question", cards), Section("runs", "Runs", there)]
    question = "Strategies for the iterated prisoner's dilemma: watch them meet, compete and evolve."
    return Screen("The lab", question, sections)


def meeting(scene: Scene, root: Path) -> Screen:
    """Two strategies turn by turn, with what both may expect; or a strategy and yourself."""
    from engine.pairs.meetings import expected, play

    first = scene.text("first", "tit_for_tat")
    strategy("first", first)
    controls = [Control("first", "First strategy", "strategy", first)]
    if "you" in scene.values:
        return _against_you(scene, first, controls)
    second = scene.text("second", "all_d")
    strategy("second", second)
    rules = scene.rules
    shown = scene.whole("shown", 50, 1, MOST_SHOWN_TURNS)
    seed = scene.whole("seed", 0, 0, 2**31)
    controls += [
        Control("second", "Second strategy", "strategy", second),
        Control("shown", "Turns to show", "range", str(shown), 1, MOST_SHOWN_TURNS),
        Control("seed", "Seed of what is left to chance", "number", str(seed)),
    ]
    hope = expected(first, second, rules)
    length = min(shown, rules.turns or shown)
    moves = play(first, second, Rules(rules.game, turns=length, noise=rules.noise), seed=seed)
    rows = ["".join("CD"[move] for move in row) for row in moves.moves.T.tolist()]
    points = (moves.payoffs * length).tolist()
    said = (
        f"In the first {length} turns {first} earns {points[0]:g} points and {second} earns {points[1]:g}. "
        f"Over a whole meeting ({rules}) they may expect {hope.payoffs[0]:.4f} and {hope.payoffs[1]:.4f} a turn."
    )
    desc = f"{first}: {rows[0]}. {second}: {rows[1]}."
    svg = charts.tape([first, second], rows, id="tape", title=f"{first} meets {second}", desc=desc)
    hopes = [
        [name, f"{hope.payoffs[k]:.4f}", f"{hope.cooperation[k]:.2%}", _rule(name)]
        for k, name in enumerate((first, second))
    ]
    table = Table("What both may expect, exactly.", EXPECTED, hopes, NUMBERS)
    actions = [
        ("Swap them", scene.address("/meeting", first=second, second=first)),
        (f"Play against {first} yourself", scene.address("/meeting", first=first, you="")),
    ]
    section = Section("course", f"{first} and {second}", [Text([said]), Chart(svg, TAPE), table])
    return Screen("Meeting", "Two strategies meet: who gains what?", [section], controls, actions)


def _against_you(scene: Scene, first: str, controls: list[Control]) -> Screen:
    """The visitor's moves are in the address: one letter a turn."""
    import numpy as np

    from engine.pairs.meetings import play_once

    you = scene.text("you").upper()
    if set(you) - {"C", "D"} or len(you) > MOST_SHOWN_TURNS:
        raise ValueError(f"you: expected at most {MOST_SHOWN_TURNS} letters C and D, got {you!r}")
    game, opponent = scene.rules.game, strategy("first", first)
    said = f"You meet {first}. Make your first move: both of you move at once."
    blocks: list[Block] = [Text([said])]
    if you:
        script = _Scripted([int(move == "D") for move in you])
        rules = Rules(game, turns=len(you), noise=scene.rules.noise)
        moves = play_once(opponent, script, rules, np.random.default_rng(0)).tolist()
        rows = ["".join("CD"[pair[k]] for pair in moves) for k in (1, 0)]
        payoffs = game.payoffs.tolist()
        points = [sum(payoffs[2 * pair[k] + pair[1 - k]] for pair in moves) for k in (1, 0)]
        desc = f"You: {rows[0]}. {first}: {rows[1]}."
        svg = charts.tape(["you", first], rows, id="tape", title=f"You meet {first}", desc=desc)
        said = f"After {len(you)} turns you have {points[0]:g} points, {first} has {points[1]:g}."
        rule = _rule(first)
        blocks = [Text([said + (f" It {rule}." if rule else "")]), Chart(svg, TAPE)]
    actions = [
        ("Cooperate (C)", scene.address("/meeting", first=first, you=you + "C")),
        ("Defect (D)", scene.address("/meeting", first=first, you=you + "D")),
        ("Begin again", scene.address("/meeting", first=first, you="")),
        ("Let strategies play", scene.address("/meeting", first=first)),
    ]
    section = Section("course", f"You and {first}", blocks)
    return Screen("Meeting", "Play yourself.", [section], controls, actions, kept={"you": you})


class _Scripted:
    """A player whose moves are given."""

    def __init__(self, moves: list[int]) -> None:
        self.moves, self.turn = moves, 0

    def reset(self) -> None:
        self.turn = 0

    def move(self) -> int:
        return self.moves[self.turn]

    def observe(self, own: int, opponent: int) -> None:
        self.turn += 1


def tournament(scene: Scene, root: Path) -> Screen:
    """Everybody meets everybody, exactly: the ranking, and who gains what from whom."""
    from engine.pairs.tournament import round_robin

    text = scene.values.get("strategies", FIELD).strip() or FIELD
    chosen = strategies(text)
    rules = scene.rules
    result = round_robin(chosen, rules)
    order = list(result.order)
    names = [result.names[k] for k in order]
    rows = [
        [str(place), name, f"{result.scores[k]:.4f}", f"{result.cooperation_rates[k]:.2%}", _rule(name)]
        for place, (k, name) in enumerate(zip(order, names, strict=True), 1)
    ]
    links = [[scene.address("/meeting", first=a, second=b) for b in names] for a in names]
    svg = charts.heat(
        names, names, result.payoffs[order][:, order].tolist(), unit="points a turn", links=links, id="matrix",
        title="Who gains what from whom", desc="Rows earn so much a turn from columns; the ranking is in the table.",
    )  # fmt: skip
    first = Text([f"{names[0]} comes first with {result.scores[order[0]]:.4f} points a turn."])
    ranking = Table(f"{len(chosen)} strategies, {rules}.", ["rank", *EXPECTED], rows, NUMBERS)
    tiles = Chart(svg, "What the row earns from the column, a turn. Click a tile to watch that meeting.")
    sections = [
        Section("ranking", "Ranking", [first, ranking]),
        Section("pairs", "Who gains what from whom", [tiles]),
    ]
    label = f"2 to {MOST_STRATEGIES} strategies, one a line: names, sets such as lifl, tables, formulas"
    controls = [Control("strategies", label, "lines", text)]
    return Screen("Tournament", "Everybody meets everybody: who wins, and why?", sections, controls)


def evolution(scene: Scene, root: Path) -> Screen:
    """What may evolve, and a button that begins it."""
    experiment = experiment_of(scene)
    population, variation = experiment.population, experiment.variation
    controls = [
        Control("own", "Own last moves that are remembered", "range", scene.text("own", "1"), 0, MOST_MEMORY),
        Control("theirs", "The opponent's last moves, too", "range", scene.text("theirs", "1"), 0, MOST_MEMORY),
        Control("size", "Individuals", "range", str(population.size), 10, MOST_SIZE),
        Control("mutation", "Chance that an entry of a table mutates", "number", f"{variation.mutation:g}"),
        Control("immigrants", "Random newcomers a generation", "number", str(variation.immigrants)),
        Control("generations", "Generations", "number", str(experiment.generations)),
        Control("seed", "Seed of everything that is drawn", "number", str(experiment.seed)),
    ]  # fmt: skip
    x, y = scene.whole("own", 1, 0, MOST_MEMORY), scene.whole("theirs", 1, 0, MOST_MEMORY)
    tables = 2 ** (max(x, y) + 2 ** (x + y))
    said = (
        f"{population.size} individuals with random tables of {max(x, y) + 2 ** (x + y)} moves, one of {tables:,}, "
        f"meet each other for {experiment.generations:,} generations; the better half goes on, the rest are its "
        f"children, with mutations, and {variation.immigrants} strangers. The run is a process of its own: "
        "closing this page, or the lab, loses nothing."
    )
    question = "Strategies evolve: what comes up, and does it last?"
    sections = [Section("plan", "What happens", [Text([said])])]
    return Screen("Evolution", question, sections, controls, submit=("Start", "/start"))


def one_strategy(scene: Scene, root: Path) -> Screen:
    """Who a strategy is: table, states, meetings, certificate."""
    name = scene.text("who", "tit_for_tat")
    strategy("who", name)
    found = explanation_of(name, scene.rules)
    meetings = [
        [one.other, f"{one.payoff:.4f}", f"{one.theirs:.4f}", f"{one.cooperation:.2%}", one.moves]
        for one in found.encounters
    ]
    head = ["against", "earns", "gives", "cooperates", "begins (without slips)"]
    blocks: list[Block] = [Text([gist(found)]), *drawn(found, "one", name)]
    if meetings:
        blocks.append(Table(f"How it meets others ({found.rules}).", head, meetings, frozenset(head[1:4])))
    actions = [
        ("Meet it yourself", scene.address("/meeting", first=name, you="")),
        ("Let it meet all_d", scene.address("/meeting", first=name, second="all_d")),
    ]
    controls = [Control("who", "A name, a table such as memory(1,1) cCDCD, or a formula", "strategy", name)]
    return Screen("Strategy", "Who is it?", [Section("who", name, blocks)], controls, actions)


def run(scene: Scene, root: Path) -> Screen:
    """A run, also one that goes on: its story and its charts."""
    from evolve.telling import page_of_run

    name = scene.text("name")
    place = folder_of(root, name)
    with opened(place) as there, there.snapshot():
        number, hash = there.generation, there.hash
        if number < 0:
            waiting = [Section("story", name, [Text(["No generation yet."])])]
            return Screen("Run", name, waiting, version="-1", live=1000, kept={"name": name})
        page = page_of_run(there)
        planned = Experiment.recorded(there.experiment_text).generations
    going = number < planned
    ours = {"name": name}
    actions = [("Save the report (one page, without the lab)", Scene({}).address("/report", name=name))]
    posts = [("Stop", "/stop", ours), ("Go on", "/resume", ours)] if going else []
    return Screen(
        "Run", f"{page.title}: {page.lead}", page.sections, actions=actions, version=f"{number}-{hash[:12]}",
        live=1000 if going else 0, kept=ours, posts=posts,
    )  # fmt: skip


def _rule(name: str) -> str:
    """What a named strategy does, in a line."""
    entry = catalogue.find(name)
    return "" if entry is None else entry.rule


SCREENS: dict[str, Callable[[Scene, Path], Screen]] = {
    "/": start,
    "/meeting": meeting,
    "/tournament": tournament,
    "/evolution": evolution,
    "/strategy": one_strategy,
    "/run": run,
}
"""Every screen by its address."""

MENU: dict[str, str] = {
    "/": "Start",
    "/meeting": "Meeting",
    "/tournament": "Tournament",
    "/evolution": "Evolution",
    "/strategy": "Strategy",
}


def game_line(rules: Rules) -> str:
    """What kind of game the payoffs make, in a sentence."""
    found: Any = rules.game.report()
    if found.dilemma:
        turns = (
            "" if found.reward_beats_alternation else ", though taking turns at exploiting pays more still"
        )
        return f"A prisoner's dilemma: D always pays more at once, and yet CC pays both more than DD{turns}."
    better = (
        f"{found.dominant} is always the better move"
        if found.dominant
        else "no move is always the better one"
    )
    said = [better]
    if found.pure_equilibria:
        said.append(f"stable: {', '.join(found.pure_equilibria)}")
    if found.mixed_equilibrium is not None:
        said.append(f"or C with probability {found.mixed_equilibrium:.2f}")
    return f"No prisoner's dilemma: {'; '.join(said)}."
