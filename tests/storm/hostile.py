"""Files that somebody has forged: no command runs what is in them, leaves their folder, hangs or breaks.

Digests need no secret, so a forged row fits; a forger also knows the hash. Every command on such a run, sweep or
study ends by itself, in reasonable time and memory, with a result or one line; nothing of theirs is printed raw,
nothing outside their folder changes, nothing is started and nobody is called.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sqlite3
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from evolve import cli
from results.run.meta import Meta, intact_meta, write_meta
from results.run.populations import Population
from results.run.rows import FORMAT, LEADERS_TYPE, SCHEMA, STATISTICS, Digests
from tests.storm import Tally
from tests.storm.child import Ending, Tell, child
from tests.storm.fuzz import TOKENS
from tests.storm.tasks import experiment, invasion, sweep, write

TRIES = 4000
"""Over all forgeries."""

MOST_MEBIBYTES = 600
"""Memory that a command may take, beyond what it inherits; it takes 200 of honest files."""
MOST_SECONDS = 40
"""Seconds after which a command counts as hanging, on a busy machine; of honest files it takes half a one."""

VALUES: tuple[Any, ...] = (
    None, 0, 1, -1, 2**31, 2**32, 2**62, -(2**63), 2**63 - 1, 0.5, -1e308, float("inf"), "", "x", "0", "nan", b"", "\0",
    b"\xff" * 32, bytes(32), bytes(76), "a\nb", "\x1b[31mred", "\x1b]0;title\a", "[/x]", "[bold]", "$x^$", "{0}",
    "\u202e", "../../x", "memory(1,1) cCDCD", "memory(1,1)" + " " * 64_000 + "x", "(" * 50_000, "[" * 50_000,
    "not " * 20_000 + "true", "9" * 5000, "y" * 300_000, zlib.compress(bytes(10**6)),
    zlib.compress(bytes(3 * 10**8), 9),
)  # fmt: skip
"""What a field may hold that nobody of ours wrote."""

LINES = (
    "", " ", "x", "0.0.0 - seed ", "9999999999.0.0 - seed memory(1,1) cCDCD", "0.0.0 0.0.0 clone x", "-1.0.0 - seed x",
    "3.0.1 2.0.1,1.0.1,0.0.0 crossover memory(1,1) cCDCD", "0.5000.0 - seed memory(1,1) cCDCD", "0.0.9 - born x",
    "0.0.99 - seed memory(1,1)" + " " * 64_000 + "x", "0.0.98 - seed " + "not " * 20_000 + "true",
    "0.0.97 - seed \x1b[2J", "0.0.96 - seed memory(9,9) " + "c" * 300_000, "0.0.95 - seed exists t. D(r,c,t)",
    "0.0.94 - seed [/x]",
)  # fmt: skip
"""Individuals that cannot be."""

SETTINGS: dict[str, tuple[Any, ...]] = {
    "name": ("\x1b[31mred", "[/x]", "$x^$", "../../x", "x" * 300, "/etc/passwd"),
    "generations": (-1, 10**30, 0),
    "population.size": (2, 10**6, 10**12, 3),
    "selection.tournament_size": (10**12, 10**30),
    "genome.x": (0, 3, 10**9),
    "genome.kind": ("formula", "x"),
    "rules.turns": (1, 10**30, 2**40 - 1),
    "rules.noise": (0.3, float("nan")),
    "fitness.opponents": ("panel",),
    "fitness.panel": (["lifl"] * 20_000, ["memory(1,1) cCDCD"] * 20_000, ["\x1b[31m"]),
    "islands.number": (2, 4096, 10**9),
    "run.cluster": ("tcp://127.0.0.1:9",),
    "run.workers": (4096, -1),
    "x" * 1000: (1,),
}
"""What an experiment in a forged run may say."""


@dataclass(frozen=True)
class Forgery:
    """A way to forge: what it does to a folder (and says what), and the commands that are tried there."""

    name: str
    forge: Callable[[Path, random.Random], str]
    origin: Path
    commands: tuple[tuple[str, ...], ...]
    share: float


RUN = (
    ("show", "RUN"),
    ("show", "RUN", "--json"),
    ("lineage", "RUN"),
    ("resume", "RUN"),
    ("resume", "RUN", "--repair"),
)
GROWS = ("resume", "RUN", "--generations", "14")
PLOT = ("plot", "RUN", "--format", "png")


def tallies(place: Path, seed: int, share: float) -> Iterator[Tally]:
    """All forgeries."""
    run, swept, studied = place / "a run", place / "a sweep", place / "a study"
    write(run, experiment("lookups"), 1, lambda number: None)
    for task, folder in ((sweep(place), swept), (invasion(place), studied)):
        task.live(folder, lambda number: None)
    runs = (*RUN, GROWS, PLOT)
    sweeps = (("sweep", str(place / "noise.toml"), "--json", "--out", "RUN"),)
    studies = (("invade", str(place / "study.toml"), "--json", "--out", "RUN"),)
    for words in (*RUN, PLOT, sweeps[0], studies[0]):
        _warm(
            words,
            {"show": run, "lineage": run, "resume": run, "plot": run, "sweep": swept, "invade": studied},
        )
    for forgery in (
        Forgery("a forged field", forged_field, run, runs, 0.35),
        Forgery("a forged population", forged_population, run, runs, 0.15),
        Forgery("a forged experiment", forged_experiment, run, runs, 0.15),
        Forgery("a forged schema", forged_schema, run, runs, 0.1),
        Forgery("links and pipes in a run", linked_run, run, runs, 0.1),
        Forgery("a forged index of a sweep", forged_index, swept, sweeps, 0.05),
        Forgery("forged outcomes of a study", forged_outcomes, studied, studies, 0.05),
        Forgery("links in a sweep", linked_sweep, swept, sweeps, 0.025),
        Forgery("links in a study", linked_study, studied, studies, 0.025),
    ):
        tally = Tally(forgery.name)
        for k in range(max(1, round(TRIES * share * forgery.share))):
            _try(forgery, place, f"{seed} {forgery.name} {k}", tally)
        yield tally


def _warm(words: tuple[str, ...], folders: dict[str, Path]) -> None:
    """Load everything that a command needs before children fork."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        _type([str(folders[words[0]]) if word == "RUN" else word for word in words])


