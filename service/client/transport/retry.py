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

# A service that stops, is not there, and starts.
AWAY = (UnavailableError, UnreachableError)
# Above what any wait needs, below what a float holds.
MOST_DOUBLINGS = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class Retry:
    """How a client tries again after 429, 503, and connections that fail or break.

    `Retry-After` is kept to. Without it, waits double from one to the next, and a random part of each is
    waited, so that clients which failed together do not come back together.

    Attributes:
        tries: Answered 429, in all; 1 never tries again, whatever happened.
        away_s: How long a service that is away (503, or connections that fail or break) is asked again, the
            call's timeout permitting; long enough for it to restart.
        first_wait_s: Longest wait after the first try.
        max_wait_s: Longest wait after any, `Retry-After` aside.
        clock: Gives monotonic seconds.
        wall_clock: Gives seconds since 1970, for `Retry-After` with a date.
        random: Gives a number in [0, 1).
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
        """Starts the clock.

        Args:
            retry: How to try again.
            timeout_s: For all tries and the waits between them; None: no limit.
        """
        self._retry = retry
        self._begun = retry.clock()
        self._deadline = math.inf if timeout_s is None else self._begun + timeout_s
        self._failed = 0
        self._refused = 0

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
        self._refused += isinstance(error, BusyError)
        left_s = self._left_s(error)
        wait_s = self._wait_s(error, left_s)
        return None if wait_s >= left_s else wait_s

    def _left_s(self, error: CvaeError) -> float:
        # For further tries; not above 0 if there must be none.
        now, retry = self._retry.clock(), self._retry
        if isinstance(error, BusyError) and self._refused < retry.tries:
            return self._deadline - now
        if isinstance(error, AWAY) and retry.tries > 1 and not getattr(error, "lasting", False):
            return min(self._deadline, self._begun + retry.away_s) - now
        return 0.0

    def _wait_s(self, error: CvaeError, left_s: float) -> float:
        retry = self._retry
        doublings = min(self._failed - 1, MOST_DOUBLINGS)
        longest = min(retry.max_wait_s, retry.first_wait_s * 2.0**doublings)
        asked = read_retry_after(error, retry.wall_clock()) if isinstance(error, ServiceError) else None
        if asked is None:
            # Shorter towards the end, which would else come in the middle of a wait.
            return max(retry.first_wait_s, min(longest, left_s / 2)) * retry.random()
        return asked + longest * retry.random()


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
