"""Owns `Batcher`: rows that concurrent callers bring run as one batch. No HTTP, no ONNX.

Invariants, each with a test:
- Nothing waits while nothing runs: a batch is what has arrived when the event loop has come round twice, with
  what lay in the sockets at the first turn. While a batch runs in the thread, the next waits there for it as
  soon as it is full, so that the thread never idles.
- All limits count rows. A caller with more rows than a batch holds gets them in parts, and after each part
  the others come first.
- Each caller gets the results of all its own rows, in order, or one error; never those of another, never
  some, never none. It is answered when its last row has run, not when that has left the queue.
- A caller who has gone, or whose deadline has passed, leaves before its rows run; one whose rows ran too late
  is told so.
- A batch that fails, fails its own callers alone. A batcher that cannot go on fails all, and says so.
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
from service.core.errors import DeadlineError, InferenceError, NotReadyError, QueueFullError

# How much of the measured drain rate each batch replaces.
SMOOTHING = 0.1
# Full batches that wait in the thread.
AHEAD = 1


class Batcher:
    """Runs rows in batches.

    Attributes:
        waiting_rows: Rows that wait.
        rows_per_s: The measured drain rate; 0 before the first batch.
        failed: Whether it cannot go on; it then refuses callers.
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
        """Stores what `start` needs.

        Args:
            run: Rows to as many results; called from one thread at a time.
            max_batch_rows: Most rows of one call.
            queue_capacity_rows: While so many rows wait, callers are refused. The last one taken may bring
                more than there was room for; else small callers would take all room before a large one.
            inline_rows: A batch whose first caller brings no more than these holds no more than these, and
                runs on the event loop if the thread is idle; others run in the thread.
            clock: Monotonic, in seconds.
        """
        self.run = run
        self.max_batch_rows = max_batch_rows
        self.queue_capacity_rows = queue_capacity_rows
        self.inline_rows = inline_rows
        self.clock = clock
        self.failed = False
        self.waiting_rows = 0
        self.rows_per_s = 0.0
        self._queue: collections.deque[PendingRequest] = collections.deque()
        self._thread: concurrent.futures.ThreadPoolExecutor | None = None
        self._drain_due = False
        # Batches that run or wait in the thread, the earliest first.
        self._in_thread: list[asyncio.Future[Batch]] = []

    def start(self) -> None:
        """Opens for callers."""
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "batcher")

    def close(self) -> None:
        """Fails who still waits, and lets a batch that runs finish."""
        self._fail_all(NotReadyError("the service is stopping"))
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    def check(self) -> None:
        """Refuses callers that `submit` would refuse, whatever they bring.

        Raises:
            QueueFullError: No further rows may wait.
            NotReadyError: Not started, closed or failed.
        """
        if self._thread is None or self.failed:
            raise NotReadyError("the model is not ready")
        if self.waiting_rows >= self.queue_capacity_rows:
            raise QueueFullError(self._retry_after_s())

    def submit(self, rows: Rows, call: RequestContext | None = None) -> asyncio.Future[Rows]:
        """Queues rows. They must be valid: what fails in a batch fails all who share it.

        Args:
            rows: `(n, ...)`, n at least 1; of one dtype and row shape for all callers.
            call: Rows that have not begun to run by its deadline never do; `queue_s` and `inference_s` grow
                by what these rows took, before the future is done. Unset: as long as it takes.

        Returns:
            A future of the results, `(n, ...)`. Cancel it, and what has not begun to run never does. Its
            errors: `DeadlineError`, `InferenceError`, `NotReadyError`.

        Raises:
            QueueFullError: No further rows may wait.
            NotReadyError: Not started, closed or failed.
        """
        self.check()
        future: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        self._queue.append(PendingRequest(rows, future, call or RequestContext(), self.clock()))
        self.waiting_rows += len(rows)
        self._wake()
        return future

    def _retry_after_s(self) -> int:
        return max(1, math.ceil(self.waiting_rows / self.rows_per_s)) if self.rows_per_s else 1

    def _wake(self) -> None:
        full = self.waiting_rows >= self.max_batch_rows
        if not self._drain_due and len(self._in_thread) <= (AHEAD if full else 0):
            self._drain_due = True
            asyncio.get_running_loop().call_soon(self._poll)

    def _poll(self) -> None:
        # Before `_drain`, the loop reads all sockets. Without this turn, requests that come while a batch is
        # answered and those that come while it runs make two batches that take turns: at 16 connections, of 8
        # rows each and not 16, for a fifth more processor time a request.
        asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        self._drain_due = False
        if shares := self._take():
            self._start_batch(shares)
        if self._queue:
            self._wake()

    def _take(self) -> list[BatchSlice]:
        shares: list[BatchSlice] = []
        if not self._queue:  # closed meanwhile
            return shares
        small = self._queue[0].left <= self.inline_rows
        room = min(self.inline_rows, self.max_batch_rows) if small else self.max_batch_rows
        for _ in range(len(self._queue)):
            job = self._queue.popleft()
            if self._drop(job):
                continue
            share = job.take(room)
            shares.append(share)
            room -= len(share.rows)
            self.waiting_rows -= len(share.rows)
            if job.left:
                self._queue.append(job)
            if room == 0:
                break
        return shares

    def _drop(self, job: PendingRequest) -> bool:
        if not job.future.done() and self.clock() >= job.call.deadline:
            job.future.set_exception(DeadlineError("the deadline passed before the rows could run"))
        if job.future.done():
            self.waiting_rows -= job.left
            return True
        return False

    def _start_batch(self, shares: list[BatchSlice]) -> None:
        if not self._in_thread and sum(len(share.rows) for share in shares) <= self.inline_rows:
            try:
                batch = self._call(shares)
            except Exception as error:  # whatever a model may raise
                fail(shares, error)
            else:
                finish(shares, batch)
            return
        try:
            running = asyncio.get_running_loop().run_in_executor(self._thread, self._call, shares)
        except RuntimeError as error:
            self._die(shares, error)
        else:
            self._in_thread.append(running)
            running.add_done_callback(lambda done: self._collect(shares, done))

    def _collect(self, shares: list[BatchSlice], done: asyncio.Future[Batch]) -> None:
        self._in_thread.remove(done)
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if error is None:
            finish(shares, done.result())
        else:
            fail(shares, error)
        if self._queue:
            self._wake()

    def _call(self, shares: list[BatchSlice]) -> Batch:
        begun = self.clock()
        rows = shares[0].rows if len(shares) == 1 else np.concatenate([share.rows for share in shares])
        results = self.run(rows)
        if len(results) != len(rows):
            raise InferenceError(f"expected {len(rows)} results, the model gave {len(results)}")
        ended = self.clock()
        self._measure(len(rows) / max(ended - begun, 1e-9))
        return Batch(results, begun, ended)

    def _measure(self, rows_per_s: float) -> None:
        weight = SMOOTHING if self.rows_per_s else 1.0
        self.rows_per_s += weight * (rows_per_s - self.rows_per_s)

    def _die(self, shares: list[BatchSlice], error: Exception) -> None:
        self.failed = True
        fail(shares, error)
        self._fail_all(InferenceError(f"the batcher cannot go on: {error!r}"))

    def _fail_all(self, error: Exception) -> None:
        while self._queue:
            job = self._queue.popleft()
            self.waiting_rows -= job.left
            if not job.future.done():
                job.future.set_exception(error)