def _try(forgery: Forgery, place: Path, state: str, tally: Tally) -> None:
    """Forge, and try one command."""
    rng = random.Random(state)
    folder, outside = place / "forged", place / "outside"
    for path in (folder, outside):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(forgery.origin, folder)
    outside.mkdir()
    for name in ("one", "two"):
        (outside / name).write_text(f"not of that folder: {name}\n")
    what = forgery.forge(folder, rng)
    words = rng.choice(forgery.commands)
    before = _content(outside)
    ending = child(partial(_hostile, [str(folder) if w == "RUN" else w for w in words]), seconds=MOST_SECONDS)
    failure = _wrong(ending)
    if failure is None and _content(outside) != before:
        failure = "files outside the folder have changed"
    tally.tried(f"{what}: {' '.join(words)} ({state})", failure)


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _hostile(words: list[str], tell: Tell) -> None:
    sys.addaudithook(_refuse)
    _type(words)


FORBIDDEN = (
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in FORBIDDEN:
        os.write(2, f"Traceback: {event} {arguments!r:.200}\n".encode())
        os._exit(71)


def _type(words: list[str]) -> None:
    """The command line, in this process."""
    sys.argv = ["evolve", *words]
    cli.main()


def _wrong(ending: Ending) -> str | None:
    """What is wrong with how a command took a forgery."""
    if "Traceback" in ending.output or ending.code not in (0, 1):
        return ending.explanation
    if ending.mebibytes > MOST_MEBIBYTES:
        return f"took {ending.mebibytes:.0f} MiB"
    raw = [line for line in ending.output.splitlines() if not line.isprintable()]
    if raw:
        return f"printed control characters: {raw[0]!r:.300}"
    said = "\n".join(ending.output.splitlines()).partition("evolve: ")[2].splitlines()
    several = all(": expected " in line for line in said)  # an experiment names each mistake in a line
    differs = "another experiment's run" in said[0] if said else False  # and then in what, line by line
    if ending.code == 1 and not (len(said) == 1 or (said and several) or differs):
        return f"expected one line at the end: {ending.output[-300:]!r}"
    return None


# --- runs ----------------------------------------------------------------------------------------------------


def _changed(folder: Path) -> tuple[sqlite3.Connection, Meta, Digests]:
    connection = sqlite3.connect(folder / "run.sqlite", isolation_level=None)
    meta = intact_meta(connection, FORMAT)
    return connection, meta, Digests(meta.run)


def _put(connection: sqlite3.Connection, table: str, row: tuple[Any, ...]) -> None:
    marks = ", ".join("?" * len(row))
    try:
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)
    except (sqlite3.Error, OverflowError, UnicodeEncodeError):
        return  # what cannot be written cannot be read


