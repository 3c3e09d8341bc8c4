"""One page of all that is known: its numbers are those of the run, nothing is fetched, and everybody can read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evolve import Experiment, Study, generations, run_study
from evolve.telling import page_of_run, page_of_study, tell
from results import Run
from results.report import runs
from results.report.gallery import write_gallery
from results.report.page import Chart, Code, Details, Page, Section, Table, Text
from tests.browser import browser, opened, overflow, violations
from tests.conftest import Command
from tests.evolutions import FORMULAS, SMALL, SOCIETY

EVIL = '</script><img src=x onerror=alert(1)>"\x1b[2J\u202e'
LIVELY = Experiment(
    seed=7, generations=90, rules={"turns": 50, "noise": 0.01}, genome={"x": 1, "y": 1},
    population={"size": 30}, selection={"survivors": 18, "tournament_size": 2},
    variation={"crossover": 0.2, "mutation": 0.02, "immigrants": 1},
)  # fmt: skip


class Reader(HTMLParser):
    """What a page consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: Any = None
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.data, self._inside = json.loads(data), False


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with Run.open(tmp_path_factory.mktemp("report") / "run", LIVELY) as written:
        for generation in generations(LIVELY):
            written.append(generation)
        yield written


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return page_of_run(run).html()


def test_the_data_in_a_page_is_that_of_the_run(run: Run, page: str) -> None:
    data, table = Reader(page).data, run.statistics()
    assert (data["hash"], data["seed"], data["generations"], data["bin"]) == (run.hash, 7, 91, 1)
    for name in ("best", "mean", "q5", "q95", "cooperation", "behaviours"):
        assert data[name] == pytest.approx(table[name].tolist(), rel=1e-4)
    assert [round(sum(column), 2) for column in zip(*data["shares"].values(), strict=True)] == [1.0] * 91
    assert data["story"] == str(tell(run))
    for sentence in data["sentences"]:
        assert sentence["text"].split(";")[0].split('"')[0][:40] in page.replace("&#39;", "'")


