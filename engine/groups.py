"""Groups of n play a game of `engine.group_games` again and again: exactly, at a cost that does not depend on n.

Everybody sees how many cooperated. Without noise players with one strategy play alike, so one representative of each is
enough, and play is followed until it repeats. With noise the numbers of cooperators among the players of each strategy
are a Markov chain: (n_A + 1)(n_B + 1) states for two strategies in place of 2^n. Groups are drawn at random from a
population, so what a strategy earns in it is a hypergeometric mean over groups.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.game import Game, Rules, conditions
from engine.group_games import GroupGame
from engine.stability.fixation import Process, log_fixation
from engine.stability.rare_mutations import LongRun, stationary_shares
from engine.tables import Table
from genomes.group import GroupGenome, complete_group_class, group_name, group_strategy

MAX_CHAIN = 2**12
"""States of the chain of one group with noise."""

MAX_FOLLOWED = 2**16
"""Turns that such a chain is followed for; for longer play there are a continuation probability and its limit."""

MAX_STRATEGIES = 2**9
"""Strategies in a long run: every pair of them is played in all mixed groups."""

Spec = GroupGenome | str
"""A strategy as a genome, its text or its name (`genomes.group.NAMED`)."""


@dataclass(frozen=True, eq=False)
class GroupMeeting(Table):
    """What the strategies in one group may expect: `payoffs` and `cooperation`, ``(k,)``, a turn and a player."""

    names: tuple[str, ...]
    counts: tuple[int, ...]
    game: GroupGame
    rules: Rules
    payoffs: NDArray[np.float64]
    cooperation: NDArray[np.float64]

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a strategy."""
        return {
            "strategy": self.names,
            "players": self.counts,
            "payoff": self.payoffs.tolist(),
            "cooperation": self.cooperation.tolist(),
        }

    def __str__(self) -> str:
        width = max(len("strategy"), *(len(name) for name in self.names))
        rows = zip(*self.columns().values(), strict=True)
        return "\n".join(
            [f"{'strategy':{width}}  players  payoff  cooperation"]
            + [f"{name:{width}}  {n:7d}  {payoff:6.4f}  {rate:11.4f}" for name, n, payoff, rate in rows]
        )


def group_play(members: Mapping[Spec, int], game: GroupGame, rules: Rules | None = None) -> GroupMeeting:
    """What one group expects, exactly: `members` says how many of its players have each strategy.

    Payoffs are means per turn; the horizon and the noise are those of `rules`. Raises ValueError for numbers that are
    not the group's, and for noise where the chain of a group would have more than `MAX_CHAIN` states.

    >>> from engine.group_games import public_goods
    >>> print(group_play({"grim": 4, "all_d": 1}, public_goods(5, factor=3), Rules(continuation=0.9)))
    strategy  players  payoff  cooperation
    grim            4  0.1400       0.1000
    all_d           1  0.2400       0.0000
    """
    rules = group_rules(rules)
    genomes = [group_strategy(spec, game.players) for spec in members]
    counts = [int(n) for n in members.values()]
    if any(n < 1 for n in counts) or sum(counts) != game.players:
        raise ValueError(f"members: expected {game.players} players in all, got {counts}")
    if len(set(genomes)) < len(genomes):
        raise ValueError("members: expected each strategy once")
    names = tuple(str(spec) for spec in members)
    return GroupMeeting(
        names, tuple(counts), game, rules, *played([g.moves for g in genomes], counts, game, rules)
    )


def group_rules(rules: Rules | None) -> Rules:
    """Rules for groups: a horizon and a noise; ValueError where they say more, which groups do not obey."""
    rules = conditions(rules)
    if rules.game != Game() or rules.mechanisms:
        raise ValueError(
            "rules: expected a horizon and a noise for a group, whose payoffs and fines are those of its own game, got "
            f"{rules}"
        )
    return rules


