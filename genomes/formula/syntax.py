"""Formula genomes: strategies in the first-order language of the societal iterated prisoner's dilemma.

A strategy is a closed formula phi(r, c): r, the deciding player, defects on c in the next round exactly
when phi holds of the rounds played so far (Ord & Blair, "Exploitation and peacekeeping: introducing more
sophisticated interactions to the iterated prisoner's dilemma", CEC 2002). ``D(x,y,t)`` says that x defected
on y in round t, p is the previous round, and quantifiers range over players or over all rounds so far.

Before the first round there are no rounds: an atom at p and every ``exists t`` are false, every ``forall t``
is true. Which players a variable ranges over is a rule of the society and not part of a formula
(`Quantifiers`): "all", everybody, r and c included; or "others", all but r and c, of whom there may be none.

Text, from the tightest binding to the loosest (``implies`` groups to the right, the others to the left, the
body of a quantifier extends as far to the right as it can):

======== =================== ===================================
ASCII    Unicode             meaning
======== =================== ===================================
not      ¬                   negation
and      ∧                   conjunction
xor      ⊕                   exclusive or
or       ∨                   disjunction
implies  →                   implication
iff      ↔                   equivalence
exists   ∃                   ``exists t. ...`` or ``∃t ...``
forall   ∀                   ``forall j. ...`` or ``∀j ...``
true     ⊤                   also false ⊥, and ``first``, short for ``forall t. false``
======== =================== ===================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

if TYPE_CHECKING:
    pass

Connective = Literal["and", "xor", "or", "implies", "iff"]
QuantifierKind = Literal["exists", "forall"]
Sort = Literal["player", "round"]
Quantifiers = Literal["all", "others"]
"""Whom a player variable of phi(r,c) ranges over: all players, or all but r and c."""

PLAYER_CONSTANTS = ("r", "c")
ROUND_CONSTANT = "p"
PLAYER_VARIABLES = ("j", "k", "l", "m", "n", "o", "i")
"""In the order in which a genome names its bound players, the outermost first."""
ROUND_VARIABLES = ("t", "s", "u", "v", "w")
"""In the order in which a genome names its bound rounds, the outermost first."""

MAX_DEPTH = 200
"""Most levels of nesting in a formula."""
MAX_COMPLEXITY = 10_000
"""Most nodes in a formula."""

UNICODE = {
    "not": "¬",
    "and": "∧",
    "xor": "⊕",
    "or": "∨",
    "implies": "→",
    "iff": "↔",
    "exists": "∃",
    "forall": "∀",
    "true": "⊤",
    "false": "⊥",
}
_BINDING: dict[str, int] = {"iff": 1, "implies": 2, "or": 3, "xor": 4, "and": 5, "not": 6}
_PLAYERS = frozenset(PLAYER_CONSTANTS + PLAYER_VARIABLES)
_ROUNDS = frozenset((ROUND_CONSTANT, *ROUND_VARIABLES))
_VARIABLES = frozenset(PLAYER_VARIABLES + ROUND_VARIABLES)
_NO_NAMES: frozenset[str] = frozenset()
_EXPECTED = {"player": "a player (r, c or i..o)", "round": "a round (p or s..w)"}


class FormulaSyntaxError(ValueError):
    """A text that is not a formula: says where (`line`, `column`, from 1) and what was `expected` there."""

    def __init__(self, line: int, column: int, expected: str, got: str) -> None:
        super().__init__(f"formula, line {line}, column {column}: expected {expected}, got {got}")
        self.line = line
        self.column = column
        self.expected = expected


class Node:
    """A part of a formula: immutable, hashable, equal to every part that is written alike.

    Raises ValueError for a node that is ill-sorted, too deep or too large.
    """

    children: tuple[Node, ...]
    size: int
    """Number of nodes."""
    depth: int
    free: frozenset[str]
    """Variables that no quantifier in this part binds."""
    _parts: tuple[object, ...]
    _hash: int
    __match_args__: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        parts = tuple([getattr(self, name) for name in self.__match_args__])
        children = tuple([part for part in parts if isinstance(part, Node)])
        size, depth, free = 1, 1, _NO_NAMES
        for child in children:
            size += child.size
            depth = max(depth, child.depth + 1)
            free = free | child.free if free else child.free
        self.__dict__.update(  # the instances are frozen, but not yet born
            children=children,
            size=size,
            depth=depth,
            free=self._free(free),
            _parts=parts,
            _hash=hash((type(self).__name__, parts)),
        )
        if self.depth > MAX_DEPTH:
            raise ValueError(f"formula: expected at most {MAX_DEPTH} levels of nesting, got {self.depth}")
        if self.size > MAX_COMPLEXITY:
            raise ValueError(f"formula: expected at most {MAX_COMPLEXITY} nodes, got {self.size}")

    def _free(self, inside: frozenset[str]) -> frozenset[str]:
        return inside

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Node):
            return NotImplemented
        return type(self) is type(other) and self._hash == other._hash and self._parts == other._parts

    def __reduce__(self) -> tuple[type[Node], tuple[object, ...]]:
        return type(self), self._parts  # hashes of text differ between processes: build anew

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in reading order."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


@dataclass(frozen=True, eq=False)
class Atom(Node):
    """``D(x,y,t)``: player x defected on player y in round t."""

    x: str
    y: str
    t: str

    def __post_init__(self) -> None:
        check_sort(self.x, "player")
        check_sort(self.y, "player")
        check_sort(self.t, "round")
        super().__post_init__()

    def _free(self, inside: frozenset[str]) -> frozenset[str]:
        return _VARIABLES & {self.x, self.y, self.t}


@dataclass(frozen=True, eq=False)
class Const(Node):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, eq=False)
class Not(Node):
    """``not body``."""

    body: Node


@dataclass(frozen=True, eq=False)
class Binary(Node):
    """``left op right``, op one of and, xor, or, implies, iff."""

    op: Connective
    left: Node
    right: Node

    def __post_init__(self) -> None:
        if self.op not in get_args(Connective):
            raise ValueError(f"formula: expected one of {', '.join(get_args(Connective))}, got {self.op!r}")
        super().__post_init__()


@dataclass(frozen=True, eq=False)
class Quantifier(Node):
    """``kind var. body``: the variable's letter says whether it ranges over players or rounds."""

    kind: QuantifierKind
    var: str
    body: Node

    def __post_init__(self) -> None:
        if self.kind not in get_args(QuantifierKind):
            raise ValueError(f"formula: expected exists or forall, got {self.kind!r}")
        if self.var not in _VARIABLES:
            raise ValueError(f"formula: expected a variable (players i..o, rounds s..w), got {self.var!r}")
        super().__post_init__()

    @property
    def sort(self) -> Sort:
        """What the variable ranges over."""
        return "round" if self.var in ROUND_VARIABLES else "player"

    def _free(self, inside: frozenset[str]) -> frozenset[str]:
        return inside - {self.var}


