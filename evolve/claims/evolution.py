"""Ord's claims about genetic evolution, O9 and O10: replicates, intervals and controls.

The source calls its own results very preliminary and gives no settings, so ours are small and stated. An
experiment here is the same as one in a file, run without a run file.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from engine.societies.battery import behaviour, nearest_name
from evolve.claims.ord import STATEMENTS, TURNS, Verdict
from evolve.experiment.experiment import Experiment
from evolve.loop import generations
from evolve.streams import stream
from genomes import FormulaGenome
from genomes.formula.generator import random_formula
from results.records import Generation

REPLICATES = 20
SIZE = 60
UNTIL = 40
"""Generations of evolution."""
PARSIMONY = 0.01
"""Payoff that each node of a formula costs: a hundredth of a point."""
MAX_COMPLEXITY = 15
SHARE = 0.8
"""Of a seeded population; the others are random."""
LEADING = 3
"""Very successful: among so many most common behaviours at the end."""
LOST_FOR = 10
"""Generations in a row below half of the survivors after which a population counts as invaded."""
RESIDENTS = ("vulture", "absolutist", "suspicious_absolutist")
CONTROLS = ("all_c", "all_d", "random formula")


def interval(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a probability."""
    p = successes / trials
    middle = p + z * z / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _experiment(seed: int, size: int, until: int, turns: int, **sections: Any) -> Experiment:
    return Experiment(
        seed=seed,
        generations=until,
        rules={"play": "sipd", "turns": turns},
        genome={"kind": "formula", "max_complexity": MAX_COMPLEXITY},
        population={"size": size} | sections.pop("population", {}),
        **sections,
    )


def tit_for_tat_evolves(
    *, replicates: int = REPLICATES, size: int = SIZE, until: int = UNTIL, turns: int = TURNS
) -> list[Verdict]:
    """O9: from random formulas, with and without a price on complexity."""
    verdicts = []
    for parsimony in (PARSIMONY, 0.0):
        leading, first, share = 0, Counter[str](), 0.0
        shortest: dict[str, str] = {}
        for seed in range(1, replicates + 1):
            last = _last(_experiment(seed, size, until, turns, fitness={"parsimony": parsimony}))
            names = Counter(_name(birth.genome, shortest) for birth in last.population)
            ranking = [name for name, _ in names.most_common()]
            leading += "tit_for_tat" in ranking[:LEADING]
            first[ranking[0]] += 1
            share += names["tit_for_tat"] / size / replicates
        low, high = interval(leading, replicates)
        most = ", ".join(f"{shortest.get(name, name)} {n}" for name, n in first.most_common(3))
        verdicts.append(
            Verdict(
                "O9",
                STATEMENTS["O9"],
                (
                    f"complexity costs {parsimony:g} a node"
                    if parsimony
                    else "control: complexity costs nothing"
                )
                + f"; very successful: among the {LEADING} most common behaviours at the end more often than not",
                _horizon(replicates, size, until, turns),
                f"TFT among them in {leading} of {replicates} ({low:.0%} to {high:.0%}), mean share {share:.0%}; "
                f"first: {most}",
                leading > replicates / 2,
                details={
                    "leading": leading,
                    "interval": [low, high],
                    "share": share,
                    "first": {shortest.get(name, name): n for name, n in first.items()},
                },
            )
        )
    return verdicts


def seeded_populations(
    *, replicates: int = REPLICATES, size: int = SIZE, until: int = UNTIL, turns: int = TURNS
) -> list[Verdict]:
    """O10: seeded populations under mutation, crossover and strangers, and controls on the same seeds."""
    kept = {
        resident: sum(_kept(resident, seed, size, until, turns) for seed in range(1, replicates + 1))
        for resident in (*RESIDENTS, *CONTROLS)
    }
    controls = ", ".join(f"{name} {kept[name]}" for name in CONTROLS)
    verdicts = []
    for resident in RESIDENTS:
        low, high = interval(kept[resident], replicates)
        verdicts.append(
            Verdict(
                "O10",
                STATEMENTS["O10"],
                f"{SHARE:.0%} {resident}, the rest random; invaded: below half of the survivors for {LOST_FOR} "
                "generations; avoids invasion: more often than not, beyond chance",
                _horizon(replicates, size, until, turns),
                f"not invaded in {kept[resident]} of {replicates} ({low:.0%} to {high:.0%}); controls: {controls}",
                low > 0.5,
                details={"kept": dict(kept), "interval": [low, high]},
            )
        )
    return verdicts


def _kept(resident: str, seed: int, size: int, until: int, turns: int) -> bool:
    """Does a seeded population stay what it is? Behaviours are told apart as far as the battery goes."""
    spec = resident
    if resident == "random formula":
        spec = str(random_formula(stream(seed, 0, "mutants"), max_complexity=MAX_COMPLEXITY))
    seeds = [{"strategy": spec, "share": SHARE}]
    key, lost = behaviour(spec), 0
    for generation in generations(_experiment(seed, size, until, turns, population={"seeds": seeds})):
        survivors = [b.genome for b in generation.population if b.id.generation < generation.number]
        if survivors:
            same = sum(_key(genome) == key for genome in survivors)
            lost = lost + 1 if same < len(survivors) / 2 else 0
        if lost == LOST_FOR:
            return False
    return True


_KEYS: dict[str, str] = {}


def _key(genome: str) -> str:
    if genome not in _KEYS:
        _KEYS[genome] = behaviour(FormulaGenome.parse(genome).simplify())
    return _KEYS[genome]


def _name(genome: str, shortest: dict[str, str]) -> str:
    """The catalogue name or the key of what a genome does; of the nameless the shortest text is kept."""
    name = nearest_name(genome)
    if name is not None:
        return name
    key, text = _key(genome), f"~'{FormulaGenome.parse(genome).simplify()}'"
    shortest[key] = min(shortest.get(key, text), text, key=lambda t: (len(t), t))
    return key


def _last(experiment: Experiment) -> Generation:
    *_, last = generations(experiment)
    return last


def _horizon(replicates: int, size: int, until: int, turns: int) -> str:
    return f"{turns} rounds, {until} generations of {size}, {replicates} replicates"
