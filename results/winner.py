"""The winner of a run in words: what it does, how it arose, whether it resists."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from engine.likeness import nearest
from genomes import catalogue
from genomes.formula.genome import FormulaGenome
from genomes.group import GroupGenome
from genomes.lookup import LookupGenome, memory_text
from genomes.reading import parse
from genomes.texts import shortened
from genomes.wording import change, table
from results.lineage import line_of_descent
from results.records import Birth, Generation
from results.run.store import Run
from results.sentences import MOST_NAMED, Sentence, Setting

LONGEST_TOLD = 90
"""Letters of a genome, or of a change, in a sentence."""

MOST_STATES = 300
"""A winner with more states gets no certificate in a story, which has to be told at once."""

SCANNED = ((0, 1, 0), (1, 0, 0), (1, 1, 0), (1, 2, 0), (2, 1, 0))
"""Memories of which every pure strategy is tried against the winner."""


def winner_of(generation: Generation) -> Birth:
    """The fittest, oldest individual of the behaviour that leads a generation."""
    key = generation.leaders[0].behaviour
    places = [n for n, birth in enumerate(generation.population) if birth.behaviour == key]
    return generation.population[max(places, key=lambda n: (generation.fitness[n], -n))]


class WinnerTeller:
    """The sentences about the winner of a run."""

    def __init__(self, run: Run, setting: Setting, latest: Generation) -> None:
        self.run, self.setting, self.latest = run, setting, latest
        self.winner = winner_of(latest)

    def sentences(self) -> Iterator[Sentence]:
        """What it is, where it comes from, whether it resists, and what to try next."""
        yield from (self.ending(), self.descent(), self.resistance(), self.next_step())

    def ending(self) -> Sentence:
        """Who leads in the end, and what that is."""
        leader = self.latest.leaders[0]
        size = len(self.latest.population)
        name = self.setting.who(self.winner.behaviour, self.winner.genome)
        facts = {
            "at": self.latest.number,
            "who": name,
            "count": leader.count,
            "size": size,
            "genome": self.winner.genome,
            "what": self._what(),
        }
        reached = f"In {self.setting.when(self.latest.number)}"
        if self.latest.number < self.setting.planned:
            facts["planned"] = self.setting.planned
            reached += f" (of {self.setting.planned:,} planned)"
        text = f"{reached} {name} leads with {leader.count:,} of {size:,}: {facts['what']}."
        return Sentence("ending", text, facts)

    def _what(self) -> str:
        """What the winner does, in a few words."""
        name = self.setting.name(self.winner.behaviour)
        entry = catalogue.find(name.lstrip("~")) if name else None
        if entry is not None:
            return f"it {entry.rule}"
        genome = parse(self.winner.genome)
        if isinstance(genome, GroupGenome):
            return f"its genome is {shortened(self.winner.genome, LONGEST_TOLD)}"
        if isinstance(genome, LookupGenome) and sum(genome.memory) <= 2:
            return "it plays " + ", ".join(f"{move} {when}" for when, move in table(genome))
        like = nearest(genome)
        if like is not None:
            return f"it plays most like {like[0]} ({like[1]:.0%} of moves in play with named strategies)"
        return f"its genome is {shortened(self.winner.genome, LONGEST_TOLD)}"

    def descent(self) -> Sentence:
        """The line of the winner: its founder, and the last mutations that changed what it does."""
        line = line_of_descent(self.run, self.winner.id)
        steps = [(a, b) for a, b in pairwise(line) if a.behaviour != b.behaviour]
        told: list[dict[str, Any]] = [
            {"generation": b.id.generation, "origin": b.origin, "change": change(a.genome, b.genome)}
            for a, b in steps[-MOST_NAMED:]
        ]
        founder = line[0]
        kinds = {"seed": "an individual of the first population", "immigrant": "an immigrant"}
        facts = {
            "births": len(line),
            "births_since": len(line) - 1,
            "founder": str(founder.id),
            "origin": founder.origin,
            "decisive": len(steps),
            "steps": told,
        }
        begun = kinds.get(founder.origin, f"a {founder.origin} whose parents are not on record")
        text = f"Its line goes back to {begun} of {self.setting.when(founder.id.generation)}"
        if len(line) > 1:
            text += f", over {len(line) - 1:,} birth{'s' if len(line) > 2 else ''}"
        if not steps:
            return Sentence("descent", f"{text}; nothing on it changed what it does.", facts)
        said = [
            f"in {self.setting.when(s['generation'])} ({s['origin']}) {shortened(s['change'], LONGEST_TOLD)}"
            for s in told
        ]
        count = f"{len(steps):,} of them" if len(steps) > 1 else "one of them"
        last = ", the last" if len(steps) > len(told) else ""
        return Sentence("descent", f"{text}; {count} changed what it does{last}: {'; '.join(said)}.", facts)

    def resistance(self) -> Sentence:
        """The certificate of the winner: the best that any rare mutant earns against it."""
        genome = parse(self.winner.genome)
        if isinstance(genome, FormulaGenome) and not genome.pair_only:
            text = "It looks at third parties, so nothing certifies it against mutants of every kind: try survival."
            return Sentence("resistance", text, {"certificate": None})
        if isinstance(genome, GroupGenome):
            text = "It plays in groups: evolve commons tries it against every genome of its class."
            return Sentence("resistance", text, {"certificate": None})
        from engine.stability.certificates import best_response, resident_automaton  # numba: only when needed

        rules = self.setting.rules
        try:
            states = len(resident_automaton(genome, rules))
            best = best_response(genome, rules) if states <= MOST_STATES else None
        except ValueError as error:
            return Sentence("resistance", f"There is no certificate for it: {error}.", {"certificate": None})
        if best is None:
            text = f"With {states} states its certificate takes time: evolve certify computes it."
            return Sentence("resistance", text, {"certificate": None, "states": states})
        facts = {"gap": best.nash_gap, "self": best.self_payoff, "value": best.value, "best": best.words}
        if best.nash_gap == 0:
            text = (
                "In pairs no rare mutant of any memory does better against it than the "
                f"{best.self_payoff:.4g} a turn that it earns from itself (Nash gap 0); neutral ones may drift in."
            )
            return Sentence("resistance", text, facts)
        text = (
            f"It is no Nash equilibrium: in pairs {best.words} earns {best.nash_gap:.3g} a turn more against it "
            f"than it earns from itself ({best.self_payoff:.4g})."
        )
        return Sentence("resistance", text + self._in_class(genome, facts), facts)

    def _in_class(self, genome: Any, facts: dict[str, Any]) -> str:
        """What the best of the winner's own kind earns against it, where all of them can be tried."""
        if not isinstance(genome, LookupGenome) or genome.memory not in SCANNED:
            return ""
        from engine.stability.scans import scan

        kind = memory_text(*genome.memory)
        strongest = scan(genome, (genome.x, genome.y), self.setting.rules).leading("invades", 1)
        facts["class"] = kind
        if not strongest:
            return f" Of all pure {kind} strategies none does better."
        one = strongest[0]
        name = one.name or str(one.genome).partition(") ")[2]
        facts |= {"invader": name, "advantage": one.advantage}
        return f" Of all pure {kind} strategies {name} does best against it, with {one.advantage:.3g} a turn more."

    def next_step(self) -> Sentence:
        """What to try next."""
        facts: dict[str, Any] = {"seed": self.setting.seed + 1}
        noise = 0.0 if self.setting.rules.noisy else 0.01
        facts["noise"] = noise
        text = (
            f"Was that chance? --set seed={facts['seed']} runs it once more; --set rules.noise={noise:g} says what "
            f"{'happens without mistakes' if noise == 0 else 'mistakes do'}."
        )
        return Sentence("next", text, facts)
