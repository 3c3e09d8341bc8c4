"""The loop: determinism, fitness against the oracle, and what theory says of selection, drift and variation."""

from __future__ import annotations

import os
import random
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evolve import Experiment, ExperimentError, generations, island, updates
from evolve.fitness import evaluation
from evolve.fitness.round_robin import Evaluation
from evolve.operators import toolbox
from evolve.population import first_population, seed_counts
from evolve.selection import METHODS
from evolve.streams import stream
from evolve.updates import next_population
from genomes import LookupGenome, catalogue, parse
from genomes.variation.lookups import cross_lookups, mutate_lookups, random_lookups
from results import Run
from tests import reference
from tests.conftest import Command
from tests.strategies import lookups, rule

SMALL = Experiment(
    seed=7,
    generations=30,
    genome={"x": 2, "y": 2},
    rules={"turns": 20},
    population={"size": 20, "seeds": [{"strategy": "tit_for_tat", "share": 0.3}]},
)
FORMULAS = Experiment(
    seed=3,
    generations=12,
    genome={"kind": "formula"},
    rules={"turns": 20},
    population={"size": 16, "seeds": [{"strategy": "tit_for_tat", "share": 0.3}]},
    variation={"mutation": 0.5, "immigrants": 3},
)
SOCIETY = FORMULAS.changed(rules={"play": "sipd"})
NOISY = SMALL.changed(rules={"noise": 0.05}, genome={"stochastic": True})


def run_hash(folder: Path, experiment: Experiment, workers: int = 1, **options: object) -> str:
    with Run.open(folder, experiment, **options) as run:  # type: ignore[arg-type]
        for generation in generations(experiment, start=run.latest(), workers=workers):
            run.append(generation)
        return run.hash


# --- determinism ---


