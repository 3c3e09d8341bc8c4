"""What the study of invasion says in words, made from its contrasts and from nothing else.

`compared` makes every contrast of the study and adjusts all of them together; `found` and `against_drift` say what they
allow. The contrasts are published beside the document, so that each sentence can be checked against its own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields

from engine.intervals import none_seen
from evolve.invasion.contrasts import LEVEL, Contrast, adjusted, contrast
from evolve.invasion.replicates import Outcome
from evolve.invasion.study import Study, clones_of

LAWS = ("global", "local", "adversarial")

ORDS = ("absolutist", "suspicious_absolutist", "vulture")
"""Of whom Ord says that they avoid invasion."""

COMPANY = (("absolutist", "tit_for_tat"), ("absolutist", "grim"), ("grim", "tit_for_tat"))
"""Pairs of residents in societies: Absolutist looks at third parties, the other two at the pair alone."""

NO_SELF = "sipd-local-v2"
"""The file in which mutants have no explicit D(x,x)."""

Groups = Mapping[tuple[str, str], Sequence[Outcome]]
"""Outcomes by file and label."""


def compared(studies: Mapping[str, tuple[Study, Sequence[Outcome]]]) -> list[Contrast]:
    """Every contrast on which a word of the document rests, adjusted together."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for name, (_, outcomes) in studies.items():
        for o in outcomes:
            groups.setdefault((name, o.label), []).append(o)
    horizons = {name: study.invasion.generations for name, (study, _) in studies.items()}
    made = []
    for name, (study, _) in studies.items():
        for label in study.populations:
            made.append(
                contrast(groups[name, label], groups[name, clones_of(label)], "time", horizons[name], name)
            )
    for one, other, label, second in _losses(studies):
        where = one if one == other else f"{one} v {other}"
        made.append(contrast(groups[one, label], groups[other, second], "losses", horizons[one], where))
    return adjusted(made)


def _losses(studies: Mapping[str, tuple[Study, Sequence[Outcome]]]) -> Iterable[tuple[str, str, str, str]]:
    """Whose losses are compared: ``(file, other file, label, other label)``."""
    for law in LAWS:
        for first, second in COMPANY:
            yield f"sipd-{law}", f"sipd-{law}", first, second
        for name, quiet in ((f"sipd-{law}-noise", f"sipd-{law}-small"), (f"ipd-{law}-noise", f"ipd-{law}")):
            for resident in studies[name][0].invasion.residents:
                yield name, quiet, resident, resident
        yield f"ipd-{law}", f"ipd-{law}", "tit_for_tat", "spiteful"
    for one, other in ((0, 1), (0, 2), (1, 2)):
        for resident in ("tit_for_tat", "spiteful"):
            yield f"ipd-{LAWS[one]}", f"ipd-{LAWS[other]}", resident, resident
    if NO_SELF in studies:
        for first, second in COMPANY:
            yield NO_SELF, NO_SELF, first, second
        for resident in ("tit_for_tat", "grim"):
            yield "sipd-local", NO_SELF, resident, resident


class Told:
    """Looks contrasts up for a sentence; KeyError where nobody made the one that a sentence needs."""

    def __init__(self, contrasts: Sequence[Contrast]) -> None:
        self.contrasts = contrasts
        self._found = {(c.where, c.first, c.second, c.measure): c for c in contrasts}

    def drift(self, file: str, label: str) -> Contrast:
        """A resident against its clones."""
        return self._found[file, label, clones_of(label), "time"]

    def losses(self, where: str, first: str, second: str | None = None) -> Contrast:
        """Two residents in one file, or one resident in two."""
        return self._found[where, first, second or first, "losses"]

    def residents(self, file: str) -> list[str]:
        """Whom a file has, in its order, without controls."""
        drifted = [c.first for c in self.contrasts if c.where == file and c.measure == "time"]
        return [label for label in drifted if not label.startswith("control")]


def found(contrasts: Sequence[Contrast]) -> str:
    """What was found, as a list."""
    told = Told(contrasts)
    points = [*_ords(told), _company(told), *_noise(told), *_pairs(told)]
    return "\n".join(f"- {point}" for point in points)


