"""The steps of one call, from its first try to its result, without I/O: no sockets, no sleep, no await.

`call` is a generator: it yields the next step (`Send`, `Wait`) and is sent the outcome. Each client runs it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Generator, Iterator
from typing import Any, Generic, TypeVar

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
    """Timeouts and retries of calls.

    Attributes:
        timeout_s: Limit of a call with all its tries; of a stream, then of each wait. None: no limit.
        send_deadline: Whether to tell the service how much time is left.
        retry: How to try again.
        route: How the service is reached, for the messages of errors.
    """

    timeout_s: float | None
    send_deadline: bool
    retry: Retry
    route: str


@dataclasses.dataclass(frozen=True)
class Send:
    """A request to send. Its response has its body loaded, unless `stream` is set and it is a success.

    Attributes:
        request: What to send.
        headers: Besides the content type.
        timeout_s: Limit of the whole exchange, or None; of a stream, of its start and then of each wait.
        stream: Whether to leave the body unread.
    """

    request: Request[Any]
    headers: dict[str, str]
    timeout_s: float | None
    stream: bool

    def build(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Build the request for a client; its path is below the client's base URL."""
        request = self.request
        path, params = request.target
        content_type = {} if request.content_type is None else {"Content-Type": request.content_type}
        return http.build_request(
            request.method,
            path,
            params=params,
            content=request.content,
            files=request.parts or None,
            headers={**content_type, **self.headers},
            timeout=self.timeout_s,
        )


@dataclasses.dataclass(frozen=True)
class Wait:
    """A pause before the next try.

    Attributes:
        seconds: At least 0.
    """

    seconds: float


@dataclasses.dataclass(frozen=True)
class Done(Generic[T]):
    """The end of a call.

    Attributes:
        result: Of the call.
    """

    result: T


Step = Send | Wait
Steps = Generator[Step, httpx.Response | None, T]
# Of a `Send`, the response or what httpx raised; of a `Wait`, None.
Outcome = httpx.Response | httpx.RequestError | None


def call(request: Request[T], options: Options) -> Steps[T]:
    """Run a call.

    Args:
        request: What to send, and how to parse the response.
        options: Timeouts and retries.

    Yields:
        The next step. For a `Send`, send the response into the generator, or throw what httpx raised.

    Returns:
        The parsed result.

    Raises:
        CvaeError: Any of the tree that `errors` draws.
    """
    response = yield from deliver(request, options, stream=False)
    return read_answer(request.read, response, options.route)


def check(request: Request[bool], options: Options) -> Steps[bool]:
    """Run a call once, and return False if there is no answer; see `call`.

    Args:
        request: What to send.
        options: Its retries are not used.

    Returns:
        The parsed result; False if the service cannot be reached, or is not ready.
    """
    once = dataclasses.replace(options, retry=dataclasses.replace(options.retry, tries=1))
    try:
        return (yield from call(request, once))
    except (NoAnswerError, UnavailableError):
        return False


def deliver(request: Request[Any], options: Options, *, stream: bool) -> Steps[httpx.Response]:
    """Run a call up to its successful response; see `call`.

    Args:
        request: What to send.
        options: Timeouts and retries.
        stream: Whether to leave the body of a successful response unread.

    Returns:
        A response with a status of success.
    """
    attempts = Attempts(options.retry, options.timeout_s)
    previous: CvaeError | None = None
    while True:
        outcome = yield from _try(request, options, attempts, stream=stream)
        if isinstance(outcome, httpx.Response):
            return outcome
        wait_s = attempts.wait_after(outcome)
        if wait_s is None:
            raise _join(previous, outcome)
        previous = outcome
        yield Wait(wait_s)


def advance(steps: Steps[T], outcome: Outcome) -> Step | Done[T]:
    """Hand the outcome of a step to a call, and return its next step.

    Args:
        steps: Of the call.
        outcome: Of the last step; None before the first.

    Raises:
        CvaeError: The call failed.
    """
    try:
        return steps.throw(outcome) if isinstance(outcome, httpx.RequestError) else steps.send(outcome)
    except StopIteration as end:
        return Done(end.value)


@contextlib.contextmanager
def translated(route: str) -> Iterator[None]:
    """Translate the errors that httpx raises inside; `route` is that of `Options`."""
    try:
        yield
    except httpx.RequestError as error:
        raise translate(error, route) from error


def _join(previous: CvaeError | None, last: CvaeError) -> CvaeError:
    # The last try may have had so little time left that its timeout does not tell what was wrong.
    if previous is None or not isinstance(last, TimedOutError):
        return last
    error = TimedOutError(f"{last}; the try before: {previous}")
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
        failure = translate(error, options.route)
        failure.__cause__ = error
        return failure
    if response is None:
        raise TypeError("expected a response to Send, received None")
    return response if response.is_success else to_error(response, options.route)
