"""Does a seeded population resist? Residents under continued mutation and injection, until they are lost.

Two protocols, chosen by `selection.update`:

- generational: a population of residents evolves while mutants of a declared law come in. It is *lost* when its
  survivors are outnumbered for `WINDOW` generations in a row (`evolve.invasion.loss`). The horizon is
  `generations`; the populations run `WINDOW` - 1 further, so that censoring at the horizon says nothing about
  what was about to happen.
- moran: one mutant at a time, drawn independently and introduced after absorption; lost when another behaviour
  has taken over everyone. Time counts mutants, and theory knows the answer: (1 - E rho)**k.

Replicate k of every resident has the same seed, so residents are compared in pairs (common random numbers).
Controls: `all_c`, `all_d`, `random` (a random genome in each replicate) and `clone`: every population once more, with
the same law and the same seed, where payoffs do not depend on what genomes would do (`evolve.invasion.clones`). What a
resident has beyond its clones is not drift.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evolve.experiment.experiment import Experiment
from evolve.fitness import evaluation
from evolve.fitness.round_robin import Evaluate
from evolve.invasion.clones import ClonesFitness
from evolve.invasion.invaders import Cause, cause_of, class_name
from evolve.invasion.laws import operators, resident_genome
from evolve.invasion.loss import WINDOW, outnumbering
from evolve.invasion.study import Study, Task
from evolve.kinds import Genome
from evolve.loop import generations
from evolve.streams import stream
from evolve.workers import AbandonedError, abandoned
from genomes.reading import parse
from results.records import Birth, BirthId, Generation


@dataclass(frozen=True)
class Outcome:
    """What became of one population.

    `time`: the generation of the loss (for moran: the number of the mutant), the horizon where there was none
    (censored). `mutants`: how many had come in by then. `invader`: a genome of the behaviour that was most
    frequent among the survivors other than residents at the loss, `share` how frequent, `cause` what exact
    payoffs say of it.
    """

    label: str
    replicate: int
    lost: bool
    time: int
    mutants: int
    invader: str | None = None
    name: str | None = None
    share: float | None = None
    cause: Cause | None = None


def follow(study: Study, task: Task) -> Outcome:
    """Follow one population to its loss or to the horizon; the same arguments give the same outcome."""
    return _sequential(study, task) if study.sequential else continued(study, task)


def history(study: Study, task: Task) -> Iterator[Generation]:
    """The generations of one population, from the seeded one to the last that the event may need."""
    experiment, resident = _prepared(study, task)
    box = operators(experiment, study.invasion.law, resident)
    return _loop(experiment, box, None, _clones(task, experiment, resident))


def _loop(
    experiment: Experiment, box: Any, start: Generation | None, evaluate: Evaluate | None
) -> Iterator[Generation]:
    """The loop, with other operators and perhaps fitness, on one thread, as long as somebody waits for the outcome."""
    for generation in generations(experiment, start, workers=1, operators=box, evaluate=evaluate):
        if abandoned():
            raise AbandonedError
        yield generation


def _clones(task: Task, experiment: Experiment, resident: Genome) -> Evaluate | None:
    """Fitness among clones; the experiment's own for a real population."""
    return ClonesFitness(experiment, resident) if task.clone else None


def _prepared(study: Study, task: Task) -> tuple[Experiment, Genome]:
    """The experiment of one replicate, and its resident."""
    seed = int(stream(study.experiment.seed, task.replicate, "mutants").integers(2**63))
    base = study.experiment
    if task.control and task.resident == "random":
        resident = operators(base, "global", None).random(1, rng=stream(seed, 0, "seeding"))[0]
    else:
        resident = resident_genome(base, task.resident)
    experiment = base.changed(
        seed=seed,
        generations=study.invasion.generations + WINDOW - 1,
        population={"seeds": [{"strategy": str(resident), "share": 1.0}]},
    )
    return experiment, resident


