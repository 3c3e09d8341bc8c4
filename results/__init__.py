"""What a run LEFT: the records of an evolution, the file that keeps them, and what can be seen in it.

- `records`: Birth, Leader, Generation: plain values
- `run`: the crash-safe file of a run, `Run.open` to write, `Run.read` to look
- `lineage`: lines of descent, family trees, common ancestors, clades
- `story`: what happened, in words, from the numbers of `chronicle`; `explanation`: who a strategy is
- `faces`: what the behaviours of a run are called and how they look; `looks`: the same look for a name everywhere
- `plots`: every figure; `drawing`: charts and state diagrams as SVG text; `report`: pages; `palette`: their colours
- `indexes`: what of a sweep or a design is done; `sweeps`: what a sweep left, means with intervals
- `survival`: survival curves with intervals
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

_HERE = Path(__file__).resolve().parent.parent
# A file of the user's own with such a name, beside a script, is found first.
for _name in ("genomes", "engine"):
    _found = getattr(find_spec(_name), "origin", None)
    if _found is None or Path(_found).resolve().parent.parent != _HERE:
        raise ImportError(
            f"{_name}: expected the package in {_HERE}, got {_found}, which is found first: rename it"
        )

from results.errors import DamageError, RunError
from results.lineage import FamilyTree, clades, common_ancestor, family_tree, line_of_descent
from results.records import Birth, BirthId, Generation, Leader
from results.run.store import Run
from results.survival import SurvivalCurve, kaplan_meier
from results.sweeps import Summary, summarise

if TYPE_CHECKING:
    from results.plots.run import FIGURES, save_all

__all__ = [
    "FIGURES",
    "Birth",
    "BirthId",
    "DamageError",
    "FamilyTree",
    "Generation",
    "Leader",
    "Run",
    "RunError",
    "Summary",
    "SurvivalCurve",
    "clades",
    "common_ancestor",
    "family_tree",
    "kaplan_meier",
    "line_of_descent",
    "save_all",
    "summarise",
]


def __getattr__(name: str) -> Any:
    """Import the figures on first use: matplotlib is heavy."""
    if name in ("FIGURES", "save_all"):
        return getattr(import_module("results.plots.run"), name)
    raise AttributeError(f"module 'results' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
