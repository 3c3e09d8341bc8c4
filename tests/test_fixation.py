"""Fixation: against published numbers, exact fractions, first-step equations and simulation."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from engine import Game, Rules, society
from engine.stability.fixation import Kappa, fixation_probability, kappa, log_fixation, pair_table
from engine.stability.scans import scan
from tests import reference

GAME_200 = Rules(turns=200)
tables_of = st.lists(st.integers(0, 6), min_size=4, max_size=4)


@pytest.mark.parametrize(
    ("mutant", "resident", "by_size"),
    [
        ("tit_for_tat", "all_d", (0.314492, 0.243233, 0.187613)),
        ("grim", "all_d", (0.314492, 0.243233, 0.187613)),
        ("all_d", "tit_for_tat", (0.0444761, 0.00140622, 1.8568e-6)),
        ("pavlov", "all_d", (0.0376273, 0.00828187, 0.000730392)),
        ("all_d", "pavlov", (0.362127, 0.201073, 0.118099)),
        ("all_d", "all_c", (0.602070, 0.490961, 0.442365)),
    ],
)
def test_moran_fixation_of_200_round_games(
    mutant: str, resident: str, by_size: tuple[float, float, float]
) -> None:
    """Recomputed independently from the Moran process of Nowak et al. (2004); N = 5, 10, 20."""
    table = pair_table(mutant, resident, GAME_200)
    for size, rho in zip((5, 10, 20), by_size, strict=True):
        assert fixation_probability(table, size) == pytest.approx(rho, rel=5e-5)


@given(st.lists(st.integers(1, 9), min_size=4, max_size=4), st.integers(2, 30))
def test_one_mutant_fixes_as_exact_fractions_say(payoffs: list[int], size: int) -> None:
    exact = reference.moran_fixation(*(Fraction(p) for p in payoffs), size)
    assert fixation_probability(np.reshape(payoffs, (2, 2)), size) == pytest.approx(float(exact), rel=1e-12)


@example([3, 0, 5, 1], 6, 1.0)  # a lone mutant has no offspring
@example([3, 2, 0, 1], 6, 1.0)  # a lone resident has none
@example([3, 0, 0, 1], 6, 1.0)  # neither has
@given(tables_of, st.integers(2, 12), st.sampled_from([1.0, 0.3]))
def test_all_numbers_of_mutants_solve_the_first_step_equations(
    payoffs: list[int], size: int, w: float
) -> None:
    # rho_i = T+ rho_{i+1} + T- rho_{i-1} + (1 - T+ - T-) rho_i, with fitness 0 where it comes to that
    a, b, c, d = payoffs
    table = [[a, b], [c, d]]
    ups = [1 - w + w * (a * (i - 1) + b * (size - i)) / (size - 1) for i in range(1, size)]
    downs = [1 - w + w * (c * i + d * (size - i - 1)) / (size - 1) for i in range(1, size)]
    if any(u == 0 and v == 0 for u, v in zip(ups, downs, strict=True)):
        with pytest.raises(ValueError, match="baseline"):
            fixation_probability(table, size, intensity=w)
        return
    rho = [fixation_probability(table, size, mutants=i, intensity=w) for i in range(size + 1)]
    assert (rho[0], rho[-1]) == (0.0, 1.0)
    for i in range(1, size):
        up, down = ups[i - 1], downs[i - 1]
        assert up * (rho[i + 1] - rho[i]) == pytest.approx(down * (rho[i] - rho[i - 1]), abs=1e-12)


@given(tables_of, st.integers(2, 50), st.floats(0, 5))
def test_under_pairwise_comparison_the_ratio_of_both_directions_is_known(
    payoffs: list[int], size: int, beta: float
) -> None:
    """ln(rho_m / rho_s) = beta [(N/2)(a + b - c - d) - (a - d)]."""
    a, b, c, d = payoffs
    there = log_fixation([[a, b], [c, d]], size, process="fermi", intensity=beta)
    back = log_fixation([[d, c], [b, a]], size, process="fermi", intensity=beta)
    ratio = beta * (size / 2 * (a + b - c - d) - (a - d))
    assert there - back == pytest.approx(ratio, abs=1e-9 * max(1.0, abs(ratio)))


def test_no_population_is_too_large() -> None:
    # far below the smallest float, and still exact by the identity
    size = 100_000
    a, b, c, d = 3.0, 1.0, 2.0, 4.0
    there = log_fixation([[a, b], [c, d]], size, process="fermi")
    back = log_fixation([[d, c], [b, a]], size, process="fermi")
    assert there < -10_000
    assert there - back == pytest.approx(size / 2 * (a + b - c - d) - (a - d), rel=1e-12)
    moran = log_fixation([[3, 1], [2, 4]], size)
    assert -math.inf < moran < -1000
    # a mutant with relative fitness r: (1 - 1/r) / (1 - r**-N)
    assert fixation_probability([[1.01, 1.01], [1, 1]], 10**6) == pytest.approx(1 - 1 / 1.01, rel=1e-9)


@pytest.mark.parametrize("process", ["moran", "fermi"])
def test_neutral_mutants_fix_in_proportion_to_their_number(process: str) -> None:
    for mutants, size in ((1, 2), (1, 1000), (37, 100)):
        rho = fixation_probability([[3, 3], [3, 3]], size, mutants=mutants, process=process)  # type: ignore[arg-type]
        assert rho == pytest.approx(mutants / size, rel=1e-12)


def test_fixation_agrees_with_a_simulated_moran_process() -> None:
    (a, b), (c, d) = table = pair_table("tit_for_tat", "all_d", Rules(turns=10))
    size, runs = 8, 20_000
    rng = np.random.default_rng(2)
    mutants = np.ones(runs)
    while ((mutants > 0) & (mutants < size)).any():
        i = mutants
        f = (a * (i - 1) + b * (size - i)) / (size - 1)
        g = (c * i + d * (size - i - 1)) / (size - 1)
        moving = (i > 0) & (i < size)
        born = rng.random(runs) < i * f / (i * f + (size - i) * g)
        dies = rng.random(runs) < i / size
        mutants = np.where(moving, i + born - dies, i)
    rho = fixation_probability(table, size)
    error = math.sqrt(rho * (1 - rho) / runs)
    observed = float((mutants == size).mean())
    assert abs(observed - rho) < 4 * error
    # the same check refuses the neutral value and the other process
    assert abs(observed - 1 / size) > 4 * error
    assert abs(observed - fixation_probability(table, size, process="fermi")) > 4 * error


def test_fitness_that_is_not_positive_is_refused_naming_the_baseline() -> None:
    table = pair_table("all_c", "all_d", Rules(turns=10, game=Game(3, -1, 5, 1)))
    with pytest.raises(ValueError, match=r"baseline: .* expected baseline > 1"):
        fixation_probability(table, 10)
    assert 0 < fixation_probability(table, 10, baseline=1.5) < 0.1
    # S = 0: a lone cooperator among defectors never has offspring, but nothing is wrong with that
    assert fixation_probability([[3, 0], [5, 1]], 10) == 0.0
    assert fixation_probability([[3, 0], [5, 1]], 10, mutants=2) > 0
    with pytest.raises(ValueError, match="size"):
        fixation_probability(table, 1)


def test_resident_and_mutant_of_a_society_give_one_table() -> None:
    # who is present decides how all play, not how many: the table gives the payoffs in every mix
    rules = Rules(turns=50)
    (a, b), (c, d) = pair_table("bully", "absolutist", rules, society=True).tolist()
    n = 9
    for i in range(1, n):
        played = society({"bully": i, "absolutist": n - i}, rules).mean_payoff
        assert played["bully"] == pytest.approx((a * (i - 1) + b * (n - i)) / (n - 1))
        assert played["absolutist"] == pytest.approx((c * i + d * (n - i - 1)) / (n - 1))
    assert pair_table("all_d", "tit_for_tat", rules, society=True) == pytest.approx(
        pair_table("all_d", "tit_for_tat", rules)
    )
    with pytest.raises(ValueError, match="noise"):
        pair_table("bully", "absolutist", Rules(turns=50, noise=0.1), society=True)


def test_kappa_of_a_whole_class_is_the_mean_over_its_mutants() -> None:
    found = scan("tit_for_tat", (1, 1), GAME_200)
    whole = kappa("tit_for_tat", found, size=20)
    tables = [pair_table(found.genome(k), "tit_for_tat", GAME_200) for k in range(32)]
    rho = [20 * fixation_probability(table, 20) for table in tables]
    assert whole.n_rho.tolist() == pytest.approx(rho, rel=1e-9)
    assert whole.value == whole.low == whole.high == pytest.approx(sum(rho) / 32)
    assert whole.complete
    listed = kappa("tit_for_tat", [found.genome(k) for k in range(32)], GAME_200, size=20, complete=True)
    assert listed.value == pytest.approx(whole.value, rel=1e-9)


def test_kappa_of_neutral_mutants_is_one() -> None:
    clones = kappa("grim", ["grim", "all_c", "tit_for_tat"], GAME_200, size=50)
    assert (clones.value, clones.low, clones.high) == pytest.approx((1, 1, 1))
    marked = kappa("absolutist", ["absolutist"] * 2, GAME_200, size=50, society=True)
    assert marked.value == pytest.approx(1)
    assert marked.advantaged == 0


def test_the_interval_of_a_sampled_kappa_covers_the_whole_class() -> None:
    found = scan("all_d", (1, 1), GAME_200)
    truth = kappa("all_d", found, size=20).value
    missed, wide = 0, 0.0
    for seed in range(40):
        drawn = np.random.default_rng(seed).integers(0, 32, 60).tolist()
        sample = kappa("all_d", [found.genome(k) for k in drawn], GAME_200, size=20, seed=seed)
        missed += not sample.low <= truth <= sample.high
        wide += sample.high - sample.low
    assert missed <= 8  # 95 % intervals: more than 8 of 40 has probability 1e-4
    assert wide / 40 < truth  # and they do say something
    with pytest.raises(ValueError, match="mutants: expected at least one"):
        kappa("all_d", [], size=20)


def test_the_command_prints_the_chance_as_json() -> None:
    from evolve.cli import app

    words = ["fixation", "all_d", "tit_for_tat", "--size", "10", "--json"]
    answer = json.loads(CliRunner().invoke(app, words).stdout)
    assert answer["rho"] == pytest.approx(0.00140622, rel=1e-5)
    assert answer["relative_to_neutral"] == pytest.approx(0.0140622, rel=1e-5)
    words = ["fixation", "bully", "absolutist", "--play", "sipd", "--size", "10", "--process", "fermi"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0
    assert "take over with probability" in result.stdout
    refused = CliRunner().invoke(app, ["fixation", "all_d", "all_c", "--size", "1"])
    assert isinstance(refused.exception, ValueError)


@pytest.mark.parametrize("size", [2, 10, 1000, 20_000])
def test_neutral_mutants_are_not_called_advantaged_and_the_weakest_advantage_is(size: int) -> None:
    # earned from moves that are not short in binary, so that equal payoffs differ by a rounding
    payoff = 3 * 0.1 + 5 * 0.1
    neutral = [[payoff, 0.8], [0.8, 0.1 + 0.7]]
    better = [[payoff * (1 + 1e-10), 0.8 * (1 + 1e-10)], [0.8, 0.8]]
    shares = [
        Kappa("", size, 1, 1, 1, 0.95, True, size * np.array([fixation_probability(table, size)])).advantaged
        for table in (neutral, better)
    ]
    assert shares == [0.0, 1.0]
