"""The run file keeps its promises: killed, read, damaged, or opened by the wrong person."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.errors import DamageError, RunError
from results.records import Birth, BirthId, Generation
from results.run.place import journal
from results.run.repairs import repair
from results.run.rows import FORMAT, RESULTS, change, changed
from results.run.store import Run
from tests.synthetic import Synthetic, evolve

EXPERIMENT = Synthetic()
ROOT = Path(__file__).resolve().parents[1]


def write(path: Path, until: int, experiment: Synthetic = EXPERIMENT, **options: object) -> str:
    """Run, or go on, up to a generation; returns the hash."""
    with Run.open(path, experiment, **options) as run:  # type: ignore[arg-type]
        for generation in evolve(experiment, run.latest()):
            if generation.number > until:
                break
            run.append(generation)
        return run.hash


def same(one: Generation, other: Generation) -> bool:
    """Equal, but for which genome stands as the example of a leader: the file keeps the first seen."""
    plain = [
        replace(generation, leaders=tuple(replace(leader, genome="") for leader in generation.leaders))
        for generation in (one, other)
    ]
    return plain[0] == plain[1]


def history(until: int, experiment: Synthetic = EXPERIMENT) -> list[Generation]:
    return list(islice(evolve(experiment), until + 1))


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    generations = history(40)
    digest = write(tmp_path, 40, checkpoint_every=10)
    with Run.read(tmp_path) as run:
        assert run.check() == []
        assert len(run) == 41 and run.hash == digest
        latest = run.latest()
        assert latest is not None and same(latest, generations[-1])
        assert run.kept_populations() == [*range(10), 10, 20, 30, 40]
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
        assert run.leaders(every=7).generation.max() == 35
        with pytest.raises(RunError, match="population of generation 13 is not kept"):
            run.population(13)


def test_quantiles_are_those_of_numpy() -> None:
    generation = history(0, Synthetic(size=33))[0]
    assert np.allclose(
        generation.quantiles, np.percentile(generation.fitness, (5, 25, 50, 75, 95)), atol=1e-15
    )


def progress(folder: Path) -> int:
    """The last generation in a run that may not be there yet."""
    try:
        with Run.read(folder) as run:
            return run.generation
    except RunError:
        return -1


def test_a_run_killed_at_random_instants_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    experiment, until = Synthetic(size=30, survivors=15), 1500
    whole = write(tmp_path / "whole", until, experiment)
    script = (
        "import sys; from pathlib import Path; from tests.test_store import write, Synthetic\n"
        "print('ready', flush=True)\n"
        f"write(Path(sys.argv[1]), {until}, Synthetic(size=30, survivors=15), commit_every=int(sys.argv[2]))"
    )
    rng, kills, reached = random.Random(5), 0, set()
    while True:
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "killed"), str(rng.choice([1, 1, 3]))],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        with child.stdout:
            child.stdout.readline()
        # wait for progress, however busy the machine is, then strike at a random instant
        before, deadline = max(reached, default=-1), time.monotonic() + 20
        while (
            child.poll() is None and time.monotonic() < deadline and progress(tmp_path / "killed") <= before
        ):
            time.sleep(0.005)
        time.sleep(rng.expovariate(1 / 0.02))
        child.send_signal(signal.SIGKILL)
        if child.wait() == 0:
            break
        kills += 1
        if (tmp_path / "killed" / "run.sqlite").exists():
            with Run.read(tmp_path / "killed") as run:
                reached.add(run.generation)
        if kills > 12:
            write(tmp_path / "killed", until, experiment)
            break
    assert kills >= 5 and len(reached) >= 4
    with Run.read(tmp_path / "killed") as run:
        assert run.check() == []
        assert run.hash == whole


class Interrupted:
    """A connection in which Ctrl-C arrives right after a statement, the `nth` time it is executed."""

    def __init__(self, connection: sqlite3.Connection, statement: str, nth: int) -> None:
        self._connection, self._statement, self._left = connection, statement, nth

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        cursor = self._connection.execute(sql, *arguments)
        self._left -= sql.startswith(self._statement)
        if self._left == 0 and sql.startswith(self._statement):
            raise KeyboardInterrupt
        return cursor


@pytest.mark.parametrize("statement", ["BEGIN", "DELETE FROM populations", "INSERT OR REPLACE", "COMMIT"])
def test_ctrl_c_in_the_middle_of_a_commit_is_no_damage(statement: str, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole", 40)
    with pytest.raises(KeyboardInterrupt), Run.open(tmp_path / "run", EXPERIMENT, commit_every=5) as run:
        writer = run._writer
        assert writer is not None
        writer._connection = Interrupted(writer._connection, statement, 3)  # type: ignore[assignment]
        for generation in history(40):
            run.append(generation)
    with Run.read(tmp_path / "run") as run:
        assert run.check() == [] and run.generation == (14 if statement == "COMMIT" else 9)
    assert write(tmp_path / "run", 40) == whole


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


def test_a_second_writer_is_refused_by_the_pid_of_the_first(tmp_path: Path) -> None:
    with Run.open(tmp_path, EXPERIMENT), pytest.raises(RunError, match=f"pid {os.getpid()}"):
        Run.open(tmp_path, EXPERIMENT)
    write(tmp_path, 3)


def test_readers_see_whole_generations_while_the_run_is_written(tmp_path: Path) -> None:
    seen = []
    generations = history(50)
    with Run.open(tmp_path, EXPERIMENT, commit_every=5) as run, Run.read(tmp_path) as reader:
        assert reader.latest() is None
        for generation in generations:
            run.append(generation)
            latest = reader.latest()
            if latest is not None:
                assert same(latest, generations[latest.number])
                seen.append(latest.number)
            assert len(reader.statistics()["best"]) == len(reader)
        with reader.snapshot():
            before = len(reader)
            run.append(next(evolve(EXPERIMENT, generations[-1])))
            run.commit()
            assert len(reader) == before
        assert len(reader) == before + 2
    assert set(seen) == set(range(4, 51, 5))


def test_a_run_is_read_from_read_only_media_also_when_its_writer_was_killed(tmp_path: Path) -> None:
    write(tmp_path / "rest", 20)
    script = (
        "import os; from pathlib import Path; from tests.test_store import *\n"
        f"run = Run.open(Path({str(tmp_path / 'killed')!r}), EXPERIMENT, commit_every=1)\n"
        "for generation in history(20): run.append(generation)\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert (tmp_path / "killed" / "run.sqlite-wal").stat().st_size
    (tmp_path / "killed" / "run.sqlite-shm").unlink()
    if os.geteuid() == 0:  # permissions do not bind root
        for path in (tmp_path, *tmp_path.parents[:3]):
            path.chmod(0o755)
        become = "os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    else:
        become = ""
    for name in ("rest", "killed"):
        for file in (tmp_path / name).iterdir():
            file.chmod(0o444)
        (tmp_path / name).chmod(0o555)
    script = (
        "import os, sys; from results.run.store import Run\n"
        f"{become}\n"
        f"for name in ('rest', 'killed'):\n"
        f"    place = {str(tmp_path)!r} + '/' + name\n"
        "    assert not os.access(place, os.W_OK)\n"
        "    with Run.read(place) as run: print(run.generation, run.check(), run.hash)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    for name in ("rest", "killed"):
        (tmp_path / name).chmod(0o755)
    assert not done.stderr
    rest, killed = done.stdout.splitlines()
    assert rest == killed and rest.startswith("20 [] ")


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


# Damage.


def everything(path: Path) -> object:
    """All that a run tells."""
    with Run.read(path) as run:
        latest = run.latest()
        assert latest is not None
        leaders = run.leaders()
        return (
            run.hash,
            latest,
            {name: column.tolist() for name, column in run.statistics().items()},
            (
                leaders.generation.tolist(),
                leaders.behaviour.tolist(),
                leaders.count.tolist(),
                leaders.behaviours,
            ),
            run.ancestry(birth.id for birth in latest.population),
            [run.population(number) for number in run.kept_populations()],
            run.experiment_text,
            run.provenance,
        )


def test_a_flipped_byte_is_named_or_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path / "run", 60, checkpoint_every=20)
    whole = (tmp_path / "run" / "run.sqlite").read_bytes()
    expected = everything(tmp_path / "run")
    rng = random.Random(1)
    places = [*range(0, 100, 3), *rng.sample(range(100, len(whole)), 250)]
    for page in range(4096, len(whole), 4096):  # the headers of pages, where a tree is held together
        places += rng.sample(range(page, page + 12), 4)
    named = 0
    file = tmp_path / "flipped.sqlite"
    for place in places:
        broken = bytearray(whole)
        broken[place] ^= rng.randrange(1, 256)
        file.write_bytes(broken)
        try:
            told = everything(file)
        except RunError as error:
            named += 1
            assert "\n" not in str(error) and str(file) in str(error)
        else:
            assert told == expected, place
    assert named > 80  # the rest of so small a file is empty space


def test_check_names_damage_wherever_it_is(tmp_path: Path) -> None:
    write(tmp_path, 60, checkpoint_every=20)
    file = tmp_path / "run.sqlite"
    whole = file.read_bytes()
    for statement, message in (
        (
            "UPDATE births SET genome = 'memory(1,1) cCCCC' WHERE id = (SELECT min(id) FROM births)",
            "birth 0.0",
        ),
        ("DELETE FROM births WHERE id = (SELECT max(id) FROM births)", "births: "),
        ("UPDATE generations SET statistics = zeroblob(76) WHERE id = 17", "generation 17 is damaged"),
        ("DELETE FROM generations WHERE id = 17", "generations missing: 17"),
        (
            "UPDATE populations SET content = zeroblob(9) WHERE id = 20",
            "population of generation 20 is damaged",
        ),
        ("UPDATE behaviours SET name = 'nobody' WHERE id = 2", "behaviour 2 is damaged"),
        ("UPDATE meta SET value = 'size = 3' WHERE name = 'results_key'", "meta"),
    ):
        file.write_bytes(whole)
        connection = sqlite3.connect(file)
        connection.execute(statement)
        connection.commit()
        connection.close()
        try:
            with Run.read(tmp_path) as run:
                found = run.check()
        except DamageError as error:
            found = [str(error)]
        assert any(message in line for line in found), (statement, found)


def test_files_that_are_no_run_or_of_a_later_version_are_refused_in_one_line(tmp_path: Path) -> None:
    write(tmp_path / "run", 30)
    file = tmp_path / "run" / "run.sqlite"
    whole = file.read_bytes()

    def refused(message: str) -> None:
        for attempt in (lambda: everything(file), lambda: write(file.parent, 31)):
            with pytest.raises(RunError, match=message) as error:
                attempt()
            assert "\n" not in str(error.value)
        with pytest.raises(RunError, match="there is no run here"):
            Run.read(tmp_path / "nowhere")

    file.write_bytes(b"")
    refused("not a run")
    file.write_bytes(b"a text of some length, and not a database at all\n" * 100)
    refused("not a database")
    file.write_bytes(whole[: len(whole) // 3])
    refused("run.sqlite: ")
    file.unlink()
    sqlite3.connect(file).execute("CREATE TABLE recipes (id)").connection.close()
    refused("not a run")
    for harm, message in (
        (f"PRAGMA user_version = {FORMAT + 1}", f"format {FORMAT + 1}.*upgrade"),
        ("DROP TABLE births", "table births is missing"),
        ("CREATE TRIGGER t AFTER INSERT ON births BEGIN DELETE FROM head; END", "t is not ours"),
    ):
        file.write_bytes(whole)
        connection = sqlite3.connect(file)
        connection.execute(harm)
        connection.close()
        refused(message)


def test_a_run_of_another_results_version_is_read_but_not_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 5)
    monkeypatch.setattr("results.run.store.RESULTS", RESULTS + 1)
    with pytest.raises(RunError, match=f"results version {RESULTS}"):
        write(tmp_path, 6)
    everything(tmp_path)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE populations SET content = zeroblob(99) WHERE id = 60",
        "DELETE FROM populations WHERE id = 60",
        "UPDATE generations SET hash = zeroblob(32) WHERE id > 50",
        "UPDATE births SET digest = NULL WHERE id = (SELECT max(id) FROM births)",
        "UPDATE populations SET content = zeroblob(99) WHERE id >= 20",
        "truncated",
    ],
)
def test_a_damaged_run_goes_on_from_its_newest_intact_population(tmp_path: Path, harm: str) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path, 60, checkpoint_every=20, commit_every=1)
    file = tmp_path / "run.sqlite"
    if harm == "truncated":
        with file.open("r+b") as opened:
            opened.truncate(file.stat().st_size * 3 // 4 // 4096 * 4096)
    else:
        connection = sqlite3.connect(file)
        connection.execute(harm)
        connection.commit()
        connection.close()
    with pytest.raises(DamageError):
        everything(tmp_path)
    report = repair(tmp_path)
    assert report[0].startswith("goes on from generation")
    with Run.read(tmp_path) as run:
        assert run.check() == []
        assert run.generation in (10, 20, 40, 59, 60)
    assert write(tmp_path, 80) == expected
    everything(tmp_path)


def test_a_damaged_statistic_is_lost_and_the_run_goes_on(tmp_path: Path) -> None:
    expected = write(tmp_path / "whole", 80)
    write(tmp_path, 60)
    connection = sqlite3.connect(tmp_path / "run.sqlite")
    connection.execute("UPDATE generations SET leaders = NULL WHERE id = 17")
    connection.commit()
    connection.close()
    assert "statistics lost: generations 17" in repair(tmp_path)
    with Run.read(tmp_path) as run:
        assert run.generation == 60 and run.check() == []
        assert np.flatnonzero(np.isnan(run.statistics()["mean"])).tolist() == [17]
    assert write(tmp_path, 80) == expected


def test_leftovers_of_a_deleted_run_do_not_enter_the_next(tmp_path: Path) -> None:
    with Run.open(tmp_path, EXPERIMENT, commit_every=1) as run:
        for generation in history(5):
            run.append(generation)
        shutil.copy(tmp_path / "run.sqlite-wal", tmp_path / "kept")
    (tmp_path / "run.sqlite").unlink()
    (tmp_path / "kept").rename(tmp_path / "run.sqlite-wal")
    with Run.open(tmp_path, EXPERIMENT) as run:
        assert run.latest() is None


def test_the_write_ahead_log_is_used_on_local_disks_alone(tmp_path: Path) -> None:
    mounts = (
        "/dev/vda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\nx /home/me/my\\040disk fuse.strange rw 0 0\n"
    )
    assert journal(Path("/data/run.sqlite"), mounts) == "WAL"
    assert journal(Path("/home/me/run.sqlite"), mounts) == "TRUNCATE"
    assert journal(Path("/home/me/my disk/run.sqlite"), mounts) == "TRUNCATE"


def test_a_run_without_write_ahead_log_keeps_its_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write(tmp_path / "wal", 20)
    monkeypatch.setattr("results.run.store.journal", lambda file: "TRUNCATE")
    with (
        Run.open(tmp_path / "roll", EXPERIMENT, commit_every=1) as run,
        Run.read(tmp_path / "roll") as reader,
    ):
        for generation in history(20):
            run.append(generation)
            assert reader.hash == run.hash
        assert run.hash == expected
        assert not (tmp_path / "roll" / "run.sqlite-wal").exists()


def test_memory_does_not_grow_with_the_age_of_a_run(tmp_path: Path) -> None:
    with Run.open(tmp_path, EXPERIMENT) as run:
        writer = run._writer
        assert writer is not None
        sizes = []
        for generation in islice(evolve(EXPERIMENT), 1500):
            run.append(generation)
            if generation.number in (700, 1499):
                run.commit()
                sizes.append(len(writer._living) + len(writer._forks) + len(writer._new_births))
        assert max(sizes) < 3 * EXPERIMENT.size
