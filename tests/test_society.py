"""Societies: the engine against the oracle, twins against individuals, and what is known of Ord's mixes."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.game import Game, Rules
from engine.societies.machine import SocietyMachine, pack_rows, unpack_rows
from engine.societies.program import compile_formula
from engine.societies.scopes import place_quantifiers
from engine.societies.sipd import PlayTable, play_individuals, play_table, society
from genomes import catalogue
from genomes.automaton import Automaton
from genomes.formula.genome import FormulaGenome
from genomes.lookup import LookupGenome
from tests import society_reference as oracle
from tests.formulas import formulas

SOCIETAL = [entry for entry in catalogue.ENTRIES if entry.formula_text]

FORMULAS = {row.name: FormulaGenome.parse(row.formula_text) for row in SOCIETAL}
PAYOFFS = (3.0, 0.0, 5.0, 1.0)
QUANTIFIERS = st.sampled_from(("all", "others"))


@st.composite
def automata(draw: st.DrawFn, *, chance: bool = False) -> Automaton:
    """Small automata, with pure moves unless `chance`."""
    size = draw(st.integers(1, 3))
    moves = (0.0, 1.0, 0.3, 0.5) if chance else (0.0, 1.0)
    defect = draw(st.lists(st.sampled_from(moves), min_size=size, max_size=size))
    rows = st.lists(st.integers(0, size - 1), min_size=4, max_size=4)
    return Automaton(defect, draw(st.lists(rows, min_size=size, max_size=size)))


def members(*, chance: bool = False, most: int = 4) -> st.SearchStrategy[list[FormulaGenome | Automaton]]:
    one = st.one_of(formulas(), formulas(), st.sampled_from(list(FORMULAS.values())), automata(chance=chance))
    return st.lists(one, min_size=1, max_size=most)


def text(relation: np.ndarray) -> str:
    return "\n".join("".join("CD"[int(cell)] for cell in row) for row in relation)


@settings(max_examples=400, deadline=None)
@given(members(), st.integers(1, 9), QUANTIFIERS)
def test_everybody_decides_as_the_definition_says(players, turns, quantifiers):
    expected = oracle.play(players, turns, quantifiers=quantifiers)
    assert np.array_equal(play_individuals(players, turns, quantifiers=quantifiers), expected)


@settings(max_examples=100, deadline=None)
@given(members(chance=True), st.integers(1, 6), st.integers(0, 2**32), QUANTIFIERS)
def test_with_noise_and_chance_everybody_decides_as_the_definition_says(players, turns, seed, quantifiers):
    rng = np.random.default_rng(seed)
    n = len(players)
    flips, draws = rng.random((turns, n, n)) < 0.2, rng.random((turns, n, n))
    expected = oracle.play(players, turns, flips, draws, quantifiers)
    played = play_individuals(players, turns, flips=flips, draws=draws, quantifiers=quantifiers)
    assert np.array_equal(played, expected)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.one_of(formulas(), automata()), st.integers(1, 6), min_size=1, max_size=2),
    st.integers(1, 6),
    QUANTIFIERS,
)
def test_a_few_representatives_of_each_strategy_stand_for_all_individuals(counts, turns, quantifiers):
    if sum(counts.values()) < 2:
        counts = {strategy: 2 for strategy in counts}
    individuals = [strategy for strategy, count in counts.items() for _ in range(count)]
    kind = np.repeat(np.arange(len(counts)), list(counts.values()))
    history = oracle.play(individuals, turns, quantifiers=quantifiers)
    result = society(counts, Rules(turns=turns, quantifiers=quantifiers))
    trace = result.trace()
    others = ~np.eye(len(individuals), dtype=bool)  # the diagonal of a trace is the play between twins
    for relation, expected in zip(trace, history, strict=True):
        assert text(relation[np.ix_(kind, kind)] & others) == text(expected & others)
    scores = np.array(oracle.scores(history, PAYOFFS))
    assert scores == pytest.approx(result.means[kind])
    assert result.cooperation_by_round().shape == trace.shape


@pytest.mark.parametrize("k", [63, 64, 65, 130])
def test_societies_wider_than_a_machine_word_play_as_small_ones(k):
    """Twins once more: k players of four kinds against the four representatives."""
    names = ["absolutist", "police", "all_d", "forgiving_bully"]
    kind = np.random.default_rng(k).integers(0, 4, k)
    kind[:4] = range(4)
    large = play_individuals([FORMULAS[names[a]] for a in kind], 12)
    small = play_individuals([FORMULAS[name] for name in names], 12)
    assert np.array_equal(large, small[:, kind][:, :, kind])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(formulas(pair_only=True), automata()), min_size=2, max_size=4, unique=True),
    st.integers(1, 30),
)
def test_a_society_of_pair_only_strategies_is_a_round_robin(strategies, turns):
    table = play_table(strategies, Rules(turns=turns))
    for (a, one), (b, two) in itertools.product(enumerate(strategies), repeat=2):
        counts = np.zeros(4)
        first, second = one.automaton(), two.automaton()
        i = j = 0
        for _ in range(turns):
            mine, theirs = int(first.defect[i]), int(second.defect[j])
            counts[2 * mine + theirs] += 1
            i, j = first.successors[i, 2 * mine + theirs], second.successors[j, 2 * theirs + mine]
        assert table.payoffs[a, b] == Rules(turns=turns).stage.mean_payoff(counts, turns)


@settings(max_examples=100, deadline=None)
@given(members(most=3), st.integers(1, 200), QUANTIFIERS)
def test_closing_a_repeating_play_gives_the_counts_of_playing_on(players, turns, quantifiers):
    closed, open_ = (SocietyMachine(players, quantifiers) for _ in range(2))
    closed.play(turns)
    open_.play(turns, close=False)
    assert np.array_equal(closed.joint_counts(turns), open_.joint_counts(turns))
    assert np.array_equal(closed.relation_of(np.arange(turns)), open_.sequence)


def test_the_number_of_turns_costs_nothing_once_play_repeats():
    result = society({name: 10 for name in ("D(c,r,p)", "not D(r,c,p)")}, Rules(turns=10**12))
    assert result.means[0] == pytest.approx((9 * 3 + 10 * 2.5) / 19)
    with pytest.raises(ValueError, match="trace: expected at most"):
        result.trace()


@settings(max_examples=80, deadline=None)
@given(formulas(players=3, rounds=2), members(most=3), st.integers(1, 6), QUANTIFIERS)
def test_tables_of_past_rounds_change_nothing(genome, others, turns, quantifiers):
    """Without running tables every round quantifier looks through all rounds again."""
    machine = SocietyMachine([genome, *others], quantifiers)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "engine.societies.machine.compile_formula", lambda g, _, over: compile_formula(g, -1, over)
        )
        plain = SocietyMachine([genome, *others], quantifiers)
    machine.play(turns, close=False)
    plain.play(turns, close=False)
    assert np.array_equal(machine.relations[machine.sequence], plain.relations[plain.sequence])


@settings(max_examples=200, deadline=None)
@given(formulas(max_depth=6, players=3, rounds=3), st.integers(1, 4), st.integers(0, 2**32), QUANTIFIERS)
def test_moving_quantifiers_changes_no_decision(genome, n, seed, over):
    simple = genome.simplify(over).formula
    placed = place_quantifiers(simple, over)
    rounds = list(np.random.default_rng(seed).random((3, n, n)) < 0.5)
    for turn, r in itertools.product(range(4), range(n)):
        names, history = {"r": r, "c": n - 1}, rounds[:turn]
        wanted = oracle.holds(genome.formula, names, history, n, over)
        assert oracle.holds(simple, names, history, n, over) == wanted
        assert oracle.holds(placed, names, history, n, over) == wanted


@settings(max_examples=100, deadline=None)
@given(members(), st.integers(1, 3), QUANTIFIERS)
def test_absolutist_never_defects_on_its_own_kind(others, twins, quantifiers):
    absolutist = FORMULAS["absolutist"]
    history = play_individuals([absolutist] * twins + others, 10, quantifiers=quantifiers)
    assert not history[:, :twins, :twins].any()


def test_loyalty_is_not_a_matter_of_course():
    """The negative control of the test above: other strategies do defect on their own kind."""
    assert play_individuals([FORMULAS["bully"], FORMULAS["bully"], FORMULAS["all_d"]], 10)[:, 0, 1].any()


@settings(max_examples=60, deadline=None)
@given(members(), QUANTIFIERS)
def test_suspicious_absolutists_defect_on_their_own_kind_in_the_first_round_only(others, quantifiers):
    suspicious = [FORMULAS["suspicious_absolutist"]] * 2
    history = play_individuals(suspicious + others, 8, quantifiers=quantifiers)
    assert history[0, :2, :2].all()
    assert not history[1:, :2, :2].any()


@settings(max_examples=60, deadline=None)
@given(members(most=3), QUANTIFIERS)
def test_both_forms_of_grim_behave_alike(others, quantifiers):
    second = FormulaGenome.parse("D(c,r,p) or D(r,c,p)")
    one = play_individuals([FORMULAS["grim"], *others], 10, quantifiers=quantifiers)
    two = play_individuals([second, *others], 10, quantifiers=quantifiers)
    assert np.array_equal(one, two)


def test_lookup_genomes_and_texts_play_in_societies():
    turns = 30
    by_text = society({"memory(1,1) cCDCD": 3, "true": 2, "D(c,r,p)": 4}, Rules(turns=turns))
    genomes = {LookupGenome.parse("memory(1,1) cCDCD"): 3, FORMULAS["all_d"]: 2, FORMULAS["tit_for_tat"]: 4}
    assert np.array_equal(by_text.payoffs, society(genomes, Rules(turns=turns)).payoffs)
    assert by_text.payoffs[0].tolist() == by_text.payoffs[2].tolist()
    assert list(by_text.mean_payoff) == ["memory(1,1) cCDCD", "true", "D(c,r,p)"]


def test_payoffs_weigh_the_table_by_the_others_present():
    counts = {"true": 2, "false": 3}
    result = society(counts, Rules(turns=7))
    assert result.mean_payoff == {"true": (1 * 1 + 3 * 5) / 4, "false": (2 * 0 + 2 * 3) / 4}
    table = play_table(list(counts), Rules(turns=7))
    assert np.array_equal(table.mean_payoffs([2, 3]), result.means)
    assert table.mean_payoffs([2.5, 2.5]).tolist() == [(1.5 * 1 + 2.5 * 5) / 4, (2.5 * 0 + 1.5 * 3) / 4]


def test_equal_payoffs_compare_equal():
    rules = Rules(Game(R=0.3, S=0.1, T=0.7, P=0.2), turns=97)
    result = society({"D(c,r,p)": 7, "exists t. D(c,r,t)": 5, "memory(1,1) cCDDC": 3, "true": 11}, rules)
    assert result.means[0] == result.means[1]


def test_sampled_play_agrees_with_exact_play_where_both_exist():
    """An unfair coin against All-D has a known expectation; a wrong coin must be noticed."""
    rules = Rules(turns=40)
    coin = Automaton([0.25], [[0, 0, 0, 0]])
    result = society({coin: 1, "true": 1}, rules, replicates=200, seed=3)
    assert result.standard_errors is not None
    assert abs(result.means[0] - 0.25) < 4 * result.standard_errors[0]
    assert abs(result.means[0] - 0.30) > 4 * result.standard_errors[0]
    assert np.isnan(result.payoffs[0, 0])
    assert not result.exact


def test_a_sample_is_the_mean_of_individual_plays():
    rules = Rules(turns=12, noise=0.1)
    result = society({FORMULAS["absolutist"]: 3, FORMULAS["police"]: 2}, rules, replicates=1, seed=5)
    slips = np.random.default_rng(np.random.SeedSequence(5).spawn(1)[0].spawn(2)[0])
    flips = slips.random((12, 5, 5)) < 0.1
    individuals = [FORMULAS["absolutist"]] * 3 + [FORMULAS["police"]] * 2
    history = oracle.play(individuals, 12, flips)
    scores = oracle.scores(history, PAYOFFS)
    assert result.means == pytest.approx([np.mean(scores[:3]), np.mean(scores[3:])])
    others = ~np.eye(3, dtype=bool)
    cooperation = [1 - relation[:3, :3][others].mean() for relation in history]
    assert result.cooperation_by_round()[:, 0, 0] == pytest.approx(cooperation)


def test_a_seed_fixes_a_sample():
    def sample(seed: int) -> list[float]:
        return society(
            {"D(c,r,p)": 4, "false": 2}, Rules(turns=20, noise=0.1), replicates=3, seed=seed
        ).means.tolist()

    assert sample(1) == sample(1) != sample(2)


@pytest.mark.parametrize(
    ("counts", "rules", "said"),
    [
        ({"true": 1}, Rules(turns=5), "at least two players, got 1"),
        ({"true": 0, "false": 3}, Rules(turns=5), "above 0 for true, got 0"),
        ({"true": 1.5, "false": 3}, Rules(turns=5), "whole number of players"),
        ({"true": 2}, Rules(continuation=0.9), "rules: a society plays a fixed number of rounds"),
        ({"true": 2}, Rules(limit_of_means=True), "got limit of means"),
        ({"true": 2, FormulaGenome.parse("true"): 2}, Rules(turns=5), "every strategy once, got true twice"),
        ({3.5: 2}, Rules(turns=5), "strategy: expected a genome, a catalogue name"),
        ({"D(r,c": 2}, Rules(turns=5), "expected ','"),
        ({"true": 40_000}, Rules(turns=5, noise=0.1), "fits into memory, got 40000"),
    ],
)
def test_mistakes_are_explained(counts, rules, said):
    with pytest.raises(ValueError, match=said):
        society(counts, rules)


def test_a_play_table_refuses_what_parts_twins():
    with pytest.raises(ValueError, match="noise: expected 0"):
        play_table(["true"], Rules(turns=5, noise=0.1))
    with pytest.raises(ValueError, match="expected no chance, got memory"):
        play_table(["true", "memory(0,0) | 0.5"], Rules(turns=5))
    with pytest.raises(ValueError, match="at least two players"):
        play_table(["true"], Rules(turns=5)).mean_payoffs([1])


def test_results_are_readable_by_people_and_by_programs():
    result = society({"true": 1, "false": 3}, Rules(turns=5, noise=0.25), replicates=2)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["mean_payoff"] == result.mean_payoff
    lines = str(result).splitlines()
    assert "4 players" in lines[0]
    assert lines[2].split()[1:3] == ["true", "1"]
    assert isinstance(play_table(["true"], Rules(turns=5)), PlayTable)


@settings(deadline=None)
@given(st.integers(1, 140), st.integers(0, 2**32))
def test_bit_rows_read_back(k, seed):
    bits = np.random.default_rng(seed).random((2, k, k)) < 0.5
    assert np.array_equal(unpack_rows(pack_rows(bits), k), bits)
