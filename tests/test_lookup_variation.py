"""What theory says of mutation, crossover and random draws of reply tables."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy import stats

from genomes import LookupGenome
from genomes.variation.lookups import cross_lookups, mutate_lookups, random_lookups


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
