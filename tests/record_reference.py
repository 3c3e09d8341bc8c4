"""The oracle of the public record: infinitely many players by their whole histories, in plain Python."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tests.reference import Rule

History = tuple[tuple[int, ...], tuple[int, ...]]
"""Own moves, and what was seen of the partners, oldest first."""


def after_looking(histories: dict[History, float], bad: float, q: float) -> dict[History, float]:
    """Histories with what is seen of a partner of this round, of whom a share `bad` played D in the last one."""
    found: dict[History, float] = {}
    for (own, seen), chance in histories.items():
        for s, p in ((1, q * bad), (0, 1 - q * bad)):
            found[own, (*seen, s)] = found.get((own, (*seen, s)), 0.0) + chance * p
    return found


def defects(rule: Rule, history: History, noise: float) -> float:
    p = rule(list(history[0]), list(history[1]))
    return p * (1 - noise) + (1 - p) * noise


def joint_moves(
    rules: Sequence[Rule], shares: Sequence[float], q: float, turns: int, noise: float
) -> list[list[list[float]]]:
    """By round and strategy: the shares of CC, CD, DC, DD with a partner drawn from the population."""
    everybody: list[dict[History, float]] = [{((), ()): 1.0} for _ in rules]
    found = []
    for turn in range(turns):
        rows = []
        for k, rule in enumerate(rules):
            row = [0.0] * 4
            for (own, seen), chance in everybody[k].items():
                for other, share, theirs in zip(rules, shares, everybody, strict=True):
                    for (own2, seen2), chance2 in theirs.items():
                        sights = itertools.product((False, True), repeat=2) if turn else [(False, False)]
                        for first, second in sights:
                            p = (q if first else 1 - q) * (q if second else 1 - q) if turn else 1.0
                            here = (own, (*seen, own2[-1] if first else 0)) if turn else (own, seen)
                            there = (own2, (*seen2, own[-1] if second else 0)) if turn else (own2, seen2)
                            a, b = defects(rule, here, noise), defects(other, there, noise)
                            for x, y in itertools.product((0, 1), repeat=2):
                                both = (a if x else 1 - a) * (b if y else 1 - b)
                                row[2 * x + y] += share * chance * chance2 * p * both
            rows.append(row)
        found.append(rows)
        bad = sum(
            share * sum(p for (own, _), p in theirs.items() if own and own[-1])
            for share, theirs in zip(shares, everybody, strict=True)
        )
        for k, rule in enumerate(rules):
            looked = after_looking(everybody[k], bad, q) if turn else everybody[k]
            moved: dict[History, float] = {}
            for (own, seen), chance in looked.items():
                p = defects(rule, (own, seen), noise)
                for x in (0, 1):
                    key = ((*own, x), seen)
                    moved[key] = moved.get(key, 0.0) + chance * (p if x else 1 - p)
            everybody[k] = moved
    return found


def best_of_two_rounds(resident: Rule, q: float, noise: float, pay: Sequence[float]) -> float:
    """The most that a mutant earns a round in two rounds, by trying all that it could do: an opening, and an answer to
    each own move and to a partner seen to play C, seen to play D, or unknown."""
    opening = defects(resident, ((), ()), noise)
    best = float("-inf")
    for first, *answers in itertools.product((0, 1), repeat=7):
        total = 0.0
        for own in (0, 1):
            slip = 1 - noise if own == first else noise
            for theirs in (0, 1):
                chance = slip * (opening if theirs else 1 - opening)
                total += chance * pay[2 * own + theirs]
            for theirs in (0, 1):  # of a new partner
                for sight, seen in itertools.product((False, True), repeat=2):
                    p = slip * (opening if theirs else 1 - opening) * (q if sight else 1 - q)
                    p *= q if seen else 1 - q
                    d = defects(resident, ((theirs,), (own if seen else 0,)), noise)
                    wanted = answers[3 * own + (theirs if sight else 2)]
                    for x, y in itertools.product((0, 1), repeat=2):
                        moves = (1 - noise if x == wanted else noise) * (d if y else 1 - d)
                        total += p * moves * pay[2 * x + y]
        best = max(best, total / 2)
    return best
