"""The first-order language: reading, printing, naming, simplifying, and pair-only formulas as automata."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes import catalogue
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import (
    PLAYER_VARIABLES,
    ROUND_VARIABLES,
    Atom,
    Binary,
    Const,
    FormulaSyntaxError,
    Node,
    Not,
    Quantifier,
)
from tests.formulas import formulas
from tests.society_reference import automaton_state, holds

SOCIETAL = [entry for entry in catalogue.ENTRIES if entry.formula_text]

parse = FormulaGenome.parse


@settings(deadline=None)
@given(formulas(max_depth=7, players=4, rounds=4))
def test_both_spellings_read_back_exactly(genome):
    assert parse(str(genome)) == genome
    assert str(parse(str(genome))) == str(genome)
    assert parse(genome.unicode()) == genome
    assert str(genome).isascii()
    assert pickle.loads(pickle.dumps(genome)) == genome


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("not D(c,r,p) and true", "(not D(c,r,p)) and true"),
        ("true or false xor true and false", "true or (false xor (true and false))"),
        ("true implies false or true", "true implies (false or true)"),
        ("true iff false implies true", "true iff (false implies true)"),
        ("true xor false xor D(c,r,p)", "(true xor false) xor D(c,r,p)"),
        ("true and false and D(c,r,p)", "(true and false) and D(c,r,p)"),
        ("true iff false iff D(c,r,p)", "(true iff false) iff D(c,r,p)"),
        ("true implies false implies D(c,r,p)", "true implies (false implies D(c,r,p))"),
        ("exists t. D(c,r,t) or true", "exists t. (D(c,r,t) or true)"),
        ("true and exists t. D(c,r,t) iff true", "true and (exists t. (D(c,r,t) iff true))"),
        ("not exists j D(c,j,p) implies true", "not (exists j. (D(c,j,p) implies true))"),
        ("first", "forall t. false"),
        ("∀t ¬D(c,r,t) ∨ ⊤", "forall t. ((not D(c,r,t)) or true)"),
    ],
)
def test_precedence_and_grouping_are_as_documented(text, grouped):
    assert parse(text) == parse(grouped)


def test_all_ways_of_grouping_differ_when_grouped_differently():
    assert parse("(true implies false) implies D(c,r,p)") != parse("true implies false implies D(c,r,p)")
    assert parse("(exists t. D(c,r,t)) or true") != parse("exists t. D(c,r,t) or true")


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("", 1, 1, "expected a formula, got the end"),
        ("D(r,c", 1, 6, "expected ',', got the end"),
        ("D(c,r,p) or\n  D(c,q,p)", 2, 7, "expected a player .*, got 'q'"),
        ("D(r,c,c)", 1, 7, "expected a round .*, got the player 'c'"),
        ("exists t. D(t,c,p)", 1, 13, "expected a player .*, got the round 't'"),
        ("D(r,j,p)", 1, 5, "the player 'j', which is free"),
        ("(exists t. D(r,c,t)) and D(r,c,t)", 1, 32, "the round 't', which is free"),
        ("exists r. true", 1, 8, "expected a variable .*, got the player 'r'"),
        ("exists t. exists j. forall t. D(r,j,t)", 1, 8, "not bound again inside its scope, got 't'"),
        ("D(c,r,p) D(r,c,p)", 1, 10, "expected and, xor, or, implies, iff .*, got 'D'"),
        ("(true or false", 1, 15, r"'\)', got the end"),
        ("true & false", 1, 6, "got '&'"),
        ("not " * 300 + "true", 1, 401, "at most 200 levels"),
        (" or ".join(["true"] * 300), 1, None, "at most 200 levels"),
        ("(" * 50_000, 1, 50_001, "expected a formula, got the end"),
        ("true" + " " * 300_000, 1, 1, "at most 200000 characters"),
    ],
)
def test_errors_say_where_and_what_was_expected(text, line, column, said):
    with pytest.raises(FormulaSyntaxError, match=said) as caught:
        parse(text)
    assert caught.value.line == line
    assert column in (None, caught.value.column)
    assert "\n" not in str(caught.value)


def test_size_is_limited_even_where_parts_are_shared():
    node: Node = Atom("c", "r", "p")
    with pytest.raises(ValueError, match="at most 10000 nodes"):
        for _ in range(40):
            node = Binary("or", node, node)


def test_parts_that_make_no_sense_are_refused():
    for build in (
        lambda: Atom("r", "p", "p"),
        lambda: Binary("nand", Const(True), Const(True)),
        lambda: Quantifier("some", "t", Const(True)),
        lambda: Quantifier("exists", "p", Const(True)),
        lambda: FormulaGenome(Atom("r", "j", "p")),
        lambda: FormulaGenome("true"),
    ):
        with pytest.raises(ValueError, match="formula: expected"):
            build()
    deep: Node = Const(True)
    for variable in "stuvwt":
        deep = Quantifier("exists", variable, deep)
    with pytest.raises(ValueError, match="at most 5 rounds"):
        FormulaGenome(deep)


def renamed(node: Node, rng: np.random.Generator, names: dict[str, str]) -> Node:
    """The same formula with its bound variables renamed at random, without shadowing."""
    if isinstance(node, Atom):
        return Atom(*(names.get(name, name) for name in (node.x, node.y, node.t)))
    if isinstance(node, Quantifier):
        letters = PLAYER_VARIABLES if node.sort == "player" else ROUND_VARIABLES
        new = str(rng.choice([letter for letter in letters if letter not in names.values()]))
        return Quantifier(node.kind, new, renamed(node.body, rng, {**names, node.var: new}))
    if isinstance(node, Not):
        return Not(renamed(node.body, rng, names))
    if isinstance(node, Binary):
        return Binary(node.op, renamed(node.left, rng, names), renamed(node.right, rng, names))
    return node


@settings(deadline=None)
@given(formulas(players=3, rounds=3), st.integers(0, 2**32))
def test_equality_does_not_see_the_names_of_bound_variables(genome, seed):
    other = FormulaGenome(renamed(genome.formula, np.random.default_rng(seed), {}))
    assert other == genome
    assert hash(other) == hash(genome)
    assert str(other) == str(genome)


def test_equality_sees_everything_else():
    texts = [
        "exists t. exists j. D(r,j,t)",
        "exists j. exists t. D(r,j,t)",
        "exists t. exists j. D(j,r,t)",
        "forall t. exists j. D(r,j,t)",
        "exists j. exists k. D(j,k,p)",
        "exists j. exists k. D(k,j,p)",
        "true",
        "false",
    ]
    assert len({parse(text) for text in texts}) == len(texts)


def random_histories(seed: int, n: int, turns: int) -> list[list[np.ndarray]]:
    """Every beginning of a random history, the empty one first."""
    rounds = list(np.random.default_rng(seed).random((turns, n, n)) < 0.5)
    return [rounds[:turn] for turn in range(turns + 1)]


@settings(max_examples=300, deadline=None)
@given(formulas(max_depth=6), st.integers(1, 3), st.integers(0, 2**32))
def test_simplifying_changes_no_decision_and_adds_no_node(genome, n, seed):
    simple = genome.simplify()
    assert simple.complexity <= genome.complexity
    assert simple.simplify() == simple
    for history in random_histories(seed, n, 3):
        for r in range(n):
            names = {"r": r, "c": n - 1}
            assert holds(simple.formula, names, history, n) == holds(genome.formula, names, history, n)


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("not not D(c,r,p)", "D(c,r,p)"),
        ("D(c,r,p) and true or false", "D(c,r,p)"),
        ("D(c,r,p) or D(r,c,p) or D(c,r,p)", "D(c,r,p) or D(r,c,p)"),
        ("D(c,r,p) xor D(r,c,p) xor D(c,r,p)", "D(r,c,p)"),
        ("D(c,r,p) implies D(c,r,p)", "true"),
        ("D(c,r,p) and not D(c,r,p)", "false"),
        ("D(c,r,p) or D(c,r,p) and D(r,c,p)", "D(c,r,p)"),
        ("not (not D(c,r,p) or not D(r,c,p))", "D(c,r,p) and D(r,c,p)"),
        ("not exists t. not D(c,r,t)", "forall t. D(c,r,t)"),
        ("exists j. D(c,r,p)", "D(c,r,p)"),
        ("exists t. D(c,r,p)", "D(c,r,p)"),
        ("(exists s. D(c,r,s)) or exists t. D(c,r,t)", "exists t. D(c,r,t)"),
        ("exists j. exists t. (D(c,r,t) or false)", "exists t. D(c,r,t)"),
        ("exists t. D(c,r,t) and exists s. true", "exists t. D(c,r,t)"),
        # Before the first round there are no rounds: these are not what they seem.
        ("exists t. true", "exists t. true"),
        ("forall t. D(c,r,p)", "forall t. D(c,r,p)"),
        ("exists t. not D(c,r,p)", "not forall t. D(c,r,p)"),
        ("not first", "exists t. true"),
    ],
)
def test_simplification_finds(text, simple):
    assert parse(text).simplify() == parse(simple)


def test_complexity_counts_atoms_constants_connectives_and_quantifiers():
    table = {row.name: parse(row.formula_text).complexity for row in SOCIETAL}
    assert (table["tit_for_tat"], table["all_d"], table["grim"], table["absolutist"]) == (1, 1, 2, 5)


def test_the_table_of_strategies_is_whole():
    assert len({row.name for row in SOCIETAL}) == len(SOCIETAL) == 13
    pair_only = {row.name for row in SOCIETAL if parse(row.formula_text).pair_only}
    assert {row.name for row in SOCIETAL} - pair_only == {
        "absolutist",
        "suspicious_absolutist",
        "forgiving_bully",
        "police",
        "vulture",
    }


@settings(max_examples=200, deadline=None)
@given(formulas(max_depth=6, rounds=3, pair_only=True), st.integers(0, 2**32))
def test_a_pair_only_formula_plays_as_its_automaton(genome, seed):
    automaton = genome.automaton()
    assert len(automaton) <= 33
    for history in random_histories(seed, 2, 5):
        state = automaton_state(automaton, 0, 1, history)
        assert holds(genome.formula, {"r": 0, "c": 1}, history, 2) == automaton.defect[state]


@pytest.mark.parametrize("text", ["exists j. D(c,j,p)", "D(r,r,p)", "exists t. D(c,c,t)"])
def test_formulas_that_read_beyond_the_pair_have_no_automaton(text):
    with pytest.raises(ValueError, match="society of two"):
        parse(text).automaton()
