"""What "The prisoner's dilemma in agent systems" says of escrow, noise and the discount factor, as claims A1 to A4.

Its models are computed exactly where it simulates, and the reasoning that its numbers cannot bear is named beside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.game import Game, Rules
from engine.pairs.tournament import round_robin
from engine.stability.certificates import nash_gap
from evolve.claims.claim import Claim, Verdict, decided
from genomes import catalogue

SIMULATIONS = 20
"""Simulated markets behind an interval."""

TURNS, NOISE = 200, 0.02
"""Of the tournament of eight."""

DEFECTS = (
    "its defection rate is given from outside, so the simulation cannot show changed incentives; its premium subtracts "
    "two parts of one population; and it calls C dominant and the game one of coordination, which cannot both be"
)


@dataclass(frozen=True)
class EscrowMarket:
    """Agents who exchange services in pairs, a part of them in escrow; `value` of each service.

    A pair in escrow completes and both pay the `fee`, a share of the value; without it a deal is lost to both with the
    probability `defection`, which no incentive changes.
    """

    agents: int = 100
    rounds: int = 200
    fee: float = 0.01
    defection: float = 0.2
    value: float = 10.0

    def _pairs(self, adoption: float) -> tuple[int, int]:
        """Pairs in escrow, and pairs without."""
        inside = int(self.agents * adoption)
        return inside // 2, (self.agents - inside) // 2

    def expected(self, adoption: float) -> float:
        """Expected total value: rounds times 2 V (1 - fee) a pair in escrow, 2 V (1 - defection) a pair without.

        >>> [round(EscrowMarket().expected(p)) for p in (0, 0.5, 1)]
        [160000, 179000, 198000]
        """
        inside, outside = self._pairs(adoption)
        return 2 * self.value * self.rounds * (inside * (1 - self.fee) + outside * (1 - self.defection))

    def simulated(self, adoption: float, rng: np.random.Generator) -> float:
        """The total value of one simulated market."""
        inside, outside = self._pairs(adoption)
        completed = int(rng.binomial(outside * self.rounds, 1 - self.defection))
        return 2 * self.value * (inside * self.rounds * (1 - self.fee) + completed)

    def gain(self) -> float:
        """What adoption by all adds to the value without any."""
        return self.expected(1.0) / self.expected(0.0) - 1


@dataclass(frozen=True)
class EscrowClaim:
    """A1: how much value escrow adds."""

    name = "A1"
    source = "agents"
    statement = "with 20 % defection, escrow for all creates approximately 20 % more value than for none"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One; `replicates` simulated markets."""
        market, runs = EscrowMarket(), replicates or SIMULATIONS
        totals = [market.simulated(0.0, np.random.default_rng(seed)) for seed in range(runs)]
        mean = math.fsum(totals) / runs
        gains = [market.expected(1.0) / total - 1 for total in totals]
        needed = 1 - (1 - market.fee) / 1.2
        expected = [market.expected(p) for p in (0.0, 0.5, 1.0)]
        return [
            Verdict(
                self.name,
                self.statement,
                f"{market.agents} agents, fee {market.fee:.0%}; approximately: within 1 % of the value",
                f"{market.rounds} rounds",
                f"expected {' / '.join(f'{x:.0f}' for x in expected)} at adoption 0 / half / all: "
                f"{market.gain():+.2%}; "
                f"{runs} simulations {mean:.0f} at 0, {min(gains):+.1%} to {max(gains):+.1%}; 20 % would need "
                f"{needed:.1%} defection",
                decided(abs(market.gain() - 0.2) < 0.01),
                details={
                    "expected": expected,
                    "gain": market.gain(),
                    "simulated": totals,
                    "defection_for_20_percent": needed,
                    "break_even_defection": market.fee,
                },
                rests_on=DEFECTS,
            )
        ]


