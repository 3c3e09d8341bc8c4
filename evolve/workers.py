"""Independent tasks over processes or a cluster: islands, replicates, sweeps.

A task is a module-level function of plain values (an experiment's text, numbers) that returns plain values,
and nothing depends on where it was computed. A worker that dies costs only the work it held, which is done
again; when the process that asked for it ends, however it ends, its workers end too.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager, nullcontext
from functools import cache
from importlib import import_module
from itertools import islice
from multiprocessing import resource_tracker
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")

MOST_DEATHS_IN_A_ROW = 5
"""How often workers may die, with nothing finished in between, before it is taken for the task's fault."""

MOST_WAITING_TASKS = 2000
"""Tasks handed in at a time: a scheduler that has them all at once answers nothing for a minute at 100 000."""

IDLE = 300.0
"""Seconds after which idle processes leave; until then the next call finds them warm."""


def spread(
    function: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]],
    *,
    workers: int = 1,
    cluster: str | Any | None = None,
) -> Generator[Result]:
    """``function(*task)`` for every task, in order, each as soon as those before it are done.

    With one worker in this process; with more in processes of this machine, which are kept for the next call;
    with a `cluster` on its workers: the address of a Dask scheduler, "local" for so many processes under a
    scheduler of this machine (all cores when `workers` is 1), or what `cluster_client` made of one of them, so that
    several calls share it. A cluster needs the extra ``[cluster]``.
    """
    early: dict[int, Result] = {}
    following = 0
    for position, result in as_finished(function, tasks, workers=workers, cluster=cluster):
        early[position] = result
        while following in early:
            yield early.pop(following)
            following += 1


def as_finished(
    function: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]],
    *,
    workers: int = 1,
    cluster: str | Any | None = None,
) -> Generator[tuple[int, Result]]:
    """As `spread`, in the order in which they finish: pairs of a task's position and its result.

    What has finished is never done again. Closing the iterator, or an error in it, stops the workers.
    """
    if cluster is None and (workers == 1 or len(tasks) < 2):
        for position, task in enumerate(tasks):
            yield position, function(*task)
        return
    left = set(range(len(tasks)))
    deaths_left = MOST_DEATHS_IN_A_ROW
    with _crew(min(workers, len(tasks)), cluster) as crew:
        while left:
            following = iter(sorted(left))
            death: Exception | None = None
            futures: dict[Any, int] = {}
            finished: SimpleQueue[Any] = SimpleQueue()
            try:
                while True:
                    if death is None:
                        death = _submit(crew, function, tasks, following, futures, finished)
                    if not futures:
                        break
                    future = finished.get()
                    position = futures.pop(future)
                    try:
                        result = future.result()
                    except crew.deaths as error:
                        death = error
                        continue
                    left.remove(position)
                    deaths_left = MOST_DEATHS_IN_A_ROW
                    yield position, result
            finally:
                crew.forget(futures)
            if death is not None:
                deaths_left -= 1
                if not deaths_left:
                    raise ChildProcessError(
                        f"workers: {MOST_DEATHS_IN_A_ROW} in a row died before they had finished anything "
                        f"(out of memory, or killed); the last said: {death}"
                    ) from death


def _submit(
    crew: _Crew,
    function: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
    following: Iterator[int],
    futures: dict[Any, int],
    finished: SimpleQueue[Any],
) -> Exception | None:
    """Hand in the tasks at the next positions, as many as may wait, and note them; a dead worker is returned."""
    try:
        with _interrupts_blocked():
            for position in islice(following, MOST_WAITING_TASKS - len(futures)):
                future = crew.submit(function, tasks[position])
                futures[future] = position
                future.add_done_callback(finished.put)
    except BrokenProcessPool as error:
        return error
    return None


