"""A published claim, and what became of it: `Claim`, its `Verdict`, and how one is reached.

A source says what happens, seldom exactly under which definitions. So a verdict states its reading of what is
unknown, what it rests on, its horizon, and what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from engine.ecologies import EcologyResult
from genomes.formula.syntax import Quantifiers

Judgement = Literal["holds", "fails", "undecided", "not testable"]
"""undecided: the interval includes both outcomes. not testable: the experiment could not have come out otherwise."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What became of one claim under one reading, and why one should believe it.

    `reading`: what we took for what the source leaves open. `rests_on`: what a reader has to know before
    believing it. `quantifiers`: whom player variables range over; None where no formula has one.
    `happened`: in one line, with figures. `ecologies`: the populations behind it by name, for figures.
    """

    claim: str
    statement: str
    reading: str
    horizon: str
    happened: str
    outcome: Judgement
    ecologies: Mapping[str, EcologyResult] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    rests_on: str = ""
    quantifiers: Literal["all", "others", "all or others alike"] | None = None

    @property
    def holds(self) -> bool:
        """The claim came out as the source says."""
        return self.outcome == "holds"

    def to_dict(self) -> dict[str, Any]:
        """For JSON; of the ecologies the start, the end and how they ended."""
        return {
            "claim": self.claim,
            "statement": self.statement,
            "reading": self.reading,
            "rests_on": self.rests_on,
            "quantifiers": self.quantifiers,
            "horizon": self.horizon,
            "happened": self.happened,
            "verdict": self.outcome,
            "details": dict(self.details),
            "ecologies": {
                name: {
                    "start": dict(zip(result.names, result.counts[0].tolist(), strict=True)),
                    "final": result.final,
                    "ending": result.how,
                }
                for name, result in self.ecologies.items()
            },
        }


class Claim(Protocol):
    """One published claim, as an experiment."""

    @property
    def name(self) -> str:
        """As it is asked for: ``O7``."""

    @property
    def source(self) -> str:
        """Whose it is, in one word in lower case."""

    @property
    def statement(self) -> str:
        """What the source says, in one line."""

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """What comes out, once for each reading; `replicates` of what has to evolve."""


def decided(holds: bool) -> Judgement:
    """The outcome of an experiment that leaves nothing to chance."""
    return "holds" if holds else "fails"


def more_often_than_not(low: float, high: float) -> Judgement:
    """The outcome for a claim that something has a probability above 1/2, from the interval of that probability.

    >>> more_often_than_not(0.39, 0.78)
    'undecided'
    """
    if low > 0.5:
        return "holds"
    return "fails" if high < 0.5 else "undecided"


def under_both(make: Callable[[Quantifiers], Verdict]) -> list[Verdict]:
    """The verdict with quantifiers over all players and the one over others; one where they do not differ."""
    one, two = replace(make("all"), quantifiers="all"), replace(make("others"), quantifiers="others")
    if (one.happened, one.outcome) == (two.happened, two.outcome):
        return [replace(one, quantifiers="all or others alike")]
    return [one, two]
