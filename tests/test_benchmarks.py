"""`make bench` runs; what it measures is no matter of tests."""

import subprocess
import sys
from pathlib import Path

from benchmarks.measure import Row, seconds


def test_the_whole_report_can_be_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke"],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for promise in ("plain Python", "v yardstick", "20 000 turns", "noise", "peak memory", "--help"):
        assert promise in done.stdout


def test_a_missed_goal_is_called_missed() -> None:
    assert str(Row("pairs", 3.0, 2.0)).endswith("MISSED") and str(Row("pairs", 1.5, 2.0)).endswith("ok")
    assert Row("speed", 3.0, 2.0, at_least=True).met and not Row("speed", 1.0, 2.0, at_least=True).met
    assert Row("no goal", 3.0, None).met


def test_repetitions_take_turns() -> None:
    calls: list[str] = []
    seconds(lambda: calls.append("a"), lambda: calls.append("b"), repetitions=2)
    assert calls == ["a", "b"] * 3
