"""Fitness from sampled matches: right on average, its error as it says, the same bits wherever it is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve import Experiment, ExperimentError, generations
from evolve.fitness import difference_error, evaluation
from genomes.variation.lookups import random_lookups
from genomes.variation.machines import random_machines
from tests.conftest import Command
from tests.evolutions import run_hash

SAMPLED = Experiment(
    seed=3,
    generations=6,
    rules={"turns": 20, "noise": 0.05},
    genome={"x": 1, "y": 1},
    population={"size": 12, "seeds": [{"strategy": "tit_for_tat", "share": 0.3}]},
    fitness={"sampled": 8},
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rules": {"turns": None, "continuation": 0.9}, "genome": {"stochastic": True}},
        {"fitness": {"opponents": "both", "panel": ["grim", "gtft"], "weights": [1.0, 3.0]}},
    ],
    ids=["noise", "continuation", "panel"],
)
def test_sampled_fitness_is_exact_on_average_and_errs_as_it_says(changes: dict[str, Any]) -> None:
    sampled = SAMPLED.changed(**changes)
    exact = sampled.changed(fitness={"sampled": None})
    genomes = random_lookups(9, 1, 1, sampled.genome.stochastic, np.random.default_rng(2))
    genomes += genomes[:3]
    truth = np.array(evaluation(exact)(genomes, 0).fitness)
    judge = evaluation(sampled)
    found = np.array([judge(genomes, number).fitness for number in range(60)])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert np.abs((found.mean(axis=0) - truth) / error).max() < 4
    assert np.abs((found.mean(axis=0) - truth * 1.05) / error).max() > 4  # negative control
    gaps = (found - truth)[:, :, None] - (found - truth)[:, None, :]
    off = gaps[:, ~np.eye(len(genomes), dtype=bool)]
    reported = [judge.difference_error(genomes, number, 0) ** 2 for number in range(25)]  # type: ignore[attr-defined]
    assert np.sqrt(np.mean(reported)) == pytest.approx(np.sqrt((off**2).mean()), rel=0.2)


def test_matches_are_drawn_anew_in_each_generation_and_island_and_not_by_the_company() -> None:
    genomes = random_lookups(6, 1, 1, False, np.random.default_rng(4))
    judge = evaluation(SAMPLED)
    first = judge(genomes, 1).fitness
    assert judge(genomes, 1).fitness == first
    assert judge(genomes, 2).fitness != first and judge(genomes, 1, 1).fitness != first
    # to rounding: two meet alike, whoever else is there
    alone = [judge([a, b], 1).fitness[0] for a in genomes for b in genomes if a is not b]
    assert np.mean(np.reshape(alone, (6, 5)), axis=1) == pytest.approx(first, abs=1e-12)


@pytest.mark.parametrize("islands", [1, 2])
def test_workers_and_a_resume_change_no_bit(tmp_path: Path, islands: int) -> None:
    experiment = SAMPLED.changed(islands={"number": islands, "interval": 2})
    whole = run_hash(tmp_path / "whole", experiment)
    run_hash(tmp_path / "part", experiment.changed(generations=2))
    assert run_hash(tmp_path / "part", experiment, workers=2 if islands == 1 else 1) == whole


def test_state_spaces_beyond_the_exact_limits_evolve() -> None:
    experiment = Experiment(
        generations=1,
        rules={"turns": 30, "noise": 0.01},
        genome={"kind": "machine", "states": 400, "max_states": 400},
        population={"size": 4},
        fitness={"opponents": "panel", "panel": [str(random_machines(1, 700, np.random.default_rng(5))[0])]},
        variation={"immigrants": 0},
    )
    with pytest.raises(ValueError, match="expected at most 262144 joint states"):
        list(generations(experiment))
    sampled = experiment.changed(fitness={"sampled": 4})
    last = list(generations(sampled))[-1]
    assert last.number == 1 and 0 < difference_error(sampled, last) < 1


def test_where_nothing_is_left_to_chance_nothing_is_sampled() -> None:
    sure = SAMPLED.changed(rules={"noise": 0.0})
    exact = list(generations(sure.changed(fitness={"sampled": None})))
    assert [g.fitness for g in generations(sure)] == [g.fitness for g in exact]
    assert difference_error(sure, exact[-1]) == 0.0


def test_show_says_how_exact_a_difference_is(evolve: Command, tmp_path: Path) -> None:
    file, folder = tmp_path / "sampled.toml", tmp_path / "run"
    file.write_text(SAMPLED.to_toml())
    assert evolve("run", str(file), "--out", str(folder))[0] == 0
    assert "sampled        a difference in payoff has the standard error 0." in evolve("show", str(folder))[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fitness": {"sample": 5}}, "fitness.sampled: expected none with fitness.sample = 5"),
        ({"rules": {"play": "sipd"}}, "fitness.sampled: expected none with rules.play = 'sipd'"),
        (
            {"rules": {"turns": None, "limit_of_means": True}},
            "fitness.sampled: expected turns or a continuation",
        ),
        ({"selection": {"update": "rare"}}, "fitness.sampled: expected none with selection.update = 'rare'"),
        ({"fitness": {"sampled": 1}}, "fitness.sampled: expected"),
        ({"fitness": {"weights": [1.0]}}, "fitness.weights: expected one for each of the 0 strategies"),
    ],
)
def test_what_cannot_be_sampled_is_explained(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        SAMPLED.changed(**changes)
