"""What theory says of the laws of mutation: how often a child mutates, and what it becomes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from evolve import Experiment, ExperimentError, generations
from evolve.operators import toolbox
from tests.evolutions import SMALL, run_hash

N = 16_000
FINITE = ["tit_for_tat", "all_c", "all_d"]
STRANGE = "memory(1,0) dCD"
"""A parent that no law makes: who becomes what it was is no mutant."""

OF_LAW: dict[str, dict[str, Any]] = {
    "entries": {"genome": {"x": 0, "y": 1}},
    "redraw": {"genome": {"x": 0, "y": 1}},
    "finite": {"genome": {"x": 0, "y": 1}, "variation": {"strategies": FINITE}},
    "u_shaped": {"genome": {"x": 0, "y": 1, "stochastic": True}},
}
"""What an experiment with a law says besides."""


PARENTS = {"lookup": STRANGE, "machine": "grim", "formula": "grim"}


def lawful(law: str, rate: float, **changes: Any) -> Experiment:
    said = OF_LAW[law] | changes
    variation = {"law": law, "mutation": rate, "crossover": 0.0} | said.get("variation", {})
    return Experiment(population={"size": 20}, rules={"turns": 5}, **(said | {"variation": variation}))


def mutants(law: str, rate: float, parent: str, **changes: Any) -> list[Any]:
    """Children of one parent that mutation changed."""
    experiment = lawful(law, rate, **changes)
    genome = experiment.seed_genome(parent)
    return [
        m for m in toolbox(experiment).mutate([genome] * N, rng=np.random.default_rng(3)) if m is not genome
    ]


@pytest.mark.parametrize("law", ["redraw", "finite", "u_shaped"])
def test_a_child_mutates_at_the_rate(law: str) -> None:
    many = len(mutants(law, 0.05, STRANGE))
    assert stats.binomtest(many, N, 0.05).pvalue > 1e-3
    assert stats.binomtest(many, N, 0.06).pvalue < 1e-3  # negative control: a rate one percent off is seen


def test_a_redrawn_child_is_a_random_genome() -> None:
    counts = Counter(map(str, mutants("redraw", 1.0, STRANGE)))
    assert len(counts) == 8 and stats.chisquare(list(counts.values())).pvalue > 1e-3
    hits = Counter(map(str, mutants("entries", 0.3, "memory(0,1) dDD")))  # negative control: near the parent
    assert stats.chisquare([hits[text] for text in counts]).pvalue < 1e-3


@pytest.mark.parametrize("kind", [{"x": 0, "y": 1}, {"kind": "machine"}, {"kind": "formula"}])
def test_a_child_of_a_finite_set_is_each_of_them_equally_often(kind: dict[str, Any]) -> None:
    found = Counter(map(str, mutants("finite", 0.5, PARENTS[kind.get("kind", "lookup")], genome=kind)))
    members = [str(lawful("finite", 0.5, genome=kind).seed_genome(name)) for name in FINITE]
    assert set(found) == set(members) and stats.chisquare([found[m] for m in members]).pvalue > 1e-3
    assert (
        stats.chisquare([found[m] for m in members], np.array([0.4, 0.3, 0.3]) * found.total()).pvalue < 1e-3
    )


def test_probabilities_are_u_shaped_nowak_sigmund_1993() -> None:
    entries = [p for m in mutants("u_shaped", 0.5, "memory(0,1) 1 | 1 0") for p in m.entries]
    assert stats.kstest(entries, stats.arcsine.cdf).pvalue > 1e-3
    assert stats.kstest(entries, stats.uniform.cdf).pvalue < 1e-3  # negative control


@pytest.mark.parametrize("law", ["entries", "redraw"])
def test_less_than_one_mutant_comes_in_a_generation(law: str) -> None:
    rate = 1 / 400 if law == "redraw" else 1 / 400 / 18  # of 20 children one in 20 generations
    experiment = lawful(law, rate, genome={"x": 2, "y": 2}, variation={"immigrants": 0}).changed(
        generations=400
    )
    born = sum(
        birth.origin == "mutation" for generation in generations(experiment) for birth in generation.births
    )
    assert stats.binomtest(born, 400 * 10, 1 / 400).pvalue > 1e-3
    assert stats.binomtest(born, 400 * 10, 1 / 100).pvalue < 1e-3  # negative control


def test_a_run_under_a_law_is_resumed_to_the_bit_and_the_older_law_changes_no_key(tmp_path: Any) -> None:
    experiment = SMALL.changed(variation={"law": "finite", "strategies": FINITE, "mutation": 0.3})
    run_hash(tmp_path / "part", experiment.changed(generations=11))
    assert run_hash(tmp_path / "part", experiment) == run_hash(tmp_path / "whole", experiment)
    assert "law" not in SMALL.results_key() and "law" in experiment.results_key()


@pytest.mark.parametrize(
    ("variation", "message"),
    [
        ({"law": "flip"}, "variation.law: expected 'entries', 'redraw', 'finite' or 'u_shaped', got 'flip'"),
        ({"law": "finite"}, "variation.strategies: expected those that children become"),
        ({"law": "u_shaped"}, "variation.law: expected genome.stochastic = true with 'u_shaped'"),
        ({"strategies": ["all_d"]}, "variation.strategies: expected them only with variation.law = 'finite'"),
        ({"law": "finite", "strategies": ["grim"]}, "variation.strategies.0: expected a lookup genome"),
    ],
)
def test_a_law_that_is_not_declared_whole_is_explained(variation: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        Experiment(variation=variation)
