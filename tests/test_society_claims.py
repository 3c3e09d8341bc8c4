"""What Ord says of Absolutist as a strategy: loyal in every mix, and minimal as far as that holds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.societies.sipd import play_individuals
from genomes import catalogue
from genomes.formula.generator import random_formula
from genomes.formula.genome import FormulaGenome
from tests.formulas import formulas
from tests.strategies import automata

ABSOLUTIST = catalogue.get("absolutist").formula
TURNS = 12


def absolutist_would(history: np.ndarray, r: int, c: int) -> np.ndarray:
    """In which rounds Absolutist's formula is true of r and c, on a history that others have made."""
    differ = (history[:, r, :] != history[:, c, :]).any(axis=1)
    before = np.concatenate([[False], differ[:-1]])
    return np.logical_or.accumulate(before)


def loyal(history: np.ndarray, kind: list[int]) -> bool:
    """Nobody of the kind ever defects on its own."""
    return not history[np.ix_(range(len(history)), kind, kind)].any()


@given(st.lists(st.one_of(formulas(), automata()), max_size=4), st.integers(1, 3))
def test_absolutist_is_loyal_in_every_mix(others, twins):
    history = play_individuals([ABSOLUTIST] * twins + others, TURNS)
    assert loyal(history, list(range(twins)))


def test_absolutist_is_loyal_among_members_who_toss_coins():
    rng = np.random.default_rng(5)
    members = [ABSOLUTIST] * 4 + [catalogue.get("random")] * 3
    for _ in range(20):
        history = play_individuals(members, TURNS, draws=rng.random((TURNS, 7, 7)))
        assert loyal(history, [0, 1, 2, 3])
        assert history[:, :4, 4:].any()


def test_where_a_loyal_strategy_defects_absolutists_formula_is_true_of_that_history():
    """Pointwise: counted over whole societies Absolutist is not minimal, since it changes the history."""
    rng = np.random.default_rng(2002)
    partners = [random_formula(rng, diagonal=True) for _ in range(200)]
    loyal_formulas, defections, counterexamples = set(), 0, []
    for trial in range(4000):
        candidate = random_formula(rng, diagonal=True).simplify()
        others = [partners[k] for k in rng.integers(0, len(partners), rng.integers(1, 4))]
        members: list[FormulaGenome] = [candidate, candidate, *others]
        history = play_individuals(members, TURNS)
        if not loyal(history, [0, 1]):
            continue
        for c in range(2, len(members)):
            did = history[:, 0, c]
            if did.any():
                loyal_formulas.add(candidate)
                defections += int(did.sum())
            if (did & ~absolutist_would(history, 0, c)).any():
                counterexamples.append((trial, str(candidate), [str(o) for o in others]))
    assert len(loyal_formulas) > 100 and defections > 1000, "nothing was tested"
    assert not counterexamples, counterexamples[:5]


def test_disloyal_strategies_do_defect_where_absolutist_would_not():
    history = play_individuals(
        [catalogue.get("all_d"), catalogue.get("all_d"), catalogue.get("all_d")], TURNS
    )
    assert not absolutist_would(history, 0, 2).any()
    assert history[:, 0, 2].all()


def test_minimality_does_not_hold_counted_over_whole_societies():
    """Grim is loyal too, but does not punish as Absolutists do; these turn on it, and it pays them back."""
    others = ["absolutist"] * 3 + ["tit_for_tat", "mistrust"]
    grim, absolutist = (play_individuals([kind, kind, *others], TURNS) for kind in ("grim", ABSOLUTIST))
    assert loyal(grim, [0, 1])
    assert grim[:, 0].sum() > absolutist[:, 0].sum()
    assert not (grim[:, 0, 2] & ~absolutist_would(grim, 0, 2)).any()
