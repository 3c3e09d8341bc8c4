"""Round robins: matrix, scores, multiplicities, sampling, Python players, output."""

import csv
import io
import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Game, Rules, expected, play_table, round_robin
from genomes import LookupGenome, catalogue
from tests import reference
from tests.strategies import anything, pure_strategies, rule

LIFL = catalogue.names("lifl")


@settings(max_examples=40)
@given(st.lists(pure_strategies, min_size=2, max_size=8), st.integers(1, 40))
def test_every_pair_of_a_pure_round_robin_is_the_oracles(strategies: list[object], turns: int) -> None:
    table = round_robin(strategies, Rules(turns=turns))
    for i, a in enumerate(strategies):
        for j, b in enumerate(strategies):
            c = reference.counts(rule(a), rule(b), turns)
            assert table.payoffs[i, j] == (3 * c[0] + 5 * c[2] + c[3]) / turns
            assert table.cooperation[i, j] == (c[0] + c[1]) / turns


@settings(max_examples=40)
@given(
    st.lists(anything, min_size=2, max_size=20),
    st.sampled_from(
        [
            Rules(turns=25),
            Rules(turns=25, noise=0.1),
            Rules(continuation=0.7),
            Rules(limit_of_means=True, noise=0.1),
        ]
    ),
)
def test_a_round_robin_is_its_meetings(strategies: list[object], rules: Rules) -> None:
    table = round_robin(strategies, rules)
    for i, a in enumerate(strategies):
        for j, b in enumerate(strategies):
            assert table.payoffs[i, j] == expected(a, b, rules).payoffs[0]


@settings(max_examples=40)
@given(st.lists(st.tuples(anything, st.integers(1, 5)), min_size=2, max_size=8), st.booleans())
def test_multiplicities_are_individuals_written_once(
    members: list[tuple[object, int]], self_play: bool
) -> None:
    rules = Rules(turns=20, noise=0.05)
    members = list(dict(members).items())
    one_by_one = [strategy for strategy, count in members for _ in range(count)]
    if len(one_by_one) < 2:
        return
    counted = round_robin(dict(members), rules, self_play=self_play)
    listed = round_robin(one_by_one, rules, self_play=self_play)
    first = np.cumsum([0] + [count for _, count in members[:-1]])
    assert counted.scores.tolist() == listed.scores[first].tolist()
    payoffs = listed.payoffs
    met = len(one_by_one) - (not self_play)
    by_hand = (payoffs.sum(axis=1) - (0 if self_play else payoffs.diagonal())) / met
    assert listed.scores == pytest.approx(by_hand, abs=1e-12)


def test_scores_alone_equal_the_scores_of_the_matrix() -> None:
    rng = np.random.default_rng(3)
    genomes = [
        LookupGenome(2, 2, tuple(rng.integers(0, 2, 2)), tuple(rng.integers(0, 2, 16))) for _ in range(700)
    ]
    for rules in (Rules(), Rules(noise=0.02, turns=20)):
        with_matrix, without = round_robin(genomes, rules), round_robin(genomes, rules, matrix=False)
        assert with_matrix.scores.tolist() == without.scores.tolist()
        with pytest.raises(ValueError, match="matrix: expected round_robin"):
            _ = without.payoffs


def test_equal_payoffs_compare_equal_also_for_decimal_payoffs() -> None:
    # 0.1 + 0.2 is not 0.3 in floats; as counts they tie
    game = Game(R=0.3, S=0.0, T=0.6, P=0.1)
    table = round_robin(["tit_for_tat", "all_c", "grim", "pavlov", "tf2t"], Rules(game, turns=7))
    assert len(set(table.scores.tolist())) == 1
    assert table.scores[0] == 0.3


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_sampled_agrees_with_exact_within_its_standard_error(noise: float) -> None:
    names = catalogue.names("agents")
    rules = Rules(turns=50, noise=noise)
    exact, sampled = round_robin(names, rules), round_robin(names, rules, sampled=200, seed=4)
    assert sampled.errors is not None
    distance = np.abs(exact.scores - sampled.scores) / np.where(sampled.errors > 0, sampled.errors, 1e-12)
    assert distance.max() < 4
    # negative control: the same test notices noise that is 0.02 off
    other = round_robin(names, Rules(turns=50, noise=noise + 0.02))
    wrong = np.abs(other.scores - sampled.scores) / np.where(sampled.errors > 0, sampled.errors, 1e-12)
    assert wrong.max() > 4


