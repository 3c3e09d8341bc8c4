"""The oracle of societies: plain Python, straight from the definition, slow and obvious.

Every individual is played, over the full history, all n x n pairs; the diagonal (how a player decides about
itself) is computed by the same rule, never scored, never subject to noise. A player variable of phi(r,c) ranges
over all players, or, with quantifiers "others", over all but r and c.
"""

from __future__ import annotations

import itertools

import numpy as np

from genomes.automaton import Automaton
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Atom, Binary, Const, Node, Not, Quantifier, Quantifiers


def holds(
    node: Node, names: dict[str, int], history: list[np.ndarray], n: int, quantifiers: Quantifiers = "all"
) -> bool:
    """Truth of a formula after the rounds of `history`, each an (n, n) array of who defected on whom."""
    if isinstance(node, Atom):
        if node.t == "p":
            return bool(history) and bool(history[-1][names[node.x], names[node.y]])
        return bool(history[names[node.t]][names[node.x], names[node.y]])
    if isinstance(node, Const):
        return node.value
    if isinstance(node, Not):
        return not holds(node.body, names, history, n, quantifiers)
    if isinstance(node, Binary):
        left, right = (holds(part, names, history, n, quantifiers) for part in (node.left, node.right))
        if node.op == "and":
            return left and right
        if node.op == "or":
            return left or right
        if node.op == "xor":
            return left != right
        if node.op == "iff":
            return left == right
        return (not left) or right
    assert isinstance(node, Quantifier)
    domain = range(len(history)) if node.sort == "round" else range(n)
    if node.sort == "player" and quantifiers == "others":
        domain = [player for player in domain if player not in (names["r"], names["c"])]
    cases = (holds(node.body, {**names, node.var: value}, history, n, quantifiers) for value in domain)
    return any(cases) if node.kind == "exists" else all(cases)


def automaton_state(automaton: Automaton, me: int, you: int, history: list[np.ndarray]) -> int:
    """The state of an automaton that has seen its pair's history from the beginning."""
    state = 0
    for relation in history:
        state = int(automaton.successors[state, 2 * int(relation[me, you]) + int(relation[you, me])])
    return state


def play(
    members: list[FormulaGenome | Automaton],
    turns: int,
    flips: np.ndarray | None = None,
    draws: np.ndarray | None = None,
    quantifiers: Quantifiers = "all",
) -> list[np.ndarray]:
    """Who defects on whom in each round: `turns` arrays (n, n) of realised moves, the diagonal included.

    `flips` (turns, n, n): moves that slip; the diagonal's are ignored. `draws` (turns, n, n) in [0, 1): an
    automaton defects where its draw is below its state's probability of D.
    """
    n = len(members)
    history: list[np.ndarray] = []
    for turn in range(turns):
        relation = np.zeros((n, n), dtype=bool)
        for r, c in itertools.product(range(n), repeat=2):
            member = members[r]
            if isinstance(member, FormulaGenome):
                relation[r, c] = holds(member.formula, {"r": r, "c": c}, history, n, quantifiers)
            else:
                draw = 0.5 if draws is None else draws[turn, r, c]
                relation[r, c] = draw < member.defect[automaton_state(member, r, c, history)]
            if flips is not None and r != c and flips[turn, r, c]:
                relation[r, c] = not relation[r, c]
        history.append(relation)
    return history


def scores(history: list[np.ndarray], payoffs: tuple[float, float, float, float]) -> list[float]:
    """Mean payoff of each player per interaction per round, from payoffs (R, S, T, P)."""
    n = len(history[0])
    totals = []
    for x in range(n):
        earned = 0.0
        for relation in history:
            for y in range(n):
                if y != x:
                    earned += payoffs[2 * int(relation[x, y]) + int(relation[y, x])]
        totals.append(earned / ((n - 1) * len(history)))
    return totals
