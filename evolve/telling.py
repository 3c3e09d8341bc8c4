"""Runs in words: what `results.story` needs to know of an experiment, from the experiment of the run itself."""

from __future__ import annotations

from functools import lru_cache

from evolve.experiment.experiment import Experiment
from evolve.kinds import Genome
from evolve.updates import UPDATES
from genomes.reading import parse
from results.run.store import Run
from results.sentences import Setting, Story
from results.story import story_of

FARES = {
    (1, 1): "advantaged",
    (1, 0): "advantaged while rare",
    (1, -1): "advantaged while rare",
    (0, 1): "neutral while rare, then advantaged",
    (0, 0): "neutral",
    (0, -1): "neutral while rare, then disadvantaged",
    (-1, 1): "disadvantaged while rare, then advantaged",
    (-1, 0): "disadvantaged",
    (-1, -1): "disadvantaged",
}
"""In words: the sign of what a newcomer earns above the others while it is rare, and while they are."""


def tell(run: Run) -> Story:
    """The story of a run (opened with `Experiment.recorded`); raises RunError for one without generations."""
    return story_of(run, setting(Experiment.recorded(run.experiment_text)))


def setting(experiment: Experiment) -> Setting:
    """What a story needs of an experiment."""

    @lru_cache(maxsize=256)
    def cause(newcomer: str, there: str) -> str | None:
        try:
            return _fares(experiment, parse(newcomer), parse(there))
        except ValueError:
            return None  # beyond what can be had exactly, or a stranger's file

    return Setting(
        rules=experiment.rules_value,
        births=experiment.population.size if UPDATES[experiment.selection.update].single else None,
        planned=experiment.generations,
        seed=experiment.seed,
        cause=cause,
    )


def _fares(experiment: Experiment, newcomer: Genome, there: Genome) -> str:
    """How a newcomer fares among those who were there, by exact payoffs in pairs, or in a society of the two."""
    from engine.stability.fixation import pair_table  # numba: only when needed

    society = experiment.rules.play == "sipd"
    size = experiment.population.size if society else None
    tables = pair_table(newcomer, there, experiment.rules_value, society=society, size=size).reshape(-1, 2, 2)
    (_, b), (_, d) = tables[0].tolist()  # few of the newcomers
    (a, _), (c, _) = tables[-1].tolist()  # few of the others
    slack = 1e-9 * max(1.0, abs(a), abs(b), abs(c), abs(d))
    rare, common = (0 if abs(gain) <= slack else 1 if gain > 0 else -1 for gain in (b - d, a - c))
    if rare < 0 < common and len(tables) == 1:
        return f"advantaged from a share of {(d - b) / (d - b + a - c):.2g} on"
    return FARES[rare, common]
