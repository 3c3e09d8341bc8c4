"""The words of the study go no further than its contrasts: the tests behind them, their correction, the document."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from docs.invasion_words import from_csv, to_csv
from docs.make_invasion_study import CONTRASTS, DOCUMENT, FILES, filled, spoken
from evolve.invasion.contrasts import LEVEL, Contrast, adjusted, contrast
from evolve.invasion.replicates import Outcome
from evolve.invasion.study import Study, clones_of
from results.survival import holm, sign_flip

# --- the test and its correction ---


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=9))
def test_the_sign_flip_test_is_the_count_over_all_signs(differences: list[int]) -> None:
    sizes = np.abs(differences)
    sums = [abs(int(np.dot(signs, sizes))) for signs in itertools.product((-1, 1), repeat=len(sizes))]
    assert sign_flip(differences) == pytest.approx(np.mean([s >= abs(sum(differences)) for s in sums]))


@given(st.integers(0, 60), st.integers(0, 60))
def test_on_losses_it_is_mcnemars_exact_test(one: int, other: int) -> None:
    exact = stats.binomtest(one, one + other).pvalue if one + other else 1.0
    assert sign_flip([1] * one + [-1] * other + [0] * 7) == pytest.approx(exact)


def test_a_large_sign_flip_test_is_taken_as_normal(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(4).integers(-40, 45, 400)
    exact = sign_flip(differences)
    monkeypatch.setattr("results.survival.EXACT_CELLS", 0)
    assert 0.001 < exact < 0.2 and sign_flip(differences) == pytest.approx(exact, rel=0.05)


def test_the_sign_flip_test_keeps_its_level_and_has_power() -> None:
    rng = np.random.default_rng(3)
    pairs = rng.geometric(0.1, (400, 2, 60))
    same = [sign_flip(a - b) < LEVEL for a, b in pairs]
    assert stats.binomtest(sum(same), 400, LEVEL, alternative="greater").pvalue > 1e-3
    assert np.mean([sign_flip(a + 4 - b) < LEVEL for a, b in pairs]) > 0.5  # and it can find something


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_steps_down(chances: list[float]) -> None:
    rest, highest = sorted(chances), 0.0
    expected = {}
    for k, p in enumerate(rest):
        highest = max(highest, min(1.0, p * (len(rest) - k)))
        expected.setdefault(p, highest)
    found = holm(chances)
    # equal p values may be told in either order: the later is adjusted no less than the first
    assert all(f >= expected[p] and f >= p for f, p in zip(found, chances, strict=True))
    assert sorted(found) == [f for _, f in sorted(zip(chances, found, strict=True))]


# --- what a contrast lets be said ---


def outcomes(label: str, lost: int, of: int = 100) -> list[Outcome]:
    return [Outcome(label, k, k < lost, 5 if k < lost else 60, 1) for k in range(of)]


def losses(first: int, second: int) -> Contrast:
    return contrast(outcomes("a", first), outcomes("b", second), "losses", 60)


def test_three_losses_against_none_are_not_told_apart_and_twelve_only_among_few_contrasts() -> None:
    three, twelve = losses(3, 0), losses(12, 0)
    assert (three.p, twelve.p) == (0.25, pytest.approx(2**-11))
    assert [c.relation("more", "less") for c in adjusted([three, twelve])] == ["not told apart from", "more"]
    crowd = adjusted([twelve, *[losses(0, 12)] * 120])
    assert {c.sign for c in crowd} == {0} and crowd[0].adjusted == pytest.approx(121 / 2**11)
    assert adjusted([losses(0, 12)])[0].relation("more", "less") == "less"


def test_a_contrast_that_was_not_adjusted_says_nothing() -> None:
    assert losses(60, 0).sign == 0 and adjusted([losses(60, 0)])[0].sign == 1


def test_time_is_compared_in_pairs_up_to_the_horizon() -> None:
    late = [replace(o, time=o.time + 2) for o in outcomes("a", 50)]
    c = contrast(late, outcomes("b", 50), "time", 60)
    assert (c.difference, c.lost, c.alone, c.p) == (1.0, (50, 50), (0, 0), pytest.approx(2**-49))
    with pytest.raises(ValueError, match="expected replicates that both groups have"):
        contrast(outcomes("a", 1), [], "time", 60)


def test_contrasts_are_kept_exactly() -> None:
    made = adjusted([losses(3, 1), contrast(outcomes("a, b", 9), outcomes("c", 3), "time", 60, "file")])
    assert from_csv(to_csv(made)) == made
    with pytest.raises(ValueError, match="contrasts: expected the columns"):
        from_csv("a,b\n1,2\n")


# --- the document ---


def test_the_words_of_the_document_are_those_of_its_contrasts() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    contrasts = from_csv(CONTRASTS.read_text(encoding="utf-8"))
    assert [c.adjusted for c in contrasts] == pytest.approx(holm([c.p for c in contrasts]))
    for c in contrasts:
        if c.measure == "losses":
            assert c.p == pytest.approx(
                stats.binomtest(c.alone[0], sum(c.alone)).pvalue if any(c.alone) else 1
            )
            assert c.alone[0] - c.alone[1] == c.lost[0] - c.lost[1] == pytest.approx(c.difference * c.pairs)
    blocks = spoken(contrasts)
    for name, words in blocks.items():
        assert f"<!-- {name} -->\n{words}\n<!-- end -->" in text
    # a word that a contrast does not allow would be seen
    undone = [replace(c, adjusted=1.0) for c in contrasts]
    assert spoken(undone)["found"] != blocks["found"] and "sooner" not in spoken(undone)["found"]


def test_words_written_by_hand_compare_no_residents() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    by_hand = re.sub(r"<!-- ([a-z0-9 -]+) -->.*?<!-- end -->", "", text, flags=re.DOTALL)
    names = r"(?i)tit.for.tat|\bgrim\b|pavlov|vulture|police|bully|absolutist|spiteful|all[_-][cd]\b"
    compares = (
        r"\b(more|less|fewer|longer|shorter|sooner|later|better|worse|best|worst|outlasts?|cannot tell)\b"
    )
    sentences = re.split(r"(?<=[.:])\s+|\n\n", by_hand)
    assert not [s for s in sentences if re.search(names, s) and re.search(compares, s)]
    assert re.search(names, by_hand) and re.search(compares, by_hand)  # the test can fail


def test_every_place_of_the_document_is_filled_by_something() -> None:
    with pytest.raises(ValueError, match="expected one of"):
        filled(DOCUMENT.read_text(encoding="utf-8"), {})
    for file in FILES.glob("*.toml"):
        assert f"<!-- survival {file.stem} -->" in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("law", ["global", "local", "adversarial"])
def test_noise_has_a_control_that_differs_in_nothing_else(law: str) -> None:
    for noisy, quiet in ((f"sipd-{law}-noise", f"sipd-{law}-small"), (f"ipd-{law}-noise", f"ipd-{law}")):
        with_noise, without = (Study.load(FILES / f"{name}.toml") for name in (noisy, quiet))
        assert with_noise.experiment.rules.noise == 0.01
        changed = with_noise.experiment.changed(rules={"noise": 0.0}, name=quiet)
        assert (changed, with_noise.invasion) == (without.experiment, without.invasion)


def test_the_clones_are_called_after_their_resident() -> None:
    assert clones_of("control: random") == "clones of control: random"
