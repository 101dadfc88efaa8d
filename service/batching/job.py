"""The requests that wait in a `Batcher`: their rows, their progress, and how they get results or an error."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.batching.context import RequestContext
from service.batching.statistics import MOST_SIZES, Statistics
from service.core.errors import DeadlineError, InferenceError

Rows = NDArray[Any]
Run = Callable[[Rows], Rows]


@dataclasses.dataclass(eq=False, slots=True)
class PendingRequest:
    """A request whose rows wait or run.

    Attributes:
        rows: All its rows.
        future: Receives the results.
        call: The request's context, whose deadline is on the batcher's clock and whose timings grow.
        submitted: When it came, on the batcher's clock.
        left: How many rows still wait.
        ran: How many rows have results.
        ran_s: Seconds that the batches with its rows ran.
        results: Those of each slice that has run, by the index of its first row in `rows`; None before the
            first has, and where one slice holds all rows.
    """

    rows: Rows
    future: asyncio.Future[Rows]
    call: RequestContext
    submitted: float
    left: int
    ran: int = 0
    ran_s: float = 0.0
    results: dict[int, Rows] | None = None

    def take(self, room: int) -> BatchSlice:
        """Take the next rows from the queue, at most `room` of them."""
        first = len(self.rows) - self.left
        rows = self.rows if not first and self.left <= room else self.rows[first : first + room]
        self.left -= len(rows)
        return BatchSlice(self, rows, first)


class BatchSlice(NamedTuple):
    """The rows of one request in one batch; `first` is the index of the first in the request's `rows`."""

    request: PendingRequest
    rows: Rows
    first: int


class Batch(NamedTuple):
    """The results of a batch, and when it began, had its rows together and ended, on the batcher's clock."""

    results: Rows
    begun: float
    prepared: float
    ended: float


def finish(slices: Sequence[BatchSlice], batch: Batch, statistics: Statistics) -> None:
    """Hand each request its results, complete those whose rows have all run, and count them."""
    start, ended, seconds = 0, batch.ended, batch.ended - batch.begun
    for request, rows, first in slices:
        end = start + len(rows)
        results = batch.results[start:end]
        request.ran += end - start
        request.ran_s += seconds
        whole = results if rows is request.rows else _gather(request, first, results)
        place, start = start, end
        if whole is None:
            continue
        if _answer(request, whole, ended):
            request.call.batch, request.call.place = batch.results, place
            statistics.succeeded += 1.0
            statistics.succeeded_s += ended - request.submitted
            statistics.ran_s += request.ran_s
        else:
            statistics.fail(ended - request.submitted)
    statistics.last_s = ended
    if batch.prepared > batch.begun:
        statistics.prepare(start, len(slices), batch.prepared - batch.begun)
    if start <= MOST_SIZES:
        entry = statistics.sizes[start - 1]
        entry[0] += 1.0
        entry[2] += ended - batch.prepared


def _gather(request: PendingRequest, first: int, results: Rows) -> Rows | None:
    """Keep the results of a slice; return those of all rows with the last slice."""
    kept = request.results = request.results or {}
    kept[first] = results
    if request.ran < len(request.rows):
        return None
    return np.concatenate([kept[index] for index in sorted(kept)])


def _answer(request: PendingRequest, results: Rows, ended: float) -> bool:
    """Complete a request; return whether it got its results."""
    # A request that was cancelled while its rows ran has a future that is done already.
    if request.future.done():
        return False
    call = request.call
    call.inference_s += request.ran_s
    call.rows += request.ran
    call.queue_s += ended - request.submitted - request.ran_s
    if ended >= call.deadline:
        request.future.set_exception(DeadlineError("the deadline passed while the rows ran"))
        return False
    request.future.set_result(results)
    return True


def fail(slices: Sequence[BatchSlice], error: BaseException, statistics: Statistics) -> None:
    """Fail the requests of a batch that failed, and count them."""
    for request, _, _ in slices:
        if not request.future.done():
            statistics.fail()
            failure = InferenceError(f"the batch failed: {error!r}")
            failure.__cause__ = error
            request.future.set_exception(failure)