def forged_field(folder: Path, rng: random.Random) -> str:
    """One field of one row of any table, with the digest that belongs to it."""
    connection, _, digests = _changed(folder)
    with closing(connection):
        table = rng.choice([*SCHEMA])
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        if not rows:
            return f"{table} has no rows"
        row = list(rng.choice(rows))
        column = rng.randrange(1, len(row) - 1)
        value = rng.choice(VALUES)
        if isinstance(row[column], bytes) and rng.random() < 0.5:
            value = bytes(rng.choice([0, 255, rng.randrange(256)]) for _ in row[column])
        if isinstance(row[column], int) and rng.random() < 0.5:
            value = row[column] + rng.choice([1, -1, 2**32, 10**9])
        row[column] = value
        _put(connection, table, (*row[:-1], _digest(digests, table, row[:-1])))
        return f"{table} {row[0]}, field {column}: {value!r:.60}"


def _digest(digests: Digests, table: str, fields: list[Any]) -> bytes:
    """The digest that a reader expects; of a population it is over what was compressed."""
    if table != "populations":
        return digests.of("meta" if table == "meta_copy" else table, *fields)
    number, checkpoint, previous, content, behaviours = fields
    try:
        texts = [zlib.decompress(content), zlib.decompress(behaviours)]
        inner = hashlib.sha256(previous + hashlib.sha256(texts[0]).digest()).digest()
        return digests.of(table, number, checkpoint, inner, hashlib.sha256(texts[1]).digest())
    except (TypeError, zlib.error):
        return b""


def forged_population(folder: Path, rng: random.Random) -> str:
    """Individuals or payoffs of the last population that cannot be, with the hash and all digests that fit."""
    connection, _, digests = _changed(folder)
    with closing(connection):
        head = list(connection.execute("SELECT * FROM head").fetchone())
        last = head[1]
        number, checkpoint, previous, content, behaviours, _ = connection.execute(
            "SELECT * FROM populations WHERE id = ?", (last,)
        ).fetchone()
        lines, _, fitness = zlib.decompress(content).partition(b"\n\n")
        individuals = lines.split(b"\n")
        keys = zlib.decompress(behaviours).split(b"\n")
        kind = rng.choice(["line", "fitness", "key", "fewer", "more", "bytes"])
        if kind == "line":
            individuals[rng.randrange(len(individuals))] = rng.choice(LINES).encode()
        elif kind == "fitness":
            wild = struct.pack("<d", rng.choice([float("nan"), float("inf"), 1e308, -1.0, 5e-324]))
            fitness = rng.choice([wild * len(individuals), fitness[:-8] + wild, fitness[:-3], b""])
        elif kind == "key":
            keys[rng.randrange(len(keys))] = str(rng.choice(VALUES)).encode(errors="replace")
        elif kind == "fewer":
            individuals, keys, fitness = individuals[:1], keys[:1], fitness[:8]
        elif kind == "more":
            individuals, keys, fitness = individuals * 20_000, keys * 20_000, fitness * 20_000
        else:
            individuals = [bytes(rng.randrange(256) for _ in range(50))]
        forged = Population(number, previous, b"\n".join(individuals) + b"\n\n" + fitness, b"\n".join(keys))
        _put(connection, "populations", forged.row(bool(checkpoint), digests))
        generation = list(
            connection.execute("SELECT * FROM generations WHERE id = ?", (last,)).fetchone()[:-1]
        )
        generation[1] = head[2] = forged.hash
        if rng.random() < 0.3:
            generation[2] = STATISTICS.pack(*[rng.choice([1e308, -1e308, 2.0]) for _ in range(8)], 1, 12, 12)
        if rng.random() < 0.3:
            leaders = [(rng.choice([0, 1, 2**32 - 1]), rng.choice([0, 12, 2**32 - 1]))] * rng.choice(
                [1, 100_000]
            )
            generation[3] = b"".join(struct.pack("<II", *leader) for leader in leaders)
            assert LEADERS_TYPE.itemsize == 8
        _put(connection, "generations", digests.row("generations", *generation))
        _put(connection, "head", digests.row("head", *head[:-1]))
        return f"population {last}, {kind}"


