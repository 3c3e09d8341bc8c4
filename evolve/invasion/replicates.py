"""Does a seeded population resist? Residents under continued mutation and injection, until they are lost.

Two protocols, chosen by `selection.update`:

- generational: a population of residents evolves while mutants of a declared law come in. It is *lost* at the
  first of `WINDOW` generations in a row in which fewer than half of the *survivors* play like the resident
  (newcomers of a generation are not counted: variants and strangers alone could exceed half). The horizon is
  `generations`; the populations run `WINDOW` - 1 further, so that censoring at the horizon says nothing about
  what was about to happen.
- moran: one mutant at a time, drawn independently and introduced after absorption; lost when another behaviour
  has taken over everyone. Time counts mutants, and theory knows the answer: (1 - E rho)**k.

Replicate k of every resident has the same seed, so residents are compared in pairs (common random numbers).
Controls: `all_c`, `all_d`, `random` (a random genome in each replicate) and `clone`: residents marked by a tag
and followed by it, while every mutant and every stranger is an unmarked copy. A child has the tag of its
primary parent unless it counts as a mutation; nobody else has it. Whatever outlasts the clone is not drift.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from evolve.experiment.experiment import Experiment
from evolve.fitness import evaluation
from evolve.invasion.invaders import Cause, cause_of, class_name
from evolve.invasion.laws import Law, operators, resident_genome
from evolve.invasion.study import WINDOW, Study, Task
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
    return _sequential(study, task) if study.sequential else _continued(study, task)


def history(study: Study, task: Task) -> Iterator[Generation]:
    """The generations of one population, from the seeded one to the last that the event may need."""
    experiment, resident, law = _prepared(study, task)
    box = operators(experiment, law, resident)
    return generations_of(experiment, box)


def generations_of(experiment: Experiment, box: Any, start: Generation | None = None) -> Iterator[Generation]:
    """The loop, with other operators, on one thread, as long as somebody waits for the outcome."""
    for generation in generations(experiment, start, workers=1, operators=box):
        if abandoned():
            raise AbandonedError
        yield generation


def _prepared(study: Study, task: Task) -> tuple[Experiment, Genome, Law]:
    """The experiment of one replicate, its resident, and who comes in."""
    law: Law = study.invasion.law
    seed = int(stream(study.experiment.seed, task.replicate, "mutants").integers(2**63))
    base = study.experiment
    if not task.control or task.resident in ("all_c", "all_d"):
        resident = resident_genome(base, task.resident)
    elif task.resident == "random":
        resident = operators(base, "global", None).random(1, rng=stream(seed, 0, "seeding"))[0]
    else:
        law = "clone"
        resident = resident_genome(base, study.invasion.residents[0])
    experiment = base.changed(
        seed=seed,
        generations=study.invasion.generations + WINDOW - 1,
        population={"seeds": [{"strategy": str(resident), "share": 1.0}]},
    )
    return experiment, resident, law


def _continued(study: Study, task: Task) -> Outcome:
    """Continued mutation and injection."""
    _, resident, law = _prepared(study, task)
    marked = Marked(law == "clone")
    mutants = below = by_horizon = 0
    first: Outcome | None = None
    for generation in history(study, task):
        mutants += marked.see(generation)
        if generation.number <= study.invasion.generations:
            by_horizon = mutants
        if generation.number == 0:
            continue
        survivors = [b for b in generation.population if b.id.generation < generation.number]
        strangers = [b for b in survivors if not marked.has(b)]
        if 2 * len(strangers) <= len(survivors):
            if generation.number >= study.invasion.generations:
                break
            below, first = 0, None
            continue
        below += 1
        if first is None:
            if generation.number > study.invasion.generations:
                break
            invader, share = _leading(strangers, len(survivors))
            first = Outcome(
                task.label, task.replicate, True, generation.number, mutants, invader.genome,
                class_name(study.experiment, invader.genome), share,
            )  # fmt: skip
        if below == WINDOW:
            return _explained(study, first, resident, law)
    return Outcome(task.label, task.replicate, False, study.invasion.generations, by_horizon)


class Marked:
    """Who belongs to the residents: by behaviour, or for clones by the tag of the first generation.

    A child has its primary parent's tag, unless it is a mutation; strangers have none.
    """

    def __init__(self, by_tag: bool) -> None:
        self.by_tag = by_tag
        self._home = ""
        self._tagged: dict[BirthId, bool] = {}
        self._behaviour: dict[BirthId, str] = {}

    def see(self, generation: Generation) -> int:
        """Take in a generation; how many of its newcomers are mutants: strangers, and children unlike their parent."""
        if generation.number == 0:
            self._home = generation.population[0].behaviour
        tagged, mutants = {}, 0
        for birth in generation.population:
            if birth.id.generation < generation.number:
                tagged[birth.id] = self._tagged[birth.id]
                continue
            parent = birth.parents[0] if birth.parents else None
            tagged[birth.id] = birth.origin == "seed" or (
                parent is not None and birth.origin != "mutation" and self._tagged[parent]
            )
            if birth.origin == "immigrant":
                mutants += 1
            elif parent is not None:
                unlike = birth.behaviour != self._behaviour[parent]
                mutants += unlike or (self.by_tag and birth.origin == "mutation")
        self._tagged = tagged
        self._behaviour = {b.id: b.behaviour for b in generation.population}
        return mutants

    def has(self, birth: Birth) -> bool:
        """Whether someone in the latest generation belongs to the residents."""
        return self._tagged[birth.id] if self.by_tag else birth.behaviour == self._home


def _leading(strangers: list[Birth], among: int) -> tuple[Birth, float]:
    """One of the most frequent behaviour, and its share."""
    counts = Counter(b.behaviour for b in strangers)
    most = min(counts, key=lambda key: (-counts[key], key))
    return next(b for b in strangers if b.behaviour == most), counts[most] / among


def _sequential(study: Study, task: Task) -> Outcome:
    """One mutant after another, each until nobody differs."""
    from evolve.fitness.round_robin import record
    from evolve.individuals import newborns

    prepared, resident, law = _prepared(study, task)
    size = prepared.population.size
    experiment = prepared.changed(
        generations=10**9,
        population={"seeds": []},
        selection={"method": "roulette"},
        variation={"mutation": 0.0, "crossover": 0.0, "immigrants": 0},
    )
    evaluate = evaluation(experiment)
    noisy = experiment.rules_value.noisy
    draw = operators(prepared, law, resident).random
    for k in range(1, study.invasion.generations + 1):
        mutant = draw(1, rng=stream(prepared.seed, k, "immigrants"))[0]
        members = newborns(0, 0, [("seed", (), resident)] * (size - 1) + [("immigrant", (), mutant)])
        met = evaluate([m.genome for m in members], 0)
        births = [m.birth(does) for m, does in zip(members, met.behaviours, strict=True)]
        start = record(0, births, met.fitness, met.cooperation, noisy)
        home, other = start.population[0].behaviour, start.population[-1].behaviour
        if law == "clone":
            # nobody earns more than anybody: the tag is lost when the last individual's line takes over
            alone = experiment.changed(seed=int(stream(prepared.seed, k, "death").integers(2**63)))
            if _line_takes_over(alone, start):
                return Outcome(task.label, task.replicate, True, k, k, str(mutant), None, 1.0, "drift")
            continue
        if home == other:
            continue
        alone = experiment.changed(seed=int(stream(prepared.seed, k, "death").integers(2**63)))
        end = next(g for g in _loop(alone, start) if g.behaviours == 1)
        if end.population[0].behaviour == other:
            name = class_name(study.experiment, str(mutant))
            lost = Outcome(task.label, task.replicate, True, k, k, str(mutant), name, 1.0)
            return _explained(study, lost, resident, law)
    horizon = study.invasion.generations
    return Outcome(task.label, task.replicate, False, horizon, horizon)


def _loop(experiment: Experiment, start: Generation) -> Iterator[Generation]:
    from evolve.operators import toolbox

    return generations_of(experiment, toolbox(experiment), start)


def _line_takes_over(experiment: Experiment, start: Generation) -> bool:
    """Whether, when nobody differs, everyone descends from the last individual in the end."""
    marked = {b.id: b is start.population[-1] for b in start.population}
    for generation in _loop(experiment, start):
        marked = {b.id: marked[b.id if b.id in marked else b.parents[0]] for b in generation.population}
        if len(set(marked.values())) == 1:
            return next(iter(marked.values()))
    raise AssertionError("neutral drift ends")  # pragma: no cover


def _explained(study: Study, outcome: Outcome, resident: Genome, law: Law) -> Outcome:
    """The outcome with its cause."""
    assert outcome.invader is not None
    if law == "clone":
        return replace(outcome, cause="drift", name="unmarked clone")
    cause = cause_of(study.experiment, parse(outcome.invader), resident)
    return replace(outcome, cause=cause)
