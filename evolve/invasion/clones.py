"""The control for drift: what becomes of a resident's class where payoffs do not depend on genomes.

In a population of *clones* the same law mutates the same kind of genomes and sends the same strangers, and a member of
the resident's class is whoever's genome plays like the resident, as in a real population; but everybody *plays* as the
resident, so that payoffs, and with them survival and births, do not depend on the genomes. A silent mutation keeps a
child in the class, one back brings it in, and so do strangers that play like the resident: members and others are
treated alike in all things. The expected share x of the class then follows from the laws alone. With s survivors, v
variants and m immigrants among n individuals, and p the distribution of genomes,

    E p' = [s p + v p M + m q] / n,    x = sum of p over the genomes that play like the resident,

where M is the matrix of mutation and q the law of the strangers, whatever the game. A resident that is lost sooner or
later than its clones is not one that drifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from evolve.experiment.experiment import Experiment
from evolve.fitness import evaluation
from evolve.fitness.round_robin import Evaluated
from evolve.kinds import Genome


class ClonesFitness:
    """Evaluates a population as if everybody were the resident; behaviours are those of the genomes."""

    def __init__(self, experiment: Experiment, resident: Genome) -> None:
        self._evaluate = evaluation(experiment)
        self._behaviour = lru_cache(maxsize=4096)(self._evaluate.behaviour)
        self._resident = resident

    def __call__(self, genomes: Sequence[Genome], number: int, island: int = 0) -> Evaluated:
        """What residents earn among themselves, and what everybody's genome would do."""
        met = self._evaluate([self._resident] * len(genomes), number, island)
        return replace(met, behaviours=[self._behaviour(genome) for genome in genomes])

    def behaviour(self, genome: Genome) -> str:
        """The key of what a genome would do."""
        return self._behaviour(genome)