def forged_experiment(folder: Path, rng: random.Random) -> str:
    """An experiment, or who wrote the run, that nobody of ours would have written."""
    connection, meta, _ = _changed(folder)
    with closing(connection):
        import tomli_w

        data = experiment("lookups").model_dump(exclude_none=True)
        key = rng.choice([*SETTINGS])
        *path, word = key.split(".")
        section = data
        for step in path:
            section = section.setdefault(step, {})
        section[word] = rng.choice(SETTINGS[key])
        text = tomli_w.dumps(data)
        kind = rng.choice(["experiment", "key as well", "text", "provenance"])
        if kind == "experiment":
            meta = meta._replace(experiment=text)
        elif kind == "key as well":
            key_text = tomli_w.dumps(
                {k: v for k, v in data.items() if k not in ("name", "generations", "run", "islands")}
            )
            start = hashlib.sha256(key_text.encode()).digest()
            meta = meta._replace(experiment=text, results_key=key_text, start=start)
        elif kind == "text":
            place = rng.randrange(len(meta.experiment))
            token = rng.choice([t for t in TOKENS if t != "\ud800"]) * rng.choice([1, 3000])
            meta = meta._replace(experiment=meta.experiment[:place] + token + meta.experiment[place:])
        else:
            odd = rng.choice([{}, [], "x", {"name": "\x1b[31m", "seed": 1, "sessions": [[]]}, _nested(300)])
            changed = rng.choice(
                [odd, meta.provenance | {"name": "\x1b[31mred"}, meta.provenance | {"sessions": odd}]
            )
            meta = meta._replace(provenance=changed)
        write_meta(connection, meta)
        return f"{kind}: {key:.40}"


def _nested(depth: int) -> Any:
    found: Any = []
    for _ in range(depth):
        found = [found]
    return found


STATEMENTS = (
    "CREATE TRIGGER meta AFTER INSERT ON generations BEGIN INSERT INTO generations SELECT NULL, randomblob(1000000), "
    "0, 0, 0; END",
    "CREATE TRIGGER t AFTER UPDATE ON head BEGIN DELETE FROM births; END",
    "CREATE TRIGGER t BEFORE INSERT ON head BEGIN SELECT raise(ABORT, '\x1b[31m'); END",
    "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT * FROM c",
    "CREATE INDEX i ON births (abs(id))",
    "CREATE TABLE extra (id)",
    "CREATE TABLE '\x1b[31m' (id)",
    "CREATE VIRTUAL TABLE f USING fts5(x)",
    "DROP TABLE births",
    "ALTER TABLE births RENAME TO x",
    "ALTER TABLE births ADD COLUMN more DEFAULT (randomblob(1000))",
    "PRAGMA application_id = 7",
    "PRAGMA user_version = 99",
    "PRAGMA user_version = 1",
    "PRAGMA user_version = -1",
    "PRAGMA auto_vacuum = FULL; VACUUM",
    "PRAGMA encoding = 'UTF-16'",
    "PRAGMA page_size = 512; VACUUM",
)


def forged_schema(folder: Path, rng: random.Random) -> str:
    """Tables that are not ours, and what would run when ours are used."""
    with closing(sqlite3.connect(folder / "run.sqlite", isolation_level=None)) as connection:
        statement = rng.choice(STATEMENTS)
        if rng.random() < 0.5 and statement.startswith("CREATE"):
            connection.execute("PRAGMA writable_schema = ON")
            kind, name = statement.split()[1].lower(), rng.choice(["meta", "head", "births", "\x1b[31m"])
            row = (kind, name, rng.choice(["births", "meta"]), 0, statement)
            connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row)
            return f"sqlite_schema: {name} {statement[:60]}"
        for part in statement.split("; ") if statement.startswith("PRAGMA") else [statement]:
            with suppress(sqlite3.Error):  # what SQLite does not do cannot be met
                connection.execute(part)
        return statement[:60]


