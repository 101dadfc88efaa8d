"""Owns the turns of a client's connection: what is parsed when, what is answered when, and how it ends.

Invariants: requests are answered in their order, also those before one that is refused; what has been
answered arrives, whatever else came; a client that has sent all and reads on gets its answer, one that
has gone takes its work along; no connection parses more at once than a turn of the event loop may take.
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

# Parsed at once: of pipelined requests of 40 bytes each, 6 ms.
PIECE_BYTES = 16_384
# After so long, others have their turn: what a socket has at once, 256 KiB, took 32 ms in chunks of one byte.
TURN_S = 0.005


class Connection(HeadProtocol):
    """uvicorn's protocol with bounds, and in the order of the requests.

    Attributes:
        serving: The request that is being answered; those behind it wait in `pipeline`.
    """

    flow: Flow

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what uvicorn's own takes."""
        super().__init__(*arguments, **options)
        self.watch = Watch(self.limits)
        self.serving: RequestResponseCycle | None = None
        # What has come and is parsed when the requests before it are answered.
        self._rest = b""
        # The last answer of this connection, for after those before it.
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
        """Whether what comes next begins a request that can be answered at once."""
        # Asked at each request: `busy` written out, which saves a call.
        begun = self.serving or self.pipeline or self._rest or self.in_head or self.reading
        return not (begun or self._lingering or self._last_words)

    def connection_made(self, transport: Any) -> None:
        """Open the connection; where there are too many, only to say so."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._gentle = GentleTransport(transport, self.end)
        if len(self.connections) > self.limits.max_connections:
            self.reject(RejectedError(503, "all connections of this process are taken; try again"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered, and forget what has not been parsed."""
        self._rest = b""
        if self.serving is not None:  # uvicorn tells the last that came
            self.serving.disconnected = True
            self.serving.message_event.set()
            self.serving.scope[DEPARTURE].announce()  # type: ignore[literal-required]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, or keep it until the requests before it are answered."""
        if self._rest:
            self._rest += data
        else:
            self.feed(data)

    def feed(self, data: bytes) -> None:
        """Parse what has come, a piece at a time, for a short while, until a further request waits."""
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
        # Not while the offer's exception is handled, or errors in what follows would have it as their cause.
        if self.scope["method"] == "CONNECT":
            self.reject(RejectedError(405, "method", "GET, HEAD or POST", "CONNECT"))
        else:
            self.feed(self.decline_upgrade() + rest)

    def on_headers_complete(self) -> None:
        """Begin the request; where the server drains, only the last of a connection may announce its end."""
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
        """Note which request is being answered."""
        self.serving = cycle
        cycle.scope.setdefault(DEPARTURE, Departure())  # type: ignore[misc]
        if self.draining and not self.pipeline and not self._rest:
            cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """Go on with what waits: the next request, what has not been parsed, or the last answer."""
        self.server_state.total_requests += 1
        self.serving = None
        if self.transport.is_closing() or self._lingering:
            return
        self.flow.resume_reading()
        # In a turn of its own: of hundreds of requests, each of which began the next, the calls would lie as
        # deep in each other.
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
            if not self.pipeline and self._rest:  # which may begin with the rest of its body
                self.loop.call_soon(self._feed_rest)

    def reject(self, rejection: RejectedError) -> None:
        """Answer with an error, after the answers before it, and end the connection."""
        broken, self.reading = self.reading, None
        if broken is not None and broken is self.serving:
            self.serving = None
            broken.disconnected = True
            broken.message_event.set()
            broken.scope[DEPARTURE].announce()  # type: ignore[literal-required]
            if broken.response_started:  # there is no place for another answer
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

        To close it with something unread would reset it, and what is on its way to the client would be lost.
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
        """Answer a client that has closed its side only, if its requests are whole."""
        if self._lingering or self.reading is not None or not self.busy:
            return False
        self._half_closed = True
        now = self.serving
        may_ask = now is not None and now.scope["http_version"] == "1.1" and not now.response_started
        probe(self.transport, self.loop, ask=may_ask)
        return True

    def announce_end(self) -> None:
        """Say in the answer that is to come that it is the last, unless further requests wait."""
        last = None if self.pipeline or self._rest else self.serving
        if last is not None and not last.response_started:
            last.keep_alive = False

    def shutdown(self) -> None:
        """End the connection if nothing of a request has come, else with the answer to it."""
        self.announce_end()
        if not (self.in_head or self.reading or self.busy or count_unread(self.transport)):
            self.end()

    def phase(self) -> tuple[Phase, Any]:
        """Return what this connection is at, for its watch."""
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
        """End the connection if it has been too long in one phase; `now` is the watch's."""
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
        # What comes on an idle connection may be a request; who has been refused may not send for ever.
        elif over == "linger" or (over is not None and not count_unread(self.transport)):
            self.transport.close()
