"""Genomes in words: what one plays after what, and what changed from one to another."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import product

from genomes.formula.genome import FormulaGenome
from genomes.lookup import LookupGenome
from genomes.machine import MachineGenome, difference
from genomes.reading import parse

_WORD = re.compile(r"D\([^)]*\)|(?:exists|forall|∃|∀)\s*\w+\.?|\w+|\S")

_LAST_TURN = {
    "C|C": "mutual cooperation",
    "C|D": "cooperating with a defector",
    "D|C": "defecting on a cooperator",
    "D|D": "mutual defection",
    "C|": "its own cooperation",
    "D|": "its own defection",
    "|C": "the opponent's cooperation",
    "|D": "the opponent's defection",
}

MOST_CHANGES = 2
"""Changed entries that are written out."""


def histories(x: int, y: int, z: int = 0) -> list[str]:
    """What each reply of a memory(x,y,z) genome answers, in words.

    >>> histories(1, 1)[1], histories(0, 1), histories(1, 2)[3]
    ('cooperating with a defector', ["the opponent's cooperation", "the opponent's defection"], 'own C, theirs DD')
    """
    found = []
    for moves in map("".join, product("CD", repeat=x + y + z)):
        own, theirs, first = moves[:x], moves[x : x + y], moves[x + y :]
        parts = (f"own {own}" if x else "", f"theirs {theirs}" if y else "", f"first {first}" if z else "")
        said = ", ".join(part for part in parts if part) or "anything"
        found.append(said if z else _LAST_TURN.get(f"{own}|{theirs}", said))
    return found


def plays(probability: float) -> str:
    """What a probability of cooperation is as a move.

    >>> plays(1.0), plays(0.0), plays(0.3333)
    ('C', 'D', 'C with probability 0.333')
    """
    if probability in (0.0, 1.0):
        return "DC"[int(probability)]
    return f"C with probability {probability:.3g}"


def table(genome: LookupGenome) -> list[tuple[str, str]]:
    """When and what, for every entry of a lookup genome.

    >>> table(LookupGenome.parse("memory(0,1) cCD"))
    [('in turn 1', 'C'), ("after the opponent's cooperation", 'C'), ("after the opponent's defection", 'D')]
    """
    when = [f"in turn {turn + 1}" for turn in range(len(genome.opening))]
    when += [f"after {history}" for history in histories(*genome.memory)]
    return list(zip(when, map(plays, genome.opening + genome.replies), strict=True))


def change(before: str, after: str) -> str:
    """What changed from one genome's text to another's, in a few words; the new text where they are of two kinds.

    >>> change("memory(1,1) cCDCD", "memory(1,1) cCDCC")
    'C instead of D after mutual defection'
    >>> change("D(c,r,p)", "D(c,r,p) or first")
    '+ or first'
    """
    old, new = parse(before), parse(after)
    if isinstance(old, LookupGenome) and isinstance(new, LookupGenome) and old.memory == new.memory:
        said = [
            f"{now} instead of {then} {when}"
            for (when, then), (_, now) in zip(table(old), table(new), strict=True)
            if then != now
        ]
        if len(said) > MOST_CHANGES:
            return f"{len(said)} of {len(table(new))} entries"
        return ", ".join(said)
    if isinstance(old, MachineGenome) and isinstance(new, MachineGenome):
        said = difference(old, new)
        return f"{len(said)} places" if len(said) > MOST_CHANGES else ", ".join(said)
    if isinstance(old, FormulaGenome) and isinstance(new, FormulaGenome):
        return rewriting(before, after)
    return after


def rewriting(before: str, after: str) -> str:
    """What changed from one genome to the next, place by place: what went, what came, what took its place."""
    if before.startswith("machine(") and after.startswith("machine("):
        return "; ".join(difference(MachineGenome.parse(before), MachineGenome.parse(after)))
    old, new = (_WORD.findall(text) for text in (before, after))
    said = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = " ".join(old[i:j]), " ".join(new[k:m])
        if kind != "equal":
            said.append(f"{gone} → {come}" if gone and come else f"− {gone}" if gone else f"+ {come}")
    return "; ".join(said)
