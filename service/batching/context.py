"""The request context: a request's deadline, and where its time went."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from numpy.typing import NDArray

from service.core.errors import DeadlineError

T = TypeVar("T")
READY = "the answer was ready"


@dataclasses.dataclass(eq=False, slots=True)
class RequestContext:
    """A request's deadline and timings, passed along with its rows.

    Attributes:
        deadline: On the batchers' clock (`time.monotonic`); what is not done by then is given up.
        queue_s: Seconds that its rows waited in the queue and for earlier batches.
        inference_s: Seconds that the batches with its rows ran.
        encode_s: Seconds that writing the answer took.
        rows: How many rows have run.
        batch: All results of the last batch that held its rows, other callers' too, until they are taken.
        place: Index in `batch` of its first row.
    """

    deadline: float = math.inf
    queue_s: float = 0.0
    inference_s: float = 0.0
    encode_s: float = 0.0
    rows: int = 0
    batch: NDArray[Any] | None = None
    place: int = 0

    def take_batch(self) -> NDArray[Any] | None:
        """Return `batch`, and keep it no longer: a connection that rests keeps its last request's context."""
        batch, self.batch = self.batch, None
        return batch

    @contextlib.asynccontextmanager
    async def bound(self, end: str) -> AsyncIterator[None]:
        """Cancel the block when the deadline passes.

        Args:
            end: What the block waits for, to complete the error "the deadline passed before …".

        Raises:
            DeadlineError: The deadline passed.
        """
        try:
            async with asyncio.timeout_at(self.deadline if math.isfinite(self.deadline) else None):
                yield
        except TimeoutError:
            raise DeadlineError(f"the deadline passed before {end}") from None

    async def run(self, work: Callable[[], T]) -> T:
        """Run work in a thread; if no thread is free by the deadline, it never starts.

        Raises:
            DeadlineError: The deadline passed before it was done.
        """
        if time.monotonic() >= self.deadline:
            raise DeadlineError(f"the deadline passed before {READY}")
        return await self.wait(asyncio.get_running_loop().run_in_executor(None, work), READY)

    async def wait(self, answer: Awaitable[T], end: str) -> T:
        """Await an answer until the deadline; unlike `bound`, outside of tasks too.

        Args:
            answer: Cancelled if it comes too late.
            end: What it waits for, for the error.

        Raises:
            DeadlineError: The deadline passed.
        """
        future, late = asyncio.ensure_future(answer), False

        def expire() -> None:
            nonlocal late
            late = future.cancel()

        loop = asyncio.get_running_loop()
        timer = loop.call_at(self.deadline, expire) if math.isfinite(self.deadline) else None
        try:
            return await future
        except asyncio.CancelledError:
            if late:
                raise DeadlineError(f"the deadline passed before {end}") from None
            raise
        finally:
            future.cancel()
            if timer is not None:
                timer.cancel()

    def timing(self) -> bytes:
        """Return the value of `Server-Timing` (W3C Server Timing): milliseconds, to the microsecond."""
        times = self.queue_s * 1e3, self.inference_s * 1e3, self.encode_s * 1e3
        return b"queue;dur=%.3f, inference;dur=%.3f, encode;dur=%.3f" % times
