"""Designs: borders that theory names, every crossing of the target, and a grid that is taken up where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from engine import Rules, long_run, nash_gap
from evolve.designs import Design, run_design
from evolve.experiment.files import ExperimentError
from results.designs import DesignRule, cheapest, crossings
from results.errors import RunError
from results.indexes import INDEX
from results.plots.design import design_figure

FINE = """
[rules]
continuation = {continuation}
noise = {noise}

[[mechanism]]
kind = "fine"
fine = 1.0

[design]
grid = {{ "mechanism.0.fine" = {values} }}
residents = ["grim"]
target = {target}
"""


def design(
    folder: Path, values: str, continuation: float = 0.5, noise: float = 0.0, target: float = 0.8
) -> Design:
    file = folder / "fines.toml"
    file.write_text(FINE.format(values=values, continuation=continuation, noise=noise, target=target))
    return Design.load(file)


def test_every_crossing_is_found_where_cooperation_is_not_monotone(tmp_path: Path) -> None:
    """Found by exact computation: d = .5 without noise, F = 1.5, 1.75, 2 give .82, .71, .74."""
    planned = design(tmp_path, "[1.0, 1.5, 1.75, 2.0, 4.0]")
    rules = run_design(planned, tmp_path / "out")
    reached = [rule.outcome.cooperation for rule in rules if rule.outcome is not None]
    assert reached[1:4] == pytest.approx([0.82, 0.71, 0.74], abs=0.005)
    grid = [(c.below, c.above, c.rises) for c in crossings(rules, 0.8) if c.what == "cooperation"]
    assert grid == [(1.0, 1.5, True), (1.5, 1.75, False), (2.0, 4.0, True)]
    found = [c for c in planned.crossings(rules) if c.what == "cooperation"]
    for (low, high, rises), c in zip(grid, found, strict=True):
        assert low <= c.below < c.above <= high and c.rises == rises
        assert c.above - c.below <= 1e-3 * (high - low)
        fines = [Rules(continuation=0.5, mechanisms=(f"fine:{fine!r}",)) for fine in (c.below, c.above)]
        assert [long_run("memory(1,1)", r).cooperation >= 0.8 for r in fines] == [not rises, rises]
    best = planned.cheapest(rules)
    assert best is not None and best.outcome is not None and best.outcome.reached >= 0.8
    assert best.outcome.cost == min(
        r.outcome.cost for r in rules if r.outcome is not None and r.outcome.reached >= 0.8
    )


def test_the_ladder_has_the_borders_that_theory_names(tmp_path: Path) -> None:
    """C dominant from max(T - R, P - S) = 2 on; fitter at every count of N from 2 + 3/(N - 1); grim from (2 - F)/4."""
    n = 50
    finite = 2 + 3 / (n - 1)
    values = [0.5, 1.0 - 1e-6, 1.0 + 1e-6, 2.0 - 1e-6, 2.0, finite - 1e-6, finite + 1e-6]
    planned = design(tmp_path, str(values), continuation=0.25)  # (2 - F)/4 = .25 at F = 1
    outcomes = [rule.outcome for rule in run_design(planned, tmp_path / "out")]
    assert [o.dominant for o in outcomes if o] == [False, False, False, False, True, True, True]
    assert [o.finite_gain <= 0 for o in outcomes if o] == [False] * 6 + [True]
    assert [o.certified for o in outcomes if o] == [[], [], *[["grim"]] * 5]
    assert all(o.gaps["grim"] >= 0 for o in outcomes if o) and nash_gap("grim") >= 0


@pytest.mark.parametrize(("d", "fine"), [(0.25, 1.0), (0.4, 0.4), (0.1, 5 / 3)])
def test_borders_are_bisected_to_where_theory_has_them(tmp_path: Path, d: float, fine: float) -> None:
    """Grim holds from d = (2 - F)/4 on for F <= 1, from (2 - F)/(5 - F) above; C is dominant from F = 2 on."""
    planned = design(tmp_path, "[0.0, 1.3, 2.6]", continuation=d)
    rules = run_design(planned, tmp_path / "out")
    found = {c.what: c for c in planned.crossings(rules, workers=2)}
    assert found["grim certified"].middle == pytest.approx(fine, abs=2e-8) and found["grim certified"].rises
    assert found["C dominant"].middle == pytest.approx(2, abs=2e-8)
    assert found["grim favoured"].middle < 2
    assert str(found["C dominant"]) == "from 2"


def test_a_parameter_that_is_a_whole_number_stays_between_rules(tmp_path: Path) -> None:
    file = tmp_path / "whole.toml"
    file.write_text(
        '[rules]\ncontinuation = 0.9\n[[mechanism]]\nkind = "quota"\ndefections = 1\nwindow = 2\n'
        '[design]\ngrid = { "mechanism.0.window" = [1, 2, 3] }\nresidents = ["grim"]\n'
    )
    planned = Design.load(file)
    found = planned.crossings(run_design(planned, tmp_path / "out"))
    assert found and all(c.below == int(c.below) and c.above == c.below + 1 for c in found)
    assert "between 1 and 2" in str(found[0]) or "between 2 and 3" in str(found[0])


def test_a_design_goes_on_where_it_stopped_and_says_the_same_with_two_workers(tmp_path: Path) -> None:
    planned = design(tmp_path, "{ from = 0.0, to = 1.0, step = 0.25 }")
    run_design(planned, tmp_path / "whole")
    whole = (tmp_path / "whole" / INDEX).read_bytes()

    def until_two(rules: Sequence[DesignRule]) -> None:
        if sum(rule.outcome is not None for rule in rules) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_design(planned, tmp_path / "cut", watch=until_two)
    seen: list[int] = []
    run_design(
        planned, tmp_path / "cut", watch=lambda rules: seen.append(sum(r.outcome is not None for r in rules))
    )
    assert seen == [2, 3, 4, 5] and (tmp_path / "cut" / INDEX).read_bytes() == whole
    run_design(planned, tmp_path / "two", workers=2)
    assert (tmp_path / "two" / INDEX).read_bytes() == whole
    damaged = json.loads(whole)
    damaged["rules"][1]["outcome"]["cooperation"] = 0.99  # the digest does not fit
    damaged["rules"][2]["outcome"] = {"cost": "x"}
    (tmp_path / "two" / INDEX).write_text(json.dumps(damaged))
    run_design(planned, tmp_path / "two")
    assert (tmp_path / "two" / INDEX).read_bytes() == whole
    other = design(tmp_path, "[0.5]")
    with pytest.raises(RunError, match="expected a folder of the design 'other', got one of 'fines'"):
        run_design(Design("other", other.settings, other.text, other.points), tmp_path / "two")


def test_runs_with_seeds_take_the_place_of_the_long_run(tmp_path: Path) -> None:
    file = tmp_path / "runs.toml"
    file.write_text(
        "generations = 60\n[genome]\nx = 0\ny = 1\n[rules]\nturns = 10\n[population]\nsize = 20\n"
        '[[mechanism]]\nkind = "fine"\nfine = 1.0\n'
        '[design]\ngrid = { "mechanism.0.fine" = [0.0, 6.0] }\nseeds = 3\nresidents = []\n'
    )
    planned = Design.load(file)
    none, high = (rule.outcome for rule in run_design(planned, tmp_path / "out"))
    assert none is not None and high is not None
    assert len(high.runs) == 3 and high.reached == pytest.approx(np.mean(high.runs))
    assert high.reached > 0.8 > none.reached
    assert planned.rests_on.startswith("3 runs of 60 generations of 20 (generational)")


def test_two_parameters_are_lines_of_the_first(tmp_path: Path) -> None:
    file = tmp_path / "two.toml"
    file.write_text(
        '[rules]\ncontinuation = 0.9\nnoise = 0.01\n[[mechanism]]\nkind = "fine"\nfine = 1.0\ndetection = 0.5\n'
        '[design]\nresidents = ["pavlov"]\n[design.grid]\n"mechanism.0.fine" = [0.0, 1.0, 2.0, 3.0]\n'
        '"mechanism.0.detection" = [0.2, 0.6, 1.0]\n'
    )
    planned = Design.load(file)
    rules = run_design(planned, tmp_path / "out")
    found = [c for c in crossings(rules, 0.9) if c.what == "cooperation"]
    assert {c.beside["mechanism.0.detection"] for c in found} == {0.6, 1.0}
    assert cheapest(rules, 1.0) is None
    borders = planned.crossings(rules)
    dominant = {c.beside["mechanism.0.detection"]: c.middle for c in borders if c.what == "C dominant"}
    assert dominant == pytest.approx({1.0: 2.0}, abs=1e-7)  # F q = 2: beyond the grid where less is found
    made = design_figure("two", rules, 0.9, planned.rests_on, 50, borders)
    assert made is not None
    FigureCanvasAgg(made).draw()
    words = [text.get_text() for text in made.legends[0].get_texts()]
    assert words == ["target 0.9", "C dominant", "C fitter at every count of 50", "pavlov certified"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"mechanism.0.fine" = [0.0]', "", "design.grid: expected one key or two, got 0"),
        ("[0.0]", "[1.0, 0.5]", "design.grid.mechanism.0.fine: expected values that rise"),
        ("[0.0]", "{ from = 0, to = 1, step = 0 }", r"expected values, or \{ from = A, to = B, step = S \}"),
        (
            "[0.0]",
            "[-1.0]",
            r"mechanism.0.*fine.fine: expected fine >= 0, got -1  \(at mechanism.0.fine = -1\)",
        ),
        ("mechanism.0.fine", "mechanism.0.tax", "fine.tax: expected"),
        ('["grim"]', '["nobody"]', "design.residents.0: .*nobody"),
        ("target = 0.8", "targets = 0.8", "design.targets: expected a known key"),
        ("target = 0.8", 'strategies = ["all_c"]', "design.strategies: expected at least two, got all_c"),
        ("[design]", "[sweep]", r"design: expected a section \[design\] with a grid, got none"),
    ],
)
def test_a_mistake_of_a_design_is_a_line(tmp_path: Path, before: str, after: str, message: str) -> None:
    file = tmp_path / "wrong.toml"
    text = FINE.format(values="[0.0]", continuation=0.5, noise=0.0, target=0.8)
    file.write_text(text.replace(before, after))
    with pytest.raises(ExperimentError, match=message):
        Design.load(file)


def test_the_command_says_what_the_cheapest_rule_is_and_rests_on(
    tmp_path: Path, evolve: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    design(tmp_path, "[0.5, 0.55, 0.75]", continuation=0.99, noise=0.01, target=0.9)
    monkeypatch.chdir(tmp_path)
    code, out, _ = evolve("design", "fines.toml")
    assert code == 0
    for words in (
        "cooperation of 0.9 (*)\n  mechanism.0.fine from 0.5318\n",
        "the cheapest rule that does: mechanism.0.fine = 0.75",
        "this rests on the class memory(1,1), N 50, Fermi beta 1, rare mutants",
    ):
        assert words in out
    folder = tmp_path / "designs" / "fines"
    assert {file.name for file in folder.iterdir()} >= {
        "design.csv",
        "design.json",
        "design.png",
        "design.svg",
        INDEX,
    }
    code, out, _ = evolve("design", "fines.toml", "--json")
    answer = json.loads(out)
    assert answer["cheapest"]["point"] == {"mechanism.0.fine": 0.75}
    (crossing,) = answer["crossings"]
    assert 0.53 < crossing["below"] < crossing["above"] < crossing["below"] + 1e-4
    at = {rule["point"]["mechanism.0.fine"]: rule for rule in answer["rules"]}
    assert at[0.55]["cost"] == pytest.approx(0.098, abs=0.0005)  # found by exact computation
    assert at[0.55]["cost_deal"] == pytest.approx(100 * at[0.55]["cost"])
