"""Reading formulas: the lark parser of `grammar.lark`, and errors that say where and what was expected.

The tree is built while parsing, without recursion, so depth and size are checked before they can hurt.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from genomes.formula.syntax import (
    FIRST,
    PLAYER_VARIABLES,
    ROUND_VARIABLES,
    UNICODE,
    Atom,
    Binary,
    Const,
    FormulaSyntaxError,
    Node,
    Not,
    Quantifier,
    check_sort,
    describe,
)

MAX_TEXT = 200_000
"""Longest text that is read, in characters."""

_ASCII = {sign: word for word, sign in UNICODE.items()}
_OPERATORS = {"AND", "XOR", "OR", "IMPLIES", "IFF"}
_EXPECTED = {"LPAR": "'('", "RPAR": "')'", "COMMA": "','", "NAME": "a name", "$END": "the end"}


class _Part(NamedTuple):
    """A piece of the tree, and where its free and its bound names stand in the text."""

    node: Node
    free: dict[str, Token]
    bound: frozenset[str]


def parse_formula(text: str) -> Node:
    """The syntax tree of a closed formula. Raises FormulaSyntaxError."""
    if not isinstance(text, str):
        raise ValueError(f"formula: expected text, got {text!r}")
    if len(text) > MAX_TEXT:
        raise FormulaSyntaxError(1, 1, f"at most {MAX_TEXT} characters", f"{len(text)}")
    try:
        part: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise _explain(error, text) from None
    for name, token in part.free.items():
        raise _at(
            token, f"a bound variable ('exists {name}. ...' around it)", f"{describe(name)}, which is free"
        )
    node: Node = part.node
    return node


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", transformer=_Build())


@v_args(inline=True)
class _Build(Transformer):  # type: ignore[type-arg, misc, unused-ignore]
    """Builds the tree bottom-up and refuses what is ill-sorted or shadowed where it stands."""

    def atom(self, _: Token, x: Token, y: Token, t: Token) -> _Part:
        for token, sort in ((x, "player"), (y, "player"), (t, "round")):
            _checked(token, check_sort, str(token), sort)
        node = Atom(str(x), str(y), str(t))
        return _Part(node, {str(token): token for token in (x, y, t) if str(token) in node.free}, frozenset())

    def constant(self, word: Token) -> _Part:
        return _Part(Const(_ASCII.get(str(word), str(word)) == "true"), {}, frozenset())

    def first(self, _: Token) -> _Part:
        return _Part(FIRST, {}, frozenset())

    def negation(self, word: Token, body: _Part) -> _Part:
        return body._replace(node=_checked(word, Not, body.node))

    def binary(self, left: _Part, word: Token, right: _Part) -> _Part:
        op = _ASCII.get(str(word), str(word))
        node = _checked(word, Binary, op, left.node, right.node)
        return _Part(node, {**right.free, **left.free}, left.bound | right.bound)

    def quantifier(self, word: Token, name: Token, body: _Part) -> _Part:
        variable = str(name)
        if variable not in PLAYER_VARIABLES + ROUND_VARIABLES:
            raise _at(name, "a variable (players i..o, rounds s..w)", describe(variable))
        if variable in body.bound:
            raise _at(name, "a variable that is not bound again inside its scope", repr(variable))
        node = _checked(word, Quantifier, _ASCII.get(str(word), str(word)), variable, body.node)
        free = {other: token for other, token in body.free.items() if other != variable}
        return _Part(node, free, body.bound | {variable})


def _checked(token: Token, build: Any, *parts: Any) -> Any:
    try:
        return build(*parts)
    except ValueError as error:
        expected, _, got = str(error).removeprefix("formula: expected ").partition(", got ")
        raise _at(token, expected, got) from None


def _at(token: Token, expected: str, got: str) -> FormulaSyntaxError:
    return FormulaSyntaxError(token.line or 1, token.column or 1, expected, got)


def _explain(error: UnexpectedInput, text: str) -> FormulaSyntaxError:
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        return _at(error.token, _wanted(error.expected), repr(str(error.token)))
    if isinstance(error, UnexpectedCharacters):
        return FormulaSyntaxError(
            error.line, error.column, "a word, a logical sign or a parenthesis", repr(error.char)
        )
    lines = text.split("\n")
    wanted = _wanted(error.expected) if isinstance(error, UnexpectedToken) else "a formula"
    return FormulaSyntaxError(len(lines), len(lines[-1]) + 1, wanted, "the end of the text")


def _wanted(terminals: Any) -> str:
    names = set(terminals)
    words = []
    if "EXISTS" in names:
        words.append("a formula")
        names -= {"LPAR"}
    if names & _OPERATORS:
        words.append("and, xor, or, implies, iff")
    words += [text for terminal, text in _EXPECTED.items() if terminal in names]
    return " or ".join(words)
