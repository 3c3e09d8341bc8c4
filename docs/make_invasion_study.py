"""The study of invasion, made by one command: `python -m docs.make_invasion_study` (`make study`).

Follows the populations of every file in `examples/invasion/` (what is done is not done again), computes
certificates and chances, draws the figures, and writes the tables into the marked places of
`docs/invasion-study.md`. What is said of differences is made from the contrasts (`docs.invasion_words`), which are kept
in `docs/invasion-contrasts.csv`; the other words are written by hand.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from docs.invasion_words import LAWS, ORDS, Told, against_drift, compared, counted, found, to_csv
from evolve.cli.screen import Workers
from evolve.invasion.contrasts import Contrast
from evolve.invasion.invaders import class_name
from evolve.invasion.replicates import Outcome, history
from evolve.invasion.report import Finding, findings, survival_figure
from evolve.invasion.run import run_study
from evolve.invasion.study import Study, Task, clones_of
from results.run.place import write_whole

ROOT = Path(__file__).parent.parent
FILES = ROOT / "examples" / "invasion"
DOCUMENT = ROOT / "docs" / "invasion-study.md"
CONTRASTS = ROOT / "docs" / "invasion-contrasts.csv"
FIGURES = ROOT / "docs" / "figures"

SAMPLED = 400
"""Formulas drawn from the global law for kappa in societies."""
WORTH_REPLICATES = 64
SOCIETIES = 300
"""Random societies in which an invader is compared with its resident."""
NOISE = (0.0, 0.001, 0.01, 0.05, 0.1)
CONTINUATION = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
FALLS = (
    ("ipd-global", "pavlov"),
    ("sipd-global", "tit_for_tat"),
    ("sipd-global", "police"),
    ("sipd-global-noise", "absolutist"),
    ("sipd-adversarial-noise", "absolutist"),
)
"""Of these the first replicate that was lost is drawn."""

KINDS = {"": "", "-small": ", small", "-noise": ", noise"}
"""What the names of files add to a law: small societies without noise, or noise."""

SHOWN = (("sipd", ("",)), ("sipd", ("-small", "-noise")), ("ipd", ("", "-noise")))
DRIFT = {"sipd": ("", "-small", "-noise"), "ipd": ("", "-noise")}

Kept = dict[str, tuple[Study, list[Outcome], list[Finding]]]


def main(
    workers: Workers = 1,
    out: Annotated[Path, typer.Option(help="Where the outcomes are kept.")] = Path("runs/study"),
) -> None:
    """Make the study of docs/invasion-study.md."""
    from evolve.runner import interrupting

    kept: Kept = {}
    with interrupting():
        for file in sorted(FILES.glob("*.toml")):
            study = Study.load(file)
            try:
                outcomes = run_study(study, out / file.stem, workers=workers)
            except KeyboardInterrupt:
                sys.exit(f"stopped in {file.stem}; the same command goes on")
            kept[file.stem] = study, outcomes, findings(study, outcomes)
            print(f"{file.stem}: {len(outcomes)} populations", flush=True)
    contrasts = compared({name: (study, outcomes) for name, (study, outcomes, _) in kept.items()})
    write_whole(CONTRASTS, to_csv(contrasts))
    blocks = spoken(contrasts)
    blocks |= {f"survival {name}": _survival(name, kept, contrasts) for name in kept}
    blocks["summary"], blocks["horizons"] = _summary(kept), _horizons(kept)
    blocks["certificates"] = _certificates(kept["ipd-global"][0])
    blocks["kappa ipd"], blocks["kappa sipd"] = _kappa_ipd(kept), _kappa_sipd(kept)
    blocks["alike"] = _alike(kept)
    blocks["worth"] = _worth(kept)
    blocks["falls"] = _falls(kept)
    write_whole(DOCUMENT, filled(DOCUMENT.read_text(encoding="utf-8"), blocks))
    print(f"wrote {DOCUMENT.relative_to(ROOT)} and {FIGURES.relative_to(ROOT)}")


def spoken(contrasts: Sequence[Contrast]) -> dict[str, str]:
    """The marked places whose words are made from the contrasts alone."""
    blocks = {"found": found(contrasts), "counted": counted(contrasts), "contrasts": _contrasts(contrasts)}
    for game, kinds in DRIFT.items():
        heads = (game, *(f"{law}{KINDS[kind]}" for kind in kinds for law in LAWS))
        rows = [(_group(label), *cells) for label, *cells in against_drift(contrasts, game, kinds)]
        blocks[f"drift {game}"] = _table(heads, rows)
    return blocks


def filled(text: str, blocks: dict[str, str]) -> str:
    """The document with its marked places filled; ValueError for a mark that nothing fills.

    >>> print(filled("<!-- a -->old<!-- end -->", {"a": "new"}))
    <!-- a -->
    new
    <!-- end -->
    """

    def replacement(found: re.Match[str]) -> str:
        if found[1] not in blocks:
            raise ValueError(f"document: expected one of {sorted(blocks)}, got the mark {found[1]!r}")
        return f"<!-- {found[1]} -->\n{blocks[found[1]]}\n<!-- end -->"

    return re.sub(r"<!-- ([a-z0-9 -]+) -->(?:(?!<!--).)*<!-- end -->", replacement, text, flags=re.DOTALL)


def _survival(name: str, kept: Kept, contrasts: Sequence[Contrast]) -> str:
    """The table and the figure of one file."""
    from results.plots import invasion as plots

    study, outcomes, found = kept[name]
    horizon = study.invasion.generations
    plots.save(survival_figure(study, outcomes, found), FIGURES / f"survival-{name}.png")
    if name == "sipd-global":
        by_mutants = survival_figure(study, outcomes, found, by_mutants=True)
        plots.save(by_mutants, FIGURES / f"survival-{name}-mutants.png")
    by_label, told = {x.label: x for x in found}, Told(contrasts)
    rows = []
    for label in study.populations:
        x, clones, drift = by_label[label], by_label[clones_of(label)], told.drift(name, label)
        rows.append(
            (
                _group(label),
                f"{x.lost} of {x.replicates}",
                _interval(x.survival),
                _median(x),
                f"{x.restricted_mean:.1f}",
                f"{clones.lost}, {_median(clones)}",
                f"{drift.difference:+.1f} ({drift.low:+.1f} to {drift.high:+.1f}), {drift.surely}",
                ", ".join(f"{cause} {count}" for cause, count in x.causes.items()),
                ", ".join(f"{_cell(who)} {count}" for who, count in list(x.invaders.items())[:2]),
            )
        )
    heads = ("resident", "lost", f"survival at {horizon}", "median", "mean", "clones: lost, median",
             "longer than clones", "causes", "leading invaders")  # fmt: skip
    return f"{_table(heads, rows)}\n\n![survival](figures/survival-{name}.png)"


def _group(label: str) -> str:
    return label.replace("control: ", "*control* ")


def _interval(survival: tuple[float, float, float]) -> str:
    return f"{survival[0]:.2f} ({survival[1]:.2f} to {survival[2]:.2f})"


def _median(x: Finding) -> str:
    return "-" if x.median is None else f"{x.median:g}"


def _summary(kept: Kept) -> str:
    """Survival at the horizon, residents by laws, one table for either game and for small societies."""
    return "\n\n".join(_overview(kept, game, kinds) for game, kinds in SHOWN)


def _overview(kept: Kept, game: str, kinds: Sequence[str]) -> str:
    """The table of one game."""
    files = {f"{game}-{law}{kind}": f"{law}{KINDS[kind]}" for kind in kinds for law in LAWS}
    cells = {(name, x.label): x.survival for name in files for x in kept[name][2]}
    labels = kept[next(iter(files))][0].populations
    rows = [(_group(label), *(_interval(cells[name, label]) for name in files)) for label in labels]
    return _table((game, *files.values()), rows)


def _horizons(kept: Kept) -> str:
    """How long the horizons are, in median times to the loss of clones."""
    rows = []
    for name, (study, _, told) in kept.items():
        medians = [x.median for x in told if x.label.startswith("clones") and x.median is not None]
        horizon = study.invasion.generations
        rows.append((name, str(horizon), f"{min(medians):g} to {max(medians):g}",
                     f"{horizon / max(medians):.1f} to {horizon / min(medians):.1f}"))  # fmt: skip
    heads = ("file", "horizon", "median loss of clones", "horizon in such medians")
    return _table(heads, rows)


def _contrasts(contrasts: Sequence[Contrast]) -> str:
    """The contrasts of losses, one a row."""
    rows = [
        (
            c.where, c.first, c.second, f"{c.lost[0]}, {c.lost[1]}", f"{c.alone[0]}, {c.alone[1]}", f"{c.p:.2g}",
            f"{c.adjusted:.2g}", c.relation("more", "less", "not told apart"),
        )
        for c in contrasts
        if c.measure == "losses"
    ]  # fmt: skip
    heads = ("file", "first", "second", "lost", "only the one lost", "p", "adjusted p", "lost by the first")
    return _table(heads, rows)


def _certificates(study: Study) -> str:
    """Nash gaps of the residents of the IPD, and the heat map."""
    from engine.game import Rules
    from engine.stability.certificates import best_response, nash_gap
    from results.plots import invasion as plots

    shown = [*study.invasion.residents, "grim", "gtft", "winner12"]
    rows = []
    for name in shown:
        row = [name]
        for rules in (
            Rules(continuation=0.98), Rules(continuation=0.98, noise=0.01), Rules(turns=50),
            Rules(limit_of_means=True, noise=0.01),
        ):  # fmt: skip
            best = best_response(name, rules)
            row.append(f"{best.nash_gap:.4g}" + (f" ({_cell(best.words)})" if best.nash_gap else ""))
        rows.append(tuple(row))
    gaps = {
        name: [[nash_gap(name, Rules(continuation=d, noise=e)) for d in CONTINUATION] for e in NOISE]
        for name in shown
        if name not in ("all_c", "winner12")
    }
    made = plots.nash_gaps(gaps, NOISE, CONTINUATION, "What the best mutant of any memory gains")
    plots.save(made, FIGURES / "nash-gaps.png")
    heads = ("resident", "continuation 0.98", "0.98, noise 0.01", "50 turns", "limit of means, noise 0.01")
    return f"{_table(heads, rows)}\n\n![Nash gaps](figures/nash-gaps.png)"


def _kappa_ipd(kept: Kept) -> str:
    """kappa over the complete class memory(1,1), exact."""
    from engine.stability.fixation import kappa
    from engine.stability.scans import scan

    rows, forest = [], []
    for name in ("ipd-global", "ipd-global-noise"):
        study = kept[name][0]
        rules, size = study.experiment.rules_value, study.experiment.population.size
        noise = " with noise" if rules.noisy else ""
        for resident in study.invasion.residents:
            found = kappa(resident, scan(resident, (1, 1), rules), size=size)
            forest.append((f"{resident}{noise}", found.value, found.low, found.high))
            rows.append((f"{resident}{noise}", f"{found.value:.3f}", f"{found.advantaged:.0%}",
                         f"{found.n_rho.max():.2f}"))  # fmt: skip
    return _chances(rows, forest, "ipd", f"All 32 memory(1,1) mutants, N = {size}, ipd")


def _kappa_sipd(kept: Kept) -> str:
    """kappa over formulas drawn from the global law, with its interval; exact without noise."""
    from engine.stability.fixation import kappa
    from evolve.operators import toolbox
    from evolve.streams import stream
    from results.plots import invasion as plots

    study = kept["sipd-global"][0]
    experiment, size = study.experiment, study.experiment.population.size
    mutants = toolbox(experiment).random(SAMPLED, rng=stream(experiment.seed, 1, "panel"))
    rows, forest, spread = [], [], {}
    for resident in study.invasion.residents:
        genome = experiment.seed_genome(resident)
        found = kappa(genome, mutants, experiment.rules_value, size=size, society=True)
        forest.append((resident, found.value, found.low, found.high))
        spread[resident] = found.n_rho
        rows.append((resident, f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})",
                     f"{found.advantaged:.0%}", f"{found.n_rho.max():.2f}"))  # fmt: skip
    made = plots.n_rho(
        spread, f"{SAMPLED} random formulas into {size - 1} residents, sipd, {experiment.rules_value}"
    )
    plots.save(made, FIGURES / "n-rho-sipd.png")
    table = _chances(rows, forest, "sipd", f"{SAMPLED} random formulas, N = {size}, sipd")
    return f"{table}\n\n![N rho](figures/n-rho-sipd.png)"


def _alike(kept: Kept) -> str:
    """Losses of Ord's three to formulas that nobody can tell from the resident: other spellings."""
    from engine.societies.sipd import society
    from genomes.formula.generator import random_formula
    from genomes.reading import parse

    rows = []
    for name in ("sipd-global", "sipd-local", "sipd-adversarial"):
        study, outcomes, _ = kept[name]
        for o in outcomes:
            if not o.lost or o.label not in ORDS or o.invader is None:
                continue
            pair = [study.experiment.seed_genome(o.label), parse(o.invader)]
            rng = np.random.default_rng(0)
            told = 0
            for _ in range(SOCIETIES):
                company = {random_formula(rng) for _ in range(4)} - set(pair)
                members = dict.fromkeys([*pair, *sorted(company, key=str)], 1)
                seen = society(members, study.experiment.rules_value).trace()
                told += not np.array_equal(seen[:, 0], seen[:, 1])
            rows.append((name, o.label, str(o.time), _cell(o.invader), f"{told} of {SOCIETIES}"))
    heads = ("file", "resident", "generation", "invader", "societies in which they act differently")
    return _table(heads, rows)


