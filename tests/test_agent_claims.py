"""Claims about agent systems: escrow, noise, and the discount factor."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evolve.claims.agents import CLAIMS, EscrowMarket, certified
from evolve.claims.published import chosen


def test_escrow_for_all_adds_nearly_a_quarter_and_not_a_fifth() -> None:
    """Recomputed from the source's own model: 160 000, 179 000, 198 000 at adoption 0, 1/2, 1."""
    market = EscrowMarket()
    assert [market.expected(p) for p in (0, 0.5, 1)] == pytest.approx([160_000, 179_000, 198_000])
    assert market.expected(0.5) / market.expected(0) - 1 == pytest.approx(0.119, abs=0.001)
    (verdict,) = CLAIMS[0].verdicts(5)
    assert verdict.outcome == "fails" and "+23.75%" in verdict.happened
    assert verdict.details["defection_for_20_percent"] == pytest.approx(0.175)
    assert len(verdict.details["simulated"]) == 5
    for defect in ("given from outside", "subtracts two parts of one population", "dominant"):
        assert defect in verdict.rests_on


def test_escrow_breaks_even_where_the_fee_is_what_defection_loses() -> None:
    for fee, defection, gains in ((0.05, 0.05, 0), (0.05, 0.06, 1), (0.05, 0.04, -1)):
        assert np.sign(round(EscrowMarket(fee=fee, defection=defection).gain(), 12)) == gains


def test_simulated_markets_agree_with_the_expected_value() -> None:
    market = EscrowMarket()
    totals = np.array([market.simulated(0.5, np.random.default_rng(k)) for k in range(200)])
    error = totals.std(ddof=1) / math.sqrt(len(totals))
    assert abs(totals.mean() - market.expected(0.5)) < 4 * error
    assert abs(totals.mean() - market.expected(0.6)) > 4 * error  # the same check refuses another adoption


def test_the_tournament_of_eight_and_what_its_crediting_does() -> None:
    (verdict,) = CLAIMS[1].verdicts()
    scores, credited = verdict.details["scores"], verdict.details["scores_as_credited_by_the_source"]
    assert verdict.outcome == "holds" and len(scores) == 8
    assert max(scores, key=scores.get) == "forgiving_tft"
    assert max(credited, key=credited.get) == "all_c"  # who gives most is credited with what others took
    assert min(scores, key=scores.get) == "all_c"


def test_the_discount_factors_of_agent_types_are_certificates() -> None:
    (types,), (border,) = CLAIMS[2].verdicts(), CLAIMS[3].verdicts()
    assert types.outcome == border.outcome == "holds"
    assert certified(0.3) == [] and certified(0.5) == ["grim"] and certified(0.7) == ["grim", "tit_for_tat"]
    assert [claim.name for claim in chosen(["agents"])] == ["A1", "A2", "A3", "A4"]
