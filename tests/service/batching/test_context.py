from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from service.batching.context import RequestContext
from service.core.errors import DeadlineError


def test_times_are_in_milliseconds() -> None:
    call = RequestContext(queue_s=0.0012345, inference_s=0.5, encode_s=0.0)
    assert call.timing() == b"queue;dur=1.234, inference;dur=500.000, encode;dur=0.000"


def test_what_no_thread_has_begun_by_the_deadline_never_runs() -> None:
    busy, ran = threading.Event(), []

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1))
        held = loop.run_in_executor(None, busy.wait)
        with pytest.raises(DeadlineError, match="before the answer was ready"):
            await RequestContext(deadline=time.monotonic() + 0.01).run(lambda: ran.append("late"))
        busy.set()
        await held
        assert await RequestContext().run(lambda: "done") == "done"

    asyncio.run(scene())
    assert not ran


def drive(work: Coroutine[Any, Any, Any], until: Callable[[], bool]) -> Any:
    """Run a coroutine on a loop, but outside of any task, as the fast path does."""

    async def scene() -> Any:
        ended = asyncio.get_running_loop().create_future()

        def step(_: Any = None) -> None:
            try:
                future = work.send(None)
            except StopIteration as end:
                ended.set_result(end.value)
            except BaseException as error:
                ended.set_exception(error)
            else:
                future._asyncio_future_blocking = False
                future.add_done_callback(step)

        asyncio.get_running_loop().call_soon(step)
        try:
            return await asyncio.wait_for(ended, 10)
        finally:
            assert until()

    return asyncio.run(scene())


def test_outside_of_tasks_what_comes_in_time_is_given() -> None:
    async def work() -> Any:
        call, loop = RequestContext(deadline=time.monotonic() + 10), asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_soon(future.set_result, "done")
        return await call.wait(future, "it came"), await call.run(lambda: "run")

    assert drive(work(), lambda: True) == ("done", "run")


@pytest.mark.parametrize("patience_s", [0.01, 0, -1])
def test_outside_of_tasks_the_deadline_ends_what_is_waited_for(patience_s: float) -> None:
    waited: list[asyncio.Future[Any]] = []

    async def work() -> None:
        waited.append(asyncio.get_running_loop().create_future())
        await RequestContext(deadline=time.monotonic() + patience_s).wait(waited[0], "its turn came")

    with pytest.raises(DeadlineError, match="the deadline passed before its turn came"):
        drive(work(), lambda: waited[0].cancelled())


def test_a_wait_that_is_cancelled_by_others_is_not_late() -> None:
    async def scene() -> None:
        future = asyncio.get_running_loop().create_future()
        waiting = asyncio.ensure_future(RequestContext(time.monotonic() + 10).wait(future, "it came"))
        await asyncio.sleep(0)
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scene())


def test_who_is_cancelled_while_he_waits_takes_what_he_waits_for_along() -> None:
    async def scene() -> None:
        future = asyncio.get_running_loop().create_future()
        waiting = asyncio.ensure_future(RequestContext().wait(future, "it came"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert future.cancelled()

    asyncio.run(scene())


def test_an_error_of_what_is_waited_for_is_given_though_the_deadline_is_near() -> None:
    async def work() -> None:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(ZeroDivisionError("a fault of ours"))
        await RequestContext(deadline=time.monotonic() - 1).wait(future, "it came")

    with pytest.raises(ZeroDivisionError):
        drive(work(), lambda: True)


def test_what_is_late_already_never_runs_though_a_thread_is_free() -> None:
    ran: list[str] = []

    async def scene() -> None:
        with pytest.raises(DeadlineError, match="before the answer was ready"):
            await RequestContext(deadline=time.monotonic()).run(lambda: ran.append("late"))
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)

    asyncio.run(scene())
    assert not ran
