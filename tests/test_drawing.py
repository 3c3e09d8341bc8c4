"""Pictures are text: what they show is read back from it as numbers, names and ticks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomes import catalogue
from genomes.automaton import Automaton
from genomes.reading import resolve
from results.drawing import automata, charts, layout
from results.drawing.axes import Plot, Scale, tick_labels, ticks
from results.drawing.svg import path, picture, printed, tag

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Plain:
    label: str
    colour: str = "#1b3a6b"
    hatch: str = "////"


def parts(text: str, name: str, **attributes: str) -> list[ElementTree.Element]:
    """Elements of a picture by name and attributes."""
    found = ElementTree.fromstring(text).iter(SVG + name)
    return [
        e for e in found if all(e.get(key.replace("_", "-")) == value for key, value in attributes.items())
    ]


def points(d: str) -> list[tuple[float, float]]:
    """The points of a path of lines."""
    numbers = [float(word) for word in re.findall(r"-?\d*\.?\d+", d)]
    steps = np.cumsum(np.array(numbers).reshape(-1, 2), axis=0)
    return [(float(x), float(y)) for x, y in steps]


def read(text: str, plot: Plot, series: str) -> list[tuple[float, float]]:
    """The values of a line, from its pixels."""
    (line,) = [e for e in parts(text, "path") if e.get("data-series") == series]
    a, b = plot.to_x, plot.to_y
    return [
        (
            a.low + (x - a.start) / (a.end - a.start) * (a.high - a.low),
            b.low + (y - b.start) / (b.end - b.start) * (b.high - b.low),
        )
        for x, y in points(line.get("d") or "")
    ]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0, ["0"]),
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (0, 100_000, ["0", "20,000", "40,000", "60,000", "80,000", "100,000"]),
        (-10, 0, ["−10", "−8", "−6", "−4", "−2", "0"]),
        (-5.2, 3.1, ["−4", "−2", "0", "2"]),
        (2.9995, 3.0005, ["2.9996", "2.9998", "3", "3.0002", "3.0004"]),
        (float("nan"), 1, ["nan"]),
    ],
)
def test_ticks_are_round_few_and_inside(low: float, high: float, expected: list[str]) -> None:
    assert tick_labels(ticks(low, high)) == expected


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 12))
def test_ticks_of_any_range_are_evenly_spaced_and_told_apart(low: float, width: float, most: int) -> None:
    marked = ticks(low, low + width, most)
    assert 1 <= len(marked) <= most
    assert all(low - 1e-6 * width <= v <= low + width * (1 + 1e-6) for v in marked)
    assert np.allclose(np.diff(marked), np.diff(marked)[:1], rtol=1e-6, atol=1e-9)
    assert len(set(tick_labels(marked))) == len(marked)


@given(st.lists(st.tuples(st.floats(0, 720), st.floats(0, 300)), min_size=1, max_size=400))
def test_a_path_leads_through_its_points_without_adding_up_errors(wanted: list[tuple[float, float]]) -> None:
    assert np.allclose(points(path(wanted)), wanted, atol=0.051)


@pytest.mark.parametrize("length", [1, 2, 11, 1000])
@pytest.mark.parametrize("base", [-3.0, 0.0, 100_000.0])
def test_lines_are_where_their_values_are(length: int, base: float) -> None:
    x = list(range(length))
    values = [base + (k * 7 % 13) for k in x]
    text = charts.lines(
        x, [charts.Series("a<b", values), charts.Series("c", x)],
        id="lines", title="t", desc="d", xlabel="generation", ylabel="payoff", limits=(base - 1, base + 15),
    )  # fmt: skip
    plot = Plot((0, length - 1), (base - 1, base + 15), above=30)
    found = read(text, plot, "a<b")
    wide = 2 if length == 1 else length
    assert len(found) == wide
    assert np.allclose([y for _, y in found], values * (2 if length == 1 else 1), atol=16 / 180)
    assert "a&lt;b" in text and "a<b" not in text


def test_stacked_shares_are_as_high_as_they_are_and_those_of_nobody_are_left_out() -> None:
    x = list(range(100))
    shares = np.array([[0.5, 0.25][k % 2] for k in x])
    bands = [
        charts.Band(Plain("one"), shares.tolist()),
        charts.Band(Plain("none"), [0.0] * 100),
        charts.Band(Plain("two", hatch=""), (1 - shares).tolist()),
    ]
    text = charts.stack(x, bands, id="stack", title="t", desc="d", xlabel="generation", ylabel="share")
    drawn = {e.get("data-series"): e for e in parts(text, "path") if e.get("data-series")}
    assert set(drawn) == {"one", "two"}
    plot = Plot((0, 99), (0, 1), height=278, foot=18)
    for name, wanted in (("one", shares), ("two", 1 - shares)):
        edge = points(drawn[name].get("d") or "")
        heights = [(edge[-1 - k][1] - edge[k][1]) / (plot.bottom - plot.above) for k in x]
        assert np.allclose(heights, wanted, atol=0.002)
        assert [e.text for e in drawn[name]] == [name]
    assert len(parts(text, "pattern")) == 1


def test_survival_steps_begin_at_one_and_end_at_the_horizon() -> None:
    curve = charts.Steps("tft", [10, 40], [0.75, 0.5], [0.6, 0.3], [0.9, 0.7])
    text = charts.steps(
        [curve], horizon=100, id="s", title="t", desc="d", xlabel="generation", ylabel="survival"
    )
    found = read(text, Plot((0, 100), (0, 1), above=30), "tft")
    assert np.allclose(found, [(0, 1), (10, 1), (10, 0.75), (40, 0.75), (40, 0.5), (100, 0.5)], atol=0.1)


def test_bars_begin_at_zero_also_below_it() -> None:
    text = charts.bars(["a", "b"], [2.0, -1.0], id="b", title="t", desc="d", xlabel="payoff")
    first, second = (e for e in parts(text, "rect") if e.get("data-value"))
    assert float(first.get("width") or 0) == pytest.approx(2 * float(second.get("width") or 0), abs=0.2)
    zero = float(first.get("x") or 0)
    assert float(second.get("x") or 0) + float(second.get("width") or 0) == pytest.approx(zero, abs=0.2)


def test_a_heat_matrix_has_a_tile_for_every_pair_and_is_dark_for_much() -> None:
    names = ["tft", "<script>"]
    text = charts.heat(
        names, names, [[3, 0.5], [float("nan"), 1]], unit="points", id="h", title="t", desc="d"
    )
    tiles = [e for e in parts(text, "rect") if e.get("data-value") is not None]
    assert [e.get("data-value") for e in tiles] == ["3.00", "0.50", "", "1.00"]
    assert (
        tiles[0].get("fill") == "#1b3a6b"
        and tiles[1].get("fill") == "#f4efdc"
        and tiles[2].get("fill") == "none"
    )
    assert "<script>" not in text and "&lt;script&gt; v tft: not known points" in text


def test_what_comes_from_outside_is_text_in_every_place() -> None:
    evil = '</title><script>alert(1)</script>" onload="x\x1b\u202e'
    text = picture(1, 1, [tag("text", printed(evil), data_x=evil)], id="p", title=evil, desc=evil)
    (found,) = parts(text, "text")
    assert list(found) == [] and found.get("onload") is None and "<script>" not in text
    assert "\x1b" not in text and "\u202e" not in text
    with pytest.raises(ValueError, match="id: expected small letters"):
        picture(1, 1, [], id='"x', title="", desc="")


def test_every_picture_says_what_it_is() -> None:
    text = charts.bars(["a"], [1.0], id="b", title="Payoffs", desc="a earns 1", xlabel="payoff")
    root = ElementTree.fromstring(text)
    title, desc = root.find(SVG + "title"), root.find(SVG + "desc")
    assert title is not None and desc is not None
    assert (title.text, desc.text) == ("Payoffs", "a earns 1")
    assert root.get("aria-labelledby") == title.get("id") and root.get("role") == "img"


@pytest.mark.parametrize(
    ("name", "noisy", "expected"),
    [
        ("all_d", True, {(0, 0): "any"}),
        ("tit_for_tat", True, {(0, 0): "C", (0, 1): "D", (1, 0): "C", (1, 1): "D"}),
        ("pavlov", False, {(0, 0): "C", (0, 1): "D", (1, 0): "D", (1, 1): "C"}),
        ("pavlov", True, {(0, 0): "C, DD", (0, 1): "D, DC", (1, 0): "D, CC", (1, 1): "C, CD"}),
        ("spiteful", True, {(0, 0): "C", (0, 1): "D, DC", (1, 0): "CC", (1, 1): "any"}),
        ("gtft", True, {(0, 0): "C", (0, 1): "D", (1, 0): "C", (1, 1): "D"}),
    ],
)
def test_arrows_say_which_moves_lead_where(
    name: str, noisy: bool, expected: dict[tuple[int, int], str]
) -> None:
    strategy = resolve(name)
    found = strategy.automaton().canonical(noisy=noisy)  # type: ignore[union-attr]
    assert layout.arrows(found, noisy=noisy) == expected


@pytest.mark.parametrize("noisy", [False, True])
def test_every_small_strategy_has_a_diagram_with_its_states_and_arrows(noisy: bool) -> None:
    drawn = 0
    for entry in catalogue.ENTRIES:
        if not entry.pair_only:
            continue
        automaton = entry.automaton(5).canonical(noisy=noisy)
        if len(automaton) > layout.MOST_STATES:
            with pytest.raises(ValueError, match="states: expected at most 8"):
                automata.diagram(automaton, noisy=noisy, id="d", title=entry.name)
            continue
        text = automata.diagram(automaton, noisy=noisy, id="d", title=entry.name)
        assert text == automata.diagram(automaton, noisy=noisy, id="d", title=entry.name)
        assert len(parts(text, "circle")) == len(automaton)
        shown = [e.get("data-arrow") for e in parts(text, "text") if e.get("data-arrow")]
        assert shown == [f"{s}-{t}" for s, t in layout.arrows(automaton, noisy=noisy)]
        box = [float(word) for word in (ElementTree.fromstring(text).get("viewBox") or "").split()]
        for mark in parts(text, "circle") + parts(text, "text"):
            x, y = (float(mark.get(a) or mark.get("c" + a) or 0) for a in "xy")
            assert 0 <= x <= box[2] and 0 <= y <= box[3]
        drawn += 1
    assert drawn > 10


def test_the_layout_has_no_crossing_where_none_is_needed() -> None:
    ring = Automaton([0, 1, 0, 1, 0], [(2, 2, 2, 2), (3, 3, 3, 3), (4, 4, 4, 4), (0, 0, 0, 0), (1, 1, 1, 1)])
    chords = [(0, 2), (1, 3), (2, 4), (0, 3), (1, 4)]
    order = min(
        ((0, *rest) for rest in permutations(range(1, 5))),
        key=lambda order: layout._tangle(order, chords),
    )
    assert layout._tangle(order, chords)[0] == 0
    assert automata.diagram(ring, id="r", title="ring")


def test_a_scale_of_no_width_stands_in_the_middle() -> None:
    assert Scale(3, 3, 0, 100)(3) == 50 and Scale(0, 10, 100, 0)(2.5) == 75
