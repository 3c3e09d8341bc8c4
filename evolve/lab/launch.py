"""`evolve lab`: serve one folder to this machine's own browser."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

ADDRESS = "127.0.0.1"


def serve(root: Path, port: int, say: Callable[[str], None], *, open_browser: bool) -> None:
    """Serve until interrupted; `port` 0 takes one that is free. Raises ValueError for one that is taken."""
    import uvicorn

    from evolve.lab.app import Lab, application
    from evolve.lab.guard import Guard

    lab = Lab(root)
    listening = _listening(port)
    served = int(listening.getsockname()[1])
    address = f"http://{ADDRESS}:{served}/"
    lab.warm_up()
    say(f"the lab is at {address} (this machine only); Ctrl-C ends it, runs go on as they are")
    if open_browser:
        webbrowser.open(address)
    config = uvicorn.Config(
        Guard(application(lab), lambda: served), log_level="warning", access_log=False, server_header=False,
        proxy_headers=False, ws="none", lifespan="off", limit_concurrency=64, timeout_keep_alive=20,
        h11_max_incomplete_event_size=32_000, timeout_graceful_shutdown=2,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])


def _listening(port: int) -> socket.socket:
    """A socket that only this machine reaches."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((ADDRESS, port))
        made.listen(128)
    except OSError as error:
        made.close()
        raise ValueError(f"port: expected one that is free, got {port} ({error.strerror})") from None
    return made
