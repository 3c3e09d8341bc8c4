"""Texts that nobody meant: whatever is read from a user or a file is understood or refused in words.

Valid texts are cut, spliced, repeated, nested and sown with what parsers stumble over. Reading gives a value or
raises ValueError with a message, within a second; a genome that was understood reads back from its own text.
tests/test_storm.py lets hypothesis choose texts for the same readers, and shrink what it finds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.cli.runs import key_and_value
from evolve.experiment.experiment import Experiment
from evolve.invasion.study import Study
from evolve.sweep import Sweep
from genomes import catalogue
from genomes.formula.genome import FormulaGenome
from genomes.lookup import LookupGenome
from genomes.reading import parse, resolve
from results.records import BirthId
from tests.storm import Tally
from tests.storm.child import Tell, child

INPUTS = 1_000_000
"""Over all readers."""

SLOW = 4.0
"""Seconds of a processor that a text may take, beside others at work: a sweep of a thousand points takes one."""

BATCH = 20_000
"""Texts that one child reads."""

EXAMPLES = Path(__file__).parents[2] / "examples"

LONG = 20_000
"""Characters that a text may grow to by repetition."""

TOKENS = (
    *'[](){}=.,|#/~"', "'", "[[", "]]", "'''", "..", " ", "\n", "\t", "\r", "\0", "\\", "\\u0000", "\x1b[31m",
    "\x1b]0;x\a", "\u202e", "\ufeff", "\ud800", "é", *"∃∀¬⊕∧→⊤٣²", "nan", "inf", "-inf", "1e999", "1e-320", "-1",
    "0", "-0", "0x1", "0b1", "1_000", "9" * 25, "9" * 5000, "true", "false", "1979-05-27T07:32:00Z", "$x^$", "[/x]",
    "%s", "{0}", "<b>", "memory", "memory(", "memory(9,9)", "memory(3,3) ", "c", "C", "D", "exists t. ", "exists j. ",
    "forall i. ", "not ", "xor", "D(r,c,p)", "D(x,x,t)", "4294967296.0.0", "inf = inf", "[a]\n", "[[a]]\n",
    "a.b.c = 1\n", "grid = {}", "seeds = []", "tit_for_tat",
)  # fmt: skip
"""What parsers stumble over."""


@dataclass(frozen=True)
class Reader:
    """Something that reads texts, valid ones, and its share of all inputs."""

    name: str
    read: Callable[[str], Any]
    corpus: tuple[str, ...]
    share: float


def readers(place: Path) -> list[Reader]:
    """Everything that reads text of a user's, and what it is fed with."""
    experiments = tuple(path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.toml")))
    studies = tuple(
        path.read_text(encoding="utf-8") for path in sorted((EXAMPLES / "invasion").glob("*.toml"))
    )
    sweeps = tuple(path.read_text(encoding="utf-8") for path in sorted((EXAMPLES / "sweeps").glob("*.toml")))
    entries = [str(entry.table) for entry in catalogue.ENTRIES if isinstance(entry.table, LookupGenome)]
    formulas = tuple(str(entry.formula) for entry in catalogue.ENTRIES if entry.formula_text is not None)
    names = tuple(catalogue.names())
    changes = (
        "population.size=50", "rules.noise=0.1", "rules.turns=10", "genome={kind='formula'}", "seed=4", "name='x'",
        "population.seeds=[{strategy='tit_for_tat',share=1}]", "fitness={opponents='panel',panel=['lifl']}",
        "islands.number=3",
    )  # fmt: skip
    return [
        Reader("the text of a table", _genome, tuple(entries), 0.38),
        Reader("the text of a formula", _formula, formulas, 0.2),
        Reader("the name of a strategy", resolve, names, 0.03),
        Reader("the id of a birth", BirthId.parse, ("12.0.5", "0.0.0", "4.3.1"), 0.14),
        Reader("an experiment (TOML)", _experiment, experiments, 0.1),
        Reader("a change of an experiment (--set)", _set, changes, 0.1),
        Reader("a study of invasion (TOML)", Study.parse, studies, 0.04),
        Reader("a sweep (TOML)", lambda text: _sweep(place, text), sweeps, 0.01),
    ]


def tallies(place: Path, seed: int, share: float) -> Iterator[Tally]:
    """All texts."""
    for reader in readers(place):
        for text in reader.corpus:
            reader.read(text)  # what is valid is understood, and everything is loaded before children fork
        left = max(1, round(INPUTS * share * reader.share))
        tally = Tally(f"understood or refused: {reader.name}")
        batch = 0
        while left:
            number = min(BATCH, left)
            rng = random.Random(f"{seed} {reader.name} {batch}")
            _read_batch(reader, rng, number, f"batch {batch}", tally)
            left, batch = left - number, batch + 1
        yield tally


def _read_batch(reader: Reader, rng: random.Random, number: int, where: str, tally: Tally) -> None:
    def work(tell: Tell) -> None:
        for k in range(number):
            tell(k)
            text = mangled(reader.corpus, rng)
            failure = judged(reader.read, text)
            if failure is not None:
                print(f"{k} {failure} {text[:200]!r}", flush=True)

    ending = child(work, seconds=1800)
    lines = ending.output.splitlines()
    if ending.code != 0:
        lines.append(f"{ending.told} {ending.explanation}")
    tally.tries += number - len(lines)
    for line in lines:
        tally.tried(where, line)


def mangled(corpus: tuple[str, ...], rng: random.Random) -> str:
    """A valid text after one to four accidents."""
    text = rng.choice(corpus)
    for _ in range(rng.randint(1, 4)):
        start = rng.randint(0, len(text))
        end = min(len(text), start + rng.choice([0, 1, 1, 2, 5, 20, 200]))
        kind = rng.randrange(7)
        if kind == 0:
            text = text[:start] + text[end:]
        elif kind == 1:
            text = text[:start] + rng.choice(TOKENS) + text[end:]
        elif kind == 2:
            text = text[:start] + text[start:end] * rng.choice([2, 3, 10, 1000]) + text[end:]
        elif kind == 3:
            text = text[:start] + rng.choice(TOKENS) * rng.choice([2, 10, 1000]) + text[start:]
        elif kind == 4:
            other = rng.choice(corpus)
            cut = rng.randint(0, len(other))
            text = text[:start] + other[cut:]
        elif kind == 5:
            text = text[:start] + chr(rng.choice([rng.randrange(128), rng.randrange(0x11000)])) + text[end:]
        else:
            deep = rng.choice([1, 5, 50, 3000])
            left, right = rng.choice(["()", "[]", "{}", ("not ", ""), ("a.", ""), ("x={a=", "}")])
            text = text[:start] + left * deep + text[start:end] + right * deep + text[end:]
        text = text[:LONG]
    return text


def judged(read: Callable[[str], Any], text: str) -> str | None:
    """What is wrong with how a text was read; None where it was understood or refused."""
    start = time.process_time()
    try:
        read(text)
    except ValueError as error:
        if not str(error).strip():
            return "refused without a word"
    except Exception as error:
        return f"raised {error!r:.200}"
    if (taken := time.process_time() - start) > SLOW:
        return f"took {taken:.1f} s"
    return None


# --- readers -------------------------------------------------------------------------------------------------


def _genome(text: str) -> None:
    genome = parse(text)
    assert parse(str(genome)) == genome, f"{genome} does not read back"


def _formula(text: str) -> None:
    genome = FormulaGenome.parse(text)
    assert FormulaGenome.parse(str(genome)) == genome, f"{genome} does not read back"


def _experiment(text: str) -> None:
    experiment = Experiment.parse(text)
    assert Experiment.parse(experiment.to_toml()) == experiment, "does not read back"


def _set(text: str) -> None:
    key, value = key_and_value(text)
    Experiment.parse("", {key: value})


def _sweep(place: Path, text: str) -> None:
    file = place / "fuzzed.toml"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    Sweep.load(file)
