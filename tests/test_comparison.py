"""Runs side by side: groups, intervals, paired tests, the list of runs."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from evolve import Experiment
from evolve import run as evolve_run
from results import Run
from results.comparison import compare_runs
from results.plots.side_by_side import comparison
from tests.conftest import Command

SMALL = {"genome": {"x": 0, "y": 1}, "population": {"size": 8}, "selection": {"survivors": 4}}


def made(folder: Path, seed: int, noise: float, generations: int = 12) -> Path:
    rules = {"turns": 5, "noise": noise}
    evolve_run(
        Experiment(name="small", seed=seed, generations=generations, rules=rules, **SMALL), folder
    ).close()
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("runs")
    return [made(place / f"{noise}-{seed}", seed, noise) for noise in (0.0, 0.1) for seed in (1, 2, 3)]


def test_runs_of_one_experiment_are_a_group_and_groups_are_tested_in_pairs(folders: list[Path]) -> None:
    runs = [Run.read(folder) for folder in folders]
    found = compare_runs(runs, last=0.25, settled=lambda text: Experiment.recorded(text).to_toml())
    assert [group.label for group in found.groups] == ["noise 0", "noise 0.1"]
    assert [[run.seed for run in group.runs] for group in found.groups] == [[1, 2, 3], [1, 2, 3]]
    assert found.keys == ("rules.noise",) and found.generation == 12
    ends = [
        [float(np.mean(run.statistics()["cooperation"][-3:])) for run in half]
        for half in (runs[:3], runs[3:])
    ]
    assert [group.interval("cooperation").mean for group in found.groups] == pytest.approx(
        [np.mean(e) for e in ends]
    )
    one = next(d for d in found.differences if d.measure == "cooperation")
    tested = stats.ttest_rel(ends[1], ends[0])
    assert (one.pairs, one.group) == (3, "noise 0.1") and one.p == one.adjusted == pytest.approx(
        tested.pvalue
    )
    assert one.mean == pytest.approx(np.mean(ends[1]) - np.mean(ends[0]))
    interval = tested.confidence_interval(0.95)
    assert (one.low, one.high) == pytest.approx((interval.low, interval.high))
    assert list(found.frame()["group"]) == ["noise 0", "noise 0.1"]
    figure = comparison(found, size=(4, 4), title="Mine")
    assert figure.axes[0].get_title(loc="left") == "Mine" and len(figure.axes) == 2
    assert len(comparison(found, only=["best"]).axes) == 1


def test_p_values_of_several_groups_are_adjusted_by_holm(tmp_path: Path, folders: list[Path]) -> None:
    more = [made(tmp_path / str(seed), seed, 0.3) for seed in (1, 2, 3)]
    found = compare_runs([Run.read(folder) for folder in [*folders, *more]])
    tests = [d for d in found.differences if d.measure == "mean"]
    low, high = sorted(tests, key=lambda d: d.p)
    assert low.adjusted == pytest.approx(min(1, 2 * low.p))
    assert high.adjusted == pytest.approx(max(low.adjusted, high.p))


def test_runs_without_seeds_in_common_are_not_tested(tmp_path: Path, folders: list[Path]) -> None:
    lonely = made(tmp_path / "other", 9, 0.1, generations=4)
    found = compare_runs([Run.read(folders[0]), Run.read(lonely)])
    assert found.differences == () and found.generation == 4
    assert found.groups[0].interval("mean").low is None


def test_the_command_compares_lists_and_draws(tmp_path: Path, folders: list[Path], evolve: Command) -> None:
    names = [str(folder) for folder in folders]
    code, out, err = evolve(
        "compare", *names, "--out", str(tmp_path / "x.pdf"), "--size", "4x3", "--only", "mean"
    )
    assert code == 0 and "noise 0.1" in out and "against the first" in out and "wrote" in err
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    code, out, _ = evolve("compare", *names, "--json")
    values = json.loads(out)
    assert [group["label"] for group in values["groups"]] == ["noise 0", "noise 0.1"]
    assert all(math.isfinite(d["p"]) for d in values["differences"])
    (folders[0].parent / "damaged").mkdir(exist_ok=True)
    (folders[0].parent / "damaged" / "run.sqlite").write_bytes(b"nothing")
    code, out, _ = evolve("runs", str(folders[0].parent), "--json")
    rows = {Path(row["path"]).name: row for row in json.loads(out)}
    assert code == 0 and rows["damaged"]["state"].startswith("cannot be read: ")
    assert rows["0.0-1"]["state"] == "done" and rows["0.0-1"]["generation"] == 12 and rows["0.0-1"]["leader"]
    code, out, _ = evolve("runs", str(folders[0].parent))
    assert code == 0 and "cooperation" in out and rows["0.1-2"]["hash"][:8] in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "{0}"], "runs: expected at least two to compare, got 1"),
        (["compare", "{0}", "{0}"], "runs: expected each run once"),
        (["compare", "{0}", "{1}", "--last", "0"], "last: expected a share"),
        (["compare", "{0}", "{1}", "--out", "x.gif"], "plot: expected a file that ends in"),
        (["compare", "{0}", "{1}", "--out", "x.png", "--size", "3"], "size: expected width and height"),
        (["runs", "{0}/nothing"], "dir: expected a folder with runs"),
    ],
)
def test_a_mistake_is_answered_in_one_line(
    arguments: list[str], said: str, folders: list[Path], evolve: Command
) -> None:
    code, _, err = evolve(*(text.format(*map(str, folders)) for text in arguments))
    assert code == 1 and err.startswith(f"evolve: {said}") and err.count("\n") == 1
