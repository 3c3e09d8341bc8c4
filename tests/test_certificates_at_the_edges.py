"""Certificates where rules are extreme: no digits are lost near continuation 1, without noise and of rare moves."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Game, Rules, expected
from engine.stability import decision
from engine.stability.certificates import best_response, nash_gap
from engine.stability.exact import solve
from engine.stability.scans import scan
from genomes import Automaton, LookupGenome
from tests import decision_reference
from tests.conftest import Command
from tests.strategies import automata, lookups

tiny = st.sampled_from([1e-2, 1e-5, 1e-8, 1e-11, 1e-14])
probabilities = st.sampled_from([0.0, 1.0, 0.5, 1 / 3, 0.9, 1e-3, 1 - 1e-10, 1e-17])
games = st.sampled_from([Game(), Game(T=3.01), Game(2, -1, 3, 0), Game(R=0.3, S=-0.1, T=0.5, P=0.1)])
near_one = st.builds(lambda d: {"continuation": 1 - d}, tiny | st.sampled_from([0.5, 1 / 3]))
horizons = near_one | st.just({"limit_of_means": True})
noises = st.just(0.0) | tiny


def in_fractions(strategy: Automaton | LookupGenome, rules: Rules) -> decision_reference.Strategy:
    """Probabilities of C and successors, without what cannot be reached."""
    automaton = strategy.automaton().canonical(noisy=rules.noisy)
    # of both probabilities the rarer one has all digits
    both = zip(automaton.cooperate.tolist(), automaton.defect.tolist(), strict=True)
    return [Fraction(c) if c <= d else 1 - Fraction(d) for c, d in both], automaton.successors.tolist()


def payoffs_of(game: Game) -> list[Fraction]:
    """(R, S, T, P), short decimals taken as such."""
    values, scale = game.scaled
    return [Fraction(p) / Fraction(scale) for p in values]


def exact(resident: Automaton | LookupGenome, rules: Rules) -> Fraction:
    """The gap by the oracle."""
    strategy, payoffs = in_fractions(resident, rules), payoffs_of(rules.game)
    if rules.turns is not None:
        return decision_reference.gap_by_turns(*strategy, payoffs, rules.noise, rules.turns)
    return decision_reference.gap(*strategy, payoffs, rules.noise, rules.continuation)


@settings(max_examples=40)
@given(automata(probabilities, 3) | lookups(probabilities, 1), horizons, noises, games)
def test_gaps_have_twelve_digits_whatever_the_rules(
    resident: Automaton | LookupGenome, horizon: dict[str, float], noise: float, game: Game
) -> None:
    rules = Rules(game=game, noise=noise, **horizon)  # type: ignore[arg-type]
    truth = exact(resident, rules)
    found = best_response(resident, rules)
    assert found.nash_gap == pytest.approx(float(truth), rel=1e-12, abs=0)
    assert (found.nash_gap == 0) == (truth == 0)


@settings(max_examples=40)
@given(automata(probabilities, 3) | lookups(probabilities, 1), st.integers(1, 6), noises, games)
def test_gaps_over_fixed_turns_have_twelve_digits(
    resident: Automaton | LookupGenome, turns: int, noise: float, game: Game
) -> None:
    rules = Rules(game=game, noise=noise, turns=turns)
    truth = exact(resident, rules)
    found = best_response(resident, rules)
    assert found.nash_gap == pytest.approx(float(truth), rel=1e-12, abs=0)
    assert (found.nash_gap == 0) == (truth == 0)


@settings(max_examples=40)
@given(automata(probabilities, 3) | lookups(probabilities, 2), horizons, noises, st.data())
def test_floats_and_whole_numbers_agree_where_floats_decide(
    resident: Automaton | LookupGenome, horizon: dict[str, float], noise: float, data: st.DataObject
) -> None:
    rules = Rules(noise=noise, **horizon)  # type: ignore[arg-type]
    problem = decision.Decision.of(resident.automaton().canonical(noisy=rules.noisy), rules)
    _, costs = problem.in_floats()
    if costs is not None:
        whole = problem.in_whole_numbers(problem.likely)
        assert costs.policy.tolist() == whole.policy.tolist()
        assert problem.lost(costs) == pytest.approx(problem.lost(whole), abs=max(costs.error, 1e-300))


@pytest.mark.parametrize("resident", ["gtft", "grim", "zd_set_2"])
@pytest.mark.parametrize("noise", [0.0, 1e-6, 0.01])
def test_many_turns_cost_no_digits(monkeypatch: pytest.MonkeyPatch, resident: str, noise: float) -> None:
    rules = Rules(turns=300, noise=noise)
    monkeypatch.setattr(decision, "MAX_EXACT_WORK", 0)
    in_floats = nash_gap(resident, rules)
    monkeypatch.setattr(decision, "MAX_EXACT_WORK", 2**40)
    monkeypatch.setattr(decision, "ACCURACY", 0.0)
    assert in_floats == pytest.approx(nash_gap(resident, rules), rel=1e-12)


@pytest.mark.parametrize("k", range(1, 15))
def test_win_stay_lose_shift_is_exploited_however_long_play_lasts(k: int) -> None:
    """all_d earns T, P, T, P, ... = (T + P d)/(1 + d) against R: 2 (1 - d)/(1 + d) more."""
    d = 1 - 10.0**-k
    best = best_response("pavlov", Rules(continuation=d))
    assert best.nash_gap == pytest.approx(float(2 * (1 - Fraction(d)) / (1 + Fraction(d))), rel=1e-14)
    assert best.name == "all_d"
    # the one deviation that gains: D for ever, or D once and back to cooperation after it is forgiven
    assert 0.9 < nash_gap("gtft", Rules(continuation=d)) / best.nash_gap < 1.1


def test_unconditional_cooperation_is_exploited_however_long_play_lasts() -> None:
    best = best_response("all_c", Rules(continuation=0.99999999999999))
    assert (best.nash_gap, best.name) == (2.0, "all_d")


def test_rare_slips_decide_where_play_never_ends() -> None:
    """D for ever after the first slip of either: all_d is met by D half of the time, whatever the noise."""
    assert nash_gap("memory(1,0) cCD", Rules(limit_of_means=True, noise=1e-14)) == pytest.approx(
        0.75, rel=1e-12
    )
    rules = Rules(Game(T=3.01), limit_of_means=True, noise=1e-12)
    assert nash_gap("memory(1,0) cCD", rules) == pytest.approx(0.2525, rel=1e-11)


def test_equalities_are_equal_and_what_only_nearly_is_is_not() -> None:
    assert nash_gap("grim", Rules(continuation=0.5)) == 0.0
    assert 0 < nash_gap("grim", Rules(continuation=0.5 - 2**-54)) < 1e-15
    # 2/3 is no float: the next one below it is on the other side of the border of tit for tat
    assert nash_gap("tit_for_tat", Rules(continuation=2 / 3)) == pytest.approx(
        float(5 / (1 + Fraction(2 / 3)) - 3), rel=1e-12
    )


@settings(max_examples=25)
@given(lookups(probabilities, 2), near_one, noises)
def test_no_deviation_from_the_best_response_gains_when_it_is_played(
    resident: LookupGenome, horizon: dict[str, float], noise: float
) -> None:
    rules = Rules(noise=noise, **horizon)  # type: ignore[arg-type]
    best = best_response(resident, rules)
    response = best.strategy
    assert response is not None
    earned = expected(response, resident, rules).payoffs[0]
    assert earned == pytest.approx(best.value, rel=1e-9)
    for state in range(len(response)):
        moves = response.defect.copy()
        moves[state] = 1 - moves[state]
        other = Automaton(moves, response.successors)
        assert expected(other, resident, rules).payoffs[0] <= best.value + 1e-9


def test_memory_three_is_certified_at_the_edges_too() -> None:
    # 64 states and more: in whole numbers, to the last digit, whatever the time to forget
    resident = "memory(3,3) ccd" + "CDDCCDCDDDCCDCDC" * 4
    for rules in (Rules(limit_of_means=True, noise=1e-9), Rules(continuation=1 - 1e-11, noise=1e-6)):
        best = best_response(resident, rules)
        assert expected(best.strategy, resident, rules).payoffs[0] == pytest.approx(best.value, rel=1e-9)


def test_what_cannot_be_decided_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "MAX_EXACT_STATES", 1)
    with pytest.raises(ValueError, match="below what floats can tell"):
        nash_gap("grim", Rules(continuation=0.5))
    assert nash_gap("grim", Rules(continuation=0.25)) == pytest.approx(1.0)
    monkeypatch.setattr(decision, "MAX_EXACT_WORK", 1)
    with pytest.raises(ValueError, match="over 20 turns"):
        nash_gap(Automaton([0.5], [[0] * 4]), Rules(Game(2, 0, 2, 0), turns=20, noise=0.1))


@given(st.integers(1, 6), st.data())
def test_equations_in_whole_numbers_are_solved_exactly(n: int, data: st.DataObject) -> None:
    numbers = st.integers(-(2**200), 2**200) | st.integers(-3, 3) | st.sampled_from([0, 2**31 - 1])
    rows = [{j: data.draw(numbers) for j in range(n)} for _ in range(n)]
    right = [data.draw(numbers) for _ in range(n)]
    try:
        numerators, common = solve(rows, right)
    except ArithmeticError:
        with pytest.raises(StopIteration):
            decision_reference.solved(
                [[Fraction(row[j]) for j in range(n)] for row in rows], [Fraction(b) for b in right]
            )
        return
    assert common > 0
    for row, b in zip(rows, right, strict=True):
        assert sum(entry * numerators[j] for j, entry in row.items()) == b * common


def test_what_is_printed_is_no_other_rule(evolve: Command) -> None:
    code, shown, _ = evolve("certify", "pavlov", "--continuation", "0.9999999")
    assert code == 0
    assert "continuation 0.9999999" in shown
    assert "Nash gap                   1e-07" in shown
    assert "A rare mutant does better" in shown
    assert "numbers such as 2/3" not in shown
    code, shown, _ = evolve("certify", "zd_set_2", "--limit-of-means")
    assert "numbers such as 2/3" in shown
    # every mutant earns 3 at six digits: how much above the resident is what tells them apart
    code, shown, _ = evolve("certify", "pavlov", "--continuation", "0.999999999", "--scan", "1,1", "--json")
    assert json.loads(shown)["scan"]["invaders"][0]["advantage"] == pytest.approx(1e-9, rel=1e-6)


# --- scans ---


@settings(max_examples=20)
@given(
    automata(probabilities, 2) | lookups(probabilities, 1),
    horizons,
    noises,
    games,
    st.sampled_from([(0, 1), (1, 0)]),
)
def test_scans_have_eight_digits_and_the_right_verdicts_whatever_the_rules(
    resident: Automaton | LookupGenome,
    horizon: dict[str, float],
    noise: float,
    game: Game,
    memory: tuple[int, int],
) -> None:
    rules = Rules(game=game, noise=noise, **horizon)  # type: ignore[arg-type]
    found, payoffs = scan(resident, memory, rules), payoffs_of(game)

    def earned(a: decision_reference.Strategy, b: decision_reference.Strategy) -> Fraction:
        return decision_reference.payoff(a, b, payoffs, noise, rules.continuation)

    own = in_fractions(resident, rules)
    for number in range(len(found)):
        mutant = in_fractions(found.genome(number), rules)
        advantage, gain = earned(mutant, own) - earned(own, own), earned(mutant, mutant) - earned(own, mutant)
        assert found.advantage[number] == pytest.approx(float(advantage), rel=1e-8, abs=0)
        assert found.gain[number] == pytest.approx(float(gain), rel=1e-8, abs=0)


@pytest.mark.parametrize("d", [0.99, 1 - 1e-9, 1 - 1e-14])
def test_a_scan_finds_the_invaders_of_win_stay_lose_shift_however_long_play_lasts(d: float) -> None:
    found = scan("pavlov", (1, 1), Rules(continuation=d))
    assert found.counts()["invades"] == 12
    assert found.barrier[31] == 0.0


def test_differences_of_the_second_order_decide_too() -> None:
    """Where T + S = 2 R, T, S, T, S, ... is (T - R)(1 - d)/(1 + d) more than R for ever."""
    d = 1 - 1e-14
    found = scan("tit_for_tat", (1, 1), Rules(Game(2, -1, 5, 0.5), continuation=d))
    assert found.advantage[int("10101", 2)] == pytest.approx(3 * (1 - d) / (1 + d), rel=1e-12, abs=0)
    # D, then C for ever: T, S, R, R, ... is (1 - d) (3 - 3 d)
    assert found.advantage[int("10000", 2)] == pytest.approx(3 * (1 - d) ** 2, rel=1e-12, abs=0)


def test_a_class_too_large_to_compare_exactly_is_refused_where_differences_vanish() -> None:
    with pytest.raises(ValueError, match="memory: expected at most 1024 genomes"):
        scan("gtft", (2, 2), Rules(continuation=1 - 1e-9))
