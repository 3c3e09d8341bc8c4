"""The battery: how a formula behaves, as far as tested.

A formula with player quantifiers has no canonical form. It is told from others by its play in a fixed list
of societies. Two formulas with one key may still differ elsewhere, so keys and names from here are shown
with ``~`` and are never used as keys of payoffs.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np

from engine.societies.sipd import _resolve
from genomes import catalogue
from genomes.automaton import Automaton
from genomes.formula.syntax import FormulaGenome

VERSION = 1
"""Part of every key: another battery is another version."""
TURNS = 24
"""Rounds of each society."""

SOCIETIES: tuple[tuple[str, ...], ...] = (
    (),
    ("all_d",),
    ("mistrust", "all_c", "per_cd"),
    ("absolutist", "bully", "all_c"),
    ("police", "vulture", "all_d", "all_c"),
    ("suspicious_absolutist", "tit_for_tat", "prober", "tf2t"),
    ("slow_tft", "gradual", "hard_majo", "per_ddc", "forgiving_bully", "pavlov"),
)
"""Who else is there; the formula itself is always there, with a twin."""


def behaviour(strategy: Any) -> str:
    """The key of what a strategy does in the battery, such as ``~1:5f0c3d2e9a1b``.

    >>> behaviour("D(c,r,p) or D(r,c,p)") == behaviour("exists t. D(c,r,t)")
    True
    """
    return _behaviour(_resolve(strategy, TURNS))


@lru_cache(maxsize=1)
def _others() -> tuple[tuple[FormulaGenome | Automaton, ...], ...]:
    return tuple(tuple(_resolve(name, TURNS) for name in names) for names in SOCIETIES)


@lru_cache(maxsize=65536)
def _behaviour(player: Any) -> str:
    from engine.societies.machine import SocietyMachine

    seen = hashlib.sha256(b"battery %d" % VERSION)
    for others in _others():
        machine = SocietyMachine([player, *others])
        if len(machine.chance):
            raise ValueError(f"strategy: expected one that leaves nothing to chance, got {player}")
        machine.play(TURNS, close=False)
        decisions = machine.relations[machine.sequence][:, 0, :]
        seen.update(np.packbits(decisions).tobytes())
    return f"~{VERSION}:{seen.hexdigest()[:12]}"


def name_of(key: str) -> str | None:
    """The name, with its ``~``, of what has this key; None for a behaviour without a name."""
    name = _names().get(key)
    return None if name is None else f"~{name}"


def nearest_name(strategy: Any) -> str | None:
    """The catalogue name of what plays alike in the whole battery, if there is one.

    >>> nearest_name("exists j. exists t. D(c,j,t) xor D(r,j,t)")
    'absolutist'
    """
    return _names().get(behaviour(strategy))


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    named: dict[str, str] = {}
    for entry in catalogue.ENTRIES:
        player = _resolve(entry, TURNS)
        if isinstance(player, FormulaGenome) or player.deterministic:
            named.setdefault(behaviour(entry), entry.name)
    return named
