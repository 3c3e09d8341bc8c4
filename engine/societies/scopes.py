"""Where quantifiers stand in a formula before it is compiled: the same truth, cheaper to keep up to date.

A quantifier over rounds is cheap when its body speaks of no other round: then a running table is updated
once a round, instead of looking through all rounds again. An atom speaks of one round only, so what a body
says of *other* rounds can be taken out of it, by cases:
Qt A = (X and Qt A[X := true]) or (not X and Qt A[X := false]).
All rules hold without rounds and without players too, save that an unused quantifier over all players, who are
never none, goes.
"""

from __future__ import annotations

from genomes.formula.syntax import (
    Atom,
    Binary,
    Connective,
    Const,
    Node,
    Not,
    Quantifier,
    QuantifierKind,
    Quantifiers,
)

MOST_CASES = 3
"""Parts that are taken out of one quantifier, at most."""
MOST_NODES = 500
"""Taking parts out may let a formula grow to about this size."""


def place_quantifiers(node: Node, over: Quantifiers = "all") -> Node:
    """The same formula with its quantifiers where they are cheap; player quantifiers range `over` these."""
    if isinstance(node, Not):
        return Not(place_quantifiers(node.body, over))
    if isinstance(node, Binary):
        return Binary(node.op, place_quantifiers(node.left, over), place_quantifiers(node.right, over))
    if isinstance(node, Quantifier):
        return _place(node.kind, node.var, place_quantifiers(node.body, over), over)
    return node


def one_round(body: Node, var: str) -> bool:
    """True when a part speaks of no other round than `var`."""
    return all(
        part.t == var if isinstance(part, Atom) else not isinstance(part, Quantifier) or part.sort == "player"
        for part in body.walk()
    )


def _place(kind: QuantifierKind, var: str, body: Node, over: Quantifiers) -> Node:
    node = Quantifier(kind, var, body)
    if var not in body.free:
        return node
    if isinstance(body, Quantifier) and body.kind == kind and body.sort != node.sort:
        # Two of a kind may change places: a round whose table needs no player is cheapest outside.
        inner = body.body
        if one_round(inner, body.var if body.sort == "round" else var) == (body.sort == "round"):
            return _place(kind, body.var, _place(kind, var, inner, over), over)
    if isinstance(body, Binary) and body.op == ("and" if kind == "exists" else "or"):
        if var not in body.left.free:
            return Binary(body.op, body.left, _place(kind, var, body.right, over))
        if var not in body.right.free:
            return Binary(body.op, _place(kind, var, body.left, over), body.right)
    if isinstance(body, Binary) and body.op == "implies" and kind == "forall":
        if var not in body.left.free:
            return Binary("implies", body.left, _place("forall", var, body.right, over))
        if var not in body.right.free:
            return Binary("implies", _place("exists", var, body.left, over), body.right)
    return _by_cases(node, over) if node.sort == "round" and not one_round(body, var) else node


def _by_cases(node: Quantifier, over: Quantifiers) -> Node:
    parts = list(dict.fromkeys(_independent(node.body, node.var, frozenset())))
    if not 0 < len(parts) <= MOST_CASES or node.size << len(parts) > MOST_NODES:
        return node
    part = parts[0]
    then, otherwise = (
        _place(node.kind, node.var, _given(node.body, part, value, over), over) for value in (True, False)
    )
    return _join("or", _join("and", part, then), _join("and", _negated(part), otherwise))


def _independent(node: Node, var: str, bound: frozenset[str]) -> list[Node]:
    """The largest parts that depend neither on `var` nor on a variable bound around them."""
    if isinstance(node, Const):
        return []
    if var not in node.free and not node.free & bound:
        return [node]
    if isinstance(node, Quantifier):
        bound |= {node.var}
    return [part for child in node.children for part in _independent(child, var, bound)]


def _given(node: Node, part: Node, value: bool, over: Quantifiers) -> Node:
    """The formula in the case that `part` has this value."""
    if node == part:
        return Const(value)
    if isinstance(node, Not):
        return _negated(_given(node.body, part, value, over))
    if isinstance(node, Binary):
        return _join(node.op, _given(node.left, part, value, over), _given(node.right, part, value, over))
    if isinstance(node, Quantifier):
        body = _given(node.body, part, value, over)
        unused = node.sort == "player" and node.var not in body.free
        return body if unused and over == "all" else Quantifier(node.kind, node.var, body)
    return node


def _negated(node: Node) -> Node:
    return Const(not node.value) if isinstance(node, Const) else Not(node)


def _join(op: Connective, left: Node, right: Node) -> Node:
    """``left op right``, without constants."""
    if isinstance(right, Const) and not isinstance(left, Const) and op != "implies":
        left, right = right, left  # the others commute
    if isinstance(left, Const):
        unchanged = left.value == (op in ("and", "implies", "iff"))
        if unchanged:
            return right
        return _negated(right) if op in ("xor", "iff") else Const(op != "and")
    if isinstance(right, Const):
        return Const(True) if right.value else Not(left)
    return Binary(op, left, right)
