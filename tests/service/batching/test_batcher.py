"""The batcher's invariants, and the seven traps other servers' batchers fell into.

Rows are numbers and results are twice as much, so an answer that reaches the wrong caller is seen.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from service.batching.batcher import Batcher
from service.batching.context import RequestContext
from service.batching.job import Rows
from service.core.errors import DeadlineError, InferenceError, NotReadyError, QueueFullError


class Model:
    """Doubles rows, and notes the batches and the threads it was called in."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.threads: list[bool] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, rows: Rows) -> Rows:
        self.batches.append(rows[:, 0].tolist())
        self.threads.append(threading.current_thread() is threading.main_thread())
        assert self.gate.wait(10)
        if (rows < 0).any():
            raise ValueError("a negative row")
        return 2 * rows

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def rows(*values: float) -> Rows:
    return np.array(values, np.float32)[:, np.newaxis]


def make(model: Callable[[Rows], Rows], **changes: Any) -> Batcher:
    limits: dict[str, Any] = {"max_batch_rows": 4, "queue_capacity_rows": 100, "inline_rows": 4, **changes}
    batcher = Batcher(model, **limits)
    batcher.start()
    return batcher


def play(scene: Callable[[], Awaitable[None]]) -> None:
    """Runs a scene; a waiter that nobody answers fails it."""

    async def bounded() -> None:
        await asyncio.wait_for(scene(), 10)

    asyncio.run(bounded())


async def turn() -> None:
    """Comes round as often as it takes for what was submitted to start."""
    for _ in range(2):
        await asyncio.sleep(0)


async def outcomes(*futures: Awaitable[Rows]) -> list[Any]:
    found = await asyncio.gather(*futures, return_exceptions=True)
    return [f if isinstance(f, BaseException) else f[:, 0].tolist() for f in found]


def test_what_warms_up_runs_in_the_thread_of_the_batches() -> None:
    seen: list[threading.Thread] = []

    def model(rows: Rows) -> Rows:
        seen.append(threading.current_thread())
        return rows

    async def scene() -> None:
        batcher = Batcher(model, max_batch_rows=4, queue_capacity_rows=100, inline_rows=0)
        batcher.start(lambda: seen.append(threading.current_thread()))
        await batcher.submit(rows(1))
        batcher.close()

    play(scene)
    assert len(seen) == 2
    assert seen[0] is seen[1] is not threading.main_thread()


def test_an_error_of_the_warm_up_is_raised() -> None:
    batcher = Batcher(Model(), max_batch_rows=4, queue_capacity_rows=100, inline_rows=0)
    with pytest.raises(ZeroDivisionError):
        batcher.start(lambda: 1 // 0)
    batcher.close()


def test_rows_that_arrive_together_run_together() -> None:
    async def scene() -> None:
        batcher = make(model := Model())
        futures = [batcher.submit(rows(i)) for i in range(4)]
        assert await outcomes(*futures) == [[0], [2], [4], [6]]
        assert model.batches == [[0, 1, 2, 3]]

    play(scene)


def test_tasks_that_the_same_turn_wakes_share_a_batch() -> None:
    async def scene() -> None:
        batcher = make(model := Model())

        async def caller(value: float) -> Rows:
            return await batcher.submit(rows(value))

        await asyncio.gather(*(caller(i) for i in range(4)))
        assert model.sizes == [4]

    play(scene)


def test_who_comes_a_turn_later_rides_along() -> None:
    async def scene() -> None:
        batcher = make(model := Model())
        first = batcher.submit(rows(1))
        await asyncio.sleep(0)
        assert await outcomes(first, batcher.submit(rows(2))) == [[2], [4]]
        assert model.batches == [[1, 2]]

    play(scene)


def test_a_lone_row_does_not_wait() -> None:
    async def scene() -> None:
        batcher = make(model := Model())
        future = batcher.submit(rows(5))
        await turn()
        assert model.batches == [[5]]
        assert (await future)[0, 0] == 10

    play(scene)


def test_what_no_longer_fits_runs_next() -> None:
    async def scene() -> None:
        batcher = make(model := Model())
        found = await outcomes(*(batcher.submit(rows(i, i)) for i in range(5)))
        assert found == [[2 * i, 2 * i] for i in range(5)]
        assert model.sizes == [4, 4, 2]

    play(scene)


def test_more_rows_than_a_batch_holds_run_in_parts_and_others_come_between() -> None:
    async def scene() -> None:
        batcher = make(model := Model())
        done: list[str] = []
        large, small = batcher.submit(rows(*range(11))), batcher.submit(rows(50))
        large.add_done_callback(lambda _: done.append("large"))
        small.add_done_callback(lambda _: done.append("small"))
        assert await outcomes(large, small) == [[2 * i for i in range(11)], [100]]
        assert model.batches == [[0, 1, 2, 3], [50, 4, 5, 6], [7, 8, 9, 10]]
        assert done == ["small", "large"]

    play(scene)


@pytest.mark.parametrize("n", [8, 12, 16])
def test_a_caller_is_answered_when_all_its_parts_have_run(n: int) -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=0)
        # The last part, full as well, leaves the queue while the one before it still runs.
        assert await outcomes(batcher.submit(rows(*range(n)))) == [[2 * i for i in range(n)]]
        assert model.sizes == [4] * (n // 4)

    play(scene)


def test_large_batches_run_in_a_thread_and_small_ones_on_the_loop() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=2)
        await batcher.submit(rows(1, 2, 3))
        await batcher.submit(rows(1, 2))
        assert model.threads == [False, True]

    play(scene)


