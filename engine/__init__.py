"""What a strategy EARNS: the games, and play that is exact before it is sampled.

- `game`: payoffs (`Game`) and conditions (`Rules`)
- `behaviours`: strategies compiled to distinct behaviours, and the choice of kernel for each pair
- `match`: one meeting, move by move (`play`) or in expectation (`expected`)
- `tournament`: `round_robin` and its `PayoffTable`
- `society`: everybody sees everything: `society` and its `SocietyResult` (with `society_machine`,
  `society_program`, `society_scopes`)
- `stability`: the best response of any memory and the Nash gap; `scans`: all pure mutants of a memory;
  `indirect`: neutral steps and third parties; `fixation`: the chance to take over a finite population
- `ecology`: populations that grow by what they earn, `ecology` and its `EcologyResult`
- `battery`: how formulas behave, as far as tested
- `threads`: blocks of a round robin on all cores of a machine
- `kernels`, `society_kernels`, `stability_kernels`: every compiled loop

To add a way of meeting: a function in its own file that takes strategies and `Rules`, its kernel in
`kernels`, and its plain-Python twin in `tests/reference.py`.
"""

from engine.ecology import EcologyResult, compare, ecology
from engine.game import Game, Rules
from engine.match import expected, play
from engine.society import SocietyResult, play_table, society
from engine.tournament import PayoffTable, round_robin

__all__ = [
    "EcologyResult",
    "Game",
    "PayoffTable",
    "Rules",
    "SocietyResult",
    "compare",
    "ecology",
    "expected",
    "play",
    "play_table",
    "round_robin",
    "society",
]
