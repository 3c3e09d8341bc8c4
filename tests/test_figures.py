"""One run, one figure: nothing drawn depends on when it was committed, read or saved, or on what things are called."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from engine import Rules, ecology
from results.plots import invasion
from results.plots.ecology import abundance, simplex
from results.plots.genome_maps import genomes
from results.plots.run import FIGURES, save_all
from results.plots.style import as_label, save, styled
from results.plots.sweep import sweep_figure
from results.records import Birth, BirthId, Generation, Leader
from results.run import writer
from results.run.populations import milestone, milestones
from results.run.rows import LONGEST_KEY
from results.run.store import Run
from results.sweeps import MEASURES, Interval, Summary
from tests.conftest import Command
from tests.synthetic import Synthetic, evolve
from tests.test_plots import formula, spelled

EXAMPLE = Path(__file__).parent.parent / "examples" / "memory1.toml"
EXPERIMENT = Synthetic(memory=2, size=24, survivors=12, moves=20, crowding=0.3)
LENGTH = 130


def written(
    folder: Path, stops: tuple[int, ...] = (), spell: Callable[[str], str] = str, **how: Any
) -> tuple[str, Path]:
    """The hash and the folder of a run to `LENGTH` that was taken up again after each of `stops`."""
    for stop in (*stops, LENGTH):
        with Run.open(folder, EXPERIMENT, **how) as run:
            start = run.latest()
            before = None if start is None else next(islice(evolve(EXPERIMENT), start.number, None))
            for generation in islice(evolve(EXPERIMENT, before), stop - run.generation):
                run.append(spelled(generation, spell))
            hash = run.hash
    return hash, folder


def drawn(folder: Path) -> dict[str, bytes]:
    """Every figure, and what they read of where behaviours come from."""
    with Run.read(folder) as run:
        paths = save_all(run, folder / "plots", ("png",))
        behaviours = repr(run.leaders().behaviours).encode()
    return {path.name: path.read_bytes() for path in paths} | {"behaviours": behaviours}


HISTORIES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "other checkpoints": ((2, 3, 17, 40, 41, 77, 99, 128), {"checkpoint_every": 7, "commit_every": 9}),
    "stopped often": (tuple(range(5, LENGTH, 3)), {}),
    "full lineage": ((33,), {"checkpoint_every": 1000, "lineage": "full", "commit_every": 50}),
}
"""Where runs were stopped and taken up again, and how they were written."""


@pytest.mark.parametrize(("spell", "number"), [(str, 3), (formula, 1)])
def test_two_runs_with_one_hash_give_byte_equal_figures_whatever_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spell: Callable[[str], str], number: int
) -> None:
    # Bounds that this short run meets: where behaviours come from must not depend on what a writer remembers.
    monkeypatch.setattr(writer, "PAST", 3)
    monkeypatch.setattr(writer, "REACH", 5)
    monkeypatch.setattr(writer, "LEADERS_REMEMBERED", 12)
    hash, whole = written(tmp_path / "whole", spell=spell, commit_every=1)
    expected = drawn(whole)
    for name, (stops, how) in islice(HISTORIES.items(), number):
        again, folder = written(tmp_path / name, stops, spell, **how)
        assert again == hash, name
        found = drawn(folder)
        assert [file for file in expected if found[file] != expected[file]] == [], name


def lonely(length: int) -> Iterator[Generation]:
    """A behaviour leads, is kept up by one individual a generation for `length` births, and leads to another."""
    behaviours = ["led", *("alone" for _ in range(length)), "leads"]
    before: list[Birth] = []
    for number, behaviour in enumerate(behaviours):
        parents = (before[-1].id,) if before else ()
        births = [
            Birth(BirthId(number, 0, slot), parents, "mutation" if parents else "seed", "true", behaviour)
            for slot in range(1 if behaviour == "alone" else 2)
        ]
        leaders = [] if behaviour == "alone" else [Leader(behaviour, 2, None, "true")]
        yield Generation(number, tuple(births), (1.0,) * len(births), 0.5, tuple(leaders), 1)
        before = births


def test_where_a_behaviour_comes_from_does_not_depend_on_where_the_run_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAST", 3)
    monkeypatch.setattr(writer, "REACH", 5)
    for length in (3, 4, 5, 12):
        found = set()
        for stop in range(length + 2):
            for part in (slice(0, stop), slice(stop, None)):
                with Run.open(tmp_path / f"{length}-{stop}", EXPERIMENT) as run:
                    for generation in list(lonely(length))[part]:
                        run.append(generation)
                    found.add(run.leaders().behaviours)
        histories = {behaviours for behaviours in found if len(behaviours) == 2}
        assert [b.ancestor for behaviours in histories for b in behaviours] == [
            None,
            0 if length < 5 else None,
        ]


def test_genomes_are_drawn_of_the_populations_that_every_run_keeps(tmp_path: Path) -> None:
    assert milestones(0) == [0] and milestones(10) == list(range(11)) and milestones(-1) == []
    for last in (0, 7, 31, 600, 12345):
        assert milestones(last) == [n for n in range(last + 1) if milestone(n)]
    _, folder = written(tmp_path / "run", checkpoint_every=1000)
    with Run.read(folder) as run:
        assert {*milestones(LENGTH), LENGTH} <= set(run.kept_populations())
        before = heat(genomes(run))
        assert before.shape == (18, len(milestones(LENGTH)) + 1) and not np.isnan(before).any()
    connection = sqlite3.connect(folder / "run.sqlite")
    with connection:
        connection.execute("DELETE FROM populations WHERE id = 40")
    connection.close()
    with Run.read(folder) as run:
        after = genomes(run)
    gap = milestones(LENGTH).index(40)
    assert np.isnan(heat(after)[:, gap]).all()
    assert np.array_equal(np.delete(heat(after), gap, axis=1), np.delete(before, gap, axis=1))
    assert any("not kept" in axes.get_ylabel() for axes in after.axes)


def heat(figure: Figure) -> np.ndarray:
    """The table behind the heat map."""
    axes = figure.axes[0]
    return np.ma.filled(axes.collections[0].get_array(), np.nan).reshape(len(axes.get_yticks()), -1)


def test_figures_are_of_one_instant_while_the_run_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = evolve(EXPERIMENT)
    with Run.open(tmp_path / "run", EXPERIMENT, commit_every=1) as run:
        for generation in islice(more, 25):
            run.append(generation)
    shutil.copytree(tmp_path / "run", tmp_path / "then")
    expected = drawn(tmp_path / "then")

    with Run.open(tmp_path / "run", EXPERIMENT, commit_every=1) as run, Run.read(tmp_path / "run") as reader:

        def while_written(name: str) -> None:
            original = getattr(Run, name)

            def reading(self: Run, *arguments: Any) -> Any:
                found = original(self, *arguments)
                if self is reader:
                    run.append(next(more))
                return found

            monkeypatch.setattr(Run, name, reading)

        for name in ("statistics", "leaders", "population", "ancestry", "kept_populations", "__len__"):
            while_written(name)
        found = {path.name: path.read_bytes() for path in save_all(reader, tmp_path / "plots", ("png",))}
        found["behaviours"] = expected["behaviours"]
        assert run.generation > 30
        for draw in FIGURES.values():  # each alone too
            draw(reader)
    assert found == expected


# --- saving ---


def test_links_in_the_place_of_figures_are_replaced_and_not_followed(tmp_path: Path, evolve: Command) -> None:
    folder = tmp_path / "run"
    evolve(
        "run",
        str(EXAMPLE),
        "--generations",
        "4",
        "--set",
        "population.size=8",
        "--out",
        str(folder),
        "--set",
        "selection.survivors=4",
    )
    outside = tmp_path / "outside.png"
    outside.write_text("precious")
    (folder / "plots").mkdir()
    (folder / "plots" / "fitness.png").symlink_to(outside)
    (folder / "plots" / "family.png").symlink_to(tmp_path / "nothing.png")
    code, _, _ = evolve("plot", str(folder / "run.sqlite"), "--format", "png")  # the file, as `show` takes it
    assert code == 0 and outside.read_text() == "precious" and not (tmp_path / "nothing.png").exists()
    files = sorted((folder / "plots").iterdir())
    assert [file.name for file in files] == sorted(f"{name}.png" for name in FIGURES)
    assert not any(file.is_symlink() for file in files)
    shutil.rmtree(folder / "plots")
    (tmp_path / "elsewhere").mkdir()
    (folder / "plots").symlink_to(tmp_path / "elsewhere")
    code, _, said = evolve("plot", str(folder))
    assert code == 1 and said.startswith("evolve: out: expected a folder") and said.count("\n") == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_figure_that_cannot_be_saved_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "figure.png").mkdir()
    (tmp_path / "figure.png" / "something").touch()
    with pytest.raises(OSError, match="figure"):
        save(Figure(), tmp_path / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]
    with pytest.raises(ValueError, match=r"plot: expected a file that ends in \.png, \.svg or \.pdf, got"):
        save(Figure(), tmp_path / "figure.bmp")


# --- names ---

NAMES = (
    "$x^$",
    "$\\frac{1}{$",
    "\x1b[31mred\x1b]0;title\x07",
    "two\nlines\r\nand\ttabs",
    "\u202eleft to right\u2066",
    "_hidden",
    "日本語 \U0001f409",
    "[/bold] {x} %s \\n </svg> -- & <",
    "W" * 3000,
    "",
)


def whole(figure: Figure, tmp_path: Path) -> list[str]:
    """The texts of a figure, drawn and saved with nothing cut off."""
    with styled():
        figure.draw_without_rendering()
        drawn = figure.get_tightbbox()  # inches
        width, height = figure.get_size_inches()
    assert drawn.x0 > -0.02 and drawn.y0 > -0.02 and drawn.x1 < width + 0.02 and drawn.y1 < height + 0.02
    save(figure, tmp_path / "figure.svg")
    ElementTree.parse(tmp_path / "figure.svg")
    texts = [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]
    assert not [text for text in texts if not text.replace("\n", "").isprintable() or "mathdefault" in text]
    return texts


def test_what_behaviours_and_runs_are_called_breaks_no_figure(tmp_path: Path) -> None:
    names = [name[:LONGEST_KEY] for name in NAMES if name and "\n" not in name]  # others a run file refuses

    def called(generation: Generation) -> Generation:
        leaders = [
            replace(leader, name=names[int(leader.behaviour, 16) % len(names)])
            for leader in generation.leaders
        ]
        return replace(generation, leaders=tuple(leaders))

    for number, name in enumerate(("W" * 3000, "_\x1b[31m$x^$\n日")):
        with Run.open(tmp_path / str(number), replace(EXPERIMENT, name=name)) as run:
            for generation in islice(evolve(EXPERIMENT), 12):
                run.append(called(generation))
            for draw in FIGURES.values():
                assert any(as_label(name, 20)[:3] in text for text in whole(draw(run), tmp_path))


def test_what_points_of_a_sweep_are_called_breaks_no_figure(tmp_path: Path) -> None:
    def summary(**point: Any) -> Summary:
        return Summary(point, 3, {measure: Interval(0.5, 0.4, 0.6) for measure in MEASURES})

    for name, points in (
        ("$x^$", [{"a": name} for name in NAMES]),
        ("W" * 3000, [{"a": name, "b": y} for name in NAMES for y in (1, 2)]),
        ("\x1b]0;\n", [{"a": name, "b" * 3000: f"$^{y}$"} for name in NAMES[:3] for y in (1, 2, 3)]),
    ):
        figure = sweep_figure(name, [summary(**point) for point in points])
        assert figure is not None
        assert any(as_label(name, 20)[:3] in text for text in whole(figure, tmp_path))


def test_what_residents_and_strategies_are_called_breaks_no_figure(tmp_path: Path) -> None:
    steps = [np.array(values, float) for values in ([3, 5], [0.8, 0.5], [0.6, 0.3], [0.9, 0.7], [3, 5, 9])]
    result = ecology({"tit_for_tat": 9, "all_d": 9, "all_c": 9}, Rules(turns=9))
    shares = np.full((len(NAMES), 5), 1 / len(NAMES))
    for figure, names in (
        (invasion.survival([(invasion.Survival(n, *steps), None) for n in NAMES], "title", horizon=9), NAMES),
        (invasion.n_rho({name: [0.0, 1.0, 3.0] for name in NAMES}, "title"), NAMES),
        (invasion.kappa_forest([(name, 0.5, 0.4, 0.7) for name in NAMES], "title"), NAMES),
        (invasion.nash_gaps({name: [[0.0, 0.2]] for name in NAMES}, (0.0,), (0.5, 0.9), "title"), NAMES),
        (invasion.who_invaded(NAMES, shares, "title", lost_at=2), NAMES),
        (abundance(replace(result, names=NAMES[:3])), NAMES[:3]),
        (simplex(replace(result, names=NAMES[3:6])), NAMES[3:6]),
        (abundance(replace(result, names=NAMES[-3:])), NAMES[-3:]),
    ):
        texts = whole(figure, tmp_path)
        assert all(any(as_label(name, 20)[:8] in text for text in texts) for name in names)


def test_labels_are_one_short_line_that_can_be_read() -> None:
    for name in NAMES:
        label = as_label(name, 24)
        assert 0 < len(label) <= 24 and label.isprintable()
    assert (
        as_label("tit_for_tat", 24) == "tit_for_tat" and as_label("∃t D(r,c,t) ⊕ …", 24) == "∃t D(r,c,t) ⊕ …"
    )
    assert re.fullmatch(r"W{10,20}…", as_label("W" * 3000, 24))


def test_figures_of_resistance_take_a_size_axes_and_a_part() -> None:
    times = np.arange(0.0, 100.0, 10.0)
    share = np.linspace(1.0, 0.4, 10)
    curves = [
        invasion.Survival(name, times, share, share - 0.1, share, np.repeat(100.0, 50))
        for name in ("one", "two")
    ]
    panels = [(curve, None) for curve in curves]
    figure = invasion.survival(panels, "T", horizon=100, only=["two"], size=(4, 3))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "two"
    ] and figure.get_size_inches().tolist() == [
        4,
        3,
    ]
    gaps = {"one": np.ones((2, 3)), "two": np.zeros((2, 3))}
    chances = {"one": np.array([0.5, 2.0]), "two": np.array([1.0, 3.0])}
    rows = [("one", 1.0, 0.5, 2.0), ("two", 2.0, 1.5, 3.0)]
    with styled():
        whole = Figure(figsize=(9, 9), layout="constrained")
        grid = whole.subplots(2, 2)
        for drawn in (
            invasion.survival(panels, "T", horizon=100, ax=grid[0, 0]),
            invasion.kappa_forest(rows, "T", ax=grid[0, 1]),
            invasion.n_rho(chances, "T", ax=grid[1, 0]),
            invasion.nash_gaps(gaps, [0.0, 0.1], [0.1, 0.5, 0.9], "T", ax=grid[1, 1]),
        ):
            assert drawn is whole
        whole.draw_without_rendering()
    with pytest.raises(ValueError, match="only: expected some of one, two, got three"):
        invasion.kappa_forest(rows, "T", only=["three"])
