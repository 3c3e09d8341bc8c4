"""How long a generation will take, roughly, before it is begun: so that nobody waits for minutes without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolve.experiment.experiment import Experiment

LONG_SECONDS = 60.0
"""A generation that takes longer is worth a warning."""


def seconds_a_generation(experiment: Experiment) -> float:
    """Rough time of a generation of exact meetings between tables or machines on one core; 0 where it is none.

    Meetings without chance take no time worth speaking of; what a society or a field takes is not estimated.
    """
    from engine.pairs.chains import seconds_by_chain

    rules, states = experiment.rules_value, experiment.genome.joint_states()
    chance = rules.slips or getattr(experiment.genome, "stochastic", False)
    if states is None or not chance or experiment.rules.play != "ipd":
        return 0.0
    return _meetings(experiment) * seconds_by_chain(rules, states)


def warning(experiment: Experiment) -> str | None:
    """What to say before a generation that takes minutes, with the ways out; None for one that does not."""
    seconds = seconds_a_generation(experiment)
    if seconds < LONG_SECONDS:
        return None
    how_long = (
        f"about {seconds / 60:,.0f} minutes" if seconds < 5400 else f"about {seconds / 3600:,.0f} hours"
    )
    return (
        f"a generation takes {how_long}: {_meetings(experiment):,.0f} meetings with chance. Less: a smaller memory, "
        "fitness.sample = 20 (each meets 20 drawn ones), a smaller population, or fewer turns"
    )


def _meetings(experiment: Experiment) -> float:
    """New meetings of a generation: of the newborn with everybody they meet, where all are different."""
    size = experiment.population.size
    born = size - experiment.survivors if experiment.selection.update == "generational" else 1
    met = size if experiment.fitness.sample is None else min(experiment.fitness.sample, size)
    return float(born * met)
