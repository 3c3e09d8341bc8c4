"""Islands: populations that evolve apart and now and then exchange migrants along a ring.

The law: every island is a population of `population.size` with streams of its own (index: the island).
In each generation whose number is a multiple of `islands.interval`, island k receives copies of `migrants`
individuals that lived on island k - 1 in the generation before, its best (ties at random) or any, without
replacement. A migrant is born where it arrives, as a clone of the one that stayed, and takes a place that would
have been a variant's (with ``update = "moran"``, that of a uniformly drawn individual).

Between migrations islands know nothing of each other, so each computes an *epoch* by itself: in this process, in
others, or on a cluster. Where that is changes no bit.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from contextlib import nullcontext
from typing import Any

from evolve.experiment.experiment import Experiment
from evolve.fitness.round_robin import record
from evolve.island import Island
from evolve.streams import stream
from evolve.workers import AbandonedError, abandoned, cluster_client, spread
from results.records import Birth, Generation

EPOCH_GENERATIONS = 100
"""Generations in an epoch at most: it is held in memory, and a signal waits for its end."""


def ends_epoch(experiment: Experiment, number: int) -> bool:
    """True when generation `number` is the last of an epoch: migrants arrive next, or it was `EPOCH_GENERATIONS`."""
    return (number + 1) % experiment.islands.interval % EPOCH_GENERATIONS == 0


def archipelago(
    experiment: Experiment, start: Generation | None, workers: int, cluster: str | None
) -> Generator[Generation]:
    """The generations of all islands together, after `start`: each an epoch ahead of what is yielded.

    One client serves all epochs on a cluster; it is closed with the iterator.
    """
    with nullcontext() if cluster is None else cluster_client(cluster, workers) as client:
        yield from _epochs(experiment, start, workers, client)


def _epochs(
    experiment: Experiment, start: Generation | None, workers: int, client: Any | None
) -> Generator[Generation]:
    count = experiment.islands.number
    slips = experiment.rules_value.slips
    now: list[Generation | None] = [None] * count if start is None else [*_apart(start, count)]
    number = -1 if start is None else start.number
    here = [Island(experiment, k) for k in range(count)] if workers == 1 and client is None else None
    text = experiment.to_toml()
    while number < experiment.generations:
        last = number + 1
        while last < experiment.generations and not ends_epoch(experiment, last):
            last += 1
        coming = _migrants(experiment, number + 1, now)
        if here is not None:
            parts = [list(here[k].live(now[k], last, coming[k])) for k in range(count)]
        else:
            tasks = [(text, k, now[k], coming[k], last) for k in range(count)]
            parts = list(spread(epoch, tasks, workers=workers, cluster=client))
        for together in zip(*parts, strict=True):
            yield _together(together, slips)
        now = [part[-1] for part in parts]
        number = last


def epoch(
    text: str, island: int, start: Generation | None, arrivals: Sequence[Birth], last: int
) -> list[Generation]:
    """One island's generations after `start` up to `last`: a task for anywhere. `text`: the experiment (TOML)."""
    lived = []
    for generation in Island(Experiment.parse(text), island).live(start, last, arrivals):
        if abandoned():
            raise AbandonedError
        lived.append(generation)
    return lived


def _migrants(experiment: Experiment, number: int, now: Sequence[Generation | None]) -> list[list[Birth]]:
    """Who comes to each island in generation `number`, in id order."""
    settings = experiment.islands
    sent: list[list[Birth]] = []
    for k, living in enumerate(now):
        if living is None or number % settings.interval:
            sent.append([])
            continue
        order = stream(experiment.seed, number, "migration", k).permutation(len(living.population)).tolist()
        if settings.selection == "best":
            order.sort(key=living.fitness.__getitem__, reverse=True)  # stable: ties stay in random order
        sent.append([living.population[place] for place in sorted(order[: settings.migrants])])
    return sent[-1:] + sent[:-1]


def _together(parts: Sequence[Generation], slips: bool) -> Generation:
    """All islands as one generation, everyone in id order."""
    everyone = sorted(
        (pair for part in parts for pair in zip(part.population, part.fitness, strict=True)),
        key=lambda pair: pair[0].id,
    )
    births, fitness = zip(*everyone, strict=True)
    cooperation = sum(part.cooperation for part in parts) / len(parts)
    ledger = tuple(
        math.fsum(amounts) / len(parts) for amounts in zip(*(part.ledger for part in parts), strict=True)
    )
    return record(parts[0].number, births, fitness, cooperation, ledger, slips)


def _apart(generation: Generation, count: int) -> list[Generation]:
    """A generation island by island: everyone lives where they were born."""
    living: list[list[tuple[Birth, float]]] = [[] for _ in range(count)]
    for birth, earned in zip(generation.population, generation.fitness, strict=True):
        living[birth.id.island].append((birth, earned))
    return [
        Generation(
            generation.number,
            tuple(birth for birth, _ in island),
            tuple(earned for _, earned in island),
            generation.cooperation,
            (),
            0,
        )
        for island in living
    ]
