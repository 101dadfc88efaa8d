"""The blocks of a GIF file: those of its first frame, and how many there may be."""

from __future__ import annotations

import struct

from service.core.errors import Text, TooLargeError
from service.imaging.reading.limits import check_size, damaged
from service.imaging.reading.picture_file import PictureFile

GIF_STARTS = (b"GIF87a", b"GIF89a")
HEAD_BYTES, FRAME_BYTES = 13, 10
# Blocks hold up to 255 bytes; of the full ones, 16 MB are 65,000. Each costs 0.2 µs here.
MAX_BLOCKS = 100_000
HAS_TABLE, TABLE_BITS = 0x80, 7
EXTENSION, FRAME, CONTROL, END = 0x21, 0x2C, 0xF9, b";"
# Bytes of a graphic control extension, with its code, its length and the empty block behind it.
CONTROL_BYTES = 8


def read_gif(content: bytes, field: str, max_pixels: int) -> PictureFile:
    """Check a GIF before any of its pixels is decoded.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: Largest width times height.

    Returns:
        A GIF with only the first frame.

    Raises:
        MalformedBodyError: Not a whole first frame.
        TooLargeError: Too many pixels or blocks.
    """
    try:
        return _read_first(content, field, max_pixels)
    except (struct.error, IndexError):
        raise damaged(field, "it ends early") from None


def _read_first(content: bytes, field: str, max_pixels: int) -> PictureFile:
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    start = HEAD_BYTES + _count_table_bytes(flags)
    head, control, blocks = content[:start], b"", MAX_BLOCKS
    while content[start] == EXTENSION:
        end, blocks = _skip_blocks(content, start + 2, blocks, field)
        if content[start + 1] == CONTROL and end - start == CONTROL_BYTES:
            control = content[start:end]
        start = end
    if content[start] != FRAME:
        raise damaged(field, "without a frame")
    left, top, columns, rows, flags = struct.unpack_from("<4HB", content, start + 1)
    # A decoder makes room for a frame that reaches beyond its screen.
    width, height = max(width, left + columns), max(height, top + rows)
    check_size(field, width, height, max_pixels)
    if not columns * rows:
        raise damaged(field, f"a frame of {columns} x {rows} pixels")
    # Behind the table stands the number of bits of the first codes.
    end, _ = _skip_blocks(content, start + FRAME_BYTES + _count_table_bytes(flags) + 1, blocks, field)
    return PictureFile("GIF", head + control + content[start:end] + END, width, height)


def _count_table_bytes(flags: int) -> int:
    return 3 << (flags & TABLE_BITS) + 1 if flags & HAS_TABLE else 0


def _skip_blocks(content: bytes, start: int, blocks: int, field: str) -> tuple[int, int]:
    """Return where the blocks end, and how many more the file may have."""
    size = 1
    while size:
        size = content[start]
        start, blocks = start + 1 + size, blocks - 1
        if not blocks:
            raise TooLargeError(field, f"at most {MAX_BLOCKS} blocks before the second frame", Text("more"))
    return start, blocks
