"""The catalogue: every named strategy against its published rule."""

import itertools

import pytest

from engine import Rules, society
from genomes import LookupGenome, MachineGenome, catalogue
from genomes.catalogue import ENTRIES, Entry
from genomes.reading import resolve
from tests import reference
from tests.strategies import rule as rule_of

AUTOMATA = [entry for entry in ENTRIES if entry.pair_only]


@pytest.mark.parametrize("entry", AUTOMATA, ids=str)
def test_every_strategy_follows_its_rule_also_after_slips(entry: Entry) -> None:
    defect, successors = entry.automaton(8).defect.tolist(), entry.automaton(8).successors.tolist()
    walked = reference.automaton_rule(defect, successors)
    rule = reference.RULES[entry.name]
    for turns in range(7):
        for bits in itertools.product((0, 1), repeat=min(2 * turns, 10)):
            own = list(bits[: len(bits) // 2])
            opponent = list(bits[len(bits) // 2 :])
            assert walked(own, opponent) == pytest.approx(rule(own, opponent), abs=1e-15)


@pytest.mark.parametrize("name", reference.LIBRARY_MACHINES)
def test_evolved_machines_are_those_of_the_library_axelrod(name: str) -> None:
    machine, rule = catalogue.get(name).table, reference.library_machine(name)
    assert isinstance(machine, MachineGenome)
    changed = MachineGenome(
        machine.first, machine.start, (*machine.replies[:-1], (1, 0)), machine.successors
    )  # negative control: other replies of one state
    played, differs = rule_of(machine), rule_of(changed)
    heard = [list(moves) for turns in range(11) for moves in itertools.product((0, 1), repeat=turns)]
    expected = [rule(moves, moves) for moves in heard]
    assert [played(moves, moves) for moves in heard] == expected
    assert [differs(moves, moves) for moves in heard] != expected


def test_the_library_axelrod_itself_plays_them_alike() -> None:
    library = pytest.importorskip("axelrod")
    for name in catalogue.names("evolved"):
        kind, _, version = name.removeprefix("evolved_").partition("_")
        prefix = "EvolvedLookerUp" if kind == "lookerup" else "EvolvedFSM"
        player = getattr(library, prefix + version.replace("_noise_", "Noise"))
        for opponent in (library.Random(), library.TitForTat(), library.Defector(), library.Adaptive()):
            theirs = library.Match((player(), opponent), turns=100, seed=1).play()
            own, other = (
                [int(move == library.Action.D) for move in moves] for moves in zip(*theirs, strict=True)
            )
            rule = rule_of(catalogue.get(name).strategy)
            assert [rule(own[:turn], other[:turn]) for turn in range(100)] == own


@pytest.mark.parametrize("entry", [e for e in AUTOMATA if e.table and e.formula_text], ids=str)
def test_a_table_and_its_formula_play_alike(entry: Entry) -> None:
    assert entry.table is not None and entry.formula is not None
    for noisy in (False, True):
        assert entry.table.automaton().behaviour(noisy=noisy) == entry.formula.automaton().behaviour(
            noisy=noisy
        )
    others = {"absolutist": 3, "vulture": 2, "all_d": 2}
    by_table = society({entry.table: 2} | others, Rules(turns=20))
    by_formula = society({entry.formula: 2} | others, Rules(turns=20))
    assert by_table.means.tolist() == by_formula.means.tolist()


def test_reconstructions_are_marked_as_such() -> None:
    reconstructed = [e.name for e in ENTRIES if "our reconstruction" in e.rule]
    assert reconstructed == ["bully", "spiteful_bully", "forgiving_bully", "police", "vulture"]
    assert set(catalogue.names("societal")) >= {"tit_for_tat", "mistrust", "grim", "absolutist", "vulture"}
    assert len(catalogue.names("societal")) == 13


def test_every_entry_says_its_rule_and_its_source() -> None:
    for entry in ENTRIES:
        assert entry.rule and entry.source
    names = [name for entry in ENTRIES for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))


def test_the_sets_of_the_source_documents() -> None:
    assert len(catalogue.names("lifl")) == 17  # 15 of document 003, gradual and prober
    assert len(catalogue.names("agents")) == 8  # document 000
    assert len(catalogue.names("evolved")) == 6  # machines of Harper et al. 2017 and of their library
    for name in catalogue.names("memory_one"):
        genome = catalogue.get(name).strategy
        assert isinstance(genome, LookupGenome) and genome.x <= 1 and genome.y <= 1


def test_no_two_names_mean_one_behaviour_under_noise() -> None:
    keys: dict[str, str] = {}
    for entry in AUTOMATA:
        key = entry.automaton(60).behaviour(noisy=True)
        assert key not in keys, f"{entry.name} plays like {keys.get(key)}"
        keys[key] = entry.name


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=r"strategy: expected a known name, got 'tit_for_tta' \(nearest: tit_for_tat"
    ):
        resolve("tit_for_tta")
    with pytest.raises(ValueError, match=r"set: expected a known name, got 'lifk' \(nearest: lifl"):
        catalogue.names("lifk")
    with pytest.raises(ValueError, match="strategy: expected a genome, a catalogue name"):
        resolve(3)
