"""The commands about runs: new, run, resume, show, plot, lineage."""

from __future__ import annotations

import os
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.screen import (
    CLUSTER,
    Allow,
    Cluster,
    Json,
    Workers,
    allow_modules,
    command,
    formats_of,
    inches,
    new_table,
    progress,
    say,
    say_wrapped,
    show,
    show_json,
    whole_option,
)

if TYPE_CHECKING:
    from evolve.experiment.experiment import Experiment
    from results import BirthId, Generation, Run

Generations = Annotated[int | None, whole_option("Go on up to this generation.")]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run's folder, such as runs/memory3, or its file.")
]


def new(
    file: Annotated[Path, typer.Argument(help="The TOML file to write.")] = Path("experiment.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a commented experiment file to start from."""
    from results.run.place import naming_path

    if file.exists() and not force:
        raise ValueError(f"file: expected a name that is free (or --force), got {str(file)!r}, which exists")
    template = (Path(__file__).parents[1] / "experiment" / "template.toml").read_text(encoding="utf-8")
    with naming_path(file):
        file.write_text(template.replace("{name}", file.stem), encoding="utf-8")
    say(f"wrote {file}; run it with: {command('run', str(file))}")


def run(
    file: Annotated[Path, typer.Argument(help="An experiment (TOML).")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the experiment."),
    ] = None,
    generations: Generations = None,
    allow: Allow = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder (default: runs/NAME).")] = None,
) -> None:
    """Run an experiment into a run folder; what is there of the same experiment is continued."""
    from evolve.experiment.experiment import Experiment

    allow_modules(allow)
    values = dict(key_and_value(text) for text in changes or [])
    if generations is not None:
        values["generations"] = generations
    experiment = Experiment.load(file, values)
    _evolve(out or Path("runs") / experiment.name, experiment, workers, cluster)


def resume(
    folder: RunFolder,
    generations: Generations = None,
    allow: Allow = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Of a damaged run: go on from its newest intact population.")
    ] = False,
) -> None:
    """Take a run up where it stopped, or extend it."""
    from evolve.experiment.experiment import Experiment
    from results.run.repairs import repair as rebuild

    allow_modules(allow)
    if repair:
        for line in rebuild(folder):
            say(line, aside=True)
    with reading(folder) as there:
        experiment = Experiment.recorded(there.experiment_text)
        reached = there.generation
    if generations is not None:
        experiment = experiment.changed(generations=generations)
    if reached >= experiment.generations:
        say(f"{folder} is at generation {reached}, and done; --generations N extends it")
        return
    _evolve(folder, experiment, workers, cluster)


def show_run(folder: RunFolder, as_json: Json = False) -> None:
    """What a run has come to."""
    from engine.likeness import called
    from evolve.telling import tell

    with reading(folder) as there, there.snapshot():
        summary = _summary(there)
        told = None if as_json or summary["generation"] < 0 else tell(there)
    if as_json:
        show_json(summary)
        return
    if told is None:
        say(f"{folder}: no generation yet")
        return
    say(
        f"{summary['name']}: generation {_reached(summary['generation'], summary['generations'])}, "
        f"seed {summary['seed']}"
    )
    say(f"  best payoff    {summary['best']['fitness']:.4f}   mean {summary['mean']:.4f}")
    if "difference_error" in summary:
        say(
            f"  sampled        a difference in payoff has the standard error {summary['difference_error']:.4f}"
        )
    say(f"  cooperation    {summary['cooperation']:.4f}")
    if "ledger" in summary:
        from engine.ledger import in_words

        say(f"  ledger         {in_words(summary['ledger'])}, a player and turn")
    say(f"  behaviours     {summary['behaviours']}")
    best = summary["best"]
    say(f"  best           {best['id']}  {called(best['name'], best['behaviour'], best['genome'])}")
    say(f"                 {best['genome']}")
    say(f"  hash           {summary['hash']}")
    table = new_table("count", "behaviour", "an example of its genomes")
    for leader in summary["leaders"]:
        table.add_row(
            str(leader["count"]),
            called(leader["name"], leader["behaviour"], leader["genome"]),
            leader["genome"],
        )
    show(table)
    say_wrapped(told.brief)


def plot(
    folder: RunFolder,
    out: Annotated[Path | None, typer.Option(help="Where to (default: the run's folder / plots).")] = None,
    formats: Annotated[str, typer.Option("--format", help="png, svg, pdf, or several.")] = "png,svg",
    only: Annotated[str | None, typer.Option(help="Only these figures, such as abundance,fitness.")] = None,
    title: Annotated[str | None, typer.Option(help="In place of the figure's own; '' for none.")] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Width and height in inches, such as 3.5x2.4.")
    ] = None,
) -> None:
    """Draw a run: fitness, cooperation, behaviours, lineage, family tree, genomes."""
    from results.plots.run import save_all

    wanted = formats_of(formats)
    target = out or (folder.parent if folder.suffix == ".sqlite" else folder) / "plots"
    if out is None and target.is_symlink():
        raise ValueError(f"out: expected a folder that you name, because {target} is a link to another place")
    names = None if only is None else [word.strip() for word in only.split(",")]
    with reading(folder) as there:
        for path in save_all(there, target, formats=wanted, only=names, title=title, size=inches(size)):
            say(str(path))


