"""Ord's claims about genetic evolution, O9 and O10: replicates, intervals and controls.

The source calls its own results very preliminary and gives no settings, so ours are small and stated. An
experiment here is the same as one in a file, run without a run file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, get_args

from engine.intervals import wilson
from engine.names import name_as_tested
from engine.societies.battery import behaviour
from evolve.claims.claim import Verdict, more_often_than_not, under_both
from evolve.claims.ecologies import TURNS
from evolve.experiment.experiment import Experiment
from evolve.invasion.loss import WINDOW, outnumbering
from evolve.loop import generations
from evolve.streams import stream
from genomes import FormulaGenome
from genomes.formula.generator import random_formula
from genomes.formula.syntax import Quantifiers

REPLICATES = 20
SIZE = 60
GENERATIONS = 40
"""Generations of evolution."""
PARSIMONY = 0.01
"""Payoff that each node of a formula costs: a hundredth of a point."""
MAX_COMPLEXITY = 15
RESIDENT_SHARE = 0.8
"""Of a seeded population; the others are random."""
LEADERS = 3
"""Very successful: among so many most common behaviours at the end."""
RESIDENTS = ("vulture", "absolutist", "suspicious_absolutist")
CONTROLS = ("all_c", "all_d", "random formula")
LAW = "our settings, and random formulas without D(x,x)"


@dataclass(frozen=True)
class Settings:
    """How long and how often we let formulas evolve; `seed` numbers the replicates."""

    replicates: int = REPLICATES
    size: int = SIZE
    until: int = GENERATIONS
    turns: int = TURNS

    def __str__(self) -> str:
        evolution = f"{self.until} generations of {self.size}"
        return f"{self.turns} rounds, {evolution}, {self.replicates} replicates"

    def experiment(self, seed: int, quantifiers: Quantifiers, **sections: Any) -> Experiment:
        """One replicate."""
        return Experiment(
            seed=seed,
            generations=self.until,
            rules={"play": "sipd", "turns": self.turns, "quantifiers": quantifiers},
            genome={"kind": "formula", "max_complexity": MAX_COMPLEXITY},
            population={"size": self.size} | sections.pop("population", {}),
            **sections,
        )


@dataclass(frozen=True)
class RandomStartClaim:
    """O9: from random formulas, with and without a price on complexity."""

    settings: Settings = Settings()
    name = "O9"
    source = "ord"
    statement = "evolution from random strategies: TFT is very successful, strong for its complexity"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """With the price and without, and for each reading of quantifiers where they differ."""
        settings = _repeated(self.settings, replicates)
        return [
            verdict
            for price in (PARSIMONY, 0.0)
            for verdict in under_both(partial(self._verdict, settings, price))
        ]

    def _verdict(self, settings: Settings, parsimony: float, quantifiers: Quantifiers) -> Verdict:
        leading, first, share = 0, Counter[str](), 0.0
        shortest: dict[str, str] = {}
        for seed in range(1, settings.replicates + 1):
            *_, last = generations(settings.experiment(seed, quantifiers, fitness={"parsimony": parsimony}))
            names = Counter(_name(birth.genome, quantifiers, shortest) for birth in last.population)
            ranking = [name for name, _ in names.most_common()]
            leading += "tit_for_tat" in ranking[:LEADERS]
            first[ranking[0]] += 1
            share += names["tit_for_tat"] / settings.size / settings.replicates
        low, high = wilson(leading, settings.replicates)
        most = ", ".join(f"{shortest.get(name, name)} {n}" for name, n in first.most_common(3))
        costs = f"complexity costs {parsimony:g} a node" if parsimony else "control: complexity costs nothing"
        return Verdict(
            self.name,
            self.statement,
            f"{costs}; very successful: among the {LEADERS} most common behaviours at the end more often than not",
            str(settings),
            f"TFT among them in {leading} of {settings.replicates} ({low:.0%} to {high:.0%}), mean share {share:.0%}; "
            f"first: {most}",
            more_often_than_not(low, high),
            details={
                "leading": leading,
                "interval": [low, high],
                "share": share,
                "first": {shortest.get(name, name): n for name, n in first.items()},
            },
            rests_on=LAW,
        )


@dataclass(frozen=True)
class SeededClaim:
    """O10: seeded populations under mutation, crossover and strangers, and controls on the same seeds."""

    settings: Settings = Settings()
    name = "O10"
    source = "ord"
    statement = "populations seeded with Vultures, Absolutists or Suspicious Absolutists avoid invasion"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One for each resident, and for each reading of quantifiers where they differ."""
        settings = _repeated(self.settings, replicates)
        kept = {
            quantifiers: {name: _kept(name, settings, quantifiers) for name in (*RESIDENTS, *CONTROLS)}
            for quantifiers in get_args(Quantifiers)
        }
        return [
            verdict
            for resident in RESIDENTS
            for verdict in under_both(partial(self._verdict, settings, resident, kept))
        ]

    def _verdict(
        self,
        settings: Settings,
        resident: str,
        kept: dict[Quantifiers, dict[str, int]],
        quantifiers: Quantifiers,
    ) -> Verdict:
        mine = kept[quantifiers]
        low, high = wilson(mine[resident], settings.replicates)
        controls = ", ".join(f"{name} {mine[name]}" for name in CONTROLS)
        return Verdict(
            self.name,
            self.statement,
            f"{RESIDENT_SHARE:.0%} {resident}, the rest random; invaded: below half of the survivors for {WINDOW} "
            "generations; avoids invasion: more often than not",
            str(settings),
            f"not invaded in {mine[resident]} of {settings.replicates} ({low:.0%} to {high:.0%}); controls: {controls}",
            more_often_than_not(low, high),
            details={"kept": mine, "interval": [low, high]},
            rests_on=f"{LAW}; against the controls, since a resident that drifts may last too",
        )


