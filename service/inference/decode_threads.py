"""Owns `DecodeThreads`: where what clients send is decoded and unpacked, in a few threads for all.

Invariants, each with a test:
- No more runs at once than there are places, and no more requests or bytes wait than there is room for.
- What has not begun when its deadline passes or its client goes never begins; what has begun ends at its next
  look at the clock, and gives its place to another only then.
- Work of many parts gives its place up after each slice of time, and comes last again.
- Work that takes more processor time than its budget ends, whatever its deadline.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from service.batching.context import RequestContext
from service.core.errors import (
    ClientGoneError,
    DeadlineError,
    NotReadyError,
    QueueFullError,
    Text,
    TooLargeError,
)

T = TypeVar("T")
Check = Callable[[], None]
# Each may hold a decoded picture of `max_image_pixels` in memory.
PLACES = 2
# Requests, and bytes of their bodies, in the places or waiting for one.
MAX_REQUESTS, MAX_BYTES = 64, 128 * 2**20
# After so long, others have their turn.
SLICE_S = 0.05
# The slowest picture that is not refused before takes a third of it.
BUDGET_S = 2.0


class DecodeThreads:
    """Runs work in threads of its own, a few at once.

    Attributes:
        requests: How many are in.
        bytes: Of their bodies.
    """

    def __init__(
        self, *, places: int = PLACES, max_requests: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES
    ) -> None:
        """Stores the limits.

        Args:
            places: Most that run at once.
            max_requests: While so many are in, others are refused.
            max_bytes: While so many bytes are in, others are refused; one body may exceed it.
        """
        self.max_requests = max_requests
        self.max_bytes = max_bytes
        self.requests = 0
        self.bytes = 0
        self._free = asyncio.Semaphore(places)
        self._threads = concurrent.futures.ThreadPoolExecutor(places, "places")

    def close(self) -> None:
        """Refuse what has not begun; what runs is finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check(self) -> None:
        """Refuse requests that `run` would refuse, whatever they bring.

        Raises:
            QueueFullError: There is no room.
        """
        if self.requests >= self.max_requests or self.bytes >= self.max_bytes:
            # What is in is done within about a second: it was measured before it was let in.
            raise QueueFullError(1)

    async def run(self, work: Callable[[Check], T | None], size: int, call: RequestContext) -> T:
        """Run work, in turns with that of others.

        Args:
            work: Called in a thread, and again as long as it returns None. It calls what it is given between
                the pieces of its work, and lets what that raises pass.
            size: Bytes that it holds.
            call: That it belongs to.

        Returns:
            What it returned in the end.

        Raises:
            QueueFullError: There is no room.
            DeadlineError: The deadline passed before it was done.
            TooLargeError: It took too much processor time.
            NotReadyError: Closed.
        """
        self.check()
        result = None
        with self._enter(size), _Stopper(call) as stopper:
            async with call.bound("the body was read"):
                while result is None:
                    result = await self._take_turn(work, stopper)
        return result

    @contextlib.contextmanager
    def _enter(self, size: int) -> Iterator[None]:
        self.requests += 1
        self.bytes += size
        try:
            yield
        finally:
            self.requests -= 1
            self.bytes -= size

    async def _take_turn(self, work: Callable[[Check], T | None], stopper: _Stopper) -> T | None:
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        try:
            running: concurrent.futures.Future[T | None] = self._threads.submit(stopper.run, work)
        except RuntimeError:
            self._free.release()
            raise NotReadyError("the service is stopping") from None

        def release(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # a loop that is closed needs it no more
                loop.call_soon_threadsafe(self._free.release)

        # Of the thread's future, not of the loop's: that is cancelled while the thread still runs.
        running.add_done_callback(release)
        return await asyncio.wrap_future(running)


class _Stopper:
    """Ends work that nobody waits for, or that takes too long."""

    def __init__(self, call: RequestContext) -> None:
        self.call = call
        self._gone = threading.Event()

    def __enter__(self) -> _Stopper:
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()

    def run(self, work: Callable[[Check], T | None]) -> T | None:
        end_s = time.thread_time() + BUDGET_S

        def check() -> None:
            if self._gone.is_set():
                raise ClientGoneError("nobody waits for it")
            if time.monotonic() >= self.call.deadline:
                raise DeadlineError("the deadline passed before the body was read")
            if time.thread_time() > end_s:
                expected = f"a body that is read in {BUDGET_S:g} s of processor time"
                raise TooLargeError("body", expected, Text("one that takes longer"))

        check()
        return work(check)
