"""The examples show what their first lines claim, with the seeds that stand in them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import nnls

from engine import Rules, expected, round_robin
from evolve import Experiment, generations
from evolve.designs import Design, judge
from evolve.sweep import Sweep
from genomes import catalogue
from results import Generation
from results.designs import DesignPoint
from results.plots.genome_maps import entries

EXAMPLES = Path(__file__).parent.parent / "examples"
TESTED = {
    "memory1.toml": "Most behaviours that lead have names here: watch who takes over from whom.",
    "memory3.toml": "With this seed nearly all moves cooperate from generation 10 on, by strategies that mostly defect "
    "against all_d.",
    "papers/axelrod-1987.toml": "In most runs the median rule ends as successful as tit for tat, to 0.05 a turn, and "
    "in some more than that above it: they exploit soft_majo and lose spiteful.",
    "stochastic-noise.toml": "R is above (T + P) / 2, which is what All-D takes from win-stay, lose-shift, and with "
    "this seed win-stay, lose-shift has taken over by generation 250. With --set game.R=2.5 it has not, and "
    "cooperation is lost.",
    "formula-parsimony.toml": "With this seed one node, D(c,r,p), leads in the end; with seed 3 the two of grim, "
    "exists t. D(c,r,t), do.",
    "champion.toml": "Every strategy that draws moves is met with the same 8 seeds",
    "sweeps/noise.toml": "at continuation 0.95 nearly always without noise, and hardly ever with noise 0.1.",
    "designs/fine.toml": "With many turns and little noise about a quarter of what makes C dominant is enough",
    "designs/detection.toml": "their product alone decides what evolves, and where pavlov is certified.",
    "mechanisms/repetition.toml": "cooperation appears when the future weighs nine tenths; with --set "
    "rules.continuation=0 it does not.",
    "mechanisms/fine.toml": "cooperation appears because a D costs more than it gains, which is 5 years where the "
    "other defects. With --set mechanism.0.fine=0 all defect.",
    "mechanisms/pooled-fine.toml": "With --set mechanism.0.to=burn, or with twice the fine, cooperation appears.",
    "mechanisms/quota.toml": "Three quarters of all moves then cooperate, whoever plays; and no more than that, since "
    "what is left to defect with is used. With --set mechanism.0.window=10 it is nine tenths.",
    "mechanisms/referee.toml": "With --set mechanism.0.share=0.25 he sees too little, and all defect and pay for it.",
    "mechanisms/escrow-offer.toml": "they join, and then cooperate. With --set mechanism.0.fee=2.5, more than "
    "cooperation is worth, nobody does; with --set mechanism.0.bond=1 it deters nobody.",
    "tft-memory12.toml": "does it last?",
    "vulture-society.toml": "does it avoid invasion, as Ord says?",
}
"""What is claimed or asked by each example, word for word: whoever changes it changes the test below."""


SETS = ("lifl", "agents", "memory_one")
TOURNAMENT = [
    *dict.fromkeys(name for one in SETS for name in catalogue.names(one)),
    *("two_tits_for_tat", "winner12", "winner21", "bully", "spiteful_bully"),
]
"""The strategies whose scores the representatives of axelrod-1987.toml explain."""


def evolved(file: str, until: int | None = None, **changes: Any) -> list[Generation]:
    experiment = Experiment.load(EXAMPLES / file, changes)
    return list(generations(experiment if until is None else experiment.changed(generations=until)))


def cooperation(some: Sequence[Generation]) -> float:
    return float(np.mean([generation.cooperation for generation in some]))


def test_every_claim_of_an_example_is_tested() -> None:
    files = {file.relative_to(EXAMPLES).as_posix(): file for file in EXAMPLES.rglob("*.toml")}
    assert {name for name in files if not name.startswith("invasion/")} == set(TESTED)
    for name, claim in TESTED.items():
        opening = re.match(r"(#.*\n)+", files[name].read_text("utf-8"))
        assert opening is not None and claim in re.sub(r"\s*#\s*", " ", opening[0])


def test_behaviours_of_one_turn_have_names_and_take_over_from_each_other() -> None:
    leaders = [generation.leaders[0].name for generation in evolved("memory1.toml")]
    assert np.mean([name is not None for name in leaders]) > 0.5
    assert len({*leaders} - {None}) >= 4


def test_memory3_cooperates_and_answers_defection() -> None:
    run = evolved("memory3.toml")
    assert cooperation(run[10:]) > 0.95 and min(generation.cooperation for generation in run[10:]) > 0.8
    for leader in run[-1].leaders:
        assert expected(leader.genome, "all_d", Rules(turns=151)).cooperation[0] < 0.4


def test_the_median_rule_is_as_good_as_tit_for_tat_or_exploits_a_representative_axelrod_1987() -> None:
    experiment = Experiment.load(EXAMPLES / "papers" / "axelrod-1987.toml")
    panel, weights = experiment.fitness.panel, np.array(experiment.fitness.weights)
    earned = round_robin(panel, Rules(turns=151), self_play=True).payoffs
    of_tft = earned[0]  # the first of the panel
    target = of_tft @ weights / weights.sum()
    gains, medians = [], []
    for seed in range(1, 7):
        run = evolved("papers/axelrod-1987.toml", seed=seed)
        assert np.median(run[0].fitness) < target - 0.2  # negative control: random rules do not
        medians.append(float(np.median(run[-1].fitness)))
        middle = run[-1].population[int(np.argsort(run[-1].fitness)[10])].genome
        if medians[-1] > target + 0.05:
            row = np.array([expected(middle, one, Rules(turns=151)).payoffs[0] for one in panel]) - of_tft
            gains.append(dict(zip(panel, row.tolist(), strict=True)))
    assert sum(median > target - 0.05 for median in medians) >= 4 and 1 <= len(gains) <= 5
    assert np.mean([gain["soft_majo"] for gain in gains]) > 0.5 and all(
        gain["spiteful"] < -1 for gain in gains
    )


def test_eight_representatives_explain_the_scores_of_thirty_strategies() -> None:
    fitness = Experiment.load(EXAMPLES / "papers" / "axelrod-1987.toml").fitness
    earned = round_robin(TOURNAMENT, Rules(turns=151), self_play=True).payoffs
    scores = earned.mean(axis=1) - earned.mean()

    def explained(chosen: list[int]) -> tuple[float, np.ndarray]:
        columns = earned[:, chosen] - earned[:, chosen].mean(axis=0)
        weights, rest = nnls(columns, scores)
        return 1 - rest**2 / (scores**2).sum(), weights

    chosen: list[int] = []
    for _ in range(8):
        others = [k for k in range(len(TOURNAMENT)) if k not in chosen]
        chosen.append(max(others, key=lambda k: explained([*chosen, k])[0]))
    share, weights = explained(chosen)
    assert tuple(TOURNAMENT[k] for k in chosen) == fitness.panel and share > 0.98
    assert weights.tolist() == pytest.approx(fitness.weights, abs=6e-4)


def test_win_stay_lose_shift_takes_over_where_mutual_cooperation_pays() -> None:
    run = evolved("stochastic-noise.toml", until=300)
    replies = np.array([entries(birth.genome)[1:] for birth in run[-1].population])
    assert cooperation(run[250:]) > 0.8
    # After CC, CD, DC, DD: stays after R and T, shifts after S and P, more often than not.
    assert ((replies > 0.5) == [True, False, False, True]).all(axis=1).mean() > 0.9
    assert cooperation(evolved("stochastic-noise.toml", until=300, **{"game.R": 2.5})[250:]) < 0.1


@pytest.mark.parametrize(("seed", "formula"), [(2, "D(c,r,p)"), (3, "exists t. D(c,r,t)")])
def test_short_formulas_lead_in_the_end(seed: int, formula: str) -> None:
    leader = evolved("formula-parsimony.toml", seed=seed)[-1].leaders[0]
    assert leader.genome == formula and leader.count > 50


def test_noise_decides_whether_memory_1_cooperates() -> None:
    for task in Sweep.load(EXAMPLES / "sweeps" / "noise.toml").tasks:
        bounds = {0.0: (0.9, 1.0), 0.1: (0.0, 0.2)}.get(task.point["rules.noise"])
        if bounds is not None and task.point["rules.continuation"] == 0.95:
            run = list(generations(task.experiment))
            assert bounds[0] <= cooperation(run[len(run) // 2 :]) <= bounds[1]


@pytest.mark.parametrize("file", ["tft-memory12.toml", "vulture-society.toml"])
def test_what_is_asked_can_be_answered(file: str) -> None:
    run = evolved(file, until=5)
    assert run[0].leaders[0].count >= 90 and len(run) == 6


def test_a_quarter_of_the_fine_that_makes_c_dominant_is_enough() -> None:
    found = {fine: judged("designs/fine.toml", {"mechanism.0.fine": fine}) for fine in (0.5, 0.55, 1.95, 2.0)}
    assert found[0.5].cooperation < 0.9 < found[0.55].cooperation
    assert [found[fine].dominant for fine in found] == [False, False, False, True]


def test_the_product_of_fine_and_detection_decides() -> None:
    one, other = (
        judged("designs/detection.toml", {"mechanism.0.fine": fine, "mechanism.0.detection": detection})
        for fine, detection in ((4.0, 0.5), (2.0, 1.0))
    )
    assert one.cooperation == pytest.approx(other.cooperation) and one.gaps == other.gaps


def judged(file: str, point: dict[str, float]) -> DesignPoint:
    design = Design.load(EXAMPLES / file)
    return judge(design.text, design.name, design.settings.model_dump(), point)


RULE, NO_RULE = (0.6, 1.0), (0.0, 0.25)
"""Shares of cooperation where a rule is there that makes it pay, and where none is."""


@pytest.mark.parametrize(
    ("file", "changes", "share"),
    [
        ("repetition", {}, RULE),
        ("repetition", {"rules.continuation": 0.0}, NO_RULE),
        ("fine", {}, RULE),
        ("fine", {"mechanism.0.fine": 0}, NO_RULE),
        ("pooled-fine", {}, NO_RULE),
        ("pooled-fine", {"mechanism.0.to": "burn"}, RULE),
        ("pooled-fine", {"mechanism.0.fine": 5}, RULE),
        ("quota", {}, (0.75, 0.8)),
        ("quota", {"mechanism.0.window": 10}, (0.9, 0.92)),
        ("referee", {}, RULE),
        ("referee", {"mechanism.0.share": 0.25}, NO_RULE),
        ("escrow-offer", {}, RULE),
        ("escrow-offer", {"mechanism.0.fee": 2.5}, NO_RULE),
        ("escrow-offer", {"mechanism.0.bond": 1}, NO_RULE),
    ],
)
def test_cooperation_appears_when_the_rule_does(
    file: str, changes: dict[str, Any], share: tuple[float, float]
) -> None:
    lived = evolved(f"mechanisms/{file}.toml", **changes)
    low, high = share
    assert low <= cooperation(lived[60:]) <= high
    assert (len(lived[-1].ledger) > 0) == (file != "repetition")


def test_who_joins_the_escrow_pays_its_fee() -> None:
    fees, joined = (
        evolved("mechanisms/escrow-offer.toml", **changes)[-1].ledger[1]
        for changes in ({"mechanism.0.fee": 2.5}, {})
    )
    assert joined == pytest.approx(0.1, abs=0.02) and fees < 0.1
