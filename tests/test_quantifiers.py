"""Quantifiers over others: how many twins decide, and everything that may no longer rely on one."""

from __future__ import annotations

import itertools
import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Rules, ecology, play_table, society
from engine.names import name_as_tested, name_of
from engine.societies.battery import behaviour
from engine.societies.twins import most_played, players
from engine.stability.fixation import fixation_probability, kappa, pair_table
from engine.stability.indirect import in_society
from evolve import Experiment
from evolve.fitness import evaluation
from genomes import catalogue
from genomes.formula.genome import FormulaGenome
from tests import society_reference as oracle
from tests.conftest import Command
from tests.formulas import formulas

SOMEBODY = FormulaGenome.parse("exists j. true")
"""Defects on whoever has a third party beside it: where there is none, a formula may not be simplified to true."""
ABSOLUTIST = catalogue.get("absolutist").formula
VULTURE = catalogue.get("vulture").formula
TIT_FOR_TAT = FormulaGenome.parse("D(c,r,p)")
PAYOFFS = (3.0, 0.0, 5.0, 1.0)


def others(turns: int, **more: float) -> Rules:
    return Rules(turns=turns, quantifiers="others", **more)  # type: ignore[arg-type]


def by_definition(counts: dict[FormulaGenome, int], turns: int) -> list[float]:
    """Mean payoff of each strategy, every individual played by the oracle."""
    individuals = [strategy for strategy, count in counts.items() for _ in range(count)]
    scores = oracle.scores(oracle.play(individuals, turns, quantifiers="others"), PAYOFFS)
    firsts = np.cumsum([0, *counts.values()])[:-1]
    return [scores[k] for k in firsts]


# --- how many of each strategy decide ---


def test_bounds_on_how_many_twins_decide_are_tight():
    """One fewer, and the play is another: of another strategy (q + 1), of one's own (q + 2)."""
    assert most_played([SOMEBODY, TIT_FOR_TAT], "others").tolist() == [3, 2]
    defects = {
        (own, other): bool(play_table([SOMEBODY, "false"], others(1), [own, other]).joint_counts[0, 1, 2])
        for own, other in itertools.product((1, 2), repeat=2)
    }
    assert defects == {(1, 1): False, (1, 2): True, (2, 1): True, (2, 2): True}
    among = [society({SOMEBODY: n}, others(1)).means[0] for n in (2, 3, 4)]
    assert among == [3.0, 1.0, 1.0]


def test_two_variables_can_tell_one_player_more():
    two = FormulaGenome.parse("exists j. exists k. D(j,k,p) and not D(k,j,p)")
    assert most_played([two, "false"], "others").tolist() == [4, 3]
    assert most_played([two, SOMEBODY], "others").tolist() == [4, 3]
    assert most_played([two, SOMEBODY], "all").tolist() == [1, 1]
    assert players(np.array([4, 3]), [2.0, 7]).tolist() == [2, 3]
    assert players(np.array([4, 3]), [1.5, 2.5]).tolist() == [2, 3]


@settings(max_examples=40, deadline=None)
@given(st.lists(formulas(pair_only=True), min_size=1, max_size=3, unique=True), st.integers(1, 8))
def test_formulas_about_their_pair_alone_play_as_ever(strategies, turns):
    one, two = (play_table(strategies, Rules(turns=turns, quantifiers=q)) for q in ("all", "others"))
    assert np.array_equal(one.joint_counts, two.joint_counts)
    assert two.most.tolist() == [1] * len(strategies)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(formulas(players=1, rounds=1), st.integers(3, 5), min_size=1, max_size=2),
    st.integers(1, 6),
)
def test_more_of_a_strategy_than_decide_change_no_move(counts, turns):
    small, large = (
        play_table(list(counts), others(turns), [n + more for n in counts.values()]) for more in (0, 10**6)
    )
    assert np.array_equal(small.joint_counts, large.joint_counts)
    assert large.mean_payoffs([n + 10**6 for n in counts.values()]).shape == (len(counts),)


def test_a_table_serves_only_numbers_that_play_alike():
    table = play_table([ABSOLUTIST, "true"], others(5), [3, 1])
    assert table.mean_payoffs([400, 1]).shape == (2,)
    with pytest.raises(ValueError, match=r"counts: expected numbers that play as \[3, 1\] do"):
        table.mean_payoffs([400, 2])
    with pytest.raises(ValueError, match="counts: expected the number of players of each strategy"):
        play_table([ABSOLUTIST], others(5))
    with pytest.raises(ValueError, match="quantifiers: expected 'all' or 'others', got 'third'"):
        Rules(quantifiers="third")  # type: ignore[arg-type]


