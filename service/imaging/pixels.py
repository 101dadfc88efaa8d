"""Convert pixels from floats to bytes, and to rows. Pure functions."""

from __future__ import annotations

import numpy as np

from service.core.arrays import Bytes, Floats


def to_bytes(image: Floats) -> Bytes:
    """Round pixels to 8 bits.

    Args:
        image: Any shape, float32 in [0, 1].

    Returns:
        Same shape, uint8; 0 is 0.0 and 255 is 1.0.
    """
    levels = np.multiply(image, np.float32(255))
    np.rint(levels, levels)
    pixels: Bytes = levels.astype(np.uint8)
    return pixels


def write_lines(levels: Bytes) -> Bytes:
    """Return each row of pixels behind a 0.

    Args:
        levels: `(batch, height, width, channels)` uint8.

    Returns:
        `(batch, height, 1 + width * channels)` uint8, contiguous.
    """
    n, height, width, channels = levels.shape
    lines = np.zeros((n, height, 1 + width * channels), np.uint8)
    lines[:, :, 1:] = levels.reshape(n, height, -1)
    return lines
