"""What strategies earn against a field: everybody exactly, or newcomers in a race for the places of survivors.

Fitness is the weighted mean over opponents of the mean payoff per turn over their seeds. It is a function of the
strategies, the lanes and the rules alone: what the memo knows already changes the time and no bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fields.declared import Lanes
from engine.fields.memo import Memo, Walkers
from engine.game import Rules
from genomes.automaton import Automaton

AT_ONCE = 4
"""Lanes in which a newcomer is played before it is compared again with the survivors' border."""

CAUTION = 1.5
"""A newcomer is dropped so many standard errors of its estimate below the border."""


@dataclass(frozen=True)
class Scores:
    """What some strategies earn in some lanes.

    `payoffs`: ``(n, l)`` payoff of a whole match, in the game's smallest unit (`Game.scaled`), `conceded` that of
    the opponent; `defections`: ``(n, l)``
    own D in it. `exact`: ``(n,)`` whether all of them were played; the others of a race hold estimates.
    """

    payoffs: NDArray[np.float64]
    conceded: NDArray[np.float64]
    defections: NDArray[np.float64]
    exact: NDArray[np.bool_]
    lanes: Lanes
    rules: Rules

    @property
    def totals(self) -> NDArray[np.float64]:
        """Fitness ``(n,)`` before it is divided: exact whole numbers where payoffs are, and weights alike."""
        return np.asarray((self.payoffs * self.lanes.weights).sum(axis=1))

    @property
    def fitness(self) -> NDArray[np.float64]:
        """Payoff per turn, ``(n,)``."""
        return self.totals / (self.lanes.total * (self.rules.turns or 1) * self.rules.game.scaled[1])

    @property
    def cooperation(self) -> NDArray[np.float64]:
        """Share of own moves that were C, ``(n,)``."""
        rates = (self.defections * self.lanes.weights).sum(axis=1) / (
            self.lanes.total * (self.rules.turns or 1)
        )
        return np.asarray(1.0 - rates)

    def difference_error(self) -> float:
        """Standard error of a difference in fitness through the choice of seeds: root mean square over all pairs.

        The seeds are the same for everyone, so it is that of paired differences: of each opponent the variance over its
        seeds of the difference, divided by their number. 0 where no opponent has two seeds.
        """
        n, total = len(self.payoffs), 0.0
        if n < 2:
            return 0.0
        unit = (self.rules.turns or 1) * self.rules.game.scaled[1]
        for opponent in np.unique(self.lanes.opponents):
            here = np.flatnonzero(self.lanes.opponents == opponent)
            k = len(here)
            if k > 1:
                share = self.lanes.weights[here].sum() / self.lanes.total
                x = self.payoffs[:, here] / unit
                x = x - x.mean(
                    axis=0
                )  # the mean over pairs of var(a - b) is 2 n / (n - 1) that from the mean
                spread = (x - x.mean(axis=1, keepdims=True)) ** 2
                total += share**2 * 2 / (n - 1) * float(spread.sum()) / (k - 1) / k
        return float(np.sqrt(total))


def score(memo: Memo, automata: Sequence[Automaton], lanes: Lanes) -> Scores:
    """Everybody in every lane."""
    walkers = Walkers(automata)
    numbers = memo.lanes(lanes, mixed=walkers.mixed)
    found = memo.meet(walkers, *_all_pairs(len(automata), numbers))
    return _scores(
        memo, found.counts.reshape(len(automata), len(lanes), 3), lanes, np.ones(len(automata), np.bool_)
    )


def race(
    memo: Memo,
    kept: Sequence[Automaton],
    newcomers: Sequence[Automaton],
    lanes: Lanes,
    survivors: int,
    turn: int = 0,
) -> Scores:
    """Those kept exactly, newcomers as far as they can still be among the best `survivors` of all.

    Where a newcomer plays a whole match as one of the kept did, it is known. Elsewhere it borrows the payoff of that
    match of the kept ones that it follows longest, until it is played there, `AT_ONCE` lanes at a time, in an order
    that is drawn anew for every `turn`: a lane comes early with its weight, so that opponents without chance, whose one
    lane weighs as much as all seeds of another, mostly come first, and slow opponents last. What it gained on average
    in the lanes that were played is expected of those that are left. It is dropped, with that estimate, once this
    falls more than `CAUTION` standard errors below the payoff of the last survivor. Everyone among the best
    `survivors` is exact.
    """
    ours = _distinct(newcomers)
    walkers = Walkers([*kept, *ours.automata])
    numbers = memo.lanes(lanes, mixed=walkers.mixed)
    before = len(kept)
    rows = memo.meet(walkers, *_all_pairs(before, numbers))
    few = memo.apart(memo.matches_of(rows))
    others, columns = _all_pairs(len(ours.automata), numbers)
    found = few.walk(walkers, others + before, columns)
    counts = np.where(
        (found.known == memo.turns)[:, None], found.counts, few.counts[np.maximum(found.match, 0)]
    ).reshape(-1, len(lanes), 3)
    known = (found.known == memo.turns).reshape(-1, len(lanes))
    exact = np.concatenate([np.ones(before, np.bool_), known.all(axis=1)])
    scores = _scores(memo, np.concatenate([rows.counts.reshape(before, len(lanes), 3), counts]), lanes, exact)
    copies = np.concatenate([np.ones(before, np.int64), ours.copies])
    running = ~exact
    borrowed, unknown = scores.payoffs[before:].copy(), ~known
    order = _order(memo, lanes, turn)
    while True:
        expected, error = _expected(scores.payoffs[before:], borrowed, unknown & known, known, lanes)
        totals = np.concatenate([scores.totals[:before], (expected * lanes.weights).sum(axis=1)])
        running[before:] &= totals[before:] + CAUTION * error >= _border(totals, exact, copies, survivors)
        if not running.any():
            break
        queries, places = _next(known, np.flatnonzero(running) - before, order)
        played = memo.meet(walkers, queries + before, numbers[places])
        known[queries, places] = True
        part = _scores(memo, played.counts[:, None, :], lanes, np.ones(len(queries), np.bool_))
        scores.payoffs[queries + before, places] = part.payoffs[:, 0]
        scores.conceded[queries + before, places] = part.conceded[:, 0]
        scores.defections[queries + before, places] = part.defections[:, 0]
        done = np.concatenate([np.ones(before, np.bool_), known.all(axis=1)])
        exact |= running & done
        running &= ~done
    scores.payoffs[before:] = expected
    everyone = np.concatenate([np.arange(before), before + ours.index])
    return Scores(
        scores.payoffs[everyone],
        scores.conceded[everyone],
        scores.defections[everyone],
        exact[everyone],
        lanes,
        memo.rules,
    )


