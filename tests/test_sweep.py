"""A sweep comes to the same whoever computes it, whoever is killed meanwhile, and however often it is resumed."""

import csv
import io
import json
import re
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from evolve.experiment.experiment import Experiment
from evolve.experiment.files import ExperimentError
from evolve.sweep import Sweep, run_one, run_sweep
from results import Run
from results.errors import RunError
from results.indexes import INDEX
from results.plots.sweep import sweep_figure
from results.run.place import WriterLock
from results.sweeps import MEASURES, Interval, RunMeasures, Summary, SweepRun, summarise, summary_csv
from tests.conftest import Command, Mortal
from tests.processes import evolve_command, wait, watch
from tests.runs import ROOT, progress

SMALL = """
seed = 3
generations = {generations}
[genome]
x = 1
y = 1
[population]
size = 12
[selection]
survivors = 6
[variation]
immigrants = 1
[sweep]
"""


def sweep_file(folder: Path, settings: str, generations: int = 12, name: str = "small") -> Path:
    file = folder / f"{name}.toml"
    file.write_text(SMALL.format(generations=generations) + settings)
    return file


TWO_BY_TWO = 'grid = { "rules.noise" = [0.0, 0.05], "genome.y" = [1, 2] }\nseeds = 2\n'


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A sweep of two keys, two values each, two seeds."""
    return sweep_file(tmp_path, TWO_BY_TWO)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of that sweep as one process leaves it: to be read or copied."""
    place = tmp_path_factory.mktemp("done")
    run_sweep(Sweep.load(sweep_file(place, TWO_BY_TWO)), place / "out")
    return place / "out"


# --- what a sweep file says ---


def test_every_point_is_run_with_every_seed(tmp_path: Path) -> None:
    sweep = Sweep.load(
        sweep_file(
            tmp_path,
            'list = [{ "rules.turns" = 10 }, { "rules.continuation" = 0.9 }]\n'
            'grid = { "rules.noise" = [0, 0.1] }\nseeds = [5, 9, 2]\nlast = 1\n',
        )
    )
    assert sweep.keys == ("rules.turns", "rules.continuation", "rules.noise")
    assert [(t.experiment.rules.turns, t.experiment.rules.noise, t.experiment.seed) for t in sweep.tasks] == [
        (turns, noise, seed) for turns in (10, None) for noise in (0, 0.1) for seed in (5, 9, 2)
    ]
    assert len({task.folder for task in sweep.tasks}) == 12 and sweep.name == "small"
    for task in sweep.tasks:  # what is written once a point says the same as each experiment
        assert task.results_key == task.experiment.results_key()
        own = {"name": task.folder, "seed": task.experiment.seed}
        assert Experiment.parse(task.toml, own) == task.experiment


def test_the_experiment_may_be_a_file_of_its_own_with_changes(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        'name = "other"\nseed = 8\n[population]\nsize = 30\n[rules]\nturns = 9\n'
    )
    file = tmp_path / "replicates.toml"
    file.write_text('base = "base.toml"\n[population]\nsize = 40\n[sweep]\nseeds = 2\n')
    first, second = Sweep.load(file).tasks
    assert (first.experiment.population.size, first.experiment.rules.turns) == (40, 9)
    assert (first.experiment.seed, second.experiment.seed) == (8, 9) and first.point == {}


def test_keys_may_be_written_without_quotes(tmp_path: Path) -> None:
    plain = Sweep.load(sweep_file(tmp_path, "grid.rules.noise = [0.0, 0.1]\n"))
    assert plain == Sweep.load(sweep_file(tmp_path, 'grid = { "rules.noise" = [0.0, 0.1] }\n'))