def lineage(
    folder: RunFolder,
    id: Annotated[str | None, typer.Option(help="Whose: GENERATION.ISLAND.SLOT (default: the best).")] = None,
    as_json: Json = False,
) -> None:
    """The line of descent of the best, or of anyone alive, back to its founder."""
    from engine.likeness import called
    from results.lineage import line_of_descent

    with reading(folder) as there:
        line = line_of_descent(there, None if id is None else _someone(id))
        names = _names(there)
    if as_json:
        show_json(
            [
                {
                    "id": str(b.id),
                    "parents": [str(p) for p in b.parents],
                    "origin": b.origin,
                    "genome": b.genome,
                    "behaviour": b.behaviour,
                    "name": names(b.behaviour),
                }
                for b in line
            ]
        )
        return
    table = new_table("generation", "id", "origin", "behaviour", "what changed")
    before = None
    for birth in line:
        if before is None or birth.genome != before.genome:
            change = birth.genome if before is None else _difference(before.genome, birth.genome)
            alike = before is not None and birth.behaviour == before.behaviour
            does = called(names(birth.behaviour), birth.behaviour, birth.genome)
            table.add_row(
                str(birth.id.generation), str(birth.id), birth.origin, "same" if alike else does, change
            )
        before = birth
    show(table)
    say(f"{len(line)} births from {line[0].id} to {line[-1].id}")


def register(app: typer.Typer) -> None:
    """Enter these commands in the command line."""
    app.command()(new)
    app.command()(run)
    app.command()(resume)
    app.command("show")(show_run)
    app.command()(plot)
    app.command()(lineage)


# --- running -------------------------------------------------------------------------------------------------


def _placed(experiment: Experiment, cluster: str | None) -> str | None:
    """The cluster, where there is something to place."""
    if cluster is None or experiment.islands.number > 1:
        return cluster
    if cluster == os.environ.get(CLUSTER):  # meant for whatever can be placed
        return None
    raise ValueError(
        f"cluster: expected an experiment with islands ([islands] number = 2 or more), which it computes, "
        f"got one population beside {cluster!r}"
    )


def _evolve(folder: Path, experiment: Experiment, workers: int, cluster: str | None) -> None:
    """Run or continue, with progress, until done or stopped."""
    from evolve.estimates import warning
    from evolve.runner import drive, stopping
    from results import Run
    from results.run.store import run_file

    place = _placed(experiment, cluster)
    kept = experiment.run
    with (
        _way_out(folder),
        stopping() as stop,
        Run.open(
            folder, experiment, commit_every=kept.commit_every, checkpoint_every=kept.checkpoint_every,
            lineage=kept.lineage, notice=lambda text: say(text, aside=True),
        ) as there,
    ):  # fmt: skip
        began = there.generation
        slow = warning(experiment)
        if slow is not None and began < experiment.generations:
            say(slow, aside=True)
        if began >= 0:
            say(f"{folder}: going on after generation {began}", aside=True)
        with progress("generation", max(experiment.generations, began)) as shown:
            shown.tell(max(began, 0))
            done = drive(
                there, experiment, lambda g: shown.tell(g.number, lambda: _state(g)), stop,
                workers=workers, cluster=place,
            )  # fmt: skip
        reached = there.generation
        if there.path != run_file(folder):  # it was deleted or moved, and went on elsewhere
            folder = there.path
    if not done:
        again = command("resume", str(folder), workers=workers, cluster=place)
        say(f"stopped after generation {reached}; go on with: {again}")
        sys.exit(128 + (stop.signal or signal.SIGINT))
    show_run(folder)
    say(f"more: {command('story', str(folder))}    plots: {command('plot', str(folder))}")


def _state(generation: Generation) -> str:
    leader = generation.leaders[0]
    from engine.likeness import called

    # what tells most stands first: a narrow terminal cuts the end
    return (
        f"coop {generation.cooperation:.2f}  {called(leader.name, leader.behaviour, leader.genome)} x{leader.count}  "
        f"mean {generation.mean:.3f}  best {max(generation.fitness):.3f}"
    )


