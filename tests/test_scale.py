"""Large populations and many workers: samples that are fair and declared, results that do not depend on either."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engine import Rules, round_robin
from engine.pairs.threads import block_ranges, in_order
from evolve import Experiment, generations
from evolve.fitness import difference_error, evaluation
from evolve.fitness.round_robin import Evaluation
from evolve.fitness.sampled import SampledEvaluation
from evolve.streams import stream
from genomes.variation.lookups import random_lookups
from tests import reference
from tests.evolutions import run_hash
from tests.strategies import rule

SAMPLED = Experiment(
    seed=11,
    generations=8,
    genome={"x": 2, "y": 2},
    rules={"turns": 20},
    population={"size": 30},
    fitness={"sample": 7},
)
VARIETIES = {
    "pure": {},
    "noisy": {"rules": {"noise": 0.05}, "genome": {"stochastic": True}},
    "with a panel": {"fitness": {"opponents": "both", "panel": ["tit_for_tat", "all_d"]}},
    "moran": {"selection": {"update": "moran"}},
}


def test_everyone_meets_the_same_sample_and_not_itself() -> None:
    genomes = random_lookups(30, 2, 2, False, np.random.default_rng(3))
    genomes[4] = genomes[9]  # twins do meet each other
    chosen = stream(11, 5, "panel").choice(30, 7, replace=False).tolist()
    assert len(set(chosen)) == 7
    want = []
    for k, genome in enumerate(genomes):
        met = [genomes[j] for j in chosen if j != k]
        counts = [reference.counts(rule(genome), rule(other), 20) for other in met]
        want.append(sum(3 * c[0] + 5 * c[2] + c[3] for c in counts) / 20 / len(met))
    assert SampledEvaluation(SAMPLED)(genomes, 5).fitness == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("changes", VARIETIES.values(), ids=VARIETIES.keys())
def test_a_sample_of_everybody_is_the_whole_population_to_the_bit(changes: dict[str, object]) -> None:
    experiment = SAMPLED.changed(**changes)
    everybody = experiment.changed(fitness={"sample": 30})
    whole = experiment.changed(fitness={"sample": None})
    stochastic = everybody.genome.kind == "lookup" and everybody.genome.stochastic
    genomes = random_lookups(30, 2, 2, stochastic, np.random.default_rng(3))
    assert isinstance(evaluation(everybody), SampledEvaluation)
    assert evaluation(everybody)(genomes, 3).fitness == Evaluation(whole)(genomes, 3).fitness
    assert SampledEvaluation(everybody).difference_error(genomes, 3) == 0.0


@pytest.mark.parametrize("changes", VARIETIES.values(), ids=VARIETIES.keys())
def test_sampled_runs_resume_and_do_not_depend_on_workers_or_blocks(
    changes: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = SAMPLED.changed(**changes)
    whole = run_hash(tmp_path / "whole", experiment)
    run_hash(tmp_path / "part", experiment.changed(generations=3))
    monkeypatch.setattr("engine.pairs.threads.WORTH_SHARING", 0.0)
    monkeypatch.setattr("evolve.fitness.round_robin.BLOCK_MEETINGS", 70)
    assert run_hash(tmp_path / "part", experiment, workers=2) == whole


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_threads_change_no_bit_of_a_round_robin(noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    genomes = random_lookups(40, 2, 2, noise > 0, np.random.default_rng(2))
    alone = round_robin(genomes, Rules(turns=30, noise=noise))
    monkeypatch.setattr("engine.pairs.threads.WORTH_SHARING", 0.0)
    monkeypatch.setattr("engine.pairs.tournament.BLOCK_MEETINGS", 100)
    shared = round_robin(genomes, Rules(turns=30, noise=noise), workers=3)
    assert np.array_equal(shared.scores, alone.scores) and np.array_equal(shared.payoffs, alone.payoffs)
    with pytest.raises(ValueError, match="workers: expected a whole number of threads > 0, got 0"):
        round_robin(genomes, workers=0)


def test_threads_share_work_and_keep_it_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.pairs.threads.WORTH_SHARING", 0.0)
    held, most, kept = 0, 0, []
    names: set[str] = set()
    lock = threading.Lock()

    def play(first: int, end: int) -> int:
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
        names.add(threading.current_thread().name)
        time.sleep(0.001 if first % 3 else 0.003)
        return first

    def keep(first: int, end: int, played: int) -> None:
        nonlocal held
        assert played == first
        kept.append(first)
        with lock:
            held -= 1

    ranges = block_ranges(400, 5, 2)
    assert [k for first, end in ranges for k in range(first, end)] == list(range(400))
    in_order(play, keep, ranges, workers=2, seconds=1.0)
    assert kept == [first for first, _ in ranges]
    assert len(names) == 2 and threading.current_thread().name not in names
    assert most <= 2 * 2


@pytest.mark.parametrize("where", ["play", "keep"])
def test_a_mistake_in_a_thread_is_reported_and_the_others_end(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.pairs.threads.WORTH_SHARING", 0.0)
    before = threading.active_count()
    kept = []

    def play(first: int, end: int) -> int:
        if where == "play" and first == 20:
            raise ValueError(f"rows {first} to {end}")
        return first

    def keep(first: int, end: int, played: int) -> None:
        if where == "keep" and first == 20:
            raise ValueError(f"rows {first} to {end}")
        kept.append(first)

    with pytest.raises(ValueError, match="rows 20 to"):
        in_order(play, keep, block_ranges(400, 5, 2), workers=2, seconds=1.0)
    assert threading.active_count() == before
    assert kept == list(range(0, 20, block_ranges(400, 5, 2)[0][1]))[: len(kept)]


def test_only_meetings_with_the_sample_are_played() -> None:
    experiment = SAMPLED.changed(population={"size": 500}, fitness={"sample": 10}, genome={"x": 3, "y": 3})
    genomes = random_lookups(500, 3, 3, False, np.random.default_rng(0))
    sampled = SampledEvaluation(experiment)
    sampled(genomes)
    assert sampled.played <= 500 * 10


def test_differences_are_as_exact_as_reported() -> None:
    experiment = SAMPLED.changed(population={"size": 60}, fitness={"sample": 15})
    genomes = random_lookups(60, 2, 2, False, np.random.default_rng(1))
    sampled = SampledEvaluation(experiment)
    truth = np.array(Evaluation(experiment.changed(fitness={"sample": None}))(genomes).fitness)
    off = np.array([sampled(genomes, number).fitness for number in range(400)]) - truth
    off -= off.mean(axis=1, keepdims=True)
    found = np.sqrt(2 * 60 / 59 * (off**2).mean())  # root mean square of the errors of all differences
    reported = np.sqrt(np.mean([sampled.difference_error(genomes, number) ** 2 for number in range(400)]))
    assert reported == pytest.approx(found, rel=0.06)
    # the error of one fitness by itself is another thing: most of its luck is shared
    alone = np.sqrt(2 * np.var([sampled(genomes, number).fitness for number in range(400)], axis=0).mean())
    assert abs(reported - alone) > 0.1 * alone
    generation = next(generations(experiment))
    assert 0 < difference_error(experiment, generation) < 1
    assert difference_error(experiment.changed(fitness={"sample": None}), generation) == 0.0