def _ords(told: Told) -> Iterable[str]:
    counts = "; ".join(f"`{name}` {_lost(told, 'sipd', name)}" for name in ORDS)
    pairs = told.drift("sipd-global", ORDS[0]).pairs
    yield (
        f"**Ord's three in societies without noise.** Lost of {pairs} populations, to global, local and adversarial "
        f"mutants: {counts}. Where none was lost, a true survival below {1 - none_seen(pairs):.3f} is not credible "
        "(95 %, one-sided, each for itself)."
    )
    yield "**Everybody in societies without noise, against drift.** " + _by_law(told, "sipd-{}")


def _company(told: Told) -> str:
    said = []
    for first, second in COMPANY:
        kinds = [told.losses(f"sipd-{law}", first, second) for law in LAWS]
        said.append(f"`{first}` against `{second}`: {_each(kinds)}")
    counts = "; ".join(
        f"`{name}` {_lost(told, 'sipd', name)}" for name in ("tit_for_tat", "grim", "absolutist")
    )
    text = (
        f"**Is it the company that protects?** Lost of 100 (global, local, adversarial): {counts}. "
        f"Lost by {'; '.join(said)}. These strategies differ in more than in whether they look at third parties (only "
        "`absolutist` does), and none of these ways was varied alone: this study names no cause."
    )
    if any(c.where == NO_SELF for c in told.contrasts):
        here = told.losses(NO_SELF, "absolutist", "grim")
        versions = told.losses(f"sipd-local v {NO_SELF}", "grim")
        text += (
            f" Under local mutants without explicit D(x,x) (version 2 of the laws) {here.lost[0]} of {here.pairs} "
            f"`absolutist` are lost and {here.lost[1]} `grim`: {here.relation('more', 'fewer', 'not told apart')} "
            f"({here.surely}). `grim` is {versions.relation('lost more often', 'lost less often', 'not told apart')} "
            f"under version 1 {versions.relation('than', 'than', 'and')} version 2 ({versions.surely})."
        )
    return text


def _noise(told: Told) -> Iterable[str]:
    for law in LAWS:
        name, quiet = f"sipd-{law}-noise", f"sipd-{law}-small"
        pairs = [(who, told.losses(f"{name} v {quiet}", who)) for who in told.residents(name)]
        lost = ", ".join(
            f"`{who}` {c.lost[1]} without and {c.lost[0]} with" for who, c in pairs if who in ORDS
        )
        yield (
            f"**Noise 0.01 in societies, {law} mutants, all else equal** (24 individuals, 30 turns, 40 generations): "
            f"{lost}. Of all residents, {_sorted(pairs, 'lost more often with noise', 'lost less often with noise')}."
        )
    yield "**In societies with noise, against drift.** " + _by_law(told, "sipd-{}-noise")


def _pairs(told: Told) -> Iterable[str]:
    yield "**In the IPD, against drift.** Without noise: " + _by_law(told, "ipd-{}")
    yield "**In the IPD with noise, against drift.** " + _by_law(told, "ipd-{}-noise")
    for law in LAWS:
        where = f"ipd-{law}-noise v ipd-{law}"
        pairs = [(who, told.losses(where, who)) for who in told.residents(f"ipd-{law}")]
        more = _sorted(pairs, "lost more often with noise", "lost less often with noise")
        yield f"**Noise 0.01 in the IPD, {law} mutants, all else equal**: {more}."
    parts = []
    for resident in ("tit_for_tat", "spiteful"):
        for one, other in ((0, 1), (0, 2), (1, 2)):
            c = told.losses(f"ipd-{LAWS[one]} v ipd-{LAWS[other]}", resident)
            word = c.relation("more often", "less often", "not told apart")
            link = c.relation("than", "than", "and")
            parts.append(f"`{resident}` {word} under {LAWS[one]} {link} {LAWS[other]} mutants ({c.surely})")
    versus = [told.losses(f"ipd-{law}", "tit_for_tat", "spiteful") for law in LAWS]
    yield (
        f"**The law matters.** Lost of 100 in the IPD without noise (global, local, adversarial): `tit_for_tat` "
        f"{_lost(told, 'ipd', 'tit_for_tat')}, `spiteful` {_lost(told, 'ipd', 'spiteful')}. Lost: {'; '.join(parts)}. "
        f"Lost by `tit_for_tat` against `spiteful`: {_each(versus)}."
    )


