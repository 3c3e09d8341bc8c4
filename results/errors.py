"""What can go wrong with a run, said in one line."""

from __future__ import annotations


class RunError(ValueError):
    """A run cannot be opened, read or continued as asked; the message names the file and the reason."""


class DamageError(RunError):
    """What was read is not what was written: the message names the part of the run that is damaged."""
