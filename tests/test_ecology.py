"""Ecologies: the two update rules against plain Python, published outcomes, and how an ecology ends."""

from __future__ import annotations

import itertools
import json
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Game, Rules, compare, ecology
from genomes import LookupGenome
from tests import society_reference as oracle
from tests.formulas import formulas

COUNTS = st.integers(1, 3)
FORMULAS = formulas(max_depth=4, players=1, rounds=1)


def earned(start: dict[object, int], turns: int) -> list[int]:
    """Total payoff of one player of each strategy, every individual played (R=3, S=0, T=5, P=1)."""
    members = [strategy for strategy, n in start.items() for _ in range(n)]
    means = oracle.scores(oracle.play(members, turns), (3, 0, 5, 1))
    totals = [round(mean * (len(members) - 1) * turns) for mean in means]
    first = np.cumsum([0, *start.values()])[:-1]
    return [totals[k] if n else 0 for k, n in zip(first, start.values(), strict=True)]


def floor_rule(start: dict[object, int], turns: int, generations: int) -> list[list[int]]:
    """LIFL's integer rule, all individuals replayed in every generation."""
    total, rows = sum(start.values()), [list(start.values())]
    for _ in range(generations):
        now = {s: n for s, n in zip(start, rows[-1], strict=True) if n}
        if sum(now.values()) < 2:
            break
        gains = dict(zip(now, earned(now, turns), strict=True))
        everything = sum(n * gains[s] for s, n in now.items())
        if not everything:
            break
        rows.append([total * now.get(s, 0) * gains.get(s, 0) // everything for s in start])
    return rows


TOTALS = ((3000, 999, 2667), (1004, 1000, 3668), (2667, 333, 2334))
"""Payoffs of tit_for_tat, all_d and per_ccd against each other over 1000 turns, counted by hand."""


def memory_class(x: int, y: int) -> list[LookupGenome]:
    """Every deterministic memory(x,y) genome."""
    openings = max(x, y)
    bits = itertools.product((1.0, 0.0), repeat=openings + 2 ** (x + y))
    return [LookupGenome(x, y, row[:openings], row[openings:]) for row in bits]


@given(st.dictionaries(FORMULAS, COUNTS, min_size=2, max_size=3), st.integers(1, 4))
def test_the_integer_rule_is_the_one_written_down_with_everybody_played(start, turns):
    rows = floor_rule(start, turns, 4)
    if sum(rows[0]) * turns == 0 or len(rows) == 1:
        return
    result = ecology(start, Rules(turns=turns), arithmetic="integer", generations=len(rows) - 1)
    for generation, row in enumerate(rows):
        if generation <= result.generations:
            assert result.counts[generation].tolist() == row
    if result.generations < len(rows) - 1:
        assert result.ending != "limit"
        assert [result.after(len(rows) - 1, name) for name in result.names] == rows[-1]


@given(st.dictionaries(FORMULAS, COUNTS, min_size=2, max_size=3), st.integers(1, 4))
def test_real_populations_grow_in_proportion_to_what_each_individual_earns(start, turns):
    payoffs = [Fraction(g, turns * (sum(start.values()) - 1)) for g in earned(start, turns)]
    weights = [n * payoff for n, payoff in zip(start.values(), payoffs, strict=True)]
    if not sum(weights):
        with pytest.raises(ValueError, match="baseline"):
            ecology(start, Rules(turns=turns))
        return
    result = ecology(start, Rules(turns=turns), generations=1, extinction=1e-9)
    assert result.payoffs[0].tolist() == pytest.approx([float(p) for p in payoffs], abs=1e-12)
    total = sum(start.values())
    expected = [float(total * w / sum(weights)) for w in weights]
    assert [result.after(1, name) if result.ending != "limit" else result.counts[-1, k]
            for k, name in enumerate(result.names)] == pytest.approx(expected, abs=1e-9)  # fmt: skip


def test_the_complete_class_of_memory_1_1_ends_as_beaufils_1998_published():
    result = ecology(
        dict.fromkeys(memory_class(1, 1), 100), Rules(turns=1000), society=False, arithmetic="integer"
    )
    assert (result.ending, result.generations) == ("fixed point", 19)
    assert result.final == {
        "memory(1,1) cCDDD": 2126,
        "memory(1,1) cCDCD": 701,
        "memory(1,1) cCDDC": 214,
        "memory(1,1) cCDCC": 158,
    }


@pytest.mark.parametrize(
    ("memory", "winner", "ending"),
    [((1, 2), "memory(1,2) ccCDCDDCDD", "fixed point"), ((2, 1), "memory(2,1) dcCDCDCDDD", "limit")],
)
def test_the_winners_of_the_larger_classes_are_those_of_beaufils_1998(memory, winner, ending):
    start = dict.fromkeys(memory_class(*memory), 100)
    result = ecology(start, Rules(turns=1000), society=False, arithmetic="integer")
    assert next(iter(result.final)) == winner
    assert result.ending == ending


@given(st.lists(st.integers(10**18, 10**24), min_size=3, max_size=3))
def test_the_integer_rule_is_exact_beyond_64_bits(counts):
    names = ["tit_for_tat", "all_d", "per_ccd"]
    rules = Rules(turns=1000)
    w, total = counts, sum(counts)
    result = ecology(
        dict(zip(names, counts, strict=True)), rules, society=False, arithmetic="integer", generations=3
    )
    for row in result.counts:
        assert row.tolist() == w
        gains = [
            sum(n * v for n, v in zip(w, row_of, strict=True)) - row_of[a] for a, row_of in enumerate(TOTALS)
        ]
        everything = sum(n * g for n, g in zip(w, gains, strict=True))
        w = [total * n * g // everything for n, g in zip(w, gains, strict=True)]


def test_floors_can_make_an_ecology_cycle_for_ever():
    start = {"soft_majo": 23, "per_ccd": 187, "per_ddc": 267}
    rules = Rules(turns=77)
    result = ecology(start, rules, society=False, arithmetic="integer")
    assert (result.ending, result.period) == ("cycle", 38)
    assert len({tuple(row) for row in result.counts.tolist()}) == len(result.counts)
    # going on from the last row reaches the first row of the cycle, with the total of the start
    longer = [row.tolist() for row in result.counts[-38:]]
    assert not any(a == b for a, b in itertools.pairwise(longer))
    for generation in (result.generations + 1, result.generations + 39):
        assert [result.after(generation, name) for name in result.names] == longer[0]
    assert ecology(start, rules, society=False).ending != "cycle"


def test_a_society_is_played_again_only_when_a_strategy_has_died(monkeypatch):
    played = []
    module = sys.modules["engine.growth"]
    before = module.play_table

    def counting(strategies, rules, counts):
        played.append(len(strategies))
        return before(strategies, rules, counts)

    monkeypatch.setattr(module, "play_table", counting)
    result = ecology({"absolutist": 400, "tit_for_tat": 100, "all_c": 500, "bully": 50}, Rules(turns=50))
    living = (result.counts > 0).sum(axis=1).tolist()
    assert played == [n for n, _ in itertools.groupby(living)]
    assert len(played) > 1


def test_payoffs_in_a_society_depend_on_who_is_still_there():
    rules = Rules(turns=50)
    start = {"police": 400, "tit_for_tat": 100, "all_c": 500, "forgiving_bully": 50}
    together, in_pairs = ecology(start, rules), ecology(start, rules, society=False)
    assert together.final["police"] > 2 * in_pairs.final.get("police", 0)


def test_pair_only_strategies_earn_alike_in_a_society_and_in_pairs_also_under_noise():
    start = {"tit_for_tat": 30, "pavlov": 30, "all_d": 30, "gtft": 30}
    rules = Rules(turns=50, noise=0.01)
    society, pairs = (ecology(start, rules, society=s, generations=50) for s in (True, False))
    assert np.array_equal(society.counts, pairs.counts)


def test_what_earns_alike_does_not_drift():
    result = ecology({"tit_for_tat": 123.25, "all_c": 17, "grim": 1000 / 3, "absolutist": 7}, Rules(turns=50))
    assert (result.ending, result.generations) == ("fixed point", 0)


def test_below_one_player_a_real_population_dies_and_the_others_take_its_share():
    start = {"tit_for_tat": 50, "all_d": 50}
    result = ecology(start, Rules(turns=20))
    death = result.extinct("all_d")
    assert death is not None
    assert result.of("all_d")[death - 1] >= 1
    assert np.allclose(result.counts.sum(axis=1), 100, rtol=1e-12)
    assert result.how == f"fixation of tit_for_tat at generation {death}"
    assert np.isnan(result.payoffs[-1, 1])
    finer = ecology(start, Rules(turns=20), extinction=1e-6)
    assert finer.extinct("all_d") > death


def test_negative_payoffs_need_a_baseline():
    years = Rules(Game(R=-1, S=-3, T=0, P=-2), turns=20)
    start = {"tit_for_tat": 50, "all_d": 50}
    for arithmetic in ("real", "integer"):
        with pytest.raises(ValueError, match=r"baseline: an ecology needs .* expected baseline >= 3"):
            ecology(start, years, arithmetic=arithmetic)
        shifted = ecology(start, years, arithmetic=arithmetic, baseline=3)
        plain = ecology(start, Rules(Game(R=2, S=0, T=3, P=1), turns=20), arithmetic=arithmetic)
        assert np.allclose(shifted.counts, plain.counts, atol=1e-9)


@pytest.mark.parametrize(
    ("start", "options", "said"),
    [
        ({"all_c": 5.5, "all_d": 5}, {"arithmetic": "integer"}, "start: expected a whole number"),
        ({"all_c": 0.5, "all_d": 5}, {}, "start: expected 0 or at least 1 players of all_c"),
        ({"all_c": 1}, {}, "start: expected at least two players, got 1"),
        ({"tft": 4, "tit_for_tat": 4}, {}, "start: expected every strategy once, got tft twice"),
        ({"all_c": 4, "all_d": 4}, {"arithmetic": "float"}, "arithmetic: expected 'real' or 'integer'"),
        ({"all_c": 4, "all_d": 4}, {"generations": -1}, "generations: expected"),
        ({"all_c": 4, "all_d": 4}, {"extinction": 0}, "extinction: expected"),
        ({"police": 4, "random": 4}, {}, "noise: expected no noise and no members that toss coins"),
        ({"all_c": 4, "nobody": 4}, {}, "strategy: expected a known name, got 'nobody'"),
    ],
)
def test_mistakes_are_explained(start, options, said):
    with pytest.raises(ValueError, match=said):
        ecology(start, Rules(turns=10), **options)


def test_a_society_needs_a_number_of_rounds_and_pairs_do_not():
    rules = Rules(continuation=0.9)
    start = {"tit_for_tat": 50, "all_d": 50}
    with pytest.raises(ValueError, match="rules: a society plays a fixed number of rounds"):
        ecology(start, rules)
    for arithmetic in ("real", "integer"):
        assert ecology(start, rules, society=False, arithmetic=arithmetic).final == {"tit_for_tat": 100}


def test_integers_and_reals_are_shown_side_by_side():
    both = compare({"tit_for_tat": 100, "all_d": 100, "all_c": 100}, Rules(turns=20))
    text = str(both)
    assert "integers and reals side by side" in text
    assert str(both.integer.counts[-1, 0]) in text
    assert f"{both.real.counts[-1, 0]:.1f}" in text
    data = json.loads(json.dumps(both.to_dict()))
    for arithmetic in ("integer", "real"):
        one = data[arithmetic]
        assert one["names"] == ["tit_for_tat", "all_d", "all_c"]
        assert len(one["counts"]) == one["generations"] + 1


def test_a_long_sheet_shows_who_matters_and_when():
    result = ecology(dict.fromkeys(memory_class(1, 1), 100), Rules(turns=100), arithmetic="integer")
    lines = str(result).splitlines()
    assert len(lines) < 40
    assert all(len(line) < 200 for line in lines)
    assert next(iter(result.final)) in str(result)
