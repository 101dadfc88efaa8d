"""Decode many rows a part at a time, so that others have their turns meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np

from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.errors import QueueFullError
from service.imaging.pictures import Pictures, RoundedPictures
from service.imaging.pixels import to_bytes
from service.inference.engine import Engine

# How often a stream that has started tries again while the queue is full.
ROOM_S = 0.02


async def stream(engine: Engine, rows: Floats, call: RequestContext, part: int) -> AsyncIterator[Pictures]:
    """Decode rows a part at a time, so that the first pictures are there before the last are decoded.

    Args:
        engine: The engine of the model.
        rows: From the engine's latent space.
        call: The request's context.
        part: Rows of a part.

    Yields:
        The parts, in order. The deadline applies to the first part; each further part has as much time
        from when it is asked for, so that a client that reads slowly is never late. Further parts wait
        while the queue is full.
    """
    patience_s = call.deadline - time.monotonic()
    yield await engine.decode(rows[:part], call)
    for start in range(part, len(rows), part):
        call.deadline = time.monotonic() + patience_s
        yield await _decode_in_time(engine, rows[start : start + part], call)


async def decode_rounded(engine: Engine, rows: Floats, call: RequestContext) -> Pictures:
    """Decode rows for one picture of them all, a batch at a time, so that others have their turns.

    Args:
        engine: The engine of the model.
        rows: From the engine's latent space.
        call: The request's context; its deadline applies to the last batch too.

    Returns:
        As `Engine.decode`, for drawing.
    """
    part = engine.settings.max_batch_rows
    levels = np.empty((len(rows), *engine.manifest.image.shape), np.uint8)
    for start in range(0, len(rows), part):
        pictures = await _decode_in_time(engine, rows[start : start + part], call)
        levels[start : start + part] = to_bytes(pictures.image)
    return RoundedPictures(rows[:, : engine.space.dim], levels)  # type: ignore[arg-type]


async def _decode_in_time(engine: Engine, rows: Floats, call: RequestContext) -> Pictures:
    while True:
        try:
            return await engine.decode(rows, call)
        except QueueFullError:
            if time.monotonic() >= call.deadline:
                raise
            await asyncio.sleep(ROOM_S)
