"""Ord's claims about ecologies with an exploiter of All-C: O1 to O8, and O13 and O14 on variants of Absolutist.

A claim names its strategies by their parts in it, because what plays Spiteful-Bully is ours to read. Each is tried
with quantifiers over all players and over others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from engine.ecologies import EcologyResult, ecology
from engine.game import Rules
from engine.societies.sipd import society
from evolve.claims.claim import Verdict, decided, under_both
from genomes.formula.syntax import Quantifiers

READINGS = ("bully", "spiteful_bully", "forgiving_bully")
"""Three readings of Spiteful-Bully, whose definition is not available."""
TURNS = 50
"""Rounds of a society; not given in the source."""
ALL_C = 500
"""All-C players at the start; not given in the source."""
GENERATIONS = 50
"""Horizon of an ecology: the source's graphs end early, and in the end every exploiter of All-C dies out."""
HORIZON = f"{TURNS} rounds, {GENERATIONS} generations"

PREVIOUS_ROUND = "exists j. D(r,j,p) xor D(c,j,p)"
"""Absolutist that looks only at the previous round."""
ALIKE_SHARE = 0.05
"""Populations that differ by at most this share of the total after the horizon are called almost identical."""

EXPLOITER, ABSOLUTIST = "(Spiteful-Bully)", "(Absolutist)"
"""Parts that more than one strategy can play."""


@dataclass(frozen=True)
class Followed:
    """An ecology whose strategies are known by their parts in a claim; `cast` says what plays a part."""

    result: EcologyResult
    cast: Mapping[str, str]

    @property
    def total(self) -> float:
        """All players at the start."""
        return float(self.result.counts[0].sum())

    def players(self, part: str, generation: int = GENERATIONS) -> float:
        """How many of a strategy there are after so many generations."""
        return self.result.after(generation, self.cast.get(part, part))

    def extinct(self, part: str) -> int | None:
        """The generation in which a strategy died out."""
        return self.result.extinct(self.cast.get(part, part))

    def alone(self, part: str) -> bool:
        """Whether all others have died out."""
        mine = self.cast.get(part, part)
        return all(self.players(other) == 0 for other in self.result.names if other != mine)

    def path(self, part: str, generation: int) -> str:
        """From how many to how many, in words."""
        return (
            f"{self.cast.get(part, part)} {self.players(part, 0):.0f} to {self.players(part, generation):.0f}"
        )


