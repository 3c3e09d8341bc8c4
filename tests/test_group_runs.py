"""Runs of populations that play in groups: the same loop, run file and figures, and the error of drawing groups."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from engine import Rules
from engine.group_games import public_goods
from engine.groups import group_table, population_payoffs
from evolve import Experiment, generations
from evolve.experiment.files import ExperimentError
from evolve.fitness import difference_error, evaluation
from evolve.kinds import Groups
from evolve.telling import tell
from genomes import GroupGenome
from results import Run
from results.plots.run import FIGURES
from tests.evolutions import run_hash

GROUPS = Experiment(
    seed=4, generations=25, rules={"play": "groups", "continuation": 0.9}, genome={"kind": "group", "players": 4},
    group={"kind": "goods", "factor": 2.5, "plays": 6},
    population={"size": 30, "seeds": [{"strategy": "grim", "share": 0.4}]},
)  # fmt: skip


def test_a_run_goes_on_to_the_same_hash_and_is_drawn_and_told(tmp_path: Path) -> None:
    whole = run_hash(tmp_path / "whole", GROUPS)
    run_hash(tmp_path / "cut", GROUPS.changed(generations=9))
    assert run_hash(tmp_path / "cut", GROUPS) == whole
    run = Run.read(tmp_path / "cut")
    assert run.latest().population[0].genome.startswith("group(4) ")
    for name, draw in FIGURES.items():
        made = draw(run)
        FigureCanvasAgg(made).draw()
        assert made.axes, name
    assert "evolve commons tries it against every genome" in " ".join(s.text for s in tell(run).sentences)
    leaders = {leader.name for generation in generations(GROUPS) for leader in generation.leaders}
    assert "grim" in leaders
    again = Experiment.parse(GROUPS.to_toml())
    assert again == GROUPS


def test_fitness_in_drawn_groups_agrees_with_all_groups_within_its_error() -> None:
    experiment = GROUPS.changed(
        population={
            "size": 24,
            "seeds": [{"strategy": "grim", "share": 0.5}, {"strategy": "all_d", "share": 0.5}],
        },
        group={"plays": 400},
    )
    first = next(iter(generations(experiment)))
    fitness = np.array(first.fitness)
    table = group_table("grim", "all_d", public_goods(4, factor=2.5), Rules(continuation=0.9))
    grim, all_d = population_payoffs(table, 24)[11]
    difference = fitness[:12].mean() - fitness[12:].mean()
    error = difference_error(experiment, first)
    assert 0 < error < 0.1
    assert abs(difference - (grim - all_d)) < 4 * error
    assert abs(difference - (all_d - grim)) > 4 * error
    few = experiment.changed(group={"plays": 100})
    assert difference_error(few, next(iter(generations(few)))) == pytest.approx(2 * error, rel=0.2)


def test_who_is_left_over_plays_too() -> None:
    experiment = GROUPS.changed(population={"size": 7, "seeds": []}, group={"plays": 2})
    evaluate = evaluation(experiment)
    found = evaluate([GroupGenome.named("all_c", 4)] * 7, 0)
    assert found.fitness == pytest.approx([1.5] * 7) and found.cooperation == 1.0


def test_mutation_and_crossover_stay_in_the_class() -> None:
    kind, rng = Groups(players=3), np.random.default_rng(1)
    genomes = kind.random(200, rng, pair_only=False)
    assert len(set(genomes)) > 80 and all(g.players == 3 for g in genomes)
    variation = GROUPS.variation.model_copy(update={"mutation": 0.1})
    mutants = kind.mutate(genomes, rng, variation=variation, pair_only=False)
    changed = sum(
        a != b for g, m in zip(genomes, mutants, strict=True) for a, b in zip(g.moves, m.moves, strict=True)
    )
    assert abs(changed - 140) < 4 * math.sqrt(140 * 0.9)
    assert all(m is g for g, m in zip(genomes, mutants, strict=True) if m == g)
    children = kind.mate(genomes, genomes[::-1], rng, pair_only=False)
    for a, b, child in zip(genomes, genomes[::-1], children, strict=True):
        assert all(c in (x, y) for x, y, c in zip(a.moves, b.moves, child.moves, strict=True))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"genome": {"kind": "lookup"}}, "genome.kind: expected 'group' exactly where .*, got 'lookup'"),
        ({"rules": {"play": "ipd"}, "genome": {"kind": "group"}}, "genome.kind: expected 'group' exactly where"),
        ({"group": {"kind": "goods"}}, "group.factor: expected a number with kind goods, got none"),
        ({"game": {"R": 2}}, "group: expected a game and a fine of its own"),
        ({"mechanism": ["fine:1"]}, "group: expected a game and a fine of its own"),
        ({"population": {"size": 3}}, "genome.players: expected at most population.size = 3, got 5"),
        ({"genome": {"kind": "group", "players": 20}, "rules": {"play": "groups", "noise": 0.1}}, "at most 12"),
        ({"selection": {"update": "rare"}}, "rules.play: expected 'ipd' or 'sipd' with selection.update = 'rare'"),
        ({"fitness": {"sample": 5}}, "fitness.sample: expected none with rules.play = 'groups', got 5"),
        ({"population": {"seeds": [{"strategy": "pavlov", "share": 1}]}}, "population.seeds.0.strategy: .*'pavlov'"),
    ],
)  # fmt: skip
def test_what_groups_cannot_do_is_refused(sections: dict[str, object], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        Experiment(**({"rules": {"play": "groups"}, "genome": {"kind": "group"}} | sections))
