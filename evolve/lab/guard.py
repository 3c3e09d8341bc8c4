"""What the server refuses, before anything else is asked: it serves this machine's own browser and nobody else.

Another site's page cannot read what is served here, but it can send requests: so the Host has to be ours (a name that
was made to lead here is not), requests that change something need our Origin and a token that only our pages have, and
everything has a largest size.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

LONGEST_QUERY = 8_000
LARGEST_BODY = 16_000
"""Bytes of an address after `?`, and of a form."""

HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer: nothing but our own is loaded, and nobody frames or keeps it."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Guard:
    """Wraps the application; `port` says which one is served."""

    def __init__(self, app: Any, port: Callable[[], int]) -> None:
        self.app, self._port = app, port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refusal = self.refusal(scope["method"], scope["query_string"], Headers(scope=scope))
        answer: Any = self.app if refusal is None else PlainTextResponse(refusal[1] + "\n", refusal[0])

        async def headed(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []),
                    *((name.encode(), value.encode()) for name, value in HEADERS.items()),
                ]
            await send(message)

        await answer(scope, receive, headed)

    def refusal(self, method: str, query: bytes, headers: Headers) -> tuple[int, str] | None:
        """Status and reason of a request that is not answered."""
        ours = [f"{name}:{self._port()}" for name in ("127.0.0.1", "localhost")]
        if headers.getlist("host") not in [[host] for host in ours]:
            return 421, f"Host: expected {' or '.join(ours)}, got another"
        if method not in ("GET", "HEAD", "POST"):
            return 405, f"method: expected GET or POST, got {method}"
        if len(query) > LONGEST_QUERY:
            return 414, f"address: expected at most {LONGEST_QUERY} bytes after ?, got {len(query)}"
        origins = headers.getlist("origin")
        if origins and origins not in [[f"http://{host}"] for host in ours]:
            return 403, "Origin: expected our own pages, got another site's"
        if method == "POST":
            if not origins:
                return 403, "Origin: expected our own pages, got none"
            length = headers.get("content-length", "")
            if not length.isdecimal() or int(length) > LARGEST_BODY:
                return 413, f"form: expected at most {LARGEST_BODY} bytes, and how many it has"
        return None


def new_token() -> str:
    """A token of this server."""
    return secrets.token_urlsafe(24)


def same_token(given: object, token: str) -> bool:
    """Whether a form carries ours."""
    return isinstance(given, str) and secrets.compare_digest(given.encode(), token.encode())