def test_standard_errors_shrink_and_cover() -> None:
    rules = Rules(turns=20, noise=0.1)
    exact = round_robin(["tit_for_tat", "pavlov"], rules).scores[0]
    tables = [round_robin(["tit_for_tat", "pavlov"], rules, sampled=30, seed=s) for s in range(200)]
    z = np.array([(t.scores[0] - exact) / t.errors[0] for t in tables])  # type: ignore[index]
    assert 0.85 < (np.abs(z) < 1.96).mean() < 0.995


def test_sampling_a_continuation_probability_is_unbiased() -> None:
    rules = Rules(continuation=0.8, noise=0.05)
    exact = round_robin(["tit_for_tat", "pavlov", "all_d"], rules).scores
    sampled = round_robin(["tit_for_tat", "pavlov", "all_d"], rules, sampled=3000)
    assert (np.abs(sampled.scores - exact) / sampled.errors).max() < 4


def test_a_sampled_meeting_does_not_depend_on_who_else_takes_part() -> None:
    rules = Rules(turns=30, noise=0.1)
    two = round_robin(["tit_for_tat", "pavlov"], rules, sampled=5).payoffs[0, 1]
    three = round_robin(["all_d", "tit_for_tat", "gradual", "pavlov"], rules, sampled=5).payoffs[1, 3]
    assert two == three


class Alternate:
    """A strategy as a student would write it."""

    def reset(self) -> None:
        self.turn = 0

    def move(self) -> int:
        return self.turn % 2

    def observe(self, own: int, opponent: int) -> None:
        self.turn += 1


def test_python_players_earn_what_their_automaton_earns() -> None:
    field = ["tit_for_tat", "pavlov", "gradual", "all_d"]
    slow = round_robin([*field, Alternate()], Rules(turns=50))
    fast = round_robin([*field, "per_cd"], Rules(turns=50))
    assert slow.payoffs.tolist() == fast.payoffs.tolist()
    assert slow.scores.tolist() == fast.scores.tolist()
    assert slow.names[-1] == "Alternate"
    sampled = round_robin([*field, Alternate()], Rules(turns=50, noise=0.1), sampled=100)
    exact = round_robin([*field, "per_cd"], Rules(turns=50, noise=0.1))
    assert (np.abs(sampled.scores - exact.scores) / sampled.errors).max() < 4


def test_python_players_are_told_what_cannot_be_exact() -> None:
    for rules in (Rules(noise=0.1), Rules(continuation=0.9), Rules(limit_of_means=True)):
        with pytest.raises(
            ValueError, match="Alternate: is no automaton; expected a fixed number of turns and no chance"
        ):
            round_robin([Alternate(), "all_c"], rules)
    with pytest.raises(ValueError, match="expected an instance, got the class Alternate"):
        round_robin([Alternate, "all_c"])


class Draws(Alternate):
    """Draws its moves from a generator of its own."""

    rng = random.Random(5)

    def move(self) -> int:
        return int(self.rng.random() < 0.5)


class Says(Draws):
    """The same, and says so."""

    chance = True


class Remembers(Alternate):
    """Goes on where the last meeting ended."""

    def __init__(self) -> None:
        self.turn = 0

    def reset(self) -> None: ...