def continued(study: Study, task: Task) -> Outcome:
    """Continued mutation and injection."""
    home = ""
    mutants = below = by_horizon = 0
    first: Outcome | None = None
    behaviour: dict[BirthId, str] = {}
    for generation in history(study, task):
        mutants += _mutants(generation, behaviour)
        behaviour = {b.id: b.behaviour for b in generation.population}
        if generation.number <= study.invasion.generations:
            by_horizon = mutants
        if generation.number == 0:
            home = generation.population[0].behaviour
            continue
        found = outnumbering(generation, home)
        if found is None:
            if generation.number >= study.invasion.generations:
                break
            below, first = 0, None
            continue
        below += 1
        if first is None:
            if generation.number > study.invasion.generations:
                break
            invader, share = _leading(*found)
            first = Outcome(
                task.label, task.replicate, True, generation.number, mutants, invader.genome,
                class_name(study.experiment, invader.genome), share,
            )  # fmt: skip
        if below == WINDOW:
            return _explained(study, task, first)
    return Outcome(task.label, task.replicate, False, study.invasion.generations, by_horizon)


def _mutants(generation: Generation, before: Mapping[BirthId, str]) -> int:
    """How many newcomers are mutants: strangers, and children unlike their parent (`before`: what parents do)."""
    new = [b for b in generation.population if b.id.generation == generation.number]
    return sum(
        b.origin == "immigrant" or (bool(b.parents) and b.behaviour != before[b.parents[0]]) for b in new
    )


def _leading(strangers: list[Birth], among: int) -> tuple[Birth, float]:
    """One of the most frequent behaviour, and its share."""
    counts = Counter(b.behaviour for b in strangers)
    most = min(counts, key=lambda key: (-counts[key], key))
    return next(b for b in strangers if b.behaviour == most), counts[most] / among


def _sequential(study: Study, task: Task) -> Outcome:
    """One mutant after another, each until nobody differs."""
    from evolve.fitness.round_robin import record
    from evolve.individuals import newborns
    from evolve.operators import toolbox

    prepared, resident = _prepared(study, task)
    size = prepared.population.size
    experiment = prepared.changed(
        generations=10**9,
        population={"seeds": []},
        selection={"method": "roulette"},
        variation={"mutation": 0.0, "crossover": 0.0, "immigrants": 0},
    )
    clones = _clones(task, experiment, resident)
    evaluate = evaluation(experiment) if clones is None else clones
    slips = experiment.rules_value.slips
    draw = operators(prepared, study.invasion.law, resident).random
    for k in range(1, study.invasion.generations + 1):
        mutant = draw(1, rng=stream(prepared.seed, k, "immigrants"))[0]
        members = newborns(0, 0, [("seed", (), resident)] * (size - 1) + [("immigrant", (), mutant)])
        met = evaluate([m.genome for m in members], 0)
        births = [m.birth(does) for m, does in zip(members, met.behaviours, strict=True)]
        start = record(0, births, met.fitness, met.cooperation, met.ledger, slips)
        home, other = start.population[0].behaviour, start.population[-1].behaviour
        if home == other:
            continue
        alone = experiment.changed(seed=int(stream(prepared.seed, k, "death").integers(2**63)))
        end = next(g for g in _loop(alone, toolbox(alone), start, clones) if g.behaviours == 1)
        if end.population[0].behaviour == other:
            name = class_name(study.experiment, str(mutant))
            return _explained(
                study, task, Outcome(task.label, task.replicate, True, k, k, str(mutant), name, 1.0)
            )
    horizon = study.invasion.generations
    return Outcome(task.label, task.replicate, False, horizon, horizon)


def _explained(study: Study, task: Task, outcome: Outcome) -> Outcome:
    """The outcome with its cause."""
    if task.clone:
        return replace(outcome, cause="drift")
    assert outcome.invader is not None
    _, resident = _prepared(study, task)
    return replace(outcome, cause=cause_of(study.experiment, parse(outcome.invader), resident))
