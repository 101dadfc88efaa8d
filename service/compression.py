"""Owns gzip and deflate of bodies (RFC 9110, section 8.4.1): never unpacks more than it may."""

from __future__ import annotations

import zlib
from typing import Literal, get_args

from zlib_ng import zlib_ng

from service.errors import MalformedBodyError, MediaTypeError, Text, TooLargeError

Encoding = Literal["gzip", "deflate"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

# zlib's names of the two formats: a gzip member, and what RFC 1950 calls zlib.
WINDOWS: dict[str, int] = {"gzip": 31, "deflate": 15}
NAMES = {"": None, "identity": None, "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
# Level 1 takes a third of level 6's time for floats, and a twentieth more bytes.
LEVEL = 1


def decompress(content: bytes, encoding: str, max_bytes: int) -> bytes:
    """Unpacks a body.

    Args:
        content: As it came.
        encoding: The value of `Content-Encoding`; empty if there is none.
        max_bytes: Most that it may hold.

    Returns:
        What it holds.

    Raises:
        MediaTypeError: An encoding that is neither gzip nor deflate.
        MalformedBodyError: Not a whole body of this encoding.
        TooLargeError: It holds more.
    """
    name = encoding.strip().lower()
    if name not in NAMES:
        raise MediaTypeError("Content-Encoding", "gzip or deflate", encoding)
    plain = NAMES[name]
    if plain is None:
        return content
    try:
        return _unpack(content, plain, max_bytes)
    except zlib.error as error:
        raise MalformedBodyError(
            "body", f"a body in {plain}", Text(f"{len(content)} bytes starting {content[:8]!r}")
        ) from error


def compress(content: bytes, encoding: Encoding) -> bytes:
    """Packs a body."""
    packed: bytes = zlib_ng.compress(content, LEVEL, WINDOWS[encoding])
    return packed


def _unpack(content: bytes, encoding: str, max_bytes: int) -> bytes:
    parts, left = [], max_bytes
    # A gzip file may have several members, one after the other.
    while content:
        stream = zlib.decompressobj(WINDOWS[encoding])
        # One byte more than allowed tells that there are more; 0 would mean no limit.
        parts.append(stream.decompress(content, left + 1))
        left -= len(parts[-1])
        if left < 0:
            raise TooLargeError("body", f"at most {max_bytes} bytes once unpacked", Text("more"))
        if not stream.eof:
            raise MalformedBodyError("body", f"a whole body in {encoding}", Text("one that ends early"))
        content = stream.unused_data
        if content and encoding != "gzip":
            raise MalformedBodyError(
                "body", f"nothing behind what is in {encoding}", Text(f"{len(content)} bytes")
            )
    if not parts:
        raise MalformedBodyError("body", f"a body in {encoding}", Text("nothing"))
    return b"".join(parts)
