"""The generational loop: an iterator that the caller drives.

It does no I/O and keeps nothing that a `Generation` does not hold, so any generation is a place to go on from.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from evolve.experiment.experiment import Experiment
from evolve.fitness.own import OwnFitness, OwnFunction
from evolve.fitness.round_robin import Evaluate
from evolve.island import Island
from evolve.islands import archipelago
from results.records import Generation


def generations(
    experiment: Experiment,
    start: Generation | None = None,
    *,
    workers: int = 1,
    operators: Any | None = None,
    evaluate: Evaluate | None = None,
    fitness: OwnFunction | None = None,
    cluster: str | None = None,
) -> Generator[Generation]:
    """Evolve: yield one evaluated generation after another, up to `experiment.generations`.

    From the beginning, or after `start` (which is not repeated). The same experiment gives the same bits
    wherever it is taken up, with any number of `workers` (threads, or processes where there are islands), and with
    islands on a Dask `cluster` (see `evolve.workers`). `operators` takes the place of the experiment's toolbox: who
    else comes in (`evolve.invasion.laws`), and `evaluate` that of its fitness (`evolve.invasion.clones`); neither
    with islands. `fitness` is a function of one's own, of the genomes and their payoffs per turn. Neither of these is
    written into a run file: who takes such a run up gives the same again.

    Ord's three sources make each generation: survivors unchanged, variants of selected parents, and random
    immigrants (Ord, "Further results on the societal iterated prisoner's dilemma", appendix II).
    """
    if fitness is not None:
        if evaluate is not None:
            raise ValueError("fitness: expected none beside evaluate, which takes its place, got both")
        evaluate = OwnFitness(experiment, fitness, workers)
    if experiment.islands.number > 1:
        if operators is not None or evaluate is not None:
            raise ValueError(
                "islands.number: expected 1 where the operators or the fitness are not the experiment's own"
            )
        return archipelago(experiment, start, workers, cluster)
    island = Island(experiment, workers=workers, operators=operators, evaluate=evaluate)
    return island.live(start, experiment.generations)
