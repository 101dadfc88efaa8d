"""The middleware around FastAPI: HEAD, the root path, headers of all answers, limits of bodies."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.errors import TooLargeError
from service.http import error_handlers
from service.http.bodies.limits import HeldBodies
from service.http.caching import BRIEF
from service.http.header_fields import VARY

ERRORS = 400
# Of a page that has none of its own.
PAGE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'"


def take_head_as_get(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """Return the scope of a GET in place of a HEAD's, and a `send` without the body (RFC 9110, 9.3.2)."""
    if scope["method"] != "HEAD":
        return scope, send

    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return {**scope, "method": "GET"}, send_head


def complete_fields(scope: MutableMapping[str, Any], status: int, fields: list[tuple[bytes, bytes]]) -> None:
    """Add the header fields that no route sets: which header chose the answer, how long a GET keeps."""
    if VARY in scope and status < ERRORS:
        fields.append((b"vary", scope[VARY].encode()))
    if scope["method"] == "GET" and b"cache-control" not in dict(fields):
        fields.append((b"cache-control", BRIEF.encode()))


class HeadMiddleware:
    """Answers HEAD as GET, without the body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            scope, send = take_head_as_get(scope, send)
        await self.app(scope, receive, send)


class RootPathMiddleware:
    """Puts the service under a path, whether or not the proxy in front of it removes this path.

    As ASGI demands, `path` then begins with `root_path`, which has no slash at its end; addresses are made of
    these two.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self.app = app
        self.root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request under the path."""
        if scope["type"] == "http":
            path: str = scope["path"]
            if path == self.root_path:
                path += "/"
            elif not path.startswith(self.root_path + "/"):
                path = self.root_path + path
            scope = {**scope, "path": path, "root_path": self.root_path}
        await self.app(scope, receive, send)


class AnswerHeadersMiddleware:
    """Adds the header fields that no route sets itself.

    HTML pages may load nothing from elsewhere; a page may be stricter with itself. Caches, which would
    decide for themselves, are told for how long a GET is good, and whether a header chose the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with these fields."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
                complete_fields(scope, message["status"], headers.raw)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class BodyLimitMiddleware:
    """Refuses bodies above a size: by their declared length before reading, else as soon as they pass it."""

    def __init__(self, app: ASGIApp, bodies: HeldBodies) -> None:
        self.app = app
        self.bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse its body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = self.bodies.open(scope, receive)
        try:
            body.budget.check()
        except TooLargeError as error:
            response = await error_handlers.answer_service_error(Request(scope), error)
            await response(scope, receive, send)
            return
        try:
            await self.app(scope, body.receive, send)
        finally:
            body.close()
