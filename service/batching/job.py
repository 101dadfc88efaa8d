"""Owns what a `Batcher` keeps of its callers: their rows, what has become of them, and how they are told."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.batching.context import RequestContext
from service.core.errors import DeadlineError, InferenceError

Rows = NDArray[Any]
Run = Callable[[Rows], Rows]


@dataclasses.dataclass(eq=False, slots=True)
class PendingRequest:
    """A caller's rows.

    Attributes:
        rows: All of them.
        future: Gets the results.
        call: Its deadline, on the batcher's clock; told where the time went.
        submitted: On the batcher's clock.
        taken: Rows that have left the queue.
        ran: Rows whose results are there.
        ran_s: Seconds of the batches that held its rows.
        results: Of the rows that have run, by the place of the first of them.
    """

    rows: Rows
    future: asyncio.Future[Rows]
    call: RequestContext
    submitted: float
    taken: int = 0
    ran: int = 0
    ran_s: float = 0.0
    results: dict[int, Rows] = dataclasses.field(default_factory=dict)

    @property
    def left(self) -> int:
        """Rows that still wait."""
        return len(self.rows) - self.taken

    def take(self, room: int) -> BatchSlice:
        """Take the next rows from the queue, at most `room` of them."""
        share = BatchSlice(self, self.rows[self.taken : self.taken + room], self.taken)
        self.taken += len(share.rows)
        return share


class BatchSlice(NamedTuple):
    """A caller's rows in one batch; `first` is the place of the first among all of the caller's."""

    job: PendingRequest
    rows: Rows
    first: int


class Batch(NamedTuple):
    """What a batch gave, and when it ran, on the batcher's clock."""

    results: Rows
    begun: float
    ended: float


def finish(shares: Sequence[BatchSlice], batch: Batch) -> None:
    """Give each caller the results of its rows, and answer those whose rows have all run."""
    start, seconds = 0, batch.ended - batch.begun
    for job, rows, first in shares:
        job.results[first] = batch.results[start : start + len(rows)]
        job.ran += len(rows)
        job.ran_s += seconds
        job.call.batch, job.call.place = batch.results, start
        start += len(rows)
        # Rows that have left the queue may still run in the thread. Whoever was cancelled meanwhile has a
        # future that is done already.
        if job.ran == len(job.rows) and not job.future.done():
            _answer(job, batch.ended)


def _answer(job: PendingRequest, ended: float) -> None:
    call = job.call
    call.inference_s += job.ran_s
    call.queue_s += ended - job.submitted - job.ran_s
    if ended >= call.deadline:
        job.future.set_exception(DeadlineError("the deadline passed while the rows ran"))
    elif len(job.results) == 1:
        job.future.set_result(job.results[0])
    else:
        job.future.set_result(np.concatenate([job.results[first] for first in sorted(job.results)]))


def fail(shares: Sequence[BatchSlice], error: BaseException) -> None:
    """Tells the callers whose batch failed."""
    for job, _, _ in shares:
        if not job.future.done():
            failure = InferenceError(f"the batch failed: {error!r}")
            failure.__cause__ = error
            job.future.set_exception(failure)
