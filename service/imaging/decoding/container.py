"""Owns what of a PNG or JPEG file reaches a decoder, and the refusal of those that cost far more than others.

What a decoder would read besides (texts, colour profiles, a camera's notes) has cost seconds and gigabytes:
blocks that are packed, that name each other, or that come by the million.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from service.core.errors import MalformedBodyError, Text
from service.imaging.decoding.jpeg_segments import EXIF, JPEG_START, read_jpeg
from service.imaging.decoding.png_chunks import PNG_START, read_png

# Tag and type of an entry: a number of 16 bits (Exif 2.32, section 4.6.4).
ORIENTATION = (0x112, 3)


class Container(NamedTuple):
    """What a decoder needs of a file.

    Attributes:
        content: A PNG or JPEG file without what says nothing of its pixels.
        orientation: What a camera's mark says, by its number; 1 if it says nothing.
    """

    content: bytes
    orientation: int


def read_container(content: bytes, field: str, max_pixels: int) -> Container:
    """Check a file before any of its pixels is decoded.

    Args:
        content: The file.
        field: What errors name.
        max_pixels: Largest width times height.

    Returns:
        What a decoder needs of it.

    Raises:
        MalformedBodyError: Not a whole PNG or JPEG, or a JPEG in a coding that hardly anyone writes.
        TooLargeError: More pixels, chunks, segments or scans than there may be.
    """
    if content.startswith(PNG_START):
        needed, marks = read_png(content, field, max_pixels)
    elif content.startswith(JPEG_START):
        needed, marks = read_jpeg(content, field, max_pixels)
    else:
        received = Text(f"{len(content)} bytes starting {content[:8]!r}")
        raise MalformedBodyError(field, "a PNG or JPEG file", received)
    return Container(needed, _find_orientation(marks))


def _find_orientation(marks: bytes) -> int:
    tiff = marks.removeprefix(EXIF)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    count = int.from_bytes(tiff[start : start + 2], "little" if order == "<" else "big")
    entries = tiff[start + 2 : start + 2 + 12 * count]
    for tag, kind, _, value in struct.iter_unpack(f"{order}HHIHxx", entries[: len(entries) // 12 * 12]):
        if (tag, kind) == ORIENTATION:
            return int(value)
    return 1
