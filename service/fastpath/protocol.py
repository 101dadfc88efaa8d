"""Owns the fast lane's place in the server: uvicorn's HTTP protocol, which asks the lane before it asks ASGI.

Invariants: requests of a connection are answered in their order; what the lane does not take, or cannot
answer, becomes the ASGI task that uvicorn would have made of it; a client that goes takes its rows along; a
head is parsed but once, for the parser makes the same of the same bytes.
"""

from __future__ import annotations

import asyncio
import functools
import time
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

from service.connections.connection import Connection
from service.connections.forwarded import correct_caller
from service.connections.rejections import RejectedError
from service.core.arrays import Floats
from service.core.errors import ServiceError
from service.fastpath.handler import FastPath
from service.fastpath.requests import FastRequest
from service.observability.metrics import BEGUN, CLIENT_GONE, ROUTE

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope

# Where the lifespan leaves the lane for the protocol to find.
STATE = "lane"


class FastPathProtocol(Connection):
    """A connection with the lane beside it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Takes what uvicorn's own takes."""
        super().__init__(*arguments, **options)
        self._lane: FastPath | None = self.app_state.get(STATE)
        self._held: tuple[RequestResponseCycle, Any] | None = None
        self._future: asyncio.Future[Floats] | None = None
        self._defaults: tuple[list[tuple[bytes, bytes]], bytes] = [], b""
        # What came last, if a request began with it.
        self._data = b""

    def data_received(self, data: bytes) -> None:
        """Spares the parser a request whose head the lane knows."""
        if self._lane is not None and self.idle and not self.flow.write_paused:
            known = self._lane.recall(data)
            if known is not None:
                self._replay(*known)
                return
        super().data_received(data)

    def feed(self, data: bytes) -> None:
        """Note what a request begins with, for the lane to know it again."""
        self._data = data if self.idle else b""
        super().feed(data)

    def _replay(self, scope: dict[str, Any], body: bytes) -> None:
        scope |= {"server": self.server, "client": self.client, "state": self.app_state.copy()}
        self.cycle = RequestResponseCycle(
            scope=cast("HTTPScope", scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=not self.draining,
            on_response=self.on_response_complete,
        )
        self.cycle.body += body
        self.cycle.more_body = False
        self.cycle.message_event.set()
        self.begin(self.cycle)
        self._enter(self.cycle, self.app)

    def on_message_complete(self) -> None:
        """Enters the lane, once the body of a request that it takes is there."""
        super().on_message_complete()
        data, self._data = self._data, b""
        if self._held is not None and not self._held[0].more_body:
            self._enter(*self._held, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Takes the rows of a client that goes from the queue."""
        super().connection_lost(exc)
        self._held = None
        if self._future is not None:
            self._future.cancel()

    def reject(self, rejection: RejectedError) -> None:
        """Forgets a request whose body is not going to be whole."""
        if self._held is not None and self._held[0] is self.reading:
            self._held = None
        super().reject(rejection)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        lane = self._lane
        if lane is None or not cycle.keep_alive or self.flow.write_paused or not lane.takes(cycle.scope):
            super()._start_asgi_task(cycle, app)
            return
        self._held = cycle, app
        self.begin(cycle)
        if not cycle.more_body:  # it came while another was being answered
            self._enter(cycle, app)

    def _enter(self, cycle: RequestResponseCycle, app: Any, data: bytes = b"") -> None:
        assert self._lane is not None
        begun = time.perf_counter()
        self._held = None
        body = bytes(cycle.body)
        try:
            order = self._lane.read(cycle.scope, body)
        except Exception as error:  # whatever it is, the usual way knows what to say and to log
            super()._start_asgi_task(cycle, self._lane.refusal(error))
            return
        if order is None:
            super()._start_asgi_task(cycle, app)
            return
        if data:
            self._lane.learn(data, cycle.scope, body)
        if order.tag and self._lane.is_fresh(cycle.scope, order):
            self._write(cycle, 304, self._lane.answer_fresh(cycle.scope, order))
            self._lane.count(order, begun, 304)
            return
        try:
            self._future = self._lane.submit(order)
        except ServiceError as error:
            self._refuse(cycle, order, begun, error)
        else:
            self._future.add_done_callback(functools.partial(self._leave, cycle, order, begun))

    def _leave(
        self, cycle: RequestResponseCycle, order: FastRequest, begun: float, future: asyncio.Future[Floats]
    ) -> None:
        assert self._lane is not None
        self._future = None
        if cycle.disconnected or future.cancelled():
            self._lane.metrics.observe({ROUTE: order.route, BEGUN: begun}, CLIENT_GONE)
            return
        try:
            # The result, or what went wrong.
            lines, content = self._lane.answer(cycle.scope, order, future.result())
        except Exception as error:  # whatever it is, the usual way knows what to say and to log
            self._refuse(cycle, order, begun, error)
        else:
            self._write(cycle, 200, lines, content)
            self._lane.count(order, begun)

    def _refuse(
        self, cycle: RequestResponseCycle, order: FastRequest, begun: float, error: Exception
    ) -> None:
        assert self._lane is not None
        scope: Any = cycle.scope
        scope |= {ROUTE: order.route, BEGUN: begun}
        super()._start_asgi_task(cycle, self._lane.refusal(error))

    def _write(self, cycle: RequestResponseCycle, status: int, lines: bytes, content: bytes = b"") -> None:
        if self.access_log:
            self._log(cycle, status)
        close = b"" if cycle.keep_alive else b"connection: close\r\n"  # the server is stopping
        defaults = self._write_defaults(cycle.default_headers)
        self.transport.write(b"".join((STATUS_LINE[status], defaults, lines, close, b"\r\n", content)))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.end()
        cycle.on_response()

    def _log(self, cycle: RequestResponseCycle, status: int) -> None:
        scope = cycle.scope
        if self.config.proxy_headers:
            correct_caller(scope, self.config.forwarded_allow_ips)
        facts = get_client_addr(scope), scope["method"], get_path_with_query_string(scope)
        self.access_logger.info('%s - "%s %s HTTP/%s" %d', *facts, scope["http_version"], status)

    def _write_defaults(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        # The server makes a new list when its clock has gone on by a second.
        if headers is not self._defaults[0]:
            self._defaults = headers, b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._defaults[1]
