"""The ledger: what mechanisms took from players and gave them, and what is left to whoever runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.stage import ITEMS
from engine.tables import Table

_LOCKED = [ITEMS.index("bonds"), ITEMS.index("returned")]

KEPT = np.array([1.0, 1.0, 0.0, 1.0, -1.0, -1.0])
"""What the operator keeps of each item: fines, fees and bonds come in, returned bonds and what is passed on go out.
Monitoring is spent on inspections."""


@dataclass(frozen=True, eq=False)
class Ledger(Table):
    """What each of some players paid and got under mechanisms, per turn.

    `amounts` ``(k, items)`` in the order of `engine.stage.ITEMS`: fines, fees, monitoring, bonds, returned, received.
    Payoffs are what joint moves pay in the game without mechanisms, less fines, fees, monitoring and bonds, plus
    what was returned and received (but for games that a mechanism puts in its place, such as an environment's).
    """

    names: tuple[str, ...]
    rules: Rules
    amounts: NDArray[np.float64]

    @property
    def operator(self) -> NDArray[np.float64]:
        """``(k,)`` what is left to the operator of what each paid, per turn; below 0: what it adds."""
        return np.asarray(self.amounts @ KEPT)

    def deal(self, weights: Sequence[float] | NDArray[Any] | None = None) -> dict[str, float] | None:
        """The items and the operator's balance of a whole deal of two mean players; None where it never ends.

        `weights` ``(k,)``: how many there are of each (alike when left out).
        """
        length = deal_length(self.rules)
        if length is None:
            return None
        return {name: 2 * length * amount for name, amount in self.turn(weights).items()}

    def turn(self, weights: Sequence[float] | NDArray[Any] | None = None) -> dict[str, float]:
        """The items and the operator's balance of a mean player, per turn."""
        given = None if weights is None else np.asarray(weights, np.float64)
        return by_item(np.average(self.amounts, axis=0, weights=given).tolist())

    def summary(self, weights: Sequence[float] | NDArray[Any] | None = None) -> str:
        """What is not 0 in words, of a mean player per turn and, where it ends, of a deal."""
        parts = []
        for what, found in (("a player and turn", self.turn(weights)), ("a deal", self.deal(weights))):
            if found is not None:
                parts.append(f"{what}: {in_words(found)}")
        return "\n".join(f"ledger, {part}" for part in parts)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a player; per turn."""
        items = {name: self.amounts[:, k].tolist() for k, name in enumerate(ITEMS)}
        return {"strategy": self.names, **items, "operator": self.operator.tolist()}

    def to_dict(self, weights: Sequence[float] | NDArray[Any] | None = None) -> dict[str, Any]:
        """By player, of a mean player, and of a whole deal of two of them (None where it never ends)."""
        rows = zip(*self.columns().values(), strict=True)
        heads = list(self.columns())[1:]
        return {
            "players": [{"strategy": row[0], **dict(zip(heads, row[1:], strict=True))} for row in rows],
            "per_turn": self.turn(weights),
            "per_deal": self.deal(weights),
        }


def by_item(amounts: Sequence[float]) -> dict[str, float]:
    """Amounts in the order of `ITEMS` by their names, and the operator's balance."""
    operator = sum(kept * amount for kept, amount in zip(KEPT.tolist(), amounts, strict=True))
    return {**dict(zip(ITEMS, amounts, strict=True)), "operator": operator}


def in_words(items: Mapping[str, float]) -> str:
    """What is not 0 of some items, and the operator's balance; roundings below 1e-12 are 0."""
    found = {name: round(amount, 12) + 0.0 for name, amount in items.items()}
    return ", ".join(f"{name} {amount:.6g}" for name, amount in found.items() if amount or name == "operator")


def deal_length(rules: Rules) -> float | None:
    """Turns of a deal, expected where chance ends it; None in the limit of means."""
    if rules.turns is not None:
        return float(rules.turns)
    return None if rules.continuation is None else 1.0 / (1.0 - rules.continuation)


def booked(rules: Rules, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """What outcomes with these frequencies ``[..., o]`` book for the row player per turn, ``[..., items]``."""
    amounts = np.asarray(frequencies @ rules.stage.entries)
    length = deal_length(rules)
    if rules.stage.deposit and length is not None:
        amounts[..., _LOCKED] += float(rules.stage.deposit) / length
    return amounts


def ledger_of(names: Sequence[str], rules: Rules, frequencies: NDArray[np.float64]) -> Ledger | None:
    """The ledger of players whose turns have these outcomes, ``(k, o)``; None where there is no mechanism."""
    return Ledger(tuple(names), rules, booked(rules, frequencies)) if rules.mechanisms else None
