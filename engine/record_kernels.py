"""Compiled loops of `engine.record`: infinitely many players whose partners change every round.

Index letters: a, b states of all strategies end to end; k strategies; m own last move, n the partner's; s the move
that is seen, where nothing is seen 0; x, y moves of this round; t rounds. Shapes stand beside the arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SETTLED = 2e-15
"""Two states of a population are the same when no share differs by more than this."""


@njit(cache=True, nogil=True)
def followed(
    chance: Floats,  # (a, x): of intending a move in a state
    to: NDArray[np.int64],  # (a, 2 m + s): the next state
    owner: NDArray[np.int64],  # (a,): the strategy of a state
    start: NDArray[np.int64],  # (k,): its first state
    shares: Floats,  # (k,): of the population
    visibility: float,
    noise: float,
    weights: Floats,  # (t,): of rounds
    settle: bool,
    path: Floats,  # (p, m, s, x): what the strategies intend in round t, in place t modulo p
) -> tuple[bool, int, Floats]:
    """Has it settled (where that is asked), on a cycle of how many rounds, joint moves ``(k, 2 x + y)``."""
    q, kinds, states = visibility, len(start), len(owner)
    mass, saved = np.zeros((states, 2)), np.zeros((states, 2))  # share of a strategy by state and last move
    now, whole = np.zeros(states), np.zeros(kinds)
    act, mixed, others = np.zeros((kinds, 2, 2, 2)), np.zeros((kinds, 2, 2, 2)), np.zeros((2, 2, 2))
    joint = np.zeros((kinds, 4))
    since = 0
    for t in range(len(weights)):
        bad = 0.0  # share whose last move is D
        for a in range(states):
            bad += shares[owner[a]] * mass[a, 1]
        for k in range(kinds):
            for m in range(2):
                for s in range(2):
                    for x in range(2):
                        act[k, m, s, x] = 0.0 if t else chance[start[k], x]  # at first nobody has a record
        for a in range(states):
            now[a] = 0.0
        for k in range(kinds):
            whole[k] = 0.0
            if t == 0:
                now[start[k]] = 1.0
        if t:
            for a in range(states):
                for m in range(2):
                    for s in range(2):
                        b = to[a, 2 * m + s]
                        now[b] += (q * bad if s else 1 - q * bad) * mass[a, m]
                        for x in range(2):
                            act[owner[a], m, s, x] += mass[a, m] * chance[b, x]
        for m in range(2):
            for n in range(2):
                for x in range(2):
                    others[m, n, x] = 0.0
                    path[t % len(path), m, n, x] = 0.0
                    for k in range(kinds):
                        seen = (1 - noise) * act[k, m, n, x] + noise * act[k, m, n, 1 - x]
                        unseen = (1 - noise) * act[k, m, 0, x] + noise * act[k, m, 0, 1 - x]
                        part = 1.0 if t else 0.25  # without a record all four count alike
                        mixed[k, m, n, x] = part * (q * seen + (1 - q) * unseen)
                        others[m, n, x] += shares[k] * mixed[k, m, n, x]
                        path[t % len(path), m, n, x] += shares[k] * act[k, m, n, x]
        for k in range(kinds):
            for m in range(2):
                for n in range(2):
                    for x in range(2):
                        for y in range(2):
                            both = mixed[k, m, n, x] * others[n, m, y]
                            joint[k, 2 * x + y] += weights[t] * (both if t else 4 * both)
        for a in range(states):
            whole[owner[a]] += now[a]
        far = 0.0
        for a in range(states):
            for x in range(2):  # shares of a strategy add up to 1 for ever
                moves = (1 - noise) * chance[a, x] + noise * chance[a, 1 - x]
                mass[a, x] = now[a] / whole[owner[a]] * moves
                far = max(far, abs(mass[a, x] - saved[a, x]))
        if settle:
            if far <= SETTLED:
                for k in range(kinds):
                    for j in range(4):
                        joint[k, j] /= t - since
                return True, t - since, joint
            if t & (t + 1) == 0:  # after 1, 2, 4, ... rounds: a cycle is found by comparing with where it was
                since = t
                for a in range(states):
                    for x in range(2):
                        saved[a, x] = mass[a, x]
                for k in range(kinds):
                    for j in range(4):
                        joint[k, j] = 0.0
    return not settle, 0, joint


@njit(cache=True, nogil=True)
def offered(act: Floats, q: float, noise: float, m: int, n: int, y: int) -> Any:
    """Share of the population whose last move is n and who play y towards somebody whose last move is m."""
    seen = (1 - noise) * act[n, m, y] + noise * act[n, m, 1 - y]
    unseen = (1 - noise) * act[n, 0, y] + noise * act[n, 0, 1 - y]
    return q * seen + (1 - q) * unseen


@njit(cache=True, nogil=True)
def worth(
    act: Floats,  # (m, s, x): what residents intend in this round
    q: float,
    noise: float,
    weight: float,
    pay: Floats,  # (2 x + y,)
    after: Floats,  # (m,): what the rounds after this one are worth
    m: int,
    seen: int,  # the partner's last move; 2: unknown
) -> tuple[float, float]:
    """What intending C and D is worth with this own last move, times the chance of what is seen."""
    c = d = 0.0
    for n in range(2):
        chance = 1 - q if seen == 2 else q if seen == n else 0.0
        for y in range(2):
            plays = chance * offered(act, q, noise, m, n, y)
            c += plays * (weight * pay[y] + after[0])
            d += plays * (weight * pay[2 + y] + after[1])
    return (1 - noise) * c + noise * d, (1 - noise) * d + noise * c


@njit(cache=True, nogil=True)
def best_value(
    path: Floats,  # (t, m, s, x): what residents intend; in round 0 alike for all m and s
    weights: Floats,  # (t,)
    visibility: float,
    noise: float,
    pay: Floats,  # (2 x + y,)
) -> tuple[float, float]:
    """The most that a rare mutant earns, and how much more than the residents, as the sum of what each act loses."""
    after, here = np.zeros(2), np.zeros(2)
    gap = 0.0
    for t in range(len(weights) - 1, 0, -1):
        act = path[t]
        for m in range(2):
            here[m] = 0.0
            for seen in range(3):
                c, d = worth(act, visibility, noise, weights[t], pay, after, m, seen)
                best = max(c, d)
                here[m] += best
                as_seen = seen % 2  # unknown counts as C
                gap += act[m, as_seen, 0] * (best - c) + act[m, as_seen, 1] * (best - d)
        after[0], after[1] = here[0], here[1]
    opening = path[0, 0, 0]
    c = d = 0.0
    for y in range(2):
        chance = (1 - noise) * opening[y] + noise * opening[1 - y]
        c += chance * (weights[0] * pay[y] + after[0])
        d += chance * (weights[0] * pay[2 + y] + after[1])
    first, second = (1 - noise) * c + noise * d, (1 - noise) * d + noise * c
    best = max(first, second)
    return best, gap + opening[0] * (best - first) + opening[1] * (best - second)
