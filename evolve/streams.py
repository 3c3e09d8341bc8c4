"""Random streams: a run's random state is its generation number.

No object holds a generator. Whoever needs chance asks for the stream of a seed, a generation, a purpose and
an index (an island or a replicate, never an individual: draws are vectorised), so results do not depend on
who computes what, where, or in which order.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

Purpose = Literal[
    "seeding",
    "ties",
    "selection",
    "variation",
    "immigrants",
    "death",
    "mutants",
    "panel",
    "society",
    "migration",
    "matches",
]
"""Their places are their numbers, and part of every result: a new one stands at the end."""

_NUMBER: dict[Purpose, int] = {purpose: number for number, purpose in enumerate(get_args(Purpose))}


def stream(seed: int, generation: int, purpose: Purpose, index: int = 0) -> np.random.Generator:
    """The generator of one purpose in one generation; the same arguments give the same draws."""
    return np.random.default_rng(
        np.random.SeedSequence(seed, spawn_key=(generation, _NUMBER[purpose], index))
    )
