"""What a study found: survival with its uncertainty, causes of loss, and a verdict in words, never a bare yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evolve.invasion.invaders import CAUSES
from evolve.invasion.replicates import Outcome
from evolve.invasion.study import Study
from results.survival import SurvivalCurve, bound, kaplan_meier, paired_difference, restricted_mean

BANDS = 8
"""With more curves than this in a figure their intervals would hide each other."""

INVADERS = 3
"""Invaders named for each resident."""

CONTROLS = ("control: clone", "control: random", "control: all_c", "control: all_d", "all_c", "all_d")


@dataclass(frozen=True, eq=False)
class Finding:
    """One resident, or one control, in all its replicates.

    `survival`: at the horizon, with its 95 % interval; one-sided from below where nothing was lost.
    `differences`: how much longer the resident lasted than each control, in pairs, on average up to the
    horizon, with the bootstrap interval. `causes` and `invaders`: how many losses each accounts for.
    """

    label: str
    replicates: int
    lost: int
    horizon: int
    unit: str
    survival: tuple[float, float, float]
    median: float | None
    restricted_mean: float
    curve: SurvivalCurve = field(repr=False)
    by_mutants: SurvivalCurve = field(repr=False)
    differences: dict[str, tuple[float, float, float]]
    causes: dict[str, int]
    invaders: dict[str, int]

    @property
    def verdict(self) -> str:
        """In words, with its uncertainty."""
        n, at, (estimate, low, high) = self.replicates, f"{self.horizon} {self.unit}", self.survival
        if self.lost == 0:
            said = f"resists as far as tested: none of {n} lost in {at}; survival at least {low:.3f} (95 %, one-sided)"
        else:
            kind = "mostly resists" if low > 0.5 else "falls" if high < 0.5 else "undecided"
            said = f"{kind}: {self.lost} of {n} lost in {at}; survival {estimate:.2f} (95 %: {low:.2f} to {high:.2f})"
        return said + self._against_drift

    @property
    def _against_drift(self) -> str:
        if "control: clone" not in self.differences:
            return ""
        gain, low, high = self.differences["control: clone"]
        kind = "longer than" if low > 0 else "shorter than" if high < 0 else "about as long as"
        return f"; lasts {kind} neutral drift ({gain:+.1f}, 95 %: {low:+.1f} to {high:+.1f} {self.unit})"

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        estimate, low, high = self.survival
        return {
            "resident": self.label,
            "replicates": self.replicates,
            "lost": self.lost,
            "censored": self.replicates - self.lost,
            "horizon": self.horizon,
            "unit": self.unit,
            "survival": estimate,
            "interval": [low, high],
            "median": self.median,
            "restricted_mean": self.restricted_mean,
            "differences": {
                name: {"difference": gain, "interval": [a, b]}
                for name, (gain, a, b) in self.differences.items()
            },
            "causes": self.causes,
            "invaders": self.invaders,
            "curve": _curve(self.curve),
            "curve_by_mutants": _curve(self.by_mutants),
            "verdict": self.verdict,
        }


def findings(study: Study, outcomes: Sequence[Outcome]) -> list[Finding]:
    """What became of every resident and control of which there are outcomes, in the order of the study."""
    by_label: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_label.setdefault(outcome.label, []).append(outcome)
    return [
        _finding(study, label, by_label[label], by_label) for label in study.labels if by_label.get(label)
    ]


def survival_figure(
    study: Study, outcomes: Sequence[Outcome], found: Sequence[Finding], *, by_mutants: bool = False
) -> Any:
    """A figure: survival curves with the numbers at risk, against time or against the mutants that came in.

    Against mutants up to the fewest that a population which was not lost met: beyond, populations are censored
    by how many happened to come in.
    """
    from results.plots import invasion as plots

    most = float(study.invasion.generations)
    if by_mutants:
        most = float(
            min((o.mutants for o in outcomes if not o.lost), default=max(o.mutants for o in outcomes))
        )
    curves = []
    for x in found:
        curve = x.by_mutants if by_mutants else x.curve
        left = [o.mutants if by_mutants else o.time for o in outcomes if o.label == x.label]
        curves.append(
            plots.Survival(
                x.label, curve.times, curve.survival, curve.low, curve.high, np.array(left, np.float64),
                x.label.startswith("control"),
            )
        )  # fmt: skip
    title = f"{study.experiment.rules.play}, {study.experiment.rules_value}: {study.invasion.law} mutants"
    unit = "mutants that came in" if by_mutants or study.sequential else "generation"
    return plots.survival(curves, title, horizon=most, xlabel=unit, bands=len(curves) <= BANDS)


def _finding(study: Study, label: str, mine: list[Outcome], by_label: dict[str, list[Outcome]]) -> Finding:
    horizon = study.invasion.generations
    times, lost = [o.time for o in mine], [o.lost for o in mine]
    curve = kaplan_meier(times, lost)
    survival = curve.at(horizon)
    if not any(lost):
        survival = (1.0, 1.0 - bound(len(mine)), 1.0)
    differences = {}
    for control in CONTROLS:
        theirs = {o.replicate: o.time for o in by_label.get(control, [])}
        pairs = [(o.time, theirs[o.replicate]) for o in mine if o.replicate in theirs]
        if control != label and pairs:
            differences[control] = paired_difference([a for a, _ in pairs], [b for _, b in pairs], horizon)
    causes = Counter(o.cause for o in mine if o.lost)
    invaders = Counter(o.name or o.invader for o in mine if o.lost)
    return Finding(
        label=label,
        replicates=len(mine),
        lost=sum(lost),
        horizon=horizon,
        unit="mutants" if study.sequential else "generations",
        survival=survival,
        median=curve.median,
        restricted_mean=restricted_mean(times, horizon),
        curve=curve,
        by_mutants=kaplan_meier([o.mutants for o in mine], lost),
        differences=differences,
        causes={cause: causes[cause] for cause in CAUSES if causes[cause]},
        invaders={str(name): count for name, count in invaders.most_common(INVADERS)},
    )


def _curve(curve: SurvivalCurve) -> dict[str, list[float]]:
    return {
        "time": curve.times.tolist(),
        "survival": curve.survival.tolist(),
        "low": curve.low.tolist(),
        "high": curve.high.tolist(),
        "at_risk": curve.at_risk.tolist(),
    }
