from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import Request

from service.core.errors import ClientGoneError
from service.http.disconnect import DEPARTURE, Departure, unless_gone


async def never() -> Any:
    await asyncio.Event().wait()


async def gone() -> Any:
    return {"type": "http.disconnect"}


def wait(receive: Callable[[], Awaitable[Any]], answer: Awaitable[Any]) -> Any:
    """What comes of an answer; nothing that was begun for it is left."""

    async def scene() -> Any:
        try:
            return await unless_gone(Request({"type": "http"}, receive), answer)
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


def leave(answer: Awaitable[Any], *, early: bool = False) -> tuple[Departure, Any]:
    """What comes of an answer whose client goes while it is waited for, or has gone before."""

    async def scene() -> Any:
        departure = Departure()
        request = Request({"type": "http", DEPARTURE: departure})
        if early:
            departure.announce()
        asking = asyncio.ensure_future(unless_gone(request, answer))
        await asyncio.sleep(0)  # it begins to wait
        await asyncio.sleep(0)  # the work begins
        departure.announce()
        try:
            return departure, await asking
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    found: tuple[Departure, Any] = asyncio.run(scene())
    return found


@pytest.mark.parametrize("early", [False, True])
def test_who_goes_by_the_servers_word_takes_the_work_along(early: bool) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await never()
        finally:
            ended.append("ended")

    with pytest.raises(ClientGoneError):
        leave(work(), early=early)
    assert ended == ([] if early else ["ended"])


def test_what_was_done_before_the_client_went_is_given() -> None:
    async def work() -> str:
        return "done"

    departure, found = leave(work())
    assert (departure.gone, found) == (True, "done")


def test_work_that_is_cancelled_for_another_reason_is_no_clients_going() -> None:
    async def scene() -> None:
        work = asyncio.get_running_loop().create_future()
        asking = asyncio.ensure_future(Departure().guard(work))
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(scene())


def test_of_several_pieces_of_work_the_one_that_is_waited_for_ends() -> None:
    async def scene() -> None:
        departure, first = Departure(), asyncio.get_running_loop().create_future()
        first.set_result("first")
        assert await departure.guard(first) == "first"
        second = asyncio.get_running_loop().create_future()
        asking = asyncio.ensure_future(departure.guard(second))
        await asyncio.sleep(0)
        departure.announce()
        with pytest.raises(ClientGoneError):
            await asking
        assert second.cancelled()
        assert not first.cancelled()

    asyncio.run(scene())
