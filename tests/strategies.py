"""What hypothesis draws from: genomes and automata of every kind, and the rules they are played under.

A new genome kind joins the shared tests by one line in `anything`.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from genomes import Automaton, LookupGenome, MachineGenome
from genomes.counting import GRADUAL, HARD_MAJO, SOFT_MAJO
from tests import reference

pure = st.sampled_from([0.0, 1.0])
likely = st.floats(0, 1).filter(lambda p: p == 0 or p > 1e-200)  # rarer than 1e-300 is refused
chance = st.one_of(pure, likely, st.sampled_from([0.25, 1 / 3, 0.999]))


@st.composite
def lookups(draw: st.DrawFn, moves: st.SearchStrategy[float] = pure, largest: int = 4) -> LookupGenome:
    x = draw(st.integers(0, largest))
    y = draw(st.integers(0, largest - x))
    z = draw(st.integers(0, min(2, largest - x - y)))
    opening = draw(st.lists(moves, min_size=max(x, y, z), max_size=max(x, y, z)))
    replies = draw(st.lists(moves, min_size=2 ** (x + y + z), max_size=2 ** (x + y + z)))
    return LookupGenome(x, y, tuple(opening), tuple(replies), z)


@st.composite
def automata(draw: st.DrawFn, moves: st.SearchStrategy[float] = pure, largest: int = 6) -> Automaton:
    n = draw(st.integers(1, largest))
    states = st.integers(0, n - 1)
    return Automaton(
        draw(st.lists(moves, min_size=n, max_size=n)),
        np.array(draw(st.lists(states, min_size=4 * n, max_size=4 * n))).reshape(n, 4),
    )


@st.composite
def machines(draw: st.DrawFn, largest: int = 5) -> MachineGenome:
    n = draw(st.integers(1, largest))
    states, moves = st.integers(0, n - 1), st.integers(0, 1)
    pairs = st.tuples(states, states), st.tuples(moves, moves)
    successors, replies = (draw(st.lists(pair, min_size=n, max_size=n)) for pair in pairs)
    return MachineGenome(draw(moves), draw(states), tuple(replies), tuple(successors))  # type: ignore[arg-type]


counting = st.sampled_from([SOFT_MAJO, HARD_MAJO, GRADUAL])
pure_strategies = st.one_of(lookups(), machines(), automata())
anything = st.one_of(lookups(chance, 3), automata(chance), pure_strategies)


def rule(strategy: object) -> reference.Rule:
    """The plain-Python reading of a strategy."""
    if isinstance(strategy, LookupGenome):
        return reference.lookup_rule(strategy.x, strategy.y, strategy.opening, strategy.replies, strategy.z)
    if isinstance(strategy, MachineGenome):
        rows = zip(strategy.successors, strategy.replies, strict=True)
        table = [(s, "CD"[o], to[o], "CD"[reply[o]]) for s, (to, reply) in enumerate(rows) for o in (0, 1)]
        return reference.machine_rule("CD"[strategy.first], strategy.start, table)
    if isinstance(strategy, Automaton):
        return reference.automaton_rule(strategy.defect.tolist(), strategy.successors.tolist())
    return reference.RULES[str(strategy)]


def tables(strategy: object, turns: int | None = None) -> tuple[list[float], list[list[int]]]:
    """A strategy's automaton as plain lists."""
    automaton = strategy.automaton(turns)  # type: ignore[attr-defined]
    return automaton.defect.tolist(), automaton.successors.tolist()
