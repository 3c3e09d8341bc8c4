"""What the tests of evolution share: small experiments, and the hash of a run of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evolve import Experiment, generations
from results import Run

SMALL = Experiment(
    seed=7,
    generations=30,
    genome={"x": 2, "y": 2},
    rules={"turns": 20},
    population={"size": 20, "seeds": [{"strategy": "tit_for_tat", "share": 0.3}]},
)
FORMULAS = Experiment(
    seed=3,
    generations=12,
    genome={"kind": "formula"},
    rules={"turns": 20},
    population={"size": 16, "seeds": [{"strategy": "tit_for_tat", "share": 0.3}]},
    variation={"mutation": 0.5, "immigrants": 3},
)
MACHINES = Experiment(
    seed=5,
    generations=20,
    genome={"kind": "machine", "states": 4, "max_states": 8},
    rules={"turns": 20},
    population={"size": 20, "seeds": [{"strategy": "grim", "share": 0.3}]},
    variation={"mutation": 0.05},
)
SOCIETY = FORMULAS.changed(rules={"play": "sipd"})
NOISY = SMALL.changed(rules={"noise": 0.05}, genome={"stochastic": True})


def run_hash(
    folder: Path, experiment: Experiment, *, keep: Mapping[str, Any] | None = None, **place: Any
) -> str:
    """Run, or go on, to the end; `keep`: how the file is written, `place`: where it is computed."""
    with Run.open(folder, experiment, **keep or {}) as run:
        for generation in generations(experiment, start=run.latest(), **place):
            run.append(generation)
        return run.hash
