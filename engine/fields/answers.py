"""The file of a memo: rows of played matches, one after another, each with a check of its own.

A row is 64-bit little-endian words: which lane (two words), our moves, the answers, and the check. Several processes
may append at once. A row whose check does not fit is passed over; a file that mostly holds such rows, or
is too large, is begun anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.game import Rules

VERSION = 1
"""Of the format and of how chance follows from a seed; it is part of the name of the file."""


def packed(moves: NDArray[np.int8]) -> NDArray[np.uint64]:
    """Moves ``(n, turns)`` as words ``(n, w)``: bit t of a row is turn t."""
    n, turns = moves.shape
    words = (turns + 63) // 64
    bits = np.zeros((n, 64 * words), np.uint8)
    bits[:, :turns] = moves
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def unpacked(words: NDArray[np.uint64], turns: int) -> NDArray[np.int8]:
    """The inverse of `packed`."""
    octets = words.astype("<u8").view(np.uint8)
    return np.unpackbits(octets, axis=1, bitorder="little")[:, :turns].astype(np.int8)


def checks(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A check of every row ``(n,)``: sums that change with every word and its place."""
    total = np.full(len(rows), 0x5DEECE66D, np.uint64)
    for column in range(rows.shape[1]):
        total = (total ^ rows[:, column]) * np.uint64(6364136223846793005) + np.uint64(
            column + 1442695040888963407
        )
        total ^= total >> np.uint64(29)
    return total


class AnswerFile:
    """Matches of all fields under some rules, in a folder of caches."""

    def __init__(self, folder: Path, rules: Rules, words: int, most: int) -> None:
        name = hashlib.sha256(f"{VERSION} {rules!r}".encode()).hexdigest()[:16]
        self.path = folder / f"answers-{rules.turns}-{name}.bin"
        self._words, self._most = words, most
        self._width = 2 * words + 3

    def read(
        self, wanted: Mapping[bytes, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]:
        """The matches of some lanes, by their keys: lane numbers, own moves, answers."""
        try:
            if self.path.stat().st_size > 8 * self._width * self._most:
                self.path.unlink()
            content = np.fromfile(self.path, "<u8")
        except OSError:
            content = np.empty(0, "<u8")
        rows = content[: len(content) // self._width * self._width].reshape(-1, self._width).astype(np.uint64)
        sound = checks(rows[:, :-1]) == rows[:, -1]
        if 2 * sound.sum() < len(sound):
            self.path.unlink(missing_ok=True)
        rows = rows[sound]
        keys = np.frombuffer(b"".join(wanted), "<u8").reshape(-1, 2).astype(np.uint64)
        numbers = np.array(list(wanted.values()), np.int64)
        order = np.argsort(keys[:, 0], kind="stable")
        place = np.minimum(np.searchsorted(keys[order, 0], rows[:, 0]), len(order) - 1)
        chosen = order[place]
        here = (keys[chosen] == rows[:, :2]).all(axis=1)
        rows, w = rows[here], self._words
        return numbers[chosen[here]], rows[:, 2 : 2 + w].copy(), rows[:, 2 + w : 2 + 2 * w].copy()

    def append(self, keys: Sequence[bytes], own: NDArray[np.uint64], answers: NDArray[np.uint64]) -> None:
        """Add matches; a disk that cannot take them is no harm."""
        if not keys:
            return
        lanes = np.frombuffer(b"".join(keys), "<u8").reshape(-1, 2).astype(np.uint64)
        rows = np.concatenate([lanes, own, answers], axis=1)
        whole = np.concatenate([rows, checks(rows)[:, None]], axis=1).astype("<u8").tobytes()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self.path, flags, 0o600)
            try:
                os.write(descriptor, whole)
            finally:
                os.close(descriptor)
        except OSError:
            return
