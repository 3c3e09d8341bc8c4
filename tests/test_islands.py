"""Islands: the declared migration, and the same bits wherever islands are computed and whoever dies."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import evolve.islands
from evolve import Experiment, ExperimentError, generations
from evolve.islands import ends_epoch
from results import Generation, Run
from tests.conftest import Command, Mortal
from tests.evolutions import run_hash
from tests.processes import evolve_command, watch
from tests.runs import progress

ISLANDS = Experiment(
    seed=5,
    generations=13,
    genome={"x": 1, "y": 2},
    rules={"turns": 20},
    population={"size": 10, "seeds": [{"strategy": "tit_for_tat", "share": 0.3}]},
    selection={"survivors": 4},
    variation={"immigrants": 1},
    islands={"number": 3, "interval": 4, "migrants": 2},
)
FORMULAS: dict[str, Any] = {"genome": {"kind": "formula"}, "variation": {"mutation": 0.5}}
VARIETIES: dict[str, dict[str, Any]] = {
    "best": {},
    "any, one birth at a time": {"islands": {"selection": "random"}, "selection": {"update": "moran"}},
    "noise, sampled": {"rules": {"noise": 0.05}, "fitness": {"sample": 5}},
    "formulas": FORMULAS | {"rules": {"play": "ipd"}},
    "societies": FORMULAS | {"rules": {"play": "sipd", "noise": 0.02, "society": 5, "replicates": 2}},
    "tables in societies": {"rules": {"play": "sipd"}},
}


def experiment_with(changes: dict[str, Any]) -> Experiment:
    if "genome" in changes:
        data = ISLANDS.model_dump() | {"genome": changes["genome"]}
        return Experiment(**data).changed(**{k: v for k, v in changes.items() if k != "genome"})
    return ISLANDS.changed(**changes)


@pytest.mark.parametrize("changes", VARIETIES.values(), ids=VARIETIES.keys())
def test_islands_are_the_same_anywhere_and_taken_up_anywhere(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str
) -> None:
    experiment = experiment_with(changes)
    whole = run_hash(tmp_path / "whole", experiment)
    assert run_hash(tmp_path / "processes", experiment, workers=2) == whole
    assert run_hash(tmp_path / "cluster", experiment, cluster=scheduler) == whole
    for stop in (2, 3, 4):  # within an epoch, before and after a migration
        run_hash(tmp_path / f"part{stop}", experiment.changed(generations=stop))
        assert run_hash(tmp_path / f"part{stop}", experiment) == whole
    monkeypatch.setattr("evolve.islands.EPOCH_GENERATIONS", 1)
    monkeypatch.setattr("evolve.fitness.round_robin.MAX_REMEMBERED", 0)
    assert run_hash(tmp_path / "short", experiment) == whole


def of_island(generation: Generation, island: int) -> dict[Any, tuple[Any, float]]:
    everyone = zip(generation.population, generation.fitness, strict=True)
    return {birth.id: (birth, earned) for birth, earned in everyone if birth.id.island == island}


@pytest.mark.parametrize("update", ["generational", "moran"])
def test_migrants_are_copies_of_the_neighbours_best_at_the_declared_times(update: str) -> None:
    before: Generation | None = None
    arrived = 0
    for generation in generations(ISLANDS.changed(selection={"update": update})):
        for island in range(3):
            living = of_island(generation, island)
            assert len(living) == 10
            foreign = [
                b
                for b in generation.births
                if b.id.island == island and b.parents and b.parents[0][1] != island
            ]
            assert len(foreign) == (2 if before is not None and generation.number % 4 == 0 else 0)
            if before is None or not foreign:
                continue
            arrived += len(foreign)
            there = of_island(before, (island - 1) % 3)
            origin = [there[birth.parents[0]] for birth in foreign]
            assert [b.genome for b, _ in origin] == [b.genome for b in foreign]
            assert {b.origin for b in foreign} == {"clone"} and len({b.parents for b in foreign}) == 2
            best = sorted((earned for _, earned in there.values()), reverse=True)[:2]
            assert sorted((earned for _, earned in origin), reverse=True) == best
        before = generation
    assert arrived == 3 * 3 * 2


def test_migrants_drawn_at_random_are_not_only_the_best() -> None:
    ranks = []
    before: Generation | None = None
    anyone = ISLANDS.changed(generations=60, islands={"selection": "random", "interval": 2})
    for generation in generations(anyone):
        for birth in generation.births:
            if before is not None and birth.parents and birth.parents[0].island != birth.id.island:
                there = of_island(before, birth.parents[0].island)
                mine = there[birth.parents[0]][1]
                ranks.append(sum(earned > mine for _, earned in there.values()))
        before = generation
    assert len(ranks) == 30 * 3 * 2 and max(ranks) == 9


def test_an_island_without_migrants_lives_as_if_it_were_alone() -> None:
    apart = ISLANDS.changed(islands={"migrants": 0})
    alone = ISLANDS.changed(islands={"number": 1})
    for together, single in zip(generations(apart), generations(alone), strict=True):
        island = of_island(together, 0)
        assert tuple(birth for birth, _ in island.values()) == single.population
        assert tuple(earned for _, earned in island.values()) == single.fitness
    others = [[(b.origin, b.genome) for b, _ in of_island(together, k).values()] for k in (1, 2)]
    assert others[0] != others[1]


SLOW = ISLANDS.changed(
    generations=7, genome={"x": 3, "y": 3, "stochastic": True}, rules={"noise": 0.01, "turns": 200},
    population={"size": 200},
)  # fmt: skip
"""Its epochs take much longer than the assassin waits."""


@pytest.fixture(scope="module")
def slow_hash(tmp_path_factory: pytest.TempPathFactory) -> str:
    """How it ends where nobody is killed."""
    return run_hash(tmp_path_factory.mktemp("slow"), SLOW)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_killed_worker_loses_nothing(mortal: Mortal, slow_hash: str, tmp_path: Path) -> None:
    place, kill = mortal
    killed: list[float] = []
    with closing(generations(SLOW, **place)) as iterator, Run.open(tmp_path / "killed", SLOW) as run:
        for _ in range(4):
            run.append(next(iterator))
        assert ends_epoch(SLOW, 3)

        def assassinate() -> None:
            time.sleep(0.05)
            kill()
            killed.append(time.monotonic())

        assassin = threading.Thread(target=assassinate)
        assassin.start()
        run.append(next(iterator))
        returned = time.monotonic()
        assassin.join()
        assert killed[0] < returned
        for generation in iterator:
            run.append(generation)
        assert run.hash == slow_hash


def test_one_client_serves_all_epochs_and_ends_with_the_iterator(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = []
    opened = evolve.islands.cluster_client

    @contextlib.contextmanager
    def noted(cluster: str, workers: int) -> Iterator[Any]:
        with opened(cluster, workers) as client:
            clients.append(client)
            yield client

    monkeypatch.setattr("evolve.islands.cluster_client", noted)
    iterators = [generations(ISLANDS, cluster=scheduler) for _ in range(2)]
    for one, other in itertools.islice(zip(*iterators, strict=True), 6):  # two at once do not share it
        assert one == other and ends_epoch(ISLANDS, 3)
    assert [client.status for client in clients] == ["running"] * 2
    for iterator in iterators:
        iterator.close()
    assert [client.status for client in clients] == ["closed"] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("where", [[], ["--cluster", "local"]], ids=["processes", "cluster"])
def test_ctrl_c_finishes_the_epoch_in_all_processes(where: list[str], tmp_path: Path) -> None:
    if where:
        pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    file = tmp_path / "islands.toml"
    long = ISLANDS.changed(generations=100_000)
    file.write_text(long.to_toml())
    folder = tmp_path / "run"
    words = ("run", str(file), "--out", str(folder), "--workers", "2", *where)
    child = evolve_command(*words, cwd=tmp_path)
    watch(child, lambda: progress(folder) > 20)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to the workers too
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "Traceback" not in err and "Dask" not in err and "go on with" in out
    with Run.read(folder) as there:
        reached, hash = there.generation, there.hash
    assert reached > 20 and ends_epoch(long, reached)
    assert run_hash(tmp_path / "inline", long.changed(generations=reached)) == hash


def test_a_cluster_is_taken_from_the_command_line_where_there_are_islands(
    tmp_path: Path, scheduler: str, evolve: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = tmp_path / "islands.toml", tmp_path / "run"
    file.write_text(ISLANDS.to_toml())
    words = ("--cluster", scheduler)
    assert evolve("run", str(file), "--generations", "5", "--out", str(folder), *words)[0] == 0
    assert evolve("resume", str(folder), "--generations", "13", *words)[0] == 0
    with Run.read(folder) as there:
        assert there.hash == run_hash(tmp_path / "inline", ISLANDS)
        assert scheduler not in there.experiment_text
    file.write_text(ISLANDS.changed(islands={"number": 1}).to_toml())
    code, out, err = evolve("run", str(file), "--out", str(tmp_path / "alone"), *words)
    assert code == 1 and out == "" and not (tmp_path / "alone").exists()
    assert "cluster: expected an experiment with islands" in err and len(err.splitlines()) == 1
    monkeypatch.setenv("EVOLVE_CLUSTER", scheduler)  # the user's own, for what can be placed
    assert evolve("run", str(file), "--generations", "5", "--out", str(tmp_path / "alone"))[0] == 0


def test_more_migrants_than_places_are_refused() -> None:
    with pytest.raises(ExperimentError, match=r"islands.migrants: expected at most 5, .* got 6"):
        ISLANDS.changed(islands={"migrants": 6})
    assert ISLANDS.changed(islands={"migrants": 6, "number": 1}).islands.migrants == 6


def test_experiments_without_islands_are_what_they_were() -> None:
    alone = ISLANDS.changed(islands={"number": 1})
    assert alone.results_key() == alone.changed(islands={"interval": 7}).results_key()
    assert "islands" not in alone.results_key() and "islands" in ISLANDS.results_key()
