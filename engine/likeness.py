"""What is a strategy without a name most like? Its family: the named strategy that would play most as it does.

A strategy meets some named ones (`MET`); each named strategy looks on and says at every turn what it would have
played, having seen the same moves. The share of turns in which that is the same move is its *likeness*. A family shares
the name and the colour of its head, so that a population of a thousand different tables can be read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.names import behaviour_label, name_of, short_text
from engine.properties import traits
from genomes import catalogue
from genomes.automaton import Automaton
from genomes.reading import resolve
from genomes.strategy import Compiled, StrategyLike, is_compiled

TURNS = 50
"""Turns of each meeting in which likeness is measured."""

ALIKE = 0.85
"""The share of equal moves from which a strategy belongs to the family of the named one."""

REPETITIONS = 20
"""Meetings of each pair where a strategy leaves moves to chance; always with the same draws."""


@dataclass(frozen=True)
class Family:
    """What a strategy is most like.

    `head`: the named strategy that would play most as it does. `likeness`: the share of equal moves. `label`: "like"
    and the head where that is at least `ALIKE`, else its traits in words.
    """

    head: str
    likeness: float
    label: str

    @property
    def close(self) -> bool:
        """Whether it is called by its head."""
        return self.likeness >= ALIKE


class _Machines(NamedTuple):
    """Automata of any sizes in one array: `defect` ``(m, s)``, `successors` ``(m, s, 4)``."""

    defect: NDArray[np.float64]
    successors: NDArray[np.int32]

    @classmethod
    def of(cls, automata: Sequence[Automaton]) -> _Machines:
        states = max(len(a) for a in automata)
        defect = np.zeros((len(automata), states))
        successors = np.zeros((len(automata), states, 4), np.int32)
        for m, automaton in enumerate(automata):
            defect[m, : len(automaton)] = automaton.defect
            successors[m, : len(automaton)] = automaton.successors
        return cls(defect, successors)


MET = (
    "all_c", "all_d", "tit_for_tat", "spiteful", "per_ddc", "per_ccd", "per_cd", "mistrust", "pavlov", "tf2t",
    "hard_tft", "slow_tft", "prober", "grim", "two_tits_for_tat", "winner12", "winner21", "bully", "spiteful_bully",
)  # fmt: skip
"""Whom a strategy meets: a fixed list, so that likeness stays what it is when the catalogue grows."""

HEADS = (
    *MET, "soft_majo", "hard_majo", "gradual", "random", "forgiving_tft", "gtft", "joss", "zd_extort_2", "zd_extort_3",
    "zd_gtft_2", "zd_set_2",
)  # fmt: skip
"""Who can be the head of a family: likewise fixed, the classics."""


@lru_cache(maxsize=1)
def _named() -> tuple[_Machines, _Machines]:
    """The `HEADS`, and those who are met."""
    named, met = (
        _Machines.of([catalogue.get(name).automaton(TURNS).canonical(noisy=True) for name in names])
        for names in (HEADS, MET)
    )
    return named, met


def likenesses(strategies: Sequence[Compiled]) -> NDArray[np.float64]:
    """``(strategies, names)``: how alike each plays to each of the `HEADS`, between 0 and 1.

    The mean over turns and opponents of ``1 - |p - q|``, p and q being the two chances to defect: for pure strategies
    the share of equal moves, exactly. Where a strategy leaves moves to chance, its histories are drawn, always alike.
    """
    from engine.likeness_kernels import look_on  # numba: only when needed

    named, met = _named()
    found = np.empty((len(strategies), len(HEADS)))
    automata = [strategy.automaton(TURNS) for strategy in strategies]
    for repetitions in (1, REPETITIONS):
        places = [g for g, a in enumerate(automata) if a.deterministic == (repetitions == 1)]
        if places:
            chosen = [automata[g] for g in places]
            alike = np.empty((len(places), len(HEADS)))
            draws = np.random.default_rng(0).random((repetitions, len(met.defect), TURNS))
            look_on(
                np.array([len(a) for a in chosen]),
                np.concatenate([a.defect for a in chosen]),
                np.concatenate([a.successors for a in chosen]),
                *named, *met, draws, alike,
            )  # fmt: skip
            found[places] = alike
    return found


def families(strategies: Iterable[StrategyLike]) -> list[Family | None]:
    """The family of each strategy, all measured together; None for a player and a formula about third parties.

    >>> [f"{kin.head} {kin.likeness:.3f}" for kin in families(["memory(1,2) ccCDCDCDCD", "memory(1,1) cCDCC"])]
    ['tit_for_tat 0.993', 'tit_for_tat 0.956']
    """
    resolved = [resolve(strategy) for strategy in strategies]
    compiled = [strategy for strategy in resolved if is_compiled(strategy)]
    found = iter(_families(compiled))
    return [next(found) if is_compiled(strategy) else None for strategy in resolved]


def _families(strategies: Sequence[Compiled]) -> list[Family]:
    if not strategies:
        return []
    made = []
    for strategy, alike in zip(strategies, likenesses(strategies), strict=True):
        nearest = int(np.argmax(alike))
        head, share = HEADS[nearest], float(alike[nearest])
        made.append(Family(head, share, f"like {head}" if share >= ALIKE else traits(strategy).words))
    return made


def family(strategy: StrategyLike) -> Family | None:
    """The family of one strategy, see `families`.

    >>> family("memory(2,2) ccCDCDCDCDCDCDCDCC").label
    'like tit_for_tat'
    """
    return families([strategy])[0]


def nearest(strategy: StrategyLike) -> tuple[str, float] | None:
    """The named strategy that would play most alike, and the share of moves that are the same, see `likenesses`.

    None for a player in plain Python and for a formula that looks at third parties.

    >>> nearest("memory(1,1) cCDCD")
    ('tit_for_tat', 1.0)
    """
    found = family(strategy)
    return None if found is None else (found.head, found.likeness)


def called(name: str | None, behaviour: str, genome: str) -> str:
    """How a recorded behaviour is called beside its genome: by its name, else its family and the share of equal moves.

    `behaviour` is its key, shown where there is no family. The genome may come from a stranger's file.

    >>> called("grim", "033504", "memory(1,1) cCDDD"), called(None, "033504", "memory(1,1) cCDCC")
    ('grim', 'like tit_for_tat 95 %')
    """
    try:
        kin = None if name is not None else family(genome)
    except ValueError:
        kin = None
    if kin is None:
        return behaviour_label(name, behaviour)
    return f"{kin.label} {math.floor(100 * kin.likeness)} %" if kin.close else kin.label


def label_of(strategy: StrategyLike, *, noisy: bool = False, turns: int | None = None) -> str:
    """What a strategy is called in tables and figures: its exact name, else its short text, else its family.

    >>> label_of("memory(0,1) cCD"), label_of("memory(1,1) cCDCC"), label_of("memory(2,2) ccCDCDCDCDCDCDCDCC")
    ('tit_for_tat', 'cCDCC', 'like tit_for_tat')
    """
    found = resolve(strategy)
    name = name_of(found, noisy=noisy, turns=turns) if is_compiled(found) else None
    here = name or short_text(str(found))
    if here is not None:
        return here
    kin = family(found)
    return str(found) if kin is None else kin.label
