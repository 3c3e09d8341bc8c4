"""Invasion in situ: what theory says of it, survival statistics, and that nothing but the study decides results."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from docs.make_invasion_study import abundance
from engine.intervals import none_seen
from engine.stability.fixation import fixation_probability, pair_table
from evolve import Experiment, ExperimentError
from evolve.invasion.invaders import cause_of
from evolve.invasion.laws import operators, panel, resident_genome
from evolve.invasion.loss import WINDOW
from evolve.invasion.replicates import Outcome, continued, follow, history
from evolve.invasion.report import findings, survival_figure
from evolve.invasion.run import FILE, digest, run_study
from evolve.invasion.study import Study, Task
from evolve.streams import stream
from genomes import parse
from genomes.lookup import LookupGenome
from genomes.machine import MachineGenome
from results.plots import invasion as plots
from results.records import Birth, BirthId, Generation
from results.survival import kaplan_meier, paired_difference, restricted_mean
from tests.conftest import Command, Mortal
from tests.processes import evolve_command, watch

SMALL = Study.of(
    ["tit_for_tat", "pavlov"], {"population": {"size": 12}, "rules": {"turns": 10}, "seed": 5},
    replicates=6, generations=15,
)  # fmt: skip
MEMORY_ONE = [
    LookupGenome(1, 1, (float(k & 1),), tuple(float(k >> bit & 1) for bit in range(1, 5))) for k in range(32)
]


def one_at_a_time(resident: str, replicates: int, mutants: int, **more: object) -> Study:
    sections = {
        "population": {"size": 6},
        "rules": {"turns": 20},
        "selection": {"update": "moran"},
        "seed": 3,
    }
    return Study.of([resident], sections, replicates=replicates, generations=mutants, **more)  # type: ignore[arg-type]


# --- what theory says ---


@pytest.mark.parametrize("resident", ["all_d", "tit_for_tat"])
def test_one_mutant_at_a_time_survival_is_one_minus_mean_rho_to_the_k(resident: str) -> None:
    study = one_at_a_time(resident, 150, 5, controls=())
    rules, size = study.experiment.rules_value, study.experiment.population.size
    home = parse(str(resident_genome(study.experiment, resident))).automaton().behaviour(noisy=False)
    rho = [
        0.0
        if mutant.automaton().behaviour(noisy=False) == home
        else fixation_probability(pair_table(mutant, resident, rules), size)
        for mutant in MEMORY_ONE
    ]
    outcomes = [follow(study, task) for task in study.tasks()]
    for k in (1, 3, 5):
        expected = (1 - np.mean(rho)) ** k
        survived = sum(not (o.lost and o.time <= k) for o in outcomes)
        assert stats.binomtest(survived, len(outcomes), expected).pvalue > 1e-4
    # the test can fail: neutral mutants would be fixed at another rate
    neutral = sum(not o.lost for o in outcomes)
    assert stats.binomtest(neutral, len(outcomes), (1 - 1 / size) ** 5).pvalue < 0.05


def test_unconditional_cooperators_fall_and_an_unrivalled_resident_does_not() -> None:
    falls = Study.of(["all_c"], {"population": {"size": 20}}, replicates=12, generations=40, controls=())
    assert all(follow(falls, task).lost for task in falls.tasks())
    # among strangers that can only be all_c, without mutation, all_d stands
    stands = Study.of(
        ["all_d"], {"genome": {"x": 0, "y": 0}, "population": {"size": 20}, "variation": {"mutation": 0.0}},
        replicates=5, generations=40, controls=(),
    )  # fmt: skip
    assert not any(follow(stands, task).lost for task in stands.tasks())


@pytest.mark.parametrize(
    ("invader", "resident", "cause"),
    [
        ("all_d", "all_c", "advantaged"),
        ("all_d", "tit_for_tat", "disadvantaged"),
        ("all_c", "tit_for_tat", "neutral"),
        ("tit_for_tat", "mistrust", "neutral, then advantaged"),
    ],
)
def test_the_cause_of_a_loss_is_told_from_exact_payoffs(invader: str, resident: str, cause: str) -> None:
    experiment = Experiment(genome={"x": 1, "y": 1}, rules={"continuation": 0.98})
    if cause == "neutral, then advantaged":
        # at first as good as the resident: R + P = S + T over two turns of echo
        experiment = experiment.changed(
            rules={"continuation": None, "turns": 3}, game={"R": 3, "P": 1, "S": 0, "T": 2}
        )
        (a, b), (c, d) = pair_table(invader, resident, experiment.rules_value).tolist()
        cause = "advantaged" if b > d else "disadvantaged" if b < d else cause if a > c else "neutral"
    genomes = [experiment.seed_genome(name) for name in (invader, resident)]
    assert cause_of(experiment, *genomes) == cause


# --- the event ---


def script(shares: list[float], size: int = 20) -> Iterator[Generation]:
    """Generations whose survivors are residents with these shares; most newcomers are not."""

    def born(number: int) -> list[Birth]:
        kinds = ["home"] * size + ["other"] * 3 * size
        origin = "immigrant" if number else "seed"
        return [
            Birth(BirthId(number, 0, k), (), origin, "memory(0,0) D", kind) for k, kind in enumerate(kinds)
        ]

    def generation(number: int, population: list[Birth]) -> Generation:
        return Generation(number, tuple(population), (1.0,) * len(population), 1.0, (), 2)

    before = born(0)
    yield generation(0, before)
    for number, share in enumerate(shares, 1):
        residents = round(share * size)
        survivors = before[:residents] + before[size : 2 * size - residents]
        before = born(number)
        yield generation(number, survivors + before)


@pytest.mark.parametrize(
    ("shares", "time"),
    [
        ([0.5] * 24, None),  # half is not below half, however many newcomers there are
        ([0.9] * 4 + [0.45] * 10 + [0.9] * 10, 5),
        ([0.9] * 4 + [0.45] * 9 + [0.5] + [0.9] * 10, None),
        ([0.45] * 9 + [0.6] + [0.4] * 14, 11),
        ([0.9] * 14 + [0.1] * 10, 15),  # the last that counts
        ([0.9] * 15 + [0.1] * 9, None),  # after the horizon
    ],
)
def test_lost_is_below_half_of_the_survivors_for_ten_generations_timed_at_the_first(
    monkeypatch: pytest.MonkeyPatch, shares: list[float], time: int | None
) -> None:
    assert len(shares) == 15 + WINDOW - 1
    monkeypatch.setattr("evolve.invasion.replicates.history", lambda study, task: script(shares))
    outcome = continued(SMALL, Task("tit_for_tat", False, 0))
    assert (outcome.lost, outcome.time) == (time is not None, time or 15)
    assert outcome.mutants == 80 * outcome.time


# --- laws ---


def test_every_law_injects_what_it_declares() -> None:
    experiment = SMALL.experiment
    resident = resident_genome(experiment, "tit_for_tat")
    rng = stream(1, 1, "immigrants")
    local = operators(experiment, "local", resident).random(30, rng=rng)
    entries = (*resident.opening, *resident.replies)
    changes = [sum(a != b for a, b in zip(entries, (*m.opening, *m.replies), strict=True)) for m in local]
    assert min(changes) >= 1 and np.mean(changes) < 2.5
    adversaries = panel(experiment, str(resident_genome(experiment, "all_c")))
    drawn = operators(experiment, "adversarial", resident_genome(experiment, "all_c")).random(200, rng=rng)
    assert set(drawn) == set(adversaries)
    assert resident_genome(experiment, "all_d") in adversaries  # its best response
    behaviours = [
        m.automaton().behaviour(noisy=False) for m in (resident_genome(experiment, "all_c"), *adversaries)
    ]
    assert len(set(behaviours)) == len(behaviours)  # one of each, and never the resident


def test_replicates_bring_every_resident_the_same_strangers() -> None:
    def strangers(resident: str) -> list[str]:
        found = []
        for generation in history(SMALL, Task(resident, False, 2)):
            found += [b.genome for b in generation.births if b.origin == "immigrant"]
        return found

    assert strangers("tit_for_tat") == strangers("pavlov") != []
    assert (
        strangers("tit_for_tat")[:10]
        != [
            b.genome
            for g in history(SMALL, Task("pavlov", False, 3))
            for b in g.births
            if b.origin == "immigrant"
        ][:10]
    )


# --- statistics ---


def test_a_survival_curve_with_censoring_is_the_one_made_by_hand() -> None:
    # Kaplan & Meier's product: 6/7 at 2, then 6/7 * 3/5 at 4 (one censored at 3, two lost), * 1/2 at 8
    curve = kaplan_meier([2, 3, 4, 4, 6, 8, 9], [True, False, True, True, False, True, False])
    assert curve.times.tolist() == [2, 3, 4, 6, 8, 9]
    assert curve.at_risk.tolist() == [7, 6, 5, 3, 2, 1]
    hand = [6 / 7, 6 / 7, 6 / 7 * 3 / 5, 6 / 7 * 3 / 5, 6 / 7 * 3 / 5 / 2, 6 / 7 * 3 / 5 / 2]
    assert curve.survival == pytest.approx(hand)
    # log-log interval at 4: S**exp(+-z sqrt(sum d/(n(n-d)))/log S)
    s = 6 / 7 * 3 / 5
    width = stats.norm.ppf(0.975) * math.sqrt(1 / (7 * 6) + 2 / (5 * 3)) / abs(math.log(s))
    assert (curve.low[2], curve.high[2]) == pytest.approx((s ** math.exp(width), s ** math.exp(-width)))
    assert curve.median == 8 and curve.at(5)[0] == pytest.approx(s) and curve.at(1) == (1, 1, 1)


def test_survival_statistics_are_those_of_scipy() -> None:
    rng = np.random.default_rng(2)
    times, lost = rng.integers(1, 30, 60), rng.random(60) < 0.6
    found = kaplan_meier(times, lost)
    sample = stats.CensoredData(uncensored=times[lost].astype(float), right=times[~lost].astype(float))
    other = stats.ecdf(sample).sf
    assert found.survival == pytest.approx(other.probabilities)
    inside = (found.survival < 1) & (found.survival > 0)
    interval = other.confidence_interval(method="log-log")
    assert found.low[inside] == pytest.approx(interval.low.probabilities[inside])
    assert found.high[inside] == pytest.approx(interval.high.probabilities[inside])


def test_where_nothing_was_lost_there_is_a_one_sided_bound() -> None:
    assert none_seen(100) == pytest.approx(
        stats.binomtest(0, 100, alternative="less").proportion_ci(0.95).high
    )
    curve = kaplan_meier([50] * 40, [False] * 40)
    assert curve.at(50) == (1, pytest.approx(0.05 ** (1 / 40)), 1) and curve.median is None
    outcomes = [Outcome("tit_for_tat", k, False, 15, 20) for k in range(6)]
    found = findings(SMALL, outcomes)[0]
    assert "none of 6 lost" in found.verdict and f"at least {0.05 ** (1 / 6):.3f}" in found.verdict


def test_differences_to_a_control_are_paired_and_bounded() -> None:
    rng = np.random.default_rng(0)
    control = rng.integers(1, 100, 200)
    gain, low, high = paired_difference((control + 3).tolist(), control.tolist(), 1000)
    assert (gain, low, high) == (3, 3, 3)  # between independent samples the interval would be wide
    gain, low, high = paired_difference((control + rng.integers(0, 7, 200)).tolist(), control.tolist(), 1000)
    assert low < gain < high < 3.5 and low > 2.5
    assert restricted_mean([5, 20], 10) == 7.5


# --- the study's folder ---


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Outcome], bytes]:
    """What becomes of `SMALL` on one worker, and what is written of it."""
    folder = tmp_path_factory.mktemp("small")
    return run_study(SMALL, folder), (folder / FILE).read_bytes()


def test_workers_and_interruptions_change_no_byte(
    small: tuple[list[Outcome], bytes], tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, data = small
    places: list[tuple[int, dict[str, Any]]] = [(200, {"workers": 2}), (5, {"cluster": scheduler})]
    for shares, place in places:  # populations one by one, and several to a task
        monkeypatch.setattr("evolve.invasion.run.TASKS", shares)
        folder = tmp_path / str(shares)
        assert run_study(SMALL, folder, **place) == whole and (folder / FILE).read_bytes() == data
    for cut in (len(data) // 3, 2 * len(data) // 3):
        place = tmp_path / f"cut{cut}"
        place.mkdir()
        (place / FILE).write_bytes(data[:cut])  # killed in the middle of a line
        seen: list[Sequence[Outcome]] = []
        assert digest(run_study(SMALL, place, watch=seen.append)) == digest(whole)
        assert 0 < len(seen[1:]) < len(whole) == len(seen[0]) + len(seen[1:])
        assert (place / FILE).read_bytes() == data


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_worker_killed_in_the_middle_changes_no_byte(
    small: tuple[list[Outcome], bytes], mortal: Mortal, tmp_path: Path
) -> None:
    place, kill = mortal
    seen: list[int] = []

    def watch(latest: Sequence[Outcome]) -> None:
        seen.append(len(latest))
        if len(seen) == 8:
            kill()

    run_study(SMALL, tmp_path, **place, watch=watch)
    assert seen == [0] + [1] * 60
    assert (tmp_path / FILE).read_bytes() == small[1]


def test_more_replicates_are_added_to_those_that_are_there(
    small: tuple[list[Outcome], bytes], tmp_path: Path
) -> None:
    few = Study.parse(SMALL.to_toml(), {"replicates": 3})
    run_study(few, tmp_path)
    seen: list[Sequence[Outcome]] = []
    outcomes = run_study(SMALL, tmp_path, watch=seen.append)
    assert len(outcomes) == 60 and len(seen[0]) == len(seen[1:]) == 30
    assert outcomes == small[0]


def test_a_last_line_that_a_power_cut_tore_anywhere_is_followed_again(tmp_path: Path) -> None:
    study = Study.parse(SMALL.to_toml(), {"replicates": 2, "controls": []})
    run_study(study, tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    last = whole[:-1].rindex(b"\n") + 1
    middle = (last + len(whole)) // 2
    for torn in (
        whole[:middle],
        whole[:last] + bytes(len(whole) - last),
        whole[:middle] + bytes(9) + whole[middle + 9 :],
    ):
        (tmp_path / FILE).write_bytes(torn)
        run_study(study, tmp_path)
        assert (tmp_path / FILE).read_bytes() == whole


def test_damage_and_another_study_are_named(tmp_path: Path) -> None:
    run_study(Study.parse(SMALL.to_toml(), {"replicates": 2, "controls": []}), tmp_path)
    data = (tmp_path / FILE).read_text()
    with pytest.raises(ValueError, match="another with --out"):
        run_study(Study.parse(SMALL.to_toml(), {"law": "local"}), tmp_path)
    lines = data.splitlines()
    (tmp_path / FILE).write_text("\n".join([lines[0], lines[1].replace("tit", "tat"), *lines[2:], ""]))
    with pytest.raises(ValueError, match="line 2 is damaged"):
        run_study(SMALL, tmp_path)


# --- figures ---


def test_figures_show_what_they_are_given_and_are_the_same_every_time(
    small: tuple[list[Outcome], bytes], tmp_path: Path
) -> None:
    outcomes, _ = small
    found = findings(SMALL, outcomes)
    curves = survival_figure(SMALL, outcomes, found)
    texts = [text.get_text() for axes in curves.axes for text in axes.texts]
    titles = [axes.get_title(loc="left") for axes in curves.axes]
    assert titles[: len(SMALL.populations)] == SMALL.populations  # its clones are in the same panel
    assert texts.count("6") >= len(SMALL.labels)  # all at risk at the start
    for axes in curves.axes[: len(SMALL.populations)]:  # of each curve its interval, from the start
        assert len(axes.lines) == len(axes.collections) == 2
        for band in axes.collections:
            heights = band.get_paths()[0].get_extents()
            assert heights.x0 == 0 and heights.height > 0
    gaps = {"grim": [[0.0, 0.2], [0.1, 0.3]], "all_d": np.zeros((2, 2))}
    figures = {
        "survival": lambda: survival_figure(SMALL, outcomes, found),
        "n_rho": lambda: plots.n_rho({"grim": [0.0, 1.0, 3.0]}, "title"),
        "kappa": lambda: plots.kappa_forest([("grim", 0.5, 0.4, 0.7), ("all_c", 9.0, 9.0, 9.0)], "title"),
        "gaps": lambda: plots.nash_gaps(gaps, (0, 0.01), (0.5, 0.9), "title"),
        "fall": lambda: plots.who_invaded(*abundance(SMALL, Task("pavlov", False, 0)), "title", lost_at=5),
    }
    for name, draw in figures.items():
        one, two = (plots.save(draw(), tmp_path / f"{name}{k}.png").read_bytes() for k in (1, 2))
        assert one == two and one.startswith(b"\x89PNG")
    assert len(plots.nash_gaps(gaps, (0, 0.01), (0.5, 0.9), "").axes[0].lines) == 1  # one ring: one zero
    names, shares = abundance(SMALL, Task("pavlov", False, 0))
    assert names[0] == "pavlov" and shares[0][0] == 1 and np.sum(shares, axis=0) == pytest.approx(1)


# --- the command ---


def test_invade_says_what_was_lost_to_whom_and_how_surely(
    evolve: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("invade", "all_c", "tft", "--replicates", "5", "--generations", "12", "--size", "12")
    code, out, err = evolve(*words)
    assert code == 0 and "population 50/50" in err
    assert "all_c: " in out and "95 %" in out and "of 5 lost in 12 generations" in out
    code, out, err = evolve(*words, "--json")
    answer = json.loads(out)
    assert code == 0 and err == ""  # all of it was there
    row = answer["residents"][0]
    assert row["resident"] == "all_c" and row["lost"] + row["censored"] == 5
    assert row["verdict"] and len(row["interval"]) == 2 and "clones" in row["differences"]
    code, out, _ = evolve("invade", "vulture", "--play", "sipd", "--replicates", "2", "--generations", "3",
                          "--size", "8", "--turns", "6", "--noise", "0.01")  # fmt: skip
    assert code == 0 and "vulture: " in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("vulture",), "invasion.residents.0: expected a lookup genome"),
        (("tft", "tft"), "invasion.residents: Value error, expected every name once"),
        (("tft", "--law", "any"), "invasion.law: expected 'global', 'local' or 'adversarial', got 'any'"),
        (("tft", "--replicates", "1"), "invasion.replicates: expected greater than or equal to 2"),
        (("tft", "--workers", "0"), "workers: expected a whole number from 1 to 1024"),
        (("tft", "--play", "chess"), "play: expected ipd or sipd, got 'chess'"),
        (("none.toml",), "study: expected a TOML file"),
    ],
)
def test_a_mistake_ends_in_one_line(evolve: Command, words: tuple[str, ...], message: str) -> None:
    code, out, err = evolve("invade", *words)
    assert code == 1 and out == "" and message in err and len(err.splitlines()) == 1


def test_residents_that_are_machines_face_machines() -> None:
    experiment = Study.of(
        ["tit_for_tat"], {"genome": {"kind": "machine", "states": 3, "max_states": 6}}
    ).experiment
    resident = resident_genome(experiment, "tit_for_tat")
    assert len(resident) == 3 and str(resident.smallest()) == "machine(1) c0 C0D0"
    rng = np.random.default_rng(3)
    for law in ("local", "global", "adversarial"):
        for mutant in operators(experiment, law, resident).random(20, rng=rng):  # type: ignore[arg-type]
            assert isinstance(mutant, MachineGenome) and mutant != resident and len(mutant) <= 6
    members = panel(experiment, str(resident))
    assert {str(one) for one in members} >= {"machine(3) c0 C1C2 C2C0 C0C1", "machine(3) d0 D1D2 D2D0 D0D1"}


def test_a_study_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ExperimentError, match=r"population\.seeds: expected none"):
        Study.parse('population.seeds = [{strategy = "all_c", share = 1}]\n[invasion]\nresidents = ["tft"]')
    with pytest.raises(ExperimentError, match=r"expected a section \[invasion\]"):
        Study.parse("seed = 1")
    for file in sorted((Path(__file__).parent.parent / "examples" / "invasion").glob("*.toml")):
        study = Study.load(file)
        assert Study.parse(study.to_toml(), name=study.experiment.name) == study


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(workers: str, tmp_path: Path) -> None:
    words = ("invade", "tft", "--replicates", "400", "--generations", "60")
    child = evolve_command(*words, "--out", str(tmp_path), "--workers", workers, cwd=tmp_path)
    file = tmp_path / FILE
    watch(child, lambda: file.exists() and file.read_bytes().count(b"\n") > 3)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to the workers too
    asked = time.monotonic()
    _, err = child.communicate(timeout=60)
    assert time.monotonic() - asked < 5
    assert child.returncode == 128 + signal.SIGINT and "the same command goes on" in err
    assert "Traceback" not in err
    lines = file.read_text().splitlines()
    assert 3 < len(lines) < 1600 and all(a != b for a, b in pairwise(lines))
