"""What a study found: survival with its uncertainty, causes of loss, and a verdict in words, never a bare yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.intervals import none_seen
from evolve.invasion.contrasts import Contrast, adjusted, contrast
from evolve.invasion.invaders import CAUSES
from evolve.invasion.replicates import Outcome
from evolve.invasion.study import Study, clones_of
from results.survival import SurvivalCurve, kaplan_meier, restricted_mean

INVADERS = 3
"""Invaders named for each resident."""

CONTROLS = ("control: random", "control: all_c", "control: all_d", "all_c", "all_d")


@dataclass(frozen=True, eq=False)
class Finding:
    """One resident, one control, or the clones of one, in all its replicates.

    `survival`: at the horizon, with its 95 % interval; one-sided from below where nothing was lost.
    `differences`: how much longer the resident lasted than each control (`clones`: than its own), on average up to
    the horizon; p values are adjusted for all such differences of the study. `causes` and `invaders`: how many
    losses each accounts for.
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
    differences: dict[str, Contrast]
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
        if self.drift is None:
            return ""
        kind = self.drift.relation("lasts longer than", "is lost sooner than")
        gain, low, high = self.drift.difference, self.drift.low, self.drift.high
        return (
            f"; {kind} neutral drift ({gain:+.1f} {self.unit}, 95 %: {low:+.1f} to {high:+.1f}; "
            f"{self.drift.surely})"
        )

    @property
    def drift(self) -> Contrast | None:
        """Against its clones, where there are any."""
        return self.differences.get("clones")

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
            "differences": {name: found.to_json() for name, found in self.differences.items()},
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
    labels = [label for label in study.labels if by_label.get(label)]
    differences = {label: _differences(study, label, by_label) for label in labels}
    told = iter(adjusted([found for row in differences.values() for found in row.values()]))
    return [
        _finding(study, label, by_label[label], {control: next(told) for control in differences[label]})
        for label in labels
    ]


def survival_figure(
    study: Study, outcomes: Sequence[Outcome], found: Sequence[Finding], *, by_mutants: bool = False
) -> Any:
    """A figure: one panel a resident or control, with its clones, against time or against the mutants that came in.

    Against mutants up to the fewest that a population which was not lost met: beyond, populations are censored
    by how many happened to come in.
    """
    from results.plots import invasion as plots

    most = float(study.invasion.generations)
    if by_mutants:
        most = float(
            min((o.mutants for o in outcomes if not o.lost), default=max(o.mutants for o in outcomes))
        )
    curves = {x.label: _drawn(x, outcomes, by_mutants) for x in found}
    panels = [(curves[name], curves.get(clones_of(name))) for name in study.populations if name in curves]
    law = f"{study.invasion.law} mutants" + (f" (version {study.invasion.version})" if study.societal else "")
    experiment = study.experiment
    title = (
        f"{experiment.rules.play}, {experiment.rules_value}, {experiment.population.size} individuals: {law}"
    )
    unit = "mutants that came in" if by_mutants or study.sequential else "generation"
    return plots.survival(panels, title, horizon=most, xlabel=unit)


def _drawn(x: Finding, outcomes: Sequence[Outcome], by_mutants: bool) -> Any:
    """The curve of one group, and when each of its populations left."""
    from results.plots.invasion import Survival

    curve = x.by_mutants if by_mutants else x.curve
    left = [o.mutants if by_mutants else o.time for o in outcomes if o.label == x.label]
    begin = (0.0, 1.0, 1.0 - none_seen(x.replicates), 1.0)  # before anything is lost: the one-sided bound
    steps = (curve.times, curve.survival, curve.low, curve.high)
    times, survival, low, high = (np.append(b, v) for b, v in zip(begin, steps, strict=True))
    return Survival(x.label, times, survival, low, high, np.array(left, np.float64))


def _differences(study: Study, label: str, by_label: dict[str, list[Outcome]]) -> dict[str, Contrast]:
    """How much longer one group lasted than each control, before any adjustment; nothing for clones."""
    if label not in study.populations:
        return {}
    others = {"clones": clones_of(label)} | {control: control for control in CONTROLS if control != label}
    compared = {}
    for name, other in others.items():
        theirs = {o.replicate for o in by_label.get(other, [])}
        if any(o.replicate in theirs for o in by_label[label]):
            compared[name] = contrast(by_label[label], by_label[other], "time", study.invasion.generations)
    return compared


def _finding(study: Study, label: str, mine: list[Outcome], differences: dict[str, Contrast]) -> Finding:
    horizon = study.invasion.generations
    times, lost = [o.time for o in mine], [o.lost for o in mine]
    curve = kaplan_meier(times, lost)
    survival = curve.at(horizon)
    if not any(lost):
        survival = (1.0, 1.0 - none_seen(len(mine)), 1.0)
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
