"""Formulas compiled to small array programs, evaluated for all players c at once (one bit a player).

A program has two parts. The *update* part runs once for each new distinct relation and keeps running tables
for the quantifiers over rounds whose body speaks of no other round; the *decide* part reads the tables and
gives phi(r, c) for all c. Registers hold one bit row, or (wide) one bit row for each value of the innermost
player variable. The operations stand in `engine.societies.kernels` beside the machine that
runs them, because the cache of what is compiled notices changes in its own file only.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.societies.kernels import (
    AND,
    ATOM,
    CONST,
    IFF,
    IMPLIES,
    LAST,
    LEAVE_OUT,
    LOAD,
    NEWEST,
    NEXT_PLAYER,
    NEXT_ROUND,
    NOT,
    OR,
    OTHER,
    PLAYERS,
    REDUCE,
    REPEAT,
    ROUNDS,
    SELF,
    SKIP,
    SPREAD,
    STORE,
    WIDE,
    XOR,
)
from engine.societies.scopes import place_quantifiers
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import (
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
    Quantifiers,
    Sort,
)

_OPERATION: dict[Connective, int] = {"and": AND, "xor": XOR, "or": OR, "implies": IMPLIES, "iff": IFF}
TABLE_COLUMNS = 4 + 7
"""A table's row: kind (0 exists, 1 forall), wide, number of player loop variables, offset, the variables."""


class Program(NamedTuple):
    """A compiled formula; jumps are relative and tables numbered from 0, so programs can be joined."""

    code: NDArray[np.int32]
    """(operations, 8)."""
    decide: int
    """Where the decide part begins; its result is in register 0."""
    registers: int
    tables: NDArray[np.int64]
    """(tables, TABLE_COLUMNS); offsets are set when the number of players is known."""


@lru_cache(maxsize=16384)
def compile_formula(genome: FormulaGenome, table_variables: int, quantifiers: Quantifiers = "all") -> Program:
    """The program of a formula; tables may depend on up to `table_variables` players beside r and c."""
    compiler = _Compiler(table_variables, others=quantifiers == "others")
    return compiler.program(place_quantifiers(genome.simplify(quantifiers).formula, quantifiers))