def key_and_value(text: str) -> tuple[str, Any]:
    """``population.size=50`` as key and value: TOML where it is TOML, else a string."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise ValueError(f"--set: expected KEY=VALUE such as population.size=50, got {text!r}")
    try:
        read = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()
    except (ValueError, RecursionError) as error:
        raise ValueError(f"--set: expected a value of TOML for {key.strip()}, got none ({error})") from None
    return key.strip(), read["value"] if len(read) == 1 else value.strip()


def _reached(generation: int, of: int) -> str:
    """How far a run is; a run that went further than its experiment now asks for is not "50 of 20"."""
    return f"{generation} of {of}" if generation <= of else str(generation)


@contextmanager
def _way_out(folder: Path) -> Iterator[None]:
    """Where a run is damaged: say how it can be saved, as a command to paste."""
    from results import DamageError

    try:
        yield
    except DamageError as damage:
        if "--repair" in sys.argv:
            raise
        place = folder.parent if folder.suffix == ".sqlite" else folder
        raise DamageError(
            f"{damage}; what can be saved: {command('resume', str(place), '--repair')}"
        ) from None


@contextmanager
def reading(folder: Path) -> Iterator[Run]:
    """A run to look at."""
    from evolve.experiment.experiment import Experiment
    from results import Run

    with _way_out(folder), Run.read(folder, Experiment.recorded) as there:
        yield there


# --- reading -------------------------------------------------------------------------------------------------


def _summary(there: Run) -> dict[str, Any]:
    from evolve.experiment.experiment import Experiment

    experiment = Experiment.recorded(there.experiment_text)
    latest = there.latest()
    summary: dict[str, Any] = {
        "name": experiment.name,
        "seed": experiment.seed,
        "generation": there.generation,
        "generations": experiment.generations,
        "hash": there.hash,
    }
    if latest is None:
        return summary
    from engine.likeness import nearest

    names = _names(there)
    best = latest.population[latest.best]
    drawn = experiment.fitness.sample is not None or experiment.fitness.sampled is not None
    if drawn or experiment.rules.play == "groups":
        from evolve.fitness import difference_error

        summary["difference_error"] = difference_error(experiment, latest)
    elif experiment.fitness.opponents == "field":
        from engine.fields.opponents import FieldError
        from evolve.fitness.field import reached

        with suppress(FieldError):  # its opponents are not here
            summary["difference_error"] = reached(experiment, latest).difference_error
    if latest.ledger:
        from engine.ledger import by_item

        summary["ledger"] = by_item(latest.ledger)
    return summary | {
        "best": {
            "id": str(best.id),
            "fitness": latest.fitness[latest.best],
            "genome": best.genome,
            "behaviour": best.behaviour,
            "name": names(best.behaviour),
            "nearest": nearest(best.genome),
        },
        "mean": latest.mean,
        "quantiles": list(latest.quantiles),
        "cooperation": latest.cooperation,
        "behaviours": latest.behaviours,
        "leaders": [
            {"behaviour": x.behaviour, "count": x.count, "name": names(x.behaviour), "genome": x.genome}
            for x in latest.leaders
        ],
    }


def _someone(text: str) -> BirthId:
    """An id that a run can have."""
    from results import BirthId
    from results.run.rows import packable

    id = BirthId.parse(text)
    if not packable(id):
        raise ValueError(f"id: expected generation, island and slot of a run, got {text!r}, beyond any")
    return id


def _names(there: Run) -> Callable[[str], str | None]:
    """What behaviours of a run are called in the catalogue."""
    from engine.names import name_of
    from evolve.experiment.experiment import Experiment

    noisy = Experiment.recorded(there.experiment_text).rules_value.slips
    return lambda behaviour: name_of(behaviour, noisy=noisy)


def _difference(before: str, after: str) -> str:
    """What changed from one genome to the next: entry by entry where that is short, else the new genome."""
    from genomes import LookupGenome, MachineGenome, lookup, machine, parse

    old, new = parse(before), parse(after)
    if isinstance(old, LookupGenome) and isinstance(new, LookupGenome) and old.memory == new.memory:
        changes = lookup.difference(old, new)
    elif isinstance(old, MachineGenome) and isinstance(new, MachineGenome):
        changes = machine.difference(old, new)
    else:
        return after
    return ", ".join(changes[:4]) + (f", and {len(changes) - 4} more" if len(changes) > 4 else "")
