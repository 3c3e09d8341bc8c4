"""What one mutant at a time does not show: indirect invasions by way of neutral steps, and third parties.

`indirect_invasions` follows the neutral mutants of a scan, which may let in what the resident repels (van Veelen,
"Robustness against indirect invasions", 2012); `in_society` adds a bystander, who changes the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.game import Rules, conditions
from engine.names import name_of
from engine.societies.sipd import play_table
from engine.stability.certificates import BestResponse, best_response, strategy_of
from engine.stability.scans import Scan, scan
from engine.tables import Table
from genomes.lookup import LookupGenome
from genomes.reading import label
from genomes.strategy import StrategyLike


@dataclass(frozen=True)
class IndirectInvasion:
    """An indirect invasion: neutral steps away from the resident, and who invades the last of them."""

    steps: tuple[LookupGenome, ...]
    response: BestResponse

    def __str__(self) -> str:
        """The chain in words."""
        noisy = self.response.rules.slips
        path = [name_of(step, noisy=noisy) or str(step) for step in self.steps]
        return " -> ".join([*path, self.response.words])


@dataclass(frozen=True, eq=False)
class IndirectInvasions(Table):
    """What invades by way of neutral mutants: `found` by gap, the widest first, among `examined` behaviours.

    `complete` is False when there were more neutral behaviours than were to be examined.
    """

    found: tuple[IndirectInvasion, ...]
    examined: int
    complete: bool

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a chain: its steps, the invader, and what that earns above its hosts per turn."""
        return {
            "chain": [str(one) for one in self.found],
            "steps": [len(one.steps) for one in self.found],
            "Nash gap": [one.response.nash_gap for one in self.found],
        }

    def __str__(self) -> str:
        some = "all" if self.complete else "the first"
        head = f"{len(self.found)} indirect invasions by way of {some} {self.examined} neutral behaviours"
        return "\n".join([head, *(f"{one.response.nash_gap:8.4g}  {one}" for one in self.found)])


def indirect_invasions(first: Scan, *, depth: int = 2, limit: int = 256) -> IndirectInvasions:
    """Chains of up to `depth` neutral mutants of the scanned memory that end where somebody does better.

    A step goes from a behaviour to one that earns as much against it as it does itself and that its kind does
    not hold back; a chain ends at the first behaviour with a Nash gap, with its best response of any memory
    as the invader. Breadth first, every behaviour once, at most `limit` of them.

    Raises ValueError for a depth or limit below 1.

    >>> found = indirect_invasions(scan("tit_for_tat", (0, 1), Rules(turns=10)))
    >>> found.complete, len(found.found)
    (True, 1)
    """
    for name, value in (("depth", depth), ("limit", limit)):
        if value < 1:
            raise ValueError(f"{name}: expected at least 1, got {value}")
    met = {_own_behaviour(first)} if first.own.any() else set()
    level: list[tuple[LookupGenome, ...]] = [()]
    found: list[IndirectInvasion] = []
    examined = 0
    for _ in range(depth):
        following: list[tuple[LookupGenome, ...]] = []
        for path in level:
            here = scan(path[-1], first.memory, first.rules) if path else first
            for number in here.representatives("neutral", "neutral, then advantaged"):
                # the numbering of behaviours is that of the class, so it is alike in all its scans
                if int(here.behaviour[number]) in met:
                    continue
                if examined == limit:
                    return IndirectInvasions(_by_gap(found), examined, False)
                met.add(int(here.behaviour[number]))
                examined += 1
                genome = here.genome(number)
                response = best_response(genome, first.rules)
                if response.nash_gap > 0:
                    found.append(IndirectInvasion((*path, genome), response))
                else:
                    following.append((*path, genome))
        level = following
    return IndirectInvasions(_by_gap(found), examined, True)


def _own_behaviour(here: Scan) -> int:
    return int(here.behaviour[np.flatnonzero(here.own)[0]])


def _by_gap(found: list[IndirectInvasion]) -> tuple[IndirectInvasion, ...]:
    return tuple(sorted(found, key=lambda invasion: -invasion.response.nash_gap))


@dataclass(frozen=True)
class ThirdParty:
    """A society of residents and mutants with one third party, or none. Payoffs are means per interaction."""

    bystander: str | None
    counts: tuple[int, ...]
    resident: float
    mutant: float

    @property
    def advantage(self) -> float:
        """What a mutant earns above a resident."""
        return self.mutant - self.resident

    @property
    def invades(self) -> bool:
        """The mutants earn more than the residents here."""
        return self.mutant > self.resident


def in_society(
    resident: StrategyLike,
    mutant: StrategyLike,
    bystanders: Sequence[StrategyLike] = (),
    rules: Rules | None = None,
    *,
    residents: int = 98,
    mutants: int = 1,
    others: int = 1,
) -> list[ThirdParty]:
    """Does a mutant earn more than the residents of a society, alone and with each bystander present?

    Exact (see `engine.societies.sipd.play_table`): `residents`, `mutants` and, one strategy at a time, `others`
    bystanders; the first row has none. Whole-number arithmetic, so that equal payoffs are equal. Third
    parties change the answer, because everybody sees how everybody treats everybody.

    Raises ValueError for noise or chance, an open horizon and counts below 1.

    >>> [row.invades for row in in_society("false", "true", ["exists t. D(c,r,t)"], Rules(turns=50))]
    [True, True]
    """
    rules = conditions(rules)
    for name, value in (("residents", residents), ("mutants", mutants), ("others", others)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name}: expected a whole number above 0, got {value!r}")
    company: list[StrategyLike | None] = [None, *bystanders]
    return list(_third_parties(resident, mutant, company, rules, (residents, mutants, others)))


def _third_parties(
    resident: StrategyLike,
    mutant: StrategyLike,
    bystanders: Sequence[StrategyLike | None],
    rules: Rules,
    numbers: tuple[int, int, int],
) -> Iterator[ThirdParty]:
    pair = [strategy_of(resident), strategy_of(mutant)]
    for bystander in bystanders:
        present = pair if bystander is None else [*pair, strategy_of(bystander)]
        counts = numbers[: len(present)]
        payoffs = play_table(present, rules, counts).mean_payoffs(np.array(counts))
        name = None if bystander is None else label(bystander)
        yield ThirdParty(name, counts, float(payoffs[0]), float(payoffs[1]))
