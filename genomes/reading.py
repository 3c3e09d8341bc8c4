"""From a name, a text or an object to the strategy it stands for: once, where it comes in, and how it is shown.

A result speaks in the words of the question: what was given by name is shown by that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from genomes import catalogue
from genomes.automaton import Automaton
from genomes.catalogue import Entry
from genomes.formula.genome import FormulaGenome
from genomes.group import GroupGenome
from genomes.lookup import LookupGenome
from genomes.machine import MachineGenome
from genomes.strategy import Strategy, StrategyLike
from genomes.texts import quoted

_TEXT = re.compile(r"[(∃∀¬⊤⊥]|^(true|false|first|not|exists|forall)\b")
"""What tells a genome's text from a name."""


def resolve(spec: StrategyLike) -> Strategy:
    """What a strategy given as a genome, a catalogue name, its text or a Python object stands for.

    A named strategy is its table where it has one, else its formula (`catalogue.get` has both). Raises ValueError
    when it stands for nothing.

    >>> print(resolve("tft"))
    memory(1,1) cCDCD
    """
    if isinstance(spec, str):
        name = spec.strip()
        return _of_pairs(parse(spec)) if _TEXT.search(name) else catalogue.get(name).strategy
    if isinstance(spec, Entry):
        return spec.strategy
    if isinstance(spec, GroupGenome):
        return _of_pairs(spec)
    if isinstance(spec, type):
        raise ValueError(
            f"strategy: expected an instance, got the class {spec.__name__}; write {spec.__name__}()"
        )
    if hasattr(spec, "automaton") or all(
        callable(getattr(spec, name, None)) for name in ("reset", "move", "observe")
    ):
        return spec
    raise ValueError(f"strategy: expected a genome, a catalogue name, genome text or a player, got {spec!r}")


def _of_pairs(genome: LookupGenome | MachineGenome | FormulaGenome | GroupGenome) -> Strategy:
    if isinstance(genome, GroupGenome):
        raise ValueError(f"strategy: expected one that meets others in pairs or societies, got {genome}")
    return genome


def parse(text: str) -> LookupGenome | MachineGenome | FormulaGenome | GroupGenome:
    """Read a genome from its text: the inverse of ``str(genome)``.

    >>> print(parse("memory(1,2) ccCDCDDCDD"))
    memory(1,2) ccCDCDDCDD
    >>> print(parse("∃t D(c,r,t)"))
    exists t. D(c,r,t)
    """
    if not isinstance(text, str):
        raise ValueError(f"genome: expected text, got {text!r}")
    if text.lstrip().startswith("memory"):
        return LookupGenome.parse(text)
    if text.lstrip().startswith("machine"):
        return MachineGenome.parse(text)
    if text.lstrip().startswith("group"):
        return GroupGenome.parse(text)
    if _TEXT.search(text.strip()):
        return FormulaGenome.parse(text)
    raise ValueError(
        f"genome: expected text like 'memory(1,1) cCDCD' or 'machine(1) c0 C0D0', or a formula like 'D(c,r,p)', got "
        f"{quoted(text)}"
    )


def label(spec: StrategyLike) -> str:
    """How a strategy is shown in tables: as it was given by name or text, else its text.

    >>> label("tft"), label(parse("memory(0,1) cCD"))
    ('tft', 'memory(0,1) cCD')
    """
    if isinstance(spec, str):
        return spec.strip()
    if isinstance(spec, Automaton):
        return f"automaton {spec.key.hex()[:8]}"
    if hasattr(spec, "automaton"):
        return str(spec)
    return str(getattr(spec, "name", type(spec).__name__))


def given_twice(specs: Iterable[StrategyLike]) -> str | None:
    """The label of a strategy that was named twice, under one name or under two of its names, if there is one.

    >>> given_twice(["tft", "grim", "tit_for_tat"])
    'tft'
    """
    seen: dict[str, str] = {}
    for spec in specs:
        shown = label(spec)
        entry = catalogue.find(spec) if isinstance(spec, str) else None
        name = shown if entry is None else entry.name
        if name in seen:
            return seen[name]
        seen[name] = shown
    return None
