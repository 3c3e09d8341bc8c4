"""The command line: what it prints, and what it says to a mistake."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from genomes import catalogue
from tests.conftest import Command


def test_every_strategy_is_listed_with_its_rule(evolve: Command) -> None:
    code, out, _ = evolve("strategies")
    assert code == 0
    assert all(entry.name in out and entry.rule in out for entry in catalogue.ENTRIES)
    code, out, _ = evolve("strategies", "agents", "--json")
    assert [row["name"] for row in json.loads(out)] == catalogue.names("agents")


def test_a_strategy_is_shown_under_its_other_names(evolve: Command) -> None:
    code, out, _ = evolve("strategies", "wsls")
    assert code == 0
    assert "pavlov" in out and "memory(1,1) cCDDC" in out and "Nowak" in out


def test_a_match_shows_expected_payoffs_and_the_moves(evolve: Command) -> None:
    code, out, _ = evolve("match", "tit_for_tat", "all_d", "--turns", "10")
    assert code == 0
    assert "0.9" in out and "1.4" in out and "CDDDDDDDDD" in out
    code, out, _ = evolve("match", "tft", "memory(0,0) D", "--turns", "10", "--json")
    answer = json.loads(out)
    assert answer["payoffs"] == [0.9, 1.4]
    assert answer["moves"] == ["CDDDDDDDDD", "DDDDDDDDDD"]
    assert answer["frequencies"] == {"CC": 0, "CD": 0.1, "DC": 0, "DD": 0.9}


def test_a_match_too_long_to_play_is_still_exact(evolve: Command) -> None:
    code, out, _ = evolve("match", "tft", "mistrust", "--turns", "1000000000000", "--json")
    assert code == 0
    assert json.loads(out)["payoffs"] == [2.5, 2.5] and json.loads(out)["moves"] is None


def test_a_match_by_chance_belongs_to_its_seed(evolve: Command) -> None:
    def shown(seed: str) -> str:
        return evolve("match", "random", "joss", "--noise", "0.1", "--seed", seed)[1]

    assert shown("1") == shown("1") != shown("2")
    assert "seed 1" in shown("1")


def test_a_tournament_takes_names_sets_and_texts(evolve: Command) -> None:
    code, out, _ = evolve("tournament", "agents", "gtft", "memory(1,2) ccCDCDDCDD", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["names"] == [*catalogue.names("agents"), "gtft", "memory(1,2) ccCDCDDCDD"]
    assert len(answer["payoffs"]) == 10 and sorted(answer["ranking"]) == sorted(answer["names"])


def test_a_tournament_table_ranks_and_names_its_conditions(evolve: Command) -> None:
    code, out, _ = evolve("tournament", "tft", "all_d", "all_c", "--turns", "10", "--matrix")
    assert code == 0
    lines = [line.split() for line in out.splitlines() if line.strip()]
    assert ["1", "all_d", "3.2000", "0.0000"] in lines
    assert ["2", "tft", "0.90", "3.00", "3.00"] in lines
    assert "3 strategies, 10 turns" in out


def test_self_play_counts_when_asked_for(evolve: Command) -> None:
    score = {
        flags: json.loads(evolve("tournament", "all_c", "all_d", "--json", *flags)[1])["scores"]
        for flags in ((), ("--self-play",))
    }
    assert score[()] == [0, 5] and score[("--self-play",)] == [1.5, 3]


@pytest.mark.parametrize(
    ("options", "title"),
    [
        (["--noise", "0.01"], "200 turns, noise 0.01"),
        (["--continuation", "0.9"], "continuation 0.9"),
        (["--limit-of-means"], "limit of means"),
        (["--payoffs=-1,-10,0,-5"], "200 turns, R,S,T,P = -1,-10,0,-5"),
    ],
)
def test_every_condition_reaches_the_engine(evolve: Command, options: list[str], title: str) -> None:
    code, out, _ = evolve("tournament", "tft", "grim", "random", *options)
    assert code == 0 and title in out
    plain = evolve("tournament", "tft", "grim", "random", "--json")[1]
    assert evolve("tournament", "tft", "grim", "random", "--json", *options)[1] != plain


def test_sampled_tournaments_show_their_standard_error(evolve: Command) -> None:
    code, out, _ = evolve("tournament", "tft", "random", "--sampled", "10", "--turns", "20")
    assert code == 0 and "std. error" in out
    answer = json.loads(evolve("tournament", "tft", "random", "--sampled", "10", "--json")[1])
    assert all(error > 0 for error in answer["errors"])


def test_csv_is_written_beside_the_table(evolve: Command, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    code, out, err = evolve("tournament", "tft", "all_d", "--csv", str(file))
    assert code == 0 and "tft" in out and err == f"wrote {file}\n"
    with file.open(encoding="utf-8") as lines:
        assert [row["strategy"] for row in csv.DictReader(lines)] == ["all_d", "tft"]


def test_a_game_is_reported_with_prison_years_too(evolve: Command) -> None:
    code, out, _ = evolve("game", "--payoffs=-1,-10,0,-5")
    assert code == 0 and "-1, -1" in out and "DD" in out and "D (strictly)" in out
    report = json.loads(evolve("game", "--payoffs", "4,0,3,2", "--json")[1])
    assert report["pure_equilibria"] == ["CC", "DD"] and report["T"] == 3 and not report["dilemma"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("match tft", "Missing argument 'second'"),
        ("match tft tit_for_tta", "strategy: expected a known name, got 'tit_for_tta' (nearest: tit_for_tat"),
        ("strategies lfil", "strategy: expected a known name, got 'lfil' (nearest:"),
        ("match tft memory(1,1)cCDC", "5 in all, got 4"),
        ("match tft memory(7,6)c", "memory: expected x, y >= 0 with x + y <= 12, got memory(7,6)"),
        ("match tft memory(0,0)|1.5", "replies: expected probabilities of cooperation in [0, 1], got 1.5"),
        ("match tft all_d --payoffs 3,0,5", "payoffs: expected four numbers R,S,T,P"),
        ("match tft all_d --payoffs 3,0,five,1", "payoffs.T: expected a finite number, got 'five'"),
        ("match tft all_d --payoffs 3,0,nan,1", "payoffs.T: expected a finite number, got nan"),
        ("match tft all_d --payoffs 3,0,1e308,1", "payoffs.T: expected a number within 1e+100, got 1e+308"),
        ("match tft all_d --turns 0", "turns: expected a whole number > 0, got 0"),
        ("match tft all_d --turns -5", "turns: expected a whole number > 0, got -5"),
        ("match tft all_d --turns 2.5", "turns: expected a whole number, got '2.5'"),
        ("match tft all_d --turns 9e99", "turns: expected a whole number, got '9e99'"),
        ("match tft all_d --turns 99999999999999999999", "turns: expected a whole number from 1 to"),
        ("match tft all_d --turns 10 --continuation 0.5", "turns: expected only one of turns, continuation"),
        ("match tft all_d --continuation 1", "continuation: expected 0 <= continuation < 1, got 1.0"),
        ("match tft all_d --noise 0.6", "noise: expected 0 <= noise <= 0.5, got 0.6"),
        ("match tft all_d --noise much", "noise: expected a number, got 'much'"),
        ("match tft joss --seed -1", "seed: expected a whole number >= 0, got -1"),
        ("match random joss --turns 2000000000000", "turns: expected a whole number from 1 to"),
        ("match gradual tft --turns 1000000000", "gradual: counts without bound; expected at most"),
        ("match gradual tft --continuation 0.9", "gradual: counts without bound; expected a fixed number"),
        ("tournament", "Missing argument 'players'"),
        ("tournament tft", "strategies: expected at least 2 players, got 1"),
        ("tournament agents --sampled 1", "sampled: expected at least 2 meetings a pair, got 1"),
        ("tournament agents --sampled 5 --seed -1", "seed: expected a whole number >= 0, got -1"),
        ("tournament agents --csv /nowhere/at/all.csv", "csv: expected a file that can be written, got"),
        ("fixation all_d tft --size 1000000000000000", "memory: expected a task that fits into it"),
        (
            "new /nowhere/at/all.toml",
            "file: expected one that can be read or written, got '/nowhere/at/all.toml'",
        ),
        ("tournament agents --nosie 0.1", "No such option: --nosie"),
        ("turnament agents", "No such command 'turnament'"),
    ],
)
def test_a_mistake_is_answered_in_one_line(evolve: Command, arguments: str, message: str) -> None:
    code, out, err = evolve(*arguments.split())
    assert (code, out) == (1, "")
    assert err.count("\n") == 1 and err.startswith("evolve: ")
    assert message in err


def test_no_command_shows_the_commands(evolve: Command) -> None:
    code, out, _ = evolve()
    assert code == 0
    assert all(name in out for name in ("strategies", "match", "tournament", "game"))


def test_the_process_ends_with_the_exit_code_and_no_traceback() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "evolve.cli", "match", "tft", "nobody_at_all"], capture_output=True, text=True
    )
    assert answer.returncode == 1 and answer.stdout == ""
    assert answer.stderr.startswith("evolve: strategy: expected a known name, got 'nobody_at_all'")
    assert "Traceback" not in answer.stderr
