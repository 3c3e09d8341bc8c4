"""An experiment driven into a run file: until it is done, or until a signal asks it to stop.

The loop computes, the run keeps; here they meet. A signal never interrupts a generation (with islands, an
epoch): it is finished and committed, and the run can be taken up where it stopped.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from types import FrameType

from evolve.experiment.experiment import Experiment
from evolve.islands import ends_epoch
from evolve.loop import generations
from evolve.workers import rarely_collecting
from results import Generation, Run


class Stop:
    """Whether a signal has asked to stop: `signal` is its number, 0 before."""

    def __init__(self) -> None:
        self.signal = 0


def stopping() -> AbstractContextManager[Stop]:
    """Turn Ctrl-C and SIGTERM into a request to stop; a second one ends the process at once."""
    return _catching(at_once=False)


def interrupting() -> AbstractContextManager[Stop]:
    """Let Ctrl-C and SIGTERM raise KeyboardInterrupt, once: for what loses little wherever it is interrupted.

    A second one ends the process at once: in the middle of the cleaning up it would only make tracebacks.
    """
    return _catching(at_once=True)


@contextmanager
def _catching(at_once: bool) -> Iterator[Stop]:
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    caught = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in caught}

    def ask(number: int, _frame: FrameType | None) -> None:
        stop.signal = number
        for each in caught:
            signal.signal(each, _end_at_once)
        if at_once:
            raise KeyboardInterrupt

    for number in caught:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number in caught:
            signal.signal(number, before[number])


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    """What is committed is kept, as after a kill, and workers end with this process."""
    os.write(2, b"stopped at once; what was committed is kept\n")
    os._exit(128 + number)


def drive(
    run: Run,
    experiment: Experiment,
    watch: Callable[[Generation], object],
    stop: Stop | None = None,
    *,
    workers: int = 1,
    cluster: str | None = None,
) -> bool:
    """Append generations to `run` until the experiment is done; False when asked to stop before.

    `watch` sees every generation after it was appended. `workers` and `cluster` as in `generations`.
    """
    stop = stop or Stop()
    islands = experiment.islands.number > 1
    coming = generations(experiment, start=run.latest(), workers=workers, cluster=cluster)
    with rarely_collecting(), closing(coming):
        for generation in coming:
            run.append(generation)
            watch(generation)
            if islands and ends_epoch(experiment, generation.number):
                run.commit()  # the next epoch may take long
            if stop.signal and generation.number < experiment.generations:
                if islands and not ends_epoch(experiment, generation.number):
                    continue  # the rest of the epoch is there already
                run.commit()
                return False
    run.commit()
    return True


def run(
    experiment: Experiment,
    folder: str | os.PathLike[str],
    *,
    workers: int = 1,
    cluster: str | None = None,
    watch: Callable[[Generation], object] = lambda generation: None,
) -> Run:
    """Evolve an experiment in a folder to its end, or go on where it was stopped; then its run, to be read.

    `watch` is called with every generation after it was appended. `workers` and `cluster` as in `generations`. Raises
    RunError where the folder holds another experiment.
    """
    with Run.open(folder, experiment) as there:
        drive(there, experiment, watch, workers=workers, cluster=cluster)
    return Run.read(folder)
