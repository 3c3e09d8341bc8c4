"""A small share of the storm (`make storm`), seeded, and whether it would notice anything."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storm.fuzz import TOKENS, Reader, judged, readers
from tests.storm.power import Change, Disk
from tests.storm.shim import missing

SHARES = {
    ("controls", "kills", "power"): 0.01,
    ("faults", "damage", "readers", "hostile", "fuzz"): 0.004,
}
"""How much of each harm is done here, a few seconds' worth, and which of them in one process."""


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
@pytest.mark.parametrize("harms", SHARES, ids=" ".join)
def test_promises_hold_in_a_small_storm(harms: tuple[str, ...]) -> None:
    only = [word for harm in harms for word in ("--only", harm)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.storm", *only, "--share", str(SHARES[harms])],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", no failures, " in done.stdout


def states(changes: list[Change], folder: Path, tries: int = 200) -> list[dict[str, bytes]]:
    """What may be found after a power cut, many times."""
    disk = Disk(folder)
    for change in changes:
        disk.take(change)
    return [disk.cut(random.Random(state)) for state in range(tries)]


def test_a_power_cut_keeps_what_was_synced_and_tears_what_was_not(tmp_path: Path) -> None:
    file, folder = str(tmp_path / "a"), str(tmp_path)
    changes = [
        Change("c", file, 0, b""),
        Change("w", file, 0, b"x" * 2048),
        Change("s", file, 0, b""),
        Change("s", folder, 0, b""),
        Change("w", file, 1024, b"y" * 2048),
    ]
    found = {state[file] for state in states(changes, tmp_path)}
    assert b"x" * 2048 in found and b"x" * 1024 + b"y" * 2048 in found and len(found) > 4
    assert all(content[:1024] == b"x" * 1024 for content in found)


def test_names_come_and_go_in_order_once_a_folder_is_synced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    file, fresh = str(tmp_path / "a"), str(tmp_path / "b")
    changes = [
        Change("c", fresh, 0, b""),
        Change("w", fresh, 0, b"new"),
        Change("s", fresh, 0, b""),
        Change("r", fresh, 0, file.encode()),
    ]
    found = [tuple(sorted(state.items())) for state in states(changes, tmp_path)]
    assert set(found) == {((file, b"old"),), ((file, b"old"), (fresh, b"new")), ((file, b"new"),)}
    assert states([*changes, Change("s", str(tmp_path), 0, b"")], tmp_path) == [{file: b"new"}] * 200


@pytest.mark.parametrize("number", range(8))
def test_texts_that_hypothesis_chooses_are_understood_or_refused(
    number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    reader = readers(tmp_path_factory.mktemp("texts"))[number]
    pieces = st.one_of(st.sampled_from(TOKENS), st.sampled_from(reader.corpus), st.text(max_size=9))

    @settings(max_examples=60)
    @given(st.lists(pieces, max_size=12).map("".join))
    def understood_or_refused(text: str) -> None:
        assert judged(reader.read, text) is None

    understood_or_refused()
    assert isinstance(reader, Reader)
