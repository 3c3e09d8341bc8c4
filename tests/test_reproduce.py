"""The published claims: the verdicts we state are the verdicts that come out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.intervals import wilson
from evolve.claims.claim import more_often_than_not
from evolve.claims.ecologies import EXPLOITER, O1, O2, O3, O4, O7, O13, O14, READINGS
from evolve.claims.evolution import RandomStartClaim, SeededClaim, Settings
from evolve.claims.published import CLAIMS, chosen
from evolve.claims.societies import RandomMembersClaim, SlipClaim

TOURNAMENTS = CLAIMS[:8]
FAILS = {"bully": {"O3", "O7"}, "spiteful_bully": {"O1", "O3", "O5"}, "forgiving_bully": set()}
"""Which readings of Spiteful-Bully do not give a claim; two independent programs agree on this table."""


@pytest.mark.parametrize("quantifiers", ["all", "others"])
@pytest.mark.parametrize("turns", [30, 50, 200])
@pytest.mark.parametrize("exploiter", READINGS)
def test_the_table_of_readings_comes_out(exploiter, turns, quantifiers):
    """With so many players it does not matter whether quantifiers range over all of them or over others."""
    verdicts = [claim.verdict(exploiter, turns=turns, quantifiers=quantifiers) for claim in TOURNAMENTS]
    assert {verdict.claim for verdict in verdicts if verdict.outcome == "fails"} == FAILS[exploiter]


def test_both_readings_of_quantifiers_stand_side_by_side_where_they_differ():
    one = O4.verdicts()[0]
    assert one.quantifiers == "all or others alike"
    chance = RandomMembersClaim(societies=4, players=4).verdicts()
    assert [verdict.quantifiers for verdict in chance].count("others") >= 1


def test_a_verdict_says_what_it_rests_on():
    for claim in TOURNAMENTS[:-1]:
        assert "chosen by us because it gives O1 to O8" in claim.verdict("forgiving_bully").rests_on
        assert "chosen" not in claim.verdict("bully").rests_on
    assert "plain Grim in its place passes too" in O2.verdict("bully").rests_on
    data = O2.verdict("forgiving_bully").to_dict()
    assert data["rests_on"] and data["quantifiers"] == "all"


def test_plain_grim_passes_where_police_do():
    """Which is why verdicts with Police say so."""
    from engine import Rules, ecology

    for claim in (O2, O3):
        cast = {"police": "grim", EXPLOITER: "forgiving_bully"}
        start = claim.players(claim.start, cast)
        result = ecology(start, Rules(turns=50), generations=50)
        assert result.after(50, "forgiving_bully") < 50 < result.after(50, "grim")


@pytest.mark.parametrize(
    ("successes", "trials", "outcome"),
    [(3, 3, "undecided"), (12, 20, "undecided"), (20, 20, "holds"), (0, 20, "fails"), (0, 3, "undecided")],
)
def test_an_interval_that_includes_both_outcomes_decides_nothing(successes, trials, outcome):
    assert more_often_than_not(*wilson(successes, trials)) == outcome


def test_a_verdict_depends_on_the_horizon_and_says_so():
    fails = {c.name for c in TOURNAMENTS if not c.verdict("forgiving_bully", turns=20).holds}
    assert fails == {"O1", "O7"}
    fails = {c.name for c in TOURNAMENTS if not c.verdict("forgiving_bully", all_c=800).holds}
    assert fails == {"O2", "O3"}
    assert O1.verdict("bully", turns=20).horizon == "20 rounds, 50 generations"


def test_the_figures_behind_the_table():
    o3 = O3.verdict("bully").ecologies["O3"]
    assert round(o3.after(50, "tit_for_tat")) == 111
    o3 = O3.verdict("forgiving_bully").ecologies["O3"]
    assert int(o3.after(50, "tit_for_tat")) == 687
    assert round(o3.after(50, "police")) == 273
    o7 = O7.verdict("forgiving_bully").ecologies
    assert [round(o7["O7"].after(g, "absolutist")) for g in (5, 10, 20)] == [531, 728, 1000]
    assert o7["O7 with a shortfall"].extinct("absolutist") == 18
    wins_anyway = O7.verdict("bully").ecologies["O7 with a shortfall"]
    assert wins_anyway.final == {"absolutist": pytest.approx(1000)}


@pytest.mark.parametrize("exploiter", READINGS)
def test_in_the_end_every_exploiter_of_all_c_dies_out(exploiter):
    from engine import Rules, ecology

    result = ecology(O1.players(O1.start, {EXPLOITER: exploiter}), Rules(turns=50), generations=1000)
    assert result.extinct(exploiter) is not None


def test_absolutists_that_err_end_up_defecting_and_absolutists_among_random_members_do_not():
    for erring in SlipClaim(societies=8).verdicts():
        assert erring.holds
        path = np.array(erring.details["absolutist"])
        assert path[0] > 0.95 and path[100:].max() < 0.06
        assert min(erring.details["pavlov"][100:]) > 0.5
    for among_random in RandomMembersClaim(societies=8).verdicts():
        assert among_random.outcome == "fails"
        if among_random.quantifiers == "all":
            assert min(among_random.details["late"]) == 1.0
    (faultless,) = SlipClaim(noise=1e-9, societies=2).verdicts()
    assert not faultless.holds


def test_among_random_members_the_share_of_chance_and_the_reading_decide():
    """Absolutists part only where quantifiers range over others."""
    rare = [v for v in RandomMembersClaim(societies=8).verdicts() if v.details["chance"] == 0.01]
    assert [(v.quantifiers, v.details["parted"] > 0) for v in rare] == [("all", False), ("others", True)]


def test_variants_of_absolutist_are_judged_by_what_changes():
    assert all(verdict.holds for verdict in O13.verdicts())
    suspicious = O14.verdicts()
    # exploiters and Suspicious Absolutists do the same to everybody there, so nothing could have come out otherwise
    assert {verdict.outcome for verdict in suspicious} == {"not testable"}
    assert all(verdict.details["alike"] == ["O6", "O7"] for verdict in suspicious)
    assert suspicious[0].details["apart"]["O7"] == 0.5


def test_what_lifl_published_holds():
    for claim in chosen(["lifl"]):
        for verdict in claim.verdicts():
            assert verdict.holds, verdict.happened


def test_claims_about_evolution_come_with_intervals_and_controls():
    few = Settings(until=12, size=30)
    for verdict in RandomStartClaim(few).verdicts(replicates=3):
        low, high = verdict.details["interval"]
        assert 0 <= low <= verdict.details["leading"] / 3 <= high <= 1
        assert "3 replicates" in verdict.horizon
    verdicts = SeededClaim(few).verdicts(replicates=3)
    assert "random formulas without D(x,x)" in verdicts[0].rests_on
    kept = verdicts[0].details["kept"]
    assert set(kept) == {
        "vulture", "absolutist", "suspicious_absolutist", "all_c", "all_d", "random formula"
    }  # fmt: skip
    assert kept["absolutist"] > kept["all_c"]
    assert {verdict.outcome for verdict in verdicts} == {"undecided"}  # three replicates prove nothing
    assert [v.to_dict() for v in SeededClaim(few).verdicts(replicates=3)] == [v.to_dict() for v in verdicts]


@pytest.mark.parametrize(
    ("successes", "low", "high"), [(0, 0.0, 0.1611), (10, 0.2993, 0.7007), (20, 0.8389, 1)]
)
def test_intervals_are_wilsons(successes, low, high):
    assert wilson(successes, 20) == pytest.approx((low, high), abs=1e-4)


def test_claims_are_chosen_by_name_or_by_source():
    assert [claim.name for claim in chosen(["ord"])] == [f"O{k}" for k in range(1, 15)]
    assert [claim.name for claim in chosen(["o7", "lifl", "O7"])] == ["O7", "L1", "L2", "L3", "L4"]
    with pytest.raises(ValueError, match="claim: expected ord, lifl, agents or one of O1, "):
        chosen(["O15"])


def test_verdicts_can_be_written_as_json():
    data = json.loads(json.dumps(O4.verdict("bully").to_dict()))
    assert data["verdict"] == "holds"
    assert data["ecologies"]["O4"]["start"] == {
        "absolutist": 400, "tit_for_tat": 100, "all_c": 500, "bully": 50
    }  # fmt: skip
