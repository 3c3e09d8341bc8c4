"""What a strategy IS: genomes, the automata they compile to, and the catalogue of named ones.

- `lookup`: memory(x,y) tables of replies, `LookupGenome`; `classes`: all of a memory, `complete_class`
- `machine`: finite state machines, `MachineGenome`
- `group`: tables for groups of n players, `GroupGenome`
- `formula`: Ord's first-order language, `FormulaGenome`
- `variation`: random genomes, mutation and crossover by declared laws
- `automaton`: the phenotype, `Automaton`, and its canonical form, the behaviour
- `minimise`: the compiled kernels behind canonical forms
- `counting`: strategies that count, automata only within a horizon
- `texts`: text from outside as it can be shown, escaped and cut
- `strategy`: what every strategy has, and how one may be given (`StrategyLike`)
- `catalogue`: named strategies; `reading`: from a name, a text or an object to the strategy it stands for
- `registration`: names of one's own in a process, and those that installed packages offer

To add a genome kind: a file with an immutable class that has `parse`, ``__str__`` and ``automaton(turns)``,
a line in `reading.parse`, and its text in `tests/strategies.py`, which enters it in the shared tests.
"""

from genomes import catalogue
from genomes.automaton import Automaton, C, D
from genomes.classes import complete_class
from genomes.formula.genome import FormulaGenome
from genomes.formula.syntax import FormulaSyntaxError
from genomes.group import GroupGenome
from genomes.lookup import LookupGenome
from genomes.machine import MachineGenome
from genomes.reading import parse
from genomes.registration import register
from genomes.strategy import Player

__all__ = [
    "Automaton",
    "C",
    "D",
    "FormulaGenome",
    "FormulaSyntaxError",
    "GroupGenome",
    "LookupGenome",
    "MachineGenome",
    "Player",
    "catalogue",
    "complete_class",
    "parse",
    "register",
]
