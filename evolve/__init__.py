"""How strategies CHANGE: experiments, the generational loop, and the command line.

- `experiment`: the TOML file and the value it stands for, `Experiment`
- `streams`: random streams; a run's random state is its generation number
- `population`: individuals and the first population; `operators`: the DEAP toolbox
- `fitness`: what a population earns, in `round_robin`, against a `sampled` part of it, or in a `society`
- `loop`: `generations(experiment, start)`; `island`: one population, `islands`: several
- `runner`: an experiment driven into a run file, stopped by signals and taken up again
- `workers`: tasks in processes or on a Dask cluster; `sweep`: one experiment at every point of a grid, times seeds
- `invasion`: does a seeded population resist, and to whom is it lost?
- `claims`: published claims, each with its verdict
- `cli`: the command `evolve`

To add a selection operator: its name in `experiment.SelectionSection.method`, a line in
`operators.toolbox`, and the statistical tests of `tests/test_evolution.py` take it up. To add a claim: a function
that returns its verdicts, and its name in `claims.published.CLAIMS`.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

_HERE = Path(__file__).resolve().parent.parent
# A file of the user's own with such a name, beside a script, is found first.
for _name in ("genomes", "engine", "results"):
    _found = getattr(find_spec(_name), "origin", None)
    if _found is None or Path(_found).resolve().parent.parent != _HERE:
        raise ImportError(
            f"{_name}: expected the package in {_HERE}, got {_found}, which is found first: rename it"
        )

if TYPE_CHECKING:
    from evolve.experiment.experiment import Experiment
    from evolve.experiment.files import ExperimentError
    from evolve.loop import generations

__all__ = ["Experiment", "ExperimentError", "generations"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command line starts at once."""
    if name == "generations":
        from evolve.loop import generations

        return generations
    if name in ("Experiment", "ExperimentError"):
        from evolve.experiment import experiment

        return getattr(experiment, name)
    raise AttributeError(f"module 'evolve' has no attribute {name!r}")
