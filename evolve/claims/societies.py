"""Ord's claims about societies with chance: O11, a small chance of error, and O12, members who play at random."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules
from engine.intervals import wilson
from engine.societies.sipd import society
from evolve.claims.claim import Verdict, decided, more_often_than_not, under_both
from genomes.formula.syntax import Quantifiers

PLAYERS, TURNS, NOISE, REPLICATES = 20, 200, 0.01, 32
BROKEN_RATE = 0.05
"""Cooperation in the second half below which Absolutists have ended up defecting on each other."""
CHANCES = (0.5, 0.1, 0.01)
"""Probabilities that a random member defects: the share of its moves that chance makes different."""


@dataclass(frozen=True)
class SlipClaim:
    """O11: Absolutists alone, each move slipping now and then; Pavlov is the control that recovers."""

    players: int = PLAYERS
    turns: int = TURNS
    noise: float = NOISE
    societies: int = REPLICATES
    name = "O11"
    source = "ord"
    statement = "a small chance of error: Absolutists end up defecting on each other and never recover"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One for each reading of quantifiers."""
        return under_both(self.verdict)

    def verdict(self, quantifiers: Quantifiers) -> Verdict:
        """The verdict under one reading of quantifiers."""
        rules = Rules(turns=self.turns, noise=self.noise, quantifiers=quantifiers)
        by_round = {}
        for name in ("absolutist", "pavlov"):
            result = society({name: self.players}, rules, replicates=self.societies, seed=11)
            by_round[name] = result.cooperation_by_round()[:, 0, 0]
        path, control = by_round["absolutist"], by_round["pavlov"]
        below = np.flatnonzero(path < 0.5)
        collapse = int(below[0]) + 1 if len(below) else None
        late = path[self.turns // 2 :]
        marks = [mark for mark in (1, 5, 10, 20, 50, self.turns) if mark <= self.turns]
        happened = "cooperation " + ", ".join(f"{path[mark - 1]:.0%} in round {mark}" for mark in marks)
        happened += f"; control pavlov {control[self.turns // 2 :].mean():.0%} in the second half"
        return Verdict(
            self.name,
            self.statement,
            f"{self.players} players, error {self.noise:g}; never recover: at most "
            f"{BROKEN_RATE + self.noise:.0%} cooperation in every round of the second half",
            f"{self.turns} rounds, mean of {self.societies} replicates",
            happened,
            decided(collapse is not None and float(late.max()) < BROKEN_RATE + self.noise),
            details={name: values.tolist() for name, values in by_round.items()} | {"collapse": collapse},
        )


@dataclass(frozen=True)
class RandomMembersClaim:
    """O12: Absolutists among members who leave a share of their moves to chance, nobody making mistakes."""

    players: int = PLAYERS
    turns: int = TURNS
    societies: int = REPLICATES
    name = "O12"
    source = "ord"
    statement = "random members, no error: the same is said of Absolutists"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One for each share of chance, and for each reading of quantifiers where they differ."""
        return [v for chance in CHANCES for v in under_both(partial(self.verdict, chance))]

    def verdict(self, chance: float, quantifiers: Quantifiers) -> Verdict:
        """The verdict where random members defect with a probability, under one reading of quantifiers."""
        late = self._cooperation(chance, quantifiers)[:, self.turns // 2 :].mean(axis=1)
        broken, parted = int((late < BROKEN_RATE).sum()), int((late < 1).sum())
        low, high = wilson(broken, self.societies)
        some = wilson(parted, self.societies)
        return Verdict(
            self.name,
            self.statement,
            f"{self.players} Absolutists, {self.players // 4} random members who defect with probability "
            f"{chance:g}; the same: below {BROKEN_RATE:.0%} cooperation, more often than not",
            f"{self.turns} rounds, {self.societies} replicates",
            f"cooperation among Absolutists {late.mean():.0%} in the second half; below {BROKEN_RATE:.0%} in "
            f"{broken} of {self.societies} replicates ({low:.0%} to {high:.0%}), "
            f"some of them defect on each other in {parted} ({some[0]:.0%} to {some[1]:.0%})",
            more_often_than_not(low, high),
            details={
                "chance": chance,
                "broken": broken,
                "parted": parted,
                "interval": [low, high],
                "late": late.tolist(),
            },
            rests_on={
                "all": "all Absolutists see the same and treat everybody alike, whatever is random",
                "others": "what is done to oneself is no play of third parties, so Absolutists can see different "
                "things; that the source means all of them, not some",
            }[quantifiers],
        )

    def _cooperation(self, chance: float, quantifiers: Quantifiers) -> NDArray[np.float64]:
        """Share of C among Absolutists, ``(societies, turns)``."""
        start = {"absolutist": self.players, f"memory(0,0) | {1 - chance}": self.players // 4}
        rules = Rules(turns=self.turns, quantifiers=quantifiers)
        return np.stack(
            [
                society(start, rules, replicates=1, seed=12 + k).cooperation_by_round()[:, 0, 0]
                for k in range(self.societies)
            ]
        )


O11, O12 = SlipClaim(), RandomMembersClaim()
