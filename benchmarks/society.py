"""Societies: the engine against plain Python, and how the cost grows."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import Row, seconds
from engine.game import Rules
from engine.societies.machine import SocietyMachine, pack_rows
from engine.societies.program import compile_formula
from engine.societies.sipd import play_table, society
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Atom, Binary, Connective, Node, Not, Quantifier
from tests import society_reference as oracle

TURNS = 50


def formulas(number: int, variables: str, seed: int = 0) -> list[FormulaGenome]:
    """So many distinct formulas with these quantified variables ("tj": a round and a player)."""
    rng = np.random.default_rng(seed)

    def atom() -> Node:
        players = ["r", "c", *(name for name in variables if name != "t")]
        leaf: Node = Atom(str(rng.choice(players)), str(rng.choice(players)), "t")
        return Not(leaf) if rng.random() < 0.3 else leaf

    def body(depth: int) -> Node:
        if depth == 0 or rng.random() < 0.15:
            return atom()
        op: Connective = ("and", "xor", "or")[int(rng.integers(3))]
        return Binary(op, body(depth - 1), body(depth - 1))

    found: dict[FormulaGenome, None] = {}
    while len(found) < number:
        node = body(2)
        for name in rng.permutation(list(variables)):
            node = Quantifier("exists" if rng.random() < 0.5 else "forall", str(name), node)
        genome = FormulaGenome(node)
        simple = genome.simplify()
        if str(simple).count("exists") + str(simple).count("forall") == len(variables):
            found[simple] = None
    return list(found)


def rows(smoke: bool) -> Iterator[Row]:
    """Everything about societies."""
    n = 12 if smoke else 100
    repetitions = 1 if smoke else 7
    rules = Rules(turns=TURNS)
    mix = formulas(n, "tj")
    members = dict.fromkeys(mix, 1)
    flips = pack_rows((np.random.default_rng(1).random((TURNS, n, n)) < 0.01) & ~np.eye(n, dtype=bool))

    def anew() -> None:
        compile_formula.cache_clear()
        society(members, rules)

    def all_distinct() -> None:
        SocietyMachine(mix).play(TURNS, close=False, flips=flips)

    exact, compiling, followed = seconds(
        lambda: society(members, rules), anew, all_distinct, repetitions=repetitions
    )
    oracle_turns = 2  # the oracle's cost of a round grows with the rounds before it: this flatters the oracle
    start = time.perf_counter()
    history = oracle.play(list(mix), oracle_turns)
    slow = (time.perf_counter() - start) / oracle_turns * TURNS
    if not np.array_equal(society(members, rules).trace()[:oracle_turns], history):
        raise AssertionError("the engine does not play as the oracle does")
    what = f"{n} formulas with a round and a player quantifier, {TURNS} rounds"
    yield Row(f"{what}: plain Python at least", slow / exact, 200, at_least=True)
    yield Row(f"{what}, after warm-up", 1e3 * exact, 10, unit=" ms")
    yield Row("the same, formulas compiled anew", 1e3 * compiling, None, unit=" ms")
    yield Row("the same, all rounds distinct (by noise)", 1e3 * followed, None, unit=" ms")
    yield from _growth(smoke)
    five = dict.fromkeys(("absolutist", "tit_for_tat", "all_c", "forgiving_bully", "police"), 200_000)
    table, counts = play_table(list(five), rules), np.array(list(five.values()))
    million, weighed = seconds(
        lambda: society(five, rules), lambda: table.mean_payoffs(counts), repetitions=repetitions
    )
    yield Row("a million players in five strategies", 1e3 * million, 1, unit=" ms")
    yield Row("the same strategies in other numbers", 1e6 * weighed, None, unit=" us")


def _growth(smoke: bool) -> Iterator[Row]:
    """Time against the number of strategies, all rounds distinct; n^2 * n/64 would be 8-fold at each doubling."""
    before = 0.0
    for size in (8, 16) if smoke else (64, 128, 256, 512):
        machines = {}
        for variables in ("tj", "tjk") if size <= 128 else ("tj",):
            noise = np.random.default_rng(1).random((TURNS, size, size)) < 0.01
            machines[variables] = (formulas(size, variables), pack_rows(noise & ~np.eye(size, dtype=bool)))
        took = seconds(
            *(
                lambda some=some, slips=slips: SocietyMachine(some).play(TURNS, close=False, flips=slips)
                for some, slips in machines.values()
            ),
            repetitions=1 if smoke else 3,
        )
        if before:
            yield Row(f"{size} strategies v half as many (8 by the law)", took[0] / before, 10)
        if len(took) > 1:
            yield Row(f"a second player quantifier, {size} strategies", took[1] / took[0], None)
        before = took[0]