@contextmanager
def cluster_client(cluster: str, workers: int = 1) -> Iterator[Any]:
    """A `distributed.Client` for several calls of `spread`, open until the block ends.

    `cluster` is a scheduler's address, or "local" for processes under a scheduler of this machine.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise ValueError(
            "cluster: expected the extra [cluster] to be installed: pip install 'evolve-ipd[cluster]'"
        ) from None
    _quiet()
    if cluster == "local":
        with ExitStack() as held:
            with _interrupts_blocked():
                here = held.enter_context(
                    distributed.LocalCluster(
                        n_workers=None if workers == 1 else workers,
                        threads_per_worker=1,
                        dashboard_address="127.0.0.1:0",
                        silence_logs=logging.CRITICAL,  # tasks that are dropped; what fails is raised here
                    )
                )
            yield held.enter_context(closing(distributed.Client(here)))
        return
    try:
        client = distributed.Client(cluster, timeout=30)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"cluster: expected 'local' or the address of a Dask scheduler such as tcp://10.0.0.1:8786, "
            f"got {cluster!r} ({error})"
        ) from None
    with closing(client):
        yield client


def _quiet() -> None:
    """No logs of Dask: about a scheduler that is lost they are pages of tracebacks, and what matters is raised here."""
    loud = [
        logging.getLogger(name)
        for name in list(logging.root.manager.loggerDict)
        if name.startswith(("distributed", "tornado"))
    ]
    for logger in (*loud, logging.getLogger("asyncio"), logging.getLogger("tornado")):
        logger.setLevel(logging.CRITICAL + 1)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Threads made meanwhile, and all processes that these ever start, do not hear Ctrl-C: the caller does."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # whoever starts this one hears again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class AbandonedError(RuntimeError):
    """Ends a task for whose result nobody waits any more."""


def abandoned() -> bool:
    """In a task: True when nobody waits for its result any more, so that a long one can stop.

    A process of this machine ends with the one that started it; a thread of a cluster's worker cannot be
    ended from outside, and asks.
    """
    worker: Any = sys.modules.get("distributed.worker")
    if worker is None:
        return False
    key = getattr(worker.thread_state, "key", None)
    if key is None:
        return False
    task = worker.get_worker().state.tasks.get(key)
    return task is None or task.state == "cancelled"


class _Crew:
    """Who does the tasks: an executor, made anew after a death, and how deaths show."""

    def __init__(
        self, executor: Callable[[], Executor], deaths: tuple[type[Exception], ...], far: bool
    ) -> None:
        self._executor = executor
        self.deaths = deaths
        self._far = far
        self._versions = _versions() if far else None

    def submit(self, function: Callable[..., Result], task: tuple[Any, ...]) -> Any:
        return self._executor().submit(_do, self._versions, function, task)

    def forget(self, futures: Iterable[Any]) -> None:
        """Nobody waits for these any more. Processes are killed then, and stumble over what was cancelled."""
        if self._far:
            for future in futures:
                future.cancel()


@contextmanager
def _crew(workers: int, cluster: str | Any | None) -> Iterator[_Crew]:
    if cluster is None:
        with _processes(workers) as crew:
            yield crew
        return
    with cluster_client(cluster, workers) if isinstance(cluster, str) else nullcontext(cluster) as client:
        executor = client.get_executor(pure=False)
        try:
            yield _Crew(lambda: executor, (import_module("distributed").KilledWorker,), far=True)
        except CancelledError:
            raise ConnectionError(f"cluster: lost the scheduler {client.scheduler.address}") from None
        except ModuleNotFoundError as error:
            raise ValueError(
                f"cluster: expected workers on which this package is installed, got one that says: {error}"
            ) from None


@contextmanager
def _processes(workers: int) -> Iterator[_Crew]:
    from joblib.externals.loky import get_reusable_executor

    def executor() -> Any:
        return get_reusable_executor(workers, timeout=IDLE, initializer=_serve, initargs=(os.getpid(),))

    try:
        yield _Crew(executor, (BrokenProcessPool,), far=False)
    except BaseException:  # of a closed iterator too: nobody waits for what still runs
        pool = executor()  # its own `kill_workers` trips over tasks that have not begun
        for process in list(pool._processes.values()):
            process.terminate()
        pool.shutdown(wait=True)
        raise


def _serve(parent: int) -> None:
    """A process that works for another one: Ctrl-C is the other's business, its end is the end of both."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _do(versions: dict[str, str] | None, function: Callable[..., Result], task: tuple[Any, ...]) -> Result:
    """One task, where it is done; on a cluster only with the versions that would have done it at home."""
    if versions is not None and (here := _versions()) != versions:
        other = {name for name in versions | here if versions.get(name) != here.get(name)}
        raise ValueError(
            "cluster: expected workers with the same versions: "
            + ", ".join(
                f"{name} {versions.get(name, 'missing')}, got {here.get(name, 'missing')}"
                for name in sorted(other)
            )
        )
    with rarely_collecting():
        return function(*task)


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Look for garbage less often: records are many and hold no cycles, and by Python's own thresholds looking for
    some takes a fifth of a run with islands."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _versions() -> dict[str, str]:
    """The versions that results depend on."""
    from results.run.rows import RESULTS

    return {**_installed(), "results": str(RESULTS)}


@cache
def _installed() -> dict[str, str]:
    """Of this process, looked up once: that takes as long as a short task."""
    from results.run.database import session

    versions: dict[str, str] = session()["versions"]
    del versions["joblib"]
    return {**versions, "python": ".".join(versions["python"].split(".")[:2])}
