"""The genome: a closed formula as a strategy, a value that is parsed, printed, simplified and compiled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from genomes.formula.syntax import (
    PLAYER_VARIABLES,
    Atom,
    Node,
    Quantifier,
    Quantifiers,
    describe,
    normal_names,
    render,
)

if TYPE_CHECKING:
    from genomes.automaton import Automaton


@dataclass(frozen=True, eq=False)
class FormulaGenome:
    """A strategy as a closed formula: r defects on c in the next round when it holds.

    The names of bound variables carry no meaning, so a genome stores them in a normal form: two genomes are
    equal exactly when they are written alike up to renaming. `str` prints ASCII that `parse` reads back.

    >>> absolutist = FormulaGenome.parse("∃s ∃i D(r,i,s) ⊕ D(c,i,s)")
    >>> print(absolutist, absolutist.complexity)
    exists t. exists j. D(r,j,t) xor D(c,j,t) 5
    >>> FormulaGenome.parse("not not D(c,r,p)").simplify().unicode()
    'D(c,r,p)'

    Raises ValueError for free variables, and for more than 7 players or 5 rounds bound inside each other.
    """

    formula: Node

    def __post_init__(self) -> None:
        if not isinstance(self.formula, Node):
            raise ValueError(f"formula: expected a formula, got {self.formula!r}")
        if self.formula.free:
            name = min(self.formula.free)
            raise ValueError(
                f"formula: expected a closed one, got {describe(name)} free ('exists {name}.' would bind it)"
            )
        object.__setattr__(self, "formula", normal_names(self.formula))

    def __hash__(self) -> int:
        return self.formula._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FormulaGenome):
            return NotImplemented
        return self.formula == other.formula

    def __reduce__(self) -> tuple[type[FormulaGenome], tuple[Node]]:
        return type(self), (self.formula,)

    @cached_property
    def _text(self) -> str:
        return render(self.formula)

    def __str__(self) -> str:
        return self._text

    def unicode(self) -> str:
        """The formula in logical signs: ``∃t ∃j D(r,j,t) ⊕ D(c,j,t)``."""
        return render(self.formula, unicode=True)

    @classmethod
    def parse(cls, text: str) -> FormulaGenome:
        """Read either spelling. Raises FormulaSyntaxError with line, column and what was expected."""
        from genomes.formula.parser import parse_formula  # lark: only when needed

        return cls(parse_formula(text))

    @property
    def complexity(self) -> int:
        """Atoms, constants, connectives and quantifiers count one each."""
        return self.formula.size

    @property
    def deterministic(self) -> bool:
        """A formula leaves nothing to chance."""
        return True

    def simplify(self, quantifiers: Quantifiers = "all") -> FormulaGenome:
        """A formula that decides alike in every society with these quantifiers and never has more nodes."""
        from genomes.formula.simplifier import simplify

        return FormulaGenome(simplify(self.formula, quantifiers))

    @cached_property
    def player_variables(self) -> int:
        """How many players are bound inside each other, at most."""
        bound = {node.var for node in self.formula.walk() if isinstance(node, Quantifier)}
        return len(bound.intersection(PLAYER_VARIABLES))  # in normal form a name stands for a depth

    @cached_property
    def diagonal(self) -> bool:
        """True when it speaks of a player's play towards itself, ``D(x,x,t)``."""
        return any(isinstance(node, Atom) and node.x == node.y for node in self.formula.walk())

    @cached_property
    def pair_only(self) -> bool:
        """True when it speaks of r and c alone: no player quantifier, no play of a player towards itself."""
        return not self.diagonal and not self.player_variables

    def automaton(self, turns: int | None = None) -> Automaton:
        """The strategy as an automaton of 33 states; `turns` is ignored, as it does not count.

        A pair-only formula depends on its pair's history only through the *set* of joint moves seen and the
        last one. Raises ValueError for other formulas: they read play outside the pair, even in a society of
        two, where they see how a player decides about itself.
        """
        from genomes.formula.pair_automata import pair_automaton

        if not self.pair_only:
            raise ValueError(
                f"formula: expected one about r and c alone, got {self}; it plays in a society of two"
            )
        return pair_automaton(self.formula)