# --- what the readings do ---


def test_in_a_society_of_two_quantifiers_over_others_range_over_nobody():
    """So Absolutist is All-C there, and Police too."""
    for name in ("absolutist", "police"):
        result = society({name: 1, "all_d": 1}, others(20))
        assert result.mean_payoff == {name: 0.0, "all_d": 5.0}
    assert society({"absolutist": 1, "all_d": 1}, Rules(turns=20)).mean_payoff["absolutist"] > 0.9


def test_absolutist_is_loyal_under_both_readings_in_company():
    for quantifiers in ("all", "others"):
        result = society(
            {"absolutist": 4, "all_d": 2, "tit_for_tat": 3}, Rules(turns=20, quantifiers=quantifiers)
        )
        assert result.cooperation[0, 0] == 1.0
        assert result.cooperation[0, 1] < 0.1


def test_results_say_over_whom_quantifiers_range():
    result = society({"absolutist": 4, "all_d": 2}, others(20))
    assert "quantifiers over others, exact" in str(result).splitlines()[0]
    assert result.to_dict()["quantifiers"] == "others"
    assert "quantifiers over others" in str(others(20))
    assert "quantifiers" not in str(Rules(turns=20))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(formulas(), st.integers(1, 3), min_size=2, max_size=3), st.integers(1, 5))
def test_a_society_without_noise_is_the_sample_of_one_that_slips_never(counts, turns):
    exact = society(counts, others(turns))
    members = [s for s, n in counts.items() for _ in range(n)]
    assert exact.means == pytest.approx(by_definition(counts, turns))
    assert len(members) == sum(exact.counts)


def test_noise_and_chance_follow_the_rule_too():
    results = [
        society({"absolutist": 2, "random": 1}, Rules(turns=30, quantifiers=q), replicates=4, seed=1)
        for q in ("all", "others")
    ]
    assert results[0].cooperation[0, 0] == 1.0
    assert results[1].cooperation[0, 0] < 1.0


# --- ecologies, fixation, evolution ---


def test_an_ecology_plays_again_when_a_number_that_decides_changes(monkeypatch):
    module = sys.modules["engine.growth"]
    before, played = module.play_table, []

    def counting(strategies, rules, counts):
        played.append([int(n) for n in counts])
        return before(strategies, rules, counts)

    monkeypatch.setattr(module, "play_table", counting)
    start = {"vulture": 30, "all_d": 12, "all_c": 5}
    result = ecology(start, others(10), arithmetic="integer", generations=60)
    most = np.array([3, 2, 2])
    wanted = [
        (tuple(np.flatnonzero(row)), tuple(np.minimum(row, most)[row > 0]))
        for row in result.counts.tolist()
        for row in [np.array(row)]
    ]
    changes = [key for key, _ in itertools.groupby(wanted)]
    assert len({key[1] for key in changes}) > 2
    assert len(played) == 2 * len(changes)  # once for exact sums, once for means


@settings(max_examples=25, deadline=None)
@given(
    st.lists(formulas(), min_size=2, max_size=3, unique=True),
    st.lists(st.integers(1, 4), min_size=3, max_size=3),
    st.integers(1, 4),
    st.sampled_from(["real", "integer"]),
)
def test_the_payoffs_of_an_ecology_are_those_of_its_individuals(strategies, numbers, turns, arithmetic):
    start = dict(zip(strategies, numbers, strict=False))
    if sum(start.values()) < 2:
        start = dict.fromkeys(start, 2)
    result = ecology(start, others(turns), arithmetic=arithmetic, generations=3, baseline=1.0)
    for row, earned in zip(result.counts.tolist(), result.payoffs.tolist(), strict=True):
        if any(n != int(n) for n in row) or sum(row) < 2:
            continue
        present = {s: int(n) for s, n in zip(start, row, strict=True) if n}
        assert [p for p in earned if p == p] == pytest.approx(by_definition(present, turns))


