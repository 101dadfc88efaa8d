"""Turn decoded pictures of any mode into grey or red, green and blue, with nothing left transparent."""

from __future__ import annotations

import numpy as np
from PIL import Image

from service.core.arrays import Floats

# Channels that differ by no more than this are noise of grey.
GREY_SPREAD = 14
# From so much opaque on, what is opaque is a sheet with figures on it, if its levels differ by so much.
SHEET, SHEET_SPREAD = 0.5, 24
OPAQUE = 128


def flatten(image: Image.Image) -> Image.Image:
    """Return a picture in mode L or RGB.

    What is transparent takes a level that contrasts with what is not: strokes alone lie on black or white,
    whichever is farther from them, and a sheet that was cut out on its own colour.
    """
    if image.mode.startswith("I"):
        return _stretch(np.asarray(image, np.float32))
    if image.has_transparency_data:
        image = _fill(image.convert("RGBA"))
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def to_planes(image: Image.Image) -> Floats:
    """Return the channels of a small picture: `(1 or 3, height, width)` float32 in [0, 255].

    Grey that is stored as colour has one.
    """
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        return pixels.astype(np.float32)[None]
    # Each channel by itself: to reduce an axis of three takes thirty times as long.
    red, green, blue = np.ascontiguousarray(np.moveaxis(pixels[::2, ::2], 2, 0))
    highest = np.maximum(np.maximum(red, green), blue)
    spread = highest - np.minimum(np.minimum(red, green), blue)
    if np.count_nonzero(spread > GREY_SPREAD) <= spread.size * 1e-3:
        return np.asarray(image.convert("L"), np.float32)[None]
    return np.moveaxis(pixels, 2, 0).astype(np.float32, order="C")


def _stretch(levels: Floats) -> Image.Image:
    """Return 16-bit grey, of which cameras and scanners use a part, in 8 bits."""
    low, high = float(levels.min()), float(levels.max())
    scaled = (levels - low) * (255 / max(high - low, 1))
    return Image.fromarray(scaled.astype(np.uint8))


def _fill(image: Image.Image) -> Image.Image:
    alpha = np.asarray(image.getchannel("A"))
    # Of a brush that covers little, what covers most counts.
    opaque = max(1, min(OPAQUE, (int(alpha.max()) + 1) // 2))
    grey = np.asarray(image.convert("RGB").convert("L"))[alpha >= opaque]
    if not grey.size:
        level = 255
    else:
        middle = float(np.median(grey))
        spread = np.percentile(grey, 99) - np.percentile(grey, 1)
        whole = grey.size >= SHEET * alpha.size and spread >= SHEET_SPREAD
        level = round(middle) if whole else 0 if middle > 127 else 255
    ground = Image.new("RGBA", image.size, (level, level, level, 255))
    return Image.alpha_composite(ground, image).convert("RGB")
