"""Pack and unpack bodies with gzip and deflate (RFC 9110, section 8.4.1), within a limit of bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Literal, get_args

from zlib_ng import zlib_ng

from service.core.errors import MalformedBodyError, MediaTypeError, Text, TooLargeError

Encoding = Literal["gzip", "deflate"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

# zlib's numbers for the two formats: a gzip member, and what RFC 1950 calls zlib.
WINDOWS: dict[str, int] = {"gzip": 31, "deflate": 15}
NAMES: dict[str, Encoding | None] = {
    "": None,
    "identity": None,
    "gzip": "gzip",
    "x-gzip": "gzip",
    "deflate": "deflate",
}
# A gzip file may have several members, one after the other; bgzip writes one for each 64 KB.
MAX_MEMBERS = 1000
# Bytes that are unpacked between two checks whether to go on.
PIECE_BYTES = 65_536
# Level 1 takes a third of level 6's time for floats, and a twentieth more bytes.
LEVEL = 1


def parse_encoding(value: str) -> Encoding | None:
    """Parse the value of `Content-Encoding`.

    Args:
        value: Empty if there is none; several joined by commas.

    Returns:
        How the body is packed; None if it is plain.

    Raises:
        MediaTypeError: Neither gzip nor deflate, or both.
    """
    name = value.strip().lower()
    if name not in NAMES:
        raise MediaTypeError("Content-Encoding", "gzip or deflate", value)
    return NAMES[name]


def decompress(
    content: bytes, encoding: Encoding, max_bytes: int, check: Callable[[], None] = lambda: None
) -> bytes:
    """Unpack a body.

    Args:
        content: The body as it came.
        encoding: How it is packed.
        max_bytes: Most bytes that it may unpack to.
        check: Called between the pieces of the work; an exception that it raises ends the work.

    Returns:
        The unpacked body.

    Raises:
        MalformedBodyError: Not a whole body of this encoding.
        TooLargeError: It unpacks to more bytes, or has too many gzip members.
    """
    try:
        return b"".join(_unpack(content, encoding, max_bytes, check))
    except zlib.error as error:
        raise MalformedBodyError(
            "body", f"a body in {encoding}", Text(f"{len(content)} bytes starting {content[:8]!r}")
        ) from error


def compress(content: bytes, encoding: Encoding) -> bytes:
    """Pack a body."""
    packed: bytes = zlib_ng.compress(content, LEVEL, WINDOWS[encoding])
    return packed


def _unpack(content: bytes, encoding: Encoding, max_bytes: int, check: Callable[[], None]) -> Iterator[bytes]:
    if not content:
        raise MalformedBodyError("body", f"a body in {encoding}", Text("nothing"))
    offset, left = 0, max_bytes
    for _ in range(MAX_MEMBERS if encoding == "gzip" else 1):
        stream = zlib.decompressobj(WINDOWS[encoding])
        while not stream.eof:
            check()
            piece = memoryview(content)[offset : offset + PIECE_BYTES]
            # One byte more than allowed shows that there are more; 0 would mean no limit.
            part = stream.decompress(piece, min(left + 1, PIECE_BYTES))
            offset += len(piece) - len(stream.unconsumed_tail) - len(stream.unused_data)
            left -= len(part)
            if left < 0:
                raise TooLargeError("body", f"at most {max_bytes} bytes once unpacked", Text("more"))
            if not piece and not part and not stream.eof:
                raise MalformedBodyError("body", f"a whole body in {encoding}", Text("one that ends early"))
            yield part
        if offset == len(content):
            return
    if encoding == "gzip":
        raise TooLargeError("body", f"at most {MAX_MEMBERS} gzip members", Text("more"))
    raise MalformedBodyError(
        "body", f"nothing behind what is in {encoding}", Text(f"{len(content) - offset} bytes")
    )
