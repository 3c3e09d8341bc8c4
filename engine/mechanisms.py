"""Change the game, not the players: rules that a designer can add to a game, as values in an ordered list.

`Rules.mechanisms` holds them. A mechanism changes what joint moves pay, how likely play goes on, or keeps a state of
the pair (`engine.stage`); strategies are what they were and see realised moves alone. In a turn both intend a move,
it may slip, it may be blocked, it is realised; then it is inspected, paid for, and the state moves on.

To add one: a class here with everything that `Mechanism` asks, and its place in `MECHANISMS`.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from engine.mechanism import Mechanism, exact, listed
from engine.stage import Entry, Stage, State

TARGETS = ("burn", "partner", "pool")
"""Who gets a fine: nobody, the other player, or both in equal parts."""


@dataclass(frozen=True)
class Fine(Mechanism):
    """A fine on defection: see `semantics`."""

    fine: float
    detection: float = 1.0
    false_positives: float = 0.0
    monitoring: float = 0.0
    to: str = "burn"

    name = "fine"
    semantics = (
        "Every move is inspected: a D is fined with probability `detection`, a C with probability `false_positives`. "
        "Inspection costs both players `monitoring` a turn. The fine is burnt, goes to the partner, or into a pool "
        "that is split equally. Players do not see who was fined, so its expectation is exact."
    )
    prediction = (
        "With F = (detection - false_positives) * fine, C is dominant exactly from F = max(T - R, P - S) on, and from "
        "twice that where fines are pooled, since half comes back."
    )
    source = "Becker, Crime and punishment: an economic approach (1968)"

    def check(self) -> None:
        self.within("fine", 0.0)
        self.within("detection", 0.0, 1.0)
        self.within("false_positives", 0.0, 1.0)
        self.within("monitoring", 0.0)
        self.one_of("to", TARGETS)

    def applied(self, stage: Stage) -> Stage:
        cost = exact(self.fine)
        of = exact(self.false_positives) * cost, exact(self.detection) * cost  # expected fine on C, on D
        watch = exact(self.monitoring)

        def entry(own: int, other: int) -> Entry:
            received = {"burn": Fraction(0), "partner": of[other], "pool": (of[own] + of[other]) / 2}[self.to]
            return Entry(fines=of[own], monitoring=watch, received=received)

        return stage.changed(lambda state: state.booked(entry))


@dataclass(frozen=True)
class Referee(Mechanism):
    """A fine by a referee whom the players pay: see `semantics`."""

    fine: float
    share: float
    cost: float = 1.0

    name = "referee"
    semantics = (
        "Both players pay a `share` a turn to a referee, who inspects with it: certainty costs `cost` a player, so a D "
        "is found and fined with probability min(1, share / cost). Fines are burnt. Shares beyond that are wasted."
    )
    prediction = (
        "C is dominant exactly from fine * min(1, share / cost) = max(T - R, P - S) on; it is worth its price while "
        "share < R - P."
    )
    source = "Sigmund, De Silva, Traulsen & Hauert, Social learning promotes institutions (2010)"

    def check(self) -> None:
        self.within("fine", 0.0)
        self.within("share", 0.0)
        if not self.cost > 0:
            raise ValueError(f"referee.cost: expected cost > 0, got {self.cost:g}")

    def applied(self, stage: Stage) -> Stage:
        share = exact(self.share)
        expected = exact(self.fine) * min(Fraction(1), share / exact(self.cost))
        return stage.changed(
            lambda state: state.booked(
                lambda own, other: Entry(fines=expected if own else Fraction(0), monitoring=share)
            )
        )


@dataclass(frozen=True)
class Hazard(Mechanism):
    """Players who may die: see `semantics`."""

    hazard: float
    mortal: int = 2

    name = "hazard"
    semantics = (
        "After every turn each of `mortal` players (1 or 2) dies with probability `hazard`, which ends the deal. It is "
        "taken up in the continuation probability: d becomes d * (1 - hazard)^mortal."
    )
    prediction = (
        "Grim holds against every mutant exactly while d * (1 - hazard)^mortal >= (T - R) / (T - P): at d = .95 up to "
        ".474 with one mortal player, .275 with two."
    )
    source = "Agent systems, document 000: agent death risk"

    def check(self) -> None:
        if not 0 <= self.hazard < 1:
            raise ValueError(f"hazard.hazard: expected 0 <= hazard < 1, got {self.hazard:g}")
        self.within("mortal", 1, 2)

    def applied(self, stage: Stage) -> Stage:
        return stage

    def survival(self) -> Fraction:
        return (1 - exact(self.hazard)) ** self.mortal

    def refused(self, *, turns: int | None, limit_of_means: bool) -> str | None:
        if turns is not None or limit_of_means:
            got = "the limit of means" if limit_of_means else f"{turns} turns"
            return f"expected a continuation probability, which a hazard lowers, got {got}"
        return None


@dataclass(frozen=True)
class Escrow(Mechanism):
    """Escrow that nobody can refuse: see `semantics`."""

    bond: float
    fee: float = 0.0

    name = "escrow"
    semantics = (
        "In every turn both lock a `bond` and pay a `fee`. Who cooperates has the bond back, that of who defects goes "
        "to the partner."
    )
    prediction = (
        "C is dominant exactly from bond = max(T - R, P - S) on; all cooperating with it beats all defecting without "
        "it while fee <= R - P."
    )
    source = "Agent systems, document 000: escrow as credible commitment"

    def check(self) -> None:
        self.within("bond", 0.0)
        self.within("fee", 0.0)

    def applied(self, stage: Stage) -> Stage:
        return stage.changed(self.locked)

    def locked(self, state: State) -> State:
        """A state played in escrow."""
        return state.booked(self._entry)

    def _entry(self, own: int, other: int) -> Entry:
        bond, none = exact(self.bond), Fraction(0)
        return Entry(
            fees=exact(self.fee),
            bonds=bond,
            returned=none if own else bond,
            received=bond if other else none,
        )


@dataclass(frozen=True)
class EscrowOffer(Mechanism):
    """Escrow that both have to join: see `semantics`."""

    bond: float
    fee: float = 0.0

    name = "escrow_offer"
    semantics = (
        "Before the first turn each makes one move more: C joins. Where both join, all turns are played in escrow "
        "(`bond` and `fee` as in escrow), else without. The offer has no payoff and takes no time, and is part of what "
        "strategies remember; with noise it may slip."
    )
    prediction = (
        "Cooperation needs bond >= max(T - R, P - S), and a fee that leaves joining worth while: below R - P."
    )
    source = "Agent systems, document 000: escrow as credible commitment"

    def check(self) -> None:
        self.within("bond", 0.0)
        self.within("fee", 0.0)

    def applied(self, stage: Stage) -> Stage:
        if not all(state.counted for state in stage.states):
            raise ValueError(
                "escrow_offer: expected one offer before the first turn, got two, which would need an order of moves"
            )
        inside = stage.changed(Escrow(self.bond, self.fee).locked)
        n = len(stage)
        offer = State((Fraction(0),) * 4, acts=False, counted=False)
        joined, refused = 1, 1 + n
        return Stage(
            states=(offer, *inside.states, *stage.states),
            following=(
                (joined, refused, refused, refused),
                *(tuple(joined + t for t in row) for row in stage.following),
                *(tuple(refused + t for t in row) for row in stage.following),
            ),
            idle=(0, *(joined + t for t in stage.idle), *(refused + t for t in stage.idle)),
            mirror=(0, *(joined + t for t in stage.mirror), *(refused + t for t in stage.mirror)),
            deposit=stage.deposit,
        )

    def refused(self, *, turns: int | None, limit_of_means: bool) -> str | None:
        if limit_of_means:
            return "expected turns or a continuation probability, since the limit of means has no first turn, got it"
        return None


@dataclass(frozen=True)
class Milestones(Mechanism):
    """Escrow of a deal in stages: see `semantics`."""

    bond: float
    stages: int
    out: float
    early: float = 0.0

    name = "milestones"
    semantics = (
        "A deal has so many `stages`, a turn each. In the last both lock a `bond`, in those before `early`; who "
        "defects loses it to the partner, and any D ends the deal: in the turns that are left of it both earn "
        "`out`, whatever they do. Then the next deal begins."
    )
    prediction = (
        "Over one deal C is best in stage k of K exactly when its bond is at least T - R - (K - k) * (R - out), or 0: "
        "with Axelrod's payoffs and out = P only the last stage needs one, of 2 in all, against 2K in escrow."
    )
    source = "Agent systems, document 000: partial escrow and milestone payments; by backward induction"

    def check(self) -> None:
        self.within("bond", 0.0)
        self.within("early", 0.0)
        self.within("stages", 1, 64)

    def applied(self, stage: Stage) -> Stage:
        last = self.stages - 1

        def step(memory: Any, own: int, other: int) -> Any:
            at, alive = memory
            return (
                (0, True) if at == last else (at + 1, alive and not (own or other))
            )  # over: moves do nothing

        def change(state: State, memory: Any) -> State:
            at, alive = memory
            if not state.acts:
                return state
            if not alive:
                return State((exact(self.out),) * 4, acts=False)
            return Escrow(self.bond if at == last else self.early).locked(state)

        # a turn without a deal is no stage of one
        return stage.with_memory((0, True), step, lambda memory: memory, change)


@dataclass(frozen=True)
class Stake(Mechanism):
    """A stake for the whole deal: see `semantics`."""

    stake: float

    name = "stake"
    semantics = (
        "Both lock a `stake` before the first turn. Who defects loses it, once and for all, at the first D: it is "
        "burnt. Who never does has it back in the end."
    )
    prediction = (
        "All-C is Nash exactly from stake = (T - R) / (1 - d) on, with d the continuation probability: in long deals "
        "only a large stake deters."
    )
    source = "Agent systems, document 000: stake-based commitment"

    def check(self) -> None:
        self.within("stake", 0.0)

    def applied(self, stage: Stage) -> Stage:
        stake = exact(self.stake)

        def change(state: State, memory: Any) -> State:
            lost = memory[0]
            return state.booked(
                lambda own, other: Entry(returned=-stake if own and not lost else Fraction(0))
            )

        found = stage.with_memory(
            (False, False),
            lambda memory, own, other: (memory[0] or bool(own), memory[1] or bool(other)),
            lambda memory: memory[::-1],
            change,
        )
        return replace(found, deposit=stage.deposit + stake)

    def refused(self, *, turns: int | None, limit_of_means: bool) -> str | None:
        if limit_of_means:
            return "expected turns or a continuation probability, since a stake lost once weighs nothing there, got it"
        return None


@dataclass(frozen=True)
class Quota(Mechanism):
    """A hard quota of defections: see `semantics`."""

    defections: int
    window: int

    name = "quota"
    semantics = (
        "Each player can defect `defections` times in a window of so many turns, counted from turn 0; a D beyond "
        "that is executed as C, slips included."
    )
    prediction = (
        "Cooperation is at least 1 - defections/window, and a pair of All-D earns R - (defections/window) (R - P). But "
        "retaliation is rationed too: with one in 2, 3, 4 or 10 turns neither tit_for_tat, pavlov nor spiteful is Nash "
        "at any continuation probability from .01 to .99, and grim, which never forgets, only from .67, .76, .82, .93 "
        "on; without a quota from .5."
    )
    source = "Why rational agents lose, document 001: hard quotas"

    def check(self) -> None:
        self.within("window", 1, MAX_WINDOW)
        self.within("defections", 0, self.window)

    def applied(self, stage: Stage) -> Stage:
        def step(memory: Any, own: int, other: int) -> Any:
            at, used, theirs = memory
            return (0, 0, 0) if at + 1 == self.window else (at + 1, used + own, theirs + other)

        return stage.with_memory(
            (0, 0, 0),
            step,
            lambda memory: (memory[0], memory[2], memory[1]),
            lambda state, memory: replace(
                state, blocked=state.blocked or (state.acts and memory[1] >= self.defections)
            ),
            lambda memory: step(memory, 0, 0),
        )


MAX_WINDOW = 128
"""Turns in the longest window of a quota."""


@dataclass(frozen=True)
class Environment(Mechanism):
    """Two games, of which play chooses: see `semantics`."""

    R: float
    S: float
    T: float
    P: float
    good: str = "CC"
    start: str = "good"

    name = "environment"
    semantics = (
        "Play moves between two games: the one there is (good), and the poor one with payoffs R, S, T, P. After a "
        "joint move named in `good` (CC, CD, DD, joined by +; CD is DC too) the next turn is played in the good game, "
        "else in the poor one; the first in the game `start`."
    )
    prediction = (
        "With benefits b1 and b2 of cooperation at a cost c in the good and the poor game, and only CC leading to the "
        "good one, win-stay, lose-shift is Nash in long deals exactly when 2 b1 - b2 >= 2c: the lower b2, the better."
    )
    source = "Hilbe, Šimsa, Chatterjee & Nowak, Evolution of cooperation in stochastic games (2018)"

    def check(self) -> None:
        words = self.good.split("+")
        for word in words:
            if word not in ("CC", "CD", "DD"):
                raise ValueError(
                    f"environment.good: expected CC, CD and DD joined by +, such as CC+DD, got {self.good!r}"
                )
        self.one_of("start", ("good", "poor"))

    def applied(self, stage: Stage) -> Stage:
        poor = State(tuple(exact(pay) for pay in (self.R, self.S, self.T, self.P)))
        good = {*self.good.split("+"), *(word[::-1] for word in self.good.split("+"))}

        def change(state: State, memory: Any) -> State:
            return state if memory or not state.acts else replace(poor, blocked=state.blocked)

        return stage.with_memory(
            self.start == "good",
            lambda memory, own, other: "CD"[own] + "CD"[other] in good,
            lambda memory: memory,
            change,
        )


MECHANISMS: dict[str, type[Mechanism]] = {
    "fine": Fine,
    "referee": Referee,
    "hazard": Hazard,
    "escrow": Escrow,
    "escrow_offer": EscrowOffer,
    "milestones": Milestones,
    "stake": Stake,
    "quota": Quota,
    "environment": Environment,
}
"""All of them, by name."""


def parse(text: str) -> Mechanism:
    """The mechanism that a text describes: its name, its first parameter, then others as ``key=value``.

    >>> parse("hazard:0.1,mortal=1")
    Hazard(hazard=0.1, mortal=1)

    Raises ValueError naming what is wrong with it.
    """
    name, _, rest = text.strip().partition(":")
    kind = kind_of(name)
    first = dataclasses.fields(kind)[0].name
    values: dict[str, Any] = {}
    for number, word in enumerate(filter(None, (word.strip() for word in rest.split(",")))):
        key, sign, value = (part.strip() for part in word.partition("="))
        if not sign:
            if number:
                raise ValueError(f"{name}: expected key=value after the first parameter, got {word!r}")
            key, value = first, word
        if key in values:
            raise ValueError(f"{name}.{key}: expected it once, got it twice")
        values[key] = value
    return built(name, values, text=True)


def kind_of(name: object) -> type[Mechanism]:
    """The class of a mechanism by its name; ValueError naming the nearest for others."""
    if isinstance(name, str) and name in MECHANISMS:
        return MECHANISMS[name]
    near = difflib.get_close_matches(str(name), MECHANISMS, n=2, cutoff=0.4)
    hint = f" (nearest: {', '.join(near)})" if near else ""
    raise ValueError(f"mechanism: expected {listed(list(MECHANISMS))}, got {name!r}{hint}")


def built(name: object, values: dict[str, Any], *, text: bool = False) -> Mechanism:
    """The mechanism of that name with these parameters; where they are `text`, numbers are read from it."""
    kind = kind_of(name)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            raise ValueError(f"{kind.name}.{key}: expected {listed(list(fields))}, got {key!r}")
    for key, field in fields.items():
        if key not in values and field.default is dataclasses.MISSING:
            raise ValueError(f"{kind.name}.{key}: expected a value, got none")
    read = dict(values)
    for key, value in values.items() if text else ():
        if fields[key].type != "str":
            try:
                read[key] = float(value)
            except ValueError:
                raise ValueError(f"{kind.name}.{key}: expected a number, got {value!r}") from None
    for key, value in read.items():
        if fields[key].type == "str" and not isinstance(value, str):
            raise ValueError(f"{kind.name}.{key}: expected text, got {value!r}")
    return kind(**read)


def described(mechanism: Mechanism) -> dict[str, Any]:
    """Its name and its parameters as plain values, which `built` takes."""
    values = {field.name: getattr(mechanism, field.name) for field in dataclasses.fields(mechanism)}
    return {"kind": mechanism.name} | values


def composed(mechanisms: Sequence[Mechanism], payoffs: Sequence[float]) -> Stage:
    """The game of these payoffs R, S, T, P with all mechanisms, the first applied first."""
    stage = Stage.of(payoffs)
    for mechanism in mechanisms:
        stage = mechanism.applied(stage)
    return stage
