"""What a run is handed on as: data frames, CSV, Parquet, the ALife standard, Newick."""

from __future__ import annotations

import csv
import io
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from results import Run
from results.tables import alife, csv_text, newick, table_of
from tests.conftest import Command
from tests.synthetic import Synthetic, evolve

EXPERIMENT = Synthetic(memory=2, size=16, survivors=9, immigrants=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tables") / "run"
    with Run.open(place, EXPERIMENT) as run:
        for generation in islice(evolve(EXPERIMENT), 80):
            run.append(generation)
    return place


def test_frames_hold_what_the_run_holds(folder: Path) -> None:
    with Run.read(folder) as run:
        frame = run.frame("statistics")
        for name, column in run.statistics().items():
            assert np.array_equal(frame[name].to_numpy(), column)
        led, table = run.frame("leaders"), run.leaders()
        assert led["count"].tolist() == table.count.tolist()
        assert led["behaviour"].tolist() == [table.behaviours[b].behaviour for b in table.behaviour]
        births = run.frame("births")
        ids = {str(birth.id) for birth in run.population().population}
        assert ids <= set(births["id"]) and births["id"].is_unique
        assert set(births["parent"].dropna()) <= set(births["id"])
        with pytest.raises(ValueError, match="table: expected one of statistics, leaders, births, got 'x'"):
            run.frame("x")


def test_csv_reads_back_exactly(folder: Path) -> None:
    with Run.read(folder) as run:
        columns = table_of(run, "statistics")
        rows = list(csv.DictReader(io.StringIO(csv_text(columns))))
    assert [float(row["best"]) for row in rows] == list(columns["best"])


def test_the_phylogeny_is_in_the_alife_standard(folder: Path) -> None:
    with Run.read(folder) as run:
        columns = alife(run)
        everyone = run.kept_births()
    assert list(columns)[:3] == ["id", "ancestor_list", "origin_time"]
    place = {birth.id: n for n, birth in enumerate(everyone)}
    for id, text, birth in zip(columns["id"], columns["ancestor_list"], everyone, strict=True):
        if not birth.parents:
            assert text == "[none]"
            continue
        ancestors = [int(word) for word in text.strip("[]").split(",")]
        assert ancestors[0] == place[birth.parents[0]] and all(a < id for a in ancestors)
        assert all(columns["origin_time"][a] < birth.id.generation for a in ancestors)


def read_newick(text: str) -> tuple[str, float, list]:  # type: ignore[type-arg]
    """One tree as (label, length, children), read letter by letter."""

    def node(at: int) -> tuple[tuple[str, float, list], int]:  # type: ignore[type-arg]
        children = []
        if text[at] == "(":
            at += 1
            while True:
                child, at = node(at)
                children.append(child)
                if text[at] == ")":
                    at += 1
                    break
                assert text[at] == ","
                at += 1
        end = min(place for place in (text.find(mark, at) for mark in ",);") if place >= 0)
        label, _, length = text[at:end].partition(":")
        return (label, float(length), children), end

    tree, end = node(0)
    assert text[end] == ";"
    return tree


def test_the_trees_of_newick_are_those_of_the_living(folder: Path) -> None:
    with Run.read(folder) as run:
        text, last = newick(run), run.generation
        living = {str(birth.id): birth for birth in run.population().population}
        lines = {
            name: [str(b.id) for b in run.ancestry([birth.id]).values()] for name, birth in living.items()
        }
    found: dict[str, tuple[list[str], float]] = {}

    def walk(tree: tuple[str, float, list], above: list[str], length: float) -> None:  # type: ignore[type-arg]
        label, own, children = tree
        if not children:
            found[label] = above, length + own
        for child in children:
            walk(child, [*above, label], length + own)

    trees = [read_newick(line) for line in text.splitlines()]
    for tree in trees:
        walk(tree, [], 0.0)
    assert set(found) == set(living)
    for name, (above, length) in found.items():
        founder = int(lines[name][0].split(".")[0])
        assert length == last - founder  # the leaf ends in the last generation
        labels = [label for label in above if label]
        assert labels == [id for id in lines[name] if id in labels]  # ancestors, in order


def test_the_command_writes_every_format(folder: Path, tmp_path: Path, evolve: Command) -> None:
    import evolve as package

    small = package.Experiment(
        generations=4, genome={"x": 0, "y": 1}, population={"size": 8}, rules={"turns": 5}
    )
    package.run(small, tmp_path / "run").close()
    for to, name, begins in (
        ("csv", "statistics.csv", b"generation,best,mean"), ("alife", "alife.csv", b"id,ancestor_list,origin_time"),
        ("newick", "newick.nwk", b""),
    ):  # fmt: skip
        code, out, err = evolve("export", str(tmp_path / "run"), "--to", to)
        assert code == 0, err
        assert out.strip() == f"wrote {tmp_path / 'run' / name}"
        assert (tmp_path / "run" / name).read_bytes().startswith(begins)
    code, _, _ = evolve(
        "export", str(tmp_path / "run"), "--table", "births", "--out", str(tmp_path / "b.csv")
    )
    assert code == 0 and (tmp_path / "b.csv").read_text().startswith(
        "id,generation,island,slot,parent,mate,origin"
    )
    for arguments, said in (
        (["--to", "xml"], "to: expected one of csv, parquet, alife, newick, axelrod, got 'xml'"),
        (["--table", "x"], "table: expected one of statistics, leaders, births, got 'x'"),
    ):
        code, _, err = evolve("export", str(tmp_path / "run"), *arguments)
        assert code == 1 and err == f"evolve: {said}\n"


def test_a_table_is_written_as_parquet(folder: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra [frames] is not installed")
    import pandas

    from results.tables import parquet

    with Run.read(folder) as run:
        columns = table_of(run, "births")
    read = pandas.read_parquet(io.BytesIO(parquet(columns)))
    assert read["genome"].tolist() == list(columns["genome"])
