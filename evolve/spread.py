"""Independent tasks over processes or a cluster: islands, replicates, sweeps.

A task is a module-level function of plain values (an experiment's text, numbers) that returns plain values;
results come back in the order of the tasks whoever computed them, so nothing depends on where that was. A
worker that dies costs only the work it held: it is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")

LIVES = 5
"""How often workers may die before it is taken for the task's fault."""


def spread(
    function: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]],
    *,
    workers: int = 1,
    cluster: str | None = None,
) -> Iterator[Result]:
    """``function(*task)`` for every task, in order.

    With one worker in this process; with more in processes of this machine (joblib, loky); with the address
    of a Dask scheduler (or "local") on its workers, which needs the extra ``[cluster]``.
    """
    if cluster is not None:
        yield from _on_dask(function, tasks, cluster)
        return
    if workers == 1 or len(tasks) < 2:
        for task in tasks:
            yield function(*task)
        return
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    done = 0
    for life in range(LIVES):
        try:
            parallel = joblib.Parallel(n_jobs=workers, return_as="generator")
            for result in parallel(joblib.delayed(function)(*task) for task in tasks[done:]):
                done += 1
                yield result
            return
        except TerminatedWorkerError:
            if life == LIVES - 1:
                raise


def _on_dask(
    function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], cluster: str
) -> Iterator[Result]:
    import joblib

    try:
        from distributed import Client
    except ImportError:
        raise ValueError(
            "cluster: expected the extra [cluster] to be installed: pip install 'evolve-ipd[cluster]'"
        ) from None
    with Client() if cluster == "local" else Client(cluster, timeout=30) as client:
        del client  # the context is what joblib finds
        with joblib.parallel_config(backend="dask"):
            yield from joblib.Parallel(return_as="list")(joblib.delayed(function)(*task) for task in tasks)
