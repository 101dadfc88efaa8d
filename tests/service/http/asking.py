"""Asking an ASGI application one request, whatever it raises."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def exchange(
    app: Any,
    target: str,
    method: str = "GET",
    headers: Iterable[tuple[bytes, bytes]] = (),
    messages: Iterable[dict[str, Any]] = ({"type": "http.request", "body": b""},),
) -> list[Any]:
    """Return the messages of an answer; behind its own `messages`, the client waits."""
    path, _, query = target.partition("?")
    coming, sent = iter(messages), []

    async def receive() -> Any:
        message = next(coming, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": list(headers),
        "root_path": "",
        "scheme": "http",
        "server": ("a", 80),
    }
    await asyncio.wait_for(app(scope, receive, send), 10)
    return sent


def ask(app: Any, target: str, method: str = "GET") -> tuple[int, bytes]:
    """Return status and body of an answer."""
    start, *rest = asyncio.run(exchange(app, target, method))
    return start["status"], b"".join(message.get("body", b"") for message in rest)
