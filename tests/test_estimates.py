"""A generation that will take minutes is announced before it is begun, with the ways out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evolve import Experiment
from evolve.estimates import warning

LONG = {"x": 6, "y": 6}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"genome": LONG, "rules": {"noise": 0.01}}, "minutes"),
        ({"genome": LONG, "rules": {"noise": 0.01, "limit_of_means": True}}, "hours"),
        ({"genome": LONG | {"stochastic": True}}, "minutes"),
        ({"genome": LONG}, None),
        ({"genome": {"x": 3, "y": 3}, "rules": {"noise": 0.01}}, None),
        ({"genome": LONG, "rules": {"noise": 0.01}, "population": {"size": 10}}, None),
    ],
)
def test_what_takes_minutes_is_announced(settings: dict[str, Any], said: str | None) -> None:
    found = warning(Experiment(**settings))
    assert (found is None) == (said is None)
    if found is not None and said is not None:
        assert said in found and "fitness.sample = " in found and "smaller memory" in found


def test_the_way_out_is_one() -> None:
    assert warning(Experiment(genome=LONG, rules={"noise": 0.01}, fitness={"sample": 5})) is None


def test_the_command_says_so_before_it_begins(
    tmp_path: Path, evolve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evolve.estimates.LONG_SECONDS", 1e-6)
    file = tmp_path / "x.toml"
    file.write_text(
        'name = "x"\ngenerations = 1\n[rules]\nnoise = 0.1\nturns = 5\n[genome]\nx = 1\ny = 1\n[population]\nsize = 8\n'
    )
    code, _, err = evolve("run", str(file), "--out", str(tmp_path / "run"))
    assert code == 0 and err.startswith("a generation takes about ")
    _, _, err = evolve("run", str(file), "--out", str(tmp_path / "run"))
    assert "a generation takes" not in err