@dataclass(frozen=True)
class TournamentClaim:
    """A2: win-stay, lose-shift against Tit for Tat under noise."""

    name = "A2"
    source = "agents"
    statement = "Pavlov does better than Tit for Tat in the noisy tournament of eight"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One, by expected scores."""
        table = round_robin(catalogue.names("agents"), Rules(turns=TURNS, noise=NOISE), self_play=True)
        scores = dict(zip(table.names, table.scores.tolist(), strict=True))
        # the source adds both scores of a meeting to both players, so each has the mean of the two
        shared = ((table.payoffs + table.payoffs.T) / 2).mean(axis=1)
        credited = dict(zip(table.names, shared.tolist(), strict=True))

        def ranking(of: dict[str, float]) -> str:
            return " > ".join(f"{name} {of[name]:.3f}" for name in sorted(of, key=lambda name: -of[name]))

        return [
            Verdict(
                self.name,
                self.statement,
                f"noise {NOISE:g}, everybody meets itself too; expected scores, each player its own",
                f"{TURNS} turns",
                f"{ranking(scores)}",
                decided(scores["pavlov"] > scores["tit_for_tat"]),
                details={"scores": scores, "scores_as_credited_by_the_source": credited},
                rests_on="the source credits both players of a meeting with the scores of both, by which the ranking "
                f"is another: {ranking(credited)}",
            )
        ]


AGENT_TYPES = {
    "single-use task agent": ((0.0,), "none"),
    "session agent": ((0.1, 0.3), "very low"),
    "service agent": ((0.5, 0.7), "moderate"),
    "infrastructure agent": ((0.8, 0.95), "high"),
}
"""The discount factors of the source's table, and the incentive that it sees there."""

SLIPS = 0.01
"""The noise of a second table."""

RESIDENTS = ("grim", "tit_for_tat", "pavlov")
"""Who may be held up by reputation alone."""


def certified(delta: float, noise: float = 0.0) -> list[str]:
    """Which residents no mutant of any memory invades at a continuation probability."""
    return [name for name in RESIDENTS if nash_gap(name, Rules(continuation=delta, noise=noise)) == 0]


@dataclass(frozen=True)
class AgentTypesClaim:
    """A3: how far the future holds up cooperation, by type of agent."""

    name = "A3"
    source = "agents"
    statement = (
        "incentive to cooperate: none at a discount of 0, very low at .1 to .3, moderate at .5 to .7, "
        "high at .8 to .95"
    )

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One: a table of certificates."""
        table = {kind: {d: certified(d) for d in deltas} for kind, (deltas, _) in AGENT_TYPES.items()}
        none = [
            not names for kind in ("single-use task agent", "session agent") for names in table[kind].values()
        ]
        service = list(table["service agent"].values())
        some = all(service) and service[0] != service[-1]
        noisy = {d: certified(d, SLIPS) for deltas, _ in AGENT_TYPES.values() for d in deltas}
        slipping = (
            ", ".join(f"{d:g}: {' '.join(names)}" for d, names in noisy.items() if names) or "nobody anywhere"
        )
        high = all({"grim", "tit_for_tat"} <= set(names) for names in table["infrastructure agent"].values())
        return [
            Verdict(
                self.name,
                self.statement,
                "continuation probability = discount; none and very low: nobody certified; moderate: more residents "
                "at its end than at its start; high: grim and tit_for_tat throughout",
                "every mutant of any memory",
                "; ".join(
                    f"{kind} "
                    + ", ".join(f"{d:g}: {' '.join(names) or 'nobody'}" for d, names in row.items())
                    for kind, row in table.items()
                ),
                decided(all(none) and some and high),
                details={kind: {str(d): names for d, names in row.items()} for kind, row in table.items()},
                rests_on=f"play without slips; with one in a hundred moves slipping the same table has {slipping}",
            )
        ]


@dataclass(frozen=True)
class CriticalDiscountClaim:
    """A4: the discount factor from which cooperation can be held up."""

    name = "A4"
    source = "agents"
    statement = "cooperation is sustained from a discount factor of (T - R)/(T - P) on, here 0.5"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One: the formula against certificates, in several games."""
        found = []
        for game in (Game(), Game(4, 0, 5, 1), Game(3, -1, 4, 0), Game(6, 1, 10, 2)):
            border = (game.T - game.R) / (game.T - game.P)
            sides = [
                {name: nash_gap(name, Rules(game, continuation=d)) == 0 for name in RESIDENTS}
                for d in (border - 1e-6, border + 1e-6)
            ]
            found.append((game, border, sides))
        grim = all(not below["grim"] and above["grim"] for _, _, (below, above) in found)
        others = [name for name in RESIDENTS[1:] if all(above[name] for _, _, (_, above) in found)]
        return [
            Verdict(
                self.name,
                self.statement,
                "sustained: grim is certified just above the border and not just below it, in four games",
                "every mutant of any memory",
                f"grim {'exactly from there on' if grim else 'elsewhere'}; of the others "
                f"{', '.join(others) if others else 'nobody yet'}: tit_for_tat needs "
                "max((T-R)/(T-P), (T-R)/(R-S)) = 2/3",
                decided(grim),
                details={str(game): border for game, border, _ in found},
                rests_on="the formula is grim's, which never forgives; others need more",
            )
        ]


CLAIMS: tuple[Claim, ...] = (EscrowClaim(), TournamentClaim(), AgentTypesClaim(), CriticalDiscountClaim())
"""The claims of this source, in order."""
