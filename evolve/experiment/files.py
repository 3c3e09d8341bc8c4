"""Reading the TOML files that users write: experiments, sweeps and studies."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any


class ExperimentError(ValueError):
    """A mistaken experiment: one line a mistake, each with its path, what was expected and what came."""


MAX_NESTING = 16
"""Sections and lists within each other: an experiment has four, a sweep of it six."""

DEPTH = f"sections and lists at most {MAX_NESTING} deep"

DEEP_KEY = re.compile(
    rf"""^[ \t\[]*(?:(?:"[^"\n]*"|'[^'\n]*'|[\w-]+)[ \t]*\.[ \t]*){{{MAX_NESTING + 1}}}""", re.MULTILINE
)
"""The beginning of a line that is a key of too many parts."""


def read_text(path: Path, field: str) -> str:
    """The text of a file that a user names; `field` says as what."""
    if not path.is_file():
        state = "a folder" if path.is_dir() else "which is not there"
        raise FileNotFoundError(f"{field}: expected a TOML file, got {str(path)!r}, {state}")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ExperimentError(
            f"{field}: expected a TOML file in UTF-8, got {str(path)!r} with byte "
            f"{error.object[error.start]:#04x} at {error.start}"
        ) from None


def parse_toml(text: str, field: str) -> dict[str, Any]:
    """The values of TOML text."""
    if DEEP_KEY.search(text):  # before tomllib, which takes time with the square of a key's depth
        raise ExperimentError(f"{field}: expected {DEPTH}, got a key with more parts")
    try:
        data = tomllib.loads(text)
    except ValueError as error:
        raise ExperimentError(f"{field}: expected TOML, got a mistake: {error}") from None
    except RecursionError:
        raise ExperimentError(f"{field}: expected TOML, got brackets nested too deeply") from None
    refuse_depth(data, field)
    return data


def refuse_depth(data: dict[str, Any], field: str) -> None:
    """Raise ExperimentError for sections within sections that no experiment has: recursion meets its limit in them."""
    layer: list[Any] = [data]
    for _ in range(MAX_NESTING):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    if layer:
        raise ExperimentError(f"{field}: expected {DEPTH}, got deeper ones")
