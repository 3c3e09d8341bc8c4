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

    `defect`, `cooperate`: ``(states,)`` probabilities of D and of C in each state. One is 1 minus the other and
    may be left out and then follows from it. Both are kept, because the probability of a rare move has no digits left
    in that of the other (1 - 1e-17 is 1 in floats).
    `successors`: ``(states, 4)`` next state by joint move ``2 * own + opponent``, in the order CC, CD, DC, DD
    of the *realised* moves (after noise). Play starts in state 0.

    Raises ValueError for arrays of another shape, impossible probabilities or states out of range.

    >>> rare = Automaton([1.0], [[0, 0, 0, 0]], [1e-17])
    >>> rare.deterministic, rare == Automaton([1.0], [[0, 0, 0, 0]])
    (False, False)
    """

    defect: NDArray[np.float64]
    successors: NDArray[np.int32]
    cooperate: NDArray[np.float64]

    def __init__(self, defect: ArrayLike, successors: ArrayLike, cooperate: ArrayLike | None = None) -> None:
        p = _array("defect", defect)
        c = 1.0 - p if cooperate is None else _array("cooperate", cooperate)
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
        if c.shape != p.shape:
            raise ValueError(f"cooperate: expected one probability per state, got shape {c.shape}")
        apart = ~((c == 1.0 - p) | (p == 1.0 - c)) | (c < 0)
        if apart.any():
            raise ValueError(f"cooperate: expected 1 - {p[apart][0]}, got {c[apart][0]}")
        if s.min() < 0 or s.max() >= len(p):
            raise ValueError(f"successors: expected states 0..{len(p) - 1}, got {s.min()}..{s.max()}")
        if not np.array_equal(wide, s):
            raise ValueError(f"successors: expected whole numbers, got {wide[wide != s][0]}")
        for name, array in (("defect", p), ("successors", s), ("cooperate", c)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        """Number of states."""
        return len(self.defect)

    @cached_property
    def deterministic(self) -> bool:
        """True when every state plays a pure move."""
        return (
            not self.defect @ self.cooperate > 0
        )  # no product underflows: where one is tiny, the other is 1

    @property
    def key(self) -> bytes:
        """16 bytes that identify this automaton as it stands (states and their numbering included)."""
        return automaton_key(self.defect, self.successors, self.cooperate, not self.deterministic)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Automaton):
            return NotImplemented
        return (
            np.array_equal(self.defect, other.defect)
            and np.array_equal(self.cooperate, other.cooperate)
            and np.array_equal(self.successors, other.successors)
        )

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

        rows = self.defect[None, :], self.cooperate[None, :]
        _, defect, successors, cooperate = canonical_batch(self.successors, *rows, noisy)
        return Automaton(defect, successors, cooperate)

    def behaviour(self, *, noisy: bool) -> str:
        """The key of what this strategy does: 32 hexadecimal digits, equal for all automata that play alike."""
        return self.canonical(noisy=noisy).key.hex()


def _array(field: str, values: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64) + 0.0  # there is one zero: -0.0 has another key
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{field}: expected an array of numbers, got {values!r}") from None


def automaton_key(
    defect: NDArray[np.float64], successors: NDArray[np.int32], cooperate: NDArray[np.float64], mixed: bool
) -> bytes:
    """16 bytes of SHA-256 over the states (little-endian, so alike on every platform).

    Of pure moves P(D) says all; where chance has a part (`mixed`), P(C) stands beside it.
    """
    if sys.byteorder != "little":
        defect, successors, cooperate = (
            defect.astype("<f8"),
            successors.astype("<i4"),
            cooperate.astype("<f8"),
        )
    states = defect.tobytes() + successors.tobytes()
    if mixed:
        states += cooperate.tobytes() + b"mixed"
    return hashlib.sha256(states).digest()[:16]
