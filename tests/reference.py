"""The oracle: everything played in plain Python, slowly and obviously.

Nothing here imports the fast paths. A strategy is a function of both histories that returns its probability
of defection; expected payoffs follow every history that can happen with its probability.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from itertools import product

import numpy as np

Rule = Callable[[list[int], list[int]], float]
"""(own history, opponent's history) -> probability of D."""

PAYOFFS = {(0, 0): 3.0, (0, 1): 0.0, (1, 0): 5.0, (1, 1): 1.0}


def lookup_rule(x: int, y: int, opening: tuple[float, ...], replies: tuple[float, ...], z: int = 0) -> Rule:
    """memory(x,y,z) read literally: replies indexed by own moves oldest first, then the opponent's, then its first."""

    def rule(own: list[int], opponent: list[int]) -> float:
        turn = len(own)
        if turn < max(x, y, z):
            return 1.0 - opening[turn]
        bits = own[turn - x :] + opponent[turn - y :] + opponent[:z]
        index = int("".join(map(str, bits)) or "0", 2)
        return 1.0 - replies[index]

    return rule


def automaton_rule(defect: list[float], successors: list[list[int]]) -> Rule:
    """The automaton walked from its first state through both histories."""

    def rule(own: list[int], opponent: list[int]) -> float:
        state = 0
        for a, b in zip(own, opponent, strict=True):
            state = successors[state][2 * a + b]
        return defect[state]

    return rule


def machine_rule(first: str, start: int, rows: Sequence[tuple[int, str, int, str]]) -> Rule:
    """A finite state machine read from rows (state, opponent's move, next state, own reply)."""
    table = {(state, move): (target, reply) for state, move, target, reply in rows}

    def rule(own: list[int], opponent: list[int]) -> float:
        state, move = start, first
        for played in opponent:
            state, move = table[state, "CD"[played]]
        return float(move == "D")

    return rule


def play(a: Rule, b: Rule, turns: int, flips: list[tuple[bool, bool]] | None = None) -> list[tuple[int, int]]:
    """One meeting of pure strategies; `flips` says which moves slip."""
    own: list[int] = []
    other: list[int] = []
    for turn in range(turns):
        x, y = a(own, other), b(other, own)
        assert x in (0.0, 1.0) and y in (0.0, 1.0)
        slip = flips[turn] if flips else (False, False)
        own.append(int(x) ^ slip[0])
        other.append(int(y) ^ slip[1])
    return list(zip(own, other, strict=True))


def counts(a: Rule, b: Rule, turns: int) -> list[int]:
    """Number of turns with each joint move CC, CD, DC, DD."""
    seen = Counter(play(a, b, turns))
    return [seen[0, 0], seen[0, 1], seen[1, 0], seen[1, 1]]


def lasting_counts(a: Rule, b: Rule, turns: int, memory: int) -> list[int]:
    """`counts` over any number of turns, for two that remember `memory` turns: what came once comes again."""
    moves = play(a, b, 4**memory + 2 * memory + 1)
    since: dict[tuple[tuple[int, int], ...], int] = {}
    for turn in range(memory, len(moves)):
        before = tuple(moves[turn - memory : turn])
        if before in since:
            start, round_of = since[before], moves[since[before] : turn]
            break
        since[before] = turn
    seen = Counter(moves[: min(start, turns)])
    for k, move in enumerate(round_of):
        seen[move] += max(0, (turns - start - k + len(round_of) - 1) // len(round_of))
    return [seen[0, 0], seen[0, 1], seen[1, 0], seen[1, 1]]


def expected_counts(a: Rule, b: Rule, turns: int, noise: float = 0.0, discount: float = 1.0) -> list[float]:
    """Expected joint moves, turn t weighing discount**t, by following every history that can happen."""
    total = [0.0] * 4
    histories: list[tuple[list[int], list[int], float]] = [([], [], 1.0)]
    for turn in range(turns):
        following = []
        for own, other, chance in histories:
            p, q = a(own, other), b(other, own)
            p = p * (1 - noise) + (1 - p) * noise
            q = q * (1 - noise) + (1 - q) * noise
            for x in (0, 1):
                for y in (0, 1):
                    share = chance * (p if x else 1 - p) * (q if y else 1 - q)
                    if share:
                        total[2 * x + y] += share * discount**turn
                        following.append(([*own, x], [*other, y], share))
        histories = following
    return total


def markov_counts(
    defect_a: list[float], next_a: list[list[int]], defect_b: list[float], next_b: list[list[int]],
    turns: int, noise: float, discount: float = 1.0,
) -> list[float]:  # fmt: skip
    """Expected joint moves of two automata over many turns, one dictionary of joint states a turn."""
    total = [0.0] * 4
    states = {(0, 0): 1.0}
    for turn in range(turns):
        following: dict[tuple[int, int], float] = {}
        for (s, t), chance in states.items():
            p = defect_a[s] * (1 - noise) + (1 - defect_a[s]) * noise
            q = defect_b[t] * (1 - noise) + (1 - defect_b[t]) * noise
            for x in (0, 1):
                for y in (0, 1):
                    share = chance * (p if x else 1 - p) * (q if y else 1 - q)
                    total[2 * x + y] += share * discount**turn
                    target = (next_a[s][2 * x + y], next_b[t][2 * y + x])
                    following[target] = following.get(target, 0.0) + share
        states = following
    return total


def distinguishable(a: Rule, b: Rule, turns: int, *, noisy: bool) -> bool:
    """Do two strategies ever differ within `turns` turns, against any opponent (and any own slips)?"""
    histories: list[tuple[list[int], list[int]]] = [([], [])]
    for _ in range(turns):
        following = []
        for own, other in histories:
            p = a(own, other)
            if p != b(own, other):
                return True
            for x in (0, 1):
                if not noisy and p in (0.0, 1.0) and x != p:
                    continue
                following.extend(([*own, x], [*other, y]) for y in (0, 1))
        histories = following
    return False


def moore_classes(output: Sequence[Hashable], successors: list[list[int]]) -> int:
    """Number of states of the minimal automaton when every joint move can happen (Moore's algorithm)."""
    reached, queue = {0}, [0]
    while queue:
        for target in successors[queue.pop()]:
            if target not in reached:
                reached.add(target)
                queue.append(target)
    block: dict[int, Hashable] = {s: output[s] for s in reached}
    while True:
        signature = {s: (block[s], *(block[t] for t in successors[s])) for s in reached}
        numbers = {sig: k for k, sig in enumerate(dict.fromkeys(signature.values()))}
        refined: dict[int, Hashable] = {s: numbers[signature[s]] for s in reached}
        if len(set(refined.values())) == len(set(block.values())):
            return len(numbers)
        block = refined


def moran_fixation(a: Fraction, b: Fraction, c: Fraction, d: Fraction, n: int) -> Fraction:
    """Fixation probability of one mutant (payoffs a: mutant-mutant, b, c, d), in exact fractions."""
    total, product = Fraction(1), Fraction(1)
    for i in range(1, n):
        f = (a * (i - 1) + b * (n - i)) / (n - 1)
        g = (c * i + d * (n - i - 1)) / (n - 1)
        product *= g / f
        total += product
    return 1 / total


# --- the named strategies, written from their descriptions ---------------------------------------------------


def _majority(tie: float) -> Rule:
    def rule(_own: list[int], opponent: list[int]) -> float:
        c, d = opponent.count(0), opponent.count(1)
        return tie if c == d else float(d > c)

    return rule


def _periodic(moves: str) -> Rule:
    return lambda own, _: float(moves[len(own) % len(moves)] == "D")


def _gradual(own: list[int], opponent: list[int]) -> float:
    """The n-th defection it heeds: n x D, then C, C; the opponent's answer to the last C is heeded again."""
    punishments, plan = 0, []
    for move in opponent:
        if plan:
            plan.pop(0)
        elif move:
            punishments += 1
            plan = [1] * punishments + [0]  # the second C is its normal move
    return float(plan[0]) if plan else 0.0


def _prober(own: list[int], opponent: list[int]) -> float:
    turn = len(own)
    if turn < 3:
        return (1.0, 0.0, 0.0)[turn]
    if opponent[1] == 0 and opponent[2] == 0:
        return 1.0
    return float(opponent[-1])


def _slow(own: list[int], opponent: list[int]) -> float:
    if len(own) < 2:
        return 0.0
    return float(opponent[-1] if opponent[-1] == opponent[-2] else own[-1])


def _after_last(on_c: float, on_d: float) -> Rule:
    """P(D) after the opponent's C and after its D; begins with C."""
    return lambda _, opponent: (on_d if opponent[-1] else on_c) if opponent else 0.0


def _memory_one(cc: float, cd: float, dc: float, dd: float) -> Rule:
    """Probabilities of C after each joint move; begins with C."""
    return lambda own, opp: 1.0 - (cc, cd, dc, dd)[2 * own[-1] + opp[-1]] if own else 0.0


LIBRARY_MACHINES = {
    "evolved_fsm_4": ("C", 0,
        "0C0C 0D2D 1C3D 1D0C 2C2D 2D1C 3C3D 3D1D"),
    "evolved_fsm_6": ("C", 4,
        "2C2D 2D7D 3C6D 3D4C 4C4C 4D6D 5C2D 5D7D 6C3C 6D5D 7C2C 7D3D"),
    "evolved_fsm_16": ("C", 0,
        "0C0C 0D12D 1C3D 1D6C 2C2D 2D14D 3C3D 3D3D 5C12D 5D10D 6C5C 6D12D 7C3D 7D1C 8C5C "
        "8D5C 10C11D 10D8C 11C15D 11D5D 12C8C 12D11D 13C13D 13D7D 14C13D 14D13D 15C15D 15D2C"),
    "evolved_fsm_16_noise_05": ("C", 0,
        "0C8C 0D3D 1C13C 1D15D 2C12C 2D3D 3C10C 3D3D 4C5D 4D4D 5C4D 5D10D 6C8C 6D6D 8C2C "
        "8D4D 10C4D 10D1D 11C14D 11D13C 12C13C 12D2C 13C13C 13D6C 14C3D 14D13D 15C5D 15D11C"),
}  # fmt: skip
"""First move, state at the start and rows (state, opponent's move, next state, reply) as the library Axelrod numbers
its states (axelrod/strategies/finite_state_machines.py, version 4.14)."""


def library_machine(name: str) -> Rule:
    """A machine of the library Axelrod."""
    first, start, text = LIBRARY_MACHINES[name]
    rows = [re.fullmatch(r"(\d+)([CD])(\d+)([CD])", word) for word in text.split()]
    return machine_rule(first, start, [(int(r[1]), r[2], int(r[3]), r[4]) for r in rows if r is not None])


def library_table(depth: int, opening: str, pattern: str) -> Rule:
    """A `LookerUp` of the library Axelrod: own last, opponent's last and opponent's first moves, so many of each."""
    histories = product(*[list(product((0, 1), repeat=depth))] * 3)
    table = dict(zip(histories, pattern, strict=True))

    def rule(own: list[int], opponent: list[int]) -> float:
        if len(own) < depth:
            return float(opening[len(own)] == "D")
        return float(table[tuple(own[-depth:]), tuple(opponent[-depth:]), tuple(opponent[:depth])] == "D")

    return rule


RULES: dict[str, Rule] = {
    **{name: library_machine(name) for name in LIBRARY_MACHINES},
    "evolved_lookerup_1_1_1": library_table(1, "C", "CDDDDCDD"),
    "evolved_lookerup_2_2_2": library_table(
        2, "CC", "CDDCDCDDCDDDCDDDDDCDCDCCCDDCCDCDDDCCCCCDDDCDDDDDDDDDCCDDCDDDCCCD"
    ),
    "all_c": lambda own, opp: 0.0,
    "all_d": lambda own, opp: 1.0,
    "tit_for_tat": lambda own, opp: float(opp[-1]) if opp else 0.0,
    "spiteful": lambda own, opp: float(1 in own[-1:] + opp[-1:]),  # LIFL's genotype: locks on its last turn
    "soft_majo": _majority(0.0),
    "hard_majo": _majority(1.0),
    "per_ddc": _periodic("DDC"),
    "per_ccd": _periodic("CCD"),
    "per_cd": _periodic("CD"),
    "mistrust": lambda own, opp: float(opp[-1]) if opp else 1.0,
    "pavlov": lambda own, opp: float(own[-1] != opp[-1]) if own else 0.0,
    "tf2t": lambda own, opp: float(len(opp) >= 2 and opp[-1] == opp[-2] == 1),
    "hard_tft": lambda own, opp: float(len(opp) >= 2 and 1 in opp[-2:]),
    "slow_tft": _slow,
    "gradual": _gradual,
    "prober": _prober,
    "random": lambda own, opp: 0.5,
    "grim": lambda own, opp: float(1 in opp),
    "forgiving_tft": _after_last(0.0, 0.9),
    "gtft": _after_last(0.0, 1 - 1 / 3),
    "two_tits_for_tat": lambda own, opp: float(1 in opp[-2:]),
    "joss": _after_last(1 - 0.9, 1.0),
    "zd_extort_3": _memory_one(11 / 13, 1 / 2, 7 / 26, 0),
    "zd_extort_2": _memory_one(8 / 9, 1 / 2, 1 / 3, 0),
    "zd_gtft_2": _memory_one(1, 1 / 8, 1, 1 / 4),
    "zd_set_2": _memory_one(2 / 3, 0, 2 / 3, 1 / 3),
    "bully": lambda own, opp: float(1 not in opp),
    "spiteful_bully": lambda own, opp: float(
        1 not in opp or any(o and not m for m, o in zip(own, opp, strict=True))
    ),
    "winner12": lambda own, opp: (
        0.0 if len(own) < 2 else float("CDCDDCDD"[4 * own[-1] + 2 * opp[-2] + opp[-1]] == "D")
    ),
    "winner21": lambda own, opp: (
        (1.0, 0.0)[len(own)]
        if len(own) < 2
        else float("CDCDCDDD"[4 * own[-2] + 2 * own[-1] + opp[-1]] == "D")
    ),
}
"""Every catalogue entry, by its published rule and not by its table."""


# --- resistance ------------------------------------------------------------------------------------------


def best_by_tree(resident: Rule, payoffs: list[float], turns: int, noise: float = 0.0) -> float:
    """The most any mutant can earn in so many turns: every choice after every history, in full."""

    def best(own: list[int], theirs: list[int]) -> float:
        if len(own) == turns:
            return 0.0
        p = resident(theirs, own)
        p = p * (1 - noise) + (1 - p) * noise
        values = []
        for intended in (0, 1):
            value = 0.0
            for x, y in ((0, 0), (0, 1), (1, 0), (1, 1)):
                share = (1 - noise if x == intended else noise) * (p if y else 1 - p)
                if share:
                    value += share * (payoffs[2 * x + y] + best([*own, x], [*theirs, y]))
            values.append(value)
        return max(values)

    return best([], [])


def best_by_policies(
    defect: list[float], successors: list[list[int]], payoffs: list[float], noise: float, discount: float
) -> float:
    """The most any mutant can earn per turn: every choice of a move for every state of the resident.

    ``discount`` 1: the long-run mean, by doubling the number of turns 60 times.
    """
    n, best = len(defect), float("-inf")
    for policy in product((0, 1), repeat=n):
        matrix, gain = np.zeros((n, n)), np.zeros(n)
        for s, intended in enumerate(policy):
            p = defect[s] * (1 - noise) + (1 - defect[s]) * noise
            for x in (0, 1):
                for y in (0, 1):
                    share = (1 - noise if x == intended else noise) * (p if y else 1 - p)
                    gain[s] += share * payoffs[2 * x + y]
                    matrix[s, successors[s][2 * y + x]] += share
        if discount < 1:
            value = (1 - discount) * np.linalg.solve(np.eye(n) - discount * matrix, gain)
        else:
            mean, power = np.eye(n), matrix
            for _ in range(60):
                mean, power = (mean + power @ mean) / 2, power @ power
                power /= power.sum(axis=1, keepdims=True)  # rounding must not fade it
            value = mean @ gain
        best = max(best, float(value[0]))
    return best