def played(
    tables: Sequence[str], counts: Sequence[int], game: GroupGame, rules: Rules
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Payoffs and cooperation, ``(k,)``, of players with these different `tables` of moves in one group: unchecked."""
    if rules.noisy:
        return _followed_by_chance(tables, counts, game, rules)
    states, weights = _followed(tables, counts, rules)
    payoffs, cooperation = np.empty(len(tables)), np.empty(len(tables))
    for k in range(len(tables)):
        earned = []
        for state, weight in zip(states, weights, strict=True):
            cooperators = sum(n for n, move in zip(counts, state, strict=True) if move)
            earned.append(weight * (game.a[cooperators - 1] if state[k] else game.b[cooperators]))
        payoffs[k] = math.fsum(earned)
        cooperation[k] = math.fsum(w for state, w in zip(states, weights, strict=True) if state[k])
    return payoffs, cooperation


def _followed(
    tables: Sequence[str], counts: Sequence[int], rules: Rules
) -> tuple[list[tuple[bool, ...]], list[float]]:
    """Play without noise until it repeats: who cooperates in each state, and the share of turns in it."""
    n = sum(counts)
    replies = [[move == "C" for move in table] for table in tables]
    seen: dict[tuple[bool, ...], int] = {}
    state = tuple(reply[0] for reply in replies)
    while state not in seen:
        seen[state] = len(seen)
        c = sum(count for count, move in zip(counts, state, strict=True) if move)
        state = tuple(
            reply[n - c + 1 if move else 2 * n - c] for reply, move in zip(replies, state, strict=True)
        )
    first, visited = seen[state], len(seen)
    cycle = visited - first
    if rules.turns is not None:
        whole, rest = divmod(max(rules.turns - first, 0), cycle)
        times = [1] * min(first, rules.turns) + [0] * max(0, first - rules.turns)
        times += [whole + (k < rest) for k in range(cycle)]
        return list(seen), [n / rules.turns for n in times]
    if rules.continuation is None:
        return list(seen), [0.0] * first + [1 / cycle] * cycle
    d = rules.continuation
    weights = [(1 - d) * d**t for t in range(visited)]
    again = 1.0 if d == 0 else -math.expm1(cycle * math.log(d))  # 1 - d^cycle
    return list(seen), [w if t < first else w / again for t, w in enumerate(weights)]


def _followed_by_chance(
    tables: Sequence[str], counts: Sequence[int], game: GroupGame, rules: Rules
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same with noise, over the numbers of cooperators among the players of each strategy."""
    from engine.pairs import kernels

    sizes = [n + 1 for n in counts]
    number = math.prod(sizes)
    if number > MAX_CHAIN:
        raise ValueError(
            f"members: expected at most {MAX_CHAIN} states of a group with noise, the product of one more than the "
            f"players of each strategy, got {number}"
        )
    cooperating = np.stack(np.unravel_index(np.arange(number), sizes), axis=1)  # (states, k)
    total = cooperating.sum(axis=1)
    chance = _binomials(max(counts), rules.noise)
    step = np.ones((number, 1))
    start = np.ones(1)
    for k, moves in enumerate(tables):
        genome = GroupGenome(game.players, moves)
        after = np.empty((number, sizes[k]))
        for s in range(number):
            mine, all_of = int(cooperating[s, k]), int(total[s])
            stay = genome.reply(True, all_of - 1) if mine else False
            join = genome.reply(False, all_of) if mine < counts[k] else False
            after[s] = np.convolve(chance[stay][mine], chance[join][counts[k] - mine])
        step = (step[:, :, None] * after[:, None, :]).reshape(number, -1)
        start = np.outer(start, chance[moves[0] == "C"][counts[k]]).ravel()
    if rules.turns is not None:
        if rules.turns > MAX_FOLLOWED:
            raise ValueError(
                f"turns: expected at most {MAX_FOLLOWED} for a group with noise, got {rules.turns}"
            )
        weights, now = np.zeros(number), start
        for _ in range(rules.turns):
            weights += now
            now = now @ step
        weights /= rules.turns
    else:
        d = 1.0 if rules.continuation is None else rules.continuation
        weights = kernels.stationary(d * step + (1 - d) * start[None, :])  # the chain that begins anew
    payoffs, cooperation = np.empty(len(tables)), np.empty(len(tables))
    a, b = np.array(game.a), np.array(game.b)
    for k, n in enumerate(counts):
        c = cooperating[:, k]
        earned = c * a[np.maximum(total - 1, 0)] + (n - c) * b[np.minimum(total, game.players - 1)]
        payoffs[k] = math.fsum((weights * earned).tolist()) / n
        cooperation[k] = math.fsum((weights * c).tolist()) / n
    return payoffs, cooperation


def _binomials(most: int, noise: float) -> dict[bool, list[NDArray[np.float64]]]:
    """How many of m players cooperate, for m up to `most`: of those who intend it, and of those who do not."""
    found: dict[bool, list[NDArray[np.float64]]] = {}
    for intends, p in ((True, 1 - noise), (False, noise)):
        rows = [np.ones(1)]
        for _ in range(most):
            rows.append(np.convolve(rows[-1], [1 - p, p]))
        found[intends] = rows
    return found


# --- two strategies in a population ---------------------------------------------------------------------------


def group_table(
    mutant: Spec, resident: Spec, game: GroupGame, rules: Rules | None = None
) -> NDArray[np.float64]:
    """What mutant and resident earn where k of n are mutants, ``(n + 1, 2)``; nan for who is not there."""
    rules = group_rules(rules)
    pair = [group_strategy(spec, game.players).moves for spec in (mutant, resident)]
    n = game.players
    table = np.full((n + 1, 2), np.nan)
    table[n, 0] = played(pair[:1], [n], game, rules)[0][0]
    table[0, 1] = played(pair[1:], [n], game, rules)[0][0]
    for k in range(1, n):
        table[k] = [table[0, 1]] * 2 if pair[0] == pair[1] else played(pair, [k, n - k], game, rules)[0]
    return table


def population_payoffs(table: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """What i mutants and `size` - i residents earn where groups are drawn at random, ``(size - 1, 2)`` for i = 1 ...

    `table` as of `group_table`. Of the n - 1 others in a mutant's group k are mutants with the hypergeometric chance
    C(i-1, k) C(N-i, n-1-k) / C(N-1, n-1).
    """
    n = len(table) - 1
    if size < n:
        raise ValueError(f"size: expected at least {n}, as many as a group has players, got {size}")
    found = np.empty((size - 1, 2))
    groups = math.comb(size - 1, n - 1)
    for i in range(1, size):
        of_mutants = [math.comb(i - 1, k) * math.comb(size - i, n - 1 - k) / groups for k in range(n)]
        of_residents = [math.comb(i, k) * math.comb(size - 1 - i, n - 1 - k) / groups for k in range(n)]
        found[i - 1, 0] = math.fsum(w * table[k + 1, 0] for k, w in enumerate(of_mutants) if w)
        found[i - 1, 1] = math.fsum(w * table[k, 1] for k, w in enumerate(of_residents) if w)
    return found


def group_log_fixation(
    table: NDArray[np.float64],
    size: int,
    *,
    mutants: int = 1,
    process: Process = "fermi",
    intensity: float = 1.0,
    baseline: float = 0.0,
) -> float:
    """The logarithm of the chance that `mutants` mutants take over a population of `size`, from `group_table`."""
    earned = population_payoffs(table, size)
    alike = np.stack([earned, earned], axis=2)  # whomever one meets: the mean over groups is all there is
    return log_fixation(alike, size, mutants=mutants, process=process, intensity=intensity, baseline=baseline)


def group_long_run(
    strategies: Iterable[Spec],
    game: GroupGame,
    rules: Rules | None = None,
    size: int = 50,
    beta: float = 1.0,
    *,
    process: Process = "fermi",
    baseline: float = 0.0,
) -> LongRun:
    """How much of the time a population plays each strategy in groups drawn at random: see `engine.long_run`.

    Any other strategy arises alike as mutant. Raises ValueError for less than two strategies, or too many.

    >>> from engine.group_games import public_goods
    >>> names = ["all_c", "all_d", "grim", "all_or_none"]
    >>> found = group_long_run(names, public_goods(3, factor=2), Rules(continuation=0.9), size=30)
    >>> round(found.cooperation, 3)
    0.649
    """
    rules = group_rules(rules)
    specs = list(strategies)
    genomes = [group_strategy(spec, game.players) for spec in specs]
    if not 2 <= len(genomes) <= MAX_STRATEGIES or len(set(genomes)) < len(genomes):
        raise ValueError(
            f"strategies: expected from 2 to {MAX_STRATEGIES} different ones, got {len(genomes)}"
        )
    n = len(genomes)
    log_rho = np.full((n, n), -math.log(size))
    own = [played([genome.moves], [game.players], game, rules) for genome in genomes]
    for r in range(n):
        for m in range(r):
            table = group_table(genomes[m], genomes[r], game, rules)
            for resident, mutant, one in ((r, m, table), (m, r, table[::-1, ::-1])):
                log_rho[resident, mutant] = group_log_fixation(
                    one, size, process=process, intensity=beta, baseline=baseline
                )
    return LongRun(
        tuple(str(spec) for spec in specs),
        rules,
        int(size),
        process,
        float(beta),
        f"any other strategy alike as mutant, in {game.name}",
        stationary_shares(log_rho),
        np.array([payoffs[0] for payoffs, _ in own]),
        np.array([rates[0] for _, rates in own]),
        (None,) * n,
        None,
    )


@dataclass(frozen=True)
class GroupCertificate:
    """The best of a class against a resident, where groups of all residents but one are what it meets.

    `gap`: what the `best` one earns above the residents among themselves; 0 where none earns more, and then `neutral`
    counts those that earn as much. It speaks of the `tried` genomes, not of longer memories.
    """

    resident: str
    game: GroupGame
    rules: Rules
    self_payoff: float
    best: str
    best_payoff: float
    gap: float
    neutral: int
    tried: int


def group_certificate(
    resident: Spec, game: GroupGame, rules: Rules | None = None, mutants: Sequence[Spec] | None = None
) -> GroupCertificate:
    """Does any genome of the class (or of `mutants`) do better as one among n - 1 residents? By trying all of them.

    >>> from engine.group_games import public_goods
    >>> [group_certificate("grim", public_goods(3, factor=2), Rules(continuation=d)).gap > 0 for d in (0.24, 0.26)]
    [True, False]
    """
    rules = group_rules(rules)
    own = group_strategy(resident, game.players)
    tried = (
        complete_group_class(game.players)
        if mutants is None
        else [group_strategy(spec, game.players) for spec in mutants]
    )
    n = game.players
    among = float(played([own.moves], [n], game, rules)[0][0])
    earned = [
        among if genome == own else float(played([genome.moves, own.moves], [1, n - 1], game, rules)[0][0])
        for genome in tried
    ]
    slack = 1e-12 * max(map(abs, (*game.a, *game.b)))
    k = max(range(len(earned)), key=lambda k: earned[k])
    gap = earned[k] - among if earned[k] - among > slack else 0.0
    neutral = sum(abs(pay - among) <= slack for pay, g in zip(earned, tried, strict=True) if g != own)
    best = tried[k] if gap else own
    return GroupCertificate(
        str(resident),
        game,
        rules,
        among,
        group_name(best) or str(best),
        earned[k] if gap else among,
        gap,
        neutral,
        len(tried),
    )
