"""Names of one's own: understood wherever a strategy is given, and nothing runs that was not asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from engine import Rules, name_of, round_robin
from evolve import Experiment, generations, run
from genomes import LookupGenome, catalogue, parse, register
from genomes import registration as house
from genomes.registration import forget


def test_a_registered_name_plays_and_changes_nothing_else() -> None:
    before = catalogue.names()
    register("mine", "memory(1,1) cDDCC", "mine")
    assert round_robin(["mine", "all_d"], Rules(turns=9)).scores.tolist() == (
        round_robin(["memory(1,1) cDDCC", "all_d"], Rules(turns=9)).scores.tolist()
    )
    assert catalogue.names() == before and name_of(parse("memory(1,1) cDDCC")) != "mine"
    forget("mine")
    assert catalogue.find("mine") is None
    for name in ("tft", "mine"):
        with pytest.raises(ValueError, match=r"name: expected|strategy: expected a known name"):
            forget(name)


def test_a_name_that_is_taken_or_none_is_refused() -> None:
    for name, said in (
        ("tft", "expected one that is free, got 'tft'"),
        ("A b", "expected small letters"),
        ("x", ""),
    ):
        with pytest.raises(ValueError, match=f"name: {said}"):
            register(name, "all_c")
    with pytest.raises(ValueError, match="mine: expected a genome or an automaton"):
        register("mine", "absolutist")


def test_what_packages_offer_is_imported_only_where_its_module_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("offered_one", "offered_two"):
        (tmp_path / f"{module}.py").write_text(
            "from genomes import parse\nplayer = parse('memory(0,1) cDC')\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [EntryPoint(f"{m}_player", f"{m}:player", house.GROUP) for m in ("offered_one", "offered_two")]
    monkeypatch.setattr(house, "entry_points", lambda group: points)
    with pytest.raises(ValueError, match="expected a known name"):
        round_robin(["offered_one_player", "all_d"])
    assert house.register_installed([]) == [] and "offered_one" not in sys.modules
    assert house.register_installed(["offered_one"]) == ["offered_one_player"]
    assert "offered_two" not in sys.modules
    assert catalogue.get("offered_one_player").source == "offered by offered_one:player"
    forget("offered_one_player")
    sys.modules.pop("offered_one")


def test_a_fitness_function_of_ones_own_decides_who_goes_forward() -> None:
    experiment = Experiment(
        generations=12, population={"size": 20}, genome={"x": 1, "y": 1}, rules={"turns": 5}
    )

    def defection(genomes: Sequence[LookupGenome], earned: Sequence[float]) -> list[float]:
        assert len(genomes) == len(earned) == 20
        return [-sum(genome.replies) for genome in genomes]

    last = list(generations(experiment, fitness=defection))[-1]
    assert max(last.fitness) == 0 and "DDDD" in last.population[last.best].genome
    again = list(generations(experiment, fitness=defection))[-1]
    assert again == last
    for wrong in (lambda genomes, earned: [1.0], lambda genomes, earned: [float("nan")] * len(genomes)):
        with pytest.raises(ValueError, match="fitness: expected 20 finite numbers"):
            next(generations(experiment, fitness=wrong))


def test_a_callback_sees_every_generation(tmp_path: Path) -> None:
    experiment = Experiment(
        generations=5, population={"size": 8}, genome={"x": 0, "y": 1}, rules={"turns": 5}
    )
    seen: list[int] = []
    run(experiment, tmp_path / "run", watch=lambda generation: seen.append(generation.number)).close()
    assert seen == [0, 1, 2, 3, 4, 5]
