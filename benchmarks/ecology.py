"""Ecologies: populations that grow by what they earn; a society is played again only after a death."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import Row, seconds
from engine import Rules, ecology

START = {"police": 400, "bully": 300, "suspicious_tit_for_tat": 300}
"""Three that settle slowly: in real numbers they are not at rest after a thousand generations."""


def rows(smoke: bool) -> Iterator[Row]:
    """Three strategies, a thousand players, a thousand generations; and how many the integer rule needs."""
    generations = 10 if smoke else 1000
    rules = Rules(turns=50)
    real = ecology(START, rules, generations=generations)
    if real.generations != generations:
        raise RuntimeError("the benchmark's ecology came to rest too soon")
    integer = ecology(START, rules, generations=generations, arithmetic="integer")
    reals, integers = seconds(
        lambda: ecology(START, rules, generations=generations),
        lambda: ecology(START, rules, generations=generations, arithmetic="integer"),
        repetitions=1 if smoke else 5,
    )
    society = "3 strategies, 1000 players, SIPD"
    yield Row(f"{society}, real numbers, {real.generations} generations", reals, 1.0, unit=" s")
    each = integers / max(1, integer.generations) * generations
    yield Row(f"{society}, integer rule, per {generations} generations", each, 1.0, unit=" s")
