"""Text and values from outside, as they can be shown: on the screen, and in messages about files."""

from __future__ import annotations

import reprlib
from typing import Any


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
