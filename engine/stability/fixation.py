"""The chance that a mutant takes over a finite population: exact, by the theory of birth and death.

One individual at a time is replaced, so the number of mutants takes single steps and absorption has a closed
form (Nowak, Sasaki, Taylor & Fudenberg, "Emergence of cooperation and evolutionary stability in finite
populations", 2004; Traulsen, Nowak & Pacheco, "Stochastic dynamics of invasion and fixation", 2006). All is
summed in log space, so no population is too large. A neutral mutant has probability 1/N, and N times the
probability is the scale: 1 is neutral. Above or below 1 on average is not by itself the border of resistance:
a few strong invaders can hide among many losers, so look at the distribution too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.game import Rules, conditions
from engine.intervals import CONFIDENCE, bootstrap_mean
from engine.ledger import Ledger, booked
from engine.pairs.meetings import expected
from engine.societies.sipd import play_table
from engine.societies.twins import most_played, players
from engine.stability.certificates import strategy_of
from engine.stability.scans import Scan
from engine.tables import Table
from genomes.reading import label
from genomes.strategy import StrategyLike

Process = Literal["moran", "fermi"]
"""Moran: births in proportion to payoff. Fermi: pairwise comparison, imitation by payoff difference."""


ROUNDED_STEP = 2.0**-47
"""Each number of mutants between 1 and N adds a rounding to N rho, below this share of it."""


def fixation_probability(
    payoffs: ArrayLike,
    size: int,
    *,
    mutants: int = 1,
    process: Process = "moran",
    intensity: float = 1.0,
    baseline: float = 0.0,
) -> float:
    """The probability that `mutants` mutants take over a population of `size`.

    `payoffs` ``[[a, b], [c, d]]``: of the mutant against mutant and resident, of the resident against mutant
    and resident; or such a table for each number of mutants from 1 to `size` - 1, ``(size - 1, 2, 2)``. With i
    mutants they earn f_i = [a(i-1) + b(N-i)]/(N-1) and residents g_i = [c i + d(N-i-1)]/(N-1); nobody meets
    itself. rho_1 = 1/(1 + sum_k prod_{j<=k} r_j), where r_j = g_j/f_j in the Moran process with fitness
    1 - w + w (payoff + `baseline`) and `intensity` w, and r_j = exp(-beta (f_j - g_j)) under pairwise comparison
    with `intensity` beta.

    >>> round(fixation_probability([[600, 199], [204, 200]], 10), 6)
    0.243233

    Raises ValueError for an impossible size, number of mutants, process or intensity, and, for Moran, for
    fitness that is negative or 0 for everybody at once, naming the baseline to set.
    """
    return math.exp(
        log_fixation(payoffs, size, mutants=mutants, process=process, intensity=intensity, baseline=baseline)
    )


def log_fixation(
    payoffs: ArrayLike,
    size: int,
    *,
    mutants: int = 1,
    process: Process = "moran",
    intensity: float = 1.0,
    baseline: float = 0.0,
) -> float:
    """The natural logarithm of `fixation_probability`, finite where that is too small for a float.

    >>> log_fixation([[3, 0], [5, 1]], 5000) < -2000
    True
    """
    check_selection(size, process, intensity)
    if isinstance(mutants, bool) or not isinstance(mutants, (int, np.integer)) or not 0 <= mutants <= size:
        raise ValueError(f"mutants: expected a whole number from 0 to {size}, got {mutants!r}")
    n = int(size)
    table = _table(payoffs, n)
    i = np.arange(1, n, dtype=np.float64)
    a, b, c, d = table.reshape(-1, 4).T
    f = (a * (i - 1) + b * (n - i)) / (n - 1)
    g = (c * i + d * (n - i - 1)) / (n - 1)
    if process == "fermi":
        return _absorbed(-intensity * (f - g), 0, n, int(mutants))
    f, g = (1 - intensity + intensity * (x + baseline) for x in (f, g))
    lowest = float(min(f.min(), g.min()))
    if lowest < 0 or bool(((f == 0) & (g == 0)).any()):
        raise _not_positive(lowest, intensity, baseline)
    # with so many mutants no mutant (f = 0), or no resident (g = 0), is ever born
    barren = np.flatnonzero(f == 0)
    sterile = np.flatnonzero(g == 0)
    floor = int(barren[-1]) + 1 if len(barren) else 0
    ceiling = int(sterile[0]) + 1 if len(sterile) else n
    f[f == 0] = g[g == 0] = 1.0  # beyond the borders, and not read
    return _absorbed(np.log(g) - np.log(f), floor, ceiling, int(mutants))


def log_fixations(
    payoffs: ArrayLike,
    size: int,
    *,
    process: Process = "moran",
    intensity: float = 1.0,
    baseline: float = 0.0,
) -> NDArray[np.float64]:
    """The logarithm of `fixation_probability` of one mutant, for every pair: ``(n, n)``, residents by mutants.

    `payoffs` ``(n, n)``: of the row against the column. The rest, and errors, as in `fixation_probability`.

    >>> float(np.exp(log_fixations([[200, 204], [199, 600]], 10))[0, 1].round(6))
    0.243233
    """
    from engine.stability import chain_kernels

    check_selection(size, process, intensity)
    table = np.asarray(payoffs, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not np.isfinite(table).all():
        raise ValueError(f"payoffs: expected a square table of numbers, got shape {table.shape}")
    if process == "moran":
        # fitness is linear in the number of mutants: of one among others, and of the others with one
        alone = 1 - intensity + intensity * (table + baseline)
        kin = (alone + alone.diagonal()[:, None] * (size - 2)) / (size - 1)
        pairs = ~np.eye(len(table), dtype=np.bool_)
        lowest = float(min(alone[pairs].min(initial=np.inf), kin[pairs].min(initial=np.inf)))
        if lowest < 0 or bool(((alone == 0) & (kin.T == 0))[pairs].any()):
            raise _not_positive(lowest, intensity, baseline)
    found: NDArray[np.float64] = chain_kernels.log_fixations(
        table, int(size), process == "moran", float(intensity), float(baseline)
    )
    return found


def check_selection(size: int, process: str, intensity: float) -> None:
    """Raise ValueError for a population, a process or an intensity that cannot be."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 2:
        raise ValueError(f"size: expected a whole number of at least 2, got {size!r}")
    if process not in get_args(Process):
        raise ValueError(f"process: expected moran or fermi, got {process!r}")
    if not (math.isfinite(intensity) and intensity >= 0):
        raise ValueError(f"intensity: expected a number >= 0, got {intensity!r}")
    if process == "moran" and intensity > 1:
        raise ValueError(f"intensity: expected 0 <= w <= 1 for the Moran process, got {intensity:g}")


