"""The operators of an experiment as a DEAP toolbox: random genomes, crossover, mutation of its kind.

Selection is in `evolve.selection`.
"""

from __future__ import annotations

from typing import Any

from deap import base

from evolve.experiment.experiment import Experiment
from evolve.mutation import LAWS


def toolbox(experiment: Experiment) -> Any:
    """`random(n, rng=)`, `mutate(genomes, rng=)` and `mate(firsts, seconds, rng=)`: many genomes at once."""
    box, kind, pair_only = base.Toolbox(), experiment.genome, experiment.pair_only
    box.register("random", kind.random, pair_only=pair_only)
    box.register("mutate", LAWS[experiment.variation.law].mutate, experiment)
    box.register("mate", kind.mate, pair_only=pair_only)
    return box
