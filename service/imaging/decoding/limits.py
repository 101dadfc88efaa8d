"""Owns what is refused of all pictures: sizes, and words for those that are damaged."""

from __future__ import annotations

from service.core.errors import MalformedBodyError, Text, TooLargeError

# The longest that a JPEG can say. A row of a PNG costs its decoder 40 ns, however short it is.
MAX_SIDE = 65_535


def damaged(field: str, what: str) -> MalformedBodyError:
    """Return what to raise of a damaged file.

    Args:
        field: What errors name.
        what: What is wrong with it.
    """
    return MalformedBodyError(field, "a whole PNG or JPEG file", Text(f"a damaged one ({what})"))


def check_size(field: str, width: int, height: int, max_pixels: int) -> None:
    """Check what the head of a file says of its size.

    Raises:
        MalformedBodyError: It says nothing.
        TooLargeError: More pixels, or longer sides, than there may be.
    """
    size = Text(f"{width} x {height}")
    if not width * height:
        raise damaged(field, f"of {size} pixels")
    if width * height > max_pixels:
        raise TooLargeError(field, f"at most {max_pixels} pixels", size)
    if max(width, height) > MAX_SIDE:
        raise TooLargeError(field, f"sides of at most {MAX_SIDE} pixels", size)
