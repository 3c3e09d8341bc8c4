"""The named strategies, each with its rule and its source.

To add one: a row in `ENTRIES` (and, for a set, its name in `sets`);
`tests/test_catalogue.py` then plays it against its rule. A name means one behaviour; an alias is another
name of the same entry.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from genomes.automaton import Automaton
from genomes.counting import GRADUAL, HARD_MAJO, SOFT_MAJO, CountingStrategy
from genomes.formula.genome import FormulaGenome
from genomes.lookup import LookupGenome
from genomes.machine import MachineGenome

DOCUMENT_000 = "The Prisoner's Dilemma in agent systems (document 000)"
LIFL = "LIFL, PRISON project (document 003)"
BEAUFILS_1996 = "Beaufils, Delahaye & Mathieu, Our meeting with gradual (1996)"
BEAUFILS_1998 = "Beaufils, Delahaye & Mathieu, Complete classes of strategies (1998)"
NOWAK_1992 = "Nowak & Sigmund, Tit for tat in heterogeneous populations (1992)"
NOWAK_1993 = "Nowak & Sigmund, A strategy of win-stay, lose-shift (1993)"
PRESS_2012 = "Press & Dyson, Iterated prisoner's dilemma contains strategies that dominate (2012)"
STEWART_2013 = "Stewart & Plotkin, From extortion to generosity (2013)"
ORD = "Ord, Further results on the societal iterated prisoner's dilemma"
AXELROD_1984 = "Axelrod, The evolution of cooperation (1984)"
HARPER_2017 = (
    "Harper et al., Reinforcement learning produces dominant strategies (2017); library Axelrod 4.14"
)


@dataclass(frozen=True)
class Entry:
    """A named strategy: its `table` (anything that is an automaton), its `formula`, or both.

    Where there are both they play alike; evolution seeds the one of the experiment's genome kind.
    """

    name: str
    table: LookupGenome | MachineGenome | Automaton | CountingStrategy | None
    rule: str
    source: str
    sets: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    formula_text: str | None = None

    def __str__(self) -> str:
        return self.name

    @cached_property
    def formula(self) -> FormulaGenome | None:
        """The strategy as a formula of Ord's language."""
        return None if self.formula_text is None else FormulaGenome.parse(self.formula_text)

    @property
    def strategy(self) -> LookupGenome | MachineGenome | Automaton | CountingStrategy | FormulaGenome:
        """What plays: the table where there is one."""
        if self.table is not None:
            return self.table
        assert self.formula is not None
        return self.formula

    @property
    def pair_only(self) -> bool:
        """True when it plays as an automaton, False when it looks at third parties."""
        return getattr(self.strategy, "pair_only", True)

    def automaton(self, turns: int | None = None) -> Automaton:
        """The strategy's automaton (see `CountingStrategy` for what `turns` is for)."""
        return self.strategy.automaton(turns)


def _lookup(text: str) -> LookupGenome:
    return LookupGenome.parse(text)


def _mealy(text: str) -> MachineGenome:
    return MachineGenome.parse(text)


def _machine(moves: str, *successors: tuple[int, int]) -> Automaton:
    """An automaton that follows the opponent's moves only: (state after C, state after D) per state."""
    return Automaton([1.0 if m == "D" else 0.0 for m in moves], [(c, d, c, d) for c, d in successors])


def _periodic(moves: str) -> Automaton:
    n = len(moves)
    return _machine(moves, *(((k + 1) % n, (k + 1) % n) for k in range(n)))


