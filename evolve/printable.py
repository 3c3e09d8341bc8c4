"""Text from outside, as it can be shown: one function, for the screen and for messages about files."""

from __future__ import annotations


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
