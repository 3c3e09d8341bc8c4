"""How strategies CHANGE: experiments, the generational loop, and the command line.

- `experiment`: the TOML file and the value it stands for, `Experiment`
- `streams`: random streams; a run's random state is its generation number
- `kinds`: one file a genome kind; `updates`: one row an update rule; `selection`: one row an operator
- `individuals`, `population`: who lives, and the first population; `operators`: the DEAP toolbox
- `fitness`: what a population earns, in `round_robin`, against a `sampled` part of it, or in a `society`
- `loop`: `generations(experiment, start)`; `island`: one population, `islands`: several
- `estimates`: how long a generation takes, said before it is begun
- `runner`: an experiment driven into a run file, stopped by signals and taken up again
- `workers`: tasks in processes or on a Dask cluster; `sweep`: one experiment at every point of a grid, times seeds
- `folders`: the folder of a sweep or a design while somebody works in it
- `invasion`: does a seeded population resist, and to whom is it lost?
- `claims`: published claims, each with its verdict
- `cli`: the command `evolve`

To add a genome kind: a file in `kinds`. An update rule: a row in `updates`. A selection operator: a row in
`selection`. A claim: an object, and its place in `claims.published`.
"""

from importlib import import_module
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
    from evolve.invasion.run import run_study
    from evolve.invasion.study import Study
    from evolve.loop import generations
    from evolve.runner import run
    from evolve.sweep import Sweep, run_sweep

_PUBLIC = {
    "Experiment": "evolve.experiment.experiment",
    "ExperimentError": "evolve.experiment.files",
    "Study": "evolve.invasion.study",
    "Sweep": "evolve.sweep",
    "generations": "evolve.loop",
    "run": "evolve.runner",
    "run_study": "evolve.invasion.run",
    "run_sweep": "evolve.sweep",
}
__all__ = [
    "Experiment",
    "ExperimentError",
    "Study",
    "Sweep",
    "generations",
    "run",
    "run_study",
    "run_sweep",
]


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command line starts at once."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'evolve' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