FIRST = Quantifier("forall", "t", Const(False))
"""``first``: true before the first round and never again."""


def check_sort(name: str, sort: Sort) -> None:
    """Raise ValueError unless the name is a player or a round, as it should be."""
    if name not in (_PLAYERS if sort == "player" else _ROUNDS):
        raise ValueError(f"formula: expected {_EXPECTED[sort]}, got {describe(name)}")


def describe(name: str) -> str:
    """A name with its sort, for error messages."""
    if name in _PLAYERS:
        return f"the player {name!r}"
    return f"the round {name!r}" if name in _ROUNDS else repr(name)


def render(node: Node, *, unicode: bool = False) -> str:
    """The text of a formula or of a part of one; a quantifier under a connective stands in parentheses."""
    if isinstance(node, Atom):
        return f"D({node.x},{node.y},{node.t})"
    if isinstance(node, Const):
        word = "true" if node.value else "false"
        return UNICODE[word] if unicode else word
    if isinstance(node, Quantifier):
        body = render(node.body, unicode=unicode)
        return f"{UNICODE[node.kind]}{node.var} {body}" if unicode else f"{node.kind} {node.var}. {body}"
    if isinstance(node, Not):
        body = render(node.body, unicode=unicode)
        if isinstance(node.body, Binary):
            body = f"({body})"
        return f"¬{body}" if unicode else f"not {body}"
    if not isinstance(node, Binary):
        raise TypeError(f"formula: expected a node, got {node!r}")
    own = _BINDING[node.op]
    tight = own + 1  # the side on which an equally tight operator would group otherwise
    left = _operand(node.left, tight if node.op == "implies" else own, unicode)
    right = _operand(node.right, own if node.op == "implies" else tight, unicode)
    return f"{left} {UNICODE[node.op] if unicode else node.op} {right}"


def _operand(node: Node, binding: int, unicode: bool) -> str:
    text = render(node, unicode=unicode)
    head = node
    while isinstance(head, Not):
        head = head.body
    loose = isinstance(node, Binary) and _BINDING[node.op] < binding
    return f"({text})" if loose or isinstance(head, Quantifier) else text


def normal_names(node: Node) -> Node:
    """The formula with its bound variables renamed by depth: equal up to renaming becomes equal."""
    return _rename(node, {}, 0, 0)


def _rename(node: Node, names: dict[str, str], players: int, rounds: int) -> Node:
    if isinstance(node, Atom):
        x, y, t = names.get(node.x, node.x), names.get(node.y, node.y), names.get(node.t, node.t)
        return node if (x, y, t) == (node.x, node.y, node.t) else _atom(x, y, t)
    if isinstance(node, Quantifier):
        if rounds >= len(ROUND_VARIABLES) if node.sort == "round" else players >= len(PLAYER_VARIABLES):
            most = len(ROUND_VARIABLES) if node.sort == "round" else len(PLAYER_VARIABLES)
            raise ValueError(
                f"formula: expected at most {most} {node.sort}s bound inside each other, got more"
            )
        if node.sort == "round":
            new, rounds = ROUND_VARIABLES[rounds], rounds + 1
        else:
            new, players = PLAYER_VARIABLES[players], players + 1
        body = _rename(node.body, {**names, node.var: new}, players, rounds)
        return node if new == node.var and body is node.body else Quantifier(node.kind, new, body)
    if isinstance(node, Binary):
        left, right = (_rename(child, names, players, rounds) for child in node.children)
        return node if left is node.left and right is node.right else Binary(node.op, left, right)
    if isinstance(node, Not):
        body = _rename(node.body, names, players, rounds)
        return node if body is node.body else Not(body)
    return node


@lru_cache(maxsize=1024)
def _atom(x: str, y: str, t: str) -> Atom:
    return Atom(x, y, t)
