"""Genomes for groups: strategies that look at their own last move and at how many of the others cooperated.

In a group of n a table has an opening and 2n replies: after an own C with n - 1, n - 2, ... 0 cooperators among the
others, then after an own D with as many. A group of two is a pair, and `group(2)` is memory(1,1) in its order.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from genomes.texts import quoted

MAX_PLAYERS = 1000
"""Players of a group at most."""

MAX_CLASS = 2**13
"""Genomes of a complete class that is listed at most: groups of up to six."""

_TEXT = re.compile(r"group\s*\(\s*(\d{1,9})\s*\)(.*)", re.DOTALL)

Rule = Callable[[int, bool, int], bool]
"""(players, own last move was C, cooperators among the others) -> cooperate?"""

NAMED: dict[str, tuple[bool, Rule, str]] = {
    "all_c": (True, lambda n, own, j: True, "always cooperates"),
    "all_d": (False, lambda n, own, j: False, "always defects"),
    "grim": (True, lambda n, own, j: own and j == n - 1, "cooperates until anybody has defected"),
    "tft_all": (True, lambda n, own, j: j == n - 1, "cooperates where all others did"),
    "tft_half": (True, lambda n, own, j: 2 * j >= n - 1, "cooperates where at least half of the others did"),
    "tft_any": (True, lambda n, own, j: j > 0, "cooperates where any other did"),
    "all_or_none": (
        True,
        lambda n, own, j: (own and j == n - 1) or (not own and j == 0),
        "cooperates where everybody did the same: win-stay, lose-shift for groups",
    ),
}
"""Named strategies: the opening, the rule, and the rule in words. `all_or_none`: Hilbe et al. (2014)."""


@dataclass(frozen=True)
class GroupGenome:
    """A strategy for groups of `players`. `moves`: the opening and the replies, as letters C and D.

    >>> print(GroupGenome.parse("group(3) cCDDCDD"), GroupGenome.named("grim", 3))
    group(3) cCDDCDD group(3) cCDDDDD

    Raises ValueError for a wrong number of entries, or other letters.
    """

    players: int
    moves: str

    def __post_init__(self) -> None:
        check_players(self.players)
        strange = sorted(set(self.moves) - {"C", "D"})
        if strange:
            raise ValueError(f"genome: expected moves C and D, got {strange[0]!r}")
        if len(self.moves) != 2 * self.players + 1:
            raise ValueError(
                f"genome: expected an opening and {2 * self.players} replies for a group of {self.players}, "
                f"{2 * self.players + 1} in all, got {len(self.moves)}"
            )

    @classmethod
    def parse(cls, text: str) -> GroupGenome:
        """Read ``group(3) cCDDCDD``; ValueError naming what was expected and what came."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"genome: expected text like 'group(3) cCDDCDD', got {quoted(text)}")
        return cls(int(match[1]), "".join(match[2].split()).upper())

    @classmethod
    def named(cls, name: str, players: int) -> GroupGenome:
        """A named strategy in groups of so many; ValueError for a name that is none."""
        check_players(players)
        if name not in NAMED:
            raise ValueError(f"strategy: expected {', '.join(NAMED)}, or a genome's text, got {quoted(name)}")
        opening, rule, _ = NAMED[name]
        replies = [rule(players, own, j) for own in (True, False) for j in range(players - 1, -1, -1)]
        return cls(players, "".join("DC"[move] for move in (opening, *replies)))

    def reply(self, own_cooperates: bool, cooperators: int) -> bool:
        """Whether it cooperates after this own move and so many cooperators among the others."""
        n = self.players
        return self.moves[(1 if own_cooperates else n + 1) + n - 1 - cooperators] == "C"

    def __str__(self) -> str:
        return f"group({self.players}) {self.moves[0].lower()}{self.moves[1:]}"


def group_strategy(spec: GroupGenome | str, players: int) -> GroupGenome:
    """A strategy for groups of `players` from a genome, its text, or a name; ValueError for anything else."""
    if isinstance(spec, str):
        spec = (
            GroupGenome.parse(spec) if _TEXT.match(spec.strip()) else GroupGenome.named(spec.strip(), players)
        )
    if not isinstance(spec, GroupGenome):
        raise ValueError(f"strategy: expected a group's genome, its text or a name, got {spec!r}")
    if spec.players != players:
        raise ValueError(f"strategy: expected one for groups of {players}, got {spec}")
    return spec


@lru_cache(maxsize=4)
def complete_group_class(players: int) -> tuple[GroupGenome, ...]:
    """Every genome for groups of so many, in the order of their texts; ValueError for groups that are too large."""
    check_players(players)
    if 2 ** (2 * players + 1) > MAX_CLASS:
        raise ValueError(f"players: expected groups of at most 6 for the complete class, got {players}")
    return tuple(
        GroupGenome(players, "".join(moves)) for moves in itertools.product("CD", repeat=2 * players + 1)
    )


@lru_cache(maxsize=2**14)
def group_name(genome: GroupGenome | str) -> str | None:
    """The name that a genome, or its text, has, if there is one."""
    if isinstance(genome, str):
        try:
            genome = GroupGenome.parse(genome)
        except ValueError:
            return None
    for name in NAMED:
        if GroupGenome.named(name, genome.players) == genome:
            return name
    return None


def check_players(players: int) -> None:
    """Raise ValueError for a size of groups that cannot be."""
    if isinstance(players, bool) or not isinstance(players, int) or not 2 <= players <= MAX_PLAYERS:
        raise ValueError(f"players: expected a whole number from 2 to {MAX_PLAYERS}, got {players!r}")
