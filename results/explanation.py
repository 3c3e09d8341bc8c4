"""Who is it? Everything that can be said of one strategy: its table in words, its states, how it meets others, how
safe it is against mutants, and where it stands among the named ones.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engine.game import Rules, conditions
from engine.likeness import nearest
from engine.names import name_as_tested, names_of
from engine.properties import Traits, traits
from genomes import catalogue
from genomes.automaton import Automaton
from genomes.formula.genome import FormulaGenome
from genomes.lookup import LookupGenome
from genomes.reading import label, resolve
from genomes.strategy import Compiled, StrategyLike, is_compiled
from genomes.wording import plays, table

if TYPE_CHECKING:
    from engine.stability.rivals import Rivalry

CLASSICS = ("all_c", "all_d", "tit_for_tat", "pavlov", "spiteful")
"""Whom a strategy is shown to meet."""

FIELD = "lifl"
"""The set of named strategies in whose tournament it takes part."""

SHOWN_TURNS = 24
MOST_WORDS = 20
"""Entries of a table that are said one by one; a larger one is a grid."""

MOST_STATES = 300
"""A strategy with more states gets no certificate here, where an answer is wanted at once."""


@dataclass(frozen=True)
class Encounter:
    """A meeting with a classic: payoffs per turn, how often each cooperates, and how it begins (without slips)."""

    other: str
    payoff: float
    theirs: float
    cooperation: float
    their_cooperation: float
    moves: str
    their_moves: str


@dataclass(frozen=True)
class Standing:
    """A place in the tournament of the named strategies."""

    rank: int
    of: int
    payoff: float
    first: str
    first_payoff: float


@dataclass(frozen=True)
class Certificate:
    """The best that any mutant earns against it (see `engine.stability.certificates`)."""

    nash_gap: float
    self_payoff: float
    value: float
    best_response: str


@dataclass(frozen=True)
class Explanation:
    """One strategy under rules. What does not apply to it is None or empty, and `notes` say why.

    `names`: all named strategies that play alike under these rules. `table`: when and what; of a large lookup genome
    nothing, see `grid`: a row for each own history, a column for each of the opponent's. `automaton`: canonical.
    """

    label: str
    text: str
    rules: Rules
    names: list[str]
    rule: str | None
    source: str | None
    complexity: str
    table: list[tuple[str, str]]
    grid: list[str]
    nearest: tuple[str, float] | None
    traits: Traits | None
    rivalry: Rivalry | None
    automaton: Automaton | None
    encounters: list[Encounter]
    certificate: Certificate | None
    standing: Standing | None
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        plain: dict[str, Any] = {
            key: value for key, value in vars(self).items() if key not in ("rules", "automaton")
        }
        for key in ("certificate", "standing", "traits", "rivalry"):
            plain[key] = None if plain[key] is None else asdict(plain[key])
        plain["encounters"] = [asdict(encounter) for encounter in self.encounters]
        plain["rules"] = str(self.rules)
        plain["states"] = None if self.automaton is None else states(self.automaton)
        return plain


def explanation_of(strategy: StrategyLike, rules: Rules | None = None) -> Explanation:
    """Say who a strategy is (a name, a text or a genome); ValueError for what is none.

    >>> found = explanation_of("memory(1,1) cCDCD", Rules(turns=100))
    >>> found.names[0], found.certificate.nash_gap, found.standing.rank
    ('tit_for_tat', 0.02, 2)
    """
    rules = conditions(rules)
    found = resolve(strategy)
    entry = catalogue.find(strategy) if isinstance(strategy, str) else None
    notes: list[str] = []
    pair = is_compiled(found)
    if not pair:
        notes.append(
            "It looks at third parties: it is no automaton, and what holds for pairs does not apply."
        )
    automaton = _canonical(found, rules) if is_compiled(found) else None
    names = (
        names_of(automaton, noisy=rules.slips, turns=rules.turns) if automaton is not None else _tested(found)
    )
    entry = entry or (catalogue.find(names[0].lstrip("~")) if names else None)
    genome = found if isinstance(found, LookupGenome) else None
    return Explanation(
        label=label(strategy),
        text=label(found),
        rules=rules,
        names=names,
        rule=None if entry is None else entry.rule,
        source=None if entry is None else entry.source,
        complexity=_complexity(found, automaton),
        table=table(genome) if genome is not None and _small(genome) else [],
        grid=grid(genome) if genome is not None and not _small(genome) else [],
        nearest=nearest(found) if pair and not names else None,
        traits=traits(found) if pair else None,
        rivalry=None if automaton is None else _rivalry(found, rules),
        automaton=automaton,
        encounters=[_encounter(found, other, rules) for other in CLASSICS] if pair else [],
        certificate=_certificate(found, automaton, rules, notes),
        standing=_standing(found, names, rules, notes) if pair else None,
        notes=notes,
    )  # fmt: skip


def states(automaton: Automaton) -> list[dict[str, Any]]:
    """What each state plays, and where it goes after each joint move, own move first."""
    return [
        {
            "plays": plays(float(automaton.cooperate[s])),
            "after": dict(zip(("CC", "CD", "DC", "DD"), after, strict=True)),
        }
        for s, after in enumerate(automaton.successors.tolist())
    ]


def grid(genome: LookupGenome) -> list[str]:
    """The replies of a large lookup genome: a row for each own history, a column for each of the opponent's.

    >>> grid(LookupGenome.parse("memory(2,2) ccCDCDDDDDCDCDDDDD"))[0]
    'own \\\\ theirs  CC CD DC DD'
    """
    theirs = [_history(k, genome.y) for k in range(2**genome.y)]
    wide = max(2, genome.y)
    lines = ["own \\ theirs  " + " ".join(word.rjust(wide) for word in theirs)]
    for k in range(2**genome.x):
        row = genome.replies[k * 2**genome.y : (k + 1) * 2**genome.y]
        cells = ["DC"[int(p)] if p in (0, 1) else f"{p:.2f}".lstrip("0") for p in row]
        lines.append(_history(k, genome.x).rjust(12) + "  " + " ".join(cell.rjust(wide) for cell in cells))
    return lines


def _history(number: int, length: int) -> str:
    return "".join("CD"[number >> k & 1] for k in range(length - 1, -1, -1)) or "-"


def _small(genome: LookupGenome) -> bool:
    return len(genome.opening) + len(genome.replies) <= MOST_WORDS


def _canonical(strategy: Compiled, rules: Rules) -> Automaton:
    from engine.pairs.behaviours import compile_behaviours  # numba: only when needed

    return compile_behaviours([strategy], rules).automaton(0)


def _tested(strategy: Any) -> list[str]:
    """What plays alike in the whole battery of societies."""
    name = name_as_tested(strategy) if isinstance(strategy, FormulaGenome) else None
    return [] if name is None else [f"~{name}"]


def _complexity(strategy: Any, automaton: Automaton | None) -> str:
    said = []
    if isinstance(strategy, FormulaGenome):
        simple = strategy.simplify()
        shorter = (
            f" (simplified {simple.complexity}: {simple})" if simple.complexity < strategy.complexity else ""
        )
        said.append(f"{strategy.complexity} node{'s' if strategy.complexity > 1 else ''}{shorter}")
    if isinstance(strategy, LookupGenome):
        said.append(f"{len(strategy.opening) + len(strategy.replies)} entries")
    if automaton is not None:
        said.append(f"{len(automaton)} state{'s' if len(automaton) > 1 else ''}")
    return ", ".join(said)


def _rivalry(strategy: Any, rules: Rules) -> Rivalry | None:
    """Nothing of what counts turns, or has too many states."""
    from engine.stability.rivals import rivalry

    try:
        return rivalry(strategy, rules.game)
    except ValueError:
        return None


def _encounter(strategy: Any, other: str, rules: Rules) -> Encounter:
    from engine.pairs.meetings import expected, play

    meeting = expected(strategy, other, rules)
    begun = play(
        strategy, other, Rules(rules.game, turns=min(SHOWN_TURNS, rules.turns or SHOWN_TURNS)), seed=0
    )
    own, theirs = ("".join("CD"[move] for move in row) for row in begun.moves.T.tolist())
    (payoff, their_payoff), (rate, their_rate) = meeting.payoffs.tolist(), meeting.cooperation.tolist()
    return Encounter(other, payoff, their_payoff, rate, their_rate, own, theirs)


def _certificate(
    strategy: Any, automaton: Automaton | None, rules: Rules, notes: list[str]
) -> Certificate | None:
    from engine.stability.certificates import best_response

    if automaton is None:
        return None
    if len(automaton) > MOST_STATES:
        notes.append(f"Its certificate takes time with {len(automaton)} states: evolve certify computes it.")
        return None
    try:
        best = best_response(strategy, rules)
    except ValueError as error:
        notes.append(f"No certificate: {error}.")
        return None
    return Certificate(best.nash_gap, best.self_payoff, best.value, best.words)


def _standing(strategy: Any, names: list[str], rules: Rules, notes: list[str]) -> Standing | None:
    """Its rank; where a strategy of the field plays alike it is that one, else one more takes part."""
    from engine.pairs.tournament import round_robin

    field = catalogue.names(FIELD)
    own = next((k for k, name in enumerate(field) if name in names), None)
    players: list[StrategyLike] = [*field] if own is not None else [*field, strategy]
    try:
        result = round_robin(players, rules, matrix=False)
    except ValueError as error:
        notes.append(f"No tournament: {error}.")
        return None
    place = len(field) if own is None else own
    scores = result.scores
    first = int(scores.argmax())
    name = "itself" if first == place else result.names[first]
    rank = 1 + int((scores > scores[place]).sum())
    return Standing(rank, len(players), float(scores[place]), name, float(scores[first]))
