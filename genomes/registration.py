"""Names of one's own: strategies that are known by a name in this process, and those that installed packages offer.

A registered name is understood wherever a strategy is given. What a record says of behaviours does not change with it:
they are called by the names of the catalogue, in every process alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from genomes.catalogue import Entry, add, get, remove
from genomes.reading import resolve
from genomes.strategy import StrategyLike, is_compiled

GROUP = "evolve.strategies"
"""The group of entry points in which packages offer strategies: name = "module:object"."""

NAME = re.compile(r"[a-z][a-z0-9_]{1,60}")


def register(
    name: str, strategy: StrategyLike, rule: str = "", source: str = "registered in this process"
) -> Entry:
    """Give a strategy a name in this process; ValueError for a name that is taken or cannot be one.

    >>> entry = register("example_opposite", "memory(0,1) cDC", "does the opposite of what the opponent did")
    >>> print(resolve("example_opposite"))
    memory(0,1) cDC
    >>> forget("example_opposite")
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"name: expected small letters, digits and _, a letter first, got {name!r}")
    found = resolve(strategy)
    if not is_compiled(found):
        raise ValueError(
            f"{name}: expected a genome or an automaton, got a player in plain Python or a formula about third "
            "parties, which are given as objects and texts"
        )
    entry = Entry(name, found, rule, source)  # type: ignore[arg-type]  # whatever compiles plays
    add(entry)
    return entry


def forget(name: str) -> None:
    """Take a registered name back; ValueError for any other."""
    remove(get(name))


def register_installed(modules: Iterable[str]) -> list[str]:
    """Register what installed packages offer in these modules (`GROUP`); the names. Their code runs now.

    Nothing is imported that is not asked for here by its module: neither a file nor an installed package can do that.
    Raises ValueError for an offer that is no strategy.
    """
    wanted = set(modules)
    names = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.module.split(":")[0] in wanted:
            names.append(register(point.name, _loaded(point), source=f"offered by {point.value}").name)
    return names


def _loaded(point: EntryPoint) -> StrategyLike:
    found: StrategyLike = point.load()
    return found
