"""A trial of a user's class, in a process of its own: ``python -m engine.fields.trying module:Class``.

It plays four matches and prints one line of JSON: why the class cannot be met ("" where it can), whether it draws
moves, whether it says that it is slow (``slow = True``).
"""

from __future__ import annotations

import json
import sys

from engine.fields.opponents import AutomatonPlayer, real_match
from engine.fields.python_classes import load
from engine.game import Rules
from genomes.reading import resolve
from genomes.strategy import is_compiled

TURNS = 200


def trial(entry: str) -> dict[str, object]:
    """Two pairs of matches that have to be equal, whatever was played between them."""
    rules, chance, slow = Rules(turns=TURNS), False, False
    try:
        player = load(entry)
        chance, slow = (bool(getattr(player, name, False)) for name in ("chance", "slow"))
        played = []
        for text in ("memory(1,1) cCDDC", "random", "random", "memory(1,1) cCDDC"):
            ours = resolve(text)
            assert is_compiled(ours)
            walker = AutomatonPlayer(ours)
            played.append(real_match(walker, player, 7, rules, chance=(text == "random", chance)))
    except Exception as error:
        return {"reason": f"raises {type(error).__name__}: {error}", "chance": chance, "slow": slow}
    alike = (played[0] == played[3]).all() and (played[1] == played[2]).all()
    reason = (
        "" if alike else "does not play alike twice with one seed (it keeps something from match to match)"
    )
    return {"reason": reason, "chance": chance, "slow": slow}


if __name__ == "__main__":
    found = trial(sys.argv[1])
    print("\n" + json.dumps(found), flush=True)
