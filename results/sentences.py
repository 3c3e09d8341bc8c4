"""What a story is made of: sentences that keep the numbers they came from, and how behaviours and times are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.game import Rules
from engine.likeness import family
from engine.names import behaviour_label, name_of, short_text

MOST_NAMED = 3
"""Leaders, changes of hands and mutations that are named."""

PARAGRAPHS = (
    ("course", "leads"),
    ("changes", "circle"),
    ("cooperation", "swings"),
    ("ending", "descent"),
    ("resistance", "next"),
)

BRIEF = (("circle", "changes"), ("swings", "cooperation"), ("resistance",))
"""What is told where there is no room for all: of each, the first that there is."""


@dataclass(frozen=True)
class Setting:
    """What a story needs to know of an experiment.

    `births`: individuals in a population of which one is born at a time, so that a "generation" is a
    birth; else None. `planned`: generations asked for. `cause`: from the texts of a newcomer and of who was there, how
    the newcomer fares among them by exact payoffs, in words; None where that is not known exactly.
    """

    rules: Rules
    births: int | None
    planned: int
    seed: int
    cause: Callable[[str, str], str | None]

    def who(self, behaviour: str, genome: str) -> str:
        """What a behaviour is called: its name in the catalogue (what a file says is somebody's word), else its short
        text, else the beginning of its key with its family."""
        name = self.name(behaviour) or short_text(genome)
        if name is not None:
            return name
        try:
            kin = family(genome)
        except ValueError:  # a stranger's file
            kin = None
        return behaviour_label(None, behaviour) + (f" ({kin.label})" if kin is not None else "")

    def name(self, behaviour: str) -> str | None:
        """Its name in the catalogue."""
        return name_of(behaviour, noisy=self.rules.slips)

    def when(self, generation: int) -> str:
        """A time: a generation, or a birth."""
        return f"{'generation' if self.births is None else 'birth'} {generation:,}"

    @property
    def unit(self) -> str:
        """What time is counted in."""
        return "generations" if self.births is None else "births"


@dataclass(frozen=True)
class Sentence:
    """One sentence, what it is about, and the numbers and names that it was made of."""

    about: str
    text: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Story:
    """The sentences in order."""

    sentences: tuple[Sentence, ...]

    @property
    def paragraphs(self) -> list[str]:
        """The whole story."""
        told = [" ".join(s.text for s in self.sentences if s.about in about) for about in PARAGRAPHS]
        return [paragraph for paragraph in told if paragraph]

    @property
    def brief(self) -> str:
        """The sentences that say most, without what a table of leaders says as well."""
        known = {sentence.about: sentence.text for sentence in self.sentences}
        return " ".join(next(known[about] for about in choice if about in known) for choice in BRIEF)

    def __str__(self) -> str:
        """All of it as one paragraph."""
        return " ".join(self.paragraphs)

    def to_json(self) -> dict[str, Any]:
        """The text, and each sentence with its facts."""
        told = [{"about": s.about, "text": s.text, "facts": s.facts} for s in self.sentences]
        return {"story": str(self), "sentences": told}


def times(count: int) -> str:
    """7 times; nothing for once."""
    return f" {count:,} times" if count > 1 else ""


def listed(parts: list[str]) -> str:
    """One, two and three."""
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
