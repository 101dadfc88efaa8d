"""Decode uploads, and tell their polarity. Pure functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from service.core.arrays import Floats
from service.core.choices import ImagePolarity
from service.imaging.reading.decoding import decode


def read_image(
    content: bytes, field: str, channels: int, max_pixels: int, check: Callable[[], None] = lambda: None
) -> Floats:
    """Decode an uploaded picture of any format, size and colour; see `decoding.decode`, for its errors too.

    Transparency is laid over white, as on a page; 16-bit grey keeps its range.

    Args:
        content: The file.
        field: The name of the field, for errors.
        channels: 1 for grey, 3 for colour.
        max_pixels: Largest width times height.
        check: Called again and again; it stops the work by raising.

    Returns:
        `(height, width, channels)` float32 in [0, 1].
    """
    return to_floats(decode(content, field, max_pixels, check), channels)


def to_floats(image: Image.Image, channels: int) -> Floats:
    """Return a picture's pixels: `(height, width, channels)` float32 in [0, 1], transparency over white."""
    if image.mode.startswith("I"):
        grey = np.asarray(image, np.float32)[..., np.newaxis] / np.float32(65535)
        return np.repeat(np.clip(grey, 0, 1), channels, axis=2)
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    pixels = np.asarray(image, np.float32) / np.float32(255)
    return pixels.reshape(image.height, image.width, channels)


def find_polarity(x: Floats) -> ImagePolarity:
    """Find whether a picture is dark on light or light on dark, from its border.

    Args:
        x: `(height, width, channels)` float32 in [0, 1].

    Returns:
        "dark-on-light" when the median of the outermost pixels is above one half.
    """
    return tell_polarity(find_median(find_border(x)))


def tell_polarity(ground: float) -> ImagePolarity:
    """Tell a picture's polarity from the median of its outermost pixels, in [0, 1]."""
    return "dark-on-light" if ground > 0.5 else "light-on-dark"


def find_border(x: Floats) -> Floats:
    """Return the outermost pixels of `(height, width, channels)`: `(n, channels)`."""
    return np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]])


def find_median(values: Floats) -> float:
    """Return the median of at least one number, none of them NaN: NumPy's own takes four times as long."""
    middle = values.size // 2
    if values.size % 2:
        return float(np.partition(values, middle, axis=None)[middle])
    low, high = np.partition(values, (middle - 1, middle), axis=None)[middle - 1 : middle + 1]
    return float((low + high) / np.float32(2))
