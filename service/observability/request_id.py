"""Request ids: the client's if it is harmless, else a new one."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.headers import REQUEST_ID
from service.observability.logging import logger

# What a client sends goes into logs and headers, so only this much of it is believed.
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
OnError = Callable[[Request, Exception], Awaitable[Response]]


class RequestIdMiddleware:
    """Gives each request an id, its own or a new one, and each answer the header.

    It is also the last resort: an exception nobody mapped is logged with the id, and answered by
    `on_error` if no answer has begun. One that had begun is cut short by the server.
    """

    def __init__(self, app: ASGIApp, on_error: OnError) -> None:
        """Stores the wrapped application and what answers when it fails."""
        self.app = app
        self.on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = choose_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        header = (REQUEST_ID.lower().encode(), request_id.encode())
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            logger.exception("request %s failed: %s %s", request_id, scope["method"], quote(scope["path"]))
            if not started:
                response = await self.on_error(Request(scope), error)
                await response(scope, receive, send_with_id)


def choose_id(scope: Mapping[str, Any]) -> str:
    """Gives a request's id: the client's, if it has a safe one, else 32 random hex digits."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SAFE_ID.fullmatch(value):
            return str(value, "ascii")
    # Unlike any other, but no secret: a generator of Python's own asks the system once.
    return f"{random.getrandbits(128):032x}"
