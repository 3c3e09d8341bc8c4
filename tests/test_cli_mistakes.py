"""Whatever is wrong is said in one line, with exit code 1 and no traceback; and nothing from outside is obeyed by the
terminal."""

import ast
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evolve import Experiment, ExperimentError, generations
from evolve.cli import runs, screen
from evolve.experiment.files import parse_toml
from evolve.sweep import Sweep
from genomes.texts import printable, shown
from results import Run
from tests.conftest import Command
from tests.processes import evolve_command, watch

CLI = Path(screen.__file__).parent
HOSTILE = "\x1b]0;owned\a\x1b[2J[/x] [bold] :smile: \u202e\nevolve: all is well\r"
SMALL = Experiment(
    generations=3, rules={"turns": 5}, genome={"x": 1, "y": 1}, population={"size": 6}, selection={"survivors": 2},
    variation={"immigrants": 1},
)  # fmt: skip


def spoken(arguments: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "evolve.cli", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    with Run.open(folder, SMALL) as run:
        for generation in generations(SMALL):
            run.append(generation)
    return folder


# --- what comes from outside ---


@given(st.text())
def test_nothing_printed_moves_a_terminal(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()


@given(st.recursive(st.integers() | st.text() | st.floats(), lambda inner: st.lists(inner)))
def test_any_value_is_shown_in_a_line_of_bounded_length(value: object) -> None:
    assert shown(value).isprintable() and len(shown(value)) < 10**5
    assert shown(10**5000) == "a number of thousands of digits"


def test_every_command_prints_through_the_screen() -> None:
    for file in CLI.glob("*.py"):
        calls = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)]
        names = [ast.unparse(call.func) for call in calls]
        allowed = ["print"] * 2 if file.name == "screen.py" else []
        assert [n for n in names if n in ("print", "typer.echo", "sys.stdout.write")] == allowed, file


def test_markup_and_escapes_in_tables_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    table = screen.new_table("name", HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE, "[red]not red[/]")
    screen.show(screen.styled(HOSTILE, "bold"), table)
    screen.say(HOSTILE)
    said = capsys.readouterr().out
    assert all(line.isprintable() for line in said.split("\n"))
    assert "[red]not red[/]" in said and ":smile:" in said and "[/x]" in said
    assert not any(line.startswith("evolve: all is well") for line in said.splitlines())


def test_names_and_keys_of_a_file_are_text(tmp_path: Path, evolve: Command) -> None:
    file = tmp_path / "colleague.toml"
    file.write_text(
        '"\\u001b]0;owned\\u0007\\nevolve: all is well" = 1\n[rules]\n"\\u202e\\n" = 2\nnoise = "\\u001b[2J"\n'
    )
    for command in ("run", "sweep", "invade"):
        for section in ("", "[sweep]\nseeds = 1\n", '[invasion]\nresidents = ["\\u001b[2J"]\n'):
            (tmp_path / "one.toml").write_text(file.read_text() + section)
            code, out, err = evolve(command, str(tmp_path / "one.toml"))
            assert code == 1 and out == ""
            assert all(line.isprintable() for line in err.split("\n"))
            assert not any(line.startswith("evolve: all is well") for line in err.splitlines())


# --- one line, always ---


DEEP = {
    "brackets": "x = " + "[" * 5000,
    "tables": "[" + ".".join("a" * 4000) + "]",
    "keys": ".".join("a" * 4000) + " = 1",
    "below a number": "[population.size." + ".".join("a" * 4000) + "]",
    "digits": "seed = " + "9" * 5000,
    "hexadecimal": "seed = 0x" + "f" * 5000,
    "no date": "seed = 2024-02-31",
    "not UTF-8": b"\xff\xfe",
    "controls": "name = '\x01'",
    "Windows": "\ufeff[rules]",
}


@pytest.mark.parametrize("command", ["run", "sweep", "invade"])
@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_a_file_that_no_reader_expects_is_refused_in_a_line(
    text: str | bytes, command: str, tmp_path: Path, evolve: Command
) -> None:
    file = tmp_path / "file.toml"
    content = text if isinstance(text, bytes) else text.encode()
    section = {"run": b"", "sweep": b"\n[sweep]\n", "invade": b"\n[invasion]\nresidents = ['tft']\n"}[command]
    file.write_bytes(content + section)
    code, out, err = evolve(command, str(file), "--out", str(tmp_path / "out"))
    assert (code, out) == (1, "") and err.count("\n") == 1 and len(err) < 1000, err
    assert "a mistake in the program" not in err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("x=" + "[" * 5000, "--set: expected a value of TOML for x"),
        ("seed=" + "9" * 5000, "--set: expected a value of TOML for seed"),
        (".".join("a" * 4000) + "=1", "at most 16 deep"),
        ("generations=" + "9" * 30, "generations: expected at most 1000000000"),
        ("seed=1\nname=2", "seed: expected a whole number"),
    ],
)
def test_a_change_that_no_reader_expects_is_refused_in_a_line(
    change: str, said: str, tmp_path: Path, evolve: Command
) -> None:
    file = tmp_path / "file.toml"
    file.write_text(SMALL.to_toml())
    code, out, err = evolve("run", str(file), "--set", change, "--out", str(tmp_path / "out"))
    assert (code, out) == (1, "") and err.count("\n") == 1 and said in err


