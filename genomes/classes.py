"""Complete classes: every pure genome of a memory, as Beaufils, Delahaye & Mathieu (1998) let them compete."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from genomes.lookup import LookupGenome, check_memory
from genomes.strategy import StrategyLike

MAX_CLASS = 2**12
"""Genomes of the largest class that is written as ``memory(x,y)`` among strategies."""

_CLASS = re.compile(r"memory\s*\(\s*(\d{1,9})\s*,\s*(\d{1,9})\s*\)")


def complete_class(x: int, y: int) -> list[LookupGenome]:
    """Every pure memory(x,y) genome, in the order of their texts with C before D.

    >>> [str(genome) for genome in complete_class(0, 1)][:3]
    ['memory(0,1) cCC', 'memory(0,1) cCD', 'memory(0,1) cDC']
    """
    check_memory(x, y)
    openings = max(x, y)
    return [
        LookupGenome(x, y, moves[:openings], moves[openings:])
        for moves in itertools.product((1.0, 0.0), repeat=openings + 2 ** (x + y))
    ]


def with_classes(specs: Iterable[StrategyLike] | str) -> list[StrategyLike]:
    """Strategies, where the text ``memory(x,y)`` alone stands for all of its genomes.

    >>> len(with_classes(["all_d", "memory(1,1)"]))
    33

    Raises ValueError for a class of more than `MAX_CLASS` genomes.
    """
    found: list[StrategyLike] = []
    for spec in [specs] if isinstance(specs, str) else specs:
        match = _CLASS.fullmatch(spec.strip()) if isinstance(spec, str) else None
        if match is None:
            found.append(spec)
            continue
        x, y = int(match[1]), int(match[2])
        check_memory(x, y)
        genomes = 2 ** (max(x, y) + 2 ** (x + y))
        if genomes > MAX_CLASS:
            many = f"{genomes}" if genomes < 10**9 else f"about 10^{len(str(genomes)) - 1}"
            raise ValueError(
                f"strategies: expected a class of at most {MAX_CLASS} genomes, got memory({x},{y}) with {many}"
            )
        found += complete_class(x, y)
    return found
