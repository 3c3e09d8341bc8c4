"""Where the mutants come from that a resident has to resist: declared laws, each with its version.

Whether a population resists depends on who tries. A law replaces the strangers of the generational loop
(`random` of its toolbox) and leaves everything else as it is, so that a study differs from a run in nothing
but who comes in.

- global: random genomes of the experiment's kind, by the law of `variation.lookups` or `formula.generator`
- local: mutants of the resident itself, one changed entry of a table on average, one step of genetic
  programming on a formula; never the resident's own genome
- adversarial: a fixed panel, each member equally likely: the named strategies of the experiment's kind, the
  best response to the resident where it can be written as such a genome, and the `STRONGEST` of `SEARCHED`
  global mutants by their exact chance to take over, one of each behaviour and none of the resident's
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from engine.stability.certificates import best_response
from engine.stability.fixation import log_fixation, pair_table
from evolve.experiment.experiment import Experiment
from evolve.fitness import evaluation
from evolve.kinds import Genome
from evolve.operators import toolbox
from evolve.streams import stream
from genomes.reading import parse

Law = Literal["global", "local", "adversarial"]

Version = Literal[1, 2]
NEWEST: Version = 2
"""Of all laws together; part of every result. In version 1 the random formulas of a society have atoms D(x,x,t),
and so have mutants by local steps; in version 2 neither, unless the experiment says so. Else they are alike."""

SEARCHED, STRONGEST = 256, 8
"""Global mutants among which an adversarial panel looks for invaders, and how many of them it takes."""

_TRIES = 1000


def resident_genome(experiment: Experiment, strategy: str) -> Genome:
    """The genome a resident is seeded with; strategies without memory fill the tables of the experiment.

    Raises ValueError where the strategy has no genome of the experiment's kind.
    """
    return experiment.genome.filled(experiment.seed_genome(strategy))


def operators(experiment: Experiment, law: Law, resident: Genome) -> Any:
    """The experiment's toolbox with the strangers of a law."""
    box = toolbox(experiment)
    if law == "local":
        mutate = _thorough(experiment, resident).mutate

        def local(n: int, rng: np.random.Generator) -> list[Genome]:
            return [_changed(mutate, resident, rng) for _ in range(n)]

        box.register("random", local)
    elif law == "adversarial":
        members = panel(experiment.changed(seed=0, generations=0, population={"seeds": []}), str(resident))

        def adversarial(n: int, rng: np.random.Generator) -> list[Genome]:
            return [members[k] for k in rng.integers(len(members), size=n).tolist()]

        box.register("random", adversarial)
    return box


@lru_cache(maxsize=64)
def panel(experiment: Experiment, resident: str) -> tuple[Genome, ...]:
    """The adversaries of a resident (a genome's text): one of each behaviour, its own left out."""
    members: list[Genome] = []
    for name in experiment.genome.adversaries:
        try:
            members.append(resident_genome(experiment, name))
        except ValueError:  # too complex, or not of this kind
            continue
    members += _responses(experiment, resident)
    behaviour = evaluation(experiment).behaviour
    seen: set[str] = set()

    def new(genome: Genome) -> bool:
        does = behaviour(genome)
        fresh = does not in seen
        seen.add(does)
        return fresh

    new(parse(resident))
    named = [genome for genome in members if new(genome)]
    return (*named, *itertools.islice(filter(new, _strongest(experiment, resident)), STRONGEST))


def _responses(experiment: Experiment, resident: str) -> list[Genome]:
    """The best response under the experiment's horizon and in the long run, where they are genomes of its kind."""
    rules = experiment.rules_value
    found: list[Genome] = []
    in_the_long_run: dict[str, Any] = {"turns": None, "continuation": None, "limit_of_means": True}
    for horizon in ({}, in_the_long_run):
        try:
            best = best_response(resident, replace(rules, **horizon))
        except ValueError:  # no automaton: the law says so; or mechanisms that have no long run
            continue
        response = experiment.genome.response(best)
        found += [] if response is None else [response]
    return found


def _strongest(experiment: Experiment, resident: str) -> list[Genome]:
    """Many global mutants, the likeliest to take over first (imitation, exact; in societies without noise)."""
    society = experiment.rules.play == "sipd"
    rules = replace(experiment.rules_value, noise=0.0) if society else experiment.rules_value
    drawn = toolbox(experiment).random(SEARCHED, rng=stream(0, 0, "panel"))
    size = experiment.population.size
    own = parse(resident)
    if not getattr(own, "deterministic", True):
        return []
    chance: dict[Genome, float] = {}
    for genome in dict.fromkeys(drawn):
        if society and not getattr(genome, "deterministic", True):
            continue
        chance[genome] = log_fixation(
            pair_table(genome, own, rules, society=society, size=size), size, process="fermi"
        )
    # ties in the order of the text, so that nothing depends on the order of the draws
    return sorted(chance, key=lambda genome: (-chance[genome], str(genome)))


def _thorough(experiment: Experiment, resident: Genome) -> Any:
    """Operators whose mutation changes a genome about once."""
    rate = experiment.genome.single_step(resident)
    return toolbox(experiment.changed(variation={"mutation": rate}))


def _changed(mutate: Any, resident: Genome, rng: np.random.Generator) -> Genome:
    for _ in range(_TRIES):
        mutant = mutate([resident], rng=rng)[0]
        if mutant != resident:
            return mutant
    return resident
