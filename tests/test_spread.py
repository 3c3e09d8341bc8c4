"""Tasks give the same results wherever they are done, and whoever dies meanwhile."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evolve.workers import as_finished, cluster_client, spread
from tests.processes import alive, wait
from tests.runs import ROOT


def square(k: int) -> tuple[int, int]:
    """A task, and who did it."""
    return k * k, os.getpid()


def square_once_killed(k: int, folder: str) -> int:
    """Task 3 kills its process the first time; each notes that it was done."""
    mark = Path(folder) / "killed"
    if k == 3 and not mark.exists():
        time.sleep(0.5)
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    with (Path(folder) / f"done-{k}").open("a") as notes:
        notes.write("x")
    return k * k


def die(k: int) -> int:
    """A task that no process survives."""
    os.kill(os.getpid(), signal.SIGKILL)
    return k


def refuse(k: int) -> int:
    """A task that is mistaken."""
    raise ValueError(f"k: expected another number, got {k}")


def sleep(seconds: float, folder: str) -> None:
    """A long task, which says who is at it."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(seconds)


def places(scheduler: str) -> list[dict[str, Any]]:
    return [{}, {"workers": 2}, {"workers": 3}, {"cluster": scheduler}]


def test_results_come_in_order_from_anywhere(scheduler: str) -> None:
    tasks = [(k,) for k in range(9)]
    for place in places(scheduler):
        results = list(spread(square, tasks, **place))
        assert [value for value, _ in results] == [k * k for k in range(9)]
        assert ({pid for _, pid in results} == {os.getpid()}) == (place == {})


@pytest.mark.parametrize("where", ["processes", "cluster"])
def test_a_worker_that_dies_in_the_middle_loses_only_what_it_held(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place: dict[str, Any] = (
        {"workers": 2} if where == "processes" else {"cluster": request.getfixturevalue("scheduler")}
    )
    tasks = [(k, str(tmp_path)) for k in range(8)]
    assert list(spread(square_once_killed, tasks, **place)) == [k * k for k in range(8)]
    assert (tmp_path / "killed").exists()
    if where == "processes":  # what had come back was not done again
        assert [(tmp_path / f"done-{k}").read_text() for k in range(3)] == ["x"] * 3


def test_a_task_that_kills_everybody_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evolve.workers.MOST_DEATHS_IN_A_ROW", 2)
    with pytest.raises(ChildProcessError, match="workers: 2 in a row died"):
        list(spread(die, [(1,), (2,)], workers=2))
    assert [value for value, _ in spread(square, [(1,), (2,)], workers=2)] == [1, 4]


def test_a_mistake_in_a_task_arrives_as_it_was_raised(scheduler: str) -> None:
    for place in places(scheduler):
        with pytest.raises(ValueError, match=r"^k: expected another number, got \d$"):
            list(spread(refuse, [(5,), (6,)], **place))


def test_a_wrong_scheduler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    with pytest.raises(ValueError, match=r"^cluster: expected 'local' or the address .* got 'nowhere://x'"):
        list(spread(square, [(1,)], cluster="nowhere://x"))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"^cluster: expected the extra \[cluster\]"):
        list(spread(square, [(1,)], cluster="local"))


def test_workers_of_other_versions_are_refused(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("results.run.rows.RESULTS", 999)
    with pytest.raises(ValueError, match="cluster: expected workers with the same versions: results 999"):
        list(spread(square, [(1,)], cluster=scheduler))


def test_one_client_serves_all_that_happens_while_it_is_open(scheduler: str) -> None:
    with cluster_client(scheduler) as client:
        for _ in range(2):
            list(spread(square, [(1,), (2,)], cluster=client))
            assert client.status == "running"
    assert client.status == "closed"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_process_that_started_them(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        "from evolve.workers import spread; from tests.test_spread import sleep;"
        f"list(spread(sleep, [(600, {str(tmp_path)!r})] * 2, workers=2))"
    )
    child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL)
    wait(lambda: len(list(tmp_path.iterdir())) == 2)
    child.send_signal(number)
    child.wait(20)
    wait(lambda: not any(alive(int(place.name)) for place in tmp_path.iterdir()))


@pytest.mark.parametrize("far", [False, True], ids=["processes", "cluster"])
def test_tasks_are_handed_in_a_few_at_a_time(
    far: bool, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler that is given 100 000 at once answers nothing for a minute, and nobody hears when it is lost."""
    monkeypatch.setattr("evolve.workers.MOST_WAITING_TASKS", 3)
    handed: list[int] = []

    class Tasks(list[tuple[int]]):
        def __getitem__(self, position: Any) -> Any:
            handed.append(position)
            return super().__getitem__(position)

    tasks = Tasks((n,) for n in range(50))
    where: dict[str, Any] = {"cluster": scheduler} if far else {"workers": 2}
    for done, (position, result) in enumerate(as_finished(square, tasks, **where)):
        assert result[0] == position**2 and len(handed) <= done + 4
    assert sorted(handed) == list(range(50))
