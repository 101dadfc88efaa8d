"""Owns `RequestContext`: what a request is granted on its way through the models, and where its time went."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from numpy.typing import NDArray

from service.core.errors import DeadlineError

T = TypeVar("T")


@dataclasses.dataclass(eq=False, slots=True)
class RequestContext:
    """One request's way.

    Attributes:
        deadline: On the batchers' clock (`time.monotonic`); what is not done by then is given up.
        queue_s: Seconds that its rows waited, for their turn and for those that ran before them.
        inference_s: Seconds of the batches that they ran in.
        encode_s: Seconds that it took to write the answer.
        batch: The results of the batch that ran last, those of others among them.
        place: Of its first row there.
    """

    deadline: float = math.inf
    queue_s: float = 0.0
    inference_s: float = 0.0
    encode_s: float = 0.0
    batch: NDArray[Any] | None = None
    place: int = 0

    @contextlib.asynccontextmanager
    async def bound(self, end: str) -> AsyncIterator[None]:
        """Give up what a block waits for when the deadline passes.

        Args:
            end: What it waits for, for the error.

        Raises:
            DeadlineError: The deadline passed.
        """
        try:
            async with asyncio.timeout_at(self.deadline if math.isfinite(self.deadline) else None):
                yield
        except TimeoutError:
            raise DeadlineError(f"the deadline passed before {end}") from None

    async def run(self, work: Callable[[], T]) -> T:
        """Run work in a thread; if none is free by the deadline, it never runs.

        Raises:
            DeadlineError: The deadline passed before it was done.
        """
        async with self.bound("the answer was ready"):
            return await asyncio.to_thread(work)

    def timing(self) -> str:
        """Gives the value of `Server-Timing` (W3C Server Timing): milliseconds, to the microsecond."""
        return (
            f"queue;dur={self.queue_s * 1e3:.3f}, inference;dur={self.inference_s * 1e3:.3f}, "
            f"encode;dur={self.encode_s * 1e3:.3f}"
        )
