"""Mechanisms: what they make of a game, by every prediction that is made of them, and what they book."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evolve
from engine import (
    Game,
    Rules,
    ecology,
    expected,
    log_fixation,
    nash_gap,
    pair_table,
    play,
    round_robin,
    society,
)
from engine.mechanisms import MECHANISMS, Fine, built, described, parse
from engine.stage import ITEMS
from evolve.experiment.files import ExperimentError
from tests.conftest import Command
from tests.strategies import anything

DISCOUNTED = {"continuation": 0.9, "noise": 0.01}


def game(*mechanisms: str, before: Game | None = None) -> Game:
    """The one-shot game that mechanisms make."""
    (one,) = Rules(before or Game(), continuation=0.5, mechanisms=mechanisms).games
    return one


amounts = st.integers(0, 40).map(lambda k: k / 10)
shares = st.integers(0, 10).map(lambda k: k / 10)
fines = st.builds(Fine, amounts, shares, shares, amounts, st.sampled_from(["burn", "partner", "pool"]))


# --- predictions ---


@given(fines, st.lists(st.integers(-5, 9), min_size=4, max_size=4))
def test_c_is_dominant_exactly_from_the_predicted_fine_on(fine: Fine, payoffs: list[int]) -> None:
    r, s, t, p = payoffs
    plain = Game(r, s, t, p)
    deterring = (Fraction(str(fine.detection)) - Fraction(str(fine.false_positives))) * Fraction(
        str(fine.fine)
    )
    needed = max(t - r, p - s) * (2 if fine.to == "pool" else 1)
    after = game(str(fine), before=plain)
    assert (min(after.R - after.T, after.S - after.P) >= -1e-12) == (deterring >= needed)


@pytest.mark.parametrize(("fine", "border"), [("burn", 2.0), ("partner", 2.0), ("pool", 4.0)])
def test_half_of_a_pooled_fine_comes_back(fine: str, border: float) -> None:
    assert game(f"fine:{border},to={fine}").report().dominant == "C"
    assert game(f"fine:{border - 0.01},to={fine}").report().dominant != "C"


@pytest.mark.parametrize("f", [0.0, 0.4, 1.0, 1.5])
@pytest.mark.parametrize("to", ["burn", "partner"])
def test_grims_critical_continuation_under_a_fine(f: float, to: str) -> None:
    # from F = 1 on, cooperating with a grim that defects pays more than to defect too
    border = (2 - f) / {"burn": 4 if f <= 1 else 5 - f, "partner": 4 - f if f <= 1 else 5 - 2 * f}[to]
    for d, held in ((border + 1e-6, True), (border - 1e-6, False)):
        assert (nash_gap("grim", Rules(continuation=d, mechanisms=(f"fine:{f},to={to}",))) == 0) == held


@pytest.mark.parametrize("n", [3, 10, 50])
def test_a_one_shot_fine_in_a_finite_population(n: int) -> None:
    def table(f: float) -> np.ndarray:
        return pair_table("all_c", "all_d", Rules(turns=1, mechanisms=(f"fine:{f!r}",)))

    def fitter(f: float) -> bool:
        (a, b), (c, d) = table(f).tolist()
        i = np.arange(1, n)
        return bool((a * (i - 1) + b * (n - i) >= c * i + d * (n - i - 1) - 1e-9).all())

    border = 2 + 3 / (n - 1)
    assert fitter(border) and not fitter(border - 0.001)
    half = (1.5 * n + 2) / (n - 1)  # each kind is as likely to replace the other
    into_d = log_fixation(table(half), n, process="fermi")
    into_c = log_fixation(table(half)[::-1, ::-1], n, process="fermi")
    assert into_d == pytest.approx(into_c, abs=1e-9)


@pytest.mark.parametrize("a", [0.1, 0.5, 0.9])
def test_false_positives_raise_the_fine_that_deters_and_what_the_honest_pay(a: float) -> None:
    q, f = 0.5, 2 / (1 - a) / 0.5
    rules = Rules(turns=10, mechanisms=(Fine(f, detection=q, false_positives=a * q),))
    report = game(f"fine:{f + 1e-9},detection={q},false_positives={a * q}").report()
    assert report.dominant == "C"
    assert game(f"fine:{f - 1e-9},detection={q},false_positives={a * q}").report().dominant != "C"
    honest = expected("all_c", "all_c", rules)
    assert honest.ledger is not None
    assert honest.ledger.columns()["fines"][0] == pytest.approx(2 * a / (1 - a))
    assert honest.payoffs[0] == pytest.approx(3 - 2 * a / (1 - a))


@pytest.mark.parametrize(("mortal", "border"), [(1, 0.474), (2, 0.275)])
def test_grim_holds_up_to_the_predicted_hazard(mortal: int, border: float) -> None:
    def gap(h: float) -> float:
        return nash_gap("grim", Rules(continuation=0.95, mechanisms=(f"hazard:{h},mortal={mortal}",)))

    exact = 1 - (0.5 / 0.95) ** (1 / mortal)
    assert exact == pytest.approx(border, abs=5e-4)
    assert gap(exact - 1e-6) == 0 < gap(exact + 1e-6)


@pytest.mark.parametrize("fee", [0.0, 1.9, 2.0, 2.1])
def test_forced_escrow(fee: float) -> None:
    assert game(f"escrow:2,fee={fee}").report().dominant == "C"
    assert game(f"escrow:1.99,fee={fee}").report().dominant != "C"
    assert (game(f"escrow:2,fee={fee}").R >= Game().P) == (fee <= 2)


@pytest.mark.parametrize(("share", "needed"), [(0.5, 4.0), (1.0, 2.0), (2.0, 2.0)])
def test_a_referee_deters_as_far_as_the_players_pay(share: float, needed: float) -> None:
    assert game(f"referee:{needed},share={share}").report().dominant == "C"
    assert game(f"referee:{needed - 0.01},share={share}").report().dominant != "C"
    assert 3 - share == game(f"referee:{needed},share={share}").R


# --- the ledger ---


@given(
    anything, anything, st.lists(fines, min_size=1, max_size=2), amounts,
    st.sampled_from([{"turns": 7}, {"limit_of_means": True, "noise": 0.1}, DISCOUNTED]),
)  # fmt: skip
def test_payoffs_are_those_of_the_plain_game_and_what_is_booked(
    a: object, b: object, list_of_fines: list[Fine], bond: float, horizon: dict[str, object]
) -> None:
    mechanisms = (*list_of_fines, f"escrow:{bond},fee=0.5")
    found = expected(a, b, Rules(mechanisms=mechanisms, **horizon))
    plain = expected(a, b, Rules(**horizon))
    assert found.ledger is not None and plain.ledger is None
    assert (found.frequencies == plain.frequencies).all()
    signs = np.array([-1.0, -1.0, -1.0, -1.0, 1.0, 1.0])
    assert found.payoffs == pytest.approx(plain.payoffs + found.ledger.amounts @ signs, abs=1e-9)
    both = found.ledger.amounts.sum(axis=0)
    assert found.ledger.operator.sum() == pytest.approx(both @ [1, 1, 0, 1, -1, -1], abs=1e-9)


@pytest.mark.parametrize("to", ["partner", "pool"])
def test_fines_that_are_passed_on_leave_nothing_to_the_operator(to: str) -> None:
    found = expected("tit_for_tat", "all_d", Rules(turns=10, mechanisms=(f"fine:2,to={to}",))).ledger
    assert found is not None
    assert found.operator.sum() == pytest.approx(0, abs=1e-12)
    deal = found.deal()
    assert deal is not None and deal["fines"] == pytest.approx(38)  # 9 and 10 defections
    endless = expected("tft", "all_d", Rules(limit_of_means=True, mechanisms=("fine:2",))).ledger
    assert endless is not None and endless.deal() is None


def test_every_result_carries_its_ledger() -> None:
    rules = Rules(turns=10, mechanisms=("fine:1", "escrow:0.5,fee=0.1"))
    tally = round_robin(["tft", "all_d", "all_c"], rules)
    assert tally.ledger is not None and "fines" in tally.columns()
    assert tally.ledger.amounts[1].tolist() == pytest.approx([1, 0.1, 0, 0.5, 0, 0.5 * 9 / 20])
    off = ~np.eye(3, dtype=bool)
    assert tally.books[off].reshape(3, 2, 6).mean(axis=1) == pytest.approx(tally.ledger.amounts)
    sampled = round_robin(["tft", "random"], rules, sampled=30).ledger
    assert sampled is not None and 0 < sampled.amounts[0, 0] < 1
    for found in (
        society({"tft": 2, "all_d": 1}, rules),
        society({"tft": 2, "all_d": 1}, Rules(turns=10, noise=0.05, mechanisms=rules.mechanisms)),
        ecology({"tft": 5, "all_d": 5}, rules, generations=3, baseline=1),
        ecology({"tft": 5, "all_d": 5}, rules, generations=3, society=False, baseline=1),
    ):
        assert found.ledger is not None and found.ledger.amounts[:, 1] == pytest.approx(0.1)
        assert "operator" in str(found) and "fine:1" in str(found)
    plain = society({"tft": 2, "all_d": 1}, Rules(turns=10))
    assert plain.ledger is None and "ledger" not in plain.to_dict()


# --- values and text ---


def test_an_empty_list_is_the_game_itself() -> None:
    plain = round_robin(["tft", "all_d", "pavlov", "gtft"], Rules(noise=0.01))
    empty = round_robin(["tft", "all_d", "pavlov", "gtft"], Rules(noise=0.01, mechanisms=()))
    nothing = round_robin(["tft", "all_d", "pavlov", "gtft"], Rules(noise=0.01, mechanisms=("fine:0",)))
    assert plain.payoffs.tobytes() == empty.payoffs.tobytes() == nothing.payoffs.tobytes()
    assert Rules() == Rules(mechanisms=()) and str(Rules()) == "200 turns"
    assert play("tft", "all_d", Rules(turns=5)).payoffs.tolist() == [0.8, 1.8]


def test_a_hazard_is_taken_up_in_the_continuation_probability() -> None:
    assert Rules(continuation=0.5, mechanisms=("hazard:0.1,mortal=1",)) == Rules(continuation=0.45)


def test_text_reads_back() -> None:
    for text in (
        "fine:2",
        "fine:2,detection=0.8,to=partner",
        "hazard:0.1",
        "escrow:2,fee=0.25",
        "referee:4,share=0.5",
    ):
        assert str(parse(text)) == text
        values = described(parse(text))
        assert built(values.pop("kind"), values) == parse(text)
    for kind in MECHANISMS.values():
        assert kind.semantics and kind.prediction and kind.source and kind.__doc__


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fin:2", r"mechanism: expected fine, .*got 'fin' \(nearest: fine\)"),
        ("fine", "fine.fine: expected a value, got none"),
        ("fine:2,3", "fine: expected key=value after the first parameter, got '3'"),
        ("fine:2,fine=3", "fine.fine: expected it once, got it twice"),
        ("fine:x", "fine.fine: expected a number, got 'x'"),
        ("fine:-1", "fine.fine: expected fine >= 0, got -1"),
        ("fine:nan", "fine.fine: expected a finite number, got nan"),
        ("fine:2,detection=1.5", "fine.detection: expected 0 <= detection <= 1, got 1.5"),
        ("fine:2,to=me", "fine.to: expected burn, partner or pool, got 'me'"),
        ("fine:2,fee=1", "fine.fee: expected fine, detection, .*, got 'fee'"),
        ("hazard:0.1,mortal=1.5", "hazard.mortal: expected a whole number, got 1.5"),
        ("hazard:0.1", "hazard: expected a continuation probability, which a hazard lowers, got 200 turns"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Rules(mechanisms=(text,))
    assert "\n" not in str(caught.value)


# --- the command line and experiments ---


def test_the_command_line_shows_the_game_before_and_after(evolve: Command) -> None:
    found = json.loads(evolve("game", "--mechanism", "fine:2,detection=0.8,to=burn", "--json")[1])
    assert (found["T"], found["dominant"], found["pure_equilibria"]) == (5, "D", ["DD"])
    (after,) = found["after"]
    assert (after["T"], after["P"], after["dominant"]) == (3.4, -0.6, None)
    out = evolve("game", "--mechanism", "fine:2")[1]
    assert out.index("D (strictly)") < out.index("C (weakly)")
    listed = json.loads(evolve("mechanisms", "--json")[1])
    assert [one["name"] for one in listed] == list(MECHANISMS)
    assert "Prediction" in evolve("mechanisms")[1]


@pytest.mark.parametrize(
    "command",
    [
        ["match", "tft", "all_d"],
        ["tournament", "tft", "all_d", "all_c"],
        ["society", "tft=2", "all_d=2"],
        ["ecology", "tft=5", "all_d=5", "--generations", "2", "--baseline", "1"],
        ["certify", "tft"],
        ["fixation", "tft", "all_d", "--size", "5", "--baseline", "1"],
    ],
)
def test_every_command_about_play_takes_mechanisms(evolve: Command, command: list[str]) -> None:
    out = evolve(*command, "--turns", "5", "--mechanism", "fine:1", "--mechanism", "escrow:0.5,fee=0.1")[1]
    assert "fine:1, escrow:0.5,fee=0.1" in out and "operator" in out
    found = evolve(*command, "--turns", "5", "--mechanism", "fine:1", "--json")[1]
    assert "ledger" in json.loads(found)


def test_a_run_shows_its_ledger(evolve: Command, tmp_path: Path) -> None:
    file = tmp_path / "fined.toml"
    file.write_text(
        "generations = 2\n[rules]\nturns = 5\n[population]\nsize = 6\n"
        '[[mechanism]]\nkind = "escrow"\nbond = 1.0\nfee = 0.25\n'
    )
    assert "fees 0.25, bonds 1," in evolve("run", str(file), "--out", str(tmp_path / "run"))[1]
    found = json.loads(evolve("show", str(tmp_path / "run"), "--json")[1])["ledger"]
    assert found["fees"] == pytest.approx(0.25) and set(found) == {*ITEMS, "operator"}


SMALL = {"genome": {"x": 0, "y": 1}, "population": {"size": 20}, "rules": {"turns": 10}, "generations": 20}


def test_mechanisms_are_part_of_an_experiment() -> None:
    text = '[[mechanism]]\nkind = "fine"\nfine = 2.5\ndetection = 0.8\n[[mechanism]]\nkind = "escrow"\nbond = 1.0\n'
    experiment = evolve.Experiment.parse(text)
    assert experiment.rules_value.mechanisms == (parse("fine:2.5,detection=0.8"), parse("escrow:1"))
    assert evolve.Experiment.parse(experiment.to_toml()) == experiment
    assert experiment.changed(seed=2).mechanism == experiment.mechanism
    assert hash(experiment)
    swept = evolve.Experiment.parse(text, {"mechanism.0.fine": 3})
    assert swept.rules_value.mechanisms[0] == parse("fine:3,detection=0.8")
    assert swept.results_key() != experiment.results_key()
    assert "mechanism" not in evolve.Experiment().results_key() + evolve.Experiment().to_toml()
    for wrong, message in (
        ({"mechanism.2.fine": 3}, "mechanism.2.fine: expected a number below 2"),
        ({"mechanism.0.fine": -1}, "mechanism.0: fine.fine: expected fine >= 0, got -1"),
        ({"mechanism.0.kind": "fin"}, "mechanism.0: mechanism: expected fine"),
        ({"mechanism.0.to": 3}, "mechanism.0: fine.to: expected text, got 3"),
        ({"mechanism": [{"kind": "hazard", "hazard": 0.1}]}, "hazard: expected a continuation probability"),
    ):
        with pytest.raises(ExperimentError, match=message):
            evolve.Experiment.parse(text, wrong)


def test_cooperation_evolves_when_the_fine_deters() -> None:
    def cooperation(fine: float) -> float:
        experiment = evolve.Experiment(**SMALL, mechanism=[{"kind": "fine", "fine": fine}])
        *_, last = evolve.generations(experiment)
        return last.cooperation

    assert cooperation(0.0) < 0.3 and cooperation(3.0) > 0.7


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_societies_keep_a_ledger_too(noise: float) -> None:
    rules = {"play": "sipd", "turns": 5, "noise": noise, "replicates": 2}
    small = {"genome": {"x": 0, "y": 1}, "population": {"size": 6}, "generations": 3}
    experiment = evolve.Experiment(**small, rules=rules, mechanism=["fine:1,monitoring=0.25"])
    *_, last = evolve.generations(experiment)
    assert last.ledger == pytest.approx((1 - last.cooperation, 0, 0.25, 0, 0, 0))
    with pytest.raises(ExperimentError, match="mechanism: expected those that keep no state of a pair"):
        evolve.Experiment(**small, rules=rules, mechanism=["quota:1,window=2"])


@pytest.mark.parametrize("update", ["moran", "imitation", "rare"])
def test_every_update_rule_lives_under_mechanisms(update: str) -> None:
    experiment = evolve.Experiment(
        genome={"x": 0, "y": 1}, population={"size": 8}, generations=6, rules={"turns": 6},
        selection={"update": update}, mechanism=["quota:1,window=2", "fine:0.5"],
    )  # fmt: skip
    *_, last = evolve.generations(experiment)
    assert last.cooperation >= 0.5 and len(last.ledger) == 6
