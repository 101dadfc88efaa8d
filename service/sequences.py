"""Owns writing sequences of pictures as GIF and WebP, and what each format can hold. Pure functions.

Pillow compresses each frame, but the files are put together here: Pillow would join equal frames into one.
"""

from __future__ import annotations

import io
import struct
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.core.arrays import Bytes
from service.core.errors import InvalidValueError, Text

Format = Literal["png", "apng", "gif", "webp"]

# The longest side of a picture, in pixels. WebP's is that of libwebp, the others their standards'.
MAX_SIDE: dict[Format, int] = {"png": 2**31 - 1, "apng": 2**31 - 1, "gif": 2**16 - 1, "webp": 16_383}
# APNG's field, the shortest of the three formats'.
MAX_DURATION_MS = 2**16 - 1
# GIF's and WebP's fields.
MAX_LOOPS = 2**16 - 1
# Browsers show what asks for less than 20 ms for 100 ms.
MIN_GIF_DURATION_CS = 2
PALETTE_COLOURS = 256
GIF_START_BYTES = 13
RIFF_START_BYTES = 12
# Lossless, "quality" is effort: 25 takes 28 to 44 % less time than the default, 80; files grow by 0 to 4 %.
WEBP_EFFORT = 25
# No blending with the frame before, and no clearing after.
WEBP_REPLACE = 0b10
WEBP_ANIMATED = 0b10


def check_sides(kind: Format, height: int, width: int) -> None:
    """Checks that a format can hold a picture, before one is drawn.

    Raises:
        InvalidValueError: A side is longer than `MAX_SIDE`; names `scale`.
    """
    if max(height, width) > MAX_SIDE[kind]:
        expected = f"a scale that makes no side longer than {kind}'s {MAX_SIDE[kind]} pixels"
        raise InvalidValueError("scale", expected, Text(f"one that makes {width} x {height}"))


def write_gif(frames: Bytes, duration_ms: int, loops: int) -> bytes:
    """Writes an animated GIF.

    Frames of grey, and frames that have at most 256 colours in all, are kept exactly. Of more colours a
    palette of 256 is chosen for all frames together, and each pixel takes one of them.

    Args:
        frames: `(n, height, width, channels)` uint8 with 1 or 3 channels, none of the four 0.
        duration_ms: How long each is shown, 1 to `MAX_DURATION_MS`; rounded to 10 ms, and at least 20.
        loops: How many times they are played, 0 for ever, at most `MAX_LOOPS`.

    Returns:
        The file. Same frames, same bytes.

    Raises:
        InvalidValueError: A side is too long.
    """
    n, height, width, _ = frames.shape
    check_sides("gif", height, width)
    indices, palette = _index(frames)
    # A palette of 2 ** (7 + 1) colours of 8 bits for the whole file.
    screen = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0xF7, 0, 0)
    duration_cs = max((duration_ms + 5) // 10, MIN_GIF_DURATION_CS)
    control = struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 0, duration_cs, 0, 0)
    repeat = b"" if n == 1 else _repeat_gif(loops)
    parts = [control + _gif_image(frame) for frame in indices]
    return b"".join((screen, palette.tobytes(), repeat, *parts, b";"))


def _repeat_gif(loops: int) -> bytes:
    # The field counts what comes after the first time; a file without it is played once.
    if loops == 1:
        return b""
    return struct.pack("<BBB11sBBHB", 0x21, 0xFF, 11, b"NETSCAPE2.0", 3, 1, max(loops - 1, 0), 0)


def _gif_image(indices: Bytes) -> bytes:
    file = io.BytesIO()
    # The indices pass as grey levels, whose palette of 256 is then cut off.
    Image.fromarray(indices).save(file, "GIF", optimize=False, interlace=False)
    return file.getvalue()[GIF_START_BYTES + 3 * PALETTE_COLOURS : -1]


def _index(frames: Bytes) -> tuple[Bytes, Bytes]:
    # Each pixel's place in a palette, `(n, height, width)`, and the palette, `(256, 3)`.
    if frames.shape[3] == 1:
        levels = np.arange(PALETTE_COLOURS, dtype=np.uint8)
        return frames[..., 0], np.repeat(levels[:, np.newaxis], 3, axis=1)
    # A frame at a time: of all at once, the places alone take eight bytes a pixel, several times.
    seen = np.zeros(1 << 24, np.bool_)
    for frame in frames:
        seen[_pack(frame)] = True
    colours = np.flatnonzero(seen)
    if len(colours) > PALETTE_COLOURS:
        return _quantise(frames)
    places = np.zeros(len(seen), np.uint8)
    places[colours] = np.arange(len(colours))
    palette = np.zeros((PALETTE_COLOURS, 3), np.uint8)
    palette[: len(colours)] = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    return np.stack([places[_pack(frame)] for frame in frames]), palette


def _pack(frame: Bytes) -> NDArray[np.int32]:
    """Return each pixel's colour as one number."""
    red, green, blue = (frame[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _quantise(frames: Bytes) -> tuple[Bytes, Bytes]:
    n, height, width, channels = frames.shape
    stack = Image.fromarray(np.ascontiguousarray(frames).reshape(n * height, width, channels))
    # Dithering would flicker from frame to frame.
    image = stack.quantize(PALETTE_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colours = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
    palette = np.zeros((PALETTE_COLOURS, 3), np.uint8)
    palette[: len(colours)] = colours
    return np.asarray(image).reshape(n, height, width), palette


def write_webp(frames: Bytes, duration_ms: int, loops: int) -> bytes:
    """Writes a lossless WebP: animated, or a still picture if there is one frame.

    Args:
        frames: `(n, height, width, channels)` uint8 with 1 or 3 channels, none of the four 0.
        duration_ms: How long each is shown, 1 to `MAX_DURATION_MS`.
        loops: How many times they are played, 0 for ever, at most `MAX_LOOPS`.

    Returns:
        The file. Same frames, same bytes.

    Raises:
        InvalidValueError: A side is too long.
    """
    n, height, width, _ = frames.shape
    check_sides("webp", height, width)
    stills = [_still_webp(frame) for frame in frames]
    if n == 1:
        return stills[0]
    size = _bits24(width - 1) + _bits24(height - 1)
    start = _riff_chunk(b"VP8X", struct.pack("<I", WEBP_ANIMATED) + size)
    control = _riff_chunk(b"ANIM", struct.pack("<IH", 0, loops))
    # At x 0 and y 0, of the whole size.
    head = bytes(6) + size + _bits24(duration_ms) + bytes([WEBP_REPLACE])
    parts = [_riff_chunk(b"ANMF", head + still[RIFF_START_BYTES:]) for still in stills]
    return _riff_chunk(b"RIFF", b"".join((b"WEBP", start, control, *parts)))


def _still_webp(frame: Bytes) -> bytes:
    file = io.BytesIO()
    colours = np.ascontiguousarray(np.broadcast_to(frame, (*frame.shape[:2], 3)))
    Image.fromarray(colours).save(file, "WEBP", lossless=True, quality=WEBP_EFFORT)
    return file.getvalue()


def _riff_chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((kind, struct.pack("<I", len(data)), data, bytes(len(data) % 2)))


def _bits24(value: int) -> bytes:
    return value.to_bytes(3, "little")
