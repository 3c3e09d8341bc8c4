"""Laws that have changed: what older runs and studies say of themselves is still done to the bit.

The digests come from the program as it was before `genome.diagonal`, `rules.quantifiers` and version 2 of the laws.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from evolve import Experiment, ExperimentError, generations
from evolve.invasion.laws import panel
from evolve.invasion.replicates import follow
from evolve.invasion.run import FILE, run_study
from evolve.invasion.study import Study
from evolve.kinds import Formulas
from genomes import catalogue

RUN = """
seed = 5
generations = 6
[rules]
play = "sipd"
turns = 12
[genome]
kind = "formula"
max_complexity = 15
[population]
size = 24
[variation]
mutation = 0.5
immigrants = 4
"""
RUN_KEY = "98c41959d477089ec82da726da046820a53a775d0034babff5f058d5d2c2e11a"
RUN_RESULT = "1a1c8062a3a28755ac707ca68e34c31c88038bdbd11fdf83acde79188270729a"

STUDIES = {
    "global": (
        "c0c42f80b0faea62c8c50fe4fac240390e6f4dcf32d72359ea57b8c468f437d6",
        "442bef34a2d519e4d424de7619024040770feb8e62b02794a01fe5f6a0237766",
    ),
    "local": (
        "4e32bfbed6357817769994f4f9f3a966da91e4f0023c1773b341fc6d60fdb19d",
        "6cc6fd0264e5bb003a52c28b14f9c38aceb2bae7a0c86ff7426cd50467098916",
    ),
    "adversarial": (
        "328ff786b5a06b12869d666bc41b4e3e2c0dad279216eb26ecb998f79f706431",
        "adab8bf387500c444423a9807bee8fac7e4f6c816864af0a4d87a0cf53c19857",
    ),
}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def study(law: str, **more: Any) -> Study:
    sections: dict[str, Any] = {
        "rules": {"play": "sipd", "turns": 10},
        "genome": {"kind": "formula", "max_complexity": 20},
        "population": {"size": 12},
        "seed": 3,
    }
    options: dict[str, Any] = {"law": law, "replicates": 3, "generations": 8, "controls": ["all_c", "random"]}
    return Study.of(["vulture", "grim"], sections, **(options | more))


def test_a_run_from_before_the_key_goes_on_under_the_older_law():
    older = Experiment.recorded(RUN)
    assert getattr(older.genome, "diagonal", None) is True
    assert sha(older.results_key()) == RUN_KEY
    seen = hashlib.sha256()
    for generation in generations(older):
        for birth, fitness in zip(generation.population, generation.fitness, strict=True):
            seen.update(f"{birth.genome} {fitness!r}\n".encode())
    assert seen.hexdigest() == RUN_RESULT
    assert Experiment.recorded(older.to_toml()) == older


def test_a_new_experiment_has_the_new_law_and_says_so():
    new = Experiment.parse(RUN)
    assert "diagonal = false" in new.to_toml() and "diagonal = false" in new.results_key()
    assert Experiment.recorded(new.to_toml()) == new
    assert sha(new.results_key()) != RUN_KEY


def test_what_the_keys_do_not_change_has_the_same_identity_as_ever():
    two = Experiment(genome={"kind": "formula"})
    assert "diagonal" not in two.results_key()
    assert "quantifiers" not in Experiment().results_key() + Experiment.parse(RUN).results_key()
    over_others = Experiment(rules={"play": "sipd", "turns": 5, "quantifiers": "others"})
    assert 'quantifiers = "others"' in over_others.results_key()


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"rules": {"quantifiers": "others"}}, "quantifiers: expected 'all' with play = 'ipd', got 'others'"),
        (
            {"genome": {"kind": "formula", "diagonal": True}},
            "genome.diagonal: expected false with rules.play",
        ),
        (
            {"rules": {"play": "sipd", "turns": 5, "quantifiers": "some"}},
            "rules.quantifiers: expected 'all' or",
        ),
    ],
)
def test_keys_that_mean_nothing_here_are_refused(sections, said):
    with pytest.raises(ExperimentError, match=said):
        Experiment(**sections)


@pytest.mark.parametrize("law", STUDIES)
def test_a_study_under_version_1_does_what_it_did(law):
    key, result = STUDIES[law]
    first = study(law, version=1)
    assert sha(first.results_key()) == key
    outcomes = [follow(first, task) for task in first.tasks()]
    assert (
        sha(repr([(o.label, o.replicate, o.lost, o.time, o.mutants, o.invader) for o in outcomes])) == result
    )


def test_the_version_tells_studies_apart_only_where_the_laws_do():
    assert sha(study("global").results_key()) != STUDIES["global"][0]
    assert Study.of(["tit_for_tat"]).results_key() == Study.of(["tit_for_tat"], version=1).results_key()
    with pytest.raises(ExperimentError, match=r"expected true with invasion\.version = 1"):
        sections: dict[str, Any] = {
            "rules": {"play": "sipd"},
            "genome": {"kind": "formula", "diagonal": False},
        }
        Study.of(["grim"], sections, version=1)


def test_a_folder_of_version_1_can_be_gone_on_with_and_is_told_from_others(tmp_path: Path):
    few: dict[str, Any] = {"replicates": 2, "generations": 3, "controls": []}
    run_study(study("global", version=1, **few), tmp_path)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(ValueError, match=r"write version = 1 under \[invasion\]"):
        run_study(study("global", **few), tmp_path)
    again = Study.parse(study("global", version=1, **few).to_toml(), name="experiment")
    run_study(again, tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


def test_the_panel_is_what_it_was_whatever_the_catalogue_learns(monkeypatch: pytest.MonkeyPatch):
    assert len(Formulas.adversaries) == 13
    assert sha(" ".join(Formulas.adversaries))[:12] == "63fc40e82c89"
    experiment = study("adversarial").experiment
    panel.cache_clear()
    before = panel(experiment, "D(c,r,p)")
    known = catalogue.names
    monkeypatch.setattr(catalogue, "names", lambda *sets: (*known(*sets), "exists j. not D(j,c,p)"))
    panel.cache_clear()
    assert panel(experiment, "D(c,r,p)") == before
    panel.cache_clear()
