"""Partners and rivals: what a strategy makes of whoever it meets, decided on its automaton without any tolerance.

- A *partner* never defects first, no co-player earns more than R from it, and whoever earns R leaves it R as well. A
  *rival* never earns less than its co-player in the long run, whoever that is: Hilbe, Traulsen & Sigmund, "Partners or
  rivals? Strategies for the iterated prisoner's dilemma" (2015).
- *Efficient*: with mistakes that become ever rarer, two of a kind come to mutual cooperation. *Defensible*: it is a
  rival from every state that mistakes can lead to. *Distinguishable*: with ever rarer mistakes it earns more from
  all_c than all_c from it. *Friendly rivals* are efficient and defensible: Yi, Baek & Choi, "Combination with
  anti-tit-for-tat remedies problems of tit-for-tat" (2017); Murase & Baek, "Five rules for friendly rivalry in direct
  reciprocity" (2020).

Everything is about the limit of means. A rival is a best response to itself in the game of *relative* payoffs, in which
one earns what the other loses, so that a Nash gap decides it (see `engine.stability.certificates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.game import SWAP, Game, Rules
from engine.properties import is_nice
from engine.stability.certificates import nash_gap, resident_automaton
from engine.tables import Table
from genomes import catalogue
from genomes.automaton import Automaton
from genomes.strategy import StrategyLike

MAX_PAIRED_STATES = 1500
"""Joint states of two players up to which the limit of rare mistakes is computed: seconds."""

NEVER = 2**40
"""The order of what does not happen."""

RELATIVE = Rules(Game(R=0, S=-1, T=1, P=0), limit_of_means=True)
"""One earns what the other loses: only who defected more often counts."""

GENEROSITY = 2**16
"""A partner's co-player that earns less than R by up to a share 1 / GENEROSITY of what it takes from the partner counts
as one that earns R; for pure strategies of up to some thousand states this decides exactly."""


@dataclass(frozen=True)
class Rivalry(Table):
    """Whether a strategy is a partner, a rival, and a friendly rival: see the head of this file."""

    partner: bool
    rival: bool
    efficient: bool
    defensible: bool
    distinguishable: bool

    @property
    def friendly_rival(self) -> bool:
        """Efficient and defensible."""
        return self.efficient and self.defensible

    @property
    def words(self) -> str:
        """ "partner", "rival", "partner and rival" or "neither partner nor rival"."""
        found = [word for word, holds in (("partner", self.partner), ("rival", self.rival)) if holds]
        return " and ".join(found) or "neither partner nor rival"

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a property."""
        decided = asdict(self) | {"friendly rival": self.friendly_rival}
        return {"property": list(decided), "holds": list(decided.values())}

    def __str__(self) -> str:
        rows = zip(*self.columns().values(), strict=True)
        return "\n".join(f"{name:15}  {'yes' if holds else 'no'}" for name, holds in rows)


def rivalry(strategy: StrategyLike, game: Game | None = None) -> Rivalry:
    """Whether a strategy about the pair alone is a partner or a rival in the limit of means.

    Only being a partner depends on the payoffs. Raises ValueError for a strategy that is no automaton, that counts
    turns, or that has more states than can be decided.

    >>> rivalry("tit_for_tat").words, rivalry("tit_for_tat").efficient
    ('partner and rival', False)
    >>> rivalry("pavlov").efficient, rivalry("pavlov").defensible
    (True, False)
    """
    whole = resident_automaton(
        strategy, Rules(limit_of_means=True, noise=0.5)
    )  # with all that mistakes can reach
    own = whole.canonical(noisy=False)
    all_c = catalogue.get("all_c").automaton()
    return Rivalry(
        partner=is_nice(own) and nash_gap(own, _grudging(game or Game())) == 0,
        rival=nash_gap(own, RELATIVE) == 0,
        efficient=moves_left(whole, whole) == {"CC"},
        defensible=nash_gap(_from_anywhere(whole), RELATIVE) == 0,
        distinguishable="DC" in moves_left(whole, all_c),
    )


def _grudging(game: Game) -> Rules:
    """The game of a co-player who of all that earn it R likes best what costs the partner most."""
    own, partners = game.payoffs, game.payoffs[SWAP]
    return Rules(Game(*(GENEROSITY * own - (partners - game.R)).tolist()), limit_of_means=True)


def _from_anywhere(own: Automaton) -> Automaton:
    """The same strategy behind a row of states in which the co-player's moves choose where to begin."""
    n = len(own)
    here = np.arange(n, 2 * n, dtype=np.int32)
    onward = np.append(
        np.arange(1, n, dtype=np.int32), here[-1]
    )  # at C: to the next of the row; at D: begin here
    choosing = np.stack([onward, here, onward, here], axis=1)
    idle = np.zeros(n)
    return Automaton(
        np.append(idle, own.defect),
        np.concatenate([choosing, own.successors + n]).astype(np.int32),
        np.append(idle + 1, own.cooperate),
    )


def moves_left(a: Automaton, b: Automaton) -> set[str]:
    """The joint moves whose share in the long run does not vanish with the chance e of a mistake.

    Every chance of a step is c e^k to leading order, c > 0, and only k counts: the stationary distribution follows from
    the orders k alone, by elimination without a subtraction (Grassmann, Taksar & Heyman, 1985), in which sums of
    positive terms become minima and products sums. Beginning anew has an order beyond all others, so that what cannot
    be left is weighted by the chance to end there.
    """
    pairs, steps, intended = _paired(a, b)
    n = len(pairs)
    order = np.full((n, n), NEVER, np.int64)
    for i, j, k in steps:
        order[i, j] = min(order[i, j], k)
    order[:, 0] = np.minimum(order[:, 0], 4 * n + 4)
    left = np.zeros(n, np.int64)
    for k in range(n - 1, 0, -1):
        left[k] = order[k, :k].min()
        np.minimum(order[:k, :k], order[:k, k, None] + (order[k, :k] - left[k]), out=order[:k, :k])
    weight = np.zeros(n, np.int64)
    for k in range(1, n):
        weight[k] = (weight[:k] + order[:k, k]).min() - left[k]
    return {move for i in np.flatnonzero(weight == weight.min()).tolist() for move in intended[i]}


def _paired(
    a: Automaton, b: Automaton
) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]], list[set[str]]]:
    """Joint states that mistakes can reach, steps (from, to, mistakes), and what is played in each without one."""
    pairs, place = [(0, 0)], {(0, 0): 0}
    steps: list[tuple[int, int, int]] = []
    intended: list[set[str]] = []
    for i, (s, t) in enumerate(pairs):  # grows while it is read
        intended.append(set())
        for x in (0, 1):
            for y in (0, 1):
                mistakes = int(_slip(a, s, x)) + int(_slip(b, t, y))
                after = int(a.successors[s, 2 * x + y]), int(b.successors[t, 2 * y + x])
                if after not in place:
                    place[after] = len(pairs)
                    pairs.append(after)
                steps.append((i, place[after], mistakes))
                if not mistakes:
                    intended[i].add("CD"[x] + "CD"[y])
        if len(pairs) > MAX_PAIRED_STATES:
            raise ValueError(
                f"strategy: expected at most {MAX_PAIRED_STATES} joint states for the limit of rare mistakes, got more"
            )
    return pairs, steps, intended


def _slip(own: Automaton, state: int, move: int) -> bool:
    """Whether this move is only made by mistake."""
    return bool((own.defect if move else own.cooperate)[state] == 0)
