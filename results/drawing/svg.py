"""Elements of SVG as text. What comes from outside is escaped here, and what cannot be seen is written as an escape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from genomes.texts import printable

_ID = re.compile(r"[a-z][a-z0-9-]*")


def printed(text: str) -> str:
    """A text from outside as content or attribute of XML.

    >>> printed('<b>"x"\\x1b')
    '&lt;b&gt;&quot;x&quot;\\\\x1b'
    """
    return escape(printable(text), quote=True)


def number(value: float) -> str:
    """A coordinate with one decimal at most.

    >>> number(12.04), number(-0.31), number(3)
    ('12', '-.3', '3')
    """
    text = f"{value:.1f}".removesuffix(".0")
    if text.startswith(("0.", "-0.")):
        text = text.replace("0.", ".", 1)
    return "0" if text in ("-0", "-") else text


def tag(name: str, *children: str, **attributes: str | float | None) -> str:
    """An element; children are markup, attributes are escaped. `_` in a name is `-`, one at its end is dropped.

    >>> tag("text", printed("a<b"), x=1, text_anchor="end")
    '<text x="1" text-anchor="end">a&lt;b</text>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{printed(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def path(points: Sequence[tuple[float, float]], *, closed: bool = False) -> str:
    """The `d` of a line through points, as differences of tenths, which keeps long ones short.

    >>> path([(0, 0), (10, 5.04), (20, 5)], closed=True)
    'M0 0l10 5 10 0z'
    """
    tenths = [(round(10 * x), round(10 * y)) for x, y in points]
    (x0, y0), words = tenths[0], []
    for x, y in tenths[1:]:
        words.append(f"{number((x - x0) / 10)} {number((y - y0) / 10)}".replace(" -", "-"))
        x0, y0 = x, y
    start = f"M{number(tenths[0][0] / 10)} {number(tenths[0][1] / 10)}"
    return start + ("l" + " ".join(words).replace(" -", "-") if words else "") + ("z" if closed else "")


def picture(
    width: float,
    height: float,
    children: Iterable[str],
    *,
    id: str,
    title: str,
    desc: str,
    style: str = "",
    role: str = "img",
) -> str:
    """A whole picture with a title and a description for those who do not see it.

    `id` tells it from other pictures of a page; `style` is CSS for a picture that stands in a file of its own; `role`
    is "group" where there are links in it.
    Raises ValueError for an id that is none.
    """
    if _ID.fullmatch(id) is None:
        raise ValueError(f"id: expected small letters, digits and -, got {id!r}")
    own = (tag("style", style),) if style else ()
    return tag(
        "svg",
        tag("title", printed(title), id=f"{id}-title"),
        tag("desc", printed(desc), id=f"{id}-desc"),
        *own,
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        role=role,
        class_="picture",
        aria_labelledby=f"{id}-title",
        aria_describedby=f"{id}-desc",
    )
