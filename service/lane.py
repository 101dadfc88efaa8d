"""Owns the fast lane: which requests it takes, and what it answers. HTTP's bytes are `protocol`'s.

It takes POST /decode of one vector and GET /digits/{digit}?seed=, both to a PNG of the default model, without
what ASGI and FastAPI add to each request. Invariant: it takes only what it understands completely. Everything
else goes the usual way, untouched: there is one set of schemas, limits and texts, and this is not a second.
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import orjson

from service.caching import LOOSE
from service.calls import DEADLINE_HEADER, Call
from service.calls import HEADER as TIMING_HEADER
from service.engine import Engine
from service.errors import ClientError, NotAcceptableError
from service.images import to_bytes
from service.metrics import Metrics
from service.negotiation import PNG, STILL, choose
from service.png import write_png
from service.registry import Registry
from service.representations import Wanted
from service.routes.answers import SEED_HEADER, constant_headers
from service.routes.urls import tag_rows
from service.schemas import SEED_LIMIT
from service.space import Z_LIMIT, Floats
from service.telemetry import REQUEST_ID, choose_id

DECODE = "/decode"
DIGIT_ROUTE = "/digits/{digit}"
DIGITS = "/digits/"
DIGIT = re.compile("/digits/([0-9]{1,9})")
SEED = re.compile(rb"seed=([0-9]{1,10})")
JSON_TYPE = b"application/json"
# What only the usual way knows how to treat.
UNUSUAL = {
    b"expect",
    b"if-none-match",
    b"origin",
    b"transfer-encoding",
    b"upgrade",
    DEADLINE_HEADER.lower().encode(),
}
HEAD_END = b"\r\n\r\n"
# A browser's or a client's head, and as many kinds of them as are about at one time.
MAX_HEAD_BYTES, MAX_HEADS = 4096, 256
NUMBERS = {int, float}
SIZE_LINES = f"content-length: %d\r\ncontent-type: {PNG}\r\n".encode()
SEED_LINES = f"etag: %b\r\ncache-control: {LOOSE}\r\n{SEED_HEADER.lower()}: %d\r\n".encode()
PICTURE = Wanted(PNG)
ID_LINE = f"{REQUEST_ID.lower()}: %b\r\n".encode()
TIMING_LINE = f"{TIMING_HEADER.lower()}: %b\r\n".encode()
# A vector of many numbers; far below where the server stops reading until someone takes what has come.
MAX_BODY_BYTES = 16_384


class Order(NamedTuple):
    """What a request asks for.

    Attributes:
        row: One, as `Engine.submit` of the default model takes it.
        call: What it is granted.
        seed: That drew it, or None.
    """

    row: Floats
    call: Call
    seed: int | None = None

    @property
    def route(self) -> str:
        """What FastAPI calls the route that it did not take."""
        return DECODE if self.seed is None else DIGIT_ROUTE


class Lane:
    """Decides and answers, for one process."""

    def __init__(
        self,
        registry: Registry,
        max_body_bytes: int,
        vary: str,
        refusal: Callable[[BaseException], Any],
        metrics: Metrics,
    ) -> None:
        """Stores what it works with.

        Args:
            registry: Started.
            max_body_bytes: Longer bodies go the usual way.
            vary: The header of the same name.
            refusal: Gives the ASGI application that answers with an error.
            metrics: Count the answers.
        """
        self.registry = registry
        self.max_body_bytes = min(max_body_bytes, MAX_BODY_BYTES)
        self.refusal = refusal
        self.metrics = metrics
        self._counters = {route: metrics.counter(route, 200) for route in (DECODE, DIGIT_ROUTE)}
        self._heads: dict[bytes, tuple[dict[str, Any], int]] = {}
        self._constant_lines = functools.cache(functools.partial(_lines, vary))

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
        if any(name == b"x-request-id" for name, _ in scope["headers"]):  # it will not come again
            return
        if len(self._heads) == MAX_HEADS:
            self._heads.clear()
        self._heads[head] = dict(scope), len(body)

    def takes(self, scope: Mapping[str, Any]) -> bool:
        """Tells by a request's head whether the lane may take it."""
        headers = dict(scope["headers"])
        if len(headers) != len(scope["headers"]) or not UNUSUAL.isdisjoint(headers):  # or one twice
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
                scope["path"].startswith(DIGITS)
                and scope["method"] == "GET"
                and b"content-length" not in headers
            )
        return fits and _wants_png(headers.get(b"accept", b""))

    def read(self, scope: Mapping[str, Any], body: bytes) -> Order | None:
        """Gives what a request asks for.

        Args:
            scope: That `takes` took.
            body: Whole.

        Returns:
            The order, or None for the usual way to look at.
        """
        return self._read_digit(scope) if scope["method"] == "GET" else self._read_vector(body)

    def _read_digit(self, scope: Mapping[str, Any]) -> Order | None:
        digit, seed = DIGIT.fullmatch(scope["path"]), SEED.fullmatch(scope["query_string"])
        if digit is None or seed is None or int(seed[1]) >= SEED_LIMIT:
            return None
        try:
            engine = self.registry.get()
            row = engine.space.draw(int(digit[1]), int(seed[1]), 1.0)
            return Order(row, self.registry.open_call(), int(seed[1]))
        except ClientError:
            return None

    def _read_vector(self, body: bytes) -> Order | None:
        try:
            fields = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if type(fields) is not dict or len(fields) != 1 or type(z := fields.get("z")) is not list:
            return None
        engine = self.registry.get()
        space = engine.space
        if space.labels or len(z) != space.dim or not NUMBERS.issuperset(map(type, z)):
            return None
        if min(z) < -Z_LIMIT or max(z) > Z_LIMIT:
            return None
        return Order(np.array([z], np.float32), self.registry.open_call())

    def submit(self, order: Order) -> asyncio.Future[Floats]:
        """Queues what `read` gave; see `Engine.submit`."""
        return self.registry.get().submit(order.row, order.call)

    def count(self, order: Order, begun: float) -> None:
        """Counts an answer with a picture; `begun` is `time.perf_counter`'s."""
        self._counters[order.route](time.perf_counter() - begun)

    def answer(self, scope: Mapping[str, Any], order: Order, image: Floats) -> tuple[bytes, bytes]:
        """Gives the answer with a picture.

        Args:
            scope: Of the request.
            order: What `read` gave.
            image: What `submit` gave.

        Returns:
            The header lines, each ended, and the content.
        """
        begun = time.perf_counter()
        content = write_png(to_bytes(image[0]))
        order.call.encode_s = time.perf_counter() - begun
        lines = (
            self._constant_lines(self.registry.get()),
            TIMING_LINE % order.call.timing().encode(),
            SIZE_LINES % len(content),
            b"" if order.seed is None else self._seed_lines(order),
            ID_LINE % choose_id(scope).encode(),
        )
        return b"".join(lines), content

    def _seed_lines(self, order: Order) -> bytes:
        tag = tag_rows(self.registry.get(), order.row, PICTURE)
        return SEED_LINES % (tag.encode(), order.seed)


@functools.lru_cache(64)
def _wants_png(accept: bytes) -> bool:
    try:
        return choose(accept.decode("latin-1"), None, STILL) == PNG
    except NotAcceptableError:
        return False


def _lines(vary: str, engine: Engine) -> bytes:
    headers = {**constant_headers(engine.manifest), "Vary": vary}
    return b"".join(f"{name.lower()}: {value}\r\n".encode() for name, value in headers.items())
