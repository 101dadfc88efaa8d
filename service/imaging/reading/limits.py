"""The limits of all uploaded pictures, and the errors for damaged and unknown ones."""

from __future__ import annotations

from service.core.errors import MalformedBodyError, Text, TooLargeError

# The longest side that a JPEG can have. A row of a PNG costs its decoder 40 ns, however short it is.
MAX_SIDE = 65_535


def damaged(field: str, what: str) -> MalformedBodyError:
    """Return the error for a damaged file, with what is wrong with it."""
    return MalformedBodyError(field, "a whole picture file", Text(f"a damaged one ({what})"))


def check_size(field: str, width: int, height: int, max_pixels: int) -> None:
    """Check the size that the head of a file declares.

    Raises:
        MalformedBodyError: A side is 0.
        TooLargeError: Too many pixels, or a side that is too long.
    """
    size = Text(f"{width} x {height}")
    if not width * height:
        raise damaged(field, f"of {size} pixels")
    if width * height > max_pixels:
        raise TooLargeError(field, f"at most {max_pixels} pixels", size)
    if max(width, height) > MAX_SIDE:
        raise TooLargeError(field, f"sides of at most {MAX_SIDE} pixels", size)
