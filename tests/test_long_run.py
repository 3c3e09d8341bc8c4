"""The long run of rare mutations: against decimals of 500 digits, numbers found by exact computation, and drift."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Game, LongRun, Rules, log_fixation, long_run, pair_table, round_robin
from engine.stability.fixation import log_fixations
from genomes import LookupGenome, complete_class, parse
from tests import long_run_reference
from tests.strategies import lookups

MEMORY_ONE = [str(genome) for genome in complete_class(1, 1)]


def fined(fine: float) -> Game:
    """The standard game where every D pays `fine`, which is burnt."""
    return Game(R=3, S=0, T=5 - fine, P=1 - fine)


@settings(max_examples=25)
@given(
    st.lists(lookups(largest=2), min_size=2, max_size=6, unique=True),
    st.integers(2, 12),
    st.one_of(st.none(), st.floats(0, 3)),
    st.sampled_from([0.0, 0.01]),
)
def test_every_share_is_what_decimals_of_500_digits_say(
    strategies: list[LookupGenome], size: int, beta: float | None, noise: float
) -> None:
    rules = Rules(continuation=0.9, noise=noise)
    payoffs = round_robin(strategies, rules, self_play=True).payoffs
    exact = long_run_reference.shares(payoffs.tolist(), size, beta, baseline=0.5 if beta is None else 0.0)
    if beta is None:
        found = long_run(strategies, rules, size, process="moran", baseline=0.5)
    else:
        found = long_run(strategies, rules, size, beta)
    for share, truth in zip(found.log_shares.tolist(), exact, strict=True):
        assert share == pytest.approx(float(truth.ln()), rel=1e-13, abs=1e-13)
    assert math.fsum(found.shares.tolist()) == pytest.approx(1, rel=1e-12)


def test_shares_keep_their_digits_where_floats_have_none() -> None:
    """A plain solve returns nonsense here: a share of e^-456."""
    rules, names = Rules(turns=100), ["all_c", "all_d", "per_cd"]  # fixation down to e^-450
    payoffs = round_robin(names, rules, self_play=True).payoffs
    exact = [float(x.ln()) for x in long_run_reference.shares(payoffs.tolist(), 100, 3.0)]
    found = long_run(names, rules, 100, 3.0)
    assert min(exact) < -450
    assert found.log_shares.tolist() == pytest.approx(exact, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(("fine", "cooperation"), [(0.0, 0.31), (0.5, 0.88)])
def test_a_small_fine_lifts_cooperation_far_below_the_border_of_the_stage_game(
    fine: float, cooperation: float
) -> None:
    """Found by exact computation: memory(1,1), continuation .99, 1 % noise, Fermi beta 1, N 50."""
    found = long_run("memory(1,1)", Rules(fined(fine), continuation=0.99, noise=0.01), size=50, beta=1)
    assert found.cooperation == pytest.approx(cooperation, abs=0.005)


def test_cooperation_is_not_monotone_in_the_fine() -> None:
    """Found by exact computation: d = .5 without noise, F = 1.5, 1.75, 2."""
    found = [long_run("memory(1,1)", Rules(fined(f), continuation=0.5)).cooperation for f in (1.5, 1.75, 2)]
    assert found == pytest.approx([0.82, 0.71, 0.74], abs=0.005)


@pytest.mark.parametrize(
    ("continuation", "smallest", "burnt"),
    [(0.0, 1.65, 0.106), (0.5, 2.35, 0.398), (0.9, 1.30, 0.259), (0.99, 0.55, 0.098)],
)
def test_the_smallest_fine_for_nine_tenths_of_cooperation_and_what_a_pair_burns_a_turn(
    continuation: float, smallest: float, burnt: float
) -> None:
    """Found by exact computation: memory(1,1), 1 % noise, fines in steps of .05, what both players burn in a turn."""

    def at(fine: float) -> LongRun:
        rules = Rules(continuation=continuation, noise=0.01, mechanisms=(f"fine:{fine:g}",))
        return long_run("memory(1,1)", rules)

    assert at(smallest).cooperation >= 0.9 > at(smallest - 0.05).cooperation
    found = at(smallest)
    assert found.ledger is not None
    fines = found.ledger.turn(found.shares)["fines"]
    assert 2 * fines == pytest.approx(burnt, abs=0.0005)
    assert fines == pytest.approx(smallest * (1 - found.cooperation), rel=1e-12)
    plain = long_run("memory(1,1)", Rules(fined(smallest), continuation=continuation, noise=0.01))
    assert plain.ledger is None and found.log_shares == pytest.approx(plain.log_shares, rel=1e-10)


def test_one_shot_games_are_a_walk_between_two_moves() -> None:
    """With two strategies the shares are as the chances of fixation: exp(beta [(N/2)(a + b - c - d) - (a - d)])."""
    found = long_run(["all_c", "all_d"], Rules(continuation=0), size=20, beta=0.3)
    ratio = 0.3 * (20 / 2 * (3 + 0 - 5 - 1) - (3 - 1))
    assert found.log_shares[0] - found.log_shares[1] == pytest.approx(ratio, rel=1e-13)


def test_without_selection_all_strategies_share_alike_whatever_they_play() -> None:
    for process in ("fermi", "moran"):
        found = long_run("memory(1,1)", Rules(turns=10), beta=0.0, process=process)  # type: ignore[arg-type]
        assert found.shares == pytest.approx(np.full(32, 1 / 32), rel=1e-12)
    assert len(found.played) == 26  # behaviours, noise-free
    assert sum(row.strategies for row in found.played) == 32


@settings(max_examples=15)
@given(st.data(), st.integers(2, 12))
def test_any_law_of_mutants_solves_its_own_chain(data: st.DataObject, size: int) -> None:
    strategies = data.draw(st.lists(st.sampled_from(MEMORY_ONE), min_size=3, max_size=5, unique=True))
    rules, n = Rules(turns=10), len(strategies)
    payoffs = round_robin(strategies, rules, self_play=True).payoffs
    chances = st.lists(st.floats(0.01, 1), min_size=n, max_size=n)
    weights = data.draw(chances)
    matrix = data.draw(st.lists(chances, min_size=n, max_size=n))
    for law, full in ((weights, [weights] * n), (matrix, matrix)):
        exact = long_run_reference.shares(payoffs.tolist(), size, 1.0, full)
        found = long_run(strategies, rules, size, mutants=law)
        assert found.log_shares.tolist() == pytest.approx(
            [float(x.ln()) for x in exact], rel=1e-12, abs=1e-12
        )


def test_neighbours_are_one_entry_away() -> None:
    law = [
        [float(sum(a != b for a, b in zip(first, second, strict=True)) == 1) for second in MEMORY_ONE]
        for first in MEMORY_ONE
    ]
    rules = Rules(continuation=0.9)
    declared = long_run("memory(1,1)", rules, mutants=law)
    found = long_run("memory(1,1)", rules, mutants="neighbours")
    assert found.log_shares.tolist() == declared.log_shares.tolist()
    assert found.cooperation != pytest.approx(long_run("memory(1,1)", rules).cooperation, abs=0.01)
    with pytest.raises(ValueError, match="mutants: expected genomes of one memory"):
        long_run(["all_d", "memory(1,1) cCDCD"], mutants="neighbours")


def test_a_strategy_that_never_arises_is_never_played() -> None:
    found = long_run(["all_c", "all_d", "tit_for_tat"], Rules(turns=10), mutants=[1, 1, 0])
    two = long_run(["all_c", "all_d"], Rules(turns=10))
    assert found.log_shares.tolist() == [*two.log_shares.tolist(), -math.inf]


def test_fixation_of_all_pairs_is_that_of_each() -> None:
    names = ["tit_for_tat", "all_d", "all_c", "pavlov", "gtft"]
    rules = Rules(continuation=0.9)
    payoffs = round_robin(names, rules, self_play=True).payoffs
    for process, beta, baseline in (("fermi", 1.0, 0.0), ("moran", 1.0, 0.2), ("moran", 0.3, 0.0)):
        found = log_fixations(payoffs, 50, process=process, intensity=beta, baseline=baseline)  # type: ignore[arg-type]
        for r, resident in enumerate(names):
            for m, mutant in enumerate(names):
                table = pair_table(mutant, resident, rules)
                one = log_fixation(table, 50, process=process, intensity=beta, baseline=baseline)  # type: ignore[arg-type]
                assert found[r, m] == pytest.approx(one, rel=1e-12, abs=1e-12)


@given(st.lists(st.integers(0, 3), min_size=4, max_size=4), st.integers(3, 8))
def test_fixation_of_all_pairs_knows_where_nobody_is_born(payoffs: list[int], size: int) -> None:
    a, b, c, d = payoffs

    def each() -> float:
        return log_fixation([[a, b], [c, d]], size)

    def all_pairs() -> float:
        return float(log_fixations([[d, c], [b, a]], size)[0, 1])

    def told(call: Callable[[], float]) -> float | str:
        try:
            return call()
        except ValueError as error:
            return str(error).partition(":")[0]

    other = told(lambda: log_fixation([[d, c], [b, a]], size))  # refused too where the reverse has no fitness
    expected = told(each)
    if isinstance(expected, str) or isinstance(other, str):
        assert told(all_pairs) == "baseline"
    else:
        assert told(all_pairs) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_several_long_runs_are_refused() -> None:
    # a lone cooperator among defectors has no offspring, nor has a lone defector where D pays nothing
    with pytest.raises(ValueError, match="got 2 sets that no mutant leaves"):
        long_run(["all_c", "all_d"], Rules(Game(1, 0, 0, 1), turns=1), process="moran")
    found = long_run(["all_c", "all_d"], Rules(turns=1), process="moran")  # S = 0: all_d is for ever
    assert found.shares.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: long_run("all_c"), r"strategies: expected at least two, .*, got all_c"),
        (lambda: long_run(["tft", "tit_for_tat"]), "strategies: expected each one once, got 'tft' twice"),
        (lambda: long_run("memory(2,2)"), r"class of at most 4096 genomes, got memory\(2,2\) with 262144"),
        (lambda: long_run("memory(6,6)"), r"got memory\(6,6\) with about 10\^1234"),
        (lambda: long_run("memory(1,1)", size=1), "size: expected a whole number of at least 2, got 1"),
        (lambda: long_run("memory(1,1)", beta=-1), "intensity: expected a number >= 0, got -1"),
        (lambda: long_run("memory(1,1)", mutants=[1, 2]), r"mutants: expected chances >= 0, \(32,\)"),
        (lambda: long_run("memory(1,1)", mutants="x"), "mutants: expected uniform or neighbours"),  # type: ignore[arg-type]
    ],
)
def test_what_has_no_long_run_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_command_prints_the_long_run(evolve: Callable[..., tuple[int, str, str]]) -> None:
    words = (
        "longrun",
        "memory(1,1)",
        "--continuation",
        "0.99",
        "--noise",
        "0.01",
        "--size",
        "50",
        "--beta",
        "1",
    )
    code, out, _ = evolve(*words, "--json")
    answer = json.loads(out)
    assert code == 0 and answer["cooperation"] == pytest.approx(0.3057, abs=1e-4)
    assert list(answer["distribution"]) == MEMORY_ONE and sum(
        answer["distribution"].values()
    ) == pytest.approx(1)
    assert all(isinstance(parse(text), LookupGenome) for text in answer["distribution"])
    code, out, _ = evolve(*words, "--mechanism", "fine:0.5")
    assert code == 0 and "cooperation 0.8752" in out and "spiteful" in out
    assert "a player pays and gets     fines 0.0623977, operator 0.0623977 a turn" in out
    code, _, err = evolve("longrun", "all_c")
    assert code == 1 and err.startswith("evolve: strategies: expected at least two")
