"""A public record: partners change every round, and the last move of a partner is seen with some probability."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine import Game, Rules, expected
from engine.record import (
    MAX_ROUNDS,
    PublicRecord,
    UnsettledError,
    holding_visibilities,
    public_record,
    record_certificate,
    simulated_record,
)
from genomes import Automaton
from tests import record_reference as oracle
from tests.strategies import automata, chance, lookups, rule

probability = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]))
strategies = st.one_of(lookups(chance, 2), automata(chance, 3))
games = st.builds(Game, *(st.integers(-5, 5).map(float) for _ in range(4)))


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(strategies, st.floats(0, 1)), min_size=1, max_size=2, unique_by=lambda pair: str(pair[0])
    ),
    probability,
    st.integers(1, 3),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_the_mean_field_is_what_whole_histories_give(
    members: list[tuple[object, float]], q: float, turns: int, noise: float
) -> None:
    members = [(strategy, share + 0.01) for strategy, share in members]
    found = public_record(dict(members), q, Rules(turns=turns, noise=noise))  # type: ignore[arg-type]
    by_round = np.array(
        oracle.joint_moves([rule(s) for s, _ in members], found.shares.tolist(), q, turns, noise)
    )
    assert found.frequencies == pytest.approx(by_round.mean(axis=0), abs=1e-12)


@settings(max_examples=30)
@given(lookups(chance, 1), probability, st.sampled_from([0.0, 0.1, 0.5]), games)
def test_no_mutant_does_better_than_the_best_of_all_that_two_rounds_allow(
    resident: object, q: float, noise: float, game: Game
) -> None:
    found = record_certificate(resident, q, Rules(game, turns=2, noise=noise))  # type: ignore[arg-type]
    best = oracle.best_of_two_rounds(rule(resident), q, noise, game.payoffs.tolist())
    assert found.best_payoff == pytest.approx(best, abs=1e-11)


@settings(max_examples=30)
@given(
    strategies, automata(chance, 3), probability,
    st.sampled_from([Rules(turns=7, noise=0.05), Rules(continuation=0.7), Rules(continuation=0.9, noise=0.01)]),
)  # fmt: skip
def test_no_mutant_of_any_memory_earns_more_than_a_certificate_says(
    resident: object, mutant: Automaton, q: float, rules: Rules
) -> None:
    assume(resident != mutant)
    certificate = record_certificate(resident, q, rules)  # type: ignore[arg-type]
    own, other = public_record({resident: 1.0, mutant: 0.0}, q, rules).payoffs  # type: ignore[dict-item]
    assert own == pytest.approx(certificate.self_payoff, abs=1e-12)
    assert other - own <= certificate.gap + 1e-11


def test_the_limit_of_means_is_where_long_play_leads() -> None:
    for noise in (0.0, 0.02):
        for q in (0.3, 1.0):
            limit = public_record(
                {"tit_for_tat": 2, "pavlov": 1, "all_d": 1}, q, Rules(limit_of_means=True, noise=noise)
            )
            long = public_record(
                {"tit_for_tat": 2, "pavlov": 1, "all_d": 1}, q, Rules(turns=200_000, noise=noise)
            )
            assert limit.payoffs == pytest.approx(long.payoffs, abs=2e-3)
    alternating = public_record({"per_cd": 1}, 0.5, Rules(limit_of_means=True))
    assert alternating.frequencies[0] == pytest.approx([0.5, 0, 0, 0.5])
    best = record_certificate("gtft", 0.9, Rules(limit_of_means=True, noise=0.01)).best_payoff
    patient = record_certificate("gtft", 0.9, Rules(continuation=0.9997, noise=0.01)).best_payoff
    assert best == pytest.approx(patient, abs=2e-3)


@pytest.mark.parametrize("n", [3, 5, 20])
def test_all_d_is_kept_out_from_the_predicted_visibility_on(n: int) -> None:
    """q >= (T - R) n / ((n - 1)(T - P)), for n rounds."""
    for game in (Game(), Game(R=4.0)):
        border = (game.T - game.R) * n / ((n - 1) * (game.T - game.P))
        ((low, high),) = holding_visibilities("tit_for_tat", Rules(game, turns=n), "all_d")
        assert low == pytest.approx(border, abs=1e-8) and high == 1
    assert holding_visibilities("tit_for_tat", Rules(turns=2), "all_d") == [(1.0, 1.0)]
    assert holding_visibilities("tit_for_tat", Rules(turns=1), "all_d") == []


@pytest.mark.parametrize("d", [0.7, 0.8, 0.95])
def test_tit_for_tat_holds_as_among_pairs_with_d_q_in_place_of_d(d: float) -> None:
    rules = Rules(continuation=d)
    assert holding_visibilities("tit_for_tat", rules)[0][0] == pytest.approx(2 / 3 / d, abs=1e-8)
    assert holding_visibilities("tit_for_tat", rules, "all_d")[0][0] == pytest.approx(1 / 2 / d, abs=1e-8)
    assert holding_visibilities("tit_for_tat", Rules(continuation=0.66)) == []


@pytest.mark.parametrize("noise", [1e-3, 0.01, 0.1])
def test_perfect_visibility_leaves_half_of_all_moves_to_errors(noise: float) -> None:
    """The share of D is e / (1 - (1 - 2e) q): small where something is hidden, one half where nothing is."""
    rules = Rules(limit_of_means=True, noise=noise)
    for q in (0.0, 0.5, 0.9, 1.0):
        found = public_record({"tit_for_tat": 1}, q, rules)
        assert 1 - found.cooperation[0] == pytest.approx(noise / (1 - (1 - 2 * noise) * q), abs=1e-11)
    assert found.cooperation[0] == pytest.approx(0.5, abs=1e-11)


def test_a_fine_is_paid_with_a_record_too() -> None:
    rules = Rules(continuation=0.5, mechanisms=("fine:3,detection=0.5",))
    found = public_record({"tit_for_tat": 1, "all_d": 1}, 0.5, rules)
    assert found.ledger is not None
    assert found.ledger.turn([0, 1])["fines"] == pytest.approx(1.5)
    plain = public_record({"tit_for_tat": 1, "all_d": 1}, 0.5, Rules(continuation=0.5))
    assert found.payoffs[1] == pytest.approx(plain.payoffs[1] - 1.5)
    assert record_certificate("all_c", 0.0, Rules(turns=1, mechanisms=("fine:2",))).gap == 0
    assert record_certificate("all_c", 0.0, Rules(turns=1, mechanisms=("fine:1.9",))).gap > 0


MEMBERS = {"tit_for_tat": 3, "all_d": 1, "pavlov": 2}
NOISY = Rules(turns=30, noise=0.05)


def test_many_players_are_as_the_mean_field_and_few_are_not() -> None:
    many = simulated_record({name: 500 * n for name, n in MEMBERS.items()}, 0.7, NOISY, plays=20, seed=1)
    assert (np.abs(many.distance) < 4 * many.payoff_errors).all() and many.payoff_errors.max() < 0.01
    assert (np.abs(many.cooperation - many.limit.cooperation) < 4 * many.cooperation_errors).all()
    again = simulated_record({name: 500 * n for name, n in MEMBERS.items()}, 0.7, NOISY, plays=20, seed=1)
    assert again.payoffs.tolist() == many.payoffs.tolist()
    two = simulated_record({"pavlov": 2}, 1.0, NOISY, plays=2000, seed=2)
    pair = expected("pavlov", "pavlov", NOISY)
    assert abs(two.payoffs[0] - pair.payoffs[0]) < 4 * two.payoff_errors[0]  # two are a pair, for ever
    assert abs(two.distance[0]) > 20 * two.payoff_errors[0]  # negative control


def test_a_continuation_probability_is_simulated_as_the_weights_of_rounds() -> None:
    rules = Rules(continuation=0.8, noise=0.02)
    found = simulated_record({"tit_for_tat": 300, "all_d": 100}, 0.9, rules, plays=20)
    assert (np.abs(found.distance) < 4 * found.payoff_errors).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: public_record({"tft": 1}, 1.5), "visibility: expected 0 <= visibility <= 1, got 1.5"),
        (lambda: public_record({}, 0.5), "members: expected numbers of players >= 0 and not all 0"),
        (lambda: public_record({"absolutist": 2}, 0.5), "members: expected strategies about a pair alone"),
        (lambda: public_record({"tft": 2}, 0.5, Rules(mechanisms=("stake:2",))), "expected those that keep"),
        (lambda: public_record({"tft": 2}, 0.5, Rules(turns=10**9)), f"at most {MAX_ROUNDS} rounds"),
        (lambda: public_record({"tft": 2}, 0.5, Rules(continuation=1 - 1e-9)), f"at most {MAX_ROUNDS} rounds"),
        (lambda: simulated_record({"tft": 3}, 0.5), "members: expected an even number of players"),
        (lambda: simulated_record({"tft": 2}, 0.5, plays=1), "plays: expected a whole number from 2 on"),
        (lambda: simulated_record({"tft": 2}, 0.5, Rules(limit_of_means=True)), "rules: expected turns or"),
        (lambda: public_record({"tft": 2}, 0.5, 3), "rules: expected Rules, got 3"),  # type: ignore[arg-type]
        (lambda: record_certificate("per_cd", 0.5, Rules(limit_of_means=True)), "expected residents that settle"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        call()


def test_what_does_not_settle_is_refused_and_borders_leave_it_out() -> None:
    rules = Rules(limit_of_means=True, noise=0.01)
    with pytest.raises(UnsettledError, match="that has not at visibility 1e-06"):
        public_record({"grim": 1}, 1e-6, rules)
    ((low, high),) = holding_visibilities("grim", rules)
    assert 0 < low < 0.01 and high == 1  # all defect in the end, and that holds


def test_a_record_is_a_table() -> None:
    found = public_record({"tit_for_tat": 9, "all_d": 1}, 0.5, Rules(turns=10))
    assert isinstance(found, PublicRecord) and list(found.frame()["share"]) == [0.9, 0.1]
    assert str(found).splitlines()[1].split() == [
        "tit_for_tat", "0.9000", *(f"{x:.4f}" for x in (found.payoffs[0], found.cooperation[0]))
    ]  # fmt: skip


def test_the_command_shows_the_limit_a_simulation_and_the_thresholds(
    evolve: Callable[..., tuple[int, str, str]],
) -> None:
    words = ("record", "tit_for_tat=90", "all_d=10", "--visibility", "0.8", "--turns", "5", "--plays", "20")
    code, out, err = evolve(*words)
    assert code == 0, err
    assert "infinitely many players" in out and "100 players" in out and "0.625 to 1" in out
    assert max(map(len, out.splitlines())) <= 80
    code, out, _ = evolve(*words, "--json")
    found = json.loads(out)
    assert [row["strategy"] for row in found["mean_field"]] == ["tit_for_tat", "all_d"]
    row = found["simulation"]["strategies"][0]
    assert abs(row["distance"]) < 6 * row["payoff_error"] + 0.05 and math.isfinite(row["payoff_error"])
    held = {(one["resident"], one["mutant"]): one["visibility"] for one in found["thresholds"]}
    assert held["tit_for_tat", "all_d"][0][0] == pytest.approx(0.625, abs=1e-8)
    assert held["tit_for_tat", None] == []  # the last of five rounds pays for itself
    code, out, _ = evolve(
        "record", "tit_for_tat=1", "--visibility", "1", "--limit-of-means", "--noise", "0.01"
    )
    assert code == 0 and "0.5000" in out and "simulation" in out
    code, _, err = evolve("record", "tit_for_tat=3", "all_d=2", "--visibility", "0.5")
    assert code == 1 and "expected an even number" in err
