from __future__ import annotations

import asyncio
from typing import Any

from service.layers import HeadAsGet


def test_head_is_answered_as_get_without_a_body() -> None:
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen.append(scope["method"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

    async def ask(method: str) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await HeadAsGet(app)({"type": "http", "method": method}, None, send)  # type: ignore[arg-type]
        return sent

    whole, head = asyncio.run(ask("GET")), asyncio.run(ask("HEAD"))
    assert seen == ["GET", "GET"]
    assert head[0] == whole[0]
    assert (whole[1]["body"], head[1]["body"]) == (b"hello", b"")
