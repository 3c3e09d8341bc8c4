"""Who is who in a run: every behaviour gets a label and a look, and the population is counted by them.

A behaviour is shown by its exact name; else, where it is abundant and its genome short, by its genome; else by its
family (`engine.likeness`), so that a thousand different tables make a figure that can be read. What is equal only as
far as tested (``~all_c``) is counted with what it is equal to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.likeness import Family, families
from engine.names import behaviour_label, short_text
from results.looks import Look, look_of, look_of_unnamed
from results.palette import OTHERS
from results.run.rows import Leaders, LeadingBehaviour
from results.run.store import Run

SAMPLES = 3000
"""Of so many generations at most the leading behaviours are read."""

SHOWN = 12
"""Groups that get a band of their own."""

SMALLEST_BAND = 0.004
"""The share of all individuals of all generations below which a group is among the others."""

OWN_BAND = 0.03
"""The share of all individuals from which a behaviour without a name is shown by itself, by its genome."""

MEASURED = 10_000
"""Of so many behaviours without a name at most, the most abundant, the family is looked for."""

ENOUGH = 0.9
"""Where the recorded leading behaviours are a smaller share of everybody, censuses are shown instead."""


@dataclass(frozen=True, eq=False)
class Shares:
    """The population over time by who does what.

    `looks`: the groups that have a band, each beside the one it descends from, and last the others. `share`:
    ``(groups, times)``, each column adds up to 1. `generation`: ``(times,)`` when, as the middle of what was counted.
    `counted`: "" for the leading behaviours of every generation, else what was counted instead, in words.
    """

    looks: tuple[Look, ...]
    share: NDArray[np.float64]
    generation: NDArray[np.float64]
    counted: str

    def only(self, labels: Sequence[str]) -> Shares:
        """The bands of these labels; everybody else is among the others."""
        kept = [band for band, look in enumerate(self.looks[:-1]) if look.label in labels]
        share = np.vstack([self.share[kept], 1.0 - self.share[kept].sum(axis=0)])
        return Shares(
            (*(self.looks[band] for band in kept), self.looks[-1]), share, self.generation, self.counted
        )


class Faces:
    """Labels and looks of the behaviours of one run, as of one instant."""

    def __init__(self, run: Run) -> None:
        with run.snapshot():
            self._size = run.statistics()["size"]
            self.every = max(1, -(-max(len(run), 1) // SAMPLES))
            self.leaders: Leaders = run.leaders(self.every)
            self._looks: dict[str, Look] = {}
            table = self.leaders
            total = np.bincount(table.behaviour, table.count, minlength=len(table.behaviours))
            everybody = float(self._size[:: self.every].sum()) or 1.0
            self._covered = float(total.sum()) / everybody
            self._censuses = self._everybody(run) if self._covered < ENOUGH else []
        order = np.argsort(-total, kind="stable").tolist()
        self._learn([table.behaviours[b] for b in order], total[order] / everybody)
        members: Counter[LeadingBehaviour] = Counter()
        for _, counted in self._censuses:
            for behaviour, count in counted:
                members[behaviour] += count
        self._learn([behaviour for behaviour, _ in members.most_common()])

    def _everybody(self, run: Run) -> list[tuple[int, list[tuple[LeadingBehaviour, int]]]]:
        """The censuses of a run and, where it has any, everybody of its last generation."""
        found, last = run.censuses(), run.latest()
        if not found or last is None or found[-1][0] == last.number:
            return found
        known = {b.behaviour: b for b in self.leaders.behaviours}
        members: Counter[LeadingBehaviour] = Counter(
            known.get(b.behaviour) or LeadingBehaviour(b.behaviour, None, b.genome, None)
            for b in last.population
        )
        return [*found, (last.number, list(members.items()))]

    def _learn(self, behaviours: Sequence[LeadingBehaviour], shares: Sequence[float] | None = None) -> None:
        """Give behaviours their looks; `shares` of everybody in the same order, where that is known."""
        new = [n for n, b in enumerate(behaviours) if b.behaviour not in self._looks]
        unnamed = [n for n in new if behaviours[n].name is None]
        kin = dict(zip(unnamed, _families([behaviours[n].genome for n in unnamed[:MEASURED]]), strict=False))
        for n in new:
            abundant = shares is not None and shares[n] >= OWN_BAND
            self._looks[behaviours[n].behaviour] = _look(behaviours[n], kin.get(n), abundant)

    def of(self, behaviour: str, genome: str) -> Look:
        """The look of a behaviour of the run, of which `genome` is an example."""
        return self.many([(behaviour, genome)])[0]

    def many(self, wanted: Iterable[tuple[str, str]]) -> list[Look]:
        """The looks of behaviours with their genomes, measured together."""
        asked = list(wanted)
        self._learn(
            [LeadingBehaviour(behaviour, None, genome, None) for behaviour, genome in dict(asked).items()]
        )
        return [self._looks[behaviour] for behaviour, _ in asked]

    def shares(self, times: int) -> Shares:
        """The population by who does what, in at most `times` means of equally many generations."""
        return self._by_census() if self._censuses else self._by_leaders(times)

    def _by_leaders(self, times: int) -> Shares:
        table, length = self.leaders, len(self._size)
        width = max(1, -(-length // times))
        labels, place = self._grouped([b.behaviour for b in table.behaviours])
        columns = -(-length // width)
        share = np.zeros((len(labels), columns))
        each = table.count / np.maximum(self._size[table.generation], 1)
        np.add.at(share, (place[table.behaviour], table.generation // width), each)
        share /= np.maximum(np.bincount(np.arange(0, length, self.every) // width, minlength=columns), 1)
        middle = np.asarray(np.arange(columns) * width + (width - 1) / 2, np.float64)
        return self._banded(labels, share, middle, "")

    def _by_census(self) -> Shares:
        members = [member for _, counted in self._censuses for member in counted]
        labels, place = self._grouped([behaviour.behaviour for behaviour, _ in members])
        share = np.zeros((len(labels), len(self._censuses)))
        when = np.repeat(np.arange(len(self._censuses)), [len(counted) for _, counted in self._censuses])
        np.add.at(share, (place, when), [count for _, count in members])
        share /= share.sum(axis=0)
        numbers = np.array([number for number, _ in self._censuses], np.float64)
        return self._banded(labels, share, numbers, f"everybody in {len(numbers)} of them")

    def _grouped(self, behaviours: Sequence[str]) -> tuple[list[Look], NDArray[np.int64]]:
        """The looks that occur, and which of them each behaviour has."""
        first: dict[str, int] = {}
        looks: list[Look] = []
        place = np.empty(len(behaviours), np.int64)
        for n, behaviour in enumerate(behaviours):
            look = self._looks[behaviour]
            if look.label not in first:
                first[look.label] = len(looks)
                looks.append(look)
            place[n] = first[look.label]
        return looks, place

    def _banded(
        self, looks: list[Look], share: NDArray[np.float64], when: NDArray[np.float64], counted: str
    ) -> Shares:
        weight = share.mean(axis=1) + (share[:, -1] == share[:, -1].max())  # who leads in the end is shown
        ranked = [g for g in np.argsort(-weight, kind="stable").tolist() if looks[g].colour != OTHERS]
        chosen = {looks[g].label: g for g in ranked[:SHOWN] if weight[g] >= SMALLEST_BAND}
        order = [chosen[label] for label in self._lineage_order(chosen)]
        bands = np.vstack([share[order], np.zeros(share.shape[1])])
        bands[-1] = np.maximum(1.0 - bands.sum(axis=0), 0.0)
        return Shares((*(looks[g] for g in order), Look("others", OTHERS, "")), bands, when, counted)

    def _lineage_order(self, labels: Iterable[str]) -> list[str]:
        """The labels, each beside that of the behaviour which its first leading one descends from."""
        wanted = set(labels)
        named = [self._looks[b.behaviour].label for b in self.leaders.behaviours]
        first: dict[str, int] = {}
        for b, label in enumerate(named):
            if label in wanted:
                first.setdefault(label, b)
        ordered = [named[b] for b in lineage_order(self.leaders, list(first.values()))]
        return ordered + sorted(wanted - set(ordered))


def faces_of(run: Run) -> Faces:
    """The faces of a run as it is now; those of the run that was asked for last are kept."""
    with run.snapshot():
        key = str(run.path), run.hash
        if key not in _LAST:
            _LAST.clear()
            _LAST[key] = Faces(run)
        return _LAST[key]


_LAST: dict[tuple[str, str], Faces] = {}


def lineage_order(leaders: Leaders, chosen: Sequence[int]) -> list[int]:
    """The chosen behaviours with each next to the one it descends from (depth first, oldest first)."""
    wanted = set(chosen)
    children: dict[int | None, list[int]] = {}
    for behaviour in sorted(wanted):  # numbered in order of first leading
        above, seen = leaders.behaviours[behaviour].ancestor, {behaviour}
        while above is not None and above not in wanted and above not in seen:
            seen.add(above)
            above = leaders.behaviours[above].ancestor
        children.setdefault(above if above in wanted and above not in seen else None, []).append(behaviour)
    order: list[int] = []
    stack = children.get(None, [])[::-1]
    while stack:
        here = stack.pop()
        order.append(here)
        stack += children.get(here, [])[::-1]
    return order + [behaviour for behaviour in sorted(wanted) if behaviour not in set(order)]


def _look(behaviour: LeadingBehaviour, kin: Family | None, abundant: bool) -> Look:
    if behaviour.name is not None:
        return look_of(behaviour.name.removeprefix("~"))
    text = short_text(behaviour.genome)
    if abundant and (text is not None or kin is None):
        label = text or behaviour_label(None, behaviour.behaviour)
        return look_of_unnamed(label, behaviour.behaviour, None if kin is None else kin.head)
    if kin is None:
        return Look(behaviour_label(None, behaviour.behaviour), OTHERS, "")
    return look_of(kin.label)


def _families(genomes: Sequence[str]) -> list[Family | None]:
    """Families of genomes that may come from a stranger's file: a text that is no genome has none."""
    try:
        return families(genomes)
    except ValueError:
        return [_family(genome) for genome in genomes]


def _family(genome: str) -> Family | None:
    try:
        return families([genome])[0]
    except ValueError:
        return None
