"""Experiment files: they read back, every mistake is explained, the template and the examples are right."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from engine.names import names_of
from evolve import Experiment, ExperimentError, generations
from evolve.kinds import KINDS
from genomes import catalogue
from genomes.counting import CountingStrategy
from tests.evolutions import FORMULAS, MACHINES, NOISY, SMALL
from tests.runs import ROOT


def test_an_experiment_reads_back_from_its_text() -> None:
    for experiment in (SMALL, NOISY, Experiment()):
        assert Experiment.parse(experiment.to_toml()) == experiment


def test_all_mistakes_are_reported_at_once_with_their_path() -> None:
    text = """
    sead = 3
    [population]
    size = -1
    seeds = [{strategy = "grimm", share = 2.0}]
    [rules]
    turns = 5
    continuation = 0.5
    [selection]
    method = "roulete"
    [genome]
    x = 9
    y = 9
    [fitness]
    panel = ["tft", "zzz"]
    """
    with pytest.raises(ExperimentError) as caught:
        Experiment.parse(text)
    lines = str(caught.value).splitlines()
    for start in (
        "sead: expected a known key, got 'sead' (nearest: seed",
        "population.size: expected at least 2, got -1",
        "population.seeds.0.share: expected at most 1, got 2.0",
        "rules.turns: expected only one of turns, continuation, limit_of_means",
        "selection.method: expected 'tournament', 'truncation', 'roulette', 'stochastic_universal' or",
        "genome: expected x + y <= 12, got 9 + 9",
        "fitness.panel: strategy: expected a known name, got 'zzz'",
    ):
        assert any(line.startswith(start) for line in lines), f"{start!r} not in {lines}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"population": {"seeds": [{"strategy": "grimm", "share": 0.5}]}},
            "population.seeds.0.strategy: .*'grimm'",
        ),
        ({"population": {"seeds": [{"strategy": "soft_majo", "share": 0.5}]}}, "has no reply table"),
        ({"population": {"seeds": [{"strategy": "gtft", "share": 0.5}]}}, "genome.stochastic = true"),
        (
            {"population": {"seeds": [{"strategy": "all_c", "share": 0.7}] * 2}},
            "shares that add up to at most 1, got 1.4",
        ),
        ({"selection": {"survivors": 200}}, r"survivors \+ immigrants <= population.size"),
        (
            {"game": {"S": -1}, "selection": {"method": "roulette"}},
            "expected baseline >= 1 for these payoffs, got 0",
        ),
        ({"fitness": {"opponents": "panel"}}, "expected a panel exactly when"),
        (
            {"fitness": {"opponents": "both", "panel": ["gradual"]}, "rules": {"continuation": 0.9}},
            "gradual: counts without bound",
        ),
        (
            {"genome": {"kind": "tree"}},
            "genome.kind: expected 'lookup', 'formula', 'machine' or 'group', got 'tree'",
        ),
        ({"genome": {"kind": "machine", "x": 3}}, "genome.x: expected a known key, got 'x'"),
        (
            {"genome": {"kind": "machine", "states": 20}},
            "^genome.states: expected at most genome.max_states = 16, got 20",
        ),
        *(
            (
                {
                    "genome": {"kind": "machine"},
                    "rules": {"turns": 9, "noise": noise},
                    "population": {"seeds": [{"strategy": strategy, "share": 0.5}]},
                },
                f"population.seeds.0.strategy: {message}",
            )
            for strategy, noise, message in (
                ("gradual", 0, "expected a strategy of finitely many states, got 'gradual'"),
                ("vulture", 0, "expected a strategy of finitely many states, got 'vulture'"),
                ("gtft", 0, "expected pure moves, got 'gtft', which has probabilities"),
                ("pavlov", 0.1, "expected a strategy that sees the opponent's moves alone, since moves slip"),
                (
                    "memory(0,6) " + "".join("CD"[pow(3, k, 79) & 1] for k in range(70)),
                    0,
                    r"expected at most genome.max_states = 16 states, got 'memory\(0,6\).* with 49",
                ),
            )
        ),
        ({"genome": {"kind": "formula", "x": 3}}, "genome.x: expected a known key, got 'x'"),
        ({"rules": {"play": "sipd", "continuation": 0.9}}, "a society plays a fixed number of rounds"),
        ({"rules": {"society": 9}}, "expected it only with play = 'sipd', got 9"),
        (
            {
                "genome": {"kind": "formula"},
                "population": {"seeds": [{"strategy": "absolutist", "share": 0.5}]},
            },
            "a formula about r and c alone",
        ),
        (
            {"genome": {"kind": "formula"}, "population": {"seeds": [{"strategy": "gradual", "share": 0.5}]}},
            "expected a formula or the name of one, got 'gradual'",
        ),
        ({"fitness": {"opponents": "panel", "panel": ["vulture"]}}, "vulture', which looks at third parties"),
        (
            {"rules": {"play": "sipd"}, "fitness": {"sample": 20}},
            "fitness.sample: expected none with rules.play",
        ),
        ({"fitness": {"sample": 201}}, "fitness.sample: expected at most population.size = 200, got 201"),
        (
            {"fitness": {"sample": 9, "opponents": "panel", "panel": ["all_d"]}},
            "fitness.sample: expected opponents",
        ),
        ({"name": "a/b"}, "a name that can be a folder's name, got 'a/b'"),
        ({"name": "a\nb"}, "a name that can be a folder's name"),
        ({"name": ""}, "a name that can be a folder's name, got ''"),
        ({"game": {"T": 1e200}}, "^game.T: expected a number within"),
        ({"game": 3}, "^game: expected a section, got 3"),
        ({"population": {"size": True}}, "^population.size: expected a number, got true"),
        ({"population": {"seeds": 3}}, "^population.seeds: expected a list, got 3"),
        ({"population": {"seeds": [{"share": 0.5}]}}, "seeds.0.strategy: expected a value, got none"),
        ({"seed": "x"}, "^seed: expected a whole number, got 'x'"),
    ],
)
def test_inconsistent_experiments_are_explained(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        Experiment(**changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = '\xe9'", "a TOML file in UTF-8, got .* with byte 0xe9 at 8"),
        (b"a = " + b"[" * 5000, "brackets nested too deeply"),
        (b"a." * 200_000 + b"b = 1", "at most 16 deep, got a key with more parts"),
        (b'["a" . ' + b"a." * 200_000 + b"b]", "at most 16 deep, got a key with more parts"),
        (b"seed = 1\nseed = 2", "expected TOML, got a mistake"),
    ],
)
def test_a_file_that_is_no_toml_is_explained(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "experiment.toml"
    file.write_bytes(content)
    with pytest.raises(ExperimentError, match=message):
        Experiment.load(file)


def test_seeding_takes_the_genome_of_the_experiments_kind() -> None:
    assert str(SMALL.seed_genome("tit_for_tat")) == "memory(1,1) cCDCD"
    assert str(FORMULAS.seed_genome("tit_for_tat")) == "D(c,r,p)"


def test_a_machine_is_seeded_with_any_strategy_of_pure_moves_and_finitely_many_states() -> None:
    genomes, roomy = {}, MACHINES.changed(genome={"max_states": 64})
    for entry in catalogue.ENTRIES:
        try:
            genomes[entry.name] = roomy.seed_genome(entry.name)
        except ValueError:
            assert not entry.pair_only or isinstance(entry.table, CountingStrategy) or "|" in str(entry.table)
    assert len(genomes) >= 18 and str(genomes["tit_for_tat"]) == "machine(1) c0 C0D0"
    for name, genome in genomes.items():
        assert name in names_of(genome)
    assert str(MACHINES.seed_genome("exists t. D(c,r,t)")) == str(genomes["grim"])
    noisy = MACHINES.changed(rules={"noise": 0.01})
    assert noisy.seed_genome("grim") == genomes["grim"] and "spiteful" not in names_of(
        genomes["grim"], noisy=True
    )


def test_the_template_shows_every_kind_of_genome_with_its_defaults() -> None:
    template = (ROOT / "evolve" / "experiment" / "template.toml").read_text()
    blocks = re.findall(r"^(?:# )?\[genome\].*\n((?:(?:# )?\w.*\n)+)", template, re.MULTILINE)
    shown = [tomllib.loads(re.sub("^# ", "", block, flags=re.MULTILINE)) for block in blocks]
    assert [genome["kind"] for genome in shown] == list(KINDS)
    for genome in shown:
        assert genome == KINDS[genome["kind"]]().model_dump(exclude_none=True)


def test_the_template_is_the_default_experiment() -> None:
    template = (ROOT / "evolve" / "experiment" / "template.toml").read_text()
    written = Experiment.parse(template.replace("{name}", "experiment"))
    filled = Experiment(rules={"turns": 200}, selection={"survivors": 100})
    assert written == filled


def test_every_example_is_a_valid_experiment_that_runs() -> None:
    files = sorted((ROOT / "examples").glob("*.toml"))
    assert len(files) >= 3
    for file in files:
        experiment = Experiment.load(
            file, {"generations": 2, "population.size": 20, "selection.survivors": 5}
        )
        if (
            experiment.fitness.opponents != "field"
        ):  # thousands of real matches, and a library that may not be there
            assert sum(1 for _ in generations(experiment)) == 3
