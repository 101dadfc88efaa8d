"""uvicorn's HTTP protocol, which tries the fast path before it calls the ASGI application.

Invariants: requests of a connection are answered in their order; what the fast path does not take becomes the
ASGI task that uvicorn would have made of it; when a client goes, its rows are cancelled; a head is parsed
only once, as the parser makes the same of the same bytes.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from service.connections.connection import Connection
from service.connections.rejections import RejectedError
from service.fastpath.handler import FastPath, write_fields
from service.fastpath.whole_requests import WholeCycle, WholeRequest
from service.http.bodies.limits import refuse_body
from service.http.dispatch import Answerer, Unread
from service.observability.exchange import EXCHANGE
from service.observability.metrics import CLIENT_GONE

# The key under which the lifespan's state holds the fast path.
STATE = "fast_path"
Answering = Coroutine[Any, Any, Response]


class _NoRoom(Unread):
    """Refuses a request whose body would be one too many."""

    async def answer(self, request: Request) -> Response:
        """Raise the error."""
        del request
        raise refuse_body()


NO_ROOM = _NoRoom()


class FastPathProtocol(Connection):
    """A connection whose frequent requests are answered without ASGI."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._fast: FastPath | None = self.app_state.get(STATE)
        # A request that waits for its body, its route, and its scope as the parser made it.
        self._held: tuple[RequestResponseCycle, Answerer, dict[str, Any]] | None = None
        self._defaults: tuple[list[tuple[bytes, bytes]], bytes] = [], b""
        # The bytes of its body that are counted among those of all.
        self._held_bytes = 0
        # The bytes that came last, if a request began with them.
        self._data = b""
        # How many more requests may be answered before other connections have their turn.
        self._at_once = math.inf

    def data_received(self, data: bytes) -> None:
        """Answer a request whose head is known without parsing it again; parse other bytes."""
        if self._fast is not None and self.idle and not self.flow.write_paused:
            known = self._fast.heads.recall(data)
            if known is not None:
                self._replay(*known)
                return
        super().data_received(data)

    def feed(self, data: bytes) -> None:
        """Parse bytes, keep those that begin a request to learn its head, and answer at most one at once."""
        self._data = data if self.idle else b""
        self._at_once = 1
        super().feed(data)
        self._at_once = math.inf
        if self._held is not None:
            self._count_held(self._held[0])

    def _count_held(self, cycle: RequestResponseCycle) -> None:
        """Count what has come of a body that is waited for, or refuse the request if that is too much."""
        assert self._fast is not None
        bodies, size = self._fast.bodies, len(cycle.body)
        bodies.held_bytes += size - self._held_bytes
        self._held_bytes = size
        if bodies.held_bytes > bodies.max_held_bytes:
            self._enter(cycle, NO_ROOM)

    def _release(self) -> None:
        """Hold no request any more."""
        self._held = None
        if self._held_bytes and self._fast is not None:
            self._fast.bodies.held_bytes -= self._held_bytes
            self._held_bytes = 0

    def _replay(self, scope: dict[str, Any], body: bytes) -> None:
        scope["server"], scope["client"], scope["state"] = self.server, self.client, self.app_state.copy()
        self.cycle = WholeCycle(self, scope, body)
        assert self._fast is not None
        route = self._fast.enter(scope)
        if route is None:
            super()._start_asgi_task(self.cycle, self.app)
            return
        self.begin(self.cycle)
        self._enter(self.cycle, route)

    def on_message_complete(self) -> None:
        """Answer the request that waited for its body."""
        super().on_message_complete()
        data, self._data = self._data, b""
        if self._held is not None and not self._held[0].more_body:
            cycle, route, scope = self._held
            if data and scope and self._fast is not None:
                self._fast.heads.learn(data, scope, bytes(cycle.body))
            self._enter(cycle, route)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop a request whose body will never be whole."""
        super().connection_lost(exc)
        self._forget()

    def reject(self, rejection: RejectedError) -> None:
        """Refuse a request, and drop it if it waits for its body, which will never be whole."""
        if self._held is not None and self._held[0] is self.reading:
            self._forget()
        super().reject(rejection)

    def _forget(self) -> None:
        if self._held is not None and self._fast is not None:
            scope: Any = self._held[0].scope
            self._fast.dispatcher.metrics.observe(scope, CLIENT_GONE)
        self._release()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope: Any = cycle.scope
        fast = self._fast
        if fast is None or not cycle.keep_alive or self.flow.write_paused or not fast.may_take(scope):
            super()._start_asgi_task(cycle, app)
            return
        # A copy as the parser made it, to be learnt.
        plain = dict(scope) if self._data else {}
        route = fast.enter(scope)
        if route is None:
            super()._start_asgi_task(cycle, app)
            return
        self.begin(cycle)
        unread = isinstance(route, Unread)
        if cycle.more_body and not (unread and scope["method"] == "POST"):
            self._held = cycle, route, {} if unread else plain
        else:
            self._enter(cycle, route)

    def _enter(self, cycle: RequestResponseCycle, route: Answerer) -> None:
        assert self._fast is not None
        self._release()
        scope: Any = cycle.scope
        answering = self._fast.dispatcher.answer(route, WholeRequest(scope, bytes(cycle.body)))
        if self._at_once:
            self._at_once -= 1
            self._step(cycle, answering)
        else:
            self.loop.call_soon(self._step, cycle, answering)

    def _step(
        self, cycle: RequestResponseCycle, answering: Answering, _done: asyncio.Future[Any] | None = None
    ) -> None:
        """Run until the answer is there or waits for something; a task would begin one turn later."""
        try:
            waits_for = answering.send(None)
        except StopIteration as end:
            self._send(cycle, end.value)
        except BaseException:
            self.transport.abort()
            raise
        else:
            again = functools.partial(self._step, cycle, answering)
            if waits_for is None:
                self.loop.call_soon(again)
            else:
                waits_for._asyncio_future_blocking = False
                waits_for.add_done_callback(again)

    def _send(self, cycle: RequestResponseCycle, response: Response) -> None:
        assert self._fast is not None
        scope: Any = cycle.scope
        self._fast.finish(scope, response)
        if cycle.disconnected:
            self._fast.dispatcher.metrics.observe(scope, CLIENT_GONE)
        elif isinstance(response, StreamingResponse):
            super()._start_asgi_task(cycle, self._fast.stream(response, len(cycle.body)))
        else:
            self._write(cycle, response)
            self._fast.dispatcher.metrics.observe(scope, response.status_code)

    def _write(self, cycle: RequestResponseCycle, response: Response) -> None:
        assert self._fast is not None
        if self._fast.is_reported:
            cycle.scope[EXCHANGE] = cycle.body, response  # type: ignore[literal-required]
        close = b"" if cycle.keep_alive else b"connection: close\r\n"  # the server is stopping
        defaults, fields = self._write_defaults(cycle.default_headers), write_fields(response)
        start = STATUS_LINE[response.status_code]
        self.transport.write(b"".join((start, defaults, fields, close, b"\r\n", response.body)))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.end()
        cycle.on_response()

    def _write_defaults(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        # The server makes a new list when its clock has gone on by a second.
        if headers is not self._defaults[0]:
            self._defaults = headers, b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._defaults[1]
