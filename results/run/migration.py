"""A run of an earlier format becomes one of ours, when it is opened to be written.

Format 1 did not tie rows to their run and had one copy of `meta`; before format 3 there were no censuses, and there
are none of the generations until then. Every row is read and checked, and written again into a new file that takes the
old one's place when it is whole. Its hashes stay: they go on from where they began, and a run of the same experiment
that is begun today may have others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from results.run.births import BirthRow
from results.run.database import connect, insert, new_file, read_head, write_head
from results.run.meta import NO_RUN, Meta
from results.run.place import BEFORE, BESIDE, NEXT, put_in_place, sync_folder
from results.run.populations import Population
from results.run.rows import Digests, GenerationRow, LeadingBehaviour, Limits, Row


def migrate(file: Path, meta: Meta, format: int, limits: Limits) -> None:
    """Change a run of an earlier format to ours; raises DamageError, and changes nothing, where it is damaged."""
    fresh = file.with_name(file.name + ".new")
    old = Digests(NO_RUN if format == 1 else meta.run)
    with ExitStack() as stack:
        source = stack.enter_context(closing(connect(file.as_uri() + "?mode=rw")))
        head = read_head(source, old)
        meta = meta._replace(run=os.urandom(16), counted=head.number + 1)
        digests = Digests(meta.run)
        target = stack.enter_context(closing(new_file(fresh, meta)))
        target.execute("BEGIN IMMEDIATE")
        read: dict[str, Callable[[Row], Row]] = {
            "generations": lambda row: digests.row("generations", *GenerationRow.of_row(row, old)),
            "populations": lambda row: Population.of_row(row, old, limits).row(bool(row[1]), digests),
            "births": lambda row: digests.row("births", *BirthRow.of_row(row, old, limits)),
            "behaviours": lambda row: _behaviour(row, old, limits).row(row[0], digests),
        }
        for table, change in read.items():
            insert(target, table, (change(row) for row in source.execute(f"SELECT * FROM {table}")))
        write_head(target, head, digests)
        target.execute("COMMIT")
    fresh.replace(file.with_name(file.name + NEXT))
    sync_folder(file.parent)
    put_in_place(file)
    for suffix in ("", *BESIDE):
        file.with_name(file.name + BEFORE + suffix).unlink(missing_ok=True)


def _behaviour(row: Row, digests: Digests, limits: Limits) -> LeadingBehaviour:
    return LeadingBehaviour.of_row(row, digests, limits)[1]
