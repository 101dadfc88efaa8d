"""Owns when a request is sent again: how often, after which wait, and never beyond the caller's timeout."""

from __future__ import annotations

import dataclasses
import email.utils
import math
import random
import time
from collections.abc import Callable

from service.client.errors import (
    BusyError,
    CvaeError,
    ServiceError,
    UnavailableError,
    UnreachableError,
)

TRANSIENT = (BusyError, UnavailableError, UnreachableError)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Retry:
    """How a client tries again after 429, 503, and connections that fail or break.

    `Retry-After` is kept to. Without it, waits double from one to the next, and a random part of each is
    waited, so that clients which failed together do not come back together.

    Attributes:
        tries: In all; 1 never tries again.
        first_wait_s: Longest wait after the first try.
        max_wait_s: Longest wait after any, `Retry-After` aside.
        clock: Gives monotonic seconds.
        wall_clock: Gives seconds since 1970, for `Retry-After` with a date.
        random: Gives a number in [0, 1).
    """

    tries: int = 4
    first_wait_s: float = 0.1
    max_wait_s: float = 5.0
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    random: Callable[[], float] = random.random


class Attempts:
    """The tries of one call."""

    def __init__(self, retry: Retry, timeout_s: float | None) -> None:
        """Starts the clock.

        Args:
            retry: How to try again.
            timeout_s: For all tries and the waits between them; None: no limit.
        """
        self._retry = retry
        self._deadline = math.inf if timeout_s is None else retry.clock() + timeout_s
        self._failed = 0

    @property
    def left_s(self) -> float | None:
        """Seconds until the timeout, at least 0; None if there is no limit."""
        if math.isinf(self._deadline):
            return None
        return max(0.0, self._deadline - self._retry.clock())

    def after(self, error: CvaeError) -> float | None:
        """Gives how long to wait before the next try.

        Args:
            error: That the last try ended with.

        Returns:
            Seconds, or None to give up: it is not worth it, was tried often enough, or would be too late.
        """
        self._failed += 1
        if not isinstance(error, TRANSIENT) or self._failed >= self._retry.tries:
            return None
        wait_s = self._wait_s(error)
        return None if self._retry.clock() + wait_s >= self._deadline else wait_s

    def _wait_s(self, error: CvaeError) -> float:
        retry = self._retry
        longest = min(retry.max_wait_s, retry.first_wait_s * 2.0 ** (self._failed - 1))
        asked = read_retry_after(error, retry.wall_clock()) if isinstance(error, ServiceError) else None
        return (asked or 0.0) + longest * retry.random()


def read_retry_after(error: ServiceError, now: float) -> float | None:
    """Reads `Retry-After` (RFC 9110, section 10.2.3).

    Args:
        error: Of an answer that may have the header.
        now: Seconds since 1970.

    Returns:
        Seconds from now, at least 0; None if there is none, or none that can be read.
    """
    text = (error.retry_after or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - now)
