"""State diagrams of small automata: what a strategy plays in each state, and where the opponent's moves lead it.

The layout is the same every time: states stand on a circle in the order that crosses the fewest arrows, the first at
its left.
"""

from __future__ import annotations

import math
from itertools import permutations

from genomes.automaton import Automaton
from results.drawing.svg import number, picture, printed, tag

MOST_STATES = 8
"""A larger automaton is a table."""

RADIUS = 24.0
MOVES = "CD"


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


def diagram(
    automaton: Automaton, *, noisy: bool = False, id: str, title: str, desc: str = "", style: str = ""
) -> str:
    """The state diagram of an automaton of at most `MOST_STATES` states; ValueError for a larger one.

    A state is light where it cooperates and dark where it defects, and says so in letters; a mixed one shows the
    probability of C. Dashed arrows follow own slips alone (`noisy`).
    """
    n = len(automaton)
    if n > MOST_STATES:
        raise ValueError(f"states: expected at most {MOST_STATES} in a diagram, got {n}")
    labels = arrows(automaton, noisy=noisy)
    ring = max(58.0, 21.0 * n) if n > 1 else 0.0
    width, height = 2 * ring + 250, 2 * ring + 150 if n > 2 else 150.0
    middle = (width / 2 + 10, height / 2 + (0 if n > 2 else 18))
    places = _places(n, ring, middle, labels)
    drawn, words = [], []
    for (s, t), text in labels.items():
        line, label = _loop(places[s], middle) if s == t else _curve(places[s], places[t], (t, s) in labels)
        slip = noisy and _only_slips(automaton, s, text)
        drawn.append(
            tag("path", d=line, class_="edge slip" if slip else "edge", marker_end=f"url(#{id}-head)")
        )
        place = {"x": label[0], "y": label[1] + 4}
        shown = printed(text)
        words.append(tag("text", shown, **place, text_anchor="middle", class_="halo", data_arrow=f"{s}-{t}"))
    x, y = places[0]
    start = tag(
        "path", d=f"M{number(x - RADIUS - 34)} {number(y)}h27", class_="edge", marker_end=f"url(#{id}-head)"
    )
    begin = tag("text", "start", x=x - RADIUS - 38, y=y + 4, text_anchor="end", class_="aside")
    head = tag(
        "marker",
        tag("path", d="M0 0L8 4 0 8z", class_="head"),
        id=f"{id}-head",
        viewBox="0 0 8 8",
        refX="7.5",
        refY="4",
        markerWidth="8",
        markerHeight="8",
        orient="auto",
        markerUnits="userSpaceOnUse",
    )
    children = [tag("defs", head), *drawn, start, begin, *_nodes(automaton, places), *words]
    return picture(
        width,
        height,
        children,
        id=id,
        title=title,
        desc=desc or in_words(automaton, noisy=noisy),
        style=style,
    )


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
        parts.append(f"State {s + 1} plays {_plays(automaton, s)}; {', '.join(ways)}.")
    return " ".join(parts)


def _plays(automaton: Automaton, s: int) -> str:
    c = float(automaton.cooperate[s])
    return "C" if automaton.defect[s] == 0 else "D" if c == 0 else f"C {c:.2f}".replace("0.", ".")


def _nodes(automaton: Automaton, places: list[tuple[float, float]]) -> list[str]:
    drawn = []
    for s, (x, y) in enumerate(places):
        dark = automaton.defect[s] > 0.5
        drawn.append(tag("circle", cx=x, cy=y, r=RADIUS, class_="node dark" if dark else "node"))
        ink = "light" if dark else None
        text = _plays(automaton, s)
        drawn.append(
            tag(
                "text",
                text,
                x=x,
                y=y + 6,
                text_anchor="middle",
                font_size="17" if len(text) == 1 else "11",
                font_weight="bold",
                class_=ink,
            )
        )
        drawn.append(tag("text", str(s + 1), x=x, y=y + 19, text_anchor="middle", font_size="9", class_=ink))
    return drawn


def _places(
    n: int, ring: float, middle: tuple[float, float], labels: dict[tuple[int, int], str]
) -> list[tuple[float, float]]:
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


def _curve(
    a: tuple[float, float], b: tuple[float, float], there_and_back: bool
) -> tuple[str, tuple[float, float]]:
    """An arrow from edge to edge, bent to its left so that the way back has room; and where its label stands."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    far = math.hypot(dx, dy)
    side = 26.0 if there_and_back else 12.0
    nx, ny = dy / far, -dx / far
    cx, cy = (a[0] + b[0]) / 2 + nx * side * 1.6, (a[1] + b[1]) / 2 + ny * side * 1.6
    start, end = _toward(a, (cx, cy), RADIUS), _toward(b, (cx, cy), RADIUS + 2)
    top = ((a[0] + b[0]) / 2 + nx * side * 0.95, (a[1] + b[1]) / 2 + ny * side * 0.95)
    line = (
        f"M{number(start[0])} {number(start[1])}Q{number(cx)} {number(cy)} {number(end[0])} {number(end[1])}"
    )
    return line, (top[0] + nx * 7, top[1] + ny * 7)


def _loop(at: tuple[float, float], middle: tuple[float, float]) -> tuple[str, tuple[float, float]]:
    """An arrow from a state to itself, away from the middle; at the state at the left, above it."""
    dx, dy = at[0] - middle[0], at[1] - middle[1]
    angle = math.atan2(dy, dx) if math.hypot(dx, dy) > 1 and abs(dy) > 1 else -math.pi / 2
    if dx > 1 and abs(dy) <= 1:
        angle = 0.0
    ends = [(at[0] + RADIUS * math.cos(angle + t), at[1] + RADIUS * math.sin(angle + t)) for t in (-0.5, 0.5)]
    pulls = [(at[0] + 68 * math.cos(angle + t), at[1] + 68 * math.sin(angle + t)) for t in (-0.55, 0.55)]
    label = (at[0] + 68 * math.cos(angle), at[1] + 64 * math.sin(angle))
    end = _toward(ends[1], pulls[1], 2)
    coordinates = " ".join(f"{number(x)} {number(y)}" for x, y in (*pulls, end))
    return f"M{number(ends[0][0])} {number(ends[0][1])}C{coordinates}", label


def _toward(a: tuple[float, float], b: tuple[float, float], far: float) -> tuple[float, float]:
    length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
    return a[0] + (b[0] - a[0]) / length * far, a[1] + (b[1] - a[1]) / length * far