def test_small_callers_ride_on_the_loop_however_many_they_are() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=2)
        futures = [batcher.submit(rows(i)) for i in range(5)]
        futures += [batcher.submit(rows(5, 6, 7)), batcher.submit(rows(8, 9, 10))]
        assert await outcomes(*futures) == [[0], [2], [4], [6], [8], [10, 12, 14], [16, 18, 20]]
        assert model.batches == [[0, 1], [2, 3], [4, 5], [8, 9, 10, 6], [7]]
        assert model.threads == [True, True, True, False, True]

    play(scene)


def test_a_caller_of_just_as_many_rows_is_a_small_one() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=2)
        futures = [batcher.submit(rows(i, i + 1)) for i in range(0, 6, 2)]
        assert await outcomes(*futures) == [[0, 2], [4, 6], [8, 10]]
        assert model.batches == [[0, 1], [2, 3], [4, 5]]
        assert model.threads == [True, True, True]

    play(scene)


def test_while_a_batch_runs_the_next_one_gathers() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=0)
        model.gate.clear()
        first = batcher.submit(rows(1))
        await turn()
        assert batcher.waiting_rows == 0  # they have left the queue
        rest = [batcher.submit(rows(i)) for i in (2, 3)]
        model.gate.set()
        assert await outcomes(first, *rest) == [[2], [4], [6]]
        assert model.batches == [[1], [2, 3]]

    play(scene)


def test_closing_before_a_batch_starts_leaves_nothing_behind() -> None:
    async def scene() -> None:
        batcher = make(model := Model())
        future = batcher.submit(rows(1))
        batcher.close()
        assert isinstance((await outcomes(future))[0], NotReadyError)
        await turn()
        assert model.batches == []

    play(scene)


def test_a_full_batch_waits_in_the_thread_for_the_one_that_runs() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=0)
        model.gate.clear()
        futures = [batcher.submit(rows(1))]
        await turn()
        futures += [batcher.submit(rows(*range(4))), batcher.submit(rows(*range(4)))]
        await turn()
        assert batcher.waiting_rows == 4  # one ahead, no more
        model.gate.set()
        assert await outcomes(*futures) == [[2], [0, 2, 4, 6], [0, 2, 4, 6]]
        assert model.sizes == [1, 4, 4]

    play(scene)


def test_what_is_left_of_a_batch_that_waits_never_runs_beside_another() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=3)
        model.gate.clear()
        first = batcher.submit(rows(*range(4)))
        await turn()
        gone, kept = batcher.submit(rows(5, 6, 7)), batcher.submit(rows(8))
        gone.cancel()
        await turn()
        model.gate.set()
        assert await outcomes(first, kept) == [[0, 2, 4, 6], [16]]
        assert model.batches == [[0, 1, 2, 3], [8]]
        assert model.threads == [False, False]

    play(scene)


# Trap 1: whoever was cancelled or timed out must strand nobody.
def test_a_cancelled_waiter_leaves_before_its_rows_run() -> None:
    async def scene() -> None:
        batcher = make(model := Model())
        first, second = batcher.submit(rows(1)), batcher.submit(rows(2))
        first.cancel()
        assert (await second)[0, 0] == 4
        assert model.batches == [[2]]
        assert batcher.waiting_rows == 0

    play(scene)


def test_a_waiter_cancelled_while_its_batch_runs_strands_nobody() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=0)
        model.gate.clear()
        first, second = batcher.submit(rows(1)), batcher.submit(rows(2))
        await turn()
        first.cancel()
        model.gate.set()
        assert (await second)[0, 0] == 4
        assert (await batcher.submit(rows(3)))[0, 0] == 6

    play(scene)


