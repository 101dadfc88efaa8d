"""Request ids: the client's if it is safe, else a new one."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.headers import REQUEST_ID
from service.observability.exchange import FAILURE
from service.observability.logs.formats import FIELDS
from service.observability.traces.context import list_ids

logger = logging.getLogger(__name__)

# The client's id goes into logs and headers, so it may only have these characters.
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
OnError = Callable[[Request, Exception], Awaitable[Response]]


class RequestIdMiddleware:
    """Chooses an id for each request, and sends it as a header of the answer.

    It also handles exceptions that nothing else has: they are logged with the id, and `on_error` answers them
    unless an answer has started, which the server then cuts short.
    """

    def __init__(self, app: ASGIApp, on_error: OnError) -> None:
        self.app = app
        self.on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with its id."""
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
            log_failure(scope, error)
            if not started:
                response = await self.on_error(Request(scope), error)
                await response(scope, receive, send_with_id)


def log_failure(scope: MutableMapping[str, Any], error: Exception) -> None:
    """Log an exception nobody expected, with the ids of its request and trace, and note it for the trace."""
    request_id, method, path = scope["state"]["request_id"], scope["method"], quote(scope["path"])
    scope[FAILURE] = type(error).__qualname__
    ids = {FIELDS: list_ids(scope)}
    logger.error("request %s failed: %s %s", request_id, method, path, exc_info=error, extra=ids)


def choose_id(scope: Mapping[str, Any]) -> str:
    """Return the id of a request: the client's if it is safe, else 32 random hex digits."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SAFE_ID.fullmatch(value):
            return str(value, "ascii")
    # Unique, but not secret: unlike `secrets`, `random` asks the system for entropy only once.
    return random.getrandbits(128).to_bytes(16).hex()
