"""The list of published claims: Ord's in their order, then LIFL's, then those about agent systems."""

from __future__ import annotations

from evolve.claims import agents, ecologies, evolution, lifl, societies
from evolve.claims.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    ecologies.O1,
    ecologies.O2,
    ecologies.O3,
    ecologies.O4,
    ecologies.O5,
    ecologies.O6,
    ecologies.O7,
    ecologies.O8,
    evolution.O9,
    evolution.O10,
    societies.O11,
    societies.O12,
    ecologies.O13,
    ecologies.O14,
    *lifl.CLAIMS,
    *agents.CLAIMS,
)
"""Every claim that `evolve reproduce` tries."""


def chosen(words: list[str]) -> list[Claim]:
    """The claims that some words stand for: names such as O7, or sources such as ``ord``; all when there are none."""
    if not words:
        return list(CLAIMS)
    sources = dict.fromkeys(claim.source for claim in CLAIMS)
    found: dict[str, Claim] = {}
    for word in words:
        meant = [c for c in CLAIMS if word.lower() == c.source or word.upper() == c.name.upper()]
        if not meant:
            known = f"{', '.join(sources)} or one of {', '.join(claim.name for claim in CLAIMS)}"
            raise ValueError(f"claim: expected {known}, got {word!r}")
        found |= {claim.name: claim for claim in meant}
    return list(found.values())
