"""The page of a run: its story, what happened over time, who leads, how the winner arose, and under which rules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomes.wording import change
from results.binning import bins, thinned
from results.drawing import charts
from results.drawing.automata import diagram
from results.drawing.layout import MOST_STATES
from results.explanation import Explanation, explanation_of
from results.faces import Faces, faces_of
from results.lineage import line_of_descent
from results.records import Birth, Generation
from results.report.page import Block, Chart, Code, Details, Page, Section, Table, Text
from results.run.store import Run
from results.sentences import Setting, Story
from results.winner import winner_of

BINS = 240
"""Points along time of a chart of the whole run."""

DETAIL = 1000
"""Generations at either end of a long run that are drawn once more."""

LONG = 4 * DETAIL
DETAIL_BINS = 125

MOST_LEADERS = 4
"""Leading behaviours that are explained."""

MOST_CHANGES = 60
"""Changes of the winner's line that are listed, the last ones."""

FEW = 15
"""Rows of a table that stands open."""

SURE_ABOVE = 0.01
"""The share of individuals at the end from which a leader is explained."""


def run_page(run: Run, setting: Setting, story: Story) -> Page:
    """Everything about a run of one instant; raises RunError for one without generations."""
    with run.snapshot():
        return _RunPage(run, setting, story).page()