def test_a_page_is_complete_without_scripts_and_fetches_nothing(page: str) -> None:
    reader = Reader(page)
    scripts = [attributes for tag, attributes in reader.tags if tag == "script"]
    assert [s["type"] for s in scripts] == ["application/json"]
    for tag, attributes in reader.tags:
        assert tag not in ("img", "link", "iframe", "object", "base")
        for name in ("src", "href", "action", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith("#"), (tag, value)
    assert "@import" not in page and re.findall(r"url\((?!#)", page) == []
    assert {a.get("id") for _, a in reader.tags} >= {"story", "time", "leaders", "lineage", "rules"}
    named = [a["id"] for _, a in reader.tags if a.get("id")]
    assert len(named) == len(set(named))


def test_a_long_run_is_binned_with_its_ends_as_details(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BINS", 30)
    monkeypatch.setattr(runs, "DETAIL", 20)
    monkeypatch.setattr(runs, "LONG", 80)
    html = page_of_run(run).html()
    assert "generation (means of 4)" in html and "The first 20 generations" in html and "The last 20" in html
    data = Reader(html).data
    table = run.statistics()
    assert data["mean"][:2] == pytest.approx([table["mean"][:4].mean(), table["mean"][4:8].mean()], rel=1e-4)
    assert "least to most" in html


@pytest.mark.parametrize(
    "experiment", [FORMULAS, SOCIETY, SMALL.changed(generations=0)], ids=["formula", "society", "short"]
)
def test_every_kind_of_run_has_a_page(experiment: Experiment, tmp_path: Path) -> None:
    experiment = experiment.changed(generations=min(experiment.generations, 6))
    with Run.open(tmp_path / "run", experiment) as written:
        for generation in generations(experiment):
            written.append(generation)
        html = page_of_run(written).html()
    assert html.count("<svg") >= 4


def test_nothing_of_a_stranger_is_markup() -> None:
    blocks = [
        Text([EVIL]), Chart("<svg></svg>", EVIL), Table(EVIL, [EVIL, "b"], [[EVIL, EVIL]]), Code(EVIL),
        Details(EVIL, [Text([EVIL])]),
    ]  # fmt: skip
    html = Page(EVIL, EVIL, [Section("s", EVIL, blocks)], {EVIL: EVIL}).html()
    assert "<img" not in html and html.count("</script>") == 1 and "onerror=alert(1)&gt;" in html
    assert Reader(html).data == {EVIL: EVIL}


def test_studies_and_sweeps_have_pages(tmp_path: Path, evolve: Command) -> None:
    study = Study.of(
        ["tit_for_tat", "all_c"],
        {"population": {"size": 10}, "rules": {"turns": 10}},
        replicates=4,
        generations=8,
    )
    run_study(study, tmp_path / "study")
    page = page_of_study(tmp_path / "study")
    data = Reader(page.html()).data
    assert {r["resident"] for r in data["residents"]} >= {"tit_for_tat", "all_c", "control: random"}
    assert page.html().count("<svg") == len(study.populations) + 1
    (tmp_path / "sweep.toml").write_text(
        'name = "s"\ngenerations = 3\n[population]\nsize = 8\n[rules]\nturns = 5\n[genome]\nx = 0\ny = 1\n'
        '[sweep]\ngrid = { "rules.noise" = [0.0, 0.1] }\nseeds = 2\n'
    )
    assert evolve("sweep", str(tmp_path / "sweep.toml"), "--out", str(tmp_path / "sweep"))[0] == 0
    code, _, err = evolve("report", str(tmp_path / "sweep"), "-o", str(tmp_path / "sweep.html"))
    assert code == 0, err
    html = (tmp_path / "sweep.html").read_text("utf-8")
    assert [p["runs"] for p in Reader(html).data["points"]] == [2, 2] and html.count("<svg") == 4
    index = tmp_path / "sweep" / "index.json"
    index.write_text(index.read_text().replace('"seed": 1', '"seed": 3', 1))
    code, _, err = evolve("report", str(tmp_path / "sweep"), "-o", str(tmp_path / "sweep.html"))
    assert code == 1 and "expected the index of a sweep, got another or a damaged one" in err


def test_a_report_is_a_command_and_a_mistake_is_one_line(run: Run, tmp_path: Path, evolve: Command) -> None:
    code, out, err = evolve("report", str(run.path.parent), "-o", str(tmp_path / "page.html"))
    assert code == 0, err
    assert (tmp_path / "page.html").stat().st_size < 300_000 and "wrote" in out
    code, _, err = evolve("report", str(run.path.parent), "-o", str(tmp_path / "page.txt"))
    assert (code, err.count("\n")) == (1, 1) and "out: expected a file that ends in .html" in err
    code, _, err = evolve("report", str(tmp_path / "nothing"), "-o", str(tmp_path / "page.html"))
    assert (code, err.count("\n")) == (1, 1)


def test_a_gallery_is_an_index_of_pages(run: Run, tmp_path: Path) -> None:
    one = page_of_run(run)
    index = write_gallery(tmp_path, [("a/b", one), ("index", replace(one, title=EVIL))])
    reader = Reader(index.read_text("utf-8"))
    targets = [a["href"] for tag, a in reader.tags if tag == "a" and not (a["href"] or "").startswith("#")]
    assert targets == ["a-b.html", "index-page.html"] and all((tmp_path / str(t)).is_file() for t in targets)
    named = [a["id"] for _, a in reader.tags if a.get("id")]
    assert len(named) == len(set(named)) and "<img" not in index.read_text("utf-8")


def test_pages_are_read_by_everybody(run: Run, tmp_path: Path) -> None:
    index = write_gallery(tmp_path, [("one", page_of_run(run))])
    with browser() as started:
        for file in (index, tmp_path / "one.html"):
            for scripts, width in ((True, 1280), (False, 390)):
                options = {"java_script_enabled": scripts, "viewport": {"width": width, "height": 800}}
                with opened(started, file.as_uri(), lambda url: url == file.as_uri(), **options) as page:  # noqa: B023
                    assert page.locator("h1").count() == 1 and page.locator("svg").count() >= 1
                    if scripts:
                        assert violations(page) == [] and overflow(page) <= 0
        for scheme, width in (("dark", 390), ("light", 640)):
            options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
            with opened(started, index.with_name("one.html").as_uri(), lambda url: True, **options) as page:
                assert violations(page) == [] and overflow(page) <= 0
                page.locator("summary").last.click()
                assert page.locator("details[open] pre").count() == 1
