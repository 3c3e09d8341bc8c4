"""A story says what the record says: every sentence is told again from the generations themselves, in plain Python."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evolve import Experiment, generations
from evolve.telling import tell
from results import Run, RunError
from results.records import Generation
from results.sentences import Sentence, Story
from tests.conftest import Command
from tests.evolutions import FORMULAS, NOISY, SMALL, SOCIETY

LIVELY = Experiment(
    seed=7, generations=110, rules={"turns": 50, "noise": 0.01}, genome={"x": 1, "y": 1},
    population={"size": 40}, selection={"survivors": 24, "tournament_size": 2},
    variation={"crossover": 0.2, "mutation": 0.02, "immigrants": 1},
)  # fmt: skip
EXPERIMENTS = {
    "lively": LIVELY,
    "lookup": SMALL,
    "formula": FORMULAS,
    "society": SOCIETY.changed(generations=8),
    "stochastic": NOISY.changed(generations=15),
    "moran": LIVELY.changed(generations=200, selection={"update": "moran", "survivors": None}),
    "islands": LIVELY.changed(generations=20, islands={"number": 2, "interval": 5}),
}


@pytest.fixture(scope="module", params=EXPERIMENTS)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A story, all generations it is about, and its run."""
    experiment = EXPERIMENTS[request.param]
    history = list(generations(experiment))
    with Run.open(tmp_path_factory.mktemp("run"), experiment) as run:
        for generation in history:
            run.append(generation)
        yield tell(run), history, run


def sentence(story: Story, about: str) -> Sentence | None:
    return next((s for s in story.sentences if s.about == about), None)


def sizes(generation: Generation) -> Counter[str]:
    return Counter(birth.behaviour for birth in generation.population)


def leader(generation: Generation) -> tuple[str, int]:
    return min(sizes(generation).items(), key=lambda item: (-item[1], item[0]))