def _not_positive(lowest: float, intensity: float, baseline: float) -> ValueError:
    needed = f"expected baseline > {baseline - lowest / intensity:g} for these payoffs"
    return ValueError(
        f"baseline: the Moran process needs fitness that is positive; {needed}, got {baseline:g}"
    )


def _absorbed(steps: NDArray[np.float64], floor: int, ceiling: int, start: int) -> float:
    """Log probability to reach `ceiling` before `floor`; `steps` ``(N - 1,)``: log ratio of down to up."""
    if start <= floor:
        return -math.inf
    if start >= ceiling:
        return 0.0
    # term k of the sum is the product of the ratios above the floor up to k; the first is 1
    terms = np.concatenate([[0.0], np.cumsum(steps[floor : ceiling - 1])])
    return _log_sum(terms[: start - floor]) - _log_sum(terms)


def _log_sum(terms: NDArray[np.float64]) -> float:
    """Log of the sum of so many exponentials."""
    largest = float(terms.max())
    return largest + math.log(math.fsum(np.exp(terms - largest).tolist()))


def _table(payoffs: ArrayLike, size: int) -> NDArray[np.float64]:
    table = np.asarray(payoffs, dtype=np.float64)
    if table.shape not in ((2, 2), (size - 1, 2, 2)) or not np.isfinite(table).all():
        raise ValueError(
            f"payoffs: expected four numbers [[a, b], [c, d]], or {size - 1} times so, got {payoffs!r}"
        )
    return table


