"""Exact means exact: payoffs keep their digits where moves are rare and play is long, against fractions."""

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


@settings(max_examples=60, deadline=None)
@given(players, players, noises)
def test_the_limit_of_means_keeps_its_digits(a: LookupGenome, b: LookupGenome, noise: float) -> None:
    compare(a, b, Rules(limit_of_means=True, noise=noise))


@settings(max_examples=100, deadline=None)
@given(players, players, noises, st.integers(1, 40))
def test_short_play_keeps_its_digits(a: LookupGenome, b: LookupGenome, noise: float, turns: int) -> None:
    compare(a, b, Rules(turns=turns, noise=noise))


# --- rare cooperation ---


def test_a_defector_that_cooperates_once_in_1e17_turns_and_stays_there() -> None:
    rules = Rules(limit_of_means=True)
    for chance in ("1e-17", "1e-10", "1e-300"):
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
