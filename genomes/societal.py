"""The strategies of the societal iterated prisoner's dilemma, as formulas.

Published rules are from Toby Ord, "Further results on the societal iterated prisoner's dilemma", and the
paper it continues (Ord & Blair, CEC 2002). Where only a description in words is known, the formula is our
reconstruction and says so.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

_ORD = "Ord, Further results on the societal iterated prisoner's dilemma"


class SocietalStrategy(NamedTuple):
    """A named formula: what it does in one line, where it is from, and how sure its text is."""

    name: str
    formula: str
    rule: str
    source: str
    status: Literal["published", "reconstructed"]


SOCIETAL = (
    SocietalStrategy("all_c", "false", "Always cooperates.", _ORD, "published"),
    SocietalStrategy("all_d", "true", "Always defects.", _ORD, "published"),
    SocietalStrategy(
        "tit_for_tat", "D(c,r,p)", "Does what the other did to it in the last round.", _ORD, "published"
    ),
    SocietalStrategy(
        "suspicious_tit_for_tat",
        "D(c,r,p) or first",
        "Tit for tat that begins by defecting.",
        _ORD,
        "published",
    ),
    SocietalStrategy(
        "grim", "exists t. D(c,r,t)", "Defects for ever on whoever has defected on it.", _ORD, "published"
    ),
    SocietalStrategy(
        "pavlov",
        "D(r,c,p) xor D(c,r,p)",
        "Defects after a round in which the two of them played differently (win-stay, lose-shift).",
        _ORD + "; the rule in words, the formula ours",
        "reconstructed",
    ),
    SocietalStrategy(
        "absolutist",
        "exists t. exists j. D(r,j,t) xor D(c,j,t)",
        "Defects on whoever has ever treated anyone differently from how it did.",
        _ORD,
        "published",
    ),
    SocietalStrategy(
        "suspicious_absolutist",
        "(exists t. exists j. D(r,j,t) xor D(c,j,t)) or first",
        "Absolutist that begins by defecting.",
        _ORD,
        "published",
    ),
    SocietalStrategy(
        "bully",
        "not exists t. D(c,r,t)",
        "Defects until it is defected on, then cooperates for ever (first reading of Spiteful-Bully).",
        _ORD + "; described in words only",
        "reconstructed",
    ),
    SocietalStrategy(
        "spiteful_bully",
        "(not exists t. D(c,r,t)) or (exists t. D(c,r,t) and not D(r,c,t))",
        "Defects on those who never retaliate, and for ever on those who defected while it cooperated "
        "(second reading of Spiteful-Bully).",
        _ORD + "; described in words only",
        "reconstructed",
    ),
    SocietalStrategy(
        "forgiving_bully",
        "forall t. (((forall s. D(r,c,s)) or D(r,r,t)) xor D(c,r,t))",
        "Exploits, makes peace with whoever retaliates and then makes peace, else war for ever; its play "
        "towards itself is its clock (third reading of Spiteful-Bully).",
        _ORD + "; described in words only",
        "reconstructed",
    ),
    SocietalStrategy(
        "police",
        "exists j. D(c,j,p) and not exists t. D(j,c,t)",
        "Defects on those who in the last round defected on somebody without provocation.",
        _ORD + "; described as defecting on those who defect on others without provocation",
        "reconstructed",
    ),
    SocietalStrategy(
        "vulture",
        "(exists t. D(c,r,t) and not D(r,c,t)) or (exists j. D(j,c,p) and not D(c,j,p))",
        "Defects on those who have just failed to retaliate, and bears a grudge.",
        _ORD + "; described as defecting on all who have failed to retaliate when defected on by others",
        "reconstructed",
    ),
)
"""One row a strategy. A second published form of grim is ``D(c,r,p) or D(r,c,p)``."""
