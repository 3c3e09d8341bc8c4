"""What is it called, and what is it most like? Every answer to that is given here.

A behaviour key is an automaton's (32 hexadecimal digits: names are exact) or comes from the battery of societies (it
begins with ``~``, as does its name: equal as far as tested, see `engine.societies.battery`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from genomes import catalogue
from genomes.catalogue import Entry
from genomes.counting import CountingStrategy
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Quantifiers
from genomes.reading import resolve
from genomes.strategy import Compiled, Strategy, StrategyLike, is_compiled


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

    >>> names_of(resolve("grim"))
    ['spiteful', 'grim']
    """
    key = strategy if isinstance(strategy, str) else strategy.automaton(turns).behaviour(noisy=noisy)
    return _exact(noisy, turns).get(key, [])


def name_of(strategy: Compiled | str, *, noisy: bool = False, turns: int | None = None) -> str | None:
    """The first catalogue name of what a strategy, or a behaviour key, does, if it has one.

    Exact for automata; with a ``~`` before it for a key from the battery.

    >>> from genomes import parse
    >>> name_of(parse("memory(0,1) cCD"))
    'tit_for_tat'
    """
    if isinstance(strategy, str) and strategy.startswith("~"):
        name = _tested("others" if "-others:" in strategy else "all").get(strategy)
        return None if name is None else f"~{name}"
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


def nearest(strategy: StrategyLike, turns: int = 50) -> tuple[str, float] | None:
    """The named strategy that plays most alike, and the share of turns in which the two make the same move.

    Both meet every pure automaton of the catalogue for `turns` turns without noise; None for a strategy that
    leaves moves to chance or is no automaton.

    >>> nearest("memory(1,1) cCDCD")
    ('tit_for_tat', 1.0)
    """
    found = resolve(strategy)
    if not is_compiled(found) or not found.automaton(turns).deterministic:
        return None
    own = _moves_against_named(found, turns)
    alike = {name: float((own == theirs).mean()) for name, theirs in _named_moves(turns).items()}
    return max(alike.items(), key=lambda item: item[1])


def _moves_against_named(strategy: Strategy, turns: int) -> NDArray[np.int8]:
    from engine.pairs.meetings import play_once  # numba: only when needed

    rules, rng = Rules(turns=turns), np.random.default_rng(0)
    return np.stack([play_once(strategy, other.strategy, rules, rng)[:, 0] for other in _pure_named(turns)])


@lru_cache(maxsize=4)
def _pure_named(turns: int) -> tuple[Entry, ...]:
    return tuple(e for e in catalogue.ENTRIES if e.pair_only and e.automaton(turns).deterministic)


@lru_cache(maxsize=4)
def _named_moves(turns: int) -> dict[str, NDArray[np.int8]]:
    return {entry.name: _moves_against_named(entry.strategy, turns) for entry in _pure_named(turns)}


def behaviour_label(name: str | None, behaviour: str) -> str:
    """How a behaviour is shown: by its name, else by the beginning of its key.

    ``#`` stands before the key of an automaton, ``~`` before one that is equal only as far as tested.

    >>> [behaviour_label(None, key) for key in ("033504a1b2c3", "~1:5f0c3d2e9a1b")], behaviour_label("grim", "033504")
    (['#033504', '~5f0c3d'], 'grim')
    """
    if name is not None:
        return name
    return "~" + behaviour.partition(":")[2][:6] if behaviour.startswith("~") else "#" + behaviour[:6]