@pytest.mark.parametrize(
    "experiment",
    [
        SMALL,
        NOISY,
        SMALL.changed(selection={"update": "moran"}),
        FORMULAS,
        SOCIETY,
        SOCIETY.changed(rules={"noise": 0.05, "society": 5, "replicates": 2}, generations=4),
    ],
    ids=["pure", "noisy", "moran", "formula", "society", "noisy societies"],
)
def test_a_run_taken_up_anywhere_is_the_uninterrupted_one(tmp_path: Path, experiment: Experiment) -> None:
    whole = run_hash(tmp_path / "whole", experiment)
    for stop in (0, experiment.generations // 2):
        run_hash(tmp_path / f"part{stop}", experiment.changed(generations=stop))
        assert run_hash(tmp_path / f"part{stop}", experiment) == whole


def test_workers_names_and_rhythm_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_hash(tmp_path / "a", NOISY)
    monkeypatch.setattr("engine.pairs.threads.WORTH_SHARING", 0.0)
    monkeypatch.setattr("evolve.fitness.round_robin.ROWS", 3)
    threads = NOISY.changed(name="other", run={"lineage": "full", "commit_every": 7})
    assert run_hash(tmp_path / "b", threads, 3, commit_every=7, lineage="full") == whole
    monkeypatch.setattr("evolve.fitness.round_robin.REMEMBERED", 0)
    assert run_hash(tmp_path / "c", NOISY) == whole


CHILD = """
import sys
import {first}
from evolve import Experiment, generations
from results import Run
from pathlib import Path
experiment = Experiment.parse(Path({file!r}).read_text())
with Run.open({folder!r}, experiment) as run:
    for generation in generations(experiment, start=run.latest()):
        run.append(generation)
    print(run.hash)
"""


def test_a_fresh_process_gives_the_same_hash_whatever_its_surroundings(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(SMALL.to_toml())
    hashes = set()
    for k, (hash_seed, first) in enumerate((("0", "json"), ("123", "scipy.stats"))):
        place = tmp_path / f"place{k}"
        place.mkdir()
        code = CHILD.format(file=str(file), folder=str(place / "run"), first=first)
        environment = os.environ | {
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": str(Path(__file__).parent.parent),
        }
        child = subprocess.run(
            [sys.executable, "-c", code],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        hashes.add(child.stdout.strip())
    assert hashes == {run_hash(tmp_path / "here", SMALL)}


def test_deap_neither_disturbs_nor_is_disturbed_by_the_global_generator() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    iterator = generations(SMALL)
    first = [next(iterator).fitness for _ in range(3)]
    assert random.random() == expected
    random.seed(99)
    iterator = generations(SMALL)
    assert [next(iterator).fitness for _ in range(3)] == first


@pytest.mark.parametrize("kind", ["lookup", "formula"])
def test_threads_that_draw_by_chance_meanwhile_change_no_run(kind: str) -> None:
    experiment = Experiment(
        generations=15, rules={"turns": 10}, genome={"kind": kind}, population={"size": 40}
    )
    calm = list(generations(experiment))
    over = threading.Event()

    def disturb() -> None:  # as the threads of a cluster's worker, or of a notebook, do
        while not over.is_set():
            random.random()

    threads = [threading.Thread(target=disturb) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    try:
        assert list(generations(experiment)) == calm
    finally:
        over.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()


def evolve_command(*words: str, cwd: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.Popen(
        [sys.executable, "-m", "evolve.cli", *words], cwd=cwd, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
def longer(tmp_path: Path) -> tuple[Path, str]:
    """An experiment file long enough to be killed in, and the hash of its uninterrupted run."""
    experiment = SMALL.changed(generations=1200, name="longer")
    file = tmp_path / "longer.toml"
    file.write_text(experiment.to_toml())
    return file, run_hash(tmp_path / "uninterrupted", experiment)


def progress(folder: Path) -> int:
    """The last generation in a run that may not be there yet."""
    try:
        with Run.read(folder) as run:
            return run.generation
    except ValueError:
        return -1


def wait_for(child: subprocess.Popen[str], folder: Path, generation: int) -> None:
    """Until the run is past a generation, however busy the machine is, or the child has ended."""
    deadline = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < deadline and progress(folder) <= generation:
        time.sleep(0.01)


def test_a_storm_of_kills_loses_nothing(tmp_path: Path, longer: tuple[Path, str]) -> None:
    file, whole = longer
    folder = tmp_path / "runs" / "longer"
    rng = random.Random(3)
    reached = [-1]
    while len(reached) < 7 and reached[-1] < 1200:
        child = evolve_command("run", str(file), cwd=tmp_path)
        wait_for(child, folder, reached[-1])
        time.sleep(rng.uniform(0, 0.1))
        child.kill()
        child.communicate()
        reached.append(progress(folder))
    assert reached == sorted(reached) and len(set(reached)) >= 4 and max(reached[:-1]) < 1200
    child = evolve_command("run", str(file), cwd=tmp_path)
    child.communicate(timeout=120)
    assert child.returncode == 0
    with Run.read(folder) as run:
        assert run.hash == whole and run.check() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_generation_and_says_how_to_resume(
    tmp_path: Path, longer: tuple[Path, str], number: signal.Signals
) -> None:
    file, whole = longer
    child = evolve_command("run", str(file), cwd=tmp_path)
    folder = tmp_path / "runs" / "longer"
    wait_for(child, folder, 5)
    child.send_signal(number)
    out, _ = child.communicate(timeout=30)
    assert child.returncode == 128 + number
    found = re.search(r"stopped after generation (\d+); go on with: evolve resume (\S+)", out)
    assert found and 5 < int(found[1]) < 1200
    child = evolve_command("resume", found[2], cwd=tmp_path)
    child.communicate(timeout=60)
    assert child.returncode == 0
    with Run.read(folder) as run:
        assert run.hash == whole


def test_damage_is_told_in_one_line_with_the_way_out_by_every_command(
    tmp_path: Path, evolve: Command
) -> None:
    folder = tmp_path / "a run; rm"
    run_hash(folder, SMALL)
    longer = run_hash(tmp_path / "longer", SMALL.changed(generations=31))
    file = folder / "run.sqlite"
    connection = sqlite3.connect(file)
    connection.execute("UPDATE populations SET content = x'00' WHERE id = (SELECT max(id) FROM populations)")
    connection.commit()
    connection.close()
    for command in ("show", "lineage", "resume"):
        extend = ("--generations", "31") if command == "resume" else ()
        code, _, err = evolve(command, str(folder), *extend)
        assert code == 1 and len(err.strip().splitlines()) == 1
        assert "generation 30" in err and err.strip().endswith(f"evolve resume '{folder}' --repair")
    pasted = shlex.split(err.strip().rpartition(": ")[2])
    assert evolve(*pasted[1:], "--generations", "31")[0] == 0
    with Run.read(folder) as run:
        assert run.hash == longer


# --- fitness ---


def by_hand(genomes: list[LookupGenome], turns: int) -> list[list[float]]:
    counts = [[reference.counts(rule(a), rule(b), turns) for b in genomes] for a in genomes]
    return [[(3 * c[0] + 5 * c[2] + c[3]) / turns for c in row] for row in counts]


@settings(max_examples=30)
@given(st.lists(lookups(largest=3), min_size=2, max_size=8), st.sampled_from(["population", "panel", "both"]))
def test_fitness_is_the_mean_payoff_over_all_others_and_the_panel(
    genomes: list[LookupGenome], opponents: str
) -> None:
    panel = [] if opponents == "population" else ["tit_for_tat", "all_d", "gradual"]
    experiment = SMALL.changed(
        population={"size": len(genomes), "seeds": []},
        selection={"survivors": 0},
        variation={"immigrants": 0},
        fitness={"opponents": opponents, "panel": panel, "panel_share": 0.25},
    )
    n = len(genomes)
    payoffs = by_hand(genomes, 20)
    among = [(sum(row) - row[k]) / (n - 1) for k, row in enumerate(payoffs)]
    against = [0.0] * n
    for k, genome in enumerate(genomes):
        for name in panel:
            c = reference.counts(rule(genome), reference.RULES[name], 20)
            against[k] += (3 * c[0] + 5 * c[2] + c[3]) / 20 / len(panel)
    share = {"population": 0.0, "panel": 1.0, "both": 0.25}[opponents]
    want = [(1 - share) * a + share * b for a, b in zip(among, against, strict=True)]
    assert Evaluation(experiment)(genomes).fitness == pytest.approx(want, abs=1e-12)


def test_remembered_meetings_are_not_played_again_and_change_nothing() -> None:
    for experiment in (SMALL, NOISY):
        remembering = Evaluation(experiment)
        played = []
        for generation in generations(experiment.changed(generations=10)):
            genomes = [parse(birth.genome) for birth in generation.population]
            before = remembering.played
            assert (
                remembering(genomes).fitness
                == Evaluation(experiment)(genomes).fitness
                == list(generation.fitness)
            )
            played.append(remembering.played - before)
        assert max(played[1:]) < played[0]


def test_parsimony_charges_for_every_state_of_the_smallest_automaton() -> None:
    genomes = [parse("memory(2,2) " + "cc" + "C" * 16), parse("memory(2,2) cc" + "CD" * 8)]
    experiment = SMALL.changed(
        population={"size": 2, "seeds": []}, selection={"survivors": 0}, variation={"immigrants": 0}
    )
    plain = Evaluation(experiment)(genomes).fitness
    charged = Evaluation(experiment.changed(fitness={"parsimony": 0.125}))(genomes).fitness
    states = [len(g.automaton().canonical(noisy=False)) for g in genomes]
    assert [p - c for p, c in zip(plain, charged, strict=True)] == [0.125 * s for s in states]


def test_seeds_get_their_shares_and_the_rest_is_random() -> None:
    experiment = SMALL.changed(
        population={
            "size": 7,
            "seeds": [{"strategy": s, "share": 1 / 3} for s in ("all_c", "all_d", "tit_for_tat")],
        },
        selection={"survivors": 3},
    )
    assert sum(seed_counts(experiment)) == 7
    first = first_population(SMALL, toolbox(SMALL))
    named = [i for i in first if i.genome == catalogue.get("tit_for_tat").strategy]
    assert len(first) == 20 and len(named) == 6 and all(i.origin == "seed" for i in first)


def test_each_generation_has_its_survivors_variants_and_immigrants() -> None:
    experiment = SMALL.changed(selection={"survivors": 8}, variation={"immigrants": 3})
    before = None
    for generation in generations(experiment):
        if before is not None:
            old = [b for b in generation.population if b.id.generation < generation.number]
            assert len(old) == 8 and set(old) <= set(before.population)
            kept = sorted(before.fitness)[-8:]
            fitness = dict(zip(before.population, before.fitness, strict=True))
            assert sorted(fitness[b] for b in old) == kept
            assert sum(b.origin == "immigrant" for b in generation.births) == 3
            alive = {b.id for b in before.population}
            assert all(set(b.parents) <= alive for b in generation.births)
            assert [b.id for b in generation.population] == sorted(b.id for b in generation.population)
        before = generation


# --- what theory says ---


def test_selection_raises_fitness_against_a_fixed_panel() -> None:
    for method in ("tournament", "truncation", "roulette", "stochastic_universal"):
        experiment = Experiment(
            seed=2, generations=40, genome={"x": 1, "y": 2}, rules={"turns": 50}, population={"size": 40},
            selection={"method": method}, fitness={"opponents": "panel", "panel": ["lifl"][:1]},
        )  # fmt: skip
        means = [generation.mean for generation in generations(experiment)]
        assert stats.linregress(range(20), means[:20]).slope > 0
        assert np.mean(means[-10:]) > means[0] + 0.2


def test_mutation_hits_every_entry_at_its_rate() -> None:
    genome = LookupGenome(2, 2, (1, 0), (1,) * 8 + (0,) * 8)
    rng = np.random.default_rng(11)
    hits = np.zeros(18)
    n = 20_000
    for mutant in mutate_lookups([genome] * n, 0.05, 0.1, False, rng):
        hits += np.array(mutant.opening + mutant.replies) != np.array(genome.opening + genome.replies)

    def p_values(rate: float) -> list[float]:
        return [float(stats.binomtest(int(h), n, rate).pvalue) for h in hits]

    assert min(p_values(0.05)) > 1e-4
    assert min(p_values(0.06)) < 1e-4  # negative control: the test sees a rate one percent off


def test_stochastic_mutation_is_a_reflected_normal_step() -> None:
    genome = LookupGenome(0, 0, (), (0.5,))
    steps = [
        m.replies[0] - 0.5 for m in mutate_lookups([genome] * 5000, 1.0, 0.05, True, np.random.default_rng(1))
    ]
    assert stats.kstest(steps, "norm", args=(0, 0.05)).pvalue > 1e-3
    edge = [
        m.replies[0]
        for m in mutate_lookups(
            [LookupGenome(0, 0, (), (0.0,))] * 5000, 1.0, 0.05, True, np.random.default_rng(2)
        )
    ]
    assert stats.kstest(edge, stats.halfnorm(scale=0.05).cdf).pvalue > 1e-3
    assert stats.kstest(edge, stats.halfnorm(scale=0.055).cdf).pvalue < 1e-3  # negative control


def test_crossover_points_are_uniform() -> None:
    c, d = LookupGenome(1, 1, (1,), (1,) * 4), LookupGenome(1, 1, (0,), (0,) * 4)
    children = cross_lookups([c] * 4000, [d] * 4000, np.random.default_rng(3))
    points = Counter(int(sum(child.opening + child.replies)) for child in children)
    assert set(points) == {1, 2, 3, 4}
    assert stats.chisquare([points[k] for k in (1, 2, 3, 4)]).pvalue > 1e-3


def test_random_genomes_are_uniform() -> None:
    genomes = random_lookups(6400, 1, 1, False, np.random.default_rng(4))
    counts = Counter(map(str, genomes))
    assert len(counts) == 32 and stats.chisquare(list(counts.values())).pvalue > 1e-3


OPERATORS = list(METHODS)


def fixed_founders(method: str, update: str, replicates: int, survivors: int = 2) -> Counter[int]:
    """Whose lineage takes over when all earn the same, by the founder's position."""
    n = 6
    experiment = Experiment(
        population={"size": n}, genome={"x": 0, "y": 1},
        selection={"method": method, "update": update, "survivors": survivors},
        variation={"mutation": 0.0, "crossover": 0.0, "immigrants": 0},
    )  # fmt: skip
    winners: Counter[int] = Counter()
    for seed in range(replicates):
        drawn = experiment.model_copy(update={"seed": seed})
        box = toolbox(drawn)
        population = first_population(drawn, box)
        founder = {i.id: i.id.slot for i in population}
        number = 0
        while len(set(founder[i.id] for i in population)) > 1:
            number += 1
            population = next_population(drawn, box, number, population, [1.0] * n)
            for i in population:
                if i.id not in founder:
                    founder[i.id] = founder[i.parents[0]]
        winners[founder[population[0].id]] += 1
    return winners


@pytest.mark.parametrize("update", ["generational", "moran"])
@pytest.mark.parametrize("method", OPERATORS)
def test_without_selection_every_founder_takes_over_equally_often(method: str, update: str) -> None:
    winners = fixed_founders(method, update, 300)
    assert stats.chisquare([winners[k] for k in range(6)]).pvalue > 1e-3


def test_ties_broken_by_position_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class InOrder:
        def permutation(self, n: int) -> np.ndarray:
            return np.arange(n)

    real = updates.stream
    monkeypatch.setattr(
        updates, "stream", lambda s, g, p, i=0: InOrder() if p == "ties" else real(s, g, p, i)
    )
    winners = fixed_founders("truncation", "generational", 60, survivors=1)
    assert stats.chisquare([winners[k] for k in range(6)]).pvalue < 1e-3


def test_moran_immigrants_come_at_their_declared_rate() -> None:
    experiment = Experiment(
        generations=3000, population={"size": 10}, genome={"x": 0, "y": 1}, rules={"turns": 2},
        selection={"update": "moran"}, variation={"immigrants": 2},
    )  # fmt: skip
    strangers = sum(b.origin == "immigrant" for g in generations(experiment) for b in g.births)
    assert stats.binomtest(strangers, 3000, 0.2).pvalue > 1e-3


# --- experiments ---


def test_formulas_about_two_players_earn_the_same_in_a_society_as_in_a_round_robin() -> None:
    for generation in generations(FORMULAS.changed(generations=3)):
        genomes = [parse(birth.genome) for birth in generation.population]
        in_society = evaluation(SOCIETY)(genomes, generation.number)
        assert in_society.fitness == list(generation.fitness)
        assert in_society.cooperation == pytest.approx(generation.cooperation)
        assert in_society.behaviours == [birth.behaviour for birth in generation.population]


def test_random_societies_partition_the_population() -> None:
    experiment = SOCIETY.changed(rules={"society": 5})
    societies = evaluation(experiment)
    genomes = [parse("D(c,r,p)")] * 12 + [parse("exists j. D(c,j,p)")] * 4
    result = societies(genomes, 1)
    assert result.fitness == [3.0] * 16 and result.cooperation == 1.0  # nobody begins
    groups = societies._groups(16, stream(1, 1, "society"))  # type: ignore[attr-defined]
    assert sorted(np.concatenate(groups).tolist()) == list(range(16)) and [len(g) for g in groups] == [
        5,
        5,
        6,
    ]


def test_a_society_of_the_same_strategies_is_not_played_again() -> None:
    societies = evaluation(SOCIETY)
    a, b = parse("exists j. D(c,j,p)"), parse("not D(c,r,p)")
    first = societies([a] * 10 + [b] * 6, 1)
    assert societies([a] * 3 + [b] * 13, 2).fitness != first.fitness
    assert societies.played == 1  # type: ignore[attr-defined]


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
        "selection.method: expected 'tournament', 'truncation', 'roulette' or 'stochastic_universal', got 'roulete'",
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
        ({"genome": {"kind": "tree"}}, "genome.kind: expected 'lookup' or 'formula', got 'tree'"),
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


def test_the_template_is_the_default_experiment() -> None:
    template = (Path(island.__file__).parent / "experiment" / "template.toml").read_text()
    written = Experiment.parse(template.replace("{name}", "experiment"))
    filled = Experiment(rules={"turns": 200}, selection={"survivors": 100})
    assert written == filled


def test_every_example_is_a_valid_experiment_that_runs() -> None:
    files = sorted((Path(__file__).parent.parent / "examples").glob("*.toml"))
    assert len(files) >= 3
    for file in files:
        experiment = Experiment.load(
            file, {"generations": 2, "population.size": 20, "selection.survivors": 5}
        )
        assert sum(1 for _ in generations(experiment)) == 3
