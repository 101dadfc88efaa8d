"""How long a loop was held, and requests to an application in the same loop, without a socket between."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple

TICK_S = 0.001


class Reply(NamedTuple):
    """An answer, and how often its body was asked for."""

    status: int
    headers: dict[str, str]
    content: bytes
    reads: int


class Pauses:
    """The longest time in which a loop ran nothing of what was ready."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def watch(self) -> None:
        while True:
            due = time.perf_counter() + TICK_S
            await asyncio.sleep(TICK_S)
            self.longest_s = max(self.longest_s, time.perf_counter() - due)


@contextlib.asynccontextmanager
async def watch_pauses() -> AsyncIterator[Pauses]:
    """Measures for as long as the block lasts."""
    pauses = Pauses()
    task = asyncio.create_task(pauses.watch())
    await asyncio.sleep(0)
    try:
        yield pauses
        await asyncio.sleep(2 * TICK_S)
    finally:
        task.cancel()


def make_scope(method: str, target: bytes, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    """The ASGI scope of a request for a path and its query."""
    path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "server": ("test", 80),
        "client": ("test", 1),
        "root_path": "",
        "path": path.decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "headers": headers,
    }


async def ask(
    app: Any,
    method: str,
    target: str | bytes,
    content: bytes | Iterable[bytes] = b"",
    headers: dict[str, str] | None = None,
) -> Reply:
    """Sends a request to an ASGI application.

    Args:
        app: The application.
        method: Of HTTP.
        target: Path and query, both as the application is to see them; bytes if they are not ASCII.
        content: The body, or its pieces; its length is declared if it is one.
        headers: Of the request.

    Returns:
        The answer.
    """
    raw = target if isinstance(target, bytes) else target.encode()
    whole = isinstance(content, bytes)
    lines = {"host": "test", **({"content-length": str(len(content))} if whole else {}), **(headers or {})}  # type: ignore[arg-type]
    pieces = iter([content] if isinstance(content, bytes) else content)
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()]
    scope = make_scope(method, raw, fields)
    sent: list[Any] = []
    answered = asyncio.Event()
    reads = 0
    ended = False

    async def receive() -> Any:
        nonlocal reads, ended
        if ended:
            await answered.wait()
            return {"type": "http.disconnect"}
        reads += 1
        piece = next(pieces, None)
        ended = piece is None or whole
        return {"type": "http.request", "body": piece or b"", "more_body": not ended}

    async def send(message: Any) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    finally:
        answered.set()
    known = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Reply(sent[0]["status"], known, body, reads)
