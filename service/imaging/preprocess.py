"""Decode uploads, and fit them to the size and polarity of a model's pictures. Pure functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from service.core.arrays import Floats
from service.core.choices import ImagePolarity
from service.core.errors import InvalidValueError, Text
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
    return _to_floats(decode(content, field, max_pixels, check), channels)


def _to_floats(image: Image.Image, channels: int) -> Floats:
    if image.mode.startswith("I"):
        grey = np.asarray(image, np.float32)[..., np.newaxis] / np.float32(65535)
        return np.repeat(np.clip(grey, 0, 1), channels, axis=2)
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    image = image.convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(image, np.float32) / np.float32(255)
    return pixels.reshape(image.height, image.width, channels)


def find_polarity(x: Floats) -> ImagePolarity:
    """Find whether a picture is dark on light or light on dark, from its border.

    Args:
        x: `(height, width, channels)` float32 in [0, 1].

    Returns:
        "dark-on-light" when the median of the outermost pixels is above one half.
    """
    border = np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]])
    return "dark-on-light" if np.median(border) > 0.5 else "light-on-dark"


def scale_into(x: Floats, height: int, width: int) -> Floats:
    """Scale a picture to the largest size within a box, keeping its proportions.

    Args:
        x: `(h, w, channels)` float32 in [0, 1].
        height: Of the box.
        width: Of the box.

    Returns:
        Float32 in [0, 1], as high or as wide as the box.
    """
    ratio = min(height / x.shape[0], width / x.shape[1])
    size = max(1, round(x.shape[1] * ratio)), max(1, round(x.shape[0] * ratio))
    planes = [
        # A mode "F" picture keeps float precision while it is resampled, one channel at a time.
        np.asarray(Image.fromarray(np.ascontiguousarray(x[..., c])).resize(size, Image.Resampling.LANCZOS))
        for c in range(x.shape[2])
    ]
    scaled: Floats = np.clip(np.stack(planes, axis=2), 0, 1).astype(np.float32)
    return scaled


def fit(x: Floats, height: int, width: int, box: int | None, field: str) -> Floats:
    """Fit a light figure on dark ground to a model's size: with `fit_ink` if there is a box, else whole."""
    return fit_whole(x, height, width) if box is None else fit_ink(x, height, width, box, field)


def fit_whole(x: Floats, height: int, width: int) -> Floats:
    """Scale a whole picture into the middle of a canvas of 0, keeping its proportions.

    Args:
        x: `(h, w, channels)` float32 in [0, 1].
        height: Of the result.
        width: Of the result.

    Returns:
        `(height, width, channels)` float32 in [0, 1].
    """
    scaled = scale_into(x, height, width)
    h, w, channels = scaled.shape
    top, left = (height - h) // 2, (width - w) // 2
    canvas = np.zeros((height, width, channels), np.float32)
    canvas[top : top + h, left : left + w] = scaled
    return canvas


def fit_ink(x: Floats, height: int, width: int, box: int, field: str) -> Floats:
    """Fit a light figure on dark ground as MNIST's makers did (LeCun et al. 1998, section III.A).

    The bounding box of the ink is scaled into a square box, and its centre of mass put in the middle.

    Args:
        x: `(h, w, channels)` float32 in [0, 1], 0 the background.
        height: Of the result.
        width: Of the result.
        box: Longest side of the scaled ink, which stays within the picture.
        field: The name of the field, for errors.

    Returns:
        `(height, width, channels)` float32 in [0, 1].

    Raises:
        InvalidValueError: There is no ink.
    """
    ink = x.max(axis=2)
    # Paper is never quite even: what is less than a fifth of the way to the darkest stroke is background.
    low = np.float32(np.median(ink))
    ground = low + 0.2 * (ink.max() - low)
    rows, columns = np.nonzero((ink > ground).any(axis=1))[0], np.nonzero((ink > ground).any(axis=0))[0]
    if not rows.size or ink.max() - low < 0.1:
        raise InvalidValueError(
            field, "a figure that stands out from its background", Text("an even picture")
        )
    cut = x[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    cut = np.clip((cut - low) / (ink.max() - low), 0, 1).astype(np.float32)
    return _centre(scale_into(cut, min(box, height), min(box, width)), height, width)


def _centre(figure: Floats, height: int, width: int) -> Floats:
    h, w, channels = figure.shape
    mass = figure.sum(axis=2)
    total = mass.sum()
    row = float((mass.sum(axis=1) * np.arange(h)).sum() / total)
    column = float((mass.sum(axis=0) * np.arange(w)).sum() / total)
    # In MNIST the mean lies on row and column 14 of 0 to 27, measured over its 60,000 training images.
    top = min(max(round(height / 2 - row), 0), height - h)
    left = min(max(round(width / 2 - column), 0), width - w)
    canvas = np.zeros((height, width, channels), np.float32)
    canvas[top : top + h, left : left + w] = figure
    return canvas
