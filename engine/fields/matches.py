"""Real matches against a field: where the memo does not know the answers. Plain values in and out, for any process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.fields.declared import Field
from engine.fields.opponents import AutomatonPlayer, FieldError, Opponent, chance_of, real_match
from engine.game import Rules
from genomes.automaton import Automaton
from genomes.strategy import Player


class Job(NamedTuple):
    """One real match: an automaton (its place in the list), an opponent (its place in the field), a seed."""

    automaton: int
    opponent: int
    seed: int


def own_chance(
    seed: int, opponent: Opponent, rules: Rules, mixed: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The draws of our own player in a lane ``(turns,)`` (empty unless `mixed`), and its slips ``(turns,)``."""
    slips = chance_of(seed, False, opponent.chance, rules)[2][:, 0]
    draws = np.random.RandomState([seed & 0xFFFFFFFF, 1]).rand(rules.turns or 0) if mixed else np.empty(0)
    return draws, slips


def play_jobs(
    entries: Sequence[str],
    digests: dict[str, str],
    rules: Rules,
    automata: Sequence[Automaton],
    jobs: Sequence[Job],
) -> NDArray[np.int8]:
    """Realised moves ``(jobs, turns, 2)``, ours first.

    FieldError where an opponent fails, naming it, and where the field is not the one of these digests here.
    """
    field = loaded(entries, digests)
    return np.stack([one_match(field, rules, automata[job.automaton], job) for job in jobs])


def one_match(field: Field, rules: Rules, automaton: Automaton, job: Job) -> NDArray[np.int8]:
    """Realised moves ``(turns, 2)`` of one real match."""
    opponent = field.opponents[job.opponent]
    draws, _ = own_chance(job.seed, opponent, rules, not automaton.deterministic)
    try:
        return real_match(
            AutomatonPlayer(automaton, draws),
            player_of(opponent),
            job.seed,
            rules,
            chance=(False, opponent.chance),
        )
    except FieldError as error:
        raise FieldError(f"field: {opponent.name}: {error}") from None
    except (Exception, SystemExit) as error:
        raise FieldError(f"field: {opponent.name} raises {type(error).__name__}: {error}") from error


def changed(before: dict[str, str], now: dict[str, str]) -> str:
    """In words: which entries are not what they were."""
    other = [entry for entry in before | now if before.get(entry) != now.get(entry)]
    return (
        f"field: expected the opponents that it was made with, got others behind {', '.join(map(repr, other))}: "
        "another version, or another class of that name"
    )


def loaded(entries: Sequence[str], digests: dict[str, str]) -> Field:
    """The field of these entries; FieldError where it is not the one of these digests here."""
    field = _loaded(tuple(entries), tuple(digests.items()))
    if field.digests != digests:
        raise FieldError(changed(digests, field.digests))
    return field


@lru_cache(maxsize=8)
def _loaded(entries: tuple[str, ...], digests: tuple[tuple[str, str], ...]) -> Field:
    """The field, looked up once for the digests that are expected of it."""
    return Field.load(entries)


_players: dict[str, Player] = {}


def player_of(opponent: Opponent) -> Player:
    """A player of an opponent: made once in a process, since some take long to make."""
    found = _players.get(opponent.digest)
    if found is None:
        assert opponent.make is not None
        found = _players[opponent.digest] = opponent.make()
    return found
