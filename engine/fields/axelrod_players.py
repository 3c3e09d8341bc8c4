"""The strategies of the library Axelrod as opponents (extra ``[axelrod]``; imported only when one has to play).

Who is in the library, and of which kind, is written down once per version beside the memo: importing the library takes
about 13 s, mostly to make every player four times.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.fields.opponents import FieldError, Opponent
from engine.game import Rules

ENTRY = "axelrod"
"""The field of the library's tournaments, its short-running fair strategies; ``axelrod:TitForTat`` is one class."""

SLOW = frozenset(
    (
        "NMWEMemoryOne",
        "MetaWinnerMemoryOne",
        "MetaMajorityMemoryOne",
        "SecondByTranquilizer",
        "FirstByGraaskamp",
    )
)
"""Strategies of the field of 4.14 that take 30 to 130 ms for 200 turns; the others take 2 ms on average."""


def installed() -> str | None:
    """The version of the library, or None where it is not installed."""
    try:
        return version("axelrod") if find_spec("axelrod") is not None else None
    except (PackageNotFoundError, ValueError):
        return None


@cache
def digest() -> str:
    """16 hexadecimal digits over the library's version and the source of all its players and data."""
    spec = find_spec("axelrod")
    if spec is None or spec.origin is None:
        raise _missing()
    root = Path(spec.origin).parent
    files = sorted(
        f for f in root.rglob("*") if f.suffix in (".py", ".csv", ".yml") and "tests" not in f.parts
    )
    total = hashlib.sha256(str(installed()).encode())
    for file in files:
        total.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return total.hexdigest()[:16]


@cache
def library() -> Any:
    """The module, imported; FieldError where it is not installed."""
    if installed() is None:
        raise _missing()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import axelrod
        except ImportError as error:
            raise FieldError(f"field: expected the library Axelrod with all it needs, got: {error}") from None
    return axelrod


def _missing() -> FieldError:
    return FieldError(
        "field: expected the library Axelrod to be installed: pip install 'evolve-ipd[axelrod]' (docs/how-to/fields.md "
        "says how without the large build of torch)"
    )


def opponents(entry: str, folder: Path) -> list[Opponent]:
    """The opponents that ``axelrod`` or ``axelrod:Class`` brings; `folder` keeps the list of the library's players."""
    table = _table(folder)
    _, colon, wanted = entry.partition(":")
    names = [name for name, row in table.items() if row["field"]] if not colon else [wanted]
    if colon and wanted not in table:
        raise FieldError(f"field: expected a class of the library Axelrod {installed()}, got {wanted!r}")
    return [_opponent(name, table[name], entry) for name in names]


def class_name(digest: str) -> str:
    """The class of an opponent that was looked up in this process, by its digest."""
    return _classes[digest]


_classes: dict[str, str] = {}


def _opponent(name: str, row: dict[str, Any], entry: str) -> Opponent:
    mine = hashlib.sha256(f"axelrod {digest()} {name}".encode()).hexdigest()[:16]
    _classes[mine] = name
    return Opponent(
        name=row["name"],
        entry=entry,
        kind="unusable" if row["unfair"] else "stochastic" if row["stochastic"] else "deterministic",
        digest=mine,
        slow=name in SLOW or row["long"],
        reads=tuple(row["reads"]),
        reason="reads or changes its opponent" if row["unfair"] else "",
        make=lambda: LibraryPlayer(name),
    )


def _table(folder: Path) -> dict[str, dict[str, Any]]:
    """What the library's players are, by class name, in the library's order."""
    if installed() is None:
        raise _missing()
    file = folder / f"axelrod-{digest()}.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if _well_formed(found):
            return dict(found)
    except (OSError, ValueError):
        pass
    table = _looked_up()
    folder.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(json.dumps(table, indent=1), encoding="utf-8")
    fresh.replace(file)
    return table


def _well_formed(found: object) -> bool:
    return isinstance(found, dict) and all(
        isinstance(row, dict)
        and isinstance(row.get("name"), str)
        and isinstance(row.get("reads"), list)
        and all(isinstance(row.get(key), bool) for key in ("field", "stochastic", "long", "unfair"))
        for row in found.values()
    )


def _looked_up() -> dict[str, dict[str, Any]]:
    axl = library()
    field = set(axl.short_run_time_strategies)
    table = {}
    for cls in axl.all_strategies:
        player = cls()
        uses: Sequence[str] = sorted(axl.Classifiers["makes_use_of"](player))
        table[cls.__name__] = {
            "name": str(player),
            "field": cls in field,
            "stochastic": bool(axl.Classifiers["stochastic"](player)),
            "long": bool(axl.Classifiers["long_run_time"](player)),
            "unfair": not axl.Classifiers.obey_axelrod(player),
            "reads": ["payoffs" if use == "game" else use for use in uses],
        }
    return table


class LibraryPlayer:
    """A player of the library as a `Player` of ours, set up as the library's `Match` sets it up."""

    def __init__(self, name: str) -> None:
        axl = library()
        self._axl = axl
        self._player = getattr(axl, name)()
        self._chance = bool(axl.Classifiers["stochastic"](self._player))
        self._seen = axl.Player()
        self._moves = (axl.Action.C, axl.Action.D)
        self._game: tuple[Any, Any] = (None, None)

    def begin(self, seed: int | None, rules: Rules) -> None:
        """Ready for a match."""
        if self._game[0] != rules.game:
            g = rules.game
            self._game = (g, self._axl.Game(r=g.R, s=g.S, t=g.T, p=g.P))
        told = {"length": rules.turns, "game": self._game[1], "noise": rules.noise}
        self._player.set_match_attributes(**told)
        self._player.reset()
        self._player.set_match_attributes(**told)
        if self._chance:
            self._player.set_seed(seed)
        self._seen.reset()

    def reset(self) -> None:
        self.begin(0 if self._chance else None, Rules())

    def move(self) -> int:
        return int(self._player.strategy(self._seen) is self._moves[1])

    def observe(self, own: int, opponent: int) -> None:
        a, b = self._moves[own], self._moves[opponent]
        self._player.update_history(a, b)
        self._seen.update_history(b, a)
