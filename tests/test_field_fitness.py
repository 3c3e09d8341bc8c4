"""Evolution against a field: the same bits wherever and however often it is taken up, and a field that is watched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.fields.declared import CACHE, Field
from engine.fields.python_classes import ALLOWED
from evolve import Experiment, ExperimentError, generations
from evolve.fitness.field import FieldEvaluation, reached
from tests.conftest import Command
from tests.evolutions import run_hash

FIELD = {"opponents": "field", "field": ["lifl", "memory(1,1) dDCCC"], "field_seeds": 2}
RACED = Experiment(
    seed=3,
    generations=8,
    genome={"kind": "machine", "states": 4, "max_states": 6},
    rules={"turns": 30},
    population={"size": 16},
    selection={"survivors": 5},
    variation={"mutation": 0.1},
    fitness=FIELD | {"racing": True},
)
NOISY = RACED.changed(rules={"noise": 0.02}, fitness={"racing": False, "field_renewed": 3})


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_resumed_is_uninterrupted_with_a_memo_or_without_and_on_any_number_of_workers(
    cache: Path, tmp_path: Path
) -> None:
    whole = run_hash(tmp_path / "whole", RACED)
    assert list(cache.glob("answers-*"))
    run_hash(tmp_path / "parts", RACED.changed(generations=3))
    shutil.rmtree(cache)
    assert run_hash(tmp_path / "parts", RACED, workers=2) == whole


def test_survivors_of_a_race_earn_what_they_earn_when_everybody_is_played() -> None:
    exact = FieldEvaluation(RACED.changed(fitness={"racing": False}))
    for generation in generations(RACED):
        genomes = [birth.genome for birth in generation.population]
        truth = exact([RACED.seed_genome(text) for text in genomes], generation.number).fitness
        best = sorted(generation.fitness)[-RACED.survivors :]
        assert (
            best
            == sorted(
                earned for earned, true in zip(generation.fitness, truth, strict=True) if earned == true
            )[-RACED.survivors :]
        )


def test_seeds_are_the_same_for_all_and_renewed_by_the_declared_rhythm() -> None:
    evaluation = FieldEvaluation(NOISY)
    seeds = [evaluation.lanes(number).seeds.tolist() for number in range(7)]
    assert seeds[0] == seeds[2] != seeds[3] == seeds[5] != seeds[6]
    *_, last = generations(NOISY.changed(generations=4))
    assert 0 < reached(NOISY, last).difference_error < 1


def test_islands_meet_one_field(tmp_path: Path) -> None:
    apart = RACED.changed(generations=4, islands={"number": 2, "interval": 2, "migrants": 1})
    assert run_hash(tmp_path / "one", apart) == run_hash(tmp_path / "two", apart, workers=2)


def test_opponents_held_out_decide_nothing_and_weights_do() -> None:
    some = RACED.changed(fitness={"held_out": ["all_d", "gradual"], "field_weights": {"pavlov": 3.0}})
    evaluation = FieldEvaluation(some)
    names = {evaluation.field.opponents[k].name for k in evaluation.trained}
    assert len(names) == 16 and not names & {"all_d", "gradual"}
    lanes = evaluation.lanes(0)
    share = lanes.weights[lanes.opponents == evaluation.field.place("pavlov")].sum() / lanes.total
    assert share == pytest.approx(3 / 18)


def test_a_field_is_part_of_what_a_run_is_and_a_change_of_it_is_noticed() -> None:
    assert RACED.fitness.field_digests == Field.load(FIELD["field"]).digests  # type: ignore[arg-type]
    assert Experiment.parse(RACED.to_toml()) == RACED
    other = RACED.changed(fitness={"field_digests": {"lifl": "0" * 16, "memory(1,1) dDCCC": "1" * 16}})
    assert other.results_key() != RACED.results_key()
    with pytest.raises(ValueError, match="that it was made with, got others behind 'lifl'"):
        next(generations(other))


def test_a_class_of_the_same_name_with_another_source_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ALLOWED, "mine")
    monkeypatch.syspath_prepend(tmp_path)
    source = Path(__file__).with_name("foreign.py").read_text("utf-8")
    (tmp_path / "mine.py").write_text(source)
    made = RACED.changed(generations=0, fitness={"field": ["all_d", "mine:Counter"], "field_digests": {}})
    assert next(generations(made)).fitness
    (tmp_path / "mine.py").write_text(source.replace("% 3 == 0", "% 2 == 0"))
    with pytest.raises(
        ValueError, match="got others behind 'mine:Counter': another version, or another class"
    ):
        next(generations(made))


def test_what_an_experiment_names_runs_only_when_the_user_allows_it(evolve: Command, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(ran)!r}, 'w')\n")
    file = tmp_path / "x.toml"
    file.write_text('[fitness]\nopponents = "field"\nfield = ["evil:Class"]\n')
    code, _, told = evolve("run", str(file), "--out", str(tmp_path / "run"))
    assert code == 1 and "--allow evil" in told and len(told.splitlines()) == 1 and not ran.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fitness": {"field": []}}, "expected a field exactly when opponents is 'field'"),
        ({"fitness": {"opponents": "population"}}, "expected a field exactly when opponents is 'field'"),
        ({"rules": {"turns": None, "continuation": 0.9}}, "rules.turns: expected a fixed number of turns"),
        ({"selection": {"update": "moran"}}, "fitness.racing: expected update = 'generational'"),
        ({"selection": {"survivors": 0}}, "fitness.racing: expected selection.survivors of at least 1"),
        ({"fitness": {"parsimony": 0.1}}, "fitness.racing: expected no parsimony"),
        ({"fitness": {"sample": 4}}, r"fitness.sample: expected none with opponents = 'field'"),
        ({"fitness": {"field_seeds": 0}}, "fitness.field_seeds: expected at least 1, got 0"),
    ],
)
def test_a_contradiction_is_a_line(changes: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        RACED.changed(**changes)


def test_who_meets_no_field_has_no_keys_of_it() -> None:
    with pytest.raises(ExperimentError, match=r"fitness\.racing: expected it only with"):
        Experiment(fitness={"racing": True})
    assert "field" not in Experiment().results_key()


def test_names_that_are_not_in_the_field_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"expected the name of an opponent, got 'gradul' \(nearest: gradual"
    ):
        FieldEvaluation(RACED.changed(fitness={"held_out": ["gradul"]}))


def test_commands_list_show_and_judge(evolve: Command, tmp_path: Path) -> None:
    code, listed, _ = evolve(
        "field", "list", "--field", "lifl", "--field", "tests.foreign:Counter", "--allow", "tests.foreign"
    )
    assert code == 0 and "17 automata" not in listed and "1 deterministic, 1 stochastic" in listed
    code, shown, _ = evolve("field", "show", "random", "--field", "lifl", "--json")
    assert code == 0 and json.loads(shown)["kind"] == "stochastic"
    run_hash(tmp_path / "run", RACED)
    code, judged, _ = evolve("judge", str(tmp_path / "run"), "--repetitions", "3", "--seeds", "5", "--json")
    found = json.loads(judged)
    assert code == 0 and found["of"] == 19 and len(found["meetings"]) == 18 and found["training_seeds"] > 1
    code, _, _ = evolve(
        "export", str(tmp_path / "run"), "--to", "axelrod", "--out", str(tmp_path / "player.py")
    )
    assert code == 0 and "class Evolved(axl.FSMPlayer)" in (tmp_path / "player.py").read_text()
    code, text, _ = evolve("export", "machine(2) c0 C0D1 D1D1", "--to", "axelrod")
    assert code == 0 and "(0, D, 1, D)," in text
    code, text, _ = evolve("judge", "tit_for_tat", "--field", "lifl", "--repetitions", "2", "--turns", "20")
    assert code == 0 and "rank" in text and "loses to" in text
    code, _, told = evolve("judge", "tit_for_tat", "--field", "lifl", "--seeds", "x")
    assert code == 1 and told.startswith("evolve: seeds: expected 'fresh' or a whole number, got 'x'")
    code, shown, _ = evolve("show", str(tmp_path / "run"))
    assert code == 0 and "a difference in payoff has the standard error" in shown
