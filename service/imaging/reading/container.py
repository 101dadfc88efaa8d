"""Pass on only what a decoder needs of a PNG or JPEG file, and refuse files that cost far more than others.

The rest (texts, colour profiles, notes of cameras) could cost seconds and gigabytes: as packed blocks, blocks
that refer to each other, or millions of them.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from service.core.errors import MalformedBodyError, Text
from service.imaging.reading.jpeg_segments import EXIF, JPEG_START, read_jpeg
from service.imaging.reading.png_chunks import PNG_START, read_png

# Tag and type of the entry, a 16-bit number (Exif 2.32, section 4.6.4).
ORIENTATION = (0x112, 3)


class Container(NamedTuple):
    """The parts of a file that matter for its pixels.

    Attributes:
        content: A PNG or JPEG file with only the chunks or segments that a decoder needs.
        orientation: The value of the Exif tag; 1 if there is none.
    """

    content: bytes
    orientation: int


def read_container(content: bytes, field: str, max_pixels: int) -> Container:
    """Check a file before any of its pixels is decoded.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: Largest width times height.

    Raises:
        MalformedBodyError: Not a whole PNG or JPEG, or a JPEG in a rare coding (neither baseline nor
            progressive Huffman).
        TooLargeError: Too many pixels, chunks, segments or scans.
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