@settings(max_examples=25, deadline=None)
@given(formulas(), formulas(), st.integers(2, 7), st.integers(1, 5))
def test_fixation_is_that_of_a_chain_whose_payoffs_every_individual_earns(mutant, resident, size, turns):
    if mutant == resident:
        return
    sums, product = 1.0, 1.0
    for i in range(1, size):
        f, g = by_definition({mutant: i, resident: size - i}, turns)
        product *= np.exp(-(f - g))
        sums += product
    table = pair_table(mutant, resident, others(turns), society=True, size=size)
    assert fixation_probability(table, size, process="fermi") == pytest.approx(1 / sums, rel=1e-12)
    assert kappa(
        resident, [mutant, "false"], others(turns), size=size, society=True, complete=True, process="fermi"
    ).n_rho[0] == pytest.approx(size / sums, rel=1e-12)


def test_where_the_number_decides_it_is_asked_for():
    with pytest.raises(ValueError, match="size: expected the number of players"):
        pair_table("absolutist", "all_d", others(5), society=True)
    assert pair_table("grim", "all_d", others(5), society=True, size=9).shape == (2, 2)
    assert pair_table("absolutist", "all_d", others(5), society=True, size=9).shape == (8, 2, 2)
    with pytest.raises(ValueError, match="payoffs: expected four numbers"):
        fixation_probability(np.zeros((3, 2, 2)), 9)


def test_a_mutant_with_a_bystander_is_seen_by_others():
    alone, met = in_society("police", "all_d", ["all_c"], others(10), residents=1)
    assert (alone.resident, met.resident) == pytest.approx(
        (by_definition({FORMULA["police"]: 1, FORMULA["all_d"]: 1}, 10)[0],
         by_definition({FORMULA["police"]: 1, FORMULA["all_d"]: 1, FORMULA["all_c"]: 1}, 10)[0])
    )  # fmt: skip


FORMULA = {name: catalogue.get(name).formula for name in ("police", "all_d", "all_c")}


@settings(max_examples=30, deadline=None)
@given(st.lists(formulas(), min_size=2, max_size=8))
def test_fitness_in_evolution_is_what_every_individual_earns(genomes):
    experiment = Experiment(
        rules={"play": "sipd", "turns": 4, "quantifiers": "others"},
        genome={"kind": "formula", "max_complexity": 100},
        population={"size": 8},
        variation={"immigrants": 0},
    )
    met = evaluation(experiment)(genomes, 0)
    history = oracle.play(genomes, 4, quantifiers="others")
    assert met.fitness == pytest.approx(oracle.scores(history, PAYOFFS))
    apart = ~np.eye(len(genomes), dtype=bool)
    cooperation = 1 - np.mean([relation[apart].mean() for relation in history])
    assert met.cooperation == pytest.approx(cooperation)


# --- what a formula does ---


def test_behaviours_are_told_under_the_rule_that_is_asked_about():
    kept = behaviour(SOMEBODY, "others")
    assert behaviour(SOMEBODY) == behaviour("true")
    assert kept != behaviour("true", "others")
    assert kept.startswith("~1-others:") and name_of(kept) is None
    assert name_as_tested("exists j. exists t. D(c,j,t) xor D(r,j,t)", "others") == "absolutist"
    assert name_of(behaviour("absolutist", "others")) == "~absolutist"


def test_keys_of_behaviours_over_all_are_as_ever():
    """They stand in run files; computed by the program before there was another rule."""
    assert behaviour("absolutist") == "~1:8c380e135495"


# --- the command line ---


def test_commands_take_the_rule(evolve: Command):
    args = ("society", "absolutist=1", "all_d=1", "--turns", "10", "--quantifiers", "others", "--json")
    assert json.loads(evolve(*args)[1])["mean_payoff"] == {"absolutist": 0.0, "all_d": 5.0}
    status, out, _ = evolve("ecology", "vulture=30", "all_d=12", "--turns", "10", "--quantifiers", "others")
    assert status == 0 and "quantifiers over others" in out
    status, out, _ = evolve(
        "fixation",
        "police",
        "all_d",
        "--size",
        "10",
        "--play",
        "sipd",
        "--turns",
        "10",
        "--quantifiers",
        "others",
    )
    assert status == 0 and "payoffs depend on how many mutants there are; these are with 1 of 10" in out
    status, _, err = evolve("ecology", "all_c=5", "all_d=5", "--play", "ipd", "--quantifiers", "others")
    assert status == 1 and "quantifiers: expected all with --play ipd, got 'others'" in err
    status, _, err = evolve("society", "all_c=5", "all_d=5", "--quantifiers", "most")
    assert status == 1 and "quantifiers: expected 'all' or 'others', got 'most'" in err
