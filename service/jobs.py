"""Owns what a `Batcher` keeps of its callers: their rows, what has become of them, and how they are told."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.calls import Call
from service.errors import DeadlineError, InferenceError

Rows = NDArray[Any]
Run = Callable[[Rows], Rows]


@dataclasses.dataclass(eq=False, slots=True)
class Job:
    """A caller's rows.

    Attributes:
        rows: All of them.
        future: Gets the results.
        call: Its deadline, on the batcher's clock; told where the time went.
        submitted: On the batcher's clock.
        taken: Rows that have left the queue.
        ran_s: Seconds of the batches that held its rows.
        results: Of the rows that have run.
    """

    rows: Rows
    future: asyncio.Future[Rows]
    call: Call
    submitted: float
    taken: int = 0
    ran_s: float = 0.0
    results: list[Rows] = dataclasses.field(default_factory=list)

    @property
    def left(self) -> int:
        """Rows that still wait."""
        return len(self.rows) - self.taken


class Share(NamedTuple):
    """A caller's rows in one batch."""

    job: Job
    rows: Rows


class Batch(NamedTuple):
    """What a batch gave, and when it ran, on the batcher's clock."""

    results: Rows
    begun: float
    ended: float


def finish(shares: Sequence[Share], batch: Batch) -> None:
    """Gives each caller the results of its rows; who has all, is answered."""
    start, seconds = 0, batch.ended - batch.begun
    for job, rows in shares:
        job.results.append(batch.results[start : start + len(rows)])
        job.ran_s += seconds
        job.call.batch, job.call.place = batch.results, start
        start += len(rows)
        # Whoever was cancelled meanwhile has a future that is done already.
        if not job.left and not job.future.done():
            _answer(job, batch.ended)


def _answer(job: Job, ended: float) -> None:
    call = job.call
    call.inference_s += job.ran_s
    call.queue_s += ended - job.submitted - job.ran_s
    if ended >= call.deadline:
        job.future.set_exception(DeadlineError("the deadline passed while the rows ran"))
    else:
        job.future.set_result(job.results[0] if len(job.results) == 1 else np.concatenate(job.results))


def fail(shares: Sequence[Share], error: BaseException) -> None:
    """Tells the callers whose batch failed."""
    for job, _ in shares:
        if not job.future.done():
            failure = InferenceError(f"the batch failed: {error!r}")
            failure.__cause__ = error
            job.future.set_exception(failure)
