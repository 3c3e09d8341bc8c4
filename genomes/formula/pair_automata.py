"""Pair-only formulas as automata: all a formula about r and c alone can know of their history.

That is the set of joint moves seen so far and the last one: 33 states. Truth values are held for all states
at once, one bit per state, so compiling costs four evaluations for each level of quantifiers.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genomes.automaton import Automaton
from genomes.formula.syntax import ROUND_CONSTANT, Atom, Binary, Const, Node, Not, Quantifier

_STATES = [(0, -1), *((seen, last) for seen in range(1, 16) for last in range(4) if seen >> last & 1)]
"""(set of joint moves seen as four bits, last joint move); play starts with nothing seen."""
_ALL = (1 << len(_STATES)) - 1
_SEEN = [sum(1 << n for n, (seen, _) in enumerate(_STATES) if seen >> joint & 1) for joint in range(4)]
_LAST = [sum(1 << n for n, (_, last) in enumerate(_STATES) if last == joint) for joint in range(4)]


@lru_cache(maxsize=1)
def pair_structure() -> NDArray[np.int32]:
    """Next state by joint move, ``(33, 4)``: alike for all pair-only formulas."""
    index = {state: n for n, state in enumerate(_STATES)}
    successors = np.array(
        [[index[seen | 1 << joint, joint] for joint in range(4)] for seen, _ in _STATES], dtype=np.int32
    )
    successors.setflags(write=False)
    return successors


def pair_defection(formula: Node) -> NDArray[np.float64]:
    """Probability of D (0 or 1) in each state of `pair_structure`, ``(33,)``."""
    truth = _evaluate(formula, {})
    return np.array([truth >> state & 1 for state in range(len(_STATES))], dtype=np.float64)


def pair_automaton(formula: Node) -> Automaton:
    """The automaton of a pair-only formula."""
    return Automaton(pair_defection(formula), pair_structure())


def _evaluate(node: Node, rounds: dict[str, int]) -> int:
    """The states in which the formula holds, as bits; each round variable stands for a joint move seen."""
    if isinstance(node, Atom):
        if node.t == ROUND_CONSTANT:
            return sum(_LAST[joint] for joint in range(4) if _defected(node, joint))
        return _ALL if _defected(node, rounds[node.t]) else 0
    if isinstance(node, Const):
        return _ALL if node.value else 0
    if isinstance(node, Not):
        return _ALL & ~_evaluate(node.body, rounds)
    if isinstance(node, Binary):
        left, right = _evaluate(node.left, rounds), _evaluate(node.right, rounds)
        if node.op == "and":
            return left & right
        if node.op == "or":
            return left | right
        if node.op == "implies":
            return _ALL & ~left | right
        return left ^ right if node.op == "xor" else _ALL & ~(left ^ right)
    if not isinstance(node, Quantifier) or node.sort != "round":
        raise ValueError(f"formula: expected one about r and c alone, got {node!r}")
    cases = [_evaluate(node.body, {**rounds, node.var: joint}) for joint in range(4)]
    exists = node.kind == "exists"
    truth = 0 if exists else _ALL
    for seen, case in zip(_SEEN, cases, strict=True):
        truth = truth | seen & case if exists else truth & (case | _ALL & ~seen)
    return truth


def _defected(atom: Atom, joint: int) -> bool:
    return bool(joint >> 1 if atom.x == "r" else joint & 1)
