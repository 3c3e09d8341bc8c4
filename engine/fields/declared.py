"""A field: a declared list of opponents, each looked up, tried where it is foreign, and hashed.

An entry is a strategy of ours (a name, a set of the catalogue, a genome's text), ``axelrod`` (the whole field of the
library Axelrod), ``axelrod:Class`` or a user's ``module:Class``. To add another source: a file like
`engine.fields.axelrod_players` and its line in `_looked_up`.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.fields import axelrod_players, python_classes
from engine.fields.opponents import AutomatonPlayer, FieldError, Opponent
from engine.game import Rules
from genomes import catalogue
from genomes.automaton import Automaton
from genomes.reading import label, resolve
from genomes.strategy import StrategyLike, is_compiled

MOST_TURNS = 10_000
"""Turns of a match that is asked turn by turn, at most."""

SLOW_SHARE = 4
"""A slow opponent that draws moves is met with one in so many of the seeds."""

CACHE = "EVOLVE_CACHE"
"""Environment variable: the folder of what may be deleted at any time."""

_CLASS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def cache_folder() -> Path:
    """Where answers are kept: $EVOLVE_CACHE, or evolve in the user's folder of caches."""
    given = os.environ.get(CACHE)
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evolve"


@dataclass(frozen=True)
class Lanes:
    """What everybody meets: opponents, each with its seeds.

    `opponents`, `seeds`: ``(l,)``, opponents by their place in the field. `weights`: ``(l,)``, the weight of an
    opponent shared by its seeds; whole numbers where all opponents weigh alike, so that equal payoffs compare equal.
    """

    opponents: NDArray[np.int64]
    seeds: NDArray[np.int64]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.opponents)

    @property
    def total(self) -> float:
        """What the weights add up to."""
        return float(self.weights.sum())


@dataclass(frozen=True)
class Field:
    """Opponents that were declared, in order. Unusable ones are members that nobody meets.

    >>> field = Field.load(["tit_for_tat", "random"])
    >>> [(o.name, o.kind) for o in field.opponents]
    [('tit_for_tat', 'automaton'), ('random', 'stochastic')]
    """

    entries: tuple[str, ...]
    opponents: tuple[Opponent, ...]

    @classmethod
    def load(cls, entries: Sequence[str] | str) -> Field:
        """Look up every opponent; FieldError (a ValueError) naming the first entry that stands for none.

        Users' modules have to be allowed before (`allow`).
        """
        listed = (entries,) if isinstance(entries, str) else tuple(entries)
        found: list[Opponent] = []
        for entry in listed:
            found += _looked_up(entry)
        if not found:
            raise FieldError("field: expected at least one opponent, got none")
        seen: set[str] = set()
        for opponent in found:
            if opponent.name in seen:
                raise FieldError(f"field: expected every opponent once, got {opponent.name!r} twice")
            seen.add(opponent.name)
        return cls(listed, tuple(found))

    @cached_property
    def digests(self) -> dict[str, str]:
        """What stands behind each entry, as 16 hexadecimal digits: equal only for the same opponents."""
        behind: dict[str, list[str]] = {entry: [] for entry in self.entries}
        for opponent in self.opponents:
            behind[opponent.entry].append(
                f"{opponent.name}\n{opponent.kind}\n{opponent.slow}\n{opponent.digest}"
            )
        return {
            entry: hashlib.sha256("\n".join(members).encode()).hexdigest()[:16]
            for entry, members in behind.items()
        }

    @property
    def usable(self) -> list[int]:
        """Places of the opponents that can be met."""
        return [k for k, opponent in enumerate(self.opponents) if opponent.kind != "unusable"]

    def place(self, name: str) -> int:
        """The place of an opponent by its name; FieldError naming the nearest ones."""
        names = [opponent.name for opponent in self.opponents]
        if name not in names:
            near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
            hint = f" (nearest: {', '.join(near)})" if near else ""
            raise FieldError(f"field: expected the name of an opponent, got {name!r}{hint}")
        return names.index(name)

    def lanes(
        self,
        seeds: Sequence[int],
        rules: Rules,
        *,
        among: Sequence[int] | None = None,
        weights: dict[str, float] | None = None,
    ) -> Lanes:
        """Every usable opponent (`among` these places) with every seed that changes anything.

        Where nothing is drawn, neither a move nor a slip, one seed is all; a slow opponent has one in `SLOW_SHARE`.
        """
        check_rules(rules)
        numbers: list[tuple[int, int]] = []
        count: list[int] = []
        fewer = list(seeds)[: max(1, len(seeds) // SLOW_SHARE)]
        for k in self.usable if among is None else among:
            opponent = self.opponents[k]
            if not opponent.chance and not rules.noisy:
                mine: Sequence[int] = [0]
            else:
                mine = fewer if opponent.slow else seeds
            numbers += [(k, seed) for seed in mine]
            count += [len(mine)] * len(mine)
        weight = np.array([(weights or {}).get(self.opponents[k].name, 1.0) for k, _ in numbers])
        whole = float(np.lcm.reduce(np.array(count, np.int64)))
        return Lanes(
            np.array([k for k, _ in numbers], np.int64),
            np.array([seed for _, seed in numbers], np.int64),
            weight * (whole / np.array(count, np.float64)),
        )


def check_rules(rules: Rules) -> None:
    """Refuse what cannot be asked turn by turn."""
    if rules.turns is None or rules.turns > MOST_TURNS:
        raise FieldError(
            f"turns: expected a fixed number of turns up to {MOST_TURNS} against a field, got {rules.horizon}"
        )
    if rules.mechanisms:
        raise FieldError("mechanisms: expected none against a field, whose players know the plain game alone")


def _looked_up(entry: str) -> list[Opponent]:
    if entry == axelrod_players.ENTRY or entry.startswith(f"{axelrod_players.ENTRY}:"):
        return axelrod_players.opponents(entry, cache_folder())
    if _CLASS.fullmatch(entry):
        return python_classes.opponents(entry)
    names = catalogue.names(entry) if entry in catalogue.sets() else [entry]
    return [_ours(name, entry) for name in names]


def _ours(name: str, entry: str) -> Opponent:
    strategy = resolve(name)
    if not is_compiled(strategy):
        raise FieldError(
            f"field: expected a strategy for two players, got {name!r}, which looks at third parties"
        )
    automaton = strategy.automaton(200).canonical(noisy=True)
    return Opponent(
        name=label(name),
        entry=entry,
        kind="automaton" if automaton.deterministic else "stochastic",
        digest=automaton.key.hex()[:16],
        make=lambda: AutomatonPlayer(strategy),
    )


def automaton_of(strategy: StrategyLike, rules: Rules) -> Automaton:
    """What a strategy plays within the rules' turns, as small as it can be; FieldError where it is no automaton."""
    found = resolve(strategy)
    if not is_compiled(found):
        raise FieldError(
            f"strategy: expected one for two players that is an automaton, got {label(strategy)!r}"
        )
    return found.automaton(rules.turns).canonical(noisy=rules.noisy)
