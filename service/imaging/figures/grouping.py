"""Choose the parts that make up one figure: the strokes of a 5 need not touch."""

from __future__ import annotations

import numpy as np

from service.imaging.figures.components import Components, Mask
from service.imaging.figures.shapes import Shapes

# A part belongs to a figure if it is this near, in parts of the figure's size: above or below it, and beside.
NEAR, NEAR_BESIDE = 0.22, 0.14
# Beside it only if it is this much lower; as high, it is another figure.
LOWER = 0.55
# It stands out as much, its strokes are about as thick and as sharp, and it is no speck.
LIKE_STRENGTH, LIKE_STROKE, LIKE_EDGES, LEAST_SIZE = 0.5, 2.5, 0.7, 0.12
ROUNDS = 2


def group(parts: Components, shapes: Shapes, label: int) -> Mask:
    """Return which components belong to the figure of one of them."""
    if len(parts.area) == 1:
        return np.ones(1, bool)
    alike = (
        (shapes.strength > LIKE_STRENGTH * shapes.strength[label])
        & (shapes.stroke < LIKE_STROKE * shapes.stroke[label])
        & (shapes.stroke * LIKE_STROKE > shapes.stroke[label])
        & (shapes.edges > LIKE_EDGES * shapes.edges[label])
        & ~shapes.at_edge
    )
    chosen: Mask = np.arange(len(parts.area)) == label
    for _ in range(ROUNDS):
        chosen |= alike & _near(parts, shapes, chosen)
    return chosen


def _near(parts: Components, shapes: Shapes, chosen: Mask) -> Mask:
    top, left = parts.top[chosen].min(), parts.left[chosen].min()
    bottom, right = parts.bottom[chosen].max(), parts.right[chosen].max()
    size = max(bottom - top, right - left)
    high = parts.bottom - parts.top
    across = np.maximum(parts.left - right, left - parts.right)
    down = np.maximum(parts.top - bottom, top - parts.bottom)
    overlap = np.minimum(parts.right, right) - np.maximum(parts.left, left)
    over = overlap > 0.4 * np.minimum(parts.right - parts.left, right - left)
    lower = np.minimum(high, bottom - top) < LOWER * np.maximum(high, bottom - top)
    room = np.where(over, NEAR, np.where(lower, NEAR_BESIDE, 0)) * size
    near: Mask = (np.maximum(across, down) < room) & (shapes.size > LEAST_SIZE * size)
    near &= shapes.size < 2 * size
    return near
