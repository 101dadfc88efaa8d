"""`Batcher` runs the rows of concurrent callers as one batch. It knows no HTTP and no ONNX.

Invariants, each with a test:
- Nothing waits while nothing runs: a batch starts after two turns of the event loop, with all rows that have
  arrived by then; the first turn reads what lay in the sockets. While a batch runs in the thread, the next
  one is handed to the thread as soon as it is full, so that the thread never idles.
- All limits count rows. A caller with more rows than a batch holds is served in parts, and queues again
  behind the others after each part.
- Each caller gets the results of all its own rows, in order, or one error: never another caller's, never only
  some, never none. Its future is done when its last row has run, not when that row has left the queue.
- A caller who has cancelled, or whose deadline has passed, is dropped before its rows run; if its rows ran
  too late, it gets `DeadlineError`.
- When a batch fails, only its own callers fail. When the batcher cannot go on, all callers fail, and `failed`
  says so.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import math
import time
from collections.abc import Callable

import numpy as np

from service.batching.context import RequestContext
from service.batching.job import Batch, BatchSlice, PendingRequest, Rows, Run, fail, finish
from service.batching.statistics import Statistics
from service.core.errors import DeadlineError, InferenceError, NotReadyError, QueueFullError
from service.core.tally import ROWS, Tally

# How much of the measured drain rate each batch replaces.
SMOOTHING = 0.1
# Full batches that wait for the thread beside the one that runs.
AHEAD = 1


class Batcher:
    """Runs rows in batches.

    Attributes:
        inline_rows: As `__init__` says; not to be changed once it has started.
        waiting_rows: Rows that wait.
        batches: The rows of the batches that have run.
        statistics: What became of requests and batches.
        rows_per_s: The measured drain rate; 0 before the first batch.
        failed: Whether it cannot go on, and refuses all callers.
    """

    def __init__(
        self,
        run: Run,
        *,
        max_batch_rows: int,
        queue_capacity_rows: int,
        inline_rows: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store what `start` needs.

        Args:
            run: Returns a result for each row; called from one thread at a time.
            max_batch_rows: Most rows of one call of `run`.
            queue_capacity_rows: While this many rows wait, callers are refused. The last one accepted may
                exceed it; otherwise small callers would always leave no room for a large one.
            inline_rows: If the first caller of a batch has at most this many rows, the batch has at most this
                many, and runs on the event loop if the thread is idle. Other batches run in the thread.
            clock: Monotonic, in seconds.
        """
        self.run = run
        self.max_batch_rows = max_batch_rows
        self.queue_capacity_rows = queue_capacity_rows
        self.inline_rows = inline_rows
        self.clock = clock
        self.failed = False
        self.waiting_rows = 0
        self.batches = Tally(ROWS)
        self.statistics = Statistics()
        self.rows_per_s = 0.0
        self._queue: collections.deque[PendingRequest] = collections.deque()
        self._thread: concurrent.futures.ThreadPoolExecutor | None = None
        self._drain_due = False
        # Batches that run or wait in the thread, the earliest first.
        self._in_thread: list[asyncio.Future[Batch]] = []

    def start(self, warm_up: Callable[[], object] | None = None) -> None:
        """Start to accept rows.

        Args:
            warm_up: Called first, in the thread that will run the batches. Its errors are raised.
        """
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "batcher")
        if warm_up is not None:
            self._thread.submit(warm_up).result()

    def close(self) -> None:
        """Fail all callers that wait, and let a running batch finish."""
        self._fail_all(NotReadyError("the service is stopping"))
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    @property
    def waiting_requests(self) -> int:
        """How many requests have rows that wait."""
        return len(self._queue)

    def check(self) -> None:
        """Raise what `submit` would raise now for any rows.

        Raises:
            QueueFullError: The queue is full.
            NotReadyError: Not started, closed or failed.
        """
        if self._thread is None or self.failed:
            raise NotReadyError("the model is not ready")
        if self.waiting_rows >= self.queue_capacity_rows:
            raise QueueFullError(self._retry_after_s())

    def submit(self, rows: Rows, call: RequestContext | None = None) -> asyncio.Future[Rows]:
        """Queue rows. They must be valid, because a failure fails all callers of the batch.

        Args:
            rows: `(n, ...)`, n at least 1; of one dtype and row shape for all callers.
            call: The request's context. Rows that have not started by its deadline never run; before the
                future is done, `queue_s` and `inference_s` grow by the time these rows took. Unset: no
                deadline.

        Returns:
            A future of the results, `(n, ...)`. When it is cancelled, rows that have not started never run.
            Its errors: `DeadlineError`, `InferenceError`, `NotReadyError`.

        Raises:
            QueueFullError: The queue is full.
            NotReadyError: Not started, closed or failed.
        """
        self.check()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Rows] = loop.create_future()
        n = len(rows)
        self._queue.append(PendingRequest(rows, future, call or RequestContext(), self.clock(), n))
        self.waiting_rows += n
        if not self._drain_due:
            self._wake(loop)
        return future

    def _retry_after_s(self) -> int:
        return max(1, math.ceil(self.waiting_rows / self.rows_per_s)) if self.rows_per_s else 1

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        full = self.waiting_rows >= self.max_batch_rows
        if not self._drain_due and len(self._in_thread) <= (AHEAD if full else 0):
            self._drain_due = True
            loop.call_soon(self._poll, loop)

    def _poll(self, loop: asyncio.AbstractEventLoop) -> None:
        # Before `_drain`, the loop reads all sockets. Without this turn, requests that arrive while a batch
        # runs and those that arrive while its results are sent form two batches that take turns: at 16
        # connections, of 8 rows each instead of 16, for a fifth more processor time a request.
        loop.call_soon(self._drain, loop)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        self._drain_due = False
        if slices := self._take():
            self._start_batch(slices, loop)
        if self._queue:
            self._wake(loop)

    def _take(self) -> list[BatchSlice]:
        slices: list[BatchSlice] = []
        if not self._queue:  # closed meanwhile
            return slices
        small = self._queue[0].left <= self.inline_rows
        room = min(self.inline_rows, self.max_batch_rows) if small else self.max_batch_rows
        now = self.clock()
        for _ in range(len(self._queue)):
            request = self._queue.popleft()
            if request.future.done() or now >= request.call.deadline:
                self._give_up(request, DeadlineError("the deadline passed before the rows could run"))
                continue
            part = request.take(room)
            taken = len(part.rows)
            slices.append(part)
            room -= taken
            self.waiting_rows -= taken
            if request.left:
                self._queue.append(request)
            if room == 0:
                break
        return slices

    def _give_up(self, request: PendingRequest, error: Exception) -> None:
        self.waiting_rows -= request.left
        if request.future.cancelled() or not request.future.done():  # else it failed with others of its rows
            self.statistics.fail(self.clock() - request.submitted)
        if not request.future.done():
            request.future.set_exception(error)

    def _start_batch(self, slices: list[BatchSlice], loop: asyncio.AbstractEventLoop) -> None:
        if not self._in_thread and sum([len(part.rows) for part in slices]) <= self.inline_rows:
            try:
                batch = self._call(slices)
            except Exception as error:  # a model may raise anything
                fail(slices, error, self.statistics)
            else:
                finish(slices, batch, self.statistics)
            return
        try:
            running = loop.run_in_executor(self._thread, self._call, slices)
        except RuntimeError as error:
            self._die(slices, error)
        else:
            self._in_thread.append(running)
            running.add_done_callback(lambda done: self._collect(slices, done))

    def _collect(self, slices: list[BatchSlice], done: asyncio.Future[Batch]) -> None:
        self._in_thread.remove(done)
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if error is None:
            finish(slices, done.result(), self.statistics)
        else:
            fail(slices, error, self.statistics)
        if self._queue:
            self._wake(done.get_loop())

    def _call(self, slices: list[BatchSlice]) -> Batch:
        begun, alone = self.clock(), len(slices) == 1
        rows = slices[0].rows if alone else np.concatenate([part.rows for part in slices])
        prepared = begun if alone else self.clock()
        results = self.run(rows)
        if len(results) != len(rows):
            raise InferenceError(f"expected {len(rows)} results, the model gave {len(results)}")
        ended = self.clock()
        self.batches.add(len(rows))
        self._measure(len(rows) / max(ended - begun, 1e-9))
        return Batch(results, begun, prepared, ended)

    def _measure(self, rows_per_s: float) -> None:
        weight = SMOOTHING if self.rows_per_s else 1.0
        self.rows_per_s += weight * (rows_per_s - self.rows_per_s)

    def _die(self, slices: list[BatchSlice], error: Exception) -> None:
        self.failed = True
        fail(slices, error, self.statistics)
        self._fail_all(InferenceError(f"the batcher cannot go on: {error!r}"))

    def _fail_all(self, error: Exception) -> None:
        while self._queue:
            self._give_up(self._queue.popleft(), error)
