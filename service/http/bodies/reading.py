"""Read the body of a request, whatever it holds and however it is packed."""

from __future__ import annotations

import contextlib
import functools

from fastapi import Request

from service.batching.context import RequestContext
from service.core.errors import TooLargeError
from service.http.bodies.compression import decompress, parse_encoding
from service.http.disconnect import unless_gone
from service.http.header_fields import read_field
from service.inference.registry import Registry

# Unpacking so many bytes, and to so many, takes about as long as a thread's start and end would.
INLINE_BYTES, INLINE_UNPACKED_BYTES = 16_384, 65_536


def find_body(request: Request) -> bytes | None:
    """Return a body that is there already and not packed, as the fast path hands it over; else None."""
    return getattr(request, "_body", None) if read_field(request, "content-encoding") is None else None


async def read_body(request: Request, call: RequestContext) -> bytes:
    """Read a body, and unpack it if `Content-Encoding` says that it is packed.

    Args:
        request: The request, whose header says how its body is packed.
        call: The request's context.

    Returns:
        The unpacked body; it too has no more bytes than the limit.

    Raises:
        MediaTypeError: It is packed otherwise than in gzip or deflate.
        MalformedBodyError: Not a whole body of its encoding.
        TooLargeError: More than the limit.
        QueueFullError: Too many bodies wait to be unpacked.
        DeadlineError: The deadline passed.
        ClientGoneError: Nobody waits for it any more.
    """
    encoding = parse_encoding(read_field(request, "content-encoding") or "")
    content = await request.body()
    if encoding is None:
        return content
    registry: Registry = request.app.state.registry
    limit = registry.settings.max_body_bytes
    if len(content) <= INLINE_BYTES:
        with contextlib.suppress(TooLargeError):
            return decompress(content, encoding, min(limit, INLINE_UNPACKED_BYTES))
    unpack = functools.partial(decompress, content, encoding, limit)
    return await unless_gone(request, registry.places.run(unpack, len(content), call))
