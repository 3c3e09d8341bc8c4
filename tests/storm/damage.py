"""Damage to the file of a run: bits flipped, pages zeroed, swapped, stale and foreign, sectors mixed, files cut short.

Whatever is told of a damaged run is as it was written, or the damage is named in one line; a run that goes on
ends with the hash of an undamaged one, or refuses. Repaired, it is intact and ends so too; a repair may refuse, in one
line, where nothing is left to go on from.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from evolve.experiment.experiment import Experiment
from results.errors import RunError
from results.run.repairs import repair
from results.run.store import Run
from tests.storm import Tally
from tests.storm.child import Tell, child
from tests.storm.tasks import experiment, results, told, write

DAMAGES = 2400
"""Over all runs, harms and pages."""

PAGE = 4096
SECTOR = 512
REACHED = 40
"""Generations of a run that is damaged; taken up, it goes on to `LONGER`."""
LONGER = 46


@dataclass(frozen=True)
class Material:
    """A run, and what its pages may be mixed up with."""

    name: str
    declared: Experiment
    whole: bytes
    log: bytes
    """The write-ahead log of a writer that was killed; empty for a run that was closed."""
    earlier: bytes
    earlier_log: bytes
    """The same run some generations before."""
    sister: bytes
    sister_log: bytes
    """A run of another seed."""
    twin: bytes
    """A run of the same experiment, made another time."""
    tells: str = ""
    """What is told of it while it is undamaged."""
    ends: str = ""
    """Its hash at generation `LONGER`."""


def tallies(place: Path, seed: int, share: float) -> Iterator[Tally]:
    """All damage."""
    made = [
        _material(place, "lookups", experiment("lookups", generations=REACHED)),
        _material(place, "all ancestors", experiment("lookups", generations=REACHED), lineage="full"),
        _material(place, "a society", experiment("a society", generations=REACHED)),
        _material(place, "lookups, killed", experiment("lookups", generations=REACHED), killed=True),
    ]
    harms = {
        "bits flipped": flipped,
        "a page zeroed": zeroed,
        "two pages swapped": swapped,
        "a stale page": stale,
        "a foreign page": foreign,
        "sectors of two times": mixed,
        "cut short": shortened,
    }
    for material in made:
        kinds = {"the log damaged": logged} if material.log else harms
        for words, harm in kinds.items():
            rng = random.Random(f"{seed} {material.name} {words}")
            yield _damaged(
                place, material, harm, words, rng, max(1, round(DAMAGES * share / len(made) / len(kinds)))
            )


# --- what is damaged -----------------------------------------------------------------------------------------


def _material(
    place: Path, name: str, declared: Experiment, killed: bool = False, lineage: str = "pruned"
) -> Material:
    """Runs of `declared`, as they were `REACHED` generations on, closed or killed, and their relatives."""

    def made(generations: int, **changes: object) -> tuple[bytes, bytes]:
        folder = place / "made"
        shutil.rmtree(folder, ignore_errors=True)
        this = declared.changed(generations=generations, **changes)
        if not killed:
            write(folder, this, 1, lambda number: None, lineage=lineage)
            return (folder / "run.sqlite").read_bytes(), b""
        kept = place / "kept"
        shutil.rmtree(kept, ignore_errors=True)

        def keep(number: int) -> None:
            if number == generations and not kept.exists():
                shutil.copytree(folder, kept)

        write(folder, this, 1, keep, lineage=lineage)
        return (kept / "run.sqlite").read_bytes(), (kept / "run.sqlite-wal").read_bytes()

    material = Material(
        name, declared, *made(REACHED), *made(REACHED * 2 // 3), *made(REACHED, seed=2), made(REACHED, name="twin")[0]
    )  # fmt: skip
    folder = _laid(place, material.whole, material.log)
    tells = results(folder)
    return replace(material, tells=tells, ends=_ended(folder, declared))


def _laid(place: Path, whole: bytes, log: bytes) -> Path:
    folder = place / "laid"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "run.sqlite").write_bytes(whole)
    if log:
        (folder / "run.sqlite-wal").write_bytes(log)
    return folder


def _ended(folder: Path, declared: Experiment) -> str:
    write(folder, declared.changed(generations=LONGER), 1, lambda number: None)
    with Run.read(folder) as run:
        assert run.generation == LONGER, f"reached {run.generation} of {LONGER}"
        assert run.check() == [], f"check() finds {run.check()[:3]}"
        return run.hash


# --- harms: what was damaged in words, the file, its log -----------------------------------------------------

Damaged = tuple[str, bytes, bytes]
Harming = Callable[[Material, int, random.Random], Damaged]


def _pages(content: bytes) -> int:
    return len(content) // PAGE


def page_of(content: bytes, page: int) -> bytes:
    """One page, by its number from 0."""
    return content[page * PAGE : (page + 1) * PAGE]


def with_page(content: bytes, page: int, new: bytes) -> bytes:
    """The file with another page."""
    return content[: page * PAGE] + new + content[(page + 1) * PAGE :]


def flipped(m: Material, page: int, rng: random.Random) -> Damaged:
    """One to three bits of a page, half the time where the tree is held together."""
    broken = bytearray(m.whole)
    places = [
        page * PAGE + rng.randrange(*rng.choice([(0, 100), (0, PAGE)])) for _ in range(rng.randint(1, 3))
    ]
    for place in places:
        broken[place] ^= 1 << rng.randrange(8)
    return f"bits at {places}", bytes(broken), b""


def zeroed(m: Material, page: int, rng: random.Random) -> Damaged:
    """A page, or a sector, of zeros or of ones."""
    filler = rng.choice([b"\0", b"\xff"])
    if rng.random() < 0.5:
        return f"page {page} all {filler!r}", with_page(m.whole, page, filler * PAGE), b""
    start = page * PAGE + rng.randrange(PAGE // SECTOR) * SECTOR
    return (
        f"sector at {start} all {filler!r}",
        m.whole[:start] + filler * SECTOR + m.whole[start + SECTOR :],
        b"",
    )


def swapped(m: Material, page: int, rng: random.Random) -> Damaged:
    """Two pages in each other's place, or one in both."""
    other = rng.randrange(_pages(m.whole))
    broken = with_page(m.whole, page, page_of(m.whole, other))
    if rng.random() < 0.5:
        broken = with_page(broken, other, page_of(m.whole, page))
    return f"page {page} and {other}", broken, b""


