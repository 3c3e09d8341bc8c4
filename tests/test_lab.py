"""The lab: whoever is not this machine's own browser is refused, and what it shows is what the engine says."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from engine import Rules, expected, round_robin
from evolve import Experiment, generations
from results import Run
from tests.browser import browser, opened, overflow, violations

pytest.importorskip("starlette", reason="the extra [lab] is not installed")
pytest.importorskip("uvicorn", reason="the extra [lab] is not installed")

SMALL = Experiment(
    name="small", seed=3, generations=12, rules={"turns": 20, "noise": 0.01}, genome={"x": 1, "y": 1},
    population={"size": 16},
)  # fmt: skip


class Server:
    """A lab in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, "-m", "evolve.cli", "lab", str(root), "--port", "0", "--no-open"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found is not None, line
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        connection.putrequest(method, path, skip_host="Host" in named)
        if body is not None:
            named = {"Content-Length": str(len(body.encode())), **named}
        for key, value in named.items():
            connection.putheader(key, value)
        connection.endheaders(None if body is None else body.encode())
        answer = connection.getresponse()
        found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        connection.close()
        return found

    def owns(self, url: str) -> bool:
        """Whether an address is served here."""
        return url.startswith(self.url + "/")

    def screen(self, path: str, **values: str) -> tuple[int, str]:
        """A screen once kernels are there."""
        for _ in range(240):
            status, _, page = self.ask(path + "?" + urlencode(values))
            if "Kernels are compiled" not in page:
                return status, page
            time.sleep(0.5)
        raise AssertionError("kernels were never there")

    def post(self, path: str, **values: str) -> tuple[int, dict[str, str], str]:
        """A form as our own pages send it."""
        token = re.search(r'name="token" value="([^"]+)"', self.screen("/evolution")[1])
        assert token is not None
        form = urlencode({"token": token[1], **values})
        return self.ask(path, "POST", form, Origin=self.url, Content_Type="application/x-www-form-urlencoded")


@contextmanager
def serving(root: Path) -> Iterator[Server]:
    server = Server(root)
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGINT)
        server.process.communicate(timeout=20)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("runs")
    with Run.open(root / "small", SMALL) as run:
        for generation in generations(SMALL):
            run.append(generation)
    (root / "elsewhere").symlink_to(root / "small")
    with serving(root) as server:
        yield server


def test_only_our_own_host_is_answered(lab: Server) -> None:
    for host in (
        "evil.example",
        f"evil.example:{lab.port}",
        "127.0.0.1",
        f"127.0.0.1.evil.example:{lab.port}",
        "",
    ):
        assert lab.ask("/", Host=host)[0] in (400, 421), host
    assert lab.ask("/", Host=f"localhost:{lab.port}")[0] == 200
    status, headers, _ = lab.ask("/")
    assert status == 200 and headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["x-content-type-options"] == "nosniff" and "server" not in headers
    assert lab.ask("/", Origin="http://evil.example")[0] == 403
    assert lab.ask("/", method="DELETE")[0] == 405


def test_it_listens_on_this_machine_alone(lab: Server) -> None:
    listening = Path("/proc/net/tcp").read_text() if Path("/proc/net/tcp").exists() else ""
    if not listening:
        pytest.skip("needs /proc")
    ours = [
        line.split()[1] for line in listening.splitlines()[1:] if line.split()[1].endswith(f":{lab.port:04X}")
    ]
    assert set(ours) == {f"0100007F:{lab.port:04X}"}


def test_what_changes_something_needs_origin_and_token(lab: Server) -> None:
    form = urlencode({"token": "guessed", "generations": "5"})
    kind = "application/x-www-form-urlencoded"
    assert lab.ask("/start", "POST", form, Content_Type=kind)[0] == 403
    assert lab.ask("/start", "POST", form, Content_Type=kind, Origin="http://evil.example")[0] == 403
    status, _, said = lab.ask("/start", "POST", form, Content_Type=kind, Origin=lab.url)
    assert status == 403 and "token" in said
    assert lab.ask("/start", "POST", "x" * 20_000, Origin=lab.url)[0] == 413
    assert lab.ask("/start", "POST", form, Origin=lab.url, Content_Length="-1")[0] in (400, 413)
    assert lab.ask("/start?token=guessed")[0] == 405
    assert lab.ask("/?" + "x" * 9_000)[0] in (400, 414)
    assert not list(lab.root.glob("lab-*"))


