"""The server: routes, and how a screen becomes a page."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from engine.game import Rules
from evolve.lab.guard import new_token, same_token
from evolve.lab.processes import Processes
from evolve.lab.runs import folder_of, opened, run_folders
from evolve.lab.screens import MENU, SCREENS, Screen, game_line
from evolve.lab.settings import HORIZONS, LONGEST_TEXT, PAYOFFS, RULES, Scene
from genomes import catalogue
from genomes.texts import printable
from results.drawing.style import CSS
from results.errors import RunError
from results.report.page import Section, Text, cut

AT_ONCE = 2
"""Screens that are computed at the same time; others wait their turn."""

MEDIA = {"lab.css": "text/css", "lab.js": "text/javascript"}

WARMING = Screen(
    "One moment", "Kernels are compiled: once on a machine, up to half a minute.", [], version="warming", live=1500
)  # fmt: skip


STARTING = Screen("One moment", "The run begins.", [], version="starting", live=500)


class Lab:
    """The screens of one folder of runs; kernels are compiled in the background when it begins."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.warm = threading.Event()
        self.token = new_token()
        self.processes = Processes(root)
        self._turn = threading.BoundedSemaphore(AT_ONCE)

    def warm_up(self) -> None:
        """Compute something of each screen, so that its kernels are there when they are wanted."""

        def compile_all() -> None:
            try:
                for path in ("/meeting", "/tournament", "/strategy"):
                    for noise in ("0", "0.01"):
                        SCREENS[path](Scene({"noise": noise}), self.root)
            finally:
                self.warm.set()

        threading.Thread(target=compile_all, daemon=True).start()

    def page(self, path: str, values: Mapping[str, str]) -> tuple[int, str]:
        """Status and page of a screen; a mistake in the address is a sentence on the page."""
        scene = Scene(values)
        if path != "/" and not self.warm.is_set():
            return 200, self._rendered(path, scene, WARMING)
        if path == "/run" and values.get("name") in set(self.processes.going()) - set(run_folders(self.root)):
            return 200, self._rendered(path, scene, STARTING)
        try:
            with self._turn:
                return 200, self._rendered(path, scene, SCREENS[path](scene, self.root))
        except (ValueError, RunError) as mistake:
            said = Section("mistake", "That does not work", [Text([printable(str(mistake))])])
            screen = Screen(MENU.get(path, "Run"), "", [said], kept=_others(values))
            return 400, self._rendered(path, scene, screen)

    def change(self, path: str, values: Mapping[str, str]) -> str:
        """Do what a button says, and return the address to go on at; ValueError where that cannot be done."""
        if path == "/start":
            return Scene({}).address("/run", name=self.processes.start(Scene(values)))
        name = values.get("name", "")
        if path == "/stop":
            self.processes.stop(name)
        else:
            self.processes.resume(name)
        return Scene({}).address("/run", name=name)

    def _rendered(self, path: str, scene: Scene, screen: Screen) -> str:
        try:
            rules = scene.rules
            game = game_line(rules)
        except ValueError:
            rules, game = Rules(), ""
        given = scene.values.get
        page = _template().render(
            path=path, screen=screen, scene=scene, rules=rules, game=game, changed=rules != Rules(),
            payoffs={name: given(name, f"{value:g}") for name, value in PAYOFFS.items()}, horizons=HORIZONS,
            horizon=given("horizon", "turns"), turns=given("turns", "200"), noise=given("noise", "0"),
            continuation=given("continuation", "0.95"), menu=MENU, names=catalogue.names(), reset=_others(scene.values),
            token=self.token,
        )  # fmt: skip
        return str(page)

    def report(self, name: str) -> str:
        """The report of a run, as a page of its own."""
        from evolve.telling import page_of_run

        with opened(folder_of(self.root, name)) as run, self._turn:
            return page_of_run(run).html()


def application(lab: Lab) -> Starlette:
    """The routes, without the guard."""

    async def screen(request: Request) -> Response:
        status, page = await run_in_threadpool(
            partial(lab.page, request.url.path, dict(request.query_params))
        )
        return HTMLResponse(page, status)

    async def report(request: Request) -> Response:
        try:
            page = await run_in_threadpool(lab.report, request.query_params.get("name", ""))
        except (ValueError, RunError) as mistake:
            return PlainTextResponse(printable(str(mistake)) + "\n", 400)
        return HTMLResponse(page, headers={"content-disposition": 'attachment; filename="report.html"'})

    async def change(request: Request) -> Response:
        values = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=64))
        if not same_token(values.pop("token", None), lab.token):
            return PlainTextResponse("token: expected that of a page of this lab: load it again\n", 403)
        try:
            place = await run_in_threadpool(lab.change, request.url.path, values)
        except (ValueError, RunError) as mistake:
            return PlainTextResponse(printable(str(mistake)) + "\n", 400)
        return RedirectResponse(place, 303)

    async def media(request: Request) -> Response:
        name = request.url.path.removeprefix("/")
        return Response(_file(name), media_type=MEDIA[name])

    async def icon(request: Request) -> Response:
        return Response(status_code=204)  # browsers ask for one

    return Starlette(
        routes=[
            *(Route(path, screen) for path in SCREENS),
            Route("/report", report),
            Route("/favicon.ico", icon),
            *(Route(path, change, methods=["POST"]) for path in ("/start", "/stop", "/resume")),
            *(Route(f"/{name}", media) for name in MEDIA),
        ]
    )


@lru_cache(maxsize=4)
def _file(name: str) -> str:
    """A style or script; the styles are those of pictures, of reports, and of the lab."""
    text = files("evolve.lab").joinpath(name).read_text(encoding="utf-8")
    if name.endswith(".css"):
        return CSS + files("results.report").joinpath("page.css").read_text(encoding="utf-8") + text
    return text


def _others(values: Mapping[str, str]) -> dict[str, str]:
    """The parameters that are no rules, short enough to be carried on."""
    return {key: value[:LONGEST_TEXT] for key, value in values.items() if key not in RULES}


@lru_cache(maxsize=1)
def _template() -> Any:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    rooms = ChoiceLoader([PackageLoader("evolve.lab", "."), PackageLoader("results.report", ".")])
    made = Environment(
        loader=rooms, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals["cut"] = cut
    return made.get_template("lab.html")
