"""The recipes of CONTRIBUTING.md, followed to the letter in a copy of the house: what is added is seen everywhere.

A copy keeps what numba has compiled, so that nothing is compiled again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
RECIPES = {part.partition("\n")[0]: part for part in TEXT.split("\n## ")[1:]}
ROOMS = ("genomes", "engine", "results", "evolve", "tests")

TINY = """
generations = 3
[rules]
turns = 10
[population]
size = 8
"""

COMMANDS = """
import json, sys
from evolve import cli
for words in json.loads(sys.argv[1]):
    sys.argv = ["evolve", *words]
    try:
        cli.main()
    except SystemExit as ended:
        if ended.code:
            raise
"""


def quoted(text: str) -> set[str]:
    """Everything in backticks, the words and names in it too."""
    found = re.findall(r"`([^`\n]+)`", text)
    return set(found) | {word for quote in found for word in re.findall(r"\w+", quote)}


class House:
    """A copy of the packages and tests, in which a recipe is followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recipe = ""
        for room in ROOMS:
            shutil.copytree(ROOT / room, folder / room)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def write(self, place: str, text: str, *, after: str | None = None, names: str = "") -> None:
        """Write a new file, or some lines behind the one of a file that begins with `after`.

        The recipe says where: the file, or the folder of a new one, and the `names` in it stand there in backticks.
        """
        file = self.folder / place
        said = quoted(RECIPES[self.recipe])
        new = after is None
        assert (place if not new else place.rpartition("/")[0] + "/") in said, f"{place} is not in the recipe"
        assert set(names.split()) <= said, f"{names} are not in the recipe"
        if after is None:
            assert not file.exists()
            file.write_text(text)
            return
        lines = file.read_text("utf-8").splitlines(keepends=True)
        at = [k for k, line in enumerate(lines) if line.startswith(after)]
        assert len(at) == 1, f"{place}: {after!r} stands {len(at)} times"
        lines.insert(at[0] + 1, text)
        file.write_text("".join(lines), "utf-8")

    def replace(self, place: str, old: str, new: str, *, names: str = "") -> None:
        """Change words in a file that the recipe names."""
        assert {place, *names.split()} <= quoted(RECIPES[self.recipe])
        text = (self.folder / place).read_text("utf-8")
        assert text.count(old) == 1
        (self.folder / place).write_text(text.replace(old, new), "utf-8")

    def python(self, *words: str) -> str:
        """What Python prints here, with these packages."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "COLUMNS": "150"}
        done = subprocess.run(
            [sys.executable, *words], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def evolve(self, *commands: str) -> str:
        """What these commands print, one after the other in one process."""
        return self.python("-c", COMMANDS, json.dumps([command.split() for command in commands]))

    def tests(self, *words: str) -> str:
        """What the tests print."""
        return self.python("-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", *words)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_everything_that_contributing_names_exists() -> None:
    names = {quote for quote in re.findall(r"`([^`\n]+)`", TEXT) if "/" in quote}
    assert len(names) > 20
    assert [name for name in sorted(names) if not (ROOT / name).exists()] == []
    sources = "\n".join(
        file.read_text("utf-8")
        for room in (*ROOMS, "benchmarks", "docs")
        for file in (ROOT / room).rglob("*.py")
    )
    words = {
        quote
        for quote in re.findall(r"`([A-Za-z_][A-Za-z_.]+)`", TEXT)
        if "/" not in quote and len(quote) > 2
    }
    known = set(re.findall(r"[A-Za-z_]\w*", sources))
    assert [word for word in sorted(words) if not set(word.strip(".").split(".")) <= known] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", TEXT)) <= targets


def test_a_strategy_and_a_figure(house: House) -> None:
    house.recipe = "Add a strategy"
    house.write(
        "genomes/catalogue.py",
        '    Entry("contrary", _lookup("memory(0,1) dDC"), "defects, then plays the opponent\'s last move reversed",\n'
        '          "a test", ("lifl",), ("opposite",), formula_text="not D(c,r,p)"),\n',
        after="ENTRIES: ",
        names="ENTRIES",
    )
    house.write(
        "tests/reference.py",
        '    "contrary": lambda own, opponent: 1 if not opponent else 1 - opponent[-1],\n',
        after="RULES: ",
        names="RULES",
    )
    house.recipe = "Add a number per generation, or a figure"
    house.replace(
        "results/plots/run.py",
        "FIGURES: dict",
        "def newcomers(run: Run, *, ax: Axes | None = None, size: Size | None = None, "
        "title: str | None = None) -> Figure:\n"
        '    """How many behaviours there are."""\n'
        "    made = canvas(3, ax=ax, size=size)\n"
        '    made.axes.plot(run.statistics()["behaviours"])\n'
        '    made.title(made.axes, title, "How many")\n'
        "    return made.figure\n\n\nFIGURES: dict",
    )
    house.write(
        "results/plots/run.py",
        '    "newcomers": newcomers,\n',
        after="FIGURES: ",
        names="FIGURES",
    )
    (house.folder / "tiny.toml").write_text(
        TINY
        + 'seeds = [{ strategy = "contrary", share = 1.0 }]\n[variation]\nmutation = 0.0\nimmigrants = 0\n'
    )
    printed = house.evolve(
        "strategies lifl", "match opposite all_d", "run tiny.toml", "plot runs/tiny --format svg"
    )
    assert re.search(r"^ *contrary ", printed, re.MULTILINE)
    assert re.search(r"best .*contrary", printed) and "descent.svg" in printed
    assert "contrary" in (house.folder / "runs/tiny/plots/descent.svg").read_text()
    assert (house.folder / "runs/tiny/plots/newcomers.svg").exists()
    assert "2 passed" in house.tests("tests/test_catalogue.py", "-k", "contrary", "-o", "addopts=")


KIND = '''"""Cycles as a kind of genomes that evolves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from evolve.kinds.kind import Genome, Kind
from genomes.cycle import CycleGenome
from genomes.reading import resolve

