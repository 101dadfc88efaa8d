"""The checks that refuse clients who ask too often, also for what another check refuses."""

from __future__ import annotations

import math
import os
import pathlib

from service.core.configuration.limits import Rate
from service.observability.worker_files import SHARED_FOLDER
from service.security.buckets import Buckets, share_table
from service.security.guard import Check, Refusal, Visit
from service.security.paths import HEALTH, METRICS

# Who watches over the service asks often, and is to be answered when it is busy.
UNLIMITED = frozenset((*HEALTH, METRICS))
REASON = "rate_limited"
TOO_MANY = 429


class RateLimit:
    """Refuses a request if its client has made too many."""

    def __init__(self, rate: Rate, buckets: Buckets) -> None:
        self._rate = rate
        self._buckets = buckets

    def change(self, rate: Rate) -> None:
        """Hold clients to another limit from now on; may be called from any thread."""
        self._buckets.change(rate)
        self._rate = rate

    def __call__(self, visit: Visit) -> Refusal | None:
        """Return why a request is refused, or None."""
        return None if visit.path in UNLIMITED else self.count(visit)

    def count(self, visit: Visit) -> Refusal | None:
        """Return why a request is refused, whatever it asks for, or None."""
        wait_s = self._buckets.take(visit.client)
        return refuse(self._rate, wait_s) if wait_s else None


class CountedRefusals:
    """Has a limit count what another check refuses, and answers as the limit does once it is too much."""

    def __init__(self, check: Check, limit: RateLimit) -> None:
        self._check = check
        self._limit = limit

    def __call__(self, visit: Visit) -> Refusal | None:
        """Return why a request is refused, or None."""
        refusal = self._check(visit)
        return None if refusal is None else self._limit.count(visit) or refusal


def create_rate_limit(rate: Rate) -> RateLimit:
    """Return the check for a limit, which counts what all workers of this service answer.

    Raises:
        StartupError: There is no room to count.
    """
    folder = os.environ.get(SHARED_FOLDER)
    return RateLimit(rate, Buckets(rate, share_table(pathlib.Path(folder)) if folder else None))


def refuse(rate: Rate, wait_s: float) -> Refusal:
    """Return the refusal of a client that may ask again in a while.

    The fields are those of draft-ietf-httpapi-ratelimit-headers-10. Only refusals have them: an answer that
    caches keep would tell one client of another's.
    """
    seconds = max(1, math.ceil(wait_s))
    headers = {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"client";q={rate.amount};w={rate.period_s}',
        "RateLimit": f'"client";r=0;t={seconds}',
    }
    detail = f"more than {rate.amount} requests in {rate.period_s} s; try again in {seconds} s"
    return Refusal(TOO_MANY, detail, REASON, headers)
