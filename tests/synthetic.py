"""A tiny evolution that needs no games: what the run file, lineages and plots are tested with.

Genomes are memory(n,n) tables that evolve towards a target which moves every `moves` generations, and away
from what many others do already (`crowding`); randomness is keyed by the
generation number, so that it can be taken up anywhere, as the real loop can.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from results.records import Birth, BirthId, Generation, Leader, Origin
from results.run.rows import Limits

NAMES = {0: "all_c", 1: "tit_for_tat", 2: "pavlov", 3: "grim", 5: "all_d", 8: "mistrust", 13: "gradual"}


@dataclass(frozen=True)
class Synthetic:
    """An experiment: only what `Run` asks of one, and the parameters below."""

    name: str = "synthetic"
    seed: int = 1
    size: int = 20
    survivors: int = 10
    memory: int = 1
    mutation: float = 0.02
    immigrants: int = 1
    moves: int = 2000
    crowding: float = 0.0
    generations: int = 10

    @property
    def limits(self) -> Limits:
        return Limits(self.size * 1200, 1000)  # tests put other genomes in place of the tables

    def to_toml(self) -> str:
        return f'name = "{self.name}"\ngenerations = {self.generations}\n' + self.results_key()

    def results_key(self) -> str:
        return "".join(
            f"{key} = {getattr(self, key)}\n"
            for key in ("seed", "size", "survivors", "memory", "mutation", "immigrants", "moves", "crowding")
        )

    def results_version(self) -> int:
        return 1


def evolve(experiment: Synthetic, start: Generation | None = None) -> Iterator[Generation]:
    """Generations after `start`, for ever."""
    number = 0 if start is None else start.number + 1
    before = start
    while True:
        before = _next(experiment, number, before)
        yield before
        number += 1


def _text(memory: int, table: np.ndarray) -> str:
    letters = "".join("CD"[bit] for bit in table)
    return f"memory({memory},{memory}) " + letters[:memory].lower() + letters[memory:]


def _table(genome: str) -> np.ndarray:
    return np.array([letter in "dD" for letter in genome.split(" ", 1)[1]], np.int8)


def behaviour_key(genome: str, replies: int = 6) -> str:
    """Genomes that agree in their last replies count as alike: neutral mutations exist."""
    return hashlib.sha256(genome[-replies:].encode()).hexdigest()[:32]


def _next(experiment: Synthetic, number: int, before: Generation | None) -> Generation:
    rng = np.random.default_rng([experiment.seed, number])
    length = experiment.memory + 4**experiment.memory
    births: list[Birth] = []

    def add(slot: int, parents: tuple[BirthId, ...], origin: Origin, table: np.ndarray) -> None:
        genome = _text(experiment.memory, table)
        births.append(Birth(BirthId(number, 0, slot), parents, origin, genome, behaviour_key(genome)))

    if before is None:
        for slot in range(experiment.size):
            add(slot, (), "seed", rng.integers(0, 2, length))
    else:
        noisy = np.array(before.fitness) + rng.random(experiment.size) * 1e-3
        order = np.argsort(-noisy)
        births += [before.population[i] for i in order[: experiment.survivors]]
        parents = rng.choice(order[: max(2, experiment.size * 3 // 4)], (experiment.size, 2))
        for slot in range(experiment.size - experiment.survivors):
            if slot < experiment.immigrants:
                add(slot, (), "immigrant", rng.integers(0, 2, length))
                continue
            one, two = (before.population[i] for i in parents[slot])
            table, mates = _table(one.genome), (one.id,)
            if rng.random() < 0.3:
                cut = int(rng.integers(1, length))
                table = np.concatenate([table[:cut], _table(two.genome)[cut:]])
                mates = (one.id, two.id)
            flip = rng.random(length) < experiment.mutation
            add(slot, mates, "crossover" if len(mates) == 2 else "mutation", np.where(flip, 1 - table, table))
    births.sort(key=lambda birth: birth.id)
    target = np.random.default_rng([experiment.seed, 7, number // experiment.moves]).integers(0, 2, length)
    count = Counter(birth.behaviour for birth in births)
    fitness = tuple(
        float(
            1
            + 2 * np.mean(_table(birth.genome) == target)
            - experiment.crowding * count[birth.behaviour] / experiment.size
        )
        for birth in births
    )
    example = {birth.behaviour: birth.genome for birth in reversed(births)}
    led = [(key, n) for key, n in sorted(count.items(), key=lambda item: (-item[1], item[0])) if n > 1][:12]
    leaders = tuple(
        Leader(key, n, NAMES.get(int(key[:1], 16)) if key[1] < "8" else None, example[key]) for key, n in led
    )
    cooperation = float(np.mean([1 - _table(birth.genome).mean() for birth in births]))
    return Generation(number, tuple(births), fitness, cooperation, leaders, len(count))
