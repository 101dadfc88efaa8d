"""Owns one call from its first try to its result, without doing any of it: no sockets, no sleep, no await.

`call` is a generator that says what to do next and is told how it went; who runs it needs to know nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import httpx

from service.client.errors import (
    CvaeError,
    NoAnswerError,
    TimedOutError,
    UnavailableError,
    to_error,
)
from service.client.parse import read_answer
from service.client.requests.base import Request
from service.client.transport.failures import translate
from service.client.transport.retry import Attempts, Retry
from service.core.headers import REQUEST_TIMEOUT

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Options:
    """How calls are made.

    Attributes:
        timeout_s: For a call with all its tries; of a stream, then for each wait. None: no limit.
        send_deadline: Whether the service is told how much of that is left.
        retry: How to try again.
        way: To the service, in words, for errors.
    """

    timeout_s: float | None
    send_deadline: bool
    retry: Retry
    way: str


@dataclasses.dataclass(frozen=True)
class Send:
    """Send this and say what came, its body loaded unless `stream` is set and it is a success.

    Attributes:
        request: What to send.
        headers: Beside those of its body.
        timeout_s: For all of it, or None; of a stream, for its start and then for each wait.
        stream: Whether to leave the body where it is.
    """

    request: Request[Any]
    headers: dict[str, str]
    timeout_s: float | None
    stream: bool

    def build(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Builds it for a client, below the client's address."""
        asked = self.request
        path, params = asked.target
        kind = {} if asked.content_type is None else {"Content-Type": asked.content_type}
        return http.build_request(
            asked.method,
            path,
            params=params,
            content=asked.content,
            files=asked.parts or None,
            headers={**kind, **self.headers},
            timeout=self.timeout_s,
        )


@dataclasses.dataclass(frozen=True)
class Wait:
    """Wait so long.

    Attributes:
        seconds: At least 0.
    """

    seconds: float


Step = Send | Wait
Steps = Generator[Step, httpx.Response | None, T]


def call(request: Request[T], options: Options) -> Steps[T]:
    """Makes a call.

    Args:
        request: What is asked.
        options: How.

    Yields:
        What to do next. A `Send` is answered with a response, or by throwing what httpx raises.

    Returns:
        The result.

    Raises:
        CvaeError: Any of the tree that `errors` draws.
    """
    response = yield from deliver(request, options, stream=False)
    return read_answer(request.read, response, options.way)


def check(request: Request[bool], options: Options) -> Steps[bool]:
    """Makes a call once, whose answer is no if there is none; see `call`.

    Args:
        request: What is asked.
        options: How, but for its retries.

    Returns:
        The result; False if the service is not there, or not ready.
    """
    once = dataclasses.replace(options, retry=dataclasses.replace(options.retry, tries=1))
    try:
        return (yield from call(request, once))
    except (NoAnswerError, UnavailableError):
        return False


def deliver(request: Request[Any], options: Options, *, stream: bool) -> Steps[httpx.Response]:
    """Makes a call up to its response; see `call`.

    Args:
        request: What is asked.
        options: How.
        stream: Whether to leave a successful response's body where it is.

    Returns:
        A response of success.
    """
    attempts = Attempts(options.retry, options.timeout_s)
    before: CvaeError | None = None
    while True:
        outcome = yield from _try(request, options, attempts, stream=stream)
        if isinstance(outcome, httpx.Response):
            return outcome
        wait_s = attempts.after(outcome)
        if wait_s is None:
            raise _join(before, outcome)
        before = outcome
        yield Wait(wait_s)


@contextlib.contextmanager
def translated(way: str) -> Iterator[None]:
    """Raises, for what httpx raises inside, the error that it stands for; `way` is that of `Options`."""
    try:
        yield
    except httpx.RequestError as error:
        raise translate(error, way) from error


def _join(before: CvaeError | None, last: CvaeError) -> CvaeError:
    # The last try may have had so little time left that its timeout says nothing of what was wrong.
    if before is None or not isinstance(last, TimedOutError):
        return last
    error = TimedOutError(f"{last}; the try before: {before}")
    error.__cause__ = last.__cause__
    return error


def _try(
    request: Request[Any], options: Options, attempts: Attempts, *, stream: bool
) -> Steps[CvaeError | httpx.Response]:
    left_s = attempts.left_s
    headers = {}
    if options.send_deadline and left_s is not None:
        headers[REQUEST_TIMEOUT] = str(max(1, math.floor(left_s * 1000)))
    try:
        response = yield Send(request, headers, left_s, stream)
    except httpx.RequestError as error:
        failure = translate(error, options.way)
        failure.__cause__ = error
        return failure
    if response is None:
        raise TypeError("expected a response to Send, received None")
    return response if response.is_success else to_error(response, options.way)
