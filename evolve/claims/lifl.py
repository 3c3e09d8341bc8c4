"""What LIFL published about meetings and ecologies, as claims L1 to L4."""

from __future__ import annotations

from dataclasses import dataclass

from engine.ecologies import EcologyResult, ecology
from engine.game import Rules
from engine.pairs.tournament import round_robin
from evolve.claims.claim import Claim, Verdict, decided
from genomes.classes import complete_class

TURNS = 1000
PLAYERS_EACH = 100
"""Players of each strategy at the start of a complete class."""
HORIZON = f"{TURNS} turns, 1000 generations"

FINAL = {"cCDDD": 2126, "cCDCD": 701, "cCDDC": 214, "cCDCC": 158}
"""What is left of memory(1,1), after 19 updates."""

GRADUAL = {
    "all_c": 3000,
    "all_d": 915,
    "tit_for_tat": 3000,
    "spiteful": 3000,
    "per_ddc": 2219,
    "per_ccd": 3472,
    "soft_majo": 3000,
    "mistrust": 2996,
    "prober": 2999,
    "gradual": 3000,
    "pavlov": 3000,
}
"""What gradual (the original of 1996) earns in 1000 turns."""


def class_ecology(x: int, y: int) -> EcologyResult:
    """The complete class under the integer rule, as published."""
    start = dict.fromkeys(complete_class(x, y), PLAYERS_EACH)
    return ecology(start, Rules(turns=TURNS), society=False, arithmetic="integer")


@dataclass(frozen=True)
class FinalClaim:
    """L1: what is left of memory(1,1), and when."""

    name = "L1"
    source = "lifl"
    statement = (
        "memory(1,1), 100 of each: cCDDD 2126, cCDCD 701, cCDDC 214, cCDCC 158, fixed after 19 updates"
    )

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One."""
        result = class_ecology(1, 1)
        got = {name.split()[-1]: int(n) for name, n in result.final.items()}
        return [
            Verdict(
                self.name,
                self.statement,
                "integer rule, the total of the start in every update",
                HORIZON,
                ", ".join(f"{name} {n}" for name, n in got.items()) + f"; {result.how}",
                decided(got == FINAL and result.generations == 19 and result.ending == "fixed point"),
                {self.name: result},
            )
        ]


@dataclass(frozen=True)
class WinnerClaim:
    """Which genome is the most numerous in the end of the complete class memory(x,y)."""

    name: str
    x: int
    y: int
    genome: str
    source = "lifl"

    @property
    def statement(self) -> str:
        """What is published."""
        return f"{self.genome} wins the complete class memory({self.x},{self.y}), 100 of each"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One."""
        result = class_ecology(self.x, self.y)
        best = next(iter(result.final))
        return [
            Verdict(
                self.name,
                self.statement,
                "integer rule, the total of the start in every update",
                HORIZON,
                f"{best} has {result.final[best]:.0f} of {PLAYERS_EACH * len(result.names)}; {result.how}",
                decided(best.split()[-1] == self.genome),
                {self.name: result},
            )
        ]


@dataclass(frozen=True)
class ScoresClaim:
    """L4: what gradual earns from each of eleven strategies."""

    name = "L4"
    source = "lifl"
    statement = "gradual earns " + ", ".join(f"{n} v {name}" for name, n in GRADUAL.items())

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One."""
        names = list(GRADUAL)
        table = round_robin(names, Rules(turns=TURNS), self_play=True).payoffs
        row = table[names.index("gradual")] * TURNS
        got = {name: round(v) for name, v in zip(names, row.tolist(), strict=True)}
        others = ", ".join(f"{got[name]} v {name}" for name in names if got[name] != GRADUAL[name])
        return [
            Verdict(
                self.name,
                self.statement,
                "gradual as in the original of 1996",
                f"{TURNS} turns",
                f"otherwise: {others}" if others else "all alike",
                decided(got == GRADUAL),
            )
        ]


CLAIMS: tuple[Claim, ...] = (
    FinalClaim(),
    WinnerClaim("L2", 1, 2, "ccCDCDDCDD"),
    WinnerClaim("L3", 2, 1, "dcCDCDCDDD"),
    ScoresClaim(),
)
"""L1 to L4."""
