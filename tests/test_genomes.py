"""Genomes and automata: text, validation, canonical forms."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.names import name_of
from genomes import Automaton, LookupGenome, MachineGenome, catalogue, parse
from genomes.counting import SOFT_MAJO
from genomes.reading import label, resolve
from tests import reference
from tests.strategies import anything, automata, chance, lookups, machines, pure_strategies, rule, tables


@given(st.one_of(lookups(chance, 5), machines(12)))
def test_text_reads_back_exactly(genome: LookupGenome | MachineGenome) -> None:
    assert parse(str(genome)) == genome
    assert hash(parse(str(genome))) == hash(genome)


def test_lifl_genotypes_read_as_published() -> None:
    assert str(parse("memory(1,2) ccCDCDDCDD")) == "memory(1,2) ccCDCDDCDD"
    assert str(parse("memory(1,1) 1 | 1 0.333 1 0.333")) == "memory(1,1) 1 | 1 0.333 1 0.333"
    assert parse("memory(1,1) 1 | 1 0 1 0") == parse("memory(1,1) cCDCD")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("memory(1,1) cCDC", "expected 1 opening moves and 4 replies for memory(1,1), 5 in all, got 4"),
        ("memory(1,1) cCDCX", "(or 'openings | replies' as probabilities), got 'X'"),
        ("memory(9,9) c", "memory: expected x, y >= 0 with x + y <= 12, got memory(9,9)"),
        ("memory(5,5,5) c", "memory: expected x, y, z >= 0 with x + y + z <= 12, got memory(5,5,5)"),
        ("memory(0,1,2) ccC", "expected 2 opening moves and 8 replies for memory(0,1,2), 10 in all, got 3"),
        ("memory(1,1) 1 | 1 2 1 0", "replies: expected probabilities of cooperation in [0, 1], got 2.0"),
        ("memory(1,1) 1 | 1 nan 1 0", "replies: expected probabilities"),
        ("memory(1,1) 1 | 1 a 1 0", "replies: expected probabilities of cooperation, got 'a'"),
        ("memory(1,1) | 1 1 1 0", "opening: expected 1 values for memory(1,1), got 0"),
        ("cCDCD", "genome: expected text like"),
        ("machine(1) C0D0", "genome: expected text like 'machine(2) c0 C0D1 D1D1', got 'machine(1) C0D0'"),
        ("machine(2) c0 C0D1", "genome: expected 2 states for machine(2), got 1"),
        ("machine(0) c0", "machine: expected 1 to 4096 states, got machine(0)"),
        ("machine(1) c0 C0D1", "successors: expected states 0..0, got 1"),
        ("machine(1) c1 C0D0", "start: expected states 0..0, got 1"),
        ("machine(1) c0 C0E0", "reply and next state after C and after D, as in 'C0D1', got 'C0E0'"),
    ],
)
def test_bad_genome_text_says_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(text)


def test_without_the_opponents_openings_a_table_is_what_it_was() -> None:
    assert str(parse("memory(1,1,0) cCDCD")) == "memory(1,1) cCDCD"
    looking = parse("memory(0,0,1) cCD")  # defects for ever on who began with D
    assert reference.counts(rule(looking), reference.RULES["mistrust"], 9) == [0, 1, 1, 7]
    assert reference.counts(rule(looking), reference.RULES["tit_for_tat"], 9) == [9, 0, 0, 0]


def test_automata_refuse_impossible_arrays() -> None:
    with pytest.raises(ValueError, match=r"defect: expected probabilities in \[0, 1\], got 1.5"):
        Automaton([1.5], [[0, 0, 0, 0]])
    with pytest.raises(ValueError, match=r"successors: expected states 0..0, got 0..1"):
        Automaton([1.0], [[0, 1, 0, 0]])
    with pytest.raises(ValueError, match=re.escape("successors: expected shape (1, 4), got (1, 2)")):
        Automaton([1.0], [[0, 0]])
    with pytest.raises(ValueError, match=r"successors: expected whole numbers, got 0.5"):
        Automaton([1.0], [[0.5, 0, 0, 0]])
    with pytest.raises(ValueError, match=r"successors: expected states 0..0, got 0..2147483647"):
        Automaton([1.0], [[2**40, 0, 0, 0]])
    with pytest.raises(ValueError, match=r"defect: expected an array of numbers, got \['x'\]"):
        Automaton(["x"], [[0, 0, 0, 0]])


def test_genomes_refuse_what_is_no_probability_and_take_any_whole_number() -> None:
    with pytest.raises(ValueError, match=r"opening: expected probabilities of cooperation .* got 'c'"):
        LookupGenome(1, 1, ("c",), (1, 1, 1, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="opening: expected a tuple of probabilities, got None"):
        LookupGenome(1, 1, None, (1, 1, 1, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"memory: expected x, y >= 0 .* got memory\(True,1\)"):
        LookupGenome(True, 1, (1,), (1, 1, 1, 1))
    genome = LookupGenome(np.int64(1), np.int64(1), (np.int8(1),), np.array([1, 0, 1, 0]))  # type: ignore[arg-type]
    assert genome == parse("memory(1,1) cCDCD") and type(genome.x) is int


@given(anything)
def test_an_automaton_plays_its_genome(genome: object) -> None:
    defect, successors = tables(genome)
    walked = reference.automaton_rule(defect, successors)
    assert not reference.distinguishable(walked, rule(genome), 4, noisy=True)


@given(anything, st.booleans())
def test_the_canonical_form_plays_alike(genome: object, noisy: bool) -> None:
    canonical = genome.automaton().canonical(noisy=noisy)  # type: ignore[attr-defined]
    assert not reference.distinguishable(rule(genome), rule(canonical), 4, noisy=noisy)
    assert canonical.canonical(noisy=noisy) == canonical


@given(st.one_of(automata(chance), lookups(chance, 4)))
def test_the_noisy_canonical_form_is_as_small_as_moore_makes_it(genome: object) -> None:
    automaton = genome.automaton()  # type: ignore[attr-defined]
    output = list(zip(automaton.cooperate.tolist(), automaton.defect.tolist(), strict=True))
    classes = reference.moore_classes(output, automaton.successors.tolist())
    assert len(automaton.canonical(noisy=True)) == classes


@settings(max_examples=200)
@given(automata(largest=3), automata(largest=3), st.booleans())
def test_equal_behaviour_means_playing_alike(a: Automaton, b: Automaton, noisy: bool) -> None:
    # two automata of 3 states that differ at all differ within 6 turns
    alike = not reference.distinguishable(rule(a), rule(b), 6, noisy=noisy)
    assert (a.behaviour(noisy=noisy) == b.behaviour(noisy=noisy)) == alike


@given(pure_strategies)
def test_a_machine_plays_like_the_automaton_it_is_made_of_until_its_own_moves_slip(strategy: object) -> None:
    automaton = strategy.automaton()  # type: ignore[attr-defined]
    machine = MachineGenome.of(automaton)
    assert machine.automaton().behaviour(noisy=False) == automaton.behaviour(noisy=False)
    assert not reference.distinguishable(rule(machine), rule(strategy), 4, noisy=False)


@given(machines())
def test_the_smallest_machine_has_a_state_for_each_future_and_a_grown_one_plays_alike(
    machine: MachineGenome,
) -> None:
    small, large = machine.smallest(), machine.grown(9)
    alike = {m.automaton().behaviour(noisy=True) for m in (machine, small, large)}
    assert len(alike) == 1 and len(small) <= len(machine) and len(large) == 9
    assert MachineGenome.of(machine.automaton()) == small == large.smallest()
    rows = [[*s, *r] for s, r in zip(machine.successors, machine.replies, strict=True)]
    turned = [machine.start, *(s for s in range(len(machine)) if s != machine.start)]
    successors = [[turned.index(t) for t in rows[s][:2]] * 2 for s in turned]
    assert len(small) == reference.moore_classes([tuple(rows[s][2:]) for s in turned], successors)


def test_machines_refuse_what_is_no_table_of_them() -> None:
    with pytest.raises(ValueError, match=re.escape("first: expected 0 (C) or 1 (D), got 'C'")):
        MachineGenome("C", 0, ((0, 1),), ((0, 0),))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="successors: expected 1 states as in replies, got 2"):
        MachineGenome(0, 0, ((0, 1),), ((0, 0), (0, 0)))
    with pytest.raises(ValueError, match="replies: expected a pair for each state"):
        MachineGenome(0, 0, ((0, 1, 1),), ((0, 0),))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="automaton: expected pure moves"):
        MachineGenome.of(catalogue.get("gtft").automaton())
    genome = MachineGenome(0, np.int64(0), np.array([[0, 1]]), np.array([[0, 0]]))  # type: ignore[arg-type]
    assert genome == parse("machine(1) c0 C0D0") and type(genome.start) is int


def test_26_of_the_32_memory_one_strategies_are_distinct_beaufils_1998() -> None:
    genomes = [parse(f"memory(1,1) {''.join('CD'[(k >> b) & 1] for b in range(5))}") for k in range(32)]
    assert len({genome.automaton().behaviour(noisy=False) for genome in genomes}) == 26
    assert len({genome.automaton().behaviour(noisy=True) for genome in genomes}) == 32


def test_grim_and_spiteful_differ_only_under_noise() -> None:
    grim, spiteful = catalogue.get("grim").automaton(), catalogue.get("spiteful").automaton()
    assert grim.behaviour(noisy=False) == spiteful.behaviour(noisy=False)
    assert grim.behaviour(noisy=True) != spiteful.behaviour(noisy=True)


def test_a_long_counter_is_minimised_quickly_and_needs_a_fixed_horizon() -> None:
    assert len(SOFT_MAJO.automaton(10_000)) == 19_999
    assert len(SOFT_MAJO.automaton(10_000).canonical(noisy=False)) <= 19_999
    with pytest.raises(ValueError, match="soft_majo: counts without bound; expected a fixed number of turns"):
        SOFT_MAJO.automaton()


def test_behaviours_are_named_from_the_catalogue() -> None:
    assert name_of(parse("memory(0,1) cCD")) == "tit_for_tat"
    assert name_of(parse("memory(2,2) ccDDDDDDDDDDDDDDDD")) is None
    assert name_of(resolve("gradual"), turns=50) == "gradual"
    # without noise grim is spiteful; a label has to hold with noise too
    assert label(catalogue.get("grim").automaton()).startswith("automaton ")
    assert label("tft") == "tft"


def test_a_table_holds_its_moves_as_letters_exactly_where_all_are_pure() -> None:
    pure = LookupGenome(1, 1, (1.0,), (1, 0, np.float64(1), False))
    assert (
        pure.moves == "cCDCD" and pure.deterministic and pure == LookupGenome.parse("memory(1,1) 1 | 1 0 1 0")
    )
    mixed = LookupGenome(1, 1, (1.0,), (1, 0, 0.5, 0))
    assert mixed.moves == mixed.entries == (1.0, 1.0, 0.0, 0.5, 0.0) and not mixed.deterministic
    for genome in (pure, mixed):
        assert eval(repr(genome), {"LookupGenome": LookupGenome}) == genome
        with pytest.raises(AttributeError):
            genome.x = 2
