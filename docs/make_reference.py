"""The pages of the reference that are made from the code: keys of files, the command line, the tables of a run.

A key without a word that says what it does is an error here, so that the reference is complete.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from typer.cli import get_docs_for_click

KEY = re.compile(r"^(?:# )?(\w+) = .*?#\s+(.*)$")
"""A line of the template: a key, its value and, after a #, what it does."""


def write_reference(folder: Path) -> None:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"keys.md": keys_page(), "command-line.md": command_line_page(), "tables.md": tables_page()}
    for name, text in pages.items():
        place = folder / name
        if (
            not place.exists() or place.read_text("utf-8") != text
        ):  # else everything that includes it is built again
            place.write_text(text, "utf-8")


# Keys.


def keys_page() -> str:
    """Every key of experiment, sweep and study files with its type, bounds, default and meaning."""
    from engine.mechanisms import MECHANISMS

    parts = ["# Keys of experiment, sweep and study files\n"]
    parts.append(
        "`evolve new FILE` writes an experiment file in which every key is explained. What is not under `[run]`, and "
        "is neither the name nor the number of generations, is part of a run's identity.\n"
    )
    for title, section, said in sections():
        parts.append(f"## {title}\n")
        parts.append(f"{(section.__doc__ or '').strip().partition(chr(10) * 2)[0]}\n")
        parts.append("| key | values | default | |\n|---|---|---|---|")
        parts += [
            f"| `{key}` | {values(section, key)} | {default(section, key)} | {said[key]} |"
            for key in section.model_fields
            if key in said
        ]
        parts.append("")
    parts.append(SWEEP)
    parts.append("## [[mechanism]]\n\nTables of a list: what changes the game, the first applied first.\n")
    for kind in MECHANISMS.values():
        parts.append(f"### {kind.name}\n\nAs text: `{kind.usage()}`\n\n{kind.semantics}\n")
        parts.append(f"Prediction: {kind.prediction}\n\nSource: {kind.source}.\n")
    return "\n".join(parts)


def sections() -> Iterator[tuple[str, type[BaseModel], dict[str, str]]]:
    """Title, section and what is said of its keys; raises LookupError for a key of which nothing is said."""
    from evolve.designs import DesignSection
    from evolve.experiment.experiment import Experiment
    from evolve.invasion.study import InvasionSection
    from evolve.kinds import KINDS

    said = template()
    top = {key: text for key, text in said[""].items() if key in Experiment.model_fields}
    yield "At the top of an experiment", Experiment, top
    for name, field in Experiment.model_fields.items():
        section = field.annotation
        if name == "genome":
            for kind, section in KINDS.items():
                yield f'[genome] with kind = "{kind}"', section, checked(section, said[name])
        elif isinstance(section, type) and issubclass(section, BaseModel):
            yield f"[{name}]", section, checked(section, said[name])
    yield "[invasion], in a study file", InvasionSection, checked(InvasionSection, INVASION)
    yield "[design], in a design file", DesignSection, checked(DesignSection, DESIGN)


def checked(section: type[BaseModel], said: dict[str, str]) -> dict[str, str]:
    """What is said, once it is of every key."""
    silent = set(section.model_fields) - set(said)
    if silent:
        raise LookupError(f"{section.__name__}: expected a word on every key, got none on {sorted(silent)}")
    return said


def template() -> dict[str, dict[str, str]]:
    """What the template says of every key, by section; keys that are commented out there count."""
    said: dict[str, dict[str, str]] = {"": {}}
    section, last = "", ""
    for line in files("evolve.experiment").joinpath("template.toml").read_text("utf-8").splitlines():
        if header := re.match(r"^(?:# )?\[+(\w+)\]+", line):
            section = header[1]
            said.setdefault(section, {})
            last = ""
        elif key := KEY.match(line):
            last = key[1]
            said[section].setdefault(last, key[2])
        elif last and (more := re.match(r"^ +# (.*)$", line)):
            said[section][last] += " " + more[1]
        else:
            last = ""
    for key, text in TOLD.items():
        name, _, word = key.rpartition(".")
        said[name].setdefault(word, text)
    return said