def test_python_players_that_draw_their_moves_are_never_called_exact() -> None:
    rules = Rules(turns=9)
    for field in ([Draws(), "all_d"], [Draws(), Draws()], [Remembers(), "tft"]):
        for sampled in (None, 5):
            with pytest.raises(ValueError, match=r"expected the same moves .* chance = True"):
                round_robin(field, rules, sampled=sampled)
        with pytest.raises(ValueError, match="expected the same moves"):
            expected(*field, rules)
    with pytest.raises(ValueError, match="Says, which plays by chance; use sampled play"):
        round_robin([Says(), "all_d"], rules)
    table = round_robin([Says(), "all_d", "tft"], rules, sampled=200)
    assert table.errors is not None and table.errors[0] > 0 and table.errors[1] > 0
    assert abs(table.payoffs[1, 0] - 3) < 4 * table.errors[1] + 0.2
    assert round_robin([Alternate(), "all_d"], rules).errors is None


def test_formulas_that_look_at_third_parties_meet_in_a_society_of_two() -> None:
    field = ["absolutist", "vulture", "tit_for_tat", "soft_majo", "all_d"]
    table = round_robin(field, Rules(turns=30))
    for i, a in enumerate(field):
        for j, b in enumerate(field):
            pair = play_table([a, b], Rules(turns=30))
            assert table.payoffs[i, j] == pair.payoffs[0, 1] == expected(a, b, Rules(turns=30)).payoffs[0]
    noisy = Rules(turns=30, noise=0.05)
    with pytest.raises(ValueError, match=r"absolutist: is no automaton; expected .* got noise 0.05"):
        round_robin(field, noisy)
    sampled = round_robin(field, noisy, sampled=200)
    automata = round_robin(["tit_for_tat", "all_d"], noisy)
    assert abs(sampled.payoffs[2, 4] - automata.payoffs[0, 1]) < 0.02
    with pytest.raises(ValueError, match="Alternate: a Python player sees only its opponent"):
        round_robin([Alternate(), "absolutist"])


def test_wrong_moves_of_python_players_are_named() -> None:
    class Shouts(Alternate):
        def move(self) -> int:
            return "D"  # type: ignore[return-value]

    with pytest.raises(ValueError, match=r"Shouts.move: expected 0 \(C\) or 1 \(D\), got 'D'"):
        round_robin([Shouts(), "all_c"])


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="strategies: expected at least 2 players, got 1"):
        round_robin(["all_c"])
    with pytest.raises(ValueError, match="all_c: expected a whole number of individuals > 0, got 0"):
        round_robin({"all_c": 0, "all_d": 4})
    with pytest.raises(ValueError, match="sampled: expected at least 2 meetings"):
        round_robin(["all_c", "all_d"], sampled=1)
    assert round_robin(["all_c"], self_play=True).scores.tolist() == [3.0]


def test_counting_strategies_refuse_an_open_horizon() -> None:
    with pytest.raises(ValueError, match="soft_majo: counts without bound"):
        round_robin(LIFL, Rules(continuation=0.9))


def test_tables_print_and_export() -> None:
    table = round_robin(["tit_for_tat", "all_d", "all_c"], Rules(turns=10))
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert [row["strategy"] for row in rows] == ["all_d", "tit_for_tat", "all_c"]
    assert float(rows[0]["v all_c"]) == 5
    data = json.loads(table.to_json())
    assert data["names"] == ["tit_for_tat", "all_d", "all_c"] and data["payoffs"][1][2] == 5
    assert data["ranking"][0] == "all_d"


def test_the_strategies_of_document_000_ranked_with_and_without_noise() -> None:
    # its code credits both players with both scores on the reverse pass, so its arithmetic is not copied
    quiet = round_robin(catalogue.names("agents"), Rules(turns=200, noise=0.0)).ranking()
    noisy = round_robin(catalogue.names("agents"), Rules(turns=200, noise=0.02)).ranking()
    assert quiet != noisy
    assert {name for name, _ in quiet} == {name for name, _ in noisy}
