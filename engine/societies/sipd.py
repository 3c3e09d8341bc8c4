"""Societies: everybody meets everybody in every round, and all see everything (Ord's societal IPD).

Without noise or chance a society is exact at a cost that does not depend on its size: players with the same
strategy are twins, and one representative of each strategy is played, or a few where quantifiers range over others
alone (`engine.societies.twins`). With noise or chance every individual is played, in seeded replicates.

In round t + 1 player r defects on player c exactly when r's formula phi(r, c) holds of rounds 1..t. How a
player decides about itself, D(x,x,t), follows the same rule; it is never scored and never slips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.game import Rules, conditions, refuse_states
from engine.ledger import Ledger, ledger_of
from engine.societies.twins import most_played, players
from engine.tables import Table
from genomes.automaton import Automaton
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import Quantifiers
from genomes.reading import given_twice, label, resolve
from genomes.strategy import OneOfStrategies, StrategyLike, is_compiled

if TYPE_CHECKING:
    from engine.societies.machine import SocietyMachine

DEFAULT_REPLICATES = 32
"""Replicates of a society with noise or chance when nobody says how many."""
MAX_TRACE_CELLS = 2**28
"""Round-by-round results are written out up to this many cells (rounds x strategies x strategies)."""
_BLOCK_CELLS = 2**22


def member(strategy: StrategyLike, turns: int) -> FormulaGenome | Automaton:
    """What plays: a formula, or else an automaton."""
    found = resolve(strategy)
    if isinstance(found, FormulaGenome):
        return found
    if not is_compiled(found):
        raise ValueError(f"members: expected a genome, a name or an automaton, got {label(strategy)}")
    return found.automaton(turns)


def _turns(rules: Rules) -> int:
    if rules.turns is None:
        raise ValueError(
            f"rules: a society plays a fixed number of rounds; expected turns, got {rules.horizon}"
        )
    refuse_states(rules)
    return int(rules.turns)


@dataclass(frozen=True, eq=False)
class PlayTable:
    """What strategies do to each other when exactly these are present.

    `joint_counts` ``(k, k, 4)``: rounds in which row and column played CC, CD, DC, DD, row's move first;
    the diagonal is the play between two of a kind (of one alone, what it decides about itself). `played`
    ``(k,)``: individuals of each strategy that were played, and `most` ``(k,)`` beyond how many more change
    nothing. With quantifiers over all players both are 1: the table serves whatever numbers. An ecology plays
    this once and weighs it anew every generation, until a strategy appears or dies, or `played` changes.
    """

    names: tuple[str, ...]
    rules: Rules
    joint_counts: NDArray[np.int64]
    played: NDArray[np.int64]
    most: NDArray[np.int64]
    _machine: SocietyMachine = field(repr=False)

    def relations(self, turns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Who defects on whom in these turns (from 0), ``(turns, k, k)``, row strategy on column, twins included."""
        rows, columns = _representatives(self.played)
        return self._machine.relations[self._machine.relation_of(turns)][:, rows, columns]

    @property
    def payoffs(self) -> NDArray[np.float64]:
        """Mean payoff per round of the row strategy against the column strategy, ``(k, k)``."""
        return self.rules.stage.mean_payoff(self.joint_counts.astype(np.float64), float(_turns(self.rules)))

    def mean_payoffs(self, counts: ArrayLike) -> NDArray[np.float64]:
        """Mean payoff per interaction per round of each strategy, ``(k,)``, for these numbers of players.

        pi_a = (sum_b n_b V_ab - V_aa) / (N - 1): nobody meets itself. Counts may be real; whole numbers
        give correctly rounded payoffs, so that equal payoffs compare equal. Raises ValueError for fewer
        than two players in all, a negative count, or numbers under which the play is another.
        """
        n = np.asarray(counts)
        if n.shape != (len(self.names),):
            raise ValueError(
                f"counts: expected one for each of {len(self.names)} strategies, got shape {n.shape}"
            )
        if (n < 0).any():
            raise ValueError(f"counts: expected none below 0, got {n.min()}")
        others = n.sum() - 1
        if not others > 0:
            raise ValueError(f"counts: expected at least two players, got {n.sum():g}")
        if (self.most > 1).any() and not np.array_equal(players(self.most, n), self.played):
            raise ValueError(
                f"counts: expected numbers that play as {self.played.tolist()} do, where quantifiers range over "
                f"others and at most {self.most.tolist()} count, got {n.tolist()}"
            )
        totals, turns = self._totals(n)
        return self.rules.stage.mean_payoff(totals, turns)

    def frequencies(self, counts: ArrayLike) -> NDArray[np.float64]:
        """Share of joint moves CC, CD, DC, DD in the interactions of each strategy, ``(k, 4)``, for so many of each."""
        totals, turns = self._totals(np.asarray(counts))
        return totals / turns

    def _totals(self, n: NDArray[Any]) -> tuple[NDArray[np.float64], float]:
        """Joint moves of one player of each strategy with all others, ``(k, 4)``, and what they add up to."""
        turns, others = _turns(self.rules), n.sum() - 1
        if not np.issubdtype(n.dtype, np.integer) or float(others) * turns > 2**53:
            n = n.astype(np.float64)
        totals = np.einsum("abj,b->aj", self.joint_counts, n) - np.einsum("aaj->aj", self.joint_counts)
        return totals.astype(np.float64), float(others) * turns


