"""What a strategy EARNS: the games, and play that is exact before it is sampled.

- `game`: payoffs (`Game`) and conditions (`Rules`); `intervals`: how sure an estimate is
- `mechanisms`: what a designer adds to a game (`mechanism`: what one is), `stage`: what a turn is then worth,
  `ledger`: who paid what
- `names`: what a strategy is called; `likeness`: what it is most like; `properties`: nice, retaliating, forgiving ...
- `pairs`: two players meet, `play`, `expected` and `round_robin`
- `societies`: everybody sees everything, `society`
- `ecologies`: populations that grow by what they earn, `ecology`; `growth`: the two rules they grow by
- `stability`: certificates against every mutant, scans, partners and rivals, and the chance to take over a finite
  population
- `group_games`, `groups`: public goods and commons of n players
- `record`: partners change every round, and show their last move with some probability

Each room has a file `kernels` with its compiled loops.
"""

from importlib.util import find_spec
from pathlib import Path

_HERE = Path(__file__).resolve().parent.parent
# A file of the user's own with such a name, beside a script, is found first.
for _name in ("genomes",):
    _found = getattr(find_spec(_name), "origin", None)
    if _found is None or Path(_found).resolve().parent.parent != _HERE:
        raise ImportError(
            f"{_name}: expected the package in {_HERE}, got {_found}, which is found first: rename it"
        )

from engine.ecologies import Comparison, EcologyResult, compare, ecology
from engine.game import Game, Rules
from engine.ledger import Ledger
from engine.likeness import Family, families, family, label_of, nearest
from engine.names import name_of
from engine.pairs.meetings import Meeting, Play, expected, play
from engine.pairs.tournament import PayoffTable, round_robin
from engine.pairs.varied import Variation, vary
from engine.properties import Traits, traits
from engine.societies.sipd import SocietyResult, play_table, society
from engine.stability.certificates import BestResponse, best_response, nash_gap
from engine.stability.fixation import Kappa, fixation_probability, kappa, log_fixation, pair_table
from engine.stability.indirect import in_society, indirect_invasions
from engine.stability.rare_mutations import LongRun, long_run
from engine.stability.rivals import Rivalry, rivalry
from engine.stability.scans import Scan, scan

__all__ = [
    "BestResponse",
    "Comparison",
    "EcologyResult",
    "Family",
    "Game",
    "Kappa",
    "Ledger",
    "LongRun",
    "Meeting",
    "PayoffTable",
    "Play",
    "Rivalry",
    "Rules",
    "Scan",
    "SocietyResult",
    "Traits",
    "Variation",
    "best_response",
    "compare",
    "ecology",
    "expected",
    "families",
    "family",
    "fixation_probability",
    "in_society",
    "indirect_invasions",
    "kappa",
    "label_of",
    "log_fixation",
    "long_run",
    "name_of",
    "nash_gap",
    "nearest",
    "pair_table",
    "play",
    "play_table",
    "rivalry",
    "round_robin",
    "scan",
    "society",
    "traits",
    "vary",
]


def __dir__() -> list[str]:
    return __all__
