"""Exhaustive scans: every pure mutant of a memory against one resident, neutral ones counted apart.

A scan says who invades, who drifts and who is repelled in a large, well-mixed population of pairs. What lies
behind the neutral ones, and what third parties change, is in `engine.stability.indirect`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine.game import SWAP, Rules, conditions
from engine.names import name_of
from engine.pairs.behaviours import Behaviours, Form
from engine.pairs.exact_play import ExpectedPlay
from engine.stability.certificates import resident_automaton, state_entries
from engine.stability.exact import payoff
from engine.tables import Table
from genomes.automaton import Automaton
from genomes.lookup import LookupGenome, history_structure
from genomes.reading import label
from genomes.strategy import StrategyLike

MEMORIES = ((0, 1), (1, 0), (1, 1), (1, 2), (2, 1), (2, 2))
"""Classes that can be scanned whole: at most 2**18 genomes."""

CLOSE = 1e-6
"""Where chance has a part, smaller differences (as a share of the largest |payoff|) are computed exactly."""

MAX_COMPARED = 2**10
"""Classes of so many genomes are small enough for that."""

NEGLIGIBLE = 1e-12
"""In larger ones, and with fixed turns, differences up to this share of the largest |payoff| count as none."""

EXTREME = 1e-6
"""Larger classes are refused where noise or 1 - d is below this, and differences could be that small."""

CHUNK = 2**13
"""Mutants held at once as automata."""

Fate = Literal["invades", "neutral, then advantaged", "neutral", "neutral, then disadvantaged", "repelled"]
FATES: tuple[Fate, ...] = get_args(Fate)
"""What becomes of a rare mutant, in the order of the codes in `Scan.fate`."""


@dataclass(frozen=True)
class StrongestMutant:
    """A behaviour in a scan: one genome that has it, and how many do. Payoffs are means per turn."""

    genome: LookupGenome
    name: str | None
    genomes: int
    against: float
    among: float
    conceded: float
    advantage: float
    gain: float
    barrier: float


@dataclass(frozen=True, eq=False)
class Scan(Table):
    """What every pure memory(x,y) mutant earns with a resident, per turn.

    Arrays have one entry a mutant, ``(n,)``: entry k is of ``genome(k)``.

    `against` ``(n,)``: the mutant against the resident; `conceded`: the resident against the mutant; `among`:
    the mutant against its kind; `resident_payoff`: the resident against its kind. `advantage`: what the
    mutant earns above the resident against it, `gain`: what its kind earns above the resident against the mutant;
    0 where both earn alike. Both have eight digits, and are no differences of the other arrays where those have too
    few; in classes of more than `MAX_COMPARED` genomes the sign alone is sure, and where chance has a part
    `NEGLIGIBLE` counts as 0. `behaviour` ``(n,)`` numbers the distinct behaviours, `own` ``(n,)`` marks the genomes
    that behave like the resident.
    """

    resident: str
    memory: tuple[int, int]
    rules: Rules
    resident_payoff: float
    advantage: NDArray[np.float64] = field(repr=False)
    gain: NDArray[np.float64] = field(repr=False)
    against: NDArray[np.float64] = field(repr=False)
    conceded: NDArray[np.float64] = field(repr=False)
    among: NDArray[np.float64] = field(repr=False)
    behaviour: NDArray[np.int64] = field(repr=False)
    own: NDArray[np.bool_] = field(repr=False)

    def __len__(self) -> int:
        """Number of genomes in the class."""
        return len(self.against)

    def genome(self, number: int) -> LookupGenome:
        """The mutant of that number: its moves in the order of its text, C = 0, the first most significant."""
        x, y = self.memory
        entries = max(x, y) + 2 ** (x + y)
        cooperates = tuple(float(1 - (number >> k & 1)) for k in range(entries - 1, -1, -1))
        return LookupGenome(x, y, cooperates[: max(x, y)], cooperates[max(x, y) :])

    @cached_property
    def fate(self) -> NDArray[np.int8]:
        """The number in `FATES` of every mutant's fate, ``(n,)``.

        Strictly: it invades when it earns more against the resident than the resident itself. Where it earns
        the same, its kind against the resident against its kind decides once it has drifted up.
        """
        first, second = np.sign(self.advantage), np.sign(self.gain)
        return np.where(first > 0, 0, np.where(first < 0, 4, 2 - second)).astype(np.int8)

    @cached_property
    def barrier(self) -> NDArray[np.float64]:
        """The share of mutants from which they earn more than the residents, ``(n,)``.

        0 for those that need none; inf for those that no share helps. In a mix with a share p of mutants both
        earn alike at p = loss / (loss + gain), loss = V_rr - V_mr and gain = V_mm - V_rm.
        """
        barrier = np.full(len(self), np.inf)
        barrier[(self.fate <= 1)] = 0.0
        some = (self.fate == 4) & (self.gain > 0)
        loss, gain = -self.advantage[some], self.gain[some]
        barrier[some] = loss / (loss + gain)
        return barrier

    def counts(self, *, distinct: bool = False) -> dict[Fate, int]:
        """How many genomes, or distinct behaviours, meet each fate."""
        codes = self.fate[self._first] if distinct else self.fate
        found = np.bincount(codes, minlength=len(FATES)).tolist()
        return dict(zip(FATES, found, strict=True))

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a genome of the class, in the order of `genome`."""
        return {
            "mutant": [str(self.genome(number)) for number in range(len(self))],
            "fate": [FATES[code] for code in self.fate.tolist()],
            "against": self.against.tolist(),
            "conceded": self.conceded.tolist(),
            "among": self.among.tolist(),
            "barrier": self.barrier.tolist(),
            "behaviour": self.behaviour.tolist(),
        }

    def __str__(self) -> str:
        x, y = self.memory
        genomes, behaviours = self.counts(), self.counts(distinct=True)
        lines = [f"{self.resident} v all pure memory({x},{y}), {self.rules}"]
        lines += [f"{'fate':27}  genomes  behaviours"]
        lines += [f"{fate:27}  {genomes[fate]:7}  {behaviours[fate]:10}" for fate in FATES]
        return "\n".join(lines)

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        """The first genome of every behaviour."""
        return np.unique(self.behaviour, return_index=True)[1]

    def representatives(self, *fates: Fate) -> list[int]:
        """The first genome of every behaviour with one of these fates, the resident's own left out."""
        codes = [FATES.index(fate) for fate in fates]
        chosen = self._first[np.isin(self.fate[self._first], codes) & ~self.own[self._first]]
        return [int(number) for number in chosen]

    def leading(self, fate: Fate = "invades", limit: int = 5) -> list[StrongestMutant]:
        """The behaviours of one fate that are nearest to taking over, the best first.

        Invaders by what they earn against the resident, then among themselves; the others by their barrier.
        """
        numbers = np.array(self.representatives(fate), np.int64)
        keys = [-self.among[numbers], -self.advantage[numbers]]
        if fate == "repelled":
            keys.append(self.barrier[numbers])
        sizes = np.bincount(self.behaviour)
        leaders = []
        for number in numbers[np.lexsort((numbers, *keys))][:limit].tolist():
            genome = self.genome(number)
            leaders.append(
                StrongestMutant(
                    genome=genome,
                    name=name_of(genome, noisy=self.rules.slips),
                    genomes=int(sizes[self.behaviour[number]]),
                    against=float(self.against[number]),
                    among=float(self.among[number]),
                    conceded=float(self.conceded[number]),
                    advantage=float(self.advantage[number]),
                    gain=float(self.gain[number]),
                    barrier=float(self.barrier[number]),
                )
            )
        return leaders


