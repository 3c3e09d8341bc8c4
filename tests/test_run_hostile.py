"""A stranger's run, sweep or study: nothing in it is executed, followed, or believed without a look.

Digests need no secret, so every row here is forged with digests that fit.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve import Experiment, generations
from evolve.invasion.run import outcome_line, run_study
from evolve.invasion.study import Study
from genomes import parse
from results import BirthId, Run
from results.errors import DamageError, RunError
from results.indexes import INDEX, row_digest
from results.lineage import family_tree, line_of_descent
from results.run.place import write_whole
from results.run.repairs import repair
from results.run.rows import SCHEMA, Digests
from results.sweeps import read_index
from tests.conftest import Command
from tests.runs import ROOT, everything, write

SMALL = Experiment(
    generations=12, genome={"x": 1, "y": 1}, rules={"turns": 10}, population={"size": 8}, seed=3
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the real loop, to be forged."""
    folder = tmp_path_factory.mktemp("small")
    with Run.open(folder, SMALL, commit_every=3, checkpoint_every=5) as run:
        for generation in generations(SMALL):
            run.append(generation)
    return folder


def forge(folder: Path, table: str, change: Callable[[list[Any]], list[Any]], where: str = "1") -> None:
    """Change rows, and give them digests that fit."""
    connection = sqlite3.connect(folder / "run.sqlite")
    (run,) = connection.execute("SELECT value FROM meta_copy WHERE name = 'run'").fetchone()
    digests = Digests(bytes.fromhex(run))
    for row in connection.execute(f"SELECT * FROM {table} WHERE {where}").fetchall():
        fields = change(list(row[:-1]))
        forged = (
            digests.row("meta" if table.startswith("meta") else table, *fields)
            if table != "populations"
            else (*fields, population_digest(digests, fields))
        )
        connection.execute(f"DELETE FROM {table} WHERE id = ?", (row[0],))
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(forged))})", forged)
    connection.commit()
    connection.close()


def population_digest(digests: Digests, fields: list[Any]) -> bytes:
    from hashlib import sha256

    number, checkpoint, previous, content, behaviours = fields
    try:
        text, keys = zlib.decompress(content), zlib.decompress(behaviours)
        return digests.of(
            "populations",
            number,
            checkpoint,
            sha256(previous + sha256(text).digest()).digest(),
            sha256(keys).digest(),
        )
    except (TypeError, zlib.error):
        return b""


def look(folder: Path) -> None:
    """Everything that a reader and a writer do with a run; RunError and ValueError are answers."""

    def tried(what: Callable[[], object]) -> None:
        try:
            what()
        except ValueError as error:  # RunError and DamageError are ValueErrors
            assert len(str(error)) < 2000

    def reading(what: Callable[[Run], object]) -> Callable[[], None]:
        def read() -> None:
            with Run.read(folder, Experiment.parse) as run:
                what(run)

        return read

    for what in (
        lambda run: run.check(),
        lambda run: run.latest(),
        lambda run: run.statistics(),
        lambda run: run.leaders(),
        lambda run: (run.hash, run.experiment_text, run.provenance, len(run)),
        lambda run: [run.population(number) for number in run.kept_populations()],
        line_of_descent,
        family_tree,
        lambda run: run.birth(BirthId(2**31, 0, 0)),
    ):
        tried(reading(what))

    def resume() -> None:
        with Run.open(folder, SMALL.changed(generations=14), notice=lambda text: None) as run:
            for generation in generations(SMALL.changed(generations=14), start=run.latest()):
                run.append(generation)

    tried(resume)
    tried(lambda: repair(folder))
    tried(reading(lambda run: run.check()))


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, 1, -1, 10**9, 2**31, 2**32, 2**63 - 1]),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.binary(max_size=90),
    st.sampled_from([bytes(32), bytes(76), b"\xff" * 76, bytes(8), b"\xff" * 8, "[" * 50_000, "9" * 5000]),
)
"""What a field can be instead of what it should be."""


