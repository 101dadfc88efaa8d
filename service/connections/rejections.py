"""Answers to what never reaches the application: bad heads, too many connections, clients too slow."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import httptools
from starlette.requests import HTTPConnection
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.core.headers import REQUEST_ID
from service.http.problems import Fault, problem
from service.observability.request_id import choose_id

logger = logging.getLogger(__name__)


class RejectedError(Exception):
    """A request that is refused before the application sees it.

    Attributes:
        status: The HTTP status.
        field: The part of the request, or the whole sentence where none is at fault.
        expected: What it should have been.
        received: What came.
    """

    def __init__(self, status: int, field: str, expected: str = "", received: str = "") -> None:
        self.status = status
        self.field = field
        self.expected = expected
        self.received = received
        super().__init__(field)


def write_rejection(rejection: RejectedError, url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the whole answer to a request that is refused; the connection ends with it.

    Args:
        rejection: What is wrong.
        url: The URL, as far as it is known: below /v2, errors are those of the Open Inference Protocol.
        headers: The header fields that the server adds to each answer.
    """
    path = url.partition(b"?")[0].decode("latin-1")
    scope: dict[str, Any] = {"type": "http", "path": path, "headers": []}
    request_id = choose_id(scope)
    scope["state"] = {"request_id": request_id}
    detail, faults = rejection.field, []
    if rejection.expected:
        faults = [Fault(field=rejection.field, expected=rejection.expected, received=rejection.received)]
        detail = f"{rejection.field}: expected {rejection.expected}, received {rejection.received}"
    extra = {"Retry-After": "1"} if rejection.status == 503 else {}
    response = problem(HTTPConnection(scope), rejection.status, detail, faults, extra)
    lines = [*headers, *response.raw_headers, (REQUEST_ID.lower().encode(), request_id.encode())]
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return STATUS_LINE[rejection.status] + head + b"connection: close\r\n\r\n" + bytes(response.body)


def explain(error: httptools.HttpParserError) -> RejectedError:
    """Return the rejection for an error of the parser, or of something that it called."""
    cause = error.__context__
    if isinstance(cause, RejectedError):
        return cause
    if isinstance(error, httptools.HttpParserCallbackError) and not isinstance(
        cause, (httptools.HttpParserError, UnicodeError)
    ):
        logger.error("reading a request failed", exc_info=cause)
        return RejectedError(500, "The service failed; its log says why.")
    return RejectedError(400, "request", "HTTP/1.1", "what is none")
