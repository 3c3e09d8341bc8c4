"""Fitness: against plain Python, remembered, charged for complexity, and in societies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve import generations
from evolve.fitness import evaluation
from evolve.fitness.round_robin import Evaluation
from evolve.fitness.society import groups
from evolve.streams import stream
from genomes import LookupGenome, parse
from tests import reference
from tests.evolutions import FORMULAS, NOISY, SMALL, SOCIETY
from tests.strategies import lookups, rule


def by_hand(genomes: list[LookupGenome], turns: int) -> list[list[float]]:
    counts = [[reference.counts(rule(a), rule(b), turns) for b in genomes] for a in genomes]
    return [[(3 * c[0] + 5 * c[2] + c[3]) / turns for c in row] for row in counts]


@settings(max_examples=30)
@given(st.lists(lookups(largest=3), min_size=2, max_size=8), st.sampled_from(["population", "panel", "both"]))
def test_fitness_is_the_mean_payoff_over_all_others_and_the_panel(
    genomes: list[LookupGenome], opponents: str
) -> None:
    panel = [] if opponents == "population" else ["tit_for_tat", "all_d", "gradual"]
    experiment = SMALL.changed(
        population={"size": len(genomes), "seeds": []},
        selection={"survivors": 0},
        variation={"immigrants": 0},
        fitness={"opponents": opponents, "panel": panel, "panel_share": 0.25},
    )
    n = len(genomes)
    payoffs = by_hand(genomes, 20)
    among = [(sum(row) - row[k]) / (n - 1) for k, row in enumerate(payoffs)]
    against = [0.0] * n
    for k, genome in enumerate(genomes):
        for name in panel:
            c = reference.counts(rule(genome), reference.RULES[name], 20)
            against[k] += (3 * c[0] + 5 * c[2] + c[3]) / 20 / len(panel)
    share = {"population": 0.0, "panel": 1.0, "both": 0.25}[opponents]
    want = [(1 - share) * a + share * b for a, b in zip(among, against, strict=True)]
    assert Evaluation(experiment)(genomes).fitness == pytest.approx(want, abs=1e-12)


def test_a_panel_weighs_as_declared() -> None:
    genomes = [parse("memory(1,1) cCDCD"), parse("memory(1,1) dDDDD"), parse("memory(0,1) cCC")]
    panel, weights = ["all_c", "grim", "all_c", "gradual"], [2.0, 1.0, 0.5, 0.0]
    experiment = SMALL.changed(
        population={"size": 3, "seeds": []},
        selection={"survivors": 0},
        variation={"immigrants": 0},
        fitness={"opponents": "panel", "panel": panel, "weights": weights},
    )
    want = [0.0] * 3
    for k, genome in enumerate(genomes):
        for name, weight in zip(panel, weights, strict=True):
            c = reference.counts(rule(genome), reference.RULES[name], 20)
            want[k] += weight * (3 * c[0] + 5 * c[2] + c[3]) / 20 / sum(weights)
    assert evaluation(experiment)(genomes, 0).fitness == pytest.approx(want, abs=1e-12)
    sampled = experiment.changed(fitness={"opponents": "both", "sample": 2, "panel_share": 0.999})
    assert evaluation(sampled)(genomes, 0).fitness == pytest.approx(want, abs=0.01)
    assert "weights" in experiment.results_key() and "weights" not in SMALL.results_key()


def test_remembered_meetings_are_not_played_again_and_change_nothing() -> None:
    for experiment in (SMALL, NOISY):
        remembering = Evaluation(experiment)
        played = []
        for generation in generations(experiment.changed(generations=10)):
            genomes = [parse(birth.genome) for birth in generation.population]
            before = remembering.played
            assert (
                remembering(genomes).fitness
                == Evaluation(experiment)(genomes).fitness
                == list(generation.fitness)
            )
            played.append(remembering.played - before)
        assert max(played[1:]) < played[0]


def test_parsimony_charges_for_every_state_of_the_smallest_automaton() -> None:
    genomes = [parse("memory(2,2) " + "cc" + "C" * 16), parse("memory(2,2) cc" + "CD" * 8)]
    experiment = SMALL.changed(
        population={"size": 2, "seeds": []}, selection={"survivors": 0}, variation={"immigrants": 0}
    )
    plain = Evaluation(experiment)(genomes).fitness
    charged = Evaluation(experiment.changed(fitness={"parsimony": 0.125}))(genomes).fitness
    states = [len(g.automaton().canonical(noisy=False)) for g in genomes]
    assert [p - c for p, c in zip(plain, charged, strict=True)] == [0.125 * s for s in states]


def test_formulas_about_two_players_earn_the_same_in_a_society_as_in_a_round_robin() -> None:
    for generation in generations(FORMULAS.changed(generations=3)):
        genomes = [parse(birth.genome) for birth in generation.population]
        in_society = evaluation(SOCIETY)(genomes, generation.number)
        assert in_society.fitness == list(generation.fitness)
        assert in_society.cooperation == pytest.approx(generation.cooperation)
        assert in_society.behaviours == [birth.behaviour for birth in generation.population]


def test_random_societies_partition_the_population() -> None:
    experiment = SOCIETY.changed(rules={"society": 5})
    societies = evaluation(experiment)
    genomes = [parse("D(c,r,p)")] * 12 + [parse("exists j. D(c,j,p)")] * 4
    result = societies(genomes, 1)
    assert result.fitness == [3.0] * 16 and result.cooperation == 1.0  # nobody begins
    drawn = groups(16, 5, stream(1, 1, "society"))
    assert sorted(np.concatenate(drawn).tolist()) == list(range(16))
    assert [len(society) for society in drawn] == [5, 5, 6]


def test_a_society_of_the_same_strategies_is_not_played_again() -> None:
    societies = evaluation(SOCIETY)
    a, b = parse("exists j. D(c,j,p)"), parse("not D(c,r,p)")
    first = societies([a] * 10 + [b] * 6, 1)
    assert societies([a] * 3 + [b] * 13, 2).fitness != first.fitness
    assert societies.played == 1  # type: ignore[attr-defined]
