"""Fitness in societies: what everyone earns where everybody sees everything.

Without noise and chance a society is played by one representative of each strategy, or a few (see
`engine.societies.twins`), and not played again while the same representatives are there. Otherwise every individual
is played, drawn anew in every generation.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.ledger import ledger_of
from engine.pairs.behaviours import canonical_forms
from engine.societies import battery
from engine.societies.sipd import PlayTable, play_table, society
from engine.societies.twins import most_played, players
from engine.stage import ITEMS
from evolve.experiment.experiment import Experiment
from evolve.fitness.round_robin import Evaluated
from evolve.kinds import Genome
from evolve.streams import stream
from genomes.automaton import Automaton
from genomes.formula.genome import FormulaGenome
from genomes.strategy import is_compiled

MAX_REMEMBERED = 64
"""Societies whose play is kept, the most recent ones."""


@dataclass(frozen=True, slots=True)
class Member:
    """How a genome takes part: what has the same `key` plays alike, and is played once."""

    key: bytes
    player: FormulaGenome | Automaton
    complexity: int
    behaviour: str
    """What it does, for the record: exact for an automaton, as far as tested for a formula."""


class Societies:
    """Evaluates one population after another, in one society or in random ones of a given size."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.rules = experiment, experiment.rules_value
        self._known: dict[Genome, Member] = {}
        self._tables: dict[tuple[tuple[bytes, int], ...], PlayTable] = {}
        self.played = 0
        """Societies played so far, remembered ones not counted."""

    def __call__(self, genomes: Sequence[Genome], number: int = 0, island: int = 0) -> Evaluated:
        """Fitness of everyone in a population."""
        self._known = {
            g: self._known[g] if g in self._known else self._member(g) for g in dict.fromkeys(genomes)
        }
        members = [self._known[g] for g in genomes]
        chance = stream(self.experiment.seed, number, "society", island)
        fitness = np.zeros(len(genomes))
        cooperation, books = 0.0, np.zeros(len(ITEMS))
        size = self.experiment.rules.society or len(genomes)
        for places in groups(len(genomes), size, chance):
            earned, rate, booked = self._society([members[k] for k in places.tolist()], chance)
            fitness[places] = earned
            cooperation += rate * len(places) / len(genomes)
            books += booked * len(places) / len(genomes)
        parsimony = self.experiment.fitness.parsimony
        if parsimony:
            fitness -= parsimony * np.array([member.complexity for member in members])
        ledger = tuple(books.tolist()) if self.rules.mechanisms else ()
        return Evaluated(fitness.tolist(), [member.behaviour for member in members], cooperation, ledger)

    def _society(
        self, members: list[Member], chance: np.random.Generator
    ) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
        """What each of some individuals earns in their society, how often they cooperate, and what is booked."""
        counts = Counter(member.key for member in members)
        player = {member.key: member.player for member in members}
        keys = sorted(counts)
        n = np.array([counts[key] for key in keys])
        if self.rules.noisy or any(isinstance(p, Automaton) and not p.deterministic for p in player.values()):
            result = society(
                {player[key]: counts[key] for key in keys},
                self.rules,
                replicates=self.experiment.rules.replicates,
                seed=int(chance.integers(2**63)),
            )
            means, rates = result.means, result.cooperation
            ledger = result.ledger
            self.played += 1
        else:
            table = self._table(keys, [player[key] for key in keys], n)
            means = table.mean_payoffs(n)
            ledger = ledger_of(table.names, self.rules, table.frequencies(n))
            rates = table.joint_counts[:, :, :2].sum(axis=2) / float(self.rules.turns or 1)
        meetings = np.outer(n, n) - np.diag(n)
        cooperation = float((np.where(meetings > 0, rates, 0.0) * meetings).sum() / meetings.sum())
        place = {key: k for k, key in enumerate(keys)}
        books = np.zeros(len(ITEMS)) if ledger is None else np.average(ledger.amounts, axis=0, weights=n)
        return means[[place[member.key] for member in members]], cooperation, books

    def _table(self, keys: list[bytes], strategies: list[Any], counts: NDArray[np.int64]) -> PlayTable:
        """The play of exactly these strategies, so many of each as it depends on."""
        played = players(most_played(strategies, self.rules.quantifiers), counts)
        key = tuple(zip(keys, played.tolist(), strict=True))
        table = self._tables.pop(key, None)
        if table is None:
            table = play_table(strategies, self.rules, counts)
            self.played += 1
        self._tables[key] = table  # the most recent last
        if len(self._tables) > MAX_REMEMBERED:
            del self._tables[next(iter(self._tables))]
        return table

    def behaviour(self, genome: Genome) -> str:
        """The key of what a genome does: exact for an automaton, as far as tested for another formula."""
        return self._member(genome).behaviour

    def _member(self, genome: Genome) -> Member:
        """What a genome plays as: a canonical automaton where it is one, else its simplified formula."""
        price = self.experiment.genome.complexity
        simple = genome.simplify(self.rules.quantifiers) if isinstance(genome, FormulaGenome) else genome
        if not is_compiled(simple):
            key = hashlib.sha256(str(simple).encode()).digest()
            return Member(key, simple, price(genome, 0), battery.behaviour(simple, self.rules.quantifiers))
        ((key, form),) = canonical_forms([simple], self.rules).values()
        return Member(key, Automaton(*form), price(genome, len(form[0])), key.hex())


def groups(n: int, size: int, chance: np.random.Generator) -> list[NDArray[np.int64]]:
    """Positions of `n` individuals in random societies of `size`; a last one of one player joins the one before."""
    if size >= n:
        return [np.arange(n)]
    order = chance.permutation(n)
    drawn = [order[k : k + size] for k in range(0, n, size)]
    if len(drawn[-1]) == 1:
        drawn[-2:] = [np.concatenate(drawn[-2:])]
    return drawn
