"""The throw-away prototype: bare ASGI around one batched call an event-loop turn, without any check."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import orjson
from isal import isal_zlib
from numpy.typing import NDArray

from benchmarks.peers.session import decode, open_session


class Decoder:
    """Runs what arrived in one turn of the event loop as one batch.

    Attributes:
        session: Of the decoder, on one thread.
        waiting: Vectors of this turn, each with the future of its picture.
    """

    def __init__(self) -> None:
        """Loads the decoder."""
        self.session = open_session()
        self.waiting: list[tuple[list[float], asyncio.Future[NDArray[np.uint8]]]] = []

    def decode(self, vector: list[float]) -> asyncio.Future[NDArray[np.uint8]]:
        """Gives the future of a picture `(28, 28)` uint8."""
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


def write_png(pixels: NDArray[np.uint8]) -> bytes:
    """Gives a PNG file of `(28, 28)` uint8."""
    lines = np.zeros((28, 29), np.uint8)
    lines[:, 1:] = pixels
    data = isal_zlib.compress(lines, 1)
    return HEAD + _chunk(b"IDAT", data) + END


def _chunk(kind: bytes, data: bytes) -> bytes:
    content = kind + data
    return len(data).to_bytes(4, "big") + content + zlib.crc32(content).to_bytes(4, "big")


HEAD = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0))
END = _chunk(b"IEND", b"")
DECODE = Decoder().decode


async def app(
    _scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answers any request, as if it were the right one."""
    message = await receive()
    png = write_png(await DECODE(orjson.loads(message["body"])["z"]))
    headers = [(b"content-type", b"image/png"), (b"content-length", b"%d" % len(png))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": png})