if TYPE_CHECKING:
    from engine.stability.certificates import BestResponse
    from evolve.experiment.sections import VariationSection


class Cycles(Kind):
    """Kind "cycle": moves in turn, whatever the opponent does."""

    kind: Literal["cycle"] = "cycle"
    length: Annotated[int, Field(ge=1, le=60)] = 4

    adversaries = ("all_c", "all_d")

    @property
    def longest(self) -> int:
        return 10 + self.length

    def mistakes(self, pair_only: bool) -> list[str]:
        return []

    def unsaid(self, pair_only: bool) -> set[str]:
        return set()

    def seed(self, spec: str, pair_only: bool, slips: bool) -> Genome:
        genome = resolve(spec)
        if not isinstance(genome, CycleGenome):
            raise ValueError(f"expected a cycle, got {spec!r}")
        return genome

    def filled(self, genome: Genome) -> Genome:
        return genome

    def random(self, n: int, rng: np.random.Generator, *, pair_only: bool) -> list[Genome]:
        return [CycleGenome("".join(rng.choice(["C", "D"], self.length))) for _ in range(n)]

    def mutate(
        self, genomes: Sequence[Genome], rng: np.random.Generator, *, variation: VariationSection, pair_only: bool
    ) -> list[Genome]:
        new = self.random(len(genomes), rng, pair_only=pair_only)
        return [n if rng.random() < variation.mutation else g for g, n in zip(genomes, new, strict=True)]

    def mate(
        self, first: Sequence[Genome], second: Sequence[Genome], rng: np.random.Generator, *, pair_only: bool
    ) -> list[Genome]:
        return list(first)

    def single_step(self, genome: Genome) -> float:
        return 1.0 / self.length

    def complexity(self, genome: Genome, states: int) -> int:
        return states

    def response(self, best: BestResponse) -> Genome | None:
        return None
'''

GENOME = '''"""Cycles: moves in turn, whatever the opponent does."""

from __future__ import annotations

from dataclasses import dataclass

from genomes.automaton import Automaton


@dataclass(frozen=True)
class CycleGenome:
    """Moves in turn.

    >>> print(CycleGenome.parse("cycle() CCD"))
    cycle() CCD
    """

    moves: str

    @classmethod
    def parse(cls, text: str) -> CycleGenome:
        return cls(text.partition(")")[2].strip())

    def __str__(self) -> str:
        return f"cycle() {self.moves}"

    def automaton(self, turns: int | None = None) -> Automaton:
        n = len(self.moves)
        return Automaton([float(move == "D") for move in self.moves], [((k + 1) % n,) * 4 for k in range(n)])