def scan(resident: StrategyLike, memory: tuple[int, int], rules: Rules | None = None) -> Scan:
    """Every pure mutant of `memory` (x, y) against a resident; ValueError where it cannot be done exactly.

    >>> scan("tit_for_tat", (1, 1), Rules(turns=1000)).counts(distinct=True)["invades"]
    0
    """
    rules = conditions(rules)
    if memory not in MEMORIES:
        raise ValueError(
            f"memory: expected one of {', '.join(f'{x},{y}' for x, y in MEMORIES)}, got {memory}"
        )
    automaton = resident_automaton(resident, rules)
    name = label(resident)
    walk = _Walk(automaton, memory, rules)
    number = 2 ** (max(memory) + 2 ** sum(memory))
    against, conceded, among, advantage, gain = (np.empty(number) for _ in range(5))
    marks = np.empty((number, 2), np.uint64)
    for first in range(0, number, CHUNK):
        here = slice(first, min(first + CHUNK, number))
        payoffs, marks[here] = walk.chunk(first, here.stop)
        against[here], conceded[here], among[here] = payoffs
        advantage[here], gain[here] = walk.advantages(first, *payoffs)
    order = np.lexsort((marks[:, 1], marks[:, 0]))
    new = np.ones(number, np.bool_)
    new[1:] = (marks[order[1:]] != marks[order[:-1]]).any(axis=1)
    behaviour = np.empty(number, np.int64)
    behaviour[order] = np.cumsum(new) - 1
    return Scan(
        resident=name,
        memory=memory,
        rules=rules,
        resident_payoff=walk.resident_payoff,
        advantage=advantage,
        gain=gain,
        against=against,
        conceded=conceded,
        among=among,
        behaviour=behaviour,
        own=(marks == walk.resident_mark).all(axis=1),
    )


