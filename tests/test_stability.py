"""Certificates: published gaps, the best response against brute force, and scans against single meetings."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from engine import Game, Rules, expected, society
from engine.pairs.behaviours import compile_behaviours
from engine.stability.certificates import as_lookup, best_response, nash_gap
from engine.stability.indirect import in_society, indirect_invasions
from engine.stability.scans import FATES, scan
from genomes import Automaton, LookupGenome, catalogue, parse
from tests import reference
from tests.strategies import automata, chance, lookups, rule, tables

PAYOFFS = [3.0, 0.0, 5.0, 1.0]

horizons = st.one_of(
    st.sampled_from([0.0, 0.3, 0.66, 0.9, 0.99]).map(lambda d: Rules(continuation=d)),
    st.just(Rules(limit_of_means=True)),
    st.sampled_from([1e-8, 0.01, 0.5]).map(lambda e: Rules(limit_of_means=True, noise=e)),
    st.just(Rules(continuation=0.8, noise=0.05)),
)


# --- the Nash gap ---


@pytest.mark.parametrize(
    ("resident", "d", "gap"),
    [
        ("tit_for_tat", 0.66, 5 / 1.66 - 3),
        ("tit_for_tat", 0.67, 0),
        ("grim", 0.45, 0.2),
        ("grim", 0.5, 0),
        ("all_c", 0.9, 2),
        ("all_d", 0.9, 0),
    ],
)
def test_published_thresholds_of_the_continuation_probability(resident: str, d: float, gap: float) -> None:
    """TFT falls to the alternator below (T-R)/(R-S) = 2/3, grim to all_d below (T-R)/(T-P) = 1/2."""
    assert nash_gap(resident, Rules(continuation=d)) == (pytest.approx(gap, abs=1e-12) if gap else 0)


@pytest.mark.parametrize("d", [0.0, 0.5, 0.9, 0.99, 0.9999])
def test_win_stay_lose_shift_is_exploited_for_every_continuation_probability(d: float) -> None:
    """v all_d from d >= (T-R)/(R-P) = 1, so for none below: all_d earns T, P, T, P, ... = (T + P d)/(1 + d)."""
    best = best_response("pavlov", Rules(continuation=d))
    assert best.nash_gap == pytest.approx((5 + d) / (1 + d) - 3, rel=1e-9)
    assert best.name == "all_d"


def test_win_stay_lose_shift_under_noise_earns_less_than_all_d_against_it() -> None:
    """2.985 against 2.951092 at e = 0.01 (exact for memory-1 strategies, limit of means)."""
    best = best_response("pavlov", Rules(limit_of_means=True, noise=0.01))
    assert (best.value, best.self_payoff) == (
        pytest.approx(2.985, abs=1e-12),
        pytest.approx(2.951092, abs=1e-6),
    )
    assert best.name == "all_d"


@pytest.mark.parametrize("turns", [1, 2, 10, 200, 20_000])
def test_with_fixed_turns_tit_for_tat_is_betrayed_in_the_last(turns: int) -> None:
    best = best_response("tit_for_tat", Rules(turns=turns))
    assert best.nash_gap == pytest.approx((5 - 3) / turns, rel=1e-9)
    assert best.moves.endswith("D")
    assert set(best.moves[:-1]) <= {"C", "."}
    assert (best.strategy is None) == (turns > 10_000)


@pytest.mark.parametrize("p", [5e-324, 1e-310, 1e-200])
def test_moves_too_rare_for_floats_are_refused_with_the_reason(p: float) -> None:
    """In the limit of means play leaves a state in the end, however rarely; floats have no number for how rarely."""
    refused = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        resident = Automaton(rng.choice([0.0, 0.25, 1.0, p], 3), rng.integers(0, 3, (3, 4)))
        try:
            assert 0 <= best_response(resident, Rules(limit_of_means=True)).nash_gap <= 5
        except ValueError as refusal:
            assert re.match(
                r"(resident|rules): expected .* than 1e-300 of the time .*, got rarer ones", str(refusal)
            )
            refused += 1
        assert best_response(resident, Rules(continuation=0.99)).nash_gap >= 0
    assert 0 < refused < 30


def test_without_a_last_turn_nobody_beats_a_nice_retaliator() -> None:
    for name in ("tit_for_tat", "grim", "pavlov", "two_tits_for_tat"):
        best = best_response(name, Rules(limit_of_means=True))
        assert (best.nash_gap, best.value, best.words) == (0.0, 3.0, name)


@given(automata(chance, 4), horizons)
def test_the_best_response_is_the_best_of_all_policies(resident: Automaton, rules: Rules) -> None:
    # several closed classes included: random automata without noise have them
    try:
        best = best_response(resident, rules)
    except ValueError as refusal:
        assert (
            "more often than 1e-300 of the time" in str(refusal)
            and resident.defect[resident.defect > 0].min() < 1e-75
        )
        return
    d = 1.0 if rules.limit_of_means else rules.continuation
    assert d is not None
    oracle = reference.best_by_policies(*tables(resident), PAYOFFS, rules.noise, d)
    assert best.value == pytest.approx(oracle, abs=1e-7 if rules.noise == 1e-8 else 1e-9)
    assert best.nash_gap >= 0
    assert best.strategy is not None
    assert expected(best.strategy, resident, rules).payoffs[0] == pytest.approx(best.value, abs=1e-9)


@pytest.mark.parametrize("seed", range(60))
def test_among_many_closed_classes_the_best_is_found(seed: int) -> None:
    # where joint moves stay where they are, play can end in many places, each with a mean of its own
    rng = np.random.default_rng(seed)
    n, stay = int(rng.integers(2, 9)), rng.choice([0.1, 0.55])
    successors = np.where(rng.random((n, 4)) < stay, np.arange(n)[:, None], rng.integers(0, n, (n, 4)))
    defect = np.where(rng.random(n) < 0.4, rng.choice([0.3, 0.5, 0.9], n), rng.integers(0, 2, n))
    resident = Automaton(defect, successors)
    best = best_response(resident, Rules(limit_of_means=True))
    oracle = reference.best_by_policies(*tables(resident), PAYOFFS, 0.0, 1.0)
    assert best.value == pytest.approx(oracle, abs=1e-9)


def test_the_best_response_leaves_a_good_trap_for_a_better_one() -> None:
    # after the first move: all_c for ever, or tit for tat's 3; taking T at once leads to D for ever
    resident = Automaton([0, 0, 1, 0], [(1, 2, 1, 2), (1, 3, 1, 3), (2, 2, 2, 2), (3, 3, 3, 3)])
    best = best_response(resident, Rules(limit_of_means=True))
    assert (best.value, best.moves[:3]) == (5.0, "CDD")


@settings(max_examples=40)
@given(st.one_of(lookups(chance, 2), automata(chance, 4)), st.integers(1, 4), st.sampled_from([0.0, 0.1]))
def test_backward_induction_is_the_best_of_all_that_can_be_done(
    resident: LookupGenome | Automaton, turns: int, noise: float
) -> None:
    best = best_response(resident, Rules(turns=turns, noise=noise))
    oracle = reference.best_by_tree(rule(resident), PAYOFFS, turns, noise) / turns
    assert best.value == pytest.approx(oracle, abs=1e-12)
    assert best.strategy is not None
    earned = expected(best.strategy, resident, Rules(turns=turns, noise=noise)).payoffs[0]
    assert earned == pytest.approx(best.value, abs=1e-12)


@settings(max_examples=20)
@given(lookups(st.one_of(st.sampled_from([0.0, 1.0]), chance), 3), horizons)
def test_no_short_memory_beats_the_best_response_and_one_reaches_it_where_it_is_short(
    resident: LookupGenome, rules: Rules
) -> None:
    best = best_response(resident, rules)
    short = best.genome
    for memory, longest in (
        ((1, 1), (0, 1)),
        ((1, 2), (2,)),
    ):  # the openings of memory(1,2) are two fixed moves
        most = float(scan(resident, memory, rules).against.max())
        assert most <= best.value + 1e-9
        if short and short.x <= memory[0] and short.y <= memory[1] and max(short.x, short.y) in longest:
            assert most == pytest.approx(best.value, abs=1e-9)


def test_strategies_that_count_are_answered_within_the_horizon_only() -> None:
    assert nash_gap("soft_majo", Rules(turns=200)) == 1.0  # half of the turns R, half T: a tie is forgiven
    with pytest.raises(ValueError, match="counts without bound"):
        nash_gap("soft_majo", Rules(continuation=0.9))


def test_what_is_no_automaton_is_refused_with_the_reason() -> None:
    class Plain:
        def reset(self) -> None: ...
        def move(self) -> int:
            return 0

        def observe(self, own: int, opponent: int) -> None: ...

    with pytest.raises(ValueError, match="absolutist, which also reads play outside the pair"):
        nash_gap("absolutist")
    with pytest.raises(ValueError, match="plain Python"):
        nash_gap(Plain())
    with pytest.raises(ValueError, match="turns: expected at most"):
        nash_gap("tit_for_tat", Rules(turns=10**9))
    assert nash_gap("exists t. D(c,r,t)", Rules(continuation=0.45)) == pytest.approx(0.2)


@given(lookups(largest=4), st.booleans())
def test_an_automaton_is_recognised_as_a_genome(genome: LookupGenome, noisy: bool) -> None:
    if max(genome.x, genome.y) > 3 or genome.z:
        return
    automaton = genome.automaton().canonical(noisy=noisy)
    found = as_lookup(automaton, noisy=noisy)
    assert found is not None
    assert found.x + found.y <= genome.x + genome.y
    assert found.automaton().behaviour(noisy=noisy) == automaton.behaviour(noisy=noisy)


def test_no_genome_is_made_up_for_an_automaton_that_has_none() -> None:
    assert as_lookup(catalogue.get("prober").automaton(), noisy=False) is None


# --- scans ---


scanned_rules = st.sampled_from(
    [
        Rules(turns=1),
        Rules(turns=7),
        Rules(turns=200),
        Rules(limit_of_means=True),
        Rules(continuation=0.9),
        Rules(turns=50, game=Game(R=0.3, S=-0.1, T=0.5, P=0.1)),
    ]
)


@settings(max_examples=12)
@given(st.one_of(lookups(), automata(largest=5)), scanned_rules, st.integers(0, 2**32))
def test_a_scan_of_memory_two_agrees_with_meetings_one_by_one(
    resident: LookupGenome | Automaton, rules: Rules, seed: int
) -> None:
    found = scan(resident, (2, 2), rules)
    assert len(found) == 2**18
    for number in np.random.default_rng(seed).integers(0, 2**18, 40).tolist():
        mutant = found.genome(number)
        meeting = expected(mutant, resident, rules).payoffs
        assert found.against[number] == pytest.approx(meeting[0], abs=1e-12)
        assert found.conceded[number] == pytest.approx(meeting[1], abs=1e-12)
        assert found.among[number] == pytest.approx(expected(mutant, mutant, rules).payoffs[0], abs=1e-12)


@settings(max_examples=12)
@given(st.one_of(lookups(chance, 3), automata(chance, 4)), horizons | st.just(Rules(turns=20, noise=0.1)))
def test_a_scan_with_chance_agrees_with_meetings_one_by_one(
    resident: LookupGenome | Automaton, rules: Rules
) -> None:
    found = scan(resident, (1, 1), rules)
    for number in range(32):
        mutant = found.genome(number)
        meeting = expected(mutant, resident, rules).payoffs
        assert [found.against[number], found.conceded[number]] == pytest.approx(meeting.tolist(), abs=1e-11)
        assert found.among[number] == pytest.approx(expected(mutant, mutant, rules).payoffs[0], abs=1e-11)


@pytest.mark.parametrize("memory", [(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_scan_counts_distinct_behaviours(memory: tuple[int, int], noise: float) -> None:
    rules = Rules(turns=10, noise=noise)
    found = scan("all_d", memory, rules)
    played = compile_behaviours([found.genome(k) for k in range(len(found))], rules)
    assert sum(found.counts(distinct=True).values()) == len(played)
    assert len(set(zip(found.behaviour.tolist(), played.index.tolist(), strict=True))) == len(played)
    if memory == (1, 1) and not noise:
        assert len(played) == 26  # Beaufils, Delahaye & Mathieu, "Complete classes of strategies" (1998)


def test_genomes_are_numbered_in_the_order_of_their_text() -> None:
    found = scan("all_d", (1, 1), Rules(turns=5))
    assert [str(found.genome(k)) for k in (0, 1, 16, 31)] == [
        "memory(1,1) cCCCC",
        "memory(1,1) cCCCD",
        "memory(1,1) dCCCC",
        "memory(1,1) dDDDD",
    ]


@pytest.mark.parametrize("rules", [Rules(turns=1001), Rules(turns=7), Rules(limit_of_means=True)])
def test_what_plays_alike_is_exactly_neutral(rules: Rules) -> None:
    # a third of a turn is no float: sums of rounded frequencies would part what is equal
    resident = parse("memory(2,2) dcCDDCDCDCDDCCDCDC")
    found = scan(resident, (2, 2), rules)
    assert found.own.any()
    assert set(found.fate[found.own].tolist()) == {FATES.index("neutral")}
    assert not found.advantage[found.own].any()
    tft = scan("tit_for_tat", (1, 1), rules)
    nice = {k for k in range(32) if k >> 4 == 0 and k >> 3 & 1 == 0}  # C at first, and C after CC
    neutral = {k for k in range(32) if FATES[tft.fate[k]] == "neutral"}
    assert nice <= neutral


def test_the_barrier_is_where_both_earn_alike() -> None:
    """TFT needs a share (1-d)/(3d-1) to invade all_d, by hand from V = (3, d, 5-4d, 1)."""
    d = 0.9
    found = scan("all_d", (1, 1), Rules(continuation=d))
    tft = int("00101", 2)
    assert str(found.genome(tft)) == "memory(1,1) cCDCD"
    assert found.barrier[tft] == pytest.approx((1 - d) / (3 * d - 1))
    p = found.barrier
    mixed = np.isfinite(p) & (p > 0)
    assert mixed.sum() > 1
    p = p[mixed]
    mutants = p * found.among[mixed] + (1 - p) * found.against[mixed]
    assert np.allclose(mutants, p * found.conceded[mixed] + (1 - p) * found.resident_payoff)


def test_neutral_mutants_are_told_apart_by_what_their_kind_earns() -> None:
    # v pavlov all_d earns T, P, T, P, ... = 3 as pavlov does; then P among its kind against (S + P)/2
    found = scan("pavlov", (1, 1), Rules(limit_of_means=True))
    names = {"dDDDD": "neutral, then advantaged", "cCCCC": "neutral", "cCDDC": "neutral"}
    for text, fate in names.items():
        number = int(text.upper().replace("C", "0").replace("D", "1"), 2)
        assert FATES[found.fate[number]] == fate
    assert found.barrier[31] == 0.0
    # and where its kind does worse against itself than residents do against it, it is held back
    held = scan("gtft", (1, 2), Rules(turns=200))
    for number in np.flatnonzero(held.fate == FATES.index("neutral, then disadvantaged"))[:5].tolist():
        mutant = held.genome(number)
        assert expected(mutant, "gtft").payoffs[0] == pytest.approx(held.resident_payoff)
        assert expected(mutant, mutant).payoffs[0] < expected("gtft", mutant).payoffs[0] - 1e-9
        assert np.isinf(held.barrier[number])


def test_leading_invaders_are_named() -> None:
    # under noise pavlov loses most to all_d
    leaders = scan("pavlov", (1, 2), Rules(limit_of_means=True, noise=0.01)).leading()
    assert leaders[0].against == pytest.approx(2.985)
    assert "all_d" in {m.name for m in leaders}
    assert [m.against for m in leaders] == sorted((m.against for m in leaders), reverse=True)
    # where nobody invades, the nearest are those that need the smallest share
    nearest = scan("tit_for_tat", (1, 1), Rules(turns=200)).leading("repelled", 3)
    assert [m.barrier for m in nearest] == sorted(m.barrier for m in nearest)


# --- what one mutant at a time does not show ---


def test_neutral_cooperators_let_defectors_into_tit_for_tat() -> None:
    found = indirect_invasions(scan("tit_for_tat", (1, 1), Rules(limit_of_means=True)))
    assert "all_c -> all_d" in map(str, found.found)
    assert found.complete


@pytest.mark.parametrize("resident", ["pavlov", "tit_for_tat", "all_d"])
def test_every_chain_is_neutral_up_to_the_invader(resident: str) -> None:
    rules = Rules(limit_of_means=True)
    found = indirect_invasions(scan(resident, (1, 1), rules)).found
    assert max((len(invasion.steps) for invasion in found), default=0) <= 2
    for invasion in found:
        before: object = resident
        for step in invasion.steps:
            stays = expected(before, before, rules).payoffs[0]
            assert expected(step, before, rules).payoffs[0] == pytest.approx(stays, abs=1e-12)
            assert nash_gap(before, rules) == 0
            before = step
        gain = expected(invasion.response.strategy, before, rules).payoffs[0]
        assert gain > expected(before, before, rules).payoffs[0]
    if resident == "pavlov":
        assert {len(invasion.steps) for invasion in found} == {1, 2}


def test_a_third_party_changes_who_invades() -> None:
    rules = Rules(turns=50)
    alone, with_all_c = in_society("tit_for_tat", "bully", ["all_c"], rules, residents=20, others=5)
    assert not alone.invades
    assert with_all_c.invades
    played = society({"tit_for_tat": 20, "bully": 1, "all_c": 5}, rules).mean_payoff
    assert (with_all_c.resident, with_all_c.mutant) == (played["tit_for_tat"], played["bully"])


# --- the command ---


def test_certify_prints_json_with_the_gap_and_the_best_response() -> None:
    from evolve.cli import app

    words = ["certify", "tit_for_tat", "--continuation", "0.66", "--scan", "1,1", "--json"]
    answer = json.loads(CliRunner().invoke(app, words).stdout)
    assert answer["nash_gap"] == pytest.approx(0.012048, abs=1e-6)
    assert answer["best_response"] == "memory(1,0) dDC"
    assert sum(answer["scan"]["genomes"].values()) == 32


def test_certify_says_in_words_what_it_shows_and_what_not() -> None:
    from evolve.cli import app

    result = CliRunner().invoke(app, ["certify", "tft", "--limit-of-means", "--scan", "1,1"])
    assert result.exit_code == 0
    assert "Nash equilibrium" in result.stdout
    assert "not excluded" in result.stdout
    assert "all_c -> all_d" in result.stdout
    assert isinstance(CliRunner().invoke(app, ["certify", "tft", "--scan", "3,3"]).exception, ValueError)