@pytest.mark.parametrize(
    "name", ["../small", "/etc", "elsewhere", "", "small/run.sqlite", "small\0", "%2e%2e/small", ".."]
)
def test_only_runs_in_the_folder_are_shown_and_links_are_none(lab: Server, name: str) -> None:
    status, page = lab.screen("/run", name=name)
    assert status == 400 and "run: expected one of the runs" in page
    assert lab.ask("/report?" + urlencode({"name": name}))[0] == 400


@pytest.mark.parametrize(
    ("path", "values", "said"),
    [
        ("/meeting", {"first": "nobody"}, "first: "),
        ("/meeting", {"first": "x" * 1000}, "first: expected at most 300 letters"),
        ("/meeting", {"noise": "0.7"}, "noise: expected 0 &lt;= noise &lt;= 0.5"),
        ("/meeting", {"turns": "1e9"}, "turns: expected a whole number from 1 to 2000"),
        ("/meeting", {"R": "nan"}, "payoffs.R: expected a finite number"),
        ("/meeting", {"shown": "inf"}, "shown: expected a whole number"),
        ("/meeting", {"you": "CDX"}, "you: expected at most 200 letters C and D"),
        ("/meeting", {"first": "__import__('os')"}, "first: "),
        ("/tournament", {"strategies": "tit_for_tat"}, "strategies: expected 2 to 40, got 1"),
        ("/tournament", {"strategies": "\n".join(f"memory(0,1) cC{'CD'[k % 2]}" + " " * k for k in range(3))}, ""),
        ("/evolution", {"size": "100000"}, "size: expected a whole number from 10 to 200"),
        ("/strategy", {"who": "<script>"}, "who: "),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_on_the_page(
    lab: Server, path: str, values: dict[str, str], said: str
) -> None:
    status, page = lab.screen(path, **values)
    if said:
        assert status == 400 and said in page
    assert "<script>" not in page and "Traceback" not in page and page.count("<h1>") == 1


def test_meetings_and_tournaments_show_what_the_engine_says(lab: Server) -> None:
    _, page = lab.screen("/meeting", first="tit_for_tat", second="pavlov", noise="0.05", turns="30")
    hope = expected("tit_for_tat", "pavlov", Rules(turns=30, noise=0.05))
    assert f"may expect {hope.payoffs[0]:.4f} and {hope.payoffs[1]:.4f} a turn" in page
    assert "Rules changed: 30 turns, noise 0.05" in page
    _, page = lab.screen(
        "/tournament",
        strategies="tit_for_tat\nall_d\nmemory(0,1) cCD; pavlov",
        horizon="continuation",
        continuation="0.9",
    )
    table = round_robin(["tit_for_tat", "all_d", "memory(0,1) cCD", "pavlov"], Rules(continuation=0.9))
    shown = re.findall(
        r"<td class=\"right\">(\d)</td><td>([^<]+)</td><td class=\"right\">([\d.]+)</td>", page
    )
    assert [(name, score) for _, name, score in shown] == [(n, f"{s:.4f}") for n, s in table.ranking()]
    _, page = lab.screen("/meeting", first="tit_for_tat", you="CDD")
    assert "After 3 turns you have 9 points, tit_for_tat has 4" in page


def test_a_run_is_shown_as_in_its_report(lab: Server) -> None:
    status, page = lab.screen("/run", name="small")
    assert status == 200 and "What happened" in page and page.count("<svg") >= 5
    assert 'data-live="0"' in page
    status, headers, report = lab.ask("/report?name=small")
    assert status == 200 and "attachment" in headers["content-disposition"] and "What happened" in report


def test_a_run_that_is_started_outlives_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        status, headers, said = server.post(
            "/start", generations="1500", size="30", noise="0.01", turns="20", seed="5"
        )
        assert (status, headers.get("location")) == (303, "/run?name=lab-1"), said
        wait(lambda: reached(tmp_path / "lab-1") > 0)
        _, page = server.screen("/run", name="lab-1")
        assert 'data-live="1000"' in page
    wait(lambda: reached(tmp_path / "lab-1") == 1500, 90)
    with Run.read(tmp_path / "lab-1", Experiment.recorded) as run:
        assert run.check() == []


def test_a_run_is_stopped_and_goes_on_and_too_many_are_refused(lab: Server) -> None:
    for name in ("lab-1", "lab-2"):
        status, headers, said = lab.post("/start", generations="20000", size="20", turns="20")
        assert (status, headers.get("location")) == (303, f"/run?name={name}"), said
    status, _, said = lab.post("/start", generations="5")
    assert status == 400 and "expected at most 2 at a time" in said
    for name in ("lab-1", "lab-2"):
        wait(lambda name=name: reached(lab.root / name) > 0)  # type: ignore[misc]
        assert lab.post("/stop", name=name)[0] == 303
    wait(lambda: lab.post("/stop", name="lab-1")[0] == 400)
    stopped = reached(lab.root / "lab-1")
    assert 0 < stopped < 20000
    assert lab.post("/resume", name="lab-1")[0] == 303
    wait(lambda: reached(lab.root / "lab-1") > stopped)
    assert lab.post("/stop", name="lab-1")[0] == 303
    assert lab.post("/resume", name="small")[0] == 400 and lab.post("/stop", name="small")[0] == 400


def reached(folder: Path) -> int:
    try:
        with Run.read(folder, Experiment.recorded) as run:
            return run.generation
    except (ValueError, OSError):
        return -1


def wait(until: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)


SCENES = [
    "/", "/meeting?first=tit_for_tat&second=all_d&noise=0.05", "/meeting?first=pavlov&you=CD",
    "/tournament?strategies=lifl", "/evolution", "/strategy?who=pavlov&noise=0.01", "/run?name=small",
    "/meeting?first=nobody",
]  # fmt: skip


def test_every_screen_is_read_by_everybody_and_asks_nobody_else(lab: Server) -> None:
    lab.screen("/meeting")
    with browser() as started:
        for number, path in enumerate(SCENES):
            width, scheme = ((1280, "light"), (390, "dark"))[number % 2]
            options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
            ignored = "400 (Bad Request)" if "nobody" in path else ""
            with opened(started, lab.url + path, lab.owns, ignored, **options) as page:
                assert page.locator("h1").count() == 1
                assert violations(page) == [] and overflow(page) <= 0, path
        for path in SCENES[1:4]:
            with opened(started, lab.url + path, lab.owns, java_script_enabled=False) as page:
                assert page.locator("#result svg").count() == 1
                page.get_by_role("button", name="Show").click()
                assert page.locator("#result svg").count() == 1 and "noise=" in page.url


def test_a_changed_setting_is_shown_at_once_and_stays_in_the_address(lab: Server) -> None:
    lab.screen("/tournament")
    with (
        browser() as started,
        opened(started, f"{lab.url}/tournament", lab.owns) as page,
    ):
        before = page.locator("#ranking ~ * table, section table").first.inner_text()
        page.locator("input[name=noise]").focus()
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        wait(lambda: not page.locator("#changed").is_hidden())
        assert "noise 0.05" in page.locator("#changed").inner_text()
        assert page.locator("section table").first.inner_text() != before
        assert "noise=0.05" in page.url
        page.reload()
        assert page.locator("input[name=noise]").input_value() == "0.05"
        page.locator("#changed a").click()
        wait(lambda: page.locator("#changed").is_hidden())
        assert "noise" not in page.url


def test_a_run_is_watched_while_it_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path) as server, browser() as started:
        server.screen("/meeting")
        options = {"viewport": {"width": 1280, "height": 800}}
        address = f"{server.url}/evolution?generations=20000&size=50&turns=20"
        with opened(started, address, server.owns, **options) as page:
            page.get_by_role("button", name="Start").click()
            page.wait_for_url("**/run?name=lab-1")
            result = page.locator("#result")
            wait(lambda: page.locator("#result svg").count() >= 3)
            first = result.get_attribute("data-version")
            wait(lambda: result.get_attribute("data-version") != first)
            page.get_by_role("button", name="Stop").click()
            wait(lambda: server.post("/stop", name="lab-1")[0] == 400)
            stopped = reached(tmp_path / "lab-1")
            assert 0 < stopped < 20000
            wait(lambda: f"Generation {stopped:,}" in result.inner_text())


def test_a_run_is_watched_to_its_end(tmp_path: Path) -> None:
    with serving(tmp_path) as server, browser() as started:
        server.screen("/meeting")
        with opened(started, f"{server.url}/evolution?generations=60&size=20&turns=20", server.owns) as page:
            page.get_by_role("button", name="Start").click()
            page.wait_for_url("**/run?name=lab-1")
            result = page.locator("#result")
            wait(lambda: "Generation 60" in result.inner_text())
            assert result.get_attribute("data-live") == "0"
