"""A tournament along a parameter: scores, cooperation and ranks at each value, each as exact as a round robin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.pairs.tournament import round_robin
from engine.tables import Table
from genomes.strategy import StrategyLike

MOST_VALUES = 1001
"""Of a parameter in one table."""


@dataclass(frozen=True, eq=False)
class Variation(Table):
    """What strategies earn in a round robin at each value of a parameter.

    `values`: ``(v,)``. `scores`, `cooperation`: ``(v, n)`` means of each strategy over all it meets, per turn.
    """

    parameter: str
    values: NDArray[np.float64]
    names: tuple[str, ...]
    scores: NDArray[np.float64]
    cooperation: NDArray[np.float64]

    @cached_property
    def ranks(self) -> NDArray[np.int64]:
        """``(v, n)`` 1 for the best; whoever earns the same has the same rank."""
        return np.asarray(1 + (self.scores[:, None, :] > self.scores[:, :, None]).sum(axis=2), np.int64)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a value and strategy."""
        n, v = len(self.names), len(self.values)
        return {
            self.parameter: np.repeat(self.values, n).tolist(),
            "strategy": list(self.names) * v,
            "payoff": self.scores.ravel().tolist(),
            "cooperation": self.cooperation.ravel().tolist(),
            "rank": self.ranks.ravel().tolist(),
        }

    def __str__(self) -> str:
        heads = [f"{k}: {name}" for k, name in enumerate(self.names, 1)]
        rows = [
            f"{value:>12.6g}" + "".join(f"{score:9.4f}" for score in row)
            for value, row in zip(self.values.tolist(), self.scores.tolist(), strict=True)
        ]
        return "\n".join(
            [
                *heads,
                f"{self.parameter:>12}" + "".join(f"{k:9d}" for k in range(1, len(self.names) + 1)),
                *rows,
            ]
        )


def vary(
    strategies: Iterable[StrategyLike],
    rules: Callable[[float], Rules],
    values: Iterable[float],
    *,
    parameter: str = "value",
    self_play: bool = False,
    workers: int = 1,
) -> Variation:
    """A round robin under ``rules(value)`` for each of the `values`; errors as `round_robin`, naming the value.

    >>> print(vary(["tit_for_tat", "all_d"], lambda d: Rules(continuation=d), [0.5, 0.9], parameter="continuation"))
    1: tit_for_tat
    2: all_d
    continuation        1        2
             0.5   0.5000   3.0000
             0.9   0.9000   1.4000
    """
    field, points = list(strategies), [float(value) for value in values]
    if not 1 <= len(points) <= MOST_VALUES:
        raise ValueError(f"values: expected 1 to {MOST_VALUES}, got {len(points)}")
    tables = []
    for value in points:
        try:
            tables.append(
                round_robin(field, rules(value), self_play=self_play, matrix=False, workers=workers)
            )
        except ValueError as error:
            raise ValueError(f"{parameter} = {value:g}: {error}") from None
    return Variation(
        parameter,
        np.array(points),
        tables[0].names,
        np.array([table.scores for table in tables]),
        np.array([table.cooperation_rates for table in tables]),
    )
