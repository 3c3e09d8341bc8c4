"""A public record: partners change every round, and the last move of a partner is seen with a declared probability.

Nobody meets the same partner twice, so what was done to others is all there is to go by; a partner of whom nothing is
seen counts as good: as one who played C. A strategy is what it is in pairs, and takes the record of its new partner for
its partner's last move. `public_record` is the mean field, the limit of infinitely many players: there the records of
two who meet are independent, and shares follow an equation. `simulated_record` plays a finite population, and says how
far from that limit it is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules, conditions
from engine.ledger import Ledger, ledger_of
from engine.pairs.behaviours import Behaviours, compile_behaviours
from engine.tables import Table
from genomes.formula.genome import FormulaGenome
from genomes.reading import label, resolve
from genomes.strategy import Compiled, StrategyLike, is_compiled

MAX_ROUNDS = 2**18
"""Rounds that a population is followed for."""

LEFT = 1e-17
"""With a continuation probability, what the rounds that are left out weigh at most."""

ROUNDED = 1e-12
"""A gain below this share of the largest |payoff| is none."""

LOOKED_AT = 129
"""Visibilities at which borders are looked for; each is then bisected."""

BORDER = 1e-9
"""Borders of visibility are known to this."""


class UnsettledError(ValueError):
    """A population that has not settled, in the limit of means."""


@dataclass(frozen=True, eq=False)
class PublicRecord(Table):
    """What strategies may expect in an infinite population. `shares`, `payoffs`, `cooperation`: ``(k,)``, per turn.

    `frequencies`: ``(k, 4)`` shares of the joint moves.
    """

    names: tuple[str, ...]
    shares: NDArray[np.float64]
    visibility: float
    rules: Rules
    frequencies: NDArray[np.float64]

    @cached_property
    def payoffs(self) -> NDArray[np.float64]:
        """Payoff per turn, ``(k,)``."""
        return self.rules.stage.mean_payoff(self.frequencies, 1.0)

    @cached_property
    def cooperation(self) -> NDArray[np.float64]:
        """Share of own moves that are C, ``(k,)``."""
        return self.rules.stage.cooperation(self.frequencies, 1.0)

    @property
    def ledger(self) -> Ledger | None:
        """What mechanisms take and give; None where there is none."""
        return ledger_of(self.names, self.rules, self.frequencies)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a strategy."""
        return {
            "strategy": self.names,
            "share": self.shares.tolist(),
            "payoff": self.payoffs.tolist(),
            "cooperation": self.cooperation.tolist(),
        }

    def __str__(self) -> str:
        width = max(len("strategy"), *(len(name) for name in self.names))
        rows = zip(*self.columns().values(), strict=True)
        return "\n".join(
            [f"{'strategy':{width}}   share  payoff  cooperation"]
            + [f"{name:{width}}  {share:6.4f}  {pay:6.4f}  {rate:11.4f}" for name, share, pay, rate in rows]
        )


@dataclass(frozen=True, eq=False)
class SimulatedRecord:
    """What a finite population of `players` earned in `plays` of it; `limit` is the mean field beside it.

    By strategy, ``(k,)``: `payoffs` and `cooperation`, means over plays, and their standard errors; all per turn.
    """

    limit: PublicRecord
    players: int
    plays: int
    seed: int
    payoffs: NDArray[np.float64]
    payoff_errors: NDArray[np.float64]
    cooperation: NDArray[np.float64]
    cooperation_errors: NDArray[np.float64]

    @property
    def distance(self) -> NDArray[np.float64]:
        """Payoffs above those of the mean field, ``(k,)``: their error is `payoff_errors`."""
        return self.payoffs - self.limit.payoffs


@dataclass(frozen=True)
class RecordCertificate:
    """The best of all mutants, of any memory, in an infinite population of residents.

    `gap`: what it earns above the residents, exactly 0 below `ROUNDED` of the largest payoff. Nobody meets a partner
    again, so own and partner's record are all that a memory is good for.
    """

    resident: str
    visibility: float
    rules: Rules
    self_payoff: float
    cooperation: float
    best_payoff: float
    gap: float


