"""The throw-away prototype: bare ASGI around one batched call an event-loop turn, without any check."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import orjson
from isal import isal_zlib
from numpy.typing import NDArray

from benchmarks.peers.png import write_png
from benchmarks.peers.session import decode, open_session


class Decoder:
    """Runs what arrived in one turn of the event loop as one batch.

    Attributes:
        session: Of the decoder, on one thread.
        waiting: Vectors of this turn, each with the future of its picture.
    """

    def __init__(self) -> None:
        """Load the decoder."""
        self.session = open_session()
        self.waiting: list[tuple[list[float], asyncio.Future[NDArray[np.uint8]]]] = []

    def decode(self, vector: list[float]) -> asyncio.Future[NDArray[np.uint8]]:
        """Return the future of a picture `(28, 28)` uint8."""
        loop = asyncio.get_running_loop()
        if not self.waiting:
            loop.call_soon(self._run)
        future: asyncio.Future[NDArray[np.uint8]] = loop.create_future()
        self.waiting.append((vector, future))
        return future

    def _run(self) -> None:
        waiting, self.waiting = self.waiting, []
        pictures = decode(self.session, [vector for vector, _ in waiting])
        for (_, future), picture in zip(waiting, pictures, strict=True):
            if not future.cancelled():
                future.set_result(picture)


DECODE = Decoder().decode


async def app(
    _scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer any request, as if it were the right one."""
    message = await receive()
    pixels = await DECODE(orjson.loads(message["body"])["z"])
    png = write_png(pixels, lambda lines: isal_zlib.compress(lines, 1))
    headers = [(b"content-type", b"image/png"), (b"content-length", b"%d" % len(png))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": png})
