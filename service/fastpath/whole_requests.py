"""A request that came whole, head and body: what uvicorn and Starlette make of it, made in less time.

Both objects have all attributes that those of uvicorn and Starlette have, for whoever takes the request over.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request, empty_receive, empty_send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.connections.connection import Connection

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope


class WholeCycle(RequestResponseCycle):
    """The request and its answer, for a connection."""

    disconnected = more_body = waiting_for_100_continue = False
    response_started = response_complete = False
    chunked_encoding = None
    expected_content_length = 0

    def __init__(self, connection: Connection, scope: MutableMapping[str, Any], body: bytes) -> None:
        self.scope = cast("HTTPScope", scope)
        self.body = body  # type: ignore[assignment]
        self.transport = connection.transport
        self.flow = connection.flow
        self.logger = connection.logger
        self.access_logger = connection.access_logger
        self.access_log = connection.access_log
        self.default_headers = connection.server_state.default_headers
        self.keep_alive = not connection.draining
        self.on_response = connection.on_response_complete

    @functools.cached_property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Says that something has come: nobody waits for it on the fast path."""
        event = asyncio.Event()
        event.set()
        return event


class WholeRequest(Request):
    """The request, for an endpoint."""

    _stream_consumed = _is_disconnected = False
    _form = None
    _receive, _send = staticmethod(empty_receive), staticmethod(empty_send)

    def __init__(self, scope: MutableMapping[str, Any], body: bytes) -> None:
        self.scope = scope
        self._body = body
