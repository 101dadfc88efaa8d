from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from service.batching.context import RequestContext
from service.batching.job import Rows
from service.core.errors import QueueFullError
from service.imaging.pictures import Pictures
from service.inference.engine import Engine
from service.inference.parts import stream
from tests.service import fake

Z = np.arange(16, dtype=np.float64).reshape(8, 2) / 8


def test_a_stream_gives_the_same_in_parts(engine: Engine) -> None:
    async def collect() -> list[Pictures]:
        return [part async for part in stream(engine, engine.space.place(Z), RequestContext(), 3)]

    parts = asyncio.run(collect())
    assert [len(part.image) for part in parts] == [3, 3, 2]
    np.testing.assert_array_equal(np.concatenate([part.z for part in parts]), Z.astype(np.float32))
    np.testing.assert_allclose(np.concatenate([part.image for part in parts]), fake.decode(Z), atol=1e-6)


def test_a_stream_that_is_read_slowly_is_not_late(engine: Engine) -> None:
    async def collect() -> int:
        call, rows = RequestContext(time.monotonic() + 0.2), 0
        async for part in stream(engine, engine.space.place(Z), call, 3):
            rows += len(part.image)
            await asyncio.sleep(0.3)
        return rows

    assert asyncio.run(collect()) == 8


@pytest.mark.parametrize("refusals", [2, 10**9])
def test_a_stream_that_has_begun_waits_for_room(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    submit, left = engine._decoder.submit, [0, refusals]

    def full(rows: Rows, call: RequestContext) -> asyncio.Future[Rows]:
        left[0] += 1
        if 1 < left[0] <= 1 + left[1]:
            raise QueueFullError(1)
        return submit(rows, call)

    async def collect() -> int:
        call = RequestContext(time.monotonic() + 0.2)
        return sum([len(part.image) async for part in stream(engine, engine.space.place(Z), call, 3)])

    monkeypatch.setattr(engine._decoder, "submit", full)
    if refusals == 2:
        assert asyncio.run(collect()) == 8
    else:
        with pytest.raises(QueueFullError):
            asyncio.run(collect())
