"""What the packages show to a notebook: names, tables, clear errors at every edge."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
import evolve
from engine import Game, Rules, ecology, expected, round_robin, society
from engine.tables import MOST_ROWS_SHOWN, Table


@pytest.mark.parametrize("package", ["genomes", "engine", "results", "evolve"])
def test_what_a_package_offers_is_what_dir_shows_and_is_there(package: str) -> None:
    offered = importlib.import_module(package)
    assert set(offered.__all__) <= set(dir(offered))
    for name in offered.__all__:
        thing = getattr(offered, name)
        assert thing.__doc__ if callable(thing) else thing is not None, name


def test_every_public_function_of_the_engine_has_an_example() -> None:
    for name in engine.__all__:
        thing = getattr(engine, name)
        if callable(thing) and not isinstance(thing, type):
            assert ">>>" in thing.__doc__, name


TABLES: list[Table] = [
    expected("tit_for_tat", "all_d", Rules(turns=10)),
    round_robin(["tft", "all_d", "all_c"], Rules(turns=10)),
    round_robin(["tft", "all_d", "random"], Rules(turns=10), sampled=5, matrix=False),
    society({"tft": 2, "all_d": 1}, Rules(turns=10)),
    society({"tft": 2, "all_d": 1}, Rules(turns=10, noise=0.1), replicates=2),
    ecology({"tft": 9, "all_d": 9}, Rules(turns=10), generations=5),
    engine.long_run(["tft", "all_d", "all_c"], Rules(turns=10)),
    engine.compare({"tft": 9, "all_d": 9}, Rules(turns=10), generations=5),
    engine.play("tft", "all_d", Rules(turns=10)),
    engine.scan("tft", (0, 1), Rules(turns=10)),
    engine.best_response("tft", Rules(turns=10)),
    engine.kappa("tft", ["all_d", "all_c"], Rules(turns=10), size=20),
    engine.indirect_invasions(engine.scan("tft", (0, 1), Rules(turns=10))),
    engine.traits("tft"),
    engine.rivalry("tft"),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: type(table).__name__)
def test_results_are_frames_and_pages_of_the_same_rows(table: Table) -> None:
    frame = table.frame()
    assert list(frame.columns) == list(table.columns()) and len(frame) > 0
    assert str(table) != repr(table)  # print() is for people
    page = table._repr_html_()
    assert page.count("<tr>") == len(frame) + 1 and page.count("<th>") == len(frame.columns)
    if "strategy" in frame:
        assert all(f"<td>{strategy}</td>" in page for strategy in frame["strategy"])


def test_a_frame_holds_the_numbers_of_the_result() -> None:
    table = round_robin(["tft", "all_d", "all_c"], Rules(turns=10))
    frame = table.frame()
    assert list(frame["strategy"]) == [name for name, _ in table.ranking()]
    assert frame["payoff"].tolist() == sorted(table.scores.tolist(), reverse=True)
    assert frame.loc[0, "v tft"] == table.payoffs[table.order[0], 0]


def test_a_long_table_is_cut_in_the_middle_and_what_is_foreign_is_escaped() -> None:
    class Long(Table):
        def columns(self) -> dict[str, Any]:
            return {"<b>": [f"<i>{k}" for k in range(1000)], "x": np.linspace(0, 1, 1000).tolist()}

    page = Long()._repr_html_()
    assert page.count("<tr>") == MOST_ROWS_SHOWN + 2 and "<td>…</td>" in page
    assert "<b>" not in page and "<i>" not in page and "&lt;i&gt;999" in page


def test_a_result_has_the_keys_of_the_question() -> None:
    asked = {"suspicious_tit_for_tat": 3, "tft": 2, "∃t D(c,r,t)": 1}
    assert list(society(asked, Rules(turns=5)).mean_payoff) == list(asked)
    assert round_robin(["tft", "wsls"]).names == ("tft", "wsls")
    assert engine.best_response("tft").resident == "tft"


@pytest.mark.parametrize(
    "call",
    [
        lambda: engine.best_response("tft", 3),
        lambda: engine.nash_gap("tft", 3),
        lambda: engine.scan("tft", (1, 1), 3),
        lambda: engine.kappa("tft", ["all_d"], 3, size=10),
        lambda: engine.pair_table("tft", "all_d", 3),
        lambda: engine.expected("tft", "all_d", 3),
        lambda: engine.play("tft", "all_d", 3),
        lambda: engine.round_robin(["tft", "all_d"], 3),
        lambda: engine.society({"tft": 2}, 3),
        lambda: engine.ecology({"tft": 2}, 3),
        lambda: engine.compare({"tft": 2, "all_d": 2}, 3),
        lambda: engine.long_run(["tft", "all_d"], 3),
        lambda: engine.in_society("tft", "all_d", [], 3),
    ],
)
def test_whatever_takes_rules_says_alike_that_it_got_none(call: Any) -> None:
    with pytest.raises(ValueError, match=r"rules: expected Rules, got 3"):
        call()


def test_rules_may_be_left_out_everywhere() -> None:
    assert engine.society({"tft": 2}).rules == engine.round_robin(["tft", "all_d"]).rules == Rules()
    assert engine.ecology({"tft": 2, "all_d": 2}, generations=1).rules == Rules()
    assert engine.expected("tft", "all_d").rules.game == Game()


def test_an_experiment_is_run_in_a_folder_and_taken_up_there(tmp_path: Path) -> None:
    small = {"genome": {"x": 0, "y": 1}, "population": {"size": 8}, "rules": {"turns": 5}}
    first = evolve.run(evolve.Experiment(generations=3, **small), tmp_path / "run")
    assert first.latest().number == 3
    longer = evolve.run(evolve.Experiment(generations=5, **small), tmp_path / "run")
    whole = evolve.run(evolve.Experiment(generations=5, **small), tmp_path / "other")
    assert longer.hash_of(5) == whole.hash_of(5)