'''


def test_a_genome_kind_that_evolves(house: House) -> None:
    house.recipe = "Add a genome kind"
    house.write("genomes/cycle.py", GENOME, names="parse __str__ automaton")
    house.write(
        "genomes/reading.py",
        '    if text.lstrip().startswith("cycle"):\n        return CycleGenome.parse(text)\n',
        after='        raise ValueError(f"genome: expected text, got',
        names="parse",
    )
    house.write(
        "genomes/reading.py",
        "from genomes.cycle import CycleGenome\n",
        after="from genomes.catalogue import Entry",
    )
    house.write("evolve/kinds/cycles.py", KIND, names="KINDS Kind")
    house.write(
        "evolve/kinds/__init__.py",
        "from evolve.kinds.cycles import Cycles\n",
        after="from pydantic import",
    )
    house.replace(
        "evolve/kinds/__init__.py",
        "in (Lookups, Formulas, Machines, Groups)",
        "in (Lookups, Formulas, Machines, Groups, Cycles)",
    )
    house.replace(
        "tests/strategies.py",
        "anything = st.one_of(",
        'cycles = st.text("CD", min_size=1, max_size=5).map(CycleGenome)\nanything = st.one_of(cycles, ',
        names="anything",
    )
    house.replace(
        "tests/strategies.py",
        "    return reference.RULES[str(strategy)]",
        "    if isinstance(strategy, CycleGenome):\n"
        "        return lambda own, opponent: float(strategy.moves[len(own) % len(strategy.moves)] == 'D')\n"
        "    return reference.RULES[str(strategy)]",
        names="rule",
    )
    house.write(
        "tests/strategies.py",
        "from genomes.cycle import CycleGenome\n",
        after="from genomes.counting import",
    )
    (house.folder / "tiny.toml").write_text(
        TINY + 'seeds = [{ strategy = "cycle() CCD", share = 0.5 }]\n[genome]\nkind = "cycle"\nlength = 5\n'
    )
    printed = house.evolve("run tiny.toml", "plot runs/tiny --format png")
    assert re.search(r"best .*\n +cycle\(\) [CD]{3,5}\n", printed) and "genomes.png" in printed
    assert "passed" in house.tests(
        "tests/test_genomes.py", "-k", "an_automaton_plays_its_genome", "-o", "addopts="
    )


def test_a_selection_operator_and_an_update_rule(house: House) -> None:
    house.recipe = "Add a selection operator"
    house.write(
        "evolve/selection.py",
        '    "uniform": Method(lambda population, k, settings: tools.selRandom(population, k)),\n',
        after="METHODS = {",
        names="METHODS Method",
    )
    house.recipe = "Add an update rule"
    house.replace(
        "evolve/updates.py",
        "UPDATES = {",
        "def renewal(experiment, box, number, population, fitness, island=0, arrivals=()):\n"
        '    born = [("clone", (one.id,), one.genome) for one in population]\n'
        "    return newborns(number, island, born)\n\n\n"
        'UPDATES = {\n    "renewal": Update(renewal, room=lambda e: 0),',
        names="UPDATES Update",
    )
    (house.folder / "tiny.toml").write_text(TINY)
    (house.folder / "new.toml").write_text(TINY + '[selection]\nupdate = "renewal"\n')
    printed = house.evolve("run tiny.toml --set selection.method=uniform", "run new.toml", "lineage runs/new")
    assert "tiny: generation 3" in printed and "4 births from 0.0.0 to 3.0.0" in printed
    taken_up = house.tests("tests/test_selection.py", "--collect-only")
    assert "takes_over_equally_often[uniform-moran]" in taken_up
    assert "takes_over_equally_often[truncation-renewal]" in taken_up


def test_a_mechanism(house: House) -> None:
    house.recipe = "Add a mechanism"
    house.replace(
        "engine/mechanisms.py",
        "MECHANISMS: dict[str, type[Mechanism]] = {\n",
        "@dataclass(frozen=True)\n"
        "class Tax(Mechanism):\n"
        '    """A tax on every turn."""\n\n'
        "    tax: float\n\n"
        '    name = "tax"\n'
        '    semantics = "Both pay a tax a turn."\n'
        '    prediction = "It changes nothing but payoffs."\n'
        '    source = "a test"\n\n'
        "    def check(self):\n"
        '        self.within("tax", 0.0)\n\n'
        "    def applied(self, stage):\n"
        "        entry = lambda own, other: Entry(fees=exact(self.tax))\n"
        "        return stage.changed(lambda state: state.booked(entry))\n\n\n"
        'MECHANISMS: dict[str, type[Mechanism]] = {\n    "tax": Tax,\n',
        names="MECHANISMS Mechanism Stage applied booked",
    )
    (house.folder / "taxed.toml").write_text(TINY + '[[mechanism]]\nkind = "tax"\ntax = 0.5\n')
    printed = house.evolve("mechanisms", "match all_c all_c --turns 4 --mechanism tax:0.5", "run taxed.toml")
    assert "Prediction: It changes nothing but payoffs." in printed
    assert re.search(r"all_c +2\.5 +1\.0000", printed) and "a deal: fees 4, operator 4" in printed
    assert "taxed: generation 3" in printed


def test_a_published_claim(house: House) -> None:
    house.recipe = "Add a published claim"
    house.write(
        "evolve/claims/greeting.py",
        "from evolve.claims.claim import Verdict, decided\n\n\n"
        "class Greeting:\n"
        '    name, source, statement = "G1", "greeters", "all who cooperate earn 3"\n\n'
        "    def verdicts(self, replicates: int | None = None) -> list[Verdict]:\n"
        '        return [Verdict(self.name, self.statement, "R = 3", "1 round", "3", decided(True))]\n',
        names="Claim",
    )
    house.write(
        "evolve/claims/published.py",
        "    greeting.Greeting(),\n",
        after="CLAIMS: ",
        names="CLAIMS",
    )
    house.replace("evolve/claims/published.py", "ecologies, evolution,", "ecologies, evolution, greeting,")
    printed = house.evolve("reproduce greeters")
    assert "all who cooperate" in printed and "holds" in printed
