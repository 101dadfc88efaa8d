"""Owns noticing that a client has gone away while it is worked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Receive

from service.core.errors import ClientGoneError

T = TypeVar("T")


async def unless_gone(receive: Receive, answer: Awaitable[T]) -> T:
    """Awaits an answer, and cancels it if the client goes away before it comes.

    Args:
        receive: Of the request, its body read.
        answer: What to wait for.

    Returns:
        What it gives.

    Raises:
        ClientGoneError: Nobody waits for it any more.
    """
    task, gone = asyncio.ensure_future(answer), asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError("the client went away")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
