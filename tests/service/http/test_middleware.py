from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from service.core.errors import TooLargeError
from service.http.bodies.limits import HeldBodies
from service.http.middleware import BodyLimitMiddleware, HeadMiddleware


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

        await HeadMiddleware(app)({"type": "http", "method": method}, None, send)  # type: ignore[arg-type]
        return sent

    whole, head = asyncio.run(ask("GET")), asyncio.run(ask("HEAD"))
    assert seen == ["GET", "GET"]
    assert head[0] == whole[0]
    assert (whole[1]["body"], head[1]["body"]) == (b"hello", b"")


def test_a_declared_length_is_refused_before_a_byte_is_read() -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError("neither the body nor the application is asked")

    async def ask(declared: bytes) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        limit = BodyLimitMiddleware(nothing, HeldBodies(max_body_bytes=80, max_held_bytes=100))
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", declared)]}
        await limit(scope, nothing, send)
        return sent

    for declared in (b"81", b"0" * 30 + b"81", b"9" * 30):
        start, body = asyncio.run(ask(declared))
        assert start["status"] == 413
        assert b"at most 80 bytes" in body["body"]
    with pytest.raises(AssertionError, match="neither"):
        asyncio.run(ask(b"80"))


def test_bodies_that_are_held_together_have_a_limit_too() -> None:
    reading = asyncio.Event()

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["more_body"]:
            reading.set()

    async def endless() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    async def short() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 60, "more_body": False}

    async def scene() -> None:
        bodies = HeldBodies(max_body_bytes=80, max_held_bytes=100)
        limit = BodyLimitMiddleware(app, bodies)
        scope: dict[str, Any] = {"type": "http", "headers": []}

        async def send(_message: Any) -> None: ...

        def ask(receive: Any) -> asyncio.Task[None]:
            return asyncio.create_task(limit(scope, receive, send))

        first = ask(endless)
        await reading.wait()
        while bodies.held_bytes < 50:
            await asyncio.sleep(0)
        with pytest.raises(HTTPException) as refused:
            await ask(short)
        assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "1"})
        with pytest.raises(TooLargeError):
            await first
        assert bodies.held_bytes == 0
        await ask(short)
        assert bodies.held_bytes == 0

    asyncio.run(scene())
