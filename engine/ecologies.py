"""Ecologies: populations of strategies grow and shrink in proportion to what they earn.

Two published rules: shares of a fixed total in real numbers, and the integer rule of LIFL, whose floors make
small populations die and whole ecologies cycle. In a society payoffs depend on who is present but not on how
many there are, so a society is played again only when a strategy has died; where quantifiers range over others
they depend on small numbers too, and it is played again when one of these changes (`engine.societies.twins`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules, conditions, refuse_states
from engine.growth import Integers, PresentPayoffs, Reals
from engine.ledger import Ledger
from engine.tables import Table
from genomes.reading import given_twice, label, resolve
from genomes.strategy import OneOfStrategies

Arithmetic = Literal["real", "integer"]
Ending = Literal["fixation", "fixed point", "cycle", "limit"]

EXTINCTION = 1.0
"""A real population below this dies: there is less than one player left."""


@dataclass(frozen=True, eq=False)
class EcologyResult(Table):
    """The numbers of each strategy over the generations, and what they earned.

    `counts` ``(generations + 1, k)``: how many players of each strategy, the start first; whole numbers (int64,
    or Python integers where 64 bits are too few) in integer arithmetic. `payoffs` ``(generations + 1, k)``:
    mean payoff per interaction per round over all other players, nan for strategies that are absent.

    `ending`: "fixation", one strategy is left; "fixed point", the next generation is this one; "cycle", the
    next generation is the one `period` before this one's end, so that the last `period` rows repeat for ever;
    "limit", so many generations were asked for. No row is a repetition of an earlier one.
    """

    names: tuple[str, ...]
    counts: NDArray[Any]
    payoffs: NDArray[np.float64]
    ending: Ending
    period: int | None
    rules: Rules
    society: bool
    arithmetic: Arithmetic
    ledger: Ledger | None = None
    """What mechanisms took and gave in the last row, by strategy, per turn; None where there is none."""

    @property
    def generations(self) -> int:
        """Updates from the start to the last row."""
        return len(self.counts) - 1

    @property
    def final(self) -> dict[str, float]:
        """The last row by strategy, the absent left out, most numerous first."""
        last = {
            name: count for name, count in zip(self.names, self.counts[-1].tolist(), strict=True) if count
        }
        return dict(sorted(last.items(), key=lambda item: -item[1]))

    def of(self, name: str) -> NDArray[Any]:
        """The numbers of one strategy, ``(generations + 1,)``."""
        if name not in self.names:
            raise ValueError(f"name: expected one of {', '.join(self.names)}, got {name!r}")
        column: NDArray[Any] = self.counts[:, self.names.index(name)]
        return column

    def after(self, generation: int, name: str) -> float:
        """The number of one strategy after so many updates, also beyond the last row.

        Raises ValueError beyond the last row of an ecology that ended by its limit.
        """
        last = self.generations
        if generation > last:
            if self.ending == "limit":
                raise ValueError(f"generation: expected at most {last}, got {generation}")
            generation = last - (
                self.period - 1 - (generation - last - 1) % self.period if self.period else 0
            )
        return float(self.of(name)[generation])

    def extinct(self, name: str) -> int | None:
        """The first generation without a strategy, None while it lives."""
        gone = np.flatnonzero(self.of(name) == 0)
        return int(gone[0]) if len(gone) else None

    @property
    def how(self) -> str:
        """How it ended, in words."""
        end = f"generation {self.generations}"
        if self.ending == "fixation":
            return f"fixation of {next(iter(self.final))} at {end}"
        if self.ending == "cycle":
            assert self.period is not None
            return f"cycle of period {self.period} from generation {self.generations - self.period + 1}"
        return f"fixed point from {end}" if self.ending == "fixed point" else f"limit: stopped at {end}"

    def to_dict(self) -> dict[str, Any]:
        """Everything for JSON, one row a generation; None stands for the payoff of who is absent."""
        return {
            "names": list(self.names),
            "counts": self.counts.tolist(),
            "payoffs": [[None if math.isnan(p) else p for p in row] for row in self.payoffs.tolist()],
            "ending": self.ending,
            "period": self.period,
            "generations": self.generations,
            "play": "sipd" if self.society else "ipd",
            "horizon": self.rules.horizon,
            "quantifiers": self.rules.quantifiers,
            "arithmetic": self.arithmetic,
            **({} if self.ledger is None else {"ledger": self.ledger.to_dict(self._living)}),
        }

    @property
    def _living(self) -> NDArray[np.float64]:
        """How many there are of each strategy in the last row, the absent left out."""
        last = self.counts[-1].astype(np.float64)
        return np.asarray(last[last > 0])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a generation."""
        counts = {name: self.counts[:, k].tolist() for k, name in enumerate(self.names)}
        return {"generation": range(len(self.counts)), **counts}

    def __str__(self) -> str:
        sheet = _sheet([self], f"{_setting(self)}, {self.arithmetic} arithmetic")
        return sheet if self.ledger is None else f"{sheet}\n{self.ledger.summary(self._living)}"


