"""Where new machines come from: by chance, by mutation, by crossover. Each a function of genomes and a generator; all
draws are vectorised, for many genomes at once.

The laws (they are part of every result):

- random: every reply and the first move are C or D with probability 1/2, every next state and the start uniform;
- mutation: every entry changes with probability `rate`, independently: a reply or the first move flips, a transition
  or the start leads to another state, uniformly drawn (of a machine of one state, none);
- growth: the number of states is an entry too. It changes by one, up or down with probability 1/2 (not beyond `most`,
  not below 1). Up: a state is split in two, which play alike and share what led to it, each transition and the start
  by a fair draw; or, as likely, a random state is added, to which nothing leads yet. Nothing that is played changes.
  Down: the first state that cannot be reached goes, where there is one, and nothing that is played changes; else a
  uniformly drawn one, and what led there leads to a uniformly drawn other one;
- crossover: one point, uniform between the states of the smaller parent. The child has the first parent's first move,
  start and number of states; from the point on its states are the second parent's where that has them, and
  transitions to states that the child has not lead to a uniformly drawn one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genomes.machine import MAX_STATES, MachineGenome, Pair


def random_machines(n: int, states: int, rng: np.random.Generator) -> list[MachineGenome]:
    """`n` random machines of so many states.

    >>> print(random_machines(1, 2, np.random.default_rng(1))[0])
    machine(2) c0 C0D0 D1D1
    """
    if not 1 <= states <= MAX_STATES:
        raise ValueError(f"states: expected 1 to {MAX_STATES}, got {states}")
    moves = rng.integers(0, 2, (n, states, 2)).tolist()
    targets = rng.integers(0, states, (n, states, 2)).tolist()
    first, start = rng.integers(0, 2, n).tolist(), rng.integers(0, states, n).tolist()
    return [
        MachineGenome.trusted(
            first[k], start[k], [(a, b) for a, b in moves[k]], [(s, t) for s, t in targets[k]]
        )
        for k in range(n)
    ]


def mutate_machines(
    genomes: Sequence[MachineGenome], rate: float, most: int, rng: np.random.Generator
) -> list[MachineGenome]:
    """A mutant of every genome, of at most `most` states; a genome that no change hit is returned itself."""
    sizes = np.array([len(genome) for genome in genomes], np.int64)
    ends = np.cumsum(4 * sizes + 2)  # entries: first, start, replies of all states, transitions of all states
    total = int(ends[-1]) if len(ends) else 0
    hits = np.flatnonzero(rng.random(total) < rate)
    others = rng.random(len(hits)).tolist()
    owners = np.searchsorted(ends, hits, side="right")
    mutants = list(genomes)
    for k in np.unique(owners).tolist():
        mine = np.flatnonzero(owners == k)
        entries = (hits[mine] - (ends[k] - 4 * sizes[k] - 2)).tolist()
        mutants[k] = _changed(genomes[k], entries, [others[i] for i in mine.tolist()])
    grows = np.flatnonzero(rng.random(len(genomes)) < rate).tolist()
    for k, more in zip(grows, (rng.random(len(grows)) < 0.5).tolist(), strict=True):
        if not more:
            mutants[k] = smaller(mutants[k], rng)
        elif len(mutants[k]) < most:
            mutants[k] = larger(mutants[k], rng)
    return mutants


def cross_machines(
    first: Sequence[MachineGenome], second: Sequence[MachineGenome], rng: np.random.Generator
) -> list[MachineGenome]:
    """One child of every pair of parents by one-point crossover of their states."""
    points = rng.random(len(first)).tolist()
    children = []
    for a, b, u in zip(first, second, points, strict=True):
        n, shared = len(a), min(len(a), len(b))
        if a is b or shared < 2:
            children.append(a)
            continue
        point = 1 + int(u * (shared - 1))
        replies = a.replies[:point] + b.replies[point:shared] + a.replies[shared:]
        table = a.successors[:point] + b.successors[point:shared] + a.successors[shared:]
        if len(b) > n:
            lost = [(s, o) for s in range(point, shared) for o in (0, 1) if table[s][o] >= n]
            table = _redirected(table, lost, rng.integers(0, n, len(lost)).tolist())
        children.append(MachineGenome.trusted(a.first, a.start, replies, table))
    return children


def _changed(genome: MachineGenome, entries: Sequence[int], others: Sequence[float]) -> MachineGenome:
    """A machine with these entries changed; what stands beside each says which other state it leads to."""
    n = len(genome)
    first, start = genome.first, genome.start
    replies, targets = [*map(list, genome.replies)], [*map(list, genome.successors)]

    def another(state: int, u: float) -> int:
        return (state + 1 + int(u * (n - 1))) % n if n > 1 else state

    for entry, u in zip(entries, others, strict=True):
        s, o = divmod(entry - 2, 2)
        if entry == 0:
            first = 1 - first  # type: ignore[assignment]
        elif entry == 1:
            start = another(start, u)
        elif s < n:
            replies[s][o] = 1 - replies[s][o]
        else:
            targets[s - n][o] = another(targets[s - n][o], u)
    if n == 1 and all(entry == 1 or entry >= 4 for entry in entries):
        return genome
    return MachineGenome.trusted(first, start, [(a, b) for a, b in replies], [(s, t) for s, t in targets])


def larger(genome: MachineGenome, rng: np.random.Generator) -> MachineGenome:
    """A machine with one state more that plays alike: one is split in two, or a random one added."""
    n = len(genome)
    if rng.random() < 0.5:
        a, b = rng.integers(0, 2, 2).tolist()
        s, t = rng.integers(0, n + 1, 2).tolist()
        table = (*genome.successors, (s, t))
        return MachineGenome.trusted(genome.first, genome.start, (*genome.replies, (a, b)), table)
    split = int(rng.integers(0, n))
    copied = (*genome.successors, genome.successors[split])
    leading = [(s, o) for s in range(n + 1) for o in (0, 1) if copied[s][o] == split]
    to_new = rng.random(len(leading) + 1) < 0.5
    moved = [place for place, new in zip(leading, to_new[1:].tolist(), strict=True) if new]
    start = n if genome.start == split and to_new[0] else genome.start
    replies = (*genome.replies, genome.replies[split])
    return MachineGenome.trusted(genome.first, start, replies, _redirected(copied, moved, [n] * len(moved)))


def smaller(genome: MachineGenome, rng: np.random.Generator) -> MachineGenome:
    """A machine with one state less: one that cannot be reached, where there is one, else any."""
    n = len(genome)
    if n == 1:
        return genome
    idle = sorted(set(range(n)) - reached(genome))
    gone = idle[0] if idle else int(rng.integers(0, n))
    drawn = rng.integers(0, n - 1, 2 * n + 1).tolist()

    def led(target: int, other: int) -> int:
        return other if target == gone else target - (target > gone)

    kept = [s for s in range(n) if s != gone]
    table = [
        (led(genome.successors[s][0], drawn[2 * s]), led(genome.successors[s][1], drawn[2 * s + 1]))
        for s in kept
    ]
    replies = [genome.replies[s] for s in kept]
    return MachineGenome.trusted(genome.first, led(genome.start, drawn[-1]), replies, table)


def reached(genome: MachineGenome) -> set[int]:
    """The states that some opponent leads a machine to.

    >>> sorted(reached(MachineGenome.parse("machine(3) c0 C0D2 C1C1 D2D2")))
    [0, 2]
    """
    found, waiting = {genome.start}, [genome.start]
    while waiting:
        for target in genome.successors[waiting.pop()]:
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def _redirected(
    table: tuple[Pair, ...], places: Sequence[tuple[int, int]], targets: Sequence[int]
) -> tuple[Pair, ...]:
    """A table of transitions in which those at some places (state, move) lead elsewhere."""
    rows = [*map(list, table)]
    for (s, o), target in zip(places, targets, strict=True):
        rows[s][o] = target
    return tuple((s, t) for s, t in rows)
