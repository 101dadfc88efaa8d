"""`UploadThreads` decodes and unpacks what clients send, in a few threads for all requests.

Invariants, each with a test:
- No more work runs at once than there are threads, and no more requests or bytes wait than there is room for.
- Work that has not started when its deadline passes or its client goes never starts. Work that has started
  ends at its next check of the clock, and only then does its thread take other work.
- Work of many parts goes to the end of the queue after each slice of time.
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
from service.core.tally import SHORT_SECONDS, Tally

T = TypeVar("T")
Check = Callable[[], None]
# Each may hold a decoded picture of `max_image_pixels` in memory.
PLACES = 2
# Requests, and bytes of their bodies, that run or wait for a thread.
MAX_REQUESTS, MAX_BYTES = 64, 128 * 2**20
# The length of a turn; after it, others have theirs.
SLICE_S = 0.05
# The slowest picture that is not refused beforehand takes a third of it.
BUDGET_S = 2.0


class UploadThreads:
    """Runs work in threads of its own, a few at once.

    Attributes:
        requests: How many run or wait.
        bytes: The bytes of their bodies.
        took: Seconds from when they came until they were done, of those that ended well.
    """

    def __init__(
        self, *, places: int = PLACES, max_requests: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES
    ) -> None:
        """Store the limits.

        Args:
            places: Threads, each of which runs one piece of work.
            max_requests: While this many run or wait, others are refused.
            max_bytes: While this many bytes run or wait, others are refused; the last body may exceed it.
        """
        self.max_requests = max_requests
        self.max_bytes = max_bytes
        self.requests = 0
        self.bytes = 0
        self.took = Tally(SHORT_SECONDS)
        self._free = asyncio.Semaphore(places)
        self._threads = concurrent.futures.ThreadPoolExecutor(places, "places")

    def close(self) -> None:
        """Drop work that has not started; work that runs is finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check(self) -> None:
        """Raise what `run` would raise now for any work.

        Raises:
            QueueFullError: There is no room.
        """
        if self.requests >= self.max_requests or self.bytes >= self.max_bytes:
            # All that waits is done within about a second, as its size was checked before.
            raise QueueFullError(1)

    async def run(self, work: Callable[[Check], T | None], size: int, call: RequestContext) -> T:
        """Run work in a thread, taking turns with other work.

        Args:
            work: Called again and again until it returns something other than None. It must call the function
                that it is given between its steps, and let the errors of that pass.
            size: The bytes that it holds.
            call: The request's context.

        Returns:
            The result of the last call.

        Raises:
            QueueFullError: There is no room.
            DeadlineError: The deadline passed before it was done.
            TooLargeError: It took too much processor time.
            NotReadyError: Closed.
        """
        self.check()
        begun = time.monotonic()
        result = None
        with self._enter(size), _Stopper(call) as stopper:
            async with call.bound("the body was read"):
                while result is None:
                    result = await self._take_turn(work, stopper)
        self.took.add(time.monotonic() - begun)
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
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._free.release)

        # Of the thread's future: the loop's is cancelled while the thread still runs.
        running.add_done_callback(release)
        return await asyncio.wrap_future(running)


class _Stopper:
    """Stops work that nobody waits for, or that takes too long."""

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