class _RunPage:
    def __init__(self, run: Run, setting: Setting, story: Story) -> None:
        self.run, self.setting, self.story = run, setting, story
        self.table = run.statistics()
        self.faces: Faces = faces_of(run)
        latest = run.latest()
        assert latest is not None
        self.latest: Generation = latest
        self.length = len(self.table["generation"])
        self.name = str(run.provenance["name"])

    def page(self) -> Page:
        """All sections."""
        size = len(self.latest.population)
        lead = (
            f"Generation {self.latest.number:,}, {size:,} individuals; {self.setting.rules}; seed {self.setting.seed}. "
            f"Hash {self.run.hash[:16]}…"
        )
        sections = [
            Section("story", "What happened", [Text(self.story.paragraphs)]),
            Section("time", "Over time", self._over_time()),
            Section("leaders", "Who leads in the end", self._leaders()),
            Section("lineage", "How the winner arose", self._lineage()),
            Section("rules", "Rules and provenance", self._provenance()),
        ]
        return Page(self.name, lead, sections, self._data(), self.story.brief)

    # over time

    def _over_time(self) -> list[Block]:
        blocks: list[Block] = [self._behaviours(), self._rate("cooperation"), self._fitness()]
        if self.length > LONG:
            for title, first, last in (
                ("The first", 0, DETAIL - 1),
                ("The last", self.length - DETAIL, self.length - 1),
            ):
                inner = [self._rate("cooperation", first, last), self._fitness(first, last)]
                blocks.append(Details(f"{title} {DETAIL:,} generations", inner))
        return blocks

    def _behaviours(self) -> Chart:
        shares = self.faces.shares(BINS)
        bands = [
            charts.Band(look, row) for look, row in zip(shares.looks, shares.share.tolist(), strict=True)
        ]
        mean = [(float(row.mean()), look.label) for look, row in zip(shares.looks, shares.share, strict=True)]
        named = ", ".join(f"{label} {share:.0%}" for share, label in sorted(mean, reverse=True)[:6])
        width = bins(self.length, BINS)[1]
        counted = f" ({shares.counted})" if shares.counted else self._means(width)
        svg = charts.stack(
            shares.generation.tolist(), bands, id="behaviours", title="Behaviours over time",
            desc=f"Shares of the population by what they do; on average {named}.",
            xlabel=self.unit + counted, ylabel="share of the population", height=300,
        )  # fmt: skip
        return Chart(svg, f"What the population does. On average: {named}.")

    def _rate(self, column: str, first: int = 0, last: int | None = None) -> Chart:
        x, width, take = self._binned(first, last)
        values = self.table[column]
        mean, low, high = (take(values, of) for of in ("mean", "min", "max"))
        series = charts.Series(column, mean, low if width > 1 else None, high if width > 1 else None)
        shaded = ", shaded from least to most" if width > 1 else ""
        said = (
            f"The share of moves that cooperate: {float(values[first]):.2f} in generation {first:,}, "
            f"{float(values[-1 if last is None else last]):.2f} in generation {self._end(last):,}"
        )
        svg = charts.lines(
            x, [series], id=f"{column}-{first}-{self._end(last)}", title="Cooperation over time", desc=said + ".",
            xlabel=self.unit + self._means(width), ylabel="cooperation rate", limits=(0.0, 1.0), height=210,
        )  # fmt: skip
        return Chart(svg, said + shaded + ".")

    def _fitness(self, first: int = 0, last: int | None = None) -> Chart:
        x, width, take = self._binned(first, last)
        mean = charts.Series(
            "mean, and 5 to 95 %",
            take(self.table["mean"]),
            take(self.table["q5"]),
            take(self.table["q95"]),
        )
        best = charts.Series("best", take(self.table["best"]))
        said = (
            f"Payoff per turn: the mean is {float(self.table['mean'][self._end(last)]):.3f} and the best "
            f"{float(self.table['best'][self._end(last)]):.3f} in generation {self._end(last):,}."
        )
        svg = charts.lines(
            x, [mean, best], id=f"fitness-{first}-{self._end(last)}", title="Fitness over time", desc=said,
            xlabel=self.unit + self._means(width), ylabel="payoff per turn", height=230,
        )  # fmt: skip
        return Chart(svg, said)

    @property
    def unit(self) -> str:
        return "generation" if self.setting.births is None else "birth"

    def _means(self, width: int) -> str:
        return f" (means of {width:,})" if width > 1 else ""

    def _end(self, last: int | None) -> int:
        return self.length - 1 if last is None else last

    def _binned(self, first: int, last: int | None) -> tuple[list[float], int, Any]:
        """Middle of each bin, the width of one, and what thins a column."""
        whole = last is None
        end = self._end(last) + 1
        starts, width = bins(end - first, BINS if whole else DETAIL_BINS)

        def take(values: NDArray[Any], of: str = "mean") -> list[float]:
            return np.round(thinned(values[first:end], starts, of), 6).tolist()  # type: ignore[no-any-return]

        return (starts + first + (width - 1) / 2).tolist(), width, take

    # who leads

    def _leaders(self) -> list[Block]:
        size = len(self.latest.population)
        leaders = self.latest.leaders
        labels = [look.label for look in self.faces.many((x.behaviour, x.genome) for x in leaders)]
        rows = [[f"{x.count:,}", label, x.genome] for x, label in zip(leaders, labels, strict=True)]
        blocks: list[Block] = [
            Table(
                "The most frequent behaviours of the last generation.",
                ["count", "behaviour", "an example of its genomes"],
                rows,
                frozenset({"count"}),
            )
        ]
        for number, (leader, label) in enumerate(zip(leaders[:MOST_LEADERS], labels, strict=False)):
            if leader.count >= SURE_ABOVE * size or number == 0:
                blocks += self._explained(number, leader.genome, f"{label}, {leader.count:,} of {size:,}")
        return blocks

    def _explained(self, number: int, genome: str, title: str) -> list[Block]:
        try:
            found = explanation_of(genome, self.setting.rules)
        except ValueError as error:
            return [Text([f"{title}: {error}"])]
        return [Text([f"{title}. {gist(found)}"]), *drawn(found, f"leader-{number}", title)]

    # how the winner arose

    def _lineage(self) -> list[Block]:
        line = line_of_descent(self.run, winner_of(self.latest).id)
        looks = self.faces.many((birth.behaviour, birth.genome) for birth in line)
        steps = [n for n in range(1, len(line)) if line[n].behaviour != line[n - 1].behaviour]
        rows = [self._step(line[0], looks[0].label, line[0].genome)]
        rows += [
            self._step(line[n], looks[n].label, _changed(line[n - 1], line[n])) for n in steps[-MOST_CHANGES:]
        ]
        spans = _spans(line, [look.label for look in looks], self.latest.number)
        by_label = {look.label: look for look in looks}
        svg = charts.strip(
            [(first, last, by_label[label]) for first, last, label in spans], [line[n].id.generation for n in steps],
            id="descent", title="Line of descent of the winner", xlabel=self.unit,
            desc="What the ancestors of the winner did: "
            + ", ".join(f"{label} from {first:,.0f}" for first, _, label in spans[-12:]),
        )  # fmt: skip
        caption = (
            f"What the winner's ancestors did, from {line[0].id} to {line[-1].id} over {len(line) - 1:,} births; "
            + (
                f"marks: the {len(steps):,} that changed what they do."
                if steps
                else "nothing changed what they do."
            )
        )
        head = ["generation", "id", "origin", "behaviour", "what changed"]
        last = (
            f"the last {len(rows) - 1} of {len(steps):,} changes"
            if len(steps) > MOST_CHANGES
            else "every change"
        )
        table = Table(
            f"The founder, and {last} of behaviour on the line.", head, rows, frozenset({"generation"})
        )
        return [Chart(svg, caption), table if len(rows) <= FEW else Details(table.caption, [table])]

    def _step(self, birth: Birth, label: str, text: str) -> list[str]:
        return [f"{birth.id.generation:,}", str(birth.id), birth.origin, label, text]

    # under which rules

    def _provenance(self) -> list[Block]:
        sessions = self.run.provenance.get("sessions", [])
        last = sessions[-1] if sessions else {}
        kept = {key: value for key, value in last.items() if key not in ("began", "generation")}
        versions = kept.pop("versions", {})
        named = (
            ", ".join(f"{key} {value}" for key, value in versions.items())
            if isinstance(versions, dict)
            else ""
        )
        rows = [["rules", str(self.setting.rules)], ["seed", str(self.setting.seed)], ["hash", self.run.hash]]
        rows += [["versions", named], *([str(key), str(value)] for key, value in kept.items())]
        return [
            Table("Two runs are equal exactly when their hashes are.", ["what", "value"], rows),
            Details("The experiment", [Code(self.run.experiment_text)]),
        ]

    def _data(self) -> dict[str, Any]:
        x, width, take = self._binned(0, None)
        columns = ("best", "mean", "q5", "q50", "q95", "cooperation", "behaviours")
        shares = self.faces.shares(BINS)
        return {
            "name": self.name,
            "hash": self.run.hash,
            "seed": self.setting.seed,
            "generations": self.length,
            "bin": width,
            "generation": x,
            **{name: [float(f"{v:.5g}") for v in take(self.table[name])] for name in columns},
            "shares": {
                look.label: [round(v, 4) for v in row]
                for look, row in zip(shares.looks, shares.share.tolist(), strict=True)
            },
            "shares_generation": shares.generation.tolist(),
            **self.story.to_json(),
        }