@settings(max_examples=60)
@given(data=st.data())
def test_a_forged_field_is_refused_in_words_or_does_no_harm(small: Path, data: st.DataObject) -> None:
    table = data.draw(
        st.sampled_from(["head", "meta", "generations", "populations", "births", "behaviours", "censuses"])
    )
    fields = SCHEMA[table].count(",")
    place, value = data.draw(st.integers(1, fields - 1)), data.draw(VALUES)
    where = data.draw(st.sampled_from(["1", f"id IN (SELECT max(id) FROM {table})", "id % 3 = 1"]))
    folder = small.with_name("forged")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(small, folder)
    for each in (table, "meta_copy") if table == "meta" else (table,):
        forge(folder, each, lambda row: [*row[:place], value, *row[place + 1 :]], where)
    start = time.monotonic()
    look(folder)
    assert time.monotonic() - start < 20


@settings(max_examples=40)
@given(
    st.sampled_from(["provenance", "experiment", "results_key", "lineage", "start", "edition", "run"]),
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        st.sampled_from(
            [
                "[" * 100_000,
                "{}",
                "null",
                "NaN",
                '{"name": 1, "seed": 2, "sessions": []}',
                '{"name": "x", "seed": 1e400, "sessions": [{}]}',
                '{"name": "x", "seed": 1, "sessions": [3]}',
                '{"name": "x", "seed": 1, "sessions": [{}]}',
                "9" * 5000,
                "[selection]\ntournament_size = 1000000000000",
                f"[fitness]\nopponents = 'panel'\npanel = [{'`soft_majo`, ' * 20000}]".replace("`", '"'),
                f"[fitness]\nopponents = 'panel'\npanel = [{'`lifl`, ' * 20000}]".replace("`", '"'),
            ]
        ),
    ),
)
def test_forged_texts_about_a_run_are_refused_in_words_or_do_no_harm(
    small: Path, name: str, text: str
) -> None:
    folder = small.with_name("forged-meta")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(small, folder)
    for table in ("meta", "meta_copy"):
        forge(folder, table, lambda row: [*row[:2], text], f"name = '{name}'")
    start = time.monotonic()
    look(folder)
    assert time.monotonic() - start < 20


def test_numbers_in_a_file_are_no_loops(small: Path, tmp_path: Path) -> None:
    for name, table, change in (
        ("head", "head", lambda row: [row[0], 10**9, *row[2:]]),
        ("behaviours", "head", lambda row: [*row[:4], 4 * 10**9, *row[5:]]),
        ("generation", "generations", lambda row: [row[0] * 80_000_000, *row[1:]]),
        ("population", "populations", lambda row: [row[0] * 80_000_000, *row[1:]]),
        ("leaders", "generations", lambda row: [*row[:3], struct.pack("<2I", 2**32 - 1, 2**32 - 1)]),
        ("counts", "generations", lambda row: [*row[:3], struct.pack("<2I", 1, 2**32 - 1) * 50]),
        ("ancestor", "behaviours", lambda row: [*row[:4], 2**31]),
    ):
        shutil.copytree(small, tmp_path / name)
        forge(tmp_path / name, table, change)
        start = time.monotonic()
        with pytest.raises(DamageError), Run.read(tmp_path / name, Experiment.parse) as run:
            run.leaders()
        look(tmp_path / name)
        assert time.monotonic() - start < 20, name


def test_a_population_is_not_unpacked_beyond_what_its_experiment_allows(
    small: Path, tmp_path: Path, evolve: Command
) -> None:
    shutil.copytree(small, tmp_path / "run")
    bomb = zlib.compress(b"0.0.0 - seed " + b"C" * 150_000_000 + b"\n\n" + bytes(8), 9)
    forge(tmp_path / "run", "populations", lambda row: [*row[:3], bomb, row[4]], "id = 12")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code, _, error = evolve("show", str(tmp_path / "run"))
    assert code == 1 and "longer than its experiment allows" in error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