def public_record(
    members: Mapping[StrategyLike, float], visibility: float, rules: Rules | None = None
) -> PublicRecord:
    """The mean field: what each strategy expects in an infinite population with `members` in these proportions.

    A partner's last move is seen with probability `visibility`, by each for itself; unknown counts as C. With errors
    e an infinite population of Tit for Tat that sees all defects half of the time, and with visibility q a share
    e / (1 - (1 - 2 e) q) of it:

    >>> rules = Rules(limit_of_means=True, noise=0.01)
    >>> [round(1 - float(public_record({"tit_for_tat": 1}, q, rules).cooperation[0]), 4) for q in (0.5, 0.9, 1)]
    [0.0196, 0.0847, 0.5]

    Raises ValueError for mechanisms that remember something of a pair, for more rounds than `MAX_ROUNDS`, and in the
    limit of means where a population has not settled after so many.
    """
    found, rules, shares = _read(members, visibility, rules)
    _, joint = _followed(found, shares, visibility, rules)
    return PublicRecord(tuple(map(label, members)), shares, float(visibility), rules, joint)


def record_certificate(
    resident: StrategyLike, visibility: float, rules: Rules | None = None
) -> RecordCertificate:
    """Does any rare mutant do better than the residents of an infinite population? Exactly, by backward induction.

    Tit for Tat with continuation probability d holds from d q = max((T-R)/(T-P), (T-R)/(R-S)) on, as in pairs from d:

    >>> [record_certificate("tit_for_tat", q, Rules(continuation=0.8)).gap > 0 for q in (0.83, 0.84)]
    [True, False]
    """
    found, rules, shares = _read({resident: 1.0}, visibility, rules)
    path, joint = _followed(found, shares, visibility, rules)
    own = PublicRecord((label(resident),), shares, float(visibility), rules, joint)
    payoff = float(own.payoffs[0])
    if rules.limit_of_means:
        best = _best_in_the_limit(path[-1], visibility, rules)
        gap = best - payoff
    else:
        from engine import record_kernels

        best, gap = record_kernels.best_value(
            path, _weights(rules), float(visibility), rules.noise, rules.stage.payoffs
        )
    gap = 0.0 if gap <= ROUNDED * float(np.abs(rules.stage.payoffs).max()) else float(gap)
    return RecordCertificate(
        own.names[0], float(visibility), rules, payoff, float(own.cooperation[0]), payoff + gap, gap
    )


def holding_visibilities(
    resident: StrategyLike, rules: Rules | None = None, mutant: StrategyLike | None = None
) -> list[tuple[float, float]]:
    """Intervals of visibility in which no rare mutant (or not this `mutant`) does better than the residents.

    Looked for at `LOOKED_AT` visibilities and then bisected to `BORDER`: what is narrower than a step can be missed.
    In the limit of means a visibility at which residents do not settle is not counted.

    >>> [(round(low, 6), high) for low, high in holding_visibilities("tit_for_tat", Rules(turns=5), "all_d")]
    [(0.625, 1.0)]
    """
    rules = conditions(rules)
    largest = float(np.abs(rules.stage.payoffs).max())

    def holds(visibility: float) -> bool | None:
        try:
            if mutant is None:
                return record_certificate(resident, visibility, rules).gap == 0
            own, other = public_record({resident: 1.0, mutant: 0.0}, visibility, rules).payoffs.tolist()
        except UnsettledError:
            return None
        return bool(other - own <= ROUNDED * largest)

    grid = [k / (LOOKED_AT - 1) for k in range(LOOKED_AT)]
    there = [holds(q) is True for q in grid]
    found: list[tuple[float, float]] = []
    start = 0.0
    for (low, before), (high, now) in itertools.pairwise(zip(grid, there, strict=True)):
        if before == now:
            continue
        while high - low > BORDER and (middle_holds := holds((low + high) / 2)) is not None:
            middle = (low + high) / 2
            low, high = (middle, high) if middle_holds == before else (low, middle)
        if now:
            start = high
        else:
            found.append((start, low))
    return [*found, (start, 1.0)] if there[-1] else found


