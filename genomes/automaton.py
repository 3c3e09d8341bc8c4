"""The phenotype of a two-player strategy: a finite automaton, and its canonical form.

Genomes are what mutates; automata are what plays. Two genomes that play alike have one canonical
automaton, so its key names the *behaviour*: it is what is cached, counted and followed in plots.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Move = Literal[0, 1]
"""0 = C (cooperate), 1 = D (defect)."""

C: Move = 0
D: Move = 1


@dataclass(frozen=True, eq=False)
class Automaton:
    """A strategy as states: what to play in each, and where each realised joint move leads.

    `defect`: ``(states,)`` probability of D in each state.
    `successors`: ``(states, 4)`` next state by joint move ``2 * own + opponent``, in the order CC, CD, DC, DD
    of the *realised* moves (after noise). Play starts in state 0.

    Raises ValueError for arrays of another shape, impossible probabilities or states out of range.
    """

    defect: NDArray[np.float64]
    successors: NDArray[np.int32]

    def __init__(self, defect: ArrayLike, successors: ArrayLike) -> None:
        p = _array("defect", defect)
        wide: NDArray[np.float64] | NDArray[np.int32]
        if isinstance(successors, np.ndarray) and successors.dtype == np.int32:
            wide = s = successors.copy()
        else:
            wide = _array("successors", successors)  # compared before it is cut to 32-bit numbers
            s = np.clip(np.nan_to_num(wide), -1, 2**31 - 1).astype(np.int32)
        if p.ndim != 1 or len(p) == 0:
            raise ValueError(f"defect: expected one probability per state, got shape {p.shape}")
        if s.shape != (len(p), 4):
            raise ValueError(f"successors: expected shape ({len(p)}, 4), got {s.shape}")
        if not ((p >= 0) & (p <= 1)).all():
            raise ValueError(f"defect: expected probabilities in [0, 1], got {p[~((p >= 0) & (p <= 1))][0]}")
        if s.min() < 0 or s.max() >= len(p):
            raise ValueError(f"successors: expected states 0..{len(p) - 1}, got {s.min()}..{s.max()}")
        if not np.array_equal(wide, s):
            raise ValueError(f"successors: expected whole numbers, got {wide[wide != s][0]}")
        p.setflags(write=False)
        s.setflags(write=False)
        object.__setattr__(self, "defect", p)
        object.__setattr__(self, "successors", s)

    def __len__(self) -> int:
        """Number of states."""
        return len(self.defect)

    @cached_property
    def deterministic(self) -> bool:
        """True when every state plays a pure move."""
        return bool(np.isin(self.defect, (0.0, 1.0)).all())

    @property
    def key(self) -> bytes:
        """16 bytes that identify this automaton as it stands (states and their numbering included)."""
        return automaton_key(self.defect, self.successors)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Automaton):
            return NotImplemented
        return np.array_equal(self.defect, other.defect) and np.array_equal(self.successors, other.successors)

    def __hash__(self) -> int:
        return hash(self.key)

    def automaton(self, turns: int | None = None) -> Automaton:
        """Itself: every strategy kind has this method."""
        return self

    def canonical(self, *, noisy: bool) -> Automaton:
        """The smallest automaton that plays alike, its states numbered in order of first reach.

        With ``noisy=True`` every joint move can happen in every state. With ``noisy=False`` a player never
        sees itself play what it did not intend, so states that only such slips reach do not count: grim
        and LIFL's spiteful differ only under noise.
        """
        from genomes.minimise import canonical_batch  # numba: only when needed

        _, defect, successors = canonical_batch(self.successors, self.defect[None, :], noisy)
        return Automaton(defect, successors)

    def behaviour(self, *, noisy: bool) -> str:
        """The stable name of what this strategy does: 32 hexadecimal digits, equal for all that play alike."""
        return self.canonical(noisy=noisy).key.hex()


def _array(field: str, values: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{field}: expected an array of numbers, got {values!r}") from None


def automaton_key(defect: NDArray[np.float64], successors: NDArray[np.int32]) -> bytes:
    """16 bytes of SHA-256 over the states (little-endian, so alike on every platform)."""
    if sys.byteorder != "little":
        defect, successors = defect.astype("<f8"), successors.astype("<i4")
    return hashlib.sha256(defect.tobytes() + successors.tobytes()).digest()[:16]
