"""Owns a tiny server that answers as a test wants it to: rightly, or in one of the ways that must be seen."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import socket
import struct
import threading
import warnings
from collections.abc import Callable, Iterator

from tests.reliability.references import Reference

BODY = bytes(range(256)) * 8
# Enough for a connection that was just accepted to get its handler.
SETTLE_S = 0.02
REQUEST_END = b"\r\n\r\n"


@dataclasses.dataclass
class Reply:
    """An answer, and what goes wrong with it.

    Attributes:
        status: HTTP's.
        body: That is sent.
        headers: Further ones.
        sent: Bytes of the whole answer that are sent before the connection ends; None: all, and it stays.
        reset: Whether it ends by a reset.
        delay_s: Before the answer.
        raw: Sent instead of all this.
        chunked: Whether the body comes in chunks.
    """

    status: int = 200
    body: bytes = BODY
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    sent: int | None = None
    reset: bool = False
    delay_s: float = 0.0
    raw: bytes | None = None
    chunked: bool = False

    def to_bytes(self, request_id: str) -> bytes:
        """Write the answer to a request of this id."""
        if self.raw is not None:
            return self.raw
        fields = {"content-type": "image/png", **({"x-request-id": request_id} if request_id else {})}
        fields |= (
            {"transfer-encoding": "chunked"} if self.chunked else {"content-length": str(len(self.body))}
        )
        fields |= self.headers
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        half = len(self.body) // 2
        parts = [b"%x\r\n%b\r\n" % (len(part), part) for part in (self.body[:half], self.body[half:])]
        body = b"".join((*parts, b"0\r\n\r\n")) if self.chunked else self.body
        return f"HTTP/1.1 {self.status} Said\r\n{head}\r\n".encode() + body


Answering = Callable[[bytes], Reply]


def make_reference(name: str = "a picture", target: str = "/picture") -> Reference:
    """Return the reference that a `Reply` as it is by default fulfils."""
    headers = {"content-type": "image/png", "content-length": str(len(BODY))}
    head = f"GET {target} HTTP/1.1\r\nhost: a\r\n".encode()
    return Reference(name, "GET", head, b"", 1.0, "bytes", 200, headers, BODY)


@contextlib.contextmanager
def serve_replies(answer: Answering) -> Iterator[int]:
    """Run the server in a thread.

    Args:
        answer: Gives the reply to a request's head.

    Yields:
        Its port.
    """
    # What is there already is not gone through at the end.
    gc.freeze()
    ready, stopping = threading.Event(), asyncio.Event()
    found: list[tuple[asyncio.AbstractEventLoop, int]] = []

    writers: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        await _talk(answer, reader, writer)

    async def live() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=2**20)
        found.append((asyncio.get_running_loop(), server.sockets[0].getsockname()[1]))
        ready.set()
        await stopping.wait()
        server.close()
        # Whoever came last must have been let in to be shut out.
        await asyncio.sleep(SETTLE_S)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(SETTLE_S)

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    assert ready.wait(10)
    ((loop, port),) = found
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        with warnings.catch_warnings():
            # Who came as the loop ended was let in by nobody, and is collected here and not in another test.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        gc.unfreeze()


async def _talk(answer: Answering, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reply = Reply()
    try:
        while reply.sent is None and reply.raw is None:
            head = await reader.readuntil(REQUEST_END)
            reply = answer(head)
            await asyncio.sleep(reply.delay_s)
            writer.write(reply.to_bytes(_find_id(head))[: reply.sent])
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        # The client has gone.
        return
    except asyncio.CancelledError:
        # The test is over: who has not read its answer will not.
        writer.transport.abort()
        raise
    finally:
        if reply.reset:
            handle: socket.socket = writer.get_extra_info("socket")
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()


def _find_id(head: bytes) -> str:
    _, _, rest = head.partition(b"x-request-id: ")
    return rest.partition(b"\r\n")[0].decode()