def test_a_waiter_cancelled_while_its_batch_fails_strands_nobody() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=0)
        model.gate.clear()
        first, second = batcher.submit(rows(-1)), batcher.submit(rows(1))
        await turn()
        first.cancel()
        model.gate.set()
        with pytest.raises(InferenceError):
            await second
        assert (await batcher.submit(rows(3)))[0, 0] == 6

    play(scene)


def test_a_waiter_cancelled_between_its_parts_runs_no_further() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=0)
        model.gate.clear()
        large = batcher.submit(rows(*range(12)))
        await turn()
        large.cancel()
        model.gate.set()
        assert (await batcher.submit(rows(50)))[0, 0] == 100
        assert model.batches == [[0, 1, 2, 3], [50]]
        assert batcher.waiting_rows == 0

    play(scene)


# Trap 2: rows are valid when they come, and if they are not after all, only their batch pays.
def test_rows_that_do_not_fit_together_fail_their_own_batch() -> None:
    async def scene() -> None:
        batcher = make(Model())
        found = await outcomes(batcher.submit(rows(1)), batcher.submit(np.zeros((1, 3), np.float32)))
        assert [type(error) for error in found] == [InferenceError, InferenceError]
        assert (await batcher.submit(rows(3)))[0, 0] == 6

    play(scene)


@pytest.mark.parametrize("inline_rows", [0, 4])
def test_a_batch_that_fails_fails_its_own_callers_and_no_others(inline_rows: int) -> None:
    async def scene() -> None:
        batcher = make(Model(), inline_rows=inline_rows)
        bad = [batcher.submit(rows(i, i)) for i in (-1, 1)]
        good = batcher.submit(rows(2))
        found = await outcomes(*bad, good)
        assert [type(error) for error in found[:2]] == [InferenceError, InferenceError]
        assert isinstance(found[0].__cause__, ValueError)
        assert found[2] == [4]

    play(scene)


def test_a_caller_whose_part_failed_gets_one_error_and_the_rest_of_it_never_runs() -> None:
    async def scene() -> None:
        batcher = make(model := Model())
        with pytest.raises(InferenceError):
            await batcher.submit(rows(-1, *range(9)))
        assert (await batcher.submit(rows(5)))[0, 0] == 10
        assert model.batches == [[-1, 0, 1, 2], [5]]
        assert batcher.waiting_rows == 0

    play(scene)


# Trap 3: limits count rows, not requests.
def test_the_queue_s_limit_counts_rows() -> None:
    async def scene() -> None:
        batcher = make(Model(), queue_capacity_rows=10)
        futures = [batcher.submit(rows(*range(n))) for n in (6, 3)]
        batcher.check()
        futures.append(batcher.submit(rows(1)))
        assert batcher.waiting_rows == 10
        for refused in (batcher.check, lambda: batcher.submit(rows(1))):
            with pytest.raises(QueueFullError):
                refused()
        await outcomes(*futures)
        assert batcher.waiting_rows == 0
        await batcher.submit(rows(*range(10)))

    play(scene)


def test_while_there_is_any_room_a_large_caller_is_taken_as_a_small_one_is() -> None:
    async def scene() -> None:
        batcher = make(Model(), queue_capacity_rows=10)
        first, large = batcher.submit(rows(*range(9))), batcher.submit(rows(*range(30)))
        with pytest.raises(QueueFullError):
            batcher.submit(rows(1))
        assert [len(found) for found in await outcomes(first, large)] == [9, 30]

    play(scene)


def test_a_full_queue_says_when_to_come_again_by_the_measured_rate() -> None:
    async def scene() -> None:
        clock = Clock()

        def slow(batch: Rows) -> Rows:
            clock.now += len(batch) * 0.5
            return batch

        batcher = make(slow, queue_capacity_rows=15, clock=clock)
        await batcher.submit(rows(1, 2))
        assert batcher.rows_per_s == pytest.approx(2)
        waiting = batcher.submit(rows(*range(15)))
        with pytest.raises(QueueFullError) as caught:
            batcher.submit(rows(1))
        assert caught.value.retry_after_s == 8  # 15 rows at 2 a second
        await waiting

    play(scene)


# Trap 4: as many results as rows, or nobody can tell whose is whose.
def test_too_few_results_are_an_error() -> None:
    async def scene() -> None:
        batcher = make(lambda batch: batch[1:])
        found = await outcomes(batcher.submit(rows(1)), batcher.submit(rows(2)))
        assert [type(error) for error in found] == [InferenceError, InferenceError]
        assert "expected 2 results, the model gave 1" in str(found[0])

    play(scene)