def against_drift(contrasts: Sequence[Contrast], game: str, kinds: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows of a table: residents and controls, and in each file whether they last longer than their clones."""
    told = Told(contrasts)
    files = [f"{game}-{law}{kind}" for kind in kinds for law in LAWS]
    labels = [c.first for c in contrasts if c.where == files[0] and c.measure == "time"]
    return [(label, *(_cell(told.drift(file, label)) for file in files)) for label in labels]


def _cell(c: Contrast) -> str:
    return f"{c.relation('longer', 'shorter', 'not told apart')} ({c.difference:+.1f})"


def _by_law(told: Told, pattern: str) -> str:
    parts = []
    for law in LAWS:
        name = pattern.format(law)
        parts.append(f"{law}: " + _sorted((who, told.drift(name, who)) for who in told.residents(name)))
    return ". ".join(part[0].upper() + part[1:] for part in parts) + "."


def _sorted(
    pairs: Iterable[tuple[str, Contrast]], more: str = "lasts longer", less: str = "is lost sooner"
) -> str:
    """Who differs which way, and who is not told apart."""
    words = {1: more, -1: less, 0: "not told apart"}
    groups: dict[int, dict[str, None]] = {1: {}, -1: {}, 0: {}}
    for who, c in pairs:
        groups[c.sign].setdefault(f"`{who}`")
    return "; ".join(f"{words[sign]}: {', '.join(who)}" for sign, who in groups.items() if who)


def _each(kinds: Sequence[Contrast]) -> str:
    """``global less often (adjusted p < 0.001), local not told apart (adjusted p = 1), ...``."""
    return ", ".join(
        f"{law} {c.relation('more often', 'less often', 'not told apart')} ({c.surely})"
        for law, c in zip(LAWS, kinds, strict=True)
    )


def _lost(told: Told, game: str, name: str) -> str:
    return ", ".join(str(told.drift(f"{game}-{law}", name).lost[0]) for law in LAWS)


def to_csv(contrasts: Sequence[Contrast]) -> str:
    """The contrasts as a table that `from_csv` reads back exactly."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([field.name for field in fields(Contrast)])
    rows.writerows(
        [[" ".join(map(str, v)) if isinstance(v, tuple) else v for v in astuple(c)] for c in contrasts]
    )
    return text.getvalue()


def from_csv(text: str) -> list[Contrast]:
    """The contrasts of a table; ValueError where its columns are not those of a contrast."""
    rows = list(csv.DictReader(io.StringIO(text)))
    names = [field.name for field in fields(Contrast)]
    if not rows or list(rows[0]) != names:
        raise ValueError(f"contrasts: expected the columns {names}, got {list(rows[0]) if rows else 'none'}")
    return [_contrast(row) for row in rows]


def _contrast(row: dict[str, str]) -> Contrast:
    def two(text: str) -> tuple[int, int]:
        a, b = text.split()
        return int(a), int(b)

    return Contrast(
        first=row["first"],
        second=row["second"],
        where=row["where"],
        measure="losses" if row["measure"] == "losses" else "time",
        pairs=int(row["pairs"]),
        lost=two(row["lost"]),
        alone=two(row["alone"]),
        difference=float(row["difference"]),
        low=float(row["low"]),
        high=float(row["high"]),
        p=float(row["p"]),
        adjusted=float(row["adjusted"]),
    )


def counted(contrasts: Sequence[Contrast]) -> str:
    """How many contrasts were made together."""
    told = sum(c.sign != 0 for c in contrasts)
    return f"{len(contrasts)} contrasts were made together; {told} are told apart at an adjusted p below {LEVEL:g}."
