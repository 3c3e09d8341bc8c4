"""Fields: a generation of newcomers against foreign opponents, raced and remembered, v real matches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import Row
from engine import Rules
from engine.fields import axelrod_players
from engine.fields.declared import Field, automaton_of
from engine.fields.matches import Job, one_match
from engine.fields.memo import Memo, Walkers
from engine.fields.scoring import race, score
from genomes import MachineGenome
from genomes.variation.machines import mutate_machines

PARENT = "machine(13) c5 D6D1 C6C5 C5D4 C7C6 D0D0 C2D11 D6D0 D9D2 D3D6 C12D12 C10D3 C1D8 D0D4"
"""A machine that a search against the library's field had come to; its mutants are what a search tries for most of its
time."""

KEPT, NEW, SEEDS = 25, 75, 5


def rows(smoke: bool) -> Iterator[Row]:
    """Mutants of a converged population against the library Axelrod's field, where it is installed."""
    there = axelrod_players.installed() is not None and not smoke
    field, rules = Field.load(["axelrod" if there else "lifl"]), Rules(turns=20 if smoke else 200)
    rng, memo = np.random.default_rng(1), Memo(field, rules)
    lanes = field.lanes(list(range(SEEDS)), rules)
    parents = [MachineGenome.parse(PARENT)] * KEPT
    rates, taken = [], []
    generations = 3 if smoke else 40
    for number in range(generations):
        children = mutate_machines((parents * 3)[:NEW], 0.03, 20, rng)
        everyone = [*parents, *children]
        automata = [automaton_of(genome, rules) for genome in everyone]
        hits, misses = memo.hits, memo.misses
        began = time.perf_counter()
        found = race(memo, automata[:KEPT], automata[KEPT:], lanes, KEPT, number)
        taken.append(time.perf_counter() - began)
        rates.append((memo.hits - hits) / max(1, memo.hits - hits + memo.misses - misses))
        parents = [everyone[k] for k in np.argsort(-found.fitness, kind="stable")[:KEPT].tolist()]
    later = taken[generations // 2 :]
    raced = statistics.median(later)
    names = "Axelrod's 224" if there else f"{len(field.opponents)} of ours"
    what = f"{NEW} mutants v {names}, {SEEDS} seeds, raced"
    yield Row(f"{what}: a generation", raced, 0.3 if there else None, unit=" s")
    walkers = Walkers([automaton_of(child, rules) for child in children])
    chosen = rng.integers(0, len(lanes), 40 if smoke else 400).tolist()
    began = time.perf_counter()
    for k, lane in enumerate(chosen):
        job = Job(k % NEW, int(lanes.opponents[lane]), int(lanes.seeds[lane]))
        one_match(field, rules, walkers.automata[job.automaton], job)
    direct = (time.perf_counter() - began) / len(chosen) * NEW * len(lanes)
    yield Row(
        f"{what} v by {NEW * len(lanes)} real matches", direct / raced, 250 if there else None, at_least=True
    )
    score(memo, walkers.automata, lanes)
    numbers = memo.lanes(lanes)
    queries = np.repeat(np.arange(NEW), len(numbers)), np.tile(numbers, NEW)
    times = []
    for _ in range(3 if smoke else 9):
        began = time.perf_counter()
        memo.walk(walkers, *queries)
        times.append((time.perf_counter() - began) / len(queries[0]))
    yield Row(
        f"a known meeting of {rules.turns} turns",
        1e6 * statistics.median(times),
        None if smoke else 1.0,
        unit=" us",
    )
    size = memo.size / 2**20
    yield Row(f"memo after {generations} generations ({memo.count} matches)", size, 1024, unit=" MiB")
    yield Row(
        "meetings of the later generations that were known",
        100 * statistics.mean(rates[len(rates) // 2 :]),
        None,
        unit=" %",
    )
