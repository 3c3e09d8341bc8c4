"""How a behaviour is drawn, the same in every figure, page and run: one colour and hatch for every named strategy.

Plain values without a library, so that whatever draws can use them; lines and areas that are no strategy have their
colours in `results.palette`.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import cache

from genomes import catalogue
from results.palette import edge, ink

HATCHES = ("", "////", "....", "\\\\\\\\", "----", "xxxx", "||||", "++++")
"""As matplotlib writes them: two lines a direction, dots."""

NAMED = {
    "all_c": ("#9fd0cb", ""),
    "all_d": ("#8c2d3f", ""),
    "tit_for_tat": ("#1b3a6b", ""),
    "spiteful": ("#7a4f1d", "////"),
    "grim": ("#7a4f1d", "----"),
    "pavlov": ("#f2c14e", ""),
    "mistrust": ("#4b4b8f", "\\\\\\\\"),
    "gtft": ("#3f7cac", "...."),
    "random": ("#bdbdbd", "xxxx"),
    "tf2t": ("#b9d3ee", "...."),
    "winner12": ("#1f6f5c", "////"),
    "winner21": ("#1f6f5c", "----"),
    "absolutist": ("#d9c2e9", ""),
    "suspicious_absolutist": ("#8e6bb0", "\\\\\\\\"),
    "vulture": ("#b5541c", "////"),
    "police": ("#f0a58f", "...."),
    "bully": ("#d4708a", "xxxx"),
    "spiteful_bully": ("#d4708a", "\\\\\\\\"),
    "forgiving_bully": ("#e8b4c0", "----"),
    "prober": ("#a34a28", "...."),
    "gradual": ("#b7cf6a", ""),
    "soft_majo": ("#d6e4a5", "////"),
    "hard_majo": ("#6f8f2f", "\\\\\\\\"),
    "hard_tft": ("#2f5d9b", "----"),
    "slow_tft": ("#86a8d4", "\\\\\\\\"),
    "two_tits_for_tat": ("#2f5d9b", "xxxx"),
    "forgiving_tft": ("#6f9fd8", "////"),
    "joss": ("#4b4b8f", "...."),
    "zd_extort_2": ("#5c2a5e", "////"),
    "zd_extort_3": ("#5c2a5e", "...."),
    "zd_gtft_2": ("#5aa6a0", "////"),
    "zd_set_2": ("#c79fd1", "----"),
    "evolved_fsm_4": ("#35605a", "xxxx"),
    "evolved_fsm_6": ("#35605a", "...."),
    "evolved_fsm_16": ("#35605a", "||||"),
    "evolved_fsm_16_noise_05": ("#35605a", "++++"),
    "per_cd": ("#d9c9a3", "////"),
    "per_ccd": ("#e6dcc2", "...."),
    "per_ddc": ("#a8925c", "\\\\\\\\"),
}
"""Colour and hatch by name: blues are kin of tit_for_tat, greens win or count, reds exploit, browns never forgive."""

TRAITS = {
    "nice, forgiving": ("#cfe3d4", "...."),
    "nice, unforgiving": ("#d8c8a8", "////"),
    "nice, not retaliating": ("#e3efd0", "\\\\\\\\"),
    "not nice, forgiving": ("#c9cfe6", "----"),
    "not nice, unforgiving": ("#c2b2a6", "xxxx"),
    "not nice, not retaliating": ("#ece3c4", "||||"),
    "exploiting": ("#e0b7b2", "////"),
}
"""Of families that no named strategy heads."""

PALE = 0.5
"""How far the colour of a family is from that of its head towards white."""


@dataclass(frozen=True)
class Look:
    """How one behaviour is drawn, everywhere. `colour` is ``#rrggbb``, `hatch` one of `HATCHES`."""

    label: str
    colour: str
    hatch: str

    @property
    def edge(self) -> str:
        """The colour of the hatch: white on the dark, grey on the light."""
        return edge(self.colour) if self.hatch else "white"


@cache
def look_of(name: str) -> Look:
    """The look of a named strategy, a ``~`` before it or not, of a family ("like tit_for_tat") or of traits.

    A strategy that was named later than this table gets a look that follows from its name.

    >>> look_of("pavlov").colour, look_of("~pavlov").colour, look_of("like pavlov").colour
    ('#f2c14e', '#f2c14e', '#f8e0a6')
    """
    plain = name.removeprefix("~")
    family = plain.startswith("like ")
    entry = catalogue.find(plain.removeprefix("like "))
    known = NAMED.get(entry.name if entry is not None else plain) or TRAITS.get(plain)
    colour, hatch = known or (_hue(plain.removeprefix("like ")), "")
    return Look(name, mixed(colour, "#ffffff", PALE) if family else colour, hatch)


def line_of(name: str) -> str:
    """The colour of a strategy as a line on white paper: that of its look, darkened where it is light.

    >>> line_of("tit_for_tat"), line_of("pavlov")
    ('#1b3a6b', '#9d7d33')
    """
    colour = look_of(name).colour
    return mixed(colour, "#000000", 0.35) if ink(colour) == "black" else colour


def look_of_unnamed(label: str, behaviour: str, head: str | None) -> Look:
    """The look of a behaviour without a name that is shown by itself: a tint of its head's colour, by its key.

    `behaviour` is its key, `head` the named strategy it is most like.
    """
    number = sum(behaviour.encode()) % 97
    base = look_of(head).colour if head is not None else _hue(behaviour)
    toward = "#ffffff" if ink(base) == "white" else "#000000"
    return Look(label, mixed(base, toward, 0.15 + 0.1 * (number % 5)), HATCHES[number % len(HATCHES)])


def mixed(one: str, other: str, share: float) -> str:
    """A colour with a share of another mixed in."""
    pairs = zip(_rgb(one), _rgb(other), strict=True)
    return "#" + "".join(f"{round((1 - share) * a + share * b):02x}" for a, b in pairs)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hue(text: str) -> str:
    """A colour that follows from a text."""
    number = sum((k + 1) * byte for k, byte in enumerate(text.encode()))
    light, full = 0.35 + 0.1 * (number % 5), 0.35
    rgb = colorsys.hls_to_rgb((number * 0.618034) % 1.0, light, full)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)
