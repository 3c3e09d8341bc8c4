"""A run file gives back what was appended, and its hash says what that was."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from results.errors import RunError
from results.records import Birth, BirthId, Generation
from results.run.births import change, changed
from results.run.store import Run
from tests.runs import EXPERIMENT, history, same, write
from tests.synthetic import Synthetic


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    generations = history(130)
    digest = write(tmp_path, 130, checkpoint_every=10, commit_every=100)
    with Run.read(tmp_path) as run:
        assert run.check() == []
        assert len(run) == 131 and run.hash == digest
        latest = run.latest()
        assert latest is not None and same(latest, generations[-1])
        assert run.kept_populations() == [*range(10), *range(10, 100, 10), 99, *range(100, 131, 10)]
        assert same(run.population(20), generations[20])
        table = run.statistics()
        for n, generation in enumerate(generations):
            assert table["best"][n] == max(generation.fitness)
            assert table["mean"][n] == generation.mean
            assert [table[f"q{p}"][n] for p in (5, 95)] == [generation.quantiles[0], generation.quantiles[4]]
            assert table["cooperation"][n] == generation.cooperation
            assert table["behaviours"][n] == generation.behaviours
            assert table["born"][n] == len(generation.births)
        leaders = run.leaders()
        for n, generation in enumerate(generations):
            here = leaders.generation == n
            keys = [leaders.behaviours[b].behaviour for b in leaders.behaviour[here]]
            assert keys == [leader.behaviour for leader in generation.leaders]
            assert leaders.count[here].tolist() == [leader.count for leader in generation.leaders]
        assert run.leaders(every=7).generation.max() == 126
        with pytest.raises(RunError, match="population of generation 113 is not kept"):
            run.population(113)


def test_quantiles_are_those_of_numpy() -> None:
    generation = history(0, Synthetic(size=33))[0]
    assert np.allclose(
        generation.quantiles, np.percentile(generation.fitness, (5, 25, 50, 75, 95)), atol=1e-15
    )


def test_the_hash_depends_on_results_alone(tmp_path: Path) -> None:
    digest = write(tmp_path / "a", 60)
    assert write(tmp_path / "b", 60, commit_every=1) == digest
    assert write(tmp_path / "c", 60, commit_every=7, lineage="full") == digest
    assert write(tmp_path / "d", 60, replace(EXPERIMENT, name="other", generations=99)) == digest
    assert write(tmp_path / "e", 60, checkpoint_every=3, synchronous="full") == digest
    write(tmp_path / "f", 25, lineage="full")
    assert write(tmp_path / "f", 60, replace(EXPERIMENT, name="renamed")) == digest
    assert write(tmp_path / "g", 60, replace(EXPERIMENT, seed=2)) != digest


def test_one_bit_of_fitness_parent_origin_or_genome_changes_the_hash(tmp_path: Path) -> None:
    first, second = history(1)
    one = next(i for i, birth in enumerate(second.population) if birth.parents)
    birth = second.population[one]

    def but(changed: Birth) -> Generation:
        return replace(second, population=(*second.population[:one], changed, *second.population[one + 1 :]))

    variants = [
        second,
        but(replace(birth, parents=(next(b.id for b in first.population if b.id != birth.parents[0]),))),
        but(replace(birth, origin="clone")),
        but(replace(birth, genome=birth.genome[:-1] + ("C" if birth.genome[-1] == "D" else "D"))),
        replace(second, fitness=(*second.fitness[:-1], float(np.nextafter(second.fitness[-1], 9)))),
    ]
    hashes = set()
    for n, variant in enumerate(variants):
        with Run.open(tmp_path / str(n), EXPERIMENT) as run:
            run.append(first)
            run.append(variant)
            hashes.add(run.hash)
    assert len(hashes) == len(variants)


def test_another_experiment_is_refused_and_the_difference_shown(tmp_path: Path) -> None:
    write(tmp_path, 3)
    with pytest.raises(RunError) as error:
        Run.open(tmp_path, replace(EXPERIMENT, mutation=0.5))
    assert "-mutation = 0.02" in str(error.value) and "+mutation = 0.5" in str(error.value)
    assert "size" not in str(error.value)
    write(tmp_path, 4, replace(EXPERIMENT, name="a new name", generations=500))
    with Run.read(tmp_path) as run:
        assert 'name = "a new name"' in run.experiment_text and run.provenance["name"] == "a new name"
        assert run.provenance["seed"] == 1 and run.provenance["sessions"][0]["versions"]["numpy"]


def test_records_that_cannot_follow_are_refused_and_leave_the_run_whole(tmp_path: Path) -> None:
    first, second, third = history(2)
    stranger = replace(second.population[-1], parents=(BirthId(0, 3, 3),))
    with Run.open(tmp_path, EXPERIMENT) as run:
        with pytest.raises(RunError, match="expected number 0, got 1"):
            run.append(second)
        run.append(first)
        for wrong, message in (
            (third, "expected number 1"),
            (replace(second, population=second.population[::-1]), "id order"),
            (replace(second, fitness=second.fitness[1:]), "finite fitness"),
            (replace(second, fitness=(float("nan"), *second.fitness[1:])), "finite fitness"),
            (replace(second, population=(*second.population[:-1], stranger)), "parent 0.3.3"),
            (replace(third, number=1), "2.0.0 was not alive|born"),
        ):
            with pytest.raises(ValueError, match=message):
                run.append(wrong)
        run.append(second)
        run.append(third)
        digest = run.hash
    assert digest == write(tmp_path / "other", 2)
    with Run.read(tmp_path) as run, pytest.raises(RunError, match="for reading"):
        run.append(third)


def ancestors(generations: list[Generation]) -> set[BirthId]:
    """Plainly: everyone from whom the living descend by primary parents, themselves included."""
    births = {birth.id: birth for generation in generations for birth in generation.births}
    kept = set()
    for birth in generations[-1].population:
        here: Birth | None = birth
        while here is not None and here.id not in kept:
            kept.add(here.id)
            here = births[here.parents[0]] if here.parents else None
    return kept


@pytest.mark.parametrize("commits", [1, 4, 1000])
def test_pruning_keeps_exactly_the_ancestors_of_the_living(tmp_path: Path, commits: int) -> None:
    generations = history(120)
    born = {birth.id: birth for generation in generations for birth in generation.births}
    for lineage, stops in (("pruned", [120]), ("pruned", [13, 60, 61, 120]), ("full", [50, 120])):
        place = tmp_path / f"{lineage}{len(stops)}"
        for stop in stops:
            write(place, stop, commit_every=commits, lineage=lineage)
        expected = ancestors(generations) if lineage == "pruned" else set(born)
        living = {birth.id for birth in generations[-1].population}
        with sqlite3.connect(place / "run.sqlite") as connection:
            kept = {id for (id,) in connection.execute("SELECT id FROM births")}
        connection.close()
        with Run.read(place) as run:
            assert run.check() == []
            assert len(kept) == len(expected - living)
            for id in expected:
                assert run.birth(id) == born[id]
            assert list(run.ancestry(living)) == sorted(ancestors(generations))
    write(tmp_path / "full2", 121)
    with Run.read(tmp_path / "full2") as run:
        assert run.check() == []
        assert list(run.ancestry(b.id for b in run.population().population)) == sorted(
            ancestors(history(121))
        )
        with pytest.raises(RunError, match="not kept"):
            run.birth(min(set(born) - ancestors(history(121))))


def test_changes_of_text_read_back() -> None:
    for old, new in (
        ("abcdef", "abXdef"),
        ("abc", "abc"),
        ("a" * 50, "a" * 30 + "é" + "a" * 25),
        ("xy", "é" * 9),
    ):
        step = change(old, new)
        assert new == (old if step is None else step if isinstance(step, str) else changed(old, step))
    assert len(change("a" * 60, "a" * 30 + "b" + "a" * 29) or "") == 5


def test_a_reader_that_watches_reads_only_what_is_new(tmp_path: Path) -> None:
    write(tmp_path, 60)
    with Run.read(tmp_path) as run:
        whole, led = run.statistics(), run.leaders()
        for since in (0, 17, 60, 61, 90):
            new = run.statistics(since)
            assert all(np.array_equal(new[name], whole[name][since:], equal_nan=True) for name in whole)
            part = run.leaders(every=3, since=since)
            here = (led.generation >= since) & (led.generation % 3 == 0)
            assert part.generation.tolist() == led.generation[here].tolist()
            keys = [part.behaviours[b].behaviour for b in part.behaviour]
            assert keys == [led.behaviours[b].behaviour for b in led.behaviour[here]]
            assert part.count.tolist() == led.count[here].tolist()
            assert since == 0 or {b.behaviour for b in part.behaviours} == set(keys)
        with pytest.raises(ValueError, match="since: expected a generation, got -1"):
            run.statistics(-1)
