"""Genetic programming on formulas: DEAP's operators on trees whose types are scopes.

A node's type says how many players and rounds are bound around it. Atoms are terminals of the scopes in
which their variables exist, and quantifiers lead from a scope to the next, so whatever DEAP cuts and joins
is a closed, well-sorted formula: no repair step, and nothing is ever evaluated as code.

DEAP draws from the global `random`: call the operators inside `deap_random(seed)`, which gives it another.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Literal, get_args

import numpy as np
from deap import gp
from deap.tools import selection

from genomes.formula.generator import (
    CONNECTIVES,
    KINDS,
    MOST_PLAYERS,
    MOST_ROUNDS,
    Language,
    atoms,
    draw_formula,
    draw_part,
    size_law,
)
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

Mutation = Literal["point", "subtree", "hoist", "constant"]
MUTATIONS: tuple[Mutation, ...] = get_args(Mutation)
_TRIES = 5

_lock = threading.RLock()
_ours: Any = SimpleNamespace(random=random)
_DRAWING: tuple[Any, ...] = (gp, selection, _ours)
"""What draws, and finds its generator under the name `random`."""


@contextmanager
def deap_random(seed: int) -> Iterator[random.Random]:
    """Give DEAP, and this room, a generator of their own with this seed; one thread at a time.

    The global one would not do: any other thread of the process may draw from it between two of DEAP's
    draws, as those of a cluster's worker and of a notebook do.
    """
    with _lock:
        before = [module.random for module in _DRAWING]
        try:
            own = random.Random(seed)
            for module in _DRAWING:
                module.random = own
            yield own
        finally:
            for module, generator in zip(_DRAWING, before, strict=True):
                module.random = generator


class _Scope(type):
    """A scope as a DEAP type. Its hash is fixed, since DEAP picks types from a set, in order of hashes."""

    players: int
    rounds: int

    def __hash__(cls) -> int:
        return 1 + cls.players * (MOST_ROUNDS + 1) + cls.rounds


_SCOPES = {
    (players, rounds): _Scope(f"Scope{players}{rounds}", (), {"players": players, "rounds": rounds})
    for players in range(MOST_PLAYERS + 1)
    for rounds in range(MOST_ROUNDS + 1)
}


@lru_cache(maxsize=4)
def _primitives(language: Language) -> Any:
    """The primitive set of a language, its names the parts' text followed by their scope."""
    primitives = gp.PrimitiveSetTyped("formula", [], _SCOPES[0, 0])
    for (players, rounds), scope in _SCOPES.items():
        if language.pair_only and players:
            continue
        here = f" {players}{rounds}"
        for atom in atoms(players, rounds, language):
            primitives.addTerminal(atom, scope, f"D({atom.x},{atom.y},{atom.t}){here}")
        for value in (False, True):
            primitives.addTerminal(Const(value), scope, f"{value}{here}")
        primitives.addPrimitive(Not, [scope], scope, f"not{here}")
        for op in CONNECTIVES:
            primitives.addPrimitive(Binary, [scope, scope], scope, f"{op}{here}")
        for kind in KINDS:
            if players < MOST_PLAYERS and not language.pair_only:
                primitives.addPrimitive(
                    Quantifier, [_SCOPES[players + 1, rounds]], scope, f"{kind} player{here}"
                )
            if rounds < MOST_ROUNDS:
                primitives.addPrimitive(
                    Quantifier, [_SCOPES[players, rounds + 1]], scope, f"{kind} round{here}"
                )
    return primitives


def to_tree(genome: FormulaGenome, *, pair_only: bool = False) -> Any:
    """The formula as a `deap.gp.PrimitiveTree`, its nodes in reading order.

    Raises ValueError when it needs more variables in one scope than trees have, or is not pair-only.
    """
    return gp.PrimitiveTree(_parts(genome.formula, 0, 0, pair_only))


def _parts(formula: Node, players: int, rounds: int, pair_only: bool) -> list[Any]:
    """DEAP's nodes for a part with so many players and rounds bound around it."""
    mapping = _primitives(Language(pair_only, diagonal=True)).mapping  # a seed may have what the law has not
    parts: list[Any] = []
    waiting = [(formula, players, rounds)]
    while waiting:
        node, players, rounds = waiting.pop()
        inner = (players, rounds)
        if isinstance(node, Atom):
            name = f"D({node.x},{node.y},{node.t})"
        elif isinstance(node, Const):
            name = str(node.value)
        elif isinstance(node, Quantifier):
            name = f"{node.kind} {node.sort}"
            inner = (players + (node.sort == "player"), rounds + (node.sort == "round"))
        else:
            name = node.op if isinstance(node, Binary) else "not"
        part = mapping.get(f"{name} {players}{rounds}")
        if part is None:
            if pair_only:
                raise ValueError(
                    f"formula: expected one about r and c alone, with at most {MOST_ROUNDS} rounds "
                    f"bound inside each other, got {name!r} in it"
                )
            raise ValueError(
                f"formula: expected at most {MOST_PLAYERS} players and {MOST_ROUNDS} rounds bound inside "
                f"each other, got {players} and {rounds} around {name!r}"
            )
        parts.append(part)
        waiting.extend((child, *inner) for child in reversed(node.children))
    return parts


def to_genome(tree: Any) -> FormulaGenome:
    """The formula of a tree. Raises ValueError if it were not closed and well-sorted."""
    meaning = _primitives(Language(diagonal=True)).context  # what DEAP's terminals stand for
    stack: list[Node] = []
    for part in reversed(tree):
        if part.arity == 0:
            stack.append(meaning[part.name])
            continue
        children = [stack.pop() for _ in range(part.arity)]
        word, _, scope = part.name.rpartition(" ")
        kind, _, sort = word.partition(" ")
        if sort:
            players, rounds = int(scope[0]), int(scope[1])
            variable = PLAYER_VARIABLES[players] if sort == "player" else ROUND_VARIABLES[rounds]
            stack.append(Quantifier(kind, variable, *children))
        else:
            stack.append(Not(*children) if word == "not" else Binary(word, *children))
    (formula,) = stack
    return FormulaGenome(formula)


