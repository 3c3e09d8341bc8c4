"""Round robins: everybody meets everybody, and what each strategy earns.

`round_robin` plays distinct behaviours once, exactly; it streams over blocks of rows, so that only a caller
who asks for the matrix pays for its memory.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules, conditions
from engine.ledger import Ledger, booked, ledger_of
from engine.pairs.behaviours import Behaviours, canonical_forms, compile_behaviours
from engine.pairs.exact_play import ExpectedPlay
from engine.pairs.meetings import by_chance, check_seed, played_counts
from engine.pairs.sampled_play import sample
from engine.pairs.short_memories import ShortMemories, as_words
from engine.pairs.tallies import spread, tally
from engine.pairs.threads import block_ranges, in_order
from engine.stage import ITEMS
from engine.tables import Table
from genomes.reading import label, resolve
from genomes.strategy import Compiled, OneOfStrategies, Strategy, StrategyLike, is_compiled

BLOCK_MEETINGS = 2**15
"""Meetings in one block of rows: 1 MiB of counts, which stays in a core's own cache."""


@dataclass(frozen=True)
class PayoffTable(Table):
    """What every strategy of a round robin earns, per turn.

    `names`, `counts`: who plays, and how many of each. `scores`, `cooperation_rates`: ``(n,)`` means of
    an individual over all it meets. `errors`: ``(n,)`` standard errors of the scores, None where exact.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    rules: Rules
    self_play: bool
    scores: NDArray[np.float64]
    cooperation_rates: NDArray[np.float64]
    errors: NDArray[np.float64] | None
    ledger: Ledger | None
    """What mechanisms took and gave, means over all meetings; None where there is none."""
    _players: tuple[Strategy, ...] = field(repr=False)
    _unit: NDArray[np.int64]
    _unit_payoffs: NDArray[np.float64] | None
    _unit_cooperation: NDArray[np.float64] | ShortMemories | None
    _unit_books: NDArray[np.float64] | None

    @cached_property
    def behaviours(self) -> tuple[str | None, ...]:
        """The behaviour key of each strategy, None for a Python player."""
        forms = canonical_forms([player for player in self._players if is_compiled(player)], self.rules)
        return tuple(forms[player][0].hex() if is_compiled(player) else None for player in self._players)

    @property
    def has_matrix(self) -> bool:
        """Whether pairwise results were kept."""
        return self._unit_payoffs is not None

    @cached_property
    def payoffs(self) -> NDArray[np.float64]:
        """``(n, n)`` the row's mean payoff per turn against the column."""
        return self._matrix(self._unit_payoffs)

    @cached_property
    def cooperation(self) -> NDArray[np.float64]:
        """``(n, n)`` the row's cooperation rate against the column."""
        found = self._unit_cooperation
        return self._matrix(
            found.cooperation(self.rules.turns or 1) if isinstance(found, ShortMemories) else found
        )

    @cached_property
    def books(self) -> NDArray[np.float64]:
        """``(n, n, items)`` what mechanisms book for the row against the column, per turn (see `Ledger`)."""
        if self._unit_payoffs is not None and self._unit_books is None:
            return np.zeros((*self.payoffs.shape, len(ITEMS)))
        return self._matrix(self._unit_books)

    def _matrix(self, of_units: NDArray[np.float64] | None) -> NDArray[np.float64]:
        if of_units is None:
            raise ValueError(
                "matrix: expected round_robin(..., matrix=True) for pairwise results, got matrix=False"
            )
        return of_units[np.ix_(self._unit, self._unit)]

    @property
    def order(self) -> list[int]:
        """Positions of the strategies, best score first; ties in the order given."""
        order: list[int] = np.argsort(-self.scores, kind="stable").tolist()
        return order

    def ranking(self) -> list[tuple[str, float]]:
        """(name, score), best first; ties in the order given."""
        return [(self.names[k], float(self.scores[k])) for k in self.order]

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a strategy, best first, with its payoffs against everybody where the matrix was kept."""
        order = self.order
        found: dict[str, Sequence[Any]] = {
            "rank": range(1, len(order) + 1),
            "strategy": [self.names[k] for k in order],
            "count": [self.counts[k] for k in order],
            "payoff": self.scores[order].tolist(),
            "cooperation": self.cooperation_rates[order].tolist(),
        }
        if self.errors is not None:
            found["standard error"] = self.errors[order].tolist()
        if self.ledger is not None:
            heads = self.ledger.columns()
            found |= {name: [heads[name][k] for k in order] for name in heads if name != "strategy"}
        if self.has_matrix:
            found |= {f"v {self.names[k]}": self.payoffs[order, k].tolist() for k in order}
        return found

    def __str__(self) -> str:
        width = max(len("strategy"), *(len(name) for name in self.names))
        with_counts = any(count != 1 for count in self.counts)
        head = f"rank  {'strategy':{width}}  " + ("count  " if with_counts else "") + "payoff  cooperation"
        lines = [head + ("  +-" if self.errors is not None else "")]
        for rank, k in enumerate(self.order, 1):
            count = f"{self.counts[k]:5d}  " if with_counts else ""
            error = f"  {self.errors[k]:.4f}" if self.errors is not None else ""
            lines.append(
                f"{rank:4d}  {self.names[k]:{width}}  {count}{self.scores[k]:6.4f}  "
                f"{self.cooperation_rates[k]:11.4f}{error}"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values; `payoffs` and `cooperation` only where the matrix was asked for."""
        result: dict[str, Any] = {
            "names": list(self.names),
            "counts": list(self.counts),
            "scores": self.scores.tolist(),
            "cooperation_rates": self.cooperation_rates.tolist(),
            "ranking": [name for name, _ in self.ranking()],
            "behaviours": list(self.behaviours),
        }
        if self.errors is not None:
            result["errors"] = self.errors.tolist()
        if self.ledger is not None:
            result["ledger"] = self.ledger.to_dict(self.counts)
        if self.has_matrix:
            result |= {"payoffs": self.payoffs.tolist(), "cooperation": self.cooperation.tolist()}
        return result

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict())

    def to_csv(self) -> str:
        """One row a strategy, best first: rank, name, count, score, cooperation, then its row of payoffs."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        order = self.order
        columns = [self.names[k] for k in order] if self.has_matrix else []
        writer.writerow(
            ["rank", "strategy", "count", "payoff", "cooperation", *(f"v {name}" for name in columns)]
        )
        for rank, k in enumerate(order, 1):
            row = [float(p) for p in self.payoffs[k, order]] if self.has_matrix else []
            writer.writerow(
                [
                    rank,
                    self.names[k],
                    self.counts[k],
                    float(self.scores[k]),
                    float(self.cooperation_rates[k]),
                    *row,
                ]
            )
        return text.getvalue()


def round_robin(
    strategies: Iterable[StrategyLike] | Mapping[OneOfStrategies, int],
    rules: Rules | None = None,
    *,
    self_play: bool = False,
    matrix: bool = True,
    sampled: int | None = None,
    seed: int = 0,
    workers: int = 1,
) -> PayoffTable:
    """Everybody meets everybody: mean payoffs per turn, exact unless `sampled`.

    `strategies`: genomes, catalogue names, texts or Python players; a mapping gives how many individuals play
    each. An individual meets all others, copies of itself included; with `self_play` also itself.
    `matrix=False` keeps only scores, in memory that grows with the strategies and not with their square.
    `sampled=N` plays N meetings of every pair that chance has a part in, from `seed`, and reports standard
    errors. `workers` threads share exact play where it is long enough; the results are the same to the bit.

    Raises ValueError for unknown strategies, impossible counts, fewer than two individuals without self-play,
    and play that cannot be computed exactly (naming `sampled`).

    >>> print(round_robin(["tit_for_tat", "all_d", "all_c"], Rules(turns=10)))
    rank  strategy     payoff  cooperation
       1  all_d        3.2000       0.0000
       2  tit_for_tat  1.9500       0.5500
       3  all_c        1.5000       1.0000
    """
    rules = conditions(rules)
    specs: list[StrategyLike] = list(strategies)
    numbers = list(strategies.values()) if isinstance(strategies, Mapping) else [1] * len(specs)
    names = tuple(label(spec) for spec in specs)
    players = [resolve(spec) for spec in specs]
    _check_counts(names, numbers, self_play)
    if sampled is not None and (not isinstance(sampled, int) or sampled < 2):
        raise ValueError(f"sampled: expected at least 2 meetings a pair, got {sampled!r}")
    check_seed(seed)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers: expected a whole number of threads > 0, got {workers!r}")

    short = as_words(players, sum(numbers), rules) if sampled is None else None
    if short is None or (matrix and rules.mechanisms):  # those keep books of every pair
        played = _in_blocks(names, players, numbers, rules, self_play, matrix, sampled, seed, workers)
    else:
        weights = np.bincount(short.index, weights=np.array(numbers, np.float64)).astype(np.float64)
        kin = _of_kind(weights, self_play)
        totals, payoffs = short.meet(weights, kin, rules, matrix=matrix, workers=workers)
        played = _Played(short.index, totals, payoffs, short if matrix else None)

    unit, stage = played.unit, rules.stage
    turns = float(rules.turns or 1) * (sum(numbers) - (0 if self_play else 1))
    return PayoffTable(
        names=names,
        counts=tuple(int(k) for k in numbers),
        rules=rules,
        self_play=self_play,
        scores=stage.mean_payoff(played.totals, turns)[unit],
        cooperation_rates=stage.cooperation(played.totals, turns)[unit],
        errors=None if played.errors is None else played.errors[unit],
        ledger=ledger_of(names, rules, played.totals[unit] / turns),
        _players=tuple(players),
        _unit=unit,
        _unit_payoffs=played.payoffs,
        _unit_cooperation=played.cooperation,
        _unit_books=played.books,
    )


@dataclass(frozen=True)
class _Played:
    """What units earned of each other, where `unit` ``(n,)`` is the one of each strategy; None: not asked for."""

    unit: NDArray[np.int64]
    totals: NDArray[np.float64]
    """``(units, outcomes)``: an individual's meetings with everybody added up."""
    payoffs: NDArray[np.float64] | None
    cooperation: NDArray[np.float64] | ShortMemories | None
    """Of short memories it is played when somebody asks."""
    books: NDArray[np.float64] | None = None
    errors: NDArray[np.float64] | None = None


