from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.fastpath.protocol import FastPathProtocol
from service.fastpath.whole_requests import WholeCycle, WholeRequest
from tests.service.wire import connect, play

SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "headers": []}
# Of the moment at which a request that came whole begins.
EXPECTED = {"body": b"abc", "more_body": False}


async def answer(_scope: Any, _receive: Any, _send: Any) -> None:
    """An application that nobody asks."""


def open_cycles(protocol: FastPathProtocol) -> tuple[WholeCycle, RequestResponseCycle]:
    """Ours, and that of uvicorn for the same request before its body has come."""
    theirs = RequestResponseCycle(
        scope=SCOPE,  # type: ignore[arg-type]
        transport=protocol.transport,
        flow=protocol.flow,
        logger=protocol.logger,
        access_logger=protocol.access_logger,
        access_log=protocol.access_log,
        default_headers=protocol.server_state.default_headers,
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=True,
        on_response=protocol.on_response_complete,
    )
    return WholeCycle(protocol, SCOPE, b"abc"), theirs


def test_a_cycle_is_one_of_uvicorn_s_whose_body_has_come() -> None:
    async def scene() -> None:
        ours, theirs = open_cycles(connect(answer, None).protocol)
        found = {name: getattr(ours, name) for name in vars(theirs)}
        assert found.pop("message_event").is_set()
        expected = {**vars(theirs), **EXPECTED}
        del expected["message_event"]
        assert found == expected

    play(scene)


def test_whoever_takes_a_cycle_over_receives_its_body_once() -> None:
    async def scene() -> None:
        connection = connect(answer, None)
        ours, _ = open_cycles(connection.protocol)
        assert await ours.receive() == {"type": "http.request", "body": b"abc", "more_body": False}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ours.receive(), 0.01)
        ours.disconnected = True
        ours.message_event.set()
        assert await ours.receive() == {"type": "http.disconnect"}

    play(scene)


def test_a_request_is_one_of_starlette_s_whose_body_was_read() -> None:
    async def scene() -> None:
        ours, theirs = WholeRequest(SCOPE, b"abc"), Request(SCOPE)
        assert {name: getattr(ours, name) for name in vars(theirs)} == vars(theirs)
        assert await ours.body() == b"abc"

    play(scene)
