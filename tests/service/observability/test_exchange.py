from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

from service.observability.exchange import EXCHANGE, Exchange, find_exchange


@pytest.mark.parametrize(("method", "sent_bytes"), [("POST", 7), ("HEAD", 0)])
def test_what_comes_and_goes_is_counted(method: str, sent_bytes: int) -> None:
    exchange = Exchange(method)
    came = iter(
        [{"type": "http.request", "body": b"abc"}, {"type": "http.request", "body": b"de"}, {"type": "x"}]
    )
    gone: list[Any] = []

    async def receive() -> Any:
        return next(came)

    async def send(message: Any) -> None:
        gone.append(message)

    async def run() -> None:
        receive_and_note, send_and_note = exchange.watch(receive, send)
        assert [await receive_and_note() for _ in range(3)][1]["body"] == b"de"
        await send_and_note(
            {"type": "http.response.start", "status": 201, "headers": [(b"cvae-model", b"a@1")]}
        )
        await send_and_note({"type": "http.response.body", "body": b"1234", "more_body": True})
        await send_and_note({"type": "http.response.body", "body": b"567"})
        await send_and_note({"type": "http.response.body"})

    asyncio.run(run())
    assert (exchange.received_bytes, exchange.sent_bytes, exchange.status) == (5, sent_bytes, 201)
    assert exchange.model == "a@1"
    assert len(gone) == 4


def test_what_could_not_be_sent_is_not_counted() -> None:
    exchange = Exchange("GET")

    async def fail(_: Any) -> None:
        raise OSError("gone")

    async def run() -> None:
        _, send = exchange.watch(fail, fail)  # type: ignore[arg-type]
        for message in (
            {"type": "http.response.start", "status": 200},
            {"type": "http.response.body", "body": b"1"},
        ):
            with pytest.raises(OSError, match="gone"):
                await send(message)

    asyncio.run(run())
    assert (exchange.status, exchange.sent_bytes, exchange.model) == (0, 0, "")


def test_the_fast_path_leaves_a_body_and_an_answer() -> None:
    answer = Response(b"12345", headers={"cvae-model": "a@1"})
    scope: dict[str, Any] = {"method": "POST", EXCHANGE: (b"abc", answer)}
    exchange = find_exchange(scope)
    assert (exchange.method, exchange.received_bytes, exchange.sent_bytes) == ("POST", 3, 5)
    assert exchange.model == "a@1"
    assert exchange.is_fast
    # A connection that rests does not keep it.
    assert EXCHANGE not in scope
    gone = find_exchange(scope)
    assert (gone.method, gone.received_bytes, gone.sent_bytes, gone.is_fast) == ("POST", 0, 0, True)
    noted = Exchange("GET")
    assert find_exchange({"method": "GET", EXCHANGE: noted}) is noted
    assert not noted.is_fast