@pytest.mark.parametrize(
    "harm",
    [
        # a trigger that is named as a table hid behind it
        "CREATE TRIGGER meta AFTER INSERT ON generations BEGIN DELETE FROM births; END",
        "CREATE TRIGGER head AFTER INSERT ON head BEGIN DELETE FROM births; END",
        "CREATE INDEX births_by_parent ON births (parent)",
        "CREATE VIEW everything AS SELECT * FROM births",
        "CREATE TABLE more (id)",
        "DROP TABLE births; CREATE VIEW births AS SELECT 1",
        "DROP TABLE meta_copy",
        "DROP TABLE births; CREATE TABLE births (id INTEGER PRIMARY KEY, parent, mate, origin, genome, behaviour, "
        "digest CHECK (abs(random()) >= 0))",
    ],
)
def test_a_file_with_anything_but_the_tables_is_refused(tmp_path: Path, harm: str) -> None:
    write(tmp_path, 5)
    connection = sqlite3.connect(tmp_path / "run.sqlite")
    connection.executescript(harm)
    connection.close()
    before = (tmp_path / "run.sqlite").read_bytes()
    for attempt in (everything, lambda path: write(path, 9)):
        with pytest.raises(RunError) as error:
            attempt(tmp_path)
        assert "\n" not in str(error.value)
    assert (tmp_path / "run.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    "name",
    ["run.lock", "run.sqlite", "run.sqlite-wal", "run.sqlite-journal", "run.sqlite-shm", "run.sqlite.next"],
)
@pytest.mark.parametrize("kind", ["link", "dangling", "pipe", "folder", "other name"])
def test_links_and_pipes_in_the_folder_of_a_run_are_refused(tmp_path: Path, name: str, kind: str) -> None:
    write(tmp_path / "run", 5)
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    place = tmp_path / "run" / name
    if kind == "folder" and name == "run.lock":
        return  # the system itself refuses to open it
    place.unlink(missing_ok=True)
    if kind == "link":
        place.symlink_to(outside)
    elif kind == "dangling":
        place.symlink_to(tmp_path / "made")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.hardlink_to(outside)
    for attempt in (lambda: write(tmp_path / "run", 9), lambda: repair(tmp_path / "run")):
        try:
            attempt()
        except RunError as error:
            assert "\n" not in str(error)
    assert outside.read_bytes() == b"precious" and not (tmp_path / "made").exists()


def test_figures_do_not_go_through_a_folder_that_is_a_link(
    small: Path, tmp_path: Path, evolve: Command
) -> None:
    shutil.copytree(small, tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run" / "plots").symlink_to(tmp_path / "elsewhere")
    code, _, error = evolve("plot", str(tmp_path / "run"))
    assert code == 1 and "is a link to another place" in error
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_is_written_whole_replaces_a_link_and_follows_none(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    for name in ("index.json", "index.json.tmp"):
        (tmp_path / name).symlink_to(outside)
    write_whole(tmp_path / "index.json", "ours")
    assert outside.read_text() == "precious" and (tmp_path / "index.json").read_text() == "ours"
    assert not (tmp_path / "index.json").is_symlink()


def test_a_folder_of_a_sweep_that_is_a_link_is_refused(tmp_path: Path, evolve: Command) -> None:
    (tmp_path / "sweep.toml").write_text(SMALL.to_toml().replace("[run]", "[sweep]\nseeds = 1\n[run]"))
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "runs").symlink_to(tmp_path / "elsewhere")
    code, _, error = evolve("sweep", str(tmp_path / "sweep.toml"), "--out", str(tmp_path / "out"))
    assert code == 1 and "got a link" in error and not list((tmp_path / "elsewhere").iterdir())


ODD: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just(10**400)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(["generation", "hash", "best", "cooperation", "extra"]), ODD)
def test_a_forged_index_of_a_sweep_is_what_can_be_or_not_known(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    folder = tmp_path_factory.mktemp("index")
    outcome = {
        "generation": 3, "hash": "0" * 64, "best": 3.0, "mean": 2.0, "cooperation": 0.5, "behaviours": 4.0,
    }  # fmt: skip
    row = {"folder": "a", "point": {}, "seed": 1, "key": "k", "outcome": outcome | {key: value}}
    good = row | {"folder": "b", "outcome": outcome}
    rows = [{**one, "digest": row_digest(one)} for one in (row, good)]
    content = {"format": 1, "name": "x", "last": 0.25, "runs": [*rows, 3, None, [], value]}
    (folder / INDEX).write_text(json.dumps(content))
    name, known = read_index(folder)
    assert name == "x" and ("b", "k") in known
    for found in known.values():
        assert 0 <= found.cooperation <= 1 and isinstance(found.generation, int)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"format": 1}', "[]", "3", '{"format": 1, "name": 3, "runs": []}']
)
def test_an_index_of_a_sweep_that_is_none_is_not_known(tmp_path: Path, text: str) -> None:
    (tmp_path / INDEX).write_text(text)
    assert read_index(tmp_path) == (None, {})


