"""The published claims of Toby Ord, "Further results on the societal iterated prisoner's dilemma": O1 to O14.

A claim that fails is a result like any other. Each is tried with quantifiers over all players and over others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from engine.ecologies import EcologyResult, ecology
from engine.game import Rules
from engine.intervals import wilson
from engine.societies.sipd import society
from evolve.claims.verdict import Verdict, decided, more_often_than_not, under_both
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


Claim = Callable[..., list[Verdict]]


def _evolved(start: Mapping[str, int], turns: int, quantifiers: Quantifiers) -> EcologyResult:
    return ecology(start, Rules(turns=turns, quantifiers=quantifiers), generations=GENERATIONS)


def _at(result: EcologyResult, *names: str, generation: int = GENERATIONS) -> str:
    """The numbers of some strategies after so many generations, in words."""
    return ", ".join(
        f"{name} {result.after(0, name):.0f} to {result.after(generation, name):.0f}" for name in names
    )


# --- ecologies with an exploiter -----------------------------------------------------------------------------


def starts(exploiter: str, absolutist: str = "absolutist", all_c: int = ALL_C) -> dict[str, dict[str, int]]:
    """Who is there at the start of O1 to O8; ``O7-`` is O7 with a minor shortfall."""
    return {
        "O1": {"tit_for_tat": 500, "all_c": all_c, exploiter: 50},
        "O2": {"police": 500, "all_c": all_c, exploiter: 50},
        "O3": {"police": 400, "tit_for_tat": 100, "all_c": all_c, exploiter: 50},
        "O4": {absolutist: 400, "tit_for_tat": 100, "all_c": all_c, exploiter: 50},
        "O5": {"tit_for_tat": 100, "all_c": all_c, exploiter: 50},
        "O6": {absolutist: 100, "all_c": all_c, exploiter: 50},
        "O7": {absolutist: 500, exploiter: 500},
        "O7-": {absolutist: 490, exploiter: 510},
        "O8": {"suspicious_absolutist": 500, "tit_for_tat": 500},
    }


STATEMENTS = {
    "O1": "Spiteful-Bullies get a strong hold, All-C is eliminated, TFT gains less than they do",
    "O2": "with Police instead of TFT Spiteful-Bullies die out, the Police gain a little",
    "O3": "400 Police keep Spiteful-Bullies down, 100 TFT gain a great deal",
    "O4": "400 Absolutists dominate within 10 generations",
    "O5": "with 100 TFT Spiteful-Bullies dominate, TFT survives but does not flourish",
    "O6": "with 100 Absolutists instead, these eliminate all others",
    "O7": "500 Absolutists beat 500 Spiteful-Bullies, slowly and then very fast; with a minor shortfall they die",
    "O8": "500 Suspicious Absolutists beat 500 TFT",
    "O9": "evolution from random strategies: TFT is very successful, strong for its complexity",
    "O10": "populations seeded with Vultures, Absolutists or Suspicious Absolutists avoid invasion",
    "O11": "a small chance of error: Absolutists end up defecting on each other and never recover",
    "O12": "random members, no error: the same is said of Absolutists",
    "O13": "an Absolutist that looks only at the previous round changes little in O4 to O7",
    "O14": "Suspicious Absolutist instead of Absolutist: almost identical in O4, O6, O7",
}


def _holds(
    claim: str, exploiter: str, absolutist: str, result: EcologyResult, shortfall: EcologyResult
) -> bool:
    """The claim, in numbers after the horizon."""
    total = float(result.counts[0].sum())

    def n(name: str, generation: int = GENERATIONS) -> float:
        return result.after(generation, name)

    def alone(name: str) -> bool:
        return all(n(other) == 0 for other in result.names if other != name)

    if claim == "O1":  # gains compared when All-C is gone; "a strong hold": a fifth of all after the horizon
        gone = result.extinct("all_c")
        if gone is None or gone > GENERATIONS or n(exploiter) < total / 5:
            return False
        return 0 < n("tit_for_tat", gone) - 500 < n(exploiter, gone) - 50
    if claim == "O2":
        return n(exploiter) == 0 and n("police") > 500
    if claim == "O3":  # kept below where they began; "a great deal": at least twice as many
        return n(exploiter) < 50 and n("tit_for_tat") >= 200
    if claim == "O4":
        return n(absolutist, 10) >= 0.9 * total
    if claim == "O5":  # "does not flourish": less than twice as many, and a minority
        return n(exploiter) > total / 2 and 0 < n("tit_for_tat") < 200
    if claim == "O6":
        return alone(absolutist)
    if claim == "O7":
        gains = [n(absolutist, 5) - n(absolutist, 0), n(absolutist, 10) - n(absolutist, 5)]
        slowly = gains[0] < gains[1]
        return alone(absolutist) and slowly and shortfall.after(GENERATIONS, absolutist) == 0
    return alone("suspicious_absolutist")


_WATCHED = {
    "O1": ("tit_for_tat", "all_c", "*"),
    "O2": ("police", "*"),
    "O3": ("police", "tit_for_tat", "*"),
    "O4": ("absolutist", "tit_for_tat"),
    "O5": ("*", "tit_for_tat"),
    "O6": ("absolutist", "*"),
    "O7": ("absolutist",),
    "O8": ("suspicious_absolutist",),
}


def tournament(claim: str, exploiter: str, absolutist: str = "absolutist", *, turns: int = TURNS,
               all_c: int = ALL_C, quantifiers: Quantifiers = "all") -> Verdict:  # fmt: skip
    """One of O1 to O8 under one reading of Spiteful-Bully and one of quantifiers, exactly."""
    start = starts(exploiter, absolutist, all_c)
    result = _evolved(start[claim], turns, quantifiers)
    shown = [{"*": exploiter, "absolutist": absolutist}.get(name, name) for name in _WATCHED[claim]]
    horizon = 10 if claim == "O4" else GENERATIONS
    happened = _at(result, *shown, generation=horizon) + f" at generation {horizon}"
    ecologies, shortfall = {claim: result}, result
    if claim == "O7":
        shortfall = _evolved(start["O7-"], turns, quantifiers)
        ecologies["O7 with a shortfall"] = shortfall
        path = ", ".join(f"{result.after(g, absolutist):.0f}" for g in (5, 10, 20))
        happened = f"500/500: {path} Absolutists at generations 5, 10, 20; 490/510: "
        happened += f"{shortfall.after(20, absolutist):.0f} at 20"
    reading = "" if claim == "O8" else f"Spiteful-Bully = {exploiter}"
    return Verdict(
        claim,
        STATEMENTS[claim],
        reading,
        f"{turns} rounds, {GENERATIONS} generations",
        happened,
        decided(_holds(claim, exploiter, absolutist, result, shortfall)),
        ecologies,
        rests_on=_grounds(claim, exploiter),
        quantifiers=quantifiers,
    )


def _grounds(claim: str, exploiter: str) -> str:
    """What a verdict about a tournament rests on, beside the reading."""
    grounds = []
    if claim != "O8" and exploiter == "forgiving_bully":
        grounds.append("chosen by us because it gives O1 to O8, so no evidence for them")
    if claim in ("O2", "O3"):
        grounds.append("Police is our formula for a description; plain Grim in its place passes too")
    return "; ".join(grounds)


def _alike(one: str, two: str, start: Mapping[str, int], quantifiers: Quantifiers) -> bool:
    """Whether two strategies of a society do the same to everybody, and everybody the same to them."""
    trace = society(start, Rules(turns=TURNS, quantifiers=quantifiers)).trace()
    a, b = (list(start).index(name) for name in (one, two))
    return bool(np.array_equal(trace[:, a], trace[:, b]) and np.array_equal(trace[:, :, a], trace[:, :, b]))


def _variant(
    claim: str, other: str, exploiter: str, changed: tuple[str, ...], quantifiers: Quantifiers
) -> Verdict:
    """Another Absolutist in the tournaments of Absolutist: the same verdicts, and almost the same numbers?

    Not testable where the exploiter plays exactly like the variant in one of them: nothing can select there.
    """
    apart, differ, ecologies, finals, blind = {}, [], {}, [], []
    for where in changed:
        before = tournament(where, exploiter, quantifiers=quantifiers)
        after = tournament(where, exploiter, other, quantifiers=quantifiers)
        a, b = (v.ecologies[where] for v in (before, after))
        # the columns stand in the same order
        gaps = [
            abs(a.after(GENERATIONS, x) - b.after(GENERATIONS, y))
            for x, y in zip(a.names, b.names, strict=True)
        ]
        apart[where] = max(gaps) / float(a.counts[0].sum())
        ecologies[f"{claim} in {where}"] = b
        if _alike(other, exploiter, starts(exploiter, other)[where], quantifiers):
            blind.append(where)
        elif before.holds != after.holds:
            differ.append(where)
        finals.append(
            f"{where} {b.after(GENERATIONS, b.names[0]):.0f} (Absolutist {a.after(GENERATIONS, a.names[0]):.0f})"
        )
    tested = [where for where in changed if where not in blind]
    parts = [f"{exploiter} plays exactly like it in {' and '.join(blind)}"] if blind else []
    if tested:
        worst = max(tested, key=lambda where: apart[where])
        parts.append(
            f"numbers after the horizon differ by at most {apart[worst]:.0%} of all players ({worst})"
        )
        words = f"otherwise than with Absolutist: {', '.join(differ)}" if differ else "the same verdicts"
        parts.append(words + (f" in {' and '.join(tested)}" if blind and not differ else ""))
    outcome = decided(not differ and max(apart.values()) <= ALIKE_SHARE)
    return Verdict(
        claim,
        STATEMENTS[claim],
        f"Spiteful-Bully = {exploiter}; almost identical: within {ALIKE_SHARE:.0%}",
        HORIZON,
        "; ".join([*parts, ", ".join(finals)]),
        "not testable" if blind else outcome,
        ecologies,
        {"apart": apart, "alike": blind},
        "that the source's exploiter is one of our three; another might be told from it" if blind else "",
        quantifiers,
    )


def previous_round_absolutist() -> list[Verdict]:
    """O13."""
    return _variants("O13", PREVIOUS_ROUND)


def suspicious_absolutists() -> list[Verdict]:
    """O14."""
    return _variants("O14", "suspicious_absolutist")


def _variants(claim: str, other: str) -> list[Verdict]:
    def under(exploiter: str, quantifiers: Quantifiers) -> Verdict:
        return _variant(claim, other, exploiter, ("O4", "O6", "O7"), quantifiers)

    return [verdict for exploiter in READINGS for verdict in under_both(partial(under, exploiter))]


# --- societies with chance -----------------------------------------------------------------------------------

PLAYERS, NOISY_TURNS, NOISE, REPLICATES = 20, 200, 0.01, 32
BROKEN_RATE = 0.05
"""Cooperation in the second half below which Absolutists have ended up defecting on each other."""
CHANCES = (0.5, 0.1, 0.01)
"""Probabilities that a random member defects: the share of its moves that chance makes different."""


def small_chance_of_error(*, players: int = PLAYERS, turns: int = NOISY_TURNS, noise: float = NOISE,
                          replicates: int = REPLICATES) -> list[Verdict]:  # fmt: skip
    """O11: Absolutists alone, each move slipping now and then; Pavlov is the control that recovers."""

    def under(quantifiers: Quantifiers) -> Verdict:
        rules = Rules(turns=turns, noise=noise, quantifiers=quantifiers)
        by_round = {
            name: society({name: players}, rules, replicates=replicates, seed=11).cooperation_by_round()[
                :, 0, 0
            ]
            for name in ("absolutist", "pavlov")
        }
        path = by_round["absolutist"]
        below = np.flatnonzero(path < 0.5)
        collapse = int(below[0]) + 1 if len(below) else None
        late = path[turns // 2 :]
        marks = [mark for mark in (1, 5, 10, 20, 50, turns) if mark <= turns]
        happened = "cooperation " + ", ".join(f"{path[mark - 1]:.0%} in round {mark}" for mark in marks)
        happened += f"; control pavlov {by_round['pavlov'][turns // 2 :].mean():.0%} in the second half"
        return Verdict(
            "O11",
            STATEMENTS["O11"],
            f"{players} players, error {noise:g}; never recover: at most {BROKEN_RATE + noise:.0%} cooperation in "
            "every round of the second half",
            f"{turns} rounds, mean of {replicates} replicates",
            happened,
            decided(collapse is not None and float(late.max()) < BROKEN_RATE + noise),
            details={name: values.tolist() for name, values in by_round.items()} | {"collapse": collapse},
        )

    return under_both(under)


def random_members(*, players: int = PLAYERS, turns: int = NOISY_TURNS,
                   replicates: int = REPLICATES) -> list[Verdict]:  # fmt: skip
    """O12: Absolutists among members who leave a share of their moves to chance, nobody making mistakes."""

    def under(chance: float, quantifiers: Quantifiers) -> Verdict:
        among = _among_random(players, chance, turns, replicates, quantifiers)
        late = among[:, turns // 2 :].mean(axis=1)
        broken, parted = int((late < BROKEN_RATE).sum()), int((late < 1).sum())
        low, high = wilson(broken, replicates)
        happened = (
            f"cooperation among Absolutists {late.mean():.0%} in the second half; below {BROKEN_RATE:.0%} in "
        )
        happened += f"{broken} of {replicates} replicates ({low:.0%} to {high:.0%}), "
        some = wilson(parted, replicates)
        happened += f"some of them defect on each other in {parted} ({some[0]:.0%} to {some[1]:.0%})"
        return Verdict(
            "O12",
            STATEMENTS["O12"],
            f"{players} Absolutists, {players // 4} random members who defect with probability {chance:g}; the same: "
            f"below {BROKEN_RATE:.0%} cooperation, more often than not",
            f"{turns} rounds, {replicates} replicates",
            happened,
            more_often_than_not(low, high),
            details={
                "chance": chance,
                "broken": broken,
                "parted": parted,
                "interval": [low, high],
                "late": late.tolist(),
            },
            rests_on={
                "all": "all Absolutists see the same and treat everybody alike, whatever is random",
                "others": "what is done to oneself is no play of third parties, so Absolutists can see different "
                "things; that the source means all of them, not some",
            }[quantifiers],
        )

    return [verdict for chance in CHANCES for verdict in under_both(partial(under, chance))]


def _among_random(
    players: int, chance: float, turns: int, replicates: int, quantifiers: Quantifiers
) -> NDArray[np.float64]:
    """Share of C among Absolutists, ``(replicates, turns)``."""
    start = {"absolutist": players, f"memory(0,0) | {1 - chance}": players // 4}
    rules = Rules(turns=turns, quantifiers=quantifiers)
    return np.stack(
        [
            society(start, rules, replicates=1, seed=12 + k).cooperation_by_round()[:, 0, 0]
            for k in range(replicates)
        ]
    )


# --- the list ------------------------------------------------------------------------------------------------


def ecology_claim(claim: str) -> Claim:
    def under(exploiter: str, quantifiers: Quantifiers) -> Verdict:
        return tournament(claim, exploiter, quantifiers=quantifiers)

    def run() -> list[Verdict]:
        readings = READINGS[-1:] if claim == "O8" else READINGS
        return [verdict for exploiter in readings for verdict in under_both(partial(under, exploiter))]

    return run
