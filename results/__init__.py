"""What a run LEFT: the records of an evolution, the file that keeps them, and what can be seen in it.

- `records`: Birth, Leader, Generation: plain values
- `run`: the crash-safe file of a run, `Run.open` to write, `Run.read` to look
- `lineage`: lines of descent, family trees, common ancestors, clades
- `plots`: every figure
- `sweeps`: what a sweep left, means with intervals; `survival`: survival curves with intervals
"""

from importlib.util import find_spec
from pathlib import Path

_HERE = Path(__file__).resolve().parent.parent
# A file of the user's own with such a name, beside a script, is found first.
for _name in ("genomes", "engine"):
    _found = getattr(find_spec(_name), "origin", None)
    if _found is None or Path(_found).resolve().parent.parent != _HERE:
        raise ImportError(
            f"{_name}: expected the package in {_HERE}, got {_found}, which is found first: rename it"
        )

from results.errors import DamageError, RunError
from results.records import Birth, BirthId, Generation, Leader
from results.run.store import Run

__all__ = ["Birth", "BirthId", "DamageError", "Generation", "Leader", "Run", "RunError"]
