"""Translate failures of the network to the client's errors, which name the route and the reason."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

import httpx

from service.client.errors import (
    BrokenAnswerError,
    CvaeError,
    NoAnswerError,
    TimedOutError,
    UnreachableError,
)

# The caller's headers or URL are at fault, not the network.
UNSENDABLE = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)


def translate(error: httpx.RequestError, route: str) -> CvaeError:
    """Return the client's error for an error of httpx.

    Args:
        error: The one that httpx raised.
        route: How the service is reached, for the message.

    Returns:
        An error that names the route and the reason.
    """
    reason = find_reason(error)
    if isinstance(error, httpx.DecodingError):
        return BrokenAnswerError(f"{route}: expected a body as its headers say, received another ({reason})")
    if isinstance(error, httpx.TimeoutException):
        return TimedOutError(f"{route}: expected an answer in time, received none ({reason})")
    if isinstance(error, UNSENDABLE):
        return NoAnswerError(f"{route}: expected a request that can be sent, received another ({reason})")
    lasting = any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error))
    return UnreachableError(f"{route}: expected an answer, received none ({reason})", lasting=lasting)


def find_reason(error: BaseException) -> str:
    """Return the system's reason, such as `Connection refused`; else the error's message, or its name."""
    reasons = [_describe(each) for each in _causes(error) if isinstance(each, OSError)]
    return next(filter(None, reversed(reasons)), "") or str(error) or type(error).__name__


def _describe(error: OSError) -> str | None:
    # asyncio replaces the system's message by its own.
    known = isinstance(error, ConnectionError) and error.errno
    return os.strerror(known) if known else error.strerror


def _causes(error: BaseException) -> Iterator[BaseException]:
    # From the raised error to its root cause; of several addresses that failed, the last.
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[-1]
        else:
            cause = cause.__cause__ or cause.__context__
