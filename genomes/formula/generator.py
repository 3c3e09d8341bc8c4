"""Random formulas by a declared law.

The complexity n is drawn with probability proportional to ``RATIO**n`` from 1 .. max_complexity; then every
closed formula with n nodes is equally likely, formulas that differ only in the names of bound variables
counted once, and no more than `MOST_PLAYERS` players and `MOST_ROUNDS` rounds bound inside each other.

Unless `diagonal`, no formula has an atom D(x,x,t): how a player decides about itself is a fact that others can
read and nobody is paid for, a secret handshake that evolution finds at once. (Two variables may still name one
player.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import (
    PLAYER_CONSTANTS,
    PLAYER_VARIABLES,
    ROUND_CONSTANT,
    ROUND_VARIABLES,
    Atom,
    Binary,
    Connective,
    Const,
    Node,
    Not,
    Quantifier,
    QuantifierKind,
)

RATIO = 0.8
"""Each further node makes a size this much less likely: about five nodes on average."""
MOST_PLAYERS = 2
"""Player variables in scope, at most."""
MOST_ROUNDS = 2
"""Round variables in scope, at most."""
LARGEST = 100
"""Largest complexity that can be drawn."""

CONNECTIVES: tuple[Connective, ...] = get_args(Connective)
KINDS: tuple[QuantifierKind, ...] = get_args(QuantifierKind)

_Choice = TypeVar("_Choice")


def random_formula(
    rng: np.random.Generator, *, max_complexity: int = 15, pair_only: bool = False, diagonal: bool = False
) -> FormulaGenome:
    """A formula by the law above; `pair_only` restricts it to formulas about r and c alone.

    Raises ValueError for a max_complexity outside 1 .. LARGEST.
    """
    return draw_formula(rng.random, max_complexity=max_complexity, pair_only=pair_only, diagonal=diagonal)


def draw_formula(
    uniform: Callable[[], float],
    *,
    max_complexity: int = 15,
    pair_only: bool = False,
    diagonal: bool = False,
) -> FormulaGenome:
    """The same from any source of uniform numbers in [0, 1)."""
    weights = size_law(max_complexity).tolist()
    size = 1 + _choose(uniform, list(range(max_complexity)), weights)
    return FormulaGenome(draw_part(uniform, size, 0, 0, Language(pair_only, diagonal)))


def size_law(max_complexity: int) -> NDArray[np.float64]:
    """Probability of complexity 1 .. max_complexity."""
    if (
        isinstance(max_complexity, bool)
        or not isinstance(max_complexity, int)
        or not 1 <= max_complexity <= LARGEST
    ):
        raise ValueError(
            f"max_complexity: expected a whole number from 1 to {LARGEST}, got {max_complexity!r}"
        )
    weights = RATIO ** np.arange(1, max_complexity + 1)
    law: NDArray[np.float64] = weights / weights.sum()
    return law


class Language(NamedTuple):
    """Which formulas are drawn: about r and c alone (`pair_only`), with atoms D(x,x,t) (`diagonal`)."""

    pair_only: bool = False
    diagonal: bool = False


PLAIN = Language()


@lru_cache(maxsize=64)
def atoms(players: int, rounds: int, language: Language) -> tuple[Atom, ...]:
    """All atoms of the language where so many players and rounds are bound."""
    pair_only, diagonal = language
    names = PLAYER_CONSTANTS + PLAYER_VARIABLES[:players]
    times = (ROUND_CONSTANT, *ROUND_VARIABLES[:rounds])
    return tuple(
        Atom(x, y, t)
        for t in times
        for x in names
        for y in names
        if (x != y or (diagonal and not pair_only)) and not (pair_only and players)
    )


def count(size: int, players: int = 0, rounds: int = 0, language: Language = PLAIN) -> int:
    """How many formulas of that size there are where so many players and rounds are bound."""
    for smaller in range(1, size):  # from below, so that the recursion stays flat
        _count(smaller, players, rounds, language)
    return _count(size, players, rounds, language)


@cache
def _count(size: int, players: int, rounds: int, language: Language) -> int:
    return sum(weight for _, weight in _ways(size, players, rounds, language))


@cache
def _ways(
    size: int, players: int, rounds: int, language: Language
) -> tuple[tuple[tuple[str, int], int], ...]:
    """The ways to begin a formula, (what, size of the left part), with the number of formulas of each."""
    scope = (players, rounds, language)
    if size == 1:
        return (("atom", 0), len(atoms(*scope))), (("const", 0), 2)
    ways = [(("not", 0), _count(size - 1, *scope))]
    if players < MOST_PLAYERS and not language.pair_only:
        ways.append((("player", 0), len(KINDS) * _count(size - 1, players + 1, rounds, language)))
    if rounds < MOST_ROUNDS:
        ways.append((("round", 0), len(KINDS) * _count(size - 1, players, rounds + 1, language)))
    for left in range(1, size - 1):
        pairs = _count(left, *scope) * _count(size - 1 - left, *scope)
        ways.append((("binary", left), len(CONNECTIVES) * pairs))
    return tuple(ways)


def draw_part(
    uniform: Callable[[], float],
    size: int,
    players: int,
    rounds: int,
    language: Language = PLAIN,
) -> Node:
    """A formula of exactly that size, uniformly, where so many players and rounds are bound."""
    count(size, players, rounds, language)
    return _draw(uniform, size, players, rounds, language)


def _draw(uniform: Callable[[], float], size: int, players: int, rounds: int, language: Language) -> Node:
    ways = _ways(size, players, rounds, language)
    what, left = _choose(uniform, [way for way, _ in ways], [weight for _, weight in ways])
    if what == "atom":
        return _choose(uniform, atoms(players, rounds, language))
    if what == "const":
        return Const(_choose(uniform, (False, True)))
    if what == "not":
        return Not(_draw(uniform, size - 1, players, rounds, language))
    if what == "player":
        kind = _choose(uniform, KINDS)
        return Quantifier(
            kind, PLAYER_VARIABLES[players], _draw(uniform, size - 1, players + 1, rounds, language)
        )
    if what == "round":
        kind = _choose(uniform, KINDS)
        return Quantifier(
            kind, ROUND_VARIABLES[rounds], _draw(uniform, size - 1, players, rounds + 1, language)
        )
    op = _choose(uniform, CONNECTIVES)
    first = _draw(uniform, left, players, rounds, language)
    return Binary(op, first, _draw(uniform, size - 1 - left, players, rounds, language))


def _choose(
    uniform: Callable[[], float], choices: Sequence[_Choice], weights: Sequence[float] | None = None
) -> _Choice:
    if weights is None:
        return choices[int(uniform() * len(choices))]
    remaining = uniform() * float(sum(weights))
    for choice, weight in zip(choices, weights, strict=True):
        remaining -= weight
        if remaining < 0:
            return choice
    return choices[-1]
