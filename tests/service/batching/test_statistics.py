"""What becomes of requests and batches is counted, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from service.batching.batcher import Batcher
from service.batching.context import RequestContext
from service.batching.job import Rows
from service.batching.statistics import MOST_SIZES, OfSize, Statistics, Totals, read_sizes, read_totals
from service.core.errors import DeadlineError, InferenceError


class Clock:
    """Goes on by a hundredth whenever it is read."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


def rows(*values: float) -> Rows:
    return np.array(values, np.float32)[:, np.newaxis]


def make(clock: Clock, **changes: Any) -> Batcher:
    def double(rows: Rows) -> Rows:
        clock.now += 1
        if (rows < 0).any():
            raise ValueError("a negative row")
        return 2 * rows

    limits: dict[str, Any] = {"max_batch_rows": 4, "queue_capacity_rows": 100, "inline_rows": 4, **changes}
    batcher = Batcher(double, **limits, clock=clock)
    batcher.start()
    return batcher


def play(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 10))


def totals(batcher: Batcher) -> Totals:
    return read_totals(batcher.statistics.values())


def sizes(batcher: Batcher) -> list[OfSize]:
    return list(read_sizes(batcher.statistics.values()))


def test_requests_that_share_a_batch_count_its_time_each() -> None:
    async def scene() -> None:
        batcher = make(clock := Clock())
        await asyncio.gather(batcher.submit(rows(1)), batcher.submit(rows(2, 3)))
        # Both came, the queue was looked at, the batch began: then its rows were together, and it ran.
        assert totals(batcher) == pytest.approx((2, 1.05 + 1.04, 2 * 1.02, 2 * 0.01, 0, 0))
        assert sizes(batcher) == [pytest.approx((3, 1, 0.01, 1.01))]
        assert batcher.statistics.last_s == clock.now
        batcher.close()

    play(scene)


def test_a_request_alone_needs_no_time_to_be_put_together() -> None:
    async def scene() -> None:
        batcher = make(Clock())
        await batcher.submit(rows(1))
        await batcher.submit(rows(1))
        assert totals(batcher).prepared_s == 0
        assert sizes(batcher) == [pytest.approx((1, 2, 0, 2.02))]
        batcher.close()

    play(scene)


def test_a_request_of_several_batches_is_one_request() -> None:
    async def scene() -> None:
        batcher = make(Clock())
        await batcher.submit(rows(*range(10)))
        found = totals(batcher)
        assert found[:3:2] == pytest.approx((1, 3.03))
        assert found.succeeded_s > found.ran_s
        assert [(size.rows, size.batches) for size in sizes(batcher)] == [(2, 1), (4, 2)]
        batcher.close()

    play(scene)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_request_that_fails_is_counted_once(parts: int) -> None:
    async def scene() -> None:
        batcher = make(Clock())
        with pytest.raises(InferenceError):
            await batcher.submit(rows(-1, *range(4 * parts - 1)))
        await batcher.submit(rows(1))  # takes what is left of the first out of the queue
        assert totals(batcher)[0] == 1
        assert totals(batcher).failed == 1
        batcher.close()

    play(scene)


def test_those_that_are_late_or_gone_have_failed() -> None:
    async def scene() -> None:
        batcher = make(Clock())
        late, slow = RequestContext(deadline=0.0), RequestContext(deadline=1.0)
        gone = batcher.submit(rows(1))
        gone.cancel()
        found = await asyncio.gather(
            batcher.submit(rows(1), late), batcher.submit(rows(1), slow), return_exceptions=True
        )
        assert [type(error) for error in found] == [DeadlineError, DeadlineError]
        assert (totals(batcher).succeeded, totals(batcher).failed) == (0, 3)
        assert totals(batcher).failed_s > 1
        batcher.close()

    play(scene)


def test_those_that_wait_when_it_stops_have_failed() -> None:
    async def scene() -> None:
        batcher = make(Clock())
        waiting = batcher.submit(rows(1))
        batcher.close()
        assert waiting.exception() is not None
        assert totals(batcher).failed == 1

    play(scene)


def test_a_batch_larger_than_any_size_is_only_no_size() -> None:
    async def scene() -> None:
        batcher = make(Clock(), max_batch_rows=MOST_SIZES + 1, queue_capacity_rows=1000)
        for count in (MOST_SIZES, MOST_SIZES + 1):
            await batcher.submit(rows(*range(count)))
        await asyncio.gather(*(batcher.submit(rows(*range(200))) for _ in range(2)))
        assert [(size.rows, size.batches) for size in sizes(batcher)] == [(143, 1), (MOST_SIZES, 1)]
        assert (totals(batcher).succeeded, batcher.batches.size) == (4, 13)
        batcher.close()

    play(scene)


def test_what_is_written_is_on_top_of_what_was_there() -> None:
    statistics, cells = Statistics(), [0.0, *([2.0] * Statistics.size)]
    statistics.fail(0.5)
    statistics.move(cells, 1)
    assert cells[1:] == [2.0] * Statistics.size  # until it is asked to write
    statistics.fail(0.25)
    statistics.write()
    statistics.write()
    assert read_totals(cells[1:]) == Totals(2, 2.0, 2.0, 2.0, 4, 2.75)
    assert cells[0] == 0.0