TOLD = {
    "game.P": "both defect",
    "rules.turns": "turns of a meeting, or rounds of a society (200 where no horizon is given)",
    "rules.continuation": "probability that another turn follows, instead of `turns`",
    "rules.limit_of_means": "the long-run average, instead of `turns`",
    "population.size": "individuals of a population (of each island)",
    "population.seeds": "shares of the first population: `strategy`, a name or a genome's text, and its `share`",
    "selection.tournament_size": "individuals of which the best becomes a parent (tournament only)",
    "fitness.opponents": "whom everybody meets",
    "variation.strategies": 'what a child can become (law = "finite" only)',
    "group.quota": "units that can be had (exhaust, share and thrash)",
    "group.factor": "what contributions are multiplied by (goods)",
    "group.needed": "cooperators that it takes (threshold)",
    "group.benefit": "what everybody has of it then (threshold)",
    "group.cost": "of cooperating (goods and threshold)",
    "islands.number": "populations that exchange migrants",
    "islands.selection": "who is copied",
}
"""Words on keys that need none in a file, where they stand among others."""

INVASION = {
    "residents": "the strategies that fill a population each: names or genome texts",
    "law": "who comes in: random genomes, mutants of the resident, or those chosen against it",
    "version": "of the law; 2 makes no atom D(x,x)",
    "replicates": "populations of every resident and control",
    "generations": "how long each is followed",
    "controls": "whom residents are compared with: `clone` stands for the clones of each, which only drift",
}
"""What the keys of `[invasion]` do."""

DESIGN = {
    "grid": "one or two keys of the experiment, each with a list of values, or `{ from = 0, to = 2, step = 0.5 }`",
    "strategies": "who plays in the long run: names, genome texts, complete classes such as `memory(1,1)`",
    "size": "individuals of the population",
    "beta": "intensity of selection",
    "mutants": "any other strategy alike, or genomes with one entry changed",
    "residents": "who is certified against every mutant",
    "target": "the share of cooperation that is wanted",
    "seeds": "runs of the experiment at every point; 0: the long run of rare mutants instead, exactly",
}
"""What the keys of `[design]` do."""

SWEEP = """## [sweep], in a sweep file

A sweep file is an experiment file with this section, or names one by `base` at the top.

| key | values | default | |
|---|---|---|---|
| `grid` | table of lists | none | keys by their path, each with its values; every combination is a point |
| `list` | list of tables | none | settings by their path, each times the grid |
| `seeds` | whole number, or list of them | `1` | so many from `seed` on, or these |
| `last` | number > 0 ≤ 1 | `0.25` | results are means over this share of the generations, the last ones |
"""
"""The keys of `[sweep]`, which `evolve.sweep` reads itself."""


def values(section: type[BaseModel], key: str) -> str:
    """What a key may be: its type, its bounds, its words."""
    schema = section.model_json_schema()
    return described(schema["properties"][key], schema.get("$defs", {}))


def described(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A JSON schema in words."""
    if "$ref" in schema:
        return described(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        kinds = [described(each, definitions) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema or "const" in schema:
        return ", ".join(f'`"{word}"`' for word in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        items = schema.get("items") or {}
        return f"list of {described(items, definitions)}" if items else "list"
    name = {
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
        "string": "text",
        "object": "table",
    }[schema["type"]]
    bounds = [
        f"{sign} {limit(schema[bound])}"
        for bound, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
        )
        if bound in schema
    ]
    return " ".join([name, *bounds])


def limit(number: float) -> str:
    """A bound, powers as powers."""
    for base in (10, 2):
        power = round(math.log(number, base)) if number > 1000 else 0
        if power and base**power == number:
            return f"{base}^{power}"
    return f"{number:g}" if number < 10**6 else str(number)


def default(section: type[BaseModel], key: str) -> str:
    """A key's default as it stands in a file."""
    field = section.model_fields[key]
    if field.is_required():
        return "has to be given"
    value = field.get_default(call_default_factory=True)
    return "left out" if value is None else f"`{json.dumps(value)}`"


# The command line.


def command_line_page() -> str:
    """Every command with its arguments and options, from the commands themselves."""
    from evolve.cli import app

    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="evolve")
    return get_docs_for_click(obj=command, ctx=context, name="evolve", title="The command line")


# The tables of a run file.