class _Compiler:
    def __init__(self, table_variables: int, *, others: bool) -> None:
        self.table_variables = table_variables
        self.others = others
        self.update: list[list[int]] = []
        self.decide: list[list[int]] = []
        self.code = self.decide
        self.registers = 1
        self.tables: list[list[int]] = []
        self.known: dict[tuple[Node, tuple[int, ...]], int] = {}

    def program(self, formula: Node) -> Program:
        self.evaluate(formula, 0, {"r": SELF, "c": OTHER, ROUND_CONSTANT: LAST}, None)
        tables = np.array(self.tables, dtype=np.int64).reshape(-1, TABLE_COLUMNS)
        code = np.array(self.update + self.decide, dtype=np.int32)
        return Program(code, len(self.update), self.registers, tables)

    def emit(
        self, op: int, to: int, a: int = 0, b: int = 0, wide: bool = False, x: int = 0, y: int = 0, t: int = 0
    ) -> None:
        self.registers = max(self.registers, to + 1)
        self.code.append([op, to, a, b, wide, x, y, t])

    def evaluate(self, node: Node, to: int, names: dict[str, int], wide: str | None) -> None:
        """Code that leaves the node's value in register `to`; `wide` is the player variable of the rows."""
        if wide is not None and wide not in node.free:
            self.evaluate(node, to, names, None)
            self.emit(SPREAD, to)
        elif isinstance(node, Atom):
            x, y, t = names[node.x], names[node.y], names[node.t]
            self.emit(ATOM, to, wide=wide is not None, x=x, y=y, t=t)
        elif isinstance(node, Const):
            self.emit(CONST, to, int(node.value), wide=wide is not None)
        elif isinstance(node, Not):
            self.evaluate(node.body, to, names, wide)
            self.emit(NOT, to, wide=wide is not None)
        elif isinstance(node, Binary):
            self.evaluate(node.left, to, names, wide)
            self.evaluate(node.right, to + 1, names, wide)
            self.emit(_OPERATION[node.op], to, to + 1, wide=wide is not None)
        elif isinstance(node, Quantifier):
            if node.sort == "player":
                self.players(node, to, names)
            elif self.tabulates(node):
                self.emit(LOAD, to, self.table(node, names, wide), wide=wide is not None)
            else:
                self.rounds(node, to, names, wide)

    def players(self, node: Quantifier, to: int, names: dict[str, int]) -> None:
        every = int(node.kind == "forall")
        if not _quantifies(node.body, "player"):
            self.evaluate(node.body, to, {**names, node.var: WIDE}, node.var)
            if self.others:
                self.emit(LEAVE_OUT, to, b=every, wide=True)
            self.emit(REDUCE, to, b=every)
            return
        slot = sum(names[name] >= 0 for name in PLAYER_VARIABLES if name in names)
        self.emit(CONST, to, every)
        self.emit(PLAYERS, to, slot)
        body = len(self.code)
        self.evaluate(node.body, to + 1, {**names, node.var: slot}, None)
        if self.others:
            self.emit(LEAVE_OUT, to + 1, slot, every)
        self.emit(NEXT_PLAYER, to, slot, every, x=to + 1, t=body - len(self.code))

    def rounds(self, node: Quantifier, to: int, names: dict[str, int], wide: str | None) -> None:
        """A loop over the distinct relations seen, for bodies that no running table can stand for."""
        every = int(node.kind == "forall")
        slot = sum(names[name] >= 0 for name in ROUND_VARIABLES if name in names)
        self.emit(CONST, to, every, wide=wide is not None)
        start = len(self.code)
        self.emit(ROUNDS, to, slot)
        self.evaluate(node.body, to + 1, {**names, node.var: slot}, wide)
        back = start + 1 - len(self.code)
        self.emit(NEXT_ROUND, to, slot, every, wide=wide is not None, x=to + 1, t=back)
        self.code[start][7] = len(self.code) - start

    def tabulates(self, node: Quantifier) -> bool:
        """A running table will do: the body's only round is the quantifier's own."""
        return (
            not any(name in ROUND_VARIABLES for name in node.free)
            and not _quantifies(node.body, "round")
            and not any(isinstance(part, Atom) and part.t == ROUND_CONSTANT for part in node.body.walk())
            and len(node.free) <= self.table_variables
        )

    def table(self, node: Quantifier, names: dict[str, int], wide: str | None) -> int:
        """The number of the table of a quantifier over rounds; its update code is written once."""
        slots = sorted(names[name] for name in node.free if name != wide)
        known = (node, tuple(names[name] for name in sorted(node.free)))
        if known in self.known:
            return self.known[known]
        number = self.known[known] = len(self.tables)
        every = int(node.kind == "forall")
        padding = [0] * (TABLE_COLUMNS - 4 - len(slots))
        self.tables.append([every, wide is not None, len(slots), 0, *slots, *padding])
        outer, self.code = self.code, []
        if not node.free:
            self.emit(SKIP, 0, number)
        for slot in slots:
            self.emit(PLAYERS, 0, slot)
        body = len(slots)
        self.evaluate(node.body, 0, {**names, node.var: NEWEST}, wide)
        self.emit(STORE, 0, number, 0, wide=wide is not None)
        for n, slot in enumerate(reversed(slots)):
            self.emit(REPEAT, 0, slot, t=body - n - len(self.code))
        if not node.free:
            self.code[0][7] = len(self.code)
        self.update += self.code
        self.code = outer
        return number


def _quantifies(node: Node, sort: Sort) -> bool:
    return any(isinstance(part, Quantifier) and part.sort == sort for part in node.walk())
