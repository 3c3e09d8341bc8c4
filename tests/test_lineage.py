"""Lineages read from a run are those that can be followed by hand through every generation."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from results.errors import RunError
from results.lineage import clades, common_ancestor, family_tree, line_of_descent
from results.records import Birth, BirthId, Generation
from results.run.store import Run
from tests.synthetic import Synthetic, evolve


def lived(
    path: Path, experiment: Synthetic, until: int
) -> tuple[Run, list[Generation], dict[BirthId, Birth]]:
    generations = list(islice(evolve(experiment), until + 1))
    with Run.open(path, experiment) as run:
        for generation in generations:
            run.append(generation)
    return Run.read(path), generations, {b.id: b for g in generations for b in g.births}


def by_hand(births: dict[BirthId, Birth], id: BirthId) -> list[BirthId]:
    line = [id]
    while births[line[-1]].parents:
        line.append(births[line[-1]].parents[0])
    return line[::-1]


@pytest.mark.parametrize("immigrants", [0, 2])
def test_lines_trees_and_clades_are_those_followed_by_hand(tmp_path: Path, immigrants: int) -> None:
    run, generations, births = lived(tmp_path, Synthetic(immigrants=immigrants, memory=2), 150)
    with run:
        last = generations[-1]
        living = [birth.id for birth in last.population]
        champion = last.population[last.best].id
        assert [birth.id for birth in line_of_descent(run)] == by_hand(births, champion)
        assert line_of_descent(run, living[0])[-1] == births[living[0]]

        tree = family_tree(run, to_founders=True)
        lines = {id: by_hand(births, id) for id in living}
        assert {birth.id for birth in tree.births} == {id for line in lines.values() for id in line}
        for leaf in tree.leaves:
            assert [tree.births[place].id for place in tree.line(int(leaf))] == lines[tree.births[leaf].id]
        for birth, count in zip(tree.births, tree.descendants, strict=True):
            assert count == sum(birth.id in line for line in lines.values())

        shared = set.intersection(*(set(line) for line in lines.values()))
        ancestor = common_ancestor(run)
        short = family_tree(run)
        if shared:
            assert ancestor is not None and ancestor.id == max(shared)
            assert short.births[0].id == max(shared) and len(short.roots) == 1
        else:
            assert ancestor is None and len(short.roots) == len({line[0] for line in lines.values()})
        assert {short.births[leaf].id for leaf in short.leaves} == set(living)
        for leaf in short.leaves:
            line = [short.births[place].id for place in short.line(int(leaf))]
            assert line == lines[short.births[leaf].id][-len(line) :]

        for generation in (0, 100, 149, 150):
            expected: dict[BirthId, set[BirthId]] = {}
            for id, line in lines.items():
                before = [one for one in line if one.generation <= generation]
                expected.setdefault(before[-1] if before else line[0], set()).add(id)
            assert {id: set(members) for id, members in clades(run, generation).items()} == expected


def test_some_individuals_have_their_own_common_ancestor(tmp_path: Path) -> None:
    run, generations, births = lived(tmp_path, Synthetic(immigrants=0, memory=2), 60)
    with run:
        pair = [birth.id for birth in generations[-1].population][-2:]
        expected = max(set(by_hand(births, pair[0])) & set(by_hand(births, pair[1])))
        found = common_ancestor(run, pair)
        assert found is not None and found.id == expected
        assert common_ancestor(run, pair[:1]) == births[pair[0]]
        with pytest.raises(RunError, match=r"9\.0\.9 is not kept"):
            line_of_descent(run, BirthId(9, 0, 9))


def test_the_first_generation_is_its_own_founders(tmp_path: Path) -> None:
    run, generations, _ = lived(tmp_path, Synthetic(), 0)
    with run:
        assert len(line_of_descent(run)) == 1
        assert family_tree(run).births == generations[0].population
        assert common_ancestor(run) is None
