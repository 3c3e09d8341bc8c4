"""The catalogue: every named strategy against its published rule."""

import itertools

import pytest

from genomes import LookupGenome, catalogue
from genomes.catalogue import ENTRIES, Entry
from tests import reference


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_every_strategy_follows_its_rule_also_after_slips(entry: Entry) -> None:
    defect, successors = entry.automaton(8).defect.tolist(), entry.automaton(8).successors.tolist()
    walked = reference.automaton_rule(defect, successors)
    rule = reference.RULES[entry.name]
    for turns in range(7):
        for bits in itertools.product((0, 1), repeat=min(2 * turns, 10)):
            own = list(bits[: len(bits) // 2])
            opponent = list(bits[len(bits) // 2 :])
            assert walked(own, opponent) == pytest.approx(rule(own, opponent), abs=1e-15)


def test_every_entry_says_its_rule_and_its_source() -> None:
    for entry in ENTRIES:
        assert entry.rule and entry.source
    names = [name for entry in ENTRIES for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))


def test_the_sets_of_the_source_documents() -> None:
    assert len(catalogue.names("lifl")) == 17  # 15 of document 003, gradual and prober
    assert len(catalogue.names("agents")) == 8  # document 000
    for name in catalogue.names("memory_one"):
        genome = catalogue.get(name).strategy
        assert isinstance(genome, LookupGenome) and genome.x <= 1 and genome.y <= 1


def test_no_two_names_mean_one_behaviour_under_noise() -> None:
    keys = {}
    for entry in ENTRIES:
        key = entry.automaton(60).behaviour(noisy=True)
        assert key not in keys, f"{entry.name} plays like {keys.get(key)}"
        keys[key] = entry.name


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=r"strategy: expected a known name, got 'tit_for_tta' \(nearest: tit_for_tat"
    ):
        catalogue.resolve("tit_for_tta")
    with pytest.raises(ValueError, match=r"set: expected a known name, got 'lifk' \(nearest: lifl"):
        catalogue.names("lifk")
    with pytest.raises(ValueError, match="strategy: expected a genome, a catalogue name"):
        catalogue.resolve(3)
