"""What is it called, and what is it most like? Every answer to that is given here.

A behaviour key is an automaton's (32 hexadecimal digits: names are exact) or comes from the battery of societies (it
begins with ``~``, as does its name: equal as far as tested, see `engine.societies.battery`). What has no name belongs
to a family, which `engine.likeness` finds.
"""

from __future__ import annotations

import re
from functools import lru_cache

from genomes import catalogue
from genomes.counting import CountingStrategy
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Quantifiers
from genomes.group import group_name
from genomes.strategy import Compiled, StrategyLike

LONGEST_TABLE = 12
"""Letters or numbers of a table of moves that is short enough to be its own label."""


@lru_cache(maxsize=8)
def _exact(noisy: bool, turns: int | None) -> dict[str, list[str]]:
    """The names of each behaviour key, in the order of the catalogue."""
    named: dict[str, list[str]] = {}
    for entry in catalogue.ENTRIES:
        if entry.pair_only and not (turns is None and isinstance(entry.table, CountingStrategy)):
            named.setdefault(entry.automaton(turns).behaviour(noisy=noisy), []).append(entry.name)
    return named


def names_of(strategy: Compiled | str, *, noisy: bool = False, turns: int | None = None) -> list[str]:
    """The catalogue names of all that play exactly as a strategy, or as an automaton's behaviour key says.

    Strategies that count are compared only when `turns` says how far.

    >>> names_of(catalogue.get("grim").strategy)
    ['spiteful', 'grim']
    """
    key = strategy if isinstance(strategy, str) else strategy.automaton(turns).behaviour(noisy=noisy)
    return _exact(noisy, turns).get(key, [])


def name_of(strategy: Compiled | str, *, noisy: bool = False, turns: int | None = None) -> str | None:
    """The first catalogue name of what a strategy, or a behaviour key, does, if it has one.

    Exact for automata. For the key of a formula, which is known from a fixed set of societies
    (`engine.societies.battery`), the name has a ``~`` before it: equal as far as tested. The key of a
    group's genome is its text.

    >>> from genomes import parse
    >>> name_of(parse("memory(0,1) cCD"))
    'tit_for_tat'
    """
    if isinstance(strategy, str) and strategy.startswith("~"):
        name = _tested("others" if "-others:" in strategy else "all").get(strategy)
        return None if name is None else f"~{name}"
    if isinstance(strategy, str) and strategy.startswith("group("):
        return group_name(strategy)
    return next(iter(names_of(strategy, noisy=noisy, turns=turns)), None)


@lru_cache(maxsize=2)
def _tested(quantifiers: Quantifiers) -> dict[str, str]:
    """The name of each key of the battery."""
    from engine.societies import battery
    from engine.societies.sipd import member

    named: dict[str, str] = {}
    for entry in catalogue.ENTRIES:
        player = member(entry, battery.TURNS)
        if isinstance(player, FormulaGenome) or player.deterministic:
            named.setdefault(battery.behaviour(entry, quantifiers), entry.name)
    return named


def name_as_tested(strategy: StrategyLike, quantifiers: Quantifiers = "all") -> str | None:
    """The catalogue name of what plays alike in the whole battery of societies, if there is one.

    >>> name_as_tested("exists j. exists t. D(c,j,t) xor D(r,j,t)")
    'absolutist'
    """
    from engine.societies import battery

    return _tested(quantifiers).get(battery.behaviour(strategy, quantifiers))


def behaviour_label(name: str | None, behaviour: str) -> str:
    """How a behaviour is shown where only its key is known: by its name, else by the beginning of its key.

    ``#`` stands before the key of an automaton, ``~`` before one that is equal only as far as tested.

    >>> [behaviour_label(None, key) for key in ("033504a1b2c3", "~1:5f0c3d2e9a1b")], behaviour_label("grim", "033504")
    (['#033504', '~5f0c3d'], 'grim')
    """
    if name is not None:
        return name
    if behaviour.startswith("group("):
        return behaviour.partition(" ")[2][:12]
    return "~" + behaviour.partition(":")[2][:6] if behaviour.startswith("~") else "#" + behaviour[:6]


def short_text(genome: str) -> str | None:
    """The text of a genome as a label, rounded to two digits where it has probabilities; None where it is long.

    Of a table of moves only the moves: within a run all have one memory. Short formulas are whole.

    >>> short_text("memory(1,1) cCDCC"), short_text("memory(1,1) 1 | 1 0.3333333333333333 1 0.3333333333333333")
    ('cCDCC', '1|1 .33 1 .33')
    >>> short_text("D(c,r,p) or first"), short_text("memory(3,3) ccc" + "CD" * 32)
    ('D(c,r,p) or first', None)
    """
    table = re.fullmatch(r"memory\([\d,]+\) (.+)", genome)
    if table is None:
        return genome if len(genome) <= 2 * LONGEST_TABLE else None
    words = re.findall(r"[\d.e+-]+|\|", table[1])
    if not words:
        return table[1] if len(table[1]) <= LONGEST_TABLE else None
    if len(words) > LONGEST_TABLE // 2:
        return None
    opening, _, replies = " ".join(w if w == "|" else _two_digits(float(w)) for w in words).partition("|")
    return f"{opening.strip()}|{replies.strip()}"


def _two_digits(p: float) -> str:
    """A probability in two digits; one that is neither 0 nor 1 is not written as either.

    >>> [_two_digits(p) for p in (1.0, 0.999, 0.5, 0.003, 0.0)]
    ['1', '.99', '.5', '.01', '0']
    """
    if p in (0, 1):
        return str(int(p))
    return f"{min(max(p, 0.01), 0.99):.2f}".strip("0")
