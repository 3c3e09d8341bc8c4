"""Players who remember at most three turns: round robins of machine words against plain Python, to the last bit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Game, Rules, expected, round_robin
from engine.pairs.short_memories import as_words
from engine.pairs.tournament import _in_blocks
from genomes import Automaton, LookupGenome, parse
from tests import reference
from tests.strategies import automata, lookups, rule

TURNS = st.one_of(st.integers(1, 130), st.sampled_from([31, 32, 33, 95, 96, 97, 20_000, 10**9 + 7, 2**40]))
GAMES = st.sampled_from(
    [Game(), Game(R=0.3, S=0.0, T=0.6, P=0.1), Game(R=-1, S=-10, T=0, P=-5), Game(R=1 / 3)]
)


@st.composite
def short(draw: st.DrawFn) -> LookupGenome:
    x, y = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    bits = draw(st.integers(0, 2 ** (max(x, y) + 2 ** (x + y)) - 1))
    moves = f"{bits:0{max(x, y) + 2 ** (x + y)}b}".replace("0", "C").replace("1", "D")
    return parse(f"memory({x},{y}) {moves}")  # type: ignore[return-value]


def long_rounds(seed: int) -> tuple[LookupGenome, LookupGenome]:
    """Two memory-3 players who go through many joint memories before one comes again: up to all 64."""
    rng = np.random.default_rng(seed)
    memory, seen = (0, 0, 0), set()
    replies = np.ones((2, 64))
    while memory not in seen:
        seen.add(memory)
        following = [(*memory[1:], j) for j in rng.permutation(4).tolist()]
        after = next((m for m in following if m not in seen), following[0])
        own, theirs = [[j >> 1 for j in memory], [j & 1 for j in memory]]
        for player, bits, move in ((0, own + theirs, after[2] >> 1), (1, theirs + own, after[2] & 1)):
            replies[player, int("".join(map(str, bits)), 2)] = 1.0 - move
        memory = after
    first, second = (LookupGenome(3, 3, (1, 1, 1), tuple(row)) for row in replies)
    return first, second


@settings(max_examples=60)
@given(st.lists(short(), min_size=2, max_size=7), TURNS, GAMES, st.booleans(), st.integers(1, 3))
def test_every_meeting_and_every_score_is_the_oracles(
    strategies: list[LookupGenome], turns: int, game: Game, self_play: bool, workers: int
) -> None:
    rules = Rules(game, turns=turns)
    assert as_words(strategies, len(strategies), rules) is not None
    table = round_robin(strategies, rules, self_play=self_play, workers=workers)
    totals = np.zeros((len(strategies), 4))
    for i, a in enumerate(strategies):
        for j, b in enumerate(strategies):
            counts = np.array(reference.lasting_counts(rule(a), rule(b), turns, 3), np.float64)
            assert table.payoffs[i, j] == rules.stage.mean_payoff(counts, turns)
            assert table.cooperation[i, j] == (counts[0] + counts[1]) / turns
            totals[i] += counts if i != j or self_play else 0
    met = turns * (len(strategies) - (not self_play))
    assert table.scores.tolist() == rules.stage.mean_payoff(totals, met).tolist()
    assert table.cooperation_rates.tolist() == ((totals[:, 0] + totals[:, 1]) / met).tolist()


@settings(max_examples=40)
@given(
    st.lists(st.one_of(short(), lookups(), automata()), min_size=2, max_size=7, unique=True),
    TURNS,
    st.booleans(),
)
def test_the_way_through_automata_gives_the_same_bits(
    strategies: list[LookupGenome | Automaton], turns: int, self_play: bool
) -> None:
    """Among players of every kind the short ones meet as words too, and the others as they did."""
    rules = Rules(turns=turns)
    numbers = list(range(1, len(strategies) + 1))
    table = round_robin(dict(zip(strategies, numbers, strict=True)), rules, self_play=self_play)
    names = tuple(map(str, strategies))
    played = _in_blocks(names, strategies, numbers, rules, self_play, True, None, 0, 1)
    assert played.payoffs is not None
    assert table.payoffs.tolist() == played.payoffs[np.ix_(played.unit, played.unit)].tolist()
    met = turns * (sum(numbers) - (not self_play))
    assert table.scores.tolist() == rules.stage.mean_payoff(played.totals, met)[played.unit].tolist()
    for i, a in enumerate(strategies):
        for j, b in enumerate(strategies):
            assert table.payoffs[i, j] == expected(a, b, rules).payoffs[0]


def test_rounds_longer_than_a_word_are_followed_to_their_end() -> None:
    strategies = [genome for seed in range(40) for genome in long_rounds(seed)]
    rounds = []
    for turns in (33, 64, 96, 131, 200, 10**6 + 1):
        table = round_robin(strategies, Rules(turns=turns), workers=2)
        for k in range(0, len(strategies), 2):
            a, b = rule(strategies[k]), rule(strategies[k + 1])
            counts = np.array(reference.lasting_counts(a, b, turns, 3), np.float64)
            assert table.payoffs[k, k + 1] == Rules().stage.mean_payoff(counts, turns)
            moves = reference.play(a, b, 140)
            rounds.append(next(p for p in range(1, 70) if moves[70 - p : 73 - p] == moves[70:73]))
    assert (
        max(rounds) >= 60 and sum(length > 29 for length in rounds) > 100
    )  # else this test would test nothing


def test_the_oracle_notices_a_memory_that_is_cut_short() -> None:
    """The negative control: what closes a sum when only two turns repeat is wrong for most of these."""
    wrong = 0
    for seed in range(10):
        a, b = map(rule, long_rounds(seed))
        assert reference.lasting_counts(a, b, 200, 3) == reference.counts(a, b, 200)
        wrong += reference.lasting_counts(a, b, 200, 2) != reference.counts(a, b, 200)
    assert wrong > 5


def test_no_order_and_no_number_of_threads_changes_a_bit_of_a_large_round_robin() -> None:
    rng = np.random.default_rng(6)
    genomes = [
        parse(f"memory(3,3) {''.join(rng.choice(['C', 'D'], 67))}") for _ in range(700)
    ]  # several blocks of columns, and of rows
    rules = Rules(turns=77)
    table = round_robin(genomes, rules)
    backwards = round_robin(genomes[::-1], rules, matrix=False, workers=3)
    assert table.scores.tolist() == backwards.scores[::-1].tolist()
    assert np.array_equal(table.payoffs, round_robin(genomes, rules, workers=3).payoffs)
    of_others = (table.payoffs * 77).sum(axis=1) - table.payoffs.diagonal() * 77
    assert table.scores == pytest.approx(of_others / (77 * 699), abs=1e-12)


def test_genomes_that_play_alike_are_one_behaviour_whatever_they_look_like() -> None:
    texts = [
        "memory(1,1) cCDCD", "memory(0,1) cCD", "memory(1,1) cCCDD",  # tit for tat twice; all C on its own C
        "memory(2,2) ccCDCDCDCDCDCDCDCD", "memory(3,3) ccc" + 32 * "CD", "memory(0,0) C",
    ]  # fmt: skip
    genomes = [parse(text) for text in texts]
    short = as_words(genomes, 6, Rules(turns=9))
    assert short is not None
    keys = [genome.automaton().behaviour(noisy=False) for genome in genomes]  # type: ignore[union-attr]
    assert round_robin(texts, Rules(turns=9)).behaviours == tuple(keys)
    for (i, a), (j, b) in pairwise(enumerate(keys)):
        assert (short.index[i] == short.index[j]) == (a == b)
    assert len(short) == len(set(keys)) == 4


def test_what_words_cannot_hold_goes_the_other_way() -> None:
    genomes = [parse("memory(1,1) cCDCD"), parse("memory(0,1) dDD")]
    assert as_words(genomes, 2, Rules(turns=9)) is not None
    for rules in (Rules(turns=9, noise=0.1), Rules(continuation=0.9), Rules(limit_of_means=True)):
        assert as_words(genomes, 2, rules) is None
    assert as_words(genomes, 2**14, Rules(turns=2**40)) is None  # more turns than a float holds exactly
    for other in ("memory(4,0) ccccCCCCCCCCDDDDDDDD", "memory(0,1) 1 | 0.5 1", "memory(0,0,1) cCD"):
        assert as_words([*genomes, parse(other)], 3, Rules(turns=9)) is None
    many = dict.fromkeys(genomes, 2**13)
    assert round_robin(many, Rules(turns=2**40)).scores == pytest.approx([2.0, 1.0], abs=1e-3)
