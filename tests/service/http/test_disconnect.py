from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.core.errors import ClientGoneError
from service.http.disconnect import unless_gone


async def never() -> Any:
    await asyncio.Event().wait()


async def gone() -> Any:
    return {"type": "http.disconnect"}


def wait(receive: Callable[[], Awaitable[Any]], answer: Awaitable[Any]) -> Any:
    """What comes of an answer; nothing that was begun for it is left."""

    async def scene() -> Any:
        try:
            return await unless_gone(receive, answer)
        finally:
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(scene())


def test_work_for_a_client_that_goes_is_cancelled() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with pytest.raises(ClientGoneError):
        wait(gone, work())
    assert ended == ["cancelled"]


def test_what_comes_in_time_is_given_and_the_client_no_longer_watched() -> None:
    watched = asyncio.Event()

    async def receive() -> Any:
        watched.set()
        await never()

    async def work() -> str:
        await watched.wait()
        return "done"

    assert wait(receive, work()) == "done"


def test_an_error_of_the_work_is_the_answers() -> None:
    async def work() -> None:
        raise ZeroDivisionError("a fault of ours")

    with pytest.raises(ZeroDivisionError):
        wait(never, work())


def test_what_comes_with_the_clients_going_is_given() -> None:
    async def work() -> str:
        return "done"

    assert wait(gone, work()) == "done"


def test_further_messages_of_a_client_are_no_goodbye() -> None:
    messages = iter(["http.request", "http.request"])

    async def receive() -> Any:
        kind = next(messages, None)
        return await never() if kind is None else {"type": kind}

    async def work() -> str:
        await asyncio.sleep(0.01)
        return "done"

    assert wait(receive, work()) == "done"
