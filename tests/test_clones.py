"""The control for drift is neutral: its expectation is the one of the laws alone, and payoffs do not enter it."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from engine.stability.fixation import fixation_probability, pair_table
from evolve.fitness import evaluation
from evolve.invasion.laws import panel, resident_genome
from evolve.invasion.replicates import follow, history
from evolve.invasion.study import Study, Task, clones_of
from genomes.lookup import LookupGenome
from results.records import Generation

SIZE, SURVIVORS, STRANGERS, RATE = 20, 10, 2, 0.05
REPLICATES, LAST = 100, 12
MEMORY_ONE = [
    LookupGenome(1, 1, (float(k & 1),), tuple(float(k >> bit & 1) for bit in range(1, 5))) for k in range(32)
]

STUDY = Study.of(
    ["tit_for_tat", "all_d"],
    {
        "population": {"size": SIZE},
        "selection": {"survivors": SURVIVORS},
        "rules": {"turns": 5},
        "variation": {"mutation": RATE, "immigrants": STRANGERS},
    },
    generations=LAST,
    replicates=REPLICATES,
)


def members(study: Study, resident: str) -> NDArray[np.bool_]:
    """Which of the 32 memory-one genomes play like the resident."""
    behaviour = evaluation(study.experiment).behaviour
    home = behaviour(resident_genome(study.experiment, resident))
    return np.array([behaviour(genome) == home for genome in MEMORY_ONE])


def expected_shares(study: Study, resident: str) -> NDArray[np.float64]:
    """E p' = [s p + v p M + m q] / n with the matrix of independent flips, from the resident's genome."""
    flip = np.array([[1 - RATE, RATE], [RATE, 1 - RATE]])
    mutation = reduce(np.kron, [flip] * 5)  # row k: the five bits of k, the highest first
    p = np.zeros(32)
    p[MEMORY_ONE.index(resident_genome(study.experiment, resident))] = 1
    variants = SIZE - SURVIVORS - STRANGERS
    shares = []
    for _ in range(LAST + 1):
        shares.append(p[members(study, resident)].sum())
        p = (SURVIVORS * p + variants * p @ mutation + STRANGERS * np.full(32, 1 / 32)) / SIZE
    return np.array(shares)


def tagged(generation: Generation, tags: dict[object, bool]) -> dict[object, bool]:
    """Not the control: a tag that every mutation loses and no stranger has."""
    return {
        b.id: tags[b.id]
        if b.id in tags
        else b.origin == "seed" or (b.origin == "clone" and tags[b.parents[0]])
        for b in generation.population
    }


def observed(study: Study, task: Task, *, by_tag: bool = False) -> NDArray[np.float64]:
    """The share of the resident's class ``(replicates, generations)``."""
    shares = np.zeros((REPLICATES, LAST + 1))
    for k in range(REPLICATES):
        tags: dict[object, bool] = {}
        for generation in history(study, task._replace(replicate=k)):
            if generation.number > LAST:
                break
            if generation.number == 0:
                home = generation.population[0].behaviour
            tags = tagged(generation, tags)
            mine = [tags[b.id] if by_tag else b.behaviour == home for b in generation.population]
            shares[k, generation.number] = np.mean(mine)
    return shares


def distance(shares: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the expectation, in standard errors, in the generations 2, 5 and 12."""
    when = [2, 5, LAST]
    error = shares[:, when].std(axis=0, ddof=1) / math.sqrt(REPLICATES)
    return np.asarray(np.abs(shares[:, when].mean(axis=0) - expected[when]) / error)


@pytest.mark.parametrize("resident", ["pavlov", "all_d"])
def test_the_class_of_a_resident_drifts_among_clones_as_the_laws_alone_say(resident: str) -> None:
    expected = expected_shares(STUDY, resident)
    assert (distance(observed(STUDY, Task(resident, False, 0, clone=True)), expected) < 4).all()
    # the test can fail: with payoffs the class does not drift
    assert distance(observed(STUDY, Task(resident, False, 0)), expected).max() > 4


def test_a_tag_that_silence_loses_and_no_stranger_has_is_not_a_neutral_control() -> None:
    assert members(STUDY, "all_d").sum() == 4  # what it would do after a C of its own is never seen
    by_tag = observed(STUDY, Task("all_d", False, 0, clone=True), by_tag=True)
    assert distance(by_tag, expected_shares(STUDY, "all_d")).min() > 4


def test_who_the_clones_are_does_not_enter_their_descent() -> None:
    def descent(resident: str) -> list[object]:
        generations = history(STUDY, Task(resident, False, 3, clone=True))
        return [[(b.id, b.parents) for b in g.population] for g in generations]

    assert descent("tit_for_tat") == descent("all_d")
    real = [[(b.id, b.parents) for b in g.population] for g in history(STUDY, Task("all_d", False, 3))]
    assert real != descent("all_d")


def test_among_clones_in_a_noisy_society_luck_is_the_same_for_all() -> None:
    # nobody mutates and no stranger of a panel plays like the resident: E x' = x (s + v) / n
    study = Study.of(
        ["grim"],
        {
            "genome": {"kind": "formula", "max_complexity": 20},
            "population": {"size": 8},
            "selection": {"survivors": 4},
            "rules": {"play": "sipd", "turns": 6, "noise": 0.05, "replicates": 1},
            "variation": {"mutation": 0.0, "immigrants": 1},
        },
        law="adversarial",
        generations=LAST,
        replicates=REPLICATES,
    )
    behaviour = evaluation(study.experiment).behaviour
    grim = resident_genome(study.experiment, "grim")
    alone = study.experiment.changed(seed=0, generations=0)
    assert behaviour(grim) not in map(behaviour, panel(alone, str(grim)))
    expected = (7 / 8) ** np.arange(LAST + 1)
    shares = observed(study, Task("grim", False, 0, clone=True))
    assert (shares[:, 1] == 7 / 8).all()
    assert (distance(shares, expected) < 4).all()
    assert distance(observed(study, Task("grim", False, 0)), expected).max() > 4


def test_one_mutant_at_a_time_takes_over_clones_as_often_as_one_in_n() -> None:
    # a silent mutant takes over nothing, among clones as among residents
    study = Study.of(
        ["all_d"],
        {
            "population": {"size": 6},
            "rules": {"turns": 20},
            "selection": {"update": "moran"},
            "seed": 3,
        },
        replicates=300,
        generations=2,
    )
    unlike = 28 / 32
    held = sum(not follow(study, Task("all_d", False, k, clone=True)).lost for k in range(300))
    assert stats.binomtest(held, 300, (1 - unlike / 6) ** 2).pvalue > 1e-4
    real = np.mean(
        [
            0.0 if like else fixation_probability(pair_table(m, "all_d", study.experiment.rules_value), 6)
            for m, like in zip(MEMORY_ONE, members(study, "all_d"), strict=True)
        ]
    )
    assert stats.binomtest(held, 300, (1 - real) ** 2).pvalue < 1e-4  # the test can fail


def test_every_population_has_its_clones_with_crossover_too() -> None:
    study = Study.of(["tft"], {"variation": {"crossover": 0.5}}, replicates=2, generations=3)
    names = ["tft", "control: all_c", "control: all_d", "control: random"]
    assert study.labels == [*names, *map(clones_of, names)]
    outcome = follow(study, Task("random", True, 0, clone=True))
    assert outcome.label == "clones of control: random" and outcome.mutants > 0
    first = next(history(study, Task("random", True, 0, clone=True))).population[0].genome
    assert first == next(history(study, Task("random", True, 0))).population[0].genome
