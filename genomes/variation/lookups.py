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

from genomes.lookup import LookupGenome, check_memory, entries, move_letters, spelled

Memory = tuple[int, int, int]
"""x, y and z of a genome."""

FLIP = np.uint8(ord("C") ^ ord("D"))
"""Turns a letter into the other one, in either case."""


def random_lookups(
    n: int, x: int, y: int, stochastic: bool, rng: np.random.Generator, z: int = 0
) -> list[LookupGenome]:
    """`n` random memory(x,y,z) genomes.

    >>> print(random_lookups(1, 1, 1, False, np.random.default_rng(3))[0])
    memory(1,1) cDDDD
    """
    check_memory(x, y, z)
    opening = max(x, y, z)
    length = opening + 2 ** (x + y + z)
    if stochastic:
        return _stochastic((x, y, z), rng.random((n, length)))
    letters = np.uint8(ord("D")) - rng.integers(0, 2, (n, length)).astype(np.uint8)  # 1 is C
    letters[:, :opening] += ord("c") - ord("C")
    return _pure((x, y, z), letters)


def u_shaped_lookups(n: int, x: int, y: int, rng: np.random.Generator, z: int = 0) -> list[LookupGenome]:
    """`n` stochastic genomes whose entries have the density 1 / (pi sqrt(p (1 - p))): most are nearly pure."""
    check_memory(x, y, z)
    return _stochastic((x, y, z), rng.beta(0.5, 0.5, (n, max(x, y, z) + 2 ** (x + y + z))))


def mutate_lookups(
    genomes: Sequence[LookupGenome], rate: float, sigma: float, stochastic: bool, rng: np.random.Generator
) -> list[LookupGenome]:
    """A mutant of every genome; a genome that no change hit is returned itself."""
    mutants = list(genomes)
    for memory, members in _by_memory(genomes).items():
        group = [genomes[k] for k in members]
        hit = rng.random((len(group), len(group[0].moves))) < rate
        moved = rng.normal(0.0, sigma, hit.shape) if stochastic else None
        touched = np.flatnonzero(hit.any(axis=1))
        if not len(touched):
            continue
        group, hit = [group[k] for k in touched.tolist()], hit[touched]
        if moved is not None:
            before = entries(group)
            after = np.abs(before + moved[touched]) % 2.0  # reflected at 0 and 1
            changed = _stochastic(memory, np.where(hit, np.minimum(after, 2.0 - after), before))
        else:
            changed = _pure(memory, move_letters(group) ^ (hit * FLIP))
        for k, mutant in zip(touched.tolist(), changed, strict=True):
            mutants[members[k]] = mutant
    return mutants


def cross_lookups(
    first: Sequence[LookupGenome], second: Sequence[LookupGenome], rng: np.random.Generator
) -> list[LookupGenome]:
    """One child of every pair of parents by one-point crossover."""
    points = rng.random(len(first))
    children = []
    for a, b, u in zip(first, second, points.tolist(), strict=True):
        if a.memory != b.memory or a is b:
            children.append(a)
            continue
        length = len(a.moves)
        point = 1 + int(u * (length - 1)) if length > 1 else 1
        if isinstance(a.moves, str) and isinstance(b.moves, str):
            children.append(LookupGenome.trusted(a.x, a.y, a.moves[:point] + b.moves[point:], a.z))
        else:
            child = spelled(max(a.memory), a.entries[:point] + b.entries[point:])
            children.append(LookupGenome.trusted(a.x, a.y, child, a.z))
    return children


def _by_memory(genomes: Sequence[LookupGenome]) -> dict[Memory, list[int]]:
    """Positions of the genomes of each memory, in order of first appearance."""
    groups: dict[Memory, list[int]] = {}
    for k, genome in enumerate(genomes):
        groups.setdefault(genome.memory, []).append(k)
    return groups


def _pure(memory: Memory, letters: NDArray[np.uint8]) -> list[LookupGenome]:
    """Genomes from the letters of their text, one row each."""
    x, y, z = memory
    length, text = letters.shape[1], letters.tobytes().decode()
    return [LookupGenome.trusted(x, y, text[k : k + length], z) for k in range(0, len(text), length)]


def _stochastic(memory: Memory, probabilities: NDArray[np.float64]) -> list[LookupGenome]:
    """Genomes from their entries, one row each."""
    x, y, z = memory
    return [LookupGenome.trusted(x, y, spelled(max(memory), tuple(row)), z) for row in probabilities.tolist()]
