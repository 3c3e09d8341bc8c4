"""How strategies CHANGE: experiments, the generational loop, and the command line.

- `experiment`: the TOML file and the value it stands for, `Experiment`
- `streams`: random streams; a run's random state is its generation number
- `population`: individuals and the first population
- `operators`: the DEAP toolbox
- `fitness`: the choice between `evaluation` (round robins), `sampling` (against a sample) and `societies`
- `loop`: `generations(experiment, start)`; `island`: one population, `islands`: several, `spread`: anywhere
- `runner`: an experiment driven into a run file, stopped by signals and taken up again
- `reproduce` (with `reproduce_evolution`, `reproduce_lifl`): the published claims, each with its verdict
- `mutant_laws`, `invasion_study`, `invasion`, `invaders`: does a seeded population resist, and to whom is it lost?
- `invasion_file`, `invasion_report`, `survival`, `study`: outcomes kept, told in words, and the whole study
- `sweep`: one experiment at every point of a grid, times seeds
- `cli`, `cli_play`, `cli_societies`, `cli_runs`, `cli_sweep`, `cli_invasion`, `cli_invade`, `terminal`: the command
  `evolve`

To add a selection operator: its name in `experiment.SelectionSection.method`, a line in
`operators.toolbox`, and the statistical tests of `tests/test_evolution.py` take it up. To add a claim: a function
that returns its verdicts, and its name in `reproduce.claims`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolve.experiment import Experiment, ExperimentError
    from evolve.loop import generations

__all__ = ["Experiment", "ExperimentError", "generations"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command line starts at once."""
    if name == "generations":
        from evolve.loop import generations

        return generations
    if name in ("Experiment", "ExperimentError"):
        from evolve import experiment

        return getattr(experiment, name)
    raise AttributeError(f"module 'evolve' has no attribute {name!r}")
