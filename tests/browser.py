"""Pages in a real browser: Debian's chromium, which fetches nothing; tests skip where it is not installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
REQUIRED = "EVOLVE_TEST_BROWSER"
"""Set where a missing browser is a failure, not a reason to skip."""

SERIOUS = ("serious", "critical")


def missing() -> str | None:
    """Why there is no browser, if there is none."""
    if not Path(CHROMIUM).exists():
        return f"needs {CHROMIUM} (apt-get install chromium)"
    return None if _has_playwright() else "needs playwright and axe-playwright-python (the extra [dev])"


def _has_playwright() -> bool:
    return find_spec("playwright") is not None and find_spec("axe_playwright_python") is not None


@contextmanager
def browser() -> Iterator[Any]:
    """A browser, or the test is skipped with the reason."""
    reason = missing()
    if reason is not None:
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as api:
        started = api.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@contextmanager
def opened(
    browser: Any, address: str, allowed: Callable[[str], bool], ignored: str = "", **options: Any
) -> Iterator[Any]:
    """A page; at its end its console had no errors but `ignored` ones, and there was no request but those `allowed`."""
    context = browser.new_context(**options)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: None if allowed(r.url) else complaints.append(f"request: {r.url}"))
    page.goto(address)
    yield page
    context.close()
    assert [c for c in complaints if not ignored or ignored not in c] == []


def violations(page: Any) -> list[str]:
    """What a scan finds that keeps somebody from reading the page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {v['help']} ({node['html'][:200]})"
        for v in found
        if v["impact"] in SERIOUS
        for node in v["nodes"]
    ]


def overflow(page: Any) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
