"""Owns the fast lane: which requests it takes, and what it answers. HTTP's bytes are `protocol`'s.

It takes POST /decode of one vector to a PNG, from a server that has loaded its models, without what ASGI and
FastAPI add to each request. Invariant: it takes only what it understands completely. Everything else goes the
usual way, untouched: there is one set of schemas, limits and texts, and this is not a second.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson

from service.engine import Z_LIMIT, Engine, Floats
from service.images import to_bytes
from service.negotiation import PNG
from service.png import write_png
from service.registry import Registry
from service.routes.answers import headers_of
from service.telemetry import REQUEST_ID, choose_id

PATH = "/decode"
JSON_TYPE = b"application/json"
PNG_IS_WELCOME = {b"*/*", b"image/*", b"image/png"}
# What only the usual way knows how to treat.
UNUSUAL = {b"expect", b"origin", b"transfer-encoding", b"upgrade"}
NUMBERS = {int, float}
# A vector of many numbers; far below where the server stops reading until someone takes what has come.
MAX_BODY_BYTES = 16_384


class Lane:
    """Decides and answers, for one process."""

    def __init__(
        self, registry: Registry, max_body_bytes: int, vary: str, refusal: Callable[[BaseException], Any]
    ) -> None:
        """Stores what it works with.

        Args:
            registry: Started.
            max_body_bytes: Longer bodies go the usual way.
            vary: The header of the same name.
            refusal: Gives the ASGI application that answers with an error.
        """
        self.registry = registry
        self.max_body_bytes = min(max_body_bytes, MAX_BODY_BYTES)
        self.refusal = refusal
        self._constant_lines = functools.cache(functools.partial(_lines, vary))

    def takes(self, scope: Mapping[str, Any]) -> bool:
        """Tells by a request's head whether the lane may take it."""
        if scope["path"] != PATH or scope["method"] != "POST" or scope["query_string"]:
            return False
        headers = dict(scope["headers"])
        return (
            headers.get(b"content-type") == JSON_TYPE
            and headers.get(b"accept", b"*/*") in PNG_IS_WELCOME
            and int(headers.get(b"content-length", self.max_body_bytes + 1)) <= self.max_body_bytes
            and UNUSUAL.isdisjoint(headers)
            and len(headers) == len(scope["headers"])  # none twice
        )

    def read(self, body: bytes) -> Floats | None:
        """Gives a body's vector.

        Args:
            body: Whole.

        Returns:
            `(1, latent_dim)` float32 that fits the default model, or None for the usual way to look at.
        """
        try:
            fields = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if type(fields) is not dict or len(fields) != 1 or type(z := fields.get("z")) is not list:
            return None
        if len(z) != self.registry.get().manifest.latent_dim or not NUMBERS.issuperset(map(type, z)):
            return None
        return np.array([z], np.float32) if min(z) >= -Z_LIMIT and max(z) <= Z_LIMIT else None

    def submit(self, z: Floats) -> asyncio.Future[Floats]:
        """Queues what `read` gave; see `Engine.submit`."""
        return self.registry.get().submit(z)

    def answer(self, scope: Mapping[str, Any], image: Floats) -> tuple[bytes, bytes]:
        """Gives the answer with a picture.

        Args:
            scope: Of the request.
            image: What `submit` gave.

        Returns:
            The header lines, each ended, and the content.
        """
        content = write_png(to_bytes(image[0]))
        length = b"content-length: %d\r\ncontent-type: %b\r\n" % (len(content), PNG.encode())
        request_id = b"%b: %b\r\n" % (REQUEST_ID.lower().encode(), choose_id(scope).encode())
        return b"".join((self._constant_lines(self.registry.get()), length, request_id)), content


def _lines(vary: str, engine: Engine) -> bytes:
    headers = {**headers_of(engine.manifest), "Vary": vary}
    return b"".join(f"{name.lower()}: {value}\r\n".encode() for name, value in headers.items())
