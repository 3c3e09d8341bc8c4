"""The figures: made for runs of any length and genome, with nothing cut off, and the same every time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from genomes.lookup import LookupGenome
from genomes.wording import rewriting
from results.binning import MAX_BINS, bins, thinned
from results.errors import RunError
from results.faces import faces_of, lineage_order
from results.lineage import FamilyTree, family_tree, line_of_descent
from results.plots.genome_maps import complexity, entries, lookup_columns
from results.plots.heredity import changes, layout
from results.plots.run import FIGURES, save_all
from results.plots.style import as_label, styled
from results.records import Birth, BirthId, Generation
from results.run.rows import Leaders, LeadingBehaviour
from results.run.store import Run
from tests.synthetic import Synthetic, evolve

LONG_NAME = "a run with a rather long name, as people give them"


def formula(genome: str) -> str:
    atoms = ("D(c,r,p)", "not D(r,c,p)", "exists t. D(c,r,t)", "exists t. exists j. D(r,j,t) xor D(c,j,t)")
    letters = genome.split(" ", 1)[1].upper()
    return " or ".join(atoms[i % 4] for i, letter in enumerate(letters) if letter == "D") or "true"


def stochastic(genome: str) -> str:
    table = [round(0.1 + 0.7 * p, 2) for p in entries(genome)]
    return f"{genome.split(' ')[0]} {table[0]} {table[1]} | " + " ".join(map(str, table[2:]))


def spelled(generation: Generation, spell: Callable[[str], str]) -> Generation:
    return replace(
        generation,
        population=tuple(replace(birth, genome=spell(birth.genome)) for birth in generation.population),
        leaders=tuple(replace(leader, genome=spell(leader.genome)) for leader in generation.leaders),
    )


def machine(genome: str) -> str:
    letters = genome.split(" ", 1)[1].upper()
    rows = [f"{a}{k % 3}{b}{(k + 1) % 3}" for k, (a, b) in enumerate(pairwise(letters[-4:]))]
    return f"machine(3) {letters[0].lower()}0 {' '.join(rows)}"


KINDS: dict[str, tuple[Synthetic, int, Callable[[str], str]]] = {
    "one generation": (Synthetic(size=30, survivors=10, memory=2), 1, str),
    "ten generations": (Synthetic(size=60, survivors=30, memory=2, crowding=0.4, name=LONG_NAME), 10, str),
    "large genomes": (Synthetic(size=40, survivors=20, memory=3, moves=80, crowding=0.3), 300, str),
    "one founder": (Synthetic(size=20, immigrants=0, moves=300), 2500, str),
    "stochastic": (Synthetic(size=40, survivors=10, memory=2, moves=20), 60, stochastic),
    "machines": (Synthetic(size=40, survivors=20, memory=2, moves=30, crowding=0.2), 200, machine),
    "formulas": (Synthetic(size=40, survivors=20, memory=2, moves=30, crowding=0.2), 200, formula),
}


@pytest.fixture(scope="module", params=KINDS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    experiment, length, spell = KINDS[request.param]
    place = tmp_path_factory.mktemp("run")
    with Run.open(place, experiment) as written:
        for generation in islice(evolve(experiment), length):
            written.append(spelled(generation, spell))
    return Run.read(place)


def texts(figure: Figure) -> list[Text]:
    return [
        t for t in figure.findobj(Text) if isinstance(t, Text) and t.get_visible() and t.get_text().strip()
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_labelled_and_nothing_is_cut_off(run: Run, name: str) -> None:
    began = time.perf_counter()
    figure = FIGURES[name](run)
    with styled():
        figure.draw_without_rendering()
        drawn = figure.get_tightbbox()  # inches
        width, height = figure.get_size_inches()
    assert drawn.x0 > -0.02 and drawn.y0 > -0.02 and drawn.x1 < width + 0.02 and drawn.y1 < height + 0.02
    assert time.perf_counter() - began < 5
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert any(run.provenance["name"][:20] in title for title in titles)
    assert any(axes.get_xlabel() for axes in figure.axes) or name == "descent"
    for line in figure.findobj(lambda artist: hasattr(artist, "get_xydata")):
        assert len(line.get_xydata()) <= MAX_BINS


def test_figures_name_what_is_known_and_the_family_of_what_is_not(run: Run) -> None:
    with styled():
        words = [text.get_text() for text in texts(FIGURES["abundance"](run))]
    leaders = run.leaders()
    total = np.bincount(leaders.behaviour, leaders.count)
    most = leaders.behaviours[int(total.argmax())]
    if most.name is not None:
        assert most.name in words
    shares = faces_of(run).shares(300)
    assert {as_label(look.label, 30) for look in shares.looks[:-1]} <= set(words)


def test_the_same_run_gives_the_same_files_and_pyplot_is_not_touched(tmp_path: Path) -> None:
    experiment = Synthetic(memory=2, size=30, survivors=15)
    before = "matplotlib.pyplot" in sys.modules
    with Run.open(tmp_path / "run", experiment) as written:
        for generation in islice(evolve(experiment), 30):
            written.append(generation)
    with Run.read(tmp_path / "run") as run:
        paths = [save_all(run, tmp_path / folder) for folder in ("one", "two")]
    assert [path.name for path in paths[0]] == [
        f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")
    ]
    for one, two in zip(*paths, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_a_run_without_generations_has_no_figures(tmp_path: Path) -> None:
    with Run.open(tmp_path, Synthetic()) as run:
        for draw in FIGURES.values():
            with pytest.raises(RunError, match="no generation yet"):
                draw(run)


def test_a_figure_can_be_made_while_the_run_goes_on(tmp_path: Path) -> None:
    experiment = Synthetic(memory=2)
    with Run.open(tmp_path, experiment, commit_every=1) as run, Run.read(tmp_path) as reader:
        for generation in islice(evolve(experiment), 20):
            run.append(generation)
            if generation.number % 9 == 0:
                for draw in FIGURES.values():
                    draw(reader)


def test_bins_cover_every_generation_once_and_lost_values_do_not_count() -> None:
    for length in (1, 7, 999, 1000, 1001, 100_000):
        starts, width = bins(length)
        assert len(starts) <= MAX_BINS and starts[0] == 0 and starts[-1] < length <= starts[-1] + width
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan, 6.0])
    starts = np.array([0, 3, 5])
    assert thinned(values, starts).tolist()[0] == 2 and thinned(values, starts).tolist()[2] == 6
    assert np.isnan(thinned(values, starts)[1])
    assert thinned(values, starts, "max")[0] == 3


def test_each_behaviour_stands_next_to_the_one_it_descends_from() -> None:
    nothing = np.zeros(0, np.int64)
    #       0 ── 1 ── 4      2 ── 3     (3 descends from 2 through 5, which is not shown)
    ancestors = [None, 0, None, 5, 1, 2]
    leaders = Leaders(
        nothing,
        nothing,
        nothing,
        tuple(LeadingBehaviour(str(n), None, "", a) for n, a in enumerate(ancestors)),
    )
    assert lineage_order(leaders, [3, 4, 2, 1, 0]) == [0, 1, 4, 2, 3]


def test_the_changes_of_a_line_are_those_of_its_genomes(tmp_path: Path) -> None:
    experiment = Synthetic(memory=2, size=30, survivors=15, moves=50)
    with Run.open(tmp_path, experiment) as run:
        for generation in islice(evolve(experiment), 200):
            run.append(generation)
        line = line_of_descent(run)
        at, where, up, full = changes(line)
        found = list(zip(at.tolist(), where.tolist(), up.tolist(), full.tolist(), strict=True))
        expected = []
        for before, birth in pairwise(line):
            old, new = LookupGenome.parse(before.genome), LookupGenome.parse(birth.genome)
            pairs = zip((*old.opening, *old.replies), (*new.opening, *new.replies), strict=True)
            for place, (a, b) in enumerate(pairs):
                if a != b:
                    expected.append((birth.id.generation, place, b > a, birth.behaviour != before.behaviour))
        assert found == expected and found

        tree = family_tree(run)
        height, segments, _ = layout(tree, run.generation)
        assert sorted(height[tree.leaves]) == list(range(len(tree.leaves)))
        assert segments[:, :, 0].max() == run.generation
        for place in range(len(tree.births)):
            below = [height[leaf] for leaf in tree.leaves if place in tree.line(int(leaf))]
            assert max(below) - min(below) == len(below) - 1  # a clade stands together


def test_entries_are_named_by_the_history_they_answer() -> None:
    assert lookup_columns(["memory(1,2) ccCDCDDCDD"]) == [
        *("opening 1", "opening 2"),
        *("C|CC", "C|CD", "C|DC", "C|DD", "D|CC", "D|CD", "D|DC", "D|DD"),
    ]
    assert entries("memory(1,1) dCDCD").tolist() == [0, 1, 0, 1, 0]
    assert entries("memory(1,1) 0.5 | 1 0 0.25 0").tolist() == [0.5, 1, 0, 0.25, 0]
    assert lookup_columns(["memory(1,1) cCDCD", "true"]) is None


def test_formulas_are_measured_and_compared_as_text() -> None:
    absolutist = "exists t. exists j. D(r,j,t) xor D(c,j,t)"
    assert complexity("D(c,r,p)") == 1
    assert complexity(absolutist) == complexity("∃t ∃j D(r,j,t) ⊕ D(c,j,t)") == 5
    assert rewriting("D(c,r,p)", "not D(c,r,p)") == "+ not"
    assert rewriting("D(c,r,p) or true", "D(r,c,p) or true") == "D(c,r,p) → D(r,c,p)"
    assert rewriting(absolutist + " or true", absolutist) == "− or true"


def test_a_survivor_and_its_children_do_not_share_a_row() -> None:
    birth = [
        Birth(
            BirthId(n, 0, 0),
            () if n == 0 else (BirthId(0, 0, 0),),
            "seed" if n == 0 else "mutation",
            "g",
            "b",
        )
        for n in range(3)
    ]
    height, _, _ = layout(FamilyTree(tuple(birth), np.array([-1, 0, 0]), np.array([0, 1, 2])), 3)
    assert height.tolist() == [0, 1, 2]


def test_figures_have_the_title_and_size_asked_for_and_nothing_is_cut_off(run: Run) -> None:
    for name, draw in FIGURES.items():
        figure = draw(run, size=(3.5, 2.8), title="Mine")
        assert figure.get_size_inches().tolist() == [3.5, 2.8]
        assert "Mine" in [axes.get_title(loc="left") for axes in figure.axes], name
        with styled():
            figure.draw_without_rendering()
            drawn = figure.get_tightbbox()
        assert drawn.x1 < 3.6 and drawn.y0 > -0.1, name
    with pytest.raises(
        ValueError, match=r"size: expected width and height from 0.5 to 100 inches, got \(0, 1\)"
    ):
        FIGURES["fitness"](run, size=(0, 1))


def test_figures_are_drawn_into_axes_of_another_figure(run: Run) -> None:
    with styled():
        whole = Figure(figsize=(9, 9), layout="constrained")
        grid = whole.subplots(3, 2)
        for axes, (name, draw) in zip(grid.ravel(), FIGURES.items(), strict=True):
            assert draw(run, ax=axes, title=f"here {name}") is whole
        titles = {axes.get_title(loc="left") for axes in whole.axes}
        for part in whole.subfigs:
            titles |= {axes.get_title(loc="left") for axes in part.axes}
        whole.draw_without_rendering()
    assert {f"here {name}" for name in FIGURES} <= titles
    with pytest.raises(ValueError, match="size: expected none beside ax"):
        FIGURES["fitness"](run, ax=grid[0, 0], size=(3, 3))


def test_a_part_of_a_figure_is_drawn_alone(run: Run, tmp_path: Path) -> None:
    paths = save_all(run, tmp_path, ("pdf",), only=("fitness", "abundance"), title="T", size=(4, 3))
    assert [path.name for path in paths] == ["fitness.pdf", "abundance.pdf"]
    assert {
        t.get_text() for t in FIGURES["fitness"](run, only=["best"]).axes[0].get_legend().get_texts()
    } == {"best"}
    assert len(FIGURES["cooperation"](run, only=["cooperation"]).axes) == 1
    assert len(FIGURES["descent"](run, only=["behaviour"]).axes) == 1
    label = faces_of(run).shares(300).looks[0].label
    shares = faces_of(run).shares(300).only([label])
    assert [look.label for look in shares.looks] == [label, "others"] and np.allclose(
        shares.share.sum(axis=0), 1
    )
    for name, wrong in (
        ("fitness", "worst"),
        ("cooperation", "defection"),
        ("abundance", "nobody"),
        ("descent", "x"),
    ):
        with pytest.raises(ValueError, match=rf"only: expected some of .*, got {wrong}"):
            FIGURES[name](run, only=[wrong])
    with pytest.raises(ValueError, match=r"only: expected some of fitness, .*, got fitnes"):
        save_all(run, tmp_path, only=["fitnes"])


def test_time_is_counted_in_births_where_they_come_one_at_a_time(tmp_path: Path) -> None:
    experiment = Synthetic(size=40, survivors=39, immigrants=0)
    with Run.open(tmp_path, experiment) as run:
        for generation in islice(evolve(experiment), 200):
            run.append(generation)
        for name in ("fitness", "cooperation", "abundance"):
            figure = FIGURES[name](run)
            said = [t.get_text() for t in figure.findobj(Text)]
            assert any(text.startswith("births") for text in said), name
            assert "generations of 40 births" in said, name