def simulated_record(
    members: Mapping[StrategyLike, int],
    visibility: float,
    rules: Rules | None = None,
    *,
    plays: int = 100,
    seed: int = 0,
) -> SimulatedRecord:
    """The same with so many players, drawn into new pairs every round: an even number of them.

    Raises ValueError for an odd number, fewer than two plays, and the limit of means, which no simulation reaches.

    >>> found = simulated_record({"tit_for_tat": 90, "all_d": 10}, 0.8, Rules(turns=20), seed=1)
    >>> bool((abs(found.distance) < 0.05).all()), found.players
    (True, 100)
    """
    limit = public_record(members, visibility, rules)
    found, rules, _ = _read(members, visibility, rules)
    counts = list(members.values())
    if any(isinstance(n, bool) or n != int(n) for n in counts) or sum(counts) % 2:
        raise ValueError(
            f"members: expected an even number of players for pairs that change, got {counts}, {sum(counts):g} in all"
        )
    if rules.limit_of_means:
        raise ValueError(
            "rules: expected turns or a continuation probability in a simulation, got limit of means"
        )
    if isinstance(plays, bool) or plays != int(plays) or plays < 2:
        raise ValueError(f"plays: expected a whole number from 2 on, for an error, got {plays!r}")
    kinds = np.repeat(np.arange(len(counts)), [int(n) for n in counts])
    joint = _simulated(found, kinds, float(visibility), rules, int(plays), seed)  # (plays, k, 4)
    payoffs = np.stack([rules.stage.mean_payoff(one, 1.0) for one in joint])
    rates = np.stack([rules.stage.cooperation(one, 1.0) for one in joint])
    error = math.sqrt(plays)
    return SimulatedRecord(
        limit, len(kinds), int(plays), seed,
        payoffs.mean(axis=0), payoffs.std(axis=0, ddof=1) / error,
        rates.mean(axis=0), rates.std(axis=0, ddof=1) / error,
    )  # fmt: skip


# --- inside ---------------------------------------------------------------------------------------------------


def _read(
    members: Mapping[StrategyLike, float], visibility: float, rules: Rules | None
) -> tuple[Behaviours, Rules, NDArray[np.float64]]:
    rules = conditions(rules)
    if isinstance(visibility, bool) or not 0 <= visibility <= 1:
        raise ValueError(f"visibility: expected 0 <= visibility <= 1, got {visibility!r}")
    if not rules.stage.plain:
        raise ValueError(
            "mechanisms: expected those that keep no state of a pair, such as fine or escrow, where partners change "
            f"every round, got {', '.join(map(str, rules.mechanisms))}"
        )
    shares = np.array(list(members.values()), np.float64)
    if not len(shares) or not np.isfinite(shares).all() or (shares < 0).any() or not shares.sum() > 0:
        raise ValueError(f"members: expected numbers of players >= 0 and not all 0, got {shares.tolist()}")
    return compile_behaviours([_strategy(spec) for spec in members], rules), rules, shares / shares.sum()


def _strategy(spec: StrategyLike) -> Compiled:
    strategy = resolve(spec)
    if isinstance(strategy, FormulaGenome) and not strategy.pair_only:
        raise ValueError(f"members: expected strategies about a pair alone, got {label(spec)}")
    if not (isinstance(strategy, FormulaGenome) or is_compiled(strategy)):
        raise ValueError(
            f"members: expected genomes or automata, got {label(spec)}, a player in plain Python"
        )
    return strategy


def _weights(rules: Rules) -> NDArray[np.float64]:
    """Of each round; in the limit of means alike, for as long as a population is given to settle."""
    if rules.limit_of_means:
        return np.ones(MAX_ROUNDS)
    if rules.turns is not None:
        rounds = rules.turns
    else:
        d = rules.continuation or 0.0
        rounds = 1 + math.ceil(math.log(LEFT) / math.log(d)) if d > 0 else 1
    if rounds > MAX_ROUNDS:
        raise ValueError(
            f"rules: expected at most {MAX_ROUNDS} rounds with a public record, got {rules.horizon}, which takes "
            f"{rounds}; the limit of means has no such bound"
        )
    if rules.turns is not None:
        return np.full(rounds, 1 / rounds)
    d = rules.continuation or 0.0
    weights = (1 - d) * d ** np.arange(rounds, dtype=np.float64)
    return np.asarray(weights / math.fsum(weights.tolist()))


