"""The head of a TIFF file: the size of its first page."""

from __future__ import annotations

import struct

from service.imaging.reading.limits import check_size, damaged
from service.imaging.reading.picture_file import PictureFile

TIFF_STARTS = (b"II*\0", b"MM\0*")
WIDTH, HEIGHT = 256, 257
# The types of numbers that a side may have, and how they are read.
SHORT, LONG = 3, 4
# A page has about twenty entries. Decoders look at each.
MAX_ENTRIES = 1000


def read_tiff(content: bytes, field: str, max_pixels: int) -> PictureFile:
    """Check a TIFF before any of its pixels is decoded; only its first page is.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: Largest width times height.

    Returns:
        The same file, which needs a process of its own: its head says little of what decoding takes.

    Raises:
        MalformedBodyError: Not the head of a TIFF.
        TooLargeError: Too many pixels.
    """
    order = "<" if content.startswith(b"II") else ">"
    try:
        (start,) = struct.unpack_from(f"{order}I", content, 4)
        (count,) = struct.unpack_from(f"{order}H", content, start)
        if count > MAX_ENTRIES:
            raise damaged(field, f"{count} entries of its first page")
        sides = dict(_read_entry(content, order, start + 2 + 12 * i) for i in range(count))
    except struct.error:
        raise damaged(field, "it ends early") from None
    if WIDTH not in sides or HEIGHT not in sides:
        raise damaged(field, "without a size")
    check_size(field, sides[WIDTH], sides[HEIGHT], max_pixels)
    return PictureFile("TIFF", content, sides[WIDTH], sides[HEIGHT], apart=True)


def _read_entry(content: bytes, order: str, start: int) -> tuple[int, int]:
    tag, kind = struct.unpack_from(f"{order}HH", content, start)
    (value,) = struct.unpack_from(f"{order}{'H' if kind == SHORT else 'I'}", content, start + 8)
    return tag, value if kind in (SHORT, LONG) else 0
