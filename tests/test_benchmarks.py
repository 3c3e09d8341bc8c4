"""`make bench` runs (`make smoke` tries it); what it measures is no matter of tests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as report
from benchmarks.measure import Row, seconds


@pytest.mark.smoke
def test_the_whole_report_can_be_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke"],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for promise in (
        "plain Python",
        "v yardstick",
        "20 000 turns",
        "noise",
        "peak memory",
        "--help",
        "Axelrod",
    ):
        assert promise in done.stdout


def test_a_report_is_saved_with_machine_versions_and_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    machine = report.described_machine(2)
    rows = [
        (
            "Growth",
            Row(f"turns {size}: a generation", taken, None, unit=" ms", curve=("turns", size), mebibytes=9.0),
        )
        for size, taken in ((200, 3.0), (2000, 3.5))
    ]
    report.save_report(machine, ["as printed"], rows)
    text, numbers, figure = (
        sorted((tmp_path / "results").glob(f"*.{end}")) for end in ("txt", "json", "png")
    )
    assert text[0].read_text() == "as printed\n" and figure[0].stat().st_size > 5000
    saved = json.loads(numbers[0].read_text())
    assert saved["versions"]["numpy"] and saved["processor"] and saved["cores"] == 2
    assert [(row["curve"], row["measured"]) for row in saved["rows"]] == [
        (["turns", 200], 3.0),
        (["turns", 2000], 3.5),
    ]


def test_a_missed_goal_is_called_missed() -> None:
    assert str(Row("pairs", 3.0, 2.0)).endswith("MISSED") and str(Row("pairs", 1.5, 2.0)).endswith("ok")
    assert Row("speed", 3.0, 2.0, at_least=True).met and not Row("speed", 1.0, 2.0, at_least=True).met
    assert Row("no goal", 3.0, None).met and Row("not measured", None, 2.0).met
    assert "9 MiB" in str(Row("a point", 3.0, None, mebibytes=9.0))


def test_repetitions_take_turns() -> None:
    calls: list[str] = []
    seconds(lambda: calls.append("a"), lambda: calls.append("b"), repetitions=2)
    assert calls == ["a", "b"] * 3