class _Walk:
    """The meetings of one scan, a chunk of mutants at a time; mutants are numbers, never objects."""

    def __init__(self, resident: Automaton, memory: tuple[int, int], rules: Rules) -> None:
        self.resident, self.rules = resident, rules
        entries = state_entries(*memory)
        self.shifts = entries.max() - entries  # the bit of a mutant's number that a state plays
        self.template = history_structure(*memory)
        self.pure = resident.deterministic and not rules.noisy and rules.stage.plain
        self.small = 2 ** (int(entries.max()) + 1) <= MAX_COMPARED
        if (
            not (self.small or self.pure)
            and 0
            < min(rules.noise or 1.0, 1.0 if rules.continuation is None else 1.0 - rules.continuation)
            < EXTREME
        ):
            raise ValueError(
                f"memory: expected at most {MAX_COMPARED} genomes where chance has a part and noise or "
                f"1 - continuation is below {EXTREME:g}, got {2 ** (int(entries.max()) + 1)}, whose payoffs differ "
                "by too little"
            )
        self._exact: dict[bytes, dict[str, float]] = {}  # by behaviour
        self.largest = float(np.abs(rules.stage.payoffs).max())
        sizes = np.array([len(resident)])
        mixed = (resident.defect > 0) & (resident.cooperate > 0)
        moves = np.where(mixed, 0.5, resident.defect)  # a move left to chance is no mutant's, however rare
        self.resident_mark = _marks(sizes, moves, resident.successors)[0]
        self.resident_payoff = self._resident_payoff()

    def _resident_payoff(self) -> float:
        """The resident against its kind, counted as its mutants are, so that what is equal compares equal."""
        from engine.stability import kernels as kernels

        if not self.pure:
            return float(self._payoff(self._play([self._resident_form])[1])[0])
        counts, total = np.zeros((1, 4)), np.zeros(1)
        # a pure strategy among its kind is a template that plays its own bits: here one bit a state
        moves = self.resident.defect.astype(np.int64)
        kernels.scan_among(2, moves, self.resident.successors, *self._horizon, counts, total)
        return float(self.rules.stage.mean_payoff(counts, total)[0])

    @property
    def _resident_form(self) -> Form:
        return self.resident.defect, self.resident.successors, self.resident.cooperate

    @property
    def _horizon(self) -> tuple[int, float]:
        d = self.rules.continuation
        return int(self.rules.turns or 0), 1.0 if d is None else float(d)

    def chunk(self, first: int, last: int) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.uint64]]:
        """Payoffs (mutant v resident, resident v mutant, mutant v mutant) and marks of their behaviours."""
        from engine.stability import kernels as kernels
        from genomes.minimise import canonical_batch

        mean_payoff = self.rules.stage.mean_payoff
        if self.pure:
            against, among = np.zeros((last - first, 4)), np.zeros((last - first, 4))
            total, own_total = np.zeros(last - first), np.zeros(last - first)
            kernels.scan_pure(
                first,
                self.shifts,
                self.template,
                self.resident.defect,
                self.resident.successors,
                *self._horizon,
                against,
                total,
            )
            kernels.scan_among(first, self.shifts, self.template, *self._horizon, among, own_total)
            marks = np.empty((last - first, 2), np.uint64)
            kernels.pure_marks(first, self.shifts, self.template, marks)
            meetings = ((against, total), (against[:, SWAP], total), (among, own_total))
            return tuple(mean_payoff(*meeting) for meeting in meetings), marks
        bits = (np.arange(first, last)[:, None] >> self.shifts) & 1
        sizes, defect, successors, cooperate = canonical_batch(
            self.template, bits.astype(np.float64), 1.0 - bits, self.rules.slips
        )
        starts = np.concatenate(([0], np.cumsum(sizes)))
        forms = [(defect[a:b], successors[a:b], cooperate[a:b]) for a, b in pairwise(starts)]
        counts, kin = self._play(forms)
        return tuple(self._payoff(part) for part in (counts, counts[:, self.rules.stage.swap], kin)), _marks(
            sizes, defect, successors
        )

    def advantages(
        self,
        first: int,
        against: NDArray[np.float64],
        conceded: NDArray[np.float64],
        among: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What mutants from `first` on earn above the resident against it, and their kind above it against them."""
        if self.pure and self.rules.continuation is not None:
            return self._discounted(first, len(against))
        advantage, gain = against - self.resident_payoff, among - conceded
        if self.pure:
            return advantage, gain
        if self.rules.turns is None and self.small:
            close = np.abs(np.stack([advantage, gain], axis=1)) <= CLOSE * self.largest
            self._correct(first, advantage, gain, close)
            return advantage, gain
        for lead in (advantage, gain):
            lead[np.abs(lead) <= NEGLIGIBLE * self.largest] = 0.0
        return advantage, gain

    def _mutant(self, number: int) -> Automaton:
        moves = (number >> self.shifts & 1).astype(np.float64)
        return Automaton(moves, self.template).canonical(noisy=self.rules.slips)

    def _discounted(self, first: int, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Differences of discounted payoffs in closed form, and in fractions where floats leave the sign open."""
        from engine.stability import kernels

        values, scale = np.array(self.rules.stage.scaled[0]), self.rules.stage.scaled[1]
        leads, certain = np.empty((size, 2)), np.empty((size, 2), np.bool_)
        kernels.scan_advantages(
            first,
            self.shifts,
            self.template,
            self.resident.defect.astype(np.int64),
            self.resident.defect,
            self.resident.successors,
            float(self.rules.continuation or 0.0),
            values,
            values[SWAP],
            1e10 if self.small else 1.0,
            leads,
            certain,
        )
        leads /= scale
        self._correct(first, leads[:, 0], leads[:, 1], ~certain)
        return leads[:, 0], leads[:, 1]

    def _correct(
        self, first: int, advantage: NDArray[np.float64], gain: NDArray[np.float64], open: NDArray[np.bool_]
    ) -> None:
        """Replace differences that floats leave `open` ``(c, 2)`` by exact ones."""
        for k in np.flatnonzero(open.any(axis=1)).tolist():
            mutant = self._mutant(first + k)
            exact = self._exact.setdefault(mutant.key, {})
            if open[k, 0]:
                if "advantage" not in exact:
                    exact["advantage"] = float(payoff(mutant, self.resident, self.rules) - self._own)
                advantage[k] = exact["advantage"]
            if open[k, 1]:
                if "gain" not in exact:
                    conceded = payoff(self.resident, mutant, self.rules)
                    exact["gain"] = float(payoff(mutant, mutant, self.rules) - conceded)
                gain[k] = exact["gain"]

    @cached_property
    def _own(self) -> Fraction:
        return payoff(self.resident, self.resident, self.rules)

    def _payoff(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.rules.stage.mean_payoff(counts, float(self.rules.turns or 1))

    def _play(self, mutants: Sequence[Form]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Expected joint moves with the resident (mutant's first) and with their kind, where chance has a part."""
        everyone = [self._resident_form, *mutants]
        behaviours = Behaviours(
            keys=tuple(k.to_bytes(16, "big") for k in range(len(everyone))),  # only their number is used
            index=np.arange(len(everyone)),
            sizes=np.array([len(form[0]) for form in everyone]),
            defect=np.concatenate([form[0] for form in everyone]),
            successors=np.concatenate([form[1] for form in everyone]),
            cooperate=np.concatenate([form[2] for form in everyone]),
        )
        play, swap = ExpectedPlay(behaviours, self.rules), self.rules.stage.swap
        return play.rows(0, 1)[0, 1:][:, swap], play.own_kind()[1:]


def _marks(
    sizes: NDArray[np.int64], defect: NDArray[np.float64], successors: NDArray[np.int32]
) -> NDArray[np.uint64]:
    from engine.stability import kernels as kernels

    return np.asarray(
        kernels.digests(sizes, np.ascontiguousarray(defect, np.float64).view(np.uint64), successors)
    )
