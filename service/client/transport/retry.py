"""Decide when a request is sent again: how often, after which wait, and never past the caller's timeout."""

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

# What a service that restarts answers: 503, or no connection.
AWAY_ERRORS = (UnavailableError, UnreachableError)
# More than any wait needs, and no overflow of a float.
MAX_DOUBLINGS = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class Retry:
    """How a client tries again after 429, 503, and connections that fail or break.

    `Retry-After` is obeyed. Without it the wait doubles each time, and is multiplied by a random factor, so
    that clients which failed together do not come back together.

    Attributes:
        tries: Most tries that are answered 429; with 1, nothing is ever tried again.
        away_s: How long to try again while the service is away (503, or connections that fail or break),
            within the call's timeout; long enough for a restart.
        first_wait_s: Longest wait after the first try.
        max_wait_s: Longest wait after any try, `Retry-After` aside.
        clock: Returns monotonic seconds.
        wall_clock: Returns seconds since 1970, for `Retry-After` with a date.
        random: Returns a number in [0, 1).
    """

    tries: int = 4
    away_s: float = 60.0
    first_wait_s: float = 0.1
    max_wait_s: float = 2.0
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    random: Callable[[], float] = random.random


class Attempts:
    """The tries of one call."""

    def __init__(self, retry: Retry, timeout_s: float | None) -> None:
        """Start the clock.

        Args:
            retry: How to try again.
            timeout_s: Limit of all tries and the waits between them; None: no limit.
        """
        self._retry = retry
        self._started = retry.clock()
        self._deadline = math.inf if timeout_s is None else self._started + timeout_s
        self._failures = 0
        self._refusals = 0

    @property
    def left_s(self) -> float | None:
        """Seconds until the timeout, at least 0; None if there is no limit."""
        if math.isinf(self._deadline):
            return None
        return max(0.0, self._deadline - self._retry.clock())

    def wait_after(self, error: CvaeError) -> float | None:
        """Return how long to wait before the next try.

        Args:
            error: The error of the last try.

        Returns:
            Seconds, or None to give up: a try is of no use, the tries are used up, or it would be too late.
        """
        self._failures += 1
        self._refusals += isinstance(error, BusyError)
        left_s = self._left_s(error)
        wait_s = self._wait_s(error, left_s)
        return None if wait_s >= left_s else wait_s

    def _left_s(self, error: CvaeError) -> float:
        # The time for further tries; at most 0 if there must be none.
        now, retry = self._retry.clock(), self._retry
        if isinstance(error, BusyError) and self._refusals < retry.tries:
            return self._deadline - now
        if isinstance(error, AWAY_ERRORS) and retry.tries > 1 and not getattr(error, "lasting", False):
            return min(self._deadline, self._started + retry.away_s) - now
        return 0.0

    def _wait_s(self, error: CvaeError, left_s: float) -> float:
        retry = self._retry
        doublings = min(self._failures - 1, MAX_DOUBLINGS)
        longest = min(retry.max_wait_s, retry.first_wait_s * 2.0**doublings)
        retry_after_s = (
            read_retry_after(error, retry.wall_clock()) if isinstance(error, ServiceError) else None
        )
        if retry_after_s is None:
            # Shorter towards the end, so that the time does not end within a wait.
            return max(retry.first_wait_s, min(longest, left_s / 2)) * retry.random()
        return retry_after_s + longest * retry.random()


def read_retry_after(error: ServiceError, now: float) -> float | None:
    """Parse `Retry-After` (RFC 9110, section 10.2.3).

    Args:
        error: Of a response that may have the header.
        now: Seconds since 1970.

    Returns:
        Seconds from now, at least 0; None if the header is missing or cannot be parsed.
    """
    text = (error.retry_after or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - now)
