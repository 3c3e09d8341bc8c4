"""One population, generation after generation: evaluate it, then make the next one by the update rule.

It is all there is without islands, and one island where there are several.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from evolve.experiment.experiment import Experiment
from evolve.fitness import evaluation
from evolve.fitness.round_robin import Evaluate, record
from evolve.individuals import Individual
from evolve.operators import toolbox
from evolve.population import first_population
from evolve.updates import next_population
from genomes import parse
from results.records import Birth, Generation


class Island:
    """One population and what evaluates it: all there is without islands."""

    def __init__(
        self,
        experiment: Experiment,
        number: int = 0,
        workers: int = 1,
        operators: Any | None = None,
        evaluate: Evaluate | None = None,
    ) -> None:
        self.experiment, self.number = experiment, number
        self._box = toolbox(experiment) if operators is None else operators
        self._evaluate = evaluation(experiment, workers) if evaluate is None else evaluate
        self._population: list[Individual] = []
        self._current: Generation | None = None

    def live(
        self, start: Generation | None, last: int, arrivals: Sequence[Birth] = ()
    ) -> Generator[Generation]:
        """Its generations after `start` up to `last`; `arrivals` come to stay in the first of them."""
        experiment, box = self.experiment, self._box
        if start is None:
            self._population = first_population(experiment, box, self.number)
            start = self._record(0)
            yield start
        elif start is not self._current:
            self._population, self._current = revive(start), start
        current = start
        for number in range(start.number + 1, last + 1):
            self._population = next_population(
                experiment, box, number, self._population, current.fitness, self.number, arrivals
            )
            arrivals = ()
            current = self._record(number)
            yield current

    def _record(self, number: int) -> Generation:
        """Evaluate the population."""
        population = self._population
        result = self._evaluate([i.genome for i in population], number, self.number)
        births = [i.birth(does) for i, does in zip(population, result.behaviours, strict=True)]
        slips = self.experiment.rules_value.slips
        self._current = record(number, births, result.fitness, result.cooperation, result.ledger, slips)
        return self._current


def revive(generation: Generation) -> list[Individual]:
    """The individuals of a recorded generation."""
    genomes = {text: parse(text) for text in dict.fromkeys(birth.genome for birth in generation.population)}
    return [Individual(b.id, b.parents, b.origin, genomes[b.genome], b) for b in generation.population]