O9, O10 = RandomStartClaim(), SeededClaim()


def _repeated(settings: Settings, replicates: int | None) -> Settings:
    return settings if replicates is None else replace(settings, replicates=replicates)


def _kept(resident: str, settings: Settings, quantifiers: Quantifiers) -> int:
    """How many populations seeded with a resident stay what they are."""
    return sum(_stays(resident, seed, settings, quantifiers) for seed in range(1, settings.replicates + 1))


def _stays(resident: str, seed: int, settings: Settings, quantifiers: Quantifiers) -> bool:
    """Does a seeded population stay what it is? Behaviours are told apart as far as the battery goes."""
    spec = resident
    if resident == "random formula":
        spec = str(random_formula(stream(seed, 0, "mutants"), max_complexity=MAX_COMPLEXITY))
    seeds = [{"strategy": spec, "share": RESIDENT_SHARE}]
    key, below = behaviour(spec, quantifiers), 0
    for generation in generations(settings.experiment(seed, quantifiers, population={"seeds": seeds})):
        found = outnumbering(generation, key, lambda birth: _key(birth.genome, quantifiers))
        below = 0 if found is None else below + 1
        if below == WINDOW:
            return False
    return True


@cache
def _key(genome: str, quantifiers: Quantifiers) -> str:
    return behaviour(FormulaGenome.parse(genome).simplify(quantifiers), quantifiers)


def _name(genome: str, quantifiers: Quantifiers, shortest: dict[str, str]) -> str:
    """The catalogue name or the key of what a genome does; of the nameless the shortest text is kept."""
    name = name_as_tested(genome, quantifiers)
    if name is not None:
        return name
    key = _key(genome, quantifiers)
    text = f"~'{FormulaGenome.parse(genome).simplify(quantifiers)}'"
    shortest[key] = min(shortest.get(key, text), text, key=lambda t: (len(t), t))
    return key
