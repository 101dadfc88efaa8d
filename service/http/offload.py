"""Write the content of an answer: on the event loop if it is small, else in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable

from service.batching.context import RequestContext

# Rendering so many takes 0.1 ms, as long as a thread's start and end would.
INLINE_PIXELS = 16 * 28 * 28


async def encode_apart(render: Callable[[], bytes], call: RequestContext) -> bytes:
    """Write an answer's content in a thread, and add the time to the request's context."""
    begun = time.perf_counter()
    content = await call.run(render)
    call.encode_s += time.perf_counter() - begun
    return content


def encode_here(render: Callable[[], bytes], call: RequestContext) -> bytes:
    """Write an answer's content at once, and add the time to the request's context."""
    begun = time.perf_counter()
    content = render()
    call.encode_s += time.perf_counter() - begun
    return content
