"""The memo of a field's answers: matches that were played, as trees of our moves, in flat arrays and in a file.

An opponent answers the moves it sees, so a match that was played once is known for ever, and with it the beginning
of every match with the same first moves. A population that shares openings shares the work: most meetings are a walk of
200 steps through arrays (`engine.fields.kernels.walk`), and only what nobody has tried before is played. The file
(docs/how-to/fields.md) is a cache: it may be deleted at any time, a damaged row is passed over, and nothing in it is
executed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.fields import matches
from engine.fields.answers import AnswerFile, packed
from engine.fields.declared import Field, Lanes, check_rules
from engine.fields.matches import Job
from engine.fields.opponents import FieldError
from engine.game import Rules
from genomes.automaton import Automaton

MOST_BYTES = 2**29
"""Size of a memo; when it is reached, matches that are not asked for are forgotten."""

REPLAYED = 2**14
"""One in so many known meetings is played again, and compared; at least one in every call."""

MATCHES_AT_ONCE = 4096
"""Real matches after which what came is kept in the file."""

Play = Callable[[Sequence[Automaton], Sequence[Job]], NDArray[np.int8]]
"""Real matches: `engine.fields.matches.play_jobs` without the field and the rules, in whatever processes."""


Matches = tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]
"""Played matches: their lanes ``(m,)``, our moves and the answers, packed ``(m, w)``."""


@dataclass(frozen=True)
class Walked:
    """What the memo knows of some meetings, each ``(q,)``.

    `match`: the longest known one, -1 for none; `known`: turns of it that hold; `counts`: ``(q, 3)`` turns with our D,
    their D and both, over the known turns.
    """

    match: NDArray[np.int64]
    known: NDArray[np.int64]
    counts: NDArray[np.int64]


class Walkers:
    """Automata in flat arrays, as the kernels take them."""

    def __init__(self, automata: Sequence[Automaton]) -> None:
        self.automata = list(automata)
        sizes = [len(a) for a in self.automata]
        base = np.cumsum([0, *sizes], dtype=np.int64)[:-1]
        self.defect = np.concatenate([a.defect for a in self.automata])
        moves = np.where(self.defect == 1.0, 1, np.where(self.defect > 0.0, 2, 0))
        after = np.concatenate([a.successors for a in self.automata]) + np.repeat(base, sizes)[:, None]
        self.steps = (16 * after + moves[after]).astype(np.uint64).ravel()
        self.first = (16 * base + moves[base]).astype(np.uint64)
        self.mixed = not all(a.deterministic for a in self.automata)


class Memo:
    """Answers of a field under some rules; one object serves all generations of a run.

    `play` plays what is not known (in this process when left out); `folder` keeps the file (None: no file).
    """

    def __init__(
        self,
        field: Field,
        rules: Rules,
        *,
        folder: Path | None = None,
        play: Play | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        check_rules(rules)
        assert rules.turns is not None
        self.field, self.rules, self.turns = field, rules, rules.turns
        self.words = (self.turns + 63) // 64
        self.hits = self.misses = 0
        """Meetings that were known, and real matches."""
        self._play = play or (lambda automata, jobs: _here(field, rules, automata, jobs))
        self._most = max(64, most_bytes // (16 * self.words + 64))
        self._lane: dict[tuple[int, int], int] = {}
        self._jobs: list[tuple[int, int]] = []
        self._keys: list[bytes] = []
        self._draws = np.empty((0, 0))
        self._slips = np.zeros((0, self.words), np.uint64)
        self._roots = np.empty(0, np.int64)
        self._empty(1024)
        self._file = None if folder is None else AnswerFile(folder, rules, self.words, self._most)

    @property
    def size(self) -> int:
        """Bytes of the arrays."""
        return sum(
            a.nbytes
            for a in (self.own, self.answers, self.counts, self._lanes_of, self._branches, self._targets)
        )

    def lanes(self, lanes: Lanes, *, mixed: bool = False) -> NDArray[np.int64]:
        """The memo's numbers of lanes; those it has not met are read from the file where it has them."""
        pairs = list(zip(lanes.opponents.tolist(), lanes.seeds.tolist(), strict=True))
        fresh = [pair for pair in pairs if pair not in self._lane]
        for pair in fresh:
            self._lane[pair] = len(self._jobs)
            self._jobs.append(pair)
            self._keys.append(self._key(*pair))
        if fresh:
            slips = [
                matches.own_chance(seed, self.field.opponents[k], self.rules, False)[1] for k, seed in fresh
            ]
            self._slips = np.concatenate([self._slips, packed(np.array(slips, np.int8))])
            self._roots = np.concatenate([self._roots, np.full(len(fresh), -1, np.int64)])
            if self._file is not None:
                first = len(self._jobs) - len(fresh)
                rows = self._file.read({key: first + k for k, key in enumerate(self._keys[first:])})
                self._keep(*rows, "the file of answers")
        if mixed and self._draws.shape != (len(self._jobs), self.turns):
            self._draws = np.stack(
                [
                    matches.own_chance(seed, self.field.opponents[k], self.rules, True)[0]
                    for k, seed in self._jobs
                ]
            )
        elif not mixed and len(self._draws) < len(self._jobs):
            self._draws = np.empty((len(self._jobs), 0))
        return np.array([self._lane[pair] for pair in pairs], np.int64)

    def walk(self, walkers: Walkers, automata: NDArray[np.int64], lanes: NDArray[np.int64]) -> Walked:
        """What is known of the meetings of these automata in these lanes ``(q,)``."""
        from engine.fields import kernels

        n = len(automata)
        found = Walked(np.empty(n, np.int64), np.empty(n, np.int64), np.empty((n, 3), np.int64))
        kernels.walks(
            walkers.first, walkers.steps, walkers.defect, automata, lanes, self._draws, self._slips, self._roots,
            self.turns, self.own, self.answers, self._branches, self._targets, found.match, found.known, found.counts,
        )  # fmt: skip
        return found

    def meet(self, walkers: Walkers, automata: NDArray[np.int64], lanes: NDArray[np.int64]) -> Walked:
        """The same with all turns known: what is not is played. A sample of what was known is played again."""
        found = self.walk(walkers, automata, lanes)
        unknown = np.flatnonzero(found.known < self.turns)
        again = self._sample(np.flatnonzero(found.known == self.turns))
        self.hits += len(automata) - len(unknown)
        while len(unknown) or len(again):
            # those that leave what is known at one place mostly go on alike: one of them is played first
            places = np.stack([lanes[unknown], found.match[unknown], found.known[unknown]])
            first = unknown[np.sort(np.unique(places, axis=1, return_index=True)[1])][:MATCHES_AT_ONCE]
            self.misses += len(first)
            self._ask(walkers, automata, lanes, np.concatenate([first, again]), found)
            left = self.walk(walkers, automata[unknown], lanes[unknown])
            if (left.known[np.isin(unknown, first)] < self.turns).any():
                raise RuntimeError("a real match was not the one that its automaton plays")
            found.match[unknown], found.known[unknown], found.counts[unknown] = (
                left.match,
                left.known,
                left.counts,
            )
            unknown, again = unknown[left.known < self.turns], again[:0]
        return found

    def _ask(
        self,
        walkers: Walkers,
        automata: NDArray[np.int64],
        lanes: NDArray[np.int64],
        asked: NDArray[np.int64],
        found: Walked,
    ) -> None:
        """Play these queries really and keep what came; where there is no room, forget all but what was `found`."""
        jobs = [Job(int(a), *self._jobs[l]) for a, l in zip(automata[asked], lanes[asked], strict=True)]
        moves = self._play(walkers.automata, jobs)
        if self.count + len(asked) > self._most:
            self._forget(found)
        before = self.count
        self._keep(lanes[asked], packed(moves[:, :, 0]), packed(moves[:, :, 1]), "an earlier match")
        if self._file is not None:
            new = slice(before, self.count)
            self._file.append([self._keys[l] for l in self._lanes_of[new]], self.own[new], self.answers[new])

    def _forget(self, found: Walked) -> None:
        """Keep the matches that were found alone, and their numbers in `found` with them."""
        here = np.unique(found.match[found.match >= 0])
        rows = self._lanes_of[here].copy(), self.own[here].copy(), self.answers[here].copy()
        self._roots[:] = -1
        self._empty(1024)
        self._keep(*rows, "an earlier match")
        some = found.match >= 0
        found.match[some] = np.searchsorted(here, found.match[some])

    def matches_of(self, found: Walked) -> Matches:
        """Lanes, own moves and answers of the matches that were walked, each once, in an order that says nothing about
        when they were played."""
        here = np.unique(found.match[found.match >= 0])
        order = np.lexsort((*self.own[here].T, self._lanes_of[here]))
        here = here[order]
        return self._lanes_of[here], self.own[here], self.answers[here]

    def apart(self, rows: Matches) -> Memo:
        """A memo of the same lanes that holds these matches alone."""
        other = Memo(self.field, self.rules, play=self._play)
        other._lane, other._jobs, other._keys = self._lane, self._jobs, self._keys
        other._draws, other._slips = self._draws, self._slips
        other._roots = np.full(len(self._jobs), -1, np.int64)
        other._keep(*rows, "an earlier match")
        return other

    def _key(self, opponent: int, seed: int) -> bytes:
        text = f"{self.field.opponents[opponent].digest} {seed} {self.rules!r}"
        return hashlib.sha256(text.encode()).digest()[:16]

    def _empty(self, room: int) -> None:
        self.count = 0
        self.own = np.zeros((room, self.words), np.uint64)
        self.answers = np.zeros((room, self.words), np.uint64)
        self.counts = np.zeros((room, 3), np.int32)
        self._lanes_of = np.zeros(room, np.int64)
        self._branches = np.full(2 * room, -1, np.int64)
        self._targets = np.zeros(2 * room, np.int64)

    def _keep(
        self, lanes: NDArray[np.int64], moves: NDArray[np.uint64], replies: NDArray[np.uint64], where: str
    ) -> None:
        from engine.fields import kernels

        self._grow(self.count + len(lanes))
        wrong = np.full(2, -1, np.int64)
        before = self.count
        fresh = np.zeros(len(lanes), np.bool_)
        self.count = kernels.keep(
            lanes, self.count, moves, replies, self.turns, self._roots, self.own, self.answers, self.counts,
            self._branches, self._targets, fresh, wrong,
        )  # fmt: skip
        self._lanes_of[before : self.count] = lanes[fresh]
        if wrong[0] >= 0:
            raise FieldError(self._contradicted(int(wrong[0]), int(wrong[1]), where))

    def _grow(self, wanted: int) -> None:
        from engine.fields import kernels

        room = len(self._lanes_of)
        if wanted <= room:
            return
        while room < wanted:
            room *= 2
        for name in ("own", "answers", "counts", "_lanes_of"):
            old = getattr(self, name)
            new = np.zeros((room, *old.shape[1:]), old.dtype)
            new[: self.count] = old[: self.count]
            setattr(self, name, new)
        branches, targets = np.full(2 * room, -1, np.int64), np.zeros(2 * room, np.int64)
        kernels.again(self._branches, self._targets, branches, targets)
        self._branches, self._targets = branches, targets

    def _sample(self, known: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of the known meetings are played again: evenly spread, other ones in every call."""
        number = -(-len(known) // REPLAYED)
        steps = (np.arange(number) * REPLAYED + self.hits * 7919) % max(1, len(known))
        return np.asarray(known[steps] if number else known[:0], np.int64)

    def _contradicted(self, lane: int, turn: int, before: str) -> str:
        k, seed = self._jobs[lane]
        cure = f"; delete {self._file.path}" if self._file is not None else ""
        return (
            f"field: expected {self.field.opponents[k].name} to answer the same moves alike (seed {seed}), got another "
            f"move in turn {turn + 1} than in {before}: it cannot be memoised{cure} if its code has changed"
        )


def _here(field: Field, rules: Rules, automata: Sequence[Automaton], jobs: Sequence[Job]) -> NDArray[np.int8]:
    return np.stack([matches.one_match(field, rules, automata[job.automaton], job) for job in jobs])
