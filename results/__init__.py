"""What a run LEFT: the records of an evolution, the file that keeps them, and what can be seen in it.

    records.py   Birth, Leader, Generation: plain values
    store.py     Run: one crash-safe SQLite file per run, `Run.open` to write, `Run.read` to look
    writer.py    what appending does, and which of the dead are let go
    rows.py      how records become rows and come back, checked
    database.py  making, opening and recognising the file; errors in our words
    place.py     the writer's lock, and the journal a filesystem can be trusted with
    repair.py    naming all damage, and going on from the newest intact population
    lineage.py   lines of descent, family trees, common ancestors, clades
    plots.py     every figure, and `save_all`; those of heredity are in heredity.py, how they look in style.py
    ecology_plots.py  populations of an ecology over time, and in the simplex of three
    invasion_plots.py  survival, chances to take over, Nash gaps, and who came in
    sweeps.py    what a sweep left: its index, means with intervals; the figure is in sweep_plots.py

To keep one more number per generation: add it to `Generation`, to `STATISTICS` and `statistics_field` in
rows.py and to `Run.statistics`, and raise `FORMAT`. To add a figure: a function ``run -> Figure`` in plots.py
and its name in `FIGURES`; tests/test_plots.py then draws it for every kind of run.
"""

from results.errors import DamageError, RunError
from results.records import Birth, BirthId, Generation, Leader
from results.store import Run

__all__ = ["Birth", "BirthId", "DamageError", "Generation", "Leader", "Run", "RunError"]