@dataclass(frozen=True, eq=False)
class Comparison(Table):
    """One start under the integer rule and under real arithmetic (the program EVOLUTION of LIFL)."""

    integer: EcologyResult
    real: EcologyResult

    def to_dict(self) -> dict[str, Any]:
        """Both for JSON."""
        return {"integer": self.integer.to_dict(), "real": self.real.to_dict()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a generation of either arithmetic, the integer ones first."""
        parts = [(one.arithmetic, one.columns()) for one in (self.integer, self.real)]
        heads = ("generation", *self.integer.names)
        kinds = [kind for kind, columns in parts for _ in columns["generation"]]
        return {"arithmetic": kinds} | {
            head: [value for _, columns in parts for value in columns[head]] for head in heads
        }

    def __str__(self) -> str:
        return _sheet([self.integer, self.real], f"{_setting(self.integer)}, integers and reals side by side")


def ecology(
    start: Mapping[OneOfStrategies, int | float],
    rules: Rules | None = None,
    *,
    society: bool = True,
    arithmetic: Arithmetic = "real",
    generations: int = 1000,
    extinction: float = EXTINCTION,
    baseline: float = 0.0,
) -> EcologyResult:
    """Let populations grow in proportion to what they earn, the total fixed.

    `start`: genomes, catalogue names or texts, each with its number of players (0: absent). Payoffs come from
    one society of all that are present (`society`, which needs a fixed number of rounds), or from the round
    robin, every pair for itself. With pi_i the mean payoff per interaction per round of an i over all other
    players, V_ij the total payoff of an i against a j, and W the total at the start:

    - real: w_i' = W w_i pi_i / sum_k w_k pi_k; below `extinction` players a population dies, and the others
      take its share;
    - integer: w_i' = floor(W w_i g_i / sum_k w_k g_k) with g_i = sum_j w_j V_ij - V_ii, exact at any size
      (Beaufils, Delahaye & Mathieu, "Complete classes of strategies for the classical iterated prisoner's
      dilemma", 1998).

    `baseline` is added to every payoff per interaction per round.

    >>> result = ecology({"tit_for_tat": 50, "all_d": 50}, Rules(turns=20), arithmetic="integer")
    >>> result.final, result.how
    ({'tit_for_tat': 100}, 'fixation of tit_for_tat at generation 7')

    Raises ValueError for payoffs that are negative (naming the `baseline` to set), for impossible numbers,
    and for a society with noise or chance, unless every member looks at its own pair alone.
    """
    rules = conditions(rules)
    if arithmetic not in ("real", "integer"):
        raise ValueError(f"arithmetic: expected 'real' or 'integer', got {arithmetic!r}")
    if isinstance(generations, bool) or not isinstance(generations, (int, np.integer)) or generations < 0:
        raise ValueError(f"generations: expected a whole number >= 0, got {generations!r}")
    if not extinction > 0 or not math.isfinite(extinction):
        raise ValueError(f"extinction: expected a number of players > 0, got {extinction!r}")
    if not math.isfinite(baseline):
        raise ValueError(f"baseline: expected a finite number, got {baseline!r}")
    rules.stage.require_positive("an ecology", baseline)
    if society and rules.turns is None:
        raise ValueError(
            f"rules: a society plays a fixed number of rounds; expected turns, got {rules.horizon}"
        )
    if society:
        refuse_states(rules)
    strategies = [resolve(strategy) for strategy in start]
    names = tuple(label(strategy) for strategy in start)
    double = given_twice(start)
    if double is not None:
        raise ValueError(f"start: expected every strategy once, got {double} twice")
    first = [_count(name, n, arithmetic, extinction) for name, n in zip(names, start.values(), strict=True)]
    if not sum(first) >= 2:
        raise ValueError(f"start: expected at least two players, got {sum(first):g}")
    field = PresentPayoffs(strategies, rules, society, baseline)
    if field.chance and not field.constant:
        raise ValueError(
            "noise: expected no noise and no members that toss coins where formulas look at third parties, "
            "since payoffs then depend on every individual"
        )
    rule: Integers | Reals
    rule = Integers(first, field) if arithmetic == "integer" else Reals(first, field, extinction)
    return _run(names, field, rule, arithmetic, int(generations))


def compare(
    start: Mapping[OneOfStrategies, int | float],
    rules: Rules | None = None,
    *,
    society: bool = True,
    generations: int = 1000,
    extinction: float = EXTINCTION,
    baseline: float = 0.0,
) -> Comparison:
    """The same start under the integer rule and in real numbers, side by side (see `ecology`, errors included).

    >>> both = compare({"tit_for_tat": 50, "all_d": 50}, Rules(turns=10), generations=100)
    >>> both.integer.final, both.real.final
    ({'tit_for_tat': 100}, {'tit_for_tat': 100.0})
    """
    integer, real = (
        ecology(
            start,
            rules,
            society=society,
            arithmetic=arithmetic,
            generations=generations,
            extinction=extinction,
            baseline=baseline,
        )
        for arithmetic in ("integer", "real")
    )
    return Comparison(integer, real)


def _run(
    names: tuple[str, ...],
    field: PresentPayoffs,
    rule: Integers | Reals,
    arithmetic: Arithmetic,
    generations: int,
) -> EcologyResult:
    """Update until nothing new can happen."""
    w = rule.start
    rows, payoffs = [w], []
    seen: dict[Hashable, int] = {}
    present = played = np.zeros(0, np.int64)
    ending: Ending = "limit"
    period = None
    while True:
        here = np.flatnonzero(w)
        number = field.played(here, w[here])
        if not np.array_equal(number, played):
            present, played = here, number
            rule.meet(present, w[present])
        earned = np.full(len(names), np.nan)
        earned[present] = rule.earned(w[present])
        payoffs.append(earned)
        if len(present) == 1 and w[present[0]] == rule.total:
            ending = "fixation"
            break
        if len(rows) > generations:
            break
        # the whole state, and not only the row before: the integer rule can cycle
        seen[tuple(w.tolist()) if arithmetic == "integer" else w.tobytes()] = len(rows) - 1
        moved = rule.next(w[present])
        if moved is None:
            ending = "fixation" if len(present) == 1 else "fixed point"
            break
        w = np.zeros_like(w)
        w[present] = moved
        before = seen.get(tuple(w.tolist()) if arithmetic == "integer" else w.tobytes())
        if before is not None:
            ending, period = "cycle", len(rows) - before
            break
        rows.append(w)
    counts = np.stack(rows)
    if arithmetic == "integer" and rule.total < 2**62:
        counts = counts.astype(np.int64)
    return EcologyResult(
        names,
        counts,
        np.stack(payoffs),
        ending,
        period,
        field.rules,
        field.society,
        arithmetic,
        field.ledger(names, rows[-1]),
    )


def _count(name: str, count: Any, arithmetic: str, extinction: float) -> int | float:
    """A number of players at the start, checked."""
    number = isinstance(count, (int, float, np.integer, np.floating)) and not isinstance(count, bool)
    if arithmetic == "integer":
        if not number or not math.isfinite(count) or count != int(count) or count < 0:
            raise ValueError(f"start: expected a whole number of players >= 0 of {name}, got {count!r}")
        return int(count)
    if not number or not math.isfinite(count) or not (count == 0 or count >= extinction):
        raise ValueError(
            f"start: expected 0 or at least {extinction:g} players of {name} (extinction), got {count!r}"
        )
    return float(count)


# --- printing ------------------------------------------------------------------------------------------------

_SHOWN = 24
"""A sheet has about so many lines, and as many columns of strategies."""


def _setting(result: EcologyResult) -> str:
    game = "one society" if result.society else "round robin"
    noise = f", noise {result.rules.noise:g}" if result.rules.noisy else ""
    over = "" if result.rules.quantifiers == "all" else f", quantifiers over {result.rules.quantifiers}"
    changed = "".join(f", {one}" for one in result.rules.mechanisms)
    return f"ecology, {game}, {result.rules.horizon}{noise}{over}{changed}"


def _sheet(results: list[EcologyResult], title: str) -> str:
    """Numbers by generation, the early ones in full, later ones ever further apart."""
    one = results[0]
    last = max(result.generations for result in results)
    marks = sorted(
        {round(last * (k / _SHOWN) ** 2) for k in range(_SHOWN + 1)} | set(range(min(last, 5) + 1))
    )
    order = sorted(range(len(one.names)), key=lambda k: -max(float(r.counts[-1, k]) for r in results))
    shown = sorted(order[: _SHOWN // (3 * len(results))])
    width = max(9, *(len(one.names[k]) for k in shown))
    prefix = [""] if len(results) == 1 else [f"{result.arithmetic} " for result in results]
    lines = [title]
    if len(results) > 1:
        block = (width + 2) * len(shown)
        lines.append(" " * 10 + "".join(f"{'  ' + word:<{block}}" for word in prefix).rstrip())
    lines.append(
        f"{'generation':>10}" + "".join(f"  {one.names[k]:>{width}}" for _ in results for k in shown)
    )
    for t in marks:
        cells = []
        for result in results:
            for k in shown:
                there = t <= result.generations
                value = result.counts[t, k] if there else None
                text = (
                    "" if value is None else (f"{value:.1f}" if result.arithmetic == "real" else str(value))
                )
                cells.append(f"  {text:>{width}}")
        lines.append(f"{t:>10}" + "".join(cells).rstrip())
    if len(order) > len(shown):
        lines.append(f"and {len(order) - len(shown)} strategies that end with fewer players")
    lines += [f"{word}{result.how}" for word, result in zip(prefix, results, strict=True)]
    return "\n".join(lines)
