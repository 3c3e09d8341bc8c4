"""Fitness of a population: distinct behaviours with multiplicities, and only meetings that are new.

Payoffs are a function of behaviours, so a pair that has met in the generation before is not played again,
and what dies leaves the memory. Sums run in the order of behaviour keys: an empty cache after a resume, more
workers or other blocks change no bit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.ledger import booked
from engine.names import name_of
from engine.pairs.behaviours import Behaviours, Form, canonical_forms, gather
from engine.pairs.exact_play import ExpectedPlay
from engine.pairs.sampled_play import SampledPlay
from engine.pairs.tallies import carry, tally
from engine.pairs.threads import block_ranges, in_order
from engine.stage import ITEMS
from evolve.experiment.experiment import Experiment
from evolve.kinds import Genome
from results.records import Birth, Generation, Leader

MAX_REMEMBERED = 2048
"""With up to so many distinct behaviours the meetings of a generation are kept for the next (128 MiB)."""

ROWS_PER_BLOCK = 64
"""Behaviours in one block of rows: the unit of work of a thread."""

BLOCK_MEETINGS = 2**20
"""And at most so many meetings in one (32 MiB): memory grows with the population, not with its square."""

LEADERS = 12

Keep = Callable[[NDArray[np.int64], NDArray[np.float64]], None]
"""Takes the rows of a block and their meetings ``(rows, d, o)``, columns from the row on."""


@dataclass(frozen=True)
class Evaluated:
    """A population and what it earns.

    `fitness`: one value an individual. `behaviours`: the keys of what they do (see `Birth`). `cooperation`: how
    often they cooperated in the meetings that fitness comes from. `ledger`: what mechanisms booked there for a mean
    individual, per turn, in the order of `engine.stage.ITEMS`; empty where there is none.
    """

    fitness: list[float]
    behaviours: list[str]
    cooperation: float
    ledger: tuple[float, ...] = ()


class Evaluate(Protocol):
    """Fitness of a population in a generation, whatever is played."""

    def __call__(self, genomes: Sequence[Genome], number: int, island: int = 0) -> Evaluated: ...

    def behaviour(self, genome: Genome) -> str:
        """The key of what a genome does, as in `Evaluated.behaviours`."""
        ...


class Evaluation:
    """Round robins: evaluates one population after another, remembering the meetings of the last."""

    def __init__(self, experiment: Experiment, workers: int = 1) -> None:
        self.experiment, self.workers = experiment, workers
        self.rules = experiment.rules_value
        members = [experiment.panel_strategy(s) for s in experiment.fitness.panel]
        forms = canonical_forms(members, self.rules)
        self._panel = list(forms.values())
        self._weights = np.ones(len(forms))
        """Of the panel's members in fitness."""
        if experiment.fitness.weights:
            total = dict.fromkeys(forms, 0.0)
            for member, weight in zip(members, experiment.fitness.weights, strict=True):
                total[member] += weight
            self._weights = np.array(list(total.values()))
        self._known: dict[int, tuple[Genome, tuple[bytes, Form]]] = {}
        # the islands of one process share the memory, which grows with the outcomes of a game
        share = experiment.islands.number * self.rules.stage.outcomes / 4
        self._remembered = int(MAX_REMEMBERED / math.sqrt(share))
        self._met: tuple[dict[bytes, int], NDArray[np.float64]] | None = None
        self.played = 0
        """Meetings played so far, remembered ones not counted."""

    def __call__(self, genomes: Sequence[Genome], number: int = 0, island: int = 0) -> Evaluated:
        """Fitness of everyone in a population; nothing is drawn, so the generation does not matter."""
        behaviours = gather([*self._forms(genomes), *self._panel])
        n, d = len(genomes), len(behaviours)
        here = behaviours.index[:n]
        living = np.bincount(here, minlength=d).astype(np.float64)
        panel = np.bincount(behaviours.index[n:], self._weights, minlength=d).astype(np.float64)

        among, against, own = self._totals(behaviours, living, panel)
        exact_total = float(self.rules.turns) if self.rules.turns is not None else 1.0
        fitness, cooperation, stage = np.zeros(d), 0.0, self.rules.stage
        books = np.zeros(len(ITEMS))
        others = among - own
        for totals, met, share in (
            (others, n - 1, self._population_share),
            (against, self._weights.sum(), 1 - self._population_share),
        ):
            if share:
                fitness = fitness + share * stage.mean_payoff(totals, exact_total * met)
                rates = stage.cooperation(totals, exact_total * met)
                cooperation += share * float((rates * living).sum()) / n
                if self.rules.mechanisms:
                    frequencies = (totals * living[:, None]).sum(axis=0) / (exact_total * met * n)
                    books += share * booked(self.rules, frequencies)
        earned = self._charged(fitness[here], genomes, behaviours.sizes[here])
        keys = [key.hex() for key in behaviours.keys]
        ledger = tuple(books.tolist()) if self.rules.mechanisms else ()
        return Evaluated(earned.tolist(), [keys[k] for k in here.tolist()], cooperation, ledger)

    def behaviour(self, genome: Genome) -> str:
        """The key of a genome's canonical automaton under the experiment's rules."""
        ((key, _),) = canonical_forms([genome], self.rules).values()
        return key.hex()

    def _forms(self, genomes: Sequence[Genome]) -> list[tuple[bytes, Form]]:
        """What each plays as; what was there before is not compiled again."""
        known = self._known  # by identity: survivors are the same objects, and genomes are slow to hash
        new = canonical_forms([g for g in genomes if id(g) not in known], self.rules)
        self._known = {id(g): known.get(id(g)) or (g, new[g]) for g in genomes}
        return [self._known[id(g)][1] for g in genomes]

    def _charged(
        self, earned: NDArray[np.float64], genomes: Sequence[Genome], states: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Fitness less the price of complexity."""
        price = self.experiment.fitness.parsimony
        if not price:
            return earned
        return earned - price * np.array(
            [
                self.experiment.genome.complexity(genome, s)
                for genome, s in zip(genomes, states.tolist(), strict=True)
            ]
        )

    @property
    def _population_share(self) -> float:
        """The share of fitness that is earned within the population."""
        settings = self.experiment.fitness
        return {"population": 1.0, "panel": 0.0, "both": 1.0 - settings.panel_share}[settings.opponents]

    def _meetings(self, behaviours: Behaviours) -> ExpectedPlay | SampledPlay:
        """What plays the meetings of a generation."""
        return ExpectedPlay(behaviours, self.rules)

    def _totals(
        self, behaviours: Behaviours, living: NDArray[np.float64], panel: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Outcomes of each behaviour with all the living, with the panel, and with itself: ``(d, o)`` each."""
        d = len(behaviours)
        play = self._meetings(behaviours)
        before = self._met
        was = np.full(d, -1, np.int64)
        if before is not None:
            was[:] = [before[0].get(key, -1) for key in behaviours.keys]
        # without the population as opponents only meetings with the panel count
        to_play = was < 0 if self._population_share else panel > 0
        stage, size = self.rules.stage, (d, self.rules.stage.outcomes)
        among, against, own = np.zeros(size), np.zeros(size), np.zeros(size)
        remember = d <= self._remembered and self._population_share > 0
        kept = np.empty((d, *size)) if remember else None
        new = int(to_play.sum())
        meetings = new * d - new * (new - 1) // 2
        faced = bool(panel.any())

        def keep(rows: NDArray[np.int64], block: NDArray[np.float64]) -> None:
            if before is not None and self._population_share:
                carry(before[1], was, rows, block)
            tally(stage, block, rows, living, living, among)
            if faced:
                tally(stage, block, rows, panel, panel, against)
            own[rows] = block[np.arange(len(rows)), rows]
            if kept is not None:
                kept[rows] = block

        self._play(play, d, to_play, meetings, keep)
        self._met = None if kept is None else ({key: k for k, key in enumerate(behaviours.keys)}, kept)
        return among, against, own

    def _play(
        self,
        play: ExpectedPlay | SampledPlay,
        last: int,
        to_play: NDArray[np.bool_],
        meetings: int,
        keep: Keep,
    ) -> None:
        """Play the behaviours before `last`, and `keep` each block, in order; by threads when that pays."""
        self.played += meetings
        in_order(
            lambda first, end: play.rows(first, end, to_play),
            lambda first, end, block: keep(np.arange(first, end), block),
            block_ranges(last, min(ROWS_PER_BLOCK, BLOCK_MEETINGS // len(to_play)), self.workers),
            workers=self.workers,
            seconds=play.seconds(meetings),
        )


def record(
    number: int,
    population: Sequence[Birth],
    fitness: Sequence[float],
    cooperation: float,
    ledger: tuple[float, ...],
    slips: bool,
) -> Generation:
    """The record of an evaluated population, which stands in id order; `slips`: see `Rules`."""
    counts = Counter([birth.behaviour for birth in population])
    # ties by key, so that the order says nothing about who came first
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:LEADERS]
    ranked = [item for item in ranked if item[1] > 1] or ranked[:1]
    example: dict[str, str] = {}
    for birth in reversed(population):
        example[birth.behaviour] = birth.genome
    return Generation(
        number=number,
        population=tuple(population),
        fitness=tuple(fitness),
        cooperation=cooperation,
        leaders=tuple(Leader(key, count, name_of(key, noisy=slips), example[key]) for key, count in ranked),
        behaviours=len(counts),
        ledger=ledger,
    )
