"""Who a strategy is: everything that `evolve explain` says comes out of the engine again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import Rules, best_response, expected, round_robin
from evolve import generations
from genomes import catalogue
from genomes.lookup import LookupGenome
from results import Run
from results.explanation import CLASSICS, explanation_of, grid
from tests.conftest import Command
from tests.evolutions import SMALL

RULES = (Rules(turns=30), Rules(turns=10, noise=0.05), Rules(continuation=0.9))


@pytest.mark.parametrize("name", [e.name for e in catalogue.ENTRIES])
def test_every_named_strategy_is_explained_as_itself(name: str) -> None:
    found = explanation_of(name, Rules(turns=12))
    assert name in {*found.names, *(n.lstrip("~") for n in found.names)}
    assert found.rule == catalogue.get(name).rule
    assert (found.automaton is not None) == catalogue.get(name).pair_only
    json.dumps(found.to_json())


@pytest.mark.parametrize("rules", RULES, ids=str)
@pytest.mark.parametrize(
    "text", ["memory(1,2) ccCDCDDCDC", "exists t. D(c,r,t)", "memory(1,1) 1 | 1 0.25 1 0.5"]
)
def test_numbers_are_those_of_the_engine(text: str, rules: Rules) -> None:
    found = explanation_of(text, rules)
    assert [e.other for e in found.encounters] == list(CLASSICS)
    for encounter in found.encounters:
        meeting = expected(text, encounter.other, rules)
        assert (encounter.payoff, encounter.theirs) == tuple(meeting.payoffs.tolist())
    best = best_response(text, rules)
    assert found.certificate is not None and found.certificate.nash_gap == best.nash_gap
    if found.standing is None:
        assert any(
            "tournament" in note for note in found.notes
        )  # strategies that count have no other horizon
        return
    field = catalogue.names("lifl")
    players = field if set(field) & set(found.names) else [*field, text]
    scores = round_robin(players, rules).scores
    place = next((k for k, n in enumerate(field) if n in found.names), len(players) - 1)
    assert found.standing.rank == 1 + (scores > scores[place]).sum() and found.standing.of == len(players)


def test_a_large_table_is_a_grid_of_its_replies() -> None:
    genome = LookupGenome.parse("memory(2,3) ccc" + "CD" * 8 + "D" * 16)
    head, *rows = grid(genome)
    assert head.split()[3:] == ["CCC", "CCD", "CDC", "CDD", "DCC", "DCD", "DDC", "DDD"]
    cells = [row.split() for row in rows]
    assert [row[0] for row in cells] == ["CC", "CD", "DC", "DD"]
    assert "".join("".join(row[1:]) for row in cells) == "CD" * 8 + "D" * 16


def test_the_command_explains_names_texts_and_runs(tmp_path: Path, evolve: Command) -> None:
    folder = tmp_path / "run"
    with Run.open(folder, SMALL) as run:
        for generation in generations(SMALL):
            run.append(generation)
        leaders = run.leaders().behaviours
    code, out, _ = evolve("explain", "pavlov", "--noise", "0.05", "--out", str(tmp_path / "x.svg"))
    assert code == 0 and "after mutual defection" in out and max(map(len, out.splitlines()[:-1])) <= 80
    assert "nice, unforgiving; neither partner nor rival" in out
    assert "with rare mistakes efficient, not defensible, distinguishable" in out
    assert (tmp_path / "x.svg").read_text("utf-8").count("<circle") == 2
    code, out, _ = evolve("explain", str(folder), "--out", str(tmp_path / "x.png"))
    assert code == 0 and "20 turns" in out and (tmp_path / "x.png").stat().st_size > 1000
    unnamed = next(b for b in leaders if b.name is None)
    code, out, _ = evolve("explain", f"#{unnamed.behaviour[:6]}", "--of", str(folder), "--json")
    assert code == 0 and json.loads(out)["text"] == unnamed.genome
    code, _, err = evolve("explain", "#000000", "--of", str(folder))
    assert code == 1 and "strategy: expected a behaviour that has led in" in err
    code, _, err = evolve("explain", "gradual", "--out", str(tmp_path / "x.svg"))
    assert code == 1 and "states: expected at most 8 in a diagram, got 189" in err
    code, out, _ = evolve("explain", "absolutist")
    assert code == 0 and "looks at third parties" in out
