"""Convert pixels from floats to bytes. A pure function."""

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