def pair_table(
    mutant: StrategyLike,
    resident: StrategyLike,
    rules: Rules | None = None,
    *,
    society: bool = False,
    size: int | None = None,
) -> NDArray[np.float64]:
    """``[[a, b], [c, d]]``: mean payoffs per turn of mutant and resident (rows) against both (columns).

    With ``society=True`` both live in one society and see all play: noise-free, their play depends only on who
    is present, so one table serves all numbers of each. Where quantifiers range over others it depends on small
    numbers too: there the result has a table for each number of mutants from 1 to `size` - 1,
    ``(size - 1, 2, 2)``, unless neither looks at third parties. Raises ValueError where it is not exact, with
    noise or chance in a society, and where `size` is needed and missing.

    >>> pair_table("all_d", "tit_for_tat", Rules(turns=10)).tolist()
    [[1.0, 1.4], [0.9, 3.0]]
    """
    rules = conditions(rules)
    pair = strategy_of(mutant), strategy_of(resident)
    if society:
        return _society_table(list(pair), rules, size)
    first, second = pair
    meetings = [expected(a, b, rules).payoffs for a, b in ((first, first), (first, second), (second, second))]
    (a, _), (b, c), (d, _) = (meeting.tolist() for meeting in meetings)
    return np.array([[a, b], [c, d]])


def _society_table(pair: list[Any], rules: Rules, size: int | None) -> NDArray[np.float64]:
    """The table of a society of two strategies, or that of each number of mutants where it depends on it."""
    most = most_played(pair, rules.quantifiers)
    if (most == 1).all():
        return play_table(pair, rules).payoffs
    if size is None:
        raise ValueError(
            "size: expected the number of players, on which play depends where quantifiers range over others"
        )
    tables: dict[tuple[int, ...], NDArray[np.float64]] = {}
    found = []
    for mutants in range(1, size):
        counts = [mutants, size - mutants]
        played = tuple(players(most, counts).tolist())
        if played not in tables:
            tables[played] = play_table(pair, rules, counts).payoffs
        found.append(tables[played])
    return np.stack(found)


def kin_ledger(
    strategies: Sequence[StrategyLike], rules: Rules, *, society: bool = False, size: int = 2
) -> Ledger | None:
    """What mechanisms take from each and give it where all are of its kind; None where there is no mechanism."""
    if not rules.mechanisms:
        return None
    rows = []
    for strategy in strategies:
        if society:
            counts = play_table([strategy_of(strategy)], rules, [size]).joint_counts[0, 0]
            rows.append(booked(rules, counts / float(rules.turns or 1)))
        else:
            found = expected(strategy, strategy, rules).ledger
            assert found is not None
            rows.append(found.amounts[0])
    return Ledger(tuple(label(strategy) for strategy in strategies), rules, np.stack(rows))


