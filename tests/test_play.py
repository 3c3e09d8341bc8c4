"""Exact payoffs: every fast path against the oracle, and against published numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Game, Rules, expected, play
from engine.game import SWAP
from genomes import Automaton, LookupGenome, catalogue, parse
from tests import reference
from tests.strategies import anything, automata, chance, counting, lookups, pure_strategies, rule, tables


def frequencies(a: object, b: object, rules: Rules) -> list[float]:
    return expected(a, b, rules).frequencies.tolist()


def joint_chain(a: Automaton, b: Automaton, noise: float) -> tuple[np.ndarray, np.ndarray]:
    from engine.pairs import kernels

    both = (a.defect, a.successors, a.cooperate, b.defect, b.successors, b.cooperate)
    following, moves = kernels.joint_chain(*both, noise, 10**6)
    return following, moves


# --- pure play ---


@settings(max_examples=300)
@given(st.one_of(pure_strategies, counting), st.one_of(pure_strategies, counting), st.integers(1, 60))
def test_pure_play_gives_exact_counts(a: object, b: object, turns: int) -> None:
    counts = np.array(frequencies(a, b, Rules(turns=turns))) * turns
    assert np.round(counts).tolist() == reference.counts(rule(a), rule(b), turns)
    assert np.allclose(counts, np.round(counts), atol=1e-9)


@given(pure_strategies, pure_strategies)
def test_cost_does_not_depend_on_turns_nor_does_the_truth(a: object, b: object) -> None:
    # 10**9 turns: the cycle found by the oracle in 500 turns, extended by arithmetic
    states = len(tables(a)[0]) * len(tables(b)[0])
    walk = reference.play(rule(a), rule(b), 60) if states <= 30 else None
    if walk is None:
        return
    turns = 10**9
    tail = walk[states:]
    found = next(k for k in range(1, 31) if all(tail[i] == tail[i + k] for i in range(len(tail) - k)))
    whole, rest = divmod(turns - states, found)
    count = [0] * 4
    for x, y in walk[:states]:
        count[2 * x + y] += 1
    for k, (x, y) in enumerate(tail[:found]):
        count[2 * x + y] += whole + (k < rest)
    got = expected(a, b, Rules(turns=turns)).frequencies * turns
    assert np.round(got).astype(int).tolist() == count


def test_cycles_of_large_automata_are_found() -> None:
    rng = np.random.default_rng(5)
    for size in (300, 400):  # up to 160 000 joint states
        a = Automaton(rng.integers(0, 2, size), rng.integers(0, size, (size, 4)))
        b = Automaton(rng.integers(0, 2, 400), rng.integers(0, 400, (400, 4)))
        for turns in (1, 7, 1000):
            got = np.array(frequencies(a, b, Rules(turns=turns))) * turns
            assert np.round(got).tolist() == reference.counts(rule(a), rule(b), turns)


@given(pure_strategies, pure_strategies, st.floats(0, 0.98))
def test_pure_discounted_play_is_the_weighted_sum(a: object, b: object, d: float) -> None:
    sequence = reference.play(rule(a), rule(b), 40)
    weights = [0.0] * 4
    for t, (x, y) in enumerate(sequence):
        weights[2 * x + y] += (1 - d) * d**t
    assert frequencies(a, b, Rules(continuation=d)) == pytest.approx(weights, abs=d**40 + 1e-12)


@given(pure_strategies, pure_strategies)
def test_the_limit_of_means_is_the_mean_of_very_long_play(a: object, b: object) -> None:
    long = frequencies(a, b, Rules(turns=10**10))
    assert frequencies(a, b, Rules(limit_of_means=True)) == pytest.approx(long, abs=1e-6)


def test_gradual_row_beaufils_1996() -> None:
    row = {"all_c": 3000, "all_d": 915, "tit_for_tat": 3000, "spiteful": 3000, "per_ddc": 2219, "per_ccd": 3472,
           "soft_majo": 3000, "mistrust": 2996, "prober": 2999, "gradual": 3000, "pavlov": 3000}  # fmt: skip
    for name, score in row.items():
        assert round(expected("gradual", name, Rules(turns=1000)).payoffs[0] * 1000) == score, name
    assert round(expected("all_d", "gradual", Rules(turns=1000)).payoffs[0] * 1000) == 1340
    assert round(expected("per_ccd", "gradual", Rules(turns=1000)).payoffs[0] * 1000) == 767


def test_counting_strategies_play_ten_thousand_turns_exactly() -> None:
    for a in ("soft_majo", "hard_majo", "gradual"):
        for b in ("per_ddc", "gradual", "soft_majo"):
            moves = play(a, b, Rules(turns=10_000))
            assert (
                expected(a, b, Rules(turns=10_000)).frequencies * 10_000
            ).round().tolist() == moves.counts.tolist()
    assert expected("soft_majo", "hard_majo", Rules(noise=0.01)).frequencies.sum() == pytest.approx(1)


# --- chance ---


@settings(max_examples=150)
@given(anything, anything, st.integers(1, 5), st.sampled_from([0.0, 0.01, 0.3, 0.5]))
def test_short_play_with_chance_follows_every_history(a: object, b: object, turns: int, noise: float) -> None:
    want = np.array(reference.expected_counts(rule(a), rule(b), turns, noise)) / turns
    assert frequencies(a, b, Rules(turns=turns, noise=noise)) == pytest.approx(want, abs=1e-13)


@settings(max_examples=60)
@given(anything, anything, st.integers(20, 90), st.sampled_from([0.0, 0.02, 0.3]))
def test_longer_play_with_chance_follows_every_joint_state(
    a: object, b: object, turns: int, noise: float
) -> None:
    want = np.array(reference.markov_counts(*tables(a), *tables(b), turns, noise)) / turns
    assert frequencies(a, b, Rules(turns=turns, noise=noise)) == pytest.approx(want, abs=1e-12)


@settings(max_examples=60)
@given(anything, anything, st.sampled_from([0.0, 0.02, 0.3]), st.floats(0.0, 0.8))
def test_discounted_chance(a: object, b: object, noise: float, d: float) -> None:
    want = np.array(reference.markov_counts(*tables(a), *tables(b), 150, noise, d)) * (1 - d)
    assert frequencies(a, b, Rules(continuation=d, noise=noise)) == pytest.approx(want, abs=1e-12)


@given(automata(chance), automata(chance), st.sampled_from([0.0, 0.1]))
@settings(max_examples=60)
def test_solved_and_propagated_discounting_agree(a: Automaton, b: Automaton, noise: float) -> None:
    # d = 0.999 is solved by elimination; the same sum followed for 30 000 turns
    from engine.pairs import kernels

    chain = joint_chain(a, b, noise)
    followed, solved = np.zeros(4), np.zeros(4)
    kernels.propagate(*chain, 30_000, 0.999, followed)
    kernels.discounted(*chain, 0.999, solved)
    assert followed * 0.001 == pytest.approx(solved, abs=1e-11)


@settings(max_examples=60)
@given(automata(chance), automata(chance), st.sampled_from([0.0, 0.1]))
def test_the_limit_of_means_with_several_closed_classes(a: Automaton, b: Automaton, noise: float) -> None:
    # against numpy: the Cesaro limit (I + M + ... + M**(k-1)) / k by repeated doubling
    following, moves = joint_chain(a, b, noise)
    matrix = np.zeros((len(following), len(following)))
    for k in range(len(following)):
        for j in range(4):
            matrix[k, following[k, j]] += moves[k, j]
    power, mean = matrix, np.eye(len(matrix))
    for _ in range(44):
        mean = (mean + power @ mean) / 2
        power = power @ power
        power /= power.sum(axis=1, keepdims=True)  # doubling would let rounding errors grow
    # a chain that leaves a class with tiny probability has not settled after 2**44 turns: compare loosely
    if any(0 < p < 1e-6 for p in np.ravel(matrix)):
        return
    want = mean[0] @ moves
    assert frequencies(a, b, Rules(limit_of_means=True, noise=noise)) == pytest.approx(want, abs=1e-6)


NOISE_TABLE = [  # REFERENCE: each executed move flipped with probability e
    ("tit_for_tat", "tit_for_tat", 2.25, 2.25), ("tit_for_tat", "pavlov", 2.25, 2.25),
    ("pavlov", "pavlov", 2.951092, 2.7765), ("spiteful", "spiteful", 1.0397, 1.1925),
    ("gtft", "gtft", 2.970322, 2.859375), ("all_d", "pavlov", 2.985, 2.925),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "low", "high"), NOISE_TABLE)
def test_the_noise_table(a: str, b: str, low: float, high: float) -> None:
    for noise, payoff in ((0.01, low), (0.05, high)):
        got = expected(a, b, Rules(limit_of_means=True, noise=noise)).payoffs[0]
        assert got == pytest.approx(payoff, abs=5.1e-5 if payoff in (1.0397, 1.1925) else 6e-7)


def test_the_limits_do_not_commute() -> None:
    assert expected("tit_for_tat", "tit_for_tat", Rules(limit_of_means=True)).payoffs[0] == 3
    for noise in (1e-10, 1e-4, 0.3):
        got = expected("tit_for_tat", "tit_for_tat", Rules(limit_of_means=True, noise=noise)).payoffs[0]
        assert got == pytest.approx(2.25, abs=1e-14)


@given(st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4), st.floats(0, 1))
def test_zero_determinant_strategies_enforce_their_relation_press_dyson_2012(
    replies: list[float], first: float
) -> None:
    other = LookupGenome(1, 1, (first,), tuple(replies))
    rules = Rules(limit_of_means=True)

    def payoffs(name: str) -> tuple[float, float]:
        x, y = expected(name, other, rules).payoffs
        return float(x), float(y)

    x, y = payoffs("zd_extort_3")
    assert x - 1 == pytest.approx(3 * (y - 1), abs=1e-10)
    x, y = payoffs("zd_extort_2")
    assert x - 1 == pytest.approx(2 * (y - 1), abs=1e-10)
    x, y = payoffs("zd_gtft_2")
    assert x - 3 == pytest.approx(2 * (y - 3), abs=1e-10)
    assert payoffs("zd_set_2")[1] == pytest.approx(2, abs=1e-10)


def test_extortion_of_all_c_press_dyson_2012() -> None:
    got = expected("zd_extort_3", "all_c", Rules(limit_of_means=True)).payoffs
    assert got == pytest.approx([41 / 11, 21 / 11], abs=1e-14)


@pytest.mark.parametrize(
    ("resident", "mutant", "threshold"),
    [("grim", "all_d", 1 / 2), ("tit_for_tat", "all_d", 1 / 2), ("tit_for_tat", "per_cd", 2 / 3)],
)
def test_thresholds_of_the_continuation_probability(resident: str, mutant: str, threshold: float) -> None:
    for d, resists in ((threshold - 0.01, False), (threshold + 0.01, True)):
        rules = Rules(continuation=d)
        alternating = mutant == "per_cd"
        invader = parse("memory(1,0) dDC") if alternating else mutant
        gain = expected(invader, resident, rules).payoffs[0] - expected(resident, resident, rules).payoffs[0]
        assert (gain < 0) == resists


def test_pavlov_never_resists_all_d_with_the_standard_payoffs() -> None:
    for d in (0.5, 0.9, 0.999):
        rules = Rules(continuation=d)
        assert expected("all_d", "pavlov", rules).payoffs[0] > expected("pavlov", "pavlov", rules).payoffs[0]


@given(
    anything,
    anything,
    st.sampled_from([Rules(turns=30, noise=0.05), Rules(continuation=0.9), Rules(turns=30)]),
)
def test_a_meeting_seen_from_the_other_side_is_the_same_meeting(a: object, b: object, rules: Rules) -> None:
    there, back = expected(a, b, rules), expected(b, a, rules)
    assert there.frequencies.tolist() == back.frequencies[SWAP].tolist()
    assert there.payoffs.tolist() == back.payoffs[::-1].tolist()


@given(lookups(chance, 3), st.sampled_from([0.0, 0.1]))
def test_payoffs_depend_on_behaviour_and_not_on_the_genome_that_carries_it(
    g: LookupGenome, noise: float
) -> None:
    twin = g.automaton().canonical(noisy=True)
    for rules in (Rules(turns=50, noise=noise), Rules(limit_of_means=True, noise=noise)):
        assert frequencies(g, "pavlov", rules) == frequencies(twin, "pavlov", rules)


def test_too_many_joint_states_name_sampled_play() -> None:
    rng = np.random.default_rng(1)
    n = 600
    a, b = (Automaton(rng.random(n), rng.integers(0, n, (n, 4))) for _ in range(2))
    with pytest.raises(ValueError, match=r"expected at most 262144 joint states .* use sampled play"):
        expected(a, b, Rules(turns=50))
    with pytest.raises(ValueError, match=r"expected at most 4096 joint states .* limit of means"):
        expected(a, b, Rules(limit_of_means=True))


@pytest.mark.parametrize("left", [1e-3, 1e-6, 1e-12])
def test_discounting_keeps_its_digits_where_the_end_is_far(left: float) -> None:
    d = 1 - left
    got = expected("grim", "all_d", Rules(continuation=d)).frequencies
    assert got == pytest.approx([0, 1 - d, 0, d], rel=1e-13)
    assert got.sum() == pytest.approx(1, abs=1e-15)


def test_a_match_is_exact_where_only_the_self_match_would_be_too_large() -> None:
    rng = np.random.default_rng(0)
    long = LookupGenome(12, 0, (1.0,) * 12, tuple(rng.integers(0, 2, 4096)))
    defect, successors = tables(long)
    for other in ("tit_for_tat", "all_d"):
        want = reference.markov_counts(defect, successors, *tables(catalogue.get(other)), 15, 0.1)
        assert frequencies(long, other, Rules(turns=15, noise=0.1)) == pytest.approx(np.array(want) / 15)
    with pytest.raises(ValueError, match="use sampled play"):
        expected(long, long, Rules(turns=15, noise=0.1))


def test_play_that_would_take_for_ever_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="soft_majo: counts without bound; expected at most 100000 turns"):
        expected("soft_majo", "all_c", Rules(turns=10**9))
    rng = np.random.default_rng(1)
    a, b = (Automaton(rng.random(100), rng.integers(0, 100, (100, 4))) for _ in range(2))
    with pytest.raises(ValueError, match=r"expected at most \d+ joint states x turns .* use sampled play"):
        expected(a, b, Rules(continuation=1 - 1e-9))
    with pytest.raises(ValueError, match=r"expected at most \d+ joint states x turns .* use sampled play"):
        expected(a, b, Rules(turns=10**6))


# --- move by move ---


@given(pure_strategies, pure_strategies)
def test_play_without_chance_is_the_oracles(a: object, b: object) -> None:
    moves = play(a, b, Rules(turns=20)).moves
    assert [tuple(m) for m in moves.tolist()] == reference.play(rule(a), rule(b), 20)


def test_play_with_slips_is_the_oracles_given_the_same_slips() -> None:
    rules = Rules(turns=300, noise=0.2)
    for a in ("tit_for_tat", "gradual", "pavlov"):
        draws = np.random.default_rng(7).random((300, 4))
        flips = [(bool(f[2] < 0.2), bool(f[3] < 0.2)) for f in draws]
        want = reference.play(reference.RULES[a], reference.RULES["soft_majo"], 300, flips)
        assert [tuple(m) for m in play(a, "soft_majo", rules, seed=7).moves.tolist()] == want


def test_play_is_the_same_for_the_same_seed_and_differs_otherwise() -> None:
    rules = Rules(turns=100, noise=0.1)
    assert str(play("random", "random", rules, seed=1)) == str(play("random", "random", rules, seed=1))
    assert str(play("random", "random", rules, seed=1)) != str(play("random", "random", rules, seed=2))


def test_meetings_of_random_length_have_the_declared_mean() -> None:
    lengths = [len(play("all_c", "all_c", Rules(continuation=0.9), seed=k).moves) for k in range(2000)]
    assert abs(np.mean(lengths) - 10) < 4 * math.sqrt(90 / 2000)


# --- the game itself ---


def test_reports_of_games() -> None:
    pd = Game().report()
    assert (pd.dilemma, pd.reward_beats_alternation, pd.dominant, pd.pure_equilibria) == (
        True,
        True,
        "D",
        ("DD",),
    )
    stag = Game(R=4, S=0, T=3, P=2).report()
    assert (stag.dilemma, stag.dominant, stag.pure_equilibria) == (False, None, ("CC", "DD"))
    assert stag.mixed_equilibrium == pytest.approx(2 / 3)
    chicken = Game(R=3, S=1, T=5, P=0).report()
    assert chicken.pure_equilibria == ("CD", "DC") and chicken.mixed_equilibrium == pytest.approx(1 / 3)
    years = Game(R=-1, S=-10, T=0, P=-5).report()  # prison years, document 001
    assert years.dilemma and years.pure_equilibria == ("DD",)


def test_rules_that_need_positive_fitness_name_the_baseline() -> None:
    with pytest.raises(ValueError, match=r"baseline: .* expected baseline >= 10 for these payoffs, got 0"):
        Rules(Game(R=-1, S=-10, T=0, P=-5)).stage.require_positive("roulette")
    Rules(Game(R=-1, S=-10, T=0, P=-5)).stage.require_positive("roulette", baseline=10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rules(turns=0), "turns: expected a whole number > 0, got 0"),
        (lambda: Rules(turns=2**41), "turns: expected a whole number from 1 to 1099511627776, got"),
        (lambda: play("all_c", "all_d", seed=-1), "seed: expected a whole number >= 0, got -1"),
        (lambda: Game(R=10**400), "payoffs.R: expected a number within 1e"),
        (lambda: expected("all_c", "all_d", Game()), "rules: expected Rules, got Game"),
        (lambda: Rules(limit_of_means="yes"), "limit_of_means: expected True or False, got 'yes'"),
        (lambda: Rules(turns=1.5), "turns: expected a whole number > 0, got 1.5"),
        (lambda: Rules(turns=5, continuation=0.5), "turns: expected only one of"),
        (lambda: Rules(continuation=1.0), "continuation: expected 0 <= continuation < 1, got 1.0"),
        (lambda: Rules(noise=0.7), "noise: expected 0 <= noise <= 0.5, got 0.7"),
        (lambda: Rules(noise="x"), "noise: expected a number, got 'x'"),
        (lambda: Game(T="five"), "payoffs.T: expected a finite number, got 'five'"),
        (lambda: Game(T=math.nan), "payoffs.T: expected a finite number, got nan"),
    ],
)
def test_impossible_rules_say_what_was_expected(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_a_name_is_good_wherever_a_strategy_is() -> None:
    by_name = expected("tit_for_tat", "memory(1,1) dDDDD", Rules(turns=10))
    by_genome = expected(catalogue.get("tit_for_tat"), parse("memory(0,0) D"), Rules(turns=10))
    assert by_name.payoffs.tolist() == by_genome.payoffs.tolist() == [0.9, 1.4]
