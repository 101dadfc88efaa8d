"""The head of a BMP file: its size, and how its pixels are packed."""

from __future__ import annotations

import struct

from service.core.errors import Text, TooLargeError
from service.imaging.reading.limits import check_size, damaged
from service.imaging.reading.picture_file import PictureFile

BMP_START = b"BM"
# The lengths of the information header, of OS/2 and of five versions of Windows.
OLD_HEAD, HEADS = 12, (40, 52, 56, 64, 108, 124)
HEAD_START = 14
DEPTHS = (1, 4, 8, 16, 24, 32)
# Run lengths are decoded at a microsecond each, of two bytes.
RUN_LENGTHS, MAX_RUN_LENGTH_BYTES = (1, 2), 2**19


def is_bmp(content: bytes) -> bool:
    """Return whether a content begins as a BMP does; two letters alone could begin a text."""
    if not content.startswith(BMP_START) or len(content) < HEAD_START + 4:
        return False
    (size,) = struct.unpack_from("<I", content, HEAD_START)
    return size == OLD_HEAD or size in HEADS


def read_bmp(content: bytes, field: str, max_pixels: int) -> PictureFile:
    """Check a BMP before any of its pixels is decoded.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: Largest width times height.

    Raises:
        MalformedBodyError: Not the head of a BMP.
        TooLargeError: Too many pixels, or too many run lengths.
    """
    (size,) = struct.unpack_from("<I", content, HEAD_START)
    if len(content) < HEAD_START + size:
        raise damaged(field, "it ends early")
    if size == OLD_HEAD:
        width, height, _, depth = struct.unpack_from("<HHHH", content, HEAD_START + 4)
        packing = 0
    else:
        width, height, _, depth, packing = struct.unpack_from("<IiHHI", content, HEAD_START + 4)
    check_size(field, width, abs(height), max_pixels)
    if depth not in DEPTHS:
        raise damaged(field, f"{depth} bits a pixel")
    if packing in RUN_LENGTHS and len(content) > MAX_RUN_LENGTH_BYTES:
        expected = f"at most {MAX_RUN_LENGTH_BYTES} bytes of run lengths"
        raise TooLargeError(field, expected, Text(f"{len(content)}"))
    return PictureFile("BMP", content, width, abs(height))
