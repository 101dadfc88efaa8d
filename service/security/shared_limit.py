"""The limit of how often a client may ask, counted by Redis for several replicas.

It stands behind the service's own limit: whoever is over that one is over this one, and Redis is not asked.

Invariants: no request waits for Redis longer than `TIMEOUT_S`, of which a busy event loop's time is no part,
nor for its turn to ask longer than `TURN_S`. Only a Redis that is asked and says nothing counts as one that
does not answer; then one request a second waits for it, and the others are let in or refused at once, as the
operator said.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from service.core.configuration.limits import OnError, Rate
from service.core.errors import StartupError
from service.security.buckets import group_clients
from service.security.guard import Refusal, Visit
from service.security.rate_limit import UNLIMITED, refuse

if TYPE_CHECKING:
    from limits.aio.strategies import SlidingWindowCounterRateLimiter
    from redis.asyncio import BlockingConnectionPool

logger = logging.getLogger(__name__)

# A Redis in the same network answers in a millisecond, the first time in some ten.
TIMEOUT_S = 0.25
# In how many parts it passes. A part in which the event loop was busy counts as one, however long it was:
# with 1,000 connections at once, Redis' answers lay for longer than `TIMEOUT_S` before they were read.
PARTS = 25
# How long a request waits while as many as there are connections ask.
TURN_S = 1.0
# The client that is counted when the service starts.
STARTED = "started"
# How often a Redis that did not answer is asked again.
AGAIN_S = 1.0
MAX_CONNECTIONS = 32
EXTRA = 'pip install "cvae-service[redis]"'
UNKNOWN = Refusal(
    503,
    "it cannot be told how often this client has asked; try again in 1 s",
    "rate_unknown",
    {"Retry-After": "1"},
)


class SharedLimit:
    """Has a request wait until Redis says whether its client has made too many."""

    def __init__(
        self,
        rate: Rate,
        limiter: SlidingWindowCounterRateLimiter,
        pool: BlockingConnectionPool,
        on_error: OnError,
    ) -> None:
        self.change(rate)
        self._limiter = limiter
        self._pool = pool
        self._on_error = on_error
        self._turns = asyncio.Semaphore(MAX_CONNECTIONS)
        self._asks_again = 0.0
        self._broken = False

    def change(self, rate: Rate) -> None:
        """Hold clients to another limit from now on, of which Redis then counts anew."""
        from limits import RateLimitItemPerSecond

        # Windows are whole seconds: one in which a burst may come.
        window_s = max(1, round(rate.burst * rate.interval_s))
        self._item = RateLimitItemPerSecond(max(1, round(window_s / rate.interval_s)), window_s)
        self._rate = rate

    def __call__(self, visit: Visit) -> Refusal | None:
        """Have the request wait for `ask`, unless it is not limited."""
        if visit.path not in UNLIMITED:
            visit.pending = self.ask
        return None

    async def keep_open(self) -> None:
        """Open a connection, and close all when the service stops: the event loop could not end with them."""
        try:
            await self.ask(STARTED)  # the log says if it does not answer
            await asyncio.Event().wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.disconnect()

    async def ask(self, client: str) -> Refusal | None:
        """Return why a client is refused, or None."""
        now = time.monotonic()
        tries = self._broken
        if tries:
            if now < self._asks_again:
                return self._give_up()
            self._asks_again = now + AGAIN_S
        # A task of its own: what the fast path runs is none, and time limits need one.
        return await asyncio.create_task(self._take_turn(group_clients(client), tries))

    async def _take_turn(self, client: str, tries: bool) -> Refusal | None:
        try:
            async with asyncio.timeout(TURN_S):
                await self._turns.acquire()
        except TimeoutError:  # many ask, which says nothing of Redis
            return self._give_up()
        try:
            if self._broken and not tries:
                return self._give_up()
            wait_s = await self._count(client)
        except Exception as error:
            self._break(error)
            return self._give_up()
        finally:
            self._turns.release()
        # An answer to what was asked before it broke does not say that it is back.
        if tries and self._broken:
            logger.warning("CVAE_RATE_LIMIT_REDIS: answers again")
            self._broken = False
        return None if wait_s is None else refuse(self._rate, wait_s)

    async def _count(self, client: str) -> float | None:
        item = self._item
        async with limit_wait():
            if await self._limiter.hit(item, client):
                return None
            stats = await self._limiter.get_window_stats(item, client)
            return max(0.0, stats.reset_time - time.time())

    def _break(self, error: Exception) -> None:
        # Nobody asks for so long, so that the log says of each change at most once in that time.
        self._asks_again = time.monotonic() + AGAIN_S
        if not self._broken:
            logger.warning("CVAE_RATE_LIMIT_REDIS: no answer: %s: %s", type(error).__name__, error)
        self._broken = True

    def _give_up(self) -> Refusal | None:
        return None if self._on_error == "open" else UNKNOWN


@contextlib.asynccontextmanager
async def limit_wait() -> AsyncIterator[None]:
    """Let the block wait for `TIMEOUT_S`.

    Raises:
        TimeoutError: It has waited for so long.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def pass_parts(left: int) -> None:
        nonlocal timer
        if left:
            timer = loop.call_later(TIMEOUT_S / PARTS, pass_parts, left - 1)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        pass_parts(PARTS)
        try:
            yield
        finally:
            timer.cancel()


def create_shared_limit(rate: Rate, url: str, on_error: OnError) -> SharedLimit:
    """Return the check for a limit that all replicas share.

    Args:
        rate: The limit of each client.
        url: Where Redis is.
        on_error: Whether requests are let in ("open") or refused while it does not answer.

    Raises:
        StartupError: The libraries are missing, or the URL is none of Redis.
    """
    try:
        from limits.aio.storage import RedisStorage
        from limits.aio.strategies import SlidingWindowCounterRateLimiter
        from redis.asyncio import BlockingConnectionPool
    except ImportError as error:
        raise StartupError(f"CVAE_RATE_LIMIT_REDIS: needs more packages: {EXTRA}") from error
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            # What limits them is `limit_wait`.
            timeout=None,
            socket_timeout=None,
            socket_connect_timeout=None,
        )
    except ValueError as error:  # which does not repeat the URL: it may hold a password
        raise StartupError("CVAE_RATE_LIMIT_REDIS: expected a URL such as redis://host:6379/0") from error
    options: dict[str, Any] = {"connection_pool": pool}
    storage = RedisStorage("async+redis://", implementation="redispy", key_prefix="cvae", **options)
    return SharedLimit(rate, SlidingWindowCounterRateLimiter(storage), pool, on_error)
