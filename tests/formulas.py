"""Hypothesis strategies for random closed formulas, well-sorted by construction."""

from __future__ import annotations

from hypothesis import strategies as st

from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import (
    PLAYER_VARIABLES,
    ROUND_VARIABLES,
    Atom,
    Binary,
    Const,
    Node,
    Not,
    Quantifier,
)


@st.composite
def nodes(
    draw: st.DrawFn,
    depth: int,
    players: int,
    rounds: int,
    bound: tuple[int, int] = (0, 0),
    pair_only: bool = False,
) -> Node:
    """A formula part with `bound` players and rounds in scope and at most that many more quantifiers."""
    kinds = ["atom"] * 2 + ["const"]
    if depth > 0:
        kinds += ["not", "binary", "binary", "binary"]
        kinds += ["player"] * 2 * (players > 0 and not pair_only) + ["round"] * 2 * (rounds > 0)
    kind = draw(st.sampled_from(kinds))
    if kind == "atom":
        t = draw(st.sampled_from(("p", *ROUND_VARIABLES[: bound[1]])))
        if pair_only:
            return draw(st.sampled_from((Atom("r", "c", t), Atom("c", "r", t))))
        names = ("r", "c", *PLAYER_VARIABLES[: bound[0]])
        return Atom(draw(st.sampled_from(names)), draw(st.sampled_from(names)), t)
    if kind == "const":
        return Const(draw(st.booleans()))

    def part(players: int = players, rounds: int = rounds, bound: tuple[int, int] = bound) -> Node:
        return draw(nodes(depth - 1, players, rounds, bound, pair_only))

    if kind == "not":
        return Not(part())
    if kind == "binary":
        return Binary(draw(st.sampled_from(("and", "xor", "or", "implies", "iff"))), part(), part())
    quantifier = draw(st.sampled_from(("exists", "forall")))
    if kind == "player":
        body = part(players=players - 1, bound=(bound[0] + 1, bound[1]))
        return Quantifier(quantifier, PLAYER_VARIABLES[bound[0]], body)
    body = part(rounds=rounds - 1, bound=(bound[0], bound[1] + 1))
    return Quantifier(quantifier, ROUND_VARIABLES[bound[1]], body)


def formulas(
    *, max_depth: int = 5, players: int = 2, rounds: int = 2, pair_only: bool = False
) -> st.SearchStrategy[FormulaGenome]:
    """Closed formulas, with at most `players` and `rounds` quantifiers inside each other."""
    return nodes(max_depth, players, rounds, pair_only=pair_only).map(FormulaGenome)
