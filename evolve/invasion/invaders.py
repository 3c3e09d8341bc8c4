"""Who invaded, and why: the name of a behaviour class, and what exact payoffs say of an invader."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, get_args

from engine.societies.sipd import society
from engine.stability.fixation import pair_table
from evolve.experiment.experiment import Experiment
from evolve.fitness import evaluation
from evolve.kinds import Genome
from genomes.reading import parse

Cause = Literal["advantaged", "neutral, then advantaged", "neutral", "disadvantaged", "drift"]
"""advantaged: earns more against the resident than the resident does against itself. neutral, then advantaged:
as much, and more among its own kind than the resident earns from it. neutral: as much, and no more.
disadvantaged: less; chance carried it, or others opened the door. drift: among clones
(`evolve.invasion.clones`)."""

CAUSES: tuple[Cause, ...] = get_args(Cause)

REPLICATES = 16
"""Sampled plays of a noisy society behind a cause; differences below two standard errors count as none."""


def cause_of(experiment: Experiment, invader: Genome, resident: Genome) -> Cause:
    """How an invader fares against residents alone: by exact payoffs, sampled in societies with noise or chance."""
    rules = experiment.rules_value
    if experiment.rules.play == "sipd":
        certain = not rules.noisy and all(
            getattr(genome, "deterministic", True) for genome in (invader, resident)
        )
        if not certain:
            return _sampled(experiment, invader, resident)
        size = experiment.population.size
        tables = pair_table(invader, resident, rules, society=True, size=size).reshape(-1, 2, 2)
        (_, b), (_, d) = tables[0].tolist()
        (a, _), (c, _) = tables[len(tables) // 2].tolist()
    else:
        (a, b), (c, d) = pair_table(invader, resident, rules).tolist()
    slack = 1e-9 * max(1.0, abs(a), abs(b), abs(c), abs(d))
    if b > d + slack:
        return "advantaged"
    if b < d - slack:
        return "disadvantaged"
    return "neutral, then advantaged" if a > c + slack else "neutral"


def _sampled(experiment: Experiment, invader: Genome, resident: Genome) -> Cause:
    """Two invaders among residents, then half and half: whose mean is clearly higher."""
    size = experiment.population.size
    verdicts = []
    for count in (2, size // 2):
        result = society(
            {invader: count, resident: size - count},
            experiment.rules_value,
            replicates=REPLICATES,
            seed=experiment.seed,
        )
        assert result.standard_errors is not None
        gain = float(result.means[0] - result.means[1])
        error = math.hypot(*result.standard_errors.tolist())
        verdicts.append(0 if abs(gain) <= 2 * error else math.copysign(1, gain))
    rare, common = verdicts
    if rare:
        return "advantaged" if rare > 0 else "disadvantaged"
    return "neutral, then advantaged" if common > 0 else "neutral"


def class_name(experiment: Experiment, genome: str) -> str | None:
    """The catalogue name of a genome's behaviour class in an experiment, if it has one."""
    behaviour, named = _class_names(experiment)
    return named.get(behaviour(parse(genome)))


@lru_cache(maxsize=8)
def _class_names(experiment: Experiment) -> tuple[Callable[[Genome], str], dict[str, str]]:
    """What tells the classes of an experiment's genomes, and their names in the catalogue."""
    behaviour = evaluation(experiment).behaviour
    named: dict[str, str] = {}
    for name, genome in experiment.genome.named(experiment.pair_only, experiment.rules_value.slips).items():
        named.setdefault(behaviour(genome), name)
    return behaviour, named
