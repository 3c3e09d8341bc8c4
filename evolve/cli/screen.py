"""What the commands share: tables, JSON, and the options that mean the same everywhere."""

from __future__ import annotations

import json
import shlex
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genomes.texts import printable

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from engine.game import Rules
    from engine.ledger import Ledger

NUMERIC = {"rank", "payoff", "cooperation", "std. error", "count", "generation", "fitness"}
"""Columns that are set to the right."""

PLAIN_WIDTH = 240
"""Columns of a table that goes into a file or a pipe."""

PARAGRAPH_WIDTH = 79
"""Letters in a line of a paragraph."""

PLAIN_EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal."""

LIVE_EVERY = 0.1
"""Seconds between two looks of progress on a terminal."""

SILENT_SECONDS = 1.5
"""Seconds of compiling, or of reading, before it is mentioned."""

WORKERS, CLUSTER = "EVOLVE_WORKERS", "EVOLVE_CLUSTER"
"""Environment variables in which a user says once and for all where to compute; no file does."""

MOST_WORKERS = 1024
"""Threads or processes at most."""


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"expected a whole number, got {text!r}") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"expected a number, got {text!r}") from None


def _workers(text: str) -> int:
    number = _whole(text)
    if not 1 <= number <= MOST_WORKERS:
        raise typer.BadParameter(f"expected a whole number from 1 to {MOST_WORKERS}, got {text!r}")
    return number


def whole_option(help: str, *names: str) -> Any:
    """An option that is a whole number; `names` where it is not called as its parameter."""
    return typer.Option(*names, help=help, parser=_whole, metavar="N")


def number_option(help: str) -> Any:
    """An option that is a number."""
    return typer.Option(help=help, parser=_number, metavar="X")


Turns = Annotated[int | None, whole_option("Turns of a meeting (200 when no horizon is given).")]
Continuation = Annotated[float | None, number_option("Probability that another turn follows.")]
Limit = Annotated[bool, typer.Option("--limit-of-means", help="The long-run average.")]
Noise = Annotated[float, number_option("Probability that an executed move is flipped, 0 to 0.5.")]
Payoffs = Annotated[str, typer.Option(help="The payoffs R,S,T,P.", metavar="R,S,T,P")]
Quantifiers = Annotated[
    str,
    typer.Option(
        metavar="all|others", help="Whom 'exists j' ranges over in a society: all, or all but r and c."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Seed = Annotated[int, whole_option("Seed of everything that is drawn.")]
Workers = Annotated[
    int,
    typer.Option(
        help="Threads, or processes for islands, replicates and the runs of a sweep; the results are the same.",
        parser=_workers, metavar="N", envvar=WORKERS,
    ),
]  # fmt: skip
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="A Dask scheduler, or 'local' for one on this machine.", envvar=CLUSTER
    ),
]
Mechanisms = Annotated[
    list[str] | None,
    typer.Option(
        "--mechanism", metavar="NAME:X,KEY=Y",
        help="Add a mechanism to the game, such as fine:2,detection=0.8; may be repeated (`evolve mechanisms`).",
    ),
]  # fmt: skip
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="MODULE",
        help="Let classes of this module play (opponents module:Class); may be repeated.",
    ),
]
Sampled = Annotated[int | None, whole_option("Sample so many meetings a pair instead of exact payoffs.")]


def rules_of(
    turns: int | None,
    continuation: float | None,
    limit_of_means: bool,
    noise: float,
    payoffs: str,
    quantifiers: str = "all",
    mechanisms: list[str] | None = None,
) -> Rules:
    """The rules that the options describe; ValueError where they describe none."""
    from engine.game import Game, Rules
    from engine.mechanisms import parse

    words = payoffs.split(",")
    if len(words) != 4:
        raise ValueError(f"payoffs: expected four numbers R,S,T,P such as 3,0,5,1, got {payoffs!r}")
    values = []
    for name, word in zip("RSTP", words, strict=True):
        try:
            values.append(float(word))
        except ValueError:
            raise ValueError(f"payoffs.{name}: expected a finite number, got {word.strip()!r}") from None
    return Rules(
        Game(*values),
        turns=turns,
        continuation=continuation,
        limit_of_means=limit_of_means,
        noise=noise,
        quantifiers=quantifiers,  # type: ignore[arg-type]  # refused there unless it is one of the two
        mechanisms=tuple(parse(text) for text in mechanisms or ()),
    )


def formats_of(text: str) -> tuple[str, ...]:
    """``png,svg`` as the endings of figures; ValueError for others than png, svg and pdf."""
    wanted = tuple(word.strip() for word in text.split(","))
    if not set(wanted) <= {"png", "svg", "pdf"}:
        raise ValueError(f"format: expected png, svg or pdf, got {text!r}")
    return wanted


def inches(text: str | None) -> tuple[float, float] | None:
    """``3.5x2.4`` as width and height in inches; None for None."""
    if text is None:
        return None
    try:
        width, height = (float(word) for word in text.lower().split("x"))
    except ValueError:
        raise ValueError(f"size: expected width and height in inches such as 3.5x2.4, got {text!r}") from None
    return width, height


def allow_modules(modules: Sequence[str] | None) -> None:
    """Let the classes of these modules play, here and in the workers that are started."""
    if modules:
        from engine.fields.python_classes import allow

        allow(*modules)


def say(*lines: str, aside: bool = False) -> None:
    """Print lines, each as `printable`; `aside` to stderr. Whatever comes from outside is printed by this or `show`."""
    for line in lines or ("",):
        print(printable(line), file=sys.stderr if aside else sys.stdout, flush=aside)


def say_wrapped(text: str) -> None:
    """Print a paragraph in lines of `PARAGRAPH_WIDTH` letters at most, as far as words allow."""
    say(*textwrap.wrap(printable(text), PARAGRAPH_WIDTH, break_long_words=False, break_on_hyphens=False), "")


def styled(text: str, style: str) -> Text:
    """A piece of text for `show` or for a cell of a table, in a style of rich."""
    from rich.text import Text

    return Text(printable(text), style=style)


def stacked(*lines: str) -> Text:
    """A cell of several lines."""
    from rich.text import Text

    return Text("\n".join(printable(line) for line in lines))


def new_table(*columns: str | Text, title: str | None = None) -> Table:
    """An empty table in the style of all tables: strings in it are text, never markup."""
    from rich import box
    from rich.table import Table

    class Plain(Table):
        def add_row(self, *cells: Any, **options: Any) -> None:
            super().add_row(*(styled(x, "") if isinstance(x, str) else x for x in cells), **options)

    table = Plain(box=box.SIMPLE_HEAD, title=title, pad_edge=False)
    for column in columns:
        number = str(column) in NUMERIC or str(column).isdigit()
        head = styled(column, "") if isinstance(column, str) else column
        table.add_column(
            head, justify="right" if number else "left", overflow="fold"
        )  # text can be copied whole
    return table


def show(*what: Table | Text) -> None:
    """Print tables and styled text one after another, as wide as the terminal, or unwrapped where there is none."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    for one in what:
        if isinstance(one, Table) and one.title:  # a table would wrap it to its own width
            console.print(styled(str(one.title), "italic"))
            one.title = None
        console.print(one)


