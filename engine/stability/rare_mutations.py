"""The long run: what a finite population plays when mutants are so rare that each fixes or dies before the next.

Then nearly always everybody plays one strategy, and the population walks from strategy to strategy: a Markov chain with
one state a strategy (Fudenberg & Imhof, "Imitation processes with small mutations", 2006). Its rates are the chance
that a mutant arises times the chance that it takes over, its stationary distribution says how much of the time each
strategy is what is played. Both span hundreds of powers of ten, so all is in logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.game import Rules, conditions
from engine.ledger import Ledger
from engine.names import behaviour_label, name_of
from engine.pairs.tournament import round_robin
from engine.stability.fixation import Process, check_selection, log_fixations
from engine.tables import Table
from genomes.classes import with_classes
from genomes.lookup import LookupGenome, entries
from genomes.reading import given_twice, label, resolve
from genomes.strategy import StrategyLike

Mutants = Literal["uniform", "neighbours"]
"""Who arises among residents. Uniform: any other strategy. Neighbours: a genome with one entry changed."""

MAX_STATES = 2**12
"""States of the largest chain: elimination takes the cube of them, about two minutes."""

SHOWN = 12
"""Behaviours in a printed result."""


@dataclass(frozen=True)
class Played:
    """A behaviour in the long run: its name, one genome of it, how many there are, and its share of the time.

    `payoff` (a turn) and `cooperation` are those of a population that plays it.
    """

    name: str
    strategy: str
    strategies: int
    share: float
    cooperation: float
    payoff: float


@dataclass(frozen=True, eq=False)
class LongRun(Table):
    """How much of the time a population plays each strategy, when mutants are rare.

    `names`, and by strategy, ``(n,)``: `log_shares`, natural logarithms of the shares; `payoffs` per turn and
    `cooperation_rates`, of a population that plays it. `behaviours`: the key of what each does, None for a Python
    player. `law`: who arises, in words.
    """

    names: tuple[str, ...]
    rules: Rules
    size: int
    process: Process
    beta: float
    law: str
    log_shares: NDArray[np.float64] = field(repr=False)
    payoffs: NDArray[np.float64] = field(repr=False)
    cooperation_rates: NDArray[np.float64] = field(repr=False)
    behaviours: tuple[str | None, ...] = field(repr=False)
    ledger: Ledger | None = field(repr=False)
    """What mechanisms take and give where everybody plays each strategy; None where there is none."""

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of the time with each strategy, ``(n,)``; below 1e-308 see `log_shares`."""
        return np.asarray(np.exp(self.log_shares))

    @property
    def distribution(self) -> dict[str, float]:
        """Share of the time by strategy."""
        return dict(zip(self.names, self.shares.tolist(), strict=True))

    @cached_property
    def cooperation(self) -> float:
        """Share of all moves that are C."""
        return math.fsum((self.shares * self.cooperation_rates).tolist())

    @cached_property
    def payoff(self) -> float:
        """Mean payoff per turn."""
        return math.fsum((self.shares * self.payoffs).tolist())

    @cached_property
    def played(self) -> list[Played]:
        """The behaviours, most of the time first; of equals the first given."""
        members: dict[str, list[int]] = {}
        for k, (name, key) in enumerate(zip(self.names, self.behaviours, strict=True)):
            members.setdefault(name if key is None else key, []).append(k)
        found = [self._played(key, own) for key, own in members.items()]
        return sorted(found, key=lambda behaviour: -behaviour.share)

    def _played(self, key: str, members: list[int]) -> Played:
        first = members[0]
        name = name_of(key, noisy=self.rules.slips, turns=self.rules.turns)
        return Played(
            self.names[first] if self.behaviours[first] is None else behaviour_label(name, key),
            self.names[first],
            len(members),
            math.fsum(self.shares[members].tolist()),
            float(self.cooperation_rates[first]),
            float(self.payoffs[first]),
        )

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a behaviour, most of the time first."""
        rows = self.played
        return {
            "rank": range(1, len(rows) + 1),
            "behaviour": [row.name for row in rows],
            "strategy": [row.strategy for row in rows],
            "strategies": [row.strategies for row in rows],
            "share": [row.share for row in rows],
            "cooperation": [row.cooperation for row in rows],
            "payoff": [row.payoff for row in rows],
        }

    @property
    def conditions(self) -> str:
        """What all of it rests on, in words."""
        strength = f"{'beta' if self.process == 'fermi' else 'w'} {self.beta:g}"
        return f"{len(self.names)} strategies, {self.rules}, N {self.size}, {self.process} {strength}, {self.law}"

    def __str__(self) -> str:
        rows = self.played[:SHOWN]
        name, text = (max(len(w) for w in words) for words in (
            ["behaviour", *(row.name for row in rows)], ["strategy", *(row.strategy for row in rows)]
        ))  # fmt: skip
        lines = [
            self.conditions,
            f"cooperation {self.cooperation:.4f}, payoff {self.payoff:.4f}",
            f"{'behaviour':{name}}  {'strategy':{text}}   share  cooperation  payoff",
        ]
        lines[2:2] = [] if self.ledger is None else [self.ledger.summary(self.shares)]
        lines += [
            f"{row.name:{name}}  {row.strategy:{text}}  {row.share:6.4f}  {row.cooperation:11.4f}  {row.payoff:6.4f}"
            for row in rows
        ]
        more = len(self.played) - len(rows)
        return "\n".join(lines + [f"and {more} more"] * (more > 0))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        paid = self.ledger
        return {
            "conditions": str(self.rules),
            "size": self.size,
            "process": self.process,
            "beta": self.beta,
            "mutants": self.law,
            "cooperation": self.cooperation,
            "payoff": self.payoff,
            **(
                {}
                if paid is None
                else {"ledger": {"per_turn": paid.turn(self.shares), "per_deal": paid.deal(self.shares)}}
            ),
            "distribution": self.distribution,
            "behaviours": [vars(row) for row in self.played],
        }


def long_run(
    strategies: Iterable[StrategyLike] | str,
    rules: Rules | None = None,
    size: int = 50,
    beta: float = 1.0,
    *,
    process: Process = "fermi",
    baseline: float = 0.0,
    mutants: Mutants | ArrayLike = "uniform",
) -> LongRun:
    """How much of the time a population of `size` plays each of some strategies, when mutants are rare: exactly.

    `strategies`: at least two; the text ``memory(1,1)`` stands for all of its pure genomes. Everybody meets all others,
    nobody itself; fitness is the mean payoff per turn. With `process` "fermi" a learner takes the place of a teacher
    with probability 1 / (1 + exp(-`beta` (teacher's payoff - learner's))), with "moran" `beta` is the weight w of
    payoffs and `baseline` is added to them. `mutants`: "uniform", every other strategy alike; "neighbours", genomes
    of one memory with one entry changed; or chances, ``(n,)`` of each strategy whoever is resident, or ``(n, n)``,
    residents by mutants.

    The stationary distribution of the chain with rates mutant's chance times fixation probability; the logarithm of
    each share has 13 digits. Strategies that play alike are one state, and share
    alike, unless mutants are neighbours. Raises ValueError for strategies that are too many, or given twice, for
    mutants that never arise, and where there are several long runs, each for ever.

    >>> found = long_run("memory(1,1)", Rules(continuation=0.99, noise=0.01), size=50)
    >>> round(found.cooperation, 4), found.played[0].name, round(found.played[0].share, 4)
    (0.3057, 'spiteful', 0.5745)
    """
    rules = conditions(rules)
    check_selection(size, process, beta)
    specs = with_classes(strategies)
    names = tuple(label(spec) for spec in specs)
    _check_strategies(names, given_twice(specs))
    table = round_robin(specs, rules, self_play=True)
    keys = [f"~{k}" if key is None else key for k, key in enumerate(table.behaviours)]
    _, first, own = np.unique(keys, return_index=True, return_inverse=True)
    log_rho = log_fixations(
        table.payoffs[np.ix_(first, first)], size, process=process, intensity=beta, baseline=baseline
    )
    law, words = _chances(mutants, specs)
    with np.errstate(divide="ignore"):
        law = np.log(law)
    if law.ndim == 2:
        log_shares = stationary_shares(law + log_rho[np.ix_(own, own)])
    else:  # one state a behaviour; what plays alike shares the time as it arises
        arising = np.logaddexp.reduceat(law[np.argsort(own, kind="stable")], _starts(own))
        reached = arising > -np.inf
        log_shares = np.full(len(first), -np.inf)
        log_shares[reached] = stationary_shares(arising[reached] + log_rho[np.ix_(reached, reached)])
        log_shares = log_shares[own] + law - np.where(reached, arising, 0.0)[own]
    return LongRun(
        names,
        rules,
        int(size),
        process,
        float(beta),
        words,
        log_shares,
        table.payoffs.diagonal().copy(),
        table.cooperation.diagonal().copy(),
        table.behaviours,
        Ledger(names, rules, table.books[range(len(names)), range(len(names))]) if rules.mechanisms else None,
    )


def _check_strategies(names: tuple[str, ...], twice: str | None) -> None:
    if len(names) < 2:
        raise ValueError(
            f"strategies: expected at least two, or a class such as memory(1,1), got {', '.join(names) or 'none'}"
        )
    if twice is not None:
        raise ValueError(f"strategies: expected each one once, got {twice!r} twice")
    if len(names) > MAX_STATES:
        raise ValueError(f"strategies: expected at most {MAX_STATES}, got {len(names)}")


def _chances(mutants: Mutants | ArrayLike, specs: Sequence[StrategyLike]) -> tuple[NDArray[np.float64], str]:
    """The declared law, ``(n,)`` or ``(n, n)``, and its words; proportional chances are as good."""
    n = len(specs)
    if isinstance(mutants, str):
        if mutants == "uniform":
            return np.ones(n), "any other strategy alike as mutant"
        if mutants == "neighbours":
            return _neighbours(specs), "mutants with one entry changed"
        raise ValueError(f"mutants: expected {' or '.join(get_args(Mutants))}, or chances, got {mutants!r}")
    law = np.asarray(mutants, dtype=np.float64)
    if law.shape not in ((n,), (n, n)) or not np.isfinite(law).all() or (law < 0).any():
        raise ValueError(
            f"mutants: expected chances >= 0, ({n},) or ({n}, {n}), got an array of shape {law.shape}"
        )
    return law, "mutants by a declared law"


def _neighbours(specs: Sequence[StrategyLike]) -> NDArray[np.float64]:
    """1 where two genomes differ in one entry, ``(n, n)``."""
    genomes = [genome for genome in map(resolve, specs) if isinstance(genome, LookupGenome)]
    if len(genomes) < len(specs) or len({g.memory for g in genomes}) > 1:
        raise ValueError("mutants: expected genomes of one memory for neighbours, got other strategies too")
    rows = entries(genomes)
    return np.stack([((rows != row).sum(axis=1) == 1).astype(np.float64) for row in rows])


def _starts(own: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each behaviour begins when strategies are sorted by behaviour."""
    return np.concatenate([[0], np.cumsum(np.bincount(own))[:-1]]).astype(np.int64)


def stationary_shares(log_rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the stationary distribution of a chain with these logarithms of rates, ``(k, k)``."""
    from scipy.sparse.csgraph import connected_components

    from engine.stability import chain_kernels

    order = np.arange(len(log_rates))
    there = log_rates > -np.inf
    if not there.all():
        number, component = connected_components(there, directed=True, connection="strong")
        left = set(component[(there & (component[:, None] != component[None, :])).any(axis=1)].tolist())
        closed = [k for k in range(number) if k not in left]
        if len(closed) > 1:
            raise ValueError(
                f"strategies: expected mutants that lead from everywhere to one long run, got {len(closed)} sets that "
                "no mutant leaves (with the Moran process: payoffs of 0; a baseline above 0 helps)"
            )
        order = np.argsort(component != closed[0], kind="stable")
    found = np.empty(len(order))
    found[order] = chain_kernels.log_stationary(log_rates[np.ix_(order, order)])
    return found
