"""Where the states and arrows of a small automaton stand, whoever draws them.

The layout is the same every time: states stand on a circle in the order that crosses the fewest arrows, the first at
its left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations

from genomes.automaton import Automaton

MOST_STATES = 8
"""A larger automaton is a table."""

RADIUS = 24.0
"""Pixels: of a state."""

MOVES = "CD"

Point = tuple[float, float]


@dataclass(frozen=True)
class Arrow:
    """From state `source` to `target` along the control points of a curve, of three points or four.

    `text` says after which moves, and stands around `label`; `slip`: only after own slips.
    """

    source: int
    target: int
    points: tuple[Point, ...]
    label: Point
    text: str
    slip: bool


@dataclass(frozen=True)
class Layout:
    """A picture of `width` x `height` pixels, y downwards: states in the middle of `places`, and arrows."""

    width: float
    height: float
    places: list[Point]
    arrows: list[Arrow]


def lay_out(automaton: Automaton, *, noisy: bool) -> Layout:
    """Place an automaton of at most `MOST_STATES` states; ValueError for a larger one."""
    n = len(automaton)
    if n > MOST_STATES:
        raise ValueError(f"states: expected at most {MOST_STATES} in a diagram, got {n}")
    labels = arrows(automaton, noisy=noisy)
    ring = max(58.0, 21.0 * n) if n > 1 else 0.0
    width, height = 2 * ring + 250, 2 * ring + 150 if n > 2 else 150.0
    middle = (width / 2 + 10, height / 2 + (0 if n > 2 else 18))
    places = _places(n, ring, middle, labels)
    drawn = []
    for (s, t), text in labels.items():
        points, label = _loop(places[s], middle) if s == t else _curve(places[s], places[t], (t, s) in labels)
        drawn.append(Arrow(s, t, points, label, text, noisy and _only_slips(automaton, s, text)))
    return Layout(width, height, places, drawn)


def arrows(automaton: Automaton, *, noisy: bool) -> dict[tuple[int, int], str]:
    """What stands on each arrow (from, to): moves of the opponent, ``any`` for both of them.

    Where a state may play either move, or where an own slip (`noisy`) leads elsewhere, both moves, own first: ``DC``.

    >>> arrows(Automaton([0, 1], [(0, 1, 0, 1), (0, 1, 0, 1)]), noisy=True)
    {(0, 0): 'C', (0, 1): 'D', (1, 0): 'C', (1, 1): 'D'}
    """
    said: dict[tuple[int, int], list[str]] = {}
    for s in range(len(automaton)):
        may = [own for own in (0, 1) if (automaton.cooperate, automaton.defect)[own][s] > 0]
        for own in (0, 1) if noisy else may:
            for other in (0, 1):
                target, same = (int(automaton.successors[s, 2 * move + other]) for move in (own, may[0]))
                if own != may[0] and target == same:
                    continue  # the own move makes no difference
                alone = own in may and (
                    len(may) == 1 or automaton.successors[s, other] == automaton.successors[s, 2 + other]
                )
                word = MOVES[other] if alone else MOVES[own] + MOVES[other]
                said.setdefault((s, target), []).append(word)
    return {arrow: _joined(words) for arrow, words in sorted(said.items())}


def _joined(words: list[str]) -> str:
    both = [word for word in words if len(word) == 1]
    return ", ".join((["any"] if len(both) == 2 else both) + [word for word in words if len(word) > 1])


def _only_slips(automaton: Automaton, s: int, text: str) -> bool:
    """Does everything on an arrow begin with a move that its state does not mean to play?"""
    unmeant = "D" if automaton.defect[s] == 0 else "C" if automaton.cooperate[s] == 0 else None
    return all(len(word) == 2 and word[0] == unmeant for word in text.split(", "))


def in_words(automaton: Automaton, *, noisy: bool) -> str:
    """The diagram for those who do not see it."""
    parts = []
    labels = arrows(automaton, noisy=noisy)
    for s in range(len(automaton)):
        ways = [f"after {text} to {t + 1}" for (a, t), text in labels.items() if a == s]
        parts.append(f"State {s + 1} plays {letter(automaton, s)}; {', '.join(ways)}.")
    return " ".join(parts)


def letter(automaton: Automaton, s: int) -> str:
    """C or D; of a mixed state the probability of C."""
    c = float(automaton.cooperate[s])
    return "C" if automaton.defect[s] == 0 else "D" if c == 0 else f"C {c:.2f}".replace("0.", ".")


def _places(n: int, ring: float, middle: Point, labels: dict[tuple[int, int], str]) -> list[Point]:
    """Where states stand: the order around the circle with the fewest crossings, then the shortest arrows."""
    spots = [
        (middle[0] - ring * math.cos(2 * math.pi * k / n), middle[1] - ring * math.sin(2 * math.pi * k / n))
        for k in range(n)
    ]
    chords = sorted({(min(s, t), max(s, t)) for s, t in labels if s != t})
    best = min(((0, *rest) for rest in permutations(range(1, n))), key=lambda order: _tangle(order, chords))
    return [spots[best[s]] for s in range(n)]


def _tangle(order: tuple[int, ...], chords: list[tuple[int, int]]) -> tuple[int, int]:
    """Crossings, and how far around the circle arrows reach; `order[s]` is the spot of state s."""
    ends = [tuple(sorted((order[s], order[t]))) for s, t in chords]
    crossings = sum(a < c < b < d or c < a < d < b for k, (a, b) in enumerate(ends) for c, d in ends[:k])
    return crossings, sum(min(b - a, len(order) - b + a) for a, b in ends)


def _curve(a: Point, b: Point, there_and_back: bool) -> tuple[tuple[Point, ...], Point]:
    """From edge to edge, bent to its left so that the way back has room; and where its label stands."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    far = math.hypot(dx, dy)
    side = 26.0 if there_and_back else 12.0
    nx, ny = dy / far, -dx / far
    middle = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    pull = middle[0] + nx * side * 1.6, middle[1] + ny * side * 1.6
    ends = _toward(a, pull, RADIUS), _toward(b, pull, RADIUS + 2)
    return (ends[0], pull, ends[1]), (middle[0] + nx * (side * 0.95 + 7), middle[1] + ny * (side * 0.95 + 7))


def _loop(at: Point, middle: Point) -> tuple[tuple[Point, ...], Point]:
    """From a state to itself, away from the middle; at the state at the left, above it."""
    dx, dy = at[0] - middle[0], at[1] - middle[1]
    angle = math.atan2(dy, dx) if math.hypot(dx, dy) > 1 and abs(dy) > 1 else -math.pi / 2
    if dx > 1 and abs(dy) <= 1:
        angle = 0.0
    ends = [(at[0] + RADIUS * math.cos(angle + t), at[1] + RADIUS * math.sin(angle + t)) for t in (-0.5, 0.5)]
    pulls = [(at[0] + 68 * math.cos(angle + t), at[1] + 68 * math.sin(angle + t)) for t in (-0.55, 0.55)]
    label = (at[0] + 68 * math.cos(angle), at[1] + 64 * math.sin(angle))
    return (ends[0], pulls[0], pulls[1], _toward(ends[1], pulls[1], 2)), label


def _toward(a: Point, b: Point, far: float) -> Point:
    length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
    return a[0] + (b[0] - a[0]) / length * far, a[1] + (b[1] - a[1]) / length * far
