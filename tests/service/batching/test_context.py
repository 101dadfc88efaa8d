from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time

import pytest

from service.batching.context import RequestContext
from service.core.errors import DeadlineError


def test_times_are_in_milliseconds() -> None:
    call = RequestContext(queue_s=0.0012345, inference_s=0.5, encode_s=0.0)
    assert call.timing() == "queue;dur=1.234, inference;dur=500.000, encode;dur=0.000"


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