def stale(m: Material, page: int, rng: random.Random) -> Damaged:
    """A page as it was some generations before."""
    page %= _pages(m.earlier)
    return f"page {page} of earlier", with_page(m.whole, page, page_of(m.earlier, page)), b""


def foreign(m: Material, page: int, rng: random.Random) -> Damaged:
    """A page of another run."""
    name = rng.choice(["sister", "twin"])
    other: bytes = getattr(m, name)
    there = page % _pages(other) if rng.random() < 0.7 else rng.randrange(_pages(other))
    return (
        f"page {page} from page {there} of its {name}",
        with_page(m.whole, page, page_of(other, there)),
        b"",
    )


def mixed(m: Material, page: int, rng: random.Random) -> Damaged:
    """A page of which some sectors are earlier, or another run's."""
    name = rng.choice(["earlier", "sister"])
    other: bytes = getattr(m, name)
    new = bytearray(page_of(m.whole, page))
    old = page_of(other, page % _pages(other))
    sectors = [s for s in range(0, PAGE, SECTOR) if rng.random() < 0.5]
    for s in sectors:
        new[s : s + SECTOR] = old[s : s + SECTOR]
    return f"page {page}, sectors {sectors} of its {name}", with_page(m.whole, page, bytes(new)), b""


def shortened(m: Material, page: int, rng: random.Random) -> Damaged:
    """The end is missing, from a page's beginning or from anywhere; or there is more than there was."""
    length = page * PAGE + rng.choice([0, rng.randrange(PAGE)])
    if rng.random() < 0.1:
        return f"{length} bytes more", m.whole + m.sister[:length], b""
    return f"{length} bytes left", m.whole[:length], b""


