"""Owns what comes on a connection: kept as it comes, with when and how it ended."""

from __future__ import annotations

import asyncio
import time


class Inbox(asyncio.Protocol):
    """Keeps what has come on a connection, and how it ended.

    Attributes:
        content: That has come and was not taken yet.
        ended: When the server ended it, on the monotonic clock; None while it is open.
        reset: Whether it ended by a reset.
        paused: Whether the server takes no more for now.
        drained: Is told when it takes more again.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.content = bytearray()
        self.ended: float | None = None
        self.reset = False
        self.drained: asyncio.Future[None] | None = None
        self.paused = False
        self._waiter: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Keep what comes."""
        self.content += data
        self._wake()

    def eof_received(self) -> bool:
        """Note the end; the transport stays open, for what is still to be sent."""
        self._end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and how it came."""
        self.reset = self.reset or exc is not None
        self._end()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Note that the server takes no more."""
        self.paused = True

    def resume_writing(self) -> None:
        """Note that it does."""
        self.paused = False
        if self.drained is not None and not self.drained.done():
            self.drained.set_result(None)

    async def more(self) -> None:
        """Wait until more has come, or the end."""
        if self.ended is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _end(self) -> None:
        self.ended = self.ended or time.monotonic()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
