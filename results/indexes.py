"""The index of a sweep or a design: what is done, a row each with a digest, so that what is damaged is done again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from results.run.place import refuse_link, write_whole

INDEX = "index.json"

Key = TypeVar("Key", bound=Hashable)
Outcome = TypeVar("Outcome")


def write_rows(folder: Path, head: Mapping[str, Any], title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write an index: its head, and under `title` its rows, each with a digest."""
    content = {**head, title: [{**row, "digest": row_digest(row)} for row in rows]}
    write_whole(folder / INDEX, json.dumps(content, indent=1) + "\n")


def read_rows(
    folder: Path, format: int, title: str, read: Callable[[dict[str, Any]], tuple[Key, Outcome]]
) -> tuple[str | None, dict[Key, Outcome]]:
    """Whose index it is, and the rows with an outcome as `read` takes them: as far as they are there and intact."""
    try:
        refuse_link(folder / INDEX)
        content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if content["format"] != format or not isinstance(content["name"], str):
            return None, {}
        rows = list(content[title])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None, {}
    known: dict[Key, Outcome] = {}
    for row in rows:
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            if row.pop("digest") == row_digest(row) and row["outcome"] is not None:
                key, outcome = read(row)
                known[key] = outcome
    return content["name"], known


def row_digest(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]
