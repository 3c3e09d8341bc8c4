"""Strategies in, distinct behaviours out: the arrays that the kernels play with.

Everything that is played is a canonical automaton, so payoffs are a function of behaviours alone: they do
not depend on which genome carried a behaviour, and equal strategies are played once.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.game import SWAP, Rules
from genomes.automaton import Automaton, automaton_key
from genomes.formula.genome import FormulaGenome
from genomes.formula.pair_automata import pair_defection, pair_structure
from genomes.lookup import LookupGenome, cooperation, history_structure
from genomes.strategy import Compiled

MAX_JOINT_STATES = 2**18
"""Largest chain of joint states for which expected payoffs are computed."""

MAX_SOLVED_STATES = 2**12
"""Largest chain for which a stationary distribution is computed (a dense elimination)."""

MAX_CARRIED = 2**30
"""Largest product of turns and joint states that is followed in pairs of floats: a minute for one pair."""

MAX_DOUBLED = 2**36
"""Largest number of products of numbers for which the turns are doubled: a minute for one pair."""

PRODUCTS = 64
"""So many products of numbers take as long as a turn of one joint state in pairs of floats."""


@dataclass(frozen=True)
class Behaviours:
    """The distinct behaviours of some strategies, in the order of their keys.

    `keys`: 16 bytes each. `index`: ``(strategies,)`` the behaviour of each strategy. `sizes`, `defect`,
    `successors`, `cooperate`: the canonical automata end to end, ``(d,)``, ``(sum of states,)``,
    ``(sum of states, 4)``, ``(sum of states,)``.
    """

    keys: tuple[bytes, ...]
    index: NDArray[np.int64]
    sizes: NDArray[np.int64]
    defect: NDArray[np.float64]
    successors: NDArray[np.int32]
    cooperate: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def offset(self) -> NDArray[np.int64]:
        """First state of each automaton."""
        return np.concatenate(([0], np.cumsum(self.sizes)[:-1])).astype(np.int64)

    @cached_property
    def pure(self) -> NDArray[np.bool_]:
        """Which behaviours never leave a move to chance."""
        mixed = (self.defect > 0) & (self.cooperate > 0)
        return ~np.logical_or.reduceat(mixed, self.offset) if len(self) else np.zeros(0, np.bool_)

    def automaton(self, d: int) -> Automaton:
        """The canonical automaton of behaviour `d`."""
        here = slice(self.offset[d], self.offset[d] + self.sizes[d])
        return Automaton(self.defect[here], self.successors[here], self.cooperate[here])


Form = tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]
"""What a canonical automaton is made of: P(D), successors, P(C)."""


def canonical_forms(strategies: Iterable[Compiled], rules: Rules) -> dict[Compiled, tuple[bytes, Form]]:
    """Behaviour key and canonical automaton of every strategy under `rules`.

    Lookup genomes of one memory are minimised together; strategies that count are unrolled to `rules.turns`.
    """
    from genomes.minimise import canonical_batch

    shared: dict[tuple[int, int], list[LookupGenome]] = {}
    formulas: list[FormulaGenome] = []
    found: dict[Compiled, tuple[bytes, Form]] = {}

    def keep(
        members: Sequence[Compiled],
        structure: NDArray[np.int32],
        defect: NDArray[np.float64],
        cooperate: NDArray[np.float64],
    ) -> None:
        sizes, p, following, c = canonical_batch(structure, defect, cooperate, rules.noisy)
        start = 0
        for member, size in zip(members, sizes.tolist(), strict=True):
            here = slice(start, start + size)
            # copies: a view would keep the whole batch as long as one of it lives
            form = p[here].copy(), following[here].copy(), c[here].copy()
            found[member] = automaton_key(*form), form
            start += size

    for strategy in dict.fromkeys(strategies):
        if isinstance(strategy, LookupGenome):
            shared.setdefault((strategy.x, strategy.y), []).append(strategy)
        elif isinstance(strategy, FormulaGenome) and strategy.pair_only:
            formulas.append(strategy)
        else:
            automaton = strategy.automaton(rules.turns)
            keep([strategy], automaton.successors, automaton.defect[None, :], automaton.cooperate[None, :])
    for (x, y), genomes in shared.items():
        rows = cooperation(x, y, genomes)
        keep(genomes, history_structure(x, y), 1.0 - rows, rows)
    if formulas:
        rows = np.stack([pair_defection(g.formula) for g in formulas])
        keep(formulas, pair_structure(), rows, 1.0 - rows)

    return found


def gather(found: Sequence[tuple[bytes, Form]], leading: Collection[bytes] = ()) -> Behaviours:
    """The distinct behaviours among some canonical forms, one a strategy, in the order of their keys.

    Those whose keys are `leading` stand first: rows of `ExpectedPlay` then hold their meetings with everybody.
    """
    forms = dict(found)
    keys = sorted(forms)
    if leading:
        keys.sort(key=lambda key: key not in leading)
    number = {key: d for d, key in enumerate(keys)}
    return Behaviours(
        keys=tuple(keys),
        index=np.array([number[key] for key, _ in found], np.int64),
        sizes=np.array([len(forms[key][0]) for key in keys], np.int64),
        defect=np.concatenate([forms[key][0] for key in keys]) if keys else np.zeros(0),
        successors=np.concatenate([forms[key][1] for key in keys]) if keys else np.zeros((0, 4), np.int32),
        cooperate=np.concatenate([forms[key][2] for key in keys]) if keys else np.zeros(0),
    )


def compile_behaviours(strategies: Sequence[Compiled], rules: Rules) -> Behaviours:
    """The distinct behaviours of `strategies` under `rules`."""
    found = canonical_forms(strategies, rules)
    return gather([found[strategy] for strategy in strategies])


SECONDS_PURE, SECONDS_CHANCE = 1e-7, 4e-6
"""Rough cost of a meeting of memory-3 genomes without and with chance: only decides whether to use threads."""


class ExpectedPlay:
    """Expected joint moves between behaviours: chooses the kernel for each pair.

    A count is the expected number of turns with each joint move (fixed turns; whole numbers where nothing is
    left to chance), or its frequency (continuation probability, limit of means).
    """

    def __init__(self, behaviours: Behaviours, rules: Rules) -> None:
        from engine.pairs import kernels

        self.behaviours, self.rules = behaviours, rules
        self.total = float(rules.turns) if rules.turns is not None else 1.0
        """What the counts of one meeting add up to."""
        self._pure = behaviours.pure & (not rules.noisy)
        self._table = np.empty(2 * len(behaviours.defect), np.uint32)
        self._start = np.empty(len(behaviours), np.uint32)
        if self._pure.any():
            kernels.pack_pure(
                behaviours.sizes, behaviours.defect, behaviours.successors, self._table, self._start
            )
        # how many turns have to be followed where chance plays a part; 0: none, the chain is solved
        self._faded = 0
        if rules.continuation is not None:
            fade = kernels.FADED_NATS / -math.log(rules.continuation) if rules.continuation > 0 else 1.0
            self._faded = math.ceil(fade)
        self._followed = rules.turns or (self._faded if self._faded <= kernels.FOLLOWED else 0)
        self._order = np.full(len(behaviours), -1, np.int64)
        self._rare = np.zeros(len(behaviours), np.bool_)
        self._tables = np.empty((len(behaviours), 2, 85))
        if self._followed and not self._pure.all():
            kernels.history_tables(
                behaviours.sizes,
                behaviours.defect,
                behaviours.successors,
                behaviours.cooperate,
                rules.noise,
                self._order,
                self._rare,
                self._tables,
            )
            if self._followed > kernels.FOLLOWED:  # only what depends on one joint move is doubled there
                self._order[self._order > 1] = -1

    def seconds(self, meetings: int) -> float:
        """Rough time that so many meetings take."""
        return meetings * (SECONDS_PURE if self._pure.all() else SECONDS_CHANCE)

    def pair(self, i: int, j: int) -> NDArray[np.float64]:
        """Counts ``(4,)`` of behaviour `i` with `j`, seen by `i`."""
        low, high = min(i, j), max(i, j)
        to_play = np.arange(len(self.behaviours)) == high  # nobody else, and not `low` with itself
        counts: NDArray[np.float64] = self.rows(low, low + 1, to_play)[0, high]
        return counts if i == low else counts[SWAP]

    def rows(
        self, first: int, last: int, to_play: NDArray[np.bool_] | None = None, *, chance: bool = True
    ) -> NDArray[np.float64]:
        """Counts ``(last - first, d, 4)`` of behaviours `first` .. `last` - 1 with those at or after them.

        Only pairs in which one is `to_play` ``(d,)`` are played (all when left out), the others stay 0;
        ``chance=False`` leaves out the meetings in which chance has a part.
        """
        from engine.pairs import kernels

        rules, pure = self.rules, self._pure
        d = len(self.behaviours)
        block = np.zeros((last - first, d, 4))
        rows = np.arange(first, last)
        if to_play is None:
            to_play = np.ones(d, np.bool_)
        continuation = 1.0 if rules.continuation is None else rules.continuation
        if pure[first:last].any():
            kernels.pure_rows(
                self._table, self._start, pure, rows, to_play, rules.turns or 0, continuation, block,
            )  # fmt: skip
        if pure.all() or not chance:
            return block
        short = self._order >= 0
        if short.any():
            kernels.history_rows(
                self._order,
                self._rare,
                self._tables,
                pure,
                rows,
                to_play,
                rules.noise,
                self._followed,
                continuation,
                block,
            )
        for i in rows.tolist():
            of_chance = ~(pure[i] & pure[i:]) & (to_play[i] | to_play[i:])
            met = short[i] & short[i:] & of_chance
            if rules.continuation is not None:
                block[i - first, i:][met] *= 1.0 - rules.continuation
            for j in (i + np.flatnonzero(of_chance & ~met)).tolist():
                block[i - first, j] = self._chain(i, j)
            if of_chance[0]:  # one behaviour with itself: CD and DC are alike to the last bit
                block[i - first, i, 1:3] = block[i - first, i, 1:3].mean()
        return block

    def _chain(self, i: int, j: int) -> NDArray[np.float64]:
        """Expected joint moves of one pair over its chain of joint states."""
        from engine.pairs import kernels

        rules = self.rules
        a, b = self.behaviours.automaton(i), self.behaviours.automaton(j)
        limit = MAX_SOLVED_STATES if rules.limit_of_means else MAX_JOINT_STATES
        following, chance = kernels.joint_chain(
            a.defect, a.successors, a.cooperate, b.defect, b.successors, b.cooperate, rules.noise, limit
        )
        if len(following) > limit:
            raise ValueError(
                f"rules: expected at most {limit} joint states for exact payoffs with {rules.horizon}, "
                f"got more ({len(a)} x {len(b)} states); use sampled play (sampled=N meetings a pair)"
            )
        counts = np.zeros(4)
        if rules.limit_of_means:
            kernels.limit_of_means(following, chance, counts)
        elif self._followed and self._followed <= kernels.FOLLOWED:
            d = 1.0 if rules.continuation is None else rules.continuation
            kernels.propagate(following, chance, self._followed, d, counts)
            if rules.continuation is not None:
                counts *= 1.0 - rules.continuation
        elif rules.continuation is not None and len(following) <= MAX_SOLVED_STATES:
            kernels.discounted(following, chance, rules.continuation, counts)
        else:
            self._long(following, chance, counts)
        if not abs(counts.sum() / self.total - 1.0) < 1e-9:
            raise ValueError(
                f"rules: expected joint moves that happen more often than 1e-300 of the time for exact payoffs with "
                f"{rules.horizon}, got rarer ones; use sampled play (sampled=N meetings a pair)"
            )
        return counts

    def _long(
        self, following: NDArray[np.int32], chance: NDArray[np.float64], counts: NDArray[np.float64]
    ) -> None:
        """Expected joint moves over more turns than roundings allow to follow one by one."""
        from engine.pairs import long_kernels

        rules, states = self.rules, len(following)
        turns, leave = rules.turns or self._faded, 1.0 - (rules.continuation or 1.0)
        products = states**3 * turns.bit_length()
        doubles = rules.turns is not None and products <= MAX_DOUBLED
        if doubles and products <= PRODUCTS * turns * states:
            long_kernels.doubled(following, chance, turns, counts)
        elif turns * states <= MAX_CARRIED:
            long_kernels.carried(following, chance, turns, leave, counts)
            if rules.continuation is not None:
                counts *= leave
        elif doubles:
            long_kernels.doubled(following, chance, turns, counts)
        else:
            raise ValueError(
                f"rules: expected at most {MAX_CARRIED} joint states x turns for exact payoffs with "
                f"{rules.horizon}, got {states} x {turns}; use sampled play (sampled=N meetings a pair)"
            )
