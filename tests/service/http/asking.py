"""Asking an ASGI application one request, whatever it raises."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from tests.pauses import make_scope


async def exchange(
    app: Any,
    target: str,
    method: str = "GET",
    headers: Iterable[tuple[bytes, bytes]] = (),
    messages: Iterable[dict[str, Any]] = ({"type": "http.request", "body": b""},),
) -> list[Any]:
    """Return the messages of an answer; behind its own `messages`, the client waits."""
    coming, sent = iter(messages), []

    async def receive() -> Any:
        message = next(coming, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    scope = make_scope(method, target.encode(), list(headers))
    await asyncio.wait_for(app(scope, receive, send), 10)
    return sent
