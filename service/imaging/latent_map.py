"""Draw a map of latent space: points in a plane, coloured by label, with a legend. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from service.core.arrays import Bytes

# Ten hues a tenth of the circle apart, in an order that keeps neighbours in number apart in hue.
COLOURS = (
    (31, 119, 200), (240, 128, 20), (44, 150, 60), (214, 40, 50), (140, 90, 200),
    (130, 84, 60), (228, 110, 190), (120, 120, 120), (190, 180, 30), (20, 180, 200),
)  # fmt: skip
PAPER = (255, 255, 255)
INK = (40, 40, 40)
RULE = (215, 215, 215)
# Drawn at twice the size and reduced, so that dots are smooth.
OVERSIZE = 2
MARGIN = 0.02


def measure_extent(points: NDArray[np.float64]) -> float:
    """Return the smallest multiple of one half that holds both coordinates of 99.9% of the points."""
    return max(0.5, math.ceil(2 * float(np.quantile(np.abs(points).max(axis=1), 0.999))) / 2)


def draw_map(points: NDArray[np.float64], label: NDArray[np.int64], extent: float, size: int) -> Bytes:
    """Draw points as dots.

    Args:
        points: `(n, 2)`; the axes go to the right and upwards.
        label: `(n,)`.
        extent: Both axes go from -extent to extent; points outside are left out.
        size: The side of the map, in pixels; the legend is beside it.

    Returns:
        `(size, size + legend, 3)` uint8.
    """
    side = size * OVERSIZE
    image = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(image)
    middle = side / 2
    draw.line((middle, 0, middle, side), RULE, OVERSIZE)
    draw.line((0, middle, side, middle), RULE, OVERSIZE)
    font = ImageFont.load_default(max(8, size // 36) * OVERSIZE)
    draw.text((side - MARGIN * side, middle), f"{extent:g}", INK, font, anchor="rd")
    draw.text((middle, MARGIN * side), f"{extent:g}", INK, font, anchor="rt")
    radius = max(3.0, side / 360)
    scale = (1 - 2 * MARGIN) * middle / extent
    known = np.unique(label).tolist()
    for (x, y), value in zip((points * (scale, -scale) + middle).tolist(), label.tolist(), strict=True):
        colour = COLOURS[known.index(value) % len(COLOURS)]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour)
    small = image.resize((size, size), Image.Resampling.BOX)
    return np.concatenate([np.asarray(small), _draw_legend(known, size)], axis=1)


def _draw_legend(labels: Sequence[int], size: int) -> Bytes:
    line = max(8, min(size // 18, size // (len(labels) + 1)))
    font = ImageFont.load_default(line * 0.8)
    width = math.ceil(2.2 * line + max(font.getlength(str(value)) for value in labels))
    image = Image.new("RGB", (width, size), PAPER)
    draw = ImageDraw.Draw(image)
    for i, value in enumerate(labels):
        middle = line * (i + 1)
        box = (0.5 * line, middle - 0.35 * line, 1.2 * line, middle + 0.35 * line)
        draw.rectangle(box, COLOURS[i % len(COLOURS)])
        draw.text((1.6 * line, middle), str(value), INK, font, anchor="lm")
    return np.asarray(image)
