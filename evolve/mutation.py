"""How children mutate: ONE row a law.

A law says what a mutant is; `variation.mutation` says how often. A rate below 1 / births makes less than one mutant a
generation. To add one: a function and its row in `LAWS`; experiments know it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evolve.experiment.experiment import Experiment
    from evolve.kinds import Genome


def _entries(experiment: Experiment, genomes: Sequence[Genome], rng: np.random.Generator) -> list[Genome]:
    """Every entry of a genome changes with the probability, by the law of its kind (`genomes.variation`)."""
    return experiment.genome.mutate(
        genomes, rng, variation=experiment.variation, pair_only=experiment.pair_only
    )


def _redraw(experiment: Experiment, genomes: Sequence[Genome], rng: np.random.Generator) -> list[Genome]:
    """A child becomes a random genome of its kind with the probability, wherever it comes from."""
    hit = _hit(experiment, genomes, rng)
    return _replaced(genomes, hit, experiment.genome.random(len(hit), rng, pair_only=experiment.pair_only))


def _finite(experiment: Experiment, genomes: Sequence[Genome], rng: np.random.Generator) -> list[Genome]:
    """A child becomes one of the declared strategies with the probability, each equally likely."""
    hit = _hit(experiment, genomes, rng)
    members = [experiment.seed_genome(name) for name in experiment.variation.strategies]
    return _replaced(genomes, hit, [members[k] for k in rng.integers(len(members), size=len(hit)).tolist()])


def _u_shaped(experiment: Experiment, genomes: Sequence[Genome], rng: np.random.Generator) -> list[Genome]:
    """A child's probabilities are drawn anew with the probability, each from the density 1 / (pi sqrt(p (1 - p))).

    Nearly pure moves are likely then (Nowak & Sigmund, A strategy of win-stay, lose-shift, 1993).
    """
    from genomes.variation.lookups import u_shaped_lookups

    hit = _hit(experiment, genomes, rng)
    kind = experiment.genome
    return _replaced(genomes, hit, u_shaped_lookups(len(hit), kind.x, kind.y, rng, kind.z))  # type: ignore[attr-defined]


def _hit(experiment: Experiment, genomes: Sequence[Genome], rng: np.random.Generator) -> list[int]:
    """Positions of the children that mutate."""
    return np.flatnonzero(rng.random(len(genomes)) < experiment.variation.mutation).tolist()


def _replaced(genomes: Sequence[Genome], places: Sequence[int], new: Sequence[Genome]) -> list[Genome]:
    """The children with new genomes in some places; who gets what it had is no mutant."""
    mutants = list(genomes)
    for place, genome in zip(places, new, strict=True):
        if genome != mutants[place]:
            mutants[place] = genome
    return mutants


def _finite_set(experiment: Experiment) -> Iterator[str]:
    if not experiment.variation.strategies:
        yield "variation.strategies: expected those that children become with variation.law = 'finite', got none"


def _probabilities(experiment: Experiment) -> Iterator[str]:
    if not getattr(experiment.genome, "stochastic", False):
        yield (
            "variation.law: expected genome.stochastic = true with 'u_shaped', which draws probabilities of tables, "
            "got pure moves"
        )


def _anything(experiment: Experiment) -> Iterator[str]:
    yield from ()


@dataclass(frozen=True)
class Law:
    """A law of mutation: `mutate(experiment, genomes, rng)`, a child itself where nothing changed it.

    `mistakes(experiment)`: what it asks of an experiment.
    """

    mutate: Callable[[Experiment, Sequence[Genome], np.random.Generator], list[Genome]]
    mistakes: Callable[[Experiment], Iterator[str]] = _anything


LAWS = {
    "entries": Law(_entries),
    "redraw": Law(_redraw),
    "finite": Law(_finite, _finite_set),
    "u_shaped": Law(_u_shaped, _probabilities),
}
"""Every law by its name in the file."""
