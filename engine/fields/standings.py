"""A field among itself: every pair, repetition after repetition, kept as small files that may be deleted.

What the members of a field earn among each other does not depend on a newcomer, so a judge plays it once. Pairs in
which nothing is drawn are played once for all repetitions.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.fields.declared import Field, check_rules
from engine.fields.matches import player_of
from engine.fields.opponents import real_match
from engine.game import Rules

Spread = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], Iterable[Any]]
"""Calls a function for every tuple of arguments, in order, wherever it likes."""

PAIRS_AT_ONCE = 400
"""Pairs of one task."""


def pool(
    field: Field,
    rules: Rules,
    repetitions: int,
    *,
    seed: int = 0,
    folder: Path | None = None,
    spread: Spread | None = None,
    watch: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """Payoff per turn ``(repetitions, n, n)`` of every usable opponent (row) against every other, 0 on the diagonal.

    `watch` is told how many repetitions are done.
    """
    check_rules(rules)
    places = field.usable
    n = len(places)
    drawn = np.array([field.opponents[k].chance or rules.noisy for k in places])
    pairs = [(a, b) for a in range(n) for b in range(a + 1, n)]
    constant = [(a, b) for a, b in pairs if not drawn[a] and not drawn[b]]
    changing = [(a, b) for a, b in pairs if drawn[a] or drawn[b]]
    key = hashlib.sha256(f"{sorted(field.digests.items())} {rules!r} {seed}".encode()).hexdigest()[:16]
    place = None if folder is None else folder / f"pool-{rules.turns}-{key}"
    run: Spread = spread or (lambda function, tasks: (function(*task) for task in tasks))
    result = np.zeros((repetitions, n, n))
    result += _kept(place, "always", n, partial(_played, run, field, rules, constant, places, seed, -1))
    for r in range(repetitions):
        result[r] += _kept(place, str(r), n, partial(_played, run, field, rules, changing, places, seed, r))
        if watch is not None:
            watch(r + 1)
    return result


def _kept(
    place: Path | None, name: str, n: int, make: Callable[[], NDArray[np.float64]]
) -> NDArray[np.float64]:
    if place is None:
        return make()
    file = place / f"{name}.npy"
    try:
        found = np.load(file, allow_pickle=False)
        if found.shape == (n, n) and found.dtype == np.float64 and np.isfinite(found).all():
            return np.asarray(found)
    except (OSError, ValueError, EOFError):
        pass
    made = make()
    place.mkdir(parents=True, exist_ok=True)
    fresh = place / f"{name}.{os.getpid()}.npy"
    np.save(fresh, made, allow_pickle=False)
    fresh.replace(file)
    return made


def _played(
    run: Spread,
    field: Field,
    rules: Rules,
    pairs: Sequence[tuple[int, int]],
    places: Sequence[int],
    seed: int,
    repetition: int,
) -> NDArray[np.float64]:
    parts = [pairs[k : k + PAIRS_AT_ONCE] for k in range(0, len(pairs), PAIRS_AT_ONCE)]
    tasks = [
        (field.entries, field.digests, rules, [(places[a], places[b]) for a, b in part], seed, repetition)
        for part in parts
    ]
    table = np.zeros((len(places), len(places)))
    for part, earned in zip(parts, run(play_pairs, tasks), strict=True):
        for (a, b), (ours, theirs) in zip(part, earned, strict=True):
            table[a, b], table[b, a] = ours, theirs
    return table


def play_pairs(
    entries: Sequence[str],
    digests: dict[str, str],
    rules: Rules,
    pairs: Sequence[tuple[int, int]],
    seed: int,
    repetition: int,
) -> list[tuple[float, float]]:
    """Payoffs per turn of both in one match of each pair of places: a task for any process."""
    from engine.fields.matches import loaded

    field = loaded(entries, digests)
    return list(_pairs(field, rules, pairs, seed, repetition))


def _pairs(
    field: Field, rules: Rules, pairs: Sequence[tuple[int, int]], seed: int, repetition: int
) -> Iterator[tuple[float, float]]:
    for a, b in pairs:
        first, second = field.opponents[a], field.opponents[b]
        text = f"{seed} {repetition} {first.name}\n{second.name}"
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
        moves = real_match(
            player_of(first), player_of(second), number, rules, chance=(first.chance, second.chance)
        )
        counts = np.bincount(2 * moves[:, 0] + moves[:, 1], minlength=4).astype(np.float64)
        both = rules.stage.mean_payoff(np.stack([counts, counts[[0, 2, 1, 3]]]), float(len(moves)))
        yield float(both[0]), float(both[1])
