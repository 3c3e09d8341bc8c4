"""How fast societies are: ratios to the plain-Python oracle, and how the cost grows, all from one run.

``python -m benchmarks.society`` prints the table; nothing here is compared with another machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from engine.game import Rules
from engine.society import play_table, society
from engine.society_machine import SocietyMachine, pack_rows
from engine.society_program import compile_formula
from genomes.formula import Atom, Binary, Connective, FormulaGenome, Node, Not, Quantifier
from genomes.societal import SOCIETAL
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


def seconds(work: Callable[[], object], repeat: int = 5) -> float:
    """The shortest of several runs."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def run(*, small: bool = False) -> None:
    """Print the ratios; `small` is a smoke test."""
    n = 12 if small else 100
    rules = Rules(turns=TURNS)
    mix = formulas(n, "tj")
    members = dict.fromkeys(mix, 1)
    result = society(members, rules)  # compiles
    engine = seconds(lambda: society(members, rules))
    print(f"{n} formulas with one round and one player quantifier, {TURNS} rounds, one society")
    print(f"  engine, closed where play repeats        {1e3 * engine:10.2f} ms")

    def cold() -> None:
        compile_formula.cache_clear()
        society(members, rules)

    print(f"  engine, formulas compiled anew           {1e3 * seconds(cold):10.2f} ms")
    flips = pack_rows((np.random.default_rng(1).random((TURNS, n, n)) < 0.01) & ~np.eye(n, dtype=bool))

    def all_distinct() -> None:
        SocietyMachine(mix).play(TURNS, close=False, flips=flips)

    print(f"  engine, {TURNS} distinct rounds by noise       {1e3 * seconds(all_distinct):10.2f} ms")
    oracle_turns = 2  # the oracle's cost of a round grows with the rounds before it: this flatters the oracle
    start = time.perf_counter()
    history = oracle.play(list(mix), oracle_turns)
    slow = (time.perf_counter() - start) / oracle_turns * TURNS
    if not np.array_equal(result.trace()[:oracle_turns], history):
        raise AssertionError("the engine does not play as the oracle does")
    print(f"  oracle, {oracle_turns} rounds and scaled up            {1e3 * slow:10.0f} ms")
    print(f"  oracle / engine                          {slow / engine:10.0f} (at least)")

    print(f"growth with the number of strategies, {TURNS} distinct rounds (n^2 * n/64 would be 8-fold)")
    before = None
    for size in (8, 16) if small else (64, 128, 256, 512):
        for variables in ("tj", "tjk") if size <= 128 else ("tj",):
            some = formulas(size, variables)
            noise = np.random.default_rng(1).random((TURNS, size, size)) < 0.01
            slips = pack_rows(noise & ~np.eye(size, dtype=bool))

            def play(some: list[FormulaGenome] = some, slips: np.ndarray = slips) -> None:
                SocietyMachine(some).play(TURNS, close=False, flips=slips)

            play()
            took = seconds(play, 2)
            if variables == "tj":
                growth = f"{took / before:6.1f}-fold" if before else ""
                before = one = took
                print(f"  {size:>4} strategies {1e3 * took:12.2f} ms {growth}")
            else:
                print(f"       with a second player quantifier {1e3 * took:12.2f} ms, {took / one:.0f}-fold")

    named = {row.name: FormulaGenome.parse(row.formula) for row in SOCIETAL}
    five = {
        named[name]: 200_000 for name in ("absolutist", "tit_for_tat", "all_c", "forgiving_bully", "police")
    }
    took = seconds(lambda: society(five, rules), 50)
    print(f"a million players in five strategies       {1e3 * took:10.3f} ms")
    table = play_table(list(five), rules)
    counts = np.array(list(five.values()))
    weigh = seconds(lambda: table.mean_payoffs(counts), 200)
    print(f"the same strategies in other numbers       {1e6 * weigh:10.1f} us")


if __name__ == "__main__":
    run()
