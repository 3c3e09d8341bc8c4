"""The figure of a design: cooperation over one parameter or two with the predicted borders, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from results.designs import Crossing, DesignPoint, DesignRule
from results.palette import CONTROL, FAINT, LINES, MAIN, OTHERS, SECOND
from results.plots.style import as_label, figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALL = 1e-9
"""Nash gaps below this are on the side of none."""

DASHES = (":", "-.", "--")
"""Lines of residents."""

Border = tuple[str, str, str, Callable[[DesignPoint], float]]
"""What a border is called, its colour and dashes, and a number that is positive on the side where D gains."""


def design_figure(
    name: str,
    rules: Sequence[DesignRule],
    target: float,
    rests_on: str,
    size: int,
    crossings: Sequence[Crossing] = (),
) -> Figure | None:
    """Cooperation over the keys of a design, with the borders that theory names; beside it the cost of what meets
    `target`. Borders are where `crossings` were bisected to, or lines between rules where there are none. None where
    fewer than two rules are judged."""
    done = [rule for rule in rules if rule.outcome is not None]
    if len(done) < 2:
        return None
    keys = list(done[0].point)
    runs = any(rule.outcome is not None and rule.outcome.runs for rule in done)
    title = f"{as_label(name, 30)}: cooperation {'in runs' if runs else 'in the long run'}"
    with styled():
        made = (
            _lines(title, keys[0], done, target, size, crossings)
            if len(keys) == 1
            else _maps(title, keys, done, target, size, crossings)
        )
        made.supxlabel(as_label(rests_on, 120), size=7, x=0.01, ha="left", color="#555555")
        return made


def _borders(rules: Sequence[DesignRule], size: int) -> list[Border]:
    """Stage game, finite population, and the certificate of each resident."""
    found: list[Border] = [
        ("C dominant", SECOND, "-", lambda o: o.stage_gain),
        (f"C fitter at every count of {size}", "#1f6f5c", "--", lambda o: o.finite_gain),
    ]
    outcome = rules[0].outcome
    for k, resident in enumerate(outcome.gaps if outcome is not None else ()):
        colour = LINES[(3 + k) % len(LINES)]
        found.append((f"{as_label(resident, 24)} certified", colour, DASHES[k % 3], _gap_of(resident)))
    return found


def _gap_of(resident: str) -> Callable[[DesignPoint], float]:
    return lambda o: o.gaps[resident] - SMALL


def _lines(
    title: str,
    key: str,
    rules: Sequence[DesignRule],
    target: float,
    size: int,
    crossings: Sequence[Crossing],
) -> Figure:
    ordered = sorted(rules, key=lambda rule: rule.point[key])
    outcomes = [rule.outcome for rule in ordered if rule.outcome is not None]
    x = np.array([rule.point[key] for rule in ordered])
    reached = np.array([o.reached for o in outcomes])
    cost = np.array([o.cost for o in outcomes])
    made = figure(4.6)
    above, below = made.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
    above.plot(x, reached, color=MAIN, marker="o", ms=3)
    for value, o in zip(x.tolist(), outcomes, strict=True):
        if o.runs:
            above.plot([value] * len(o.runs), o.runs, ls="", marker="_", color=FAINT, ms=5)
    above.axhline(target, color=CONTROL, lw=0.8, ls=":")
    above.annotate(f"target {target:g}", (1, target), xycoords=("axes fraction", "data"), size=7, color=CONTROL,
                   xytext=(-2, 2), textcoords="offset points", ha="right")  # fmt: skip
    for label, colour, dashes, of in _borders(rules, size):
        bisected = [one.middle for one in crossings if one.what == label]
        for k, place in enumerate(bisected or _zeros(x, np.array([of(o) for o in outcomes]))):
            for axes in (above, below):
                axes.axvline(place, color=colour, ls=dashes, lw=1.0, label=label if k == 0 else None)
    above.set_ylim(-0.02, 1.02)
    above.set_ylabel("cooperation")
    above.set_title(title)
    handles, _ = above.get_legend_handles_labels()
    if handles:
        above.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    met = reached >= target
    below.plot(x, cost, color=FAINT, lw=1, ls=":")
    below.plot(x, np.where(met, cost, np.nan), color=MAIN, marker="o", ms=3)
    below.set_ylabel("cost of a pair, a turn\n(solid: target met)")
    below.set_ylim(bottom=min(0.0, float(cost.min())))
    below.set_xlabel(as_label(key, 40))
    return made


def _maps(
    title: str,
    keys: Sequence[str],
    rules: Sequence[DesignRule],
    target: float,
    size: int,
    crossings: Sequence[Crossing],
) -> Figure:
    columns, rows = (sorted({rule.point[key] for rule in rules}) for key in keys)
    shape = len(rows), len(columns)

    def grid(of: Callable[[DesignPoint], float]) -> NDArray[np.float64]:
        values = np.full(shape, np.nan)
        for rule in rules:
            if rule.outcome is not None:
                values[rows.index(rule.point[keys[1]]), columns.index(rule.point[keys[0]])] = of(rule.outcome)
        return values

    made = figure(4.2)
    left, right = made.subplots(1, 2, sharex=True, sharey=True)
    reached = grid(lambda o: o.reached)
    cost = np.where(reached >= target, grid(lambda o: o.cost), np.nan)
    for axes, values, limits, head in (
        (left, reached, (0.0, 1.0), title),
        (right, cost, (None, None), "cost of a pair, a turn, where the target is met"),
    ):
        axes.set_facecolor(OTHERS)
        image = axes.pcolormesh(
            columns,
            rows,
            values,
            cmap="cividis",
            vmin=limits[0],
            vmax=limits[1],
            shading="nearest",
            rasterized=True,
        )
        made.colorbar(image, ax=axes, fraction=0.05, pad=0.02).outline.set_visible(False)
        axes.set_title(head, size=8)
        axes.set_xlabel(as_label(keys[0], 40))
        if min(shape) > 1:
            _contour(axes, columns, rows, reached - target, "white", "-", 1.6)
    left.set_ylabel(as_label(keys[1], 40))
    handles = [Line2D([], [], color="white", lw=1.6, label=f"target {target:g}")] if min(shape) > 1 else []
    for label, colour, dashes, of in _borders(rules, size) if min(shape) > 1 else []:
        drawn = [_contour(axes, columns, rows, grid(of), colour, dashes, 1.4) for axes in (left, right)]
        places = [(one.middle, one.beside[keys[1]]) for one in crossings if one.what == label]
        if places:
            for axes in (left, right):
                axes.plot(
                    *zip(*places, strict=True), ls="", marker="o", ms=3, mec="white", mew=0.5, color=colour
                )
        if all(drawn):
            handles.append(Line2D([], [], color=colour, ls=dashes, lw=1.4, label=label))
    if handles:
        made.legend(
            handles=handles,
            loc="outside upper center",
            ncols=3,
            facecolor="#c8ccd4",
            frameon=True,
            edgecolor="none",
        )
    return made


def _contour(
    axes: Axes,
    columns: Sequence[float],
    rows: Sequence[float],
    values: NDArray[np.float64],
    colour: str,
    dashes: str,
    width: float,
) -> bool:
    """The line where values change their sign; whether they do."""
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.min() > 0 or finite.max() <= 0:
        return False
    axes.contour(
        columns, rows, values, levels=[0.0], colors=[colour], linestyles=[dashes], linewidths=[width]
    )
    return True


def _zeros(x: NDArray[np.float64], values: NDArray[np.float64]) -> list[float]:
    """Where numbers on a line change their sign, by straight lines between neighbours."""
    found = []
    for k in range(len(x) - 1):
        if (values[k] > 0) != (values[k + 1] > 0):
            share = values[k] / (values[k] - values[k + 1])
            found.append(float(x[k] + share * (x[k + 1] - x[k])))
    return found
