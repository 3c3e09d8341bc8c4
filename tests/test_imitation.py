"""Update rules of pairwise comparison: against the exact chances of fixation, and against the long run."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from engine import Rules, fixation_probability, long_run, pair_table
from evolve import Experiment, generations
from evolve.experiment.files import ExperimentError
from evolve.operators import toolbox
from evolve.population import first_population
from evolve.updates import next_population
from genomes import parse
from tests.evolutions import run_hash

ONE_SHOT = {"continuation": 0.8}
MEMORY_ONE = {"x": 1, "y": 1}


def taken_over(update: str, beta: float, replicates: int, size: int = 6) -> int:
    """How often one All-D takes over a population of TFT, under rules of continuation .8, without mutation."""
    experiment = Experiment(
        genome=MEMORY_ONE, rules=ONE_SHOT,
        population={
            "size": size,
            "seeds": [
                {"strategy": "memory(1,1) dDDDD", "share": 1 / size},
                {"strategy": "tit_for_tat", "share": 1 - 1 / size},
            ],
        },
        selection={"update": update, "beta": beta},
        variation={"mutation": 0.0, "crossover": 0.0, "immigrants": 0},
    )  # fmt: skip
    mutant = parse("memory(1,1) dDDDD")
    (a, b), (c, d) = pair_table("all_d", "tit_for_tat", Rules(continuation=0.8)).tolist()
    won = 0
    for seed in range(replicates):
        drawn = experiment.model_copy(update={"seed": seed})
        box = toolbox(drawn)
        population = first_population(drawn, box)
        number, i = 0, 1
        while 0 < i < size:
            number += 1
            f, g = (a * (i - 1) + b * (size - i)) / (size - 1), (c * i + d * (size - i - 1)) / (size - 1)
            fitness = [f if one.genome == mutant else g for one in population]
            population = next_population(drawn, box, number, population, fitness)
            i = sum(one.genome == mutant for one in population)
        won += i == size
    return won


def test_who_imitates_takes_over_as_often_as_theory_says() -> None:
    table = pair_table("all_d", "tit_for_tat", Rules(continuation=0.8))
    won, replicates = taken_over("imitation", 0.5, 400), 400

    def rho(beta: float) -> float:
        return fixation_probability(table, 6, process="fermi", intensity=beta)

    assert stats.binomtest(won, replicates, rho(0.5)).pvalue > 1e-3
    assert stats.binomtest(won, replicates, rho(0.0)).pvalue < 1e-3  # the same test refuses drift


def residents(experiment: Experiment) -> Counter[str]:
    """What is played at the end of each generation, by genome; each population is of one kind."""
    found: Counter[str] = Counter()
    for generation in generations(experiment):
        if generation.number:
            (genome,) = {birth.genome for birth in generation.population}
            found[genome] += 1
    return found


def test_a_run_of_rare_mutants_spends_its_time_as_the_long_run_says() -> None:
    """Every newcomer is any of the 32 genomes alike, so far apart in time that each generation is a new draw."""
    experiment = Experiment(
        seed=3, generations=400, genome=MEMORY_ONE, rules=ONE_SHOT, population={"size": 20},
        selection={"update": "rare", "beta": 0.1, "mutants": 400}, variation={"immigrants": 20},
    )  # fmt: skip
    seen = residents(experiment)

    def pvalue(beta: float) -> float:
        shares = long_run("memory(1,1)", Rules(continuation=0.8), 20, beta).distribution
        return float(
            stats.chisquare([seen[name] for name in shares], [400 * s for s in shares.values()]).pvalue
        )

    assert pvalue(0.1) > 1e-3
    assert pvalue(0.3) < 1e-6  # the same test refuses another intensity


def test_one_newcomer_takes_over_by_its_exact_chance() -> None:
    experiment = Experiment(
        generations=1, genome=MEMORY_ONE, rules=ONE_SHOT, variation={"immigrants": 10},
        population={"size": 10, "seeds": [{"strategy": "memory(1,1) dDDDD", "share": 1}]},
        selection={"update": "rare", "beta": 0.2},
    )  # fmt: skip
    fixed = 0
    for seed in range(300):
        *_, last = generations(experiment.model_copy(update={"seed": seed}))
        fixed += last.population[0].genome != "memory(1,1) dDDDD"
    names = [f"memory(1,1) {text}" for text in long_run("memory(1,1)", Rules()).distribution]
    rules = Rules(continuation=0.8)
    texts = [name.removeprefix("memory(1,1) ") for name in names]
    rho = [
        fixation_probability(pair_table(text, "all_d", rules), 10, process="fermi", intensity=0.2)
        for text in texts
    ]
    chance = math.fsum(rho) / 32 - 1 / 320  # All-D's own genome changes nothing
    assert stats.binomtest(fixed, 300, chance).pvalue > 1e-3


def test_runs_of_both_rules_go_on_to_the_same_hash(tmp_path: Path) -> None:
    for update in ("imitation", "rare"):
        experiment = Experiment(
            seed=5, generations=40, genome=MEMORY_ONE, rules={"turns": 10}, population={"size": 8},
            selection={"update": update, "beta": 2.0}, variation={"mutation": 0.2},
        )  # fmt: skip
        whole = run_hash(tmp_path / f"{update}-whole", experiment)
        run_hash(tmp_path / update, experiment.changed(generations=13))
        assert run_hash(tmp_path / update, experiment) == whole
        islands = experiment.changed(islands={"number": 2, "interval": 5, "migrants": 1})
        whole = run_hash(tmp_path / f"{update}-islands-whole", islands)
        run_hash(tmp_path / f"{update}-islands", islands.changed(generations=10))
        assert run_hash(tmp_path / f"{update}-islands", islands) == whole


def test_complexity_has_its_price_in_the_chance_to_take_over() -> None:
    priced = Experiment(
        generations=40, genome=MEMORY_ONE, rules=ONE_SHOT | {"noise": 0.01}, population={"size": 10},
        selection={"update": "rare", "mutants": 100}, variation={"immigrants": 10}, fitness={"parsimony": 3.0},
    )  # fmt: skip
    found = residents(priced)  # one state costs so much that only strategies of one state last
    single = sum(found[f"memory(1,1) {moves}"] for moves in ("cCCCC", "dDDDD"))
    assert single >= 36
    free = residents(priced.changed(fitness={"parsimony": 0.0}))
    assert sum(free[f"memory(1,1) {moves}"] for moves in ("cCCCC", "dDDDD")) < 36


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"fitness": {"sample": 5}}, "fitness.sample: expected none with selection.update = 'rare', got 5"),
        (
            {"fitness": {"opponents": "panel", "panel": ["lifl"]}},
            "fitness.opponents: expected 'population' with",
        ),
        (
            {"rules": {"play": "sipd", "noise": 0.1}, "genome": {"kind": "formula"}},
            "rules.play: expected 'ipd' with selection.update = 'rare' where there is noise",
        ),
        ({"selection": {"update": "rare", "beta": -1}}, "selection.beta: expected at least 0, got -1"),
    ],
)
def test_what_has_no_exact_chance_is_refused(sections: dict[str, object], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        Experiment(**({"selection": {"update": "rare"}} | sections))


def test_societies_take_over_as_wholes() -> None:
    experiment = Experiment(
        seed=2, generations=30, genome={"kind": "formula", "max_complexity": 5}, rules={"play": "sipd", "turns": 10},
        population={"size": 8, "seeds": [{"strategy": "all_d", "share": 1}]},
        selection={"update": "rare", "mutants": 5}, variation={"immigrants": 8},
    )  # fmt: skip
    seen = residents(experiment)
    assert sum(seen.values()) == 30 and len(seen) > 1


def test_equal_fitness_is_imitated_every_second_time() -> None:
    experiment = Experiment(
        generations=400, genome={"x": 0, "y": 1}, rules={"turns": 2}, selection={"update": "imitation"},
        population={"size": 10, "seeds": [{"strategy": "memory(0,1) cCC", "share": 1}]},
        variation={"mutation": 0.0, "immigrants": 0},
    )  # fmt: skip
    births = np.array([len(g.births) for g in generations(experiment) if g.number])
    assert set(births.tolist()) == {0, 1} and stats.binomtest(int(births.sum()), 400, 0.5).pvalue > 1e-3