def _of_kind(weights: NDArray[np.float64], self_play: bool) -> NDArray[np.float64]:
    """How many of its kind an individual meets."""
    return weights if self_play else weights - 1.0


def _in_blocks(
    names: tuple[str, ...],
    players: Sequence[Strategy],
    numbers: Sequence[int],
    rules: Rules,
    self_play: bool,
    matrix: bool,
    sampled: int | None,
    seed: int,
    workers: int,
) -> _Played:
    """Meetings of strategies of any kind, blocks of rows after each other."""
    compiled: dict[int, Compiled] = {k: player for k, player in enumerate(players) if is_compiled(player)}
    behaviours = compile_behaviours([*compiled.values()], rules)
    # units: the distinct behaviours in key order, then every Python player for itself
    unit = np.empty(len(players), np.int64)
    unit[[*compiled]] = behaviours.index
    slow = [k for k in range(len(players)) if k not in compiled]
    unit[slow] = len(behaviours) + np.arange(len(slow))
    meetings = _Meetings(behaviours, [(names[k], players[k]) for k in slow], rules, sampled, seed)

    n = meetings.units
    weights = np.bincount(unit, weights=np.array(numbers, np.float64), minlength=n).astype(np.float64)
    kin = _of_kind(weights, self_play)
    stage = rules.stage
    totals = np.zeros((n, stage.outcomes))
    variance, own_variance = np.zeros(n), np.zeros(n)
    payoffs, cooperation = (np.empty((n, n)), np.empty((n, n))) if matrix else (None, None)
    books = np.empty((n, n, len(ITEMS))) if matrix and rules.mechanisms else None
    if sampled is not None or slow:
        workers = 1  # those are played in Python, one at a time

    def keep(first: int, end: int, played: tuple[NDArray[np.float64], NDArray[np.float64] | None]) -> None:
        rows, (block, squares) = np.arange(first, end), played
        tally(stage, block, rows, weights, kin, totals)
        if squares is not None:
            for r, i in enumerate(rows):  # the meeting of i and k adds its error to both
                later = squares[r, i:]
                variance[i] += (weights[i:] ** 2 * later[:, 0]).sum()
                variance[i + 1 :] += weights[i] ** 2 * later[1:, 1]
                own_variance[i] = later[0, 0]
        if payoffs is not None and cooperation is not None:
            values, scale = rules.stage.scaled
            spread(stage, block, rows, np.array(values), scale * meetings.total, payoffs)
            spread(stage, block, rows, (stage.joint < 2).astype(np.float64), meetings.total, cooperation)
        if books is not None:
            for r, i in enumerate(rows):
                books[i, i:] = booked(rules, block[r, i:] / meetings.total)
                books[i + 1 :, i] = booked(rules, block[r, i + 1 :][:, stage.swap] / meetings.total)

    in_order(
        lambda first, end: meetings.rows(np.arange(first, end)),
        keep,
        block_ranges(n, max(1, BLOCK_MEETINGS // n), workers),
        workers=workers,
        seconds=meetings.exact.seconds(n * (n + 1) // 2),
    )

    errors = None
    if sampled is not None:
        adjustment = 0 if self_play else (weights - 1) ** 2 - weights**2
        met = weights.sum() - (0 if self_play else 1)
        errors = np.sqrt(np.maximum(variance + adjustment * own_variance, 0.0)) / met
    return _Played(unit, totals, payoffs, cooperation, books, errors)


class _Meetings:
    """Joint-move counts of every pair of units, a block of rows at a time."""

    def __init__(
        self,
        behaviours: Behaviours,
        slow: list[tuple[str, Strategy]],
        rules: Rules,
        sampled: int | None,
        seed: int,
    ) -> None:
        self.behaviours, self.slow, self.rules = behaviours, slow, rules
        self.repeats, self.seed = sampled, seed
        self.units = len(behaviours) + len(slow)
        self.total = float(rules.turns) if rules.turns is not None else 1.0
        self.chance = np.ones(self.units, np.bool_)  # could a meeting of this unit turn out differently?
        if not rules.noisy:
            self.chance[: len(behaviours)] = ~behaviours.pure
            if rules.turns is not None:
                self.chance[len(behaviours) :] = [by_chance(player, rules) for _, player in slow]
        self.exact = ExpectedPlay(behaviours, rules)

    def payoff(self, counts: NDArray[np.float64], meetings: float = 1.0) -> NDArray[np.float64]:
        """Mean payoff per turn."""
        return self.rules.stage.mean_payoff(counts, self.total * meetings)

    def cooperation(self, counts: NDArray[np.float64], meetings: float = 1.0) -> NDArray[np.float64]:
        """Share of turns in which the row cooperates."""
        return self.rules.stage.cooperation(counts, self.total * meetings)

    def rows(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Counts ``(r, n, o)``, columns from the row on, and squared standard errors ``(r, n, 2)`` if sampled."""
        d = len(self.behaviours)
        if self.repeats is None and not self.slow:
            return self.exact.rows(int(rows[0]), int(rows[-1]) + 1), None
        block = np.zeros((len(rows), self.units, self.rules.stage.outcomes))
        squares = None if self.repeats is None else np.zeros((len(rows), self.units, 2))
        known = rows[rows < d]
        if len(known):
            block[: len(known), :d] = self.exact.rows(
                int(known[0]), int(known[-1]) + 1, chance=squares is None
            )
        for r, i in enumerate(rows.tolist()):
            for k in range(i, self.units):
                if squares is not None and (self.chance[i] or self.chance[k]):
                    block[r, k], squares[r, k] = self._sample(i, k)
                elif k >= d:
                    names = self._name(i), self._name(k)
                    block[r, k] = played_counts(self._unit(i), self._unit(k), self.rules, names)
        return block, squares

    def _unit(self, u: int) -> Strategy:
        d = len(self.behaviours)
        return self.behaviours.automaton(u) if u < d else self.slow[u - d][1]

    def _name(self, u: int) -> str:
        d = len(self.behaviours)
        return label(self.behaviours.automaton(u)) if u < d else self.slow[u - d][0]

    def _identity(self, u: int) -> bytes:
        d = len(self.behaviours)
        return self.behaviours.keys[u] if u < d else label(self._unit(u)).encode() + bytes([(u - d) % 256])

    def _sample(self, i: int, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean counts of sampled meetings and the squared standard errors of both payoffs.

        The stream belongs to the pair of behaviours, so a meeting does not depend on who else takes part.
        """
        assert self.repeats is not None
        identity = self._identity(i) + self._identity(k)
        return sample((self._unit(i), self._unit(k)), identity, self.rules, self.repeats, self.seed)


def _check_counts(names: tuple[str, ...], numbers: list[int], self_play: bool) -> None:
    for name, number in zip(names, numbers, strict=True):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ValueError(f"{name}: expected a whole number of individuals > 0, got {number!r}")
    total = sum(int(number) for number in numbers)
    if total < (1 if self_play else 2):
        raise ValueError(f"strategies: expected at least {1 if self_play else 2} players, got {total}")