def _representatives(played: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Who stands for the row and who for the column of each pair of strategies, ``(k, 1)`` and ``(k, k)``."""
    rows = np.concatenate([[0], np.cumsum(played)[:-1]])
    columns = np.tile(rows, (len(rows), 1))
    columns[np.diag_indices(len(rows))] += played > 1  # towards a twin, where there is one
    return rows[:, None], columns


def play_table(
    strategies: Sequence[StrategyLike], rules: Rules, counts: Sequence[Any] | NDArray[Any] | None = None
) -> PlayTable:
    """Play representatives of each strategy: exact, and valid for any numbers of each.

    With quantifiers over others the play depends on how many of a strategy there are, up to a few
    (`engine.societies.twins`): there `counts`, the number of players of each, is needed when a formula has such
    quantifiers. Raises ValueError where it is missing, for noise, for strategies that leave something to chance
    (there twins part), and for rules without a fixed number of turns.

    >>> play_table(["absolutist", "all_d"], Rules(turns=4)).payoffs.tolist()
    [[3.0, 0.75], [2.0, 1.0]]
    """
    from engine.societies.machine import SocietyMachine  # numba: only when needed

    turns = _turns(rules)
    if not strategies:
        raise ValueError("members: expected at least one strategy, got none")
    if rules.noisy:
        raise ValueError(f"noise: expected 0, since twins part by slips, got {rules.noise:g}; use society")
    resolved = [member(strategy, turns) for strategy in strategies]
    most = most_played(resolved, rules.quantifiers)
    if counts is None and (most > 1).any():
        raise ValueError(
            "counts: expected the number of players of each strategy, on which play depends where quantifiers "
            "range over others"
        )
    played = players(most, most if counts is None else counts)
    if (played < 1).any():
        raise ValueError(f"counts: expected numbers above 0, got {list(counts or [])}")
    each = [member for member, number in zip(resolved, played.tolist(), strict=True) for _ in range(number)]
    machine = SocietyMachine(each, rules.quantifiers)
    names = tuple(label(strategy) for strategy in strategies)
    if len(machine.chance):
        chance = np.repeat(np.arange(len(names)), played)[machine.chance[0]]
        raise ValueError(f"members: expected no chance, got {names[chance]}; use society")
    machine.play(turns)
    joint = machine.joint_counts(turns)[_representatives(played)]
    return PlayTable(names, rules, joint, played, most, machine)


def play_individuals(
    members: Sequence[StrategyLike],
    turns: int,
    *,
    flips: NDArray[np.bool_] | None = None,
    draws: NDArray[np.float64] | None = None,
    quantifiers: Quantifiers = "all",
) -> NDArray[np.bool_]:
    """Who defects on whom in each round, ``(turns, n, n)`` of realised moves, every individual played.

    `flips` ``(turns, n, n)``: the moves that slip; the diagonal never does. `draws` ``(turns, n, n)`` in
    [0, 1): an automaton defects on c where ``draws[t, r, c]`` is below its state's probability of D.
    """
    from engine.societies.machine import SocietyMachine, pack_rows

    n = len(members)
    machine = SocietyMachine([member(one, turns) for one in members], quantifiers)
    for name, array in (("flips", flips), ("draws", draws)):
        if array is not None and array.shape != (turns, n, n):
            raise ValueError(f"{name}: expected shape ({turns}, {n}, {n}), got {array.shape}")
    if draws is None and len(machine.chance):
        raise ValueError(f"draws: expected them, since member {machine.chance[0]} leaves something to chance")
    more: dict[str, Any] = {}
    if flips is not None:
        more["flips"] = pack_rows(flips & ~np.eye(n, dtype=bool))
    if draws is not None:
        more["draws"] = draws[:, machine.chance]
    machine.play(turns, close=False, **more)
    return machine.relations[machine.sequence]


@dataclass(frozen=True, eq=False)
class SocietyResult(Table):
    """What each strategy earned in a society, and how. Arrays are indexed in the order of `names`.

    `means` ``(k,)``: mean payoff per interaction per round, over all other players. `payoffs` and
    `cooperation` ``(k, k)``: of the row strategy's players against the column's; nan where nobody met (the
    diagonal of a strategy with one player). `standard_errors` ``(k,)``: of the means over `replicates`, both
    None when the result is exact.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    rules: Rules
    means: NDArray[np.float64]
    payoffs: NDArray[np.float64]
    cooperation: NDArray[np.float64]
    standard_errors: NDArray[np.float64] | None
    replicates: int | None
    ledger: Ledger | None
    """What mechanisms took and gave, per interaction and round; None where there is none."""
    _table: PlayTable | None = field(repr=False)
    _cooperation_by_round: NDArray[np.float64] | None = field(repr=False)

    @property
    def mean_payoff(self) -> dict[str, float]:
        """Mean payoff per interaction per round by strategy."""
        return dict(zip(self.names, self.means.tolist(), strict=True))

    @property
    def exact(self) -> bool:
        """True when nothing was sampled."""
        return self._table is not None

    def trace(self) -> NDArray[np.bool_]:
        """Who defects on whom when: ``(turns, k, k)``, row strategy on column strategy, twins included.

        Raises ValueError for a sampled result (see `play_individuals`) and for very many rounds.
        """
        if self._table is None:
            raise ValueError("trace: expected a society without noise or chance, got a sampled one")
        self._check_cells("trace")
        return self._table.relations(np.arange(_turns(self.rules)))

    def cooperation_by_round(self) -> NDArray[np.float64]:
        """Share of moves that were C, row strategy towards column, ``(turns, k, k)``; nan as above."""
        if self._cooperation_by_round is not None:
            return self._cooperation_by_round
        self._check_cells("cooperation_by_round")
        return np.where(np.isnan(self.cooperation), np.nan, 1.0 - self.trace())

    def _check_cells(self, what: str) -> None:
        cells = _turns(self.rules) * len(self.names) ** 2
        if cells > MAX_TRACE_CELLS:
            raise ValueError(f"{what}: expected at most {MAX_TRACE_CELLS} cells, got {cells}")

    def to_dict(self) -> dict[str, Any]:
        """The result for JSON; None stands for what does not exist."""
        errors = None
        if self.standard_errors is not None:
            errors = dict(zip(self.names, _plain(self.standard_errors), strict=True))
        return {
            "names": list(self.names),
            "counts": list(self.counts),
            "turns": _turns(self.rules),
            "noise": self.rules.noise,
            "quantifiers": self.rules.quantifiers,
            "exact": self.exact,
            "replicates": self.replicates,
            "mean_payoff": self.mean_payoff,
            "standard_error": errors,
            "payoffs": _plain(self.payoffs),
            "cooperation": _plain(self.cooperation),
            **({} if self.ledger is None else {"ledger": self.ledger.to_dict(self.counts)}),
        }

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a strategy, with its payoffs against everybody."""
        found: dict[str, Sequence[Any]] = {
            "strategy": self.names,
            "players": self.counts,
            "payoff": self.means.tolist(),
        }
        if self.standard_errors is not None:
            found["standard error"] = self.standard_errors.tolist()
        if self.ledger is not None:
            found |= {name: row for name, row in self.ledger.columns().items() if name != "strategy"}
        return found | {f"v {name}": self.payoffs[:, b].tolist() for b, name in enumerate(self.names)}

    def __str__(self) -> str:
        how = "exact" if self.exact else f"{self.replicates} replicates"
        head = f"society of {sum(self.counts)} players, {self.rules.horizon}"
        head += f", noise {self.rules.noise:g}" if self.rules.noisy else ""
        head += "" if self.rules.quantifiers == "all" else f", quantifiers over {self.rules.quantifiers}"
        head += "".join(f", {one}" for one in self.rules.mechanisms)
        head += f", {how}"
        wide = max(8, *(len(name) for name in self.names))
        columns = range(len(self.names)) if len(self.names) <= 8 else range(0)
        title = f"{'':>4}{'strategy':<{wide}}  {'players':>8}  {'payoff':>8}"
        title += f"  {'+-':>7}" if self.standard_errors is not None else ""
        lines = [head, title + "".join(f"  {'v ' + str(b + 1):>7}" for b in columns)]
        for a, (name, count) in enumerate(zip(self.names, self.counts, strict=True)):
            line = f"{a + 1:>3} {name:<{wide}}  {count:>8}  {self.means[a]:>8.4f}"
            if self.standard_errors is not None:
                line += f"  {self.standard_errors[a]:>7.4f}"
            lines.append(line + "".join(f"  {self.payoffs[a, b]:>7.4f}" for b in columns))
        if self.ledger is not None:
            lines.append(self.ledger.summary(self.counts))
        return "\n".join(lines)


def _plain(array: NDArray[np.float64]) -> list[Any]:
    """Nested lists, with None for nan."""
    return [_plain(part) if part.ndim else (None if np.isnan(part) else float(part)) for part in array]


def society(
    members: Mapping[OneOfStrategies, int],
    rules: Rules | None = None,
    *,
    replicates: int | None = None,
    seed: int = 0,
) -> SocietyResult:
    """Play a society of so many players of each strategy.

    `members`: genomes, catalogue names or genome texts, each with its number of players.
    Exact without noise and chance, whatever the numbers; otherwise the mean of `replicates` (default 32)
    independent plays drawn from `seed`, with standard errors.

    >>> result = society({"D(c,r,p)": 2, "true": 1}, Rules(turns=10))
    >>> result.mean_payoff
    {'D(c,r,p)': 1.95, 'true': 1.4}

    Raises ValueError for fewer than two players, counts that are not whole numbers above 0, two strategies
    with one name, and rules without a fixed number of turns.
    """
    rules = conditions(rules)
    turns = _turns(rules)
    names = tuple(label(strategy) for strategy in members)
    double = given_twice(members)
    if double is not None:
        raise ValueError(f"members: expected every strategy once, got {double} twice")
    for name, count in zip(names, members.values(), strict=True):
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise ValueError(f"members: expected a whole number of players above 0 for {name}, got {count!r}")
    counts = tuple(int(count) for count in members.values())
    if sum(counts) < 2:
        raise ValueError(f"members: expected at least two players, got {sum(counts)}")
    if replicates is not None and replicates < 1:
        raise ValueError(f"replicates: expected at least 1, got {replicates}")
    strategies = [member(strategy, turns) for strategy in members]
    if rules.noisy or any(isinstance(s, Automaton) and not s.deterministic for s in strategies):
        return _sampled(names, counts, strategies, rules, replicates or DEFAULT_REPLICATES, seed)
    table = play_table(strategies, rules, counts)
    alone = np.diag([count == 1 for count in counts])
    cooperation = table.joint_counts[:, :, :2].sum(axis=2) / turns
    return SocietyResult(
        names,
        counts,
        rules,
        table.mean_payoffs(counts),
        np.where(alone, np.nan, table.payoffs),
        np.where(alone, np.nan, cooperation),
        None,
        None,
        ledger_of(names, rules, table.frequencies(counts)),
        table,
        None,
    )


def _sampled(
    names: tuple[str, ...],
    counts: tuple[int, ...],
    strategies: Sequence[FormulaGenome | Automaton],
    rules: Rules,
    replicates: int,
    seed: int,
) -> SocietyResult:
    """Every individual played, the members of a strategy side by side."""
    turns, k = _turns(rules), len(names)
    n = np.array(counts, dtype=np.float64)
    total = float(n.sum())
    group = np.repeat(np.arange(k), counts)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    meetings = np.outer(n, n) - np.diag(n)
    meetings[meetings == 0] = np.nan
    members = [strategies[int(a)] for a in group]
    means, joint = np.empty((replicates, k)), np.zeros((k, k, 4))
    by_round = np.zeros((turns, k, k)) if turns * k * k <= MAX_TRACE_CELLS else None
    for replicate, source in enumerate(np.random.SeedSequence(seed).spawn(replicates)):
        machine = _play_one(members, rules, source)
        earned = machine.joint_counts(turns, group, diagonal=False).astype(np.float64)
        means[replicate] = rules.stage.mean_payoff(earned.sum(axis=1), n * (total - 1) * turns)
        joint += earned
        if by_round is not None:
            defected = machine.relations & ~np.eye(len(members), dtype=bool)
            sums = np.add.reduceat(np.add.reduceat(defected, starts, axis=1, dtype=np.int64), starts, axis=2)
            by_round += sums[machine.sequence]
    errors = means.std(axis=0, ddof=1) / np.sqrt(replicates) if replicates > 1 else np.full(k, np.nan)
    return SocietyResult(
        names,
        counts,
        rules,
        means.mean(axis=0),
        rules.stage.mean_payoff(joint, meetings * (turns * replicates)),
        joint[:, :, :2].sum(axis=2) / (meetings * (turns * replicates)),
        errors,
        replicates,
        ledger_of(names, rules, joint.sum(axis=1) / (n * (total - 1) * turns * replicates)[:, None]),
        None,
        None if by_round is None else 1.0 - by_round / (meetings * replicates),
    )


def _play_one(
    members: Sequence[FormulaGenome | Automaton], rules: Rules, source: np.random.SeedSequence
) -> SocietyMachine:
    """One replicate, its slips and its chances drawn from two streams, a block of rounds at a time."""
    from engine.societies.machine import SocietyMachine, pack_rows

    turns, n = _turns(rules), len(members)
    slips, chances = (np.random.default_rng(stream) for stream in source.spawn(2))
    machine = SocietyMachine(members, rules.quantifiers)
    block = max(1, _BLOCK_CELLS // n**2)
    for start in range(0, turns, block):
        rounds = min(block, turns - start)
        more: dict[str, Any] = {}
        if rules.noisy:
            more["flips"] = pack_rows((slips.random((rounds, n, n)) < rules.noise) & ~np.eye(n, dtype=bool))
        if len(machine.chance):
            more["draws"] = chances.random((rounds, len(machine.chance), n))
        machine.play(start + rounds, close=False, **more)
    return machine
