"""Owns writing sequences of pictures as GIF and WebP, and what each format can hold. Pure functions.

Pillow compresses each frame, but the files are put together here: Pillow would join equal frames into one.
"""

from __future__ import annotations

from typing import Literal

from service.core.errors import InvalidValueError, Text

Format = Literal["png", "apng", "gif", "webp"]

# The longest side of a picture, in pixels. WebP's is that of libwebp, the others their standards'.
MAX_SIDE: dict[Format, int] = {"png": 2**31 - 1, "apng": 2**31 - 1, "gif": 2**16 - 1, "webp": 16_383}
# APNG's field, the shortest of the three formats'.
MAX_DURATION_MS = 2**16 - 1
# GIF's and WebP's fields.
MAX_LOOPS = 2**16 - 1


def check_sides(kind: Format, height: int, width: int) -> None:
    """Checks that a format can hold a picture, before one is drawn.

    Raises:
        InvalidValueError: A side is longer than `MAX_SIDE`; names `scale`.
    """
    if max(height, width) > MAX_SIDE[kind]:
        expected = f"a scale that makes no side longer than {kind}'s {MAX_SIDE[kind]} pixels"
        raise InvalidValueError("scale", expected, Text(f"one that makes {width} x {height}"))