def command(*words: str, workers: int = 1, cluster: str | None = None, out: Path | None = None) -> str:
    """A command of ours as it can be pasted into a shell."""
    options = ["--workers", str(workers)] if workers > 1 else []
    options += ["--cluster", cluster] if cluster else []
    options += ["--out", str(out)] if out else []
    return shlex.join(["evolve", *words, *options])


def show_ledger(
    found: Ledger | None, weights: Sequence[int] | None = None, *, title: str | None = None
) -> None:
    """Print what mechanisms took and gave, by player and turn; with no `title` of its own also of a whole deal.

    Nothing where nothing is booked.
    """
    from engine.ledger import in_words

    if found is None or not found.amounts.any():
        return
    columns = found.columns()
    used = [name for name, values in columns.items() if name in ("strategy", "operator") or any(values)]
    table = new_table(*used, title=title or "ledger, a turn")
    for row in zip(*(columns[name] for name in used), strict=True):
        table.add_row(row[0], *(f"{round(amount, 12) + 0.0:.6g}" for amount in row[1:]))
    show(table)
    deal = found.deal(weights)
    if deal is not None and title is None:
        say(f"a deal: {in_words(deal)}")


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2))


def write_text(field: str, path: Path, text: str) -> None:
    """Write a file, or say in one line why it cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"{field}: expected a file that can be written, got '{path}' ({error.strerror})"
        ) from None


@contextmanager
def interruptible(told: Callable[[], str]) -> Iterator[None]:
    """End the command at Ctrl-C or SIGTERM with what is `told` then: how far it came, and how to go on."""
    from evolve.runner import interrupting

    with interrupting() as stop:
        try:
            yield
        except KeyboardInterrupt:
            say(told(), aside=True)
            sys.exit(128 + (stop.signal or signal.SIGINT))


@contextmanager
def announced(what: str) -> Iterator[None]:
    """On a terminal: say what is being done, when somebody has waited for it."""
    told = threading.Timer(SILENT_SECONDS, lambda: say(f"{what} ...", aside=True))
    told.daemon = True
    if sys.stderr.isatty():
        told.start()
    try:
        yield
    finally:
        told.cancel()


def announce_compiling() -> None:
    """On a terminal: say once that kernels are being compiled, when somebody has waited for it."""
    if sys.stderr.isatty():
        threading.Thread(target=_announce_compiling, daemon=True).start()


def _announce_compiling() -> None:
    while "numba.core.event" not in sys.modules:  # most commands never import it
        time.sleep(0.2)
    time.sleep(SILENT_SECONDS)  # a kernel or two of a new signature are no matter
    from numba.core import event

    class Announcer(event.Listener):
        said = False

        def on_start(self, event: object) -> None:
            if not self.said:
                self.said = True
                say("compiling: once on a machine, up to half a minute", aside=True)

        def on_end(self, event: object) -> None: ...

    event.register("numba:compile", Announcer())  # type: ignore[no-untyped-call]


class Progress:
    """How far something of `total` units is; `tell` says it, and its first call where this session begins.

    `draw` shows what is done, the state in words, and units a second, `every` so many seconds at most.
    """

    def __init__(self, total: int, draw: Callable[[int, str, float], None], every: float) -> None:
        self._total, self._draw, self._every = total, draw, every
        self._first: int | None = None
        self._start = self._shown = 0.0

    def tell(self, done: int, state: Callable[[], str] = str) -> None:
        """So many units are done; `state` puts into words how things stand, and is asked when that is shown."""
        now = time.monotonic()
        if self._first is None or done == self._first:  # so far only kernels were compiled
            self._first, self._start, self._shown = done, now, now
        elif now - self._shown < self._every and done < self._total:
            return
        else:
            self._shown = now
        self._draw(done, state(), (done - self._first) / max(now - self._start, 1e-9))


@contextmanager
def progress(unit: str, total: int) -> Iterator[Progress]:
    """Live progress on a terminal, a plain line every few seconds elsewhere."""
    if sys.stderr.isatty():
        with _bar(unit, total) as draw:
            yield Progress(total, draw, LIVE_EVERY)
        return

    def line(done: int, state: str, rate: float) -> None:
        if rate:
            left = f"{_rate(rate)}/s  {(total - done) / rate:.0f} s left"
            say(f"{unit} {done}/{total}  {state}  {left}", aside=True)

    yield Progress(total, line, PLAIN_EVERY)


@contextmanager
def _bar(unit: str, total: int) -> Iterator[Callable[[int, str, float], None]]:
    from rich import progress as parts
    from rich.console import Console
    from rich.table import Column

    with parts.Progress(
        parts.SpinnerColumn(),
        parts.TextColumn(f"{unit} {{task.completed:.0f}}/{{task.total:.0f}}"),
        parts.BarColumn(bar_width=12),
        parts.TextColumn("{task.fields[rate]}"),
        parts.TimeRemainingColumn(),
        parts.TextColumn(
            "{task.fields[state]}",
            markup=False,
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),  # takes what the others leave
        ),
        console=Console(stderr=True),
        refresh_per_second=8,
        expand=True,
    ) as bar:
        task = bar.add_task("", total=total, state="", rate="")

        def draw(done: int, state: str, rate: float) -> None:
            bar.update(task, completed=done, state=printable(state), rate=f"{_rate(rate)}/s" if rate else "")

        yield draw


def _rate(a_second: float) -> str:
    return f"{a_second:.0f}" if a_second >= 10 else f"{a_second:.2g}"
