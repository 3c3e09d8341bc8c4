"""A strategy as source text of a player for the library Axelrod: a class with a table that needs nothing of ours."""

from __future__ import annotations

import keyword
import re

from engine.fields.declared import automaton_of
from engine.fields.opponents import FieldError
from engine.game import Rules
from genomes.machine import MachineGenome
from genomes.reading import label, resolve
from genomes.strategy import StrategyLike

MOVES = "CD"


def library_source(strategy: StrategyLike, name: str = "Evolved") -> str:
    """Python source of a class `name` that plays a strategy of pure moves as `axelrod.Player`.

    A machine becomes an `FSMPlayer` with its transitions; any other automaton follows its table of states, by its own
    realised moves too. FieldError for strategies with chance, or that need more turns than they can count.

    >>> print(library_source("memory(0,1) cCD", "Echo").splitlines()[-1])
            return self.moves[self.state]
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise FieldError(f"name: expected the name of a class, got {name!r}")
    found = resolve(strategy)
    said = re.sub(r"[^ -~]|[\\\\\"]", "?", label(strategy))
    opening = (
        f'"""{said}, as a player of the library Axelrod."""\n\n'
        "import axelrod as axl\n\nC, D = axl.Action.C, axl.Action.D\n\n"
    )
    if isinstance(found, MachineGenome):
        return opening + _machine(found, name)
    automaton = automaton_of(strategy, Rules(turns=200, noise=0.01))
    if not automaton.deterministic:
        raise FieldError(f"strategy: expected pure moves, got {label(strategy)!r}, which has chance")
    moves = ", ".join(MOVES[int(p)] for p in automaton.defect.tolist())
    rows = "".join(f"\n        {tuple(row)}," for row in automaton.successors.tolist())
    return opening + TABLE.format(name=name, moves=moves + ",", rows=rows)


def _machine(machine: MachineGenome, name: str) -> str:
    rows = "".join(
        f"\n            ({state}, {MOVES[seen]}, {machine.successors[state][seen]}, "
        f"{MOVES[machine.replies[state][seen]]}),"
        for state in range(len(machine))
        for seen in (0, 1)
    )
    return MACHINE.format(name=name, rows=rows, start=machine.start, first=MOVES[machine.first])


MACHINE = '''
class {name}(axl.FSMPlayer):
    """A finite state machine: (state, the opponent's move, the next state, the reply)."""

    name = "{name}"

    def __init__(self):
        transitions = ({rows}
        )
        super().__init__(transitions=transitions, initial_state={start}, initial_action={first})
'''

TABLE = '''
class {name}(axl.Player):
    """An automaton: the move of each state, and the next state after CC, CD, DC and DD (the own move first)."""

    name = "{name}"
    classifier = {{
        "memory_depth": float("inf"),
        "stochastic": False,
        "long_run_time": False,
        "inspects_source": False,
        "manipulates_source": False,
        "manipulates_state": False,
    }}
    moves = ({moves})
    leads = ({rows}
    )

    def __init__(self):
        super().__init__()
        self.state = 0

    def strategy(self, opponent):
        if self.history:
            own, other = self.history[-1] is D, opponent.history[-1] is D
            self.state = self.leads[self.state][2 * own + other]
        return self.moves[self.state]
'''
