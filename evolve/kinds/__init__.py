"""The kinds of genomes that evolve: ONE file and one row a kind, with all that evolution asks of it.

A kind is the section `[genome]` of an experiment's file, so its keys are fields. The genome itself is a file in
`genomes`.

- `kind`: what evolution asks of every kind
- `lookups`, `formulas`, `machines`, `groups`: one kind each

To add one: a file with a class that fills in all of `Kind` (what it leaves out is an error when it is used), and its
place in `KINDS`.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Tag

from evolve.kinds.formulas import Formulas
from evolve.kinds.groups import Groups
from evolve.kinds.kind import Genome, Kind
from evolve.kinds.lookups import Lookups
from evolve.kinds.machines import Machines

__all__ = ["KINDS", "Formulas", "Genome", "GenomeSection", "Groups", "Kind", "Lookups", "Machines", "kind_of"]

KINDS: dict[str, type[Kind]] = {
    kind.model_fields["kind"].default: kind for kind in (Lookups, Formulas, Machines, Groups)
}
"""Every kind by its name in the file; the first is the default."""


def kind_of(genome: Any) -> str:
    """The name of the kind that a section, as read or as checked, says it is of."""
    default = next(iter(KINDS))
    found = genome.get("kind", default) if isinstance(genome, dict) else getattr(genome, "kind", default)
    return found if isinstance(found, str) else repr(found)


if TYPE_CHECKING:
    GenomeSection = Kind
else:
    _tagged = [Annotated[kind, Tag(name)] for name, kind in KINDS.items()]
    GenomeSection = Annotated[reduce(or_, _tagged), Discriminator(kind_of)]
"""The type of the section `[genome]`."""
