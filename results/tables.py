"""What a run holds as tables and as trees: columns for data frames and CSV, the ALife standard, Newick.

`Run.frame` and the command `export` give these. Nothing here is needed to write or to read a run.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.likeness import called
from results.records import BirthId

if TYPE_CHECKING:
    from results.run.store import Run

Columns = dict[str, Sequence[Any]]
"""Columns by their heads, all of one length."""


def statistics(run: Run) -> Columns:
    """One row a generation: what `Run.statistics` gives."""
    return {name: column.tolist() for name, column in run.statistics().items()}


def leaders(run: Run) -> Columns:
    """One row a generation and leading behaviour: its key, what it is called, how many, an example of its genomes."""
    table = run.leaders()
    labels = [called(b.name, b.behaviour, b.genome) for b in table.behaviours]
    place = table.behaviour.tolist()
    return {
        "generation": table.generation.tolist(),
        "behaviour": [table.behaviours[b].behaviour for b in place],
        "name": [table.behaviours[b].name for b in place],
        "label": [labels[b] for b in place],
        "count": table.count.tolist(),
        "genome": [table.behaviours[b].genome for b in place],
    }


def births(run: Run) -> Columns:
    """One row an individual that is kept: the living and their ancestors, or everybody where the lineage is full."""
    everyone = run.kept_births()
    return {
        "id": [str(birth.id) for birth in everyone],
        "generation": [birth.id.generation for birth in everyone],
        "island": [birth.id.island for birth in everyone],
        "slot": [birth.id.slot for birth in everyone],
        "parent": [str(birth.parents[0]) if birth.parents else None for birth in everyone],
        "mate": [str(birth.parents[1]) if len(birth.parents) > 1 else None for birth in everyone],
        "origin": [birth.origin for birth in everyone],
        "genome": [birth.genome for birth in everyone],
        "behaviour": [birth.behaviour for birth in everyone],
    }


TABLES: dict[str, Callable[[Run], Columns]] = {"statistics": statistics, "leaders": leaders, "births": births}
"""Every table of a run by its name."""


def table_of(run: Run, what: str) -> Columns:
    """A table of a run by its name; ValueError for another."""
    if what not in TABLES:
        raise ValueError(f"table: expected one of {', '.join(TABLES)}, got {what!r}")
    with run.snapshot():
        return TABLES[what](run)


def csv_text(columns: Mapping[str, Sequence[Any]]) -> str:
    """Columns as CSV with a line of heads; what is not there is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def alife(run: Run) -> Columns:
    """The phylogeny in the ALife data standard: ``id``, ``ancestor_list``, ``origin_time``, and our columns.

    Dolson et al., "Data standards for artificial life software" (2019). Ids are numbered from 0 in order of birth; an
    ancestor that is not kept is left out of the list; a founder's is ``[none]``. The time is the generation of birth.
    """
    with run.snapshot():
        everyone = run.kept_births()
    number = {birth.id: n for n, birth in enumerate(everyone)}
    ancestors = [[number[parent] for parent in birth.parents if parent in number] for birth in everyone]
    return {
        "id": list(range(len(everyone))),
        "ancestor_list": [f"[{','.join(map(str, found)) or 'none'}]" for found in ancestors],
        "origin_time": [birth.id.generation for birth in everyone],
        "birth": [str(birth.id) for birth in everyone],
        "origin": [birth.origin for birth in everyone],
        "genome": [birth.genome for birth in everyone],
        "behaviour": [birth.behaviour for birth in everyone],
    }


def newick(run: Run) -> str:
    """The trees of the living along the primary parents, one a line for each founder, in Newick's notation.

    Labels are birth ids, lengths generations; a line of only children is one branch. Whoever is alive is a leaf that
    ends in the last generation, also beside children of its own.
    """
    with run.snapshot():
        last, latest = run.generation, run.latest()
        living = () if latest is None else latest.population
        everyone = run.ancestry(birth.id for birth in living)
    alive = {birth.id for birth in living}
    children: dict[BirthId, list[BirthId]] = {}
    for birth in everyone.values():
        if birth.parents:
            children.setdefault(birth.parents[0], []).append(birth.id)
    text: dict[BirthId, tuple[str, int]] = {}  # the subtree of each, and the generation where it begins
    for id in reversed(everyone):  # children before their parents
        parts = [_branch(*text.pop(child), id.generation) for child in children.get(id, ())]
        if id in alive:
            if not parts:
                text[id] = f"{id}", last
                continue
            parts.append(f"{id}:{last - id.generation}")
        if len(parts) == 1:  # an only child continues the line
            body, _, length = parts[0].rpartition(":")
            text[id] = body, id.generation + int(length)
        else:
            text[id] = f"({','.join(parts)}){'' if id in alive else id}", id.generation
    return "".join(f"{_branch(body, at, id.generation)};\n" for id, (body, at) in sorted(text.items()))


def _branch(body: str, at: int, since: int) -> str:
    return f"{body}:{at - since}"


def frame_of(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Columns as a `pandas.DataFrame`; ValueError where pandas is not installed."""
    try:
        from pandas import DataFrame
    except ImportError:
        raise ValueError("frame: expected pandas to be installed: pip install 'evolve-ipd[frames]'") from None
    return DataFrame(dict(columns))


def parquet(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns as a Parquet file; ValueError where pandas or pyarrow is not installed."""
    table = frame_of(columns)
    out = io.BytesIO()
    try:
        table.to_parquet(out, index=False)
    except ImportError:
        raise ValueError(
            "parquet: expected pyarrow to be installed: pip install 'evolve-ipd[frames]'"
        ) from None
    return out.getvalue()