@dataclass(frozen=True)
class _Distinct:
    automata: list[Automaton]
    index: NDArray[np.int64]
    copies: NDArray[np.int64]


def _distinct(automata: Sequence[Automaton]) -> _Distinct:
    place: dict[Automaton, int] = {}
    index = np.array([place.setdefault(a, len(place)) for a in automata], np.int64)
    return _Distinct(list(place), index, np.bincount(index, minlength=len(place)).astype(np.int64))


def _expected(
    payoffs: NDArray[np.float64],
    borrowed: NDArray[np.float64],
    tried: NDArray[np.bool_],
    known: NDArray[np.bool_],
    lanes: Lanes,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Payoffs ``(n, l)`` in all lanes, where a newcomer was not played with what it gains on average in those that it
    was `tried` in; and the standard error ``(n,)`` of its total, 0 where none was tried, infinite after one.

    Lanes are drawn with their weights, so that the plain mean of the gains estimates the weighted one.
    """
    count, left = tried.sum(axis=1), (~known).sum(axis=1)
    gains = np.where(tried, payoffs - borrowed, 0.0)
    mean = gains.sum(axis=1) / np.maximum(count, 1)
    spread = (np.where(tried, gains - mean[:, None], 0.0) ** 2).sum(axis=1) / np.maximum(count - 1, 1)
    weight = (~known * lanes.weights).sum(axis=1)
    error = weight * np.sqrt(spread * (1 / np.maximum(count, 1) + 1 / np.maximum(left, 1)))
    expected = np.where(known, payoffs, borrowed + mean[:, None])
    return expected, np.where((count == 1) & (left > 0), np.inf, error)


def _border(
    totals: NDArray[np.float64], exact: NDArray[np.bool_], copies: NDArray[np.int64], survivors: int
) -> float:
    """What the last of the best `survivors` earns among the exact ones; no border where they are fewer."""
    earned = np.repeat(totals[exact], copies[exact])
    if len(earned) < survivors or survivors == 0:
        return -np.inf
    return float(np.partition(earned, len(earned) - survivors)[len(earned) - survivors])


def _order(memo: Memo, lanes: Lanes, turn: int) -> NDArray[np.int64]:
    """The order of lanes in a race: drawn without putting back, each with its weight, slow opponents last."""
    slow = np.array([memo.field.opponents[k].slow for k in lanes.opponents.tolist()])
    waits = np.random.default_rng(turn).exponential(size=len(lanes)) / np.maximum(lanes.weights, 1e-300)
    return np.lexsort((waits, slow))


def _next(
    known: NDArray[np.bool_], running: NDArray[np.int64], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The next `AT_ONCE` lanes of each that is running, in the order of the race."""
    unknown = ~known[running][:, order]
    chosen = unknown & (np.cumsum(unknown, axis=1) <= AT_ONCE)
    who, where = np.nonzero(chosen)
    return running[who], order[where]


def _all_pairs(n: int, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.repeat(np.arange(n), len(numbers)), np.tile(numbers, n)


def _scores(memo: Memo, counts: NDArray[np.int64], lanes: Lanes, exact: NDArray[np.bool_]) -> Scores:
    a, b, d = (counts[..., k].astype(np.float64) for k in range(3))
    (r, s, t, p), _ = memo.rules.game.scaled
    alike, sucker, tempted = r * (memo.turns - a - b + d) + p * d, b - d, a - d
    payoffs, conceded = alike + s * sucker + t * tempted, alike + t * sucker + s * tempted
    return Scores(payoffs, conceded, a.copy(), exact, lanes, memo.rules)
