"""The list of published claims, each by its name: Ord's in their order, then LIFL's."""

from __future__ import annotations

from collections.abc import Callable

from evolve.claims import evolution, ord
from evolve.claims.lifl import LIFL
from evolve.claims.verdict import Verdict

Claim = Callable[..., list[Verdict]]

CLAIMS: dict[str, Claim] = {
    **{f"O{k}": ord.ecology_claim(f"O{k}") for k in range(1, 9)},
    "O9": evolution.tit_for_tat_evolves,
    "O10": evolution.seeded_populations,
    "O11": ord.small_chance_of_error,
    "O12": ord.random_members,
    "O13": ord.previous_round_absolutist,
    "O14": ord.suspicious_absolutists,
    **LIFL,
}
"""What tries a claim, and says how it came out."""


def chosen(words: list[str]) -> list[str]:
    """The claims that some words stand for: names such as O7, ``ord``, ``lifl``; all when there are none."""
    known = list(CLAIMS)
    sets = {"ord": [c for c in known if c.startswith("O")], "lifl": [c for c in known if c.startswith("L")]}
    if not words:
        return known
    found: list[str] = []
    for word in words:
        if word.lower() in sets:
            found += sets[word.lower()]
        elif word.upper() in known:
            found.append(word.upper())
        else:
            raise ValueError(f"claim: expected ord, lifl or one of {', '.join(known)}, got {word!r}")
    return list(dict.fromkeys(found))
