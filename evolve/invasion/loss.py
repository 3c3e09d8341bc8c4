"""When a resident counts as lost: its class is below half of the survivors for `WINDOW` generations in a row.

Newcomers of a generation are not counted: variants and strangers alone could exceed half. The loss is timed at the
first of those generations.
"""

from __future__ import annotations

from collections.abc import Callable

from results.records import Birth, Generation

WINDOW = 10
"""Generations in a row in which the survivors of the resident's class are outnumbered."""


def _behaviour(birth: Birth) -> str:
    return birth.behaviour


def outnumbering(
    generation: Generation, resident: str, key: Callable[[Birth], str] = _behaviour
) -> tuple[list[Birth], int] | None:
    """The survivors of other classes than the resident's, and how many survive in all; None up to half of them.

    `key` tells the classes, the resident's is `resident`.
    """
    survivors = [birth for birth in generation.population if birth.id.generation < generation.number]
    strangers = [birth for birth in survivors if key(birth) != resident]
    return (strangers, len(survivors)) if 2 * len(strangers) > len(survivors) else None
