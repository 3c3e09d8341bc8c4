"""Individuals: a genome with its birth certificate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evolve.kinds import Genome
from results.records import Birth, BirthId, Origin

Born = tuple[Origin, tuple[BirthId, ...], Genome]
"""Someone about to be born: origin, parents (primary first), genome."""


@dataclass(slots=True, eq=False)
class Individual:
    """Someone who lives: who it is, where it comes from, and its genome."""

    id: BirthId
    parents: tuple[BirthId, ...]
    origin: Origin
    genome: Genome
    recorded: Birth | None = None
    """Its birth as recorded: a survivor keeps it, since what it plays does not change."""

    def birth(self, behaviour: str) -> Birth:
        """What the run file keeps of it."""
        if self.recorded is None:
            self.recorded = Birth(self.id, self.parents, self.origin, str(self.genome), behaviour)
        return self.recorded


def newborns(generation: int, island: int, born: Iterable[Born]) -> list[Individual]:
    """Number the individuals born in one generation on one island, in the order given."""
    return [
        Individual(BirthId(generation, island, slot), parents, origin, genome)
        for slot, (origin, parents, genome) in enumerate(born)
    ]