@dataclass(frozen=True, eq=False)
class Kappa(Table):
    """kappa = N E[rho]: how much likelier the mutants of a law are to take over than neutral ones, for which it is 1.

    N is the size of the population, rho the chance of one mutant to take over, E the mean over the law.

    `low` and `high` bound it with `confidence`: equal to `value` when the law was `complete` (every mutant of
    a class, each with the same weight), else a percentile bootstrap over the sampled mutants. `n_rho`
    ``(m,)``: N rho of every mutant, for the distribution. A rare strong invader that was not drawn is not
    in the interval either.
    """

    resident: str
    size: int
    value: float
    low: float
    high: float
    confidence: float
    complete: bool
    n_rho: NDArray[np.float64] = field(repr=False)

    @property
    def advantaged(self) -> float:
        """Share of the mutants that are likelier to take over than a neutral one, by more than roundings."""
        return float(np.mean(self.n_rho > 1 + ROUNDED_STEP * self.size))

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row."""
        return {
            "resident": [self.resident],
            "size": [self.size],
            "mutants": [len(self.n_rho)],
            "kappa": [self.value],
            "low": [self.low],
            "high": [self.high],
            "advantaged": [self.advantaged],
        }

    def __str__(self) -> str:
        sure = (
            "all of the law" if self.complete else f"{self.confidence:.0%} {self.low:.4g} to {self.high:.4g}"
        )
        return (
            f"{self.resident}, N {self.size}: kappa {self.value:.4g} over {len(self.n_rho)} mutants ({sure}), "
            f"{self.advantaged:.0%} advantaged"
        )


def kappa(
    resident: StrategyLike,
    mutants: Scan | Sequence[StrategyLike],
    rules: Rules | None = None,
    *,
    size: int,
    society: bool = False,
    complete: bool = False,
    process: Process = "moran",
    intensity: float = 1.0,
    baseline: float = 0.0,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Kappa:
    """kappa = N E[rho] of one mutant into `size` - 1 residents, over `mutants`.

    `mutants`: a `Scan` of the resident (complete, under the scan's rules), or strategies drawn from a declared
    law; ``complete=True`` says that they are all of it. `seed` is the bootstrap's. See `fixation_probability`
    for the rest. Raises ValueError for no mutants or a confidence outside (0, 1).

    >>> round(kappa("tit_for_tat", ["all_d", "all_c"], Rules(turns=10), size=20, complete=True).value, 3)
    0.501
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a number between 0 and 1, got {confidence!r}")
    name = label(resident)
    if isinstance(mutants, Scan):
        if society:
            raise ValueError("mutants: expected strategies for a society, got a scan of pairs")
        if name != mutants.resident or rules not in (None, mutants.rules):
            raise ValueError(
                f"mutants: expected a scan of {name} under the same rules, got one of {mutants.resident} "
                f"with {mutants.rules.horizon}"
            )
        complete = True
        own = np.full(len(mutants), mutants.resident_payoff)
        tables = np.stack([mutants.among, mutants.against, mutants.conceded, own], axis=1)
    elif len(mutants):
        tables = _tables(strategy_of(resident), mutants, conditions(rules), society, size)
    else:
        raise ValueError("mutants: expected at least one, got none")
    distinct, index = np.unique(tables, axis=0, return_inverse=True)
    rho = [
        fixation_probability(
            row.reshape(-1, 2, 2).squeeze(), size, process=process, intensity=intensity, baseline=baseline
        )
        for row in distinct
    ]
    n_rho = size * np.array(rho)[index.ravel()]
    value = math.fsum(n_rho.tolist()) / len(n_rho)
    low, high = (value, value) if complete else _interval(n_rho, confidence, seed)
    return Kappa(name, int(size), value, low, high, confidence, complete, n_rho)


def _tables(
    resident: StrategyLike, mutants: Sequence[StrategyLike], rules: Rules, society: bool, size: int
) -> NDArray[np.float64]:
    """(a, b, c, d) of every mutant, ``(m, 4)``, each distinct one played once; or ``(m, 4 (size - 1))``."""
    played: dict[Any, NDArray[np.float64]] = {}
    rows = []
    for mutant in mutants:
        strategy = strategy_of(mutant)
        if strategy not in played:
            played[strategy] = pair_table(strategy, resident, rules, society=society, size=size).ravel()
        rows.append(played[strategy])
    longest = max(len(row) for row in rows)
    return np.stack([np.tile(row, longest // len(row)) for row in rows])


def _interval(values: NDArray[np.float64], confidence: float, seed: int) -> tuple[float, float]:
    """Of the mean over sampled mutants; a single one says nothing about the others."""
    if len(values) == 1:
        return 0.0, math.inf
    return bootstrap_mean(values, confidence, seed=seed)
