"""What a run LEFT: the records of an evolution, the file that keeps them, and what can be seen in it.

- `records`: Birth, Leader, Generation: plain values
- `run`: the crash-safe file of a run, `Run.open` to write, `Run.read` to look
- `lineage`: lines of descent, family trees, common ancestors, clades
- `plots`: every figure
- `sweeps`: what a sweep left, means with intervals; `survival`: survival curves with intervals
"""

from results.errors import DamageError, RunError
from results.records import Birth, BirthId, Generation, Leader
from results.run.store import Run

__all__ = ["Birth", "BirthId", "DamageError", "Generation", "Leader", "Run", "RunError"]
