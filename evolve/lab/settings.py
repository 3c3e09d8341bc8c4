"""What an address says: rules and strategies. All of a page follows from its address, so that a link holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from engine.game import Game, Rules
from genomes import catalogue
from genomes.reading import resolve
from genomes.strategy import Strategy

PAYOFFS = {"R": 3.0, "S": 0.0, "T": 5.0, "P": 1.0}
MOST_TURNS = 2_000
LONGEST_TEXT = 300
"""Letters of a strategy's text: a table of eight remembered moves, or a long formula."""

MOST_STRATEGIES = 40

HORIZONS = ("turns", "continuation", "limit")
RULES = (*PAYOFFS, "horizon", "turns", "continuation", "noise")
"""The parameters that are rules; each screen has others."""


@dataclass(frozen=True)
class Scene:
    """The parameters of an address, as text; what is left out has its default."""

    values: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """A parameter; ValueError where it is too long."""
        value = self.values.get(name, default).strip() or default
        if len(value) > LONGEST_TEXT:
            raise ValueError(f"{name}: expected at most {LONGEST_TEXT} letters, got {len(value)}")
        return value

    def number(self, name: str, default: float) -> float:
        """A parameter as a number; ValueError where it is none."""
        text = self.text(name, f"{default:g}")
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{name}: expected a number, got {text!r}") from None

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        """A parameter as a whole number in a range; ValueError where it is none."""
        value = self.number(name, default)
        if value != value or abs(value) > 2**53 or value != int(value) or not lowest <= value <= highest:
            raise ValueError(f"{name}: expected a whole number from {lowest} to {highest}, got {value:g}")
        return int(value)

    @cached_property
    def rules(self) -> Rules:
        """The rules; ValueError naming the parameter that is wrong."""
        game = Game(*(self.number(name, value) for name, value in PAYOFFS.items()))
        noise, horizon = self.number("noise", 0.0), self.text("horizon", "turns")
        if horizon not in HORIZONS:
            raise ValueError(f"horizon: expected one of {', '.join(HORIZONS)}, got {horizon!r}")
        if horizon == "turns":
            return Rules(game, turns=self.whole("turns", 200, 1, MOST_TURNS), noise=noise)
        if horizon == "continuation":
            return Rules(game, continuation=self.number("continuation", 0.95), noise=noise)
        return Rules(game, limit_of_means=True, noise=noise)

    @property
    def changed(self) -> bool:
        """Whether the rules are others than when nothing is said."""
        return self.rules != Rules()

    def address(self, path: str, **changes: str | None) -> str:
        """The address of a scene under the same rules, with these parameters."""
        kept = {name: self.values[name] for name in RULES if self.values.get(name)}
        given = {name: value for name, value in changes.items() if value is not None}
        return path + ("?" + urlencode(kept | given) if kept or given else "")


def strategy(field: str, text: str) -> Strategy:
    """The strategy that a text stands for: a name, a table or a formula, never code."""
    try:
        return resolve(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def strategies(text: str) -> list[str]:
    """Names, sets and texts, one a line or separated by semicolons, each once; ValueError for more than fit."""
    found: list[str] = []
    for word in text.replace(";", "\n").splitlines():
        name = word.strip()
        if name in catalogue.sets():
            found += catalogue.names(name)
        elif name:
            strategy("strategies", name)
            found.append(name)
    chosen = list(dict.fromkeys(found))
    if not 2 <= len(chosen) <= MOST_STRATEGIES:
        raise ValueError(f"strategies: expected 2 to {MOST_STRATEGIES}, got {len(chosen)}")
    return chosen
