"""What strategies are called, what they are like, and what they make of others: against plain play, and published."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Game, Rules, expected, families, label_of, rivalry, traits
from engine.likeness import HEADS, MET, TURNS
from engine.names import short_text
from engine.properties import PATTERNS
from evolve import Experiment, generations
from genomes import catalogue, parse
from genomes.automaton import Automaton
from genomes.lookup import LookupGenome
from results.faces import Faces
from results.looks import NAMED, TRAITS, look_of
from results.run.censuses import MOST_CENSUSES, spacing
from results.run.repairs import repair
from results.run.store import Run
from tests.runs import write
from tests.synthetic import Synthetic, evolve

PURE = st.builds(
    lambda x, y, bits: LookupGenome(
        x, y,
        tuple(float(bits >> k & 1) for k in range(max(x, y))),
        tuple(float(bits >> (k + 3) & 1) for k in range(2 ** (x + y))),
    ),
    st.integers(0, 2), st.integers(0, 2), st.integers(0, 2**20),
)  # fmt: skip

MACHINES = st.integers(1, 4).flatmap(
    lambda n: st.builds(
        lambda moves, after: Automaton([float(m) for m in moves], np.array(after).reshape(n, 4)),
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(st.integers(0, n - 1), min_size=4 * n, max_size=4 * n),
    )
)
"""Any automata, those that can be left for ever among them."""


def looked_on(strategy: LookupGenome) -> dict[str, float]:
    """Likeness, one move after the other."""
    own = strategy.automaton()
    found = {}
    for entry in (catalogue.get(name) for name in HEADS):
        watching = entry.automaton(TURNS)
        apart, turns = 0.0, 0
        for name in MET:
            met = catalogue.get(name).automaton()
            a = b = n = 0
            for _ in range(TURNS):
                x, y = int(own.defect[a]), int(met.defect[b])
                apart += abs(float(watching.defect[n]) - x)
                turns += 1
                a, b = int(own.successors[a, 2 * x + y]), int(met.successors[b, 2 * y + x])
                n = int(watching.successors[n, 2 * x + y])
        found[entry.name] = 1 - apart / turns
    return found


@given(PURE)
@settings(max_examples=8)
def test_a_family_is_headed_by_whoever_would_play_most_alike(strategy: LookupGenome) -> None:
    alike = looked_on(strategy)
    found = families([strategy, "tit_for_tat"])
    assert found[0] is not None and found[1] is not None
    assert found[0].likeness == pytest.approx(max(alike.values()))
    assert alike[found[0].head] == pytest.approx(max(alike.values()))
    assert (found[1].head, found[1].likeness) == ("tit_for_tat", 1.0)


def test_a_family_does_not_depend_on_who_else_is_measured_also_where_chance_has_a_part() -> None:
    mixed = ["memory(1,1) 1 | 0.9 0.3 0.8 0.2", "memory(3,3) " + "ccc" + "CD" * 32, "gtft", "absolutist"]
    assert families(mixed) == [families([one])[0] for one in mixed]
    assert families(mixed)[2:] == [families(["gtft"])[0], None]
    assert families(["gtft"])[0].likeness == 1.0  # type: ignore[union-attr]


def test_labels_are_names_then_short_texts_then_families() -> None:
    assert label_of("memory(1,1) cCDCD") == "tit_for_tat"
    assert label_of("memory(1,1) cCDCC") == "cCDCC"
    assert label_of("memory(1,1) 0.123456 | 0.999999 0.5 0.0001 1") == ".12|.99 .5 .01 1"
    long = label_of("memory(3,3) " + "ccc" + "CD" * 32)
    assert long == "like tit_for_tat"
    assert short_text("exists t. D(c,r,t)") == "exists t. D(c,r,t)"


@given(PURE)
@settings(max_examples=30)
def test_traits_are_what_plain_play_shows(strategy: LookupGenome) -> None:
    own = strategy.automaton()

    def follow(theirs: str, mine: str | None = None, long: int = 0) -> list[int]:
        """The own intended moves against these moves, then against C for ever; own moves forced where given."""
        state, moves = 0, []
        for t in range(len(theirs) + long):
            move = int(own.defect[state])
            moves.append(move)
            played = "CD".index(mine[t]) if mine is not None and t < len(mine) else move
            other = "CD".index(theirs[t]) if t < len(theirs) else 0
            state = int(own.successors[state, 2 * played + other])
        return moves

    found = traits(strategy)
    assert found.nice == (sum(follow("C" * 40)) == 0)
    assert found.retaliating == follow("CCDC", "CCC")[3]
    late = slice(240, 240 + 2520)  # whole periods of up to ten turns
    assert found.forgiving == pytest.approx(1 - np.mean(follow("CCD", "CCC", 3000)[late]))
    assert found.exploiting == pytest.approx(np.mean(follow("", None, 3000)[late]))
    for name, (turns, then) in PATTERNS.items():
        mine, theirs = ("".join(joint[k] for joint in turns.split()) for k in (0, 1))
        assert found.patterns[name] == ("CD"[follow(theirs + "C", mine)[3]] == then)


def test_axelrods_patterns_fit_tit_for_tat() -> None:
    """Axelrod 1987: all five are shown by tit_for_tat; grim accepts no apology, all_c is not provocable."""
    assert set(traits("tft").patterns.values()) == {1.0}
    assert (
        traits("grim").patterns["accepts an apology"] == 0 and traits("all_c").patterns["is provocable"] == 0
    )


def worst_cycle(own: Automaton) -> int:
    """The least sum of (own D - other's D) along any cycle of any state, by Floyd and Warshall: below 0 or not."""
    n = len(own)
    far = np.full((n, n), 10**9)
    for s in range(n):
        for y in (0, 1):
            x = int(own.defect[s])
            far[s, own.successors[s, 2 * x + y]] = min(far[s, own.successors[s, 2 * x + y]], x - y)
    for k in range(n):
        far = np.minimum(far, far[:, k, None] + far[k])
    return int(np.diagonal(far).min())


@given(st.one_of(PURE, MACHINES))
@settings(max_examples=60)
def test_rivals_are_what_rare_mistakes_and_cycles_show(strategy: LookupGenome | Automaton) -> None:
    found = rivalry(strategy)
    whole = strategy.automaton().canonical(noisy=True)
    assert found.defensible == (worst_cycle(whole) >= 0)
    assert found.rival == (worst_cycle(whole.canonical(noisy=False)) >= 0)
    rare = Rules(limit_of_means=True, noise=1e-9)
    kin = expected(whole, whole, rare)
    assert found.efficient == (kin.frequencies[0] > 1 - 1e-3)
    assert found.distinguishable == (expected(whole, "all_c", rare).frequencies[2] > 1e-3)


@given(PURE, st.sampled_from([Game(), Game(3, 0, 5, 0.5), Game(R=2, S=-1, T=3, P=0)]))
@settings(max_examples=40)
def test_partners_are_what_every_cycle_of_a_co_player_shows(strategy: LookupGenome, game: Game) -> None:
    """Every co-player's long run against a pure strategy is a mean of simple cycles of its states."""
    own = strategy.automaton().canonical(noisy=False)
    good = True
    for cycle in simple_cycles(own):
        x = np.mean([game.payoffs[2 * a + b] for a, b in cycle])
        y = np.mean([game.payoffs[2 * b + a] for a, b in cycle])
        good &= y < game.R - 1e-9 or (abs(y - game.R) < 1e-9 and abs(x - game.R) < 1e-9)
    assert rivalry(strategy, game).partner == (traits(strategy).nice and good)


def simple_cycles(own: Automaton) -> list[list[tuple[int, int]]]:
    """The joint moves of every simple cycle."""
    found: list[list[tuple[int, int]]] = []

    def walk(path: list[int], moves: list[tuple[int, int]]) -> None:
        state = path[-1]
        x = int(own.defect[state])
        for y in (0, 1):
            after = int(own.successors[state, 2 * x + y])
            if after == path[0]:
                found.append([*moves, (x, y)])
            elif after > path[0] and after not in path:
                walk([*path, after], [*moves, (x, y)])

    for start in range(len(own)):
        walk([start], [])
    return found


def test_partners_and_rivals_of_the_literature() -> None:
    """Hilbe, Traulsen & Sigmund 2015: generous strategies are partners, extortioners rivals; win-stay, lose-shift is a
    partner where 2R > T + P."""
    words = {
        name: rivalry(name).words for name in ("gtft", "forgiving_tft", "zd_gtft_2", "zd_extort_2", "all_d")
    }
    assert words == {
        "gtft": "neither partner nor rival",  # forgives one time in three, which is just too much: All-D earns R
        "forgiving_tft": "partner", "zd_gtft_2": "partner", "zd_extort_2": "rival", "all_d": "rival",
    }  # fmt: skip
    assert not rivalry("pavlov").partner and rivalry("pavlov", Game(R=3.5)).partner


def test_the_friendly_rivals_among_the_memory_2_strategies() -> None:
    """Yi, Baek & Choi 2017: TFT-ATFT and its kin. Of 65 536 tables these eight are friendly rivals (enumerated)."""
    tables = [f"CDCDD{a}CDCD{b}C{c}CCD" for a in "CD" for b in "CD" for c in "CD"]
    found = [rivalry(f"memory(2,2) cc{table}") for table in tables]
    assert all(one.friendly_rival and one.partner and one.rival for one in found)
    assert sum(one.distinguishable for one in found) == 4
    others = [rivalry(name) for name in ("tit_for_tat", "pavlov", "grim", "winner12", "gtft")]
    assert not any(one.friendly_rival for one in others)


def test_what_is_no_automaton_has_no_traits_and_is_no_rival() -> None:
    for ask in (traits, rivalry):
        with pytest.raises(ValueError, match="about the pair alone, got absolutist"):
            ask("absolutist")


def test_every_named_strategy_has_a_look_of_its_own_whatever_it_is_called() -> None:
    assert set(NAMED) <= {entry.name for entry in catalogue.ENTRIES}
    looks = [look_of(entry.name) for entry in catalogue.ENTRIES]
    assert len({(look.colour, look.hatch) for look in looks}) == len(looks)
    assert len({(look.colour, look.hatch) for look in map(look_of, TRAITS)}) == len(TRAITS)
    for alias, name in (("tft", "tit_for_tat"), ("~all_c", "all_c"), ("wsls", "pavlov")):
        assert (look_of(alias).colour, look_of(alias).hatch) == (look_of(name).colour, look_of(name).hatch)
    assert look_of("like pavlov").colour != look_of("pavlov").colour


def test_every_individual_of_a_run_is_in_one_band(tmp_path: Path) -> None:
    experiment = Experiment(
        generations=103, genome={"x": 3, "y": 3}, rules={"turns": 20}, population={"size": 20},
        selection={"survivors": 5}, variation={"mutation": 0.05},
    )  # fmt: skip
    with Run.open(tmp_path / "run", experiment) as written:
        made = list(generations(experiment))
        for generation in made:
            written.append(generation)
        faces = Faces(written)
        shares = faces.shares(300)
        assert shares.counted and np.allclose(shares.share.sum(axis=0), 1) and (shares.share >= 0).all()
        assert shares.share[-1].mean() < 0.2
        numbers = shares.generation.astype(int).tolist()
        assert numbers == [*range(0, 103, 2), 103]
        for column, number in list(enumerate(numbers))[::10]:
            births = made[number].population
            labels = [look.label for look in faces.many((b.behaviour, b.genome) for b in births)]
            for look, share in zip(shares.looks[:-1], shares.share[:, column], strict=False):
                assert share == pytest.approx(labels.count(look.label) / len(births))
        assert parse(births[0].genome)


@given(st.integers(0, 10**7))
def test_censuses_are_evenly_spaced_and_never_many(last: int) -> None:
    step = spacing(last)
    there = last // step + 1
    assert there <= MOST_CENSUSES and (step == 1 or there > MOST_CENSUSES // 2)
    assert all(step % spacing(before) == 0 for before in range(0, last, max(1, last // 50)))


def test_censuses_count_everybody_whatever_was_interrupted(tmp_path: Path) -> None:
    experiment = Synthetic(memory=2, size=12, survivors=5, mutation=0.3, immigrants=3)
    made = list(islice(evolve(experiment), 231))
    found = []
    for name, stops, commit_every in (("whole", (230,), None), ("torn", (7, 101, 199, 230), 3)):
        for stop in stops:
            with Run.open(tmp_path / name, experiment, commit_every=commit_every) as run:
                for generation in made[run.generation + 1 : stop + 1]:
                    run.append(generation)
        with Run.read(tmp_path / name) as run:
            assert run.check() == []
            found.append(run.censuses())
    assert found[0] == found[1]
    assert [number for number, _ in found[0]] == list(range(0, 231, spacing(230)))
    for number, members in found[0]:
        population = made[number].population
        here = Counter(birth.behaviour for birth in population)
        shown = {birth.genome: birth.behaviour for birth in population}
        assert Counter({shown.get(b.behaviour, b.behaviour): n for b, n in members}) == here


def test_a_census_that_is_missing_or_too_many_is_damage_and_repaired(tmp_path: Path) -> None:
    experiment = Synthetic(memory=2, size=12, survivors=5, mutation=0.3, immigrants=3)
    expected = write(tmp_path / "whole", 130, experiment)
    write(tmp_path / "run", 120, experiment)
    with closing(sqlite3.connect(tmp_path / "run" / "run.sqlite")) as file:
        file.execute("DELETE FROM censuses WHERE id = 64")
        file.execute("INSERT INTO censuses SELECT 65, content, digest FROM censuses WHERE id = 66")
        file.commit()
    with Run.read(tmp_path / "run") as run:
        found = run.check()
        assert (
            "the census of generation 65 is damaged" in found and "censuses missing: generations 64" in found
        )
    repair(tmp_path / "run")
    assert write(tmp_path / "run", 130, experiment) == expected
    with Run.read(tmp_path / "run") as run, Run.read(tmp_path / "whole") as whole:
        assert run.check() == []
        assert run.censuses() == [counted for counted in whole.censuses() if counted[0] != 64]