# --- links ---------------------------------------------------------------------------------------------------


def _linked(folder: Path, rng: random.Random, names: tuple[str, ...]) -> str:
    """One file is a link out of the folder, another name of a file outside, a pipe or a folder."""
    name, kind = rng.choice(names), rng.choice(["link", "dangling link", "hard link", "pipe", "folder"])
    path, outside = folder / name, folder.parent / "outside"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if kind == "link":
        path.symlink_to(outside / "one")
    elif kind == "dangling link":
        path.symlink_to(outside / "three")
    elif kind == "hard link":
        path.hardlink_to(outside / "two")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    return f"{name} is a {kind}"


def linked_run(folder: Path, rng: random.Random) -> str:
    """Links in the folder of a run."""
    ends = ("", "-wal", "-shm", "-journal", ".new", ".next", ".before", ".repaired", ".damaged")
    files = tuple(f"run.sqlite{end}" for end in ends)
    figures = ("plots/fitness.png", "plots/fitness.png.tmp", "plots/genomes.png", "plots")
    return _linked(folder, rng, ("run.lock", "run.lock", *files, *figures))


def linked_sweep(folder: Path, rng: random.Random) -> str:
    """Links in the folder of a sweep."""
    names = ("sweep.lock", "index.json", "index.json.tmp", "summary.csv", "summary.csv.tmp", "summary.json")
    return _linked(folder, rng, (*names, "sweep.png", "sweep.svg", "runs"))


def linked_study(folder: Path, rng: random.Random) -> str:
    """Links in the folder of a study."""
    return _linked(folder, rng, ("study.lock", "outcomes.jsonl", "outcomes.jsonl.tmp"))


# --- JSON ----------------------------------------------------------------------------------------------------

ODD = (
    "Infinity",
    "NaN",
    "-1",
    "1e999",
    "1" + "0" * 400,
    "null",
    "[]",
    "{}",
    '"\\u001b[31m"',
    "[" * 3000,
    '""',
    "true",
)
"""What may stand in JSON in the place of any value."""


def _odd_json(value: Any, rng: random.Random, depth: int = 0) -> Any:
    """The value with something in it replaced by a mark for one of `ODD`."""
    if isinstance(value, dict) and value and (depth == 0 or rng.random() < 0.8):
        key = rng.choice([*value])
        return {
            **value,
            key: _odd_json(value[key], rng, depth + 1),
            **({"more": 1} if rng.random() < 0.1 else {}),
        }
    if isinstance(value, list) and value and rng.random() < 0.8:
        place = rng.randrange(len(value))
        return [*value[:place], _odd_json(value[place], rng, depth + 1), *value[place + 1 :]]
    return "ODD"


def _text(value: Any, odd: str, **options: Any) -> str:
    return json.dumps(value, **options).replace('"ODD"', odd)


def forged_index(folder: Path, rng: random.Random) -> str:
    """An index that lies, with the digest that fits where there is one."""
    file = folder / "index.json"
    content = json.loads(file.read_text())
    odd = rng.choice(ODD)
    if rng.random() < 0.3:
        text = _text(_odd_json(content, rng), odd)
    else:
        place = rng.randrange(len(content["runs"]))
        row = {key: value for key, value in content["runs"][place].items() if key != "digest"}
        forged = _odd_json(row, rng)
        try:
            read = json.loads(_text(forged, odd))
            forged["digest"] = hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()[:16]
        except (ValueError, RecursionError):
            forged["digest"] = ""
        content["runs"][place] = forged
        text = _text(content, odd)
    file.write_text(text)
    return f"index.json with {odd[:20]}"


def forged_outcomes(folder: Path, rng: random.Random) -> str:
    """Outcomes that cannot be, with the mark that fits."""
    file = folder / "outcomes.jsonl"
    lines = file.read_text().splitlines()
    place = rng.randrange(len(lines))
    odd = rng.choice(ODD)
    text = _text(_odd_json(json.loads(lines[place].partition(" ")[2]), rng), odd, sort_keys=True)
    lines[place] = f"{hashlib.sha256(text.encode()).hexdigest()[:16]} {text}"
    file.write_text("\n".join(lines) + "\n")
    return f"outcomes.jsonl, line {place + 1} with {odd[:20]}"
