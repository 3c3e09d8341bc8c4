"""Groups of n: against every player for itself, memory(1,1) where a group is a pair, and the theory of public goods."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Game, Rules, fixation_probability, long_run, pair_table, play
from engine.group_games import Commons, GroupGame, commons, from_tables, public_goods, threshold
from engine.groups import (
    group_certificate,
    group_log_fixation,
    group_long_run,
    group_play,
    group_table,
    population_payoffs,
)
from genomes import GroupGenome, LookupGenome, parse
from genomes.group import NAMED, complete_group_class, group_name
from tests import group_reference


@st.composite
def groups(draw: st.DrawFn, most: int = 5) -> tuple[list[GroupGenome], list[int], GroupGame]:
    n = draw(st.integers(2, most))
    tables = st.text("CD", min_size=2 * n + 1, max_size=2 * n + 1)
    kinds = draw(st.lists(tables, min_size=1, max_size=min(n, 3), unique=True))
    counts = [1] * len(kinds)
    for _ in range(n - len(kinds)):
        counts[draw(st.integers(0, len(kinds) - 1))] += 1
    pays = st.lists(st.integers(-3, 5), min_size=n, max_size=n)
    return [GroupGenome(n, t) for t in kinds], counts, from_tables(draw(pays), draw(pays))


KINDS: tuple[Commons, ...] = ("share", "thrash")


def each(genomes: list[GroupGenome], counts: list[int]) -> list[str]:
    return [g.moves for g, n in zip(genomes, counts, strict=True) for _ in range(n)]


@settings(max_examples=60)
@given(groups(), st.integers(1, 40))
def test_one_representative_of_each_strategy_plays_as_all_of_them(
    group: tuple[list[GroupGenome], list[int], GroupGame], turns: int
) -> None:
    genomes, counts, game = group
    found = group_play(dict(zip(genomes, counts, strict=True)), game, Rules(turns=turns))
    tables = each(genomes, counts)
    earned, rates = group_reference.mean_payoffs(tables, game.a, game.b, [1 / turns] * turns)
    firsts = [sum(counts[:k]) for k in range(len(counts))]
    assert found.payoffs == pytest.approx([earned[k] for k in firsts], abs=1e-12)
    assert found.cooperation == pytest.approx([rates[k] for k in firsts], abs=1e-12)


@settings(max_examples=30)
@given(groups(4), st.sampled_from([0.01, 0.2, 0.5]), st.integers(1, 6))
def test_numbers_of_cooperators_are_enough_where_moves_slip(
    group: tuple[list[GroupGenome], list[int], GroupGame], noise: float, turns: int
) -> None:
    genomes, counts, game = group
    found = group_play(dict(zip(genomes, counts, strict=True)), game, Rules(turns=turns, noise=noise))
    earned, rates = group_reference.mean_payoffs(
        each(genomes, counts), game.a, game.b, [1 / turns] * turns, noise
    )
    firsts = [sum(counts[:k]) for k in range(len(counts))]
    assert found.payoffs == pytest.approx([earned[k] for k in firsts], abs=1e-12)
    assert found.cooperation == pytest.approx([rates[k] for k in firsts], abs=1e-12)


@settings(max_examples=30)
@given(groups(4), st.sampled_from([0.0, 0.1]), st.sampled_from([0.0, 0.4, 0.7]))
def test_a_continuation_probability_weighs_turns(
    group: tuple[list[GroupGenome], list[int], GroupGame], noise: float, d: float
) -> None:
    genomes, counts, game = group
    found = group_play(dict(zip(genomes, counts, strict=True)), game, Rules(continuation=d, noise=noise))
    weights = [(1 - d) * d**t for t in range(1 if d == 0 else math.ceil(math.log(1e-13) / math.log(d)))]
    earned, _ = group_reference.mean_payoffs(each(genomes, counts), game.a, game.b, weights, noise)
    firsts = [sum(counts[:k]) for k in range(len(counts))]
    assert found.payoffs == pytest.approx([earned[k] for k in firsts], abs=1e-11)


@settings(max_examples=30)
@given(
    st.text("CD", min_size=5, max_size=5), st.text("CD", min_size=5, max_size=5),
    st.sampled_from([
        Rules(turns=7), Rules(continuation=0.9), Rules(limit_of_means=True),
        Rules(turns=50, noise=0.05), Rules(continuation=0.9, noise=0.05), Rules(limit_of_means=True, noise=0.05),
    ]),
)  # fmt: skip
def test_a_group_of_two_is_a_pair_with_memory_one(first: str, second: str, rules: Rules) -> None:
    game = from_tables([0, 3], [1, 5])
    pairs = [LookupGenome.parse(f"memory(1,1) {text}") for text in (first, second)]
    table = group_table(GroupGenome(2, first), GroupGenome(2, second), game, rules)
    (a, b), (c, d) = pair_table(pairs[0], pairs[1], rules).tolist()
    assert table[2, 0] == pytest.approx(a) and table[0, 1] == pytest.approx(d)
    assert table[1].tolist() == pytest.approx([b, c])
    if first != second:
        mine = math.exp(group_log_fixation(table, 12, intensity=0.3))
        assert mine == pytest.approx(
            fixation_probability([[a, b], [c, d]], 12, process="fermi", intensity=0.3)
        )


def test_a_long_run_of_groups_of_two_is_that_of_pairs() -> None:
    texts = ["cCDCD", "cCDDD", "dDDDD", "cCCCC", "cCDDC", "dCDDC"]
    game, rules = from_tables([0, 3], [1, 5]), Rules(continuation=0.9)
    groups_of_two = group_long_run([f"group(2) {text}" for text in texts], game, rules, 30)
    pairs = long_run([f"memory(1,1) {text}" for text in texts], rules, 30)
    assert groups_of_two.log_shares == pytest.approx(pairs.log_shares, rel=1e-10, abs=1e-12)
    assert groups_of_two.cooperation == pytest.approx(pairs.cooperation)


def test_random_groups_are_weighed_as_all_of_them_are() -> None:
    game, rules, size, n = public_goods(3, factor=2), Rules(turns=5), 7, 3
    mutant, resident = GroupGenome.named("grim", n), GroupGenome.named("all_d", n)
    found = population_payoffs(group_table(mutant, resident, game, rules), size)
    for i in range(1, size):
        everybody = [mutant.moves] * i + [resident.moves] * (size - i)
        earned = group_reference.population_payoffs(everybody, game.a, game.b, [1 / 5] * 5, n)
        assert found[i - 1].tolist() == pytest.approx([earned[0], earned[-1]])


# --- predictions of the literature ------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "r"), [(3, 2.0), (4, 3.0), (5, 1.5)])
@pytest.mark.parametrize("resident", ["grim", "tft_all", "all_or_none"])
def test_public_goods_are_kept_up_from_the_predicted_continuation_on(n: int, r: float, resident: str) -> None:
    border = (1 - r / n) / (r - 1) if resident == "all_or_none" else (n - r) / (r * (n - 1))
    for d, held in ((border - 1e-6, False), (border + 1e-6, True)):
        if 0 <= d < 1:
            found = group_certificate(resident, public_goods(n, factor=r), Rules(continuation=d))
            assert (found.gap == 0) == held and found.tried == 2 ** (2 * n + 1)


@pytest.mark.parametrize(("n", "size"), [(3, 10), (5, 20), (5, 100)])
def test_groups_drawn_at_random_need_less_of_a_fine(n: int, size: int) -> None:
    """The one-shot fine is c(1 - (r/n)(N-n)/(N-1)), not c(1 - r/n)."""
    r, c = 2.0, 1.5
    border = c * (1 - (r / n) * (size - n) / (size - 1))
    for fine, ahead in ((border - 1e-9, False), (border + 1e-9, True)):
        game = public_goods(n, factor=r, cost=c, fine=fine)
        earned = population_payoffs(group_table("all_c", "all_d", game, Rules(turns=1)), size)
        assert (earned[:, 0] >= earned[:, 1]).all() == ahead
    assert border > c * (1 - r / n)


@pytest.mark.parametrize("n", [2, 5, 9])
def test_the_three_commons_at_a_quota_of_one_each(n: int) -> None:
    exhaust = commons(n, quota=n, kind="exhaust")
    assert n in exhaust.equilibria and exhaust.a[n - 1] > exhaust.b[n - 1]
    share = commons(n, quota=n, kind="share")
    assert share.dominant == "D" and share.restoring_fine == pytest.approx((n - 1) / (n + 1))
    border = (n - 1) / (n + 1)
    assert commons(n, quota=n, kind="share", fine=border + 1e-9).dominant == "C"
    assert commons(n, quota=n, kind="share", fine=border - 1e-9).dominant != "C"


@pytest.mark.parametrize("n", [4, 5, 9])
def test_a_thrashed_commons_is_a_snowdrift(n: int) -> None:
    thrash = commons(n, quota=n, kind="thrash")
    assert thrash.dominant is None and thrash.equilibria and set(thrash.equilibria).isdisjoint({0, n})


def test_a_threshold_is_reached_by_just_as_many_as_it_needs() -> None:
    game = threshold(5, needed=3, benefit=4)
    assert game.equilibria == (0, 3)
    assert game.total(3) == 5 * 4 - 3


def test_repetition_upholds_what_all_lose_by_defecting_and_no_shared_commons() -> None:
    """Where a quota is shared out whole whatever is asked, all defecting costs nobody anything, so nothing deters."""
    share, thrash = (commons(5, quota=5, kind=kind) for kind in KINDS)
    for d in (0.5, 0.95, 0.999):
        assert group_certificate("grim", share, Rules(continuation=d)).gap > 0
    assert group_certificate("grim", thrash, Rules(continuation=0.95)).gap == 0
    assert group_certificate("all_c", share, Rules(continuation=0.95)).best_payoff == pytest.approx(5 / 3)


# --- genomes and the edges --------------------------------------------------------------------------------------


@given(st.integers(2, 9), st.data())
def test_a_genome_reads_back(n: int, data: st.DataObject) -> None:
    genome = GroupGenome(n, data.draw(st.text("CD", min_size=2 * n + 1, max_size=2 * n + 1)))
    assert parse(str(genome)) == genome


def test_a_class_has_every_genome_and_names_are_found_in_it() -> None:
    whole = complete_group_class(3)
    assert len(set(whole)) == 128
    named = {group_name(genome) for genome in whole} - {None}
    assert named <= set(NAMED) and {"grim", "all_or_none", "tft_all"} <= named
    assert str(GroupGenome.named("tft_all", 2)) == "group(2) cCDCD"  # tit for tat
    assert str(GroupGenome.named("all_or_none", 2)) == "group(2) cCDDC"  # win-stay, lose-shift


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GroupGenome(3, "CCC"), "expected an opening and 6 replies for a group of 3, 7 in all, got 3"),
        (lambda: parse("group(3) cCCCXDD"), "genome: expected moves C and D, got 'X'"),
        (lambda: parse("group(1) cCC"), "players: expected a whole number from 2 to 1000, got 1"),
        (lambda: play("group(2) cCDCD", "all_d"), "strategy: expected one that meets others in pairs or societies"),
        (lambda: play(GroupGenome(2, "CCDCD"), "all_d"), "strategy: expected one that meets others in pairs"),
        (lambda: group_play({"grim": 3}, public_goods(5, factor=3)), r"members: expected 5 players in all, got \[3\]"),
        (lambda: group_play({"x": 5}, public_goods(5, factor=3)), "strategy: expected all_c, all_d, grim"),
        (
            lambda: group_play({"grim": 3}, public_goods(3, factor=2), Rules(Game(R=2), turns=5)),
            "rules: expected a horizon and a noise for a group",
        ),
        (
            lambda: group_play({"grim": 70, "all_d": 70}, public_goods(140, factor=2), Rules(noise=0.1)),
            "members: expected at most 4096 states of a group with noise, .* got 5041",
        ),
        (lambda: population_payoffs(np.zeros((6, 2)), 4), "size: expected at least 5"),
        (lambda: commons(5, quota=5, kind="burn"), "kind: expected exhaust, share, thrash, got 'burn'"),  # type: ignore[arg-type]
        (lambda: commons(5, quota=-1, kind="share"), "quota: expected a number from 0"),
        (lambda: public_goods(5, factor=3, fine=-1), "fine: expected a number >= 0, got -1"),
        (lambda: threshold(5, needed=6, benefit=1), "needed: expected a whole number from 1 to 5, got 6"),
        (lambda: from_tables([1, 2], [1]), "b: expected 2 payoffs, as many as a, got 1"),
        (lambda: complete_group_class(7), "players: expected groups of at most 6 for the complete class, got 7"),
        (lambda: group_long_run(["grim"], public_goods(3, factor=2)), "strategies: expected from 2 to 512"),
    ],
)  # fmt: skip
def test_what_is_no_group_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_command_shows_a_commons(evolve: Callable[..., tuple[int, str, str]]) -> None:
    words = ("commons", "--players", "5", "--kind", "share", "--quota", "5")
    code, out, _ = evolve(*words, "--fine", "0.667", "--continuation", "0.5")
    assert code == 0 and "dominant move" in out and "all cooperate" in out
    code, out, _ = evolve(*words, "--continuation", "0.5", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["dominant"] == "D"
    assert answer["restoring_fine"] == pytest.approx(2 / 3)
    assert answer["b"][4] == pytest.approx(10 / 6) and answer["a"][4] == 1
    assert {row["resident"] for row in answer["certificates"]} == set(NAMED)
    assert sum(answer["long_run"]["distribution"].values()) == pytest.approx(1)
    code, _, err = evolve("commons", "--players", "5", "--kind", "goods")
    assert code == 1 and err.startswith("evolve: factor: expected a number with kind goods")
