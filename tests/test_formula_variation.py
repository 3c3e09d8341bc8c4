"""Random formulas follow their declared law; variation gives closed, well-sorted, reproducible formulas."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from genomes import catalogue
from genomes.formula import generator as law
from genomes.formula.generator import random_formula
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Atom
from genomes.variation.formulas import MUTATIONS, FormulaVariation, deap_random, to_genome, to_tree
from tests.formulas import formulas

SOCIETAL = [entry for entry in catalogue.ENTRIES if entry.formula_text]

ABSOLUTIST = FormulaGenome.parse("exists t. exists j. D(r,j,t) xor D(c,j,t)")


@pytest.mark.parametrize(("pair_only", "diagonal"), [(False, False), (False, True), (True, False)])
def test_sixty_thousand_offspring_are_closed_and_well_sorted(pair_only, diagonal):
    variation = FormulaVariation(max_complexity=20, pair_only=pair_only, diagonal=diagonal)
    born = 0
    kinds = set()
    with deap_random(7) as chance:
        population = [variation.random() for _ in range(500)]
        while born < 20_000:
            at, other = chance.randrange(500), chance.randrange(500)
            if chance.random() < 0.5:
                children = variation.crossover(population[at], population[other])
            else:
                children = (variation.mutate(population[at]),)
            for child in children:  # building a genome has refused open and ill-sorted formulas
                born += 1
                assert not child.formula.free
                assert child.complexity <= 20
                assert child.pair_only or not pair_only
                assert diagonal or not child.diagonal
                if born % 50 == 0:
                    assert FormulaGenome.parse(str(child)) == child
                kinds.add(child)
            population[at] = children[0] if chance.random() < 0.9 else variation.random()
    assert len(kinds) > 2_000
    assert any(child.diagonal for child in kinds) == diagonal


def test_what_a_seed_says_of_the_diagonal_may_be_passed_on_but_not_come_anew():
    forgiving_bully = FormulaGenome.parse(
        next(r.formula_text for r in SOCIETAL if r.name == "forgiving_bully")
    )
    variation = FormulaVariation(max_complexity=20)
    with deap_random(3):
        children = {variation.mutate(forgiving_bully) for _ in range(300)}
        fewer = {variation.crossover(forgiving_bully, ABSOLUTIST) for _ in range(100)}

    def said(genome: FormulaGenome) -> set[tuple[str, str]]:
        atoms = [part for part in genome.formula.walk() if isinstance(part, Atom) and part.x == part.y]
        return {(atom.x, atom.y) for atom in atoms}

    assert {frozenset(said(child)) for child in children} == {frozenset(), frozenset({("r", "r")})}
    assert all(said(child) <= {("r", "r")} for pair in fewer for child in pair)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_random_formulas_speak_of_the_diagonal_only_where_the_law_says_so(seed, diagonal):
    rng = np.random.default_rng(seed)
    drawn = [random_formula(rng, diagonal=diagonal) for _ in range(30)]
    assert any(genome.diagonal for genome in drawn) <= diagonal


def test_how_many_random_formulas_speak_of_the_diagonal_under_the_older_law():
    rng = np.random.default_rng(1)
    share = np.mean([random_formula(rng, diagonal=True).diagonal for _ in range(4000)])
    assert share == pytest.approx(0.48, abs=4 * 0.008)


def test_an_open_tree_would_be_noticed():
    """The control of the test above: a part moved out of its scope is refused."""
    tree = to_tree(ABSOLUTIST)
    with pytest.raises(ValueError, match="free"):
        to_genome(tree[2:])


@settings(deadline=None)
@given(formulas(players=2, rounds=2))
def test_trees_keep_the_formula(genome):
    tree = to_tree(genome)
    assert len(tree) == genome.complexity
    assert to_genome(tree) == genome


def test_the_named_strategies_can_be_varied():
    for row in SOCIETAL:
        genome = FormulaGenome.parse(row.formula_text)
        assert to_genome(to_tree(genome, pair_only=genome.pair_only)) == genome


def test_what_trees_cannot_hold_is_explained():
    with pytest.raises(ValueError, match="at most 2 players and 2 rounds"):
        to_tree(FormulaGenome.parse("exists j. exists k. exists l. D(j,k,p) and D(k,l,p)"))
    with pytest.raises(ValueError, match="about r and c alone"):
        to_tree(ABSOLUTIST, pair_only=True)
    with pytest.raises(ValueError, match="max_complexity: expected"):
        FormulaVariation(max_complexity=0)
    with pytest.raises(ValueError, match="mutation: expected one of point"):
        FormulaVariation().mutate(ABSOLUTIST, "shrink")


@pytest.mark.parametrize("pair_only", [False, True])
def test_sizes_follow_the_declared_law(pair_only):
    """A chi-squared test, with a control: another ratio must be rejected."""
    rng = np.random.default_rng(11)
    sizes = [random_formula(rng, max_complexity=12, pair_only=pair_only).complexity for _ in range(10_000)]
    observed = np.bincount(sizes, minlength=13)[1:]
    expected = law.size_law(12)
    assert stats.chisquare(observed, 10_000 * expected).pvalue > 1e-4
    wrong = 0.75 ** np.arange(1, 13)
    assert stats.chisquare(observed, 10_000 * wrong / wrong.sum()).pvalue < 1e-4


@pytest.mark.parametrize(("size", "pair_only"), [(2, False), (3, True)])
def test_formulas_of_one_size_are_equally_likely(size, pair_only):
    """All of them come, each as often; a generator that first tosses for the kind of node is rejected."""
    rng = np.random.default_rng(12)
    language = law.Language(pair_only)
    number = law.count(size, language=language)
    drawn = [law.draw_part(rng.random, size, 0, 0, language) for _ in range(100 * number)]
    found = Counter(FormulaGenome(node) for node in drawn)
    assert len(found) == number
    assert stats.chisquare(list(found.values())).pvalue > 1e-4
    kinds = Counter(type(node).__name__ for node in drawn)
    assert stats.chisquare(list(kinds.values())).pvalue < 1e-4


def test_the_number_of_formulas_is_right_where_it_can_be_counted_by_hand():
    whole, pairs = law.Language(diagonal=True), law.Language(pair_only=True)
    assert law.count(1, language=whole) == 4 + 2  # D over {r, c} x {r, c} at p; true, false
    assert law.count(1, 1, 1, whole) == 9 * 2 + 2
    assert law.count(2, language=whole) == 6 + 2 * (9 + 2) + 2 * (8 + 2)  # not; a player; a round
    assert law.count(1) == 2 + 2
    assert law.count(1, 1, 1) == 6 * 2 + 2
    assert law.count(2) == 4 + 2 * (6 + 2) + 2 * (4 + 2)
    assert law.count(3, language=pairs) == (4 + 2 * 6) + 2 * (6 + 2 * 8) + 5 * 4 * 4
    assert law.count(1, language=pairs) == 2 + 2


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_mutation_does_what_its_name_says(mutation):
    variation = FormulaVariation(max_complexity=12)
    with deap_random(5):
        children = {variation.mutate(ABSOLUTIST, mutation) for _ in range(300)} - {ABSOLUTIST}
    sizes = {child.complexity for child in children}
    assert len(children) >= 2
    if mutation == "point":
        assert sizes == {5}
    elif mutation == "subtree":
        assert min(sizes) < 5 < max(sizes) <= 12
    elif mutation == "hoist":
        assert {str(child) for child in children} == {
            "exists t. exists j. D(r,j,t)",
            "exists t. exists j. D(c,j,t)",
        }
    else:
        assert all("true" in str(child) or "false" in str(child) for child in children)


def test_the_smallest_formulas_take_part_too():
    """DEAP's own operators leave the root alone, and with it tit for tat."""
    tit_for_tat = FormulaGenome.parse("D(c,r,p)")
    variation = FormulaVariation()
    with deap_random(4):
        assert {str(variation.mutate(tit_for_tat, "point")) for _ in range(100)} == {
            "D(r,c,p)",
            "true",
            "false",
        }
        assert str(variation.mutate(FormulaGenome.parse("not D(c,r,p)"), "hoist")) == "D(c,r,p)"
        assert any(
            variation.crossover(tit_for_tat, ABSOLUTIST) == (ABSOLUTIST, tit_for_tat) for _ in range(50)
        )


