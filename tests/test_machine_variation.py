"""What theory says of mutation, growth, crossover and random draws of machines."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genomes import MachineGenome, parse
from genomes.machine import MAX_STATES
from genomes.variation.machines import (
    cross_machines,
    larger,
    mutate_machines,
    random_machines,
    reached,
    smaller,
)
from tests.strategies import machines

EVOLVED = "machine(6) c0 C0D1 C2D3 D1C0 D4D5 D4D5 C4D2"


def entries(genome: MachineGenome) -> list[int]:
    """First move, start, replies, transitions."""
    return [genome.first, genome.start, *np.ravel(genome.replies), *np.ravel(genome.successors)]


def test_mutation_hits_every_entry_at_its_rate_and_every_other_state_equally_often() -> None:
    genome = parse(EVOLVED)
    n, rate = 20_000, 0.05
    mutants = mutate_machines([genome] * n, rate, 6, np.random.default_rng(11))
    table = np.array([entries(mutant) for mutant in mutants if len(mutant) == 6])
    hits = (table != entries(genome)).sum(axis=0)  # type: ignore[arg-type]

    def p_values(rate: float) -> list[float]:
        return [float(stats.binomtest(int(h), len(table), rate).pvalue) for h in hits]

    assert min(p_values(rate)) > 1e-4
    assert min(p_values(rate + 0.01)) < 1e-4  # negative control: the test sees a rate one percent off
    led = Counter(table[:, -1].tolist())
    del led[2]  # where it led
    assert set(led) == {0, 1, 3, 4, 5} and stats.chisquare(list(led.values())).pvalue > 1e-3


@given(machines(6), st.integers(0, 2**32))
def test_more_states_and_unreached_ones_that_go_change_nothing_that_is_played(
    genome: MachineGenome, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    more, fewer = larger(genome, rng), smaller(genome, rng)
    assert parse(str(more)) == more and parse(str(fewer)) == fewer
    assert len(more) == len(genome) + 1 and len(fewer) == max(1, len(genome) - 1)
    behaviour = genome.automaton().behaviour(noisy=True)
    assert more.automaton().behaviour(noisy=True) == behaviour
    if len(reached(genome)) < len(genome):
        assert fewer.automaton().behaviour(noisy=True) == behaviour


def test_the_number_of_states_changes_at_the_rate_up_as_often_as_down_within_its_bounds() -> None:
    n, rate = 20_000, 0.1
    sizes = Counter(len(m) for m in mutate_machines([parse(EVOLVED)] * n, rate, 16, np.random.default_rng(5)))
    assert set(sizes) == {5, 6, 7}
    assert stats.binomtest(sizes[5] + sizes[7], n, rate).pvalue > 1e-4
    assert stats.binomtest(sizes[5] + sizes[7], n, 0.12).pvalue < 1e-4  # negative control
    assert stats.binomtest(sizes[7], sizes[5] + sizes[7], 0.5).pvalue > 1e-4
    full = mutate_machines([parse(EVOLVED)] * 500, 0.5, 6, np.random.default_rng(6))
    assert max(map(len, full)) == 6
    least = mutate_machines([parse("machine(1) c0 C0D0")] * 500, 0.5, 1, np.random.default_rng(7))
    assert {len(m) for m in least} == {1}


def test_a_split_shares_what_led_to_the_state_and_a_random_state_is_led_to_by_nothing() -> None:
    rng = np.random.default_rng(8)
    grown = [larger(parse("machine(1) d0 C0D0"), rng) for _ in range(16_000)]
    starts = Counter(m.start for m in grown)
    assert stats.binomtest(starts[1], 16_000, 0.25).pvalue > 1e-3  # half of the splits, no addition
    assert stats.binomtest(starts[1], 16_000, 0.27).pvalue < 1e-3  # negative control
    added = [m for m in grown if m.replies[1] == (1, 0)]  # no split has that
    assert all(m.start == 0 and m.successors[0] == (0, 0) for m in added)
    assert stats.binomtest(len(added), 16_000, 0.5 / 4).pvalue > 1e-3


def test_crossover_points_are_uniform_and_the_child_is_its_first_parent_before() -> None:
    c = parse("machine(4) c0 C0C1 C1C2 C2C3 C3C0")
    d = parse("machine(6) d5 D5D5 D5D5 D5D5 D5D5 D5D5 D5D5")
    children = cross_machines([c] * 4000, [d] * 4000, np.random.default_rng(3))
    points = Counter(sum(pair == (0, 0) for pair in child.replies) for child in children)
    assert set(points) == {1, 2, 3}
    assert stats.chisquare([points[k] for k in (1, 2, 3)]).pvalue > 1e-3
    assert all((child.first, child.start, len(child)) == (0, 0, 4) for child in children)
    lost = Counter(child.successors[3][0] for child in children)  # the child has no state 5
    assert set(lost) == {0, 1, 2, 3} and stats.chisquare(list(lost.values())).pvalue > 1e-3
    assert all(parse(str(child)) == child for child in children[:50])


def test_random_machines_are_uniform() -> None:
    genomes = random_machines(8192, 1, np.random.default_rng(4))
    counts = Counter(map(str, genomes))
    assert len(counts) == 8 and stats.chisquare(list(counts.values())).pvalue > 1e-3
    table = np.array([entries(m) for m in random_machines(4000, 3, np.random.default_rng(5))])
    for column, values in zip(table.T, [2, 3] + [2] * 6 + [3] * 6, strict=True):
        assert stats.chisquare(np.bincount(column, minlength=values)).pvalue > 1e-4
    assert len(random_machines(1, MAX_STATES, np.random.default_rng(6))[0]) == MAX_STATES
