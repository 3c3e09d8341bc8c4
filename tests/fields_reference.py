"""What a field pays, in plain Python: every match played from its start, every sum written out."""

from __future__ import annotations

import random
from typing import Any

from engine import Rules
from engine.fields.declared import Field
from engine.fields.matches import own_chance
from engine.fields.opponents import chance_of
from genomes.automaton import Automaton

PAYOFF = {(0, 0): 3.0, (0, 1): 0.0, (1, 0): 5.0, (1, 1): 1.0}


def match(automaton: Automaton, opponent: Any, player: Any, seed: int, rules: Rules) -> list[tuple[int, int]]:
    """Realised moves of one match against a player that is made for it."""
    assert rules.turns is not None
    _, theirs, slips = chance_of(seed, False, opponent.chance, rules)
    draws, _ = own_chance(seed, opponent, rules, not automaton.deterministic)
    random.seed(seed)
    if hasattr(player, "begin"):
        player.begin(theirs, rules)
    else:
        player.reset()
    state, moves = 0, []
    for t in range(rules.turns):
        p = automaton.defect[state]
        own = int(p == 1 or (p > 0 and draws[t] < p))
        other = int(player.move())
        if slips[t][0]:
            own = 1 - own
        if slips[t][1]:
            other = 1 - other
        moves.append((own, other))
        player.observe(other, own)
        state = int(automaton.successors[state][2 * own + other])
    return moves


def fitness(automaton: Automaton, field: Field, seeds: list[int], rules: Rules) -> float:
    """The mean over opponents of the mean payoff per turn over the seeds with which each is met."""
    means = []
    for opponent in field.opponents:
        mine = seeds if opponent.chance or rules.slips else [0]
        if opponent.slow and (opponent.chance or rules.slips):
            mine = seeds[: max(1, len(seeds) // 4)]
        assert opponent.make is not None
        earned = [
            sum(PAYOFF[pair] for pair in match(automaton, opponent, opponent.make(), seed, rules))
            for seed in mine
        ]
        means.append(sum(earned) / len(mine) / (rules.turns or 1))
    return sum(means) / len(means)
