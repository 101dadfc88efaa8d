"""Call either client through one interface, so that each test covers both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx

from service.client import AsyncClient, Client, Retry

BASE = "http://service/below"


class Clock:
    """A clock that advances only when a client sleeps, or a handler advances it."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class Bridge(httpx.BaseTransport):
    """A transport from a blocking client to an ASGI application."""

    def __init__(self, runner: asyncio.Runner, transport: httpx.ASGITransport) -> None:
        self.runner = runner
        self.transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.runner.run(self._forward(request))

    async def _forward(self, request: httpx.Request) -> httpx.Response:
        copy = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self.transport.handle_async_request(copy)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


class Driver:
    """Calls a client's methods, and awaits the results of the asyncio client."""

    def __init__(self, kind: str, runner: asyncio.Runner) -> None:
        self.kind = kind
        self.runner = runner

    def open(self, transport: Any, clock: Clock | None = None, **options: Any) -> Driver:
        """Make the client; with a clock, one that reads and sleeps by this clock only."""
        if clock is not None:
            retry = options.pop("retry", {})
            options["retry"] = Retry(clock=clock.time, wall_clock=clock.time, random=lambda: 0.5, **retry)
            options["sleep"] = clock.sleep if self.kind == "blocking" else clock.sleep_async
        options = {"base_url": BASE, **options}
        self.client: Any = (Client if self.kind == "blocking" else AsyncClient)(
            transport=transport, **options
        )
        return self

    def answer(self, handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> Driver:
        return self.open(httpx.MockTransport(handler), **options)

    def ask(self, work: Callable[[Any], Any]) -> Any:
        """Return the result of work, awaited if need be; of an iterator, the list of its items."""
        result = work(self.client)
        if inspect.isasyncgen(result):
            return self.runner.run(_collect(result))
        if inspect.isgenerator(result):
            return list(result)
        return self.runner.run(_await(result)) if inspect.isawaitable(result) else result

    def first(self, work: Callable[[Any], Any]) -> tuple[Any, Callable[[], None]]:
        """Return the first item of an iterator, and the function that closes it."""
        result: Any = work(self.client)
        if inspect.isasyncgen(result):
            return self.runner.run(_await(anext(result))), lambda: self.runner.run(result.aclose())
        return next(result), result.close

    def close(self) -> None:
        self.ask(lambda client: client.close())


async def _await(result: Any) -> Any:
    return await result


async def _collect(result: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in result]


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that counts the pieces read, and records whether it was closed."""

    def __init__(self, pieces: list[bytes | Exception]) -> None:
        self.pieces = pieces
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in iter(self):
            yield piece

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True
