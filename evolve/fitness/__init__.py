"""Which way fitness is found: the one place that knows all of them.

- `evaluation`: round robins of everybody, only new meetings played
- `sampled`: round robins against a declared sample of the population
- `by_chance`: round robins of matches that are sampled instead of computed
- `societies`: societies where everybody sees everything
- `groups`: groups of n that are drawn at random
- `field`: matches with a declared field of opponents that are not ours
- `own`: a function of one's own, given to `generations`
"""

from __future__ import annotations

import math

from evolve.experiment.experiment import Experiment
from evolve.fitness.round_robin import Evaluate, Evaluation
from evolve.kinds import Genome
from genomes.reading import parse
from results.records import Generation


def evaluation(experiment: Experiment, workers: int = 1) -> Evaluate:
    """What evaluates the populations of an experiment, one after another."""
    if experiment.rules.play == "sipd":
        from evolve.fitness.society import Societies  # numba and the language: only when needed

        return Societies(experiment)
    if experiment.rules.play == "groups":
        from evolve.fitness.groups import GroupsAtRandom

        return GroupsAtRandom(experiment)
    if experiment.fitness.opponents == "field":
        from evolve.fitness.field import FieldEvaluation

        return FieldEvaluation(experiment, workers)
    if experiment.fitness.sample is not None:
        from evolve.fitness.sampled import SampledEvaluation

        return SampledEvaluation(experiment, workers)
    if experiment.fitness.sampled is not None:
        from evolve.fitness.by_chance import MatchesByChance

        return MatchesByChance(experiment, workers)
    return Evaluation(experiment, workers)


def difference_error(experiment: Experiment, generation: Generation) -> float:
    """Standard error, through sampling, of the difference in fitness of two individuals of a generation.

    The root mean square over all pairs (of one island), for the sampling that the experiment declares: of opponents
    (`fitness.sample`) or of matches (`fitness.sampled`); 0 where nothing is sampled. Computed anew from the seed and
    the generation.
    """
    evaluate = evaluation(experiment)
    error_of = getattr(evaluate, "difference_error", None)
    if error_of is None:
        return 0.0
    living: dict[int, list[Genome]] = {}
    for birth in generation.population:
        living.setdefault(birth.id.island, []).append(parse(birth.genome))
    errors = [error_of(living[k], generation.number, k) for k in sorted(living)]
    return math.sqrt(math.fsum(error**2 for error in errors) / len(errors))
