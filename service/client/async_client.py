"""`AsyncClient`: the client for asyncio; see `sync_client`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from service.client.base_client import TIMEOUT_S, BaseClient, choose_headers, parse_base_url
from service.client.files import Files
from service.client.methods.asynchronous import AsyncMethods
from service.client.render_options import Look
from service.client.requests import models
from service.client.requests.base import Request
from service.client.results import File, Frame
from service.client.sansio import (
    Done,
    Options,
    Outcome,
    Send,
    Step,
    Steps,
    Wait,
    advance,
    call,
    check,
    deliver,
    translated,
)
from service.client.transport.proxies import Route, find_route
from service.client.transport.retry import Retry
from service.core.choices import Format

T = TypeVar("T")


class AsyncClient(AsyncMethods, BaseClient[httpx.AsyncClient]):
    """The client for asyncio: has the methods of `Client`, to be awaited."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float | None = TIMEOUT_S,
        send_deadline: bool = False,
        retry: Retry | None = None,
        headers: dict[str, str] | None = None,
        api_key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepare a client; see `Client`.

        Raises:
            ValueError: The address is no HTTP URL, the key none, or an environment variable names no proxy.
        """
        url = parse_base_url(base_url)
        route = Route(url) if transport else find_route(url)
        carrier = transport or httpx.AsyncHTTPTransport(proxy=route.proxy)
        http = httpx.AsyncClient(base_url=url, headers=choose_headers(headers, api_key), transport=carrier)
        super().__init__(http, Options(timeout_s, send_deadline, retry or Retry(), str(route)))
        self._sleep = sleep

    def into(self, format: Format, **look: Unpack[Look]) -> Files[Awaitable[File]]:  # noqa: A002
        """Return methods whose results are files; see `Client.into`."""
        return Files(self.send, format, look)

    async def ready(self) -> bool:
        """Return whether the service can be reached and is ready, by one try."""
        return await self.run(check(models.ready(), self.options))

    async def send(self, request: Request[T]) -> T:
        """Send a request and return its result; see `Client.send`."""
        return await self.run(call(request, self.options))

    async def receive(self, request: Request[Any]) -> AsyncIterator[Frame]:
        """Send a request and yield its pictures as they come; see `Client.receive`."""
        lines = request.into("ndjson", Look())
        response = await self.run(deliver(lines, self.options, stream=True))
        async with contextlib.aclosing(response):
            with translated(self.options.route):
                index = 0
                async for line in response.aiter_lines():
                    yield lines.read_line(line, index)
                    index += 1
                lines.check_end(index)

    async def run(self, steps: Steps[T]) -> T:
        """Run the steps of a call, and return its result."""
        step = advance(steps, None)
        while not isinstance(step, Done):
            step = advance(steps, await self._perform(step))
        return step.result

    async def _perform(self, step: Step) -> Outcome:
        if isinstance(step, Wait):
            await self._sleep(step.seconds)
            return None
        try:
            return await self._send(step)
        except httpx.RequestError as error:
            return error

    async def _send(self, step: Send) -> httpx.Response:
        try:
            async with asyncio.timeout(step.timeout_s):
                response = await self.http.send(step.build(self.http), stream=step.stream)
                if not response.is_success:
                    await response.aread()
                return response
        except TimeoutError as error:
            raise httpx.ReadTimeout("the time for all of it is over") from error

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
