"""What `--vary` means in `tournament` and `match`: one option of theirs at many values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.screen import inches, new_table, rules_of, say, show, show_json, write_text

if TYPE_CHECKING:
    from engine import Rules
    from engine.pairs.varied import Variation

Vary = Annotated[
    str | None,
    typer.Option(
        metavar="KEY=LOW:HIGH:N",
        help="Along noise, continuation, turns, R, S, T, P or a mechanism's parameter (fine, fine.detection): N "
        "values from LOW to HIGH, or KEY=A,B,C.",
    ),
]
Plot = Annotated[Path | None, typer.Option(help="Draw it: a file that ends in .png, .svg or .pdf.")]
Only = Annotated[str | None, typer.Option(help="Draw only these parts, such as score,rank.")]
Title = Annotated[str | None, typer.Option(help="The figure's title.")]
PlotSize = Annotated[
    str | None, typer.Option("--size", metavar="WxH", help="Its width and height in inches.")
]

PLAIN = ("noise", "continuation", "turns")
PAYOFFS = ("R", "S", "T", "P")

ROWS_SHOWN = 21
"""Values of a parameter in a printed table; of more, every so many."""


@dataclass(frozen=True)
class Figure:
    """How a figure was asked for."""

    file: Path | None
    only: str | None = None
    title: str | None = None
    size: str | None = None

    def options(self) -> dict[str, Any]:
        """As a plot function takes them."""
        parts = None if self.only is None else [word.strip() for word in self.only.split(",")]
        return {"only": parts, "title": self.title, "size": inches(self.size)}


def points_of(text: str) -> tuple[str, list[float]]:
    """``noise=0:0.1:21`` or ``turns=1,2,5`` as the key and its values."""
    key, sign, values = (part.strip() for part in text.partition("="))
    try:
        if not sign or not key:
            raise ValueError
        if ":" not in values:
            return key, [float(word) for word in values.split(",")]
        low, high, number = values.split(":")
        first, last, n = float(low), float(high), int(number)
        if n < 2:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"vary: expected KEY=LOW:HIGH:N with N of 2 or more, or KEY=A,B,C, such as noise=0:0.1:21, got {text!r}"
        ) from None
    found = [first + (last - first) * k / (n - 1) for k in range(n)]
    found[-1] = last
    if key == "turns":
        return key, sorted({float(round(value)) for value in found})
    return key, found


def rules_along(
    key: str,
    *,
    turns: int | None,
    continuation: float | None,
    limit_of_means: bool,
    noise: float,
    payoffs: str,
    mechanisms: Sequence[str] | None,
) -> Callable[[float], Rules]:
    """The rules of the options with another value of one of them; ValueError for a key that is none."""
    options: dict[str, Any] = {
        "turns": turns, "continuation": continuation, "limit_of_means": limit_of_means, "noise": noise,
        "payoffs": payoffs, "mechanisms": list(mechanisms or ()),
    }  # fmt: skip
    name = key.removeprefix("payoffs.")
    if name in PAYOFFS:
        words = payoffs.split(",")

        def with_payoff(value: float) -> Rules:
            changed = [
                repr(value) if letter == name else word for letter, word in zip(PAYOFFS, words, strict=True)
            ]
            return rules_of(**options | {"payoffs": ",".join(changed)})

        return with_payoff
    if key in PLAIN:
        return lambda value: rules_of(**options | {key: _whole(key, value) if key == "turns" else value})
    return _mechanism_along(key, options)


def _whole(key: str, value: float) -> int:
    if value != int(value):
        raise ValueError(f"{key}: expected a whole number, got {value:g}")
    return int(value)


def _mechanism_along(key: str, options: dict[str, Any]) -> Callable[[float], Rules]:
    """Along a parameter of a mechanism: ``fine`` is its first, ``fine.detection`` another."""
    from engine.mechanisms import parse

    given = [parse(text) for text in options["mechanisms"]]
    known: dict[
        str, tuple[int, str, bool]
    ] = {}  # key: which mechanism, which of its fields, a whole number or not
    for place, one in enumerate(given):
        numbers = [field for field in dataclasses.fields(one) if field.type != "str"]
        for field in numbers:
            found = place, field.name, field.type == "int"
            known.setdefault(f"{one.name}.{field.name}", found)
            if field is numbers[0]:
                known.setdefault(one.name, found)
    if key not in known:
        raise ValueError(
            f"vary: expected one of {', '.join([*PLAIN, *PAYOFFS, *known])}, got {key!r}; a mechanism's parameter "
            "varies where a --mechanism has it"
        )
    place, parameter, whole = known[key]

    def with_parameter(value: float) -> Rules:
        changed = list(given)
        changed[place] = dataclasses.replace(
            given[place], **{parameter: _whole(key, value) if whole else value}
        )
        return rules_of(**options | {"mechanisms": [str(one) for one in changed]})

    return with_parameter


def show_variation(found: Variation, figure: Figure, csv: Path | None, *, as_json: bool) -> None:
    """Print scores along the parameter, by numbered columns, and draw and write what was asked for."""
    if figure.file is not None:
        from results.plots.round_robins import varied
        from results.plots.style import save

        save(varied(found, **figure.options()), figure.file)
    if csv is not None:
        write_text("csv", csv, csv_text(found))
    if as_json:
        show_json(
            {
                "parameter": found.parameter, "values": found.values.tolist(), "names": list(found.names),
                "scores": found.scores.tolist(), "cooperation": found.cooperation.tolist(),
                "ranks": found.ranks.tolist(),
            }
        )  # fmt: skip
        return
    every = -(-len(found.values) // ROWS_SHOWN)
    best = found.scores.argmax(axis=1)
    table = new_table(found.parameter, *(str(k) for k in range(1, len(found.names) + 1)), "best")
    for v in range(0, len(found.values), every):
        row = [f"{score:.3f}" for score in found.scores[v].tolist()]
        table.add_row(f"{found.values[v]:.6g}", *row, found.names[int(best[v])])
    say(*(f"{k:3d} {name}" for k, name in enumerate(found.names, 1)))
    show(table)
    if every > 1:
        say(f"payoff per turn, every {every} of {len(found.values)} values")
    for path in (figure.file, csv):
        if path is not None:
            say(f"wrote {path}", aside=True)


def csv_text(found: Variation) -> str:
    """One row a value and strategy."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = found.columns()
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()
