"""Along a parameter: the numbers are those of round robins, whatever varies, and they are drawn and written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import Game, Rules, expected, round_robin, vary
from evolve.cli.varying import points_of
from results.plots.round_robins import tournament, varied
from tests.conftest import Command

FIELD = ["tit_for_tat", "pavlov", "all_d", "gtft"]


def test_scores_cooperation_and_ranks_are_those_of_round_robins() -> None:
    found = vary(FIELD, lambda e: Rules(limit_of_means=True, noise=e), [0.0, 0.01, 0.1], parameter="noise")
    for value, scores, rates, ranks in zip(
        found.values, found.scores, found.cooperation, found.ranks, strict=True
    ):
        table = round_robin(FIELD, Rules(limit_of_means=True, noise=float(value)))
        assert scores.tolist() == table.scores.tolist() and rates.tolist() == table.cooperation_rates.tolist()
        assert ranks.tolist() == [1 + sum(other > own for other in table.scores) for own in table.scores]
    frame = found.frame()
    assert list(frame.columns) == ["noise", "strategy", "payoff", "cooperation", "rank"] and len(frame) == 12
    with pytest.raises(ValueError, match=r"noise = 0.7: noise: expected 0 <= noise <= 0.5"):
        vary(FIELD, lambda e: Rules(noise=e), [0.7], parameter="noise")
    with pytest.raises(ValueError, match="values: expected 1 to 1001, got 0"):
        vary(FIELD, lambda e: Rules(noise=e), [])


def test_values_are_read_as_a_range_or_a_list() -> None:
    assert points_of("noise=0:0.1:3") == ("noise", [0.0, 0.05, 0.1])
    assert points_of("turns=1:10:4") == ("turns", [1.0, 4.0, 7.0, 10.0])
    assert points_of("T=3,5") == ("T", [3.0, 5.0])
    for text in ("noise", "noise=0:1", "noise=0:1:1", "noise=a", "=1"):
        with pytest.raises(ValueError, match="vary: expected KEY=LOW:HIGH:N"):
            points_of(text)


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        (["--vary", "continuation=0.5,0.9"], lambda x: Rules(continuation=x)),
        (["--vary", "turns=3,8", "--noise", "0.1"], lambda x: Rules(turns=int(x), noise=0.1)),
        (["--vary", "T=3.5,6", "--turns", "9"], lambda x: Rules(Game(T=x), turns=9)),
        (
            ["--vary", "fine=0,1.5", "--mechanism", "fine:1,detection=0.5"],
            lambda x: Rules(mechanisms=(f"fine:{x},detection=0.5",)),
        ),
        (
            ["--vary", "fine.detection=0,1", "--mechanism", "fine:2"],
            lambda x: Rules(mechanisms=(f"fine:2,detection={x}",)),
        ),
        (
            ["--vary", "hazard=0,0.4", "--mechanism", "hazard:0.1", "--continuation", "0.9"],
            lambda x: Rules(continuation=0.9, mechanisms=(f"hazard:{x}",)),
        ),
    ],
)  # fmt: skip
def test_a_match_varies_along_any_option(arguments: list[str], rules, evolve: Command) -> None:  # type: ignore[no-untyped-def]
    code, out, err = evolve("match", "tit_for_tat", "all_d", *arguments, "--json")
    assert code == 0, err
    told = json.loads(out)
    for value, scores in zip(told["values"], told["scores"], strict=True):
        assert scores == expected("tit_for_tat", "all_d", rules(value)).payoffs.tolist()


def test_a_tournament_is_drawn_as_a_map_and_along_a_parameter(tmp_path: Path, evolve: Command) -> None:
    place = tmp_path / "x.svg"
    code, out, err = evolve(
        "tournament", *FIELD, "--turns", "9", "--plot", str(place), "--title", "Mine", "--size", "5x3"
    )
    assert code == 0 and "wrote" in err and "Mine" in place.read_text("utf-8")
    code, out, _ = evolve(
        "tournament", *FIELD, "--turns", "9", "--vary", "noise=0:0.1:50", "--plot", str(place), "--csv",
        str(tmp_path / "x.csv"),
    )  # fmt: skip
    assert code == 0 and max(map(len, out.splitlines())) <= 80 and "every 3 of 50 values" in out
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 201
    table = round_robin(FIELD, Rules(turns=9))
    figure = tournament(table)
    assert len(figure.axes) == 3 and np.array_equal(
        figure.axes[0].images[0].get_array(), table.payoffs[np.ix_(table.order, table.order)]
    )
    assert [bar.get_width() for bar in tournament(table, only=["ranking"]).axes[0].patches] == sorted(
        table.scores
    )[::-1]
    found = vary(FIELD, lambda e: Rules(noise=e), [0.0, 0.1], parameter="noise")
    drawn = varied(found, only=["rank"]).axes[0].lines
    assert sorted(line.get_ydata()[-1] for line in drawn) == sorted(found.ranks[-1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tournament", "tft", "all_d", "--vary", "nose=0:1:3"], "vary: expected one of noise, continuation"),
        (["tournament", "tft", "all_d", "--vary", "noise=0:0.1:3", "--matrix"], "vary: expected neither"),
        (["match", "tft", "all_d", "--plot", "x.png"], "plot: expected --vary with it"),
        (["match", "tft", "all_d", "--vary", "turns=1.5,2"], "turns = 1.5: turns: expected a whole number"),
        (
            ["match", "tft", "all_d", "--mechanism", "fine:1", "--vary", "fine.to=1,2"],
            "vary: expected one of noise",
        ),
    ],
)
def test_a_mistake_is_answered_in_one_line(arguments: list[str], said: str, evolve: Command) -> None:
    code, _, err = evolve(*arguments)
    assert code == 1 and err.startswith(f"evolve: {said}") and err.count("\n") == 1