ENTRIES: tuple[Entry, ...] = (
    Entry("all_c", _lookup("memory(0,0) C"), "always cooperates", LIFL,
          ("lifl", "agents", "memory_one", "societal"), ("always_cooperate",),
          formula_text="false"),
    Entry("all_d", _lookup("memory(0,0) D"), "always defects", LIFL,
          ("lifl", "agents", "memory_one", "societal"), ("always_defect",),
          formula_text="true"),
    Entry("tit_for_tat", _lookup("memory(1,1) cCDCD"), "cooperates, then plays the opponent's last move",
          LIFL, ("lifl", "agents", "memory_one", "societal"), ("tft",),
          formula_text="D(c,r,p)"),
    Entry("spiteful", _lookup("memory(1,1) cCDDD"),
          "cooperates until somebody defects, then defects; under noise also after its own slip",
          LIFL, ("lifl", "memory_one")),
    Entry("soft_majo", SOFT_MAJO, "plays the opponent's majority move, C when equal", LIFL, ("lifl",)),
    Entry("hard_majo", HARD_MAJO, "plays the opponent's majority move, D when equal", LIFL, ("lifl",)),
    Entry("per_ddc", _periodic("DDC"), "plays D, D, C for ever", LIFL, ("lifl",)),
    Entry("per_ccd", _periodic("CCD"), "plays C, C, D for ever", LIFL, ("lifl",)),
    Entry("per_cd", _periodic("CD"), "plays C, D for ever", LIFL, ("lifl",), ("alternator",)),
    Entry("mistrust", _lookup("memory(1,1) dCDCD"), "defects, then plays the opponent's last move",
          LIFL, ("lifl", "memory_one", "societal"), ("suspicious_tit_for_tat", "stft"),
          formula_text="D(c,r,p) or first"),
    Entry("pavlov", _lookup("memory(1,1) cCDDC"), "cooperates if and only if both played alike last turn",
          NOWAK_1993, ("lifl", "agents", "memory_one", "societal"), ("wsls", "win_stay_lose_shift"),
          formula_text="D(r,c,p) xor D(c,r,p)"),
    Entry("tf2t", _lookup("memory(0,2) ccCCCD"), "defects only after two defections in a row",
          AXELROD_1984, ("lifl", "agents"), ("tit_for_two_tats",)),
    Entry("hard_tft", _lookup("memory(0,2) ccCDDD"),
          "plays C, C, then defects if the opponent defected in one of the last two turns", LIFL, ("lifl",)),
    Entry("slow_tft", _lookup("memory(1,2) ccCCCDCDDD"),
          "plays C, C, then follows two equal moves of the opponent, else repeats its own last", LIFL, ("lifl",)),
    Entry("gradual", GRADUAL, "answers the n-th provocation by n defections, then C, C", BEAUFILS_1996, ("lifl",)),
    Entry("prober", _machine("DCCCCDD", (1, 1), (2, 3), (5, 6), (4, 6), (4, 6), (5, 5), (4, 6)),
          "plays D, C, C; defects for ever if the opponent cooperated in turns 2 and 3, else tit_for_tat",
          BEAUFILS_1996, ("lifl",)),
    Entry("random", _lookup("memory(0,0) | 0.5"), "cooperates with probability 1/2", LIFL,
          ("lifl", "agents", "memory_one")),
    Entry("grim", _machine("CD", (0, 1), (1, 1)), "cooperates until the opponent has defected, then defects",
          AXELROD_1984, ("agents", "societal"), ("grim_trigger",),
          formula_text="exists t. D(c,r,t)"),
    Entry("forgiving_tft", _lookup("memory(1,1) 1 | 1 0.1 1 0.1"),
          "tit_for_tat that forgives one defection in ten", DOCUMENT_000, ("agents", "memory_one")),
    Entry("gtft", _lookup(f"memory(1,1) 1 | 1 {1 / 3} 1 {1 / 3}"),
          "tit_for_tat that forgives one defection in three", NOWAK_1992,
          ("memory_one",), ("generous_tit_for_tat",)),
    Entry("two_tits_for_tat", _machine("CDD", (0, 1), (2, 1), (0, 1)),
          "defects twice after every defection", AXELROD_1984, (), ("2tft",)),
    Entry("joss", _lookup("memory(1,1) 1 | 0.9 0 0.9 0"),
          "tit_for_tat that defects one time in ten instead of cooperating", AXELROD_1984, ("memory_one",)),
    Entry("zd_extort_3", _lookup(f"memory(1,1) 1 | {11 / 13} 0.5 {7 / 26} 0"),
          "enforces s_X - 1 = 3 (s_Y - 1)", PRESS_2012, ("memory_one",)),
    Entry("zd_extort_2", _lookup(f"memory(1,1) 1 | {8 / 9} 0.5 {1 / 3} 0"),
          "enforces s_X - 1 = 2 (s_Y - 1)", STEWART_2013, ("memory_one",), ("extort_2",)),
    Entry("zd_gtft_2", _lookup("memory(1,1) 1 | 1 0.125 1 0.25"), "enforces s_X - 3 = 2 (s_Y - 3)",
          STEWART_2013, ("memory_one",)),
    Entry("zd_set_2", _lookup(f"memory(1,1) 1 | {2 / 3} 0 {2 / 3} {1 / 3}"), "sets the opponent's payoff to 2",
          PRESS_2012, ("memory_one",)),
    Entry("winner12", _lookup("memory(1,2) ccCDCDDCDD"), "wins the complete class memory(1,2)", BEAUFILS_1998),
    Entry("winner21", _lookup("memory(2,1) dcCDCDCDDD"), "wins the complete class memory(2,1)", BEAUFILS_1998),
    Entry("evolved_fsm_4", _mealy("machine(4) c0 C0D1 D1C2 D3C0 D3D2"),
          "evolved against the library Axelrod, with 4 states", HARPER_2017, ("evolved",)),
    Entry("evolved_fsm_6", _mealy("machine(6) c0 C0D1 C2D3 D1C0 D4D5 D4D5 C4D2"),
          "evolved against the library Axelrod, with 10 states of which 6 are reached",
          "Vincent & Fryer, in the library Axelrod 4.14", ("evolved",)),
    Entry("evolved_fsm_16",
          _mealy("machine(14) c0 C0D1 C2D3 C4C4 D5D4 D1D6 D5C7 D3C2 D7D8 D9D9 D9D10 D11C12 D11D11 D11C13 C4D1"),
          "evolved against the library Axelrod, with 16 states of which 14 are reached",
          HARPER_2017, ("evolved",)),
    Entry("evolved_fsm_16_noise_05",
          _mealy("machine(14) c0 C1D2 C3D4 C5D2 C6D2 D7D4 D4D8 C9C3 D4D5 C9D10 C9C11 D7C12 C1D11 D13C9 D2D9"),
          "evolved against the library Axelrod with 5 % noise; 14 states are reached",
          HARPER_2017, ("evolved",)),
    Entry("evolved_lookerup_1_1_1", _lookup("memory(1,1,1) cCDDDDCDD"),
          "evolved against the library Axelrod, with memory(1,1,1)", HARPER_2017, ("evolved",)),
    Entry("evolved_lookerup_2_2_2",
          _lookup("memory(2,2,2) ccCDDCDCDDCDDDCDDDDDCDCDCCCDDCCDCDDDCCCCCDDDCDDDDDDDDDCCDDCDDDCCCD"),
          "evolved against the library Axelrod, with memory(2,2,2)", HARPER_2017, ("evolved",)),
    Entry("absolutist", None,
          "defects on whoever has ever treated anyone differently from how it did",
          ORD, ("societal",),
          formula_text="exists t. exists j. D(r,j,t) xor D(c,j,t)"),
    Entry("suspicious_absolutist", None,
          "absolutist that begins by defecting",
          ORD, ("societal",),
          formula_text="(exists t. exists j. D(r,j,t) xor D(c,j,t)) or first"),
    Entry("bully", None,
          "defects until it is defected on, then cooperates for ever (first reading of Spiteful-Bully); our "
          "reconstruction",
          ORD + "; described in words only", ("societal",),
          formula_text="not exists t. D(c,r,t)"),
    Entry("spiteful_bully", None,
          "defects on those who never retaliate, and for ever on those who defected while it cooperated (second "
          "reading of Spiteful-Bully); our reconstruction",
          ORD + "; described in words only", ("societal",),
          formula_text="(not exists t. D(c,r,t)) or (exists t. D(c,r,t) and not D(r,c,t))"),
    Entry("forgiving_bully", None,
          "exploits, makes peace with whoever retaliates and then makes peace, else war for ever; its play "
          "towards itself is its clock (third reading of Spiteful-Bully); our reconstruction",
          ORD + "; described in words only", ("societal",),
          formula_text="forall t. (((forall s. D(r,c,s)) or D(r,r,t)) xor D(c,r,t))"),
    Entry("police", None,
          "defects on those who in the last round defected on somebody without provocation; our reconstruction",
          ORD + "; described as defecting on those who defect on others without provocation", ("societal",),
          formula_text="exists j. D(c,j,p) and not exists t. D(j,c,t)"),
    Entry("vulture", None,
          "defects on those who have just failed to retaliate, and bears a grudge; our reconstruction",
          ORD + "; described as defecting on all who have failed to retaliate when defected on by others",
          ("societal",),
          formula_text="(exists t. D(c,r,t) and not D(r,c,t)) or (exists j. D(j,c,p) and not D(c,j,p))"),
)  # fmt: skip
"""Every named strategy. A second published form of grim is ``D(c,r,p) or D(r,c,p)``."""

