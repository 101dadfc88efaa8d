"""Write animated PNG files (PNG, third edition, section 11.3.6), a frame at a time. Pure functions.

A file is `begin`, then `write_frame` for each frame in order, then `end`; each part can be sent at once.
"""

from __future__ import annotations

import struct

from service.core.arrays import Bytes
from service.imaging.formats import png

MILLISECONDS = 1000
# A frame stays until the next one, which replaces all of it.
KEEP, REPLACE = 0, 0


def begin(width: int, height: int, channels: int, frames: int, loops: int) -> bytes:
    """Return the bytes before the first frame.

    Args:
        width: Of a frame once scaled, in pixels.
        height: Of a frame once scaled, in pixels.
        channels: 1 for grey, 3 for colour.
        frames: How many will follow, at least 1.
        loops: How many times they are played; 0 for ever.

    Raises:
        ValueError: Another number of channels.
    """
    control = png.write_chunk(b"acTL", struct.pack(">II", frames, loops))
    return png.write_start(width, height, channels) + control


def write_frame(pixels: Bytes, index: int, duration_ms: int, scale: int = 1) -> bytes:
    """Return the bytes of a frame, which replaces the one before and does not depend on it.

    Args:
        pixels: `(height, width, channels)` uint8.
        index: The number of the frame, from 0.
        duration_ms: How long it is shown, 1 to 65535.
        scale: The side of the square that each pixel becomes.
    """
    height, width, _ = pixels.shape
    # Control and data chunks are numbered together; the first frame's data bears no number.
    number = max(2 * index - 1, 0)
    size = width * scale, height * scale, 0, 0
    control = struct.pack(">IIIIIHHBB", number, *size, duration_ms, MILLISECONDS, KEEP, REPLACE)
    kind, prefix = (b"IDAT", b"") if index == 0 else (b"fdAT", struct.pack(">I", number + 1))
    data = png.write_chunk(kind, prefix + png.deflate(pixels, scale))
    return png.write_chunk(b"fcTL", control) + data


def end() -> bytes:
    """Return the bytes after the last frame."""
    return png.END


def write_apng(frames: Bytes, duration_ms: int, loops: int, scale: int = 1) -> bytes:
    """Write a whole file.

    Args:
        frames: `(n, height, width, channels)` uint8 with 1 or 3 channels, none of the four 0.
        duration_ms: How long each is shown, 1 to 65535.
        loops: How many times they are played; 0 for ever.
        scale: The side of the square that each pixel becomes.

    Returns:
        The file. Equal frames give equal bytes, on one kind of processor.

    Raises:
        ValueError: Another number of channels.
    """
    n, height, width, channels = frames.shape
    start = begin(width * scale, height * scale, channels, n, loops)
    parts = [write_frame(frame, index, duration_ms, scale) for index, frame in enumerate(frames)]
    return b"".join((start, *parts, end()))
