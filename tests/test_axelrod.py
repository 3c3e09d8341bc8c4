"""The library Axelrod beside ours: its players as opponents, its tournaments as the judge, ours as its players."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import Rules
from engine.fields import axelrod_players
from engine.fields.declared import CACHE, Field, automaton_of
from engine.fields.exported import library_source
from engine.fields.judging import judge
from engine.fields.memo import Memo
from engine.fields.native import judge_natively, player_class
from engine.fields.opponents import FieldError
from engine.fields.scoring import score
from engine.fields.standings import pool
from engine.game import Game
from genomes import parse
from genomes.variation.machines import random_machines

needs_axelrod = pytest.mark.skipif(
    axelrod_players.installed() is None, reason="the extra [axelrod] is not installed"
)

SOME = [
    "axelrod:" + name
    for name in (
        "TitForTat", "Random", "Grudger", "FirstByDowning", "ZDExtort2", "EvolvedHMM5", "OmegaTFT", "Adaptive",
        "Gradual", "FirstByTidemanAndChieruzzi", "RiskyQLearner", "GTFT",
    )
]  # fmt: skip
"""Deterministic and stochastic ones, some of which use the payoffs or the length of a match."""


@pytest.fixture(scope="module")
def axl() -> Any:
    return axelrod_players.library()


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path_factory.getbasetemp() / "axelrod"))


@needs_axelrod
@pytest.mark.parametrize(
    "rules",
    [Rules(turns=60), Rules(turns=60, noise=0.05), Rules(Game(2, -1, 4, 0), turns=37)],
    ids=str,
)
def test_a_lane_is_the_librarys_match_with_that_seed(axl: Any, rules: Rules) -> None:
    field = Field.load(SOME)
    automata = [automaton_of(g, rules) for g in random_machines(3, 6, np.random.default_rng(4))]
    lanes = field.lanes([11, 12], rules)
    found = score(Memo(field, rules), automata, lanes)
    g = rules.game
    game = axl.Game(r=g.R, s=g.S, t=g.T, p=g.P)
    for k, automaton in enumerate(automata):
        for lane, (place, seed) in enumerate(
            zip(lanes.opponents.tolist(), lanes.seeds.tolist(), strict=True)
        ):
            players = player_class(automaton, "ours")(), getattr(axl, SOME[place].split(":")[1])()
            match = axl.Match(players, turns=rules.turns, game=game, noise=rules.noise, seed=seed)
            match.play()
            assert match.final_score() == (found.payoffs[k, lane], found.conceded[k, lane])


@needs_axelrod
def test_the_field_of_the_librarys_tournaments_is_known_without_importing_it_again(axl: Any) -> None:
    field = Field.load(["axelrod"])
    kinds = [opponent.kind for opponent in field.opponents]
    assert len(kinds) == len(axl.short_run_time_strategies) == 224
    assert (kinds.count("deterministic"), kinds.count("stochastic")) == (152, 72)
    assert sum("payoffs" in o.reads for o in field.opponents) == 25
    assert sum("length" in o.reads for o in field.opponents) == 9
    unfair = axl.cheating_strategies[0].__name__
    (cheat,) = Field.load([f"axelrod:{unfair}"]).opponents
    assert cheat.kind == "unusable" and cheat.reason == "reads or changes its opponent"
    with pytest.raises(FieldError, match=r"a class of the library Axelrod \S+, got 'TitForTatt'"):
        Field.load(["axelrod:TitForTatt"])


@needs_axelrod
def test_the_judge_ranks_as_the_librarys_own_tournament(axl: Any) -> None:
    chosen = [
        "axelrod:" + name
        for name in ("TitForTat", "Grudger", "Defector", "WinStayLoseShift", "Gradual", "Alternator")
    ]
    field, rules = Field.load(chosen), Rules(turns=50)
    genome = parse("machine(2) c0 C0D1 C0D1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        players = [player_class(automaton_of(genome, rules), "ours")()]
        players += [getattr(axl, name.split(":")[1])() for name in chosen]
        played = axl.Tournament(players, turns=50, repetitions=2, seed=1).play(progress_bar=False)
    for ours in (
        judge(genome, field, rules, repetitions=2),
        judge_natively(genome, field, rules, repetitions=2),
    ):
        assert ours.scores is not None
        assert np.allclose(ours.scores.T, played.normalised_scores, atol=1e-12)
        assert ours.rank == played.ranking.index(0) + 1 and ours.wins == played.wins[0][0]


@needs_axelrod
def test_the_librarys_players_among_themselves_earn_what_its_matches_say(axl: Any) -> None:
    field, rules = Field.load(SOME), Rules(turns=40)
    table = pool(field, rules, 12).mean(axis=0)
    places = [SOME.index(f"axelrod:{name}") for name in ("TitForTat", "Random", "GTFT")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        players = [getattr(axl, SOME[k].split(":")[1])() for k in places]
        played = axl.Tournament(players, turns=40, repetitions=40, seed=3).play(progress_bar=False)
    for a, k in enumerate(places):
        for b, j in enumerate(places):
            if a != b:
                spread = np.std(played.payoffs[a][b]) * np.sqrt(1 / 12 + 1 / 40)
                assert abs(table[k, j] - np.mean(played.payoffs[a][b])) <= 4 * spread + 1e-12


@needs_axelrod
@pytest.mark.parametrize(
    "text", ["machine(3) d1 C0D1 D1C2 C2D0", "memory(2,2) cdCDDDCDDDDCDCDDDD", "gradual"]
)
def test_an_exported_player_plays_alike_in_the_library(axl: Any, text: str, tmp_path: Path) -> None:
    file = tmp_path / "exported.py"
    file.write_text(library_source(text, "Exported"))
    spec = importlib.util.spec_from_file_location("exported", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rules = Rules(turns=80)
    for rival in (axl.Alternator, axl.Random, axl.EvolvedFSM16):
        ours = [player_class(automaton_of(text, Rules(turns=80, noise=0.01)), "o")(), module.Exported()]
        scores = [axl.Match((player, rival()), turns=80, noise=0.1, seed=5) for player in ours]
        assert scores[0].play() == scores[1].play()
    assert automaton_of(text, rules).deterministic


def test_without_the_library_one_line_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(axelrod_players, "installed", lambda: None)
    with pytest.raises(FieldError, match=r"pip install 'evolve-ipd\[axelrod\]'") as caught:
        Field.load(["axelrod"])
    assert "\n" not in str(caught.value)


def test_what_has_chance_or_no_name_is_not_exported() -> None:
    with pytest.raises(FieldError, match="expected pure moves, got 'random'"):
        library_source("random")
    with pytest.raises(FieldError, match="expected the name of a class, got 'a b'"):
        library_source("pavlov", "a b")