def test_numbers_beyond_any_run_are_refused_in_a_line(run_folder: Path, evolve: Command) -> None:
    for words in (
        ("resume", str(run_folder), "--generations", str(10**30)),
        ("lineage", str(run_folder), "--id", "4294967296.0.0"),
        ("lineage", str(run_folder), "--id", f"0.{10**30}.0"),
    ):
        code, out, err = evolve(*words)
        assert (code, out) == (1, "") and err.count("\n") == 1 and "mistake in the program" not in err, err


def test_a_run_that_went_further_than_its_file_asks_says_where_it_is(
    run_folder: Path, tmp_path: Path, evolve: Command
) -> None:
    file = tmp_path / "file.toml"
    file.write_text(SMALL.to_toml())
    code, out, err = evolve("run", str(file), "--generations", "1", "--out", str(run_folder))
    assert code == 0 and "generation 3, seed" in out and " of 1" not in out and "/1" not in err
    code, _, err = evolve("run", str(file), "--set", "seed=9", "--out", str(run_folder))
    assert code == 1 and "choose another folder with --out" in err
    assert evolve("resume", str(run_folder), "--generations", "3")[0] == 0


def test_what_nobody_thought_of_is_a_line_and_a_traceback_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, evolve: Command
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("surprise\x1b[2J")

    monkeypatch.setattr("engine.pairs.meetings.expected", broken)
    monkeypatch.setattr("engine.expected", broken)
    code, out, err = evolve("match", "tft", "all_d")
    assert (code, out) == (1, "") and err.count("\n") == 1 and "\x1b" not in err
    assert "a mistake in the program itself" in err and "KeyError" in err and "EVOLVE_TRACEBACK=1" in err
    monkeypatch.setenv("EVOLVE_TRACEBACK", "1")
    code, _, err = evolve("match", "tft", "all_d")
    assert code == 1 and err.startswith("Traceback") and "in broken" in err


WORDS = st.one_of(
    st.sampled_from(
        ["tft", "all_d", "gradual", "random", "lifl", "police", "memory(1,1) cCDCD", "memory(0,0)|.5", "D(c,r,p)",
         "exists j. D(c,j,p)", "tft=3", "all_d=1e9", "--turns", "--noise", "--continuation", "--payoffs", "--json",
         "--limit-of-means", "--seed", "--size", "--mutants", "--generations", "--replicates", "--sampled", "--scan",
         "--baseline", "--extinction", "--intensity", "--process", "--play", "--arithmetic", "--compare", "--matrix",
         "--show", "0", "-1", "3", "1,1", "0.5", "1e-300", "1e400", "nan", "-inf", "3,0,5,1", "0,0,0,0", "1e99,0,5,1",
         "9" * 400, "ipd", "sipd", "moran", "fermi", "integer", "real", "O99", "", "=", "--"]
    ),
    st.text(max_size=12),
    st.integers(-5, 20).map(str),
    st.floats().map(str),
)  # fmt: skip


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(
        ["strategies", "match", "tournament", "game", "society", "ecology", "formula", "certify", "fixation", "invade",
         "reproduce", "lineage", "show", "sweep", "run"]
    ),
    st.lists(WORDS, max_size=6),
)  # fmt: skip
def test_any_words_give_an_answer_or_a_line(evolve: Command, command: str, words: list[str]) -> None:
    words = [word for word in words if "\0" not in word and not word.startswith("--help")]
    if command in ("invade", "reproduce") and words:
        words = ["no such thing", *words]  # what is valid takes a while
    if command == "sweep" or not words:
        words = ["no such file"]
    code, _, err = evolve(command, *words)
    if code:
        assert code == 1 and err.startswith("evolve: ") and "a mistake in the program" not in err, err
        assert err.count("\n") == 1 or command == "invade"  # there, a line a mistake
        assert all(line.isprintable() for line in err.split("\n"))


