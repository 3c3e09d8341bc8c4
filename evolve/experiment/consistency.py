"""What keys of different sections ask of each other: one function a rule.

Each yields its mistakes as ``path: expected ..., got ...``. To add a rule: a function and its name in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from engine.fields.declared import check_rules
from evolve.mutation import LAWS
from evolve.selection import METHODS
from evolve.updates import UPDATES

if TYPE_CHECKING:
    from evolve.experiment.experiment import Experiment


MOST_NOISY_PLAYERS = 12
"""Players of a group with noise: if all differ, a chain of so many powers of two."""

MAX_FOLLOWED = 2**16
"""Turns of such a group."""


def mistakes(experiment: Experiment) -> list[str]:
    """Everything in which an experiment contradicts itself."""
    return [mistake for rule in RULES for mistake in rule(experiment)]


def _room_for_all(e: Experiment) -> Iterator[str]:
    if UPDATES[e.selection.update].room(e) < 0:
        yield (
            f"selection.survivors: expected survivors + immigrants <= population.size = {e.population.size}, "
            f"got {e.survivors} + {e.variation.immigrants}"
        )


def _room_for_migrants(e: Experiment) -> Iterator[str]:
    room = UPDATES[e.selection.update].room(e)
    if e.islands.number > 1 and e.islands.migrants > room:
        yield (
            f"islands.migrants: expected at most {room}, what survivors and immigrants leave of "
            f"population.size = {e.population.size}, got {e.islands.migrants}"
        )


def _update(e: Experiment) -> Iterator[str]:
    yield from UPDATES[e.selection.update].mistakes(e)


def _proportional_selection(e: Experiment) -> Iterator[str]:
    if not METHODS[e.selection.method].proportional:
        return
    if e.fitness.parsimony > 0:
        yield (
            f"selection.method: expected tournament or truncation with parsimony, which can make fitness "
            f"negative, got {e.selection.method!r}"
        )
    try:
        e.rules_value.stage.require_positive(e.selection.method, e.selection.baseline)
    except ValueError as error:
        yield f"selection.{error}"


def _size_of_tournaments(e: Experiment) -> Iterator[str]:
    default = type(e.selection)().tournament_size  # which a small population may leave as it is
    most = max(e.population.size, default)
    if e.selection.tournament_size > most:
        yield (
            f"selection.tournament_size: expected at most {most}, as many as there are, got "
            f"{e.selection.tournament_size}"
        )


def _genomes_of_the_rules(e: Experiment) -> Iterator[str]:
    for mistake in e.genome.mistakes(e.pair_only):
        yield f"genome.{mistake}"


def _groups(e: Experiment) -> Iterator[str]:
    if (e.rules.play == "groups") != (e.genome.kind == "group"):
        yield (
            f"genome.kind: expected 'group' exactly where rules.play = 'groups', got {e.genome.kind!r} with "
            f"{e.rules.play!r}"
        )
    if e.rules.play != "groups":
        return
    try:
        players = e.group_game.players
    except ValueError as error:
        yield f"group.{error}"
        return
    if e.mechanism or e.game != type(e.game)():
        yield "group: expected a game and a fine of its own, and neither [game] nor [[mechanism]], got one of them"
    if players > e.population.size:
        yield f"genome.players: expected at most population.size = {e.population.size}, got {players}"
    if e.rules.noise and players > MOST_NOISY_PLAYERS:
        yield f"genome.players: expected at most {MOST_NOISY_PLAYERS} where there is noise, got {players}"
    if e.rules.noise and (e.rules.turns or 0) > MAX_FOLLOWED:
        yield f"rules.turns: expected at most {MAX_FOLLOWED} where there is noise, got {e.rules.turns}"
    for key, value, none in (
        ("opponents", e.fitness.opponents, "population"), ("sample", e.fitness.sample, None),
        ("sampled", e.fitness.sampled, None),
    ):  # fmt: skip
        if value != none:
            yield f"fitness.{key}: expected {none or 'none'!s} with rules.play = 'groups', got {value!r}"


def _opponents_in_a_society(e: Experiment) -> Iterator[str]:
    if e.rules.play == "sipd" and e.fitness.opponents != "population":
        yield (
            f"fitness.opponents: expected 'population' with rules.play = 'sipd', got {e.fitness.opponents!r}"
        )


def _mechanisms_of_a_society(e: Experiment) -> Iterator[str]:
    if e.rules.play == "sipd" and not e.rules_value.stage.plain:
        yield (
            "mechanism: expected those that keep no state of a pair with rules.play = 'sipd', where a society is not "
            f"played pair by pair, got {', '.join(map(str, e.mechanism))}"
        )


def _law_of_mutation(e: Experiment) -> Iterator[str]:
    yield from LAWS[e.variation.law].mistakes(e)
    if e.variation.strategies and e.variation.law != "finite":
        yield f"variation.strategies: expected them only with variation.law = 'finite', got {e.variation.law!r}"
    for k, strategy in enumerate(e.variation.strategies):
        try:
            e.seed_genome(strategy)
        except ValueError as error:
            yield f"variation.strategies.{k}: {error}"


def _sampled_matches(e: Experiment) -> Iterator[str]:
    if e.fitness.sampled is None:
        return
    if e.rules.play == "sipd":
        yield (
            f"fitness.sampled: expected none with rules.play = 'sipd' (see rules.replicates), got {e.fitness.sampled}"
        )
    if e.rules.limit_of_means:
        yield f"fitness.sampled: expected turns or a continuation probability, got {e.fitness.sampled} and the limit"
    if e.fitness.sample is not None:
        yield (
            f"fitness.sampled: expected none with fitness.sample = {e.fitness.sample}, which samples opponents, got "
            f"{e.fitness.sampled}"
        )


def _sample(e: Experiment) -> Iterator[str]:
    if e.fitness.sample is None:
        return
    if e.rules.play == "sipd":
        yield (
            f"fitness.sample: expected none with rules.play = 'sipd', where everybody sees everybody (see "
            f"rules.society for smaller societies), got {e.fitness.sample}"
        )
    if e.fitness.opponents == "panel":
        yield (
            f"fitness.sample: expected opponents = 'population' or 'both' to sample from, got "
            f"{e.fitness.sample} with opponents = 'panel'"
        )
    if e.fitness.sample > e.population.size:
        yield (
            f"fitness.sample: expected at most population.size = {e.population.size}, got {e.fitness.sample}"
        )


def _field(e: Experiment) -> Iterator[str]:
    f = e.fitness
    if f.opponents != "field":
        for key in ("field_renewed", "field_weights", "held_out", "racing"):
            if getattr(f, key):
                yield f"fitness.{key}: expected it only with opponents = 'field', got {getattr(f, key)!r}"
        return
    if e.rules.play == "ipd":
        try:
            check_rules(e.rules_value)
        except ValueError as error:
            yield f"rules.{error}"
    if f.sample is not None:
        yield f"fitness.sample: expected none with opponents = 'field', got {f.sample}"
    if f.sampled is not None:
        yield f"fitness.sampled: expected none with opponents = 'field', whose matches have seeds, got {f.sampled}"
    if not f.racing:
        return
    if e.selection.update != "generational":
        yield f"fitness.racing: expected update = 'generational', where the best survive, got {e.selection.update!r}"
    if not e.survivors:
        yield "fitness.racing: expected selection.survivors of at least 1 to race with, got 0"
    if f.parsimony:
        yield f"fitness.racing: expected no parsimony, which a race does not see, got {f.parsimony}"


def _size_of_societies(e: Experiment) -> Iterator[str]:
    if e.rules.society is not None and e.rules.society > e.population.size:
        yield (
            f"rules.society: expected at most population.size = {e.population.size}, got {e.rules.society}"
        )


def _seeds(e: Experiment) -> Iterator[str]:
    for k, seed in enumerate(e.population.seeds):
        try:
            e.seed_genome(seed.strategy)
        except ValueError as error:
            yield f"population.seeds.{k}.strategy: {error}"


def _panel(e: Experiment) -> Iterator[str]:
    for name in dict.fromkeys(e.fitness.panel):
        try:
            e.panel_strategy(name).automaton(e.rules_value.turns)
        except ValueError as error:
            yield f"fitness.panel: {error}"


RULES: tuple[Callable[[Experiment], Iterator[str]], ...] = (
    _room_for_all,
    _room_for_migrants,
    _update,
    _proportional_selection,
    _size_of_tournaments,
    _genomes_of_the_rules,
    _groups,
    _opponents_in_a_society,
    _mechanisms_of_a_society,
    _law_of_mutation,
    _sample,
    _sampled_matches,
    _field,
    _size_of_societies,
    _seeds,
    _panel,
)
