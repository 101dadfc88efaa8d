"""The fast path: direct routes answered from uvicorn's protocol, by the same endpoints as through ASGI.

It saves what ASGI adds to a request: a task, messages, middleware. It looks at a request only to decide
whether ASGI is needed; path, query, header fields and body are read by the route and its endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from service.connections.forwarded import correct_caller
from service.fastpath.head_cache import MAX_HEAD_BYTES, HeadCache
from service.http.dispatch import Answerer, DirectApplication, Dispatcher
from service.http.header_fields import FIELDS, join_fields
from service.observability.reports import ReportMiddleware

METHODS = ("GET", "POST")
# Far below the size at which the server stops reading until the application takes what has come.
MAX_BODY_BYTES = 16_384
LENGTH = b"content-length"
# Only the server and ASGI handle these.
SPECIAL = {b"transfer-encoding", b"expect", b"upgrade"}
Complete = Callable[[MutableMapping[str, Any], list[tuple[bytes, bytes]]], None]


class FastPath:
    """Decides which requests of a process are answered without ASGI.

    Attributes:
        heads: The heads that have come before.
        dispatcher: Answers the requests.
        bodies: The bodies of all requests, among them those that are waited for here.
        enter: The same as the dispatcher's, once the client is the one that a trusted proxy names.
        is_reported: Whether answers are to be noted.
    """

    enter: Callable[[MutableMapping[str, Any]], Answerer | None]

    def __init__(
        self,
        direct: DirectApplication,
        max_head_bytes: int,
        max_body_bytes: int,
        *,
        complete: Complete | None = None,
        proxies: Sequence[str] = (),
    ) -> None:
        """Start with no known heads.

        Args:
            direct: The ASGI application of the direct routes.
            max_head_bytes: The limit of the connections, who have not measured the heads recalled here.
            max_body_bytes: Requests with longer bodies go through ASGI.
            complete: Called with a request's scope and the header fields of its answer, to add what ASGI
                middleware around the direct routes adds; None: there is none.
            proxies: Those whose word on the client is believed, if anyone asks who it is.
        """
        # With what a connection counts for each header line, a head measures less than twice its bytes.
        self.heads = HeadCache(min(MAX_HEAD_BYTES, max_head_bytes // 2))
        self.dispatcher: Dispatcher = direct.dispatcher
        self.bodies = direct.bodies
        self.enter = self._enter_corrected if proxies else direct.dispatcher.enter
        self._proxies = proxies
        self.is_reported = direct.reports is not None
        self._direct = direct
        self._max_body_bytes = min(max_body_bytes, MAX_BODY_BYTES)
        self._complete = complete

    def may_take(self, scope: MutableMapping[str, Any]) -> bool:
        """Return whether a request with this head may be answered here, if it has a direct route."""
        if scope["method"] not in METHODS:
            return False
        fields = scope[FIELDS] = join_fields(scope["headers"])
        if not SPECIAL.isdisjoint(fields):
            return False
        length = fields.get(LENGTH)
        if scope["method"] == "GET":
            return length is None
        return length is not None and length.isdigit() and int(length[:9]) <= self._max_body_bytes

    def _enter_corrected(self, scope: MutableMapping[str, Any]) -> Answerer | None:
        correct_caller(scope, self._proxies)
        return self.dispatcher.enter(scope)

    def finish(self, scope: MutableMapping[str, Any], response: Response) -> None:
        """Add to an answer what middleware around the direct routes would add."""
        if self._complete is not None:
            self._complete(scope, response.raw_headers)

    def stream(self, response: StreamingResponse, received_bytes: int) -> ASGIApp:
        """Return an ASGI application that sends an answer in parts.

        Args:
            response: The answer.
            received_bytes: Of the request's body.
        """

        async def send(scope: Any, receive: Any, send: Any) -> None:
            await self._direct.send(response, scope, receive, send)

        reports = self._direct.reports
        return send if reports is None else ReportMiddleware(send, reports, received_bytes)


def write_fields(response: Response) -> bytes:
    """Return the header lines of an answer, each with its line end."""
    return b"\r\n".join([*map(b": ".join, response.raw_headers), b""])
