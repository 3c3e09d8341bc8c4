"""Exact means exact: payoffs keep their digits where moves are rare and play is long, against fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Rules, expected, round_robin
from genomes import Automaton, LookupGenome, catalogue, parse
from tests import exact_reference
from tests.strategies import automata, lookups

rare = st.sampled_from([0.0, 1.0, 1e-17, 3e-15, 1e-14, 1e-10, 1e-6, 1e-3, 0.25, 0.9, 1 - 1e-6, 1 - 1e-14])
noises = st.sampled_from([0.0, 0.0, 1e-14, 1e-10, 1e-6, 1e-3, 0.3])
players = st.one_of(lookups(rare, 2), automata(rare, 3))


UNDERFLOW = Fraction(1, 10**290)
"""Rarer than this is not compared: it is where floats end, and how near the oracle is to the limit of means."""


def assert_same_digits(got: np.ndarray, want: list[Fraction]) -> None:
    """To 1e-12 of every joint move, and so of every payoff that is no difference."""
    for x, y in zip(got.tolist(), want, strict=True):
        assert abs(Fraction(x) - y) <= Fraction(1, 10**12) * y + UNDERFLOW, (got, [float(y) for y in want])


def compare(a: LookupGenome | Automaton, b: LookupGenome | Automaton, rules: Rules) -> None:
    horizon: dict[str, object] = {"turns": rules.turns or 0}
    if rules.continuation is not None:
        horizon = {"leave": 1 - Fraction(rules.continuation)}
    elif rules.limit_of_means:
        horizon = {"leave": Fraction(1, 10**500)}  # discounted means tend to the limit of means
    want = exact_reference.frequencies(a.automaton(), b.automaton(), rules.noise, **horizon)
    assert_same_digits(expected(a, b, rules).frequencies, want)


@settings(max_examples=25, deadline=None)
@given(players, players, noises)
def test_the_limit_of_means_keeps_its_digits(a: LookupGenome, b: LookupGenome, noise: float) -> None:
    compare(a, b, Rules(limit_of_means=True, noise=noise))


@settings(max_examples=50, deadline=None)
@given(players, players, noises, st.integers(1, 40))
def test_short_play_keeps_its_digits(a: LookupGenome, b: LookupGenome, noise: float, turns: int) -> None:
    compare(a, b, Rules(turns=turns, noise=noise))


@settings(max_examples=60, deadline=None)
@given(players, players, noises, st.sampled_from([4096, 4097, 10**6 - 1, 10**9, 2**40]))
def test_long_play_keeps_its_digits(a: LookupGenome, b: LookupGenome, noise: float, turns: int) -> None:
    compare(a, b, Rules(turns=turns, noise=noise))


@settings(max_examples=100, deadline=None)
@given(players, players, noises, st.sampled_from([0.5, 0.02, 1e-3, 9e-4, 1e-6, 1e-10, 1e-14, 2**-53]))
def test_discounted_play_keeps_its_digits(
    a: LookupGenome, b: LookupGenome, noise: float, leave: float
) -> None:
    compare(a, b, Rules(continuation=1 - leave, noise=noise))


@settings(max_examples=40, deadline=None)
@given(
    lookups(st.sampled_from([0.0, 1.0, 0.001, 1 / 3, 0.98]), 2),
    lookups(st.floats(0.001, 0.999), 2),
    st.sampled_from([0.0, 0.001, 0.05, 0.5]),
    st.sampled_from([200, 4095, 4096]),
)
def test_play_that_is_followed_keeps_its_digits(
    a: LookupGenome, b: LookupGenome, noise: float, turns: int
) -> None:
    # as far as it is followed turn by turn, and with the moves that are just common enough for it
    compare(a, b, Rules(turns=turns, noise=noise))


@pytest.mark.parametrize("memory", [2, 3])
@pytest.mark.parametrize("noise", [1e-5, 0.002])
def test_long_memories_keep_their_digits(memory: int, noise: float) -> None:
    rng = np.random.default_rng(memory)
    a, b = (
        LookupGenome(memory, memory, tuple(moves[:memory]), tuple(moves[memory:]))
        for moves in rng.integers(0, 2, (2, memory + 4**memory)).astype(float)
    )
    for turns in (300, 5000) if memory == 2 else (300,):
        compare(a, b, Rules(turns=turns, noise=noise))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 40),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([0.9, 0.998, 0.9995, 1 - 1e-6, 1 - 1e-9, 1 - 1e-14]),
)
def test_cycles_that_never_end_keep_their_digits(first: int, period: int, other: int, d: float) -> None:
    """Without noise: a chain of `first` states, then a cycle, against another cycle."""
    states = first + period
    steps = np.arange(1, states + 1)
    steps[-1] = first
    rng = np.random.default_rng(first * 40 + period)
    a = Automaton(rng.integers(0, 2, states), np.repeat(steps[:, None], 4, axis=1))
    ring = np.roll(np.arange(other), -1)
    b = Automaton(rng.integers(0, 2, other), np.repeat(ring[:, None], 4, axis=1))
    length = math.lcm(period, other)
    x, power, want = Fraction(d), Fraction(1), [Fraction(0)] * 4
    s = t = 0
    bits = 2**400
    for turn in range(first + length):
        share = power if turn < first else power / (1 - exact_reference.power(x, length, bits))
        want[2 * int(a.defect[s]) + int(b.defect[t])] += (1 - x) * share
        power = Fraction(power * x * bits // 1, bits)
        s, t = int(steps[s]), int(ring[t])
    assert_same_digits(expected(a, b, Rules(continuation=d)).frequencies, want)


def test_doubled_and_carried_play_agree_on_larger_chains() -> None:
    from engine.pairs import kernels, long_kernels

    rng = np.random.default_rng(3)
    for noise in (1e-7, 0.01):
        a, b = (Automaton(rng.choice([0.0, 1.0, 1e-6, 0.5], n), rng.integers(0, n, (n, 4))) for n in (9, 12))
        both = (a.defect, a.successors, a.cooperate, b.defect, b.successors, b.cooperate)
        chain = kernels.joint_chain(*both, noise, 10**6)
        doubled, carried = np.zeros(4), np.zeros(4)
        long_kernels.doubled(*chain, 54_321, doubled)
        long_kernels.carried(*chain, 54_321, 0.0, carried)
        assert doubled == pytest.approx(carried, rel=1e-14)
        assert carried.sum() == pytest.approx(54_321, rel=1e-15)
        # the negative control: followed in single floats, even these few turns lose digits
        followed = np.zeros(4)
        kernels.propagate(*chain, 54_321, 1.0, followed)
        assert abs(followed.sum() / 54_321 - 1) > 1e-14 or followed != pytest.approx(carried, rel=1e-14)


def test_play_of_more_joint_states_than_can_be_solved_or_doubled_is_carried_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(4)
    a, b = (Automaton(rng.choice([0, 1, 1e-6, 0.5], 4), rng.integers(0, 4, (4, 4))) for _ in range(2))
    monkeypatch.setattr("engine.pairs.chains.MAX_SOLVED_STATES", 3)
    monkeypatch.setattr("engine.pairs.chains.MAX_DOUBLED", 3)
    compare(a, b, Rules(continuation=1 - 2**-12, noise=0.01))
    compare(a, b, Rules(turns=5000, noise=0.01))
    with pytest.raises(ValueError, match=r"expected at most 1073741824 joint states x turns .* sampled play"):
        expected(a, b, Rules(turns=10**9, noise=0.01))


def test_a_meeting_is_the_same_to_the_bit_in_every_company() -> None:
    rng = np.random.default_rng(8)
    texts = ["tit_for_tat", "pavlov", "gtft", "all_d", "tf2t", "memory(1,1) 1 | 1 1e-12 1 1e-17"]
    genomes = [
        LookupGenome(2, 2, tuple(p[:2]), tuple(p[2:]))
        for p in np.where(
            rng.random((12, 18)) < 0.3, rng.random((12, 18)) ** 20, rng.integers(0, 2, (12, 18))
        )
    ]
    players = [*texts, *genomes]
    for rules in (Rules(turns=300), Rules(turns=100, noise=1e-5), Rules(turns=10_000, noise=0.01)):
        table = round_robin(players, rules)
        for i in range(0, len(players), 3):
            for j in range(len(players)):
                alone = expected(players[i], players[j], rules)
                assert alone.payoffs[0] == table.payoffs[i, j]


def test_a_score_keeps_the_digits_that_its_own_kind_would_hide() -> None:
    # all_c earns 3 from its own kind, whom it does not meet, and 3e-17 from the other
    table = round_robin(["all_c", "memory(0,0) | 1e-17"], Rules(turns=10))
    assert table.scores == pytest.approx([3e-17, 5], rel=1e-12)


def test_what_floats_have_no_digits_for_is_refused_with_the_reason() -> None:
    # to leave a state takes two slips at once, with a chance of 1e-400
    with pytest.raises(ValueError, match=r"rules: expected .* 1e-300 .* limit of means, got rarer ones"):
        expected(
            Automaton([0, 1], [[0, 0, 0, 1], [1, 1, 1, 1]]),
            Automaton([0, 0], [[0, 0, 0, 1], [1, 1, 1, 1]]),
            Rules(limit_of_means=True, noise=1e-200),
        )
    assert expected("tit_for_tat", "tit_for_tat", Rules(turns=10**9, noise=1e-200)).payoffs[0] == 3


# --- rare cooperation ---


def test_a_defector_that_cooperates_once_in_1e17_turns_and_stays_there() -> None:
    rules = Rules(limit_of_means=True)
    for chance in ("1e-17", "1e-10", "1e-290"):
        got = expected(f"memory(1,0) 0.0 | 1.0 {chance}", "all_c", rules).payoffs
        assert got.tolist() == [3, 3], chance


def test_behaviours_that_differ_in_a_rare_move_alone_are_different_behaviours() -> None:
    texts = ["0", "1e-17", "2e-17", "1e-10", "0.25"]
    strategies = [parse(f"memory(0,1) 0 | {p} 0") for p in texts]
    for noisy in (False, True):
        assert len({s.automaton().behaviour(noisy=noisy) for s in strategies}) == len(texts)
    table = round_robin(strategies, Rules(turns=10))
    assert len(set(table.behaviours)) == len(texts)
    assert table.behaviours[0] == catalogue.get("all_d").automaton().behaviour(noisy=False)


def test_minimising_keeps_states_apart_that_differ_in_a_rare_move_alone() -> None:
    # states 1 and 2 both defect, as far as 1 - p can say
    swap = [[1, 1, 1, 1], [2, 2, 2, 2], [0, 0, 0, 0]]
    for rare_move in ([0.0, 1e-17, 2e-17], [0.0, 0.0, 1e-17]):
        automaton = Automaton([1.0, 1.0, 1.0], swap, rare_move)
        for noisy in (False, True):
            small = automaton.canonical(noisy=noisy)
            assert small.cooperate.tolist() == rare_move and not small.deterministic
    same = Automaton([1.0, 1.0, 1.0], swap, [1e-17] * 3).canonical(noisy=False)
    assert same == Automaton([1.0], [[0, 0, 0, 0]], [1e-17])


def test_keys_of_pure_behaviours_are_what_they_always_were() -> None:
    for noisy in (False, True):
        assert catalogue.get("all_d").automaton().behaviour(noisy=noisy) == "725c4777db328932b197731b1c986c84"
        assert (
            catalogue.get("tit_for_tat").automaton().behaviour(noisy=noisy)
            == "4bedf805e10242851f83be9b2277cc48"
        )


def test_both_probabilities_have_to_fit() -> None:
    with pytest.raises(ValueError, match=r"cooperate: expected 1 - 0.5, got 0.4"):
        Automaton([0.5], [[0, 0, 0, 0]], [0.4])
    with pytest.raises(ValueError, match=r"cooperate: expected one probability per state, got shape \(2,\)"):
        Automaton([0.5], [[0, 0, 0, 0]], [0.5, 0.5])
