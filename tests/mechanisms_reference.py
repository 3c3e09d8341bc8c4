"""The oracle of mechanisms: a meeting under them, turn by turn in plain Python, as their words say it.

Nothing here knows `engine.stage`. In every turn both intend a move, it may slip, it may be blocked, it is realised;
then every mechanism in order looks at it. Expectations follow every history that can happen with its probability.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.reference import Rule

Table = dict[tuple[int, int], tuple[float, float]]


class Deal:
    """What happens to one pair: base payoffs, then each mechanism in order; `spent` is what they book for the first."""

    def __init__(self, payoffs: tuple[float, ...], mechanisms: list[tuple[str, dict[str, Any]]]) -> None:
        r, s, t, p = payoffs
        self.base = {(0, 0): (r, r), (0, 1): (s, t), (1, 0): (t, s), (1, 1): (p, p)}
        self.mechanisms = mechanisms
        self.memory: list[Any] = [self._start(name, values) for name, values in mechanisms]

    @staticmethod
    def _start(name: str, values: dict[str, Any]) -> Any:
        return {
            "quota": (0, 0, 0),
            "stake": (False, False),
            "milestones": (0, True),
            "environment": values.get("start", "good"),
            "escrow_offer": None,
        }.get(name)

    def copy(self) -> Deal:
        other = object.__new__(Deal)
        other.base, other.mechanisms, other.memory = self.base, self.mechanisms, list(self.memory)
        return other

    def offering(self) -> bool:
        return any(
            name == "escrow_offer" and m is None
            for (name, _), m in zip(self.mechanisms, self.memory, strict=True)
        )

    def offered(self, x: int, y: int) -> None:
        for k, (name, _) in enumerate(self.mechanisms):
            if name == "escrow_offer":
                self.memory[k] = not x and not y

    def blocked(self) -> tuple[bool, bool]:
        own = other = over = False
        if self.offering():
            return False, False
        for (name, values), m in zip(self.mechanisms, self.memory, strict=True):
            if name == "milestones" and not m[1]:
                over = True  # what came before it has no deal to act on
                own = other = False
            if name == "quota" and not over:
                own |= m[1] >= values["defections"]
                other |= m[2] >= values["defections"]
        return own, other

    def turn(self, x: int, y: int) -> tuple[tuple[float, float], dict[str, float]]:
        """Payoffs of both for realised moves, and what is booked for the first; the memories move on."""
        pay = list(self.base[x, y])
        booked = dict.fromkeys(("fines", "fees", "monitoring", "bonds", "returned", "received"), 0.0)

        def book(side: int, item: str, amount: float) -> None:
            pay[side] += amount if item in ("returned", "received") else -amount
            if side == 0:
                booked[item] += amount

        def escrow(bond: float, fee: float) -> None:
            for side, (own, other) in enumerate(((x, y), (y, x))):
                book(side, "fees", fee)
                book(side, "bonds", bond)
                if not own:
                    book(side, "returned", bond)
                if other:
                    book(side, "received", bond)

        there = True
        for k, (name, v) in enumerate(self.mechanisms):
            m = self.memory[k]
            if name == "milestones":
                if there and not m[1]:
                    pay[:] = [v["out"]] * 2
                    booked = dict.fromkeys(booked, 0.0)
                    there = False
                elif there:
                    escrow(v["bond"] if m[0] == v["stages"] - 1 else v.get("early", 0.0), 0.0)
                continue
            if not there:
                continue
            if name == "environment" and m == "poor":
                r, s, t, p = v["R"], v["S"], v["T"], v["P"]
                pay[:] = {(0, 0): (r, r), (0, 1): (s, t), (1, 0): (t, s), (1, 1): (p, p)}[x, y]
                booked = dict.fromkeys(booked, 0.0)
            if name == "fine":
                of = [v.get("false_positives", 0.0) * v["fine"], v.get("detection", 1.0) * v["fine"]]
                for side, (own, other) in enumerate(((x, y), (y, x))):
                    book(side, "fines", of[own])
                    book(side, "monitoring", v.get("monitoring", 0.0))
                    to = v.get("to", "burn")
                    if to == "partner":
                        book(side, "received", of[other])
                    if to == "pool":
                        book(side, "received", (of[own] + of[other]) / 2)
            if name == "referee":
                for side, own in enumerate((x, y)):
                    book(side, "monitoring", v["share"])
                    if own:
                        book(side, "fines", v["fine"] * min(1.0, v["share"] / v.get("cost", 1.0)))
            if name == "escrow" or (name == "escrow_offer" and m):
                escrow(v["bond"], v.get("fee", 0.0))
            if name == "stake":
                for side, own in enumerate((x, y)):
                    if own and not m[side]:
                        book(side, "returned", -v["stake"])
        self._move_on(x, y)
        return (pay[0], pay[1]), booked

    def _move_on(self, x: int, y: int) -> None:
        # a mechanism sees no act where the deal was over: by one before it, or, of those before, by one after it
        over_at = [
            k for k, (name, _) in enumerate(self.mechanisms) if name == "milestones" and not self.memory[k][1]
        ]
        first_over = over_at[0] if over_at else None
        for k, (name, v) in enumerate(self.mechanisms):
            m = self.memory[k]
            act = first_over is None or first_over == k
            own, other = (x, y) if act else (0, 0)
            if name == "quota":
                at, used, theirs = m
                self.memory[k] = (0, 0, 0) if at + 1 == v["window"] else (at + 1, used + own, theirs + other)
            elif not act:
                continue
            elif name == "stake":
                self.memory[k] = (m[0] or bool(x), m[1] or bool(y))
            elif name == "milestones":
                at, alive = m
                self.memory[k] = (0, True) if at == v["stages"] - 1 else (at + 1, alive and not (x or y))
            elif name == "environment":
                good = v.get("good", "CC").split("+")
                joint = "".join(sorted("CD"[x] + "CD"[y]))
                self.memory[k] = "good" if joint in good else "poor"


def histories(
    a: Rule, b: Rule, deal: Deal, turns: int, noise: float = 0.0
) -> Iterator[tuple[int, float, tuple[int, int], tuple[float, float], dict[str, float]]]:
    """Every counted turn that can happen: number, probability, realised moves, payoffs of both, what is booked."""
    waiting: list[tuple[list[int], list[int], Deal, float, int]] = [([], [], deal, 1.0, 0)]
    while waiting:
        own, other, here, chance, turn = waiting.pop()
        if turn == turns:
            continue
        may, their = (not one for one in here.blocked())
        p, q = a(own, other), b(other, own)
        p = (p * (1 - noise) + (1 - p) * noise) * may
        q = (q * (1 - noise) + (1 - q) * noise) * their
        for x, y in ((0, 0), (0, 1), (1, 0), (1, 1)):
            share = chance * (p if x else 1 - p) * (q if y else 1 - q)
            if not share:
                continue
            after = here.copy()
            if here.offering():
                after.offered(x, y)
                waiting.append(([*own, x], [*other, y], after, share, turn))
                continue
            payoffs, booked = after.turn(x, y)
            yield turn, share, (x, y), payoffs, booked
            waiting.append(([*own, x], [*other, y], after, share, turn + 1))


def best_value(b: Rule, deal: Deal, turns: int, noise: float = 0.0) -> float:
    """The most that any strategy can earn in all from `b`: at every history it intends the better move."""

    def value(own: list[int], other: list[int], here: Deal, turn: int) -> float:
        if turn == turns:
            return 0.0
        may, their = (not one for one in here.blocked())
        q = b(other, own)
        q = (q * (1 - noise) + (1 - q) * noise) * their
        worth: dict[tuple[int, int], float] = {}
        for x, y in ((0, 0), (0, 1), (1, 0), (1, 1)):
            if (x and not may) or not (q if y else 1 - q):
                worth[x, y] = 0.0
                continue
            after = here.copy()
            if here.offering():
                after.offered(x, y)
                worth[x, y] = value([*own, x], [*other, y], after, turn)
            else:
                (pay, _), _ = after.turn(x, y)
                worth[x, y] = pay + value([*own, x], [*other, y], after, turn + 1)
        options = []
        for intended in (0, 1):
            p = ((1 - noise) if intended else noise) * may
            options.append(
                sum(
                    (p if x else 1 - p) * (q if y else 1 - q) * worth[x, y]
                    for x, y in ((0, 0), (0, 1), (1, 0), (1, 1))
                )
            )
        return max(options)

    return value([], [], deal, 0)
