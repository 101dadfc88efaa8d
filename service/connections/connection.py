"""A client's connection: when its bytes are parsed, when its requests are answered, and how it ends.

Invariants:
- Requests are answered in the order in which they came, also those before one that is refused.
- What has been answered arrives, whatever else the client has sent.
- A client that has sent all and still reads gets its answer; the work for one that has gone is cancelled.
- No connection parses more at once than a turn of the event loop may take.
"""

from __future__ import annotations

import time
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.connections.closing import Flow, GentleTransport, count_unread, probe, without_chunks
from service.connections.heads import HeadProtocol
from service.connections.limits import Phase, Watch
from service.connections.rejections import RejectedError, explain, write_rejection
from service.http.disconnect import DEPARTURE, Departure
from service.observability.metrics import METRICS, Metrics

# Bytes that are parsed at once: pipelined requests of 40 bytes each take 6 ms.
PIECE_BYTES = 16_384
# How long a connection parses before others have their turn: what a socket returns at once, 256 KiB, took
# 32 ms in chunks of one byte.
TURN_S = 0.005


class Connection(HeadProtocol):
    """uvicorn's HTTP protocol, with limits and with answers in the order of the requests.

    Attributes:
        serving: The request that is being answered; those behind it wait in `pipeline`.
    """

    flow: Flow

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.watch = Watch(self.limits)
        self.serving: RequestResponseCycle | None = None
        # Bytes that have come, to be parsed once the requests before them are answered.
        self._rest = b""
        # An error that ends this connection, to be written after the answers before it.
        self._last_words: bytes | None = None
        self._lingering = self._half_closed = False

    @property
    def draining(self) -> bool:
        """Whether the server is about to stop, so that a connection ends with its next answer."""
        return getattr(self.server_state, "draining", False)

    @property
    def busy(self) -> bool:
        """Whether a request that has come is still to be answered."""
        return bool(self.serving or self.pipeline or self._rest)

    @property
    def idle(self) -> bool:
        """Whether the next bytes begin a request that can be answered at once."""
        # Needed at each request: `busy` is written out, which saves a call.
        begun = self.serving or self.pipeline or self._rest or self.in_head or self.reading
        return not (begun or self._lingering or self._last_words)

    def connection_made(self, transport: Any) -> None:
        """Open the connection; if there are too many, refuse it with an answer that says so."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._gentle = GentleTransport(transport, self.end)
        if len(self.connections) > self.limits.max_connections:
            self.reject(RejectedError(503, "all connections of this process are taken; try again"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the request that is being answered, and drop bytes that have not been parsed."""
        self._rest = b""
        if self.serving is not None:  # uvicorn notifies only the request that came last
            self.serving.disconnected = True
            self.serving.message_event.set()
            self.serving.scope[DEPARTURE].announce()  # type: ignore[literal-required]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes, or keep them until the requests before them are answered."""
        if self._rest:
            self._rest += data
        else:
            self.feed(data)

    def feed(self, data: bytes) -> None:
        """Parse bytes, a piece at a time, until `TURN_S` is over or a further request waits."""
        end = time.perf_counter() + TURN_S
        for start in range(0, len(data), PIECE_BYTES):
            if self._lingering or self._last_words is not None or self.transport.is_closing():
                return
            if self.pipeline or self._rest:
                self._rest += data[start:]
                self.flow.hold()
                return
            if start and time.perf_counter() >= end:
                self._rest = data[start:]
                self.flow.hold()
                self.loop.call_soon(self._feed_rest)
                return
            self._parse(data[start : start + PIECE_BYTES])

    def _feed_rest(self) -> None:
        if self.pipeline:
            return
        data, self._rest = self._rest, b""
        self.flow.release()
        self.feed(data)

    def _parse(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as error:
            rest = piece[error.args[0] :]
        except httptools.HttpParserError as error:
            self.reject(explain(error))
            return
        else:
            if self.outgrows(len(piece)):
                self.reject(self.too_large())
            return
        # Not inside the `except` block, or errors in what follows would have the offer's exception as cause.
        if self.scope["method"] == "CONNECT":
            self.reject(RejectedError(405, "method", "GET, HEAD or POST", "CONNECT"))
        else:
            self.feed(self.decline_upgrade() + rest)

    def on_headers_complete(self) -> None:
        """Begin the request; while the server drains, only the last answer may announce the end."""
        before = self.cycle
        super().on_headers_complete()
        if self.draining and self.pipeline and before is self.serving and not before.response_started:
            before.keep_alive = True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.begin(cycle)
        cycle.transport = self._gentle  # type: ignore[assignment]
        if cycle.scope["http_version"] == "1.0":
            app = without_chunks(cycle, app)
        super()._start_asgi_task(cycle, app)

    def begin(self, cycle: RequestResponseCycle) -> None:
        """Note the request that is being answered from now on."""
        self.serving = cycle
        cycle.scope.setdefault(DEPARTURE, Departure())  # type: ignore[misc]
        if self.draining and not self.pipeline and not self._rest:
            cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """Continue with what waits: the next request, bytes that have not been parsed, or the last answer."""
        self.server_state.total_requests += 1
        self.serving = None
        if self.transport.is_closing() or self._lingering:
            return
        self.flow.resume_reading()
        # In another turn of the event loop: if each of hundreds of requests began the next, their calls would
        # be nested as deep.
        if self.pipeline:
            self.loop.call_soon(self._start_next)
        elif self._rest:
            self.loop.call_soon(self._feed_rest)
        elif self._last_words is not None:
            self._say_last_words()
        elif self._half_closed:
            self.transport.close()

    def _start_next(self) -> None:
        if self.pipeline and self.serving is None and not self.transport.is_closing():
            self._start_asgi_task(*self.pipeline.pop())
            if not self.pipeline and self._rest:  # these bytes may begin with the rest of its body
                self.loop.call_soon(self._feed_rest)

    def reject(self, rejection: RejectedError) -> None:
        """Answer with an error, after the answers before it, and end the connection."""
        metrics: Metrics | None = self.app_state.get(METRICS)
        if metrics is not None:
            metrics.count_refusal(f"connection_{rejection.status}")
        broken, self.reading = self.reading, None
        if broken is not None and broken is self.serving:
            self.serving = None
            broken.disconnected = True
            broken.message_event.set()
            broken.scope[DEPARTURE].announce()  # type: ignore[literal-required]
            if broken.response_started:  # it is too late for another answer
                self.transport.close()
                return
        elif broken is not None and self.pipeline and self.pipeline[0][0] is broken:
            self.pipeline.popleft()
        self._last_words = write_rejection(rejection, self.url, self.server_state.default_headers)
        if not self.busy:
            self._say_last_words()

    def _say_last_words(self) -> None:
        self.transport.write(self._last_words or b"")
        self.end()

    def end(self) -> None:
        """Close the connection, once what was written has arrived.

        Closing with bytes unread would reset it, and what is on its way to the client would be lost.
        """
        if self.transport.is_closing() or self._lingering:
            return
        unread = self.in_head or self.reading or self.pipeline or self._rest
        if self._half_closed or not (unread or count_unread(self.transport)):
            self.transport.close()
            return
        self._lingering = True
        self.pipeline.clear()
        self._rest = b""
        self.transport.write_eof()
        self.flow.release()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Stay open for a client that has closed only its own side, if its requests are whole."""
        if self._lingering or self.reading is not None or not self.busy:
            return False
        self._half_closed = True
        now = self.serving
        may_ask = now is not None and now.scope["http_version"] == "1.1" and not now.response_started
        probe(self.transport, self.loop, ask=may_ask)
        return True

    def announce_end(self) -> None:
        """Have the coming answer say that it is the connection's last, unless further requests wait."""
        last = None if self.pipeline or self._rest else self.serving
        if last is not None and not last.response_started:
            last.keep_alive = False

    def shutdown(self) -> None:
        """End the connection: now if nothing of a request has come, else with the answer to it."""
        self.announce_end()
        if not (self.in_head or self.reading or self.busy or count_unread(self.transport)):
            self.end()

    def phase(self) -> tuple[Phase, Any]:
        """Return the phase of this connection and a mark of its progress, for its watch."""
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            return "write", unsent
        if self._lingering:
            return "linger", None
        if self.reading is not None and not self.flow.read_paused:
            return "body", self.body_bytes
        if self.busy or self._last_words is not None:
            return "answer", None
        if self.in_head:
            return "head", None
        return ("new", None) if self.cycle is None else ("idle", self.cycle)

    def check(self, now: float) -> None:
        """End the connection if it has been in one phase for too long; `now` is for `Watch.look`."""
        over = self.watch.look(self, now)
        if over == "head":
            self.reject(
                RejectedError(408, "head", f"its end within {self.limits.head_timeout_s:g} s", "a part")
            )
        elif over == "body":
            expected = f"a further piece within {self.limits.body_timeout_s:g} s"
            self.reject(RejectedError(408, "body", expected, "none"))
        elif over == "write":
            self.transport.abort()
        # Bytes on an idle connection may be a request; a client that was refused may not send for ever.
        elif over == "linger" or (over is not None and not count_unread(self.transport)):
            self.transport.close()
