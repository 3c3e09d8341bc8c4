"""Who descends from whom: lines of descent, the tree of the living, their common ancestors, clades.

Everything follows the primary parents, so every individual has one line, back to a founder: a seed or an
immigrant. The ancestors of the living are always kept (see `results.run.writer`), so all of this can be asked of
any run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from results.records import Birth, BirthId
from results.run.store import Run


@dataclass(frozen=True, eq=False)
class FamilyTree:
    """Individuals and their ancestors, in id order.

    `parent`: ``(births,)`` the place of each one's primary parent, which is always before its own; -1 for
    founders, and for the most recent common ancestor where the tree ends at it. `leaves`: the places of
    those whose tree it is.
    """

    births: tuple[Birth, ...]
    parent: NDArray[np.int64]
    leaves: NDArray[np.int64]

    @cached_property
    def roots(self) -> NDArray[np.int64]:
        """The places where lines begin: one when all have a common ancestor."""
        return np.flatnonzero(self.parent < 0)

    @cached_property
    def descendants(self) -> NDArray[np.int64]:
        """``(births,)`` how many of the leaves descend from each (a leaf counts itself)."""
        count = np.zeros(len(self.births), np.int64)
        count[self.leaves] = 1
        for place in range(len(self.births) - 1, -1, -1):
            if self.parent[place] >= 0:
                count[self.parent[place]] += count[place]
        return count

    def line(self, place: int) -> list[int]:
        """Places from a root down to `place`."""
        line = []
        while place >= 0:
            line.append(place)
            place = int(self.parent[place])
        return line[::-1]


def line_of_descent(run: Run, id: BirthId | None = None) -> tuple[Birth, ...]:
    """From the founder down to an individual, by default the fittest of the last generation.

    Raises RunError for someone unknown or extinct.
    """
    with run.snapshot():
        if id is None:
            last = run.population()
            id = last.population[last.best].id
        return tuple(run.ancestry([id]).values())


def family_tree(run: Run, ids: Iterable[BirthId] | None = None, *, to_founders: bool = False) -> FamilyTree:
    """The tree of some individuals, by default of the last population, back to where their lines meet.

    The stem below the most recent common ancestor is left out unless `to_founders` is set. Lines of different
    founders never meet: then every one goes back to its own.
    """
    with run.snapshot():
        wanted = [birth.id for birth in run.population().population] if ids is None else list(ids)
        births = tuple(run.ancestry(wanted).values())
    place = {birth.id: n for n, birth in enumerate(births)}
    parent = np.array(
        [place.get(birth.parents[0], -1) if birth.parents else -1 for birth in births], np.int64
    )
    tree = FamilyTree(births, parent, np.unique(np.array([place[id] for id in wanted], np.int64)))
    if to_founders or not births:
        return tree
    # The last one from whom all descend; those before it are its own ancestors.
    common = np.flatnonzero(tree.descendants == len(tree.leaves))
    if len(common) == 0:
        return tree
    start = int(common[-1])
    parent = np.maximum(parent[start:] - start, -1)
    return FamilyTree(births[start:], parent, tree.leaves - start)


def common_ancestor(run: Run, ids: Iterable[BirthId] | None = None) -> Birth | None:
    """The most recent one from whom all of them descend (the last population by default), if there is one."""
    tree = family_tree(run, ids)
    return tree.births[tree.roots[0]] if len(tree.roots) == 1 else None


def clades(run: Run, generation: int) -> dict[BirthId, tuple[BirthId, ...]]:
    """The last population by the ancestor that each had alive in a generation.

    Those whose line began later (immigrants) stand under their founder. Largest clades first.
    """
    tree = family_tree(run, to_founders=True)
    head = np.arange(len(tree.births))
    for place, birth in enumerate(tree.births):
        if birth.id.generation > generation and tree.parent[place] >= 0:
            head[place] = head[tree.parent[place]]
    found: dict[BirthId, list[BirthId]] = {}
    for leaf in tree.leaves:
        found.setdefault(tree.births[head[leaf]].id, []).append(tree.births[leaf].id)
    return {id: tuple(found[id]) for id in sorted(found, key=lambda id: (-len(found[id]), id))}
