"""The fast path: direct routes answered from uvicorn's protocol, by the same endpoints as through ASGI.

It saves what ASGI adds to a request: a task, messages, layers. It reads nothing of a request but which
transport it may have; path, query, fields and body are the endpoints'.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from service.fastpath.head_cache import HeadCache
from service.http.dispatch import DirectApplication, Dispatcher
from service.http.header_fields import FIELDS, join_fields

METHODS = ("GET", "POST")
# Far below where the server stops reading until someone takes what has come.
MAX_BODY_BYTES = 16_384
LENGTH, ORIGIN = b"content-length", b"origin"
# What these mean is the server's and ASGI's to handle.
SPECIAL = {b"transfer-encoding", b"expect", b"upgrade"}


class FastPath:
    """Decides which requests it answers, for one process.

    Attributes:
        heads: That are known already.
        dispatcher: Answers.
    """

    def __init__(self, direct: DirectApplication, max_body_bytes: int, *, crosses: bool) -> None:
        """Store what it works with.

        Args:
            direct: The direct routes, as ASGI has them.
            max_body_bytes: Longer bodies go through ASGI.
            crosses: Whether pages of other origins may call: what they send goes through ASGI, where the
                layer for that is.
        """
        self.heads = HeadCache()
        self.dispatcher: Dispatcher = direct.dispatcher
        self._direct = direct
        self._max_body_bytes = min(max_body_bytes, MAX_BODY_BYTES)
        self._crosses = crosses

    def may_take(self, scope: MutableMapping[str, Any]) -> bool:
        """Tell by its head whether a request may be answered here, if it has a direct route."""
        if scope["method"] not in METHODS:
            return False
        fields = scope[FIELDS] = join_fields(scope["headers"])
        if not SPECIAL.isdisjoint(fields) or (self._crosses and ORIGIN in fields):
            return False
        length = fields.get(LENGTH)
        if scope["method"] == "GET":
            return length is None
        return length is not None and length.isdigit() and int(length[:9]) <= self._max_body_bytes

    def finish(self, response: Response) -> None:
        """Tell caches that pages of other origins get other header fields, as the layer for them does."""
        if self._crosses:
            response.headers["Vary"] = ", ".join([*response.headers.getlist("Vary"), "Origin"])

    def stream(self, response: StreamingResponse) -> ASGIApp:
        """Return the ASGI application that sends an answer which comes in parts."""

        async def send(scope: Any, receive: Any, send: Any) -> None:
            await self._direct.send(response, scope, receive, send)

        return send


def write_fields(response: Response) -> bytes:
    """Return the header lines of an answer, each ended."""
    return b"".join([b"%b: %b\r\n" % field for field in response.raw_headers])


def make_request(scope: MutableMapping[str, Any], body: bytes) -> Request:
    """Return a request whose body is there."""
    request = Request(scope)
    request._body = body
    return request