def holders(history: list[Generation]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for generation in history:
        who, count = leader(generation)
        if 2 * count > len(generation.population) and (not found or found[-1][1] != who):
            found.append((generation.number, who))
    return found


def test_every_number_of_a_sentence_is_one_of_its_facts(told: Any) -> None:
    story, _, _ = told
    for one in story.sentences:
        known = json.dumps(one.facts, ensure_ascii=False)
        values = [float(x) for x in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", known)]
        for text in re.findall(
            r"(?<![\w#.~])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e-?\d+)?(?!\w)", one.text
        ):
            number = float(text.replace(",", ""))
            close = [
                v
                for v in values
                if abs(v - number) <= 0.0051 * max(1e-3, abs(v)) or f"{v:.2f}" == f"{number:.2f}"
            ]
            assert close or f"{number:g}" in known, (text, one)


def test_course_and_leads_are_those_of_the_generations(told: Any) -> None:
    story, history, _ = told
    course = sentence(story, "course").facts
    rates = [g.cooperation for g in history]
    assert course["last"] == history[-1].number and course["size"] == len(history[-1].population)
    assert (course["first_cooperation"], course["last_cooperation"]) == (rates[0], rates[-1])
    assert course["mean_cooperation"] == pytest.approx(sum(rates) / len(rates))
    led = [leader(g)[0] for g in history]
    facts = sentence(story, "leads").facts
    counted = Counter(led)
    assert facts["leaders"] == len(counted) and facts["read"] == len(history)
    assert [n for _, n in facts["led"]] == [n for _, n in counted.most_common(3)]
    longest, run = 0, 0
    for before, now in zip([None, *led], led, strict=False):
        run = run + 1 if now == before else 1
        longest = max(longest, run)
    if "longest" in facts:
        first, last = facts["longest"]["first"], facts["longest"]["last"]
        assert last - first + 1 == longest and len(set(led[first : last + 1])) == 1


def test_takeovers_are_those_of_majorities(told: Any) -> None:
    story, history, _ = told
    facts, held = sentence(story, "changes").facts, holders(history)
    assert facts["takeovers"] == max(0, len(held) - 1)
    if not held:
        assert facts["count"] == max(leader(g)[1] for g in history)
        assert leader(history[facts["at"]])[1] == facts["count"]
        return
    assert facts["first_at"] == held[0][0]
    pairs = Counter((a[1], b[1]) for a, b in pairwise(held))
    assert [x["times"] for x in facts.get("changes", [])] == [n for _, n in pairs.most_common(3)]


def test_phases_are_those_of_cooperation(told: Any) -> None:
    story, history, _ = told
    facts = sentence(story, "cooperation").facts
    phases: list[list[Any]] = []
    for g in history:
        kind = "cooperative" if g.cooperation >= 0.6 else "defecting" if g.cooperation <= 0.4 else None
        if kind and (not phases or phases[-1][0] != kind):
            phases.append([kind, g.number, None])
        for phase in phases[-1:]:
            phase[2] = g.number
    assert facts["phases"] == len(phases)
    for kind in ("cooperative", "defecting"):
        of_kind = [p for p in phases if p[0] == kind]
        assert facts.get(kind, 0) == len(of_kind)
        if of_kind:
            _, first, last = max(of_kind, key=lambda p: (p[2] - p[1], -p[1]))
            rates = [g.cooperation for g in history[first : last + 1]]
            found = facts[f"longest_{kind}"]
            assert (found["first"], found["last"]) == (first, last)
            assert found["mean"] == pytest.approx(sum(rates) / len(rates))
    swings = sentence(story, "swings")
    starts = {
        k: [leader(history[p[1]])[0] for p in phases[1:] if p[0] == k] for k in ("cooperative", "defecting")
    }
    assert (swings is not None) == (min(map(len, starts.values())) >= 2)
    if swings is not None:
        for word, kind in (("rose", "cooperative"), ("fell", "defecting")):
            assert swings.facts[word]["of"] == len(starts[kind])
            assert swings.facts[word]["times"] == Counter(starts[kind]).most_common(1)[0][1]


def test_the_winner_and_its_line_are_those_of_the_births(told: Any) -> None:
    story, history, _ = told
    key, count = leader(history[-1])
    ending, descent = sentence(story, "ending").facts, sentence(story, "descent").facts
    born = {birth.id: birth for g in history for birth in g.population}
    among = [
        (-f, b.id)
        for b, f in zip(history[-1].population, history[-1].fitness, strict=True)
        if b.behaviour == key
    ]
    one = born[min(among)[1]]
    assert (ending["count"], ending["genome"]) == (count, one.genome)
    line = [one]
    while line[-1].parents:
        line.append(born[line[-1].parents[0]])
    line.reverse()
    changed = [b for a, b in pairwise(line) if a.behaviour != b.behaviour]
    assert (descent["births"], descent["founder"], descent["origin"]) == (
        len(line),
        str(line[0].id),
        line[0].origin,
    )
    assert descent["decisive"] == len(changed)
    assert [s["generation"] for s in descent["steps"]] == [b.id.generation for b in changed[-3:]]


def test_resistance_is_the_certificate(told: Any) -> None:
    from engine import best_response
    from genomes import FormulaGenome, parse

    story, _, run = told
    facts = sentence(story, "resistance").facts
    genome = parse(sentence(story, "ending").facts["genome"])
    if isinstance(genome, FormulaGenome) and not genome.pair_only:
        assert facts == {"certificate": None}
        return
    best = best_response(genome, Experiment.recorded(run.experiment_text).rules_value)
    assert (facts["gap"], facts["self"]) == (best.nash_gap, best.self_payoff)
    assert ("is no Nash equilibrium" in sentence(story, "resistance").text) == (best.nash_gap > 0)


def test_a_lively_run_tells_its_circle_and_why(tmp_path: Path) -> None:
    experiment = Experiment.load("examples/memory1.toml", {"generations": 350})
    with Run.open(tmp_path / "run", experiment) as run:
        for generation in generations(experiment):
            run.append(generation)
        story = tell(run)
    text = str(story)
    assert "spiteful to tit_for_tat to cCDCC to pavlov to spiteful" in text
    assert "cCDCC took over from tit_for_tat" in text
    assert "(advantaged; they differ in one entry: C instead of D after mutual defection)" in text
    assert story.brief in (story.brief, text) and len(story.brief) < len(text) / 2


def test_a_run_that_has_not_begun_has_no_story(tmp_path: Path) -> None:
    with Run.open(tmp_path / "run", SMALL) as run, pytest.raises(RunError, match="no generation yet"):
        tell(run)


def test_the_command_tells_and_show_ends_with_the_gist(tmp_path: Path, evolve: Command) -> None:
    folder = str(tmp_path / "run")
    with Run.open(folder, LIVELY) as run:
        for generation in generations(LIVELY.changed(generations=25)):
            run.append(generation)
        story = tell(run)
    code, out, _ = evolve("story", folder)
    assert code == 0 and " ".join(out.split()) == " ".join(str(story).split())
    assert max(map(len, out.splitlines())) < 80
    assert "of 110 planned" in out
    code, out, _ = evolve("show", folder)
    assert code == 0 and " ".join(out.split()).endswith(" ".join(story.brief.split()))
    code, out, _ = evolve("story", folder, "--json")
    assert json.loads(out)["sentences"] == json.loads(json.dumps(story.to_json()["sentences"]))
