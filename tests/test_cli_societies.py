"""Societies, ecologies, formulas and published claims from the terminal."""

import json
from pathlib import Path

import pytest

from engine import Rules, ecology, society
from tests.conftest import Command


def test_a_society_gives_the_mean_payoff_of_each_strategy(evolve: Command) -> None:
    code, out, _ = evolve(
        "society", "absolutist=400", "tft=100", "spiteful_bully=50", "--turns", "50", "--json"
    )
    assert code == 0
    expected = society({"absolutist": 400, "tft": 100, "spiteful_bully": 50}, Rules(turns=50))
    assert json.loads(out)["mean_payoff"] == expected.mean_payoff
    code, out, _ = evolve("society", "absolutist=400", "tft=100")
    assert code == 0 and "absolutist" in out and "exact" in out


def test_a_noisy_society_is_sampled_from_a_seed(evolve: Command) -> None:
    arguments = ("society", "pavlov=3", "all_d=2", "--noise", "0.1", "--replicates", "4", "--json")
    first, again, other = (json.loads(evolve(*arguments, "--seed", seed)[1]) for seed in ("1", "1", "2"))
    assert first == again != other
    assert first["replicates"] == 4 and first["standard_error"]["pavlov"] > 0


def test_members_may_be_texts_with_blanks_and_equal_signs(evolve: Command) -> None:
    code, out, _ = evolve("society", "∃t D(c,r,t)=3", "memory(1,1) cCDCD = 2", "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["counts"] == [3, 2]
    assert answer["names"] == ["∃t D(c,r,t)", "memory(1,1) cCDCD"]


@pytest.mark.parametrize("play", ["sipd", "ipd"])
@pytest.mark.parametrize("arithmetic", ["integer", "real"])
def test_an_ecology_is_one_row_a_generation(evolve: Command, play: str, arithmetic: str) -> None:
    members = ("police=400", "tft=100", "all_c=500", "forgiving_bully=50")
    code, out, _ = evolve(
        "ecology", *members, "--play", play, "--arithmetic", arithmetic, "--generations", "30", "--json"
    )
    assert code == 0
    start = {"police": 400, "tft": 100, "all_c": 500, "forgiving_bully": 50}
    result = ecology(
        start, Rules(turns=50), society=play == "sipd", arithmetic=arithmetic, generations=30  # type: ignore[arg-type]
    )  # fmt: skip
    answer = json.loads(out)
    assert answer["names"] == list(start)
    assert answer["counts"] == result.counts.tolist()


def test_integers_and_reals_side_by_side(evolve: Command) -> None:
    code, out, _ = evolve("ecology", "tft=100", "all_d=100", "all_c=100", "--turns", "20", "--compare")
    assert code == 0
    assert "integer" in out and "real" in out and "side by side" in out
    code, out, _ = evolve("ecology", "tft=100", "all_d=100", "--compare", "--json")
    assert set(json.loads(out)) == {"integer", "real"}


def test_plots_are_drawn_and_are_the_same_bytes_again(evolve: Command, tmp_path: Path) -> None:
    members = ("soft_majo=23", "per_ccd=187", "per_ddc=267", "--play", "ipd", "--turns", "77")
    images = []
    for name in ("a.png", "b.png"):
        code, _, said = evolve("ecology", *members, "--arithmetic", "integer", "--plot", str(tmp_path / name))
        assert code == 0 and "simplex" in said
        simplex = tmp_path / name.replace(".png", "-simplex.png")
        images.append((tmp_path / name).read_bytes() + simplex.read_bytes())
    assert images[0] == images[1]
    assert images[0].startswith(b"\x89PNG")


def test_a_formula_is_read_simplified_and_recognised(evolve: Command) -> None:
    code, out, _ = evolve("formula", "not not (D(c,r,p) or D(r,c,p))", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["complexity"] == 5 and answer["simplified"] == "D(c,r,p) or D(r,c,p)"
    assert answer["pair_only"] and answer["names"] == ["spiteful", "grim"]
    code, out, _ = evolve("formula", "exists j. exists t. D(c,j,t) xor D(r,j,t)")
    assert (
        code == 0
        and "~absolutist" in out
        and "∃j ∃t D(c,j,t) ⊕ D(r,j,t)" in out
        and "as far as tested" in out
    )
    code, out, _ = evolve("formula", "exists j. D(c,j,p)", "--json")
    assert json.loads(out)["plays_like"] is None
    assert json.loads(evolve("formula", "police", "--json")[1])["plays_like"] == "~police"


def test_a_formula_is_named_by_what_it_plays_under_the_reading_of_quantifiers(evolve: Command) -> None:
    # over others, r itself is none of those who have defected on c
    text = "exists j. exists t. D(j,c,t)"
    told = [
        json.loads(evolve("formula", text, "--quantifiers", over, "--json")[1]) for over in ("all", "others")
    ]
    assert [answer["quantifiers"] for answer in told] == ["all", "others"]
    assert told[0]["behaviour"] != told[1]["behaviour"]
    assert "-others:" in told[1]["behaviour"]
    for over in ("all", "others"):
        code, out, _ = evolve("formula", "absolutist", "--quantifiers", over)
        assert code == 0 and "~absolutist" in out and ("quantifiers over others" in out) == (over == "others")
    assert (
        "quantifiers: expected 'all' or 'others', got 'some'"
        in evolve("formula", text, "--quantifiers", "some")[2]
    )


def test_claims_are_printed_with_readings_and_verdicts(evolve: Command, tmp_path: Path) -> None:
    code, out, _ = evolve("reproduce", "O3", "o8", "--out", str(tmp_path / "figures"))
    assert code == 0
    for words in ("forgiving_bully", "holds", "fails", "tit_for_tat 100 to 688", "50 rounds, 50 generations"):
        assert words in out
    assert {f.name for f in (tmp_path / "figures").iterdir()} == {
        "O3-bully.png", "O3-spiteful_bully.png", "O3-forgiving_bully.png", "O8.png"
    }  # fmt: skip
    code, out, _ = evolve("reproduce", "lifl", "--json")
    assert [row["verdict"] for row in json.loads(out)] == ["holds"] * 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("society", "tft"), "members: expected NAME=COUNT such as tit_for_tat=100, got 'tft'"),
        (("society", "tft=many"), "members: expected a number of players of tft, got 'many'"),
        (("society", "tft=1.5", "all_d=2"), "members: expected a whole number of players of tft, got 1.5"),
        (("society", "tft=inf", "all_d=2"), "members: expected a whole number of players of tft, got inf"),
        (("society", "tft=1", "tft=2"), "members: expected every strategy once, got tft twice"),
        (("ecology", "tft=9", "all_d=9", "--play", "both"), "play: expected sipd or ipd, got 'both'"),
        (("ecology", "tft=9", "all_d=9", "--arithmetic", "float"), "arithmetic: expected real or integer"),
        (("ecology", "tft=9", "all_d=9", "--payoffs", "3,0,5,-1"), "baseline: an ecology needs"),
        (("ecology", "tft=9", "all_d=9", "--plot", "x.bmp"), "plot: expected a file that ends in .png"),
        (("formula", "D(c,r"), "formula, line 1, column"),
        (("formula", "gradual"), "formula: expected a formula or the name of one, got 'gradual'"),
        (("reproduce", "O99"), "claim: expected ord, lifl, agents or one of"),
    ],
)
def test_mistakes_are_told_in_one_line(evolve: Command, arguments: tuple[str, ...], said: str) -> None:
    code, _, told = evolve(*arguments)
    assert code == 1
    assert said in told and told.startswith("evolve: ") and told.count("\n") == 1
