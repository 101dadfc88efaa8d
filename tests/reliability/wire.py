"""Owns HTTP/1.1 as the harness speaks it: cuts, resets and stray bytes are seen as they come.

No library stands between: those repair, retry and hide what a test of reliability is after.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import NamedTuple, cast

from tests.reliability.inbox import Inbox

HEAD_END = b"\r\n\r\n"
# The longest head and line of a chunk that an answer of the service may have.
MAX_HEAD_BYTES = 65_536
PIECE_BYTES = 262_144
BODILESS = frozenset((204, 304))


class CutError(Exception):
    """A connection ended before a whole answer.

    Attributes:
        received: Bytes of the answer that came.
        reset: Whether it ended by a reset, and not in order.
        ended: When it ended, on the monotonic clock.
    """

    def __init__(self, received: int, *, reset: bool, ended: float) -> None:
        """Stores what was seen."""
        how = "a reset" if reset else "the connection's end"
        super().__init__(f"expected a whole answer, received {received} bytes and {how}")
        self.received = received
        self.reset = reset
        self.ended = ended


class FramingError(Exception):
    """What came is no answer of HTTP/1.1; the connection is of no use any more."""


class Answer(NamedTuple):
    """A whole answer.

    Attributes:
        status: HTTP's.
        headers: By name in small letters; several of one name are joined by a comma.
        body: Without the chunks that it may have come in.
        closes: Whether the server says that it closes the connection.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    closes: bool


class Connection:
    """A connection to the service."""

    def __init__(self, transport: asyncio.Transport, inbox: Inbox) -> None:
        """Stores its two ends; `connect` makes one."""
        self._transport = transport
        self._inbox = inbox
        self.opened = time.monotonic()
        self.answered = 0

    @property
    def ended(self) -> float | None:
        """When the server ended it, on the monotonic clock; None while it is open."""
        return self._inbox.ended

    @property
    def pending(self) -> bytes:
        """What has come and has not been read."""
        return bytes(self._inbox.content)

    async def send(self, data: bytes) -> None:
        """Sends bytes, and waits while the server takes no more.

        Raises:
            CutError: The connection has ended.
        """
        # In pieces: of a large buffer the transport would move the whole with each part that is taken.
        for begin in range(0, len(data), PIECE_BYTES):
            if self._transport.is_closing():
                raise self._cut()
            self._transport.write(data[begin : begin + PIECE_BYTES])
            while self._inbox.paused and self._inbox.ended is None:
                self._inbox.drained = asyncio.get_running_loop().create_future()
                await self._inbox.drained

    def finish(self) -> None:
        """Says that nothing more will be sent; answers may still come."""
        if not self._transport.is_closing():
            self._transport.write_eof()

    async def receive(self, method: str = "GET") -> Answer:
        """Reads the next answer.

        Args:
            method: Of the request that it answers; one to HEAD has no body.

        Returns:
            The answer.

        Raises:
            CutError: The connection ended before its last byte.
            FramingError: What came is no answer.
        """
        status, headers = _parse_head(await self._take_until(HEAD_END))
        while 100 <= status < 200:
            status, headers = _parse_head(await self._take_until(HEAD_END))
        body, until_end = b"", False
        if method != "HEAD" and status not in BODILESS:
            if headers.get("transfer-encoding", "").lower() == "chunked":
                body = await self._take_chunks()
            elif (length := headers.get("content-length")) is not None:
                body = await self._take(_number(length, 10))
            else:
                body, until_end = await self._take_rest(), True
        self.answered += 1
        closes = until_end or "close" in headers.get("connection", "").lower()
        return Answer(status, headers, body, closes)

    async def wait_for_end(self) -> bytes:
        """Waits until the server has ended it.

        Returns:
            What came meanwhile.
        """
        while self._inbox.ended is None:
            await self._inbox.more()
        return bytes(self._inbox.content)

    def close(self) -> None:
        """Closes it in order."""
        self._transport.close()

    def abort(self) -> None:
        """Resets it, whatever is under way."""
        handle = cast("socket.socket | None", self._transport.get_extra_info("socket"))
        if handle is not None and not self._transport.is_closing():
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def pause(self) -> None:
        """Stops reading, so that the server's answers pile up."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Reads on."""
        self._transport.resume_reading()

    def _cut(self) -> CutError:
        inbox = self._inbox
        return CutError(len(inbox.content), reset=inbox.reset, ended=inbox.ended or time.monotonic())

    async def _take(self, size: int) -> bytes:
        inbox = self._inbox
        while len(inbox.content) < size:
            if inbox.ended is not None:
                # A head has come already, so that this is a part of an answer, be it without a body's byte.
                raise CutError(len(inbox.content) + 1, reset=inbox.reset, ended=inbox.ended)
            await inbox.more()
        data = bytes(memoryview(inbox.content)[:size])
        del inbox.content[:size]
        return data

    async def _take_until(self, mark: bytes) -> bytes:
        inbox, begin = self._inbox, 0
        while (place := inbox.content.find(mark, begin)) < 0:
            if len(inbox.content) > MAX_HEAD_BYTES:
                raise FramingError(f"expected {mark!r} within {MAX_HEAD_BYTES} bytes, received none")
            begin = max(0, len(inbox.content) - len(mark))
            if inbox.ended is not None:
                raise self._cut()
            await inbox.more()
        return await self._take(place + len(mark))

    async def _take_chunks(self) -> bytes:
        parts = []
        while size := _number((await self._take_line()).split(b";")[0].decode("latin-1"), 16):
            part = await self._take(size + 2)
            if part[-2:] != b"\r\n":
                raise FramingError(f"expected a chunk of {size} bytes to end in CRLF, received {part[-2:]!r}")
            parts.append(part[:-2])
        while await self._take_line() != b"\r\n":
            pass
        return b"".join(parts)

    async def _take_line(self) -> bytes:
        try:
            return await self._take_until(b"\r\n")
        except CutError as error:
            raise CutError(error.received + 1, reset=error.reset, ended=error.ended) from error

    async def _take_rest(self) -> bytes:
        await self.wait_for_end()
        if self._inbox.reset:
            raise CutError(len(self._inbox.content) + 1, reset=True, ended=self._inbox.ended or 0.0)
        return await self._take(len(self._inbox.content))


async def connect(port: int) -> Connection:
    """Opens a connection on loopback.

    Raises:
        OSError: Nobody listens, or there are no more handles.
    """
    loop = asyncio.get_running_loop()
    transport, inbox = await loop.create_connection(Inbox, "127.0.0.1", port)
    return Connection(transport, inbox)


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    lines = head[: -len(HEAD_END)].decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0") or not rest[:3].isdecimal():
        raise FramingError(f"expected a status line, received {lines[0]!r}")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise FramingError(f"expected a header, received {line!r}")
        key = name.lower()
        value = value.strip()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return int(rest[:3]), headers


def _number(text: str, base: int) -> int:
    try:
        return int(text.strip(), base)
    except ValueError as error:
        raise FramingError(f"expected a number of bytes, received {text!r}") from error