def test_a_key_that_changes_no_result_can_be_swept_too(tmp_path: Path) -> None:
    sweep = Sweep.load(sweep_file(tmp_path, "grid = { generations = [2, 4] }\n"))
    entries = run_sweep(sweep, tmp_path / "out")
    assert [e.outcome.generation for e in entries if e.outcome] == [2, 4]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            'grid = { "rules.noise" = [0.1, 0.9] }',
            r"^rules\.noise: expected .* got 0\.9  \(at rules\.noise = 0\.9\)$",
        ),
        (
            'grid = { "rules.nose" = [0.1] }',
            r"rules\.nose: expected a known key, got 'nose' \(nearest: noise",
        ),
        (
            'grid = { "population.size" = [2, 3] }',
            r"selection\.survivors: expected .*\n.*at population\.size = 3\)",
        ),
        ('grid = { "rules.noise" = 0.1 }', r"sweep\.grid\.rules\.noise: expected a list of values, got 0\.1"),
        (
            'grid = { "rules.noise" = [0.1, 0.1] }',
            r"sweep: expected points that differ, got rules\.noise = 0\.1",
        ),
        ("grid = { seed = [1, 2] }", r"sweep: expected sweep\.seeds and no key 'seed'"),
        (
            'grid = { "rules.turns" = [200, 200.0] }',
            r"sweep: expected points that differ, got rules\.turns = 200 again",
        ),
        ("seeds = 1000000000", r"sweep\.seeds: expected a number from 1 to 100000, .* got 1000000000"),
        (
            f"seeds = 1000\ngrid = {{ seed2 = {list(range(200))} }}",
            r"expected at most 100000 runs, got 200 points",
        ),
        (
            f"grid = {{ {', '.join(f'k{k} = {list(range(10))}' for k in range(6))} }}",
            r"100000 points, got 1000000",
        ),
        ("x = " + "[" * 9999, r"sweep: expected TOML, got brackets nested too deeply"),
        ("seeds = 0", r"sweep\.seeds: expected .* got 0"),
        ("seeds = [1, 1]", r"sweep\.seeds: expected .* got \[1, 1\]"),
        ("last = 2", r"sweep\.last: expected a share, 0 < last <= 1, got 2"),
        ("sedes = 3", r"sweep\.sedes: expected grid, list, seeds or last"),
        ('list = [{ "rules.noise" = 0.1 }]\ngrid = { "rules.noise" = [0.2] }', r"got 'rules\.noise' in both"),
    ],
)
def test_a_mistake_is_named_before_anything_runs(tmp_path: Path, settings: str, message: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        Sweep.load(sweep_file(tmp_path, settings))
    assert re.search(message, str(caught.value), re.DOTALL), str(caught.value)


def test_the_example_is_a_sweep() -> None:
    for file in (ROOT / "examples" / "sweeps").glob("*.toml"):
        assert len({task.experiment.seed for task in Sweep.load(file).tasks}) > 1


# --- what comes out ---


def left(folder: Path) -> dict[str, str]:
    """The index, word for word, and the hash of every run."""
    hashes = {}
    for place in sorted((folder / "runs").iterdir()):
        with Run.read(place) as run:
            hashes[place.name] = run.hash
            assert run.check() == []
    return hashes | {INDEX: (folder / INDEX).read_text()}


def test_runs_are_ordinary_and_outcomes_are_their_statistics(small: Path, tmp_path: Path) -> None:
    entries = run_sweep(Sweep.load(small), tmp_path / "out")
    for entry, task in zip(entries, Sweep.load(small).tasks, strict=True):
        with Run.read(tmp_path / "out" / "runs" / entry.folder) as run:
            assert Experiment.parse(run.experiment_text) == task.experiment
            table = run.statistics()
            assert entry.outcome is not None and entry.outcome.hash == run.hash
            for name in MEASURES:  # 13 generations: a quarter is 3
                assert getattr(entry.outcome, name) == pytest.approx(np.mean(table[name][-3:]), rel=1e-14)


def test_the_same_comes_out_of_one_process_of_several_and_of_a_cluster(
    small: Path, done: Path, tmp_path: Path, scheduler: str
) -> None:
    found = []
    for k, place in enumerate([{"workers": 2}, {"cluster": scheduler}]):
        run_sweep(Sweep.load(small), tmp_path / str(k), **place)  # type: ignore[arg-type]
        found.append(left(tmp_path / str(k)))
    assert left(done) == found[0] == found[1] and len(found[0]) == 9


def test_what_is_done_is_not_done_again_and_added_points_join_it(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run_sweep(Sweep.load(sweep_file(tmp_path, 'grid = { "rules.noise" = [0.0] }\nseeds = 2')), folder)
    before = {place: place.stat().st_mtime_ns for place in folder.glob("runs/*/run.sqlite")}
    wider = Sweep.load(sweep_file(tmp_path, 'grid = { "rules.noise" = [0.1, 0.0] }\nseeds = 2'))
    seen: list[Any] = []
    run_sweep(wider, folder, watch=lambda entries, latest: seen.append(latest))
    assert [entry.point for entry in seen[1:]] == [{"rules.noise": 0.1}] * 2
    assert all(place.stat().st_mtime_ns == then for place, then in before.items()) and len(before) == 2


def test_a_lost_or_damaged_index_is_made_again_from_the_runs(small: Path, done: Path, tmp_path: Path) -> None:
    sweep, folder = Sweep.load(small), tmp_path / "out"
    shutil.copytree(done, folder)
    whole = left(folder)
    for damage in ("", whole[INDEX][:500], "[1, 2]", '{"format": 1, "runs": [{}]}'):
        (folder / INDEX).write_text(damage)
        run_sweep(sweep, folder)
        assert left(folder) == whole


def test_a_changed_or_nested_index_is_not_believed(small: Path, done: Path, tmp_path: Path) -> None:
    sweep, folder = Sweep.load(small), tmp_path / "out"
    shutil.copytree(done, folder)
    whole = left(folder)
    changed = re.sub(r'"best": \d', '"best": 9', whole[INDEX], count=1)
    for damage in (changed, "[" * 100_000):
        (folder / INDEX).write_text(damage)
        run_sweep(sweep, folder)
        assert left(folder) == whole != {**whole, INDEX: damage}


def test_fewer_generations_are_measured_where_they_end(tmp_path: Path) -> None:
    settings = 'grid = { "rules.noise" = [0.0, 0.05] }\nlast = 0.5\n'
    fewer = run_sweep(Sweep.load(sweep_file(tmp_path, settings, generations=9)), tmp_path / "fresh")
    run_sweep(Sweep.load(sweep_file(tmp_path, settings, generations=20)), tmp_path / "out")
    assert run_sweep(Sweep.load(sweep_file(tmp_path, settings, generations=9)), tmp_path / "out") == fewer


def test_a_damaged_run_does_not_stop_the_others_and_is_named(tmp_path: Path) -> None:
    settings, folder = 'grid = { "rules.noise" = [0.0, 0.05, 0.1] }\n', tmp_path / "out"
    sweep = Sweep.load(sweep_file(tmp_path, settings, generations=5))
    run_sweep(sweep, folder)
    bad = folder / "runs" / sweep.tasks[0].folder
    file = bad / "run.sqlite"
    file.write_bytes(file.read_bytes()[:100] + b"\x55" * 9000)
    more = Sweep.load(sweep_file(tmp_path, settings, generations=9))
    with pytest.raises(RunError, match=rf"1 damaged of 3, the others are done; .* {re.escape(bad.name)}$"):
        run_sweep(more, folder)
    assert sum(f'"generation": {n}' in (folder / INDEX).read_text() for n in (5, 9)) == 1
    shutil.rmtree(bad)
    whole = run_sweep(more, tmp_path / "fresh")
    assert run_sweep(more, folder) == whole


def test_the_folder_of_another_sweep_is_left_alone(small: Path, tmp_path: Path) -> None:
    run_sweep(Sweep.load(small), tmp_path / "out")
    before = left(tmp_path / "out")
    other = Sweep.load(sweep_file(tmp_path, "seeds = 1", name="other"))
    with pytest.raises(RunError, match="expected a folder of the sweep 'other', got one of 'small'"):
        run_sweep(other, tmp_path / "out")
    assert left(tmp_path / "out") == before


def test_a_wrong_scheduler_leaves_no_folder(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cluster: expected 'local' or the address"):
        run_sweep(Sweep.load(small), tmp_path / "out", cluster="no address")
    assert not (tmp_path / "out").exists()


def test_more_generations_go_on_where_the_runs_are(tmp_path: Path) -> None:
    settings, folder = 'grid = { "rules.noise" = [0.0, 0.1] }', tmp_path / "out"
    run_sweep(Sweep.load(sweep_file(tmp_path, settings, 5)), folder)
    run_sweep(Sweep.load(sweep_file(tmp_path, settings, 12)), folder)
    run_sweep(Sweep.load(sweep_file(tmp_path, settings, 12)), tmp_path / "at once")
    assert left(folder) == left(tmp_path / "at once")


def test_two_processes_do_not_share_a_sweep(small: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    lock = WriterLock(tmp_path / "out" / "sweep.lock")
    with pytest.raises(RunError, match=r"another process is writing this sweep \(pid"):
        run_sweep(Sweep.load(small), tmp_path / "out")
    lock.release()
    assert all(entry.outcome for entry in run_sweep(Sweep.load(small), tmp_path / "out"))


def test_a_worker_that_does_not_see_the_folder_says_so(small: Path, tmp_path: Path) -> None:
    text = Sweep.load(small).tasks[0].toml
    with pytest.raises(ValueError, match="expected a folder that all workers share"):
        run_one(str(tmp_path / "elsewhere"), text, "small", 1, 0.5)
    assert not (tmp_path / "elsewhere").exists()


# --- kills ---


FOUR = 'grid = { "rules.noise" = [0.0, 0.05] }\nseeds = 2\n[run]\ncommit_every = 10\n'


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What four runs leave that nobody disturbs."""
    folder = tmp_path_factory.mktemp("calm")
    run_sweep(Sweep.load(sweep_file(folder, FOUR, 300)), folder)
    return left(folder)


def reached(folder: Path) -> int:
    """Generations of all runs together."""
    return sum(progress(place) + 1 for place in folder.glob("runs/*"))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_worker_killed_in_the_middle_changes_nothing(
    mortal: Mortal, calm: dict[str, str], tmp_path: Path
) -> None:
    place, kill = mortal
    folder = tmp_path / "stormy"
    killed: list[int] = []

    def assassinate() -> None:
        wait(lambda: reached(folder) > 20)
        kill()
        killed.append(reached(folder))

    assassin = threading.Thread(target=assassinate)
    assassin.start()
    run_sweep(Sweep.load(sweep_file(tmp_path, FOUR, 300)), folder, **place)
    assassin.join()
    assert left(folder) == calm and 20 < killed[0] < 4 * 301


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_stops_and_says_how_to_go_on(
    workers: str, calm: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evolve: Command
) -> None:
    file, folder = sweep_file(tmp_path, FOUR, 300), tmp_path / "sweeps" / "small"
    number = signal.SIGTERM if workers == "1" else signal.SIGINT
    child = evolve_command("sweep", str(file), "--workers", workers, cwd=tmp_path)
    watch(child, lambda: reached(folder) > 20)
    child.send_signal(number)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 128 + number, err
    found = re.search(r"stopped with (\d) of 4 runs done; .* with: evolve (.*)\n", err)
    assert found and int(found[1]) < 4 and out == "" and "Traceback" not in err
    monkeypatch.chdir(tmp_path)
    assert evolve(*found[2].split())[0] == 0
    assert left(folder) == calm


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_sweep_killed_again_and_again_ends_as_if_it_had_not_been(
    calm: dict[str, str], tmp_path: Path
) -> None:
    file = sweep_file(tmp_path, FOUR, 300)
    folder, before = tmp_path / "sweeps" / "small", 0
    for _ in range(2):
        child = evolve_command("sweep", str(file), "--workers", "2", cwd=tmp_path)
        watch(child, lambda: reached(folder) > before)  # noqa: B023
        child.kill()
        child.communicate()
        before = reached(folder)
    assert 0 < before < 4 * 301
    run_sweep(Sweep.load(file), folder, workers=2)
    assert left(folder) == calm


# --- summaries ---


def test_an_interval_is_students() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, 7).tolist()
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = Interval.of(values)
    assert found.low is not None and found.high is not None
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
    assert Interval.of([2.5]) == Interval(2.5, None, None)


def test_intervals_hold_what_they_promise() -> None:
    rng = np.random.default_rng(1)
    found = [Interval.of(rng.normal(0, 1, 4).tolist()) for _ in range(2000)]
    hit = np.mean([f.low < 0 < f.high for f in found])  # type: ignore[operator]
    assert abs(hit - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_an_interval_ends_where_its_measure_does(tmp_path: Path) -> None:
    outcomes = [RunMeasures(1, "", 0.2, 0.2, share, count) for share, count in ((0.0, 1.0), (0.9, 2.0))]
    entries = [SweepRun("", {}, seed, "", outcome) for seed, outcome in enumerate(outcomes)]
    (summary,) = summarise(entries)
    assert summary.measures["cooperation"] == Interval(0.45, 0.0, 1.0)
    found = summary.measures["behaviours"]
    assert found.low == 1 and found.high == pytest.approx(1.5 + 12.7062 * 0.5, abs=1e-4)


def test_the_table_has_a_row_a_point_also_when_nothing_is_done(small: Path, tmp_path: Path) -> None:
    sweep = Sweep.load(small)
    summaries = summarise(run_sweep(sweep, tmp_path / "out"))
    rows = list(csv.DictReader(io.StringIO(summary_csv(sweep.keys, summaries))))
    assert [(float(r["rules.noise"]), int(r["genome.y"]), r["runs"]) for r in rows] == [
        (noise, y, "2") for noise in (0.0, 0.05) for y in (1, 2)
    ]
    for row, summary in zip(rows, summaries, strict=True):
        assert float(row["best_low"]) <= float(row["best"]) == summary.measures["best"].mean
    (empty,) = csv.DictReader(io.StringIO(summary_csv(["a"], [Summary({"a": "x"}, 0, {})])))
    assert empty["runs"] == "0" and empty["a"] == "x" and empty["best"] == ""


def test_the_figure_is_lines_for_one_key_and_maps_for_two() -> None:
    def summary(**point: Any) -> Summary:
        return Summary(point, 3, {name: Interval(0.5, 0.4, 0.6) for name in MEASURES})

    lines = sweep_figure("a", [summary(noise=x, same=1) for x in (0.1, 0.0, 0.2)])
    assert lines is not None and [axes.get_xlabel() for axes in lines.axes][-1].startswith("noise")
    assert list(lines.axes[0].lines[0].get_xdata()) == [0.0, 0.1, 0.2]
    words = sweep_figure("a", [summary(method=x) for x in ("tournament", "roulette")])
    assert words is not None
    assert [text.get_text() for text in words.axes[2].get_xticklabels()] == ["tournament", "roulette"]
    holes = [summary(x=x, y=y) for x in (1, 2, 3) for y in (5, 6) if x + y != 8]
    maps = sweep_figure("a", holes)
    assert maps is not None
    shown = np.ma.filled(maps.axes[0].images[0].get_array(), np.nan)
    assert shown.shape == (2, 3) and np.isnan(shown[[0, 1], [2, 1]]).all() and np.isnan(shown).sum() == 2
    uneven = sweep_figure("a", [summary(noise=x) for x in (0.0, 1e-4, 1e-3, 0.5)])
    assert uneven is not None and list(uneven.axes[0].lines[0].get_xdata()) == [0, 1, 2, 3]
    assert [text.get_text() for text in uneven.axes[2].get_xticklabels()] == ["0", "0.0001", "0.001", "0.5"]
    alike = sweep_figure("a", [summary(seeds=[{"strategy": "memory(1,1) " + x}]) for x in ("cCCCC", "cCDCD")])
    assert alike is not None
    assert [text.get_text()[:3] for text in alike.axes[2].get_xticklabels()] == ["1: ", "2: "]
    assert sweep_figure("a", [summary(x=1), summary(x=1)]) is None
    assert sweep_figure("a", [summary(x=x, y=x, z=x) for x in (1, 2)]) is None
    assert sweep_figure("a", [Summary({"x": x}, 0, {}) for x in (1, 2)]) is None


def test_the_command_leaves_table_and_figure(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evolve: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = evolve("sweep", str(small))
    assert (
        code == 0
        and "2 runs a point, means over the last 25% of the generations" in out
        and re.search(r"\d \(\d[0-9.]+-\d", out)
    )
    code, out, _ = evolve("sweep", str(small), "--json")
    answer = json.loads(out)
    assert code == 0 and [point["runs"] for point in answer["points"]] == [2] * 4
    assert answer["keys"] == ["rules.noise", "genome.y"] and answer["last"] == 0.25
    left_behind = {path.name for path in (tmp_path / "sweeps" / "small").iterdir()}
    assert {"summary.csv", "summary.json", "sweep.png", "sweep.svg", INDEX, "runs"} <= left_behind
    shutil.rmtree(tmp_path / "sweeps" / "small" / "runs")  # the index is enough to know what is done
    assert evolve("sweep", str(small))[0] == 0
    assert not (tmp_path / "sweeps" / "small" / "runs").exists()
    sweep_file(tmp_path, "seeds = 1", generations=3)  # nothing varies any more
    code, _, told = evolve("sweep", str(small))
    assert code == 0 and "no figure: it takes one key that varies, or two" in told
    assert not list((tmp_path / "sweeps" / "small").glob("sweep.*g"))  # no stale one either