def test_crossover_exchanges_parts_and_respects_the_limit():
    grim_or_angry = FormulaGenome.parse("(exists t. D(c,r,t)) or D(c,r,p)")
    variation = FormulaVariation(max_complexity=6)
    with deap_random(2):
        pairs = [variation.crossover(grim_or_angry, FormulaGenome.parse("not D(r,c,p)")) for _ in range(50)]
    assert (
        FormulaGenome.parse("(exists t. D(c,r,t)) or D(r,c,p)"),
        FormulaGenome.parse("not D(c,r,p)"),
    ) in pairs
    small = FormulaVariation(max_complexity=4)
    with deap_random(2):
        assert all(
            child.complexity <= 4
            for _ in range(50)
            for child in small.crossover(grim_or_angry, FormulaGenome.parse("not not D(r,c,p)"))
        )


FAMILY = """
import sys
elsewhere = [type("Elsewhere", (), {"n": n}) for n in range(int(sys.argv[1]))]  # moves all later addresses
from genomes.variation.formulas import FormulaVariation, deap_random
variation = FormulaVariation()
with deap_random(2026) as chance:
    family = [variation.random() for _ in range(40)]
    for _ in range(400):
        a, b = chance.randrange(40), chance.randrange(40)
        family[a], family[b] = variation.crossover(family[a], family[b])
        family[a] = variation.mutate(family[a])
print(*family, sep="\\n")
"""


def test_one_seed_gives_the_same_trees_in_fresh_processes():
    """Neither the hashes of texts nor the addresses of objects may matter."""
    texts = [
        subprocess.run(
            [sys.executable, "-c", FAMILY, str(hash_seed)],
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for hash_seed in (0, 1, 2, 5, 11)
    ]
    assert len(texts[0].splitlines()) == 40
    assert set(texts) == {texts[0]}


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_the_global_random_is_left_alone(seed):
    before = random.getstate()
    with pytest.raises(RuntimeError), deap_random(seed):
        FormulaVariation().random()
        raise RuntimeError
    assert random.getstate() == before
