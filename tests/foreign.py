"""Opponents in plain Python, as a user would write them: good ones, and such as no field should trust."""

from __future__ import annotations

import random
import time


class Plain:
    """What a player needs, and a memory of what it saw."""

    def reset(self) -> None:
        self.seen: list[int] = []

    def move(self) -> int:
        return 0

    def observe(self, own: int, opponent: int) -> None:
        self.seen.append(opponent)


class Counter(Plain):
    """Defects when the opponent's defections are a multiple of 3, and there are some: no small automaton."""

    def move(self) -> int:
        return int(sum(self.seen) > 0 and sum(self.seen) % 3 == 0)


class Moody(Plain):
    """Draws its moves from the seed that it is told: cooperates less the more it has suffered."""

    chance = True

    def seed(self, number: int) -> None:
        self.draws = random.Random(number)

    def move(self) -> int:
        return int(self.draws.random() < 0.2 + 0.5 * (sum(self.seen[-5:]) / 5))


class Global(Plain):
    """Draws from Python's own random numbers, which a match seeds and puts back."""

    chance = True

    def move(self) -> int:
        return int(random.random() < 0.5)


class Shouts(Counter):
    """Prints, which nobody reads."""

    def move(self) -> int:
        print("look at me")
        return super().move()


class Raises(Plain):
    def move(self) -> int:
        return 1 // (3 - len(self.seen))


class Nonsense(Plain):
    def move(self) -> int:
        return 7


class Sleeps(Plain):
    def move(self) -> int:
        time.sleep(1.0)
        return 0


class Remembers(Plain):
    """Keeps something from match to match, in its class."""

    matches = 0

    def reset(self) -> None:
        super().reset()
        type(self).matches += 1

    def move(self) -> int:
        return type(self).matches % 2


class Leaves(Plain):
    def move(self) -> int:
        raise SystemExit(3)


class Needy(Plain):
    def __init__(self, what: int) -> None:
        self.what = what


class Half:
    def move(self) -> int:
        return 0


class Changeable(Plain):
    """Plays `MOVE`, which a test changes behind everybody's back."""

    MOVE = 0

    def move(self) -> int:
        return type(self).MOVE if len(self.seen) > 5 else 0
