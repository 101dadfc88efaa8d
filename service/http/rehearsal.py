"""Import, before there are requests, what libraries import at their first use.

In a request, that would hold the event loop: for 40 ms where an answer is sent in parts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy.ma
import numpy.random  # noqa: F401
from PIL import Image
from starlette.responses import StreamingResponse
from starlette.types import Message


async def rehearse() -> None:
    """Have it imported: what Pillow writes files with, and what starlette sends parts with."""
    Image.preinit()
    await StreamingResponse(_write_nothing())({"type": "http"}, _leave, _drop)


async def _write_nothing() -> AsyncIterator[bytes]:
    yield b""


async def _leave() -> Message:
    return {"type": "http.disconnect"}


async def _drop(_: Message) -> None: ...
