"""The loop of generations: the same bits whatever the surroundings, and who is in every generation."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from evolve import Experiment, generations
from evolve.operators import toolbox
from evolve.population import first_population, seed_counts
from genomes import catalogue
from tests.evolutions import NOISY, SMALL, run_hash
from tests.runs import ROOT


def test_workers_names_and_rhythm_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_hash(tmp_path / "a", NOISY)
    monkeypatch.setattr("engine.pairs.threads.WORTH_SHARING", 0.0)
    monkeypatch.setattr("evolve.fitness.round_robin.ROWS_PER_BLOCK", 3)
    threads = NOISY.changed(name="other", run={"lineage": "full", "commit_every": 7})
    assert run_hash(tmp_path / "b", threads, workers=3, keep={"commit_every": 7, "lineage": "full"}) == whole
    monkeypatch.setattr("evolve.fitness.round_robin.MAX_REMEMBERED", 0)
    assert run_hash(tmp_path / "c", NOISY) == whole


CHILD = """
import sys
import {first}
from evolve import Experiment, generations
from results import Run
from pathlib import Path
experiment = Experiment.parse(Path({file!r}).read_text())
with Run.open({folder!r}, experiment) as run:
    for generation in generations(experiment, start=run.latest()):
        run.append(generation)
    print(run.hash)
"""


def test_a_fresh_process_gives_the_same_hash_whatever_its_surroundings(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(SMALL.to_toml())
    hashes = set()
    for k, (hash_seed, first) in enumerate((("0", "json"), ("123", "scipy.stats"))):
        place = tmp_path / f"place{k}"
        place.mkdir()
        code = CHILD.format(file=str(file), folder=str(place / "run"), first=first)
        environment = os.environ | {
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": str(ROOT),
        }
        child = subprocess.run(
            [sys.executable, "-c", code],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        hashes.add(child.stdout.strip())
    assert hashes == {run_hash(tmp_path / "here", SMALL)}


def test_deap_neither_disturbs_nor_is_disturbed_by_the_global_generator() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    iterator = generations(SMALL)
    first = [next(iterator).fitness for _ in range(3)]
    assert random.random() == expected
    random.seed(99)
    iterator = generations(SMALL)
    assert [next(iterator).fitness for _ in range(3)] == first


@pytest.mark.parametrize("kind", ["lookup", "formula", "machine"])
def test_threads_that_draw_by_chance_meanwhile_change_no_run(kind: str) -> None:
    experiment = Experiment(
        generations=15, rules={"turns": 10}, genome={"kind": kind}, population={"size": 40}
    )
    calm = list(generations(experiment))
    over = threading.Event()

    def disturb() -> None:  # as the threads of a cluster's worker, or of a notebook, do
        while not over.is_set():
            random.random()

    threads = [threading.Thread(target=disturb) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    try:
        assert list(generations(experiment)) == calm
    finally:
        over.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()


def test_seeds_get_their_shares_and_the_rest_is_random() -> None:
    experiment = SMALL.changed(
        population={
            "size": 7,
            "seeds": [{"strategy": s, "share": 1 / 3} for s in ("all_c", "all_d", "tit_for_tat")],
        },
        selection={"survivors": 3},
    )
    assert sum(seed_counts(experiment)) == 7
    first = first_population(SMALL, toolbox(SMALL))
    named = [i for i in first if i.genome == catalogue.get("tit_for_tat").strategy]
    assert len(first) == 20 and len(named) == 6 and all(i.origin == "seed" for i in first)


def test_each_generation_has_its_survivors_variants_and_immigrants() -> None:
    experiment = SMALL.changed(selection={"survivors": 8}, variation={"immigrants": 3})
    before = None
    for generation in generations(experiment):
        if before is not None:
            old = [b for b in generation.population if b.id.generation < generation.number]
            assert len(old) == 8 and set(old) <= set(before.population)
            kept = sorted(before.fitness)[-8:]
            fitness = dict(zip(before.population, before.fitness, strict=True))
            assert sorted(fitness[b] for b in old) == kept
            assert sum(b.origin == "immigrant" for b in generation.births) == 3
            alive = {b.id for b in before.population}
            assert all(set(b.parents) <= alive for b in generation.births)
            assert [b.id for b in generation.population] == sorted(b.id for b in generation.population)
        before = generation