def _states(
    found: Behaviours,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The automata of the strategies end to end, one for each strategy: chances, next states, owners, first states."""
    automata = [found.automaton(d) for d in found.index.tolist()]
    sizes = [len(one) for one in automata]
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    chance = np.concatenate([np.stack([one.cooperate, one.defect], axis=1) for one in automata])
    to = np.concatenate(
        [one.successors.astype(np.int64) + at for one, at in zip(automata, first, strict=True)]
    )
    return np.ascontiguousarray(chance), to, np.repeat(np.arange(len(sizes)), sizes), first


def _followed(
    found: Behaviours, shares: NDArray[np.float64], visibility: float, rules: Rules
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the population intends, ``(t, m, s, x)``, and the joint moves of each strategy, ``(k, 4)``."""
    from engine import record_kernels

    weights = _weights(rules)
    path = np.zeros((1 if rules.limit_of_means else len(weights), 2, 2, 2))
    settled, cycle, joint = record_kernels.followed(
        *_states(found), shares, float(visibility), rules.noise, weights, rules.limit_of_means, path
    )
    if not settled:
        raise UnsettledError(
            f"rules: expected a population that settles within {MAX_ROUNDS} rounds in the limit of means, got one "
            f"that has not at visibility {visibility:g}; turns or a continuation probability need none"
        )
    if cycle > 1:
        path[:] = np.nan  # no round is as the others
    return path, joint


def _best_in_the_limit(act: NDArray[np.float64], visibility: float, rules: Rules) -> float:
    """The most that a mutant earns among residents that have settled: of all that look at both records, the best."""
    if np.isnan(act).any():
        raise UnsettledError(
            "rules: expected residents that settle, in the limit of means, got some that alternate for ever; turns or "
            "a continuation probability are certified"
        )
    from engine import record_kernels

    e, nothing = rules.noise, np.zeros(2)
    choices: list[list[tuple[float, float]]] = []  # by own last move: (payoff, chance that the next one is D)
    for m in range(2):
        rows = []
        worths, chances = [], []
        for seen in range(3):
            worths.append(
                record_kernels.worth(act, visibility, e, 1.0, rules.stage.payoffs, nothing, m, seen)
            )
            unit = record_kernels.worth(act, visibility, 0.0, 0.0, rules.stage.payoffs, np.ones(2), m, seen)
            chances.append(unit[0])
        for moves in itertools.product((0, 1), repeat=3):
            payoff = math.fsum(worths[o][x] for o, x in enumerate(moves))
            rows.append(
                (payoff, math.fsum(c * ((1 - e) if x else e) for c, x in zip(chances, moves, strict=True)))
            )
        choices.append(rows)
    best = -math.inf
    for (after_c, c_to_d), (after_d, d_to_d) in itertools.product(*choices):
        leaves_d = max(0.0, 1 - d_to_d)
        if c_to_d + leaves_d <= ROUNDED:  # either last move lasts for ever
            best = max(best, after_c, after_d)
        else:
            bad = c_to_d / (c_to_d + leaves_d)
            best = max(best, (1 - bad) * after_c + bad * after_d)
    return best


def _simulated(
    found: Behaviours, kinds: NDArray[np.int64], visibility: float, rules: Rules, plays: int, seed: int
) -> NDArray[np.float64]:
    """Weighted joint moves of a mean player of each strategy, ``(plays, k, 4)``."""
    chance, to, _, first = _states(found)
    rng = np.random.default_rng(seed)
    players = len(kinds)
    state = np.tile(first[kinds], (plays, 1))
    everyone = np.tile(np.arange(players), (plays, 1))
    rows = np.arange(plays)[:, None]
    last = np.zeros((plays, players), np.int64)
    joint = np.zeros((plays, len(first), 4))
    numbers = np.bincount(kinds)
    cells = (rows * len(first) + kinds[None, :]) * 4
    for t, weight in enumerate(_weights(rules).tolist()):
        order = rng.permuted(everyone, axis=1).reshape(plays, players // 2, 2)
        partner = np.empty_like(everyone)
        partner[rows, order[:, :, 0]] = order[:, :, 1]
        partner[rows, order[:, :, 1]] = order[:, :, 0]
        if t:
            sees = rng.random((plays, players)) < visibility
            state = to[state, 2 * last + sees * last[rows, partner]]
        last = (rng.random((plays, players)) < chance[state, 1]).astype(np.int64)
        if rules.noisy:
            last ^= rng.random((plays, players)) < rules.noise
        index = cells + 2 * last + last[rows, partner]
        joint += weight * np.bincount(index.ravel(), minlength=joint.size).reshape(joint.shape)
    return joint / numbers[None, :, None]
