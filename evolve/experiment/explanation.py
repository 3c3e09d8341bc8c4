"""One line for each mistake in a file: its path, what was expected and what came."""

from __future__ import annotations

import difflib
from typing import Any, get_args

from pydantic import BaseModel

from evolve.kinds import KINDS, kind_of
from genomes.texts import printable, shown

PLACES = {"workers": "--workers N or EVOLVE_WORKERS", "cluster": "--cluster ADDRESS or EVOLVE_CLUSTER"}
"""What says where a run is computed, and is no part of `[run]`: the option and the environment variable."""

WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a section",
    "dict_type": "a section",
}
"""What validation expected, by the type of its complaint, in the words of the file."""

BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
"""The same of a number out of its bounds: which bound it is, and the words before it."""


def explain(detail: Any, model: type[BaseModel]) -> str:
    """One line for one mistake that validation of a model found."""
    where = list(detail["loc"])
    if where[:1] == ["genome"] and where[1:2] and where[1] in KINDS:
        del where[1]  # which kind it was read as is no part of the path
    path = printable(".".join(str(part) for part in where))
    kind, message, value = detail["type"], detail["msg"], detail["input"]
    if kind == "extra_forbidden" and where[:1] == ["run"] and where[1] in PLACES:
        return (
            f"{path}: expected {PLACES[where[1]]}, got it in an experiment, which says what a run is and not "
            "where it is computed"
        )
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(
            str(detail["loc"][-1]), _keys(model, detail["loc"][:-1]), n=3, cutoff=0.4
        )
        hint = f" (nearest: {', '.join(near)})" if near else ""
        return f"{path}: expected a known key, got {detail['loc'][-1]!r}{hint}"
    if kind == "union_tag_invalid":
        *first, last = [repr(name) for name in KINDS]
        return f"{path}.kind: expected {', '.join(first)} or {last}, got {shown(kind_of(value))}"
    if kind == "value_error":
        text = message.removeprefix("Value error, ")
        return text if not path or text.startswith(path) else f"{path}: {text}"
    if kind == "missing":
        return f"{path}: expected a value, got none"
    wanted = WANTED.get(kind) or message.removeprefix("Input should be ")
    limit = BOUNDS.get(kind)
    if limit is not None:
        name, words = limit
        bound = detail["ctx"][name]
        wanted = f"{words} {int(bound) if bound == int(bound) else bound}"
    return f"{path}: expected {wanted}, got {shown(value)}"


def _keys(model: Any, path: tuple[Any, ...]) -> list[str]:
    """The keys that are known at a place of the file."""
    for word in path:
        if isinstance(word, int):
            model = get_args(model)[0]  # of a list: what its items are
        elif word in KINDS:
            model = KINDS[word]
        elif isinstance(model, type) and issubclass(model, BaseModel) and word in model.model_fields:
            model = model.model_fields[word].annotation
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