STUDY = Study.of(["all_c"], controls=[], replicates=2, generations=3)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    folder = tmp_path_factory.mktemp("study")
    run_study(STUDY, folder)
    yield folder, (folder / "outcomes.jsonl").read_text().splitlines(keepends=True)


@given(
    st.sampled_from(
        ["label", "replicate", "lost", "time", "mutants", "invader", "name", "share", "cause", "extra"]
    ),
    ODD,
)
def test_forged_outcomes_of_a_study_are_refused_in_words(
    study: tuple[Path, list[str]], key: str, value: Any
) -> None:
    folder, lines = study
    row = json.loads(lines[1].partition(" ")[2]) | {key: value}
    (folder / "outcomes.jsonl").write_text("".join([lines[0], outcome_line(row), lines[2]]))
    try:
        outcomes = run_study(STUDY, folder)
    except ValueError as error:
        assert "line 2 is no outcome" in str(error)
    else:
        assert len(outcomes) == 2 and all(isinstance(asdict(one)["time"], int) for one in outcomes)


@pytest.mark.parametrize("line", ["[" * 100_000, "[]", "3", "null", "{}"])
def test_lines_that_are_no_outcomes_are_refused_in_words(study: tuple[Path, list[str]], line: str) -> None:
    import hashlib

    folder, lines = study
    forged = f"{hashlib.sha256(line.encode()).hexdigest()[:16]} {line}\n"
    for text in (lines[0] + forged, forged):
        (folder / "outcomes.jsonl").write_text(text)
        with pytest.raises(ValueError, match=r"no outcome|expected format"):
            run_study(STUDY, folder)


def test_outcomes_are_not_written_through_a_link(study: tuple[Path, list[str]], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("".join(study[1][:2]))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "outcomes.jsonl").symlink_to(outside)
    with pytest.raises(RunError, match="got a link"):
        run_study(STUDY, tmp_path / "out")
    assert outside.read_text() == "".join(study[1][:2])


@pytest.mark.parametrize(
    "text",
    [
        "memory(1,1) cCDCD" + " " * 200_000 + "x",
        "memory(1,1)" + " " * 200_000 + "cCDCD",
        "memory(" + "1" * 10**5,
    ],
)
def test_long_texts_are_read_in_a_time_that_grows_with_their_length(text: str) -> None:
    start = time.monotonic()
    try:
        parse(text)
    except ValueError as error:
        assert len(str(error)) < 300
    assert time.monotonic() - start < 2


def test_the_output_of_each_outcome_is_synced(tmp_path: Path) -> None:
    """Counted from outside: a sync of the file for each task that is done, and for the header."""
    script = (
        "import os, sys; from pathlib import Path; from tests.test_run_hostile import STUDY, run_study\n"
        "synced = []\n"
        "plain = os.fsync\n"
        "def fsync(fd):\n"
        "    synced.append(os.readlink(f'/proc/self/fd/{fd}')); plain(fd)\n"
        "os.fsync = fsync\n"
        "run_study(STUDY, Path(sys.argv[1]))\n"
        "print(sum(name.endswith('outcomes.jsonl') for name in synced))"
    )
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert child.stdout.split() == ["2"]