LINES = st.lists(
    st.sampled_from(
        ["seed = 1", "seed = -1", "seed = []", "generations = inf", "[rules]", "turns = 1e400", "noise = nan",
         "noise = 0.1", 'play = "sipd"', "[genome]", 'kind = "formula"', "kind = 3", "x = -1", "max_complexity = 0",
         "[population]", "size = 4", "size = true", "seeds = [1]", 'seeds = [{strategy = "[", share = 1}]',
         "[selection]", 'method = "roulette"', "survivors = 10", "[fitness]", 'panel = ["", "lifl"]', "panel = 3",
         'opponents = "both"', "[sweep]", "seeds = 2", 'grid = {"rules.noise" = [0, "x"]}', "grid = {a = []}",
         "list = [{}]", "last = 0", "[invasion]", 'residents = ["tft", "\\u0000"]', "residents = []", "[run]",
         "commit_every = 0", "[islands]", "number = 9999", "[x.y]", "base = '.'", 'name = "../x"', "name = {}"]
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(lines=LINES, kind=st.sampled_from(["experiment", "sweep", "study"]))
def test_any_lines_give_a_value_or_mistakes_in_words(tmp_path: Path, lines: list[str], kind: str) -> None:
    from evolve.invasion.study import Study

    file = tmp_path / "file.toml"
    file.write_text("\n".join(lines))
    try:
        {"experiment": Experiment, "sweep": Sweep, "study": Study}[kind].load(file)  # type: ignore[attr-defined]
    except (ExperimentError, OSError) as mistake:
        assert str(mistake) and all(len(line) < 1000 for line in str(mistake).splitlines())


def test_toml_that_is_too_deep_or_no_toml_is_an_experiments_mistake() -> None:
    for text in ("x = " + "[" * 20 + "]" * 20, "x = " + "{a=" * 20 + "1" + "}" * 20, "a." * 20 + "a = 1"):
        with pytest.raises(ExperimentError, match="at most 16 deep"):
            parse_toml(text, "experiment")


def test_a_terminal_without_unicode_gets_numbers_of_letters() -> None:
    answer = spoken(["formula", "exists t. D(c,r,t)"], env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert answer.returncode == 0 and answer.stderr == "" and "\\u2203t D(c,r,t)" in answer.stdout
    answer = spoken(["tournament", "tft", "all_d"], env=os.environ | {"PYTHONIOENCODING": "latin-1"})
    assert answer.returncode == 0 and answer.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_and_a_closed_pipe_are_said_once() -> None:
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(
            [sys.executable, "-m", "evolve.cli", "strategies"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert answer.returncode == 1
    assert (
        answer.stderr
        == "evolve: output: expected a place that can be written, got none (No space left on device)\n"
    )
    read, write = os.pipe()
    os.close(read)
    answer = subprocess.run(
        [sys.executable, "-m", "evolve.cli", "strategies"], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert answer.returncode == 1 and "Traceback" not in answer.stderr and answer.stderr.count("\n") <= 1


@pytest.mark.parametrize("command", ["sweep", "invade"])
def test_an_error_of_the_disk_names_the_file(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evolve: Command
) -> None:
    file, out = tmp_path / "file.toml", tmp_path / "out"
    section = {"sweep": "[sweep]\nseeds = 1\n", "invade": "[invasion]\nresidents = ['tft']\nreplicates = 2\n"}
    file.write_text(section[command])

    def fsync(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("os.fsync", fsync)
    code, text, err = evolve(command, str(file), "--out", str(out))
    written = {"sweep": out / "index.json", "invade": out / "outcomes.jsonl"}[command]
    assert (code, text) == (1, "")
    assert err.endswith(f"got '{written}' ({os.strerror(errno.EIO)})\n") and err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(("workers", "pause"), [("1", 0.0), ("1", 0.3), ("2", 0.05)])
def test_a_second_ctrl_c_leaves_at_once_and_without_a_traceback(
    workers: str, pause: float, tmp_path: Path
) -> None:
    child = evolve_command(
        "invade", "tft", "--replicates", "5000", "--generations", "500", "--out", str(tmp_path),
        "--workers", workers, cwd=tmp_path,
    )  # fmt: skip
    outcomes = tmp_path / "outcomes.jsonl"
    watch(child, lambda: outcomes.exists() and outcomes.stat().st_size >= 3000)
    for _ in range(3):
        with suppress(ProcessLookupError):  # it may have left already
            os.killpg(child.pid, signal.SIGINT)
        time.sleep(pause)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    said = [line for line in err.splitlines() if not line.startswith("population ")]
    assert said and all("stopped " in line for line in said), err


def test_a_change_of_the_command_line_is_what_the_file_would_say() -> None:
    assert runs.key_and_value("population.size=50") == ("population.size", 50)
    assert runs.key_and_value("name = tit for tat") == ("name", "tit for tat")
