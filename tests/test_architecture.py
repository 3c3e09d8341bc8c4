"""The house has a direction: genomes <- engine <- results <- evolve. Read from the imports, not from habit."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("genomes", "engine", "results", "evolve")
FILES = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
OWNERS = {
    "deap": {"evolve/operators.py", "evolve/selection.py", "genomes/variation/formulas.py"},
    "matplotlib": {"results/plots/"},
}
"""Libraries that only these files, or what is in these folders, may know."""
NEVER = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
"""Reading these can execute code."""


def imports(source: str) -> Iterator[str]:
    """Every module a source imports, functions and type-checking blocks included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def compiles(source: str) -> bool:
    """Whether numba compiles something of a source and keeps it in a cache that sees this one file only."""
    decorators = [
        ast.unparse(decorator)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
    ]
    return "numba" in imports(source) or any("jit" in text or "vectorize" in text for text in decorators)


def breaches(place: str, source: str) -> list[str]:
    """What a file at `place` does that the house forbids."""
    room, compiled = place.split("/")[0], compiles(source)
    below = ROOMS[: ROOMS.index(room) + 1]
    found = []
    for module in imports(source):
        top = module.split(".")[0]
        if not top:
            found.append(f"{place}: relative import {module}")
        elif (top in ROOMS and top not in below) or top in ("tests", "benchmarks"):
            found.append(f"{place}: {room} must not import {module}")
        elif top in NEVER or not any(place.startswith(owner) for owner in OWNERS.get(top, {place})):
            found.append(f"{place}: {top} does not belong here")
        elif top in ROOMS and compiled:
            found.append(f"{place}: compiles, and its cache would not notice a change in {module}")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("eval", "exec", "__import__"):
            found.append(f"{place}:{node.lineno}: calls {ast.unparse(node.func)}")
    return found


def test_imports_point_one_way_and_libraries_stay_in_their_files() -> None:
    assert len(FILES) > 10
    found = [
        b for file in FILES for b in breaches(file.relative_to(ROOT).as_posix(), file.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("genomes/lookup.py", "def f():\n    from engine.game import Game"),
        ("engine/pairs/meetings.py", "import evolve.cli"),
        ("results/run/store.py", "from evolve import cli"),
        ("results/run/store.py", "from . import plots"),
        ("results/run/store.py", "import pickle"),
        ("engine/pairs/meetings.py", "from tests import reference"),
        ("evolve/island.py", "from deap import tools"),
        ("results/report.py", "import matplotlib.pyplot as plt"),
        ("genomes/formula/syntax.py", "def f(s):\n    return eval(s)"),
        ("engine/societies/kernels.py", "from numba import njit\nfrom engine.societies.program import ATOM"),
        ("genomes/minimise.py", "import numba\n\ndef f():\n    import genomes.automaton"),
        (
            "engine/stability/scans.py",
            "from engine.pairs.kernels import jit, follow\n\n@jit\ndef f():\n    follow()",
        ),
    ],
)
def test_a_breach_is_noticed(place: str, source: str) -> None:
    assert breaches(place, source)


def needed(module: str, source: str, modules: Mapping[str, object]) -> set[str]:
    """The modules of ours that a module imports when it is loaded or used; what is for type checkers is not."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{name.name}" for name in node.names}
            found |= {name if name in modules else node.module for name in inside}
    return (found & set(modules)) - {module}


def circle(sources: Mapping[str, str]) -> list[str]:
    """Modules that import each other in a circle, if there are any."""
    graph = {module: needed(module, source, sources) for module, source in sources.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_files_import_each_other_in_a_circle() -> None:
    sources = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file.read_text(
            "utf-8"
        )
        for file in FILES
    }
    assert circle(sources) == []


def test_a_circle_is_noticed_and_a_type_is_none() -> None:
    back = "def f():\n    from genomes.a import x"
    assert set(circle({"genomes.a": "from genomes import b", "genomes.b": back})) == {
        "genomes.a",
        "genomes.b",
    }
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from genomes.a import x"
    assert circle({"genomes.a": "from genomes import b", "genomes.b": typed}) == []


def test_no_module_shares_its_name_with_a_function_it_holds() -> None:
    for file in FILES:
        held = {n.name for n in ast.parse(file.read_text("utf-8")).body if isinstance(n, ast.FunctionDef)}
        assert file.stem not in held, f"{file.relative_to(ROOT)} holds {file.stem}()"


def test_importing_the_packages_does_not_wait_for_the_heavy_libraries() -> None:
    program = (
        "import sys, genomes, engine, evolve.cli;"
        "print(*[name for name in 'numba matplotlib scipy lark deap dask starlette'.split() if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("script", "shadow"),
    [
        ("from engine import Rules", "genomes"),
        ("from results import Run", "genomes"),
        ("from results import Run", "engine"),
        ("from evolve import Experiment", "genomes"),
        ("from evolve import Experiment", "engine"),
        ("from evolve import Experiment", "results"),
    ],
)
def test_a_file_of_the_users_own_with_the_name_of_a_package_is_named(
    script: str, shadow: str, tmp_path: Path
) -> None:
    (tmp_path / f"{shadow}.py").write_text("print('not ours')\n")
    (tmp_path / "script.py").write_text(script + "\n")
    answer = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, cwd=tmp_path)
    last = answer.stderr.strip().splitlines()[-1]
    assert answer.returncode == 1 and answer.stdout == ""
    assert last.startswith(f"ImportError: {shadow}: expected the package in ") and "rename it" in last
    assert str(tmp_path / f"{shadow}.py") in last


def test_every_dependency_has_a_tested_version_that_is_new_enough() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    locked = dict(
        re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    )
    tested = {name.lower().replace("_", "-"): version for name, version in locked.items()}
    for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        name, _, oldest = line.replace("[distributed]", "").partition(">=")
        numbers = [tuple(map(int, re.findall(r"\d+", text))) for text in (tested[name], oldest or "0")]
        assert numbers[0] >= numbers[1], line


def test_nothing_of_ours_is_imported_by_path() -> None:
    """Names as common as `engine` are found by the interpreter alone; packages refuse others in their `__init__`."""
    by_path = re.compile(r"sys\.path\b|spec_from_file_location|SourceFileLoader|runpy")
    for package in ("genomes", "engine", "results", "evolve"):
        for file in (ROOT / package).rglob("*.py"):
            assert not by_path.search(file.read_text("utf-8")), file