_BY_NAME = {name: entry for entry in ENTRIES for name in (entry.name, *entry.aliases)}


def add(entry: Entry) -> None:
    """Make an entry known in this process by its names (see `genomes.registration`); ValueError where one is taken.

    It is in no set and not among `names`, so that nothing that runs over the catalogue changes.
    """
    for name in (entry.name, *entry.aliases):
        if name in _BY_NAME:
            raise ValueError(f"name: expected one that is free, got {name!r}, which is taken")
    _BY_NAME.update({name: entry for name in (entry.name, *entry.aliases)})


def remove(entry: Entry) -> None:
    """Take back what was added; ValueError for an entry of the catalogue itself, or one that is not known."""
    if entry in ENTRIES or _BY_NAME.get(entry.name) is not entry:
        raise ValueError(f"name: expected one that was registered, got {entry.name!r}")
    for name in (entry.name, *entry.aliases):
        del _BY_NAME[name]


def sets() -> list[str]:
    """The names of the sets, in order of first mention."""
    return list(dict.fromkeys(s for entry in ENTRIES for s in entry.sets))


def names(set_name: str | None = None) -> list[str]:
    """The names in a set, or all names; ValueError with the nearest sets when there is no such set.

    >>> names("agents")[:3]
    ['all_c', 'all_d', 'tit_for_tat']
    """
    if set_name is None:
        return [entry.name for entry in ENTRIES]
    if set_name not in sets():
        raise ValueError(_unknown("set", set_name, sets()))
    return [entry.name for entry in ENTRIES if set_name in entry.sets]


def find(text: str) -> Entry | None:
    """The entry of that name or alias, if it is one."""
    return _BY_NAME.get(text.strip())


def get(name: str) -> Entry:
    """The entry of that name or alias; ValueError with the nearest names when there is none.

    >>> get("wsls").name
    'pavlov'
    """
    entry = find(name)
    if entry is None:
        raise ValueError(_unknown("strategy", name, _BY_NAME))
    return entry


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)
    hint = f"nearest: {', '.join(near)}" if near else "`evolve strategies` lists them"
    return f"{kind}: expected a known name, got {name!r} ({hint})"
