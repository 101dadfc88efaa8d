"""Judge the parts of a mask by size, shape and place: which may be a figure, and how likely."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Floats
from service.imaging.figures.background import spread
from service.imaging.figures.components import Components, Mask

Numbers = NDArray[np.float64]
Levels = NDArray[np.uint8]
# The shortest side of a figure as a part of the picture's, and the fewest pixels along its longer side.
MIN_SIZE, MIN_PIXELS = 1 / 40, 6
# Across an edge a picture rises by at least this part of the contrast.
EDGE = 0.3
# What touches the picture's edge, lies flat or encloses others is seldom a figure.
AT_EDGE, LEVEL_LINE, ENCLOSES, BLOTTED = 0.08, 0.2, 0.1, 0.15


class Relief:
    """How a picture rises and falls: three maps, `(height, width)` float32, in levels of 255.

    Attributes:
        ink: How far each pixel stands out from the background, to one side.
        other: How far it does to the other side; None: nothing does.
        slope: How steep the picture is there.
    """

    def __init__(self, ink: Floats, other: Floats, slope: Floats) -> None:
        """Store the maps; `other` is how far each pixel stands out to the other side."""
        self.ink, self.slope = ink, slope
        self.other = other if other.any() else None

    @functools.cached_property
    def near_other(self) -> Levels | None:
        """How far those within two pixels of it do to the other side, at most; None: nothing does."""
        return None if self.other is None else spread(np.rint(self.other).astype(np.uint8), np.maximum, 2)


@dataclasses.dataclass(frozen=True)
class Shapes:
    """Measures of each component.

    Attributes:
        size: The longer side of its box.
        stroke: How thick its strokes are.
        strength: How far it stands out from the background, on average.
        edges: Which part of its outline divides ink from background.
        at_edge: Whether it touches the picture's edge.
        quality: How likely it is a figure, in [0, 1], whatever its size.
    """

    size: Numbers
    stroke: Numbers
    strength: Numbers
    edges: Numbers
    at_edge: Mask
    quality: Numbers

    @property
    def rank(self) -> Numbers:
        """The likeliest figure has the highest: the larger of two that are as good."""
        return _rank(self.quality, self.size)


def judge(parts: Components, mask: Mask, relief: Relief, peak: float, rank: float = 0) -> Shapes | None:
    """Measure the components of a mask; None if whatever their edges are like, none ranks above `rank`.

    Args:
        parts: Of the mask.
        mask: `(height, width)`.
        relief: What the mask was made from.
        peak: How far the picture's strongest strokes stand out.
        rank: Of the best figure that is known.
    """
    height, width = mask.shape
    high, wide = parts.bottom - parts.top, parts.right - parts.left
    size = np.maximum(high, wide).astype(np.float64)
    strength = parts.sum(relief.ink) / parts.area
    stroke = _measure_strokes(parts, mask)
    at_edge = _at_edge(parts, height, width)
    quality = np.sqrt(np.minimum(strength / peak, 1))
    quality *= np.clip((0.5 - stroke / size) / 0.25, BLOTTED, 1)
    quality[(size < MIN_PIXELS) | (size < MIN_SIZE * min(height, width))] = 0
    quality[at_edge] *= AT_EDGE
    quality[(wide > 5 * high) | (high > 25 * wide)] *= LEVEL_LINE
    quality *= 1 - 0.4 * _distance(parts, height, width)
    if not _rank(quality, size).max() > rank:
        return None
    edges = _measure_edges(parts, mask, relief, strength)
    quality *= np.square(edges)
    quality[_encloses(parts, quality, size)] *= ENCLOSES
    return Shapes(size, stroke, strength, edges, at_edge, quality)


def _rank(quality: Numbers, size: Numbers) -> Numbers:
    ranks: Numbers = np.square(quality) * np.sqrt(size)
    return ranks


def _measure_edges(parts: Components, mask: Mask, relief: Relief, strength: Numbers) -> Numbers:
    """Return which part of each outline divides ink from background: of shadows and glare, little."""
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    outline = (mask & ~inner).astype(np.float32)
    least = EDGE * parts.spread(strength, len(mask))
    good = relief.slope > least
    if relief.near_other is not None:
        good &= relief.near_other <= least
    return parts.sum(outline * good) / np.maximum(parts.sum(outline), 1)


def _measure_strokes(parts: Components, mask: Mask) -> Numbers:
    """Return the thickness of straight strokes of any direction, from the lengths of their runs."""
    upper = mask.copy()
    upper[1:] &= ~mask[:-1]
    runs = np.bincount(parts.label, minlength=len(parts.area))
    lines = parts.sum(upper.astype(np.float32))
    return parts.area / np.hypot(runs, lines)


def _at_edge(parts: Components, height: int, width: int) -> Mask:
    edge: Mask = (parts.top <= 0) | (parts.left <= 0) | (parts.bottom >= height) | (parts.right >= width)
    return edge


def _distance(parts: Components, height: int, width: int) -> Numbers:
    """Return how far the middle of each lies from the picture's, 1 in the corners."""
    row = (parts.top + parts.bottom) / height - 1
    column = (parts.left + parts.right) / width - 1
    distance: Numbers = np.hypot(row, column) / np.sqrt(2)
    return distance


def _encloses(parts: Components, score: Numbers, size: Numbers) -> Mask:
    """Tell which are frames: they keep to the sides of their box, and a figure may lie in it."""
    frames = np.zeros(len(score), bool)
    for outer in np.argsort(-score * size)[:8]:
        if score[outer] > 0:
            within = (
                (parts.top > parts.top[outer])
                & (parts.bottom < parts.bottom[outer])
                & (parts.left > parts.left[outer])
                & (parts.right < parts.right[outer])
                & (size > size[outer] * 0.25)
                & (score > 0)
            )
            frames[outer] = within.any() and _keeps_to_sides(parts, int(outer))
    return frames


def _keeps_to_sides(parts: Components, label: int) -> bool:
    """Tell whether nearly all of a component lies near the sides of its box."""
    runs = parts.runs
    here = parts.label == label
    row, start, stop = runs.row[here], runs.start[here], runs.stop[here]
    high, wide = parts.bottom[label] - parts.top[label], parts.right[label] - parts.left[label]
    top, bottom = parts.top[label] + 0.2 * high, parts.bottom[label] - 0.2 * high
    left, right = parts.left[label] + 0.2 * wide, parts.right[label] - 0.2 * wide
    inside = np.clip(np.minimum(stop, right) - np.maximum(start, left), 0, None)
    return bool(inside[(row >= top) & (row < bottom)].sum() < 0.1 * parts.area[label])
