"""Owns the fast lane: POST /decode of one vector to a PNG, without what FastAPI adds to each request.

Invariant: it answers only what it understands completely. Everything else goes, body and all, to the
application behind it: there is one set of schemas, limits and texts, and this is not a second.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

import numpy as np
import orjson
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.engine import Z_LIMIT, Engine, Floats
from service.errors import ServiceError
from service.images import to_bytes
from service.png import write_png
from service.registry import Registry
from service.routes.answers import headers_of
from service.routes.dependencies import unless_gone

PATH = "/decode"
PNG_IS_WELCOME = {b"*/*", b"image/*", b"image/png"}
NUMBERS = {int, float}

OnError = Callable[[Request, Exception], Awaitable[Response]]


class FastLane:
    """Answers the plainest requests, and passes on the others."""

    def __init__(
        self, app: ASGIApp, registry: Callable[[], Registry | None], max_body_bytes: int, on_error: OnError
    ) -> None:
        """Stores what it wraps.

        Args:
            app: Gets every other request.
            registry: Gives the loaded models, or None.
            max_body_bytes: Longer bodies are passed on.
            on_error: Answers a `ServiceError`.
        """
        self.app = app
        self.registry = registry
        self.max_body_bytes = max_body_bytes
        self.on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        registry = self.registry()
        if registry is None or not self._is_plain(scope):
            await self.app(scope, receive, send)
            return
        message = await receive()
        engine = registry.get()
        z = self._read_vector(message, engine.manifest.latent_dim)
        if z is None:
            await self.app(scope, _replay(message, receive), send)
            return
        try:
            image = await _decode(engine, z, receive)
        except ServiceError as error:
            response = await self.on_error(Request(scope), error)
            await response(scope, receive, send)
            return
        await _send_png(send, engine, write_png(to_bytes(image[0])))

    def _is_plain(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            return False
        headers = dict(scope["headers"])
        return (
            headers.get(b"content-type") == b"application/json"
            and headers.get(b"accept", b"*/*") in PNG_IS_WELCOME
            and int(headers.get(b"content-length", 0)) <= self.max_body_bytes
            and len(headers) == len(scope["headers"])  # none twice
            and not scope["query_string"]
        )

    def _read_vector(self, message: Message, latent_dim: int) -> Floats | None:
        body = message.get("body", b"")
        if message["type"] != "http.request" or message.get("more_body") or len(body) > self.max_body_bytes:
            return None
        try:
            fields = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if type(fields) is not dict or len(fields) != 1 or type(z := fields.get("z")) is not list:
            return None
        if len(z) != latent_dim or not NUMBERS.issuperset(map(type, z)):
            return None
        return np.array([z], np.float32) if min(z) >= -Z_LIMIT and max(z) <= Z_LIMIT else None


def _replay(message: Message, receive: Receive) -> Receive:
    first = [message]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


async def _decode(engine: Engine, z: Floats, receive: Receive) -> Floats:
    if engine.busy:
        return await unless_gone(receive, engine.submit(z))
    return await engine.submit(z)


@functools.lru_cache
def _constant_headers(engine: Engine) -> list[tuple[bytes, bytes]]:
    headers = {**headers_of(engine.manifest), "Vary": "Accept"}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


async def _send_png(send: Send, engine: Engine, content: bytes) -> None:
    headers = [
        *_constant_headers(engine),
        (b"content-length", b"%d" % len(content)),
        (b"content-type", b"image/png"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
