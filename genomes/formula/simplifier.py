"""Simplifying formulas without changing what they decide, in any society and in any round.

Two things need care. Before the first round there are no rounds, so ``exists t. true`` is not ``true``. Where
quantifiers range over all players these are never none, and an unused player quantifier goes; where they range over
others, there may be none (in a society of two), and it stays unless it stands inside another. No rule adds a node.
"""

from __future__ import annotations

from genomes.formula.syntax import (
    Binary,
    Connective,
    Const,
    Node,
    Not,
    Quantifier,
    QuantifierKind,
    Quantifiers,
    Sort,
    normal_names,
)

_ALL: frozenset[Sort] = frozenset({"player"})
_OTHERS: frozenset[Sort] = frozenset()
"""What there is at least one of, outside of all quantifiers."""


def simplify(formula: Node, quantifiers: Quantifiers = "all") -> Node:
    """Apply all rules until nothing changes."""
    there = _ALL if quantifiers == "all" else _OTHERS
    formula = normal_names(formula)
    while True:
        try:
            simpler = normal_names(_simplify(formula, there))
        except ValueError:  # rebuilt chains would nest deeper than is allowed: leave it as it is
            return formula
        if simpler == formula:
            return formula
        formula = simpler


def _simplify(node: Node, there: frozenset[Sort]) -> Node:
    """`there`: the sorts that are not empty; inside a quantifier its own is not."""
    if isinstance(node, Not):
        return _negate(_simplify(node.body, there))
    if isinstance(node, Quantifier):
        return _quantify(node.kind, node.var, _simplify(node.body, there | {node.sort}), there)
    if isinstance(node, Binary):
        left, right = (_simplify(child, there) for child in node.children)
        if node.op in ("xor", "iff"):
            return _parity([left, right], odd=node.op == "iff")
        if node.op == "implies":
            return _chain("or", [_negate(left), right])
        return _chain(node.op, [left, right])
    return node


def _negate(node: Node) -> Node:
    if isinstance(node, Not):
        return node.body
    if isinstance(node, Const):
        return Const(not node.value)
    if isinstance(node, Quantifier) and isinstance(node.body, Const):
        return Quantifier("forall" if node.kind == "exists" else "exists", node.var, _negate(node.body))
    if isinstance(node, Binary) and node.op in ("xor", "iff"):
        return Binary("iff" if node.op == "xor" else "xor", node.left, node.right)
    return Not(node)


def _quantify(kind: QuantifierKind, var: str, body: Node, there: frozenset[Sort]) -> Node:
    if isinstance(body, Not):
        return _negate(_quantify("forall" if kind == "exists" else "exists", var, body.body, there))
    node = Quantifier(kind, var, body)
    if var in body.free:
        return node
    if node.sort in there:
        return body
    if node.sort == "player" or ("player" not in there and _speaks_of_players(body)):
        return node
    # Before the first round the quantifier decides, later the body alone: they may agree there.
    return body if _at_start(body) == (kind == "forall") else node


def _speaks_of_players(node: Node) -> bool:
    return any(isinstance(part, Quantifier) and part.sort == "player" for part in node.walk())


def _at_start(node: Node) -> bool:
    """The value before the first round, of a part outside all round quantifiers, where players are never none."""
    if isinstance(node, Const):
        return node.value
    if isinstance(node, Not):
        return not _at_start(node.body)
    if isinstance(node, Quantifier):
        return node.kind == "forall" if node.sort == "round" else _at_start(node.body)
    if isinstance(node, Binary):
        left, right = _at_start(node.left), _at_start(node.right)
        return {
            "and": left and right,
            "or": left or right,
            "implies": not left or right,
            "xor": left != right,
            "iff": left == right,
        }[node.op]
    return False  # an atom at p


def _parity(parts: list[Node], *, odd: bool) -> Node:
    """A chain of xor (with `odd`, its negation): equal parts cancel, negations and constants count as one."""
    kept: dict[Node, None] = {}
    waiting = parts[::-1]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Binary) and part.op in ("xor", "iff"):
            odd ^= part.op == "iff"
            waiting += [part.right, part.left]
        elif isinstance(part, Not):
            odd = not odd
            waiting.append(part.body)
        elif isinstance(part, Const):
            odd ^= part.value
        elif part in kept:
            del kept[part]
        else:
            kept[part] = None
    if not kept:
        return Const(odd)
    operands = list(kept)
    if len(operands) == 1:
        return _negate(operands[0]) if odd else operands[0]
    return Binary("iff" if odd else "xor", _fold("xor", operands[:-1]), operands[-1])


def _chain(op: Connective, parts: list[Node]) -> Node:
    """A chain of and (or of or): flat, without repetitions, constants and absorbed parts."""
    unit = op == "and"
    operands = list(dict.fromkeys(_flat(op, parts)))
    present = set(operands)
    if any(operand == Const(not unit) or _negate(operand) in present for operand in operands):
        return Const(not unit)
    operands = [operand for operand in operands if operand != Const(unit)]
    dual: Connective = "or" if unit else "and"
    operands = [operand for operand in operands if not _absorbed(operand, dual, present)]
    plain = [operand for operand in operands if not isinstance(operand, Not)]
    negated = [operand.body for operand in operands if isinstance(operand, Not)]
    if not operands:
        return Const(unit)
    if not negated:
        return _fold(op, plain)
    if not plain:
        return Not(_fold(dual, negated))
    if op == "or":
        return Binary("implies", _fold("and", negated), _fold("or", plain))
    if len(negated) == 1:
        return _fold("and", operands)
    return _fold("and", [*plain, Not(_fold("or", negated))])


def _absorbed(operand: Node, dual: Connective, present: set[Node]) -> bool:
    inner = _flat(dual, [operand])
    return len(inner) > 1 and not present.isdisjoint(inner)


def _flat(op: Connective, parts: list[Node]) -> list[Node]:
    """The operands of a chain, seen through De Morgan's laws and implications."""
    dual: Connective = "or" if op == "and" else "and"
    operands = []
    waiting = parts[::-1]
    while waiting:
        part = waiting.pop()
        inner = part.body if isinstance(part, Not) else part
        if not isinstance(inner, Binary):
            operands.append(part)
        elif inner is part and inner.op == op:
            waiting += [inner.right, inner.left]
        elif inner is part and inner.op == "implies" and op == "or":
            waiting += [inner.right, _negate(inner.left)]
        elif inner is not part and inner.op == dual:
            waiting += [_negate(inner.right), _negate(inner.left)]
        elif inner is not part and inner.op == "implies" and op == "and":
            waiting += [_negate(inner.right), inner.left]
        else:
            operands.append(part)
    return operands


def _fold(op: Connective, operands: list[Node]) -> Node:
    node = operands[0]
    for operand in operands[1:]:
        node = Binary(op, node, operand)
    return node