def _worth(kept: Kept) -> str:
    """What residents earn among themselves, and how often they cooperate, with and without noise."""
    from engine.societies.sipd import society

    rows = []
    for resident in kept["sipd-global"][0].invasion.residents:
        row = [resident]
        for name in ("sipd-global", "sipd-global-noise"):
            experiment = kept[name][0].experiment
            genome = experiment.seed_genome(resident)
            size = experiment.population.size
            played = society({genome: size}, experiment.rules_value, replicates=WORTH_REPLICATES, seed=1)
            row += [f"{played.means[0]:.3f}", f"{played.cooperation[0, 0]:.3f}"]
        rows.append(row)
    heads = ("resident", "payoff", "cooperation", "payoff with noise", "cooperation with noise")
    return _table(heads, rows)


def _chances(
    rows: Sequence[tuple[str, ...]], forest: list[tuple[str, float, float, float]], kind: str, title: str
) -> str:
    from results.plots import invasion as plots

    plots.save(plots.kappa_forest(forest, title), FIGURES / f"kappa-{kind}.png")
    heads = ("resident", "kappa", "likelier than neutral", "largest N rho")
    return f"{_table(heads, rows)}\n\n![kappa](figures/kappa-{kind}.png)"


def _falls(kept: Kept) -> str:
    """Who came in where a resident was lost: figures of single runs."""
    from results.plots import invasion as plots

    shown = []
    for file, resident in FALLS:
        study, outcomes, _ = kept[file]
        lost = next((o for o in outcomes if o.label == resident and o.lost), None)
        if lost is None:
            shown.append(f"`{resident}` in `{file}`: never lost.")
            continue
        names, shares = abundance(study, Task(resident, False, lost.replicate))
        title = f"{file}, {resident}, replicate {lost.replicate}"
        made = plots.who_invaded(names, shares, title, lost_at=lost.time)
        plots.save(made, FIGURES / f"fall-{file}-{resident}.png")
        shown.append(f"![fall of {resident}](figures/fall-{file}-{resident}.png)")
    return "\n\n".join(shown)


def abundance(study: Study, task: Task, most: int = 7) -> tuple[list[str], list[list[float]]]:
    """Shares of the leading behaviours ``(behaviours, generations)`` in one population followed again."""
    counts: list[Counter[str]] = []
    example: dict[str, str] = {}
    for generation in history(study, task):
        counts.append(Counter(b.behaviour for b in generation.population))
        for birth in generation.population:
            example.setdefault(birth.behaviour, birth.genome)
    size = study.experiment.population.size
    home = max(counts[0], key=lambda key: counts[0][key])
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    chosen = [home, *[key for key, _ in total.most_common(most + 1) if key != home][:most]]
    names = [class_name(study.experiment, example[key]) or example[key] for key in chosen]
    shares = [[count[key] / size for count in counts] for key in chosen]
    rest = [1 - sum(column) for column in zip(*shares, strict=True)]
    return [*names, "others"], [*shares, rest]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _cell(text: str) -> str:
    """A name or a formula inside a table."""
    short = text if len(text) <= 60 else text[:59] + "…"
    return f"`{short}`" if re.search(r"[( ]", text) else short


if __name__ == "__main__":
    typer.run(main)
