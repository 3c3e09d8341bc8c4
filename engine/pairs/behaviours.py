"""Strategies in, distinct behaviours out: the arrays that the kernels play with.

Everything that is played is a canonical automaton, so payoffs are a function of behaviours alone: they do
not depend on which genome carried a behaviour, and equal strategies are played once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from genomes.automaton import Automaton, automaton_key
from genomes.formula.genome import FormulaGenome
from genomes.formula.pair_automata import pair_defection, pair_structure
from genomes.lookup import LookupGenome, cooperation, history_structure
from genomes.strategy import Compiled


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

    shared: dict[tuple[int, int, int], list[LookupGenome]] = {}
    formulas: list[FormulaGenome] = []
    found: dict[Compiled, tuple[bytes, Form]] = {}

    def keep(
        members: Sequence[Compiled],
        structure: NDArray[np.int32],
        defect: NDArray[np.float64],
        cooperate: NDArray[np.float64],
        memory: int | None = None,
    ) -> None:
        sizes, p, following, c = canonical_batch(structure, defect, cooperate, rules.slips, memory)
        ends = np.cumsum(sizes)
        mixed = np.logical_or.reduceat((p > 0) & (c > 0), ends - sizes)
        start = 0
        for member, end, by_chance in zip(members, ends.tolist(), mixed.tolist(), strict=True):
            # copies: a view would keep the whole batch as long as one of it lives
            form = p[start:end].copy(), following[start:end].copy(), c[start:end].copy()
            found[member] = automaton_key(*form, by_chance), form
            start = end

    for strategy in dict.fromkeys(strategies):
        if isinstance(strategy, LookupGenome):
            shared.setdefault(strategy.memory, []).append(strategy)
        elif isinstance(strategy, FormulaGenome) and strategy.pair_only:
            formulas.append(strategy)
        else:
            automaton = strategy.automaton(rules.most_moves)
            keep([strategy], automaton.successors, automaton.defect[None, :], automaton.cooperate[None, :])
    for (x, y, z), genomes in shared.items():
        rows = cooperation(genomes)
        forgets = None if z else max(x, y)  # the opponent's opening moves are kept for ever
        keep(genomes, history_structure(x, y, z), 1.0 - rows, rows, forgets)
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
