"""Folders of work that is done in parts, by whoever comes: a sweep's, a design's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from evolve.workers import cluster_client
from results.errors import RunError
from results.run.place import WriterLock


@contextmanager
def occupied(folder: Path, what: str, workers: int, cluster: str | None) -> Iterator[Any | None]:
    """The folder, made where it is missing and locked as a `what`'s until the block ends; the client of the cluster.

    Raises RunError when another process is at it.
    """
    with nullcontext() if cluster is None else cluster_client(cluster, workers) as client:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = WriterLock(folder / f"{what}.lock")
        except RunError as error:
            raise RunError(str(error).replace("this run", f"this {what}")) from None
        try:
            yield client
        finally:
            lock.release()


def refuse_owner(folder: Path, what: str, name: str, owner: str | None) -> None:
    """Raise RunError where the index says that the folder is another one's."""
    if owner not in (None, name):
        raise RunError(
            f"{folder}: expected a folder of the {what} {name!r}, got one of {owner!r}; choose another with --out"
        )
