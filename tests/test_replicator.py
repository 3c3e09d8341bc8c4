"""Rest points of the replicator equation: where nothing moves, and what happens near them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Rules, ecology, round_robin
from engine.replicator import payoffs_among, rest_points, resting_edges, velocity
from results.plots.ecology import abundance, simplex
from results.plots.style import styled

TABLES = st.lists(st.integers(-4, 9), min_size=9, max_size=9).map(lambda v: np.array(v, float).reshape(3, 3))


@given(TABLES)
@settings(max_examples=60)
def test_rest_points_rest_and_are_what_small_steps_say(table: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for point in rest_points(table):
        x = np.array(point.shares)
        assert np.abs(velocity(table, x)).max() < 1e-9 and abs(x.sum() - 1) < 1e-12
        if point.kind == "neutral":
            continue
        # the linear part, by differences of the field itself
        along = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]])
        step = 1e-6
        moved = [(velocity(table, x + step * d) - velocity(table, x - step * d)) / (2 * step) for d in along]
        rates = np.linalg.eigvals(np.linalg.lstsq(along.T, np.array(moved).T, rcond=None)[0]).real
        if np.abs(rates).min() > 1e-4:
            kind = "stable" if (rates < 0).all() else "unstable" if (rates > 0).all() else "saddle"
            assert point.kind == kind
        if point.kind == "stable":
            near = np.abs(x + 1e-3 * rng.dirichlet([1, 1, 1]))
            near /= near.sum()
            before = np.abs(near - x).max()
            for _ in range(3000):
                near = near + 0.02 * velocity(table, near)
                near /= near.sum()  # else roundings leave the simplex
            assert np.abs(near - x).max() < before or before < 1e-9


def test_the_hawk_dove_game_and_rock_paper_scissors() -> None:
    mixed = [p for p in rest_points([[-1, 4], [0, 2]]) if min(p.shares) > 0]
    assert [(round(p.shares[0], 9), p.kind) for p in mixed] == [(0.666666667, "stable")]
    rock = [[0, -1, 2], [2, 0, -1], [-1, 2, 0]]
    inside = [p for p in rest_points(rock) if min(p.shares) > 0]
    assert len(inside) == 1 and inside[0].kind == "stable" and np.allclose(inside[0].shares, 1 / 3)


def test_edges_on_which_nothing_moves_are_found() -> None:
    names, rules = ["tit_for_tat", "all_c", "all_d"], Rules(turns=10)
    table = payoffs_among(names, rules, society=False)
    assert np.array_equal(table, round_robin(names, rules, self_play=True).payoffs)
    assert resting_edges(table) == [(0, 1)]
    assert [p.kind for p in rest_points(table) if p.shares[2] == 1] == ["stable"]


def test_the_simplex_shows_the_field_and_the_rest_points() -> None:
    result = ecology(
        {"tit_for_tat": 10, "all_c": 40, "all_d": 50}, Rules(turns=10), society=False, generations=60
    )
    figure = simplex(result, size=(4, 4), title="Mine")
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "Mine" and any(
        "Quiver" in type(c).__name__ for c in axes.collections
    )
    squares = [line for line in axes.lines if line.get_marker() == "s"]
    assert len(squares) == len(rest_points(payoffs_among(list(result.names), result.rules, society=False)))
    assert len(abundance(result, only=["all_d"]).axes[0].lines) == 1
    with styled():
        figure.draw_without_rendering()
    society = ecology({"absolutist": 40, "all_c": 40, "all_d": 50}, Rules(turns=10), generations=20)
    assert simplex(society).axes[0].collections