def drawn(found: Explanation, id: str, title: str) -> list[Block]:
    """The table and the states of a strategy, as far as they are small."""
    blocks: list[Block] = []
    if found.automaton is not None and len(found.automaton.canonical(noisy=False)) <= MOST_STATES:
        noisy = found.rules.noisy and len(found.automaton) <= 4
        automaton = found.automaton if noisy else found.automaton.canonical(noisy=False)
        slips = "" if noisy or not found.rules.noisy else ", without own slips"
        caption = f"States of {title}: arrows show the opponent's move{slips}."
        blocks.append(
            Chart(
                diagram(automaton, noisy=noisy, id=f"{id}-states", title=f"States of {title}"),
                caption,
                small=True,
            )
        )
    if found.table:
        blocks.append(Table(f"What {title} plays", ["when", "plays"], [list(row) for row in found.table]))
    elif found.grid:
        blocks.append(
            Details(
                "Its table: own last moves in rows, the opponent's in columns", [Code("\n".join(found.grid))]
            )
        )
    return blocks


def gist(found: Explanation) -> str:
    """What there is to say of a strategy, in a few sentences."""
    said = [f"It {found.rule}." if found.rule else ""]
    if not found.names and found.nearest is not None:
        said.append(f"It plays most like {found.nearest[0]} ({found.nearest[1]:.0%} of moves).")
    said.append(f"{found.complexity[:1].upper()}{found.complexity[1:]}." if found.complexity else "")
    best = found.certificate
    if best is not None:
        said.append(
            "No rare mutant does better against it (Nash gap 0)."
            if best.nash_gap == 0
            else f"The best mutant, {best.best_response}, earns {best.nash_gap:.3g} a turn more than it from itself."
        )
    place = found.standing
    if place is not None:
        said.append(
            f"Among {place.of} named strategies it takes rank {place.rank} ({place.payoff:.3f} a turn)."
        )
    return " ".join(word for word in [*said, *found.notes] if word)


def _changed(before: Birth, after: Birth) -> str:
    try:
        return change(before.genome, after.genome)
    except ValueError:  # a stranger's file
        return after.genome


def _spans(line: Sequence[Birth], labels: Sequence[str], last: int) -> list[tuple[float, float, str]]:
    """From when to when the line did what: (first, last, label), neighbours differ."""
    begins = [n for n in range(len(line)) if n == 0 or labels[n] != labels[n - 1]]
    edges = [*(float(line[n].id.generation) for n in begins), float(max(last, line[0].id.generation + 1))]
    return [(a, b, labels[n]) for n, (a, b) in zip(begins, pairwise(edges), strict=True)]
