"""What theory says of selection, drift and immigration."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from evolve import Experiment, generations, updates
from evolve.operators import toolbox
from evolve.population import first_population
from evolve.selection import METHODS, candidates, select
from evolve.updates import UPDATES, next_population


def test_selection_raises_fitness_against_a_fixed_panel() -> None:
    for method in ("tournament", "truncation", "roulette", "stochastic_universal"):
        experiment = Experiment(
            seed=2, generations=40, genome={"x": 1, "y": 2}, rules={"turns": 50}, population={"size": 40},
            selection={"method": method}, fitness={"opponents": "panel", "panel": ["lifl"][:1]},
        )  # fmt: skip
        means = [generation.mean for generation in generations(experiment)]
        assert stats.linregress(range(20), means[:20]).slope > 0
        assert np.mean(means[-10:]) > means[0] + 0.2


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


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("method", METHODS)
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


def test_sigma_scaling_gives_children_by_standard_deviations_axelrod_1987() -> None:
    payoffs = [2.0, 2.0, 2.0, 2.0, 3.0, 1.0, 2.5, 1.5]  # the mean is 2, one standard deviation 0.559
    spread = float(np.std(payoffs))
    expected = [max(0.0, 1 + (payoff - 2) / spread) for payoff in payoffs]
    settings = Experiment(selection={"method": "sigma_scaled"}).selection
    rng = np.random.default_rng(6)
    drawn: Counter[int] = Counter()
    for _ in range(400):
        chosen = Counter(c.position for c in select(candidates(payoffs, 0.0, rng), 80, settings, rng))
        for place, share in enumerate(expected):  # universal sampling: never a whole child off
            assert abs(chosen[place] - 80 * share / sum(expected)) < 1 + 1e-9
        drawn += chosen
    assert drawn[5] == 0 and drawn[4] > 2 * drawn[0]
    counts = [drawn[k] for k in range(8) if expected[k]]
    shares = np.array([share for share in expected if share])
    assert np.abs(np.array(counts) / 32_000 - shares / shares.sum()).max() < 1e-3
    twice = np.array([max(0.0, 1 + 2 * (p - 2) / spread) for p in payoffs])[
        [k for k in range(8) if expected[k]]
    ]
    assert np.abs(np.array(counts) / 32_000 - twice / twice.sum()).max() > 1e-2  # negative control
