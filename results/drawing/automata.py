"""State diagrams of small automata: what a strategy plays in each state, and where the opponent's moves lead it."""

from __future__ import annotations

from genomes.automaton import Automaton
from results.drawing.layout import RADIUS, Arrow, Point, in_words, lay_out, letter
from results.drawing.svg import number, picture, printed, tag


def diagram(
    automaton: Automaton, *, noisy: bool = False, id: str, title: str, desc: str = "", style: str = ""
) -> str:
    """The state diagram of an automaton of at most 8 states; ValueError for a larger one.

    A state is light where it cooperates and dark where it defects, and says so in letters; a mixed one shows the
    probability of C. Dashed arrows follow own slips alone (`noisy`).
    """
    layout = lay_out(automaton, noisy=noisy)
    x, y = layout.places[0]
    start = Arrow(0, 0, ((x - RADIUS - 34, y), (x - RADIUS - 18, y), (x - RADIUS - 2, y)), (0, 0), "", False)
    begin = tag("text", "start", x=x - RADIUS - 38, y=y + 4, text_anchor="end", class_="aside")
    size = {"markerWidth": "8", "markerHeight": "8", "viewBox": "0 0 8 8", "refX": "7.5", "refY": "4"}
    tip = tag("path", d="M0 0L8 4 0 8z", class_="head")
    head = tag("marker", tip, id=f"{id}-head", orient="auto", markerUnits="userSpaceOnUse", **size)
    lines = [_line(arrow, id) for arrow in (*layout.arrows, start)]
    words = [_words(arrow) for arrow in layout.arrows]
    children = [tag("defs", head), *lines, begin, *_nodes(automaton, layout.places), *words]
    said = desc or in_words(automaton, noisy=noisy)
    return picture(layout.width, layout.height, children, id=id, title=title, desc=said, style=style)


def _line(arrow: Arrow, id: str) -> str:
    first, *rest = ((number(x), number(y)) for x, y in arrow.points)
    curve = "Q" if len(rest) == 2 else "C"
    d = f"M{first[0]} {first[1]}{curve}" + " ".join(f"{x} {y}" for x, y in rest)
    return tag("path", d=d, class_="edge slip" if arrow.slip else "edge", marker_end=f"url(#{id}-head)")


def _words(arrow: Arrow) -> str:
    place = {"x": arrow.label[0], "y": arrow.label[1] + 4}
    name = f"{arrow.source}-{arrow.target}"
    return tag("text", printed(arrow.text), **place, text_anchor="middle", class_="halo", data_arrow=name)


def _nodes(automaton: Automaton, places: list[Point]) -> list[str]:
    drawn = []
    for s, (x, y) in enumerate(places):
        dark = automaton.defect[s] > 0.5
        drawn.append(tag("circle", cx=x, cy=y, r=RADIUS, class_="node dark" if dark else "node"))
        ink = "on-dark" if dark else "on-light"
        text = letter(automaton, s)
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
