"""The examples in the docstrings are true."""

import doctest
import importlib
import re

import pytest

from tests.test_architecture import FILES, ROOT

MODULES = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in FILES
    if re.search(r">>> (?!.*doctest: \+SKIP)", file.read_text("utf-8"))
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.attempted > 0 and results.failed == 0


def test_there_are_examples_to_run() -> None:
    assert "engine.pairs.meetings" in MODULES
