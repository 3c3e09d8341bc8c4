"""Change the game, not the players: rules that a designer can add to a game, as values in an ordered list.

`Rules.mechanisms` holds them. A mechanism changes what joint moves pay, how likely play goes on, or keeps a state of
the pair (`engine.stage`); strategies are what they were and see realised moves alone. In a turn both intend a move,
it may slip, it may be blocked, it is realised; then it is inspected, paid for, and the state moves on.

To add one: a class here with everything that `Mechanism` asks, and its place in `MECHANISMS`.
"""

from __future__ import annotations

import dataclasses
import difflib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from engine.stage import Entry, Stage, State

MAX_AMOUNT = 1e100
"""Larger amounts could overflow when they are summed over turns and players."""

TARGETS = ("burn", "partner", "pool")
"""Who gets a fine: nobody, the other player, or both in equal parts."""


@dataclass(frozen=True)
class Mechanism:
    """A rule added to a game. Its fields are its parameters; in text the first stands behind the colon.

    >>> mechanism = parse("fine:2,detection=0.8")
    >>> mechanism, str(mechanism)
    (Fine(fine=2.0, detection=0.8, false_positives=0.0, monitoring=0.0, to='burn'), 'fine:2,detection=0.8')
    """

    name: ClassVar[str]
    semantics: ClassVar[str]
    prediction: ClassVar[str]
    source: ClassVar[str]

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type == "str":
                continue
            if value is None and field.type == "float | None":
                continue
            whole = field.type == "int"
            number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            if not number or not abs(value) <= MAX_AMOUNT or (whole and value != int(value)):
                raise ValueError(
                    f"{self.name}.{field.name}: expected a {'whole' if whole else 'finite'} number, got {value!r}"
                )
            object.__setattr__(self, field.name, int(value) if whole else float(value))
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Raise ValueError for parameters that make no sense."""

    @abstractmethod
    def applied(self, stage: Stage) -> Stage:
        """The game with this mechanism in it."""

    def survival(self) -> Fraction:
        """What it multiplies the continuation probability by."""
        return Fraction(1)

    def refused(self, *, turns: int | None, limit_of_means: bool) -> str | None:
        """Why it has no meaning under this horizon, if it has none: ``expected ..., got ...``."""
        return None

    def __str__(self) -> str:
        first, *others = dataclasses.fields(self)
        words = [f"{self.name}:{_text(getattr(self, first.name))}"]
        for field in others:
            value = getattr(self, field.name)
            if value != field.default:
                words.append(f"{field.name}={_text(value)}")
        return ",".join(words)

    @classmethod
    def usage(cls) -> str:
        """How its text is written."""
        first, *others = dataclasses.fields(cls)
        words = [f"{cls.name}:{first.name.upper()}"]
        for field in others:
            needed = field.default is dataclasses.MISSING
            words.append(f"{field.name}=X" if needed else f"[{field.name}={_text(field.default)}]")
        return ",".join(words)

    def _within(self, field: str, low: float, high: float | None = None) -> None:
        value = getattr(self, field)
        if not (low <= value and (high is None or value <= high)):
            bounds = f"{field} >= {low:g}" if high is None else f"{low:g} <= {field} <= {high:g}"
            raise ValueError(f"{self.name}.{field}: expected {bounds}, got {value:g}")

    def _one_of(self, field: str, known: Sequence[str]) -> None:
        value = getattr(self, field)
        if value not in known:
            raise ValueError(f"{self.name}.{field}: expected {_listed(known)}, got {value!r}")


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
        self._within("fine", 0.0)
        self._within("detection", 0.0, 1.0)
        self._within("false_positives", 0.0, 1.0)
        self._within("monitoring", 0.0)
        self._one_of("to", TARGETS)

    def applied(self, stage: Stage) -> Stage:
        cost = _exact(self.fine)
        of = _exact(self.false_positives) * cost, _exact(self.detection) * cost  # expected fine on C, on D
        watch = _exact(self.monitoring)

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
        self._within("fine", 0.0)
        self._within("share", 0.0)
        if not self.cost > 0:
            raise ValueError(f"referee.cost: expected cost > 0, got {self.cost:g}")

    def applied(self, stage: Stage) -> Stage:
        share = _exact(self.share)
        expected = _exact(self.fine) * min(Fraction(1), share / _exact(self.cost))
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
        self._within("mortal", 1, 2)

    def applied(self, stage: Stage) -> Stage:
        return stage

    def survival(self) -> Fraction:
        return (1 - _exact(self.hazard)) ** self.mortal

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
        self._within("bond", 0.0)
        self._within("fee", 0.0)

    def applied(self, stage: Stage) -> Stage:
        return stage.changed(self.locked)

    def locked(self, state: State) -> State:
        """A state played in escrow."""
        return state.booked(self._entry)

    def _entry(self, own: int, other: int) -> Entry:
        bond, none = _exact(self.bond), Fraction(0)
        return Entry(
            fees=_exact(self.fee),
            bonds=bond,
            returned=none if own else bond,
            received=bond if other else none,
        )


MECHANISMS: dict[str, type[Mechanism]] = {kind.name: kind for kind in (Fine, Referee, Hazard, Escrow)}
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
    raise ValueError(f"mechanism: expected {_listed(list(MECHANISMS))}, got {name!r}{hint}")


def built(name: object, values: dict[str, Any], *, text: bool = False) -> Mechanism:
    """The mechanism of that name with these parameters; where they are `text`, numbers are read from it."""
    kind = kind_of(name)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            raise ValueError(f"{kind.name}.{key}: expected {_listed(list(fields))}, got {key!r}")
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
    return {"kind": mechanism.name} | {key: value for key, value in values.items() if value is not None}


def composed(mechanisms: Sequence[Mechanism], payoffs: Sequence[float]) -> Stage:
    """The game of these payoffs R, S, T, P with all mechanisms, the first applied first."""
    stage = Stage.of(payoffs)
    for mechanism in mechanisms:
        stage = mechanism.applied(stage)
    return stage


def _exact(number: float) -> Fraction:
    """A decimal as it is written: 0.1 is a tenth."""
    return Fraction(repr(float(number)))


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
