from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from service.batching.context import RequestContext
from service.core.errors import ClientGoneError, DeadlineError, NotReadyError, QueueFullError, TooLargeError
from service.inference import upload_threads
from service.inference.upload_threads import Check, UploadThreads

WAIT_S = 30


class Gate:
    """Work that is held until it is let go."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()
        self.ended_by: BaseException | None = None

    def __call__(self, check: Check) -> str:
        self.begun.set()
        assert self.open.wait(WAIT_S)
        try:
            check()
        except BaseException as error:
            self.ended_by = error
            raise
        return "done"


async def begun(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.begun.wait, WAIT_S)


@contextlib.contextmanager
def opened(**limits: int) -> Iterator[UploadThreads]:
    places = UploadThreads(**limits)
    yield places
    places.close()


def soon(seconds: float = 0.05) -> RequestContext:
    return RequestContext(time.monotonic() + seconds)


def test_what_work_returns_is_returned_and_what_it_raises_raised() -> None:
    def fail(_: Check) -> str:
        raise ValueError("bad")

    async def scene(places: UploadThreads) -> None:
        assert await places.run(lambda _: "done", 1, RequestContext()) == "done"
        assert await places.run(lambda _: b"", 1, RequestContext()) == b""
        with pytest.raises(ValueError, match="bad"):
            await places.run(fail, 1, RequestContext())
        assert (places.requests, places.bytes) == (0, 0)

    with opened() as places:
        asyncio.run(scene(places))


def test_no_more_runs_at_once_than_there_are_places() -> None:
    async def scene(places: UploadThreads) -> None:
        gates = [Gate() for _ in range(4)]
        running = [asyncio.create_task(places.run(gate, 1, RequestContext())) for gate in gates]
        await begun(gates[0])
        await begun(gates[1])
        assert [gate.begun.is_set() for gate in gates] == [True, True, False, False]
        gates[1].open.set()
        await begun(gates[2])
        assert not gates[3].begun.is_set()
        for gate in gates:
            gate.open.set()
        assert await asyncio.gather(*running) == ["done"] * 4

    with opened(places=2) as places:
        asyncio.run(scene(places))


@pytest.mark.parametrize("limits", [{"max_requests": 2}, {"max_bytes": 20}])
def test_no_more_waits_than_there_is_room_for(limits: dict[str, int]) -> None:
    async def scene(places: UploadThreads) -> None:
        gate = Gate()
        running = [asyncio.create_task(places.run(gate, 10, RequestContext())) for _ in range(2)]
        await begun(gate)
        with pytest.raises(QueueFullError, match="try again in 1 s"):
            places.check()
        with pytest.raises(QueueFullError):
            await places.run(gate, 1, RequestContext())
        gate.open.set()
        await asyncio.gather(*running)
        places.check()

    with opened(places=1, **limits) as places:
        asyncio.run(scene(places))


def test_one_body_may_be_larger_than_the_room() -> None:
    with opened(max_bytes=10) as places:
        assert asyncio.run(places.run(lambda _: "done", 1000, RequestContext())) == "done"


@pytest.mark.parametrize("cause", ["deadline", "gone"])
def test_what_has_not_begun_in_time_never_begins(cause: str) -> None:
    async def scene(places: UploadThreads) -> None:
        first, second = Gate(), Gate()
        running = asyncio.create_task(places.run(first, 1, RequestContext()))
        await begun(first)
        late = asyncio.create_task(places.run(second, 1, soon() if cause == "deadline" else RequestContext()))
        if cause == "deadline":
            with pytest.raises(DeadlineError):
                await late
        else:
            await asyncio.sleep(0)
            assert places.requests == 2
            late.cancel()
            await asyncio.wait([late])
        assert places.requests == 1
        first.open.set()
        await running
        assert await places.run(lambda _: "next", 1, RequestContext()) == "next"
        assert not second.begun.is_set()

    with opened(places=1) as places:
        asyncio.run(scene(places))


@pytest.mark.parametrize("cause", ["deadline", "gone"])
def test_what_has_begun_ends_at_its_next_look_and_keeps_its_place_till_then(cause: str) -> None:
    async def scene(places: UploadThreads) -> None:
        gate, after = Gate(), Gate()
        running = asyncio.create_task(
            places.run(gate, 1, soon(1) if cause == "deadline" else RequestContext())
        )
        await begun(gate)
        if cause == "gone":
            running.cancel()
        await asyncio.wait([running])
        assert running.cancelled() or isinstance(running.exception(), DeadlineError)
        waiting = asyncio.create_task(places.run(after, 1, RequestContext()))
        await asyncio.sleep(0)
        assert not after.begun.is_set()
        gate.open.set()
        await begun(after)
        assert isinstance(gate.ended_by, ClientGoneError)
        after.open.set()
        assert await waiting == "done"

    with opened(places=1) as places:
        asyncio.run(scene(places))


def test_a_deadline_that_has_passed_lets_nothing_begin() -> None:
    gate = Gate()
    with opened() as places, pytest.raises(DeadlineError):
        asyncio.run(places.run(gate, 1, soon(-1)))
    assert not gate.begun.is_set()


def test_work_in_slices_takes_turns_with_others() -> None:
    order: list[str] = []
    both_in = threading.Event()

    def slices(name: str) -> Callable[[Check], str | None]:
        left = iter(range(3))

        def work(_: Check) -> str | None:
            assert both_in.wait(WAIT_S)
            order.append(name)
            return name if next(left) == 2 else None

        return work

    async def scene(places: UploadThreads) -> None:
        running = [asyncio.create_task(places.run(slices(name), 1, RequestContext())) for name in "ab"]
        while places.requests < 2:
            await asyncio.sleep(0)
        both_in.set()
        await asyncio.gather(*running)

    with opened(places=1) as places:
        asyncio.run(scene(places))
    assert order == ["a", "b", "a", "b", "a", "b"]


def test_work_that_takes_too_much_processor_time_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_threads, "BUDGET_S", 0.02)

    def spin(check: Check) -> str:
        while True:
            check()

    with opened() as places, pytest.raises(TooLargeError, match=r"0\.02 s of processor time"):
        asyncio.run(places.run(spin, 1, soon(WAIT_S)))


def test_what_runs_is_not_waited_for_by_who_closes() -> None:
    async def scene() -> None:
        places, gate = UploadThreads(places=1), Gate()
        running = asyncio.create_task(places.run(gate, 1, RequestContext()))
        await begun(gate)
        places.close()  # or the gate would be waited for in vain
        gate.open.set()
        assert await running == "done"

    asyncio.run(asyncio.wait_for(scene(), WAIT_S))


def test_what_is_closed_takes_nothing() -> None:
    places = UploadThreads()
    places.close()
    with pytest.raises(NotReadyError):
        asyncio.run(places.run(lambda _: "done", 1, RequestContext()))
    assert (places.requests, places.bytes) == (0, 0)
