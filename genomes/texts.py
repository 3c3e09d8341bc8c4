"""Text and values from outside, as they can be shown: escaped, and not all of a long one.

Every screen, message, page and figure shows them by these functions.
"""

from __future__ import annotations

import reprlib
from typing import Any

LONGEST_QUOTE = 80
"""Letters of a text that an error repeats."""


def printable(text: str) -> str:
    """One line that says what is in a text: what cannot be seen stands as an escape.

    Control and escape sequences of terminals, line ends, marks that turn the direction of writing: all of them are
    letters of a message here, and do nothing.

    >>> print(printable("run\\x1b[2J\\nevolve: all is well\\u202e"))
    run\\x1b[2J\\nevolve: all is well\\u202e
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, most: int, *, counted: bool = False) -> str:
    """A text of more than `most` letters ends in "…"; `counted` says behind that how many it has.

    >>> shortened("tit_for_tat", 6), shortened("tit_for_tat", 6, counted=True), shortened("grim", 6)
    ('tit_f…', 'tit_fo… (11 characters)', 'grim')
    """
    if len(text) <= most:
        return text
    return f"{text[:most]}… ({len(text):,} characters)" if counted else text[: most - 1] + "…"


def quoted(text: str) -> str:
    """A text as an error repeats it: in quotes, and not all of a long one.

    >>> print(quoted("memory(1,1)"))
    'memory(1,1)'
    """
    cut = text[:LONGEST_QUOTE]
    return repr(text) if cut == text else f"{cut!r}… ({len(text):,} characters)"


def shown(value: Any) -> str:
    """A value as Python writes it, with an end: long ones and deep ones are cut.

    >>> shown([1, "two"]), shown("x" * 1000)[:12]
    ("[1, 'two']", "'xxxxxxxxxxx")
    """
    try:
        return _SHORT.repr(value)
    except ValueError:
        return "a number of thousands of digits"


_SHORT = reprlib.Repr()
_SHORT.maxlevel = 4
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxtuple = 12
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 200
