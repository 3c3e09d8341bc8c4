"""The battery: how a formula behaves, as far as tested.

A formula with player quantifiers has no canonical form. It is told from others by its play in a fixed list
of societies, under the rule for quantifiers that is asked about. Two formulas with one key may still differ
elsewhere, so keys and names from here are shown with ``~`` and are never used as keys of payoffs.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np

from engine.societies.sipd import member
from genomes.automaton import Automaton
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Quantifiers
from genomes.strategy import StrategyLike

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
"""Who else is there; the formula itself is always there, with a twin, which plays as it does.

With quantifiers over others twins count: the formula is there twice by itself, and three times in company.
"""


def behaviour(strategy: StrategyLike, quantifiers: Quantifiers = "all") -> str:
    """The key of what a strategy does in the battery, such as ``~1:5f0c3d2e9a1b`` or ``~1-others:0c5fd32e9a1b``.

    >>> behaviour("D(c,r,p) or D(r,c,p)") == behaviour("exists t. D(c,r,t)")
    True
    """
    return _behaviour(member(strategy, TURNS), quantifiers)


@lru_cache(maxsize=1)
def _others() -> tuple[tuple[FormulaGenome | Automaton, ...], ...]:
    return tuple(tuple(member(name, TURNS) for name in names) for names in SOCIETIES)


@lru_cache(maxsize=65536)
def _behaviour(player: Any, quantifiers: Quantifiers) -> str:
    from engine.societies.machine import SocietyMachine

    version = str(VERSION) if quantifiers == "all" else f"{VERSION}-{quantifiers}"
    seen = hashlib.sha256(f"battery {version}".encode())
    for others in _others():
        twins = 1 if quantifiers == "all" else 3 if others else 2
        machine = SocietyMachine([player] * twins + list(others), quantifiers)
        if len(machine.chance):
            raise ValueError(f"strategy: expected one that leaves nothing to chance, got {player}")
        machine.play(TURNS, close=False)
        decisions = machine.relations[machine.sequence][:, 0, :]
        seen.update(np.packbits(decisions).tobytes())
    return f"~{version}:{seen.hexdigest()[:12]}"