@dataclass(frozen=True)
class EcologyClaim:
    """What becomes of strategies that grow by what they earn in a society, exactly.

    `start`: how many players of each part. `true`: the statement in numbers. `watched`: whose numbers a verdict
    gives, at generation `at`. `readings`: what plays Spiteful-Bully. `rests_on`: what a reader has to know.
    """

    name: str
    statement: str
    start: Mapping[str, int]
    true: Callable[[Followed], bool]
    watched: tuple[str, ...]
    at: int = GENERATIONS
    readings: tuple[str, ...] = READINGS
    rests_on: str = ""
    source = "ord"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One for each reading of Spiteful-Bully, and of quantifiers where they differ."""
        return [
            verdict for exploiter in self.readings for verdict in under_both(partial(self._under, exploiter))
        ]

    def _under(self, exploiter: str, quantifiers: Quantifiers) -> Verdict:
        return self.verdict(exploiter, quantifiers=quantifiers)

    def verdict(
        self,
        exploiter: str,
        *,
        absolutist: str = "absolutist",
        turns: int = TURNS,
        all_c: int = ALL_C,
        quantifiers: Quantifiers = "all",
    ) -> Verdict:
        """The verdict under one reading of Spiteful-Bully and one of quantifiers."""
        cast = {EXPLOITER: exploiter, ABSOLUTIST: absolutist}
        rules = Rules(turns=turns, quantifiers=quantifiers)
        followed = {
            name: Followed(ecology(self.players(start, cast, all_c), rules, generations=GENERATIONS), cast)
            for name, start in self.starts().items()
        }
        grounds = [self.rests_on] if self.rests_on else []
        if EXPLOITER in self.start and exploiter == "forgiving_bully":
            grounds.insert(0, "chosen by us because it gives O1 to O8, so no evidence for them")
        return Verdict(
            self.name,
            self.statement,
            f"Spiteful-Bully = {exploiter}" if EXPLOITER in self.start else "",
            f"{turns} rounds, {GENERATIONS} generations",
            self.told(*followed.values()),
            decided(self.holds(*followed.values())),
            {name: one.result for name, one in followed.items()},
            rests_on="; ".join(grounds),
            quantifiers=quantifiers,
        )

    def starts(self) -> dict[str, Mapping[str, int]]:
        """The ecologies that are followed, by name."""
        return {self.name: self.start}

    def players(
        self, start: Mapping[str, int], cast: Mapping[str, str], all_c: int = ALL_C
    ) -> dict[str, int]:
        """Who is there at the start, and how many of each."""
        return {cast.get(part, part): all_c if part == "all_c" else n for part, n in start.items()}

    def told(self, *ecologies: Followed) -> str:
        """What happened, in one line with figures."""
        paths = ", ".join(ecologies[0].path(part, self.at) for part in self.watched)
        return f"{paths} at generation {self.at}"

    def holds(self, *ecologies: Followed) -> bool:
        """Whether it came out as the source says."""
        return self.true(ecologies[0])


@dataclass(frozen=True)
class ShortfallClaim(EcologyClaim):
    """One that says also what happens when a few players are missing at the `shortfall`."""

    shortfall: Mapping[str, int] = field(default_factory=dict)

    def starts(self) -> dict[str, Mapping[str, int]]:
        """Both ecologies."""
        return {self.name: self.start, f"{self.name} with a shortfall": self.shortfall}

    def told(self, *ecologies: Followed) -> str:
        """The path of the one and the end of the other."""
        (part,), (enough, short) = self.watched, ecologies
        path = ", ".join(f"{enough.players(part, g):.0f}" for g in (5, 10, 20))
        sizes = ["/".join(str(n) for n in start.values()) for start in self.starts().values()]
        return (
            f"{sizes[0]}: {path} Absolutists at generations 5, 10, 20; {sizes[1]}: "
            f"{short.players(part, 20):.0f} at 20"
        )

    def holds(self, *ecologies: Followed) -> bool:
        """The statement, and that they die out with the shortfall."""
        enough, short = ecologies
        return self.true(enough) and short.players(self.watched[0]) == 0


# --- the statements in numbers, after the horizon ------------------------------------------------------------


def _strong_hold(e: Followed) -> bool:
    """Gains compared when All-C is gone; a strong hold: a fifth of all after the horizon."""
    gone = e.extinct("all_c")
    if gone is None or gone > GENERATIONS or e.players(EXPLOITER) < e.total / 5:
        return False
    return 0 < e.players("tit_for_tat", gone) - 500 < e.players(EXPLOITER, gone) - 50


def _died_out(e: Followed) -> bool:
    return e.players(EXPLOITER) == 0 and e.players("police") > 500


def _kept_down(e: Followed) -> bool:
    """Kept below where they began; a great deal: at least twice as many."""
    return e.players(EXPLOITER) < 50 and e.players("tit_for_tat") >= 200


def _dominate_early(e: Followed) -> bool:
    return e.players(ABSOLUTIST, 10) >= 0.9 * e.total


def _dominate(e: Followed) -> bool:
    """TFT does not flourish: less than twice as many, and a minority."""
    return e.players(EXPLOITER) > e.total / 2 and 0 < e.players("tit_for_tat") < 200


def _slowly_then_fast(e: Followed) -> bool:
    early = e.players(ABSOLUTIST, 5) - e.players(ABSOLUTIST, 0)
    late = e.players(ABSOLUTIST, 10) - e.players(ABSOLUTIST, 5)
    return e.alone(ABSOLUTIST) and early < late


POLICE = "Police is our formula for a description; plain Grim in its place passes too"

O1 = EcologyClaim(
    "O1",
    "Spiteful-Bullies get a strong hold, All-C is eliminated, TFT gains less than they do",
    {"tit_for_tat": 500, "all_c": ALL_C, EXPLOITER: 50},
    _strong_hold,
    ("tit_for_tat", "all_c", EXPLOITER),
)
O2 = EcologyClaim(
    "O2",
    "with Police instead of TFT Spiteful-Bullies die out, the Police gain a little",
    {"police": 500, "all_c": ALL_C, EXPLOITER: 50},
    _died_out,
    ("police", EXPLOITER),
    rests_on=POLICE,
)
O3 = EcologyClaim(
    "O3",
    "400 Police keep Spiteful-Bullies down, 100 TFT gain a great deal",
    {"police": 400, "tit_for_tat": 100, "all_c": ALL_C, EXPLOITER: 50},
    _kept_down,
    ("police", "tit_for_tat", EXPLOITER),
    rests_on=POLICE,
)
O4 = EcologyClaim(
    "O4",
    "400 Absolutists dominate within 10 generations",
    {ABSOLUTIST: 400, "tit_for_tat": 100, "all_c": ALL_C, EXPLOITER: 50},
    _dominate_early,
    (ABSOLUTIST, "tit_for_tat"),
    at=10,
)
O5 = EcologyClaim(
    "O5",
    "with 100 TFT Spiteful-Bullies dominate, TFT survives but does not flourish",
    {"tit_for_tat": 100, "all_c": ALL_C, EXPLOITER: 50},
    _dominate,
    (EXPLOITER, "tit_for_tat"),
)
O6 = EcologyClaim(
    "O6",
    "with 100 Absolutists instead, these eliminate all others",
    {ABSOLUTIST: 100, "all_c": ALL_C, EXPLOITER: 50},
    lambda e: e.alone(ABSOLUTIST),
    (ABSOLUTIST, EXPLOITER),
)
O7 = ShortfallClaim(
    "O7",
    "500 Absolutists beat 500 Spiteful-Bullies, slowly and then very fast; with a minor shortfall they die",
    {ABSOLUTIST: 500, EXPLOITER: 500},
    _slowly_then_fast,
    (ABSOLUTIST,),
    shortfall={ABSOLUTIST: 490, EXPLOITER: 510},
)
O8 = EcologyClaim(
    "O8",
    "500 Suspicious Absolutists beat 500 TFT",
    {"suspicious_absolutist": 500, "tit_for_tat": 500},
    lambda e: e.alone("suspicious_absolutist"),
    ("suspicious_absolutist",),
    readings=READINGS[-1:],
)


# --- variants of Absolutist ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class VariantClaim:
    """That another Absolutist changes little: the same verdicts on some claims, and almost the same numbers.

    Not testable where the exploiter plays exactly like the `variant` in one of them: nothing can select there.
    """

    name: str
    statement: str
    variant: str
    among: tuple[EcologyClaim, ...]
    source = "ord"

    def verdicts(self, replicates: int | None = None) -> list[Verdict]:
        """One for each reading of Spiteful-Bully, and of quantifiers where they differ."""
        return [verdict for exploiter in READINGS for verdict in under_both(partial(self.verdict, exploiter))]

    def verdict(self, exploiter: str, quantifiers: Quantifiers = "all") -> Verdict:
        """The verdict under one reading of Spiteful-Bully and one of quantifiers."""
        apart, differ, ecologies, finals, blind = {}, [], {}, [], []
        for claim in self.among:
            where = claim.name
            before = claim.verdict(exploiter, quantifiers=quantifiers)
            after = claim.verdict(exploiter, absolutist=self.variant, quantifiers=quantifiers)
            a, b = (verdict.ecologies[where] for verdict in (before, after))
            # the columns stand in the same order
            gaps = [
                abs(a.after(GENERATIONS, x) - b.after(GENERATIONS, y))
                for x, y in zip(a.names, b.names, strict=True)
            ]
            apart[where] = max(gaps) / float(a.counts[0].sum())
            ecologies[f"{self.name} in {where}"] = b
            start = claim.players(claim.start, {EXPLOITER: exploiter, ABSOLUTIST: self.variant})
            if _alike(self.variant, exploiter, start, quantifiers):
                blind.append(where)
            elif before.holds != after.holds:
                differ.append(where)
            finals.append(
                f"{where} {b.after(GENERATIONS, b.names[0]):.0f} "
                f"(Absolutist {a.after(GENERATIONS, a.names[0]):.0f})"
            )
        outcome = decided(not differ and max(apart.values()) <= ALIKE_SHARE)
        return Verdict(
            self.name,
            self.statement,
            f"Spiteful-Bully = {exploiter}; almost identical: within {ALIKE_SHARE:.0%}",
            HORIZON,
            "; ".join([*self._told(exploiter, apart, differ, blind), ", ".join(finals)]),
            "not testable" if blind else outcome,
            ecologies,
            {"apart": apart, "alike": blind},
            "that the source's exploiter is one of our three; another might be told from it" if blind else "",
            quantifiers,
        )

    def _told(
        self, exploiter: str, apart: Mapping[str, float], differ: list[str], blind: list[str]
    ) -> list[str]:
        """What could not be tested, how far apart the numbers are, and which verdicts differ."""
        parts = [f"{exploiter} plays exactly like it in {' and '.join(blind)}"] if blind else []
        tested = [where for where in apart if where not in blind]
        if tested:
            worst = max(tested, key=lambda where: apart[where])
            parts.append(
                f"numbers after the horizon differ by at most {apart[worst]:.0%} of all players ({worst})"
            )
            words = f"otherwise than with Absolutist: {', '.join(differ)}" if differ else "the same verdicts"
            parts.append(words + (f" in {' and '.join(tested)}" if blind and not differ else ""))
        return parts


def _alike(one: str, two: str, start: Mapping[str, int], quantifiers: Quantifiers) -> bool:
    """Whether two strategies of a society do the same to everybody, and everybody the same to them."""
    trace = society(start, Rules(turns=TURNS, quantifiers=quantifiers)).trace()
    a, b = (list(start).index(name) for name in (one, two))
    return bool(np.array_equal(trace[:, a], trace[:, b]) and np.array_equal(trace[:, :, a], trace[:, :, b]))


O13 = VariantClaim(
    "O13",
    "an Absolutist that looks only at the previous round changes little in O4 to O7",
    PREVIOUS_ROUND,
    (O4, O6, O7),
)
O14 = VariantClaim(
    "O14",
    "Suspicious Absolutist instead of Absolutist: almost identical in O4, O6, O7",
    "suspicious_absolutist",
    (O4, O6, O7),
)
