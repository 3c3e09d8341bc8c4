"""Which way fitness is found: the one place that knows all of them.

- `evaluation`: round robins of everybody, only new meetings played
- `sampling`: round robins against a declared sample of the population
- `societies`: societies where everybody sees everything
"""

from __future__ import annotations

from evolve.experiment.experiment import Experiment
from evolve.fitness.round_robin import Evaluate, Evaluation


def evaluation(experiment: Experiment, workers: int = 1) -> Evaluate:
    """What evaluates the populations of an experiment, one after another."""
    if experiment.rules.play == "sipd":
        from evolve.fitness.society import Societies  # numba and the language: only when needed

        return Societies(experiment)
    if experiment.fitness.sample is not None:
        from evolve.fitness.sampled import SampledEvaluation

        return SampledEvaluation(experiment, workers)
    return Evaluation(experiment, workers)
