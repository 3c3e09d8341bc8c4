"""Games with a state: every exact method against mechanisms as words say them, in plain Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import (
    Game,
    Rules,
    best_response,
    expected,
    long_run,
    nash_gap,
    pair_table,
    play,
    round_robin,
    scan,
)
from engine.mechanisms import built
from engine.stability.exact import payoff
from engine.stage import ITEMS
from evolve import Experiment, generations
from genomes import Automaton
from results import Run, save_all
from tests.mechanisms_reference import Deal, best_value, histories
from tests.strategies import automata, chance, pure_strategies, rule

PAYOFFS = (3.0, 0.0, 5.0, 1.0)

amounts = st.integers(0, 30).map(lambda k: k / 10)
shares = st.integers(0, 10).map(lambda k: k / 10)
payoffs = st.integers(-5, 6).map(float)


def of(name: str, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.tuples(st.just(name), st.fixed_dictionaries(values))


stateless = st.one_of(
    of(
        "fine", fine=amounts, detection=shares, false_positives=shares, monitoring=amounts,
        to=st.sampled_from(["burn", "partner", "pool"]),
    ),
    of("referee", fine=amounts, share=amounts, cost=st.sampled_from([0.5, 2.0])),
    of("escrow", bond=amounts, fee=amounts),
)  # fmt: skip
quotas = st.integers(1, 4).flatmap(
    lambda window: of("quota", defections=st.integers(0, window), window=st.just(window))
)
milestones = of("milestones", bond=amounts, stages=st.integers(1, 3), early=amounts, out=payoffs)
environments = of(
    "environment", R=payoffs, S=payoffs, T=payoffs, P=payoffs,
    good=st.sampled_from(["CC", "CC+CD", "DD", "CD+DD"]), start=st.sampled_from(["good", "poor"]),
)  # fmt: skip
lasting = st.one_of(quotas, milestones, environments)
once = st.one_of(of("stake", stake=amounts), of("escrow_offer", bond=amounts, fee=amounts))

Described = list[tuple[str, dict[str, Any]]]


def one_offer(listed: Described) -> bool:
    return sum(name == "escrow_offer" for name, _ in listed) < 2


anything = st.lists(st.one_of(stateless, lasting, once), min_size=1, max_size=3).filter(one_offer)
endless = st.lists(st.one_of(stateless, lasting), min_size=1, max_size=2)


def rules_of(listed: Described, **horizon: Any) -> Rules:
    return Rules(mechanisms=tuple(built(name, values) for name, values in listed), **horizon)


def sums(a: object, b: object, listed: Described, turns: int, noise: float) -> tuple[Any, ...]:
    """Joint moves, payoffs of both and what is booked for the first, in all turns, by the oracle."""
    joint, earned, booked = np.zeros(4), np.zeros(2), dict.fromkeys(ITEMS, 0.0)
    for _, share, (x, y), pay, entries in histories(rule(a), rule(b), Deal(PAYOFFS, listed), turns, noise):
        joint[2 * x + y] += share
        earned += share * np.array(pay)
        for item, amount in entries.items():
            booked[item] += share * amount
    for name, values in listed:
        if name == "stake":
            booked["bonds"] += values["stake"]
            booked["returned"] += values["stake"]
    return joint, earned, [booked[item] for item in ITEMS]


@settings(max_examples=60)
@given(automata(chance, 3), automata(chance, 3), anything, st.integers(1, 4), st.sampled_from([0.0, 0.25]))
def test_expectations_are_those_of_every_history(
    a: Automaton, b: Automaton, listed: Described, turns: int, noise: float
) -> None:
    found = expected(a, b, rules_of(listed, turns=turns, noise=noise))
    joint, earned, booked = sums(a, b, listed, turns, noise)
    assert found.frequencies * turns == pytest.approx(joint, abs=1e-10)
    assert found.payoffs * turns == pytest.approx(earned, abs=1e-9)
    assert found.cooperation[0] * turns == pytest.approx(joint[:2].sum(), abs=1e-10)
    assert found.ledger is not None
    assert found.ledger.amounts[0] * turns == pytest.approx(booked, abs=1e-9)


@settings(max_examples=60)
@given(pure_strategies, pure_strategies, anything, st.integers(1, 40))
def test_pure_play_is_followed_through_the_states(
    a: object, b: object, listed: Described, turns: int
) -> None:
    rules = rules_of(listed, turns=turns)
    joint, earned, _ = sums(a, b, listed, turns, 0.0)
    found = expected(a, b, rules)
    assert (np.rint(found.frequencies * turns) == joint).all()
    assert found.payoffs * turns == pytest.approx(earned, abs=1e-9)
    played = play(a, b, rules)
    assert (played.counts == joint).all()
    assert played.payoffs * turns == pytest.approx(earned, abs=1e-9)
    assert len(played.moves) == turns + any(name == "escrow_offer" for name, _ in listed)


@settings(max_examples=30)
@given(pure_strategies, pure_strategies, anything, st.sampled_from([0.0, 0.3, 0.5]))
def test_discounted_pure_play_is_the_weighted_sum(a: object, b: object, listed: Described, d: float) -> None:
    earned = np.zeros(2)
    for turn, share, _, pay, _ in histories(rule(a), rule(b), Deal(PAYOFFS, listed), 40):
        earned += share * (1 - d) * d**turn * np.array(pay)
    assert expected(a, b, rules_of(listed, continuation=d)).payoffs == pytest.approx(earned, abs=1e-9)


@settings(max_examples=25)
@given(
    automata(chance, 3),
    automata(chance, 3),
    anything,
    st.sampled_from([0.0, 0.4, 0.999]),
    st.sampled_from([0.0, 0.05]),
)
def test_open_horizons_are_right_to_the_last_digit(
    a: Automaton, b: Automaton, listed: Described, d: float, noise: float
) -> None:
    rules = rules_of(listed, continuation=d, noise=noise)
    found = expected(a, b, rules).payoffs
    size = max(1.0, float(np.abs(rules.stage.payoffs).max()))
    assert found == pytest.approx([float(payoff(a, b, rules)), float(payoff(b, a, rules))], abs=1e-11 * size)
    if d < 0.5:  # the same from fixed horizons
        totals = [
            (turns * expected(a, b, rules_of(listed, turns=turns, noise=noise)).payoffs if turns else 0.0)
            for turns in range(32)
        ]
        series = sum((1 - d) * d**t * (totals[t + 1] - totals[t]) for t in range(31))
        assert found == pytest.approx(series, abs=1e-9 * size)


@settings(max_examples=25)
@given(automata(chance, 3), automata(chance, 3), endless, st.sampled_from([0.0, 0.05]))
def test_the_limit_of_means_is_that_of_the_chain(
    a: Automaton, b: Automaton, listed: Described, noise: float
) -> None:
    rules = rules_of(listed, limit_of_means=True, noise=noise)
    size = max(1.0, float(np.abs(rules.stage.payoffs).max()))
    exact = [float(payoff(a, b, rules)), float(payoff(b, a, rules))]
    assert expected(a, b, rules).payoffs == pytest.approx(exact, abs=1e-11 * size)


@settings(max_examples=40)
@given(automata(chance, 3), anything, st.integers(1, 4), st.sampled_from([0.0, 0.25]))
def test_no_strategy_of_any_memory_does_better_than_the_best_response(
    resident: Automaton, listed: Described, turns: int, noise: float
) -> None:
    rules = rules_of(listed, turns=turns, noise=noise)
    best = best_response(resident, rules)
    most = best_value(rule(resident), Deal(PAYOFFS, listed), turns, noise)
    assert best.value * turns == pytest.approx(most, abs=1e-8)
    assert best.strategy is not None
    assert expected(best.strategy, resident, rules).payoffs[0] == pytest.approx(best.value, abs=1e-9)


@settings(max_examples=20)
@given(
    automata(chance, 3),
    endless,
    st.sampled_from([{"continuation": 0.8}, {"limit_of_means": True}]),
    st.sampled_from([0.0, 0.1]),
)
def test_scans_agree_with_certificates(
    resident: Automaton, listed: Described, horizon: dict[str, Any], noise: float
) -> None:
    rules = rules_of(listed, noise=noise, **horizon)
    found, gap = scan(resident, (1, 1), rules), nash_gap(resident, rules)
    assert found.advantage.max() <= gap + 1e-9
    for number in (0, 13, 22, 31):
        met = pair_table(found.genome(number), resident, rules)
        assert [found.among[number], found.against[number], found.conceded[number]] == pytest.approx(
            [met[0, 0], met[0, 1], met[1, 0]], abs=1e-9
        )


@settings(max_examples=20)
@given(st.lists(automata(chance, 3), min_size=3, max_size=3), anything, st.sampled_from([0.0, 0.1]))
def test_a_round_robin_is_made_of_meetings(players: list[Automaton], listed: Described, noise: float) -> None:
    rules = rules_of(listed, turns=6, noise=noise)
    table = round_robin([*players], rules)
    pairs = [[expected(a, b, rules) for b in players] for a in players]
    assert table.payoffs == pytest.approx(np.array([[m.payoffs[0] for m in row] for row in pairs]), abs=1e-9)
    assert table.cooperation == pytest.approx(np.array([[m.cooperation[0] for m in row] for row in pairs]))
    assert table.ledger is not None
    for k in range(3):
        others = [m.ledger.amounts[0] for j, m in enumerate(pairs[k]) if j != k and m.ledger is not None]
        assert table.ledger.amounts[k] == pytest.approx(np.mean(others, axis=0), abs=1e-9)
    assert table.scores.tobytes() == round_robin([*players], rules, matrix=False, workers=2).scores.tobytes()


def test_sampled_play_agrees_with_exact_play() -> None:
    rules = Rules(
        continuation=0.8,
        noise=0.1,
        mechanisms=("environment:0.2,S=-1,T=1.2,P=0", "quota:1,window=3", "escrow_offer:1,fee=0.2"),
    )
    players = ["tit_for_tat", "pavlov", "all_d"]
    exact, sampled = round_robin(players, rules), round_robin(players, rules, sampled=3000, seed=4)
    assert sampled.errors is not None
    assert (np.abs(exact.scores - sampled.scores) < 4 * sampled.errors).all()
    plain = round_robin(players, Rules(continuation=0.8, noise=0.1))
    assert (np.abs(plain.scores - sampled.scores) > 4 * sampled.errors).any()


class Alternate:
    """A Python player."""

    def reset(self) -> None:
        self.turn = 0

    def move(self) -> int:
        return self.turn % 2

    def observe(self, own: int, opponent: int) -> None:
        self.turn += 1


def test_python_players_meet_under_mechanisms_too() -> None:
    rules = Rules(turns=7, mechanisms=("quota:1,window=3", "stake:2"))
    as_table = round_robin([Alternate(), "tit_for_tat", "all_d"], rules)
    assert as_table.scores == pytest.approx(round_robin(["per_cd", "tit_for_tat", "all_d"], rules).scores)


def test_a_long_deal_costs_what_a_short_one_does_and_is_as_exact() -> None:
    mechanisms = ("quota:1,window=4", "environment:1,S=0,T=2,P=0.5")
    short, long = (
        expected("grim", "per_ccd", Rules(turns=turns, mechanisms=mechanisms)) for turns in (1200, 12 * 10**9)
    )
    assert long.payoffs == pytest.approx(short.payoffs, abs=0.02)
    noisy = [
        expected("tft", "pavlov", Rules(turns=turns, noise=0.05, mechanisms=mechanisms)).payoffs
        for turns in (4000, 5000, 10**7)
    ]
    limit = expected("tft", "pavlov", Rules(limit_of_means=True, noise=0.05, mechanisms=mechanisms)).payoffs
    assert noisy[2] == pytest.approx(limit, abs=1e-6) and noisy[0] == pytest.approx(noisy[1], abs=1e-2)


# --- composition ---


def test_the_order_of_mechanisms_matters_where_it_must() -> None:
    poor = "environment:1,S=0,T=2,P=0.5,start=poor"
    for one, other in (("fine:1", poor), ("escrow:1,fee=0.5", poor)):
        a, b = (
            expected("per_ccd", "all_d", Rules(turns=9, mechanisms=order)).payoffs.tolist()
            for order in ((one, other), (other, one))
        )
        assert a != b
    for one, other in (
        ("fine:1", "quota:1,window=3"),
        ("stake:1", "quota:1,window=3"),
        ("fine:1", "escrow:1"),
    ):
        a, b = (
            expected("per_ccd", "all_d", Rules(turns=9, mechanisms=order)).payoffs.tolist()
            for order in ((one, other), (other, one))
        )
        assert a == b


def test_a_blocked_defection_is_neither_fined_nor_costs_the_stake() -> None:
    blocked = Rules(turns=5, mechanisms=("quota:0,window=1", "fine:2", "stake:3"))
    found = expected("all_d", "all_d", blocked)
    assert found.payoffs.tolist() == [3.0, 3.0] and found.cooperation.tolist() == [1.0, 1.0]
    assert found.ledger is not None and found.ledger.operator.sum() == pytest.approx(0)


def test_what_has_no_meaning_is_refused_with_the_reason() -> None:
    from engine import ecology, society

    for mechanism, reason in (
        (
            "escrow_offer:2",
            "escrow_offer: expected turns or a continuation probability, since .* no first turn",
        ),
        ("stake:2", "stake: expected turns or a continuation probability, since a stake lost once"),
    ):
        with pytest.raises(ValueError, match=reason):
            Rules(limit_of_means=True, mechanisms=(mechanism,))
    with pytest.raises(ValueError, match="escrow_offer: expected one offer before the first turn, got two"):
        Rules(mechanisms=("escrow_offer:1", "escrow_offer:2"))
    with pytest.raises(ValueError, match="mechanisms: expected at most 256 states of a pair"):
        Rules(mechanisms=("quota:20,window=100",))
    rules = Rules(turns=5, mechanisms=("quota:1,window=2",))
    for call in (
        lambda: society({"tft": 2, "all_d": 1}, rules),
        lambda: ecology({"tft": 2, "all_d": 2}, rules),
        lambda: expected("absolutist", "all_d", rules),
    ):
        with pytest.raises(ValueError, match="mechanisms: expected those that keep no state of a pair"):
            call()
    assert ecology({"tft": 2, "all_d": 2}, rules, society=False, generations=3).ledger is not None


# --- predictions ---


@pytest.mark.parametrize("d", [0.3, 0.5, 0.9])
def test_all_c_is_nash_from_the_predicted_stake_on(d: float) -> None:
    border = 2 / (1 - d)
    for stake, held in ((border + 1e-6, True), (border - 1e-6, False)):
        assert (nash_gap("all_c", Rules(continuation=d, mechanisms=(f"stake:{stake!r}",))) == 0) == held


@pytest.mark.parametrize("stages", [1, 2, 5])
def test_only_the_last_milestone_needs_a_bond(stages: int) -> None:
    def gap(bond: float, out: float = 1.0) -> float:
        rules = Rules(turns=stages, mechanisms=(f"milestones:{bond},stages={stages},out={out}",))
        return nash_gap("all_c", rules)

    assert gap(2.0) == 0 < gap(1.99)
    # a better way out: in the stage before the last T - R - (R - out) is needed too
    assert (gap(2.0, out=2.5) > 0) == (stages > 1)


@pytest.mark.parametrize(("k", "m"), [(1, 2), (1, 4), (2, 3), (3, 10)])
def test_a_quota_bounds_cooperation_from_below(k: int, m: int) -> None:
    rules = Rules(limit_of_means=True, mechanisms=(f"quota:{k},window={m}",))
    among_defectors = expected("all_d", "all_d", rules)
    assert among_defectors.cooperation[0] == pytest.approx(1 - k / m)
    assert among_defectors.payoffs[0] == pytest.approx(3 - k / m * 2)
    for a in ("all_d", "grim", "per_ddc"):
        assert expected(a, "all_d", rules).cooperation.min() >= 1 - k / m - 1e-12


@pytest.mark.parametrize("m", [2, 3, 4, 10])
def test_quotas_ration_retaliation_too(m: int) -> None:
    for d in (0.01, 0.3, 0.6, 0.9, 0.99):
        rules = Rules(continuation=d, mechanisms=(f"quota:1,window={m}",))
        assert all(nash_gap(resident, rules) > 0 for resident in ("tit_for_tat", "spiteful", "pavlov"))
    # what never forgets holds, but only where the future weighs more
    border = {2: 0.67, 3: 0.77, 4: 0.83, 10: 0.93}[m]
    gaps = [
        nash_gap("grim", Rules(continuation=d, mechanisms=(f"quota:1,window={m}",)))
        for d in (border - 0.04, border, 0.99)
    ]
    assert gaps[0] > 0 == gaps[1] == gaps[2]


@pytest.mark.parametrize(
    ("b1", "b2"), [(1.6, 1.2), (1.5, 1.0), (1.4, 0.8), (1.8, 1.6), (1.6, 1.3), (2.0, 1.9)]
)
def test_win_stay_lose_shift_in_a_feedback_environment(b1: float, b2: float) -> None:
    c = 1.0
    poor = f"environment:{b2 - c!r},S={-c},T={b2},P=0"
    rules = Rules(Game(b1 - c, -c, b1, 0), limit_of_means=True, noise=1e-6, mechanisms=(poor,))
    slack = 2 * b1 - b2 - 2 * c
    assert (nash_gap("pavlov", rules) < 1e-9) == (slack >= 0) or abs(slack) < 1e-9


def test_the_offer_of_escrow_is_worth_taking_below_its_price() -> None:
    def joins(bond: float, fee: float) -> bool:
        # joins and cooperates in escrow, defects without: against its kind, is that a best response?
        rules = Rules(turns=1, mechanisms=(f"escrow_offer:{bond},fee={fee}",))
        return nash_gap("memory(1,1) cCDDD", rules) == 0

    assert joins(2, 0) and joins(2, 1.9) and joins(2, 2)
    assert not joins(1.9, 0) and not joins(2, 2.1)


@pytest.mark.parametrize(
    ("bond", "fee", "share"), [(1, 0, 0.04), (2, 0, 0.88), (2, 1.9, 0.60), (2, 2.1, 0.04)]
)
def test_an_offered_escrow_in_the_long_run(bond: float, fee: float, share: float) -> None:
    # joins or not, then C or D in escrow, and without it
    class_of_eight = [f"memory(1,1) {o}{x}{y}{y}{y}" for o in "cd" for x in "CD" for y in "CD"]
    rules = Rules(turns=1, mechanisms=(f"escrow_offer:{bond},fee={fee}",))
    assert long_run(class_of_eight, rules, size=50, beta=1).cooperation == pytest.approx(share, abs=0.006)


# --- evolution ---


def test_runs_under_mechanisms_are_kept_with_their_ledger_and_resumed(tmp_path: Path) -> None:
    experiment = Experiment(
        genome={"x": 1, "y": 1},
        population={"size": 16},
        generations=12,
        rules={"turns": 9, "noise": 0.02},
        mechanism=["quota:1,window=3", "fine:1,detection=0.5,monitoring=0.1", "stake:2"],
        fitness={"opponents": "both", "panel": ["tit_for_tat", "all_d"]},
    )
    with Run.open(tmp_path / "whole", experiment) as whole:
        for generation in generations(experiment):
            whole.append(generation)
    with Run.open(tmp_path / "parts", experiment) as part:
        for generation in generations(experiment.changed(generations=5)):
            part.append(generation)
    with Run.open(tmp_path / "parts", experiment) as part:
        for generation in generations(experiment, start=part.latest()):
            part.append(generation)
        assert part.latest() == whole.latest()
    read = Run.read(tmp_path / "whole")
    table = read.statistics()
    assert table["monitoring"].tolist() == pytest.approx([0.1] * 13)
    assert table["operator"][-1] == pytest.approx(
        table["fines"][-1] + table["bonds"][-1] - table["returned"][-1]
    )
    assert [table[item][-1] for item in ITEMS] == list(read.latest().ledger)
    assert tmp_path / "ledger.png" in save_all(read, tmp_path, ["png"])
    plain = Experiment(**experiment.model_dump() | {"mechanism": []})
    with Run.open(tmp_path / "plain", plain) as run:
        for generation in generations(plain):
            run.append(generation)
        assert "operator" not in run.statistics() and run.latest().ledger == ()


@pytest.mark.parametrize("extra", [{"fitness": {"sample": 6}}, {"islands": {"number": 2, "interval": 3}}])
def test_the_fitness_of_a_game_with_states_is_what_meetings_earn(extra: dict[str, Any]) -> None:
    experiment = Experiment(
        genome={"x": 0, "y": 1}, population={"size": 8}, generations=4, rules={"turns": 7},
        mechanism=["milestones:1,stages=3,out=1,early=0.5", "escrow:0,fee=0.25"], **extra,
    )  # fmt: skip
    *_, last = generations(experiment)
    assert last.ledger[1] <= 0.25
    if "islands" in extra:
        rules = experiment.rules_value
        for island in (0, 1):
            here = [k for k, birth in enumerate(last.population) if birth.id.island == island]
            for k in here[:3]:
                met = [
                    expected(last.population[k].genome, last.population[j].genome, rules).payoffs[0]
                    for j in here
                    if j != k
                ]
                assert last.fitness[k] == pytest.approx(np.mean(met), abs=1e-9)
