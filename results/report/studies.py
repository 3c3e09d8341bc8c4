"""The page of a study of invasion: who lasted how long, against which controls, and to whom each was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from results.drawing import charts
from results.report.page import Block, Chart, Code, Details, Page, Section, Table, Text


@dataclass(frozen=True)
class Resident:
    """One resident or control: its verdict in words, its curve (and that of its clones), and what it was lost to.

    `gap`: its Nash gap under the rules of the study, None where there is none; `causes`, `invaders`: losses by each.
    """

    label: str
    verdict: str
    lost: int
    replicates: int
    curve: charts.Steps
    clones: charts.Steps | None
    gap: float | None
    causes: Mapping[str, int]
    invaders: Mapping[str, int]


def study_page(
    name: str,
    conditions: str,
    residents: Sequence[Resident],
    *,
    horizon: float,
    unit: str,
    text: str,
    data: Any,
) -> Page:
    """Verdicts, survival, losses and the study itself (`text`); `unit`: what `horizon` counts."""
    sections = [
        Section("verdicts", "Does it resist?", [Text([f"{r.label}: {r.verdict}." for r in residents])]),
        Section("survival", "How long they lasted", _survival(residents, horizon, unit)),
        Section("losses", "To whom they were lost", [_losses(residents)]),
        Section("gaps", "Against any single mutant", _gaps(residents)),
        Section("rules", "The study", [Code(text)]),
    ]
    return Page(name, conditions, [section for section in sections if section.blocks], data)


def _survival(residents: Sequence[Resident], horizon: float, unit: str) -> list[Block]:
    drawn: list[Block] = []
    for k, one in enumerate(residents):
        curves = [one.curve] if one.clones is None else [one.curve, one.clones]
        said = f"{one.label}: {one.lost} of {one.replicates} lost."
        svg = charts.steps(
            curves, horizon=horizon, id=f"survival-{k}", title=f"Survival of {one.label}", desc=said,
            xlabel=unit, ylabel="share not lost", width=460, height=230,
        )  # fmt: skip
        drawn.append(Chart(svg, said, small=True))
    shaded = "Shaded: 95 % intervals (Kaplan-Meier, log-log); clones only drift."
    return [Text([shaded]), *drawn]


def _losses(residents: Sequence[Resident]) -> Block:
    rows = [
        [
            one.label, f"{one.lost} of {one.replicates}",
            ", ".join(f"{cause} {n}" for cause, n in one.causes.items()),
            ", ".join(f"{name} {n}" for name, n in one.invaders.items()),
        ]
        for one in residents
    ]  # fmt: skip
    caption = "How exact payoffs see those who had taken over, and who they were."
    return Table(caption, ["resident", "lost", "causes", "invaders"], rows)


def _gaps(residents: Sequence[Resident]) -> list[Block]:
    known = [(one.label, one.gap) for one in residents if one.gap is not None]
    if not known:
        return []
    said = "Nash gaps: what the best mutant of any memory earns per turn above the resident (0: none earns more)."
    svg = charts.bars(
        [label for label, _ in known], [gap for _, gap in known], xlabel="payoff per turn", id="gaps",
        title="Nash gaps", desc="; ".join(f"{label} {gap:.3g}" for label, gap in known),
    )  # fmt: skip
    return [
        Chart(svg, said),
        Details(
            "The numbers", [Table("Nash gaps", ["resident", "gap"], [[a, f"{b:.6g}"] for a, b in known])]
        ),
    ]
