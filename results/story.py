"""What happened in a run, as a paragraph: every sentence is made of numbers of the record, and keeps them.

Who led and for how long, who took over from whom and why, when it cooperated, how the winner arose, whether it
resists, and what to try next. The numbers come from `results.chronicle`; nothing is said that they do not say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from genomes.wording import change
from results.chronicle import COOPERATIVE, DEFECTING, Chronicle, Phase, longest
from results.run.store import Run
from results.sentences import MOST_NAMED, Sentence, Setting, Story, listed, times
from results.winner import WinnerTeller


def story_of(run: Run, setting: Setting) -> Story:
    """Tell a run; raises RunError for one without generations."""
    with run.snapshot():
        course = CourseTeller(Chronicle.of(run), setting)
        latest = run.latest()
        assert latest is not None
        return Story((*course.sentences(), *WinnerTeller(run, setting, latest).sentences()))


class CourseTeller:
    """The sentences about the course of a run."""

    def __init__(self, chronicle: Chronicle, setting: Setting) -> None:
        self.chronicle, self.setting = chronicle, setting

    def sentences(self) -> Iterator[Sentence]:
        """Those that there is something to say about."""
        for told in (self.course, self.leads, self.changes, self.circle, self.cooperation, self.swings):
            sentence = told()
            if sentence is not None:
                yield sentence

    def who(self, place: int) -> str:
        """What a behaviour that has led is called."""
        known = self.chronicle.behaviours[place]
        return self.setting.who(known.behaviour, known.genome)

    def course(self) -> Sentence:
        """How long, how many, and cooperation from the beginning to the end."""
        c = self.chronicle
        first, end = float(c.cooperation[0]), float(c.cooperation[-1])
        facts = {
            "last": c.last,
            "size": int(c.size[-1]),
            "first_cooperation": first,
            "last_cooperation": end,
            "mean_cooperation": float(c.cooperation.mean()),
        }
        text = (
            f"Over {c.last:,} {self.setting.unit} of {facts['size']:,} individuals the share of cooperating moves "
            f"went from {first:.2f} to {end:.2f}, {facts['mean_cooperation']:.2f} on average."
        )
        return Sentence("course", text, facts)

    def leads(self) -> Sentence:
        """Who led for how long."""
        c = self.chronicle
        led = c.led()
        total = len(c.read)
        who, first, last = c.longest_lead()
        named = [(self.who(place), n) for place, n in led[:MOST_NAMED]]
        if len(led) == 1:
            text = f"{named[0][0]} led all the time."
            return Sentence("leads", text, {"read": total, "leaders": 1, "led": named})
        facts = {
            "read": total,
            "leaders": len(led),
            "led": named,
            "longest": {"who": self.who(who), "first": first, "last": last},
        }
        of = f"of {total:,} {self.setting.unit}" + ("" if total == c.last + 1 else " that were looked at")
        text = (
            f"{len(led):,} behaviours led at some time: {listed([f'{name} in {n:,}' for name, n in named])} {of}; "
            f"the longest unbroken lead was {self.who(who)}'s, from {self.setting.when(first)} to {last:,}."
        )
        return Sentence("leads", text, facts)

    def changes(self) -> Sentence:
        """Who took over from whom, how often, and whether exact payoffs favoured it."""
        c = self.chronicle
        takeovers = c.takeovers()
        if not takeovers:
            most = int((c.count / c.size[c.read]).argmax())
            who, count, size = self.who(int(c.leader[most])), int(c.count[most]), int(c.size[c.read[most]])
            at = int(c.read[most])
            when = self.setting.when(at)
            text = f"Nobody ever held a majority: the most were {who} with {count:,} of {size:,} in {when}."
            return Sentence(
                "changes", text, {"takeovers": 0, "who": who, "count": count, "size": size, "at": at}
            )
        first = takeovers[0]
        facts: dict[str, Any] = {
            "takeovers": len(takeovers) - 1,
            "first": self.who(first.behaviour),
            "first_at": first.generation,
        }
        text = f"{facts['first']} was the first with a majority, in {self.setting.when(first.generation)}"
        if len(takeovers) == 1:
            return Sentence("changes", f"{text}, and nobody else ever had one.", facts)
        facts["changes"] = [self._change(pair, n) for pair, n in c.changes()[:MOST_NAMED]]
        told = [
            f"{x['to']} took over from {x['from']}{times(x['times'])}{x['why']}" for x in facts["changes"]
        ]
        often = f"it changed hands{times(len(takeovers) - 1) or ' once'}"
        most_often = ", most often so" if len(c.changes()) > MOST_NAMED else ""
        return Sentence("changes", f"{text}; {often}{most_often}: {listed(told)}.", facts)

    def _change(self, pair: tuple[int, int], times: int) -> dict[str, Any]:
        before, after = (self.chronicle.behaviours[place] for place in pair)
        cause = self.setting.cause(after.genome, before.genome)
        try:
            step = change(before.genome, after.genome)
        except ValueError:  # a stranger's file
            step = ""
        apart = f"they differ in one entry: {step}" if step.count(" instead of ") == 1 else ""
        said = "; ".join(word for word in (cause, apart) if word)
        why = f" ({said})" if said else ""
        return {
            "from": self.who(pair[0]),
            "to": self.who(pair[1]),
            "times": times,
            "cause": cause,
            "why": why,
        }

    def circle(self) -> Sentence | None:
        """Whether takeovers lead round in a circle."""
        names = [self.who(place) for place in self.chronicle.circle()]
        if len(names) < 3:
            return None
        text = f"What most often followed makes a circle: {' to '.join([*names, names[0]])}."
        return Sentence("circle", text, {"circle": names})

    def cooperation(self) -> Sentence:
        """The cooperative and the defecting phases."""
        phases = self.chronicle.phases()
        if not phases:
            text = f"Between {DEFECTING:.0%} and {COOPERATIVE:.0%} of all moves cooperated throughout."
            return Sentence(
                "cooperation", text, {"phases": 0, "percent": [100 * DEFECTING, 100 * COOPERATIVE]}
            )
        facts: dict[str, Any] = {"phases": len(phases)}
        told = []
        for kind, passed in (("cooperative", "cooperated"), ("defecting", "defected")):
            phase = longest(phases, kind)
            count = sum(p.kind == kind for p in phases)
            facts[kind] = count
            if phase is None:
                told.append(f"they never mostly {passed}")
                continue
            facts[f"longest_{kind}"] = self._phase(phase)
            told.append(
                f"most moves {passed}{times(count) or ' once'} ({'' if count == 1 else 'longest '}from "
                f"{self.setting.when(phase.first)} to {phase.last:,}, a share of {phase.mean:.2f} cooperating, mostly "
                f"led by {self.who(phase.leader)})"
            )
        return Sentence("cooperation", f"{told[0][0].upper()}{told[0][1:]}; {told[1]}.", facts)

    def _phase(self, phase: Phase) -> dict[str, Any]:
        led = self.who(phase.leader)
        return {"first": phase.first, "last": phase.last, "mean": phase.mean, "leader": led}

    def swings(self) -> Sentence | None:
        """With whom in front cooperation rose and fell, where it did so more than once."""
        phases = self.chronicle.phases()[1:]
        rises = Counter(p.at_start for p in phases if p.kind == "cooperative")
        falls = Counter(p.at_start for p in phases if p.kind == "defecting")
        if min(rises.total(), falls.total()) < 2:
            return None
        facts, told = {}, []
        for name, counted in (("rose", rises), ("fell", falls)):
            who = min(counted, key=lambda place: (-counted[place], place))
            facts[name] = {"who": self.who(who), "times": counted[who], "of": counted.total()}
            told.append(f"{name} with {self.who(who)} in front {counted[who]} of {counted.total()} times")
        return Sentence("swings", f"Cooperation {told[0]}, and {told[1]}.", facts)
