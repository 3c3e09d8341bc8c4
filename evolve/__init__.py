"""How strategies CHANGE: experiments, the generational loop, and the command line.

- `experiment`: the TOML file and the value it stands for, `Experiment`
- `streams`: random streams; a run's random state is its generation number
- `population`: individuals and the first population
- `operators`: the DEAP toolbox
- `evaluation`: fitness of a population
- `loop`: `generations(experiment, start)`
- `cli`: the command `evolve`

To add a selection operator: its name in `experiment.SelectionSection.method`, a line in
`operators.toolbox`, and the statistical tests of `tests/test_evolution.py` take it up.
"""

from evolve.experiment import Experiment, ExperimentError
from evolve.loop import generations

__all__ = ["Experiment", "ExperimentError", "generations"]
