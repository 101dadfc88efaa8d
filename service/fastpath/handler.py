"""Owns the fast lane: which requests it takes, and what it answers. HTTP's bytes are `protocol`'s.

It takes POST /decode of one vector, GET /decode.png?z= and GET /digits/{digit}?seed=, all to a PNG of the
default model, without what ASGI and FastAPI add to each request. Invariant: it takes only what it understands
completely. Everything else goes the usual way, untouched: there is one set of schemas, limits and texts, and
this is not a second.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

from service.batching.context import RequestContext
from service.core.arrays import Bytes, Floats
from service.core.errors import NotAcceptableError
from service.core.headers import REQUEST_ID
from service.core.headers import SERVER_TIMING as TIMING_HEADER
from service.core.media_types import PNG, STILL
from service.fastpath.requests import DECODE, DECODE_URL, DIGITS, NEGOTIATED, ROUTES, FastRequest, read_order
from service.http.caching import is_fresh
from service.http.model_headers import constant_headers
from service.http.negotiation import choose
from service.imaging.formats.png import write_png
from service.imaging.pixels import to_bytes
from service.inference.engine import Engine, check_whole
from service.inference.registry import Registry
from service.observability.metrics import Metrics
from service.observability.request_id import choose_id

JSON_TYPE = b"application/json"
# Headers that change nothing of an answer; what has any other goes the usual way, so that no key, cookie or
# encoding is ever passed by.
HARMLESS = {
    *(b"accept", b"accept-encoding", b"accept-language", b"cache-control", b"connection", b"content-length"),
    *(b"content-type", b"dnt", b"host", b"if-none-match", b"keep-alive", b"pragma", b"priority", b"referer"),
    *(
        b"save-data",
        b"sec-ch-ua",
        b"sec-ch-ua-mobile",
        b"sec-ch-ua-platform",
        b"sec-fetch-dest",
        b"sec-fetch-mode",
    ),
    *(b"sec-fetch-site", b"sec-fetch-user", b"sec-gpc", b"te", b"upgrade-insecure-requests", b"user-agent"),
}
# The same of those that are another for each request, so that its head will not come again.
IDENTIFYING = {
    *(b"b3", b"baggage", b"cf-ray", b"forwarded", b"traceparent", b"tracestate", b"via", b"x-amzn-trace-id"),
    *(b"x-b3-parentspanid", b"x-b3-sampled", b"x-b3-spanid", b"x-b3-traceid", b"x-cloud-trace-context"),
    *(
        b"x-correlation-id",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
    ),
    *(b"x-real-ip", b"x-request-id", b"x-request-start"),
}
TAKEN = frozenset(HARMLESS | IDENTIFYING)
HEAD_END = b"\r\n\r\n"
# A browser's or a client's head, and as many kinds of them as are about at one time.
MAX_HEAD_BYTES, MAX_HEADS = 4096, 256
ID_LINE = f"{REQUEST_ID.lower()}: %b\r\n".encode()
# In the order of the usual way; times in milliseconds, then the length.
PICTURE_LINES = (
    f"{TIMING_HEADER.lower()}: queue;dur=%.3f, inference;dur=%.3f, encode;dur=%.3f\r\n"
    f"content-length: %d\r\ncontent-type: {PNG}\r\n"
).encode()
# A vector of many numbers; far below where the server stops reading until someone takes what has come.
MAX_BODY_BYTES = 16_384


class FastPath:
    """Decides and answers, for one process."""

    def __init__(
        self,
        registry: Registry,
        max_body_bytes: int,
        crosses: bool,
        refusal: Callable[[BaseException], Any],
        metrics: Metrics,
    ) -> None:
        """Stores what it works with.

        Args:
            registry: Started.
            max_body_bytes: Longer bodies go the usual way.
            crosses: Whether pages of other origins may call, so that answers depend on the origin.
            refusal: Gives the ASGI application that answers with an error.
            metrics: Count the answers.
        """
        self.registry = registry
        self.max_body_bytes = min(max_body_bytes, MAX_BODY_BYTES)
        self.refusal = refusal
        self.metrics = metrics
        self._counters = {
            (route, status): metrics.counter(route, status) for route in ROUTES for status in (200, 304)
        }
        self._batch: Floats | None = None
        self._levels: Any = None
        self._heads: dict[bytes, tuple[dict[str, Any], int]] = {}
        self._constant_lines = functools.cache(_lines)
        self._vary = {route: _vary_lines(route, crosses) for route in ROUTES}

    def recall(self, data: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Gives a copy of the scope of a request that has come before, but for its body.

        Args:
            data: What came, where a request may begin.

        Returns:
            The scope, without what is the connection's, and the body; or None for the parser to look at.
        """
        head, end, body = data.partition(HEAD_END)
        known = self._heads.get(head)
        if known is None or not end or len(body) != known[1]:
            return None
        return {**known[0], "headers": [*known[0]["headers"]]}, body

    def learn(self, data: bytes, scope: Mapping[str, Any], body: bytes) -> None:
        """Keeps the scope of a request that the lane takes.

        Args:
            data: What came when it began; only if that is just this request, its head will be known.
            scope: What the parser made of it.
            body: Whole.
        """
        head, _, rest = data.partition(HEAD_END)
        if rest != body or head in self._heads or len(head) > MAX_HEAD_BYTES:
            return
        if not IDENTIFYING.isdisjoint(name for name, _ in scope["headers"]):
            return
        if len(self._heads) == MAX_HEADS:
            self._heads.clear()
        self._heads[head] = dict(scope), len(body)

    def takes(self, scope: Mapping[str, Any]) -> bool:
        """Tells by a request's head whether the lane may take it."""
        headers = dict(scope["headers"])
        if len(headers) != len(scope["headers"]) or not headers.keys() <= TAKEN:  # or one twice
            return False
        if scope["method"] == "POST":
            fits = (
                scope["path"] == DECODE
                and not scope["query_string"]
                and headers.get(b"content-type") == JSON_TYPE
                and int(headers.get(b"content-length", self.max_body_bytes + 1)) <= self.max_body_bytes
            )
        else:
            fits = (
                scope["method"] == "GET"
                and (scope["path"] == DECODE_URL or scope["path"].startswith(DIGITS))
                and b"content-length" not in headers
            )
        # The end of a URL says what is wanted, whatever a header says.
        return fits and (scope["path"].endswith(".png") or _wants_png(headers.get(b"accept", b"")))

    def read(self, scope: Mapping[str, Any], body: bytes) -> FastRequest | None:
        """Gives what a request asks for.

        Args:
            scope: That `takes` took.
            body: Whole.

        Returns:
            The order, or None for the usual way to look at.
        """
        return read_order(self.registry, scope, body)

    def is_fresh(self, scope: Mapping[str, Any], order: FastRequest) -> bool:
        """Tells whether the client has the picture already."""
        header = dict(scope["headers"]).get(b"if-none-match")
        return header is not None and is_fresh(header.decode("latin-1"), order.tag)

    def submit(self, order: FastRequest) -> asyncio.Future[Floats]:
        """Queues what `read` gave; see `Engine.submit`."""
        return self.registry.get().submit(order.row, order.call)

    def count(self, order: FastRequest, begun: float, status: int = 200) -> None:
        """Counts an answer; `begun` is `time.perf_counter`'s."""
        self._counters[order.route, status](time.perf_counter() - begun)

    def answer(self, scope: Mapping[str, Any], order: FastRequest, results: Floats) -> tuple[bytes, bytes]:
        """Return the answer with a picture.

        Args:
            scope: Of the request.
            order: What `read` gave, and `submit` has run.
            results: What its future gave.

        Returns:
            The header lines, each ended, and the content.

        Raises:
            InferenceError: There is not one result for the one row.
        """
        begun = time.perf_counter()
        check_whole(order.row, results)
        call = order.call
        content = write_png(self._to_levels(call))
        encode_s = time.perf_counter() - begun
        facts = call.queue_s * 1e3, call.inference_s * 1e3, encode_s * 1e3, len(content)
        constant = self._constant_lines(self.registry.get())
        return b"".join((constant, PICTURE_LINES % facts, order.lines, self._end(scope, order))), content

    def _end(self, scope: Mapping[str, Any], order: FastRequest) -> bytes:
        before, after = self._vary[order.route]
        return before + ID_LINE % choose_id(scope).encode() + after

    def _to_levels(self, call: RequestContext) -> Bytes:
        # To round a batch costs little more than to round one picture of it, and all are answered together.
        if call.batch is not self._batch:
            self._batch = call.batch
            self._levels = to_bytes(call.batch)  # type: ignore[arg-type]
        levels: Bytes = self._levels[call.place]
        return levels

    def answer_fresh(self, scope: Mapping[str, Any], order: FastRequest) -> bytes:
        """Gives the header lines of the answer to a client that has the picture already."""
        constant = self._constant_lines(self.registry.get())
        return b"".join((constant, order.lines, self._end(scope, order)))


@functools.lru_cache(64)
def _wants_png(accept: bytes) -> bool:
    try:
        return choose(accept.decode("latin-1"), None, STILL) == PNG
    except NotAcceptableError:
        return False


def _lines(engine: Engine) -> bytes:
    headers = constant_headers(engine.manifest)
    return b"".join(f"{name.lower()}: {value}\r\n".encode() for name, value in headers.items())


def _vary_lines(route: str, crosses: bool) -> tuple[bytes, bytes]:
    """Return what comes before and after the request's id, where the usual way's layers write it."""
    if route in NEGOTIATED:
        return (b"vary: Accept, Origin\r\n" if crosses else b"vary: Accept\r\n"), b""
    return b"", (b"vary: Origin\r\n" if crosses else b"")
