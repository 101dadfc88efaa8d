"""The middleware around FastAPI: HEAD, the root path, headers of all answers, limits of bodies."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.errors import TooLargeError
from service.http import error_handlers
from service.http.bodies.limits import HeldBodies
from service.http.caching import BRIEF
from service.http.header_fields import VARY

ERRORS = 400
PAGE_POLICY = "default-src 'self' 'unsafe-inline' data: blob:"


class HeadMiddleware:
    """Answers HEAD as GET, without the body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, send_head)


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

    HTML pages may load nothing from elsewhere, as ReDoc's script would its makers' logo. Caches, which would
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
                    headers["Content-Security-Policy"] = PAGE_POLICY
                if VARY in scope and message["status"] < ERRORS:
                    headers["Vary"] = scope[VARY]
                if scope["method"] == "GET":
                    headers.setdefault("Cache-Control", BRIEF)
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
