"""`AsyncClient`: the client for asyncio; see `sync_client`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import httpx

from service.client._signatures import described_by
from service.client.base_client import TIMEOUT_S, BaseClient, parse_base_url
from service.client.files import Files
from service.client.render_options import Look
from service.client.requests import encoding, models, pictures
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

P = ParamSpec("P")
T = TypeVar("T")


def _async(build: Callable[P, Request[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @described_by(build)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(build(*args, **kwargs))

    return method


def _async_stream(
    build: Callable[P, Request[Any]],
) -> Callable[Concatenate[AsyncClient, P], AsyncIterator[Frame]]:
    @described_by(build)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Frame]:
        request = build(*args, **kwargs).into("ndjson", Look())
        response = await self.run(deliver(request, self.options, stream=True))
        async with contextlib.aclosing(response):
            with translated(self.options.route):
                index = 0
                async for line in response.aiter_lines():
                    yield request.read_line(line, index)
                    index += 1
                request.check_end(index)

    return method


class AsyncClient(BaseClient[httpx.AsyncClient]):
    """The client for asyncio: has the methods of `Client`, to be awaited."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float | None = TIMEOUT_S,
        send_deadline: bool = False,
        retry: Retry | None = None,
        headers: dict[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepare a client; see `Client`.

        Raises:
            ValueError: The address is not an HTTP URL, or an environment variable names no proxy.
        """
        url = parse_base_url(base_url)
        route = Route(url) if transport else find_route(url)
        carrier = transport or httpx.AsyncHTTPTransport(proxy=route.proxy)
        http = httpx.AsyncClient(base_url=url, headers=headers, transport=carrier)
        super().__init__(http, Options(timeout_s, send_deadline, retry or Retry(), str(route)))
        self._sleep = sleep

    decode = _async(pictures.decode)
    encode = _async(encoding.encode)
    reconstruct = _async(encoding.reconstruct)
    restyle = _async(encoding.restyle)
    interpolate = _async(pictures.interpolate)
    stream = _async_stream(pictures.interpolate)
    sample = _async(pictures.sample)
    draw = _async(pictures.draw)
    manifold = _async(pictures.manifold)
    model = _async(models.model)
    latents = _async(models.latents)
    # The last one, because it hides the module for the rest of the class body.
    models = _async(models.models)

    def into(self, format: Format, **look: Unpack[Look]) -> Files[Awaitable[File]]:  # noqa: A002
        """Return methods whose results are files; see `Client.into`."""
        return Files(self.send, format, look)

    async def ready(self) -> bool:
        """Return whether the service can be reached and is ready, by one try."""
        return await self.run(check(models.ready(), self.options))

    async def send(self, request: Request[T]) -> T:
        """Send a request and return its result; see `Client.send`."""
        return await self.run(call(request, self.options))

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
