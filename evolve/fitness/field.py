"""Fitness against a field of opponents that are not ours (`engine.fields`).

In a generation everybody meets the same opponents with the same seeds, renewed every `fitness.field_renewed`
generations. With `fitness.racing` newcomers are played as far as they can still survive; survivors are exact. Nothing
rests on what the memo knows, so a resumed run, another number of workers and a deleted memo change no bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fields.declared import Field, Lanes, automaton_of, cache_folder
from engine.fields.matches import Job, changed, play_jobs
from engine.fields.memo import Memo
from engine.fields.opponents import FieldError
from engine.fields.scoring import Scores, race, score
from engine.game import Rules
from evolve.experiment.experiment import Experiment
from evolve.fitness.round_robin import Evaluated
from evolve.kinds import Genome
from evolve.streams import stream
from evolve.workers import spread
from genomes import parse
from genomes.automaton import Automaton
from results.records import Generation

CHUNKS = 4
"""Parts of the real matches for each worker: their lengths differ."""

LEAST_MATCHES = 16
"""Fewer real matches are played in this process."""


class FieldEvaluation:
    """Evaluates one population after another against the experiment's field; islands of a process share the memo."""

    def __init__(self, experiment: Experiment, workers: int = 1) -> None:
        settings = experiment.fitness
        self.experiment, self.workers = experiment, workers
        self.rules = experiment.rules_value
        self.field = field_of(experiment)
        self.memo = Memo(self.field, self.rules, folder=cache_folder(), play=self._play)
        held = {self.field.place(name) for name in settings.held_out}
        for name in settings.field_weights:
            self.field.place(name)
        self.trained = [k for k in self.field.usable if k not in held]
        """Places of the opponents that fitness comes from; the others are held out."""
        if not self.trained:
            raise FieldError("fitness.held_out: expected some opponents to be left, got all of them")
        self._known: dict[int, tuple[Genome, Automaton, str]] = {}
        self._lanes: tuple[int, Lanes] | None = None
        self.exact = 0
        """Of the last population: how many were played in every lane."""

    def __call__(self, genomes: Sequence[Genome], number: int = 0, island: int = 0) -> Evaluated:
        """Fitness of everyone in a population."""
        scores = self.scores(genomes, number)
        self.exact = int(scores.exact.sum())
        earned = scores.fitness
        price = self.experiment.fitness.parsimony
        if price:
            kind = self.experiment.genome
            earned = earned - price * np.array([kind.complexity(g, len(self._seen(g)[1])) for g in genomes])
        cooperation = float(scores.cooperation.sum()) / len(genomes)
        return Evaluated(earned.tolist(), [self._seen(g)[2] for g in genomes], cooperation)

    def scores(self, genomes: Sequence[Genome], number: int) -> Scores:
        """Everybody in the lanes of a generation: raced where the experiment says so."""
        self._known = {id(g): self._seen(g) for g in genomes}
        automata = [self._seen(g)[1] for g in genomes]
        lanes = self.lanes(number)
        kept = self.experiment.survivors  # they stand first, in id order
        if not self.experiment.fitness.racing or number == 0:
            return score(self.memo, automata, lanes)
        return race(self.memo, automata[:kept], automata[kept:], lanes, kept, number)

    def behaviour(self, genome: Genome) -> str:
        """The key of a genome's canonical automaton under the experiment's rules."""
        return self._seen(genome)[2]

    def lanes(self, number: int) -> Lanes:
        """The opponents and seeds of a generation."""
        settings = self.experiment.fitness
        epoch = number // settings.field_renewed if settings.field_renewed else 0
        if self._lanes is None or self._lanes[0] != epoch:
            seeds = stream(self.experiment.seed, epoch, "matches").integers(0, 2**32, settings.field_seeds)
            weights = dict(settings.field_weights)
            self._lanes = (
                epoch,
                self.field.lanes(seeds.tolist(), self.rules, among=self.trained, weights=weights),
            )
        return self._lanes[1]

    def _seen(self, genome: Genome) -> tuple[Genome, Automaton, str]:
        """What a genome plays as; what was there before is not compiled again."""
        found = self._known.get(id(genome))
        if found is None:
            automaton = automaton_of(genome, self.rules)
            found = self._known[id(genome)] = (genome, automaton, automaton.key.hex())
        return found

    def _play(self, automata: Sequence[Automaton], jobs: Sequence[Job]) -> NDArray[np.int8]:
        return play_on(self.field, self.rules, automata, jobs, self.workers)


def play_on(
    field: Field, rules: Rules, automata: Sequence[Automaton], jobs: Sequence[Job], workers: int
) -> NDArray[np.int8]:
    """Real matches, in processes where there are enough of them."""
    told = field.entries, field.digests, rules
    if workers == 1 or len(jobs) < LEAST_MATCHES:
        return play_jobs(*told, automata, jobs)
    parts = np.array_split(np.arange(len(jobs)), min(CHUNKS * workers, len(jobs)))
    tasks = []
    for part in parts:
        mine = [jobs[k] for k in part.tolist()]
        used = {a: k for k, a in enumerate(dict.fromkeys(job.automaton for job in mine))}
        few = [automata[a] for a in used]
        tasks.append((*told, few, [Job(used[job.automaton], job.opponent, job.seed) for job in mine]))
    return np.concatenate(list(spread(play_jobs, tasks, workers=workers)))


def field_of(experiment: Experiment) -> Field:
    """The field of an experiment; FieldError where it is not the one it was made with, or cannot be met here."""
    settings = experiment.fitness
    field = Field.load(settings.field)
    if not settings.field_digests:
        raise FieldError(
            "fitness.field: expected an experiment that was read where its opponents can be met, got one from before: "
            "read it again"
        )
    if field.digests != settings.field_digests:
        raise FieldError(f"fitness.{changed(dict(settings.field_digests), field.digests)}")
    for opponent in field.opponents:
        if opponent.kind == "unusable" and opponent.entry == opponent.name:
            raise FieldError(
                f"fitness.field: expected opponents that can be met, got {opponent.name}: {opponent.reason}"
            )
    return field


@dataclass(frozen=True)
class Reached:
    """How sure the fitness of a generation is: the standard error of a difference (root mean square over the pairs of
    survivors), and how many were met in full."""

    difference_error: float
    exact: int


def reached(experiment: Experiment, generation: Generation) -> Reached:
    """Of a recorded generation, computed anew; mostly from the memo."""
    evaluate = FieldEvaluation(experiment)
    fitness = np.array(generation.fitness)
    best = np.argsort(-fitness, kind="stable")[: max(2, experiment.survivors)]
    genomes = {
        text: parse(text) for text in dict.fromkeys(generation.population[k].genome for k in best.tolist())
    }
    scores = score(
        evaluate.memo,
        [automaton_of(g, experiment.rules_value) for g in genomes.values()],
        evaluate.lanes(generation.number),
    )
    return Reached(scores.difference_error(), len(best))