def tables_page() -> str:
    """Every table of a run file with its columns, and what each holds; raises LookupError for an unexplained one."""
    from results.run.rows import FORMAT, SCHEMA

    parts = [f"# Tables of a run file\n\nFormat {FORMAT}.\n"]
    connection = sqlite3.connect(":memory:")
    for table, statement in SCHEMA.items():
        connection.execute(statement)
        columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
        said = {"digest": DIGEST} | COLUMNS[table]
        if unsaid := set(columns) - set(said):
            raise LookupError(f"{table}: expected a word on every column, got none on {sorted(unsaid)}")
        parts += [f"## {table}\n", TABLES[table] + "\n", "| column | |\n|---|---|"]
        parts += [f"| `{column}` | {said[column]} |" for column in columns]
        parts.append("")
    connection.close()
    return "\n".join(parts)


DIGEST = "8 bytes of BLAKE2b over the row's table, place and fields, salted with the run's id"

TABLES = {
    "head": "One row: what the file holds, so that no other row can vanish without being missed.",
    "meta": "What is known of the run as a whole, by name.",
    "generations": "One row a generation; never pruned.",
    "populations": "Whole populations: of the last two commits, and of every generation that is a checkpoint.",
    "births": "The dead that are kept: ancestors of the living (`pruned`) or everybody (`full`). The living are in the "
    "newest row of `populations`.",
    "behaviours": "Every behaviour that has been among the leaders of a generation, numbered from 1.",
    "meta_copy": "The same rows as `meta`, on another page, so that one damaged page can be repaired.",
    "censuses": "Everybody of at most 100 evenly spaced generations, the multiples of a power of two that doubles as "
    "the run grows, by behaviour: whoever is not among the leaders that the generation's own row lists.",
}
"""What each table is for."""

META = {
    "id": "the place of the row",
    "name": "`run` (16 random bytes, the run's id), `edition` (how often `meta` was written), `experiment` (its TOML "
    "text), `results_key` (of that, what can change results), `results_version`, `start` (what the first hash is "
    "chained to: SHA-256 of `results_key`), `lineage`, `provenance` (JSON: name, seed, each session's platform "
    "and versions), `counted` (the first generation that can have a census: above 0 where an earlier version "
    "began the run)",
    "value": "its value",
}

COLUMNS = {
    "head": {
        "id": "0",
        "number": "the last generation, -1 before the first",
        "hash": "its hash, 32 bytes: that of the run",
        "births": "rows of `births`",
        "behaviours": "rows of `behaviours`",
        "repaired": "the last generation of which a repair may have lost something, -1 for none",
    },
    "meta": META,
    "meta_copy": META,
    "generations": {
        "id": "the generation's number, from 0",
        "hash": "SHA-256 of the hash before and of SHA-256 of the population's content (see `populations`)",
        "statistics": "little-endian: eight float64 (best fitness, mean, the quantiles .05 .25 .5 .75 .95, "
        "cooperation) and three uint32 (distinct behaviours, individuals, born in this generation); fitness is payoff "
        "per turn",
        "leaders": "pairs of uint32: the number of a row of `behaviours`, and how many individuals play it; most first",
    },
    "populations": {
        "id": "the generation's number",
        "checkpoint": "1 when it stays, 0 when it goes with the next commits",
        "previous": "the hash of the generation before",
        "content": "zlib: a line for each individual in id order, `id parents origin genome` (`3.0.17 2.0.4,2.0.9 "
        "crossover memory(1,1) cCDCD`, parents `-` for none), an empty line, and the fitness of each as "
        "float64, little-endian",
        "behaviours": "zlib: a line for each individual, the key of its behaviour",
    },
    "births": {
        "id": "generation << 32, island << 20 and slot in one integer",
        "parent": "this id minus the id of the parent whose line is followed; NULL for seeds and immigrants",
        "mate": "this id minus that of the second parent",
        "origin": "the place in `results.records.ORIGINS` of how it came about",
        "genome": "text; or bytes, a change of the parent's text: where (uint16), how many bytes go (uint16), "
        "what comes; or NULL, the parent's text",
        "behaviour": "the key of its behaviour (bytes where it is hexadecimal); NULL for the parent's",
    },
    "behaviours": {
        "id": "its number",
        "key": "its key (bytes where it is hexadecimal)",
        "name": "what it is called, NULL for nothing",
        "genome": "an example of its genomes, the first seen",
        "ancestor": "the number of the behaviour that it descends from along primary parents, NULL when not known",
    },
    "censuses": {
        "id": "the generation's number",
        "content": "zlib: a line for each behaviour, how many show it and `#` with its number in `behaviours`, or one "
        "of its genomes where it has never led",
    },
}
"""What each column holds."""
