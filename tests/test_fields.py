"""Fields: what opponents are, what the memo knows of them, what they pay, and what a race may leave out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Rules, round_robin
from engine.fields import python_classes
from engine.fields.answers import AnswerFile, packed, unpacked
from engine.fields.declared import Field, automaton_of
from engine.fields.matches import Job, one_match
from engine.fields.memo import Memo, Walkers
from engine.fields.opponents import FieldError
from engine.fields.python_classes import ALLOWED, allow, opponents
from engine.fields.scoring import race, score
from engine.fields.trying import trial
from genomes import parse
from genomes.automaton import Automaton
from genomes.variation.lookups import random_lookups
from genomes.variation.machines import random_machines
from tests import fields_reference as plain
from tests import foreign

GOOD = ["tit_for_tat", "random", "tests.foreign:Counter", "tests.foreign:Moody", "tests.foreign:Global"]
TRIED = python_classes.tried
RULES = (Rules(turns=70), Rules(turns=130, noise=0.05))


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(ALLOWED, "tests.foreign")
    monkeypatch.setattr(python_classes, "tried", lambda entry, digest: trial(entry))  # here, which is quicker
    yield


@pytest.fixture
def field() -> Field:
    return Field.load(GOOD)


def strangers(rules: Rules, seed: int = 1) -> list[Automaton]:
    """Machines and tables, some of them with chance."""
    rng = np.random.default_rng(seed)
    some = [
        *random_machines(8, 5, rng),
        *random_lookups(6, 2, 2, False, rng),
        *random_lookups(3, 1, 1, True, rng),
    ]
    return [automaton_of(genome, rules) for genome in some]


def test_a_field_says_what_each_opponent_is(field: Field) -> None:
    assert [o.kind for o in field.opponents] == [
        "automaton", "stochastic", "deterministic", "stochastic", "stochastic"
    ]  # fmt: skip
    assert field.place("random") == 1 and len(set(field.digests.values())) == len(GOOD)
    assert field.digests == Field.load(GOOD).digests


@pytest.mark.parametrize("rules", RULES, ids=str)
def test_the_memo_answers_as_the_players_do_move_by_move(rules: Rules, field: Field) -> None:
    automata = strangers(rules)
    walkers, memo = Walkers(automata), Memo(field, rules)
    lanes = field.lanes([3, 4, 5], rules)
    numbers = memo.lanes(lanes, mixed=walkers.mixed)
    for _ in range(2):  # played, then known
        for k, automaton in enumerate(automata):
            found = memo.meet(walkers, np.full(len(numbers), k), numbers)
            ours, theirs = (
                unpacked(memo.own[found.match], memo.turns),
                unpacked(memo.answers[found.match], memo.turns),
            )
            for lane, (place, seed) in enumerate(
                zip(lanes.opponents.tolist(), lanes.seeds.tolist(), strict=True)
            ):
                opponent = field.opponents[place]
                assert opponent.make is not None
                moves = plain.match(automaton, opponent, opponent.make(), seed, rules)
                assert list(zip(ours[lane].tolist(), theirs[lane].tolist(), strict=True)) == moves
                assert found.counts[lane].tolist() == [
                    sum(a for a, _ in moves), sum(b for _, b in moves), sum(a * b for a, b in moves)
                ]  # fmt: skip
    assert memo.misses <= memo.hits


@pytest.mark.parametrize("rules", RULES, ids=str)
def test_fitness_is_the_mean_over_opponents_of_the_mean_over_seeds(rules: Rules, field: Field) -> None:
    automata = strangers(rules, 2)
    found = score(Memo(field, rules), automata, field.lanes([3, 4, 5], rules))
    for k, automaton in enumerate(automata):
        assert found.fitness[k] == pytest.approx(plain.fitness(automaton, field, [3, 4, 5], rules), abs=1e-12)
    assert found.exact.all() and found.difference_error() > 0


def test_against_automata_of_ours_alone_fitness_is_that_of_the_exact_round_robin() -> None:
    names = ["tit_for_tat", "grim", "pavlov", "gradual", "all_d"]
    rules = Rules(turns=50)
    field = Field.load(names)
    mine = parse("memory(1,2) ccCDCDDCDD")
    lanes = field.lanes([1], rules)
    earned = score(Memo(field, rules), [automaton_of(mine, rules)], lanes).fitness[0]
    table = round_robin([mine, *names], rules)
    assert len(lanes) == len(names) and earned == table.payoffs[0, 1:].mean()


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32), kept=st.integers(1, 7), noisy=st.booleans(), states=st.integers(1, 6))
def test_a_race_keeps_the_best_and_pays_them_exactly(seed: int, kept: int, noisy: bool, states: int) -> None:
    rules = Rules(turns=40, noise=0.02 if noisy else 0.0)
    field = Field.load(["tit_for_tat", "per_ddc", "grim", "random", "prober"])
    rng = np.random.default_rng(seed)
    automata = [automaton_of(g, rules) for g in random_machines(16, states, rng)]
    lanes = field.lanes([1, 2], rules)
    truth = score(Memo(field, rules), automata, lanes).fitness
    order = np.argsort(-truth[:8], kind="stable")
    first = [automata[k] for k in order[:kept].tolist()]
    others = [automata[k] for k in order[kept:].tolist()] + automata[8:]
    warm = Memo(field, rules)
    score(warm, automata[::3], lanes)  # what is known already changes nothing
    raced, again = (race(memo, first, others, lanes, kept) for memo in (Memo(field, rules), warm))
    assert (raced.fitness == again.fitness).all() and (raced.exact == again.exact).all()
    truth = np.array([score(warm, [a], lanes).fitness[0] for a in (*first, *others)])
    assert (raced.fitness[raced.exact] == truth[raced.exact]).all() and raced.exact[:kept].all()
    border = np.sort(raced.fitness[raced.exact])[-kept]
    assert (raced.fitness[~raced.exact] < border).all()


def test_a_race_drops_early_who_earns_less_everywhere_and_its_estimate_is_what_the_lanes_played_tell() -> (
    None
):
    rules = Rules(turns=40)
    names = [
        "tit_for_tat",
        "grim",
        "tf2t",
        "soft_majo",
        "pavlov",
        "hard_tft",
        "random",
        "generous_tit_for_tat",
    ]
    field = Field.load(names)
    lanes, memo = field.lanes(range(8), rules), Memo(field, rules)
    kept, newcomer = (automaton_of(parse(text), rules) for text in ("memory(1,1) cCCDD", "memory(0,0) D"))
    raced = race(memo, [kept], [newcomer], lanes, 1)
    truth = score(Memo(field, rules), [newcomer], lanes).fitness[0]
    again = -(-memo.hits // 16384) + 2
    assert not raced.exact[1] and memo.misses <= len(lanes) + 12 + again
    assert raced.fitness[1] == pytest.approx(truth, abs=0.6) and truth < raced.fitness[0]


def test_lanes_are_those_that_change_something_and_weigh_as_declared(field: Field) -> None:
    lanes = field.lanes([1, 2, 3], Rules(), weights={"random": 2.0})
    assert [(lanes.opponents == k).sum() for k in range(5)] == [1, 3, 1, 3, 3]
    assert [lanes.weights[lanes.opponents == k].sum() for k in range(5)] == [3, 6, 3, 3, 3]
    assert len(field.lanes([1, 2, 3], Rules(noise=0.1))) == 15
    with pytest.raises(FieldError, match="a fixed number of turns"):
        field.lanes([1], Rules(continuation=0.9))


def test_a_memo_stays_within_its_size_and_forgets_no_truth(field: Field) -> None:
    rules, automata = Rules(turns=64), strangers(Rules(turns=64), 3)
    lanes = field.lanes(list(range(8)), rules)
    small, large = Memo(field, rules, most_bytes=1), Memo(field, rules)
    for k in range(0, len(automata), 2):
        some = automata[k : k + 2]
        assert (score(small, some, lanes).payoffs == score(large, some, lanes).payoffs).all()
    assert small.count < large.count and large.size > 0


def test_answers_outlive_a_process_and_a_damaged_or_deleted_file_is_no_harm(
    field: Field, tmp_path: Path
) -> None:
    rules, automata = RULES[0], strangers(RULES[0])
    lanes = field.lanes([7, 8], rules)
    first = Memo(field, rules, folder=tmp_path)
    earned = score(first, automata, lanes).payoffs
    (file,) = tmp_path.glob("answers-*.bin")
    second = Memo(field, rules, folder=tmp_path)
    assert (score(second, automata, lanes).payoffs == earned).all()
    assert first.misses > 0 and second.misses == 0
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content[:-3])
    third = Memo(field, rules, folder=tmp_path)
    assert (score(third, automata, lanes).payoffs == earned).all() and 0 < third.misses < first.misses
    file.write_bytes(os.urandom(999))
    fourth = Memo(field, rules, folder=tmp_path)
    assert (score(fourth, automata, lanes).payoffs == earned).all() and fourth.misses == first.misses


def test_the_file_is_a_list_of_rows_that_reads_back(tmp_path: Path) -> None:
    moves = np.random.default_rng(1).integers(0, 2, (5, 130)).astype(np.int8)
    assert (unpacked(packed(moves), 130) == moves).all()
    file = AnswerFile(tmp_path, Rules(turns=130), 3, 1000)
    keys = [bytes([k]) * 16 for k in range(5)]
    file.append(keys, packed(moves), packed(1 - moves))
    lanes, own, answers = file.read({keys[3]: 30, keys[1]: 10, b"x" * 16: 5})
    assert sorted(lanes.tolist()) == [10, 30]
    assert (own == packed(moves)[[1, 3]][np.argsort(lanes).argsort()]).all()
    assert (answers == packed(1 - moves)[[1, 3]][np.argsort(lanes).argsort()]).all()


def test_an_opponent_that_plays_otherwise_when_asked_again_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    field = Field.load(["tests.foreign:Changeable", "all_d"])
    rules, automata = Rules(turns=20), strangers(Rules(turns=20))
    memo, lanes = Memo(field, rules), field.lanes([1], Rules(turns=20))
    score(memo, automata, lanes)
    monkeypatch.setattr(foreign.Changeable, "MOVE", 1)
    with pytest.raises(
        FieldError, match=r"tests.foreign:Changeable to answer the same moves alike .* in turn 7 than"
    ):
        for _ in range(40):
            score(memo, automata, lanes)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Raises", "raises ZeroDivisionError: "),
        ("Nonsense", "raises FieldError: expected moves 0 (C) or 1 (D), got 7"),
        ("Remembers", "does not play alike twice with one seed"),
        ("Needy", "raises TypeError: "),
        (
            "Half",
            "raises FieldError: tests.foreign:Half: expected a class with reset, move and observe, got none with",
        ),
        ("Absent", "raises AttributeError: "),
        ("Counter", ""),
        ("Shouts", ""),
    ],
)
def test_a_trial_says_why_a_class_cannot_be_met(
    name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = str(trial(f"tests.foreign:{name}")["reason"])
    assert found.startswith(reason) and bool(found) == bool(reason) and capsys.readouterr().out == ""


def test_classes_that_sleep_or_leave_are_tried_in_a_process_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(python_classes, "tried", TRIED)
    monkeypatch.setattr(python_classes, "TRIAL_SECONDS", 5.0)
    for name, reason in (("Sleeps", "takes more than 5 s"), ("Leaves", "ends its process (exit code 3)")):
        (opponent,) = opponents(f"tests.foreign:{name}")
        assert opponent.kind == "unusable" and opponent.reason.startswith(reason)
    assert Field.load(["all_d", "tests.foreign:Leaves"]).usable == [0]


def test_what_a_player_prints_or_draws_leaves_no_trace(
    field: Field, capsys: pytest.CaptureFixture[str]
) -> None:
    import random

    random.seed(5)
    state = random.getstate()
    noisy = Field.load(["tests.foreign:Shouts", "tests.foreign:Global"])
    one_match(noisy, Rules(turns=9), automaton_of(parse("memory(1,1) dDDDD"), Rules(turns=9)), Job(0, 0, 1))
    one_match(noisy, Rules(turns=9), automaton_of(parse("memory(1,1) dDDDD"), Rules(turns=9)), Job(0, 1, 1))
    assert random.getstate() == state and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            ["tests.reference:Anything"],
            "expected a module that is allowed, got 'tests.reference:Anything'.*--allow",
        ),
        (["tit_for_tta"], "expected a known name, got 'tit_for_tta'"),
        (["vulture"], "a strategy for two players, got 'vulture'"),
        (["all_d", "all_d"], "expected every opponent once, got 'all_d' twice"),
        ([], "at least one opponent, got none"),
    ],
)
def test_a_field_that_cannot_be_is_refused_in_one_line(entries: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Field.load(entries)
    assert "\n" not in str(caught.value)


def test_modules_are_allowed_by_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ALLOWED)
    with pytest.raises(FieldError, match="is allowed"):
        Field.load(["tests.foreign:Counter"])
    with pytest.raises(ValueError, match="allow: expected the name of a module, got 'os;x'"):
        allow("os;x")
    with pytest.raises(FieldError, match="a module that Python finds, got 'no_such_module_here'"):
        allow("no_such_module_here")
        Field.load(["no_such_module_here:Any"])
