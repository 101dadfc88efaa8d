"""Notice that a client has gone away, and cancel the work for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from fastapi import Request
from starlette.types import Receive

from service.core.errors import ClientGoneError

T = TypeVar("T")
# The key under which a request's scope holds its `Departure`, if the server announces that a client has gone.
DEPARTURE = "cvae_departure"
GONE = "the client went away"


class Departure:
    """Cancels the work for one request when its client goes.

    Attributes:
        gone: Whether the client has gone.
    """

    def __init__(self) -> None:
        self.gone = False
        self._work: asyncio.Future[Any] | None = None

    def announce(self) -> None:
        """Cancel the work that the client waits for."""
        self.gone = True
        if self._work is not None:
            self._work.cancel()

    async def guard(self, answer: Awaitable[T]) -> T:
        """Await an answer; see `unless_gone`."""
        work = answer if isinstance(answer, asyncio.Future) else asyncio.ensure_future(answer)
        self._work = work
        if self.gone:
            work.cancel()
        try:
            result: T = await work
        except asyncio.CancelledError:
            if self.gone:
                raise ClientGoneError(GONE) from None
            raise
        finally:
            self._work = None
        return result


def unless_gone(request: Request, answer: Awaitable[T]) -> Awaitable[T]:
    """Return an answer to await that is cancelled if the client goes away before it comes.

    Args:
        request: A request whose body has been read.
        answer: What to wait for.

    Returns:
        What gives the result of `answer`, or raises `ClientGoneError` if nobody waits for it any more.
    """
    departure: Departure | None = request.scope.get(DEPARTURE)
    return _race(request, answer) if departure is None else departure.guard(answer)


async def _race(request: Request, answer: Awaitable[T]) -> T:
    task, gone = asyncio.ensure_future(answer), asyncio.ensure_future(_wait_for_disconnect(request.receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError(GONE)
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