@dataclass(frozen=True)
class FormulaVariation:
    """Variation of formulas of at most `max_complexity` nodes; `pair_only` for the two-player game.

    Unless `diagonal`, nothing drawn has an atom D(x,x,t): children have one only where a parent has it. Every
    operator takes and gives genomes and draws from the global `random` (see `deap_random`). A child
    that grew too large is dropped for its parent.

    >>> variation = FormulaVariation(max_complexity=10)
    >>> absolutist = FormulaGenome.parse("exists t. exists j. D(r,j,t) xor D(c,j,t)")
    >>> with deap_random(3):
    ...     print(variation.mutate(absolutist, "hoist"))
    exists t. exists j. D(r,j,t)

    Raises ValueError for a max_complexity outside 1 .. 100.
    """

    max_complexity: int = 15
    pair_only: bool = False
    diagonal: bool = False

    def __post_init__(self) -> None:
        size_law(self.max_complexity)  # validates

    def random(self) -> FormulaGenome:
        """A formula by the law of `genomes.formula.generator`."""
        return draw_formula(
            _ours.random.random,
            max_complexity=self.max_complexity,
            pair_only=self.pair_only,
            diagonal=self.diagonal,
        )

    @property
    def _language(self) -> Language:
        return Language(self.pair_only, self.diagonal)

    def mutate(self, genome: FormulaGenome, mutation: Mutation | None = None) -> FormulaGenome:
        """A changed formula, by one of the mutations or by any of them with equal chance.

        point: one symbol becomes another that fits in its place. subtree: a part is replaced by a random
        one. hoist: a part is replaced by one of its own parts. constant: a part becomes true or false.
        Tries a few times to find a child that differs from its parent.
        """
        if mutation is not None and mutation not in MUTATIONS:
            raise ValueError(f"mutation: expected one of {', '.join(MUTATIONS)}, got {mutation!r}")
        for _ in range(_TRIES):
            tree = to_tree(genome, pair_only=self.pair_only)
            chosen = _ours.random.choice(MUTATIONS) if mutation is None else mutation
            self._apply(chosen, tree)
            if len(tree) <= self.max_complexity and (child := to_genome(tree)) != genome:
                return child
        return genome

    def _apply(self, mutation: Mutation, tree: Any) -> None:
        primitives = _primitives(self._language)
        if mutation == "subtree":
            gp.mutUniform(tree, self._part, primitives)
        elif mutation == "constant":
            gp.mutUniform(tree, self._constant, primitives)
        else:
            tree.insert(0, self._stem)
            if mutation == "point":
                gp.mutNodeReplacement(tree, primitives)
            else:
                gp.mutShrink(tree)
            del tree[:1]

    @property
    def _stem(self) -> Any:
        """A root above the root: these operators of DEAP leave the root alone, and a tree of one node."""
        return _primitives(self._language).mapping["not 00"]

    def _part(self, pset: Any, type_: _Scope) -> list[Any]:
        """A random part for a scope, its size by the same law as a whole formula's."""
        sizes = range(1, self.max_complexity + 1)
        (size,) = _ours.random.choices(sizes, size_law(self.max_complexity).tolist())
        scope = (type_.players, type_.rounds)
        return _parts(draw_part(_ours.random.random, size, *scope, self._language), *scope, self.pair_only)

    def _constant(self, pset: Any, type_: _Scope) -> list[Any]:
        return _parts(Const(_ours.random.random() < 0.5), type_.players, type_.rounds, self.pair_only)

    def crossover(self, one: FormulaGenome, two: FormulaGenome) -> tuple[FormulaGenome, FormulaGenome]:
        """Two formulas that exchanged parts of one scope (DEAP's cxOnePoint)."""
        parents = (one, two)
        trees = [to_tree(parent, pair_only=self.pair_only) for parent in parents]
        for tree in trees:
            tree.insert(0, self._stem)
        gp.cxOnePoint(*trees)
        for tree in trees:
            del tree[:1]
        first, second = (
            to_genome(tree) if len(tree) <= self.max_complexity else parent
            for tree, parent in zip(trees, parents, strict=True)
        )
        return first, second


def seed_from(rng: np.random.Generator) -> int:
    """A seed for `deap_random` from a stream."""
    return int(rng.integers(0, 2**63))


def random_formulas(n: int, rng: np.random.Generator, law: FormulaVariation) -> list[FormulaGenome]:
    """`n` formulas by the law of `genomes.formula.generator`."""
    with deap_random(seed_from(rng)):
        return [law.random() for _ in range(n)]


def mutate_formulas(
    genomes: Sequence[FormulaGenome], rate: float, rng: np.random.Generator, law: FormulaVariation
) -> list[FormulaGenome]:
    """Each formula mutates with probability `rate`; one that does not is returned itself."""
    hit = (rng.random(len(genomes)) < rate).tolist()
    with deap_random(seed_from(rng)):
        return [law.mutate(genome) if h else genome for genome, h in zip(genomes, hit, strict=True)]


def cross_formulas(
    first: Sequence[FormulaGenome],
    second: Sequence[FormulaGenome],
    rng: np.random.Generator,
    law: FormulaVariation,
) -> list[FormulaGenome]:
    """One child of every pair: the first parent with a part of the second."""
    with deap_random(seed_from(rng)):
        return [law.crossover(a, b)[0] for a, b in zip(first, second, strict=True)]
