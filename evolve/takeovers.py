"""The chance that a newcomer takes over a population of one kind, exactly: what the update rule `rare` rests on.

Payoffs follow from behaviours, so each pair of behaviours is played once, and remembered while the process lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.pairs.behaviours import Form, canonical_forms, gather
from engine.pairs.exact_play import ExpectedPlay

if TYPE_CHECKING:
    from engine.game import Rules
    from evolve.experiment.experiment import Experiment
    from evolve.kinds import Genome

MAX_REMEMBERED = 2**16
"""Chances, and genomes, that are remembered at most; then all are forgotten at once."""

TOGETHER, CHEAP = 16, 1e-5
"""Behaviours that are compiled together to meet their own kind, where a meeting takes fewer seconds than this."""


class Takeovers:
    """Fixation probabilities under pairwise comparison with intensity `beta`, nobody meeting itself."""

    def __init__(self, rules: Rules, size: int, beta: float, society: bool) -> None:
        self.rules, self.size, self.beta, self.society = rules, size, beta, society
        self._forms: dict[Genome, tuple[bytes, Form | None]] = {}
        self._tables: dict[tuple[bytes, bytes], NDArray[np.float64]] = {}
        self._own: dict[bytes, float] = {}
        self._chances: dict[tuple[bytes, bytes, float], float] = {}

    def chances(
        self, resident: Genome, newcomers: Sequence[Genome], experiment: Experiment
    ) -> NDArray[np.float64]:
        """Of each newcomer, alone among residents, ``(n,)``; 0 for a genome that is the resident's own."""
        self._forget_if_many()
        self._compile([resident, *newcomers])
        self._meet(resident, newcomers)
        parsimony, price = experiment.fitness.parsimony, experiment.genome.complexity
        own, form = self._forms[resident]
        found = np.zeros(len(newcomers))
        for k, newcomer in enumerate(newcomers):
            if newcomer == resident:
                continue
            key, its = self._forms[newcomer]
            dearer = 0.0
            if parsimony:
                dearer = parsimony * (price(newcomer, _states(its)) - price(resident, _states(form)))
            pair = own, key, dearer
            if pair not in self._chances:
                self._chances[pair] = self._chance(self._tables[own, key], dearer)
            found[k] = self._chances[pair]
        return found

    def _chance(self, table: NDArray[np.float64], dearer: float) -> float:
        from engine.stability.fixation import fixation_probability

        paid = dearer * np.array([[1.0, 1.0], [0.0, 0.0]])
        return fixation_probability(table - paid, self.size, process="fermi", intensity=self.beta)

    def _meet(self, resident: Genome, newcomers: Sequence[Genome]) -> None:
        """Payoffs of newcomer and resident against both, where they are not known."""
        own = self._forms[resident][0]
        new = {self._forms[g][0]: g for g in newcomers if (own, self._forms[g][0]) not in self._tables}
        if self.society:
            from engine.stability.fixation import pair_table

            for key, genome in new.items():
                self._tables[own, key] = pair_table(
                    genome, resident, self.rules, society=True, size=self.size
                )
        elif new:
            self._meet_in_pairs(own, {own: resident} | new)

    def _meet_in_pairs(self, own: bytes, new: dict[bytes, Genome]) -> None:
        found = [(key, form) for key, form in (self._forms[genome] for genome in new.values()) if form]
        stage = self.rules.stage
        play = ExpectedPlay(gather(found, leading={own}), self.rules)
        counts = play.rows(0, 1)[0]
        theirs = stage.mean_payoff(counts, play.total).tolist()
        mine = stage.mean_payoff(counts[:, stage.swap], play.total).tolist()
        together = TOGETHER if play.seconds(1) < CHEAP else 1
        unknown = [item for item in found if item[0] not in self._own]
        for first in range(0, len(unknown), together):
            kin = ExpectedPlay(gather(unknown[first : first + together]), self.rules)
            d = np.arange(len(kin.behaviours))
            among = stage.mean_payoff(kin.rows(0, len(d))[d, d], kin.total).tolist()
            self._own.update(zip(kin.behaviours.keys, among, strict=True))
        for key, b, c in zip(play.behaviours.keys, mine, theirs, strict=True):
            self._tables[own, key] = np.array([[self._own[key], b], [c, self._own[own]]])

    def _compile(self, genomes: Sequence[Genome]) -> None:
        """Of each genome a key of what it does, and its smallest automaton where pairs are all that matters."""
        new = [genome for genome in dict.fromkeys(genomes) if genome not in self._forms]
        if self.society:
            self._forms.update((genome, (str(genome).encode(), None)) for genome in new)
        elif new:
            self._forms.update(canonical_forms(new, self.rules))

    def _forget_if_many(self) -> None:
        for known in (self._forms, self._tables, self._own, self._chances):
            if len(known) > MAX_REMEMBERED:
                known.clear()


def _states(form: Form | None) -> int:
    return 0 if form is None else len(form[0])


@lru_cache(maxsize=8)
def remembered(rules: Rules, size: int, beta: float, society: bool) -> Takeovers:
    """One memory for all steps, and islands, of an experiment in this process."""
    return Takeovers(rules, size, beta, society)
