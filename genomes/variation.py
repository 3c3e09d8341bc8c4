"""Where new lookup genomes come from: by chance, by mutation, by crossover. Each a function of genomes and a
generator; all draws are vectorised, for many genomes at once.

The laws (they are part of every result):

- random: every entry is C or D with probability 1/2; stochastic entries are uniform on [0, 1];
- mutation: every entry changes with probability `rate`, independently; a pure move flips, a probability of a
  stochastic genome moves by a normal step of standard deviation `sigma`, reflected at 0 and 1;
- crossover: one point, uniform between the entries (openings and replies as one string), the first part
  from the first parent. Genomes of different memories do not cross: the first parent's is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genomes.lookup import LookupGenome, check_memory


def random_lookups(n: int, x: int, y: int, stochastic: bool, rng: np.random.Generator) -> list[LookupGenome]:
    """`n` random memory(x,y) genomes.

    >>> print(random_lookups(1, 1, 1, False, np.random.default_rng(3))[0])
    memory(1,1) cDDDD
    """
    check_memory(x, y)
    length = max(x, y) + 2 ** (x + y)
    entries = rng.random((n, length)) if stochastic else rng.integers(0, 2, (n, length)).astype(np.float64)
    return _genomes([(x, y)] * n, entries)


def mutate_lookups(
    genomes: Sequence[LookupGenome], rate: float, sigma: float, stochastic: bool, rng: np.random.Generator
) -> list[LookupGenome]:
    """A mutant of every genome; a genome that no change hit is returned itself."""
    mutants = list(genomes)
    for members in _by_memory(genomes):
        entries = _entries([genomes[k] for k in members])
        hit = rng.random(entries.shape) < rate
        if stochastic:
            moved = entries + rng.normal(0.0, sigma, entries.shape)
            moved = np.abs(moved) % 2.0  # reflected at 0 and 1
            changed = np.where(hit, np.minimum(moved, 2.0 - moved), entries)
        else:
            changed = np.where(hit, 1.0 - entries, entries)
        touched = np.flatnonzero(hit.any(axis=1))
        shape = (genomes[members[0]].x, genomes[members[0]].y)
        for k, mutant in zip(
            touched.tolist(), _genomes([shape] * len(touched), changed[touched]), strict=True
        ):
            mutants[members[k]] = mutant
    return mutants


def cross_lookups(
    first: Sequence[LookupGenome], second: Sequence[LookupGenome], rng: np.random.Generator
) -> list[LookupGenome]:
    """One child of every pair of parents by one-point crossover."""
    points = rng.random(len(first))
    children = []
    for a, b, u in zip(first, second, points.tolist(), strict=True):
        if (a.x, a.y) != (b.x, b.y) or a is b:
            children.append(a)
            continue
        mine, theirs = (*a.opening, *a.replies), (*b.opening, *b.replies)
        point = 1 + int(u * (len(mine) - 1)) if len(mine) > 1 else 1
        entries = mine[:point] + theirs[point:]
        opening = max(a.x, a.y)
        children.append(LookupGenome.trusted(a.x, a.y, entries[:opening], entries[opening:]))
    return children


def _by_memory(genomes: Sequence[LookupGenome]) -> list[list[int]]:
    """Positions of the genomes of each memory, in order of first appearance."""
    groups: dict[tuple[int, int], list[int]] = {}
    for k, genome in enumerate(genomes):
        groups.setdefault((genome.x, genome.y), []).append(k)
    return list(groups.values())


def _entries(genomes: Sequence[LookupGenome]) -> NDArray[np.float64]:
    return np.array([genome.opening + genome.replies for genome in genomes])


def _genomes(shapes: Sequence[tuple[int, int]], entries: NDArray[np.float64]) -> list[LookupGenome]:
    made = []
    for (x, y), row in zip(shapes, entries.tolist(), strict=True):
        made.append(LookupGenome.trusted(x, y, tuple(row[: max(x, y)]), tuple(row[max(x, y) :])))
    return made