def logged(m: Material, page: int, rng: random.Random) -> Damaged:
    """The write-ahead log of a killed writer: flipped, cut, stale, of another run."""
    kind = rng.choice(["flipped", "cut", "sister's", "earlier's", "frames swapped", "file earlier"])
    log = bytearray(m.log)
    frame = PAGE + 24
    if kind == "flipped":
        place = rng.choice([rng.randrange(32), rng.randrange(len(log))])
        log[place] ^= 1 << rng.randrange(8)
        return f"log flipped at {place}", m.whole, bytes(log)
    if kind == "cut":
        length = rng.randrange(len(log))
        return f"log cut to {length}", m.whole, bytes(log[:length])
    if kind == "frames swapped":
        one, other = (32 + rng.randrange((len(log) - 32) // frame) * frame for _ in range(2))
        log[one : one + frame], log[other : other + frame] = (
            log[other : other + frame],
            log[one : one + frame],
        )
        return f"log frames at {one} and {other} swapped", m.whole, bytes(log)
    if kind == "file earlier":
        return "file earlier, log as it was", m.earlier, m.log
    return f"log of {kind}", m.whole, m.sister_log if kind == "sister's" else m.earlier_log


# --- judgement -----------------------------------------------------------------------------------------------


def _damaged(
    place: Path, material: Material, harm: Harming, words: str, rng: random.Random, number: int
) -> Tally:
    tally = Tally("")
    pages = _pages(material.whole)
    refused = 0
    for k in range(number):
        what, whole, log = harm(material, k % pages, rng)
        ending = child(partial(_judge, place, material, whole, log))
        refused += ending.told == 1
        tally.tried(what, None if ending.code == 0 else ending.explanation)
    tally.promise = f"{words}: {material.name}{f' (repair refused {refused})' if refused else ''}"
    return tally


def _judge(place: Path, material: Material, whole: bytes, log: bytes, tell: Tell) -> None:
    """Raises AssertionError where a promise does not hold; tells 1 where a repair refused."""
    named = [_named(lambda: _same(_laid(place, whole, log), material))]
    named.append(_named(lambda: _goes_on(_laid(place, whole, log), material)))
    if not any(named):
        return
    folder = _laid(place, whole, log)
    if _named(lambda: repair(folder)) is not None:
        tell(1)
        return
    with Run.read(folder) as run:
        assert run.check() == [], f"after a repair check() finds {run.check()[:3]}"
    ended = _ended(folder, material.declared)
    assert ended == material.ends, f"after a repair ended as {ended}, not as {material.ends}"


def _named(attempt: Callable[[], object]) -> str | None:
    """What a refusal says; None where nothing was refused."""
    try:
        attempt()
    except RunError as error:
        first, *more = str(error).splitlines()
        assert "run.sqlite" in first, f"the file is not named: {error}"
        assert not more or "another experiment" in first, f"not one line: {error}"
        return first
    return None


def _same(folder: Path, material: Material) -> None:
    """Reading tells what was written, or refuses; a damaged log may end earlier, which is a commit as well."""
    with Run.read(folder) as run:
        found = run.check()
        try:
            text = told(run)
        except RunError:
            assert found, "reading finds damage that check() does not find"
            raise
        earlier = bool(material.log) and run.generation < REACHED and not found
        assert earlier or text == material.tells, "what is told is not what was written, and nobody noticed"
        if found:
            raise RunError(f"run.sqlite: {found[0]}")


def _goes_on(folder: Path, material: Material) -> None:
    write(folder, material.declared.changed(generations=LONGER), 1, lambda number: None)
    with Run.read(folder) as run:
        assert run.hash == material.ends, (
            f"went on in silence and ended as {run.hash}, not as {material.ends}"
        )
