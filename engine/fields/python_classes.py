"""Users' own classes as opponents: ``module:Class``.

Their code runs only when the caller or the command line has allowed the module (`allow`, ``--allow module``), never
because an experiment or a run file names it. A class is tried in a process of its own before it joins a field.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from engine.fields.opponents import FieldError, Opponent
from genomes.strategy import Player

ALLOWED = "EVOLVE_ALLOW"
"""Environment variable with the modules that may run, so that worker processes are told too."""

TRIAL_SECONDS = 30.0
"""A trial that takes longer is given up."""


def allow(*modules: str) -> None:
    """Let classes of these modules play in this process and in the workers that it starts."""
    for module in modules:
        if not all(part.isidentifier() for part in module.split(".")):
            raise ValueError(f"allow: expected the name of a module, got {module!r}")
    os.environ[ALLOWED] = ",".join(dict.fromkeys([*allowed(), *modules]))


def allowed() -> list[str]:
    """The modules that may run."""
    return [name for name in os.environ.get(ALLOWED, "").split(",") if name]


def opponents(entry: str) -> list[Opponent]:
    """The opponent that ``module:Class`` stands for; FieldError where its module is not allowed."""
    module = entry.partition(":")[0]
    if module not in allowed():
        raise FieldError(
            f"field: expected a module that is allowed, got {entry!r}: it would run {module}; say so with "
            f"--allow {module}, or engine.fields.allow({module!r})"
        )
    digest = hashlib.sha256(f"{entry}\n".encode() + _file(module).read_bytes()).hexdigest()[:16]
    found = tried(entry, digest)
    kind = "unusable" if found["reason"] else "stochastic" if found["chance"] else "deterministic"
    return [
        Opponent(
            name=entry,
            entry=entry,
            kind=kind,  # type: ignore[arg-type]  # one of the kinds
            digest=digest,
            slow=found["slow"],
            reason=found["reason"],
            make=lambda: load(entry),
        )
    ]


def _file(module: str) -> Path:
    """The file that a module is in."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise FieldError(f"field: expected a module that Python finds, got {module!r}")
    return Path(spec.origin)


def load(entry: str) -> Player:
    """A player of a class, made without arguments."""
    module, _, name = entry.partition(":")
    if module not in allowed():
        raise FieldError(f"field: expected a module that is allowed, got {entry!r}")
    made: Any = getattr(importlib.import_module(module), name)()
    missing = [part for part in ("reset", "move", "observe") if not callable(getattr(made, part, None))]
    if missing:
        raise FieldError(
            f"{entry}: expected a class with reset, move and observe, got none with {missing[0]}"
        )
    if not hasattr(made, "begin") and hasattr(made, "seed"):
        return _Told(made)
    return cast(Player, made)


class _Told:
    """A class with `seed(number)`, which is called before every match."""

    def __init__(self, player: Any) -> None:
        self._player = player
        self.move, self.observe, self.reset = player.move, player.observe, player.reset
        self.chance = bool(getattr(player, "chance", True))

    def begin(self, seed: int | None, rules: Any) -> None:
        self._player.seed(0 if seed is None else seed)
        self._player.reset()


@cache
def tried(entry: str, digest: str) -> dict[str, Any]:
    """What a class does in a process of its own: `reason` it cannot be met, `chance`, `slow`."""
    module = entry.partition(":")[0]
    file = _file(module)
    folder = file.parents[module.count(".") + (file.name == "__init__.py")]
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "engine.fields.trying", entry],
            capture_output=True, text=True, timeout=TRIAL_SECONDS, env=environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {
            "reason": f"takes more than {TRIAL_SECONDS:g} s for four matches",
            "chance": False,
            "slow": True,
        }
    for line in reversed(done.stdout.splitlines()):
        try:
            said = json.loads(line)
            return {
                "reason": str(said["reason"])[:200],
                "chance": bool(said["chance"]),
                "slow": bool(said["slow"]),
            }
        except (ValueError, LookupError, TypeError):
            continue  # what the class printed
    return {"reason": f"ends its process (exit code {done.returncode})", "chance": False, "slow": True}
