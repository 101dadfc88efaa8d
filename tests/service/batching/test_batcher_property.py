"""Whatever callers do to a batcher, each gets exactly its own rows, in order, or one error.

A row says whose it is and which of them; its result is its negative.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import threading
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.batching.batcher import Batcher
from service.batching.context import RequestContext
from service.batching.job import Rows
from service.core.errors import DeadlineError, InferenceError, NotReadyError, QueueFullError

MAX_ROWS = 5000
CALLERS = 24
PATIENCE_S = 20


class Model:
    """Negates rows, and fails on some batches; never called by two threads at once."""

    def __init__(self, chance: random.Random, failing: float) -> None:
        self.chance, self.failing = chance, failing
        self.batches: list[Rows] = []
        self.lock = threading.Lock()

    def __call__(self, rows: Rows) -> Rows:
        assert self.lock.acquire(blocking=False), "two batches at once"
        try:
            self.batches.append(rows)
            if self.chance.random() < self.failing:
                raise ValueError("a bad batch")
            return -rows
        finally:
            self.lock.release()


class Clock:
    """Moves on by a second at each look, in whichever thread."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@dataclasses.dataclass
class Caller:
    """One caller: how much it brings, when it comes, whether and when it goes away."""

    number: int
    rows: Rows
    turns_before: int
    turns_until_gone: int | None
    deadline: float

    async def call(self, batcher: Batcher) -> Any:
        for _ in range(self.turns_before):
            await asyncio.sleep(0)
        try:
            future = batcher.submit(self.rows, RequestContext(self.deadline))
        except (QueueFullError, NotReadyError) as error:
            return error
        if self.turns_until_gone is not None:
            for _ in range(self.turns_until_gone):
                await asyncio.sleep(0)
            future.cancel()
        try:
            return await future
        except (asyncio.CancelledError, DeadlineError, InferenceError, NotReadyError) as error:
            return error


def make_caller(chance: random.Random, number: int, max_batch_rows: int) -> Caller:
    whole = max_batch_rows * chance.randint(1, 4)
    n = min(
        MAX_ROWS, chance.choice([1, chance.randint(1, 70), whole, whole + 1, chance.randint(1, MAX_ROWS)])
    )
    rows = np.stack([np.full(n, number), np.arange(n)], axis=1).astype(np.float32)
    gone = chance.randint(0, 12) if chance.random() < 0.2 else None
    deadline = chance.uniform(1, 200) if chance.random() < 0.2 else float("inf")
    return Caller(number, rows, chance.randint(0, 20), gone, deadline)


async def play(seed: int, failing: float, closing: bool) -> tuple[list[Caller], list[Any], Model]:
    chance = random.Random(seed)
    model = Model(chance, failing)
    batcher = Batcher(
        model,
        max_batch_rows=(most := chance.choice([1, 3, 64, 256, 1000])),
        queue_capacity_rows=chance.choice([500, 5000, 10**6]),
        inline_rows=chance.choice([0, 2, 64]),
        clock=Clock(),
    )
    batcher.start()
    callers = [make_caller(chance, number, most) for number in range(CALLERS)]
    tasks = [asyncio.create_task(caller.call(batcher)) for caller in callers]
    if closing:
        for _ in range(chance.randint(1, 40)):
            await asyncio.sleep(0)
        batcher.close()
    outcomes = await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE_S)
    # Rows of those who have gone leave the queue with the batch that comes next.
    async with asyncio.timeout(PATIENCE_S):
        while batcher.waiting_rows:
            await asyncio.sleep(0.001)
    assert all(len(batch) <= most for batch in model.batches)
    batcher.close()
    return callers, outcomes, model


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.0, 0.1]), st.booleans())
def test_each_caller_gets_its_rows_in_order_or_one_error(seed: int, failing: float, closing: bool) -> None:
    callers, outcomes, model = asyncio.run(play(seed, failing, closing))
    ran = np.concatenate([np.zeros((0, 2), np.float32), *model.batches])
    assert len(np.unique(ran, axis=0)) == len(ran), "a row ran twice"
    for caller, outcome in zip(callers, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            expected: tuple[type[BaseException], ...] = (QueueFullError, DeadlineError)
            expected += (InferenceError,) if failing else ()
            expected += (NotReadyError,) if closing else ()
            expected += (asyncio.CancelledError,) if caller.turns_until_gone is not None else ()
            assert isinstance(outcome, expected), (caller.number, outcome)
            assert not isinstance(outcome, DeadlineError) or caller.deadline < float("inf")
        else:
            np.testing.assert_array_equal(outcome, -caller.rows)