# Trap 5, a task without a reference that may be collected, is no trap here: there are no tasks.
# Trap 6: a deadline is on a monotonic clock, and is looked at when rows leave the queue.
def test_rows_whose_deadline_passed_never_run() -> None:
    async def scene() -> None:
        clock = Clock()
        batcher = make(model := Model(), clock=clock, inline_rows=0)
        model.gate.clear()
        first = batcher.submit(rows(1))
        await turn()
        late, patient = (
            batcher.submit(rows(2), RequestContext(deadline=1)),
            batcher.submit(rows(3), RequestContext(deadline=9)),
        )
        clock.now = 1
        model.gate.set()
        found = await outcomes(first, late, patient)
        assert [found[0], found[2]] == [[2], [6]]
        assert isinstance(found[1], DeadlineError)
        assert model.batches == [[1], [3]]
        assert batcher.waiting_rows == 0

    play(scene)


def test_rows_that_ran_too_late_are_told_so() -> None:
    async def scene() -> None:
        clock = Clock()
        batcher = make(model := Model(), clock=clock, inline_rows=0)
        model.gate.clear()
        futures = (
            batcher.submit(rows(1), RequestContext(deadline=1)),
            batcher.submit(rows(2), RequestContext(deadline=2)),
        )
        await turn()
        clock.now = 1
        model.gate.set()
        late, patient = await outcomes(*futures)
        assert isinstance(late, DeadlineError)
        assert patient == [4]

    play(scene)


def test_a_call_is_told_where_its_time_went() -> None:
    async def scene() -> None:
        clock = Clock()

        def double(batch: Rows) -> Rows:
            clock.now += 2
            return 2 * batch

        batcher = make(double, clock=clock)
        first, second = RequestContext(), RequestContext()
        futures = batcher.submit(rows(1, 2, 3), first), batcher.submit(rows(4, 5, 6), second)
        clock.now = 1
        await asyncio.gather(*futures)
        # One of the second's rows rode with the first's three; the other two ran in a batch of their own.
        for call in (first, second):
            assert call.batch is not None
        assert (first.batch[first.place], second.batch[second.place]) == (2, 10)  # type: ignore[index]
        assert (first.queue_s, first.inference_s) == (1, 2)
        assert (second.queue_s, second.inference_s) == (1, 4)
        await batcher.submit(rows(7), first)
        assert (first.queue_s, first.inference_s) == (1, 4)

    play(scene)


# Trap 7: a batcher that cannot go on fails all who wait, and refuses the next.
def test_a_dead_thread_fails_all_waiters_and_shows() -> None:
    async def scene() -> None:
        batcher = make(Model(), inline_rows=0)
        assert batcher._thread is not None
        batcher._thread.shutdown()
        found = await outcomes(*(batcher.submit(rows(i, i, i)) for i in range(4)))
        assert [type(error) for error in found] == 4 * [InferenceError]
        assert batcher.failed
        assert batcher.waiting_rows == 0
        with pytest.raises(NotReadyError):
            batcher.submit(rows(1))

    play(scene)


def test_closing_fails_who_waits_and_finishes_what_runs() -> None:
    async def scene() -> None:
        batcher = make(model := Model(), inline_rows=0)
        model.gate.clear()
        first = batcher.submit(rows(1))
        await turn()
        second = batcher.submit(rows(2))
        batcher.close()
        model.gate.set()
        found = await outcomes(first, second)
        assert found[0] == [2]
        assert isinstance(found[1], NotReadyError)
        with pytest.raises(NotReadyError):
            batcher.submit(rows(3))

    play(scene)


def test_before_the_start_it_refuses() -> None:
    async def scene() -> None:
        batcher = Batcher(Model(), max_batch_rows=4, queue_capacity_rows=8, inline_rows=4)
        with pytest.raises(NotReadyError):
            batcher.submit(rows(1))

    play(scene)


@pytest.mark.parametrize("inline_rows", [0, 3, 100])
def test_any_mixture_of_callers_gets_its_own(inline_rows: int) -> None:
    async def scene() -> None:
        random = np.random.RandomState(inline_rows)
        batcher = make(model := Model(), inline_rows=inline_rows, queue_capacity_rows=10_000)

        async def caller(i: int) -> None:
            for _ in range(random.randint(3)):
                await turn()
            sent = random.randint(1, 1000, (random.randint(1, 12), 1)).astype(np.float32)
            future = batcher.submit(sent)
            if i % 7 == 0:
                future.cancel()
            else:
                np.testing.assert_array_equal(await future, 2 * sent)

        await asyncio.gather(*(caller(i) for i in range(200)))
        assert max(model.sizes) == 4
        assert batcher.waiting_rows == 0

    play(scene)
