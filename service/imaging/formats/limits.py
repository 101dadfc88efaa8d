"""What image formats can hold: sides, durations, repetitions. Pure functions."""

from __future__ import annotations

from typing import Literal

from service.core.errors import InvalidValueError, Text

Format = Literal["png", "apng", "gif", "webp"]

# The longest side of a picture, in pixels, by libwebp for WebP, else by the standard.
MAX_SIDE: dict[Format, int] = {"png": 2**31 - 1, "apng": 2**31 - 1, "gif": 2**16 - 1, "webp": 16_383}
# By the field of APNG, the smallest of the three formats.
MAX_DURATION_MS = 2**16 - 1
# By the fields of GIF and WebP.
MAX_LOOPS = 2**16 - 1


def check_sides(kind: Format, height: int, width: int) -> None:
    """Raise `InvalidValueError`, naming `scale`, if a side is longer than the format's `MAX_SIDE`."""
    if max(height, width) > MAX_SIDE[kind]:
        expected = f"a scale that makes no side longer than {kind}'s {MAX_SIDE[kind]} pixels"
        raise InvalidValueError("scale", expected, Text(f"one that makes {width} x {height}"))
