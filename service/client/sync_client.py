"""`Client`: the blocking client. It sends and waits; `sansio` decides what is sent, and when.

Its calls are in `methods.blocking`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from service.client.base_client import TIMEOUT_S, BaseClient, choose_headers, parse_base_url
from service.client.files import Files
from service.client.methods.blocking import BlockingMethods
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
from service.client.transport.deadline import BoundedTransport, bounded
from service.client.transport.proxies import Route, find_route
from service.client.transport.retry import Retry
from service.core.choices import Format

T = TypeVar("T")


class Client(BlockingMethods, BaseClient[httpx.Client]):
    """The client that blocks until the response is there; threads may share it."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float | None = TIMEOUT_S,
        send_deadline: bool = False,
        retry: Retry | None = None,
        headers: dict[str, str] | None = None,
        api_key: str | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare a client; it connects at its first request.

        Args:
            base_url: The service's URL; it may have a path.
            timeout_s: Limit of a call with all its tries and its whole response; of a stream for its start,
                and then for each wait. None: no limit.
            send_deadline: Whether to send the time left, so that the service drops requests it cannot answer
                in time.
            retry: How to try again; unset: the defaults of `Retry`.
            headers: Sent with each request.
            api_key: Sent with each request; unset: that of the variable `CVAE_API_KEY`; "": none.
            transport: Sends requests instead of httpx's own transport.
            sleep: Called with the seconds to wait.

        Raises:
            ValueError: The address is no HTTP URL, the key none, or an environment variable names no proxy.
        """
        url = parse_base_url(base_url)
        route = Route(url) if transport else find_route(url)
        carrier = transport or BoundedTransport(route.proxy)
        http = httpx.Client(base_url=url, headers=choose_headers(headers, api_key), transport=carrier)
        super().__init__(http, Options(timeout_s, send_deadline, retry or Retry(), str(route)))
        self._sleep = sleep

    def into(self, format: Format, **look: Unpack[Look]) -> Files[File]:  # noqa: A002
        """Return methods whose results are files: `into("gif", scale=4).interpolate(3, 8).save("walk.gif")`.

        Args:
            format: Of the files.
            **look: How pictures are drawn.

        Returns:
            The same methods, with files as results.
        """
        return Files(self.send, format, look)

    def ready(self) -> bool:
        """Return whether the service can be reached and is ready, by one try."""
        return self.run(check(models.ready(), self.options))

    def send(self, request: Request[T]) -> T:
        """Send a request and return its result.

        Raises:
            CvaeError: The call failed; `errors` draws the tree.
        """
        return self.run(call(request, self.options))

    def receive(self, request: Request[Any]) -> Iterator[Frame]:
        """Send a request and yield its pictures as they come.

        Raises:
            CvaeError: The call failed, or not all pictures came.
        """
        lines = request.into("ndjson", Look())
        response = self.run(deliver(lines, self.options, stream=True))
        with contextlib.closing(response), translated(self.options.route):
            index = 0
            for line in response.iter_lines():
                yield lines.read_line(line, index)
                index += 1
            lines.check_end(index)

    def run(self, steps: Steps[T]) -> T:
        """Run the steps of a call, and return its result."""
        step = advance(steps, None)
        while not isinstance(step, Done):
            step = advance(steps, self._perform(step))
        return step.result

    def _perform(self, step: Step) -> Outcome:
        if isinstance(step, Wait):
            self._sleep(step.seconds)
            return None
        try:
            return self._send(step)
        except httpx.RequestError as error:
            return error

    def _send(self, step: Send) -> httpx.Response:
        with bounded(step.timeout_s):
            response = self.http.send(step.build(self.http), stream=step.stream)
            if not response.is_success:
                response.read()
        return response

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
