"""Runs that the lab starts: each is a process `evolve run` of its own, which goes on whatever becomes of the server."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

from evolve.experiment.experiment import Experiment
from evolve.lab.runs import folder_of, opened
from evolve.lab.settings import Scene
from results.run.place import write_whole

MOST_RUNNING = 2
MOST_MEMORY = 3
MOST_SIZE = 200
MOST_GENERATIONS = 20_000
MOST_SEED = 2**31


def experiment_of(scene: Scene) -> Experiment:
    """The experiment that a scene describes: lookup genomes among each other; ValueError where it is none."""
    rules = scene.rules
    horizon = {
        "turns": rules.turns,
        "continuation": rules.continuation,
        "limit_of_means": rules.limit_of_means,
    }
    size = scene.whole("size", 100, 10, MOST_SIZE)
    game = rules.game
    return Experiment(
        seed=scene.whole("seed", 7, 0, MOST_SEED),
        generations=scene.whole("generations", 500, 1, MOST_GENERATIONS),
        game={"R": game.R, "S": game.S, "T": game.T, "P": game.P},
        rules={"noise": rules.noise, **{key: value for key, value in horizon.items() if value}},
        genome={"x": scene.whole("own", 1, 0, MOST_MEMORY), "y": scene.whole("theirs", 1, 0, MOST_MEMORY)},
        population={"size": size},
        selection={"survivors": size // 2},
        variation={
            "crossover": 0.2,
            "mutation": scene.number("mutation", 0.01),
            "immigrants": scene.whole("immigrants", 1, 0, size // 4),
        },
    )


class Processes:
    """The runs that this server has started and that go on, by name; at most `MOST_RUNNING`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def start(self, scene: Scene) -> str:
        """Begin the run that a scene describes; returns its name."""
        experiment = experiment_of(scene)
        with self._lock:
            self._refuse_more()
            name = self._free_name()
            self.root.mkdir(parents=True, exist_ok=True)
            file = self.root / f"{name}.toml"
            write_whole(file, experiment.changed(name=name).to_toml())
            self._begin(name, "run", str(file), "--out", str(self.root / name))
        return name

    def resume(self, name: str) -> None:
        """Go on with a run that has stopped before its end; ValueError where there is nothing to do."""
        place = folder_of(self.root, name)
        with opened(place) as run:
            planned = Experiment.recorded(run.experiment_text).generations
            if run.generation >= planned:
                raise ValueError(
                    f"run: expected one that has stopped before its end, got {name!r}, which is done"
                )
        with self._lock:
            self._refuse_more()
            self._begin(name, "resume", str(place))

    def stop(self, name: str) -> None:
        """Let a run of ours finish its generation and stop; ValueError for any other."""
        with self._lock:
            process = self._going().get(name)
            if process is None:
                raise ValueError(
                    f"run: expected one that this lab has started and that goes on, got {name!r}"
                )
            process.send_signal(signal.SIGINT)

    def going(self) -> list[str]:
        """The names of those that go on."""
        with self._lock:
            return list(self._going())

    def _going(self) -> dict[str, subprocess.Popen[bytes]]:
        self._running = {name: process for name, process in self._running.items() if process.poll() is None}
        return self._running

    def _refuse_more(self) -> None:
        if len(self._going()) >= MOST_RUNNING:
            raise ValueError(
                f"run: expected at most {MOST_RUNNING} at a time, got {MOST_RUNNING} that go on: stop one"
            )

    def _free_name(self) -> str:
        number = 1
        while any((self.root / f"lab-{number}{end}").exists() for end in ("", ".toml")):
            number += 1
        return f"lab-{number}"

    def _begin(self, name: str, *words: str) -> None:
        quiet = subprocess.DEVNULL
        self._running[name] = subprocess.Popen(
            [sys.executable, "-m", "evolve.cli", *words], stdin=quiet, stdout=quiet, stderr=quiet,
            start_new_session=True,
        )  # fmt: skip
