"""A study driven into a folder: one line a population followed, never followed twice.

`outcomes.jsonl` begins with a line that says which study it is; each further line is one outcome with its own digest.
Each is appended and synced before the next, so that a kill or a power cut tears the last line at most: that is cut off,
and followed again. A damaged line anywhere else is named and refused. Outcomes are written in the order of the study's
tasks, so that the number of workers and interruptions change no byte.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from evolve.invasion.invaders import Cause
from evolve.invasion.replicates import Outcome, follow
from evolve.invasion.study import Study, Task
from evolve.workers import cluster_client, spread
from results.run.place import NO_LINK, WriterLock, naming_path, refuse_link, write_whole
from results.run.rows import Limits

FILE = "outcomes.jsonl"
FORMAT = 1

TASKS = 200
"""Into about so many tasks a study is cut: enough to keep many workers busy to the end."""

LARGEST = 32
"""Populations in a task at most: what a worker that dies may lose."""


def run_study(
    study: Study,
    folder: Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    watch: Callable[[Sequence[Outcome]], None] = lambda outcomes: None,
) -> list[Outcome]:
    """Follow what is missing in `folder`, and return all outcomes of the study in the order of its tasks.

    `workers` and `cluster` as in `spread`; they change no byte. `watch` sees the outcomes that are there at the
    beginning, and then each that is written. Whatever stops this (an error, Ctrl-C, a kill) loses nothing that was
    written: call it again. More residents or replicates may be added later; a folder of another study, or one that
    somebody else writes, raises ValueError.
    """
    with (
        nullcontext() if cluster is None else cluster_client(cluster, workers) as client,
        _writing(folder),
    ):
        done = _read(folder / FILE, study)
        watch([done[_key(task)] for task in study.tasks() if _key(task) in done])
        missing = [task for task in study.tasks() if _key(task) not in done]
        alone = workers == 1 and cluster is None
        size = 1 if alone else max(1, min(LARGEST, len(missing) // TASKS))
        text, name = study.to_toml(), study.experiment.name
        work = [(text, name, missing[k : k + size]) for k in range(0, len(missing), size)]
        with (
            _appending(folder / FILE) as append,
            closing(spread(follow_all, work, workers=workers, cluster=client)) as found,
        ):
            for outcomes in found:
                for outcome in outcomes:
                    append(outcome_line(asdict(outcome)))
                    done[outcome.label, outcome.replicate] = outcome
                    watch([outcome])
    return [done[_key(task)] for task in study.tasks()]


def follow_all(text: str, name: str, tasks: Sequence[tuple[str, bool, int]]) -> list[Outcome]:
    """Follow some populations of a study (TOML): a task for anywhere."""
    study = _study(text, name)
    return [follow(study, Task(*task)) for task in tasks]


@lru_cache(maxsize=4)
def _study(text: str, name: str) -> Study:
    return Study.parse(text, name=name)


def _key(task: Task) -> tuple[str, int]:
    return task.label, task.replicate


@contextmanager
def _appending(path: Path) -> Iterator[Callable[[str], None]]:
    """What adds a line to the file of outcomes and syncs it; never to what a link there leads to."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | NO_LINK)

    def append(line: str) -> None:
        rest = line.encode()
        with naming_path(path):
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)

    try:
        yield append
    finally:
        os.close(fd)


def digest(outcomes: list[Outcome]) -> str:
    """One SHA-256 over all outcomes: equal studies have equal ones."""
    return hashlib.sha256("".join(outcome_line(asdict(o)) for o in outcomes).encode()).hexdigest()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which dies with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = WriterLock(folder / "study.lock")
    try:
        yield
    finally:
        lock.release()


def _read(path: Path, study: Study) -> dict[tuple[str, int], Outcome]:
    """The outcomes that are there; begins the file where there is none, and cuts off a torn last line."""
    key = _key_of(study)
    refuse_link(path)
    raw = _content(path)
    if b"\n" not in raw:
        header = {"format": FORMAT, "key": key, "study": study.to_toml()}
        write_whole(path, outcome_line(header))
        return {}
    whole = raw[: raw.rindex(b"\n") + 1]
    lines = whole.decode("utf-8", errors="replace").split("\n")[:-1]
    if len(lines) > 1 and not _marked(
        lines[-1]
    ):  # a power cut may keep the end of a line and lose its middle
        lines.pop()
        whole = whole[: whole[:-1].rindex(b"\n") + 1]
    if len(whole) < len(raw):
        os.truncate(path, len(whole))
    rows = [_row(path, number, line) for number, line in enumerate(lines, 1)]
    if rows[0].get("format") != FORMAT:
        raise ValueError(f"{path}: expected format {FORMAT}, got {rows[0].get('format')!r}")
    if rows[0].get("key") != key:
        if rows[0].get("key") == _key_of(study.first_version()):
            raise ValueError(
                f"{path.parent}: was followed under version 1 of the law, whose random formulas speak of D(x,x); "
                "write version = 1 under [invasion] to go on with it, or choose another folder with --out"
            )
        raise ValueError(
            f"{path.parent}: expected a folder of this study, got one with other rules, law or generations; "
            "choose another with --out"
        )
    outcomes = [_outcome(path, number, row, study) for number, row in enumerate(rows[1:], 2)]
    return {(o.label, o.replicate): o for o in outcomes}


def read_study(folder: Path) -> tuple[Study, list[Outcome]]:
    """The study whose folder that is, and its outcomes so far in the order of its tasks; nothing is written.

    Raises ValueError for another folder, and for damage.
    """
    path = folder / FILE
    refuse_link(path)
    lines = _content(path).decode("utf-8", errors="replace").split("\n")[:-1]
    if len(lines) > 1 and not _marked(lines[-1]):
        lines.pop()  # torn; whoever goes on follows it again
    rows = [_row(path, number, line) for number, line in enumerate(lines, 1)]
    if not rows or rows[0].get("format") != FORMAT or not isinstance(rows[0].get("study"), str):
        raise ValueError(f"{path}: expected the outcomes of a study of format {FORMAT}, got something else")
    study = Study.parse(rows[0]["study"], name=folder.name)
    outcomes = [_outcome(path, number, row, study) for number, row in enumerate(rows[1:], 2)]
    place = {(task.label, task.replicate): n for n, task in enumerate(study.tasks())}
    known = [o for o in outcomes if (o.label, o.replicate) in place]
    return study, sorted(known, key=lambda o: place[o.label, o.replicate])


def _content(path: Path) -> bytes:
    """What the file holds; nothing where there is none."""
    try:
        with naming_path(path):
            return path.read_bytes()
    except FileNotFoundError:
        return b""


def _key_of(study: Study) -> str:
    """What tells a study's folder from that of another."""
    return hashlib.sha256(study.results_key().encode()).hexdigest()


def outcome_line(row: dict[str, Any]) -> str:
    text = json.dumps(row, sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]} {text}\n"


def _marked(line: str) -> bool:
    """True for a line with the digest that belongs to it."""
    mark, _, text = line.partition(" ")
    return hashlib.sha256(text.encode()).hexdigest()[:16] == mark


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    _, _, text = line.partition(" ")
    if not _marked(line):
        raise ValueError(f"{path}: line {number} is damaged; delete it, and it will be followed again")
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise ValueError(f"{path}: line {number} is no outcome; delete it, and it will be followed again")
    return row


def _outcome(path: Path, number: int, row: dict[str, Any], study: Study) -> Outcome:
    """An outcome as this study can have it; raises ValueError."""
    possible: dict[str, Callable[[Any], bool]] = {
        "label": lambda x: isinstance(x, str),
        "replicate": lambda x: type(x) is int and 0 <= x < 2**31,
        "lost": lambda x: type(x) is bool,
        "time": lambda x: type(x) is int and 0 <= x <= study.invasion.generations,
        "mutants": lambda x: type(x) is int and 0 <= x < 2**53,
        "invader": lambda x: x is None or (isinstance(x, str) and 0 < len(x) <= Limits().genome),
        "name": lambda x: x is None or isinstance(x, str),
        "share": lambda x: x is None or (type(x) in (int, float) and 0 <= x <= 1),
        "cause": lambda x: x is None or x in get_args(Cause),
    }
    if set(row) != set(possible) or not all(good(row[key]) for key, good in possible.items()):
        raise ValueError(f"{path}: line {number} is no outcome; delete it, and it will be followed again")
    return Outcome(**row)
